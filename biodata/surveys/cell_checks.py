"""What harmonising doubts of a survey's cells: each flag and repair told of the cell that it is about."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.harmonise.occurrences import HarmonisedBatch
from biodata.ingest.headings.units import Unit, fits, split_unit
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_units import in_metres
from biodata.ingest.survey_shapes import SurveyTable
from biodata.parsers.coordinate_pairs import read_pair
from biodata.parsers.told_numbers import ToldNumber, read_told
from biodata.parsers.told_times import meant_date, meant_time
from biodata.terms import WRITTEN


@dataclass(frozen=True, slots=True)
class _Cell:
    """Which columns a flag can be about, and whether it blocks."""

    columns: tuple[str, ...]
    blocking: bool


_LATITUDE: Final = ("decimalLatitude", "verbatimCoordinates", "verbatimLatitude")
_LONGITUDE: Final = ("decimalLongitude", "verbatimCoordinates", "verbatimLongitude")
_BOTH: Final = ("decimalLatitude", "decimalLongitude", "verbatimCoordinates", "verbatimLatitude", "verbatimLongitude")
_DATE: Final = ("eventDate", "verbatimEventDate", "year", "month", "day")
_COUNTRY: Final = ("countryCode", "country")
_HEIGHT: Final = ("verbatimElevation", "elevation", "minimumElevationInMeters", "maximumElevationInMeters")
_DEPTH: Final = ("depth", "minimumDepthInMeters", "maximumDepthInMeters")
_NAME: Final = ("scientificName", "verbatimScientificName")

CELLS: Final = MappingProxyType(
    {
        "ZERO_COORDINATE": _Cell(_BOTH, True),
        "COORDINATE_INVALID": _Cell(_BOTH, True),
        "COORDINATE_PROJECTED": _Cell(_BOTH, True),
        "COORDINATE_OUT_OF_RANGE": _Cell(_BOTH, True),
        "COORDINATE_MISSING": _Cell(_BOTH, True),
        "COORDINATE_FROM_FOOTPRINT": _Cell(("footprintWKT",), False),
        "PRESUMED_SWAPPED_COORDINATE": _Cell(_LATITUDE, True),
        "PRESUMED_NEGATED_LATITUDE": _Cell(_LATITUDE, True),
        "PRESUMED_NEGATED_LONGITUDE": _Cell(_LONGITUDE, True),
        "COUNTRY_COORDINATE_MISMATCH": _Cell(_COUNTRY, True),
        "COUNTRY_INVALID": _Cell(_COUNTRY, True),
        "COUNTRY_MISMATCH": _Cell(("country", "countryCode"), True),
        "GEODETIC_DATUM_INVALID": _Cell(("geodeticDatum",), True),
        "COORDINATE_UNCERTAINTY_METERS_INVALID": _Cell(("coordinateUncertaintyInMeters",), True),
        "COORDINATE_PRECISION_INVALID": _Cell(("coordinatePrecision",), False),
        "LICENSE_UNKNOWN": _Cell(("license",), False),
        "PROVINCE_COORDINATE_MISMATCH": _Cell(("stateProvince",), False),
        "PROVINCE_UNKNOWN": _Cell(("stateProvince",), False),
        "BORDER_AMBIGUOUS": _Cell(_LATITUDE, False),
        "LAND_TAXON_AT_SEA": _Cell(_LATITUDE, True),
        "MARINE_TAXON_ON_LAND": _Cell(_LATITUDE, True),
        "ELEVATION_NON_NUMERIC": _Cell(_HEIGHT, False),
        "ELEVATION_UNLIKELY": _Cell(_HEIGHT, False),
        "DEPTH_NON_NUMERIC": _Cell(_DEPTH, False),
        "RECORDED_DATE_INVALID": _Cell(_DATE, True),
        "RECORDED_DATE_UNLIKELY": _Cell(_DATE, True),
        "RECORDED_DATE_MISMATCH": _Cell(_DATE, True),
        "RECORDED_DATE_EXCEL_SERIAL": _Cell(_DATE, True),
        "RECORDED_DATE_BUDDHIST_ERA": _Cell(_DATE, True),
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS": _Cell(_DATE, True),
        "RECORDED_DATE_MISSING": _Cell(_DATE, True),
        "SCIENTIFIC_NAME_MISSING": _Cell(_NAME, True),
        "SCIENTIFIC_NAME_UNREADABLE": _Cell(_NAME, True),
        "SCIENTIFIC_NAME_UNDETERMINED": _Cell(_NAME, False),
        "SCIENTIFIC_NAME_LOOKALIKE_LETTERS": _Cell(_NAME, False),
        "SCIENTIFIC_NAME_INVISIBLE_CHARACTERS": _Cell(_NAME, False),
        "TAXON_MATCH_NONE": _Cell(_NAME, False),
        "TAXON_MATCH_FUZZY": _Cell(_NAME, False),
        "BASIS_OF_RECORD_INVALID": _Cell(("basisOfRecord",), True),
        "OCCURRENCE_STATUS_UNPARSABLE": _Cell(("occurrenceStatus",), True),
        "INDIVIDUAL_COUNT_INVALID": _Cell(("individualCount",), True),
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS": _Cell(("individualCount",), True),
    }
)
"""The flags that are told to an uploader; others are kept with the record and need no act."""

_OF_A_WRONG_PLACE: Final = ("COUNTRY_COORDINATE_MISMATCH", "LAND_TAXON_AT_SEA", "MARINE_TAXON_ON_LAND")
_IMPLIED: Final = MappingProxyType(
    {
        "PRESUMED_SWAPPED_COORDINATE": ("COORDINATE_OUT_OF_RANGE", "COORDINATE_INVALID", *_OF_A_WRONG_PLACE),
        "PRESUMED_NEGATED_LATITUDE": ("PROVINCE_COORDINATE_MISMATCH", *_OF_A_WRONG_PLACE),
        "PRESUMED_NEGATED_LONGITUDE": ("PROVINCE_COORDINATE_MISMATCH", *_OF_A_WRONG_PLACE),
        "COUNTRY_COORDINATE_MISMATCH": ("PROVINCE_COORDINATE_MISMATCH", "PROVINCE_UNKNOWN"),
        "COUNTRY_INVALID": ("PROVINCE_UNKNOWN",),
        "ZERO_COORDINATE": ("COUNTRY_COORDINATE_MISMATCH", "PROVINCE_COORDINATE_MISMATCH", "LAND_TAXON_AT_SEA"),
        "COORDINATE_INVALID": ("COORDINATE_MISSING", "COORDINATE_OUT_OF_RANGE"),
        "COORDINATE_PROJECTED": ("COORDINATE_OUT_OF_RANGE", "COORDINATE_INVALID", "COORDINATE_MISSING"),
        "SCIENTIFIC_NAME_UNREADABLE": ("TAXON_MATCH_NONE",),
    }
)
"""Flags that say no more once another is told."""

_NOT_OF_EVENTS: Final = frozenset(
    {
        flag
        for flag, cell in CELLS.items()
        if cell.columns in (_NAME, ("individualCount",), ("basisOfRecord",), ("occurrenceStatus",))
    }
)
_PAIR_RULES: Final = ("verbatim_coordinates", "verbatim_latitude_longitude")
_TELLS_ELSEWHERE: Final = MappingProxyType({"absent_where_none_counted": "individualCount"})


@dataclass(frozen=True)
class Rows:
    """The rows of a table as they came, and what of them their events tell.

    Attributes
    ----------
    table : SurveyTable
        Events or occurrences.
    own : dict of row number to cells
        As they came; None where a cell is empty or says that it is (`-`, `?`).
    known : set of int
        Rows whose event the survey has; empty for events.
    nothing : dict of (row, column) to str
        The cells that say that they are empty, as they came.
    """

    table: SurveyTable
    own: Mapping[int, Mapping[str, Any]]
    known: frozenset[int] = frozenset()
    nothing: Mapping[tuple[int, str], str] = field(default_factory=dict)

    def finding(self, row: int, column: str, code: str, *, blocking: bool, **params: str) -> Finding:
        """Return a finding about a cell."""
        table = self.table
        own = self.own[row]
        written = own.get(f"{WRITTEN}{column}")
        value = (own.get(column) or self.nothing.get((row, column))) if written is None else written or None
        return Finding(table.file, table.sheet, row, table.heading(column), value, code, blocking, params)


def found(rows: Rows, result: HarmonisedBatch) -> Iterator[Finding]:
    """Tell the doubts and repairs of a table's rows.

    Parameters
    ----------
    rows : Rows
        n rows.
    result : HarmonisedBatch
        What harmonising says of them, with what their events tell filled in.
    """
    interesting = result.interpreted.filter((pl.col("quality_flags").list.len() > 0) | pl.col("repairs").is_not_null())
    for row, flags, repairs, *told in interesting.select(
        "source_row", "quality_flags", "repairs", *FACTS.values()
    ).iter_rows():
        yield from _of_row(rows, row, flags, repairs or (), dict(zip(FACTS.values(), told, strict=True)))


def _of_row(rows: Rows, row: int, flags: list[str], repairs: Any, facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Tell the doubts and repairs of one row."""
    own = rows.own[row]
    split = one_cell(own)
    proposals: dict[str, str] = {}
    for repair in repairs:
        if not repair["applied"]:
            known = proposals.get(repair["term"])
            proposals[repair["term"]] = f"{known} / {repair['value']}" if known else repair["value"]
    yield from _repaired(rows, row, repairs)
    implied = {other for flag in flags for other in _IMPLIED.get(flag, ())}
    if split is not None:
        yield rows.finding(row, split[0], "COORDINATES_IN_ONE_CELL", blocking=True, proposal=split[1])
        implied |= {
            "COORDINATE_INVALID",
            "COORDINATE_MISSING",
            "COORDINATE_OUT_OF_RANGE",
            "PRESUMED_SWAPPED_COORDINATE",
        }
    for flag in flags:
        cell = CELLS.get(flag)
        if cell is None or flag in implied or (rows.table.kind != "occurrences" and flag in _NOT_OF_EVENTS):
            continue
        if rows.table.kind == "sites" and flag.startswith("RECORDED_DATE_"):
            continue
        column = _column(flag, cell, rows, row)
        if column is None or (row, column) in rows.table.covered:
            continue
        likely = proposals.get(column) or (_pair(proposals) if column == "verbatimCoordinates" else None)
        likely = likely or meant(flag, own.get(column), facts)
        yield rows.finding(row, column, flag, blocking=cell.blocking, **({"proposal": likely} if likely else {}))


def _repaired(rows: Rows, row: int, repairs: Any) -> Iterator[Finding]:
    """Tell what was read as something else."""
    own, pair = rows.own[row], {}
    for repair in repairs:
        if not repair["applied"]:
            continue
        if repair["rule"].startswith(_PAIR_RULES):
            pair[repair["term"]] = repair["value"]
            continue
        column = _TELLS_ELSEWHERE.get(repair["rule"], repair["term"])
        if own.get(column) is not None and (row, column) not in rows.table.covered:
            yield rows.finding(row, column, "VALUE_READ_AS", blocking=False, read=str(repair["value"]).removesuffix(".0"),
                               rule=repair["rule"])  # fmt: skip
    column = next((c for c in ("verbatimCoordinates", "verbatimLatitude") if own.get(c) is not None), None)
    if pair and column is not None and (row, column) not in rows.table.covered:
        yield rows.finding(row, column, "COORDINATES_SPLIT", blocking=False, read=_pair(pair) or "")


def _pair(values: Mapping[str, str]) -> str | None:
    """Return a latitude and a longitude as one text."""
    both = values.get("decimalLatitude"), values.get("decimalLongitude")
    return None if None in both else f"{both[0]}, {both[1]}"


def one_cell(own: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return which cell of a row holds both coordinates, where the other is empty or the same, and what they are."""
    latitude, longitude = own.get("decimalLatitude"), own.get("decimalLongitude")
    if (latitude is None) == (longitude is None) and latitude != longitude:
        return None
    text = latitude or longitude
    if text is None or len(text) < 5:
        return None
    read = read_pair(text)
    if read.latitude is None:
        return None
    return ("decimalLatitude" if latitude else "decimalLongitude"), f"{read.latitude:.10g}, {read.longitude:.10g}"


def _column(flag: str, cell: _Cell, rows: Rows, row: int) -> str | None:
    """Return which of the columns that a flag can be about it is about; None where an event tells it."""
    own, headings = rows.own[row], rows.table.headings
    columns = [column for column in cell.columns if column in headings]
    if flag.endswith("_MISSING"):
        told = [column for column in columns if own.get(column) is not None]
        if row in rows.known and not told and cell.columns in (_BOTH, _DATE):
            return None  # place and date are the event's whole or not at all
        if columns and columns[0] in ("decimalLatitude", "decimalLongitude"):
            columns = columns[:2]
        elif not columns and cell.columns in (_BOTH, _DATE):  # which only events tell: of none here
            columns = [column for column in ("eventID", "locationID") if column in headings]
        return next((column for column in columns if own.get(column) is None), None)
    wrong = _WRONG.get(flag, _is_told)
    told = [column for column in columns if own.get(column) is not None]
    return next((column for column in told if wrong(own[column])), told[0] if told else None)


def _is_told(value: str) -> bool:
    """Tell whether a cell is filled."""
    return bool(value)


def _is_no_number(value: str) -> bool:
    """Tell whether a cell is filled with something that is no number."""
    try:
        float(value.replace(",", "."))
    except ValueError:
        return True
    return value.count(",") == 1 and len(value.partition(",")[2]) == 3


def _is_two_numbers(value: str) -> bool:
    """Tell whether a cell of a year, a month or a day holds two numbers."""
    return re.fullmatch(r"\d{1,4}[\s:T]+\d+", value.strip()) is not None


_WRONG: Final = MappingProxyType({"COORDINATE_INVALID": _is_no_number, "RECORDED_DATE_INVALID": _is_two_numbers})
"""For flags of a pair of columns: what makes a cell the one that is meant."""


FACTS: Final = MappingProxyType(
    {"COUNTRY_COORDINATE_MISMATCH": "located_country_code", "TAXON_MATCH_FUZZY": "acceptedScientificName"}
)
"""Flags for which an interpreted column says what would be right."""
_METRES: Final = frozenset({"m", "m_above_sea_level"})
_WORDS: Final = 2
"""Words behind a count that may be what was counted; more of them may count others."""
_LENGTH: Final = "perpendicular_distance_m"
"""A term that is told in metres, whatever is meant by them."""


def meant(flag: str, value: str | None, facts: Mapping[str, Any]) -> str | None:
    """Return what is likely meant.

    Parameters
    ----------
    flag : str
        What is wrong.
    value : str, optional
        The cell.
    facts : mapping
        The row's interpreted columns of `FACTS`.

    Examples
    --------
    >>> meant("INDIVIDUAL_COUNT_INVALID", "2 ekor", {}), meant("INDIVIDUAL_COUNT_INVALID", "many", {})
    ('2', None)
    >>> meant("COORDINATE_UNCERTAINTY_METERS_INVALID", "0.2 km", {}), meant("ELEVATION_NON_NUMERIC", "约790米", {})
    ('200', '790')
    """
    if flag in FACTS:
        told = facts.get(FACTS[flag])
        return None if told is None else str(told)
    if value is None:
        return None
    if flag in _TIMES:
        return _TIMES[flag](value)
    told_number = read_told(value) if flag in _NUMBERS else None
    return None if told_number is None else _NUMBERS[flag](told_number)


def _count(told: ToldNumber) -> str | None:
    """Return the number of individuals; of a range or a bound nobody can say which."""
    unit = _unit(told, "individualCount")
    number = told.single
    if number is None or number < 0 or not number.is_integer() or len(told.unit.split()) > _WORDS:
        return None
    if unit is not None and not fits("individualCount", unit):
        return None
    return f"{number:.0f}"


def _radius(told: ToldNumber) -> str | None:
    """Return the uncertainty in metres; of a range the greatest, since the place may lie that far off."""
    number = _in_metres(told.greatest, told)
    return None if number is None or float(number) <= 0 else number


def _height(word: str) -> Callable[[ToldNumber], str | None]:
    """Return what reads elevations or depths, in metres; both ends of a range."""

    def read(told: ToldNumber) -> str | None:
        least, greatest = _in_metres(told.least, told), _in_metres(told.greatest, told)
        if least is None or greatest is None or told.single is not None:
            return least if told.single is not None else None
        return f"minimum{word}InMeters {least}, maximum{word}InMeters {greatest}"

    return read


def _distance(told: ToldNumber) -> str | None:
    """Return a distance in metres."""
    number = _in_metres(told.single, told)
    return None if number is None or float(number) < 0 else number


def _effort(told: ToldNumber) -> str | None:
    """Return the number of an effort without its unit."""
    unit, number = _unit(told, "sampleSizeValue"), told.single
    if number is None or number < 0 or (told.unit and (unit is None or not fits("sampleSizeValue", unit))):
        return None
    return f"{number:.10g}"


def _degrees(told: ToldNumber) -> str | None:
    """Return a number of degrees; what has a unit is read as an angle elsewhere."""
    number = told.single
    return None if number is None or told.unit or abs(number) > 180 else f"{number:.10g}"


def _in_metres(number: float | None, told: ToldNumber) -> str | None:
    """Return a length in metres; None where its unit is none of lengths."""
    unit = _unit(told, _LENGTH)
    if number is None or (told.unit and unit is None):
        return None
    plain = f"{number:.10g}"
    if unit is None or unit.name in _METRES:
        return plain
    metres = in_metres(_LENGTH, unit.name, [plain])
    return metres[0] if metres else None


def _unit(told: ToldNumber, term: str) -> Unit | None:
    """Return the unit behind a number, as a term may have it."""
    return split_unit(f"x ({told.unit})", term)[1] if told.unit else None


_NUMBERS: Final = MappingProxyType(
    {
        "INDIVIDUAL_COUNT_INVALID": _count,
        "COORDINATE_UNCERTAINTY_METERS_INVALID": _radius,
        "ELEVATION_NON_NUMERIC": _height("Elevation"),
        "DEPTH_NON_NUMERIC": _height("Depth"),
        "DISTANCE_INVALID": _distance,
        "EFFORT_INVALID": _effort,
        "COORDINATE_INVALID": _degrees,
    }
)
"""Flags of numbers, and what reads what is told in their cell."""
_TIMES: Final = MappingProxyType({"RECORDED_DATE_INVALID": meant_date, "TIME_UNREADABLE": meant_time})
"""Flags of dates and times of day, and what reads what is told in their cell."""
