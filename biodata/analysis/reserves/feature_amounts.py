"""How much of each feature a planning unit holds: from rasters, polygons or points."""

from collections.abc import Mapping, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from pyproj import CRS
from scipy import sparse

from biodata import geo
from biodata.analysis.areas import polygonal
from biodata.analysis.grid import Grid
from biodata.analysis.reserves.targets import Floats, Ints, Sparse
from biodata.errors import InputError

SCHEMA: Final = pl.Schema({"feature": pl.String, "unit": pl.Int64, "amount": pl.Float64})
"""Amounts as a table: the feature's name, the unit's place in the table of units, the amount above 0."""


def from_raster(units: gpd.GeoDataFrame, values: Floats, grid: Grid, *, feature: str) -> pl.DataFrame:
    """Return the sum of a raster's values in each unit; each cell counts where its centre lies.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    values : ndarray of float64, (rows, columns)
        An amount a cell, 0 or more; nan where there is none.
    grid : Grid
    feature : str
    """
    owner = _owners(units, grid)
    inside = (owner >= 0) & np.isfinite(values.ravel()) & (values.ravel() > 0)
    sums = np.bincount(owner[inside], values.ravel()[inside], len(units))
    return _table(feature, sums.astype(np.float64))


def from_classes(
    units: gpd.GeoDataFrame, values: Floats, grid: Grid, *, features: Mapping[str, Sequence[float]]
) -> pl.DataFrame:
    """Return the area (km²) of a raster's classes in each unit.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    values : ndarray of float64, (rows, columns)
        Class numbers.
    grid : Grid
    features : mapping of str to sequence of float
        The classes of each feature.
    """
    owner = _owners(units, grid)
    wide, high = grid.cell_sizes_m()
    cell_km2 = np.repeat(wide * high / 1e6, grid.shape[1])
    found = []
    for feature, classes in features.items():
        inside = (owner >= 0) & np.isin(values.ravel(), np.asarray(classes, dtype=np.float64))
        areas = np.bincount(owner[inside], cell_km2[inside], len(units))
        found.append(_table(feature, areas.astype(np.float64)))
    return pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)


def _owners(units: gpd.GeoDataFrame, grid: Grid) -> Ints:
    """Return the unit that each cell's centre lies in, -1 for none; flat."""
    from rasterio.features import rasterize

    dense = shapely.segmentize(units.geometry.to_numpy(), 5000.0)
    shapes = geo.project(dense, crs_of(units), grid.crs)
    burnt = rasterize(
        zip(shapes, range(1, len(shapes) + 1), strict=True),
        out_shape=grid.shape,
        transform=grid.transform,
        dtype="int32",
    )
    owner: Ints = burnt.ravel().astype(np.int64) - 1
    return owner


def crs_of(units: gpd.GeoDataFrame) -> CRS:
    """Return the units' system."""
    if units.crs is None:
        problem = "the planning units lack a coordinate system"
        raise InputError(problem, code="CRS_MISSING")
    return units.crs


def from_polygons(units: gpd.GeoDataFrame, polygons: gpd.GeoDataFrame, *, name: str) -> pl.DataFrame:
    """Return the area (km²) that each feature's polygons cover in each unit; overlaps of a feature count once.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        In an equal-area system.
    polygons : geopandas.GeoDataFrame
        In any system.
    name : str
        The column that names the feature.

    Raises
    ------
    InputError
        If that column or the coordinate system is missing.
    """
    if name not in polygons.columns or polygons.crs is None:
        problem = (
            "the polygons lack this column" if polygons.crs is not None else "the polygons lack a coordinate system"
        )
        raise InputError(problem, column=name, code="COLUMN_MISSING")
    degrees = polygonal(geo.project(polygons.geometry.to_numpy(), polygons.crs, 4326))
    projected = polygonal(geo.project(geo.densify(degrees, max_segment_degrees=0.02), 4326, crs_of(units)))
    shapes = units.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    features = polygons[name].astype(str).to_numpy()
    found = []
    for feature in sorted(set(features)):
        whole = shapely.union_all(projected[features == feature])
        shapely.prepare(whole)
        touched = np.sort(tree.query(whole, predicate="intersects"))
        areas = np.zeros(len(shapes))
        areas[touched] = shapely.area(shapely.intersection(shapes[touched], whole)) / 1e6
        found.append(_table(feature, areas))
    return pl.concat(found) if found else pl.DataFrame(schema=SCHEMA)


def from_points(
    units: gpd.GeoDataFrame, points: pl.DataFrame, *, feature: str, amount: str | None = None
) -> pl.DataFrame:
    """Return how many points of each feature lie in each unit, or the sum of their amounts.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    points : polars.DataFrame
        decimalLongitude, decimalLatitude (WGS 84) and the columns told next; rows without a place or feature are left
        out. A point on an edge counts for the first of its units.
    feature : str
        The column that names the feature.
    amount : str, optional
        The column of amounts.
    """
    known = points.drop_nulls(["decimalLongitude", "decimalLatitude", feature])
    unit = unit_of(units, known.select("decimalLongitude", "decimalLatitude").to_numpy().astype(np.float64))
    point = np.flatnonzero(unit >= 0)
    weights = np.ones(known.height) if amount is None else known[amount].cast(pl.Float64).fill_null(0.0).to_numpy()
    joined = pl.DataFrame(
        {"feature": known[feature].cast(pl.String).gather(point), "unit": unit[point], "amount": weights[point]}
    )
    summed = joined.group_by("feature", "unit").agg(pl.col("amount").sum()).filter(pl.col("amount") > 0)
    return summed.sort("feature", "unit").cast(SCHEMA)


def unit_of(units: gpd.GeoDataFrame, lonlat: Floats) -> Ints:
    """Return the place of the unit that each point lies in.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    lonlat : ndarray of float64, (n, 2)
        Degrees, WGS 84.

    Returns
    -------
    ndarray of int64, length n
        From 0; -1 where there is none, the first of its units for a point on an edge.
    """
    tree = shapely.STRtree(units.geometry.to_numpy())
    point, unit = tree.query(shapely.points(geo.project(lonlat, 4326, crs_of(units))), predicate="intersects")
    found = np.full(len(lonlat), len(units), dtype=np.int64)
    np.minimum.at(found, point, unit)
    return np.where(found < len(units), found, -1)


def _table(feature: str, amounts: Floats) -> pl.DataFrame:
    """Return amounts above 0 as a table."""
    units = np.flatnonzero(amounts > 0)
    return pl.DataFrame({"feature": [feature] * len(units), "unit": units, "amount": amounts[units]}, schema=SCHEMA)


def matrix(amounts: pl.DataFrame, units: int) -> tuple[Sparse, list[str]]:
    """Return a table of amounts as features × units, and the features' names in that order.

    Parameters
    ----------
    amounts : polars.DataFrame
        feature, unit, amount; rows of one feature and unit are added up.
    units : int
        How many there are.
    """
    names = amounts["feature"].unique().sort().to_list()
    lookup = {feature: place for place, feature in enumerate(names)}
    rows = amounts["feature"].replace_strict(lookup, return_dtype=pl.Int64).to_numpy()
    values = (amounts["amount"].to_numpy(), (rows, amounts["unit"].to_numpy()))
    return sparse.csr_array(values, shape=(len(names), units)), names
