"""Sites on the equal-area plane: the antimeridian, long edges, and circles in the place of points."""

from functools import partial
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import geo
from biodata.geo import Floats, Geometries
from biodata.harmonise.area_borders import valid
from biodata.harmonise.area_cleaning.steps import PLANE

_CIRCLE_VERTICES: Final = 64
_LONGEST_DEGREES: Final = 0.05
"""An edge is straight in degrees; projected by its ends alone one of this length strays by less than half a metre."""

_WORLD: Final = shapely.box(-180, -90, 180, 90)


def to_plane(shapes: Geometries) -> Geometries:
    """Return geometries in degrees on the equal-area plane, metres, valid ones as valid ones; None stays None."""
    return valid(np.asarray(geo.project(_short_edges(shapes), "EPSG:4326", PLANE), dtype=object))


def to_degrees(shapes: Geometries) -> Geometries:
    """Return geometries of the plane in degrees."""
    return np.asarray(geo.project(shapes, PLANE, "EPSG:4326"), dtype=object)


def _short_edges(shapes: Geometries) -> Geometries:
    """Return geometries without edges that would stray on the plane."""
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    steps = np.abs(np.diff(coordinates, axis=0)).max(axis=1) if len(coordinates) > 1 else np.zeros(0)
    long = np.unique(index[1:][(index[1:] == index[:-1]) & (steps > _LONGEST_DEGREES)])
    result = shapes.copy()
    result[long] = geo.densify(shapes[long], max_segment_degrees=_LONGEST_DEGREES)
    return result


def split_at_antimeridian(shapes: Geometries) -> tuple[Geometries, NDArray[np.bool_]]:
    """Return polygons cut at 180°, and which ones were.

    Parameters
    ----------
    shapes : ndarray of n shapely geometries or None
        Degrees. A polygon crosses the antimeridian where an edge spans more than 180° of longitude, or where it goes
        beyond ±180°.

    Notes
    -----
    RFC 7946, section 3.1.9; wdpar does the same with `st_wrap_dateline`.
    """
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    jumps = (np.abs(np.diff(coordinates[:, 0])) > 180) & (index[1:] == index[:-1])
    beyond = np.abs(coordinates[:, 0]) > 180
    crossing = np.zeros(len(shapes), dtype=bool)
    crossing[np.concatenate([index[1:][jumps], index[beyond]])] = True
    crossing &= np.isin(shapely.get_type_id(shapes), (3, 6))
    result = shapes.copy()
    for at in np.flatnonzero(crossing):
        result[at] = _split(shapes[at])
    return result, crossing


def _split(shape: Any) -> Any:
    """Cut one polygon at the antimeridian."""
    parts = []
    for polygon in shapely.get_parts(shape):
        rings = [_unwrapped(shapely.get_coordinates(ring)) for ring in shapely.get_rings(polygon)]
        middle = rings[0][:, 0].mean()
        # Holes are brought to the turn of their shell.
        moved = [ring - [360 * np.round((ring[:, 0].mean() - middle) / 360), 0] for ring in rings]
        whole: Any = shapely.Polygon(moved[0], moved[1:])
        if not shapely.is_valid(whole):
            whole = shapely.make_valid(whole, method="structure", keep_collapsed=False)
        for turn in (-360.0, 0.0, 360.0):
            shifted = shapely.transform(whole, partial(np.add, [turn, 0.0]))
            piece = shapely.intersection(shifted, _WORLD)
            parts += [part for part in shapely.get_parts(piece) if part.geom_type == "Polygon"]
    return shapely.union_all(parts) if parts else shape


def _unwrapped(ring: Floats) -> Floats:
    """Return a ring whose longitudes go on beyond ±180 instead of jumping."""
    turns = np.concatenate([[0], np.cumsum(-np.round(np.diff(ring[:, 0]) / 360))])
    return np.column_stack([ring[:, 0] + 360 * turns, ring[:, 1]])


def circles(points: Geometries, area_km2: Floats) -> Geometries:
    """Return circles on the ground with exactly these areas.

    Parameters
    ----------
    points : ndarray of n shapely points or multipoints
        Degrees; the area is shared out equally among the points of one site.
    area_km2 : ndarray of float64, length n
        Square kilometres.

    Returns
    -------
    ndarray of n shapely polygons or multipolygons
        Degrees, cut at the antimeridian. Circles of one site that overlap are joined, so that it then has less than
        its area.

    Notes
    -----
    Vertices lie at one geodesic distance around the point; the distance is chosen so that the polygon, and not the
    circle around it, has the area. wdpar buffers on its plane, where circles on the ground are none.
    """
    each, site = shapely.get_parts(points, return_index=True)
    if not len(each):
        return np.empty(0, dtype=object)
    share = area_km2[site] / np.bincount(site, minlength=len(points))[site]
    corner = 2 * np.pi / _CIRCLE_VERTICES
    radius = np.sqrt(share * 1e6 * 2 / (_CIRCLE_VERTICES * np.sin(corner)))
    longitude, latitude = shapely.get_x(each), shapely.get_y(each)
    for _ in range(3):
        rings = _rings(longitude, latitude, radius)
        radius = radius * np.sqrt(share / geo.area_km2(_polygons(rings)))
    shapes, _ = split_at_antimeridian(_polygons(_rings(longitude, latitude, radius)))
    result = np.empty(len(points), dtype=object)
    single = np.bincount(site, minlength=len(points))[site] == 1
    result[site[single]] = shapes[single]
    for at in np.unique(site[~single]):
        result[at] = shapely.union_all(shapes[site == at])
    return result


def _rings(longitude: Floats, latitude: Floats, radius_m: Floats) -> Floats:
    """Return rings of vertices around points, shape (n, vertices, 2); longitudes do not jump."""
    shape = (len(longitude), _CIRCLE_VERTICES)
    azimuth = np.arange(_CIRCLE_VERTICES) * 360 / _CIRCLE_VERTICES
    x, y, metres = (np.repeat(column, _CIRCLE_VERTICES) for column in (longitude, latitude, radius_m))
    east, north, _ = geo.WGS84.fwd(x, y, np.tile(azimuth, len(longitude)), metres)
    east = x + (np.asarray(east) - x + 180) % 360 - 180
    return np.stack([east.reshape(shape), np.asarray(north).reshape(shape)], axis=-1)


def _polygons(rings: Floats) -> Geometries:
    return np.asarray(shapely.polygons(rings), dtype=object)
