"""The tables of a survey's files: which sheets hold occurrences and which events, their columns as terms, what was repaired."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.formats.workbooks import column_letters
from biodata.ingest import sheet_units, survey_project, survey_sites
from biodata.ingest.headings import CERTAIN, Proposal, Why
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_crosses import Sheet, share_stations, tables_of
from biodata.ingest.sheet_headings import NAMES_OF_TAXA, grids_of, is_guide, kind_of, laid_out, names_of
from biodata.ingest.sheet_layout import Column, Layout
from biodata.ingest.sheet_repairs import in_degrees, read_marked, read_merges
from biodata.ingest.sheet_units import Measured
from biodata.ingest.survey_periods import ANY_DAY, ENDS, with_period
from biodata.ingest.survey_shapes import Survey, SurveyTable
from biodata.parsers import dates
from biodata.sharing.names import bundled_common_names, meaning

_QUANTITY: Final = "organismQuantity"
_DATES: Final = frozenset({"eventDate", "verbatimEventDate", "year", "month"})
_UNITS_OF: Final = MappingProxyType({"sampleSizeValue": "sampleSizeUnit", "samplingEffortValue": "samplingEffortUnit"})


def read_survey(
    files: Iterable[tuple[str, bytes]],
    *,
    encoding: str | None = None,
    kept: Mapping[str, str] | None = None,
    licence: str | None = None,
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
    licence : str, optional
        Of what tells none in the files.

    Returns
    -------
    Survey

    Raises
    ------
    InputError
        If a file cannot be read at all.
    """
    survey = Survey()
    sheets: list[Sheet] = []
    for name, content in files:
        for grid in grids_of(name, content, encoding):
            survey.order[grid.file, grid.name] = {}
            if grid.guessed_encoding is not None:
                params = {"encoding": grid.guessed_encoding}
                survey.findings.append(Finding(grid.file, None, None, None, None, "ENCODING_GUESSED", False, params))
            if not grid.visible:
                survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_HIDDEN", False))
            elif (layout := laid_out(grid, kept or {})) is not None:
                survey.order[grid.file, grid.name] = {column.heading: column.index for column in layout.columns}
                sheets.append(Sheet(layout, *names_of(layout, kept or {})))
    share_stations(sheets)
    for sheet in sheets:
        _read_sheet(sheet, survey, kept or {})
    survey.tables.sort(key=lambda table: table.kind)
    survey_project.fill(survey.tables, survey_project.told_once(survey, licence))
    survey_sites.join(survey.of("sites"), survey.of("events"), survey.findings)
    survey_sites.by_station(survey)
    for table in survey.of("occurrences"):
        _read_local_names(table)
        _date_of_ends(table)
    return survey


def _date_of_ends(table: SurveyTable) -> None:
    """Date records that tell a first and a last day and no other by these; what cannot be read stays as it came."""
    if ENDS[0] not in table.frame.columns or not _DATES.isdisjoint(table.frame.columns):
        return
    frame = with_period(table.frame, ANY_DAY)
    table.frame = frame.with_columns(pl.coalesce("eventDate", ENDS[0]).alias("eventDate"))
    table.headings["eventDate"] = table.heading(ENDS[0])
    table.converted["eventDate"] = ENDS[0]


def _read_local_names(table: SurveyTable) -> None:
    """Read local names where no column has others: what means one taxon for sure; the cells stay as they came beside it."""
    local = "vernacularName"
    if local not in table.frame.columns or set(NAMES_OF_TAXA) & set(table.frame.columns) - {local}:
        return
    known = bundled_common_names()
    meant = {text: meaning(text, known) for text in table.frame[local].drop_nulls().unique()}
    sure = {text: next(iter(taxa)) for text, taxa in meant.items() if len(taxa) == 1}
    table.frame = table.frame.with_columns(
        pl.col(local).replace_strict(sure, default=None, return_dtype=pl.String).alias("scientificName")
    )
    table.headings["scientificName"] = table.heading(local)
    table.converted["scientificName"] = local


def _read_sheet(sheet: Sheet, survey: Survey, kept: Mapping[str, str]) -> None:
    """Read one sheet into the survey."""
    layout, names, proposals, cross = sheet.layout, sheet.names, sheet.proposals, sheet.cross
    grid = layout.grid
    if cross is not None:
        survey.findings += layout.findings
        told = {"first": cross.columns[0].heading, "last": cross.columns[-1].heading}
        survey.findings.append(Finding(grid.file, grid.name, layout.heading_row, cross.columns[0].heading, None,
                                       "CROSS_TABLE_READ", False, told))  # fmt: skip
        for column, parts in zip(cross.columns, tables_of(cross, layout, names, proposals), strict=True):
            table = _table(parts[0], "occurrences", *parts[1:], survey.findings)
            table.frame = table.frame.with_columns(pl.lit(column.heading.strip()).alias(cross.term))
            table.headings[cross.term] = column.heading
            survey.tables.append(table)
        return
    kind = kind_of(layout, names, proposals)
    if kind is None:
        survey.unread.append(grid.name or grid.file)
        if layout.rows and not is_guide(layout, kept):
            survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_NOT_READ", False))
        return
    survey.findings += layout.findings
    survey.tables.append(_table(layout, kind, names, proposals, survey.findings))


def _table(
    layout: Layout, kind: str, names: dict[int, str], proposals: dict[int, Proposal], findings: list[Finding]
) -> SurveyTable:
    """Build a table and tell what was repaired on the way."""
    grid = layout.grid
    taken: dict[str, int] = {}
    headings: dict[str, str] = {}
    measured: dict[str, Measured] = {}
    for column in layout.columns:
        name = names[column.index]
        if name in taken:
            params = {"term": name, "other": column_letters(taken[name])}
            findings.append(Finding(grid.file, grid.name, column.row, column.heading, column.heading,
                                    "HEADING_REPEATED", True, params))  # fmt: skip
            continue
        proposal = proposals[column.index]
        measures = sheet_units.measured(column.heading) if kind == "occurrences" else None
        # An elevation is of the place, and may be called as a height is.
        if measures is not None and name in (column.heading, _QUANTITY) and proposal.term in (None, _QUANTITY):
            name = column.heading
            measured[name] = measures
        elif name == column.heading and proposal.why is Why.NOT_KEPT:
            _of_no_term(layout, column, findings)
            continue
        taken[name], headings[name] = column.index, column.heading
    rows = [number for number, _ in layout.rows]
    columns = {
        name: [cells[index] if index < len(cells) else None for _, cells in layout.rows]
        for name, index in taken.items()
    }
    table = SurveyTable(kind, grid.file, grid.name, layout.heading_row, pl.DataFrame(), headings, measured=measured)
    at = {number: position for position, number in enumerate(rows)}
    by_index = {index: name for name, index in taken.items()}
    read_merges(grid, table, columns, at, by_index, findings)
    read_marked(grid, table, columns, at, by_index, findings)
    table.repeats = _repeats(layout, columns, set(by_index))
    for name, index in list(taken.items()):
        proposal = proposals[index]
        if name == proposal.term and proposal.confidence <= CERTAIN:
            params = {"term": name, "near": name, "others": ", ".join(proposal.others),
                      "confidence": f"{proposal.confidence:g}"}  # fmt: skip
            findings.append(Finding(grid.file, grid.name, layout.heading_row, proposal.heading, proposal.heading,
                                    proposal.why.value, proposal.why is not Why.TAKEN, params))  # fmt: skip
        if name == proposal.term:
            _unit_taken(table, columns, name, proposal, findings)
            table.declarations |= sheet_units.declared(name, proposal.unit, columns[name])
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
    if measured:
        columns["measurements"] = sheet_units.measurements(columns, measured)
    _month_of_sheet(table, columns, findings)
    table.frame = pl.DataFrame(
        {"source_row": pl.Series(rows, dtype=pl.Int64)}
        | {name: pl.Series(values, dtype=pl.String) for name, values in columns.items()}
    )
    return table


def _repeats(layout: Layout, columns: Mapping[str, Sequence[str | None]], taken: Collection[int]) -> dict[int, int]:
    """Return the rows in which every cell is as in an earlier one, but for identifiers and numbers that count the rows."""
    others = [column.index for column in layout.columns if column.index not in taken]
    every = [values for name, values in columns.items() if name not in ("occurrenceID", "recordNumber")]
    every += [[row[i] if i < len(row) else None for _, row in layout.rows] for i in others]
    first: dict[tuple[str | None, ...], int] = {}
    cells = zip(*(values for values in every if not _counts_rows(values)), strict=True)
    rows = zip([number for number, _ in layout.rows], cells, strict=False)
    return {number: before for number, told in rows if (before := first.setdefault(told, number)) != number}


def _counts_rows(cells: Sequence[str | None]) -> bool:
    """Tell whether cells are whole numbers, each another one."""
    return len(set(cells)) == len(cells) and all(cell is not None and cell.strip().isdigit() for cell in cells)


def _month_of_sheet(table: SurveyTable, columns: dict[str, list[str | None]], findings: list[Finding]) -> None:
    """Take year and month from the name of a sheet whose rows tell the day alone: a sheet a month."""
    if "day" not in columns or not _DATES.isdisjoint(columns):
        return
    named = dates.parse_dates(pl.Series([table.sheet or table.file.rpartition(".")[0]]), today=ANY_DAY).row(
        0, named=True
    )
    if named["precision"] != "month" or named["issue"] is not None:
        return
    year, month = str(named["event_date"]).split("-")
    columns |= {
        name: [None if cell is None else part for cell in columns["day"]]
        for name, part in (("year", year), ("month", month))
    }
    table.headings |= dict.fromkeys(("year", "month"), table.heading("day"))
    findings.append(Finding(table.file, table.sheet, table.heading_row, table.heading("day"), table.heading("day"),
                            "DATE_OF_SHEET_TAKEN", False, {"read": f"{year}-{month}"}))  # fmt: skip


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
