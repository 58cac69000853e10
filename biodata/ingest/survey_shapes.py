"""A survey on its way in: its tables, with what was found of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.formats.workbooks import Grid
from biodata.ingest.headings import Proposal
from biodata.ingest.protocol import Finding, VerbatimTable
from biodata.ingest.sheet_units import Measured
from biodata.text.controlled import parse_licence
from biodata.text.tables import NA, PLACEHOLDERS

REPORTED: Final = ("sheet", "row", "column", "value", "blocking", "code", "message", "expected", "proposal", "accept")
"""The columns of the list of problems in a marked workbook: a mark under the last one accepts the proposal before it."""
ACCEPT_MARK: Final = "[accept]"
"""How the last heading of that list ends in every language: no sheet of anybody else's has it."""


def accepted_in(grid: Grid) -> set[str] | None:
    """Return the proposals that are marked in a sheet as `CODE=value`, where it is our list of problems; None for any other."""
    rows = [
        dict(zip(REPORTED, [*cells, *[None] * len(REPORTED)], strict=False)) for _, cells in grid.rows if any(cells)
    ]
    if not rows or not (rows[0]["accept"] or "").strip().endswith(ACCEPT_MARK):
        return None
    marked = (row for row in rows[1:] if row["code"] and row["proposal"] and row["accept"])
    return {f"{row['code']}={row['value'] or ''}" for row in marked}


def is_nothing(name: str) -> pl.Expr:
    """Tell where a cell is empty, or says that it is."""
    return pl.col(name).is_null() | pl.col(name).str.strip_chars().is_in([*PLACEHOLDERS, NA])


def column(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column of text by its name, which is empty where the frame has none."""
    return pl.col(name) if name in frame.columns else pl.lit(None, pl.String).alias(name)


@dataclass
class SurveyTable:
    """One table of a survey."""

    kind: str  # `events`, `occurrences`, `sites` or `project`
    file: str  # what a person calls it
    sheet: str | None  # None for delimited text
    heading_row: int
    frame: pl.DataFrame
    """`source_row`, then a text column a term, or a heading that is none; empty cells are null."""
    headings: dict[str, str]  # column → heading as it came
    covered: set[tuple[int, str]] = field(default_factory=set)
    """Cells (row, column) about which something is told already: below a merged one, an error, a formula without a value."""
    proposals: dict[str, Proposal] = field(default_factory=dict)  # for the columns whose heading is not certain
    converted: dict[str, str] = field(default_factory=dict)
    """Term → heading of columns that were turned into metres; the heading's column holds the cells as they came."""
    declarations: dict[str, str] = field(default_factory=dict)  # what headings say of the dates
    measured: dict[str, Measured] = field(default_factory=dict)
    """Columns of measurements, which stand in the column `measurements`, too."""
    repeats: dict[int, int] = field(default_factory=dict)
    """Rows in which every cell is as in an earlier one, that one's number."""

    def heading(self, column: str) -> str:
        """Return the heading of a column as it came; the term where there is no such column."""
        return self.headings.get(column, column)

    def finding(
        self, row: int, column: str, value: str | None, code: str, blocking: bool = False, **params: str
    ) -> Finding:
        """Return a finding about a cell under a heading."""
        return Finding(self.file, self.sheet, row, column, value, code, blocking, params)

    def of_heading(self, heading: str, code: str, blocking: bool = False, **params: str) -> Finding:
        """Return a finding about a heading."""
        return self.finding(self.heading_row, heading, heading, code, blocking, **params)


@dataclass
class Survey:
    """The tables of one survey, from one workbook or from several files."""

    tables: list[SurveyTable] = field(default_factory=list)  # events first
    findings: list[Finding] = field(default_factory=list)  # about sheets, headings and form
    unread: list[str] = field(default_factory=list)  # sheets that hold none
    order: dict[tuple[str, str | None], dict[str, int]] = field(default_factory=dict)
    """The sheets (file, sheet) in the order of their files, each with the places of its headings."""
    zone: str | None = None
    """The one zone of UTM that is named anywhere."""
    legend: dict[str, str] = field(default_factory=dict)
    """Names of taxa by the codes that a sheet explains."""
    accepted: set[str] = field(default_factory=set)
    """Proposals that somebody marked as accepted in a list of problems of ours: `CODE=value`."""

    @property
    def declarations(self) -> dict[str, str]:
        """What the headings of all tables say of the dates."""
        return {name: value for table in self.tables for name, value in table.declarations.items()}

    def of(self, kind: str) -> list[SurveyTable]:
        """Return the tables of a kind."""
        return [table for table in self.tables if table.kind == kind]


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
