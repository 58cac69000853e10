"""What is likely meant by a cell that is wrong, where harmonising proposes nothing: proposals, never taken over."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from biodata.ingest.headings.units import Unit, fits, split_unit
from biodata.ingest.sheet_units import in_metres
from biodata.parsers.told_numbers import ToldNumber, read_told
from biodata.parsers.told_times import meant_date, meant_time

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
