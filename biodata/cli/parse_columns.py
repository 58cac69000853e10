"""What the kinds of `biodata parse` share: the columns of a batch, and how lists are written into a cell."""

from collections.abc import Mapping
from typing import Final

import polars as pl

Columns = Mapping[str, pl.Series]
"""The columns of a batch by their headings in lower case, n texts each, null where a cell is empty."""

ANY_VALUE: Final = ("value", "input", "text", "verbatim", "args", "arg")
"""Headings of a column that holds whatever the kind is."""

ONE_TEXT: Final = ("coordinates", "coordinate", "verbatimcoordinates", *ANY_VALUE)
"""Headings of a column that holds both coordinates."""

PAIRS: Final = (
    ("latitude", "longitude"),
    ("lat", "lon"),
    ("lat", "long"),
    ("lat", "lng"),
    ("decimallatitude", "decimallongitude"),
    ("verbatimlatitude", "verbatimlongitude"),
)
"""Headings of two columns that hold coordinates, the first of them deciding where several are filled."""


def some(columns: Columns) -> pl.Series:
    """Return the only column that was chosen."""
    return next(iter(columns.values()))


def joined(lists: pl.Series) -> pl.Series:
    """Write lists of names into cells, joined by semicolons; an empty cell where there is none."""
    return lists.list.join(";").fill_null("")
