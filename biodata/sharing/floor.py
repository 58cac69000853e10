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
    _known: dict[Block, Region | None] = field(default_factory=dict, repr=False)

    @property
    def levels(self) -> int:
        """How often a block may be doubled."""
        return int(np.log2(min(LARGEST_DEGREES * self.per_degree, 64)))

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
        places = list(zip(column.tolist(), row.tolist(), strict=True))
        found: dict[tuple[int, int], Region | None] = {}
        open_places = set(places)
        for level in range(self.levels + 1):
            self._learn(sorted({Block(level, c >> level, r >> level) for c, r in open_places} - self._known.keys()))
            for c, r in sorted(open_places):
                region = self._known[Block(level, c >> level, r >> level)]
                if region is not None:
                    found[c, r] = region
                    open_places.discard((c, r))
        return [found.get(place) for place in places]

    def areas(self, column: Longs, row: Longs) -> tuple[Floats, Floats]:
        """Return the area of each of n cells, and of the land in it, km²."""
        full, cell, _, area = self._pieces(column, row)
        return full, _sums(cell, area, full.size)

    def _learn(self, blocks: list[Block]) -> None:
        """Work out blocks of one level."""
        if not blocks:
            return
        n = 1 << blocks[0].level
        inside = np.arange(n)
        column = np.array([b.column * n for b in blocks])[:, None, None] + inside[None, None, :]
        row = np.array([b.row * n for b in blocks])[:, None, None] + inside[None, :, None]
        column, row = np.broadcast_arrays(column, row)
        full, cell, unit, area = self._pieces(column.ravel(), row.ravel())
        land = _sums(cell, area, full.size)
        whole = self._whole(column.ravel(), row.ravel(), full, land)
        for number, block in enumerate(blocks):
            first = number * n * n
            mine, pieces = slice(first, first + n * n), slice(*np.searchsorted(cell, (first, first + n * n)))
            left = _left(full[mine].reshape(n, n), land[mine].reshape(n, n), whole[mine].reshape(n, n), block.level)
            units = unit[pieces][left.ravel()[cell[pieces] - first]] if left is not None else unit[:0]
            self._known[block] = None if left is None else self._region(block, np.unique(units))

    def _whole(self, column: Longs, row: Longs, full: Floats, land: Floats) -> NDArray[np.bool_]:
        """Tell which cells are all land, or all sea beyond the band of a coast."""
        whole = land >= full * (1 - TOLERANCE)
        asked = np.flatnonzero(land <= LEAST_KM2)
        west, south, east, north = self._edges(column[asked], row[asked], 0)
        east_m, north_m = metres_per_degree(np.minimum(np.maximum(np.abs(south), np.abs(north)), 89.0))
        aside, along = self.boundaries.band_m * WIDER / east_m, self.boundaries.band_m * WIDER / north_m
        around = shapely.box(west - aside, south - along, east + aside, north + along)
        near, _ = self.boundaries.tree.query(around, predicate="intersects")
        far = np.ones(len(asked), dtype=bool)
        far[near] = False
        whole[asked[far]] = True
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
        boxes = shapely.box(west[divided], south[divided], east[divided], north[divided])
        at, unit = self.boundaries.tree.query(boxes, predicate="intersects")
        area = area_km2(shapely.intersection(self.boundaries.shapes[unit], boxes[at]))
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


def _sums(cell: Longs, area: Floats, n: int) -> Floats:
    """Return the sum of the areas of each of n cells' pieces."""
    return np.bincount(cell, weights=area, minlength=n).astype(np.float64)


def _left(full: Floats, land: Floats, whole: NDArray[np.bool_], level: int) -> NDArray[np.bool_] | None:
    """Return which cells of a block are published as that block; None where they are too little for it.

    Parameters
    ----------
    full, land : ndarray of float64, shape (2^level, 2^level)
        Area of each cell, and of the land in it, km².
    whole : ndarray of bool, same shape
        Cells that are published by themselves.
    level : int
        The block's level.
    """
    if level == 0:
        return np.ones((1, 1), dtype=bool) if whole[0, 0] else None
    left = ~whole
    for step in range(1, level + 1):
        n = 1 << step
        shape = (len(full) // n, n, len(full) // n, n)
        enough = full.reshape(shape).max(axis=(1, 3)) * (1 - TOLERANCE)
        sums = [np.where(left, part, 0).reshape(shape).sum(axis=(1, 3)) for part in (land, full - land)]
        done = (sums[0] >= enough) & (sums[1] >= enough)
        if step == level:
            return left if done[0, 0] else None
        left = left & ~np.kron(done, np.ones((n, n), dtype=bool))
    return None


@lru_cache(maxsize=16)
def floor(boundaries: BoundarySet, per_degree: int) -> Floor:
    """Return the regions of a category; the same object each time, so that a cell is worked out once."""
    return Floor(boundaries, per_degree)
