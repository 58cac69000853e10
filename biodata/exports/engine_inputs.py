"""Published data as the input files of Conefor and Circuitscape. Nothing but a release is read."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import shapely

from biodata.core import geo
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.grid import Grid
    from biodata.store.releases import Release

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
        plane = geo.equal_area_crs(areas.total_bounds)
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


def _in_degrees(grid: "Grid") -> Box:
    """Return a grid's box in degrees."""
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(grid.crs.to_wkt(), "EPSG:4326", *grid.bounds, densify_pts=21)
    return west, south, east, north
