"""Commands that run an engine, whose options are the engine's parameters, and `biodata runs`: what was run."""

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli import engine_options
from biodata.cli import options as common
from biodata.core.engine_parameters import Circuit, CostDistance, Network, ProtConn, Resistance
from biodata.core.run_parameters import Climate, Corridors, OwnCorridors, Scenarios, Uncertainty, Validation

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from biodata.core.settings import Settings


_CORRIDOR_OPTIONS: Final = (
    "layer", "resistance", "species", "box", "cell_m", "max_distance_m", "dispersal_cost", "alone", "raster", "areas", "mosaic",
    "out",
)  # fmt: skip
_SCENARIOS: Final = """Compare corridors with the border open and closed: by fences, roads, rivers, dams, or along the line itself.

Without the barriers the raster stands as it is. With them nothing passes their cells, or at the resistance that
--barrier-resistance or the file's column resistance says; --crossings are open in that. --out gets the layers pairs
(least cost, narrowest place and path of both, and the change), crossings (what each is worth alone and as the last
one shut), corridors_open, corridors_closed and barrier_lines. --difference gets a map: corridor under both, lost, new. An area that a barrier divides is two areas in both scenarios.

With --run and --data it compares over a run of `biodata corridors --layer`: its ground, its areas and its choices, and
--barrier-layer names layers of the installation. What becomes of its links then stands in the reports of its results,
from the next release on.

Example: biodata scenarios --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --barriers sample_data/planning/fence.geojson --crossings sample_data/planning/gates.geojson --crossing-width-m 500 --out scenarios.gpkg --difference difference.tif

Example: biodata scenarios --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --close-border --between CN-LA --out scenarios.gpkg

Example: biodata scenarios --data biodata_data --run landcover_china_vietnam-corridor-1 --close-border
"""
_CLIMATE: Final = """Tell how fast climates move, where an area's climate of today lies tomorrow, and the corridors that lead there.

--today and --future are rasters of the same variables in the same order, on the same cells; several variables by giving
the options several times, each with a --bin-width. With --elevation temperature is taken from height alone. --velocity
gets the first variable's change in time over its change in space (Loarie 2009), --forward and --backward the distance to
the nearest cell of the same climate over the years (Hamann 2015). With --areas, --out gets the layer destinations (which
share of each area's analogues lies across a border, and in which areas) and, with --corridors, climate_corridors and
climate_paths: from an area to a cooler one across the border, on which each degree of change costs as --cost-per-c says
(Nuñez 2013), with the share of the first area's climate that the second one has tomorrow.

Example: biodata climate --today sample_data/planning/temperature_now.tif --future sample_data/planning/temperature_2075.tif --years 50 --velocity velocity.tif --forward forward.tif --areas sample_data/protected_areas.geojson --out climate.gpkg

Example: biodata climate --elevation sample_data/layers/elevation_china_vietnam.tif --warming-c 2 --years 50 --areas sample_data/protected_areas.geojson --corridors --out climate.gpkg
"""
_NETWORK: Final = """Compute how connected a network is, and what every node and link is worth, from Conefor's files.

NODES has a row for each node: identifier, area, and 0 in a third column for nodes to add. CONNECTIONS has a row for
each pair: two identifiers and a probability; or a distance, with --distance and --probability or --threshold; or
nothing more, for mere links. Matrices in the order of NODES, whole or half, are read too. The JSON has PC, ECA, IIC
and the other indices, dPC and dIIC of nodes with their fractions, dPC and dIIC of links, and the spanning tree. --conefor writes Conefor's own files.

Example: biodata network --nodes sample_data/planning/nodes.txt --connections sample_data/planning/distances.txt --distance 10000 --probability 0.5 --out network.json --conefor results
"""


_COST_DISTANCE: Final = """Accumulate the cost of moving away from sources over a resistance raster.

A step costs the mean of two cells' resistances times the metres between their centres, as in r.cost and ESRI's tools;
cells without data are never entered. Rasters in degrees take the size of each row's cells on the ellipsoid.

Sources and targets are points, lines or polygons in any system, a table with longitude and latitude (or x and y), or a
raster of ids on the same cells. --paths gets target_id, source_id, cost (resistance x metres), length_m and
cost_per_metre.

Example: biodata cost-distance sample_data/planning/resistance.tif --sources sample_data/protected_areas.geojson --out cost.tif

Example: biodata cost-distance sample_data/planning/resistance.tif --sources sample_data/planning/herds.csv --out cost.tif --allocation nearest.tif --targets sample_data/planning/salt_licks.geojson --paths paths.gpkg
"""
_RESISTANCE: Final = """Turn layers into resistance to movement, by a table.

The table has the columns layer, class, function, resistance, note, and may have combine, linear, curve, species,
version:

\b
layer,class,function,resistance,note,linear,curve
land_cover,2,,1,forest,no,
land_cover,Croplands,,40,by the legend's name,no,
roads,highway=trunk,,500,touching cells,yes,
elevation,,slope,0:1 30:2 60:3,factors by degrees,no,
settlements,,distance,0:200 2000:1,metres,no,
population,,density,0:1 100:50,people by km²,no,
suitability,,value,0:100 1:1,after Keeley et al. 2016,no,exponential 4

A class is a value, a name of the layer's legend, any, other, or attribute=value of features; a resistance is a number
from 1 to 100 000 or barrier. combine is base, max, add or times. A curve is straight, or exponential and a number. A
table of land cover alone may have class_value, class_name, resistance, note (and linear) in place of these.

DIR is an installation's folder or one of files called landcover*.tif, elevation*.tif, roads*.gpkg, … A table with a
column species gives a file for each: FILE_SPECIES.tif. The output tells the table's version, which another value
changes, and the layers with their checksums in its metadata.

Example: biodata resistance sample_data/resistance.csv --layers biodata_data --use land_cover=landcover_china_laos --out resistance.tif
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    engine_options.add_engine(app, "corridors", find_corridors, Corridors, OwnCorridors, options=_CORRIDOR_OPTIONS)
    engine_options.add_engine(app, "corridors-validate", validate, Validation)
    engine_options.add_engine(app, "corridors-uncertainty", draw, Uncertainty)
    engine_options.add_engine(app, "scenarios", partial(compare, "scenarios"), Scenarios, words=_SCENARIOS)
    engine_options.add_engine(app, "climate", partial(compare, "climate"), Climate, words=_CLIMATE)
    engine_options.add_engine(app, "network", partial(compare, "network"), Network, words=_NETWORK)
    engine_options.add_engine(
        app, "resistance", partial(work, "resistance"), Resistance, words=_RESISTANCE, arguments=("table",)
    )
    engine_options.add_engine(
        app, "cost-distance", partial(work, "cost-distance"), CostDistance, words=_COST_DISTANCE, arguments=("raster",)
    )
    engine_options.add_engine(app, "protconn", protconn, ProtConn, arguments=("areas",))
    engine_options.add_engine(app, "circuit", circuit, Circuit, arguments=("ini",))
    common.add_group(app, "runs", _RUNS, start, list_runs, show, repeat, compare_runs)


def find_corridors(
    asked: dict[str, Any], data: common.KeepOption = None, estimate: engine_options.EstimateOption = False
) -> None:
    """Find corridors between areas: line, polygon, width, narrowest place and cost of every pair of neighbours.

    With --data and --layer: between protected areas of different countries over a land-cover layer of the installation;
    they go into the lake, and --out writes them too.

    With --raster and --areas: between any areas over one's own resistance raster, without an installation. --out gets
    the layers corridors, paths, narrowest (barriers, pinch_points), --mosaic the least normalised corridor of each
    cell, `pinch` the current of 1 A between each pair that flows inside its corridor alone, `barriers` what restoring a
    round window of `barrier_radius_m` would save; to a pair without any way nothing can be saved, and the layer
    barriers tells where a window would open the cheapest one. A run that was killed goes on where it stopped when it is
    started again.

    Example: biodata corridors --data biodata_data --layer landcover_china_vietnam --resistance sample_data/resistance.csv --out corridors.gpkg

    Example: biodata corridors --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --out corridors.gpkg --mosaic mosaic.tif
    """
    if "raster" in asked:
        engine_options.run_engine("own-corridors", asked, data=None, estimate=estimate)
        return
    home = data or Path(os.environ.get("BIODATA_DATA", common.DEFAULT_DATA))
    engine_options.run_engine("corridors", asked, data=home, estimate=estimate, reads_installation=True)


def validate(asked: dict[str, Any], data: common.KeepOption = None, seed: engine_options.SeedOption = 1) -> None:
    """Test whether held-out records stand nearer to corridors than chance would put them, given where people looked.

    RECORDS is a table with decimalLongitude and decimalLatitude (or x and y in the raster's system), or a layer of
    points; it may have species, class, eventDate, coordinateUncertaintyInMeters, cluster_id, and used (yes for a record
    that made the resistance, the areas or the evidence: such a record, its event and its block are no test).

    Effort is what --effort tells (a raster), the records of --target, or, with --species, the other species of RECORDS,
    of the same class where that is told.

    With --run and --data it tests a run of `biodata corridors --layer` against the installation's records of its
    window, as the run's view of them shows them: those that its candidates stand on are no test, so ask the run `as_of`
    an earlier day to hold later records out. The verdict then stands in the reports of the run's results, from the next
    release on.

    The null moves records and effort together over the corridors' surface, so herds and roads keep their shape. It says
    better than chance, no better than chance, or how many places a test would need.

    Example: biodata corridors-validate --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --records sample_data/planning/records.csv --species "Elephas maximus" --out validation.json

    Example: biodata corridors-validate --data biodata_data --run landcover_china_laos-candidate-1 --species "Elephas maximus"
    """
    engine_options.run_engine("validation", asked, data=data, seed=seed)


def draw(
    asked: dict[str, Any],
    data: common.KeepOption = None,
    seed: engine_options.SeedOption = 1,
    workers: engine_options.WorkersOption = None,
    estimate: engine_options.EstimateOption = False,
) -> None:
    """Draw what is not known many times and tell how often each cell is in a corridor and each link functions.

    Drawn are the resistances (the order of classes is kept, and a class's error is one draw for all its cells), the
    shape of the transform, the places of points inside their coordinateUncertaintyInMeters, the cut and the dispersal
    cost. What comes out is a frequency under these assumptions, which the report lists; it is no probability.

    --classes is a CSV of class_value, class_name, resistance, low, high for a raster of classes; without it the raster is
    resistance and each value may be --spread times lower or higher. A point may go anywhere inside its
    uncertainty.

    With --run and --data it draws over a run of `biodata corridors --layer`: its ground, its areas and its links, its
    cut and dispersal cost up to twice and down to half. How often each of its links functions then stands in the
    reports of its results, from the next release on.

    Example: biodata corridors-uncertainty --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --spread 2 --draws 100 --out frequency.tif --report uncertainty.json

    Example: biodata corridors-uncertainty --data biodata_data --run landcover_china_vietnam-corridor-1 --draws 100
    """
    engine_options.run_engine("uncertainty", asked, data=data, seed=seed, workers=workers, estimate=estimate)


def compare(
    engine: str,
    asked: dict[str, Any],
    data: common.KeepOption = None,
    workers: engine_options.WorkersOption = None,
    estimate: engine_options.EstimateOption = False,
) -> None:
    """Run an engine that says first what it will take."""
    engine_options.run_engine(engine, asked, data=data, workers=workers, estimate=estimate)


def work(engine: str, asked: dict[str, Any], data: common.KeepOption = None) -> None:
    """Run an engine that is quick."""
    engine_options.run_engine(engine, asked, data=data)


def protconn(asked: dict[str, Any], data: common.KeepOption = None) -> None:
    """Compute ProtConn, the protected and connected part of a country or a landscape, with all its fractions.

    AREAS are protected areas, those of neighbouring countries too: what lies within --transboundary-m of the border, or
    only touches it, counts as a stepping stone.

    Example: biodata protconn sample_data/protected_areas.geojson sample_data/protected_areas_old_schema.gpkg --country LA --distance-m 10000 --out protconn.json
    """
    if "country" in asked:
        asked["country"] = common.read_country(str(asked["country"]), option="--country")
    engine_options.run_engine("protconn", asked, data=data)


def circuit(
    asked: dict[str, Any],
    data: common.KeepOption = None,
    workers: Annotated[
        int, typer.Option(help="Processes that write maps and solve pairs of large regions.", min=1)
    ] = 1,
) -> None:
    """Run a Circuitscape project as it is: pairwise, advanced, one-to-all, all-to-one; rasters and networks.

    What comes out has Circuitscape's own names. Paths in the .ini are looked for in its folder, in those above it and
    in the current one. What was taken in another way than it may have been meant stands on standard error.

    Example: biodata circuit sample_data/planning/circuit.ini --out results
    """
    engine_options.run_engine(
        "circuit", asked, data=data, workers=workers, kind="here" if workers == 1 else "processes"
    )


_RUNS = """Analyses that can be had again: what was asked, of what, by which code, and what came out.

A run is named by its id as `biodata runs list` shows it, by how the id begins, or by a corridor or candidate that it found.

Example: biodata runs list --data biodata_data
"""
Executors = Annotated[
    str, typer.Option("--executor", help="here, threads, processes, or dask: the workers of BIODATA_SCHEDULER.")
]
Workers = Annotated[int | None, typer.Option(help="How many threads or processes; one a core.", min=1)]


def start(
    engine: Annotated[str, typer.Argument(help="What to run.")],
    data: common.DataOption = common.DEFAULT_DATA,
    settings: engine_options.SetOption = None,
    parameters: engine_options.ParametersOption = None,
    seed: engine_options.SeedOption = 1,
    executor: Executors = "here",
    workers: Workers = None,
) -> None:
    """Run an engine and keep the run: parameters, inputs with checksums, seed, code, results with checksums.

    ENGINE is corridors, own-corridors, validation, uncertainty, scenarios, climate, resistance, cost-distance, circuit,
    network, protconn, reserves or survey-results.

    Example: biodata runs start corridors --data biodata_data --set layer=landcover_china_vietnam --set resistance=sample_data/resistance.csv
    """
    from biodata.runs.engines import work as run_engines

    asked = {**engine_options.read_parameters(parameters), **engine_options.read_set(settings)}
    installation = common.settings_for(data)
    with _executor(installation, executor, workers) as where:
        record = run_engines.start(
            installation, engine, asked, seed=seed, executor=where, progress=common.show_progress()
        )
    _print(record.as_dict())


def list_runs(data: common.DataOption = common.DEFAULT_DATA, as_json: common.JsonOption = False) -> None:
    """List the runs that were kept, the oldest first.

    Example: biodata runs list --data biodata_data
    """
    from biodata.store import run_records

    settings = common.settings_for(data)
    records = run_records.every(settings)
    if as_json:
        common.say(json.dumps([record.as_dict() for record in records], ensure_ascii=False, indent=1))
        return
    for record in records:
        tables = ", ".join(f"{name} {reported['rows']}" for name, reported in record.results.items())
        lake = "" if record.snapshot is None else f", lake {record.snapshot}"
        common.say(f"{record.id}  code {record.code[:8]}{lake}, seed {record.seed}: {tables}")
    if not records:
        common.say("no run is kept yet")


def show(
    run: Annotated[str, typer.Argument(help="Its id, how that begins, or one of its results.")],
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:
    """Show a run as JSON: parameters, inputs, code, versions, results with their checksums.

    Example: biodata runs show landcover_china_laos-corridor-1 --data biodata_data
    """
    from biodata.runs.standing import kept_run

    common.say(json.dumps(kept_run(common.settings_for(data), run).as_dict(), ensure_ascii=False, indent=1))


def repeat(
    run: Annotated[str, typer.Argument(help="Its id, how that begins, or one of its results.")],
    data: common.DataOption = common.DEFAULT_DATA,
    executor: Executors = "here",
    workers: Workers = None,
) -> None:
    """Run again what was run before and say whether the results are identical, or what differs.

    The exit code is 1 where they are not identical.

    Example: biodata runs repeat landcover_china_vietnam-corridor-1 --data biodata_data
    """
    from biodata.runs.engines import work as run_engines
    from biodata.runs.standing import kept_run

    settings = common.settings_for(data)
    kept = kept_run(settings, run)
    with _executor(settings, executor, workers) as where:
        record, comparison = run_engines.repeat(settings, kept.id, executor=where, progress=common.show_progress())
    common.say(f"{record.id}: {comparison.message()}")
    if not comparison.identical:
        raise typer.Exit(1)


def compare_runs(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:
    """Compare two runs: identical, or what differs. The exit code is 1 where they are not identical.

    Example: biodata runs compare landcover_china_laos-corridor-1 landcover_china_vietnam-corridor-1 --data biodata_data
    """
    from biodata.runs.standing import kept_run
    from biodata.store import run_records

    settings = common.settings_for(data)
    one, other = kept_run(settings, first), kept_run(settings, second)
    tables = [run_records.results_of(settings, record.id) for record in (one, other)]
    comparison = run_records.compare(one, other, *tables)
    common.say(comparison.message())
    if not comparison.identical:
        raise typer.Exit(1)


def _executor(settings: "Settings", kind: str, workers: int | None) -> "AbstractContextManager[Executor | None]":
    """Return an executor of a kind as a `with` block; None for `here`."""
    from biodata.pipeline.executors import KINDS, executor

    if kind not in KINDS:
        message = f"{kind!r} is none of {', '.join(KINDS)}"
        raise typer.BadParameter(message, param_hint="--executor")
    return executor(settings, kind, workers=workers)


def _print(record: dict[str, Any]) -> None:
    """Say what a run gave."""
    common.say(f"run {record['id']}")
    for name, reported in record["results"].items():
        common.say(f"  {name}: {reported['rows']} rows, sha256 {reported['sha256'][:16]}")
    for note in record["notes"]:
        common.say(f"  {note}")
