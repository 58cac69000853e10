"""The bundled tables, the confidence of an answer, and parsing of a column's distinct values."""

import csv
from collections.abc import Callable
from enum import StrEnum
from importlib.resources import files
from types import NoneType
from typing import Final, get_args, get_type_hints

import polars as pl

# The bundled tables that parsers, checks and pages take their words from.


def read_rows(name: str, folder: str = "data") -> list[dict[str, str]]:
    """Return the rows of a bundled CSV file by heading.

    Parameters
    ----------
    name, folder : str
        The file's name, and its folder in `biodata`.
    """
    text = files("biodata").joinpath(folder, name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


# How sure a parser is of what it read, in GBIF's words.


class Confidence(StrEnum):
    """GBIF's confidences, the surest first; what could not be read has none."""

    DEFINITE = "DEFINITE"
    """Nothing else could have been meant."""
    PROBABLE = "PROBABLE"
    """Read so because another reading is less likely: a proposal, not a fact."""
    POSSIBLE = "POSSIBLE"
    """Readable, but likely a mistake or a stand-in for nothing."""


# What writers put into a cell to say that there is nothing to say.

PLACEHOLDERS: Final = (
    "", "-", "--", "---", "\u2013", "\u2014", "\\N", "NULL", "null", "Null", "N/A", "n/a", "#N/A", "#NA", "NaN", "nan",
    "None", "none", "?",
)  # fmt: skip
NA: Final = "NA"
"""One more, except among countries: a country NA is Namibia."""


def columns_of(answer: type) -> pl.Schema:
    """Return the columns of a parser's answers: the fields of the named tuple that it gives for one."""
    columns: dict[str, type] = {}
    for name, hint in get_type_hints(answer).items():
        kind = next(kind for kind in get_args(hint) or (hint,) if kind is not NoneType)
        columns[name] = str if issubclass(kind, str) else kind
    return pl.Schema(columns)


# A parser sees each distinct value once; the answers are joined back to the rows.


def over_distinct(values: pl.Series, parse: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """Parse the distinct values of a column and give each row its answer.

    Parameters
    ----------
    values : polars.Series of str, length n
        A column; null where nothing was stated.
    parse : callable
        Takes a series of distinct values without null, returns a frame with the column `value` and the answers, one
        row a value.

    Returns
    -------
    polars.DataFrame of n rows
        The answers in the order of `values`; null where a value is null.
    """
    table = values.alias("value").to_frame()
    if values.null_count() == values.len():  # most terms of most files
        return parse(table["value"].clear()).clear(values.len())
    answers = parse(table["value"].drop_nulls().unique())
    # A column without an answer needs no join: most issues and proposals of most files.
    filled = [name for name in answers.columns if name == "value" or answers[name].null_count() < answers.height]
    joined = (
        table
        if filled == ["value"]
        else table.join(answers.select(filled), on="value", how="left", maintain_order="left")
    )
    return joined.select(
        pl.col(name) if name in filled else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in answers.schema.items()
    )
