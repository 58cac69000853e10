"""Which points lie within a distance of a country or division, or surely beyond it, made fast by cells."""

from functools import lru_cache
from typing import Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import geo
from biodata.places.boundaries import BoundarySet

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_METRES_PER_DEGREE: Final = 110_574.0
"""The shortest degree of latitude, at the equator."""
_CELL_DEGREES: Final = 0.5
_HALF_DIAGONAL: Final = _CELL_DEGREES * 2**-0.5
_WORTH_IT: Final = 3
"""From so many points on a cell is asked for them all first."""


def surely_beyond(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: float | Floats) -> Bools:
    """Tell which points are farther from the geometry than a distance, whatever the projection.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, WGS 84.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    distance_m : float or ndarray of n
        Metres.

    Returns
    -------
    ndarray of bool, length n
        True where it is certain. Degrees of longitude are shorter than those of latitude, and all are counted as the
        shorter: near the distance the answer is False, more often the farther from the equator.
    """
    degrees = distance_m / (_METRES_PER_DEGREE * np.maximum(np.cos(np.radians(latitude)), 0.02))
    with geo.PREPARED:
        shapely.prepare(geometry)
    # Where a whole cell lies near, or beyond, its points need no test of their own.
    cells = np.floor(longitude / _CELL_DEGREES) * 1000 + np.floor(latitude / _CELL_DEGREES)
    distinct, first, cell = np.unique(cells, return_index=True, return_inverse=True)
    least, most = np.full(len(distinct), np.inf), np.zeros(len(distinct))
    np.minimum.at(least, cell, degrees)
    np.maximum.at(most, cell, degrees)
    centre_x = (np.floor(longitude[first] / _CELL_DEGREES) + 0.5) * _CELL_DEGREES
    centre_y = (np.floor(latitude[first] / _CELL_DEGREES) + 0.5) * _CELL_DEGREES
    near = (least > _HALF_DIAGONAL) & ~_beyond(geometry, centre_x, centre_y, least - _HALF_DIAGONAL)
    asked = np.flatnonzero(~near & (np.bincount(cell, minlength=len(distinct)) >= _WORTH_IT))
    beyond = np.zeros(len(distinct), dtype=bool)
    beyond[asked] = _beyond(geometry, centre_x[asked], centre_y[asked], most[asked] + _HALF_DIAGONAL * (1 + 1e-9))
    far = beyond[cell]
    rest = np.flatnonzero(~(near | beyond)[cell])
    far[rest] = _beyond(geometry, longitude[rest], latitude[rest], degrees[rest])
    return far


def within(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: Floats) -> Bools:
    """Tell which points are in the geometry or no farther from it than a distance of their own.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, WGS 84.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    distance_m : ndarray of float64, length n
        Metres.

    Returns
    -------
    ndarray of bool, length n
        Between the distance in degrees of latitude and in those of longitude, the distance on the ellipsoid to the
        place that is nearest in degrees decides.
    """
    found = ~surely_beyond(geometry, longitude, latitude, distance_m)
    maybe = np.flatnonzero(found)
    maybe = maybe[_beyond(geometry, longitude[maybe], latitude[maybe], distance_m[maybe] / _METRES_PER_DEGREE / 1.02)]
    if len(maybe):
        points = shapely.points(np.column_stack([longitude[maybe], latitude[maybe]]))
        ends = shapely.get_coordinates(shapely.shortest_line(points, geometry)).reshape(-1, 4)
        found[maybe] = geo.geodesic_distance_m(*ends.T) <= distance_m[maybe]
    return found


def _beyond(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, degrees: Floats) -> Bools:
    """Tell which points are farther than so many degrees."""
    points = shapely.points(np.column_stack([longitude, latitude]))
    # The stubs know one distance only, shapely takes one a point.
    with geo.PREPARED:
        within = shapely.dwithin(geometry, points, cast("float", np.maximum(degrees, 0.0)))
    return np.asarray(~within, dtype=np.bool_)


@lru_cache(maxsize=8)
def country_boxes(boundaries: BoundarySet) -> dict[str, tuple[float, float, float, float]]:
    """Return by country the box of its land and its band: west, south, east, north in degrees."""
    margin = 2 * boundaries.band_m / _METRES_PER_DEGREE
    boxes: dict[str, tuple[float, float, float, float]] = {}
    for code, box in zip(boundaries.units["country_code"], shapely.bounds(boundaries.shapes), strict=True):
        if code is not None:
            west, south, east, north = boxes.get(code, (np.inf, np.inf, -np.inf, -np.inf))
            boxes[code] = (
                min(west, box[0] - margin),
                min(south, box[1] - margin),
                max(east, box[2] + margin),
                max(north, box[3] + margin),
            )
    return boxes
