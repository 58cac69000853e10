"""A survey on its way in: its tables, with what was found of them."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.formats.workbooks import Grid
from biodata.ingest.headings import Proposal
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_units import Measured
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
