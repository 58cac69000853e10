"""The results of each dataset of surveys: numbers kept after a release, sealed where they are exact, and pages made of them."""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

import polars as pl
import shapely
from sqlalchemy import select

from biodata import places
from biodata.access.roles import Action, Principal, Role, may
from biodata.core.errors import InputError, StoreError
from biodata.core.phrases import packed, unpacked
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.exports.reports.survey_page import survey_file
from biodata.runs.engines.work import Work, facts_of, work_on
from biodata.store import checksums, folders, releases, survey_files
from biodata.store.lake import Lake
from biodata.store.models import Submission
from biodata.store.query.filters import Compare, In
from biodata.store.registry import Registry
from biodata.surveys.words import LANGUAGES, stated
from biodata.text.tables import read_rows

_NUMBERS, _EXACT = "results.json", f"exact{survey_files.SEALED}"
_FORMAT: Final = 6  # raised when numbers change: those that are kept are then made again
_DRAWING: Final = Lock()  # matplotlib's settings are those of the process


def folder(data: Path, dataset: str) -> Path:
    """Return where the results of a dataset lie."""
    return folders.results(data) / hashlib.sha256(dataset.encode()).hexdigest()[:32]


def make(settings: Settings, registry: Registry) -> list[str]:
    """Compute the results of every dataset whose published rows are others than its results were made of; return their keys."""
    current = releases.current(settings.data)
    if current is None:
        return []
    with registry.session(read_only=True) as session:
        parts = select(Submission.dataset).where(Submission.part_version.is_not(None)).distinct()
        datasets = sorted(session.scalars(parts))
    for old in set(folders.results(settings.data).glob("*")) - {folder(settings.data, one) for one in datasets}:
        shutil.rmtree(old)
        checksums.forget_below(folders.service(settings.data), old)
    return [dataset for dataset in datasets if _make(settings, current, dataset)]


def _make(settings: Settings, current: releases.Release, dataset: str) -> bool:
    data, of_dataset = settings.data, Compare("datasetKey", "=", dataset)
    numbers, sealed = (folder(data, dataset) / name for name in (_NUMBERS, _EXACT))
    numbers.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with Lake.open(data, memory_limit=settings.memory_limit) as lake:
        events, records = (lake.read(table, where=of_dataset) for table in ("events", "occurrences"))
    basis = _basis(dataset, events, records)
    try:
        kept = exact(data, dataset)
    except StoreError:  # sealed for another key, as after a restored backup
        kept = None
    if kept is None or kept["basis"] != basis:
        kept = _results(settings, current, dataset, "exact", *_points(records if events.is_empty() else events))
        survey_files.put(data, sealed, _as_json({**kept, "basis": basis}))
    surveys, records = (releases.read(current, table, where=of_dataset) for table in ("surveys", "occurrences"))
    basis, kept = _basis(dataset, surveys, records), read(data, dataset)
    if changed := kept is None or kept["basis"] != basis:
        areas = [None if place is None else shapely.from_wkb(place) for place in surveys["geometry"]]
        opened = records.filter(pl.col("sharing_category") == SharingCategory.OPEN)
        stations = _points(opened) if surveys.is_empty() else (areas, surveys["country_codes"].to_list())
        kept = _results(settings, current, dataset, "public", *stations)
    survey_files.write_whole(numbers, [_as_json({**(kept or {}), "basis": basis, "release": current.id})])
    own = folders.service(data)
    checksums.record(own, {str(path.relative_to(own)): path for path in (numbers, sealed)})
    return changed


def _points(rows: pl.DataFrame) -> tuple[list[shapely.Point | None], list[list[str] | None]]:
    pairs = rows.select("decimalLongitude", "decimalLatitude").iter_rows()
    points = [None if x is None or y is None else shapely.Point(x, y) for x, y in pairs]
    return points, rows["country_codes"].to_list()


def _results(
    settings: Settings, current: releases.Release, dataset: str, view: str, shapes: Sequence[shapely.Geometry | None],
    countries: Sequence[Sequence[str] | None],
) -> dict[str, Any]:  # fmt: skip
    """Return a dataset's numbers, the distinct places of its events or records and common names of its species; or why there are none."""
    asked = {"dataset": dataset, "records": view}
    try:
        results = facts_of(work_on(Work(settings), "survey-results", asked).results)
    except InputError as error:
        return {"refused": error.problem}
    sides = [codes[0] if codes and len(codes) == 1 else "" for codes in countries]
    placed = {(shapely.to_wkt(shape), side) for shape, side in zip(shapes, sides, strict=True) if shape is not None}
    names = _common_names(current, [one["species"] for one in results["species"]])
    return {"results": results, "stations": sorted(placed), "names": names}


def _common_names(current: releases.Release, species: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    bundled = reversed(read_rows("vernacular_names.csv"))
    entries = [(row["scientificName"], row["language"], row["name"]) for row in bundled]
    if species:
        taxa = releases.read(current, "taxa", where=In("scientificName", tuple(species)))
        for name, common in taxa.select("scientificName", "vernacular_names").drop_nulls().sort(pl.all()).iter_rows():
            entries += [(name, tag.partition("-")[0], word) for tag, word in json.loads(common).items()]
    for name, language, word in entries:
        if name in species and language in found:
            found[language][name] = word
    return found


def _basis(dataset: str, *tables: pl.DataFrame) -> str:
    sums = [rows.hash_rows(seed=0).sort().hash(seed=0).sum() if rows.height else 0 for rows in tables]
    return hashlib.sha256(f"{_FORMAT} {dataset} {sums}".encode()).hexdigest()


def _as_json(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(packed(facts), ensure_ascii=False, default=str).encode()


def _of_json(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content, object_hook=unpacked)
    return found


def read(data: Path, dataset: str) -> dict[str, Any] | None:
    """Return a dataset's published results: `release`, `basis`, and `refused` or `results`; None before the first."""
    path = folder(data, dataset) / _NUMBERS
    return _of_json(path.read_bytes()) if path.exists() else None


def exact(data: Path, dataset: str) -> dict[str, Any] | None:
    """Return the exact results of a dataset, which its team alone may have; None where there are none."""
    path = folder(data, dataset) / _EXACT
    if not path.exists():
        return None
    try:
        return _of_json(b"".join(survey_files.opened(data, path)))
    except OSError as error:
        command = f"biodata survey results --dataset {dataset} --records exact --out results.html"
        message = f"this service cannot open exact results; on the data's machine `{command}` makes them"
        raise StoreError(message) from error


def is_of_team(registry: Registry, who: Principal, dataset: str) -> bool:
    """Return whether somebody has the exact results of a dataset."""
    if not may(who, Action.HAND_IN, dataset=dataset):
        return False
    if any(role.role is Role.UPLOADER and role.dataset == dataset for role in who.roles):
        return True
    own = (Submission.dataset == dataset, Submission.account_id == who.account_id, Submission.part_version.is_not(None))
    with registry.session(read_only=True) as session:
        return session.scalar(select(Submission.id).where(*own).limit(1)) is not None


def page(settings: Settings, dataset: str, kept: Mapping[str, Any], language: str, ending: str, *, keep: bool) -> bytes:
    """Return results as a page, or as one sheet of A4 (`.pdf`) where this machine makes PDF; `keep` those that are published."""
    return (_page if keep else _page.__wrapped__)(dataset, _as_json(kept), language, ending, settings.boundaries)


@lru_cache(maxsize=40)
def _page(dataset: str, content: bytes, language: str, ending: str, boundaries: str) -> bytes:
    kept = _of_json(content)
    facts: dict[str, Any] = {
        "title": dataset, "run": kept["basis"][:12], "language": language, "translate": partial(stated, language=language),
        "stations": [(shapely.from_wkt(shape), side) for shape, side in kept["stations"]], "names": kept["names"][language],
        "boundaries": places.load_boundaries(boundaries),
    }  # fmt: skip
    with _DRAWING:
        return survey_file(ending, kept["results"], **facts)
