"""What the tests of time share: dates read into spans, numbers read out of text, and the readings to be proposed; dates of ISO 8601."""

import re
from calendar import isleap, monthrange
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Final, NamedTuple

import polars as pl
from babel import Locale

from biodata.quality.model import Context, Preparation
from biodata.text.date_words import LANGUAGES, month_number
from biodata.text.dates import parse_date
from biodata.text.numbers import ascii_digits

# Whether a text is a date of ISO 8601-1 as Darwin Core uses it, and what span of time it tells; one text at a time.
EPOCH: Final = date(1970, 1, 1).toordinal()
"""Days are counted from 1970-01-01."""
DAY: Final = 86_400
"""Seconds of a day; leap seconds do not count in durations."""

YEAR, MONTH, WEEK, DATE, TIME = range(5)
"""How fine a date is stated; a coarser one is the smaller number."""

LONGEST: Final = 100
"""No date or interval needs more characters."""

_CALENDAR: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_ORDINAL: Final = re.compile(r"(\d{4})-?(\d{3})", re.ASCII)
_BASIC_OR_WEEK: Final = re.compile(r"\d{8}|\d{4}-W\d\d(?:-[1-7])?|\d{4}W\d\d[1-7]?", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d))?)?(?:[.,](?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DURATION: Final = re.compile(
    r"P(?=[\dT])(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?",
    re.ASCII,
)
_SHORT_DAY: Final = re.compile(r"(?:(\d\d)-)?(\d\d)", re.ASCII)


class Moment(NamedTuple):
    """One end of a span: its first day, the day behind its last, how fine it is stated, and its time where it has one.

    Days are counted from 1970-01-01, `begin` and `end` are seconds of the day, `end` of what the finest stated part
    covers; `offset` is the zone in seconds east of UTC.
    """

    first: int
    beyond: int
    precision: int
    begin: int = 0
    end: int = 0
    offset: int | None = None

    @property
    def start(self) -> int:
        """The first second, by the local clock."""
        return self.first * DAY + self.begin

    @property
    def stop(self) -> int:
        """The second behind the last, by the local clock."""
        return self.first * DAY + self.end if self.precision == TIME else self.beyond * DAY


class Span(NamedTuple):
    """What a date or an interval tells; days from 1970-01-01, seconds by the local clock.

    `first` and `last` are the days it begins and ends on, `last_from` the first day that its last part may mean
    (2010-03-01 of 2010-03), `precision` the coarser of both ends, `seconds` its duration.
    """

    first: int
    last: int
    last_from: int
    precision: int
    start: int
    stop: int
    start_offset: int | None
    stop_offset: int | None
    seconds: int


def read_span(text: str) -> Span | None:
    """Read a date or an interval of ISO 8601-1.

    Parameters
    ----------
    text : str
        The text as stated.

    Returns
    -------
    Span, or None where the text is no valid date

    Notes
    -----
    Years have four digits; calendar, ordinal and week dates, complete ones in the basic format too; a time needs a
    day; 24:00 is none in the edition that Darwin Core names (ISO 8601-1:2019; its amendment of 2022 has it back), a
    second 60 is a leap second at 23:59 UTC; a zone may
    be written with or without a colon whatever the time's format (Darwin Core's own example is 14:07-0600). An
    interval has two ends, the second of which may leave out what is equal, or one end and a duration; open ends and
    repetitions are of other parts of the standard.
    """
    if len(text) > LONGEST:
        return None
    try:
        left, slash, right = text.partition("/")
        if not slash:
            return _span_of_one(_moment(left))
        return _interval(left, right)
    except (ValueError, OverflowError):
        return None


def _span_of_one(moment: Moment) -> Span:
    """Return the span of a single date."""
    return Span(
        moment.first,
        moment.beyond - 1,
        moment.first,
        moment.precision,
        moment.start,
        moment.stop,
        moment.offset,
        moment.offset,
        moment.stop - moment.start,
    )


def _interval(left: str, right: str) -> Span:
    """Return the span between two ends, one of which may be a duration."""
    if left.startswith("P"):
        return _with_duration(_moment(right), left, -1)
    first = _moment(left)
    if right.startswith("P"):
        return _with_duration(first, right, 1)
    last = _end(first, left, right)
    # Times stated at both ends are instants; else the whole of the last part belongs to the interval.
    stop = last.start if first.precision == last.precision == TIME else last.stop
    seconds = stop - first.start
    if first.offset is not None and last.offset is not None:
        seconds += first.offset - last.offset
    if seconds < 0 or last.beyond <= first.first:
        raise ValueError
    precision = min(first.precision, last.precision)
    return Span(
        first.first, last.beyond - 1, last.first, precision, first.start, stop, first.offset, last.offset, seconds
    )


def _with_duration(moment: Moment, duration: str, sign: int) -> Span:
    """Return the span that begins (or ends, if `sign` is -1) with a moment and is as long as a duration."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError
    years, months, weeks, days, hours, minutes, seconds = (sign * int(part or 0) for part in match.groups())
    number = moment.start if sign > 0 or moment.precision == TIME else moment.stop
    begin = date.fromordinal(number // DAY + EPOCH)
    count = begin.year * 12 + begin.month - 1 + years * 12 + months
    year, month = count // 12, count % 12 + 1
    moved = _number(year, month, min(begin.day, monthrange(year, month)[1])) + weeks * 7 + days
    other = moved * DAY + number % DAY + hours * 3600 + minutes * 60 + seconds
    start, stop = min(number, other), max(number, other)
    first, last = start // DAY, max(start, stop - 1) // DAY
    date.fromordinal(first + EPOCH), date.fromordinal(last + EPOCH)
    return Span(first, last, last, moment.precision, start, stop, moment.offset, moment.offset, stop - start)


def _moment(text: str) -> Moment:
    """Read one date with the time behind it."""
    stated, mark, clock = text.partition("T")
    day = _date(stated)
    if not mark:
        return day
    if day.precision != DATE:
        raise ValueError
    return _at(day, clock, basic="-" not in stated)


def _date(text: str) -> Moment:
    """Read a date without time."""
    if match := _CALENDAR.fullmatch(text):
        return _calendar(int(match[1]), match[2], match[3])
    if match := _ORDINAL.fullmatch(text):
        day = date(int(match[1]), 1, 1) + timedelta(days=int(match[2]) - 1)
        if day.year != int(match[1]):
            raise ValueError
        return Moment(day.toordinal() - EPOCH, day.toordinal() - EPOCH + 1, DATE)
    if not _BASIC_OR_WEEK.fullmatch(text):
        raise ValueError
    first = date.fromisoformat(text).toordinal() - EPOCH
    is_week = "W" in text and len(text.replace("-", "")) == len("2009W01")
    return Moment(first, first + 7, WEEK) if is_week else Moment(first, first + 1, DATE)


def _number(year: int, month: int = 1, day: int = 1) -> int:
    """Return the number of a day of the calendar."""
    return date(year, month, day).toordinal() - EPOCH


def _calendar(year: int, month: str | None, day: str | None) -> Moment:
    """Return a year, a month or a day of the calendar."""
    if month is None:
        first = _number(year)
        return Moment(first, first + 365 + isleap(year), YEAR)
    if day is None:
        first = _number(year, int(month))
        return Moment(first, first + monthrange(year, int(month))[1], MONTH)
    first = _number(year, int(month), int(day))
    return Moment(first, first + 1, DATE)


def _at(day: Moment, text: str, *, basic: bool | None = None) -> Moment:
    """Return a day with a time on it; `basic` is the date's format, which the time's has to share."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError
    hour, minute, second = int(match["hour"]), match["minute"], match["second"]
    if minute is not None and basic is not None and basic != (match["colon"] == ""):
        raise ValueError
    unit = 1 if second else 60 if minute else 3600
    begin = hour * 3600 + int(minute or 0) * 60 + min(int(second or 0), 59)
    offset = _offset(match["zone"])
    if hour > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        raise ValueError
    if int(second or 0) == 60 and (begin - (offset or 0)) % DAY != DAY - 1:
        raise ValueError
    if match["fraction"]:
        begin += int(float(f"0.{match['fraction']}") * unit)
        unit = 1
    return day._replace(precision=TIME, begin=begin, end=begin + unit, offset=offset)


def _offset(zone: str | None) -> int | None:
    """Return a zone in seconds east of UTC; None where none was stated."""
    if zone is None:
        return None
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59 or zone in {"-00", "-0000", "-00:00"}:
        raise ValueError
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def _end(first: Moment, left: str, right: str) -> Moment:
    """Read the second end of an interval, which may leave out the larger parts that are equal to the first's."""
    short = _CLOCK.fullmatch(right.removeprefix("T")) if first.precision == TIME else None
    if short and (right.startswith("T") or (short["colon"] or "") == (":" if ":" in left else "")):
        last = _at(first._replace(precision=DATE), right.removeprefix("T"))
        return last if last.offset is not None else last._replace(offset=first.offset)
    day_part, mark, clock = right.partition("T")
    start_date = left.partition("T")[0]
    parts, calendar_start = _SHORT_DAY.fullmatch(day_part), _CALENDAR.fullmatch(start_date)
    if parts and calendar_start:
        year, month, day = calendar_start.groups()
        if day is not None:
            last = _calendar(int(year), parts[1] or month, parts[2])
        elif month is not None and parts[1] is None and not mark:
            last = _calendar(int(year), parts[2], None)
        else:
            raise ValueError
        last = _at(last, clock, basic=False) if mark else last
    else:
        last = _moment(right)
    if last.precision == TIME and last.offset is None:
        return last._replace(offset=first.offset)
    return last


# What a text that is no ISO 8601 date means, where it can only mean one: the proposals of the amendments.
#
# The forms themselves are those of `text.dates`; here is what surrounds them on labels and in ledgers: names of
# weekdays, small words, placeholders for what is not known. Two readings, or a doubt, and nothing is proposed.

_DASHES: Final = {
    0x2212: "-",
    0x2010: "-",
    0x2011: "-",
    0x2013: "-",
    0x2014: "-",
    0xFF0F: "/",
    0xFF0D: "-",
    0xFF0E: ".",
}
_SPACE: Final = re.compile("[\\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u2028\u2029\u2060\ufeff]+")
_UNKNOWN_DAY: Final = re.compile(r"(?:[Xx?_-]{1,2}|0{1,2})[\s.\-/]+(?=[^\W\d_]{3}|[IVXivx]+[\s.\-/])")
_SMALL_WORDS: Final = re.compile(r"(?<=[\s.])(?:of|the|de|del|do|den|af)\s+|^(?:the|den|le|el)\s+", re.IGNORECASE)
_YEAR_DAY_MONTH: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_BARE_HOUR: Final = re.compile(r"\d[T\s]+\d{1,2}(?:Z|[+-]\d\d(?::?\d\d)?)?$", re.IGNORECASE)
_ONE_NUMBER: Final = re.compile(r"\d+")


@lru_cache(maxsize=1 << 16)
def interpret(text: str, today: date, *, free: bool) -> str | None:
    """Return the ISO 8601 text of what can only be one date.

    Parameters
    ----------
    text : str
        The text as stated.
    today : date
        A bare number may be a year up to this one's.
    free : bool
        The text is free (verbatimEventDate): a bare number of four digits may be something else than a year.

    Returns
    -------
    str, or None where the text states no date, or may state two
    """
    if len(text) > LONGEST:
        return None
    stated = _SPACE.sub(" ", ascii_digits(text).translate(_DASHES)).strip()
    if _ONE_NUMBER.fullmatch(stated):
        return _bare_number(stated, today, free=free)
    if read_span(stated) is not None:
        return stated
    clean = _plain(stated)
    answer = _one(clean, today) or _year_day_month(clean)
    return answer if answer is not None and read_span(answer) is not None else None


def has_number(text: str) -> bool:
    """Return whether a text holds a digit at all: without one it has nothing that could be read as a date."""
    return any(character.isdigit() for character in text) or any(
        character in "〇一二三四五六七八九十" for character in text
    )


def _bare_number(text: str, today: date, *, free: bool) -> str | None:
    """Read a text of digits only: a year, or a complete date in the basic format."""
    if not free:
        return text if read_span(text) is not None else None
    if len(text) == 4 and 1000 <= int(text) <= today.year:
        return text
    if len(text) == 8 and 1000 <= int(text[:4]) <= today.year and read_span(text) is not None:
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return None


def _plain(text: str) -> str:
    """Return the text without weekday, small words and brackets around it."""
    words = text.strip("[]()\"' ").rstrip(".,;").split(" ")
    for end in (0, -1):
        if len(words) > 1 and words[end].strip(".,").casefold() in _weekdays():
            words.pop(end)
    return _SMALL_WORDS.sub("", " ".join(words).lstrip(",. "))


@cache
def _weekdays() -> frozenset[str]:
    """Return the names of weekdays; short ones only of three letters or more, since "Do" and "Mi" are words too."""
    names = set()
    for language in LANGUAGES:
        days = Locale.parse(language).days
        for context in ("format", "stand-alone"):
            names |= {name.casefold().strip(".") for name in days[context]["wide"].values()}
            names |= {name.casefold().strip(".") for name in days[context]["abbreviated"].values()}
    return frozenset(name for name in names if len(name) > 2 and month_number(name) is None)


def _one(text: str, today: date) -> str | None:
    """Read one date or interval in any form that `text.dates` knows and finds no doubt in."""
    if placeholder := _UNKNOWN_DAY.match(text):
        text = text[placeholder.end() :]
    if _BARE_HOUR.search(text):
        return None
    read = parse_date(text, today=today)
    if read.issue is not None or read.start is None or read.end is None:
        return None
    # A year to come, or of three digits, is of another era: 2475 may be 1932, and 113 may be 2024.
    return read.event_date if read.start.year >= 1000 and read.end.year <= today.year else None


def _year_day_month(text: str) -> str | None:
    """Read 2021-28-10, where no month is left for the middle, and 2021-10-00, where the day is not known."""
    match = _YEAR_DAY_MONTH.fullmatch(text)
    if match is None:
        return None
    year, middle, last = match[1], int(match[3]), int(match[4])
    if middle > 12 >= last:
        return f"{year}-{last:02}-{middle:02}"
    if last == 0:
        return f"{year}-{middle:02}" if middle else year
    return None


SPACE: Final = "".join(map(chr, range(0x21)))
"""White space and control characters, which do not change what a number means."""

_SPAN: Final = pl.Schema(
    {
        "first": pl.Int32,
        "last": pl.Int32,
        "last_from": pl.Int32,
        "precision": pl.Int8,
        "start": pl.Int64,
        "stop": pl.Int64,
        "start_offset": pl.Int32,
        "stop_offset": pl.Int32,
        "seconds": pl.Int64,
    }
)
_DERIVED: Final = pl.Schema(
    {
        "valid": pl.Boolean,
        "year": pl.Int32,
        "month": pl.Int8,
        "day": pl.Int8,
        "start_year": pl.Int32,
        "end_year": pl.Int32,
        "start_day_of_year": pl.Int16,
        "end_day_of_year": pl.Int16,
        "start_utc": pl.Int64,
        "stop_utc": pl.Int64,
    }
)
# A complete date of ISO 8601, with or without a time to the minute or second: nearly every date of nearly every file.
_USUAL: Final = (
    r"^(?P<date>\d{4}-\d{2}-\d{2})(?:T(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?"
    r"(?:(?P<utc>Z)|(?P<sign>[+-])(?P<zone_hour>0[0-9]|1[0-4]):?(?P<zone_minute>[0-5][0-9]))?)?$"
)
_CHINESE: Final = tuple("一 二 三 四 五 六 七 八 九 十 十一 十二".split())
_NO_DATE: Final = r"^0000|T.*-00:?00$"
"""The calendar begins with the year 1; an offset of -00:00 is none."""


@cache
def dates(term: str) -> Preparation:
    """Return the preparation that reads a term as a date or interval of ISO 8601.

    Its columns: those of `time_iso.Span`; `valid`, null where the cell is empty; `year`, `month`, `day` where the span
    lies within one and is stated as finely; years and days of the year of both ends, the latter where days are stated;
    both ends in UTC where zones are stated.
    """

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        return _derived(_spans(frame[term]), frame[term].is_not_null())

    return Preparation(f"{term}.span", (term,), {**_SPAN, **_DERIVED}, make)


def _spans(values: pl.Series) -> pl.DataFrame:
    """Return the span of each text: usual dates all at once, the others one by one."""
    table = values.alias("value").to_frame().with_columns(part=pl.col("value").str.extract_groups(_USUAL))
    usual = table.select(_usual().alias("span")).unnest("span")
    odd = usual["first"].is_null() & values.is_not_null()
    if not odd.any():
        return usual
    texts = values.filter(odd)
    rows = [read_span(text) or (None,) * len(_SPAN) for text in texts]
    read = pl.DataFrame(rows, schema=_SPAN, orient="row").with_columns(row=odd.arg_true())
    rest = usual.with_row_index("row").filter(~odd)
    return pl.concat([rest.select(read.columns), read]).sort("row").drop("row")


def _usual() -> pl.Expr:
    """Return the span of `value`, of whose parts `part` is a struct, where it is a usual date; nulls elsewhere."""
    value, part = pl.col("value"), pl.col("part").struct.field
    date = pl.when(~value.str.contains(_NO_DATE)).then(part("date"))
    first = date.str.to_date("%Y-%m-%d", strict=False).cast(pl.Int32)
    hour, minute, second, zone_hour, zone_minute = (
        part(name).cast(pl.Int32) for name in ("hour", "minute", "second", "zone_hour", "zone_minute")
    )
    has_time = first.is_not_null() & hour.is_not_null()
    begin = pl.when(has_time).then(hour * 3600 + minute * 60 + second.fill_null(0)).otherwise(0)
    length = pl.when(has_time).then(pl.when(second.is_null()).then(60).otherwise(1)).otherwise(86_400).cast(pl.Int64)
    east = pl.when(part("sign") == "-").then(-1).otherwise(1) * (zone_hour * 3600 + zone_minute * 60)
    offset = pl.when(first.is_not_null()).then(pl.when(part("utc").is_not_null()).then(0).otherwise(east))
    start = first.cast(pl.Int64) * 86_400 + begin
    length = pl.when(first.is_not_null()).then(length)
    precision = pl.when(has_time).then(TIME).when(first.is_not_null()).then(DATE)
    columns = {
        "first": first,
        "last": first,
        "last_from": first,
        "precision": precision,
        "start": start,
        "stop": start + length,
        "start_offset": offset,
        "stop_offset": offset,
        "seconds": length,
    }
    return pl.struct(column.cast(_SPAN[name]).alias(name) for name, column in columns.items())


def _derived(spans: pl.DataFrame, values: pl.Series) -> pl.DataFrame:
    """Add what follows from a span."""
    first, last, precision = pl.col("first").cast(pl.Date), pl.col("last").cast(pl.Date), pl.col("precision")
    same_year = first.dt.year() == last.dt.year()
    same_month = same_year & (first.dt.month() == last.dt.month()) & (precision >= MONTH)
    same_day = (pl.col("first") == pl.col("last")) & (precision >= DATE)
    by_day = precision >= DATE
    return spans.with_columns(
        valid=pl.when(values).then(pl.col("first").is_not_null()),
        year=pl.when(same_year).then(first.dt.year()),
        month=pl.when(same_month).then(first.dt.month()),
        day=pl.when(same_day).then(first.dt.day()),
        start_year=first.dt.year(),
        end_year=last.dt.year(),
        start_day_of_year=pl.when(by_day).then(first.dt.ordinal_day()),
        end_day_of_year=pl.when(by_day).then(last.dt.ordinal_day()),
        start_utc=pl.col("start") - pl.col("start_offset"),
        stop_utc=pl.col("stop") - pl.col("stop_offset"),
    )


@cache
def numbers(term: str) -> Preparation:
    """Return the preparation that reads a term as an integer.

    Its columns: `number`, where the text can be interpreted as an integer (white space around it and digits of other
    scripts do not matter); `strict`, where the cell holds nothing but ASCII digits and a sign.
    """

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        table = frame[term].alias("told").to_frame()
        text = table["told"].str.strip_chars(SPACE)
        odd = text.filter(text.str.contains(r"[^\x00-\x7f]")).unique().to_list()
        text = text.replace({value: ascii_digits(value) for value in odd}) if odd else text
        return table.select(number=_integer(pl.lit(text)), strict=_integer(pl.col("told")))

    return Preparation(f"{term}.number", (term,), {"number": pl.Int64, "strict": pl.Int64}, make)


def _integer(text: pl.Expr) -> pl.Expr:
    """Return the integer that a text is; one of more than 12 digits as the largest or smallest of 12."""
    is_integer = text.str.contains(r"^[+-]?[0-9]+$")
    short = text.str.replace(r"^([+-]?)0*([0-9]{1,12})$", "${1}${2}")
    large = pl.when(text.str.starts_with("-")).then(pl.lit("-999999999999")).otherwise(pl.lit("999999999999"))
    fitted = pl.when(short.str.len_bytes() <= 13).then(short).otherwise(large)
    return pl.when(is_integer).then(fitted).str.strip_prefix("+").cast(pl.Int64, strict=False)


@cache
def standardised(term: str) -> Preparation:
    """Return the preparation with the one date that a text which is no ISO 8601 date can mean, as `proposal`."""

    def make(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
        rows = []
        for text in frame[term]:
            repaired = interpret(text, context.today, free=False) if text and read_span(text) is None else None
            rows.append(repaired)
        return pl.DataFrame({"proposal": pl.Series(rows, dtype=pl.String)})

    return Preparation(f"{term}.standardised", (term,), {"proposal": pl.String}, make)


def _read_verbatim(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = [
        (None, None) if text is None else (interpret(text, context.today, free=True), has_number(text))
        for text in frame["verbatimEventDate"]
    ]
    return pl.DataFrame(rows, schema={"proposal": pl.String, "readable": pl.Boolean}, orient="row")


VERBATIM: Final = Preparation(
    "verbatimEventDate.read",
    ("verbatimEventDate",),
    {"proposal": pl.String, "readable": pl.Boolean},
    _read_verbatim,
)
"""`proposal`, the date that a verbatim one can only mean; `readable`, whether it holds anything that could be read."""


def _read_month(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    months = [None if text is None else _month(text) for text in frame["month"]]
    return pl.DataFrame({"number": pl.Series(months, dtype=pl.Int64)})


def _month(text: str) -> int | None:
    """Return the month that a text names or numbers."""
    stated = ascii_digits(text[:40]).strip(SPACE).strip()
    digits = stated.removesuffix("月").removesuffix(".0")
    if digits in _CHINESE:
        return _CHINESE.index(digits) + 1
    if digits.isascii() and digits.isdigit() and len(digits) < 9:
        return int(digits) if 1 <= int(digits) <= 12 else None
    return month_number(stated, roman=True)


MONTHS: Final = Preparation("month.read", ("month",), {"number": pl.Int64}, _read_month)
"""`number`, the month that a text means: an integer, a name in a language of the scope, or a Roman numeral."""
