"""Which points lie within a distance of a country or division, by cells first: most points need no test of their own."""

from typing import Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.geo import geodesic_distance_m

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_METRES_PER_DEGREE: Final = 110_574.0
"""The shortest degree of latitude, at the equator."""
_CELLS_DEGREES: Final = (1.0, 0.1)


def within(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: Floats) -> Bools:
    """Tell which points are in a geometry or no farther from it than a distance.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, WGS 84.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    distance_m : ndarray of float64, length n
        Metres, not negative.

    Returns
    -------
    ndarray of bool, length n
        Between the distance in degrees of latitude and in those of longitude, the distance on the ellipsoid to the
        place that is nearest in degrees decides.
    """
    shapely.prepare(geometry)
    found = np.zeros(len(longitude), dtype=bool)
    rest = np.arange(len(longitude))
    for size in _CELLS_DEGREES:
        rest = _by_cells(geometry, longitude, latitude, distance_m, rest, found, size)
    if len(rest):
        found[rest] = _exactly(geometry, longitude[rest], latitude[rest], distance_m[rest])
    return found


def _by_cells(
    geometry: shapely.Geometry,
    longitude: Floats,
    latitude: Floats,
    distance_m: Floats,
    rows: NDArray[np.int64],
    found: Bools,
    size: float,
) -> NDArray[np.int64]:
    """Settle the points whose whole cell lies beyond or within; return the others."""
    if not len(rows):
        return rows
    column, line = np.floor(longitude[rows] / size), np.floor(latitude[rows] / size)
    _, first, cell = np.unique(column * 10_000 + line, return_index=True, return_inverse=True)
    x, y = (column[first] + 0.5) * size, (line[first] + 0.5) * size
    most, least = np.zeros(len(first)), np.full(len(first), np.inf)
    np.maximum.at(most, cell, distance_m[rows])
    np.minimum.at(least, cell, distance_m[rows])
    half_diagonal = size * 2**-0.5
    beyond = ~_within_degrees(geometry, x, y, _degrees(most, np.abs(y) + size / 2) + half_diagonal)
    inside = ~beyond & _contains(geometry, x, y, half_diagonal, least)
    found[rows[inside[cell]]] = True
    return rows[~(beyond | inside)[cell]]


def _contains(geometry: shapely.Geometry, x: Floats, y: Floats, half_diagonal: float, metres: Floats) -> Bools:
    """Tell which cells lie wholly within the distance: their centre is near by so much more."""
    near = metres / _METRES_PER_DEGREE / 1.02 - half_diagonal
    sure = np.zeros(len(x), dtype=bool)
    at = np.flatnonzero(near > 0)
    sure[at] = _within_degrees(geometry, x[at], y[at], near[at])
    return sure


def _exactly(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: Floats) -> Bools:
    """Test points one by one."""
    surely = _within_degrees(geometry, longitude, latitude, distance_m / _METRES_PER_DEGREE / 1.02)
    maybe = np.flatnonzero(
        ~surely & _within_degrees(geometry, longitude, latitude, _degrees(distance_m, np.abs(latitude)))
    )
    if len(maybe):
        points = shapely.points(longitude[maybe], latitude[maybe])
        ends = shapely.get_coordinates(shapely.shortest_line(points, geometry)).reshape(-1, 4)
        surely[maybe] = geodesic_distance_m(*ends.T) <= distance_m[maybe]
    return surely


def _degrees(metres: Floats, latitude: Floats) -> Floats:
    """Return as many degrees as the metres can span at a latitude, in whatever direction."""
    return metres / (_METRES_PER_DEGREE * np.maximum(np.cos(np.radians(np.minimum(latitude, 90.0))), 0.02))


def _within_degrees(geometry: shapely.Geometry, x: Floats, y: Floats, degrees: Floats) -> Bools:
    """Tell which points are within so many degrees."""
    # The stubs know one distance only, shapely takes one a point.
    return np.asarray(shapely.dwithin(geometry, shapely.points(x, y), cast("float", degrees)), dtype=np.bool_)
