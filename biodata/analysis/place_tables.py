"""Tables of places, as sources and records come: which columns tell them, and what they say."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biodata import geo
from biodata.analysis.grid import Floats, Grid
from biodata.errors import InputError
from biodata.formats import delimited

_IN_DEGREES: Final = (
    ("decimallongitude", "decimallatitude"), ("longitude", "latitude"), ("lon", "lat"), ("long", "lat"), ("lng", "lat"),
)  # fmt: skip
_IN_OWN_SYSTEM: Final = (("x", "y"), ("easting", "northing"))


@dataclass(frozen=True, slots=True, eq=False)
class PlaceTable:
    """The rows of a table of places.

    Attributes
    ----------
    rows : polars.DataFrame of n rows
        The cells as text.
    lines : list of int, n
        The line of the file that each row is.
    names : dict of str to str
        Heading by its lower-case text.
    xy : ndarray of float64, (n, 2)
        In the grid's system; nan where the place is not told.
    """

    rows: pl.DataFrame
    lines: list[int]
    names: dict[str, str]
    xy: Floats


def read(path: Path, grid: Grid, *, blanks: bool = False) -> PlaceTable:
    """Read a table of places.

    Parameters
    ----------
    path : Path
        CSV or TSV with decimalLongitude and decimalLatitude, or names like these, in degrees WGS 84; or with x and y in the
        grid's own system.
    grid : Grid
    blanks : bool
        Whether a row may tell no place.

    Raises
    ------
    InputError
        If there are no such columns (PLACE_COLUMNS_MISSING), a row is broken, or a coordinate is no number in its range
        (COORDINATE_INVALID), with file, row, column and value.
    """
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    names = {heading.strip().casefold(): heading for heading in reversed(table.headings)}
    pair = next((pair for pair in _IN_DEGREES + _IN_OWN_SYSTEM if names.keys() >= set(pair)), None)
    if pair is None:
        problem = f"the table has no columns of places: {', '.join(table.headings)}"
        expected = "decimalLongitude and decimalLatitude, lon and lat, or x and y in the raster's own system"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="PLACE_COLUMNS_MISSING")
    batches = list(table.batches)
    if table.refusals:
        first = table.refusals[0]
        raise InputError(first.message, file=path.name, row=first.row, value=first.value, code=first.code)
    if not batches:
        return PlaceTable(pl.DataFrame(), [], names, np.empty((0, 2)))
    rows = pl.concat(batches)
    lines: list[int] = rows["source_row"].to_list()
    in_degrees = pair in _IN_DEGREES
    limits = (180.0, 90.0) if in_degrees else (math.inf, math.inf)
    xy = np.column_stack(
        [
            numbers(rows[names[name]].to_list(), lines, path, names[name], limit=limit, blanks=blanks)
            for name, limit in zip(pair, limits, strict=True)
        ]
    )
    told = np.isfinite(xy).all(axis=1)
    if in_degrees and told.any():
        xy[told] = geo.project(xy[told], 4326, grid.crs)
    return PlaceTable(rows, lines, names, xy)


def numbers(
    texts: list[str | None], lines: list[int], path: Path, column: str, *, limit: float = math.inf, blanks: bool = True
) -> Floats:
    """Read a column of numbers.

    Parameters
    ----------
    texts : list of str or None, n
    lines : list of int, n
        The line of the file that each is in.
    path : Path
    column : str
    limit : float
        Largest amount that can be.
    blanks : bool
        Whether an empty one is nan, else refused.

    Raises
    ------
    InputError
        If one is no such number (COORDINATE_INVALID where it has a limit or may not be empty, else NUMBER_INVALID).
    """
    found = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        told = (text or "").strip()
        if not told and blanks:
            continue
        try:
            found[i] = float(told)
        except ValueError:
            found[i] = math.inf
        if not abs(found[i]) <= limit or math.isinf(found[i]):
            coordinate = not blanks or math.isfinite(limit)
            problem = "this is no coordinate" if coordinate else "this is no such number"
            expected = "a number" if math.isinf(limit) else f"degrees from {-limit:g} to {limit:g}"
            raise InputError(
                problem, file=path.name, row=lines[i], column=column, value=text or "", expected=expected,
                code="COORDINATE_INVALID" if coordinate else "NUMBER_INVALID",
            )  # fmt: skip
    return found
