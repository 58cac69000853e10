"""Records for a test, read from a table or a layer of points."""

import math
import re
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import shapely

from biodata import geo
from biodata.analysis.grid import Grid
from biodata.errors import InputError
from biodata.formats import delimited, vectors

_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})
_PLACES: Final = (
    ("decimallongitude", "decimallatitude"), ("longitude", "latitude"), ("lon", "lat"), ("x", "y"),
)  # fmt: skip
_TEXTS: Final = {
    "id": ("occurrenceid", "id", "key", "gbifid"),
    "species": ("species", "scientificname", "taxon"),
    "class": ("class",),
    "date": ("eventdate", "date", "year"),
    "group": ("duplicate_group", "group"),
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
    frame, crs_of_rows = _table(path) if path.suffix.lower() in _TABLES else _points(path)
    if not frame.height:
        problem = "there is no record in the file"
        raise InputError(problem, file=path.name, expected="one row for each record", code="RECORDS_EMPTY")
    xy = frame.select("x", "y").to_numpy().astype(np.float64)
    told = np.isfinite(xy).all(axis=1)
    if crs_of_rows is not None and told.any():
        xy[told] = geo.project(xy[told], crs_of_rows, grid.crs)
    return frame.with_columns(
        x=pl.Series(xy[:, 0]).fill_nan(None),
        y=pl.Series(xy[:, 1]).fill_nan(None),
    )


def _table(path: Path) -> tuple[pl.DataFrame, int | None]:
    """Return the records of a table and the code of their coordinate system, None for the grid's own."""
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    names = {heading.strip().casefold(): heading for heading in reversed(table.headings)}
    pair = next((pair for pair in _PLACES if names.keys() >= set(pair)), None)
    if pair is None:
        problem = f"the table has no columns of places: {', '.join(table.headings)}"
        expected = "decimalLongitude and decimalLatitude, or x and y in the raster's own system"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="RECORD_COLUMNS_MISSING")
    batches = list(table.batches)
    if table.refusals:
        first = table.refusals[0]
        raise InputError(first.message, file=path.name, row=first.row, value=first.value, code=first.code)
    rows = pl.concat(batches) if batches else pl.DataFrame({"source_row": []}, schema={"source_row": pl.Int64})
    if not rows.height:
        return rows, None
    degrees = pair != ("x", "y")
    numbers = rows["source_row"].to_list()
    x, y = (
        _numbers(rows[names[name]].to_list(), numbers, path, names[name], limit)
        for name, limit in zip(pair, (180.0, 90.0) if degrees else (math.inf, math.inf), strict=True)
    )
    return _frame(rows, numbers, names, x, y, path), 4326 if degrees else None


def _points(path: Path) -> tuple[pl.DataFrame, str | None]:
    """Return the records of a layer of points and its coordinate system."""
    layers = vectors.open_layers(path)
    if len(layers) != 1 or layers[0].crs is None:
        problem = f"the file has {len(layers)} layers" if len(layers) != 1 else "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, expected="one layer of points with its system", code="LAYER_UNFIT")
    rows = pl.concat(list(layers[0].batches()) or [pl.DataFrame()])
    if not rows.height:
        return rows, None
    shapes = shapely.from_wkb(rows["geometry"].to_numpy())
    numbers = list(range(1, rows.height + 1))
    kinds = shapely.get_type_id(shapes)
    odd = np.flatnonzero((kinds != shapely.GeometryType.POINT) & ~shapely.is_missing(shapes))
    if odd.size:
        problem = "the feature is no point"
        raise InputError(problem, file=path.name, row=int(odd[0]) + 1, expected="points", code="RECORD_NOT_POINT")
    names = {name.casefold(): name for name in reversed(rows.columns) if name not in ("geometry", "source_row")}
    return _frame(rows, numbers, names, shapely.get_x(shapes), shapely.get_y(shapes), path), layers[0].crs


def _frame(rows: pl.DataFrame, numbers: list[int], names: dict[str, str], x: Any, y: Any, path: Path) -> pl.DataFrame:
    """Return the columns that a test knows, whatever they are called in the file."""
    texts: dict[str, list[str | None]] = {}
    for name, known in _TEXTS.items():
        column = next((names[one] for one in known if one in names), None)
        told = [None] * rows.height if column is None else rows[column].cast(pl.String).to_list()
        texts[name] = [text.strip() or None if text else None for text in told]
    uncertainty = _numbers(texts["uncertainty_m"], numbers, path, "uncertainty", math.inf)
    return pl.DataFrame(
        {
            "row": pl.Series(numbers, dtype=pl.Int64),
            "x": pl.Series(x, dtype=pl.Float64),
            "y": pl.Series(y, dtype=pl.Float64),
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


def _numbers(
    texts: list[str | None], rows: list[int], path: Path, column: str, limit: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Read numbers; nan for empty ones."""
    found = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        if text is None or not text.strip():
            continue
        try:
            found[i] = float(text)
        except ValueError:
            found[i] = math.inf
        if not abs(found[i]) <= limit or math.isinf(found[i]):
            problem = "this is no such number"
            expected = "a number" if math.isinf(limit) else f"degrees from {-limit:g} to {limit:g}"
            raise InputError(
                problem,
                file=path.name,
                row=rows[i],
                column=column,
                value=text,
                expected=expected,
                code="NUMBER_INVALID",
            )
    return found


def _day(text: str | None) -> date | None:
    """Return the first day of an ISO date or the first of an interval; None where it cannot be told."""
    match = _DAY.match(text or "")
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None
