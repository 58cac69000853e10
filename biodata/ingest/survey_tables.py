"""The tables of a survey's files: which sheets hold occurrences and which events, their columns as terms, what was repaired."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.terms import WRITTEN
from biodata.formats.workbooks import Grid, column_letters
from biodata.ingest import sheet_crosses, sheet_headings, sheet_units, survey_shapes
from biodata.ingest.headings import CERTAIN, Proposal, Why
from biodata.ingest.headings.deciding import NAMES_OF_TAXA
from biodata.ingest.headings.dictionary import TERMS
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_crosses import Sheet
from biodata.ingest.sheet_headings import NEEDED, facts_above, named_month, with_year, year_of
from biodata.ingest.sheet_layout import Layout, sheet_kind
from biodata.ingest.sheet_numbers import odd_numbers
from biodata.ingest.sheet_repairs import Columns, blank_below, in_degrees, read_marked, zone_of
from biodata.ingest.survey_shapes import ANY_DAY, ENDS, PLACE, Survey, SurveyTable, accepted_in, with_period
from biodata.sharing.names import bundled_common_names, meaning
from biodata.text import dates
from biodata.text.numbers import ascii_digits
from biodata.text.scientific_names import genera, latin_beside

_MOSTLY: Final = 0.9
_QUANTITY: Final = "organismQuantity"
_LOCAL: Final = "vernacularName"
_NAME: Final = "scientificName"
_ONCE: Final = (*NEEDED, "individualCount", _QUANTITY, "occurrenceID", "verbatimCoordinates", "easting", "northing")
_DAYS: Final = frozenset({*map(str, range(1, 32)), *(f"{day:02}" for day in range(1, 10))})
_DAY_FIRST: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]|[ăđơưạ-ỹ]|(?i:tanggal|tarikh)")
"""Thai, Lao, Burmese, Khmer, Vietnamese, Malay or Indonesian."""
_DATES: Final = frozenset({"eventDate", "verbatimEventDate", "year", "month"})
_WHEN: Final = _DATES | {*ENDS}
_WHERE: Final = frozenset({*PLACE[:5], "easting", "northing"})
_UNITS_OF: Final = MappingProxyType({"sampleSizeValue": "sampleSizeUnit", "samplingEffortValue": "samplingEffortUnit"})


def read_survey(
    files: Iterable[tuple[str, bytes]], *, encoding: str | None = None, kept: Mapping[str, str] | None = None,
    licence: str | None = None,
) -> Survey:  # fmt: skip
    """Read the files of a survey: a workbook, delimited text, a zip archive of such text; or several that belong together."""
    survey, kept = Survey(), kept or {}
    grids = [grid for name, content in files for grid in sheet_headings.grids_of(name, content, encoding)]
    sheets = _sheets_of(grids, survey, kept)
    kinds = _kinds(sheets)
    survey.elsewhere = _WHEN | _WHERE if "events" in kinds else _WHERE if "sites" in kinds else ()
    for sheet, kind in zip(sheets, kinds, strict=True):
        _read_sheet(sheet, kind, survey)
    survey.tables.sort(key=lambda table: table.kind)
    survey_shapes.fill(survey.tables, survey_shapes.project_facts(survey, licence))
    survey_shapes.join_stations(survey)
    _order_days(survey)
    for table in survey.of("occurrences"):
        survey.findings += _read_double_names(table)
        _read_local_names(table)
        _date_of_ends(table)
    return survey


def _kinds(sheets: Sequence[Sheet]) -> list[str | None]:
    found = [sheet_headings.kind_of(one.layout, one.names, one.proposals) for one in sheets]
    kinds = [None if s.is_list else "occurrences" if s.cross else kind for s, kind in zip(sheets, found, strict=True)]
    terms = [{*one.names.values()} for one in sheets]
    dated = any(kind == "events" and _WHEN & own for kind, own in zip(kinds, terms, strict=True))
    # Stations of a sheet without days are where the visits of another one are.
    sites = [k == "events" and dated and "locationID" in t and t.isdisjoint({*_WHEN, "day", "eventID"}) for k, t in zip(kinds, terms, strict=True)]  # fmt: skip
    kinds = ["sites" if is_site else kind for kind, is_site in zip(kinds, sites, strict=True)]
    if "occurrences" not in kinds:  # a table of places and days under the name of one taxon is of records of it
        of_title = [any(fact.term == _NAME for fact in facts_above(one.layout)) for one in sheets]
        of_one = [titled and bool(own & _WHEN and own & _WHERE) for titled, own in zip(of_title, terms, strict=True)]
        of_one = of_one if any(of_one) else [sheet_crosses.name_by_count(one) for one in sheets]
        kinds = ["occurrences" if named else kind for kind, named in zip(kinds, of_one, strict=True)]
    return kinds


def _sheets_of(grids: Sequence[Grid], survey: Survey, kept: Mapping[str, str]) -> list[Sheet]:
    """Return the sheets of files, what joins them found; the survey gets what is stated of each, and what was accepted."""
    sheets: list[Sheet] = []
    survey.zone = zone_of(grids)
    for grid in grids:
        survey.order[grid.file, grid.name] = {}
        if grid.guessed_encoding is not None:
            params = {"encoding": grid.guessed_encoding}
            survey.findings.append(Finding(grid.file, None, None, None, None, "ENCODING_GUESSED", False, params))
        if (marked := accepted_in(grid)) is not None:
            survey.accepted |= marked
        elif not grid.visible:
            survey.findings.append(Finding(grid.file, grid.name, None, None, None, "SHEET_HIDDEN", False))
        elif (project := sheet_headings.project_of(grid)) is not None:
            survey.tables.append(project)
            survey.order[grid.file, grid.name] = dict.fromkeys(project.headings.values(), 1)
        elif (layout := sheet_headings.laid_out(grid, kept)) is not None:
            sheets.append(Sheet(layout, *sheet_headings.names_of(layout, kept)))
            sheet_headings.leave_out_no_records(layout, sheets[-1].names)
    sheet_crosses.share_taxa(sheets)
    for sheet in sheets:
        sheet_crosses.identify_by_merges(sheet)
    sheet_crosses.share_stations([sheet for sheet in sheets if not sheet.is_list])
    for sheet in (one for one in sheets if one.cross is None and not one.is_list):
        sheet_crosses.count_parts(sheet)
        sheet_crosses.join_clocks(sheet)
    for sheet in sheets:
        counts = dict.fromkeys((one.index for one in sheet.cross.columns), "individualCount") if sheet.cross else {}
        odd = odd_numbers(sheet.layout, sheet.names | counts, TERMS)
        sheet.layout.findings += [*odd, *sheet_crosses.named_twice(sheet)]
    return sheets


def _order_days(survey: Survey) -> None:
    """Declare that days come first where no date of any sheet shows it, and the language of the headings has it so."""
    frames = [table.frame for table in survey.tables]
    texts = [frame[name] for frame in frames for name in sheet_units.DATES if name in frame.columns]
    headings = " ".join(heading for places in survey.order.values() for heading in places)
    if not texts or "day_month_order" in survey.declarations or not _DAY_FIRST.search(headings):
        return
    every = pl.concat(texts)
    # One such date among others that begin with the year is odd, whatever the language.
    years = every.str.contains(r"^\d{4}").drop_nulls()
    # A day in the future shows the order to nobody who asks later.
    if years.sum() <= _MOSTLY * len(years) and dates.OrderEvidence.of(every, today=ANY_DAY).order is not False:
        survey.tables[0].declarations["day_month_order"] = "day_first"


def _date_of_ends(table: SurveyTable) -> None:
    """Date records that state a first and a last day and no other by these; what cannot be read stays as it came."""
    if ENDS[0] in table.frame.columns and _DATES.isdisjoint(table.frame.columns):
        frame = with_period(table.frame, ANY_DAY)
        table.frame = frame.with_columns(pl.coalesce("eventDate", ENDS[0]).alias("eventDate"))
        table.headings["eventDate"] = table.heading(ENDS[0])
        table.converted["eventDate"] = ENDS[0]


def _read_double_names(table: SurveyTable) -> Iterator[Finding]:
    """Read `Gaur - Bos gaurus` in a column of scientific names as the Latin name, `B. gaurus` as the one written in full."""
    if _NAME not in table.frame.columns or _NAME in table.converted:
        return
    rows = table.frame.select("source_row", _NAME).drop_nulls().unique(_NAME, keep="first", maintain_order=True)
    latin = {text: name for text in rows[_NAME] if (name := latin_beside(text)) is not None}
    full = [name for name in rows[_NAME] if name.partition(" ")[0] in genera()]
    short = [(f"{name[0]}. {name.partition(' ')[2]}", name) for name in full]
    once = Counter(text for text, _ in short)
    latin |= {text: name for text, name in short if once[text] == 1 and text in rows[_NAME]}
    if latin:
        new = pl.col(_NAME).replace_strict(latin, default=None, return_dtype=pl.String)
        written = pl.when(new.is_not_null()).then(_NAME).alias(f"{WRITTEN}{_NAME}")
        table.frame = table.frame.with_columns(pl.coalesce(new, _NAME).alias(_NAME), written)
    for row, text in rows.filter(pl.col(_NAME).is_in([*latin])).iter_rows():
        yield table.finding(row, table.heading(_NAME), text, "VALUE_READ_AS", read=latin[text])


def _read_local_names(table: SurveyTable) -> None:
    """Read local names where no column has others: what means one taxon for sure; the cells stay as they came beside it."""
    if set(NAMES_OF_TAXA) & set(table.frame.columns) != {_LOCAL}:
        return
    sure: dict[str, str] = {}
    for text in table.frame[_LOCAL].drop_nulls().unique():
        taxa = [latin] if (latin := latin_beside(text)) is not None else [*meaning(text, bundled_common_names())]
        sure |= {text: taxa[0]} if len(taxa) == 1 else {}
    name = pl.col(_LOCAL).replace_strict(sure, default=None, return_dtype=pl.String)
    table.frame = table.frame.with_columns(name.alias(_NAME))
    table.headings[_NAME] = table.heading(_LOCAL)
    table.converted[_NAME] = _LOCAL


def _read_sheet(sheet: Sheet, kind: str | None, survey: Survey) -> None:
    """Read one sheet into the survey; a cross-table is as many tables as it has columns of counts."""
    layout, cross = sheet.layout, sheet.cross
    places = {column.heading: column.index for column in reversed(layout.columns)}  # the first of each
    survey.order[layout.grid.file, layout.grid.name] = places
    if kind is None:
        survey.unread.append(layout.grid.name or layout.grid.file)
        if layout.rows and sheet_kind(layout.grid.title) != "guide":
            survey.findings.append(layout.finding(None, None, None, "SHEET_NOT_READ"))
        return
    survey.findings += layout.findings
    if cross is None:
        survey.tables.append(table := _table(sheet, kind, survey, {}))
        if sheet.named is not None and not survey.elsewhere:  # a list of sites, too
            frame = table.frame.select(pl.exclude(*sheet.named - {"locationID"}, *NAMES_OF_TAXA))
            survey.tables.append(replace(table, kind="sites", frame=frame, converted={}))
        return
    first, last = cross.columns[0].heading, cross.columns[-1].heading
    above = [cell for _, cells in layout.above for cell in cells if cell is not None]
    cross = replace(cross, measures=sheet_units.shares_in([layout.grid.name or "", first, *above]))
    survey.findings.append(layout.finding(layout.heading_row, first, None, "CROSS_TABLE_READ", first=first, last=last))
    survey.findings += [layout.finding(at, None, None, "VALUE_READ_AS", read=t) for t, (at, _) in sheet.facts.items()]
    for column, part in zip(cross.columns, sheet.parts(cross), strict=True):
        if not part.layout.rows and layout.rows:  # nobody counted there
            continue
        facts = {cross.term: (column.row, cross.value(column))}
        for term, (row, cells) in sheet.facts.items():
            facts |= {term: (row, cell)} if (cell := dict(enumerate(cells)).get(column.index)) else {}
        table = _table(part, kind, survey, {term: value for term, (_, value) in facts.items()})
        for term, (row, _) in facts.items():
            table.headings[term], table.stands[term] = column.heading, row
        days = [cell for cell in sheet.facts.get("eventDate", (0, []))[1][column.index :] if cell is not None]
        table.declarations |= sheet_units.declared("eventDate", None, days)
        survey.tables.append(table)


def _table(sheet: Sheet, kind: str, survey: Survey, facts: Mapping[str, str]) -> SurveyTable:
    """Build a table, with what is `facts` of all its rows, and tell the survey what was repaired on the way."""
    layout, findings = sheet.layout, survey.findings
    table = SurveyTable(kind, layout.grid.file, layout.grid.name, layout.heading_row, pl.DataFrame(), {})
    taken, found = _read_columns(sheet, table)
    findings += found
    rows = [number for number, _ in layout.rows]
    columns = {name: layout.cells(index) for name, index in taken.items()}
    findings += read_marked(layout.grid, table, columns, rows, {index: name for name, index in taken.items()})
    table.repeats = _repeats(layout, columns, taken.values())
    for name, index in taken.items():
        proposal = sheet.proposals[index]
        if name != proposal.term:
            table.proposals[name] = proposal
            continue
        if proposal.confidence <= CERTAIN:
            params = {"term": name, "near": name, "others": ", ".join(proposal.others),
                      "confidence": f"{proposal.confidence:g}"}  # fmt: skip
            is_open = proposal.why is not Why.TAKEN
            findings.append(table.of_heading(proposal.heading, proposal.why.value, is_open, **params))
        findings += _units(table, columns, name, proposal)
    for term, value in facts.items():
        columns[term] = [value] * len(rows)
        table.headings.setdefault(term, layout.grid.name or layout.grid.file)
    findings += _from_title(table, columns, layout, survey)
    findings += _with_year(table, columns, layout)
    findings += in_degrees(table, columns, rows, survey.zone)
    if kind == "occurrences":
        findings += blank_below(table, columns, rows, survey.elsewhere)
    if table.measured:
        columns["measurements"] = sheet_units.measurements(columns, table.measured)
    findings += _month_of_sheet(table, columns, year_of(layout))
    schema = {"source_row": pl.Int64, **dict.fromkeys(columns, pl.String)}
    table.frame = pl.DataFrame({"source_row": rows, **columns}, schema=schema)
    return table


def _read_columns(sheet: Sheet, table: SurveyTable) -> tuple[dict[str, int], list[Finding]]:
    taken: dict[str, int] = {}
    entries = []
    for column in sheet.layout.columns:
        name, heading, proposal = sheet.names[column.index], column.heading, sheet.proposals[column.index]
        asked = (heading, column.lower, column.upper) if table.kind == "occurrences" else ()
        measures = next((found for text in asked if (found := sheet_units.measured(text))), None)
        if sheet.cross is not None and column in sheet.cross.columns:
            measures = sheet.cross.measures
        if name in taken:
            params = {"term": name, "other": column_letters(taken[name])}
            entries.append(table.finding(column.row, heading, heading, "HEADING_REPEATED", name in _ONCE, **params))
            continue
        # An elevation is of the place, and may be called as a height is.
        if measures and name in (heading, _QUANTITY) and proposal.term in (None, _QUANTITY):
            name = heading
            table.measured[name] = measures
        elif name == heading and proposal.why is Why.NOT_KEPT:
            # Numbers of the rows need not be stated.
            if any(cell is not None and not cell.strip().isdigit() for cell in sheet.layout.cells(column.index)):
                entries.append(table.finding(column.row, heading, heading, "HEADING_OF_NO_TERM"))
                cells = zip(sheet.layout.rows, sheet.layout.cells(column.index), strict=True)
                table.beside[heading] = {row: cell for (row, _), cell in cells if cell is not None}
            continue
        taken[name], table.headings[name] = column.index, heading
    return taken, entries


def _from_title(table: SurveyTable, columns: Columns, layout: Layout, survey: Survey) -> Iterator[Finding]:
    """Take what no column states from above the headings; place and date only where no sheet of events or sites tells them."""
    # Where the headings stand again, what stands above the first ones is not of all rows.
    again = any(one.code == "HEADING_ROW_REPEATED" for one in layout.findings)
    if again or table.kind not in ("occurrences", "events"):
        return
    own, groups = {*columns}, (_WHEN | {"day"}, _WHERE, {*NAMES_OF_TAXA})
    for one in facts_above(layout):
        answers = next((terms for terms in groups if one.term in terms), {one.term})
        needed = {"utm_zone": {"easting"}, "geodeticDatum": _WHERE}.get(one.term, {*columns})
        if own & answers or needed.isdisjoint(columns) or one.term in survey.elsewhere:
            continue
        table.headings[one.term], table.stands[one.term] = one.label, one.row
        columns[one.term] = [one.value] * len(layout.rows)
        yield table.finding(one.row, one.label, one.text, "TITLE_VALUE_TAKEN", read=f"{one.term}: {one.value}")


def _with_year(table: SurveyTable, columns: Columns, layout: Layout) -> Iterator[Finding]:
    """Complete dates that state day and month alone by the one year that stands above the table, or in a name."""
    year, heading = year_of(layout), table.heading("eventDate")
    if year is None or "eventDate" not in columns:
        return
    texts = {cell for cell in columns["eventDate"] if cell is not None}
    whole = {text: completed for text in texts if (completed := with_year(text, year)) is not None}
    if whole:
        columns[f"{WRITTEN}eventDate"] = columns["eventDate"]
        columns["eventDate"] = [whole.get(cell, cell) if cell is not None else None for cell in columns["eventDate"]]
        yield table.of_heading(heading, "DATE_OF_SHEET_TAKEN", read=year)


def _repeats(layout: Layout, columns: Mapping[str, Sequence[str | None]], taken: Collection[int]) -> dict[int, int]:
    """Return the rows in which every cell is as in an earlier one, but for identifiers and numbers that count the rows."""
    every = [values for name, values in columns.items() if name not in ("occurrenceID", "recordNumber")]
    every += [layout.cells(column.index) for column in layout.columns if column.index not in taken]
    first: dict[tuple[str | None, ...], int] = {}
    cells = zip(*(values for values in every if not sheet_crosses.counts_rows(values)), strict=True)
    rows = zip((number for number, _ in layout.rows), cells, strict=False)
    return {number: before for number, entries in rows if (before := first.setdefault(entries, number)) != number}


def _month_of_sheet(table: SurveyTable, columns: Columns, year: str | None) -> Iterator[Finding]:
    """Take year and month from the name of a sheet whose rows state the day alone, or no date at all: a sheet a month."""
    name = table.sheet or table.file.rpartition(".")[0]
    month, date = named_month(name, year), columns.get("eventDate", [])
    if month is None:
        return
    if any(date) and all(cell is None or ascii_digits(cell.strip()) in _DAYS for cell in date):
        columns["day"], table.headings["day"] = columns.pop("eventDate"), table.headings.pop("eventDate")
    if not _DATES.isdisjoint(columns):
        return
    if "day" in columns:
        for term, part in zip(("year", "month"), month.split("-"), strict=True):
            columns[term] = [None if cell is None else part for cell in columns["day"]]
            table.headings[term] = table.heading("day")
    elif table.kind == "occurrences" and columns.keys().isdisjoint({"eventID", *ENDS}):
        columns["eventDate"] = [month] * max(map(len, columns.values()), default=0)
        table.headings["eventDate"] = name
    else:
        return
    yield table.of_heading(table.headings.get("day", name), "DATE_OF_SHEET_TAKEN", read=month)


def _units(table: SurveyTable, columns: Columns, name: str, proposal: Proposal) -> Iterator[Finding]:
    """Take what a heading says of its column: the unit of an effort that no column tells, of its dates, lengths not in metres."""
    text, heading = proposal.unit or "", proposal.heading
    unit = _UNITS_OF.get(name)
    if unit is not None and unit not in columns and text:
        columns[unit] = [None if cell is None else text.replace("_", "-") for cell in columns[name]]
        table.headings[unit] = heading
        yield table.of_heading(heading, "HEADING_UNIT_TAKEN", unit=text.replace("_", "-"))
    table.declarations |= sheet_units.declared(name, proposal.unit, columns[name])
    metres = sheet_units.in_metres(name, proposal.unit, columns[name])
    if metres is not None and heading not in columns:
        table.converted[name] = heading
        columns |= {heading: columns[name], name: metres}
        yield table.of_heading(heading, "HEADING_UNIT_CONVERTED", unit="m", told=text)


def no_occurrences(survey: Survey, file: str) -> InputError:
    """Return the error for a survey without any sheet of occurrences."""
    problem = "there is no sheet called 'occurrences', and none whose columns are those of records"
    found = ", ".join(repr(name) for name in [*survey.unread, *(t.sheet or t.file for t in survey.tables)]) or "none"
    return InputError(problem, file=file, expected=f"the template's sheets; found {found}", code="SHEET_MISSING")
