"""Survey effort written as text: a number and its unit in the region's languages, brought to a design's own unit."""

import re
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.parsers.area_units import known_unit, square_metres
from biodata.parsers.bundled import read_rows
from biodata.parsers.controlled import plain_key
from biodata.parsers.decimals import parse_decimal

LONGEST: Final = 80
"""No effort is told in a longer text."""

_INTO: Final = MappingProxyType(
    {
        # A camera's day has one night; 24 hours of running are one, too.
        "trap-night": {"night": 1.0, "day": 1.0, "time": 1 / 24},
        "reporting-day": {"day": 1.0},
        "km": {"length": 1.0},
        "hour": {"time": 1.0},
        "minute": {"time": 60.0},
        "net-metre-hour": {"net": 1.0},
        "m²": {"area": 1.0},
    }
)
"""Unit of a design → what can be made into it, with the factor for a size of 1: nights, days, hours, km, m²."""


_ISO_DURATION: Final = re.compile(r"PT(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?", re.ASCII)
_TWO_UNITS: Final = re.compile(r"(\d+)\s*([^\d\s.,]+)\.?,?\s*(\d{1,2})\s*([^\d\s.,]*)\.?", re.ASCII)


class Unit(NamedTuple):
    """A unit: what it measures, and its size in nights, days, hours, kilometres, net-metre-hours or m²."""

    dimension: str
    size: float


def effort_unit(text: str) -> Unit | None:
    """Return the unit that a text names; None where it is not known."""
    found = _units().get(plain_key(text[:LONGEST]))
    if found is not None:
        return found
    area = known_unit(text[:LONGEST])
    return None if area is None else Unit("area", area[1] * square_metres()[area[0]])


def read_effort(text: str) -> tuple[float | None, str | None]:
    """Return the number that a text begins with, and the text of the unit behind it; each None where there is none.

    A time in two units, or as ISO 8601 writes durations, is told in hours.

    Examples
    --------
    >>> read_effort("21 trap-nights")
    (21.0, 'trap-nights')
    >>> read_effort("2 h 30 min"), read_effort("PT45M")
    ((2.5, 'hour'), (0.75, 'hour'))
    """
    short = text.strip()[:LONGEST]
    hours = _hours(short)
    if hours is not None:
        return hours, "hour"
    end = next((at for at, sign in enumerate(short) if sign.isalpha()), len(short))
    number, _ = parse_decimal(short[:end].strip())
    return number, short[end:].strip() or None


def _hours(text: str) -> float | None:
    """Return the hours of a time in two units (`2 h 30 min`, `2h30`) or of an ISO duration; None where it is neither."""
    iso = _ISO_DURATION.fullmatch(text)
    if iso is not None and any(iso.groups()):
        hours, minutes, seconds = (float(told or 0) for told in iso.groups())
        return hours + minutes / 60 + seconds / 3600
    found = _TWO_UNITS.fullmatch(text)
    if found is None:
        return None
    first, second = effort_unit(found[2]), effort_unit(found[4] or "min")
    if first is None or second is None or {first.dimension, second.dimension} != {"time"} or first.size <= second.size:
        return None
    return float(found[1]) * first.size + float(found[3]) * second.size


def in_unit(number: float, unit: Unit, wanted: str) -> float | None:
    """Return a number of one unit in another; None where the one cannot be made into the other.

    Parameters
    ----------
    number : float
        How many.
    unit : Unit
        Of what.
    wanted : str
        A value of `vocabularies.EFFORT_UNITS`.
    """
    factor = _INTO.get(wanted, {}).get(unit.dimension)
    return None if factor is None else number * unit.size * factor


@cache
def _units() -> MappingProxyType[str, Unit]:
    """Return every name of every unit of `effort_units.csv`."""
    return MappingProxyType(
        {
            plain_key(name): Unit(row["dimension"], float(row["size"]))
            for row in read_rows("effort_units.csv")
            for name in (row["value"], *row["names"].split("|"))
        }
    )
