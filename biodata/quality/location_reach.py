"""Which points lie within a distance of a country or division, by cells first: most points need no test of their own."""

from math import ceil, floor
from typing import Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.geo import PREPARED, geodesic_distance_m

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_METRES_PER_DEGREE: Final = 110_574.0
"""The shortest degree of latitude, at the equator."""
_PER_DEGREE: Final = (1, 4, 16)
"""Cells to a degree: what a large cell does not settle is asked of a smaller one."""
_WORLD: Final = (-180, -90, 180, 90)
_UNKNOWN, _BEYOND, _WITHIN, _MIXED = range(4)


class _Grid:
    """A box of whole degrees in cells of one size, each within, beyond, mixed, or not known yet."""

    def __init__(self, per_degree: int, box: tuple[int, int, int, int]) -> None:
        self.per_degree = per_degree
        self.west, self.south, east, north = box
        self.columns = (east - self.west) * per_degree + 1
        self.cells = np.zeros(((north - self.south) * per_degree + 1) * self.columns, dtype=np.int8)

    def cell(self, longitude: Floats, latitude: Floats) -> NDArray[np.int64]:
        """Return the cells of points."""
        column = ((longitude - self.west) * self.per_degree).astype(np.int64)
        return ((latitude - self.south) * self.per_degree).astype(np.int64) * self.columns + column

    def centre(self, cells: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return longitude and latitude of the middle of cells."""
        x = np.asarray((cells % self.columns + 0.5) / self.per_degree + self.west, dtype=np.float64)
        y = np.asarray((cells // self.columns + 0.5) / self.per_degree + self.south, dtype=np.float64)
        return x, y


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
        self._bounds = tuple(shapely.bounds(geometry))  # all NaN where it is empty: nothing is near
        # What the largest cells do not settle lies around the geometry.
        boxes = [_WORLD, *[_around(self._bounds, distance_m)] * (len(_PER_DEGREE) - 1)]
        self._grids = [_Grid(per_degree, box) for per_degree, box in zip(_PER_DEGREE, boxes, strict=True)]

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
        found = np.zeros(len(longitude), dtype=bool)
        rest = np.arange(len(longitude))
        for grid in self._grids:
            cell = grid.cell(longitude[rest], latitude[rest])
            known = grid.cells[cell]
            if (known == _UNKNOWN).any():
                self._settle(grid, np.unique(cell[known == _UNKNOWN]))
                known = grid.cells[cell]
            found[rest[known == _WITHIN]] = True
            rest = rest[known == _MIXED]
        if len(rest):
            metres = np.full(len(rest), self._distance_m)
            found[rest] = _exactly(self._geometry, longitude[rest], latitude[rest], metres)
        return found

    def _settle(self, grid: _Grid, cells: NDArray[np.int64]) -> None:
        """Find out which cells lie wholly within, wholly beyond, or both."""
        x, y = grid.centre(cells)
        metres = np.full(len(cells), self._distance_m)
        half = 0.5 / grid.per_degree
        half_diagonal = half * 2**0.5
        near = _within_degrees(self._geometry, x, y, _degrees(metres, np.abs(y) + half) + half_diagonal)
        _, south, _, north = self._bounds  # near the poles many degrees of longitude are few metres
        near &= np.maximum(south - y, y - north) <= self._distance_m / _METRES_PER_DEGREE + half
        # Several threads may settle a cell at once: what is written is final, and the same.
        state = np.where(near, _MIXED, _BEYOND).astype(np.int8)
        at = np.flatnonzero(near)
        state[at[self._holds(x[at], y[at], half)]] = _WITHIN
        grid.cells[cells] = state

    def _holds(self, x: Floats, y: Floats, half: float) -> Bools:
        """Tell which cells, so many degrees from the middle to a side, lie wholly within the distance."""
        surely = self._distance_m / _METRES_PER_DEGREE / 1.02 - half * 2**0.5
        if surely > 0:
            return _within_degrees(self._geometry, x, y, np.full(len(x), surely))
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


def _around(bounds: tuple[float, ...], distance_m: float) -> tuple[int, int, int, int]:
    """Return the whole degrees, west, south, east, north, that hold every cell of a degree near a geometry."""
    if np.isnan(bounds).any():
        return 0, 0, 0, 0
    west, south, east, north = bounds
    higher = distance_m / _METRES_PER_DEGREE + 2.0
    poleward = np.array([min(max(abs(south), abs(north)) + higher, 90.0)])
    wider = float(_degrees(np.array([distance_m]), poleward)[0]) + 2.0
    return (
        max(floor(west - wider), -180), max(floor(south - higher), -90),
        min(ceil(east + wider), 180), min(ceil(north + higher), 90),
    )  # fmt: skip


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
