"""The tables of a survey's files: which sheets hold occurrences and which events, their columns as terms, what was repaired."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.formats.workbooks import Grid, column_letters
from biodata.ingest import sheet_units, survey_sites
from biodata.ingest.headings import CERTAIN, Proposal, Why, decided, key, propose
from biodata.ingest.headings.dictionary import entries
from biodata.ingest.headings.units import units_in
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_grids import in_degrees
from biodata.ingest.sheet_layout import Column, Layout, lay_out
from biodata.ingest.sheet_repairs import read_marked, read_merges
from biodata.ingest.sheet_words import sheet_kind
from biodata.ingest.survey_files import grids_of
from biodata.ingest.survey_shapes import Survey, SurveyTable

NAMES_OF_TAXA: Final = ("scientificName", "vernacularName", "verbatimScientificName", "genus", "taxonID")
_OF_OTHER_TABLES: Final = frozenset({"measurementType", "measurementValue", "mediaID", "filePath", "associatedMedia"})
"""Columns of measurements and of media files, which have an event's identifier and are no events."""

NEEDED: Final = ("occurrenceID", "eventID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude")
"""Terms whose column has to be known for sure."""

_EVENT_SIGNS: Final = frozenset({"eventDate", "samplingProtocol", "decimalLatitude", "sampleSizeValue", "design",
                                 "deploymentStart", "verbatimCoordinates", "samplingEffort", "locality"})  # fmt: skip
_LIKELY: Final = 0.6
_PARTS: Final = re.compile(r"[()\[\]/|\n\r（）]+| [-–—] ")
_EXPLAINED: Final = 5
_LONGEST_HEADING: Final = 120
_UNITS_OF: Final = MappingProxyType({"sampleSizeValue": "sampleSizeUnit", "samplingEffortValue": "samplingEffortUnit"})


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
        for grid in grids_of(name, content, encoding):
            if grid.visible:
                _read_grid(grid, survey, kept or {})
            else:
                survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_HIDDEN", False))
    survey.tables.sort(key=lambda table: table.kind)
    survey_sites.join(survey.of("sites"), survey.of("events"), survey.findings)
    return survey


def proposals_of(
    files: Iterable[tuple[str, bytes]], *, encoding: str | None = None, kept: Mapping[str, str] | None = None
) -> list[tuple[str, str | None, int, list[Proposal]]]:
    """Return what the headings of each table may mean, without reading it: file, sheet, row of the headings, proposals."""
    known = {key(heading) for heading in kept or {}}
    found = []
    for name, content in files:
        for grid in filter(lambda grid: grid.visible, grids_of(name, content, encoding)):
            layout = lay_out(grid, lambda text: _is_heading(text, known))
            if layout is not None and layout.columns:
                proposals = _names(layout, kept or {})[1]
                found.append((grid.file, grid.name, layout.heading_row, [proposals[c.index] for c in layout.columns]))
    return found


@lru_cache(maxsize=4096)
def _is_known(text: str) -> bool:
    """Tell whether the dictionary has a text, or a part of it, as a heading, whatever it may mean."""
    rest, _ = units_in(text)
    return any(key(part) in entries() for part in (text, rest, *_PARTS.split(text)) if part.strip())


def _read_grid(grid: Grid, survey: Survey, kept: Mapping[str, str]) -> None:
    """Read one sheet into the survey."""
    known = {key(heading) for heading in kept}
    layout = lay_out(grid, lambda text: _is_heading(text, known))
    if layout is None:
        return
    names, proposals = _names(layout, kept)
    likely = {proposal.term for proposal in proposals.values() if proposal.term and _is_likely(proposal)}
    kind = _kind(grid.name or grid.file.rpartition(".")[0], set(names.values()) | likely)
    if kind is None:
        title = grid.name or grid.file
        survey.unread.append(title)
        if layout.rows and sheet_kind(title) != "guide" and not _explains(layout, known):
            survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_NOT_READ", False))
        return
    survey.findings += layout.findings
    survey.tables.append(_table(layout, kind, names, proposals, survey.findings))


def _explains(layout: Layout, known: Collection[str]) -> bool:
    """Tell whether a sheet explains the others' columns: headings stand in its cells, one below the other."""
    told = {cell for _, cells in layout.rows[:100] for cell in cells[:5] if cell is not None}
    return sum(_is_heading(cell, known) for cell in told) >= _EXPLAINED


def _is_heading(text: str, known: Collection[str]) -> bool:
    """Tell whether a text is surely a heading; `known` are those that somebody decided about."""
    if len(text) > _LONGEST_HEADING or _is_number(text):
        return False
    return key(text) in known or _is_known(text.strip())


def _is_likely(proposal: Proposal) -> bool:
    """Tell whether a term is proposed for more than that the heading is like another one."""
    return proposal.confidence >= _LIKELY and proposal.why not in (Why.NEAR, Why.REPEATED, Why.UNIT_STRANGE)


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
    if terms & _OF_OTHER_TABLES and not terms & set(NAMES_OF_TAXA):
        return None
    if terms & set(NAMES_OF_TAXA) or "occurrenceID" in terms:
        return "occurrences"
    if said == "sites" and "locationID" in terms and not terms & {"eventID", "eventDate", "deploymentStart"}:
        return "sites"
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
    # Longer than any heading: to look for one that is like it would only take time.
    asked = [heading if len(heading) <= _LONGEST_HEADING else "" for heading in headings]
    proposed = decided(propose(asked, sheet=layout.grid.name, cells=cells, kept=kept), cells)
    names: dict[int, str] = {}
    sure = {proposal.term for proposal in proposed if proposal.confidence > CERTAIN}
    for column, proposal in zip(layout.columns, proposed, strict=True):
        # What a record cannot do without is read as what it likely is, and blocks until somebody says that it is.
        needed = proposal.term in NEEDED and proposal.term not in sure and _is_likely(proposal)
        certain = proposal.term if proposal.confidence > CERTAIN or needed or proposal.why is Why.TAKEN else None
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
    read_merges(grid, table, columns, at, by_index, findings)
    read_marked(grid, table, columns, at, by_index, findings)
    for name, index in list(taken.items()):
        proposal = proposals[index]
        if name == proposal.term and proposal.confidence <= CERTAIN:
            params = {"term": name, "near": name, "others": ", ".join(proposal.others),
                      "confidence": f"{proposal.confidence:g}"}  # fmt: skip
            findings.append(Finding(grid.file, grid.name, layout.heading_row, proposal.heading, proposal.heading,
                                    proposal.why.value, proposal.why is not Why.TAKEN, params))  # fmt: skip
        if name == proposal.term:
            _unit_taken(table, columns, name, proposal, findings)
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
    findings += in_degrees(table, columns, rows)
    table.frame = pl.DataFrame(
        {"source_row": pl.Series(rows, dtype=pl.Int64)}
        | {name: pl.Series(values, dtype=pl.String) for name, values in columns.items()}
    )
    return table


def _unit_taken(
    table: SurveyTable, columns: dict[str, list[str | None]], name: str, proposal: Proposal, findings: list[Finding]
) -> None:
    """Take the unit of an effort from its heading, where no column tells it."""
    unit = _UNITS_OF.get(name)
    if unit is None or unit in columns or proposal.unit is None:
        return
    told = proposal.unit.replace("_", "-")
    columns[unit] = [None if cell is None else told for cell in columns[name]]
    table.headings[unit] = proposal.heading
    findings.append(Finding(table.file, table.sheet, table.heading_row, proposal.heading, proposal.heading,
                            "HEADING_UNIT_TAKEN", False, {"unit": told}))  # fmt: skip


def _of_no_term(layout: Layout, column: Column, findings: list[Finding]) -> None:
    """Tell a column that holds nothing of a record, where it holds more than numbers of rows."""
    cells = [row[column.index] for _, row in layout.rows if column.index < len(row)]
    if any(cell is not None and not cell.strip().isdigit() for cell in cells):
        findings.append(Finding(layout.grid.file, layout.grid.name, column.row, column.heading, column.heading,
                                "HEADING_OF_NO_TERM", False))  # fmt: skip


def no_occurrences(survey: Survey, file: str) -> InputError:
    """Return the error for a survey without any sheet of occurrences."""
    problem = "there is no sheet called 'occurrences', and none whose columns are those of records"
    found = ", ".join(repr(name) for name in [*survey.unread, *(t.sheet or t.file for t in survey.tables)]) or "none"
    return InputError(problem, file=file, expected=f"the template's sheets; found {found}", code="SHEET_MISSING")


def blocking(findings: Sequence[Finding]) -> Finding | None:
    """Return the first finding that blocks."""
    return next((finding for finding in findings if finding.blocking), None)
