"""How far a point lies from a set of lines, exactly within a reach, and which lines lie within the band."""

from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core.geo import Floats, Geometries, distance_to_segment_m, metres_per_degree

# The edges of a boundary set: each line once, with the units on both of its sides.

Ints = NDArray[np.int32]
SEA: Final = -1


@dataclass(frozen=True, eq=False)
class Edges:
    """n edges of a set of units that share their edges exactly.

    Attributes
    ----------
    ends : ndarray of float64, shape (n, 4)
        Longitude and latitude of the lower end, then of the upper end (of two equally high ends the western first).
    left, right : ndarray of int32, length n
        Index of the unit west and east of the edge (of a level edge: north and south of it); -1 is the sea.
    """

    ends: Floats
    left: Ints
    right: Ints


def edges_of(shapes: Geometries) -> Edges:
    """Return the edges of polygons that touch without overlap.

    Parameters
    ----------
    shapes : ndarray of shapely polygons or multipolygons, length n
        Degrees; neighbours have the same vertices along the line that they share.

    Returns
    -------
    Edges
        `left` and `right` count in the order of `shapes`.
    """
    parts, part_of = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    coordinates, index = shapely.get_coordinates(rings, return_index=True)
    same = index[1:] == index[:-1]
    a, b = coordinates[:-1][same], coordinates[1:][same]
    unit = part_of[ring_of[index[:-1][same]]].astype(np.int32)
    # Shells turn anticlockwise and holes clockwise, so the unit lies left of its edges as they are walked.
    turned = (a[:, 1] > b[:, 1]) | ((a[:, 1] == b[:, 1]) & (a[:, 0] > b[:, 0]))
    low, high = np.where(turned[:, None], b, a), np.where(turned[:, None], a, b)
    sea = np.int32(SEA)
    names = ["x0", "y0", "x1", "y1"]
    frame = pl.DataFrame(
        dict(zip(names, (low[:, 0], low[:, 1], high[:, 0], high[:, 1]), strict=True))
        | {"left": np.where(turned, sea, unit), "right": np.where(turned, unit, sea)}
    )
    once = frame.group_by(names, maintain_order=True).agg(pl.col("left", "right").max())
    return Edges(once.select(names).to_numpy(), once["left"].to_numpy(), once["right"].to_numpy())


def ranges(start: NDArray[np.integer], count: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each run of `count` numbers from `start`, its position repeated and the numbers."""
    owner = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - first[owner] + np.asarray(start, dtype=np.int64)[owner]


Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]
LEVELS: Final = 4
CELL_DEGREES: Final = 0.05
TOP_DEGREES: Final = CELL_DEGREES * 2 ** (LEVELS - 1)
LONGEST_DEGREES: Final = 0.05
SLACK: Final = 1.02
"""Cells are compared by distances in a plane; the margin pays for what that costs at their size."""
CHUNK: Final = 16384

PER_DEGREE, COLUMNS, ROWS = 10, 3600, 1800
"""The cells of which it is known from the beginning whether a line may be within the reach."""
POLAR_DEGREES: Final = 80.0
"""Beyond it any line may be."""


class Near(NamedTuple):
    """What lies near each of n points.

    Attributes
    ----------
    distance_m : ndarray of float64, length n
        Metres to the nearest line; NaN beyond the reach.
    point, line : ndarray of int64, length m
        The pairs of a point and a line within the band of it.
    """

    distance_m: Floats
    point: Longs
    line: Longs


class _Table(NamedTuple):
    """The cells of one size that were asked for so far, in order, and the lines that can be nearest to a point in them."""

    cell: Longs
    start: Longs
    size: Longs
    segment: Longs


class Lines:
    """Straight lines with an index of cells of 0.05° that grows with the places asked for.

    Parameters
    ----------
    ends : ndarray of float64, shape (n, 4)
        Longitude and latitude of both ends of each line, degrees.
    reach_m : float
        Distances beyond it are not stated.
    band_m : float
        Every line within this distance is stated; not more than `reach_m`.
    """

    def __init__(self, ends: Floats, *, reach_m: float, band_m: float) -> None:
        self.reach_m, self.band_m = reach_m, band_m
        length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        count = np.ceil(length / LONGEST_DEGREES).astype(np.int64).clip(1)
        self._line, part = ranges(np.zeros(len(ends), np.int64), count)
        start, step = ends[self._line, :2], ((ends[:, 2:] - ends[:, :2]) / count[:, None])[self._line]
        self._segments = np.hstack([start + step * part[:, None], start + step * (part[:, None] + 1)])
        self._middle = (self._segments[:, :2] + self._segments[:, 2:]) / 2
        east_m, north_m = metres_per_degree(self._middle[:, 1])
        self._half_m = np.hypot(step[:, 0] * east_m, step[:, 1] * north_m) / 2 * SLACK
        self._far_m = reach_m * SLACK + self._half_m.max(initial=0.0)
        top = _cell(self._middle[:, 0], self._middle[:, 1], TOP_DEGREES)
        self._order = np.argsort(top, kind="stable")
        self._top = top[self._order]
        self._may_reach = _around(self._middle, self._far_m)
        empty = np.empty(0, dtype=np.int64)
        self._tables = [_Table(empty, empty, empty, empty)] * LEVELS
        self._lock = Lock()

    def near(self, longitude: Floats, latitude: Floats) -> Near:
        """Return the distance to the nearest line and every line within the band.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees, WGS 84.

        Returns
        -------
        Near
        """
        asked = np.flatnonzero(self._may_reach[_square(longitude, latitude)])
        cell, inverse = np.unique(_cell(longitude[asked], latitude[asked], CELL_DEGREES), return_inverse=True)
        with self._lock:
            table, slot = self._cells(cell, 0)
        slot = slot[inverse]
        some = table.size[slot] > 0
        asked, slot = asked[some], slot[some]
        distance = np.full(len(longitude), np.nan)
        empty = np.empty(0, dtype=np.int64)
        pairs: list[tuple[Longs, Longs]] = [(empty, empty)]
        for begin in range(0, len(asked), CHUNK):
            chunk, at_slot = asked[begin : begin + CHUNK], slot[begin : begin + CHUNK]
            count = table.size[at_slot]
            owner, at = ranges(table.start[at_slot], count)
            segment = table.segment[at]
            metres = distance_to_segment_m(longitude[chunk], latitude[chunk], self._segments[segment], owner)
            distance[chunk] = np.minimum.reduceat(metres, np.cumsum(count) - count)
            within = np.flatnonzero(metres <= self.band_m)
            pairs.append((chunk[owner[within]], self._line[segment[within]]))
        distance[distance > self.reach_m] = np.nan
        points, lines = zip(*pairs, strict=True)
        return Near(distance, np.concatenate(points), np.concatenate(lines))

    def _cells(self, cell: Longs, level: int) -> tuple[_Table, Longs]:
        """Return the table of a size of cells and the position in it of each cell, adding those that are new.

        Cells of level 0 are of 0.05°, those of each other twice as wide; `cell` is in order, each once. A cell keeps
        of the lines of the one around it what it can need.
        """
        table = self._tables[level]
        new = np.setdiff1d(cell, table.cell, assume_unique=True)
        if len(new):
            if level == LEVELS - 1:
                child, segment = self._beside(new)
            else:
                parent, of = np.unique((new >> 17 << 16) + ((new & 0xFFFF) >> 1), return_inverse=True)
                above, slot = self._cells(parent, level + 1)
                child, at = ranges(above.start[slot][of], above.size[slot][of])
                segment = above.segment[at]
            child, segment = self._prune(new, CELL_DEGREES * 2**level, child, segment, exactly=level == 0)
            size = np.bincount(child, minlength=len(new))
            cells = np.concatenate([table.cell, new])
            order = np.argsort(cells, kind="stable")
            table = _Table(
                cells[order],
                np.concatenate([table.start, len(table.segment) + np.cumsum(size) - size])[order],
                np.concatenate([table.size, size])[order],
                np.concatenate([table.segment, segment]),
            )
            self._tables[level] = table
        return table, np.searchsorted(table.cell, cell)

    def _beside(self, cell: Longs) -> tuple[Longs, Longs]:
        """Return pairs of a cell of the largest size, in order, and a segment that may be within the reach of it."""
        south, _ = _corner(cell, TOP_DEGREES)
        up = int(np.ceil(self._far_m / (metres_per_degree(np.zeros(1))[1][0] * TOP_DEGREES)))
        # The meridians draw together: the more cells eastward, the nearer to a pole.
        poleward = np.minimum(np.maximum(np.abs(south), np.abs(south + TOP_DEGREES)) + up * TOP_DEGREES, 89.0)
        wide = np.ceil(self._far_m / (metres_per_degree(poleward)[0] * TOP_DEGREES)).astype(np.int64)
        rows = cell[:, None] + np.arange(-up, up + 1) * 2**16
        start = np.searchsorted(self._top, rows - wide[:, None])
        end = np.searchsorted(self._top, rows + wide[:, None], side="right")
        run, at = ranges(start.ravel(), (end - start).ravel())
        return run // rows.shape[1], self._order[at]

    def _prune(self, cells: Longs, size: float, child: Longs, segment: Longs, *, exactly: bool) -> tuple[Longs, Longs]:
        """Keep the segments that may be nearest somewhere in their cell, or within the band of a place in it.

        Not `exactly`, a segment counts as anywhere within the circle around its middle: a fourth of the arithmetic,
        and the few segments that this keeps too many go at the next size.
        """
        south, west = _corner(cells, size)
        latitude, longitude = south + size / 2, west + size / 2
        east_m, north_m = metres_per_degree(latitude)
        half_m = np.hypot(east_m, north_m) * size / 2 * SLACK
        if exactly:
            metres = distance_to_segment_m(longitude[child], latitude[child], self._segments[segment])
            most = metres
        else:
            across = (self._middle[segment, 0] - longitude[child]) * east_m[child]
            along = (self._middle[segment, 1] - latitude[child]) * north_m[child]
            to_middle, around = np.hypot(across, along), self._half_m[segment]
            # East-west the plane is wrong by how much a parallel shrinks on the way, half a degree at most.
            wrong = (1 + np.tan(np.radians(np.minimum(np.abs(latitude) + size, 89))) * np.radians(0.5))[child]
            metres, most = to_middle / wrong - around, to_middle * wrong + around
        nearest = np.full(len(cells), np.inf)
        np.minimum.at(nearest, child, most)
        bound = np.maximum(nearest * SLACK + 2 * half_m, self.band_m + half_m)
        bound = np.minimum(bound, self.reach_m * SLACK + half_m)
        keep = metres <= bound[child]
        return child[keep], segment[keep]


def _around(places: Floats, far_m: float) -> Bools:
    """Tell which squares of 0.1° have one of the places within a distance, or might have."""
    marked = np.zeros(ROWS * COLUMNS, dtype=bool)
    marked[_square(*places.T)] = True
    row, column = np.divmod(np.flatnonzero(marked), COLUMNS)
    up = int(np.ceil(far_m / (metres_per_degree(np.zeros(1))[1][0] / PER_DEGREE)))
    edge = np.maximum(np.abs(row / PER_DEGREE - 90), np.abs((row + 1) / PER_DEGREE - 90)) + up / PER_DEGREE
    east_m = metres_per_degree(np.minimum(edge, POLAR_DEGREES))[0]
    wide = np.ceil(far_m / (east_m / PER_DEGREE)).astype(np.int64)
    for step in range(1, int(wide.max(initial=0)) + 1):
        reached = wide >= step
        for beside in (column[reached] - step, column[reached] + step):
            inside = (beside >= 0) & (beside < COLUMNS)
            marked[row[reached][inside] * COLUMNS + beside[inside]] = True
    grid = marked.reshape(ROWS, COLUMNS)
    whole = grid.copy()
    for step in range(1, up + 1):
        whole[step:] |= grid[:-step]
        whole[:-step] |= grid[step:]
    polar = round((90 - POLAR_DEGREES) * PER_DEGREE)
    whole[:polar] = whole[-polar:] = True
    return whole.ravel()


def _square(longitude: Floats, latitude: Floats) -> Longs:
    """Return the number of the square of 0.1° that a point lies in."""
    row = ((latitude + 90) * PER_DEGREE).astype(np.int64).clip(0, ROWS - 1)
    column = ((longitude + 180) * PER_DEGREE).astype(np.int64).clip(0, COLUMNS - 1)
    return np.asarray(row * COLUMNS + column)


def _cell(longitude: Floats, latitude: Floats, size: float) -> Longs:
    """Return the number of the cell of `size` degrees that a point lies in: its row times 65,536, and its column."""
    row, column = np.floor((latitude + 90) / size), np.floor((longitude + 180) / size)
    return row.astype(np.int64) * 2**16 + column.astype(np.int64)


def _corner(cell: Longs, size: float) -> tuple[Floats, Floats]:
    """Return the southern and western edges of cells of `size` degrees."""
    row, column = (cell >> 16).astype(np.float64), (cell & 0xFFFF).astype(np.float64)
    return row * size - 90, column * size - 180
