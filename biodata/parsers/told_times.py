"""Times of day and dates as people tell them in a cell: `7.30`, `早上7点半`, `jam 7 pagi`, `约2026年3月`. For proposals alone."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.parsers.bundled import read_rows
from biodata.parsers.dates import parse_dates
from biodata.parsers.told_numbers import LONGEST, around, plain, without

_CLOCK: Final = re.compile(r"(\d{1,2})(?:\s*[.:h时時点點]\s*([0-5]\d)?)?|(\d{2})([0-5]\d)")
_DOUBT: Final = re.compile(r"\s*(?:\(\?+\)|[?？]+)$")


def meant_time(text: str) -> str | None:
    """Return the time of day that a text likely tells, as HH:MM; None where nothing is likely.

    A number alone may be anything; with a word of the clock or of the day it is an hour.

    Examples
    --------
    >>> meant_time("7.30"), meant_time("早上7点半"), meant_time("jam 7 pagi"), meant_time("下午2点"), meant_time("7")
    ('07:30', '07:30', '07:00', '14:00', None)
    """
    if len(text) > LONGEST:
        return None
    rest, _ = without(plain(text), "about")
    said = set()
    for _ in range(3):  # a word of the day, one of the clock, and half an hour
        for kind, (before, behind) in _around().items():
            shorter = behind.sub("", before.sub("", rest, count=1), count=1).strip(" -")
            if shorter != rest:
                said.add(kind)
                rest = shorter
    found = _CLOCK.fullmatch(rest)
    if found is None or (rest.isdigit() and len(rest) < 3 and not said):
        return None
    hour, minute = int(found[1] or found[3]), int(found[2] or found[4] or 0)
    if "half" in said:
        minute = 30 if not minute else 60
    if "evening" in said and 1 <= hour <= 11:
        hour += 12
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 and not ("morning" in said and hour > 12) else None


def meant_date(text: str) -> str | None:
    """Return the date that a text likely tells, in ISO 8601, without words of doubt and for a date around it.

    Examples
    --------
    >>> meant_date("约2026年3月"), meant_date("2026-03-01?"), meant_date("ngày 1/3/2026"), meant_date("summer")
    ('2026-03', '2026-03-01', None, None)
    >>> meant_date("ngày 31/3/2026")
    '2026-03-31'
    """
    if len(text) > LONGEST:
        return None
    told = plain(_DOUBT.sub("", text.strip()))
    rest, _ = without(told, "about")
    rest = _before_dates().sub("", rest, count=1).strip(" :")
    if rest == plain(text):
        return None
    read = parse_dates(pl.Series([rest], dtype=pl.String), today=date(9999, 1, 1))
    found = read["event_date"].item() if read["issue"].item() is None else None
    return found if isinstance(found, str) else None


@cache
def _around() -> Mapping[str, tuple["re.Pattern[str]", "re.Pattern[str]"]]:
    """Return, by kind, what finds its words before and behind a clock."""
    rows = read_rows("told_times.csv")
    return MappingProxyType({row["kind"]: around(plain(word) for word in row["words"].split("|")) for row in rows})


@cache
def _before_dates() -> "re.Pattern[str]":
    """Return what finds a word for the day before a date."""
    rows = [row for row in read_rows("date_words.csv") if row["kind"] == "day_before"]
    return around(plain(word) for row in rows for word in row["names"].split("|"))[0]
