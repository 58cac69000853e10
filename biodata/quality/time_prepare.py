"""What the tests of time share: dates read into spans, numbers read out of text, and the readings to be proposed; dates of ISO 8601."""

import re
from datetime import date
from functools import cache, lru_cache
from typing import Final, NamedTuple

import polars as pl
from babel import Locale

from biodata.quality.model import Context, Preparation, reading
from biodata.text.date_forms import Moment, first_day, last_day, read_ends
from biodata.text.date_words import LANGUAGES, month_number
from biodata.text.dates import parse_date
from biodata.text.numbers import ascii_digits
from biodata.text.tables import columns_of

# Whether a text is a date of ISO 8601-1 as Darwin Core uses it, and what span of time it tells; one text at a time.
EPOCH: Final = date(1970, 1, 1).toordinal()
"""Days are counted from 1970-01-01."""
DAY: Final = 86_400
"""Seconds of a day; leap seconds do not count in durations."""

YEAR, MONTH, WEEK, DATE, TIME = range(5)
"""How fine a date is stated; a coarser one is the smaller number."""

LONGEST: Final = 100
"""No date or interval needs more characters."""

_ZONE: Final = r"(?:Z|(?!-00(?::?00)?(?:$|/))[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?"
_CLOCK: Final = r"(?:[01]\d|2[0-3])(?::[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d{1,9})?)?)?" + _ZONE
_BASIC_CLOCK: Final = _CLOCK.replace("(?::[0-5]", "(?:[0-5]").replace("(?::(?:", "(?:(?:")
_WHOLE: Final = (
    rf"(?:\d{{4}}-\d\d-\d\d|\d{{4}}-\d{{3}}|\d{{4}}-W\d\d-[1-7])(?:T{_CLOCK})?|"
    rf"(?:\d{{7,8}}|\d{{4}}W\d\d[1-7])(?:T{_BASIC_CLOCK})?|\d{{4}}(?:-\d\d)?|\d{{4}}-?W\d\d"
)
_DURATION: Final = (
    r"P(?=[\dT])(?:\d{1,4}Y)?(?:\d{1,4}M)?(?:\d{1,3}W)?(?:\d{1,5}D)?(?:T(?=\d)(?:\d{1,4}H)?(?:\d{1,5}M)?(?:\d{1,7}S)?)?"
)
_ISO: Final = re.compile(
    rf"(?P<only>{_WHOLE})|(?P<first>{_WHOLE})/(?:(?P<last>{_WHOLE})|(?P<day>(?:\d\d-)?\d\d(?:T{_CLOCK})?)|(?P<clock>T?{_CLOCK}|T{_BASIC_CLOCK})|{_DURATION})|{_DURATION}/(?P<end>{_WHOLE})",
    re.ASCII,
)
_FORMS_OF_ISO: Final = (None, "basic", "ordinal", "week", "duration")


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
    form = _ISO.fullmatch(text) if len(text) <= LONGEST else None
    if form is None:
        return None
    try:
        first, last = read_ends(text, day_first=None)
    except (ValueError, OverflowError):
        return None
    if first.rule not in _FORMS_OF_ISO or last.rule not in _FORMS_OF_ISO:
        return None
    if (form["clock"] and first.time is None) or (form["day"] and first.rule is not None):
        return None
    start, stop = _second(first), _second(last)
    # Times stated at both ends are instants; else the whole of the last part belongs to the span.
    if last.time is None:
        stop = (last_day(last).toordinal() - EPOCH + 1) * DAY
    elif form["only"] or first.time is None:
        stop += _length(form["only"] or form["last"] or form["day"] or form["clock"] or form["end"])
    zones = (first.zone, (last.zone or first.zone) if last.time else None)
    offsets = [_offset(zone) if zone else None for zone in zones]
    seconds = stop - start + (0 if None in offsets else (offsets[0] or 0) - (offsets[1] or 0))
    if seconds < 0 or last_day(last) < first_day(first):
        return None
    stated = [part for part in (form["only"], form["first"], form["last"], form["end"]) if part]
    precision = min(_precision(part) for part in stated)
    precision = min(precision, DATE) if last.time is None else precision
    begins, last_begins, ends = (day.toordinal() - EPOCH for day in (first_day(first), first_day(last), last_day(last)))
    last_begins -= 6 if _precision(stated[-1]) == WEEK else 0  # a week is read as its Sunday
    return Span(begins, ends, last_begins, precision, start, stop, offsets[0], offsets[1], seconds)


def _precision(text: str) -> int:
    """Return how fine a date is stated that leaves nothing out."""
    day, time, _ = text.partition("T")
    if time:
        return TIME
    digits = len(day.replace("-", ""))
    return WEEK if "W" in day and digits == len("2009W01") else {4: YEAR, 6: MONTH}.get(digits, DATE)


def _second(moment: Moment) -> int:
    """Return the second at which a moment begins, by the local clock."""
    hour, minute, second = (int(part[:2]) for part in f"{moment.time or '00:00'}:00".split(":")[:3])
    return (first_day(moment).toordinal() - EPOCH) * DAY + hour * 3600 + minute * 60 + min(second, 59)


def _length(text: str) -> int:
    """Return the seconds of what the finest part of a time covers."""
    digits = re.sub(r"[Z+].*|-\d\d:?\d*$|\D", "", text.rpartition("T")[2])
    return {2: 3600, 4: 60}.get(len(digits), 1)


def _offset(zone: str) -> int:
    """Return a zone in seconds east of UTC."""
    return (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60) * (-1 if zone[0] == "-" else 1)


# What a text that is no ISO 8601 date means, where it can only mean one: the proposals of the amendments.
#
# The forms themselves are those of `text.dates`; here is what surrounds them on labels and in ledgers: names of
# weekdays, small words, placeholders for what is not known. Two readings, or a doubt, and nothing is proposed.

_DASHES: Final = {
    0x2212: "-", 0x2010: "-", 0x2011: "-", 0x2013: "-", 0x2014: "-", 0xFF0F: "/", 0xFF0D: "-", 0xFF0E: ".",
}  # fmt: skip
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

_SPAN: Final = columns_of(Span)
_DERIVED: Final = pl.Schema(
    {
        "valid": pl.Boolean, "year": pl.Int32, "month": pl.Int8, "day": pl.Int8, "start_year": pl.Int32,
        "end_year": pl.Int32, "start_day_of_year": pl.Int16, "end_day_of_year": pl.Int16, "start_utc": pl.Int64,
        "stop_utc": pl.Int64,
    }
)  # fmt: skip
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
        "first": first, "last": first, "last_from": first, "precision": precision, "start": start,
        "stop": start + length, "start_offset": offset, "stop_offset": offset, "seconds": length,
    }  # fmt: skip
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
        odd = (text if text and read_span(text) is None else None for text in frame[term])
        rows = [text and interpret(text, context.today, free=False) for text in odd]
        return pl.DataFrame({"proposal": pl.Series(rows, dtype=pl.String)})

    return Preparation(f"{term}.standardised", (term,), {"proposal": pl.String}, make)


def _read_verbatim(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = [
        (None, None) if text is None else (interpret(text, context.today, free=True), has_number(text))
        for text in frame["verbatimEventDate"]
    ]
    return pl.DataFrame(rows, schema={"proposal": pl.String, "readable": pl.Boolean}, orient="row")


VERBATIM: Final = Preparation(
    "verbatimEventDate.read", ("verbatimEventDate",), {"proposal": pl.String, "readable": pl.Boolean}, _read_verbatim,
)  # fmt: skip
"""`proposal`, the date that a verbatim one can only mean; `readable`, whether it holds anything that could be read."""


def _month(text: str) -> int | None:
    """Return the month that a text names or numbers."""
    stated = ascii_digits(text[:40]).strip(SPACE).strip()
    digits = stated.removesuffix("月").removesuffix(".0")
    if digits in _CHINESE:
        return _CHINESE.index(digits) + 1
    if digits.isascii() and digits.isdigit() and len(digits) < 9:
        return int(digits) if 1 <= int(digits) <= 12 else None
    return month_number(stated, roman=True)


MONTHS: Final = reading("month", lambda text: (_month(text),), {"number": pl.Int64()})
"""`number`, the month that a text means: an integer, a name in a language of the scope, or a Roman numeral."""
