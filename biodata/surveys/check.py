"""What is wrong with a survey's workbook: each fault with its sheet, row, column, value and what would be right."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import polars as pl
from rapidfuzz import process

from biodata import terms
from biodata.errors import InputError, Refusal
from biodata.flags import FLAGS
from biodata.formats.workbooks import Sheet, read_sheets
from biodata.harmonise import Harmoniser
from biodata.ingest.survey import EVENTS, OCCURRENCES, observations, sheet_called
from biodata.places import BoundarySet

REQUIRED: Final = ("occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude")
"""Headings, and cells, that a survey cannot do without."""

_NEAR: Final = 75
_READ_AS: Final = "this was read as another value by a certain rule"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault.

    Attributes
    ----------
    file, sheet : str
        Where it is; the sheet is None where the whole file is meant.
    row : int or None
        As the spreadsheet's margin counts.
    column : str or None
        The heading.
    value : str or None
        The cell as it came.
    code : str
        A stable name, most often a quality flag's.
    blocking : bool
        True where the survey cannot go in before it is mended.
    message : str
        What is wrong.
    expected : str or None
        What would be right.
    """

    file: str
    sheet: str | None
    row: int | None
    column: str | None
    value: str | None
    code: str
    blocking: bool
    message: str
    expected: str | None


@dataclass(frozen=True, slots=True)
class _Cell:
    """Which column a flag is about, whether it blocks, and what would be right."""

    columns: tuple[str, ...]
    blocking: bool
    expected: str


_LATITUDE: Final = ("decimalLatitude",)
_BOTH: Final = ("decimalLatitude", "decimalLongitude")
_DEGREES: Final = "decimal degrees, WGS 84, such as 21.1234 north and 101.4321 east"
_DAY: Final = "the date as YYYY-MM-DD, such as 2026-03-17"

CELLS: Final = MappingProxyType(
    {
        "ZERO_COORDINATE": _Cell(_BOTH, True, _DEGREES),
        "COORDINATE_INVALID": _Cell(_BOTH, True, _DEGREES),
        "COORDINATE_OUT_OF_RANGE": _Cell(_BOTH, True, "latitude within ±90, longitude within ±180"),
        "COORDINATE_MISSING": _Cell(_BOTH, True, _DEGREES),
        "PRESUMED_SWAPPED_COORDINATE": _Cell(_LATITUDE, True, "latitude and longitude in their own columns"),
        "PRESUMED_NEGATED_LATITUDE": _Cell(_LATITUDE, True, "no minus sign north of the equator"),
        "PRESUMED_NEGATED_LONGITUDE": _Cell(("decimalLongitude",), True, "no minus sign east of Greenwich"),
        "COUNTRY_COORDINATE_MISMATCH": _Cell(("countryCode", "country"), True, "the country that the place lies in"),
        "COUNTRY_INVALID": _Cell(("countryCode", "country"), True, "a two-letter code, such as LA"),
        "COUNTRY_MISMATCH": _Cell(("country", "countryCode"), True, "the same country in both"),
        "GEODETIC_DATUM_INVALID": _Cell(("geodeticDatum",), True, "WGS84 or an EPSG code"),
        "COORDINATE_UNCERTAINTY_METERS_INVALID": _Cell(
            ("coordinateUncertaintyInMeters",), True, "a distance in metres above 0, such as 30"
        ),
        "COORDINATE_PRECISION_INVALID": _Cell(("coordinatePrecision",), False, "degrees, such as 0.00001"),
        "PROVINCE_COORDINATE_MISMATCH": _Cell(("stateProvince",), False, "the province that the place lies in"),
        "PROVINCE_UNKNOWN": _Cell(("stateProvince",), False, "a province of that country"),
        "BORDER_AMBIGUOUS": _Cell(_LATITUDE, False, "nothing to mend: both countries are kept"),
        "RECORDED_DATE_INVALID": _Cell(("eventDate", "year", "month", "day"), True, _DAY),
        "RECORDED_DATE_UNLIKELY": _Cell(("eventDate", "year"), True, "a date that has been"),
        "RECORDED_DATE_MISMATCH": _Cell(("eventDate", "year"), True, "the same date in all columns"),
        "RECORDED_DATE_EXCEL_SERIAL": _Cell(("eventDate",), True, _DAY),
        "RECORDED_DATE_BUDDHIST_ERA": _Cell(("eventDate", "year"), True, "the year of the common era (minus 543)"),
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS": _Cell(("eventDate",), True, _DAY),
        "RECORDED_DATE_MISSING": _Cell(("eventDate",), True, _DAY),
        "SCIENTIFIC_NAME_MISSING": _Cell(("scientificName",), True, "a scientific name, such as Elephas maximus"),
        "TAXON_MATCH_NONE": _Cell(("scientificName",), False, "a name of the checklist; look at its spelling"),
        "BASIS_OF_RECORD_INVALID": _Cell(("basisOfRecord",), True, "HumanObservation, MachineObservation, …"),
        "OCCURRENCE_STATUS_UNPARSABLE": _Cell(("occurrenceStatus",), True, "present or absent"),
        "INDIVIDUAL_COUNT_INVALID": _Cell(("individualCount",), True, "a whole number of 0 or more"),
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS": _Cell(("individualCount",), True, "0 only where absent"),
        "OCCURRENCE_ID_MISSING": _Cell(("occurrenceID",), True, "an identifier that no other row has"),
    }
)
"""The flags that are told to an uploader; others are kept with the record and need no act."""


def check(
    file: BinaryIO,
    name: str,
    boundaries: BoundarySet,
    *,
    checklist: pl.DataFrame | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """Check a survey's workbook and change nothing.

    Parameters
    ----------
    file : binary file
        An XLSX workbook in the template's form.
    name : str
        What the report calls it.
    boundaries : BoundarySet
        Where the countries are.
    checklist : polars.DataFrame, optional
        `terms.TAXON`: names are looked up in it.
    today : date, optional
        Later dates have not been yet; the present day where nothing is given.

    Returns
    -------
    dict
        `file`, `rows`, `ok` (nothing blocks), `blocking`, `warnings` (numbers), and `problems`, sorted by sheet, row
        and column: each with the fields of `Problem`. The same file gives the same answer.
    """
    rows = 0
    try:
        sheets = read_sheets(file.read(), file=name)
        problems = list(_structure(sheets, name))
        occurrences = sheet_called(sheets, OCCURRENCES)
        if occurrences is not None and not any(p.blocking for p in problems):
            rows = occurrences.frame.height
            frame = observations(sheets, file=name)
            harmoniser = Harmoniser(
                boundaries=boundaries,
                secret=b"a check stores nothing",
                checklist=checklist,
                today=today or datetime.now(UTC).date(),
            )
            problems += _cells(frame, harmoniser, name, occurrences.name)
            problems += _repeated(frame, name, occurrences.name)
            problems += _unknown_events(frame, sheets, name, occurrences.name)
    except InputError as error:
        problems = [
            Problem(name, None, error.row, error.column, error.value, error.code, True, error.problem, error.expected)
        ]
    problems.sort(key=lambda p: (p.sheet or "", p.row or 0, p.column or "", p.code))
    blocking = sum(problem.blocking for problem in problems)
    return {
        "file": name,
        "rows": rows,
        "ok": blocking == 0,
        "blocking": blocking,
        "warnings": len(problems) - blocking,
        "problems": [asdict(problem) for problem in problems],
    }


def _structure(sheets: Sequence[Sheet], name: str) -> Iterator[Problem]:
    """Find what is wrong with sheets and headings."""
    occurrences = sheet_called(sheets, OCCURRENCES)
    if occurrences is None:
        observations(sheets, file=name)
        return
    headings = occurrences.frame.columns[1:]
    for heading in REQUIRED:
        if heading not in headings:
            near = _near(heading, headings)
            expected = f"a column headed {heading}" + (f"; is {near!r} meant?" if near else "")
            yield _problem(name, occurrences, occurrences.heading_row, heading, None, "HEADING_MISSING", expected)
    for sheet in (occurrences, sheet_called(sheets, EVENTS)):
        for heading in sheet.frame.columns[1:] if sheet else ():
            if sheet and heading not in terms.VERBATIM_TERMS:
                near = _near(heading, terms.VERBATIM_TERMS)
                expected = f"a Darwin Core term; is {near} meant?" if near else "a Darwin Core term"
                yield _problem(name, sheet, sheet.heading_row, heading, heading, "HEADING_UNKNOWN", expected)
    if occurrences.frame.is_empty():
        yield _problem(name, occurrences, occurrences.heading_row, None, None, "SHEET_EMPTY", "one row a record")


_STRUCTURE_WORDS: Final = MappingProxyType(
    {
        "HEADING_MISSING": "a column is missing",
        "HEADING_UNKNOWN": "this heading is not known; the column is kept, but nothing is made of it",
        "SHEET_EMPTY": "the sheet has no rows",
    }
)


def _problem(
    name: str, sheet: Sheet, row: int, column: str | None, value: str | None, code: str, expected: str
) -> Problem:
    """Return a fault of a sheet's structure."""
    blocking = code != "HEADING_UNKNOWN"
    return Problem(name, sheet.name, row, column, value, code, blocking, _STRUCTURE_WORDS[code], expected)


def _near(word: str, known: Sequence[str]) -> str | None:
    """Return the known word that is closest in spelling, if any is close."""
    found = process.extractOne(word.lower(), {one: one.lower() for one in known}, score_cutoff=_NEAR)
    return None if found is None else str(found[2])


def _cells(frame: pl.DataFrame, harmoniser: Harmoniser, name: str, sheet: str) -> Iterator[Problem]:
    """Find what is wrong with cells: what harmonising doubts, and what it refuses."""
    result = harmoniser.occurrences(frame, dataset_key="check", declarations={})
    told = {row["source_row"]: row for row in frame.iter_rows(named=True)}
    doubtful = result.interpreted.filter(pl.col("quality_flags").list.len() > 0)
    for number, repairs in result.interpreted.select("source_row", "repairs").iter_rows():
        for repair in repairs or ():
            if repair["applied"] and repair["term"] in told[number]:
                column, value = repair["term"], told[number][repair["term"]]
                yield Problem(name, sheet, number, column, value, "VALUE_READ_AS", False, _READ_AS, repair["value"])
    for number, flags, repairs in doubtful.select("source_row", "quality_flags", "repairs").iter_rows():
        proposals = {repair["term"]: repair["value"] for repair in repairs or () if not repair["applied"]}
        for flag in flags:
            cell = CELLS.get(flag)
            if cell is None:
                continue
            column = _column(flag, cell, told[number])
            proposal = proposals.get(column)
            expected = cell.expected + (f"; {proposal} is meant?" if proposal else "")
            value = told[number].get(column)
            yield Problem(name, sheet, number, column, value, flag, cell.blocking, FLAGS[flag].meaning, expected)
    for refusal in result.refusals:
        yield _refused(refusal, name, sheet)


def _column(flag: str, cell: _Cell, row: dict[str, str | None]) -> str:
    """Return which of the columns that a flag can be about it is about in this row."""
    wrong = _WRONG.get(flag, _is_told)
    return next((c for c in cell.columns if wrong(row.get(c))), cell.columns[0])


def _is_told(value: str | None) -> bool:
    """Tell whether a cell is filled."""
    return value is not None


def _is_missing(value: str | None) -> bool:
    """Tell whether a cell is empty."""
    return value is None


def _is_no_number(value: str | None) -> bool:
    """Tell whether a cell is filled with something that is no number."""
    try:
        float((value or "0").replace(",", "."))
    except ValueError:
        return True
    return False


_WRONG: Final = MappingProxyType({"COORDINATE_INVALID": _is_no_number, "COORDINATE_MISSING": _is_missing})
"""For flags of a pair of columns: what makes a cell the one that is meant."""


def _refused(refusal: Refusal, name: str, sheet: str) -> Problem:
    """Return a refused row as a fault."""
    missing = refusal.code == "IDENTIFIER_MISSING"
    column = "occurrenceID" if missing else refusal.column
    expected = "an identifier that no other row has" if missing else None
    return Problem(name, sheet, refusal.row, column, refusal.value, refusal.code, True, refusal.message, expected)


def _repeated(frame: pl.DataFrame, name: str, sheet: str) -> Iterator[Problem]:
    """Find identifiers that an earlier row has."""
    known = frame.filter(pl.col("occurrenceID").is_not_null())
    again = known.filter(~pl.col("occurrenceID").is_first_distinct())
    for number, value in again.select("source_row", "occurrenceID").iter_rows():
        message = "an earlier row has the same identifier"
        expected = "an identifier that no other row has"
        yield Problem(name, sheet, number, "occurrenceID", value, "IDENTIFIER_REPEATED", True, message, expected)


def _unknown_events(frame: pl.DataFrame, sheets: Sequence[Sheet], name: str, sheet: str) -> Iterator[Problem]:
    """Find records of events that the sheet of events does not have."""
    events = sheet_called(sheets, EVENTS)
    if events is None or "eventID" not in frame.columns or "eventID" not in events.frame.columns:
        return
    known = events.frame["eventID"].drop_nulls().to_list()
    strange = frame.filter(pl.col("eventID").is_not_null() & ~pl.col("eventID").is_in(known))
    for number, value in strange.select("source_row", "eventID").iter_rows():
        message = "sheet 'events' has no such event"
        near = _near(value, known)
        expected = f"an eventID of sheet 'events'; is {near} meant?" if near else "an eventID of sheet 'events'"
        yield Problem(name, sheet, number, "eventID", value, "EVENT_UNKNOWN", True, message, expected)
