"""An analysis run: what it was asked, on which version of the lake, what came out, under one name that tells it all."""

import contextlib
import hashlib
import json
import logging
import math
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata import assessments, places, sharing, terms
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.locks import try_lock
from biodata.store.query.filters import InBox
from biodata.store.registry import Registry
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from biodata.analysis.corridors import CorridorParameters
    from biodata.analysis.estimates import Estimate
    from biodata.analysis.layer_reading import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.places import BoundarySet

logger = logging.getLogger(__name__)

EVIDENCE_COLUMNS: Final = (
    "key", "datasetKey", "species", "genus", "family", "order", "class", "phylum", "kingdom", "scientificName",
    "acceptedScientificName", "genericName", "specificEpithet", "infraspecificEpithet", "match_type",
    "match_alternatives", "iucnRedListCategory", "occurrenceStatus", "basisOfRecord", "event_start", "event_end",
    "eventDate", "event_time", "event_zone", "year", "month", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "countryCode",
    "located_country_code", "province_code", "ambiguous", "country_codes", "quality_flags", "geodeticDatum", "repairs",
)  # fmt: skip
"""What the evidence for a candidate is judged by, and everything that a sharing rule looks at."""


NO_CATEGORY: Final = "no Red List category told"
"""Whether such a record is of a threatened species is not known: a checklist with categories tells it."""
_WIDEST_DEGREES: Final = 180.0
"""More than half of the world has no equal-area plane around its middle that a run could be made on."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run of corridors and candidates is asked.

    Attributes
    ----------
    layer : str
        The land-cover layer, as `ingest layer` named it; its window is the run's window where no box is told.
    resistance : str
        CSV table of resistance, as `analysis.resistance_rules` reads it; its land cover is `layer`, its other layers
        are those of the installation that show what it names.
    cell_m : float
        Side of a cell of the equal-area grid, metres.
    max_distance_m : float
        Areas farther apart than this are not joined, metres.
    cut_fraction : float
        A corridor holds what costs up to this fraction more than its cheapest path.
    as_of : str, optional
        The date of the run, ISO 8601: later records are no evidence, and the years are counted back from it. Where none
        is told, the day of the lake's version that is read.
    recent_years : int
        Records of events before these years are no evidence.
    keep_suspicious : bool
        Records of suspicious places (`flags.SUSPICIOUS`) are evidence too.
    evidence_view : EvidenceView
        Which records are read: `public`, what is published of them, or `exact`.
    seed : int
        Start of the draws of weights, by which candidates are ranked.
    dispersal_cost : float, optional
        What the species can spend on a journey, cost-metres; `cut_fraction` is then a share of it.
    species : str, optional
        Whose lines of the table count; needed where it has several species.
    check_window : bool
        Also compute what a smaller window gives, from which the run's window grew by a fifth.
    box : tuple of float, optional
        West, south, east, north in degrees: the part of the layer that is looked at.
    """

    layer: str
    resistance: str
    cell_m: float = 1000.0
    max_distance_m: float = 60_000.0
    cut_fraction: float = 0.1
    as_of: str | None = None
    recent_years: int = 15
    keep_suspicious: bool = False
    evidence_view: EvidenceView = EvidenceView.PUBLIC
    seed: int = 1
    dispersal_cost: float | None = None
    species: str | None = None
    check_window: bool = False
    box: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.box is not None:
            object.__setattr__(self, "box", _checked_box(self.box))
        try:
            object.__setattr__(self, "evidence_view", EvidenceView(self.evidence_view))
        except ValueError as error:
            problem = "there is no such view of the records"
            raise InputError(
                problem, column="evidence_view", value=str(self.evidence_view), expected=" or ".join(EvidenceView),
                code="PARAMETERS_INVALID",
            ) from error  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunReport:
    """What came out of a run.

    Attributes
    ----------
    run_id : str
        Made from code version, lake version, layer, table and parameters: the same run has the same id.
    snapshot : int
        The lake's version that was read.
    areas, pairs, corridors, candidates : int
        Protected areas in the window, pairs answered, those of them with a functional link, and candidates.
    considered : dict of str to int
        Everything that was looked at, by outcome: candidate, failed, without_evidence.
    parameters : dict
        The request and the facts that the run id is made from.
    left_out : dict of str to int
        Records of threatened species in the window that are no evidence, by quality flag or other reason, and those of
        which no Red List category is known (NO_CATEGORY).
    window : str, optional
        What the check of the window found.
    """

    run_id: str
    snapshot: int
    areas: int
    pairs: int
    corridors: int
    candidates: int
    parameters: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    window: str | None = None
    considered: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def find_corridors(
    settings: Settings, request: Request, *, executor: "Executor | None" = None, progress: bool = False
) -> RunReport:
    """Find corridors and candidate reserves between protected areas of different countries; put them into the lake.

    Results of an earlier run over the same layer are replaced; the lake's earlier versions keep them.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Request
        What is asked.
    executor : concurrent.futures.Executor, optional
        Where to work; as many threads as there are cores where none is given. What comes out is the same.
    progress : bool
        Show a progress bar.

    Returns
    -------
    RunReport

    Raises
    ------
    InputError
        If there is no such layer, no protected area in its window, or the table cannot be read.
    """
    from biodata.analysis import areas as area_table
    from biodata.analysis import corridors, evidence, window_check
    from biodata.analysis.candidates import habitat, pressure, search
    from biodata.analysis.candidates.measuring import Surroundings
    from biodata.analysis.candidates.parameters import CandidateParameters

    boundaries = places.load_boundaries(settings.boundaries)
    rules = sharing.RuleSet.read(settings.rules_file)
    with contextlib.ExitStack() as held, Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        layer = _layer(lake, request.layer)
        window = _window(layer, request)
        ground, resistance_facts = _resistance(settings, lake, layer, request, progress=progress)
        table = lake.read("protected_areas")
        areas = area_table.geodataframe(table)
        areas = areas[areas.intersects(_box(window))]
        if areas.empty:
            problem = "no protected area lies in the layer's window"
            expected = "areas there, taken in with `biodata ingest protected-areas FILE`"
            raise InputError(problem, column="layer", value=request.layer, expected=expected, code="AREAS_MISSING")
        parameters = {
            **asdict(request),
            "as_of": _as_of(lake, request, snapshot).isoformat(),
            "resistance": Path(request.resistance).name,
            "resistance_sha256": hashlib.sha256(Path(request.resistance).read_bytes()).hexdigest(),
            "layer_sha256": layer["sha256"],
            **resistance_facts,
            "boundary_set": f"{boundaries.name} {boundaries.version}",
            "boundary_viewpoint": boundaries.viewpoint,
            "boundary_band_m": boundaries.band_m,
            "snapshot": snapshot,
            "rules": rules.hash,
            "biodata": version("biodata"),
            "cells": dict(ground.counts),
        }
        del parameters["check_window"]  # it changes nothing of what is found
        run_id = _run_id(parameters)
        records = _records(settings, lake, window, rules, boundaries, request.evidence_view)
        category = _category(records, request.evidence_view)
        judging = evidence.EvidenceParameters(
            as_of=date.fromisoformat(parameters["as_of"]),
            cell_m=request.cell_m,
            recent_years=request.recent_years,
            excluded_flags=evidence.DOUBTFUL if request.keep_suspicious else evidence.EXCLUDED,
        )
        everything = evidence.counted(records, boundaries=boundaries, parameters=judging)
        counted = everything.threatened()
        unjudged = everything.records["iucnRedListCategory"].null_count()
        home = held.enter_context(_home(settings.data / "runs", run_id))
        choices = _choices(request)
        links = corridors.between(
            areas, ground.resistance, ground.grid, parameters=choices, boundaries=boundaries,
            executor=executor, folder=home, progress=progress,
        )  # fmt: skip
        window_told = None
        if request.check_window:
            window_told = window_check.between(
                links,
                areas,
                ground.resistance,
                ground.grid,
                parameters=choices,
                boundaries=boundaries,
                executor=executor,
            ).told()
        links = _named(links, run_id, "corridor_id", request.layer, parameters)
        wanted = CandidateParameters(seed=request.seed, habitat_resistance=choices.low_resistance)
        found = search.find(
            table.filter(pl.col("area_id").is_in(areas["area_id"].to_list())),
            links,
            counted,
            boundaries=boundaries,
            parameters=wanted,
            view=request.evidence_view,
            category=category,
            surroundings=Surroundings(
                window=window,
                habitat=habitat.of_resistance(ground.resistance, ground.grid, limit=wanted.habitat_resistance),
                layers=_layers_of(lake, settings, pressure.THEMES, window),
            ),
        )
        candidates = _named(found.candidates, run_id, "candidate_id", request.layer, parameters)
        considered = _named(found.considered, run_id, "considered_id", request.layer, parameters)
        _commit(lake, "corridors", links, "corridor_id", request.layer)
        _commit(lake, "reserve_candidates", candidates, "candidate_id", request.layer)
        _commit(lake, "considered_ground", considered, "considered_id", request.layer)
        shutil.rmtree(home, ignore_errors=True)
    functional = int(links["functional"].sum())
    left_out = {
        **evidence.left_out_by_flag(counted.records, judging.excluded_flags),
        **{reason: n for reason, n in counted.reasons().items() if reason != evidence.FLAGGED},
        **({NO_CATEGORY: unjudged} if unjudged else {}),
    }
    report = RunReport(
        run_id, snapshot, len(areas), links.height, functional, candidates.height, parameters, left_out, window_told,
        dict(considered["outcome"].value_counts().sort("outcome").iter_rows()),
    )  # fmt: skip
    with Registry.open(settings) as registry:
        registry.record_run(run_id, request.layer, report.as_dict())
    logger.info("run %s: %d pairs, %d linked, %d candidates", run_id, links.height, functional, candidates.height)
    return report


def estimate(settings: Settings, request: Request) -> "Estimate":
    """Estimate a run before it starts, without reading the layer itself.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Request
        What would be asked.

    Raises
    ------
    InputError
        If there is no such layer.
    """
    from biodata.analysis import areas as area_table
    from biodata.analysis import estimates
    from biodata.analysis.grid import equal_area_grid

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        layer = _layer(lake, request.layer)
        areas = area_table.geodataframe(lake.read("protected_areas"))
    window = _window(layer, request)
    near = areas[areas.intersects(_box(window))]
    return estimates.corridors(near, equal_area_grid(window, request.cell_m), parameters=_choices(request))


def read_results(settings: Settings, table: str) -> pl.DataFrame:
    """Return what a run's results look like once the sharing rules let them out.

    Parameters
    ----------
    settings : Settings
        The installation.
    table : str
        `corridors`, `reserve_candidates`, `considered_ground` or `protected_areas`.

    Returns
    -------
    polars.DataFrame of `terms.PUBLISHED_TABLES[table]`
    """
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        return sharing.publish_results(table, lake.read(table), boundaries=boundaries)


@contextlib.contextmanager
def _home(folder: Path, run_id: str) -> Iterator[Path]:
    """Give a run its folder, where one that was killed goes on; while the same run uses it, another one."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f"{run_id}.lock"
    with lock.open("ab") as handle:
        alone = try_lock(handle.fileno())
        home = folder / (run_id if alone else f"{run_id}.{secrets.token_hex(4)}")
        try:
            yield home
        finally:
            if not alone:
                shutil.rmtree(home, ignore_errors=True)
    if alone and not home.exists():
        lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()  # unless another run is using it


def held_back(settings: Settings, table: str = "reserve_candidates") -> int:
    """Count the rows that stay in the installation, since they were made of exact records."""
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        stored = lake.read(table, columns=["evidence_view"])
    return stored.filter(pl.col("evidence_view").fill_null(str(EvidenceView.EXACT)) != EvidenceView.PUBLIC).height


def _layer(lake: Lake, name: str) -> dict[str, Any]:
    """Return what is known of a layer."""
    layers = lake.read("layers")
    found = layers.filter(pl.col("name") == name)
    if found.is_empty():
        problem = "there is no such layer"
        known = ", ".join(sorted(layers["name"])) or "none; ingest one with `biodata ingest layer FILE.tif`"
        raise InputError(problem, column="layer", value=name, expected=f"one of {known}", code="LAYER_UNKNOWN")
    return found.row(0, named=True)


def _checked_box(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Return four numbers that are a box."""
    numbers = [float(side) for side in box if isinstance(side, int | float) and math.isfinite(side)]
    if len(numbers) == len(box) == 4 and numbers[0] < numbers[2] and numbers[1] < numbers[3]:
        return (numbers[0], numbers[1], numbers[2], numbers[3])
    problem = "this is no box"
    expected = "west,south,east,north in degrees, such as 100,20,103,22.5"
    raise InputError(problem, column="box", value=str(box), expected=expected, code="PARAMETERS_INVALID")


def _window(layer: dict[str, Any], request: Request) -> tuple[float, float, float, float]:
    """Return the part of the layer that a run looks at.

    Raises
    ------
    InputError
        If the box lies beside the layer (RASTER_OUTSIDE), or no plane is equal-area over so much of the world
        (WINDOW_TOO_LARGE).
    """
    whole = (layer["west"], layer["south"], layer["east"], layer["north"])
    box = request.box or whole
    window = (max(box[0], whole[0]), max(box[1], whole[1]), min(box[2], whole[2]), min(box[3], whole[3]))
    if window[0] >= window[2] or window[1] >= window[3]:
        problem = "the box lies beside the layer"
        expected = f"a box within {', '.join(f'{side:g}' for side in whole)}"
        raise InputError(
            problem,
            column="box",
            value=", ".join(f"{side:g}" for side in box),
            expected=expected,
            code="RASTER_OUTSIDE",
        )
    if window[2] - window[0] > _WIDEST_DEGREES:
        problem = f"the window is {window[2] - window[0]:g}° wide, too much of the world for one plane"
        expected = "a part of it, as --box west,south,east,north"
        raise InputError(problem, column="layer", value=request.layer, expected=expected, code="WINDOW_TOO_LARGE")
    return window


def _resistance(
    settings: Settings, lake: Lake, layer: dict[str, Any], request: Request, *, progress: bool
) -> tuple["ResistanceLayer", dict[str, Any]]:
    """Return the resistance of every cell of the run's grid, and which table and layers it is made of."""
    from biodata.analysis import grid as grids
    from biodata.analysis import resistance, resistance_rules
    from biodata.analysis.layer_choice import choose, layer_file

    path = Path(request.resistance)
    table = resistance_rules.for_species(resistance_rules.read_rules(path), request.species, file=path.name)
    known = lake.read("layers").to_dicts()
    rows = {
        name: layer if name in ("land_cover", request.layer) else choose(known, name, name, where=str(settings.data))
        for name in table.layers
    }
    told, home = f"lake {lake.snapshot()}", settings.data / "layers"
    layers = {name: layer_file(row, home / row["file_name"], version=told) for name, row in rows.items()}
    window = _window(layer, request)
    ground = resistance.from_rules(table, layers, grids.equal_area_grid(window, request.cell_m), progress=progress)
    facts = {
        "resistance_version": table.version,
        "resistance_layers": {name: one.sha256 for name, one in layers.items()},
    }
    return ground, facts


def _records(
    settings: Settings,
    lake: Lake,
    window: tuple[float, float, float, float],
    rules: sharing.RuleSet,
    boundaries: "BoundarySet",
    view: EvidenceView,
) -> pl.DataFrame:
    """Return the window's records as a run of this view reads them.

    What the lake knows of an open record beside others it may know from a hidden one (two open records are one event
    since a third, hidden one is like both; a point is used by many hidden ones): the public view asks the open ones alone.
    """
    where = InBox(*sharing.window_to_read(window, view))
    records = lake.read("occurrences", columns=EVIDENCE_COLUMNS, where=where)
    if view is EvidenceView.EXACT:
        records = assessments.beside_others(lake, records)
        return sharing.evidence_view(records, rules, boundaries=boundaries, view=view, window=window)
    shown = sharing.evidence_view(records, rules, boundaries=boundaries, view=view, window=window)
    return assessments.beside_others(lake, shown, assessed=assessments.of_open(settings, lake, rules))


def _category(records: pl.DataFrame, view: EvidenceView) -> SharingCategory:
    """Return the category that results from these records carry: a public view tells no more than what is published."""
    if view is EvidenceView.PUBLIC or records.is_empty():
        return SharingCategory.OPEN
    return SharingCategory(records["sharing_category"][0])


def _as_of(lake: Lake, request: Request, snapshot: int) -> date:
    """Return the date that a run's years are counted back from."""
    if request.as_of is not None:
        try:
            return date.fromisoformat(request.as_of)
        except ValueError as error:
            problem = "the date of the run is no date"
            expected = "an ISO 8601 date, like 2026-11-26"
            raise InputError(
                problem, column="as_of", value=request.as_of, expected=expected, code="DATE_INVALID"
            ) from error
    versions = lake.snapshots()
    day: datetime = versions.filter(pl.col("snapshot") == snapshot)["time"].item()
    return day.date()


def _layers_of(
    lake: Lake, settings: Settings, themes: tuple[str, ...], window: tuple[float, float, float, float]
) -> "list[LayerFile]":
    """Return the layers of these themes that reach into a window."""
    from biodata.analysis.layer_choice import layer_file

    west, south, east, north = window
    near = lake.read("layers").filter(
        pl.col("theme").is_in(themes), pl.col("west") < east, pl.col("east") > west,
        pl.col("south") < north, pl.col("north") > south,
    )  # fmt: skip
    home, told = settings.data / "layers", f"lake {lake.snapshot()}"
    return [layer_file(row, home / row["file_name"], version=told) for row in near.sort("name").iter_rows(named=True)]


def _choices(request: Request) -> "CorridorParameters":
    """Return what a request decides of its corridors."""
    from biodata.analysis.corridors import CorridorParameters

    return CorridorParameters(
        max_distance_m=request.max_distance_m,
        cut_fraction=request.cut_fraction,
        dispersal_cost=request.dispersal_cost,
    )


def _run_id(parameters: dict[str, Any]) -> str:
    """Return a short name that two runs share only if they were asked the same of the same."""
    text = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    return f"{parameters['layer']}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _named(frame: pl.DataFrame, run_id: str, key: str, layer: str, parameters: dict[str, Any]) -> pl.DataFrame:
    """Put the run's name into the rows, and its parameters into their evidence."""
    told = json.dumps({"run": parameters}, ensure_ascii=False, sort_keys=True)
    evidence = pl.col("evidence").map_elements(lambda text: _merge(text, told), return_dtype=pl.String)
    return frame.with_columns(pl.lit(run_id).alias("run_id"), (pl.lit(f"{layer}-") + pl.col(key)).alias(key), evidence)


def _merge(first: str, second: str) -> str:
    """Return two JSON objects as one."""
    return json.dumps({**json.loads(first), **json.loads(second)}, ensure_ascii=False, sort_keys=True)


def _commit(lake: Lake, table: str, frame: pl.DataFrame, key: str, layer: str) -> None:
    """Put the results in the place of those that an earlier run over the layer gave."""
    stored = lake.read(table)
    others = stored.filter(~pl.col("run_id").str.contains(f"^{re.escape(layer)}-[0-9a-f]{{12}}$"))
    whole = pl.concat([others, terms.conform(frame, terms.TABLES[table])])
    lake.commit_table(table, whole, key=key, scope={}, author="runs", message=f"{table} over {layer}")


def _box(window: tuple[float, float, float, float]) -> Any:
    """Return the window as a polygon."""
    import shapely

    return shapely.box(*window)
