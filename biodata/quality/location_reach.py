"""Which points lie within a distance of a country or division, by cells first: most points need no test of their own."""

from typing import Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.geo import PREPARED, geodesic_distance_m

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_METRES_PER_DEGREE: Final = 110_574.0
"""The shortest degree of latitude, at the equator."""
_CELL_DEGREES: Final = 0.125
_COLUMNS: Final = round(360 / _CELL_DEGREES) + 1
_UNKNOWN, _BEYOND, _WITHIN, _MIXED = range(4)


class Reach:
    """The places within a distance of a geometry, with a map of cells that fills up as it is asked.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, WGS 84.
    distance_m : float
        Metres, not negative.
    """

    def __init__(self, geometry: shapely.Geometry, distance_m: float) -> None:
        with PREPARED:
            shapely.prepare(geometry)
        self._geometry, self._distance_m = geometry, distance_m
        self._cells = np.full(round(180 / _CELL_DEGREES + 1) * _COLUMNS, _UNKNOWN, dtype=np.int8)

    def __call__(self, longitude: Floats, latitude: Floats) -> Bools:
        """Tell which points are in the geometry or no farther from it than the distance.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees, WGS 84, in range.

        Returns
        -------
        ndarray of bool, length n
            Between the distance in degrees of latitude and in those of longitude, the distance on the ellipsoid to the
            place that is nearest in degrees decides.
        """
        column = ((longitude + 180.0) / _CELL_DEGREES).astype(np.int64)
        cell = ((latitude + 90.0) / _CELL_DEGREES).astype(np.int64) * _COLUMNS + column
        known = self._cells[cell]
        if (known == _UNKNOWN).any():
            self._settle(np.unique(cell[known == _UNKNOWN]))
            known = self._cells[cell]
        found: Bools = known == _WITHIN
        rest = np.flatnonzero(known == _MIXED)
        if len(rest):
            metres = np.full(len(rest), self._distance_m)
            found[rest] = _exactly(self._geometry, longitude[rest], latitude[rest], metres)
        return found

    def _settle(self, cells: NDArray[np.int64]) -> None:
        """Find out which cells lie wholly within, wholly beyond, or both."""
        x = np.asarray((cells % _COLUMNS + 0.5) * _CELL_DEGREES - 180.0, dtype=np.float64)
        y = np.asarray((cells // _COLUMNS + 0.5) * _CELL_DEGREES - 90.0, dtype=np.float64)
        metres = np.full(len(cells), self._distance_m)
        half_diagonal = _CELL_DEGREES * 2**-0.5
        near = _within_degrees(self._geometry, x, y, _degrees(metres, np.abs(y) + _CELL_DEGREES / 2) + half_diagonal)
        self._cells[cells] = np.where(near, _MIXED, _BEYOND)
        at = np.flatnonzero(near)
        self._cells[cells[at[self._holds(x[at], y[at], half_diagonal)]]] = _WITHIN

    def _holds(self, x: Floats, y: Floats, half_diagonal: float) -> Bools:
        """Tell which cells lie wholly within the distance."""
        surely = self._distance_m / _METRES_PER_DEGREE / 1.02 - half_diagonal
        if surely > 0:
            return _within_degrees(self._geometry, x, y, np.full(len(x), surely))
        half = _CELL_DEGREES / 2
        boxes = shapely.box(x - half, y - half, x + half, y + half)
        with PREPARED:
            return np.asarray(shapely.contains_properly(self._geometry, boxes), dtype=np.bool_)


def within(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: Floats) -> Bools:
    """Tell as `Reach` does which points lie within a distance of their own, metres."""
    with PREPARED:
        shapely.prepare(geometry)
    return _exactly(geometry, longitude, latitude, distance_m)


def _exactly(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: Floats) -> Bools:
    """Test points one by one."""
    points = np.atleast_1d(np.asarray(shapely.points(longitude, latitude), dtype=object))
    found = _near(geometry, points, distance_m / _METRES_PER_DEGREE / 1.02)
    rest = np.flatnonzero(~found)
    maybe = rest[_near(geometry, points[rest], _degrees(distance_m[rest], np.abs(latitude[rest])))]
    if len(maybe):
        ends = shapely.get_coordinates(shapely.shortest_line(points[maybe], geometry)).reshape(-1, 4)
        found[maybe] = geodesic_distance_m(*ends.T) <= distance_m[maybe]
    return found


def _degrees(metres: Floats, latitude: Floats) -> Floats:
    """Return as many degrees as the metres can span at a latitude, in whatever direction."""
    return metres / (_METRES_PER_DEGREE * np.maximum(np.cos(np.radians(np.minimum(latitude, 90.0))), 0.02))


def _within_degrees(geometry: shapely.Geometry, x: Floats, y: Floats, degrees: Floats) -> Bools:
    """Tell which places are within so many degrees."""
    return _near(geometry, np.atleast_1d(np.asarray(shapely.points(x, y), dtype=object)), degrees)


def _near(geometry: shapely.Geometry, points: NDArray[np.object_], degrees: Floats) -> Bools:
    """Tell which points are within so many degrees."""
    # The stubs know one distance only, shapely takes one a point.
    with PREPARED:
        return np.asarray(shapely.dwithin(geometry, points, cast("float", degrees)), dtype=np.bool_)
