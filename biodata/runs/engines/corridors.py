"""Corridors and candidates as an engine of kept runs."""

import json
import shutil
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata import runs
from biodata.core.errors import InputError
from biodata.core.run_parameters import Corridors, OwnCorridors
from biodata.core.settings import Settings
from biodata.exports.corridors import write_published
from biodata.runs import KEYS, RunReport
from biodata.runs.corridors import choices_of
from biodata.runs.engines.work import Engine, Outcome, Ready, Work, input_files, read_own_ground
from biodata.store import run_records
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.corridors import Network
    from biodata.analysis.grid import Floats, Grid


def prepare(asked: Corridors, work: Work) -> Ready:
    """Find corridors and candidates over a layer of the installation, as `runs.find_corridors` does."""

    def run() -> Outcome:
        settings = work.settings
        report = runs.find_corridors(settings, asked, seed=work.seed, executor=work.executor, progress=work.progress)
        if asked.out is not None:
            found = runs.read_results(settings, "corridors")
            write_published(found.filter(found["run_id"] == report.run_id), asked.out)
        return replace(outcome_of(settings, asked, report), notes=tuple(_lines(asked, report)))

    return Ready(run, estimate=lambda: runs.estimate(work.settings, asked).message())


_NAMED: Final = 40
"""Areas without a partner that are named; the kept report has all."""


def _lines(asked: Corridors, report: RunReport) -> list[str]:
    """Return what came out as lines for a person."""
    found = [
        f"run {report.run_id} on lake version {report.snapshot}: {report.areas} areas, {report.pairs} pairs, "
        f"{report.corridors} corridors, {report.candidates} candidates",
        f"looked at: {', '.join(f'{count} {outcome}' for outcome, count in report.considered.items()) or 'nothing'}",
    ]
    if report.unpaired:
        names = [f"{name} ({', '.join(codes)})" for name, codes in sorted(report.unpaired.items())]
        more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        found.append(
            f"{len(names)} areas lie within {asked.max_distance_m / 1000:,.10g} km of another country and of none of its areas "
            f"at hand: {'; '.join(names[:_NAMED])}{more}"
        )
    if report.replaced:
        found.append(f"in the place of {', '.join(report.replaced)}; earlier versions of the lake keep that")
    if report.beside:
        found.append(
            f"beside it stand, from other layers, boxes or species, {', '.join(report.beside)}; --alone takes them away"
        )
    if report.window:
        found.append(report.window)
    found.append(
        f"records of threatened species: {report.records}, of which {report.counting} are evidence for a side, "
        f"certain from {asked.certainty:.10g} on and farther than {report.parameters['boundary_band_m']:,.10g} m from a border"
    )
    if report.left_out:
        found.append(f"records left out: {', '.join(f'{name} {count}' for name, count in report.left_out.items())}")
    if set(report.left_out) == {runs.NO_CATEGORY}:
        found.append(
            "only threatened species are evidence: `biodata ingest checklist` with a list that tells Red List categories, "
            "before the records, says which these are"
        )
    return found


def outcome_of(settings: Settings, request: Corridors, report: RunReport) -> Outcome:
    """Return what a run of corridors read and put into the lake.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Corridors
        What it was asked.
    report : runs.RunReport
        What `runs.find_corridors` returned.
    """
    from biodata.store.lake import Lake

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        tables = {name: lake.read(name).filter(pl.col("run_id") == report.run_id) for name in KEYS}
        areas = lake.read("protected_areas", snapshot=report.snapshot)
    results = {
        name: frame.with_columns(_without_run("evidence")).drop("run_id").sort(KEYS[name])
        for name, frame in tables.items()
    }
    facts = report.parameters
    inputs = (
        RunInput("layer", facts["layer_sha256"], request.layer),
        RunInput("resistance", facts["resistance_sha256"], request.resistance.name),
        *(RunInput(f"layer {name}", sha256) for name, sha256 in sorted(facts["resistance_layers"].items())),
        *(
            RunInput(name, facts[f"{name}_sha256"], str(facts.get(name, name)))
            for name in ("plan", "plan_units", "agreements", "area_checklists", "cost_layer")
            if f"{name}_sha256" in facts
        ),
        RunInput("protected_areas", run_records.table_hash(areas, settings), f"lake {report.snapshot}"),
        RunInput("rules", facts["rules"], "sharing rules"),
    )
    return Outcome(inputs, results, report.snapshot)


def _without_run(column: str) -> pl.Expr:
    """Return evidence without the facts of the run itself, which state the lake's version, and what was found over it."""

    def strip(text: str) -> str:
        kept = {name: value for name, value in json.loads(text).items() if name not in ("run", "findings")}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    return pl.col(column).map_elements(strip, return_dtype=pl.String)


ENGINE: Final = Engine(Corridors, prepare)


_BANDS: Final = MappingProxyType(
    {
        "mosaic": ("cost above the cheapest path, least of all corridors", "resistance x m"),
        "barriers": ("largest improvement score of any pair: cost saved per metre restored", "resistance"),
        "barriers_sum": ("sum of the improvement scores of all pairs: cost saved per metre restored", "resistance"),
        "pinch": ("current inside corridors, most of any pair", "A"),
    }
)
"""Description and unit of the rasters' bands."""
_TO_STRONG: Final = ("#ffffcc", "#fed976", "#fd8d3c", "#e31a1c", "#800026")
_COLOURS: Final = MappingProxyType(
    {
        "mosaic": ("#1a5c38", "#5aa469", "#a6cf7e", "#e3e9a8", "#fbf7d5"),
        "barriers": _TO_STRONG,
        "barriers_sum": _TO_STRONG,
        "pinch": _TO_STRONG,
    }
)
"""Colours of the rasters' styles, from the lowest value to the highest: of the mosaic the cheapest ground is the darkest."""


def prepare_own(asked: OwnCorridors, work: Work) -> Ready:
    """Read raster and areas, and say what does not fit; pairs are the results."""
    from biodata.analysis import areas as areas_of
    from biodata.analysis import corridor_parameters, own_ground

    if (asked.barriers or asked.barriers_sum or asked.restored_resistance) and not asked.barrier_radius_m:
        problem, expected = "barriers need the radius of a window", "--set barrier_radius_m=METRES"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    parameters = choices_of(asked)
    table, resistance, grid, notes = read_own_ground(asked)
    raster, areas = (path.name for path in (asked.raster, asked.areas) if path is not None)
    notes += own_ground.doubt(resistance, raster=raster)
    plain = areas_of.on_plane(table, grid)
    sites = areas_of.on_grid(plain, resistance, grid)
    inside = {site.area_id for site in sites}
    outside = [area_id for area_id in plain["area_id"] if area_id not in inside]
    if outside:
        notes.append(f"{areas}: {len(outside)} of {len(plain)} areas lie outside the raster: {_some(outside)}")
    if len(sites) < 2:
        problem = f"{len(sites)} of {len(plain)} areas lie on the raster"
        raise InputError(problem, file=areas, expected="two areas or more", code="AREAS_MISSING")
    bare = [site.area_id for site in sites if not site.cells.size]
    if bare:
        notes.append(f"{areas}: {len(bare)} areas hold no resistance data: {_some(bare)}")
    facts = {
        "raster": raster, "areas": areas, "parameters": parameters.to_dict(), "biodata": version("biodata"),
        "rows_columns_cell_m": [*grid.shape, grid.cell_m], "notes": notes, "outside": outside,
    }  # fmt: skip
    return Ready(
        partial(_worked, asked, work, plain, resistance, grid, parameters, facts), tuple(notes),
        lambda: corridor_parameters.estimate(
            plain, grid, parameters=parameters, across_borders=False, workers=work.workers
        ).message(),
    )  # fmt: skip


def _worked(
    asked: OwnCorridors,
    work: Work,
    areas: "gpd.GeoDataFrame",
    resistance: "Floats",
    grid: "Grid",
    parameters: "CorridorParameters",
    facts: dict[str, Any],
) -> Outcome:
    """Find the corridors, write what is asked, return what came out."""
    from biodata.analysis import corridors, window_check
    from biodata.analysis.areas import on_grid
    from biodata.analysis.barriers import BarrierParameters
    from biodata.exports.corridors import write_network

    barriers = None
    if asked.barrier_radius_m:
        best = float(np.nanmin(resistance)) if asked.restored_resistance is None else asked.restored_resistance
        barriers = BarrierParameters(asked.barrier_radius_m, best)
    home = None if asked.out is None else asked.out.with_name(f"{asked.out.stem}.parts")
    found = corridors.least_cost(
        areas, resistance, grid, parameters=parameters, barriers=barriers, currents=asked.pinch is not None,
        executor=work.executor, folder=home, progress=work.progress,
    )  # fmt: skip
    lines = _own_lines(asked, found)
    facts |= {"barriers": None if barriers is None else [*barriers.radii_m, barriers.restored_resistance]}
    facts["window"] = None
    if asked.check_window:
        cells = np.concatenate([site.all_cells for site in on_grid(areas, resistance, grid)])
        same = window_check.with_cut_of(parameters, found.corridors["cut_cost"])
        facts["window"] = window_check.check(
            found.corridors, cells, grid, resistance,
            lambda ground, inner: corridors.least_cost(
                areas, ground, inner, parameters=same, executor=work.executor
            ).corridors,
        ).message()  # fmt: skip
        lines.append(facts["window"])
    if asked.out is not None and home is not None:
        changed = max(path.stat().st_mtime for path in asked.files("input").values())
        write_network(found, facts, asked.out, as_of=changed)
        shutil.rmtree(home, ignore_errors=True)
    _write_rasters(asked, found, grid)
    return Outcome(
        input_files(asked), {"pairs": pl.from_pandas(found.corridors.drop(columns="geometry"))}, notes=tuple(lines)
    )


def _write_rasters(asked: OwnCorridors, found: "Network", grid: "Grid") -> None:
    """Write the rasters that are asked, each with its style."""
    from biodata.exports.cog import write_cog
    from biodata.exports.styles import shades_of, write_style

    layers = {"mosaic": found.mosaic}
    if found.barrier_mosaic is not None:
        scores = found.barrier_mosaic.layers()
        both = {"barriers": scores["largest"], "barriers_sum": scores["total"]}
        layers |= {name: np.where(values > 0, values, np.nan) for name, values in both.items()}
    if found.currents is not None:
        layers["pinch"] = found.currents.largest
    for name, (description, unit) in _BANDS.items():
        path = getattr(asked, name)
        if path is not None:
            write_cog(layers[name], grid, path, description=description, unit=unit)
            shades = shades_of(layers[name], _COLOURS[name], unit=unit)
            if shades:
                write_style(shades, path, classes=False)


def _own_lines(asked: OwnCorridors, found: "Network") -> list[str]:
    """Return what came out as lines for a person."""
    unlinked = ~found.corridors["functional"]
    lines = [f"{len(found.corridors)} pairs, {len(found.corridors) - int(unlinked.sum())} corridors"]
    if asked.barrier_radius_m:
        opened = int(found.barriers["score"].isna().sum())
        sizes = ", ".join(f"{radius:g}" for radius in asked.barrier_radius_m)
        lines.append(
            f"restoring one window of radius {sizes} m would make {len(found.barriers) - opened} paths cheaper and open a way "
            f"to {opened} of {int(unlinked.sum())} pairs without a link (layer barriers)"
        )
    if found.corridors.empty:
        lines.append("no two neighbouring areas lie within the distance")
    reasons = found.corridors["notes"][unlinked].value_counts().head(5)
    return lines + [f"{count:>6} {why}" for why, count in reasons.items()]


def _some(names: list[str]) -> str:
    """Return the first few of some names."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


OWN: Final = Engine(OwnCorridors, prepare_own)
