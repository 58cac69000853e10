"""Dates of records: ISO 8601 as Darwin Core uses it, partial dates, intervals, and what spreadsheets make of them.

A date is never more precise than stated and never guessed: what could be two dates gets a flag and no value.

Conventions
- Day before month or month before day is stated by the column (`day_month.OrderEvidence`) or declared, never by one value.
- Two digits are never read as a year; the two years that they most likely stand for are proposed.
- 24:00 stays with the day that it ends. Years before 1 and beyond 9999 are not read.
- A year of 2400-2600 without its era may be of the Buddhist Era, even where nothing else is possible: it is proposed, and
  read only where the text says its era or the dataset declares the calendar. Minguo always says itself.
- A spreadsheet's day number is proposed in both of its systems, of 1900 and of 1904.
- A reversed interval is no date; the interval the right way round is proposed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.text.date_forms import AmbiguousError, Moment, first_day, last_day, read_ends
from biodata.text.date_words import BUDDHIST_YEARS, Era, common_years, exists
from biodata.text.numbers import ascii_digits
from biodata.text.tables import Confidence, columns_of, over_distinct
from biodata.text.times import read_time

# Dates whose year has two digits: never read, but the years that they can be of are proposed.
#
# Conventions
# - The year is of this century where it is not yet to come, or of the last one: `15/3/10` is of 2010, or of 1910.
# - Thailand and Laos leave the 25 of the Buddhist Era out: `15/3/69` is of 2569, which is 2026. They write the day first.
# - What is latest comes first, since most records are young.
# - `12-05-10` may begin with its year, too: of three readings none is proposed.

_FIGURES: Final = re.compile(
    r"(?P<day>\d{1,2}\s?(?P<sign>[-/. ])\s?(?P<second>\d{1,2})\s?(?P=sign)\s?)(?P<year>\d{2})(?P<clock>\s+\d{1,2}[:.]\d\d\S*)?"
)
_WORDS: Final = re.compile(
    r"(?P<day>\d{1,2}[\s./-]*[^\W\d]\D*?[\s./-]*)(?P<year>\d{2})(?P<clock>\s+\d{1,2}[:.]\d\d\S*)?"
)
_LAST_DAY: Final = 31
_LAST_MONTH: Final = 12
_BUDDHIST_AHEAD: Final = 543


class FullYear(NamedTuple):
    """A date with a whole year, the year in the common era, and the era that it is written in."""

    text: str
    year: int
    era: Era


def full_years(text: str, *, today: date) -> Iterator[FullYear]:
    """Yield a date with each year that its two digits can stand for, the latest first; nothing for any other text."""
    match = _FIGURES.fullmatch(text) or _WORDS.fullmatch(text)
    if match is None:
        return
    digits, century = int(match["year"]), today.year // 100 * 100
    figures = match.re is _FIGURES
    if figures and match["sign"] == "-" and digits <= _LAST_DAY:
        return
    years = [(century + digits, Era.COMMON), (century - 100 + digits, Era.COMMON)]
    if int(match["second"]) <= _LAST_MONTH if figures else not text.isascii():
        years.append((2500 + digits - _BUDDHIST_AHEAD, Era.BUDDHIST))
    for year, era in sorted(years, reverse=True):
        if year <= today.year:
            written = year + _BUDDHIST_AHEAD if era is Era.BUDDHIST else year
            yield FullYear(f"{match['day']}{written}{match['clock'] or ''}", year, era)


# What one text says of a date: the answer with its doubts, proposals and confidence.

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
    stated = ascii_digits(text).translate(SIGNS).strip()
    if serial := _SERIAL.fullmatch(stated):
        return _serial(int(serial[1]), float(serial[2] or 0), today, spreadsheet)
    try:
        answer = _answer(*read_ends(stated, day_first=None), today=today, buddhist=buddhist)
    except AmbiguousError:
        return _either_way(stated, day_first, today=today, buddhist=buddhist)
    except (ValueError, OverflowError):
        return _short_year(stated, day_first, today=today)
    if answer.rule is None and answer.start is not None and not text.isascii():
        return answer._replace(rule="digits")
    return answer


def _either_way(text: str, day_first: bool | None, *, today: date, buddhist: bool) -> Parsed:
    """Read a date whose day and month could be either way round: as the column says, else propose both."""
    readings = {}
    for order in (True, False):
        try:
            readings[order] = _answer(*read_ends(text, day_first=order), today=today, buddhist=buddhist)
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


def _short_year(stated: str, day_first: bool | None, *, today: date) -> Parsed:
    """Propose the dates that a year of two digits can be of; any other text is no date."""
    proposals = []
    for text, _, era in full_years(stated, today=today):
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
    entries = [*proposals[:2], (None, None), (None, None)]
    return Parsed(
        issue=issue, proposal=entries[0][0], rule=entries[0][1], alternative=entries[1][0],
        alternative_rule=entries[1][1], confidence=Confidence.POSSIBLE.value if proposals else None,
    )  # fmt: skip


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
    # A whole year or month may end after today, a stated end may not begin after it.
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
    """Return whether an interval within a day ends before it begins, in one zone."""
    return first.time is not None and last.time is not None and first.zone == last.zone and last.time < first.time


def to_second(clock: str | None) -> str | None:
    """Return a time of day without fractions of a second."""
    return clock[:8] if clock else None


def _iso(moment: Moment) -> str:
    """Write a moment as ISO 8601 text, as far as it was stated."""
    text = f"{moment.year:04}"
    text += f"-{moment.month:02}" if moment.month else ""
    text += f"-{moment.day:02}" if moment.day else ""
    if moment.time:
        zone = "Z" if moment.zone == "+00:00" else moment.zone or ""
        text += f"T{moment.time}{zone}"
    return text


SCHEMA: Final = pl.Schema([("value", pl.String()), *columns_of(Parsed).items()])

_FULL_ISO: Final = r"^\d{4}-\d{2}-\d{2}(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-](0\d|1[0-3]):[0-5]\d)?)?$"


def parse_dates(
    values: pl.Series,
    *,
    today: date,
    buddhist: bool = False,
    day_first: bool | None = None,
    spreadsheet: str | None = None,
) -> pl.DataFrame:
    """Read a column of dates.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    today : date
        Nothing is recorded after it (a day more is allowed, for places where it is tomorrow already).
    buddhist : bool
        The dataset declares the Buddhist Era: its years 2400-2600 are converted, not only doubted.
    day_first : bool, optional
        What the whole column says of `03/04/2010`: True for the day first, False for the month first; None where it
        is not known, then such a date is flagged and not read.
    spreadsheet : str, optional
        The dataset declares that day numbers are dates, and of which system: `1900` or `1904`.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `event_date` in ISO 8601; `start` and `end`, the first and last day it allows; `precision`:
        year, month, day, time or interval; `time` HH:MM[:SS] and `zone` ±HH:MM as stated; `issue`, a flag's name;
        `proposal`, ISO text that waits for a decision; `rule`, where the text was no ISO date or is a proposal's;
        `alternative` and `alternative_rule`, the other reading of a text that has two; `confidence`: DEFINITE where the
        text has one reading, PROBABLE where a declaration or the column decided or the date is doubted and kept,
        POSSIBLE where there are only proposals, null where there is nothing.
        A value with an issue has no date, except one of before 1600: it is doubted and kept.

    Notes
    -----
    Forms after https://dwc.tdwg.org/terms/#dwc:eventDate and ISO 8601-1:2019.
    """
    if values.null_count() == values.len():
        return pl.DataFrame(schema=SCHEMA).clear(values.len())
    distinct = values.drop_nulls().unique()
    if 2 * distinct.len() > values.len():
        # Hardly a value comes twice: where all are complete ISO dates, joining costs more than reading each.
        whole = values.alias("value").to_frame().with_columns(start=_full_iso_day(today))
        if whole["start"].null_count() == values.null_count():
            return _full_iso(whole)

    def parse(distinct: pl.Series) -> pl.DataFrame:
        plain = distinct.alias("value").to_frame().with_columns(start=_full_iso_day(today))
        odd = plain.filter(pl.col("start").is_null())["value"]
        rows = [
            (text, *parse_date(text, today=today, buddhist=buddhist, day_first=day_first, spreadsheet=spreadsheet))
            for text in odd
        ]
        read = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        return pl.concat([_full_iso(plain.filter(pl.col("start").is_not_null())), read])

    return over_distinct(values, parse)


def _full_iso_day(today: date) -> pl.Expr:
    """Return the day of a complete ISO date of likely years, most dates of most files; null for any other text."""
    value = pl.col("value")
    day = pl.when(value.str.contains(_FULL_ISO)).then(value.str.slice(0, 10)).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.is_between(date(FIRST_LIKELY_YEAR, 1, 1), today)).then(day)


def _full_iso(plain: pl.DataFrame) -> pl.DataFrame:
    """Return the answers of `parse_dates` for complete ISO dates, from their `value` and `start`."""
    time_and_zone = pl.col("value").str.slice(11)
    time = time_and_zone.str.extract(r"^(\d\d:\d\d(?::\d\d)?)")
    zone = time_and_zone.str.extract(r"(Z|[+-]\d\d:\d\d)$").replace("Z", "+00:00")
    nothing, read = pl.lit(None, dtype=pl.String), pl.col("start").is_not_null()
    return plain.select(
        "value",
        pl.col("value").str.replace(r"\+00:00$", "Z").alias("event_date"),
        "start",
        pl.col("start").alias("end"),
        pl.when(time.is_not_null()).then(pl.lit("time")).when(read).then(pl.lit("day")).alias("precision"),
        time.alias("time"),
        zone.alias("zone"),
        *(nothing.alias(name) for name in ("issue", "proposal", "rule", "alternative", "alternative_rule")),
        pl.when(read).then(pl.lit(Confidence.DEFINITE.value)).alias("confidence"),
    )


def parse_times(values: pl.Series) -> pl.DataFrame:
    """Read a column of times of day.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `14:07`, `14:07:30-06:00`, `08:40Z`.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `clock` as HH:MM[:SS] and `offset` as ±HH:MM, null where they cannot be read.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *_time(text)) for text in distinct]
        return pl.DataFrame(rows, schema=dict.fromkeys(("value", "clock", "offset"), pl.String), orient="row")

    return over_distinct(values, parse)


def _time(text: str) -> tuple[str | None, str | None]:
    """Return a time of day and its offset."""
    stated = ascii_digits(text[:LONGEST]).translate(SIGNS).strip()
    try:
        clock, zone = read_time(stated)
    except ValueError:
        return None, None
    # 8 or 1407 alone may be a count, and a zone by name needs the day.
    if stated.isdigit() or (zone is not None and zone[0] not in "+-"):
        return None, None
    return to_second(clock), zone


# Whether a column writes the day first or the month first: stated by the whole column, never by one value.
_DATE: Final = r"(\d{1,2})\s?[-/.\\_ ]\s?(\d{1,2})\s?[-/.\\_ ]\s?\d{4}"
_FIRST: Final = rf"^\s*{_DATE}(?:\D|$)"
_SECOND: Final = rf"\d{{4}}\s*(?:-|/|~|to|至|到)\s*{_DATE}\s*$"


@dataclass(frozen=True, slots=True)
class OrderEvidence:
    """What the rows of a column say of 03/04/2010.

    Attributes
    ----------
    day_first, month_first : int
        Rows that can only have the day, or the month, first.
    ambiguous : int
        Rows that could have either.
    """

    day_first: int = 0
    month_first: int = 0
    ambiguous: int = 0

    @classmethod
    def of(
        cls,
        values: pl.Series,
        month: pl.Series | None = None,
        day: pl.Series | None = None,
        *,
        today: date,
        buddhist: bool = False,
    ) -> "OrderEvidence":
        """Count the evidence of a column, or of a batch of it.

        Parameters
        ----------
        values : polars.Series of str, length n
            Dates as stated.
        month, day : polars.Series of str, length n, optional
            Month and day stated beside them: a row whose two numbers are these, in one order only, proves that order.
        today : date
            Nothing is recorded after it.
        buddhist : bool
            The years are of the Buddhist Era.

        Returns
        -------
        OrderEvidence
        """
        rows = pl.DataFrame({"text": values.cast(pl.String)})
        beside = {"month": month, "day": day}
        rows = rows.with_columns(
            pl.lit(None, pl.String).alias(k) if v is None else v.alias(k) for k, v in beside.items()
        )
        return cls.by_group(what_rows_prove(rows.with_columns(group=pl.lit("")), today=today, buddhist=buddhist)).get(
            "", cls()
        )

    @classmethod
    def by_group(cls, rows: pl.DataFrame) -> "dict[str, OrderEvidence]":
        """Count the evidence of several columns, or of batches of them, at once.

        Parameters
        ----------
        rows : polars.DataFrame of n rows
            What `what_rows_prove` gives; `group` names the column.

        Returns
        -------
        dict of str to OrderEvidence
            Of each group that has dates which do not begin with the year.
        """
        counts = rows.group_by("group").agg(pl.col("day_first", "month_first", "either").sum())
        return {group: cls(*found) for group, *found in counts.iter_rows()}

    def merge(self, other: "OrderEvidence") -> "OrderEvidence":
        """Return the evidence of both together; the order in which evidence is merged does not matter."""
        return OrderEvidence(
            self.day_first + other.day_first,
            self.month_first + other.month_first,
            self.ambiguous + other.ambiguous,
        )

    @property
    def order(self) -> bool | None:
        """True where the day stands first, False where the month does, None where the column does not tell."""
        if bool(self.day_first) == bool(self.month_first):
            return None
        return self.day_first > 0


def what_rows_prove(rows: pl.DataFrame, *, today: date, buddhist: bool = False) -> pl.DataFrame:
    """Tell of each date which order it proves, or that it could be read either way.

    Parameters
    ----------
    rows : polars.DataFrame of n rows
        Texts: `text` is the date as stated, `month` and `day` are stated beside it; other columns stay.
    today : date
        Nothing is recorded after it.
    buddhist : bool
        The dataset declares the Buddhist Era.

    Returns
    -------
    polars.DataFrame
        The rows whose date does not begin with the year, with bool columns: `day_first` and `month_first`, what the row
        proves; `day_by_size` and `month_by_size`, what its numbers alone prove; `either`, it waits for an order.
    """
    rows = rows.filter(~pl.col("text").str.contains(r"^\s*\d{4}(?:\D|$)"))
    parsed = parse_dates(rows["text"], today=today, buddhist=buddhist)
    waits = pl.col("issue") == AMBIGUOUS
    readings = parsed.select(
        read=pl.col("start").is_not_null() & pl.col("issue").is_null(),
        day_waits=waits & (pl.col("rule") == "day_first"),
        month_waits=waits & ((pl.col("rule") == "month_first") | (pl.col("alternative_rule") == "month_first")),
    )
    rows = rows.with_columns(readings.select(pl.all().fill_null(value=False)).get_columns())
    if rows["text"].str.contains(r"[^\x00-\x7f]").any():
        rows = rows.with_columns(pl.Series("text", [ascii_digits(text[:80]) for text in rows["text"]]))
    numbers = {
        f"{which}{at}": pl.col("text").str.extract(pattern, at).cast(pl.Int64)
        for which, pattern in (("first", _FIRST), ("second", _SECOND))
        for at in (1, 2)
    }
    beside = (pl.col("month", "day").str.strip_suffix(".0")).cast(pl.Int64, strict=False)
    rows = rows.with_columns(beside, **numbers)
    for order, one, two in (("day", "1", "2"), ("month", "2", "1")):
        # The place that holds a number above 12 holds the day.
        by_size = pl.any_horizontal(
            pl.col(which + one).is_between(13, 31) & pl.col(which + two).is_between(1, 12)
            for which in ("first", "second")
        )
        by_parts = (
            (pl.col("first" + one) == pl.col("day"))
            & (pl.col("first" + two) == pl.col("month"))
            & (pl.col("day") != pl.col("month"))
        )
        by_size = pl.col("read") & by_size.fill_null(value=False)
        by_parts = pl.col(f"{order}_waits") & by_parts.fill_null(value=False)
        rows = rows.with_columns((by_size | by_parts).alias(f"{order}_first"), by_size.alias(f"{order}_by_size"))
    waiting = (pl.col("day_waits") | pl.col("month_waits")) & ~pl.col("day_first") & ~pl.col("month_first")
    return rows.with_columns(either=waiting)
