"""Protected ground as ProtConn's nodes: pieces inside a region and beyond its border, and the distances between them.

Areas are cut at the region's border. What overlaps or shares an edge is one piece of ground, counted once, and ground
that does not hang together is several pieces. Beyond the border everything that lies within reach counts, what only
touches the border too (Makurhini leaves such areas out, connectscape/Makurhini#29); it serves as a stepping stone and
has no area of its own.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from biodata import geo
from biodata.analysis.areas import polygonal
from biodata.analysis.bucket_queue import Floats, Ints
from biodata.analysis.networks import graphs
from biodata.analysis.networks.polygon_distances import within_reach
from biodata.errors import InputError

_EQUAL_AREA = ("Equal Area", "Equal Earth", "Mollweide", "Sinusoidal", "Eckert IV", "Eckert VI")
_LONGEST_EDGE_DEGREES = 0.05
"""Edges are straight in degrees; cut to this length before they are projected they stay within a metre of that."""


class Measured(StrEnum):
    """Between what the distance of two pieces is taken."""

    EDGE = "edge"
    CENTROID = "centroid"


class Around(StrEnum):
    """What areas beyond the border are near to."""

    REGION = "region"
    AREAS = "areas"


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
    around: Around = Around.REGION,
    measured: Measured = Measured.EDGE,
    reach_m: float = 300_000.0,
    crs: Any = None,
) -> Pieces:
    """Cut protected areas at a region's border and measure the distances between what results.

    Parameters
    ----------
    areas : GeoDataFrame or GeoSeries
        Polygons; others are left out. Those of neighbouring countries too, if `transboundary_m` is given.
    region : GeoDataFrame, GeoSeries or polygon
        The study area, all rows together; a bare geometry is in degrees, WGS 84.
    transboundary_m : float, optional
        How far from `around` areas beyond the border are taken in; 0 for those that touch, None for none at all.
    around : Around
        The region, or the areas that lie in it at least in part (whole), as Makurhini's `transboundary_type = "nodes"`.
    measured : Measured
        Distances from edge to edge, or between centroids.
    reach_m : float
        Pairs farther apart are left out.
    crs : what pyproj.CRS takes, optional
        The plane to measure on, in metres. Where it is not given it is the areas' own system if that keeps areas, else
        a Lambert azimuthal equal-area one around the region's middle. Its distances are 0.1 % off 500 km from there.

    Returns
    -------
    Pieces

    Raises
    ------
    InputError
        If a table tells no coordinate system (CRS_MISSING), `crs` is none (CRS_UNKNOWN), the plane is in degrees (CRS_UNFIT), or the region has no
        area (REGION_EMPTY).
    """
    plane = _plane(areas, region, crs)
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
        near = _near(sites, land, meets[shapely.area(clipped) > 0], transboundary_m, around)
        out = sites[near]
        crossing = shapely.intersects(land, out)
        out[crossing] = polygonal(shapely.difference(out[crossing], land))
        beyond = _dissolved(out)
    shapes = np.concatenate([inside, beyond])
    lands = _parts(np.array([land], dtype=object))
    first, second, distance_m = _distances(shapes, measured, reach_m)
    tree = shapely.STRtree(lands)
    # An inner point tells the part: a piece cut at the border may lie a hair outside it.
    land_of = tree.nearest(shapely.point_on_surface(inside)) if len(inside) else np.zeros(0)
    land_links = within_reach(np.concatenate([lands, beyond]), reach_m=reach_m)
    return Pieces(
        plane,
        float(shapely.area(land)),
        shapes,
        np.concatenate([shapely.area(inside), np.zeros(len(beyond))]),
        shapely.area(shapely.get_parts(clipped)),
        first,
        second,
        distance_m,
        len(lands),
        np.asarray(land_of, dtype=np.int64),
        *land_links,
        reach_m,
    )


def _plane(areas: Any, region: Any, crs: Any) -> CRS:
    """Return the plane to measure on."""
    for table in (areas, region):
        if not isinstance(table, shapely.Geometry) and table.crs is None:
            problem = "the table tells no coordinate system"
            raise InputError(problem, expected="a table with a crs, as set_crs gives it one", code="CRS_MISSING")
    if crs is not None:
        try:
            plane = CRS.from_user_input(crs)
        except CRSError as error:
            problem = "there is no such coordinate system"
            raise InputError(problem, value=str(crs), expected="EPSG:n, ESRI:n or WKT", code="CRS_UNKNOWN") from error
    elif areas.crs.is_projected and _keeps_areas(areas.crs):
        plane = areas.crs
    else:
        bounds = (
            shapely.bounds(region)
            if isinstance(region, shapely.Geometry)
            else region.geometry.to_crs(4326).total_bounds
        )
        west, south, east, north = (float(side) for side in bounds)
        plane = geo.equal_area_crs((west, south, east, north))
    if not plane.is_projected or abs(plane.axis_info[0].unit_conversion_factor - 1) > 1e-9:
        problem = "distances and areas need a plane in metres"
        raise InputError(problem, value=plane.name, expected="a projected system in metres", code="CRS_UNFIT")
    return plane


def _keeps_areas(crs: CRS) -> bool:
    """Tell whether a projected system is an equal-area one in metres."""
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


def _near(
    sites: NDArray[np.object_], land: shapely.Geometry, inside: Ints, transboundary_m: float, around: Around
) -> NDArray[np.bool_]:
    """Return which areas lie beyond the border, in part at least, near the region or the areas in it."""
    if around is Around.REGION:
        near = shapely.dwithin(land, sites, transboundary_m)
    else:
        near = np.zeros(len(sites), dtype=np.bool_)
        near[np.unique(shapely.STRtree(sites[inside]).query(sites, "dwithin", transboundary_m)[0])] = True
    found: NDArray[np.bool_] = near & ~shapely.covers(land, sites)
    return found


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


def _distances(shapes: NDArray[np.object_], measured: Measured, reach_m: float) -> tuple[Ints, Ints, Floats]:
    """Return the distances of pairs within reach."""
    if measured is Measured.EDGE or not len(shapes):
        return within_reach(shapes, reach_m=reach_m)
    points = shapely.get_coordinates(shapely.centroid(shapes))
    one, other = (index.astype(np.int64) for index in np.triu_indices(len(points), 1))
    distance = np.hypot(*(points[one] - points[other]).T)
    near = distance < reach_m
    return one[near], other[near], distance[near]
