"""The floor: what is published of a place never leaves a region smaller than its category's cell."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

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
"""The band of a coast is taken to be so much wider, for what a plane and a polygon for a circle cost."""
QUARTER: Final = 8


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
    Whoever reads a published cell may know whether the taxon lives on land or at sea, and may have a map. So a cell is
    published by itself only where it is all land, or all sea beyond the coast's band; the divided cells of a block of 2 by 2 are published
    together as the block once their land (or sea) reaches a cell's area, else with those of the next larger block. The
    places that share a published block are thus never fewer than that area, and countries and divisions are told of the
    block, not of the place: nothing published depends on where in it the place is.
    """

    boundaries: BoundarySet
    per_degree: int
    _known: dict[tuple[Block, bool], Region | None] = field(default_factory=dict, repr=False)

    @property
    def levels(self) -> int:
        """How often a block may be doubled."""
        return int(np.log2(min(LARGEST_DEGREES * self.per_degree, 64)))

    def regions(self, column: Longs, row: Longs, on_land: NDArray[np.bool_]) -> list[Region | None]:
        """Return what may be published of each place.

        Parameters
        ----------
        column, row : ndarray of int64, length n
            The category's cell that holds the place, counted from 0° E, 0° N.
        on_land : ndarray of bool, length n
            False for a place out at sea.

        Returns
        -------
        list of Region or None, length n
            None where even the largest block leaves too little: then nothing of the place may be published.
        """
        places = list(zip(column.tolist(), row.tolist(), on_land.tolist(), strict=True))
        found: dict[tuple[int, int, bool], Region | None] = {}
        open_places = set(places)
        for level in range(self.levels + 1):
            blocks = {(Block(level, c >> level, r >> level), land) for c, r, land in open_places}
            self._learn(sorted(blocks - self._known.keys()))
            for place in sorted(open_places):
                c, r, land = place
                region = self._known[Block(level, c >> level, r >> level), land]
                if region is not None:
                    found[place] = region
                    open_places.discard(place)
        return [found.get(place) for place in places]

    def _learn(self, wanted: list[tuple[Block, bool]]) -> None:
        """Work out blocks of one level."""
        blocks = sorted({block for block, _ in wanted})
        if not blocks:
            return
        n = 1 << blocks[0].level
        inside = np.arange(n)
        column = np.array([b.column * n for b in blocks])[:, None, None] + inside[None, None, :]
        row = np.array([b.row * n for b in blocks])[:, None, None] + inside[None, :, None]
        column, row = np.broadcast_arrays(column, row)
        full, cell, unit, area = self._pieces(column.ravel(), row.ravel())
        land = np.bincount(cell, weights=area, minlength=full.size).reshape(column.shape)
        sought = {block for block, on_land in wanted if not on_land}
        at_sea = np.repeat(np.array([block in sought for block in blocks]), n * n)
        sea = np.zeros(full.size)
        sea[at_sea] = self._sea(column.ravel()[at_sea], row.ravel()[at_sea], full[at_sea], land.ravel()[at_sea])
        numbers = {block: number for number, block in enumerate(blocks)}
        for block, on_land in wanted:
            number = numbers[block]
            first = number * n * n
            mine = slice(*np.searchsorted(cell, (first, first + n * n)))
            part = (land if on_land else sea.reshape(land.shape))[number]
            left = _left(full[first : first + n * n].reshape(n, n), part, block.level)
            units = unit[mine][left.ravel()[cell[mine] - first]] if on_land and left is not None else unit[:0]
            self._known[block, on_land] = None if left is None else self._region(block, np.unique(units))

    def _sea(self, column: Longs, row: Longs, full: Floats, land: Floats) -> Floats:
        """Return how much of each cell is sea beyond the band of a coast, km², or a little less.

        A place within the band counts with the land (`generalise`), so whoever reads of one at sea knows that it is not there.
        """
        west, south, east, north = self._edges(column, row, 0)
        sea = np.maximum(full - land, 0.0)
        east_m, north_m = metres_per_degree(np.minimum(np.maximum(np.abs(south), np.abs(north)), 89.0))
        aside, along = self.boundaries.band_m * WIDER / east_m, self.boundaries.band_m * WIDER / north_m
        around = shapely.box(west - aside, south - along, east + aside, north + along)
        asked = np.flatnonzero(sea > LEAST_KM2)
        at, unit = self.boundaries.tree.query(around[asked], predicate="intersects")
        pieces = shapely.intersection(self.boundaries.shapes[unit], around[asked][at])
        for number in np.unique(at):
            cell = asked[number]
            # On a plane of which a degree of latitude is one; across, distances of the poleward edge, the shortest.
            scale = east_m[cell] / north_m[cell]
            shore = affinity.scale(shapely.union_all(pieces[at == number]), scale, 1.0, origin=(0, 0))
            banded = shapely.buffer(shore, along[cell], quad_segs=QUARTER)
            box = shapely.box(west[cell] * scale, south[cell], east[cell] * scale, north[cell])
            sea[cell] = full[cell] * (1 - shapely.area(shapely.intersection(banded, box)) / shapely.area(box))
        return sea

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


def _left(full: Floats, part: Floats, level: int) -> NDArray[np.bool_] | None:
    """Return which cells of a block are published as that block; None where they are too little for it.

    Parameters
    ----------
    full, part : ndarray of float64, shape (2^level, 2^level)
        Area of each cell, and of the land (or the sea) in it, km².
    level : int
        The block's level.
    """
    enough = 1 - TOLERANCE
    if level == 0:
        return np.ones((1, 1), dtype=bool) if part[0, 0] >= full[0, 0] * enough else None
    left = part < full * enough
    for step in range(1, level + 1):
        n = 1 << step
        shape = (len(full) // n, n, len(full) // n, n)
        total = np.where(left, part, 0).reshape(shape).sum(axis=(1, 3))
        done = total >= full.reshape(shape).max(axis=(1, 3)) * enough
        if step == level:
            return left if done[0, 0] else None
        left = left & ~np.kron(done, np.ones((n, n), dtype=bool))
    return None


@lru_cache(maxsize=16)
def floor(boundaries: BoundarySet, per_degree: int) -> Floor:
    """Return the regions of a category; the same object each time, so that a cell is worked out once."""
    return Floor(boundaries, per_degree)
