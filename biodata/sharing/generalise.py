"""The cell that a presence is published by, and what is true of all of it.

Where a cell is part land, part sea, the land and the sea that share its region are each at least one cell's area.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.core.geo import Floats, area_km2, geodesic_distance_m, metres_per_degree
from biodata.places import BoundarySet, country_geometry
from biodata.places.borders import SEA
from biodata.places.boundaries import COLUMNS, DIVIDED, ROWS
from biodata.places.boundaries import PER_DEGREE as MAP_CELLS
from biodata.sharing.grid import GUARD, PER_DEGREE

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]
Block = tuple[int, int, int]
"""A square of 2^level by 2^level cells: level (0 for the cell itself), column and row among blocks of its level, from 0° E, 0° N."""
TOLERANCE: Final = 1e-6
"""Share by which a sum of areas may miss a cell's own through rounding."""
LEAST_KM2: Final = 1e-6
"""Smaller pieces (a square metre) are a touch of edges, no part of a cell."""
LARGEST_DEGREES: Final = 8
LARGEST_CELLS: Final = 64
"""How long the side of a largest block is at most."""
WIDER: Final = 1.02
"""The band of a coast is taken to be so much wider, for what a box in degrees costs."""
_OF_REGION: Final = pl.Schema(
    {
        "cell_west": pl.Float64(), "cell_south": pl.Float64(), "cell_east": pl.Float64(), "cell_north": pl.Float64(),
        "degrees": pl.Float64(), "countryCode": pl.String(), "country_codes": pl.List(pl.String), "province_code": pl.String(),
    }
)  # fmt: skip
_MIDDLE: Final = ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")
CELL: Final = pl.Schema({**_OF_REGION, **dict.fromkeys(_MIDDLE, pl.Float64())})
"""What is published of a cell: edges and side in degrees, countries and division, centre, half the diagonal in metres."""


class Region(NamedTuple):
    """What is published of a place.

    Attributes
    ----------
    west, south, east, north : float
        Edges in degrees.
    degrees : float
        Side of the square in degrees; at the edge of the map it can reach beyond.
    country_code : str, optional
        The country that all its land belongs to; None where that is more than one.
    country_codes : tuple of str
        Every country that the region has land of.
    province_code : str, optional
        As `country_code`, the division.
    """

    west: float
    south: float
    east: float
    north: float
    degrees: float
    country_code: str | None
    country_codes: tuple[str, ...]
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
    are those at sea, and countries and divisions are stated of the block, not of the place: nothing published depends on
    where in it the place is.
    """

    boundaries: BoundarySet
    per_degree: int
    _squares: dict[tuple[int, int], Longs] = field(default_factory=dict, repr=False)
    """Of each largest block that was worked out, by column and row, the level of the block that each cell is published as."""
    _known: dict[Block, Region] = field(default_factory=dict, repr=False)
    _of_cells: dict[tuple[int, int], Region | None] = field(default_factory=dict, repr=False)
    """Of each cell that was asked for, by column and row."""

    @property
    def side(self) -> int:
        """Cells along the side of a largest block."""
        return min(LARGEST_DEGREES * self.per_degree, LARGEST_CELLS)

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
        cells = list(zip(column.tolist(), row.tolist(), strict=True))
        new = list(set(cells) - self._of_cells.keys())
        column, row = np.array(new, dtype=np.int64).reshape(-1, 2).T
        level = self._level(column, row)
        up = np.maximum(level, 0)
        blocks = list(zip(level.tolist(), (column >> up).tolist(), (row >> up).tolist(), strict=True))
        self._describe([block for block in dict.fromkeys(blocks) if block[0] >= 0 and block not in self._known])
        self._of_cells.update(zip(new, map(self._known.get, blocks), strict=True))
        return [self._of_cells[cell] for cell in cells]

    def _level(self, column: Longs, row: Longs) -> Longs:
        """Return the level of the block that each cell is published as; -1 where even the largest leaves too little."""
        side, levels = self.side, np.zeros(len(column), dtype=np.int64)
        divided = np.flatnonzero(~self._measured(column, row)[2])
        cells = list(zip(column[divided].tolist(), row[divided].tolist(), strict=True))
        for c, r in {(c // side, r // side) for c, r in cells} - self._squares.keys():
            self._squares[c, r] = _levels(*self._measured(*self._cells(c, r, side)))
        levels[divided] = [self._squares[c // side, r // side][c % side, r % side] for c, r in cells]
        return levels

    def _cells(self, column: int, row: int, n: int) -> Longs:
        """Return the columns and rows of the cells of a block of n by n."""
        return np.mgrid[column * n : (column + 1) * n, row * n : (row + 1) * n].reshape(2, -1)

    def _describe(self, blocks: list[Block]) -> None:
        """Make the regions of blocks: what is true of all the land of the cells that are published as each."""
        level, column, row = np.array(blocks, dtype=np.int64).reshape(-1, 3).T
        single = np.flatnonzero(level == 0)
        cells, block = [np.stack([column, row])[:, single]], [single]
        for number in np.flatnonzero(level):
            side, up = self.side, self.side >> level[number]
            at = self._cells(column[number], row[number], 1 << level[number])
            levels = self._squares[int(column[number] // up), int(row[number] // up)]
            cells.append(at[:, levels[at[0] % side, at[1] % side] == level[number]])
            block.append(np.full(cells[-1].shape[1], number))
        _, cell, unit, _ = self._pieces(*np.concatenate(cells, axis=1))
        # Each unit of a block once: block and unit in one number.
        most = len(self.boundaries.provinces)
        of_block, units = np.divmod(np.unique(np.concatenate(block)[cell] * most + unit), most)
        parts = np.split(units, np.searchsorted(of_block, np.arange(1, len(blocks))))
        edges = np.stack(self._edges(column, row, 1 << level), axis=1).tolist()
        for known, of_units, (west, south, east, north) in zip(blocks, parts, edges, strict=False):
            some = of_units.tolist()
            countries = {self.boundaries.countries[self.boundaries.country_of[one]] for one in some}
            codes = tuple(sorted(code for code in countries if code is not None))
            degrees, province = (1 << known[0]) / self.per_degree, _single({self.boundaries.provinces[n] for n in some})
            self._known[known] = Region(west, south, east, north, degrees, _single(countries), codes, province)

    def _measured(self, column: Longs, row: Longs) -> tuple[Floats, Floats, Bools]:
        """Return the area of cells and of the land in them, km², and which are all land, or all sea beyond the band of a coast."""
        full, cell, _, area = self._pieces(column, row)
        land = np.bincount(cell, weights=area, minlength=len(full)).astype(np.float64)
        whole = land >= full * (1 - TOLERANCE)
        asked = np.flatnonzero(land <= LEAST_KM2)
        west, south, east, north = self._edges(column[asked], row[asked])
        east_m, north_m = metres_per_degree(np.minimum(np.maximum(np.abs(south), np.abs(north)), 89.0))
        aside, along = (self.boundaries.band_m * WIDER / metres for metres in (east_m, north_m))
        whole[asked] |= ~self.boundaries.pieces.touched(west - aside, south - along, east + aside, north + along)
        return full, land, whole

    def _pieces(self, column: Longs, row: Longs) -> tuple[Floats, Longs, Longs, Floats]:
        """Return each cell's area, and in order of cells the pieces of land in them: cell, unit, area; km²."""
        west, south, east, north = self._edges(column, row)
        rows, inverse = np.unique(row, return_inverse=True)
        full = area_km2(shapely.box(*self._edges(np.zeros_like(rows), rows)))[inverse]
        whole = np.full(len(column), DIVIDED, dtype=np.int64)
        c, r = (at * MAP_CELLS // self.per_degree + half * MAP_CELLS for at, half in ((column, 180), (row, 90)))
        on_map = (self.per_degree >= MAP_CELLS) & (c >= 0) & (c < COLUMNS) & (r >= 0) & (r < ROWS)
        whole[on_map] = self.boundaries.cells.unit[(r * COLUMNS + c)[on_map]]
        divided, one = np.flatnonzero(whole == DIVIDED), np.flatnonzero((whole != DIVIDED) & (whole != SEA))
        at, unit, pieces = self.boundaries.pieces.cut(*(edge[divided] for edge in (west, south, east, north)))
        cell = np.concatenate([divided[at], one])
        unit, area = np.concatenate([unit, whole[one]]), np.concatenate([area_km2(pieces), full[one]])
        order = np.argsort(cell, kind="stable")
        order = order[area[order] > LEAST_KM2]
        return full, cell[order], unit[order], area[order]

    def _edges(self, column: Any, row: Any, n: int | Longs = 1) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the edges of blocks of n by n cells in degrees, inside the map."""
        west, east = (np.clip((column + end) * n / self.per_degree, -180, 180) for end in (0, 1))
        south, north = (np.clip((row + end) * n / self.per_degree, -90, 90) for end in (0, 1))
        return west, south, east, north


def _single(codes: set[str | None]) -> str | None:
    """Return what all land belongs to, if that is one."""
    return next(iter(codes)) if len(codes) == 1 else None


def _levels(full: Floats, land: Floats, whole: Bools) -> Longs:
    """Return the level of the block that each cell of a largest block is published as; -1 where it is none.

    Parameters
    ----------
    full, land : ndarray of float64, length n * n, n a power of 2
        Area of each cell, and of the land in it, km².
    whole : ndarray of bool, same length
        Cells that are published by themselves.

    Returns
    -------
    ndarray of int64, shape (n, n)
    """
    side = math.isqrt(len(full))
    levels = np.where(whole, 0, -1).reshape(side, side)
    for step in range(1, side.bit_length()):
        n = 1 << step
        shape, left = (side // n, n, side // n, n), levels < 0
        enough = full.reshape(shape).max(axis=(1, 3)) * (1 - TOLERANCE)
        parts = (np.where(left.ravel(), part, 0).reshape(shape) for part in (land, full - land))
        on_land, at_sea = (part.sum(axis=(1, 3)) for part in parts)
        levels[left & np.kron((on_land >= enough) & (at_sea >= enough), np.ones((n, n), dtype=bool))] = step
    return levels


floor: Final = lru_cache(maxsize=16)(Floor)
"""The regions of a category; the same object each time, so that a cell is worked out once."""


def published_cells(cells: pl.DataFrame, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what is published of cells: at a coast of the larger one that has a cell's area of land, and of sea.

    Parameters
    ----------
    cells : polars.DataFrame of m rows
        n (cells along a degree), column, row; null for no place.
    boundaries : BoundarySet
        Whose land counts.

    Returns
    -------
    polars.DataFrame of m rows, in their order
        `CELL`; null where even the largest cell has too little land, or sea: then nothing of the place is published.
    """
    distinct = cells.select("n", "column", "row").unique(maintain_order=True)
    found = [distinct.clear().hstack(CELL.to_frame())]
    for (n,), some in distinct.drop_nulls().group_by("n", maintain_order=True):
        regions = floor(boundaries, int(str(n))).regions(some["column"].to_numpy(), some["row"].to_numpy())
        rows = [(None,) * len(_OF_REGION) if region is None else region for region in regions]
        table = pl.DataFrame(dict(zip(_OF_REGION, zip(*rows, strict=True), strict=True)), schema=_OF_REGION)
        west, south, east, north = (table[name].to_numpy() for name in _OF_REGION.names()[:4])
        x, y = (west + east) / 2, (south + north) / 2
        # Half the longer diagonal, whole metres: one number for all that is published of a cell.
        metres = np.ceil(np.maximum(geodesic_distance_m(x, y, west, south), geodesic_distance_m(x, y, west, north)))
        middle = pl.DataFrame(dict(zip(_MIDDLE, (x, y, metres), strict=True)), nan_to_null=True)
        found.append(pl.concat([some, table, middle], how="horizontal"))
    table = pl.concat(found).select("n", "column", "row", *CELL)
    return cells.join(table, on=["n", "column", "row"], how="left", maintain_order="left").select(CELL.names())


def regions_of_size(longitude: Floats, latitude: Floats, size: int, boundaries: BoundarySet) -> list[Region | None]:
    """Return the region of each place for a category of `size` cells along a degree; None where none is large enough."""
    column, row = (
        np.minimum(np.floor(values * size + GUARD).astype(np.int64), most * size - 1)
        for values, most in ((longitude, 180), (latitude, 90))
    )
    return floor(boundaries, size).regions(column, row)


def wide_enough(records: pl.DataFrame, boundaries: BoundarySet) -> pl.Series:
    """Return the stated countries that are no smaller than the category's cell on the equator; null for the others.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        countryCode, category.
    boundaries : BoundarySet
    """
    areas = {}
    for country in records["countryCode"].drop_nulls().unique():
        with suppress(InputError):  # a country that the set does not have: how small it is, nobody can tell
            areas[country] = area_km2([country_geometry(country, boundaries)])[0]
    cells = {category: area_km2([shapely.box(0, 0, 1 / n, 1 / n)])[0] for category, n in PER_DEGREE.items()}
    area = pl.col("countryCode").replace_strict(areas, default=0.0, return_dtype=pl.Float64)
    least = pl.col("category").replace_strict(cells, default=np.inf, return_dtype=pl.Float64)
    return records.select(pl.when(area >= least).then("countryCode").alias("country")).to_series()
