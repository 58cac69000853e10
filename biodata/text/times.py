"""Times of day and offsets from UTC, as written and as IANA zones and countries have them."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

# Times of day and offsets from UTC, as ISO 8601 and people write them.
#
# 24:00 is the end of the day that it stands beside and is kept so. A second 60 is taken only where a leap second can be:
# in the last minute of an hour (and by the date, see `date_forms`). A point between hour and minute (`8.30`), as the region
# writes it, is read where nothing but a time stands; beside a date only with am, pm or น. behind it.

_OFFSET: Final = r"[Zz]|(?:UTC|GMT)?[+\-]\d{1,2}(?::?\d{2})?|UTC|GMT"
# Abbreviations that mean one zone in the region; CST and the like mean several and are not taken.
_ABBREVIATIONS: Final = MappingProxyType(
    {
        **{"ICT": "+07:00", "WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00", "SGT": "+08:00", "MYT": "+08:00"},
        **{"PHT": "+08:00", "HKT": "+08:00", "MMT": "+06:30", "TLT": "+09:00"},
    }
)
_NAMED: Final = r"[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_]+)+"
ZONE: Final = rf"(?:{_OFFSET}|{'|'.join(_ABBREVIATIONS)}|{_NAMED})"
_ZONE_END: Final = rf"(?P<zone>{ZONE})?(?P<region>\[{_NAMED}\])?"

ISO_TIME: Final = rf"(?P<time>\d{{1,2}}(?::?[0-5]\d(?::?(?:[0-5]\d|60)(?:[.,]\d+)?)?)?)\s*{_ZONE_END}"
HALF_DAY_TIME: Final = (
    r"(?P<hour12>\d{1,2})(?:[:.](?P<minute12>[0-5]\d)(?::(?P<second12>[0-5]\d))?)?\s*(?P<half>[AaPp])\.?[Mm]\.?"
)
WORD_TIME: Final = (
    r"(?P<before>上午|下午|lúc\s*|เวลา\s*)?(?P<hour>\d{1,2})\s*(?:h|giờ|[时時点點]|[.:](?=\d\d\s*น))\s*"
    r"(?:(?P<minute>[0-5]?\d)\s*(?:phút|分|m(?:in)?)?\s*(?:(?P<second>[0-5]?\d)\s*(?:giây|秒|s))?)?\s*(?:น\.?)?"
)
_POINTED: Final = re.compile(rf"(?P<clock>\d{{1,2}}\.[0-5]\d)(?:\s*{_ZONE_END})?")
_FORMS: Final = tuple(re.compile(form) for form in (rf"[Tt]?{ISO_TIME}", HALF_DAY_TIME, WORD_TIME))


def read_time(text: str) -> tuple[str, str | None]:
    """Read a time of day.

    Parameters
    ----------
    text : str
        Digits and hyphens in ASCII, no white space around it.

    Returns
    -------
    (str, str or None)
        The clock as HH:MM[:SS[.f]], HH:00 where only the hour was stated; and the zone, as ±HH:MM or an IANA name.

    Raises
    ------
    ValueError
        If it is no time of day.
    """
    if match := _FORMS[0].fullmatch(text):
        region = match["region"][1:-1] if match["region"] else None
        return _read_clock(match["time"]), read_zone(match["zone"]) or region
    if match := _POINTED.fullmatch(text):
        return _read_clock(match["clock"].replace(".", ":")), read_zone(match["zone"])
    if match := _FORMS[1].fullmatch(text):
        hour = int(match["hour12"])
        if 1 <= hour <= 12:
            hour = hour % 12 + (12 if match["half"] in "pP" else 0)
            second = f":{match['second12']}" if match["second12"] else ""
            return f"{hour:02}:{match['minute12'] or '00'}{second}", None
    if match := _FORMS[2].fullmatch(text):
        hour = int(match["hour"])
        if match["before"] == "下午" and 1 <= hour <= 11:
            hour += 12
        if hour < 24 and not (match["before"] == "上午" and hour > 12):
            second = f":{int(match['second']):02}" if match["second"] else ""
            return f"{hour:02}:{int(match['minute'] or 0):02}{second}", None
    problem = "no time of day"
    raise ValueError(problem)


def _read_clock(text: str) -> str:
    """Return an ISO time of day as HH:MM[:SS[.f]]."""
    digits = text.replace(":", "").replace(",", ".")
    whole, _, fraction = digits.partition(".")
    whole = whole.zfill(len(whole) + len(whole) % 2)
    hour, minute, second = whole[:2], whole[2:4] or "00", whole[4:6]
    beyond = int(hour) > 24 or (hour == "24" and (minute + second + fraction).strip("0"))
    # A leap second ends a quarter of an hour in every zone.
    if beyond or (second == "60" and (int(minute) % 15 != 14 or fraction.strip("0"))):
        problem = "no time of day"
        raise ValueError(problem)
    clock = f"{hour}:{minute}" + (f":{second}" if second else "")
    return f"{clock}.{fraction}" if fraction else clock


def read_zone(text: str | None) -> str | None:
    """Return an offset from UTC as ±HH:MM, an IANA name as it is; None where none was stated.

    Raises
    ------
    ValueError
        If it is more than 14 hours, or has more than 59 minutes.
    """
    if not text:
        return None
    if text in {"Z", "z", "UTC", "GMT"}:
        return "+00:00"
    if text in _ABBREVIATIONS:
        return _ABBREVIATIONS[text]
    text = text.removeprefix("UTC").removeprefix("GMT")
    if text[0] not in "+-":
        return text
    hours, _, minutes = text[1:].partition(":")
    if len(hours) > 2:
        hours, minutes = hours[:-2], hours[-2:]
    if int(hours) * 60 + int(minutes or 0) > 14 * 60 or int(minutes or 0) > 59:
        problem = "no offset from UTC"
        raise ValueError(problem)
    return f"{text[0]}{int(hours):02}:{int(minutes or 0):02}"


# Offsets from UTC: of IANA zones with their history, of the region's countries, and instants in UTC.
#
# Conventions
# - An offset is rounded to the minute: local mean time before the first standard (+06:24:47 in Yangon) has no ISO form.
# - A time that an IANA zone does not have, or has twice (daylight saving in China, 1986-1991), gets no offset.
# - A country's zone is only ever proposed, and only since the date from which it had one zone; Indonesia has three.

OFFSET: Final = re.compile(r"[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)")


class CountryZone(NamedTuple):
    """The zone of a whole country since a date."""

    name: str
    since: date


# Source: the tz database, its files asia and zone1970.tab (public domain). Malaysia and Singapore moved to +08:00 in
# 1982, Viet Nam was united in 1975, Myanmar took +06:30 after the war, China one zone in 1949.
COUNTRY_ZONES: Final[Mapping[str, CountryZone]] = MappingProxyType(
    {
        "BN": CountryZone("Asia/Brunei", date(1946, 1, 1)), "CN": CountryZone("Asia/Shanghai", date(1950, 1, 1)),
        "KH": CountryZone("Asia/Phnom_Penh", date(1976, 1, 1)), "LA": CountryZone("Asia/Vientiane", date(1976, 1, 1)),
        "MM": CountryZone("Asia/Yangon", date(1946, 1, 1)), "MY": CountryZone("Asia/Kuala_Lumpur", date(1982, 1, 1)),
        "PH": CountryZone("Asia/Manila", date(1946, 1, 1)), "SG": CountryZone("Asia/Singapore", date(1982, 1, 1)),
        "TH": CountryZone("Asia/Bangkok", date(1921, 1, 1)), "TL": CountryZone("Asia/Dili", date(2001, 1, 1)),
        "VN": CountryZone("Asia/Ho_Chi_Minh", date(1976, 1, 1)),
    }
)  # fmt: skip


def is_zone(name: str) -> bool:
    """Return whether it is an offset (±HH:MM) or a zone of the IANA database."""
    if OFFSET.fullmatch(name):
        return True
    if not name:
        return False
    try:
        pl.select(pl.lit(datetime(2000, 1, 1)).dt.replace_time_zone(name))  # noqa: DTZ001
    except pl.exceptions.PolarsError:
        return False
    return True


def offset_at(name: str, day: date, clock: str) -> str | None:
    """Return the offset of an IANA zone at a local time, as `offsets` does for a column.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        problem = "no zone of the IANA database"
        raise ValueError(problem) from error
    hour, minute = int(clock[:2]), int(clock[3:5])
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hour, minutes=minute)
    both = [local.replace(fold=fold).utcoffset() for fold in (0, 1)]
    back = local.astimezone(UTC).astimezone(zone)
    if both[0] is None or both[0] != both[1] or back.replace(tzinfo=None) != local.replace(tzinfo=None):
        return None
    minutes = round(both[0].total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def offsets(days: pl.Expr, clocks: pl.Expr, zone: str) -> pl.Expr:
    """Return the offset from UTC, as ±HH:MM, that a zone has at local times.

    Parameters
    ----------
    days : polars.Expr of date
        Local days.
    clocks : polars.Expr of str
        Local times of day, HH:MM[:SS].
    zone : str
        An offset, which is returned, or an IANA name.

    Returns
    -------
    polars.Expr of str
        Null where day or time is null, or the zone does not have the time, or has it twice.
    """
    if zone[0] in "+-":
        return pl.when(days.is_not_null() & clocks.is_not_null()).then(pl.lit(zone))
    local = days.cast(pl.Datetime("ms")) + _since_midnight(clocks)
    instant = local.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")
    seconds = (local - instant.dt.replace_time_zone(None)).dt.total_seconds()
    minutes = (seconds / 60).round().cast(pl.Int32)
    absolute = minutes.abs()
    return pl.concat_str(
        pl.when(minutes < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
        (absolute // 60).cast(pl.String).str.zfill(2),
        pl.lit(":"),
        (absolute % 60).cast(pl.String).str.zfill(2),
    )


def country_offsets(countries: pl.Expr, days: pl.Expr, clocks: pl.Expr) -> pl.Expr:
    """Return the offset that a record's country had, to be proposed; null where it had several or is outside the region.

    Parameters
    ----------
    countries : polars.Expr of str
        ISO 3166-1 codes of two letters.
    days, clocks : polars.Expr
        As in `offsets`.
    """
    cases = [
        pl.when((countries == code) & (days >= zone.since)).then(offsets(days, clocks, zone.name))
        for code, zone in COUNTRY_ZONES.items()
    ]
    return pl.coalesce(*cases)


def utc_interval(event_date: pl.Expr, start: pl.Expr, end: pl.Expr, time: pl.Expr, zone: pl.Expr) -> list[pl.Expr]:
    """Return the instants between which a record was made, in UTC.

    Parameters
    ----------
    event_date : polars.Expr of str
        ISO 8601 as `parse_dates` writes it; it states the time at which an interval ends.
    start, end : polars.Expr of date
        First and last local day.
    time : polars.Expr of str
        Local time of day of the start, HH:MM[:SS]; null where only days are known.
    zone : polars.Expr of str
        Offset ±HH:MM of the start, and of the end where the interval tells it none.

    Returns
    -------
    list of two polars.Expr of datetime in UTC, `utc_start` and `utc_end`
        The first instant, and the first one after: a minute later for HH:MM, a second for HH:MM:SS, the midnight behind
        the last day where no time is known. Null where the zone is not known: such a time cannot be set beside
        another zone's.
    """
    last = event_date.str.extract(r"/(?:\d{4}-\d\d-\d\d)T([0-9:]{5,8})")
    last_zone = event_date.str.extract(r"/.*T[0-9:.]+(Z|[+-]\d\d:\d\d)$").replace("Z", "+00:00")
    is_interval = event_date.str.contains("/", literal=True).fill_null(value=False)
    end_clock = pl.when(is_interval).then(last).otherwise(time)
    opened = start.cast(pl.Datetime("ms")) + _since_midnight(time.fill_null("00:00")) - _minutes(zone)
    width = pl.when(end_clock.str.len_bytes() > 5).then(pl.duration(seconds=1)).otherwise(pl.duration(minutes=1))
    at_clock = end.cast(pl.Datetime("ms")) + _since_midnight(end_clock)
    ends = (
        pl.when(end_clock.is_null())
        .then(end.cast(pl.Datetime("ms")) + pl.duration(days=1))
        .when(is_interval)
        .then(at_clock)
        .otherwise(at_clock + width)
    )
    closed = ends - _minutes(pl.coalesce(last_zone, zone))
    return [
        opened.dt.replace_time_zone("UTC").alias("utc_start"),
        closed.dt.replace_time_zone("UTC").alias("utc_end"),
    ]


def _since_midnight(clocks: pl.Expr) -> pl.Expr:
    """Return a time of day as a duration; a leap second counts as the next minute's first."""
    part = [clocks.str.slice(at, 2).cast(pl.Int64, strict=False) for at in (0, 3, 6)]
    return pl.duration(hours=part[0], minutes=part[1], seconds=part[2].fill_null(0))


def _minutes(zone: pl.Expr) -> pl.Expr:
    """Return an offset as a duration."""
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    minutes = zone.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + zone.str.slice(4, 2).cast(pl.Int64, strict=False)
    return pl.duration(minutes=sign * minutes)
