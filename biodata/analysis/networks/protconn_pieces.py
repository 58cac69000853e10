"""Protected ground as ProtConn's nodes: pieces inside a region and beyond its border, and their distances.

The edges of each polygon are cut into short runs with a box around each; boxes that are farther apart than the nearest
edges so far are not looked into.

Areas are cut at the region's border. What overlaps or shares an edge is one piece of ground, counted once, and ground
that does not hang together is several pieces. Beyond the border everything that lies within reach counts, what only
touches the border too (Makurhini leaves such areas out, connectscape/Makurhini#29); it serves as a stepping stone and
has no area of its own.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from biodata.analysis.areas import polygonal
from biodata.analysis.bucket_queue import Floats, Ints, compiled
from biodata.analysis.networks import graphs
from biodata.core import geo
from biodata.core.errors import InputError

_RUN: Final = 6
"""Edges in a run."""
_AT_ONCE: Final = 64


_EQUAL_AREA = ("Equal Area", "Equal Earth", "Mollweide", "Sinusoidal", "Eckert IV", "Eckert VI")
_LONGEST_EDGE_DEGREES = 0.05
"""Edges are straight in degrees; cut to this length before they are projected they stay within a metre of that."""


def within_reach(shapes: NDArray[np.object_], *, reach_m: float) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of polygons that are not farther apart than a reach, with their distances.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons or multipolygons
        On a plane, metres; not empty.
    reach_m : float
        Pairs farther apart are left out; inf for all.

    Returns
    -------
    first, second : ndarray of int64, (m,)
        Positions, the lower first.
    distance_m : ndarray of float64, (m,)
        Metres between the nearest edges; 0 where polygons touch or overlap.
    """
    boxes = shapely.bounds(shapes).reshape(-1, 4)
    tree = shapely.STRtree(shapes)
    if math.isfinite(reach_m):
        wide = boxes + np.array([-reach_m, -reach_m, reach_m, reach_m])
        one, other = tree.query(shapely.box(*wide.T))
    else:
        one, other = (index.reshape(-1) for index in np.indices((len(shapes), len(shapes))))
    one, other = one[one < other], other[one < other]
    order = np.lexsort((other, one))
    one, other = one[order].astype(np.int64), other[order].astype(np.int64)
    edges, starts = _edges(shapes)
    runs, run_starts = _runs(edges, starts)
    distance = np.full(one.size, reach_m)
    work = partial(_close_distances, edges, starts, runs, run_starts, boxes, one, other, distance)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(
            threads.map(
                work, range(0, one.size, _AT_ONCE), np.minimum(np.arange(0, one.size, _AT_ONCE) + _AT_ONCE, one.size)
            )
        )
    # One inside the other has distant edges; only polygons whose boxes meet can be so.
    meet = (boxes[one, :2] <= boxes[other, 2:]).all(axis=1) & (boxes[other, :2] <= boxes[one, 2:]).all(axis=1)
    meet &= distance > 0
    distance[meet] = np.where(shapely.intersects(shapes[one[meet]], shapes[other[meet]]), 0.0, distance[meet])
    near = distance < reach_m
    return one[near], other[near], distance[near]


def _edges(shapes: NDArray[np.object_]) -> tuple[Floats, Ints]:
    """Return the edges of all polygons, x1 y1 x2 y2 each, and where those of each begin."""
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    points, point_of = shapely.get_coordinates(rings, return_index=True)
    same = point_of[1:] == point_of[:-1]
    edges = np.hstack([points[:-1][same], points[1:][same]])
    owner = part_of[ring_of[point_of[:-1][same]]]
    return edges, np.searchsorted(owner, np.arange(len(shapes) + 1)).astype(np.int64)


def _runs(edges: Floats, starts: Ints) -> tuple[Floats, Ints]:
    """Return the boxes of runs of edges, west south east north each, and where those of each polygon begin."""
    counts = -(-np.diff(starts) // _RUN)
    run_starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    first = np.repeat(starts[:-1], counts) + _RUN * (np.arange(run_starts[-1]) - np.repeat(run_starts[:-1], counts))
    low = np.minimum.reduceat(np.minimum(edges[:, :2], edges[:, 2:]), first) if first.size else np.zeros((0, 2))
    high = np.maximum.reduceat(np.maximum(edges[:, :2], edges[:, 2:]), first) if first.size else np.zeros((0, 2))
    return np.hstack([low, high]), run_starts


@compiled
def _between_boxes(one: Floats, i: int, other: Floats, j: int) -> float:
    """Return the squared distance of box i and box j."""
    x = max(one[i, 0] - other[j, 2], other[j, 0] - one[i, 2], 0.0)
    y = max(one[i, 1] - other[j, 3], other[j, 1] - one[i, 3], 0.0)
    squared: float = x * x + y * y
    return squared


@compiled
def _to_edge(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the squared distance from a point to an edge."""
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = 0.0 if length == 0.0 else min(1.0, max(0.0, ((x - x1) * dx + (y - y1) * dy) / length))
    ex, ey = x - x1 - along * dx, y - y1 - along * dy
    return ex * ex + ey * ey


@compiled
def _between_edges(edges: Floats, i: int, j: int) -> float:
    """Return the squared distance of two edges; 0 where they cross."""
    ax, ay, bx, by = edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3]
    cx, cy, dx, dy = edges[j, 0], edges[j, 1], edges[j, 2], edges[j, 3]
    best = min(
        min(_to_edge(ax, ay, cx, cy, dx, dy), _to_edge(bx, by, cx, cy, dx, dy)),
        min(_to_edge(cx, cy, ax, ay, bx, by), _to_edge(dx, dy, ax, ay, bx, by)),
    )
    if best > 0.0:
        left = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        right = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
        before = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
        behind = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
        if left * right < 0.0 and before * behind < 0.0:
            return 0.0
    return best


@compiled
def _nearest_run(runs: Floats, start: int, end: int, boxes: Floats, box: int) -> int:
    """Return the run whose box is nearest to a box."""
    best, nearest = start, np.inf
    for run in range(start, end):
        apart = _between_boxes(runs, run, boxes, box)
        if apart < nearest:
            best, nearest = run, apart
    return best


@compiled
def _between_runs(edges: Floats, starts: Ints, run_starts: Ints, one: int, a: int, other: int, b: int) -> float:
    """Return the squared distance of run a of one polygon and run b of another."""
    best = np.inf
    i0, j0 = starts[one] + _RUN * (a - run_starts[one]), starts[other] + _RUN * (b - run_starts[other])
    for i in range(i0, min(i0 + _RUN, starts[one + 1])):
        for j in range(j0, min(j0 + _RUN, starts[other + 1])):
            best = min(best, _between_edges(edges, i, j))
    return best


@compiled
def _close_distances(
    edges: Floats, starts: Ints, runs: Floats, run_starts: Ints, boxes: Floats, first: Ints, second: Ints,
    distance: Floats, start: int, end: int,
) -> None:  # fmt: skip
    """Fill the distances of some pairs, each of which holds its reach before."""
    facing = np.empty(runs.shape[0], np.int64)
    for pair in range(start, end):
        one, other = first[pair], second[pair]
        best = distance[pair] * distance[pair]
        # A look at runs that face each other gives a bound that rules out most of the rest.
        a = _nearest_run(runs, run_starts[one], run_starts[one + 1], boxes, other)
        b = _nearest_run(runs, run_starts[other], run_starts[other + 1], runs, a)
        a = _nearest_run(runs, run_starts[one], run_starts[one + 1], runs, b)
        best = min(best, _between_runs(edges, starts, run_starts, one, a, other, b))
        count = 0
        for b in range(run_starts[other], run_starts[other + 1]):
            if _between_boxes(runs, b, boxes, one) < best:
                facing[count] = b
                count += 1
        for a in range(run_starts[one], run_starts[one + 1]):
            if _between_boxes(runs, a, boxes, other) >= best:
                continue
            for b in facing[:count]:
                if _between_boxes(runs, a, runs, b) < best:
                    best = min(best, _between_runs(edges, starts, run_starts, one, a, other, b))
        distance[pair] = np.sqrt(best)


@dataclass(frozen=True, eq=False, slots=True)
class Pieces:
    """The nodes of a region, n inside and m beyond the border; metres and square metres on an equal-area plane.

    Attributes
    ----------
    crs : pyproj.CRS
        The plane.
    region_m2 : float
        Area of the region.
    shapes : ndarray of n + m shapely polygons
        The pieces inside, then those beyond the border.
    area_m2 : ndarray of float64, (n + m,)
        0 beyond the border.
    sites_m2 : ndarray of float64
        Areas, inside the region, of the connected parts of each protected area by itself, overlaps counted each time.
    first, second, distance_m : ndarrays, (links,)
        Distances of pairs of pieces within reach.
    lands : int
        How many parts the region has, which do not touch.
    land_of : ndarray of int64, (n,)
        The part that each piece inside lies in.
    land_first, land_second, land_distance_m : ndarrays
        Distances of the parts, numbered from 0, and the pieces beyond the border, numbered from `lands`.
    reach_m : float
        Pairs farther apart were left out.
    """

    crs: CRS
    region_m2: float
    shapes: NDArray[np.object_]
    area_m2: Floats
    sites_m2: Floats
    first: Ints
    second: Ints
    distance_m: Floats
    lands: int
    land_of: Ints
    land_first: Ints
    land_second: Ints
    land_distance_m: Floats
    reach_m: float

    @property
    def inside(self) -> int:
        """How many pieces lie inside the region."""
        return self.land_of.size

    @property
    def beyond(self) -> int:
        """How many pieces lie beyond the border."""
        return len(self.shapes) - self.land_of.size


def cut(
    areas: gpd.GeoDataFrame | gpd.GeoSeries,
    region: gpd.GeoDataFrame | gpd.GeoSeries | shapely.Geometry,
    *,
    transboundary_m: float | None = 50_000.0,
    reach_m: float = 300_000.0,
) -> Pieces:
    """Cut protected areas at a region's border and measure the distances between what results.

    Parameters
    ----------
    areas : GeoDataFrame or GeoSeries
        Polygons; others are left out. Those of neighbouring countries too, if `transboundary_m` is given.
    region : GeoDataFrame, GeoSeries or polygon
        The study area, all rows together; a bare geometry is in degrees, WGS 84.
    transboundary_m : float, optional
        How far from the region areas beyond the border are taken in; 0 for those that touch, None for none at all.
    reach_m : float
        Pairs farther apart are left out.

    Returns
    -------
    Pieces

    Raises
    ------
    InputError
        If a table states no coordinate system (CRS_MISSING), or the region has no area (REGION_EMPTY).

    Notes
    -----
    Measured is on the areas' own plane if that keeps areas, else on a Lambert azimuthal equal-area one around the region's
    middle. Its distances are 0.1 % off 500 km from there.
    """
    plane = _plane(areas, region)
    land = shapely.union_all(polygonal(_on_plane(region, plane)))
    if not shapely.area(land) > 0:
        problem = "the region has no area"
        raise InputError(problem, code="REGION_EMPTY")
    sites = polygonal(_on_plane(areas.geometry, plane))
    sites = sites[shapely.area(sites) > 0]
    shapely.prepare(land)
    meets = np.flatnonzero(shapely.intersects(land, sites))
    whole = shapely.contains_properly(land, sites[meets])
    clipped = sites[meets].copy()
    clipped[~whole] = polygonal(shapely.intersection(clipped[~whole], land))
    inside = _dissolved(clipped)
    beyond = np.zeros(0, dtype=object)
    if transboundary_m is not None:
        out = sites[shapely.dwithin(land, sites, transboundary_m) & ~shapely.covers(land, sites)]
        crossing = shapely.intersects(land, out)
        out[crossing] = polygonal(shapely.difference(out[crossing], land))
        beyond = _dissolved(out)
    shapes = np.concatenate([inside, beyond])
    lands = _parts(np.array([land], dtype=object))
    first, second, distance_m = within_reach(shapes, reach_m=reach_m)
    tree = shapely.STRtree(lands)
    # An inner point tells the part: a piece cut at the border may lie a hair outside it.
    land_of = tree.nearest(shapely.point_on_surface(inside)) if len(inside) else np.zeros(0)
    land_links = within_reach(np.concatenate([lands, beyond]), reach_m=reach_m)
    return Pieces(
        plane, float(shapely.area(land)), shapes, np.concatenate([shapely.area(inside), np.zeros(len(beyond))]),
        shapely.area(shapely.get_parts(clipped)), first, second, distance_m, len(lands),
        np.asarray(land_of, dtype=np.int64), *land_links, reach_m,
    )  # fmt: skip


def _plane(areas: Any, region: Any) -> CRS:
    """Return the plane to measure on."""
    for table in (areas, region):
        if not isinstance(table, shapely.Geometry) and table.crs is None:
            problem = "the table tells no coordinate system"
            raise InputError(problem, expected="a table with a crs, as set_crs gives it one", code="CRS_MISSING")
    if areas.crs.is_projected and _keeps_areas(areas.crs):
        return CRS.from_user_input(areas.crs)
    is_bare = isinstance(region, shapely.Geometry)
    return geo.equal_area_crs(shapely.bounds(region) if is_bare else region.geometry.to_crs(4326).total_bounds)


def _keeps_areas(crs: CRS) -> bool:
    """Return whether a projected system is an equal-area one in metres."""
    operation = crs.coordinate_operation
    method = "" if operation is None else operation.method_name
    return any(word in method for word in _EQUAL_AREA) and crs.axis_info[0].unit_conversion_factor == 1


def _on_plane(shapes: Any, plane: CRS) -> NDArray[np.object_]:
    """Return geometries on the plane; edges that are straight in degrees stay so."""
    if isinstance(shapes, shapely.Geometry):
        own, found = CRS.from_epsg(4326), np.array([shapes], dtype=object)
    else:
        own, found = shapes.crs, shapes.geometry.to_numpy()
    found = np.array([shape for shape in found if shape is not None and not shape.is_empty], dtype=object)
    if own == plane:
        return found
    if own.is_geographic:
        found = geo.densify(found, max_segment_degrees=_LONGEST_EDGE_DEGREES)
    projected: NDArray[np.object_] = np.atleast_1d(geo.project(found, own, plane)) if found.size else found
    return projected


def _dissolved(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the pieces of ground that areas make together; only those that meet are put through a union."""
    parts = _parts(shapes)
    if not len(parts):
        return parts
    one, other = shapely.STRtree(parts).query(parts, "intersects")
    group = graphs.components(graphs.with_links(len(parts), one, other))
    alone = np.bincount(group)[group] == 1
    joined = [shapely.union_all(parts[group == number]) for number in np.unique(group[~alone])]
    return np.concatenate([parts[alone], _parts(np.array(joined, dtype=object))])


def _parts(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the polygons that geometries consist of."""
    parts = shapely.get_parts(shapes)
    found: NDArray[np.object_] = parts[shapely.area(parts) > 0]
    return found
