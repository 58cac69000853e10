"""What one text says of a date: the answer with its doubts, proposals and confidence."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.parsers.calendars import BUDDHIST_YEARS, Era, common_years, exists
from biodata.parsers.confidence import Confidence
from biodata.parsers.date_forms import AmbiguousError, Moment, first_day, last_day
from biodata.parsers.date_intervals import read_ends
from biodata.parsers.numerals import ascii_digits
from biodata.parsers.short_years import full_years

INVALID: Final = "RECORDED_DATE_INVALID"
UNLIKELY: Final = "RECORDED_DATE_UNLIKELY"
SERIAL: Final = "RECORDED_DATE_EXCEL_SERIAL"
BUDDHIST: Final = "RECORDED_DATE_BUDDHIST_ERA"
AMBIGUOUS: Final = "RECORDED_DATE_DAY_MONTH_AMBIGUOUS"

TWO_DIGITS: Final = "two_digit_year"

# Linnaeus is of 1758; GBIF doubts records from before 1600.
FIRST_LIKELY_YEAR: Final = 1600
# Day 1 of Excel's 1900 system is 1900-01-01, and it counts a 29 February 1900 that never was; its 1904 system counts
# from day 0. https://learn.microsoft.com/en-us/office/troubleshoot/excel/1900-and-1904-date-system
EPOCHS: Final = MappingProxyType({"1900": date(1899, 12, 30), "1904": date(1904, 1, 1)})

# No date needs more; a longer text would only keep the patterns busy.
LONGEST: Final = 80

SIGNS: Final = str.maketrans(
    "\u2212\u2010\u2011\u2012\u2013\u2014\uff0d\uff0f\uff0e\uff1a\uff0c\uff5e\u301c\u223c", "-------/.:,~~~"
)
_SERIAL: Final = re.compile(r"(\d{5})(\.\d+)?")


class Parsed(NamedTuple):
    """What a text says of a date: the columns of `parse_dates` after `value`."""

    event_date: str | None = None
    start: date | None = None
    end: date | None = None
    precision: str | None = None
    time: str | None = None
    zone: str | None = None
    issue: str | None = None
    proposal: str | None = None
    rule: str | None = None
    alternative: str | None = None
    alternative_rule: str | None = None
    confidence: str | None = None


@lru_cache(maxsize=1 << 17)
def parse_date(
    text: str,
    *,
    today: date,
    buddhist: bool = False,
    day_first: bool | None = None,
    spreadsheet: str | None = None,
) -> Parsed:
    """Read one date; parameters and answers as in `parse_dates`."""
    if len(text) > LONGEST:
        return Parsed(issue=INVALID)
    told = ascii_digits(text).translate(SIGNS).strip()
    if serial := _SERIAL.fullmatch(told):
        return _serial(int(serial[1]), float(serial[2] or 0), today, spreadsheet)
    try:
        answer = _answer(*read_ends(told, day_first=None), today=today, buddhist=buddhist)
    except AmbiguousError:
        return _either_way(told, day_first, today=today, buddhist=buddhist)
    except (ValueError, OverflowError):
        return _short_year(told, day_first, today=today)
    if answer.rule is None and answer.start is not None and not text.isascii():
        return answer._replace(rule="digits")
    return answer


def _either_way(told: str, day_first: bool | None, *, today: date, buddhist: bool) -> Parsed:
    """Read a date whose day and month could be either way round: as the column says, else propose both."""
    readings = {}
    for order in (True, False):
        try:
            readings[order] = _answer(*read_ends(told, day_first=order), today=today, buddhist=buddhist)
        except (ValueError, OverflowError):
            readings[order] = Parsed(issue=INVALID)
    if day_first is not None:
        read = readings[day_first]
        return (
            read._replace(confidence=Confidence.PROBABLE.value)
            if read.confidence == Confidence.DEFINITE.value
            else read
        )
    proposals = []
    for order, rule in ((True, "day_first"), (False, "month_first")):
        reading = readings[order]
        if reading.issue is None:
            proposals.append((reading.event_date, rule))
        elif reading.issue == BUDDHIST and reading.alternative is None:
            proposals.append((reading.proposal, f"{rule}+{reading.rule}"))
    return _proposed(AMBIGUOUS, proposals)


def _short_year(told: str, day_first: bool | None, *, today: date) -> Parsed:
    """Propose the dates that a year of two digits can be of; any other text is no date."""
    proposals = []
    for text, _, era in full_years(told, today=today):
        for order in (True, False) if day_first is None else (day_first,):
            if era is Era.BUDDHIST and not order:
                continue
            try:
                read = _answer(*read_ends(text, day_first=order), today=today, buddhist=True)
            except (ValueError, OverflowError):
                continue
            proposal = (read.event_date, "+".join(filter(None, (TWO_DIGITS, read.rule))))
            if read.issue is None and proposal not in proposals:
                proposals.append(proposal)
    return _proposed(INVALID, proposals)


def _proposed(issue: str, proposals: Sequence[tuple[str | None, str]]) -> Parsed:
    """Return a doubt with the one or two readings that wait for a decision."""
    told = [*proposals[:2], (None, None), (None, None)]
    return Parsed(
        issue=issue,
        proposal=told[0][0],
        rule=told[0][1],
        alternative=told[1][0],
        alternative_rule=told[1][1],
        confidence=Confidence.POSSIBLE.value if proposals else None,
    )


def _serial(days: int, fraction: float, today: date, declared: str | None) -> Parsed:
    """Propose the dates that a spreadsheet's day number stands for; read it where its system is declared."""
    seconds = round(fraction * 86_400)
    clock = f"T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" if 0 < seconds < 86_400 else ""
    dates = {system: epoch + timedelta(days=days) for system, epoch in EPOCHS.items()}
    proposals = [
        (f"{day.isoformat()}{clock}", f"excel_serial_{system}") for system, day in dates.items() if day <= today
    ]
    if declared is not None:
        text, day = f"{dates[declared].isoformat()}{clock}", dates[declared]
        if day > today:
            return Parsed(issue=UNLIKELY)
        precision, rule = "time" if clock else "day", f"excel_serial_{declared}"
        return Parsed(text, day, day, precision, clock[1:] or None, rule=rule, confidence=Confidence.PROBABLE.value)
    return _proposed(SERIAL, proposals) if proposals else Parsed(issue=INVALID)


def _answer(first: Moment, last: Moment, *, today: date, buddhist: bool) -> Parsed:
    """Turn both ends into an answer, with its doubts."""
    ends = (first, last)
    bare = all(end.era is None and end.year in BUDDHIST_YEARS for end in ends)
    eras = {Era.BUDDHIST if bare else end.era or Era.COMMON for end in ends}
    if eras == {Era.COMMON}:
        return _common(first, last, today)
    if len(eras) > 1:
        return Parsed(issue=INVALID)
    era = eras.pop()
    answers = [_common(*pair, today) for pair in _converted(first, last, era)]
    read = [answer for answer in answers if answer.issue is None]
    if len(answers) == 1 and (not bare or buddhist or not read):
        return answers[0]._replace(confidence=Confidence.PROBABLE.value if bare and read else answers[0].confidence)
    if not read:
        return Parsed(issue=UNLIKELY)
    return _proposed(BUDDHIST, [(answer.event_date, answer.rule or era) for answer in read])


def _converted(first: Moment, last: Moment, era: Era) -> list[tuple[Moment, Moment]]:
    """Return both ends in the common era, in each way that they could be meant."""
    years = [common_years(end.year, end.month, era) for end in (first, last)]
    pairs = []
    for way in range(max(map(len, years))):
        both = [
            end._replace(year=choices[min(way, len(choices) - 1)], rule=era.value)
            for end, choices in zip((first, last), years, strict=True)
        ]
        if all(exists(end.year, end.month, end.day) for end in both):
            pairs.append((both[0], both[1]))
    return pairs


def _common(first: Moment, last: Moment, today: date) -> Parsed:
    """Turn both ends, in the common era, into an answer."""
    start, end = first_day(first), last_day(last)
    if end < start or (start == end and _clock_runs_back(first, last)):
        reversed_ = _common(last, first, today) if first_day(last) <= last_day(first) else Parsed()
        proposals = [(reversed_.event_date, "reversed_interval")] if reversed_.event_date and end < start else []
        return _proposed(INVALID, proposals)
    # A whole year or month may end after today, a told end may not begin after it.
    if first_day(last) > today + timedelta(days=1):
        return Parsed(issue=UNLIKELY)
    issue = UNLIKELY if start.year < FIRST_LIKELY_YEAR else None
    confidence = Confidence.PROBABLE.value if issue else Confidence.DEFINITE.value
    rule = first.rule or last.rule
    clock = to_second(first.time)
    if first[:5] == last[:5]:
        precision = "time" if first.time else "day" if first.day else "month" if first.month else "year"
        text = _iso(first)
    else:
        precision, text = "interval", f"{_iso(first)}/{_iso(last)}"
    return Parsed(text, start, end, precision, clock, first.zone, issue=issue, rule=rule, confidence=confidence)


def _clock_runs_back(first: Moment, last: Moment) -> bool:
    """Tell whether an interval within a day ends before it begins, in one zone."""
    return first.time is not None and last.time is not None and first.zone == last.zone and last.time < first.time


def to_second(clock: str | None) -> str | None:
    """Return a time of day without fractions of a second."""
    return clock[:8] if clock else None


def _iso(moment: Moment) -> str:
    """Write a moment as ISO 8601 text, as far as it was told."""
    text = f"{moment.year:04}"
    text += f"-{moment.month:02}" if moment.month else ""
    text += f"-{moment.day:02}" if moment.day else ""
    if moment.time:
        zone = "Z" if moment.zone == "+00:00" else moment.zone or ""
        text += f"T{moment.time}{zone}"
    return text
