"""How far a point lies from a set of lines, exactly within a reach, and which lines lie within the band."""

from threading import Lock
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from biodata.geo import Floats, distance_to_segment_m, metres_per_degree
from biodata.places.edges import ranges

Longs = NDArray[np.int64]
TOP_DEGREES: Final = 0.8
LEVELS: Final = 4
CELL_DEGREES: Final = TOP_DEGREES / 2**LEVELS
LONGEST_DEGREES: Final = 0.05
SLACK: Final = 1.02
"""Cells are compared by distances in a plane; the margin pays for what that costs at their size."""
CHUNK: Final = 16384


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
    """The cells that were asked for so far, in order, and the lines that can be nearest to a point in them."""

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
        Distances beyond it are not told.
    band_m : float
        Every line within this distance is told; not more than `reach_m`.
    """

    def __init__(self, ends: Floats, *, reach_m: float, band_m: float) -> None:
        self.reach_m, self.band_m = reach_m, band_m
        length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        self._line, part = ranges(
            np.zeros(len(ends), np.int64), np.ceil(length / LONGEST_DEGREES).astype(np.int64).clip(1)
        )
        parts = np.ceil(length / LONGEST_DEGREES).clip(1)[self._line][:, None]
        start, step = ends[self._line, :2], (ends[self._line, 2:] - ends[self._line, :2]) / parts
        self._segments = np.hstack([start + step * part[:, None], start + step * (part[:, None] + 1)])
        self._middle = (self._segments[:, :2] + self._segments[:, 2:]) / 2
        self._half_m = distance_to_segment_m(self._middle[:, 0], self._middle[:, 1], self._segments[:, [0, 1, 0, 1]])
        top = _cell(self._middle[:, 0], self._middle[:, 1], TOP_DEGREES)
        self._order = np.argsort(top, kind="stable")
        self._top = top[self._order]
        empty = np.empty(0, dtype=np.int64)
        self._table = _Table(empty, empty, empty, empty)
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
        table, slot = self._cells(_cell(longitude, latitude, CELL_DEGREES))
        count = table.size[slot]
        distance = np.full(len(longitude), np.nan)
        asked = np.flatnonzero(count)
        asked = asked[np.argsort(slot[asked], kind="stable")]
        pairs: list[tuple[Longs, Longs]] = []
        for chunk in np.array_split(asked, len(asked) // CHUNK + 1):
            if not len(chunk):
                continue
            owner, at = ranges(table.start[slot[chunk]], count[chunk])
            segment = table.segment[at]
            point = chunk[owner]
            metres = distance_to_segment_m(longitude[point], latitude[point], self._segments[segment])
            starts = np.cumsum(count[chunk]) - count[chunk]
            distance[chunk] = np.minimum.reduceat(metres, starts)
            within = metres <= self.band_m
            pairs.append((point[within], self._line[segment[within]]))
        distance[distance > self.reach_m] = np.nan
        empty = np.empty(0, dtype=np.int64)
        points, lines = zip(*pairs, strict=True) if pairs else ((empty,), (empty,))
        return Near(distance, np.concatenate(points), np.concatenate(lines))

    def _cells(self, cell: Longs) -> tuple[_Table, Longs]:
        """Return the table and the position in it of each cell, computing those that are asked for first now."""
        wanted, inverse = np.unique(cell, return_inverse=True)
        with self._lock:
            table = self._table
            new = np.setdiff1d(wanted, table.cell, assume_unique=True)
            if len(new):
                count, segment = self._candidates(new)
                first = len(table.segment) + np.cumsum(count) - count
                cells = np.concatenate([table.cell, new])
                order = np.argsort(cells)
                table = _Table(
                    cells[order],
                    np.concatenate([table.start, first])[order],
                    np.concatenate([table.size, count])[order],
                    np.concatenate([table.segment, segment]),
                )
                self._table = table
        return table, np.searchsorted(table.cell, wanted)[inverse]

    def _candidates(self, cell: Longs) -> tuple[Longs, Longs]:
        """Return how many segments can be nearest to, or in the band of, a point in each cell, and those segments.

        From cells of 0.8° down to 0.05°, each time keeping what the next size can need.
        """
        row, column = cell >> 16, cell & 0xFFFF
        tops, parent = np.unique((row >> LEVELS) * 2**16 + (column >> LEVELS), return_inverse=True)
        # Whatever lies within the reach of a cell has its middle in a cell beside it; eastward more of them as the
        # meridians draw together.
        south, _ = _corner(tops, TOP_DEGREES)
        widest = metres_per_degree(np.minimum(np.abs(south) + TOP_DEGREES, 89.0))[0].min(initial=1e6)
        beside = int(np.ceil((self.reach_m * SLACK / widest + LONGEST_DEGREES) / TOP_DEGREES))
        around = np.add.outer(np.arange(-1, 2) * 2**16, np.arange(-beside, beside + 1)).ravel()
        asked = (tops[:, None] + around).ravel()
        start, end = np.searchsorted(self._top, asked), np.searchsorted(self._top, asked, side="right")
        owner, at = ranges(start, end - start)
        segment = self._order[at]
        first = np.searchsorted(owner, np.arange(len(tops) + 1) * len(around))
        for level in range(LEVELS - 1, -1, -1):
            cells, inverse = np.unique((row >> level) * 2**16 + (column >> level), return_inverse=True)
            parent_of = np.empty(len(cells), dtype=np.int64)
            parent_of[inverse] = parent
            child, at = ranges(first[parent_of], first[parent_of + 1] - first[parent_of])
            segment = segment[at]
            child, segment = self._prune(cells, CELL_DEGREES * 2**level, child, segment, exactly=level == 0)
            first = np.searchsorted(child, np.arange(len(cells) + 1))
            parent = inverse
        # `cell` is sorted and unique, so the last level's cells are `cell` itself.
        return np.bincount(child, minlength=len(cell)), segment

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


def _cell(longitude: Floats, latitude: Floats, size: float) -> Longs:
    """Return the number of the cell of `size` degrees that a point lies in: its row times 65,536, and its column."""
    row, column = np.floor((latitude + 90) / size), np.floor((longitude + 180) / size)
    return row.astype(np.int64) * 2**16 + column.astype(np.int64)


def _corner(cell: Longs, size: float) -> tuple[Floats, Floats]:
    """Return the southern and western edges of cells of `size` degrees."""
    row, column = (cell >> 16).astype(np.float64), (cell & 0xFFFF).astype(np.float64)
    return row * size - 90, column * size - 180
