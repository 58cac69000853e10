"""Published data as the input files of other programs: Conefor, Circuitscape, Marxan. Nothing but a release is read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.exports import layers
from biodata.exports.selection import Selection
from biodata.formats.marxan_output import write_settings, write_units
from biodata.harmonise.area_cleaning.steps import split_at_antimeridian

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.grid import Grid
    from biodata.formats.marxan import Bounds
    from biodata.store.query.filters import Filter
    from biodata.store.releases import Release

LAYER: Final = "planning_units"


def unit_table(units: "gpd.GeoDataFrame", cost: Any, status: Any = 0) -> pl.DataFrame:
    """Return the table of units as Marxan has it.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        As `analysis.reserves.planning_units` makes them, n rows.
    cost : array of float64, length n
    status : array of int64, length n, or int
        Marxan's: 0 free, 2 locked in, 3 locked out.

    Returns
    -------
    polars.DataFrame
        id, cost, status, xloc and yloc (degrees of a point inside the unit).
    """
    from biodata.analysis.reserves.planning_units import crs_of

    points = shapely.get_coordinates(
        geo.project(np.asarray(shapely.point_on_surface(units.geometry.to_numpy())), crs_of(units), 4326)
    )
    return pl.DataFrame(
        {
            "id": units["unit_id"].to_numpy(),
            "cost": cost,
            "status": np.broadcast_to(np.asarray(status, dtype=np.int64), len(units)),
            "xloc": points[:, 0].round(5),
            "yloc": points[:, 1].round(5),
        }
    )


def bounds_of(units: "gpd.GeoDataFrame") -> "Bounds":
    """Return the lengths that units share, and what is left of each outline, kilometres."""
    from biodata.analysis.reserves.planning_units import boundary_of
    from biodata.formats.marxan import Bounds

    shared = boundary_of(units, penalty=0.0)
    return Bounds(shared.first, shared.second, shared.length, shared.outer, symmetric=True)


def write_units_layer(
    units: "gpd.GeoDataFrame", table: pl.DataFrame, path: Path, *, facts: Mapping[str, str | float] | None = None
) -> None:
    """Write the units as a layer in degrees, styled by status; the file appears whole or not at all.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        country_code, area_km2 and geometry.
    table : polars.DataFrame
        As `unit_table` returns it, in the same order.
    path : Path
        Of the GeoPackage.
    facts : mapping, optional
        The boundary set that they are cut by, for the layer's metadata.
    """
    import geopandas as gpd

    from biodata.analysis.reserves.planning_units import crs_of

    told = table.to_pandas().assign(
        country_code=units["country_code"].to_numpy(), area_km2=units["area_km2"].to_numpy()
    )
    shapes, _ = split_at_antimeridian(geo.project(units.geometry.to_numpy(), crs_of(units), 4326))
    layers.write_layer(gpd.GeoDataFrame(told, geometry=shapes, crs=4326), path, layer=LAYER, facts=facts)


def write_project_of_units(
    units: "gpd.GeoDataFrame", cost: Any, folder: Path, *, facts: Mapping[str, str | float] | None = None
) -> tuple[Path, ...]:
    """Write the part of a Marxan project that does not depend on the species.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    cost : array of float64, one a unit
    folder : Path
        Gets input/pu.dat, input/bound.dat and units.gpkg; and input.dat, which names spec.dat and puvspr.dat too, where
        it has none yet.
    facts : mapping, optional
        As of `write_units_layer`.

    Returns
    -------
    tuple of Path
        What was written.
    """
    table = unit_table(units, cost)
    files = [*write_units(folder, table, bounds_of(units)), folder / "units.gpkg"]
    write_units_layer(units, table, files[-1], facts=facts)
    if not (folder / "input.dat").exists():
        files.append(write_settings(folder, bounded=True))
    return tuple(files)


# Our published data as the input files of other programs: Conefor, Circuitscape, Marxan. Nothing but a release is read.
KEY_FILE: Final = "key.csv"
"""Tells which of our areas, units and species stands behind each number."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
        In the folder.
    counts : mapping of str to int
        What is in them, and what was left out.
    """

    files: tuple[Path, ...]
    counts: Mapping[str, int]


def published_areas(release: "Release", box: Box | None = None) -> Any:
    """Return the published protected areas that have a polygon, with numbers from 1.

    Parameters
    ----------
    release : Release
        The current release.
    box : west, south, east, north, optional
        Only areas that touch it, degrees.

    Returns
    -------
    geopandas.GeoDataFrame
        number, area_id, name, country_codes and geometry in degrees; in the order of area_id.

    Raises
    ------
    InputError
        If there is none (AREAS_MISSING).
    """
    import geopandas as gpd

    from biodata.store import releases
    from biodata.store.query.filters import InBox

    where = None if box is None else InBox(*box)
    table = releases.read(release, "protected_areas", where=where).sort("area_id")
    table = table.filter(pl.col("geometry").is_not_null())
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    polygons = shapely.area(shapes) > 0
    if box is not None:
        polygons &= shapely.intersects(shapes, shapely.box(*box))
    if not polygons.any():
        problem = "the release has no protected area with a polygon there"
        expected = "areas taken in with `biodata ingest protected-areas` and published with `biodata release`"
        raise InputError(problem, file=release.id, expected=expected, code="AREAS_MISSING")
    kept = table.filter(pl.Series(polygons)).select("area_id", "name", pl.col("country_codes").list.join(";"))
    frame = gpd.GeoDataFrame(kept.to_pandas(), geometry=shapes[polygons], crs=4326)
    frame.insert(0, "number", np.arange(1, len(frame) + 1))
    return frame


def write_conefor(
    release: "Release", folder: Path, *, reach_m: float = math.inf, box: Box | None = None, corridors: bool = False
) -> Written:
    """Write protected areas as Conefor's nodes, and the distances between them as its connections.

    Parameters
    ----------
    release : Release
        The current release.
    folder : Path
        Gets nodes.txt (number and area in km²), distances.txt (metres) and key.csv.
    reach_m : float
        Pairs farther apart are left out, metres.
    box : west, south, east, north, optional
        Only areas that touch it, degrees.
    corridors : bool
        Distances are the least costs of the published corridors (cost-metres), and not those between edges (metres).
    """
    from biodata.analysis.networks.protconn_pieces import within_reach
    from biodata.core.vocabularies import ConnectionKind
    from biodata.formats.conefor import Connections, Nodes, write_connections, write_nodes

    areas = published_areas(release, box)
    if corridors:
        first, second, distance = _corridor_costs(release, areas, reach_m)
    else:
        plane = geo.equal_area_crs(_bounds(areas))
        shapes = np.asarray(geo.project(np.asarray(areas.geometry), 4326, plane))
        first, second, distance = within_reach(shapes, reach_m=reach_m)
    area_km2 = geo.area_km2(np.asarray(areas.geometry))
    number = areas["number"].to_numpy()
    nodes = Nodes(number, np.asarray(area_km2), np.ones(len(areas), dtype=bool))
    links = Connections(ConnectionKind.DISTANCE, first, second, distance)
    folder.mkdir(parents=True, exist_ok=True)
    files = (folder / "nodes.txt", folder / "distances.txt", folder / KEY_FILE)
    write_nodes(nodes, files[0])
    write_connections(links, nodes, files[1])
    _write_key(areas, files[2])
    return Written(files, {"nodes": len(areas), "connections": int(first.size)})


def _corridor_costs(release: "Release", areas: Any, reach: float) -> tuple[Any, Any, Any]:
    """Return the pairs of areas that a published corridor joins, with the least cost of any."""
    from biodata.store import releases

    place = {area_id: index for index, area_id in enumerate(areas["area_id"])}
    found: dict[tuple[int, int], float] = {}
    table = releases.read(release, "corridors").filter(pl.col("functional") & pl.col("least_cost").is_not_null())
    for one, other, cost in table.select("from_area_id", "to_area_id", "least_cost").iter_rows():
        if one in place and other in place and cost <= reach:
            pair = (min(place[one], place[other]), max(place[one], place[other]))
            found[pair] = min(cost, found.get(pair, math.inf))
    if not found:
        problem = "the release has no corridor between these areas"
        expected = "corridors found with `biodata corridors` and published with `biodata release`"
        raise InputError(problem, file=release.id, expected=expected, code="CORRIDORS_MISSING")
    pairs = sorted(found)
    first, second = np.array(pairs, dtype=np.int64).T
    return first, second, np.array([found[pair] for pair in pairs])


def write_circuitscape(
    release: "Release", resistance: tuple[Any, "Grid"], folder: Path, *, points: bool = False
) -> Written:
    """Write a resistance raster and the protected areas on it as a project of Circuitscape, pairwise.

    Parameters
    ----------
    release : Release
        The current release.
    resistance : ndarray of float64 and its Grid
        As `analysis.rasters.read` returns them; cells have to be squares, in the raster's own units.
    folder : Path
        Gets circuit.ini, resistance.asc and .prj, focal_regions.asc and key.csv.
    points : bool
        One cell in the middle of each area, and not all of its cells.

    Raises
    ------
    InputError
        If the cells are no squares (RASTER_NOT_SQUARE), or fewer than two areas lie on the raster (AREAS_MISSING).
    """
    from biodata.analysis.rasters import cells_inside
    from biodata.formats.circuitscape import write_settings
    from biodata.formats.grids import RasterFile, write_ascii_grid

    values, grid = resistance
    if not grid.square():
        problem = f"the cells are {grid.transform.a:g} wide and {-grid.transform.e:g} high"
        raise InputError(problem, expected="square cells, as from --cell-m", code="RASTER_NOT_SQUARE")
    box = _in_degrees(grid)
    areas = published_areas(release, box)
    regions = np.full(grid.cells, np.nan)
    known = np.isfinite(values).ravel()
    # Where areas overlap, the smaller one keeps its cells.
    order = np.argsort(-geo.area_km2(np.asarray(areas.geometry)), kind="stable")
    overlapped = 0
    for index in order:
        shape = geo.project(areas.geometry.iloc[index], 4326, grid.crs)
        cells = cells_inside(shapely.point_on_surface(shape) if points else shape, grid)
        cells = cells[known[cells]]
        overlapped += int((~np.isnan(regions[cells])).sum())
        regions[cells] = areas["number"].iloc[index]
    present = np.unique(regions[~np.isnan(regions)]).astype(np.int64)
    if present.size < 2:
        problem = f"{present.size} protected areas lie on the raster's cells with data"
        raise InputError(problem, expected="two or more", code="AREAS_MISSING")
    west, south, _, _ = grid.bounds
    lies = RasterFile(values, west, south, grid.transform.a, grid.transform.a, grid.crs.to_wkt("WKT1_ESRI"))
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        write_ascii_grid(values, lies, folder / "resistance.asc"),
        write_ascii_grid(regions.reshape(grid.shape), lies, folder / "focal_regions.asc"),
    ]
    for file in list(files):
        files.append(file.with_suffix(".prj"))
        files[-1].write_text(lies.crs, encoding="utf-8")
    settings = (
        ("Circuitscape mode", "data_type", "raster"),
        ("Circuitscape mode", "scenario", "pairwise"),
        ("Habitat raster or graph", "habitat_file", "resistance.asc"),
        ("Habitat raster or graph", "habitat_map_is_resistances", "True"),
        ("Options for pairwise and one-to-all and all-to-one modes", "point_file", "focal_regions.asc"),
        ("Connection scheme for raster habitat data", "connect_four_neighbors_only", "False"),
        ("Connection scheme for raster habitat data", "connect_using_avg_resistances", "True"),
        ("Output options", "output_file", "circuit.out"),
        ("Output options", "write_cur_maps", "True"),
        ("Output options", "write_cum_cur_map_only", "True"),
        ("Version", "version", "4.0.5"),
    )
    files.append(folder / "circuit.ini")
    write_settings(settings, files[-1])
    files.append(folder / KEY_FILE)
    _write_key(areas[areas["number"].isin(present)], files[-1])
    counts = {
        "areas": int(present.size),
        "without cells": len(areas) - int(present.size),
        "cells in two areas": overlapped,
    }
    return Written(tuple(files), counts)


def _write_key(areas: Any, path: Path) -> None:
    """Write which area stands behind each number."""
    from biodata.exports.tables import write_csv

    write_csv(pl.from_pandas(areas.drop(columns="geometry")), path)


def _bounds(areas: Any) -> Box:
    west, south, east, north = (float(edge) for edge in areas.total_bounds)
    return west, south, east, north


def _in_degrees(grid: "Grid") -> Box:
    """Return a grid's box in degrees."""
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(grid.crs.to_wkt(), "EPSG:4326", *grid.bounds, densify_pts=21)
    return west, south, east, north


# Published records and protected areas as a project of Marxan: units, species, what is where, shared edges.
_LOCKED_IN: Final = 2


@dataclass(frozen=True, slots=True)
class MarxanRequest:
    """What a project is to hold.

    Attributes
    ----------
    box : west, south, east, north
        Degrees, WGS 84.
    side_m : float
        Side of a planning unit that is a square, metres; a hexagon has the same area. Borders and the box cut them.
    target : float
        The share of each species' units that a reserve has to hold, 0-1.
    least_units : int
        Species in fewer units are left out.
    locked_in_share : float
        Units with this share of protected ground or more are locked in; above 1 for none.
    countries : sequence of str
        ISO 3166-1 alpha-2: units on their land; of all countries in the box where none are named.
    boundary_modifier : float
        Marxan's BLM.
    shape : str
        'square' or 'hexagon'.
    cost_per_km2 : mapping of str to float
        By country: a unit's cost is its area, km², times this; 1 where no country is named.
    """

    box: Box
    side_m: float
    target: float = 0.3
    least_units: int = 1
    locked_in_share: float = 0.5
    countries: Sequence[str] = ()
    boundary_modifier: float = 0.0
    shape: Literal["hexagon", "square"] = "square"
    cost_per_km2: Mapping[str, float] = field(default_factory=dict)


def write_marxan(
    release: "Release",
    request: MarxanRequest,
    folder: Path,
    *,
    boundaries: places.BoundarySet,
    where: "Filter | None" = None,
) -> Written:
    """Write a Marxan project of what is published.

    Parameters
    ----------
    release : Release
        The current release.
    request : MarxanRequest
    folder : Path
        Gets input.dat, the folder input with Marxan's tables, key.csv, and units.gpkg, whose layer planning_units is
        styled by status.
    boundaries : BoundarySet
        Whose land countries have.
    where : Filter, optional
        Which records; all that are present and have a species, where none is given.

    Returns
    -------
    Written

    Raises
    ------
    InputError
        If there would be no unit, too many, no species, or a country has no cost (REGION_EMPTY, UNITS_TOO_MANY,
        SPECIES_MISSING, COST_MISSING).

    Notes
    -----
    The amount of a species in a unit is 1 where a record of it lies there: records tell where somebody looked, and not
    how many there are. A record whose published uncertainty is larger than `side_m`, as that of a sensitive species
    whose place was made coarser, is in no unit and is counted.
    """
    from biodata.analysis.reserves import planning_units
    from biodata.formats.marxan_output import write_project

    units = planning_units.cut_at_borders(
        request.countries, boundaries, unit_km2=(request.side_m / 1000) ** 2, shape=request.shape, bounds=request.box
    )
    cost = planning_units.costs_by_country(
        units, request.cost_per_km2 or dict.fromkeys(units["country_code"].unique(), 1.0)
    )
    present, left_out = _present(release, units, request.side_m, where)
    by_species = present.group_by("species").agg(pl.len().alias("units")).filter(pl.col("units") >= request.least_units)
    by_species = by_species.sort("species").with_row_index("id", offset=1)
    if by_species.is_empty():
        problem = "no species has records in the planning units"
        expected = "records there, taken in with `biodata ingest` and published with `biodata release`"
        raise InputError(problem, file=release.id, expected=expected, code="SPECIES_MISSING")
    amounts = present.join(by_species.select("species", "id"), on="species").select(
        pl.col("id").cast(pl.Int64).alias("species"), "pu", pl.lit(1).alias("amount")
    )
    table = unit_table(units, cost, _status(release, units, request))
    species = by_species.select(
        pl.col("id").cast(pl.Int64), pl.lit(request.target).alias("prop"), pl.lit(1.0).alias("spf"),
        pl.col("species").str.replace_all(r"[^\w.-]+", "_").alias("name"),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = write_project(
        folder, units=table, species=species, amounts=amounts, bounds=bounds_of(units),
        blm=request.boundary_modifier,
    )  # fmt: skip
    by_species.select("id", "species", "units").write_csv(folder / KEY_FILE)
    write_units_layer(units, table, folder / "units.gpkg")
    locked = int((table["status"] == _LOCKED_IN).sum())
    counts = {
        "units": len(units),
        "locked in": locked,
        "species": species.height,
        "amounts": amounts.height,
        **left_out,
    }
    return Written((path, folder / KEY_FILE, folder / "units.gpkg"), counts)


def _present(
    release: "Release", units: "gpd.GeoDataFrame", side_m: float, where: "Filter | None"
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return which species has a record in which unit, once each, and how many records are in none and why."""
    from biodata.analysis.reserves.planning_units import unit_of

    found: list[pl.DataFrame] = []
    coarse = outside = 0
    numbers = units["unit_id"].to_numpy()
    select = '"species", "decimalLongitude" AS x, "decimalLatitude" AS y, "coordinateUncertaintyInMeters" AS metres'
    condition = "AND species IS NOT NULL AND \"occurrenceStatus\" IS DISTINCT FROM 'ABSENT' AND x IS NOT NULL"
    with Selection(release.path, where) as selection:
        for batch in selection.batches(select, after=condition):
            precise = batch.filter((pl.col("metres") <= side_m).fill_null(value=True))
            coarse += batch.height - precise.height
            unit = unit_of(units, precise.select("x", "y").to_numpy())
            outside += int((unit < 0).sum())
            placed = precise.select("species", pu=pl.Series(numbers[unit])).filter(pl.Series(unit >= 0))
            found.append(placed.unique())
    whole = pl.concat(found).unique().sort("species", "pu")
    return whole, {"records coarser than a unit": coarse, "records outside": outside}


def _status(release: "Release", units: "gpd.GeoDataFrame", request: MarxanRequest) -> Any:
    """Return which units are locked in, for the protected ground that they hold."""
    from biodata.analysis.reserves.planning_units import crs_of

    shapes = units.geometry.to_numpy()
    share = np.zeros(len(shapes))
    if request.locked_in_share <= 1:
        try:
            areas = published_areas(release, request.box)
        except InputError:
            areas = None
        if areas is not None:
            ground = shapely.union_all(geo.project(np.asarray(areas.geometry), 4326, crs_of(units)))
            shapely.prepare(ground)
            near = shapely.intersects(ground, shapes)
            share[near] = shapely.area(shapely.intersection(shapes[near], ground)) / shapely.area(shapes[near])
    return np.where(share >= request.locked_in_share, _LOCKED_IN, 0)
