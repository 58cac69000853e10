"""The published place of a sensitive record: a cell's centre, and what is true of the whole cell."""

from collections.abc import Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.flags import FLAGS
from biodata.geo import Floats, area_km2, geodesic_distance_m
from biodata.places import BoundarySet, country_geometry
from biodata.sharing.floor import TOLERANCE, Longs, Region, floor
from biodata.sharing.shared import cells_of_nodes
from biodata.vocabularies import SharingCategory

Bools = NDArray[np.bool_]

ASSUMED_UNCERTAINTY_M: Final = 1000.0
"""Radius in metres that a record without a usable coordinateUncertaintyInMeters is taken to have."""

GUARD: Final = 1e-9
"""Share of a cell below its lower edge that still counts with it, so that a place told as 0.29° is in the cell from 0.29°
on, although 0.29 times 100 is a little less than 29 to a computer."""

CELLS_PER_DEGREE: Final = MappingProxyType(
    {str(c): round(1 / c.cell_degrees) for c in SharingCategory if c.cell_degrees is not None}
)

SAFE_FLAGS: Final = frozenset(flag.name for flag in FLAGS.values() if not flag.tells_place)
"""Flags that stay with a record whose place is generalised; any other goes."""

_MOVED: Final = ("COORDINATE_REPROJECTED", "COORDINATE_REPROJECTION_FAILED")
"""Flags of places whose uncertainty holds what their datum adds, which is not the same everywhere."""
_MOVED_STEP_M: Final = 1000.0
"""The radius of such a place is rounded up to a multiple of this, five times as much as any datum adds: else it would
tell by which operation the place was moved, and so in which area of use, or which country, it lies."""

WITHHELD: Final = (
    "Withheld: exact place, date within the year, people, identifiers, counts, locality, elevation and remarks. "
    "Reason: {} (rule {})."
)
"""What is said of a record whose place is made coarse; the rule's reason, and the rule."""

_TOLD: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "half_diagonal_m": pl.Float64,
    "degrees": pl.Float64,
    "country": pl.String,
    "province": pl.String,
    "countries": pl.List(pl.String),
    "west": pl.Float64,
    "south": pl.Float64,
    "east": pl.Float64,
    "north": pl.Float64,
}
_NEEDED: Final = (
    "decimalLatitude",
    "decimalLongitude",
    "coordinateUncertaintyInMeters",
    "geodeticDatum",
    "quality_flags",
    "category",
    "rule_id",
    "reason",
)


def generalise(records: pl.DataFrame, *, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what may be told of the places of sensitive records.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`, and those of `decide`, the categories being such as have a cell.
    boundaries : BoundarySet
        Whose land counts.

    Returns
    -------
    polars.DataFrame of n rows
        The columns of `terms.PUBLISHED_OCCURRENCE` that are made anew: coordinates, uncertainty, countries and
        division, flags, the two texts, the cell.

    Notes
    -----
    Without coordinates nothing of a place is told but the stated country, and that only where the country is no smaller
    than the category's cell. Coordinates that their publisher made coarser at least as much as the category asks stay
    as they are and have no cell: the place need not lie in the cell of a point that was moved. Coordinates that biodata
    read in another term or moved itself are not those that the publisher made coarser, and get a cell.
    """
    longitude, latitude, uncertainty = (
        records[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")
    )
    placed = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    per_degree = records["category"].replace_strict(CELLS_PER_DEGREE, return_dtype=pl.Int64).to_numpy()
    regions = _regions(longitude, latitude, placed, records["categories"], boundaries)
    if "shared_as" in records.columns:
        # Where the cell that a node published lies across the edge of ours, the place may be in the one beside it.
        for at, cell in cells_of_nodes(records):
            region = regions[at]
            if region is not None and not _holds(region, cell):
                regions[at] = None
    frame = pl.concat([records.select(_NEEDED), _told(regions)], how="horizontal").with_columns(
        placed=pl.Series(placed),
        kept=pl.Series(placed & _already_coarse(records, latitude, uncertainty, per_degree)),
        radius=pl.Series(_radius(uncertainty, records["quality_flags"])),
        stated=_wide_enough(records["countryCode"], records["category"], boundaries),
        category_degrees=pl.Series(1 / per_degree),
    )
    return frame.select(_published())


def _holds(region: Region, cell: tuple[float, float, float, float]) -> bool:
    """Tell whether a cell (west, south, east, north, degrees) lies in a region."""
    west, south, east, north = cell
    return (
        west >= region.west - GUARD
        and south >= region.south - GUARD
        and east <= region.east + GUARD
        and north <= region.north + GUARD
    )


def _published() -> list[pl.Expr]:
    """Return the published columns, from what is known of the records and their regions."""
    kept, placed = pl.col("kept"), pl.col("placed")
    radius = (pl.col("radius") + pl.col("half_diagonal_m")).ceil()
    countries = pl.when(placed).then("countries").when(pl.col("stated").is_not_null()).then(pl.concat_list("stated"))
    return [
        pl.when(kept).then("decimalLatitude").otherwise("latitude").alias("decimalLatitude"),
        pl.when(kept).then("decimalLongitude").otherwise("longitude").alias("decimalLongitude"),
        pl.when(kept).then("coordinateUncertaintyInMeters").otherwise(radius).alias("coordinateUncertaintyInMeters"),
        # A cell is one of WGS 84, whatever the place was told in; that can differ from place to place.
        pl.when(kept)
        .then("geodeticDatum")
        .when(pl.col("latitude").is_not_null())
        .then(pl.lit("WGS84"))
        .alias("geodeticDatum"),
        pl.when(placed).then("country").otherwise("stated").alias("countryCode"),
        pl.col("province").alias("province_code"),
        (pl.col("countries").list.len() > 1).alias("ambiguous"),
        countries.alias("country_codes"),
        pl.format(WITHHELD, pl.col("reason"), pl.col("rule_id")).alias("informationWithheld"),
        _generalisation().alias("dataGeneralizations"),
        pl.col("quality_flags").list.filter(pl.element().is_in(list(SAFE_FLAGS))).alias("quality_flags"),
        *(pl.when(~kept).then(edge).alias(f"cell_{edge}") for edge in ("west", "south", "east", "north")),
    ]


def _generalisation() -> pl.Expr:
    """Return the sentence that says how the place was made coarser."""
    larger = pl.when(pl.col("degrees") > pl.col("category_degrees")).then(
        pl.format(", larger than the category's {}° because of the coast", pl.col("category_degrees").cast(pl.String))
    )
    cell = pl.format(
        "Place given as the centre of a grid cell of {}°{}. Countries and division are those of the whole cell; the "
        "uncertainty is the record's own ({} m where it had none) and half the cell's diagonal.",
        pl.col("degrees").cast(pl.String),
        larger.fill_null(""),
        pl.lit(f"{ASSUMED_UNCERTAINTY_M:g}"),
    )
    return (
        pl.when(~pl.col("placed"))
        .then(None)
        .when(pl.col("kept"))
        .then(
            pl.lit(
                "The publisher had already made the place coarser than this category asks; it is given as published."
            )
        )
        .when(pl.col("degrees").is_null())
        .then(pl.lit("The place is left out: no grid cell around it has enough land, or sea, to keep it apart."))
        .otherwise(cell)
    )


def _regions(
    longitude: Floats, latitude: Floats, placed: Bools, categories: pl.Series, boundaries: BoundarySet
) -> list[Region | None]:
    """Return the region of each place; None without a place, or where none is large enough.

    A coast can make the cell of a looser category the larger one. The place is then left out: whoever adds a stricter
    rule must not thereby reveal more, and the looser category's cell can hold less than the stricter one's floor. So is
    every other place of the stricter category's region where too little of it is left then.
    """
    wanted = pl.DataFrame({"row": np.arange(len(placed)), "category": categories}).filter(pl.Series(placed))
    pairs = wanted.explode("category").with_columns(
        size=pl.col("category").replace_strict(CELLS_PER_DEGREE, return_dtype=pl.Int64)
    )
    regions: list[Region | None] = [None] * len(placed)
    looser: dict[int, tuple[int, ...]] = {}
    # From the loosest category of a record to its strictest, which is the one that stays.
    for (size,), part in sorted(pairs.group_by("size"), key=lambda group: group[0], reverse=True):
        rows = part["row"].to_numpy()
        found = regions_of_size(longitude[rows], latitude[rows], size, boundaries)
        for at, region in zip(rows.tolist(), found, strict=True):
            sizes, before = looser.get(at, ()), regions[at]
            smaller = bool(sizes) and (before is None or region is None or region.degrees < before.degrees)
            left_out = smaller or (region is not None and sizes and _is_too_little(region, size, sizes, boundaries))
            regions[at] = None if left_out else region
            looser[at] = (*sizes, size)
    return regions


@lru_cache(maxsize=65_536)
def _is_too_little(region: Region, size: int, looser: tuple[int, ...], boundaries: BoundarySet) -> bool:
    """Tell whether the places of a region that are not left out have less land, or less sea, than a cell's area.

    Parameters
    ----------
    region : Region
        One of `size` cells along a degree.
    looser : tuple of int
        Cells along a degree of the looser categories, the loosest first: places that have none of theirs, or a larger
        one, are left out.
    """
    of_size = floor(boundaries, size)
    column, row = _cells_in(region, size)
    levels = of_size.levels(column, row)
    mine = (levels >= 0) & (2.0**levels / size == region.degrees)
    column, row = column[mine], row[mine]
    full, land = of_size.areas(column, row)
    slack = np.array([land.sum(), (full - land).sum()]) - full.max() * (1 - TOLERANCE)
    uneven = {asked: _uneven_cells(column, row, size, min(asked, size * 100), boundaries) for asked in looser}
    most = sum(
        (_land_and_sea(*cells, min(asked, size * 100), boundaries) for asked, cells in uneven.items()), np.zeros(2)
    )
    if (most <= slack).all():  # even if all cells at coasts were left out
        return False
    any_out = False
    for number, asked in enumerate(looser):
        finer = floor(boundaries, asked)
        c, r = _uneven_cells(*uneven[asked], min(asked, size * 100), asked, boundaries)
        levels = finer.levels(c, r)
        out = (levels < 0) | (2.0 ** np.maximum(levels, 0) / asked > region.degrees)
        if number > 0:
            doubtful = np.flatnonzero(~out & (levels > 0))
            regions = finer.regions(c[doubtful], r[doubtful])
            out[doubtful] = [
                found is not None and _is_too_little(found, asked, looser[:number], boundaries) for found in regions
            ]
        if out.any():
            any_out = True
            slack = slack - _land_and_sea(c[out], r[out], asked, boundaries)
    return any_out and bool((slack < 0).any())


def _land_and_sea(column: Longs, row: Longs, size: int, boundaries: BoundarySet) -> Floats:
    """Return the land and the sea of cells together, km²."""
    full, land = floor(boundaries, size).areas(column, row)
    return np.array([land.sum(), (full - land).sum()])


def _cells_in(region: Region, size: int) -> tuple[Longs, Longs]:
    """Return column and row of the cells of a region."""
    west, south, east, north = (round(edge * size) for edge in (region.west, region.south, region.east, region.north))
    column, row = np.meshgrid(np.arange(west, east), np.arange(south, north))
    return column.ravel(), row.ravel()


def _uneven_cells(column: Longs, row: Longs, size: int, asked: int, boundaries: BoundarySet) -> tuple[Longs, Longs]:
    """Return column and row of the finer cells within some that are not published by themselves: those at a coast."""
    while size < asked:
        size *= 10
        inside = np.arange(100)
        column, row = (
            (10 * coarse[:, None] + step[None, :]).ravel()
            for coarse, step in ((column, inside % 10), (row, inside // 10))
        )
        uneven = floor(boundaries, size).levels(column, row) != 0
        column, row = column[uneven], row[uneven]
    return column, row


def regions_of_size(longitude: Floats, latitude: Floats, size: int, boundaries: BoundarySet) -> list[Region | None]:
    """Return the region of each place for a category.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    size : int
        Cells of the category along a degree.
    boundaries : BoundarySet

    Returns
    -------
    list of Region or None, length n
        None where no region is large enough.
    """
    column, row = (
        np.minimum(np.floor(values * size + GUARD).astype(np.int64), most * size - 1)
        for values, most in ((longitude, 180), (latitude, 90))
    )
    return floor(boundaries, size).regions(column, row)


def _told(regions: Sequence[Region | None]) -> pl.DataFrame:
    """Return what is told of each region, in one row each; nulls for None. Shared regions are worked out once."""
    distinct = list(dict.fromkeys(regions))
    known = [region for region in distinct if region is not None]
    west, south, east, north = np.array([(r.west, r.south, r.east, r.north) for r in known]).reshape(-1, 4).T
    longitude, latitude = (west + east) / 2, (south + north) / 2
    half = np.maximum(*(geodesic_distance_m(longitude, latitude, west, corner) for corner in (south, north)))
    table = pl.DataFrame(
        {
            "longitude": longitude,
            "latitude": latitude,
            "half_diagonal_m": half,
            "degrees": [r.degrees for r in known],
            "country": [r.country_code for r in known],
            "province": [r.province_code for r in known],
            "countries": [list(r.country_codes) for r in known],
            **{"west": west, "south": south, "east": east, "north": north},
        },
        schema=_TOLD,
    )
    table = pl.concat([table, table.clear(1)])
    number = {region: n for n, region in enumerate(known)}
    return table[[number.get(region, len(known)) if region is not None else len(known) for region in regions]]


def _radius(uncertainty: Floats, flags: pl.Series) -> Floats:
    """Return the radius that a place counts with, metres."""
    radius = np.where(uncertainty > 0, uncertainty, ASSUMED_UNCERTAINTY_M)
    moved = flags.list.set_intersection(list(_MOVED)).list.len().fill_null(0).to_numpy() > 0
    return np.where(moved, np.ceil(radius / _MOVED_STEP_M) * _MOVED_STEP_M, radius)


def _already_coarse(records: pl.DataFrame, latitude: Floats, uncertainty: Floats, per_degree: Longs) -> Bools:
    """Tell which places their publisher made at least as coarse as the category's cell."""
    axis = pl.element().struct.field("term").is_in(["decimalLatitude", "decimalLongitude"])
    changed = pl.col("repairs").list.eval(axis & pl.element().struct.field("applied")).list.any()
    flagged = (
        records.select(
            pl.col("quality_flags").list.contains("PUBLISHER_GENERALISED").fill_null(value=False)
            & ~changed.fill_null(value=False)
        )
        .to_series()
        .to_numpy()
    )
    half, nowhere = 0.5 / per_degree, np.zeros_like(latitude)
    diagonal = geodesic_distance_m(nowhere, latitude, half, np.minimum(latitude + half, 90))
    return np.asarray(flagged & (uncertainty >= diagonal))


def _wide_enough(countries: pl.Series, categories: pl.Series, boundaries: BoundarySet) -> pl.Series:
    """Return the stated countries that are no smaller than the category's cell on the equator; null for the others."""
    pairs = pl.DataFrame({"country": countries, "category": categories})
    rows = []
    for country, category in pairs.drop_nulls().unique().rows():
        side = 1 / CELLS_PER_DEGREE[category]
        try:
            area = area_km2([country_geometry(country, boundaries)])[0]
        except InputError:
            continue  # a country that the set does not have: how small it is, nobody can tell
        if area >= area_km2([shapely.box(0, 0, side, side)])[0]:
            rows.append((country, category, country))
    table = pl.DataFrame(rows, schema={"country": pl.String, "category": pl.String, "stated": pl.String}, orient="row")
    return pairs.join(table, on=["country", "category"], how="left", maintain_order="left")["stated"]
