"""Dates in requests, and what they ask of a record whose own date may be a day, a month, a year or unknown."""

import calendar
import re
from datetime import date
from typing import Final

from api.errors import invalid
from biodata.store.query.filters import And, Between, Compare, Filter, IsNull, Or

_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T[0-9:.]{2,20}(?:Z|[+-]\d{2}:?\d{2})?)?)?)?", re.ASCII)


def read_dates(name: str, value: str, *, separator: str) -> tuple[date | None, date | None]:
    """Read a day, month or year, or two of them, into the first and the last day.

    Parameters
    ----------
    name, value : str
        The parameter.
    separator : str
        What stands between two: a comma in GBIF's API, a slash in OGC's.

    Returns
    -------
    (date or None, date or None)
        None is an open end, told as `*`, `..` or nothing.

    Raises
    ------
    ProblemError
        If a date cannot be read, or the last day lies before the first.
    """
    parts = value.split(separator)
    if len(parts) > 2:
        raise invalid(field=name, value=value, expected=f"one date, or two with {separator!r} between them")
    first, last = _day(name, parts[0], last=False), _day(name, parts[-1], last=True)
    if first is not None and last is not None and last < first:
        raise invalid(field=name, value=value, expected="an end that does not lie before the start")
    return first, last


def _day(name: str, text: str, *, last: bool) -> date | None:
    """Return the first or the last day that a date allows."""
    if text in ("*", "..", ""):
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        raise invalid(field=name, value=text, expected="a date such as 2019, 2019-05 or 2019-05-31")
    try:
        year, month = int(match[1]), int(match[2] or (12 if last else 1))
        return date(year, month, int(match[3] or (calendar.monthrange(year, month)[1] if last else 1)))
    except ValueError as error:
        raise invalid(field=name, value=text, expected="a day of the calendar") from error


def within(first: date | None, last: date | None) -> Filter:
    """Return the filter for records whose whole date lies between two days; with only a year, the whole year must."""
    dated: list[Filter] = [Compare("event_start", ">=", first)] if first else [Between("event_start", None, None)]
    dated += [Compare("event_end", "<=", last)] if last else []
    low = first and (first.year if (first.month, first.day) == (1, 1) else first.year + 1)
    high = last and (last.year if (last.month, last.day) == (12, 31) else last.year - 1)
    return Or((And(tuple(dated)), And((IsNull("event_start"), Between("year", low, high)))))


def overlaps(first: date | None, last: date | None) -> Filter:
    """Return the filter for records whose date may lie between two days; of some records only the year is published."""
    dated: list[Filter] = [Compare("event_end", ">=", first)] if first else [Between("event_end", None, None)]
    dated += [Compare("event_start", "<=", last)] if last else []
    year = Between("year", first and first.year, last and last.year)
    return Or((And(tuple(dated)), And((IsNull("event_start"), year))))
