"""The tables of a survey's files: which sheets hold occurrences and which events, their columns as terms, what was repaired."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.formats.text_grids import read_text_grid
from biodata.formats.workbooks import Grid, column_letters, read_grids
from biodata.ingest import sheet_units
from biodata.ingest.headings import CERTAIN, Proposal, Why, key, propose
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_layout import Column, Layout, lay_out
from biodata.ingest.sheet_words import sheet_kind

NAMES_OF_TAXA: Final = ("scientificName", "vernacularName", "verbatimScientificName", "genus", "taxonID")
NEEDED: Final = ("occurrenceID", "eventID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude")
"""Terms whose column has to be known for sure."""

_SITE_TERMS: Final = frozenset(
    """
    eventID parentEventID eventDate verbatimEventDate year month day samplingProtocol sampleSizeValue sampleSizeUnit
    samplingEffort habitat eventRemarks locationID country countryCode stateProvince county municipality locality
    decimalLatitude decimalLongitude geodeticDatum coordinateUncertaintyInMeters verbatimCoordinates recordedBy
    deploymentStart deploymentEnd
    """.split()
)
"""Terms of the event and the site: a cell merged downwards means that value in each of its rows."""

_EVENT_SIGNS: Final = frozenset({"eventDate", "samplingProtocol", "decimalLatitude", "sampleSizeValue", "design",
                                 "deploymentStart", "verbatimCoordinates", "samplingEffort", "locality"})  # fmt: skip
_LIKELY: Final = 0.6
_MAX_FILES: Final = 50
_MAX_BYTES: Final = 150_000_000


@dataclass
class SurveyTable:
    """One table of a survey.

    Attributes
    ----------
    kind : str
        `events` or `occurrences`.
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
    """

    tables: list[SurveyTable] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def declarations(self) -> dict[str, str]:
        """What the headings of all tables say of the dates."""
        return {name: value for table in self.tables for name, value in table.declarations.items()}

    def of(self, kind: str) -> list[SurveyTable]:
        """Return the tables of a kind."""
        return [table for table in self.tables if table.kind == kind]


def read_survey(
    files: Iterable[tuple[str, bytes]], *, encoding: str | None = None, kept: Mapping[str, str] | None = None
) -> Survey:
    """Read the files of a survey.

    Parameters
    ----------
    files : iterable of (name, content)
        A workbook, delimited text, a zip archive of such text; or several of them that belong together.
    encoding : str, optional
        Of text, where it is declared.
    kept : mapping of str to str, optional
        Heading → term, as decided before for this dataset.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If a file cannot be read at all.
    """
    survey = Survey()
    for name, content in files:
        for grid in _grids(name, content, encoding):
            if grid.visible:
                _read_grid(grid, survey, kept or {})
            else:
                survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_HIDDEN", False))
    survey.tables.sort(key=lambda table: table.kind)
    return survey


def _grids(name: str, content: bytes, encoding: str | None) -> list[Grid]:
    """Return the sheets of a file."""
    if content.startswith(b"PK"):
        texts = _zipped(name, content)
        return read_grids(content, file=name) if texts is None else [
            read_text_grid(text, file=member, encoding=encoding) for member, text in texts
        ]  # fmt: skip
    grid = read_text_grid(content, file=name, encoding=encoding)
    if name.lower().endswith((".xlsx", ".xlsm")) and all(len(cells) < 2 for _, cells in grid.rows):
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=name, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")
    return [grid]


def _zipped(name: str, content: bytes) -> list[tuple[str, bytes]] | None:
    """Return the texts of a zip archive; None for what is a workbook or cannot be opened."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            texts = [member for member in members if member.filename.lower().endswith((".csv", ".tsv", ".txt"))]
            if not texts or len(texts) < len(members):
                return None
            if len(texts) > _MAX_FILES or sum(member.file_size for member in texts) > _MAX_BYTES:
                problem = f"the archive holds {len(texts)} files"
                expected = f"no more than {_MAX_FILES} of together {_MAX_BYTES} bytes"
                raise InputError(problem, file=name, expected=expected, code="INPUT_TOO_LARGE")
            return [(member.filename, archive.read(member)) for member in texts]
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError):
        return None


@cache
def _is_known(text: str) -> bool:
    """Tell whether a text is a heading by itself, whatever it may mean."""
    told = propose([text])[0]
    return told.why in (Why.TERM, Why.DICTIONARY, Why.SEVERAL, Why.NOT_KEPT) and told.confidence >= _LIKELY


def _read_grid(grid: Grid, survey: Survey, kept: Mapping[str, str]) -> None:
    """Read one sheet into the survey."""
    known = {key(heading) for heading in kept}

    def is_heading(text: str) -> bool:
        if len(text) > 80 or _is_number(text):
            return False
        return key(text) in known or _is_known(text.strip())

    layout = lay_out(grid, is_heading)
    if layout is None:
        return
    names, proposals = _names(layout, kept)
    likely = {p.term for p in proposals.values() if p.term is not None and p.confidence >= _LIKELY}
    kind = _kind(grid.name or grid.file.rpartition(".")[0], set(names.values()) | likely)
    if kind is None:
        title = grid.name or grid.file
        survey.unread.append(title)
        terms = sum(name in _SITE_TERMS or name in NAMES_OF_TAXA for name in names.values())
        if sheet_kind(title) != "guide" and terms >= 2:
            survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_NOT_READ", False))
        return
    survey.findings += layout.findings
    survey.tables.append(_table(layout, kind, names, proposals, survey.findings))


def _is_number(text: str) -> bool:
    """Tell whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _kind(title: str, terms: set[str]) -> str | None:
    """Return what a sheet holds: its columns decide, its name where they leave it open."""
    said = sheet_kind(title)
    if said == "guide":
        return None
    if terms & set(NAMES_OF_TAXA) or "occurrenceID" in terms:
        return "occurrences"
    if terms & {"eventID", "locationID", "deploymentStart"} and terms & _EVENT_SIGNS:
        return "events"
    return said


def _names(layout: Layout, kept: Mapping[str, str]) -> tuple[dict[int, str], dict[int, Proposal]]:
    """Return for each column the term that it surely is, else its heading, and what is proposed for it."""
    headings = [column.heading for column in layout.columns]
    cells = {
        column.heading: [row[column.index] or "" for _, row in layout.rows[:50] if column.index < len(row)]
        for column in layout.columns
    }
    proposed = propose(headings, sheet=layout.grid.name, cells=cells, kept=kept)
    names: dict[int, str] = {}
    sure = {proposal.term for proposal in proposed if proposal.confidence > CERTAIN}
    for column, proposal in zip(layout.columns, proposed, strict=True):
        # What a record cannot do without is read as what it likely is, and blocks until somebody says that it is.
        needed = proposal.term in NEEDED and proposal.term not in sure and proposal.confidence >= _LIKELY
        certain = proposal.term if proposal.confidence > CERTAIN or needed else None
        names[column.index] = certain or column.heading
    return names, {column.index: proposal for column, proposal in zip(layout.columns, proposed, strict=True)}


def _table(
    layout: Layout, kind: str, names: dict[int, str], proposals: dict[int, Proposal], findings: list[Finding]
) -> SurveyTable:
    """Build a table and tell what was repaired on the way."""
    grid = layout.grid
    taken: dict[str, int] = {}
    headings: dict[str, str] = {}
    for column in layout.columns:
        name = names[column.index]
        if name in taken:
            params = {"term": name, "other": column_letters(taken[name])}
            findings.append(Finding(grid.file, grid.name, column.row, column.heading, column.heading,
                                    "HEADING_REPEATED", True, params))  # fmt: skip
            continue
        proposal = proposals[column.index]
        if name == column.heading and proposal.why is Why.NOT_KEPT:
            _of_no_term(layout, column, findings)
            continue
        taken[name], headings[name] = column.index, column.heading
    rows = [number for number, _ in layout.rows]
    columns = {
        name: [cells[index] if index < len(cells) else None for _, cells in layout.rows]
        for name, index in taken.items()
    }
    table = SurveyTable(kind, grid.file, grid.name, layout.heading_row, pl.DataFrame(), headings)
    at = {number: position for position, number in enumerate(rows)}
    by_index = {index: name for name, index in taken.items()}
    _merges(grid, table, columns, at, by_index, findings)
    _marked(grid, table, columns, at, by_index, findings)
    for name, index in taken.items():
        proposal = proposals[index]
        if name == proposal.term and proposal.confidence <= CERTAIN:
            params = {"term": name, "near": name, "others": ", ".join(proposal.others)}
            findings.append(Finding(grid.file, grid.name, layout.heading_row, proposal.heading, proposal.heading,
                                    proposal.why.value, True, params))  # fmt: skip
        if name == proposal.term:
            table.declarations |= sheet_units.declared(name, proposal.unit)
            metres = sheet_units.in_metres(name, proposal.unit, columns[name])
            if metres is not None and proposal.heading not in columns:
                table.converted[name] = proposal.heading
                columns |= {proposal.heading: columns[name], name: metres}
                params = {"unit": "m", "told": proposal.unit or ""}
                findings.append(Finding(grid.file, grid.name, layout.heading_row, proposal.heading, proposal.heading,
                                        "HEADING_UNIT_CONVERTED", False, params))  # fmt: skip
        else:
            table.proposals[name] = proposal
    table.frame = pl.DataFrame(
        {"source_row": pl.Series(rows, dtype=pl.Int64)}
        | {name: pl.Series(values, dtype=pl.String) for name, values in columns.items()}
    )
    return table


def _of_no_term(layout: Layout, column: Column, findings: list[Finding]) -> None:
    """Tell a column that holds nothing of a record, where it holds more than numbers of rows."""
    cells = [row[column.index] for _, row in layout.rows if column.index < len(row)]
    if any(cell is not None and not cell.strip().isdigit() for cell in cells):
        findings.append(Finding(layout.grid.file, layout.grid.name, column.row, column.heading, column.heading,
                                "HEADING_OF_NO_TERM", False))  # fmt: skip


def _merges(
    grid: Grid,
    table: SurveyTable,
    columns: dict[str, list[str | None]],
    at: Mapping[int, int],
    by_index: Mapping[int, str],
    findings: list[Finding],
) -> None:
    """Let a cell that is merged downwards count for its rows where it tells the event or the site; tell every merge."""
    for r1, c1, r2, c2 in sorted(grid.merges):
        if r1 not in at:
            continue
        name = by_index.get(c1)
        if name is None:
            continue
        value, heading = columns[name][at[r1]], table.heading(name)
        params = {"last": str(r2), "last_column": column_letters(c2)}
        fills = c1 == c2 and name in _SITE_TERMS and value is not None
        code = "MERGED_CELLS_FILLED" if fills else "MERGED_CELLS"
        findings.append(Finding(grid.file, grid.name, r1, heading, value, code, not fills, params))
        for row in range(r1, r2 + 1):
            if row not in at:
                continue
            if fills:
                columns[name][at[row]] = value
            else:
                table.covered.update((row, by_index[c]) for c in range(c1, c2 + 1) if c in by_index)


def _marked(
    grid: Grid,
    table: SurveyTable,
    columns: Mapping[str, list[str | None]],
    at: Mapping[int, int],
    by_index: Mapping[int, str],
    findings: list[Finding],
) -> None:
    """Tell formulas, and block those without a value and cells that are an error."""
    marks = grid.marks
    for (row, index), formula in sorted(marks.formulas.items()):
        name = by_index.get(index)
        if name is None or row not in at or (row, index) in marks.errors:
            continue
        empty = (row, index) in marks.without_value
        value = f"={formula}" if empty else columns[name][at[row]]
        code = "FORMULA_WITHOUT_VALUE" if empty else "FORMULA_VALUE_USED"
        findings.append(
            Finding(grid.file, grid.name, row, table.heading(name), value, code, empty, {"formula": f"={formula}"})
        )
        if empty:
            table.covered.add((row, name))
    for (row, index), error in sorted(marks.errors.items()):
        name = by_index.get(index)
        if name is not None and row in at:
            findings.append(Finding(grid.file, grid.name, row, table.heading(name), error, "CELL_ERROR", True))
            table.covered.add((row, name))


def no_occurrences(survey: Survey, file: str) -> InputError:
    """Return the error for a survey without any sheet of occurrences."""
    problem = "there is no sheet called 'occurrences', and none whose columns are those of records"
    found = ", ".join(repr(name) for name in [*survey.unread, *(t.sheet or t.file for t in survey.tables)]) or "none"
    return InputError(problem, file=file, expected=f"the template's sheets; found {found}", code="SHEET_MISSING")


def blocking(findings: Sequence[Finding]) -> Finding | None:
    """Return the first finding that blocks."""
    return next((finding for finding in findings if finding.blocking), None)
