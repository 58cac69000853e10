"""Somebody who has the published rows, the source code and a map, and asks: where may this record be?

A place may be the record's where publishing a record of that place gives the same row. So records are published at places
all along the borders and coasts, 25 in a cell, through `sharing.as_published` as it is, and the places that share a row are
counted: all of them, those on land (for somebody who knows that the species lives there), and those at sea. Land is asked
of the polygons by shapely; nothing here uses the code that makes places coarser.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import shapely

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet, locate
from biodata.sharing import RuleSet, as_published
from biodata.sharing.publish import plan_alone

Box = tuple[float, float, float, float]
SPECIES = "Rara una"
ALONG = 5
"""Places along a side of a cell."""


@dataclass(frozen=True)
class Tried:
    """n places and what is published of a record at each.

    Attributes
    ----------
    longitude, latitude : ndarray of float64, length n
    cell : ndarray of int64, shape (n, 2)
        Column and row of the category's cell that holds the place.
    row : ndarray of int64, length n
        Number of the published row; places with the same number cannot be told apart. -1: nothing is published.
    land : ndarray of bool, length n
    shown : polars.DataFrame
        The published row of each number.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    cell: np.ndarray
    row: np.ndarray
    land: np.ndarray
    shown: pl.DataFrame


def cells_along(boundaries: BoundarySet, side: float, box: Box) -> np.ndarray:
    """Return the cells of a grid that a land border or a coast passes, and those within its band: column and row."""
    ends = np.concatenate([boundaries.border_edges.ends, boundaries.coast_edges.ends])
    low, high = np.minimum(ends[:, :2], ends[:, 2:]), np.maximum(ends[:, :2], ends[:, 2:])
    ends = ends[((high >= box[:2]) & (low <= box[2:])).all(axis=1)]
    pieces = np.maximum(np.ceil(np.abs(ends[:, 2:] - ends[:, :2]).max(axis=1) / (side / 5)), 1).astype(int)
    rows = np.repeat(np.arange(len(ends)), pieces)
    at = np.concatenate([(np.arange(n) + 0.5) / n for n in pieces])[:, None]
    points = ends[rows, :2] * (1 - at) + ends[rows, 2:] * at
    points = points[(points >= box[:2]).all(axis=1) & (points <= box[2:]).all(axis=1)]
    passed = np.unique(np.floor(points / side + 1e-9).astype(int), axis=0)
    reach = int(np.ceil(boundaries.band_m * 1.2 / (side * 111_000)))
    steps = list(itertools.product(range(-reach, reach + 1), repeat=2))
    return np.unique(np.concatenate([passed + step for step in steps]), axis=0)


def on_land(longitude: np.ndarray, latitude: np.ndarray, boundaries: BoundarySet) -> np.ndarray:
    """Tell which of n places lie in one of the polygons."""
    found = np.zeros(len(longitude), dtype=bool)
    order = np.argsort(longitude)
    x, y = longitude[order], latitude[order]
    for shape in boundaries.shapes:
        west, south, east, north = shape.bounds
        first, last = np.searchsorted(x, (west, east))
        here = np.flatnonzero((y[first:last] >= south) & (y[first:last] <= north)) + first
        if len(here):
            shapely.prepare(shape)
            found[order[here]] |= shapely.intersects_xy(shape, x[here], y[here])
    return found


def publish_at(
    cells: np.ndarray, side: float, rules: RuleSet, boundaries: BoundarySet, *, uncertainty_m: float = 250.0
) -> Tried:
    """Publish a record at each of 25 places of each cell."""
    steps = (np.arange(ALONG) + 0.5) / ALONG
    inside = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    longitude, latitude = ((cells[:, None, :] + inside).reshape(-1, 2) * side).T.copy()
    located = locate(longitude, latitude, boundaries)
    rows = pl.DataFrame({"key": np.arange(len(longitude)), "species": SPECIES, "genus": "Rara",
                         "scientificName": SPECIES, "datasetKey": "d", "decimalLongitude": longitude,
                         "decimalLatitude": latitude, "year": 2024, "coordinateUncertaintyInMeters": uncertainty_m,
                         "geodeticDatum": "WGS84"})  # fmt: skip
    facts = ("located_country_code", "country_codes", "province_code", "ambiguous")
    frame = terms.conform(rows.with_columns(located[name] for name in facts), terms.OCCURRENCE)
    planned = replace(rules, plan=plan_alone(frame, rules, boundaries))
    told = as_published(frame, planned, boundaries=boundaries).drop_nulls("sharing_category")
    seen = [name for name in told.columns if name != "key" and told[name].null_count() < told.height]
    number = pl.struct(seen).rank("dense").cast(pl.Int64) - 1 if seen else pl.lit(0, pl.Int64)
    numbered = told.with_columns(number=number)
    row = np.full(len(longitude), -1)
    row[numbered["key"].to_numpy()] = numbered["number"].to_numpy()
    shown = numbered.unique("number").sort("number").drop("key")
    at = np.repeat(cells, ALONG**2, axis=0)
    return Tried(longitude, latitude, at, row, on_land(longitude, latitude, boundaries), shown)


def smallest(tried: Tried, category: SharingCategory, box: Box) -> pl.DataFrame:
    """Return for each row of a category how much may be the record's, as shares of the category's cell.

    Cells that reach beyond the box are left out: not all of their places were tried.

    Returns
    -------
    polars.DataFrame
        number, everywhere, land, sea (null where no such place has that row), and the published cell and countries.
    """
    west, south, east, north = box
    width = np.cos(np.radians(tried.latitude))
    # The largest of the cells that hold the places: a cell shrinks with the latitude.
    frame = pl.DataFrame({"number": tried.row, "land": tried.land, "width": width}).filter(pl.col("number") >= 0)
    share = pl.col("width") / pl.col("width").max() / ALONG**2
    asked = frame.group_by("number").agg(
        everywhere=share.sum(),
        land=pl.when(pl.col("land").any()).then(share.filter("land").sum()),
        sea=pl.when(pl.col("land").not_().any()).then(share.filter(~pl.col("land")).sum()),
    )
    facts = ["cell_west", "cell_south", "cell_east", "cell_north", "country_codes", "province_code", "sharing_category"]
    found = asked.join(tried.shown.select("number", *facts), on="number").drop_nulls("cell_west")
    inside = (pl.col("cell_west") >= west) & (pl.col("cell_south") >= south)
    inside &= (pl.col("cell_east") <= east) & (pl.col("cell_north") <= north)
    return found.filter(inside, pl.col("sharing_category") == str(category)).sort("number")


def measured(tried: Tried, number: int, side: float, boundaries: BoundarySet) -> dict[str, float]:
    """Return what `smallest` counts for one row, from the polygons: for few places on small islands a grid is coarse.

    Nothing where only some places of a cell have that row: then the row tells more than its cell.
    """
    mine = tried.row == number
    column, row = tried.cell.T
    of_cell = column * 1_000_000 + row
    if not mine[np.isin(of_cell, np.unique(of_cell[mine]))].all():
        return {}
    cells = np.unique(tried.cell[mine], axis=0) * side
    boxes = shapely.box(*cells.T, *(cells + side).T)
    cell, unit = boundaries.tree.query(boxes, predicate="intersects")
    pieces = shapely.area(shapely.intersection(boxes[cell], boundaries.shapes[unit])) / side**2
    land = np.bincount(cell, weights=pieces, minlength=len(boxes))
    width = np.cos(np.radians(cells[:, 1] + side / 2))
    width /= width.max()
    return {
        "everywhere": float(width.sum()),
        "land": float(width @ land) if tried.land[mine].any() else 1.0,
        "sea": float(width @ (1 - land)) if (~tried.land[mine]).any() else 1.0,
    }
