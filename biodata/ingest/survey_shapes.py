"""A survey on its way in: its tables, with what was found of them."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.formats.workbooks import Grid
from biodata.ingest.headings import Proposal
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_units import Measured

REPORTED: Final = ("sheet", "row", "column", "value", "blocking", "code", "message", "expected", "proposal", "accept")
"""The columns of the list of problems in a marked workbook: a mark under the last one accepts the proposal before it."""
ACCEPT_MARK: Final = "[accept]"
"""How the last heading of that list ends in every language: no sheet of anybody else's has it."""


def accepted_in(grid: Grid) -> set[str] | None:
    """Return the proposals that are marked in a sheet as `CODE=value`, where it is our list of problems; None for any other."""
    place = {name: at for at, name in enumerate(REPORTED)}
    rows = [[*cells, *[None] * len(REPORTED)] for _, cells in grid.rows if any(cells)]
    if not rows or not (rows[0][place["accept"]] or "").strip().endswith(ACCEPT_MARK):
        return None
    marked = (
        cells for cells in rows[1:] if cells[place["code"]] and cells[place["proposal"]] and cells[place["accept"]]
    )
    return {f"{cells[place['code']]}={cells[place['value']] or ''}" for cells in marked}


@dataclass
class SurveyTable:
    """One table of a survey.

    Attributes
    ----------
    kind : str
        `events`, `occurrences`, `sites` or `project`.
    file : str
        What a person calls the file.
    sheet : str or None
        The sheet; None for delimited text.
    heading_row : int
        The row of its headings.
    frame : polars.DataFrame
        `source_row`, then a text column a term, or a heading that is none; empty cells are null.
    headings : dict of str to str
        Column → heading as it came.
    covered : set of (row, column)
        Cells about which something is told already: below a merged one, an error, a formula without a value.
    proposals : dict of str to Proposal
        What is proposed for the columns whose heading is not certain.
    converted : dict of str to str
        Term → heading of columns that were turned into metres; the heading's column holds the cells as they came.
    declarations : dict of str to str
        What headings say of the dates.
    measured : dict of str to Measured
        Columns of measurements, which stand in the column `measurements`, too.
    repeats : dict of int to int
        Rows in which every cell is as in an earlier one, that one's number.
    """

    kind: str
    file: str
    sheet: str | None
    heading_row: int
    frame: pl.DataFrame
    headings: dict[str, str]
    covered: set[tuple[int, str]] = field(default_factory=set)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    converted: dict[str, str] = field(default_factory=dict)
    declarations: dict[str, str] = field(default_factory=dict)
    measured: dict[str, Measured] = field(default_factory=dict)
    repeats: dict[int, int] = field(default_factory=dict)

    def heading(self, column: str) -> str:
        """Return the heading of a column as it came; the term where there is no such column."""
        return self.headings.get(column, column)


@dataclass
class Survey:
    """The tables of one survey, from one workbook or from several files.

    Attributes
    ----------
    tables : list of SurveyTable
        Events first.
    findings : list of Finding
        About sheets, headings and form.
    unread : list of str
        Sheets that are neither.
    order : dict of (file, sheet) to dict of str to int
        The sheets in the order of their files, each with the places of its headings.
    accepted : set of str
        Proposals that somebody marked as accepted in a list of problems of ours: `CODE=value`.
    """

    tables: list[SurveyTable] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    order: dict[tuple[str, str | None], dict[str, int]] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)

    @property
    def declarations(self) -> dict[str, str]:
        """What the headings of all tables say of the dates."""
        return {name: value for table in self.tables for name, value in table.declarations.items()}

    def of(self, kind: str) -> list[SurveyTable]:
        """Return the tables of a kind."""
        return [table for table in self.tables if table.kind == kind]
