"""The floor: what is published of a place never leaves a region smaller than its category's cell."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.geo import Floats, area_km2, metres_per_degree
from biodata.places import BoundarySet
from biodata.places.cells import COLUMNS, DIVIDED, PER_DEGREE
from biodata.places.edges import SEA

Longs = NDArray[np.int64]
Levels = NDArray[np.int8]
TOLERANCE: Final = 1e-6
"""Share by which a sum of areas may miss a cell's own through rounding."""
LEAST_KM2: Final = 1e-6
"""Smaller pieces (a square metre) are a touch of edges, no part of a cell."""
LARGEST_DEGREES: Final = 8
WIDER: Final = 1.02
"""The band of a coast is taken to be so much wider, for what a box in degrees costs."""


class Block(NamedTuple):
    """A square of 2^level by 2^level cells.

    Attributes
    ----------
    level : int
        0 for the cell itself.
    column, row : int
        Position among blocks of its level, counted from 0° E, 0° N.
    """

    level: int
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Region:
    """What is published of a place.

    Attributes
    ----------
    west, south, east, north : float
        Edges in degrees.
    degrees : float
        Side of the square in degrees; at the edge of the map it can reach beyond.
    country_codes : tuple of str
        Every country that the region has land of.
    country_code, province_code : str, optional
        The country, and the division, that all its land belongs to; None where that is more than one.
    """

    west: float
    south: float
    east: float
    north: float
    degrees: float
    country_codes: tuple[str, ...]
    country_code: str | None
    province_code: str | None


class _Square(NamedTuple):
    """A largest block that was worked out: the level of each cell, and the pieces of land in its cells."""

    levels: Levels
    cell: Longs
    unit: Longs


@dataclass(frozen=True, eq=False)
class Floor:
    """The regions of one category over a boundary set.

    Attributes
    ----------
    boundaries : BoundarySet
        Whose land it is.
    per_degree : int
        Cells of the category along a degree: 1, 10, 100 or 1000.

    Notes
    -----
    Whoever reads a published cell may know whether the taxon lives on land or at sea, and may have a better map. So a
    cell is published by itself only where it is all land, or all sea beyond the coast's band; the divided cells of a block
    of 2 by 2 are published together as the block once their land and their sea each reach a cell's area, else with those
    of the next larger block. The places on land that share a published block are thus never fewer than that area, nor
    are those at sea, and countries and divisions are told of the block, not of the place: nothing published depends on
    where in it the place is.
    """

    boundaries: BoundarySet
    per_degree: int
    _squares: dict[tuple[int, int], _Square] = field(default_factory=dict, repr=False)
    _known: dict[Block, Region] = field(default_factory=dict, repr=False)

    @property
    def top(self) -> int:
        """How often a block may be doubled."""
        return int(np.log2(min(LARGEST_DEGREES * self.per_degree, 64)))

    def levels(self, column: Longs, row: Longs) -> Levels:
        """Return the level of the block that each cell is published as.

        Parameters
        ----------
        column, row : ndarray of int64, length n
            Cells of the category, counted from 0° E, 0° N.

        Returns
        -------
        ndarray of int8, length n
            0 for a cell that is published by itself; -1 where even the largest block leaves too little.
        """
        c, r, inverse = _distinct(column, row)
        full, cell, _, area = self._pieces(c, r)
        levels = np.zeros(len(c), dtype=np.int8)
        divided = np.flatnonzero(~self._whole(c, r, full, _sums(cell, area, full.size)))
        if len(divided):
            side = 1 << self.top
            square_c, square_r, at = _distinct(c[divided] >> self.top, r[divided] >> self.top)
            asked = list(zip(square_c.tolist(), square_r.tolist(), strict=True))
            self._learn([square for square in asked if square not in self._squares])
            table = np.stack([self._squares[square].levels for square in asked])
            levels[divided] = table[at, r[divided] % side, c[divided] % side]
        return levels[inverse]

    def regions(self, column: Longs, row: Longs) -> list[Region | None]:
        """Return what may be published of each place.

        Parameters
        ----------
        column, row : ndarray of int64, length n
            The category's cell that holds the place, counted from 0° E, 0° N.

        Returns
        -------
        list of Region or None, length n
            None where even the largest block leaves too little: then nothing of the place may be published.
        """
        level = self.levels(column, row).astype(np.int64)
        up = np.maximum(level, 0)
        blocks, inverse = np.unique(np.stack([level, column >> up, row >> up]), axis=1, return_inverse=True)
        asked = [None if n < 0 else Block(int(n), int(c), int(r)) for n, c, r in blocks.T]
        self._describe([block for block in asked if block is not None and block not in self._known])
        found = [None if block is None else self._known[block] for block in asked]
        return [found[number] for number in inverse.ravel()]

    def areas(self, column: Longs, row: Longs) -> tuple[Floats, Floats]:
        """Return the area of each of n cells, and of the land in it, km²."""
        full, cell, _, area = self._pieces(column, row)
        return full, _sums(cell, area, full.size)

    def _learn(self, squares: list[tuple[int, int]]) -> None:
        """Work out the largest blocks, a few at a time."""
        side = 1 << self.top
        row, column = (part.ravel() for part in np.mgrid[0:side, 0:side])
        for first in range(0, len(squares), 16):
            some = squares[first : first + 16]
            columns = np.concatenate([column + c * side for c, _ in some])
            rows = np.concatenate([row + r * side for _, r in some])
            full, cell, unit, area = self._pieces(columns, rows)
            land = _sums(cell, area, full.size)
            whole = self._whole(columns, rows, full, land)
            for number, square in enumerate(some):
                start = number * side * side
                mine, pieces = (
                    slice(start, start + side * side),
                    slice(*np.searchsorted(cell, (start, start + side**2))),
                )
                shape = (side, side)
                levels = _levels(full[mine].reshape(shape), land[mine].reshape(shape), whole[mine].reshape(shape))
                self._squares[square] = _Square(levels, cell[pieces] - start, unit[pieces])

    def _describe(self, blocks: list[Block]) -> None:
        """Make the regions of blocks."""
        single = [block for block in blocks if block.level == 0]
        if single:
            column, row = np.array([(block.column, block.row) for block in single]).T
            _, cell, unit, _ = self._pieces(column, row)
            ends = np.searchsorted(cell, np.arange(len(single) + 1))
            for number, block in enumerate(single):
                self._known[block] = self._region(block, np.unique(unit[ends[number] : ends[number + 1]]))
        for block in blocks:
            if block.level:
                self._known[block] = self._region(block, self._units(block))

    def _units(self, block: Block) -> Longs:
        """Return the units with land in the cells that are published as a block."""
        up, side = self.top - block.level, 1 << self.top
        square = self._squares[block.column >> up, block.row >> up]
        row, column = square.cell // side, square.cell % side
        mine = (
            (square.levels.ravel()[square.cell] == block.level)
            & (column >> block.level == block.column % (1 << up))
            & (row >> block.level == block.row % (1 << up))
        )
        return np.unique(square.unit[mine])

    def _whole(self, column: Longs, row: Longs, full: Floats, land: Floats) -> NDArray[np.bool_]:
        """Tell which cells are all land, or all sea beyond the band of a coast."""
        whole = land >= full * (1 - TOLERANCE)
        asked = np.flatnonzero(land <= LEAST_KM2)
        west, south, east, north = self._edges(column[asked], row[asked], 0)
        east_m, north_m = metres_per_degree(np.minimum(np.maximum(np.abs(south), np.abs(north)), 89.0))
        aside, along = self.boundaries.band_m * WIDER / east_m, self.boundaries.band_m * WIDER / north_m
        near = self.boundaries.pieces.touched(west - aside, south - along, east + aside, north + along)
        whole[asked[~near]] = True
        return whole

    def _pieces(self, column: Longs, row: Longs) -> tuple[Floats, Longs, Longs, Floats]:
        """Return each cell's area, and in order of cells the pieces of land in them: cell, unit, area; km²."""
        west, south, east, north = self._edges(column, row, 0)
        rows, inverse = np.unique(row, return_inverse=True)
        edges = self._edges(np.zeros_like(rows), rows, 0)
        full = area_km2(shapely.box(*edges))[inverse]
        whole = np.full(len(column), DIVIDED, dtype=np.int64)
        if self.per_degree >= PER_DEGREE:
            step = self.per_degree // PER_DEGREE
            c, r = column // step + 180 * PER_DEGREE, row // step + 90 * PER_DEGREE
            on_map = (c >= 0) & (c < COLUMNS) & (r >= 0) & (r < 180 * PER_DEGREE)
            whole[on_map] = self.boundaries.cells.unit[(r * COLUMNS + c)[on_map]]
        divided = np.flatnonzero(whole == DIVIDED)
        at, unit, pieces = self.boundaries.pieces.cut(west[divided], south[divided], east[divided], north[divided])
        area = area_km2(pieces)
        one = np.flatnonzero((whole != DIVIDED) & (whole != SEA))
        cell = np.concatenate([divided[at], one])
        unit, area = np.concatenate([unit, whole[one]]), np.concatenate([area, full[one]])
        order = np.argsort(cell, kind="stable")
        order = order[area[order] > LEAST_KM2]
        return full, cell[order], unit[order], area[order]

    def _edges(self, column: Longs, row: Longs, level: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the edges of blocks in degrees, inside the map."""
        n = 1 << level
        west, east = (np.clip((column + end) * n / self.per_degree, -180, 180) for end in (0, 1))
        south, north = (np.clip((row + end) * n / self.per_degree, -90, 90) for end in (0, 1))
        return west, south, east, north

    def _region(self, block: Block, units: Longs) -> Region:
        """Return a block with what is true of all the land of its places."""
        west, south, east, north = self._edges(np.array([block.column]), np.array([block.row]), block.level)
        set_ = self.boundaries
        countries = {set_.countries[number] for number in set_.country_of[units].tolist()}
        provinces = {set_.provinces[unit] for unit in units.tolist()}
        return Region(
            west=float(west[0]),
            south=float(south[0]),
            east=float(east[0]),
            north=float(north[0]),
            degrees=(1 << block.level) / self.per_degree,
            country_codes=tuple(sorted(code for code in countries if code is not None)),
            country_code=countries.pop() if len(countries) == 1 else None,
            province_code=provinces.pop() if len(provinces) == 1 else None,
        )


def _distinct(column: Longs, row: Longs) -> tuple[Longs, Longs, Longs]:
    """Return the columns and rows of distinct cells, and the number of each given cell among them."""
    wide = 1 << 20  # more than the cells of 0.001° around the globe
    key, inverse = np.unique((row + wide) * (4 * wide) + column + wide, return_inverse=True)
    return key % (4 * wide) - wide, key // (4 * wide) - wide, inverse


def _sums(cell: Longs, area: Floats, n: int) -> Floats:
    """Return the sum of the areas of each of n cells' pieces."""
    return np.bincount(cell, weights=area, minlength=n).astype(np.float64)


def _levels(full: Floats, land: Floats, whole: NDArray[np.bool_]) -> Levels:
    """Return the level of the block that each cell of a largest block is published as; -1 where it is none.

    Parameters
    ----------
    full, land : ndarray of float64, shape (n, n), n a power of 2
        Area of each cell, and of the land in it, km².
    whole : ndarray of bool, same shape
        Cells that are published by themselves.
    """
    side = len(full)
    levels = np.where(whole, 0, -1).astype(np.int8)
    left = ~whole
    for step in range(1, side.bit_length()):
        n = 1 << step
        shape = (side // n, n, side // n, n)
        enough = full.reshape(shape).max(axis=(1, 3)) * (1 - TOLERANCE)
        sums = [np.where(left, part, 0).reshape(shape).sum(axis=(1, 3)) for part in (land, full - land)]
        done = left & np.kron((sums[0] >= enough) & (sums[1] >= enough), np.ones((n, n), dtype=bool))
        levels[done] = step
        left &= ~done
    return levels


@lru_cache(maxsize=16)
def floor(boundaries: BoundarySet, per_degree: int) -> Floor:
    """Return the regions of a category; the same object each time, so that a cell is worked out once."""
    return Floor(boundaries, per_degree)
