"""The results of runs in the lake: under which names they stand there, and what may be seen of them."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import assessments, places
from biodata.core import terms
from biodata.core.run_parameters import Corridors
from biodata.core.settings import Settings
from biodata.core.vocabularies import CandidateCriterion, EvidenceView
from biodata.store.lake import Lake
from biodata.store.locks import file_lock
from biodata.store.rules_in_force import rules_in_force

KEYS: Final = MappingProxyType(
    {"corridors": "corridor_id", "reserve_candidates": "candidate_id", "considered_ground": "considered_id"}
)
"""The tables of results, and the column that names a row."""


def read_results(
    settings: Settings, table: str, *, exact: bool = False, reviewed: Callable[[str], bool] | None = None
) -> pl.DataFrame:
    """Return what a run's results look like once the sharing rules let them out; or those made of exact records, as they are.

    Parameters
    ----------
    settings : Settings
        The installation.
    table : str
        `corridors`, `reserve_candidates`, `considered_ground` or `protected_areas`.
    exact : bool
        Those whose evidence was read exactly.
    reviewed : callable, optional
        For whom exact ones are, as whether they review a country: they see what lies in countries that they review alone.
        Without it they are for the owner of the machine, who alone can read the lake's files.

    Returns
    -------
    polars.DataFrame of `terms.PUBLISHED_TABLES[table]`
    """
    if exact:
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            found = lake.read(table).filter(pl.col("evidence_view") == str(EvidenceView.EXACT))
        if reviewed is None:
            return found
        # A result that states no country is nobody's.
        own = [bool(codes) and all(map(reviewed, codes)) for codes in found["country_codes"].to_list()]
        return found.filter(pl.Series(own, dtype=pl.Boolean))
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        return assessments.published_results(lake, table, rules=rules, boundaries=boundaries)


def ranked_anew(candidates: pl.DataFrame, criteria: Sequence[str]) -> pl.DataFrame:
    """Return candidates with the front and rank that they have by some criteria alone, run by run.

    Parameters
    ----------
    candidates : polars.DataFrame of n rows
        As `read_results` gives them: what is ranked is what was published of them.
    criteria : sequence of str
        Names of criteria; all where there are none.

    Returns
    -------
    polars.DataFrame of n rows
        In the order of run and rank; `rank`, `front`, `acceptability`, `within_first`, and `ranking` of `evidence` are
        new, everything else is as it was.
    """
    from biodata.analysis.candidates import ranking

    rows: list[dict[str, Any]] = []
    for _, run in candidates.sort("run_id", "rank").group_by("run_id", maintain_order=True):
        old = run.to_dicts()
        card = json.loads(old[0]["evidence"])["ranking"]
        values = [{name: part["value"] for name, part in json.loads(row["parts"]).items()} for row in old]
        chosen = criteria or tuple(CandidateCriterion)
        for facts in ranking.rank(values, draws=card["draws"], seed=card["seed"], first=card["first"], criteria=chosen):
            row = old[facts.pop("position")]
            evidence = json.loads(row["evidence"]) | {"ranking": facts}
            new = {name: facts[name] for name in ("rank", "front", "acceptability", "within_first")}
            rows.append(row | new | {"evidence": json.dumps(evidence, ensure_ascii=False, sort_keys=True)})
    return pl.DataFrame(rows, schema=candidates.schema)


def held_back(settings: Settings, table: str = "reserve_candidates") -> list[str]:
    """Say which results of a table are not stated, and why; nothing where all are."""
    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        if not lake.count(table):
            return []
        rules = rules_in_force(settings, lake)
        counts = assessments.left_behind(lake, table, rules=rules, boundaries=boundaries)
    what = table.replace("_", " ")
    lines = []
    if counts["exact"]:
        lines.append(
            f"{counts['exact']} {what} were made of exact records and stay here; `biodata candidates --exact` has those of "
            "candidates, `biodata corridors --set evidence_view=public` makes some that may be published"
        )
    if counts["stale"]:
        lines.append(
            f"{counts['stale']} {what} were made under other sharing rules, or of records that are hidden more today: they "
            "stay here until the run is made again"
        )
    return lines


def run_id_of(parameters: dict[str, Any]) -> str:
    """Return a short name that two runs share only if they were asked the same of the same."""
    text = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    return f"{parameters['layer']}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def place_of(request: Corridors) -> str:
    """Return how the names of a run's results begin: a later run of this place stands where it stood.

    Runs over one layer for two species, or of two boxes of it, are of two places and stand beside each other; so does what
    is published beside what was made of exact records, which are not.
    """
    parts = [request.layer]
    if request.species is not None:
        parts.append(re.sub(r"\W+", "_", request.species.lower()).strip("_"))
    if request.box is not None:
        parts.append("box" + hashlib.sha256(json.dumps(request.box).encode()).hexdigest()[:6])
    if request.evidence_view is EvidenceView.EXACT:
        parts.append("exact")
    return "-".join(parts)


def named(frame: pl.DataFrame, run_id: str, key: str, place: str, parameters: dict[str, Any]) -> pl.DataFrame:
    """Put the run's name into the rows, and its parameters into their evidence."""
    stated = json.dumps({"run": parameters}, ensure_ascii=False, sort_keys=True)
    evidence = pl.col("evidence").map_elements(lambda text: _merge(text, stated), return_dtype=pl.String)
    return frame.with_columns(pl.lit(run_id).alias("run_id"), (pl.lit(f"{place}-") + pl.col(key)).alias(key), evidence)


def _merge(first: str, second: str) -> str:
    """Return two JSON objects as one."""
    return json.dumps({**json.loads(first), **json.loads(second)}, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of the results of other runs.

    Attributes
    ----------
    replaced, beside : tuple of str
        The runs whose results went, and those whose results stay beside the new ones.
    """

    replaced: tuple[str, ...]
    beside: tuple[str, ...]


def commit(lake: Lake, frames: Mapping[str, pl.DataFrame], place: str, *, alone: bool) -> Committed:
    """Put a run's results in the place of those that an earlier run of the same place gave.

    Parameters
    ----------
    lake : Lake
    frames : mapping of str to polars.DataFrame
        By the names of `KEYS`.
    place : str
        As `place_of` tells it.
    alone : bool
        Also take away the results of all other runs.

    Returns
    -------
    Committed
    """
    gone: set[str] = set()
    kept: set[str] = set()
    with _writing(lake):
        for table, frame in frames.items():
            key, stored = KEYS[table], lake.read(table)
            same = pl.col(key).str.contains(f"^{re.escape(place)}-[a-z]+-[0-9]+$").fill_null(value=False)
            others = stored.clear() if alone else stored.filter(~same)
            before = set(stored["run_id"].drop_nulls())
            kept |= set(others["run_id"].drop_nulls())
            gone |= before
            whole = pl.concat([others, terms.conform(frame, terms.TABLES[table])])
            lake.commit_table(table, whole, key=key, scope={}, author="runs", message=f"{table} of {place}")
    return Committed(tuple(sorted(gone - kept)), tuple(sorted(kept)))


def facts_of(evidence: str) -> dict[str, Any]:
    """Return the facts of the run that a row's evidence tells."""
    found: dict[str, Any] = json.loads(evidence)["run"]
    return found


def put_finding(
    lake: Lake,
    run_id: str,
    kind: str,
    found: Callable[[str, Mapping[str, Any]], Mapping[str, Any]],
    *,
    view: EvidenceView,
) -> int:
    """Put what was found over a run beside its results: it leaves with them, and only if they may leave.

    Corridors rest on no records, so those of a run of exact records may leave: what was found by exact records is not put
    beside them.

    Parameters
    ----------
    lake : Lake
    run_id : str
        The run, as its rows name it.
    kind : str
        `validation`, `uncertainty` or `scenarios`; an earlier one of the kind is replaced.
    found : callable of table and row to mapping
        What is stated of a row.
    view : EvidenceView
        Which records the finding read: the run's.

    Returns
    -------
    int
        How many rows state it now.
    """
    count = 0
    with _writing(lake):
        for table, key in KEYS.items():
            rows = lake.read(table).filter(pl.col("run_id") == run_id)
            if view is not EvidenceView.PUBLIC:
                stays = "evidence_view" in rows.columns
                rows = rows.filter(pl.col("evidence_view").eq_missing(str(view))) if stays else rows.clear()
            texts = []
            for row in rows.iter_rows(named=True):
                evidence = json.loads(row["evidence"])
                evidence["findings"] = {**evidence.get("findings", {}), kind: dict(found(table, row))}
                texts.append(json.dumps(evidence, ensure_ascii=False, sort_keys=True))
            if texts:
                rows = rows.with_columns(evidence=pl.Series(texts))
                lake.commit_table(table, rows, key=key, scope=None, author="runs", message=f"{kind} of {run_id}")
            count += len(texts)
    return count


def _writing(lake: Lake) -> AbstractContextManager[None]:
    """Return the lock of whoever reads results and writes them whole: of two runs that end at once none is lost."""
    return file_lock(lake.data / "results.lock", what="the results of runs")
