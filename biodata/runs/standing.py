"""A run of corridors taken up again: what it stood on, and runs whose results are held back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata import assessments, places
from biodata.core import grouped
from biodata.core.errors import InputError
from biodata.core.run_parameters import Corridors
from biodata.core.settings import Settings
from biodata.runs.corridors import choices_of, judging_of, polygon_of, with_band
from biodata.runs.reading import layer_named, records_of, resistance_of, window_of
from biodata.runs.results import KEYS, facts_of
from biodata.store import jobs, run_records
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.adjacency import Pair
    from biodata.analysis.areas import Site
    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.places import BoundarySet


LINKS: Final = ("from_area_id", "to_area_id")
_NOT_FACTS: Final = Corridors.of_role("input", "output", "silent")
"""What a run's facts tell by a file's name, or not at all."""


JOB = "corridors again"


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What a run of corridors stands on.

    Attributes
    ----------
    run_id : str
        The run, as its rows in the lake name it.
    request : Corridors
        What it was asked.
    snapshot : int
        The lake's version that it read.
    facts : dict
        All that its id is made from.
    boundaries : BoundarySet
    areas : geopandas.GeoDataFrame
        The protected areas in its window, each inside the countries that it states.
    sites : list of Site
        Those on its grid.
    ground : ResistanceLayer
        Its resistance and grid.
    choices : CorridorParameters
    pairs : tuple of (int, int)
        Its functional links that cost something, as positions in `sites`.
    table : Path
        Its table of resistance.
    """

    run_id: str
    request: Corridors
    snapshot: int
    facts: dict[str, Any]
    boundaries: "BoundarySet"
    areas: "gpd.GeoDataFrame"
    sites: "list[Site]"
    ground: "ResistanceLayer"
    choices: "CorridorParameters"
    pairs: "tuple[Pair, ...]"
    table: Path

    def to_dict(self) -> dict[str, Any]:
        """Return what every result over the run has to name."""
        return {
            "run": self.run_id,
            "snapshot": self.snapshot,
            "evidence_view": str(self.request.evidence_view),
            **self.boundaries.to_dict(),
        }


def run_to_continue(
    settings: Settings, name: str, *, resistance: Path | None = None, progress: bool = False
) -> Standing:
    """Take up a run of corridors whose results are in the lake.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        The run, one of its corridors, candidates or grounds, or the kept run (`runs list`) or how that begins.
    resistance : Path, optional
        The run's table of resistance, where it lies elsewhere now.
    progress : bool
        Show a progress bar.

    Raises
    ------
    InputError
        If there is no such run (RUN_UNKNOWN), or its layer, table or boundary set is another one now (RUN_CHANGED).
    """
    from biodata.analysis import areas as areas_of

    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        run_id, facts = _found(settings, lake, name)
        table = _table(settings, facts, resistance)
        asked = {name: facts[name] for name in Corridors.model_fields if name in facts}
        request = Corridors.read(asked | {"resistance": table})
        _same(run_id, "boundary set", facts["boundary_set"], f"{boundaries.name} {boundaries.version}")
        boundaries = with_band(boundaries, request)
        layer = layer_named(lake, request.layer)
        _same(run_id, f"layer {request.layer}", facts["layer_sha256"], layer["sha256"])
        ground, known = resistance_of(settings, lake, layer, request, progress=progress)
        for one, sha256 in facts["resistance_layers"].items():
            _same(run_id, f"layer {one}", sha256, known["resistance_layers"].get(one))
        areas = areas_of.geodataframe(lake.read("protected_areas", snapshot=facts["snapshot"]))
        links = lake.read("corridors").filter(
            pl.col("run_id") == run_id, pl.col("functional"), pl.col("least_cost") > 0
        )
    areas = areas[areas.intersects(polygon_of(window_of(layer, request)))]
    areas = areas_of.within_stated(areas.to_crs(4326), boundaries)
    sites = areas_of.on_grid(areas, ground.resistance, ground.grid)
    number = {site.area_id: position for position, site in enumerate(sites)}
    pairs = sorted(
        (min(number[one], number[other]), max(number[one], number[other]))
        for one, other in links.select(LINKS).iter_rows()
    )
    return Standing(
        run_id, request, facts["snapshot"], facts, boundaries, areas, sites, ground, choices_of(request), tuple(pairs), table
    )  # fmt: skip


def records(settings: Settings, run: Standing) -> pl.DataFrame:
    """Return the records of a run's window that may test it, as its view shows them today.

    Returns
    -------
    polars.DataFrame
        Columns of `validation.record_files.read`, and `why_not`: what keeps a record from being a test at all. `used` is
        True for the evidence that the run's candidates stand on, and what is of one event with it.
    """
    from biodata.analysis import evidence
    from biodata.analysis.evidence import counting
    from biodata.core import geo

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        window = window_of(layer_named(lake, run.request.layer), run.request)
        drawn = places.load_boundaries(settings.boundaries)
        found = records_of(settings, lake, window, rules, drawn, run.request.evidence_view)
        assessments.remember(settings.data, run.run_id, found, more=True)
    judging = judging_of(run.request, run.facts["as_of"])
    judged = evidence.counted(found, boundaries=run.boundaries, parameters=judging)
    stood_on = judged.threatened().records.filter(
        pl.col("why_not").is_null() | pl.col("why_not").is_in((counting.DEPENDENT, counting.DUPLICATE))
    )
    frame = judged.records
    lonlat = frame.select("decimalLongitude", "decimalLatitude").to_numpy().astype(np.float64)
    xy, there = np.full((frame.height, 2), np.nan), np.isfinite(lonlat).all(axis=1)
    if there.any():
        xy[there] = geo.project(lonlat[there], 4326, run.ground.grid.crs)
    never = (counting.NO_SPECIES, counting.CAPTIVE, counting.FLAGGED, counting.NO_UNCERTAINTY)
    absent = pl.col("occurrenceStatus").fill_null("PRESENT") != "PRESENT"
    return frame.select(
        row=pl.int_range(pl.len()),
        x=pl.Series(xy[:, 0]).fill_nan(None),
        y=pl.Series(xy[:, 1]).fill_nan(None),
        id=pl.col("key").cast(pl.String),
        species="species",
        **{"class": "class"},
        group=pl.col("cluster_id").cast(pl.String),
        date=pl.col("event_start").cast(pl.Date),
        used=pl.col("key").is_in(stood_on["key"].to_list()),
        uncertainty_m=pl.col("coordinateUncertaintyInMeters").cast(pl.Float64),
        why_not=pl.when(absent).then(pl.lit(counting.ABSENT)).when(pl.col("why_not").is_in(never)).then("why_not"),
    )


def kept_run(settings: Settings, name: str) -> run_records.RunRecord:
    """Return a kept run by its id, by how that begins, or by one of the results that it put into the lake.

    Raises
    ------
    InputError
        If there is none, or several begin so (RUN_UNKNOWN).
    """
    records = run_records.every(settings)
    if any(record.id.startswith(name) for record in records) or not (settings.data / "lake").is_dir():
        return run_records.find(settings, name)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        for table, key in KEYS.items():
            rows = lake.read(table, columns=["run_id", key])
            runs = rows.filter((pl.col(key) == name) | (pl.col("run_id") == name))["run_id"].unique().to_list()
            for record in kept_runs(settings, lake, runs).values():
                return record
    return run_records.find(settings, name)


def kept_runs(settings: Settings, lake: Lake, runs: Sequence[str]) -> dict[str, run_records.RunRecord]:
    """Return the kept run of each run of a lake's results; those that nobody kept are left out."""
    records = [record for record in run_records.every(settings) if record.engine == "corridors"]
    found = {}
    for table in KEYS:
        rows = lake.read(table, columns=["run_id", "evidence"]).filter(pl.col("run_id").is_in(list(runs)))
        for run_id, text in rows.unique("run_id").iter_rows():
            facts = facts_of(text)
            kept = next((record for record in records if _is_of(record, facts)), None) if "layer" in facts else None
            if kept is not None:
                found[run_id] = kept
    return found


def _found(settings: Settings, lake: Lake, name: str) -> tuple[str, dict[str, Any]]:
    """Return the run that a name means, and its facts."""
    known: dict[str, dict[str, Any]] = {}
    for table, key in KEYS.items():
        rows = lake.read(table, columns=["run_id", key, "evidence"])
        named = rows.filter((pl.col(key) == name) | (pl.col("run_id") == name))
        if not named.is_empty():
            return str(named["run_id"][0]), facts_of(named["evidence"][0])
        for run_id, text in rows.unique("run_id").select("run_id", "evidence").iter_rows():
            known.setdefault(run_id, facts_of(text))
    for record in run_records.every(settings):
        if record.engine == "corridors" and record.id.startswith(name):
            for run_id, facts in known.items():
                if _is_of(record, facts):
                    return run_id, facts
    problem = "the lake holds no results of this run"
    expected = ", ".join(sorted(known)) or "a run of `biodata corridors --data DIR --layer NAME`"
    raise InputError(problem, value=name, expected=expected, code="RUN_UNKNOWN")


def _is_of(record: run_records.RunRecord, facts: dict[str, Any]) -> bool:
    """Return whether a kept run is the one of these facts; files are distinguished by the version of the lake that they led to."""
    asked = Corridors.read(record.parameters).as_dict() | {"seed": record.seed}
    dated = asked.pop("as_of") in (None, facts["as_of"])
    same = all(facts.get(name) == value for name, value in asked.items() if name not in _NOT_FACTS)
    table = next((one.sha256 for one in record.inputs if one.name == "resistance"), None)
    return dated and same and (record.snapshot, table) == (facts["snapshot"], facts["resistance_sha256"])


def _table(settings: Settings, facts: dict[str, Any], reported: Path | None) -> Path:
    """Return the run's table of resistance: the one that is stated, or where a kept run says that it lies."""
    wanted = facts["resistance_sha256"]
    ways = [reported] if reported is not None else [
        Path(record.parameters["resistance"]) for record in run_records.every(settings)
        if record.engine == "corridors" and record.parameters.get("resistance")
    ]  # fmt: skip
    for path in ways:
        if path.is_file() and run_records.RunInput.of_file("resistance", path).sha256 == wanted:
            return path
    problem = "the table of resistance is not the one of the run"
    raise InputError(
        problem, file=str(reported or facts["resistance"]), expected=f"SHA-256 {wanted[:16]}…, as --resistance FILE.csv",
        code="RUN_CHANGED",
    )  # fmt: skip


def _same(run_id: str, what: str, before: Any, now: Any) -> None:
    """Refuse a run that stands on something else now."""
    if before != now:
        problem = f"the {what} of run {run_id} is another one now"
        raise InputError(
            problem, value=str(now), expected=f"{before}; or run `biodata corridors` again", code="RUN_CHANGED"
        )


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run whose results are held back.

    Attributes
    ----------
    run_id : str
        The run, as its rows in the lake name it.
    kept : RunRecord or None
        The run as it was kept; None where nobody kept it.
    results : dict of str to str
        Why each of its results is not stated today, by name.
    """

    run_id: str
    kept: run_records.RunRecord | None
    results: dict[str, str]

    def lines(self) -> list[str]:
        """Return what is held back, and what makes it again, for a person."""
        reasons = grouped((why, name) for name, why in self.results.items())
        found = [f"  {why}: {', '.join(names)}" for why, names in reasons.items()]
        how = f"biodata runs repeat {self.kept.id}" if self.kept else "biodata corridors --layer … --resistance …"
        return [*found, f"  run {self.run_id} is made again by `{how}`, then `biodata release`"]


def held_runs(settings: Settings) -> list[HeldRun]:
    """Return the runs whose results are held back until they are made again."""
    boundaries = places.load_boundaries(settings.boundaries)
    held: dict[str, dict[str, str]] = {}
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        tables = [table for table in KEYS if lake.count(table)]
        if not tables:
            return []
        rules = rules_in_force(settings, lake)
        for table in tables:
            for (name, run_id), why in assessments.held_results(
                lake, table, rules=rules, boundaries=boundaries
            ).items():
                held.setdefault(run_id, {})[name] = why
        kept = kept_runs(settings, lake, list(held))
    return [HeldRun(run_id, kept.get(run_id), results) for run_id, results in held.items()]


def queue(settings: Settings, held: list[HeldRun]) -> list[HeldRun]:
    """Ask the worker to make held runs again, those that were kept; return them."""
    known = [one for one in held if one.kept is not None]
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        waiting = jobs.asked(session, JOB)
        for one in known:
            arguments = {"run": one.kept.id if one.kept else ""}
            if arguments not in waiting:
                jobs.add(session, JOB, arguments)
    return known
