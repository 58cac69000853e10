"""What is to be covered: regions, ranges of species and habitats, as named polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import polars as pl
import shapely

from biodata import places
from biodata.analysis.areas import polygonal
from biodata.errors import InputError
from biodata.formats.vectors import read_frame
from biodata.geo import Geometries

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Named polygons of one kind.

    Attributes
    ----------
    kind : str
        province, landscape, ecoregion, range, habitat, …
    names : list of n str
        Each once.
    shapes : ndarray of n shapely polygons
        Degrees, WGS 84, valid.
    """

    kind: str
    names: list[str]
    shapes: Geometries


def provinces(countries: Sequence[str], boundaries: places.BoundarySet) -> Places:
    """Return the first-level divisions of countries by their codes and names.

    Raises
    ------
    InputError
        If the set has none of a country (PROVINCES_MISSING).
    """
    units = boundaries.units.with_row_index("at").filter(pl.col("country_code").is_in(list(countries)))
    without = set(countries) - set(units.filter(pl.col("level") == "province")["country_code"])
    if without:
        problem = f"the boundary set {boundaries.name} has no provinces of it"
        expected = "a set with province_column, or no --provinces"
        raise InputError(
            problem, column="--provinces", value=", ".join(sorted(without)), expected=expected, code="PROVINCES_MISSING"
        )
    units = units.filter(pl.col("level") == "province").with_columns(
        name=pl.concat_str(
            "province_code", pl.col("name").first().over("province_code"), separator=" ", ignore_nulls=True
        )
    )
    return dissolved("province", units["name"].to_list(), boundaries.shapes[units["at"].to_numpy()])


def read_places(path: Path, *, name: str, kind: str) -> Places:
    """Read polygons from a file; those of one name are one, where they overlap too.

    Parameters
    ----------
    path : Path
        What GDAL reads: GeoPackage, GeoJSON, shapefile, …; points and lines in it are left out.
    name : str
        The column of names.
    kind : str
        What they are.

    Raises
    ------
    InputError
        If the file cannot be read (LAYER_UNREADABLE), tells no coordinate system (CRS_MISSING), lacks the column
        (COLUMN_MISSING), a polygon has no name (NAME_MISSING), or there is none (INPUT_EMPTY).
    """
    layer = polygon_rows(path)
    return dissolved(kind, named(layer, name, path), layer.geometry.to_numpy())


def polygon_rows(path: Path) -> "gpd.GeoDataFrame":
    """Return the rows of a file that have a polygon, degrees, WGS 84, with their number in the file as index, from 1.

    Raises
    ------
    InputError
        As `read_places`.
    """
    import geopandas as gpd

    layer = read_frame(path)
    if not isinstance(layer, gpd.GeoDataFrame):
        problem = "there is no polygon in it"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    if layer.crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, code="CRS_MISSING")
    layer = layer.to_crs(4326)
    layer.index = pd.RangeIndex(1, len(layer) + 1)
    layer = layer.set_geometry(polygonal(layer.geometry.to_numpy()))
    layer = layer[~shapely.is_empty(layer.geometry.to_numpy())]
    if layer.empty:
        problem = "there is no polygon in it"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    west, south, east, north = layer.total_bounds
    if not (west >= -361 and east <= 361 and south >= -90.01 and north <= 90.01):
        problem = "the polygons lie off the earth: these are no degrees of the system that is told"
        told = f"{west:g}, {south:g}, {east:g}, {north:g}"
        raise InputError(problem, file=path.name, value=told, expected="another coordinate system", code="CRS_WRONG")
    return layer


def named(layer: "gpd.GeoDataFrame", name: str, path: Path) -> list[str]:
    """Return the name of each row.

    Raises
    ------
    InputError
        If there is no such column (COLUMN_MISSING), or a row has no name (NAME_MISSING).
    """
    if name not in layer.columns:
        known = ", ".join(str(column) for column in layer.columns if column != "geometry") or "none"
        problem = "there is no such column"
        raise InputError(problem, file=path.name, column=name, expected=f"one of {known}", code="COLUMN_MISSING")
    without = layer[name].isna() | (layer[name].astype(str).str.strip() == "")
    if without.any():
        problem = "this polygon has no name"
        row = int(layer.index[without.to_numpy()][0])
        raise InputError(problem, file=path.name, row=row, column=name, code="NAME_MISSING")
    return [str(one).strip() for one in layer[name]]


def dissolved(kind: str, names: list[str], shapes: Geometries) -> Places:
    """Return each name once, with all of its polygons joined, by name."""
    rows: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        rows.setdefault(name, []).append(at)
    told = sorted(rows)
    joined = [shapes[rows[name][0]] if len(rows[name]) == 1 else shapely.union_all(shapes[rows[name]]) for name in told]
    return Places(kind, told, polygonal(np.array(joined, dtype=object)))
