"""What a column is: its name, type, unit, meaning, and how far it may travel; and what is done with lists of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl

DWC: Final = "http://rs.tdwg.org/dwc/terms/"
DC: Final = "http://purl.org/dc/terms/"
GBIF: Final = "http://rs.gbif.org/terms/1.0/"
OWN: Final = "urn:biodata:terms#"
"""Begins the address of a term that is ours."""


class Reach(StrEnum):
    """How far a column may travel."""

    LAKE = "lake"
    """Stays inside the lake."""
    PRECISE = "precise"
    """Is published, but left out of a record whose place is generalised (it could tell the place)."""
    PUBLIC = "public"
    """Is published with every record, generalised or not."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        The published term, or our own name in snake_case.
    dtype : polars data type
        Type of the interpreted value.
    meaning : str
        One sentence, with the unit where there is one.
    reach : Reach
        How far the value may travel.
    uri : str
        The term's address; empty for our own columns.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    reach: Reach = Reach.PUBLIC
    uri: str = ""


def dwc(name: str, dtype: type[pl.DataType], meaning: str, reach: Reach = Reach.PUBLIC) -> Column:
    """Return a column that is a term of Darwin Core."""
    return Column(name, dtype, meaning, reach, DWC + name)


def gbif(name: str, dtype: type[pl.DataType], meaning: str, reach: Reach = Reach.PUBLIC) -> Column:
    """Return a column that is a term of GBIF's."""
    return Column(name, dtype, meaning, reach, GBIF + name)


def names(columns: Iterable[Column]) -> list[str]:
    """Return the columns' names in order."""
    return [column.name for column in columns]


def schema(columns: Iterable[Column]) -> pl.Schema:
    """Return the Polars schema of the columns."""
    return pl.Schema({column.name: column.dtype for column in columns})


def conform(frame: pl.DataFrame, columns: Iterable[Column]) -> pl.DataFrame:
    """Return `frame` with exactly these columns, in this order and of these types; what is missing is null.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows; columns that are not listed are left out.
    columns : iterable of Column
        The table's columns.

    Returns
    -------
    polars.DataFrame of n rows
    """
    columns, present = tuple(columns), set(frame.columns)
    if not present:
        return pl.DataFrame(schema=schema(columns))
    lacking = [pl.lit(None, dtype=c.dtype).alias(c.name) for c in columns if c.name not in present]
    return frame.with_columns(lacking).select(pl.col(c.name).cast(c.dtype) for c in columns)
