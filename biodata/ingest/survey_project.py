"""What a survey's workbook tells once for all its rows, on a sheet of its own: licence, and datum of coordinates."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.ingest.protocol import Finding, VerbatimTable
from biodata.ingest.survey_shapes import Survey, SurveyTable, column, is_nothing
from biodata.text.controlled import parse_licence

LICENCE, DATUM = "license", "geodeticDatum"
TERMS: Final = (LICENCE, DATUM)
"""Columns of the sheet."""
_COORDINATES: Final = (
    "decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude",
)  # fmt: skip


def told_once(survey: Survey, licence: str | None = None) -> dict[str, tuple[str, str]]:
    """Return by term what the project's sheet tells of all rows, and its heading as it came.

    A sheet of several rows tells of no row which of them it is of: it is left out, and told as one that is not read.
    `licence` is what its sender tells beside the files, where they tell none.
    """
    told: dict[str, tuple[str, str]] = {}
    for table in survey.of("project"):
        if table.frame.height > 1:
            survey.tables.remove(table)
            survey.findings.append(Finding(table.file, table.sheet, None, None, None, "SHEET_NOT_READ", False))
            continue
        for term in (term for term in TERMS if term in table.frame.columns):
            for cell in table.frame[term].drop_nulls():
                told.setdefault(term, (cell, table.heading(term)))
    return told if licence is None else {LICENCE: (licence, LICENCE), **told}


def checked(licence: str | None, *, code: str = "OPTION_INVALID") -> str | None:
    """Return a licence that is told beside a survey's files; refuse, with the code, one that is not known."""
    if licence is not None and parse_licence(licence) is None:
        problem, expected = "this licence is not known", "CC0 1.0, CC BY 4.0, CC BY-NC 4.0"
        raise InputError(problem, column=LICENCE, value=licence, expected=expected, code=code)
    return licence


def fill(tables: Iterable[SurveyTable], told: Mapping[str, tuple[str, str]]) -> None:
    """Fill what rows do not tell of themselves: the licence of events and records, the datum of coordinates.

    What is filled counts as covered: a fault of it is told of the project's sheet.
    """
    for table in tables:
        placed = [~is_nothing(name) for name in _COORDINATES if name in table.frame.columns]
        is_licensed = pl.lit(table.kind in ("events", "occurrences"))
        asked = {LICENCE: is_licensed, DATUM: pl.any_horizontal(pl.lit(value=False), *placed)}
        for term, (value, heading) in told.items():
            own = column(table.frame, term)
            empty = own.is_null() & asked[term]
            if rows := table.frame.filter(empty)["source_row"].to_list():
                table.frame = table.frame.with_columns(pl.when(empty).then(pl.lit(value)).otherwise(own).alias(term))
                table.headings.setdefault(term, heading)
                table.covered.update((row, term) for row in rows)


def fill_licence(table: VerbatimTable, licence: str) -> None:
    """Fill the licence of rows of any source that tell none, unless their source tells one of all of them."""
    if parse_licence(table.dataset.license or "") not in (None, "UNSPECIFIED"):
        return

    def filled(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for batch in batches:
            yield batch.with_columns(pl.coalesce(column(batch, LICENCE), pl.lit(licence)).alias(LICENCE))

    table.batches = filled(table.batches)
