"""Ranges of a species by country, and the area that it occupies, with its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.analysis.gaps.features import Places, dissolved, named, polygon_rows
from biodata.core import geo
from biodata.core.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd


Codes = Mapping[str, tuple[int, ...]]
CODES: Final[Codes] = MappingProxyType({"presence": (1, 2), "origin": (1, 2, 6), "seasonal": (1, 2, 3, 4)})
"""Codes of the Red List's polygons that count: extant and probably extant; native, reintroduced and assisted; resident,
breeding, non-breeding and passage. They are those that the R package aoh takes
(https://prioritizr.github.io/aoh/reference/create_spp_info_data.html); what is possibly extinct, extinct, introduced or
vagrant is no range to be saved. Meaning of the codes: IUCN 2024, Mapping standards and data quality for the Red List."""
_HIGHEST: Final = MappingProxyType({"presence": 6, "origin": 6, "seasonal": 5})
NAMES: Final = ("species", "sci_name", "binomial", "scientificName")
"""Columns of the species, the Red List's newer and older one among them; the first that a file has is taken."""


CELL_M: Final = 2_000.0
"""Side of IUCN's cell, metres."""
SHIFTS: Final = 10
SYSTEM: Final = 6933
"""EPSG code of the cells' system, cylindrical equal-area: one grid for every species, and a record never lowers an area.
Cells end at 180°, where one more may be counted."""
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Ranges of species.

    Attributes
    ----------
    places : Places
        Of kind range; polygons of one species are one.
    facts : dict
        File, column of names, codes that count, polygons left out by column and code, as plain values.
    """

    places: Places
    facts: dict[str, Any]


def read_ranges(path: Path, *, name: str | None = None, species: str | None = None, codes: Codes = CODES) -> Ranges:
    """Read ranges of species.

    Parameters
    ----------
    path : Path
        Polygons that GDAL reads.
    name : str, optional
        The column of species; the first of NAMES that there is where none is stated.
    species : str, optional
        The only one that is asked. A file without a column of species is then its range.
    codes : mapping of str to tuple of int
        By column the codes that count. A column that the file lacks, and a row without a code, leave nothing out; the
        columns are found in any case of their letters.

    Returns
    -------
    Ranges

    Raises
    ------
    InputError
        As `features.read_places`; if a code is none of the Red List's (RANGE_CODE_INVALID), the species has no polygon
        (RANGE_SPECIES_UNKNOWN), or none that counts is left (RANGE_EMPTY).
    """
    layer = polygon_rows(path)
    columns = {str(column).lower(): str(column) for column in layer.columns}
    if name is None:
        name = next((columns[one.lower()] for one in NAMES if one.lower() in columns), None)
    names = [species] * len(layer) if name is None and species is not None else named(layer, name or NAMES[0], path)
    wanted = np.array([species is None or _plain(one) == _plain(species) for one in names], dtype=np.bool_)
    if not wanted.any():
        problem = "there is no range of this species in it"
        known = sorted(set(names))
        expected = f"one of {', '.join(known[:5])}{', …' if len(known) > 5 else ''}"
        raise InputError(
            problem, file=path.name, column=name, value=species, expected=expected, code="RANGE_SPECIES_UNKNOWN"
        )
    layer, names = layer[wanted], [one for one, kept in zip(names, wanted, strict=True) if kept]
    left_out: dict[str, int] = {}
    counts = np.ones(len(layer), dtype=np.bool_)
    for column, entries in codes.items():
        if column in columns:
            counts &= _counting(
                layer, columns[column], entries, left_out, path, highest=_HIGHEST[column], before=counts
            )
    if not counts.any():
        problem = "no polygon of it counts as range"
        reasons = ", ".join(f"{count} of {code}" for code, count in left_out.items())
        raise InputError(
            problem, file=path.name, value=reasons, expected=f"codes {joined_codes(codes)}", code="RANGE_EMPTY"
        )
    kept = [one for one, good in zip(names, counts, strict=True) if good]
    facts = {
        "file": path.name, "column": name, "codes": {key: list(value) for key, value in codes.items() if key in columns},
        "polygons": len(kept), "left_out": left_out,
        "species_without_range_that_counts": sorted(set(names) - set(kept)),
    }  # fmt: skip
    return Ranges(dissolved("range", kept, layer.geometry.to_numpy()[counts]), facts)


def read_codes(lines: Sequence[str]) -> Codes:
    """Return codes that count: CODES, with those that are stated in the place of theirs.

    Parameters
    ----------
    lines : sequence of str
        As `presence=1,2`; a column alone, `seasonal=`, leaves nothing out by it.

    Raises
    ------
    InputError
        If one is none (RANGE_CODE_INVALID).
    """
    codes = dict(CODES)
    for text in lines:
        column, equals, numbers = text.partition("=")
        parts = [part.strip() for part in numbers.split(",") if part.strip()]
        known = column in _HIGHEST and equals and all(part.isdecimal() and part.isascii() for part in parts)
        if not known or any(not 1 <= int(part[:9]) <= _HIGHEST[column] for part in parts):
            problem = "these are no codes of ranges"
            expected = "presence=1,2 (codes 1 to 6), origin=1,2,6 (1 to 6) or seasonal=1,2,3 (1 to 5)"
            raise InputError(problem, column="--range-codes", value=text, expected=expected, code="RANGE_CODE_INVALID")
        if parts:
            codes[column] = tuple(sorted({int(part) for part in parts}))
        else:
            codes.pop(column, None)
    return codes


def joined_codes(codes: Codes) -> str:
    """Return codes as one text."""
    return ", ".join(f"{column} {'+'.join(map(str, numbers))}" for column, numbers in codes.items())


def _plain(name: str) -> str:
    """Return a name as it is compared."""
    return " ".join(name.replace("_", " ").split()).casefold()


def _counting(
    layer: "gpd.GeoDataFrame", column: str, entries: tuple[int, ...], left_out: dict[str, int], path: Path, *,
    highest: int, before: "NDArray[np.bool_]",
) -> "NDArray[np.bool_]":  # fmt: skip
    """Tell which rows count by a column; what it leaves out of `before` is added to `left_out`."""
    good = np.ones(len(layer), dtype=np.bool_)
    for at, (row, value) in enumerate(layer[column].items()):
        text = "" if pd.isna(value) else str(value).strip().removesuffix(".0")
        if text in ("", "0"):
            continue
        if not (text.isascii() and text.isdecimal() and len(text) == 1 and 1 <= int(text) <= highest):
            problem = "this is no code of the Red List's polygons"
            raise InputError(
                problem, file=path.name, row=int(str(row)), column=column, value=text[:40],
                expected=f"1 to {highest}, or nothing", code="RANGE_CODE_INVALID",
            )  # fmt: skip
        good[at] = int(text) in entries
        if not good[at] and before[at]:
            key = f"{column} {text}"
            left_out[key] = left_out.get(key, 0) + 1
    return good


@dataclass(frozen=True, slots=True)
class OccupiedArea:
    """An area of occupancy.

    Attributes
    ----------
    cells : int
        Cells with a record, in the position of the grid that has the fewest.
    area_km2 : float
        Their area.
    cell_m : float
        Side of a cell, metres.
    positions : int
        How many positions of the grid were tried.
    shift : tuple of int
        The position that was taken, east and north, in parts of a cell; the first of equal ones.
    corners : ndarray of int64, shape (cells, 2)
        Western and southern edges of the cells, in parts of a cell.
    parts : int
        Parts of a cell's side.
    """

    cells: int
    area_km2: float
    cell_m: float
    positions: int
    shift: tuple[int, int]
    corners: _Ints
    parts: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as plain values."""
        return {
            "cells": self.cells, "area_km2": self.area_km2, "cell_m": self.cell_m, "positions": self.positions,
            "system": f"EPSG:{SYSTEM}",
        }  # fmt: skip

    def polygons(self) -> NDArray[np.object_]:
        """Return the cells as polygons, degrees, WGS 84."""
        part = self.cell_m / self.parts
        west, south = (self.corners * part).T
        shapes: NDArray[np.object_] = shapely.box(west, south, west + self.cell_m, south + self.cell_m)
        # Parallels and meridians stay straight in this system, so that four corners are enough.
        degrees: NDArray[np.object_] = geo.project(shapes, SYSTEM, 4326)
        return degrees


def occupied_area(
    longitude: geo.Floats, latitude: geo.Floats, *, cell_m: float = CELL_M, shifts: int = SHIFTS
) -> OccupiedArea:
    """Return the area of occupancy of points.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    cell_m : float
        Side of a cell, metres.
    shifts : int
        Positions of the grid that are tried along each axis: `shifts` squared positions in all, a `shifts`-th of a cell
        apart.

    Returns
    -------
    OccupiedArea
        Of no points 0 cells.

    Raises
    ------
    ValueError
        If `cell_m` or `shifts` is not positive.

    Notes
    -----
    IUCN Standards and Petitions Committee 2024, Guidelines version 16, 4.10: cells of 2 km, and the position of the grid
    with the fewest of them.
    """
    if not (cell_m > 0 and shifts > 0):
        msg = f"cell_m and shifts must be positive, not {cell_m} and {shifts}"
        raise ValueError(msg)
    parts = _parts(longitude, latitude, cell_m / shifts)
    best, least = (0, 0), None
    for east in range(shifts):
        for north in range(shifts):
            count = pl.Series(_one_number((parts - (east, north)) // shifts)).n_unique()
            if least is None or count < least:
                best, least = (east, north), count
    offset = np.array(best, dtype=np.int64)
    corners: _Ints = np.unique((parts - offset) // shifts, axis=0) * shifts + offset
    cells = len(corners)
    return OccupiedArea(cells, cells * (cell_m / 1000) ** 2, cell_m, shifts**2, best, corners, shifts)


def _parts(longitude: geo.Floats, latitude: geo.Floats, part_m: float) -> _Ints:
    """Return the parts of cells that hold points, shape (n, 2), each once: all that the count depends on."""
    xy = geo.project(np.column_stack([longitude, latitude]).astype(np.float64), 4326, SYSTEM)
    numbers: _Ints = np.unique(np.floor(xy / part_m).astype(np.int64), axis=0)
    return numbers.reshape(-1, 2)


def _one_number(pairs: _Ints) -> _Ints:
    """Return pairs of whole numbers as one each, so that they are quickly distinguished."""
    single: _Ints = pairs[:, 0] * (1 << 31) + pairs[:, 1]
    return single


@dataclass(frozen=True, slots=True)
class OccupiedBound:
    """What published cells tell of an area of occupancy: it is at least and at most so large.

    Attributes
    ----------
    cells_at_least : int
        Cells of 2 km that hold a record wherever in the published cells the records lie.
    cells_at_most : int
        Cells of 2 km, if every record published as a cell lies in one of its own, as far as its published cell has room.
    area_at_least_km2, area_at_most_km2 : float
        Their areas.
    published_cells : int
        Published cells with a record.
    cell_m : float
        Side of a cell of the area, metres.
    """

    cells_at_least: int
    cells_at_most: int
    area_at_least_km2: float
    area_at_most_km2: float
    published_cells: int
    cell_m: float

    def to_dict(self) -> dict[str, Any]:
        """Return the bound as plain values."""
        return {
            "cells_at_least": self.cells_at_least, "cells_at_most": self.cells_at_most,
            "area_at_least_km2": self.area_at_least_km2, "area_at_most_km2": self.area_at_most_km2,
            "published_cells": self.published_cells, "cell_m": self.cell_m, "system": f"EPSG:{SYSTEM}",
        }  # fmt: skip


def occupied_bound(records: pl.DataFrame, *, cell_m: float = CELL_M, shifts: int = SHIFTS) -> OccupiedBound:
    """Return what is certain of the area of occupancy where records are published as cells.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Coordinates, and `cell_west` … `cell_north`, null for a record whose own place is stated.
    cell_m, shifts
        As for `occupied_area`.

    Returns
    -------
    OccupiedBound
        At least: points as `occupied_area` counts them, and published cells so far from them and from one another that
        no cell of the area holds a record of both. At most: beside the points, for each published cell as many cells as it
        has records, but no more than it can touch. Made of published values alone.
    """
    is_cell = pl.col("cell_west").is_not_null()
    points = records.filter(~is_cell)
    edges = ("cell_west", "cell_south", "cell_east", "cell_north")
    cells = records.filter(is_cell).group_by(edges).len("records").sort(edges)
    place = [points[name].to_numpy().astype(np.float64) for name in ("decimalLongitude", "decimalLatitude")]
    own = occupied_area(place[0], place[1], cell_m=cell_m, shifts=shifts)
    corners = cells.select(edges).to_numpy().astype(np.float64)
    low = geo.project(corners[:, :2].copy(), 4326, SYSTEM)
    high = geo.project(corners[:, 2:].copy(), 4326, SYSTEM)
    known = geo.project(np.column_stack(place), 4326, SYSTEM)
    least = own.cells + _apart(low, high, known, cell_m)
    room = (np.ceil((high - low) / cell_m).astype(np.int64) + 1).prod(axis=1)
    most = own.cells + int(np.minimum(room, cells["records"].to_numpy()).sum())
    cell_km2 = (cell_m / 1000) ** 2
    return OccupiedBound(least, most, least * cell_km2, most * cell_km2, cells.height, cell_m)


def _apart(low: geo.Floats, high: geo.Floats, known: geo.Floats, cell_m: float) -> int:
    """Return how many published cells are a cell's side away from every known place and every such cell before them."""
    boxes = np.asarray(shapely.box(*(low - cell_m).T, *(high + cell_m).T), dtype=object)
    near, other = shapely.STRtree(np.asarray(shapely.points(known), dtype=object)).query(boxes)
    gap = np.maximum(known[other] - high[near], low[near] - known[other])
    free = np.ones(len(low), dtype=np.bool_)
    free[near[(gap < cell_m).all(axis=1)]] = False
    rows = np.flatnonzero(free)
    own = np.asarray(shapely.box(*low[rows].T, *high[rows].T), dtype=object)
    later, before = shapely.STRtree(own).query(boxes[rows])
    gap = np.maximum(low[rows[before]] - high[rows[later]], low[rows[later]] - high[rows[before]])
    close = (gap < cell_m).all(axis=1) & (before < later)
    later, before = later[close], before[close]
    start = np.searchsorted(later, np.arange(len(rows) + 1))  # the tree tells pairs in the order of what is asked
    taken = np.zeros(len(rows), dtype=np.bool_)
    for at in range(len(rows)):
        taken[at] = not taken[before[start[at] : start[at + 1]]].any()
    return int(taken.sum())
