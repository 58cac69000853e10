"""Records for a test, read from a table or a layer of points."""

import re
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis import place_tables
from biodata.analysis.grid import Floats, Grid
from biodata.errors import InputError
from biodata.formats import vectors

_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})
_TEXTS: Final = {
    "id": ("occurrenceid", "id", "key", "gbifid"),
    "species": ("species", "scientificname", "taxon"),
    "class": ("class",),
    "date": ("eventdate", "date", "year"),
    "group": ("cluster_id", "group"),
    "used": ("used",),
    "on_land": ("on_land",),
    "country": ("countrycode", "country_code"),
    "uncertainty_m": ("coordinateuncertaintyinmeters", "uncertainty_m"),
}
_DAY: Final = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?:\D|$)")
_YES: Final = frozenset({"yes", "true", "1", "y"})


def read(path: Path, grid: Grid) -> pl.DataFrame:
    """Read records with their places in a grid's system.

    Parameters
    ----------
    path : Path
        A table (CSV, TSV) with decimalLongitude and decimalLatitude (WGS 84) or x and y in the grid's own system; or a
        layer of points.
    grid : Grid

    Returns
    -------
    polars.DataFrame
        Columns row (Int64, line of the file or number of the feature), x, y (metres; null where the place is not told),
        id, species, class, group, country (String), date (the first day of what is told), used, on_land (Boolean),
        uncertainty_m; null, or False, where the file does not tell.

    Raises
    ------
    InputError
        If the file cannot be read, has no columns of places or no row, or a coordinate is no number in its range, with
        file, row, column and value.
    """
    frame = _table(path, grid) if path.suffix.lower() in _TABLES else _points(path, grid)
    if not frame.height:
        problem = "there is no record in the file"
        raise InputError(problem, file=path.name, expected="one row for each record", code="RECORDS_EMPTY")
    return frame


def _table(path: Path, grid: Grid) -> pl.DataFrame:
    """Return the records of a table."""
    table = place_tables.read(path, grid, blanks=True)
    return _frame(table.rows, table.lines, table.names, table.xy, path) if table.rows.height else table.rows


def _points(path: Path, grid: Grid) -> pl.DataFrame:
    """Return the records of a layer of points."""
    layers = vectors.open_layers(path)
    if len(layers) != 1 or layers[0].crs is None:
        problem = f"the file has {len(layers)} layers" if len(layers) != 1 else "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, expected="one layer of points with its system", code="LAYER_UNFIT")
    rows = pl.concat(list(layers[0].batches()) or [pl.DataFrame()])
    if not rows.height:
        return rows
    shapes = shapely.from_wkb(rows["geometry"].to_numpy())
    numbers = list(range(1, rows.height + 1))
    kinds = shapely.get_type_id(shapes)
    odd = np.flatnonzero((kinds != shapely.GeometryType.POINT) & ~shapely.is_missing(shapes))
    if odd.size:
        problem = "the feature is no point"
        raise InputError(problem, file=path.name, row=int(odd[0]) + 1, expected="points", code="RECORD_NOT_POINT")
    names = {name.casefold(): name for name in reversed(rows.columns) if name not in ("geometry", "source_row")}
    xy = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    told = np.isfinite(xy).all(axis=1)
    if told.any():
        xy[told] = geo.project(xy[told], layers[0].crs, grid.crs)
    return _frame(rows, numbers, names, xy, path)


def _frame(rows: pl.DataFrame, numbers: list[int], names: dict[str, str], xy: Floats, path: Path) -> pl.DataFrame:
    """Return the columns that a test knows, whatever they are called in the file."""
    texts: dict[str, list[str | None]] = {}
    for name, known in _TEXTS.items():
        column = next((names[one] for one in known if one in names), None)
        told = [None] * rows.height if column is None else rows[column].cast(pl.String).to_list()
        texts[name] = [text.strip() or None if text else None for text in told]
    uncertainty = place_tables.numbers(texts["uncertainty_m"], numbers, path, "uncertainty")
    return pl.DataFrame(
        {
            "row": pl.Series(numbers, dtype=pl.Int64),
            "x": pl.Series(xy[:, 0], dtype=pl.Float64).fill_nan(None),
            "y": pl.Series(xy[:, 1], dtype=pl.Float64).fill_nan(None),
            **{
                name: pl.Series(texts[name], dtype=pl.String) for name in ("id", "species", "class", "group", "country")
            },
            "date": pl.Series([_day(text) for text in texts["date"]], dtype=pl.Date),
            **{
                name: pl.Series([(text or "").casefold() in _YES for text in texts[name]], dtype=pl.Boolean)
                for name in ("used", "on_land")
            },
            "uncertainty_m": pl.Series(uncertainty, dtype=pl.Float64).fill_nan(None),
        }
    )


def _day(text: str | None) -> date | None:
    """Return the first day of an ISO date or the first of an interval; None where it cannot be told."""
    match = _DAY.match(text or "")
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None
