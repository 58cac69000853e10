"""What is to be covered: regions, ranges of species and habitats, as named polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.analysis.areas import polygonal
from biodata.errors import InputError
from biodata.geo import Geometries


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
    """Return the first-level divisions of countries by their codes and names."""
    units = boundaries.units.with_row_index("at").filter(pl.col("country_code").is_in(list(countries)))
    units = units.filter(pl.col("level") == "province").with_columns(
        name=pl.concat_str(
            "province_code", pl.col("name").first().over("province_code"), separator=" ", ignore_nulls=True
        )
    )
    return _dissolved("province", units["name"].to_list(), boundaries.shapes[units["at"].to_numpy()])


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
    import geopandas as gpd
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        layer = gpd.read_file(path, engine="pyogrio")
    except (DataSourceError, DataLayerError, OSError, ValueError, RuntimeError) as error:
        problem = f"the file cannot be read as a layer ({error})"
        raise InputError(problem, file=path.name, code="LAYER_UNREADABLE") from error
    if name not in layer.columns:
        known = ", ".join(str(column) for column in layer.columns if column != "geometry")
        problem = "there is no such column"
        raise InputError(problem, file=path.name, column=name, expected=f"one of {known}", code="COLUMN_MISSING")
    if not isinstance(layer, gpd.GeoDataFrame) or layer.crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, code="CRS_MISSING")
    shapes = polygonal(layer.to_crs(4326).geometry.to_numpy())
    some = ~shapely.is_empty(shapes)
    if not some.any():
        problem = "there is no polygon in it"
        raise InputError(problem, file=path.name, code="INPUT_EMPTY")
    named = (layer[name].notna() & (layer[name].astype(str).str.strip() != "")).to_numpy()
    if (some & ~named).any():
        row = int(np.flatnonzero(some & ~named)[0]) + 1
        problem = "this polygon has no name"
        raise InputError(problem, file=path.name, row=row, column=name, code="NAME_MISSING")
    return _dissolved(kind, layer[name].astype(str).str.strip()[some].tolist(), shapes[some])


def _dissolved(kind: str, names: list[str], shapes: Geometries) -> Places:
    """Return each name once, with all of its polygons joined, by name."""
    rows: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        rows.setdefault(name, []).append(at)
    told = sorted(rows)
    joined = [shapes[rows[name][0]] if len(rows[name]) == 1 else shapely.union_all(shapes[rows[name]]) for name in told]
    return Places(kind, told, polygonal(np.array(joined, dtype=object)))
