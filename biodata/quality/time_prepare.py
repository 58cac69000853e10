"""What the tests of time share: dates read into spans, numbers read out of text, and the readings to be proposed."""

import re
from datetime import date
from functools import cache, lru_cache
from typing import Final

import polars as pl
from babel import Locale

from biodata.quality.model import Context, Preparation
from biodata.quality.time_iso import DATE, LONGEST, MONTH, TIME, read_span
from biodata.text.date_words import LANGUAGES, month_number
from biodata.text.dates import parse_date
from biodata.text.numbers import ascii_digits

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
        The text as told.
    today : date
        A bare number may be a year up to this one's.
    free : bool
        The text is free (verbatimEventDate): a bare number of four digits may be something else than a year.

    Returns
    -------
    str, or None where the text tells no date, or may tell two
    """
    if len(text) > LONGEST:
        return None
    told = _SPACE.sub(" ", ascii_digits(text).translate(_DASHES)).strip()
    if _ONE_NUMBER.fullmatch(told):
        return _bare_number(told, today, free=free)
    if read_span(told) is not None:
        return told
    clean = _plain(told)
    answer = _one(clean, today) or _year_day_month(clean)
    return answer if answer is not None and read_span(answer) is not None else None


def has_number(text: str) -> bool:
    """Tell whether a text holds a digit at all: without one it has nothing that could be read as a date."""
    return any(character.isdigit() for character in text) or any(
        character in "〇一二三四五六七八九十" for character in text
    )


def _bare_number(told: str, today: date, *, free: bool) -> str | None:
    """Read a text of digits only: a year, or a complete date in the basic format."""
    if not free:
        return told if read_span(told) is not None else None
    if len(told) == 4 and 1000 <= int(told) <= today.year:
        return told
    if len(told) == 8 and 1000 <= int(told[:4]) <= today.year and read_span(told) is not None:
        return f"{told[:4]}-{told[4:6]}-{told[6:]}"
    return None


def _plain(told: str) -> str:
    """Return the text without weekday, small words and brackets around it."""
    words = told.strip("[]()\"' ").rstrip(".,;").split(" ")
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


def _one(told: str, today: date) -> str | None:
    """Read one date or interval in any form that `text.dates` knows and finds no doubt in."""
    if placeholder := _UNKNOWN_DAY.match(told):
        told = told[placeholder.end() :]
    if _BARE_HOUR.search(told):
        return None
    read = parse_date(told, today=today)
    if read.issue is not None or read.start is None or read.end is None:
        return None
    # A year to come, or of three digits, is of another era: 2475 may be 1932, and 113 may be 2024.
    return read.event_date if read.start.year >= 1000 and read.end.year <= today.year else None


def _year_day_month(told: str) -> str | None:
    """Read 2021-28-10, where no month is left for the middle, and 2021-10-00, where the day is not known."""
    match = _YEAR_DAY_MONTH.fullmatch(told)
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
    lies within one and is told as finely; years and days of the year of both ends, the latter where days are told;
    both ends in UTC where zones are told.
    """

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        return _derived(_spans(frame[term]), frame[term].is_not_null())

    return Preparation(f"{term}.span", (term,), {**_SPAN, **_DERIVED}, make)


def _spans(values: pl.Series) -> pl.DataFrame:
    """Return the span of each text: usual dates all at once, the others one by one."""
    told = values.alias("value").to_frame().with_columns(part=pl.col("value").str.extract_groups(_USUAL))
    usual = told.select(_usual().alias("span")).unnest("span")
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


def _derived(spans: pl.DataFrame, told: pl.Series) -> pl.DataFrame:
    """Add what follows from a span."""
    first, last, precision = pl.col("first").cast(pl.Date), pl.col("last").cast(pl.Date), pl.col("precision")
    same_year = first.dt.year() == last.dt.year()
    same_month = same_year & (first.dt.month() == last.dt.month()) & (precision >= MONTH)
    same_day = (pl.col("first") == pl.col("last")) & (precision >= DATE)
    by_day = precision >= DATE
    return spans.with_columns(
        valid=pl.when(told).then(pl.col("first").is_not_null()),
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
        told = frame[term].alias("told").to_frame()
        text = told["told"].str.strip_chars(SPACE)
        odd = text.filter(text.str.contains(r"[^\x00-\x7f]")).unique().to_list()
        text = text.replace({value: ascii_digits(value) for value in odd}) if odd else text
        return told.select(number=_integer(pl.lit(text)), strict=_integer(pl.col("told")))

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
    told = ascii_digits(text[:40]).strip(SPACE).strip()
    digits = told.removesuffix("月").removesuffix(".0")
    if digits in _CHINESE:
        return _CHINESE.index(digits) + 1
    if digits.isascii() and digits.isdigit() and len(digits) < 9:
        return int(digits) if 1 <= int(digits) <= 12 else None
    return month_number(told, roman=True)


MONTHS: Final = Preparation("month.read", ("month",), {"number": pl.Int64}, _read_month)
"""`number`, the month that a text means: an integer, a name in a language of the scope, or a Roman numeral."""
