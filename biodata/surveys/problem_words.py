"""English words for what a check finds, by code; `surveys.words` gives them in other languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from biodata.flags import FLAGS

_DEGREES: Final = "decimal degrees, WGS 84, such as 21.1234 north and 101.4321 east"
_DAY: Final = "the date as YYYY-MM-DD, such as 2026-03-17"
_ID: Final = "an identifier that no other row has"

EXPECTED: Final = MappingProxyType(
    {
        "ZERO_COORDINATE": _DEGREES,
        "COORDINATE_INVALID": _DEGREES,
        "COORDINATE_OUT_OF_RANGE": "latitude within ±90, longitude within ±180",
        "COORDINATE_MISSING": _DEGREES,
        "COORDINATE_PROJECTED": _DEGREES,
        "PRESUMED_SWAPPED_COORDINATE": "latitude and longitude in their own columns",
        "PRESUMED_NEGATED_LATITUDE": "no minus sign north of the equator",
        "PRESUMED_NEGATED_LONGITUDE": "no minus sign east of Greenwich",
        "COUNTRY_COORDINATE_MISMATCH": "the country that the place lies in",
        "COUNTRY_INVALID": "a two-letter code, such as LA",
        "COUNTRY_MISMATCH": "the same country in both",
        "GEODETIC_DATUM_INVALID": "WGS84 or an EPSG code",
        "COORDINATE_UNCERTAINTY_METERS_INVALID": "a distance in metres above 0, such as 30",
        "COORDINATE_PRECISION_INVALID": "degrees, such as 0.00001",
        "PROVINCE_COORDINATE_MISMATCH": "the province that the place lies in",
        "PROVINCE_UNKNOWN": "a province of that country",
        "BORDER_AMBIGUOUS": "nothing to mend: both countries are kept",
        "LAND_TAXON_AT_SEA": "a place on land",
        "MARINE_TAXON_ON_LAND": "a place at sea",
        "ELEVATION_NON_NUMERIC": "a number of metres",
        "DEPTH_NON_NUMERIC": "a number of metres",
        "ELEVATION_UNLIKELY": "metres above sea level",
        "RECORDED_DATE_INVALID": _DAY,
        "RECORDED_DATE_UNLIKELY": "a date that has been",
        "RECORDED_DATE_MISMATCH": "the same date in all columns",
        "RECORDED_DATE_EXCEL_SERIAL": _DAY,
        "RECORDED_DATE_BUDDHIST_ERA": "the year of the common era (minus 543)",
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS": _DAY,
        "RECORDED_DATE_MISSING": _DAY,
        "SCIENTIFIC_NAME_MISSING": "a scientific name, such as Elephas maximus",
        "SCIENTIFIC_NAME_UNREADABLE": "a scientific name, such as Elephas maximus",
        "SCIENTIFIC_NAME_LOOKALIKE_LETTERS": "Latin letters only",
        "SCIENTIFIC_NAME_INVISIBLE_CHARACTERS": "the name typed anew",
        "TAXON_MATCH_NONE": "a name of the checklist; look at its spelling",
        "TAXON_MATCH_FUZZY": "the name as the checklist spells it",
        "BASIS_OF_RECORD_INVALID": "HumanObservation, MachineObservation, …",
        "OCCURRENCE_STATUS_UNPARSABLE": "present or absent",
        "INDIVIDUAL_COUNT_INVALID": "a whole number of 0 or more",
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS": "0 only where absent",
    }
)
"""What would be right where a flag of `biodata.flags` is told."""

_WORDS: Final = MappingProxyType(
    {
        "HEADING_MISSING": ("a column is missing, or a value stands below no heading", "a column headed {term}"),
        "HEADING_UNKNOWN": ("this heading is not known; the column is kept, but nothing is made of it", "a Darwin Core term"),
        "HEADING_REPEATED": ("another column ({other}) already tells this", "one column headed so"),
        "HEADING_ROWS_JOINED": ("the headings stand in several rows and were read together", "one row of headings"),
        "HEADING_ROW_REPEATED": ("the headings stand here once more; the row was left out", "headings only above the rows"),
        "HEADING_UNIT": ("the heading names a unit; the values were turned into {unit}", "values in {unit}"),
        "TITLE_ROWS_LEFT_OUT": ("what stands above the headings, to row {last}, was left out", "headings in the first row"),
        "TOTALS_ROW_LEFT_OUT": ("a row of totals is no record; it was left out", "rows of records only"),
        "NOTE_ROW_LEFT_OUT": ("a note is no record; it was left out", "notes on another sheet"),
        "ROWS_BLANK": ("blank rows between records, to row {last}", "no blank rows"),
        "ROW_HIDDEN": ("the row is hidden; it was not read", "no hidden rows, or none that matters"),
        "ROW_TOO_LONG": ("the row has more cells than there are headings", "{width} cells; a separator in a text needs quotes"),
        "COLUMN_HIDDEN": ("the column is hidden; it was not read", "no hidden columns, or none that matters"),
        "SHEET_HIDDEN": ("the sheet is hidden; it was not read", "no hidden sheets, or none that matters"),
        "SHEET_NOT_READ": ("the sheet was not read: its columns are neither those of records nor of events", "the template's columns"),
        "SHEET_EMPTY": ("the sheet has no rows", "one row a record"),
        "SHEET_MISSING": ("there is no sheet of occurrences", "the template's sheets"),
        "MERGED_CELLS_FILLED": ("merged cells: the value was taken for rows to {last}", "the value in each row"),
        "MERGED_CELLS": ("merged cells: it is not said for which rows the value counts", "the value in each cell"),
        "FORMULA_VALUE_USED": ("a formula; the value that the file holds for it was taken", "the value itself"),
        "FORMULA_WITHOUT_VALUE": ("a formula without a value; formulas are not computed", "the value itself; open and save the file in a spreadsheet"),
        "CELL_ERROR": ("the cell is an error of the spreadsheet", "the value itself"),
        "VALUE_READ_AS": ("this was read as another value by a certain rule", "{proposal}"),
        "COORDINATES_SPLIT": ("one cell tells both coordinates; they were read as latitude and longitude", "{proposal}"),
        "COORDINATES_IN_ONE_CELL": ("one cell holds both coordinates", "latitude and longitude in their own columns"),
        "COLUMNS_SWAPPED": ("the latitudes stand below the longitude's heading and the longitudes below the latitude's", "latitude and longitude in their own columns"),
        "PLACE_AT_SEA": ("the place lies at sea, most others on land", "a place on land"),
        "IDENTIFIER_MISSING": ("nothing identifies the record", _ID),
        "IDENTIFIER_REPEATED": ("an earlier row ({other}) has the same identifier", _ID),
        "IDENTIFIER_CASE": ("an earlier row ({other}) has the same identifier in other capitals", _ID),
        "IDENTIFIER_SPACES": ("spaces around the identifier were left out", "{proposal}"),
        "EVENT_ID_MISSING": ("nothing identifies this event", _ID),
        "EVENT_REPEATED": ("an earlier row ({other}) has the same event", _ID),
        "EVENT_UNKNOWN": ("the survey has no such event", "an identifier of the sheet of events"),
        "EVENT_ENDS_BEFORE_START": ("the event ends before it begins", "an end after {start}"),
        "RECORD_OUTSIDE_EVENT": ("the record is not of the days of its event", "a date within {period}"),
        "EFFORT_INVALID": ("the effort is no number of 0 or more", "a number, and its unit in its own column"),
        "EFFORT_UNIT_UNFIT": ("the unit does not fit the design", "{unit}"),
        "DESIGN_UNKNOWN": ("the design is not known", "{known}"),
        "TEXT_GARBLED": ("the text was saved or opened in a wrong encoding", "the text as it was written"),
        "TEXT_FONT_ENCODED": ("the text is written for an old font (Zawgyi) and not in Unicode", "the text in Unicode"),
    }
)  # fmt: skip


class _Gaps(dict[str, str]):
    """Params of a message; what is not told is left out."""

    def __missing__(self, key: str) -> str:
        return ""


def told(code: str, params: Mapping[str, str]) -> tuple[str, str | None]:
    """Return what a code says is wrong, and what would be right."""
    if code in _WORDS:
        message, expected = (text.format_map(_Gaps(params)) for text in _WORDS[code])
    else:
        message, expected = FLAGS[code].meaning, EXPECTED.get(code, "")
    proposal = params.get("proposal")
    if proposal and proposal not in expected:
        expected = f"{expected}; {proposal} is meant?" if expected else f"{proposal} is meant?"
    return message, expected or None
