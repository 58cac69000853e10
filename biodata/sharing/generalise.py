"""The cell that a presence is published by, and what is true of all of it."""

from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata.errors import InputError
from biodata.geo import Floats, area_km2, geodesic_distance_m
from biodata.places import BoundarySet, country_geometry
from biodata.sharing.floor import Region, floor
from biodata.sharing.grid import GUARD, PER_DEGREE

CELL: Final = pl.Schema(
    {
        "cell_west": pl.Float64(), "cell_south": pl.Float64(), "cell_east": pl.Float64(), "cell_north": pl.Float64(),
        "degrees": pl.Float64(), "decimalLongitude": pl.Float64(), "decimalLatitude": pl.Float64(),
        "coordinateUncertaintyInMeters": pl.Float64(), "countryCode": pl.String(), "country_codes": pl.List(pl.String),
        "province_code": pl.String(),
    }
)  # fmt: skip
"""What is published of a cell: edges and side in degrees, centre, half the diagonal in metres, countries and division."""


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
        asked = floor(boundaries, int(str(n)))
        regions = asked.regions(some["column"].to_numpy(), some["row"].to_numpy())
        rows = [
            (None,) * len(CELL) if r is None else (
                r.west, r.south, r.east, r.north, r.degrees, (r.west + r.east) / 2, (r.south + r.north) / 2,
                None, r.country_code, list(r.country_codes), r.province_code,
            )
            for r in regions
        ]  # fmt: skip
        described = pl.DataFrame(rows, schema=CELL, orient="row").with_columns(_half_diagonal_m())
        found.append(some.hstack(described))
    return cells.join(pl.concat(found), on=["n", "column", "row"], how="left", maintain_order="left").select(
        CELL.names()
    )


def regions_of_size(longitude: Floats, latitude: Floats, size: int, boundaries: BoundarySet) -> list[Region | None]:
    """Return the region of each place for a category of `size` cells along a degree; None where none is large enough."""
    column, row = (
        np.minimum(np.floor(values * size + GUARD).astype(np.int64), most * size - 1)
        for values, most in ((longitude, 180), (latitude, 90))
    )
    return floor(boundaries, size).regions(column, row)


def _half_diagonal_m() -> pl.Expr:
    """Return half the longer diagonal of cells, whole metres: one number for all that is published of a cell."""

    def longest(cells: pl.Series) -> pl.Series:
        names = ("decimalLongitude", "decimalLatitude", "cell_west", "cell_south", "cell_north")
        x, y, west, south, north = (cells.struct.field(name).fill_null(np.nan).to_numpy() for name in names)
        metres = np.maximum(geodesic_distance_m(x, y, west, south), geodesic_distance_m(x, y, west, north))
        return pl.Series(np.ceil(metres)).fill_nan(None)

    asked = pl.struct("decimalLongitude", "decimalLatitude", "cell_west", "cell_south", "cell_north")
    return asked.map_batches(longest, return_dtype=pl.Float64).alias("coordinateUncertaintyInMeters")


def wide_enough(records: pl.DataFrame, boundaries: BoundarySet) -> pl.Series:
    """Return the stated countries that are no smaller than the category's cell on the equator; null for the others.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        countryCode, category.
    boundaries : BoundarySet
    """
    pairs = records.select("countryCode", "category")
    rows = []
    for country, category in pairs.drop_nulls().unique().rows():
        if category not in PER_DEGREE:
            continue
        side = 1 / PER_DEGREE[category]
        try:
            area = area_km2([country_geometry(country, boundaries)])[0]
        except InputError:
            continue  # a country that the set does not have: how small it is, nobody can tell
        if area >= area_km2([shapely.box(0, 0, side, side)])[0]:
            rows.append((country, category, country))
    schema = {"countryCode": pl.String, "category": pl.String, "country": pl.String}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return pairs.join(table, on=["countryCode", "category"], how="left", maintain_order="left")["country"]
