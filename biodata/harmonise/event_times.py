"""When an event began and ended, to the minute where that is stated, and the times in it without observation."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import polars as pl

from biodata.core.errors import InputError
from biodata.harmonise import dates
from biodata.harmonise.findings import Findings, Stated, repairs
from biodata.text import times
from biodata.text.countries import parse_countries
from biodata.text.numbers import ascii_digits
from biodata.text.tables import NA, PLACEHOLDERS
from biodata.text.times import read_time

_OF_COUNTRIES: Final = ("side",)
"""Terms in which NA is Namibia."""


def cells(table: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the cells of some terms.

    Parameters
    ----------
    table : polars.DataFrame
        n rows of text.
    *names : str
        The terms.

    Returns
    -------
    polars.DataFrame of n rows
        A column a term; null where nothing is stated (R writes NA for that), or the table has no such column.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, table.height)
    there = pl.DataFrame([(table[name] if name in table.columns else nothing).alias(name) for name in names])
    return there.with_columns(pl.all().str.strip_chars()).select(
        pl.when(~pl.col(name).is_in([*PLACEHOLDERS] if name in _OF_COUNTRIES else [*PLACEHOLDERS, NA])).then(name)
        for name in names
    )


DAY: Final = timedelta(days=1)
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)
_CLOCKS: Final = re.compile(r"(\d{1,2}[:.h]\d\d)\s*(?:/|-|\u2013|~|至)\s*(\d{1,2}[:.h]\d\d)", re.ASCII)
"""Two times with a hyphen between them: `06:00-06:10` tells no zone."""
_TWO_CLOCKS: Final = re.compile(r"([^/\u2013~至]+?)\s*(?:/|\u2013|~|至)\s*([^/\u2013~至]+)")
_DAYS: Final = re.compile(
    r"P?\s*(\d+(?:[.,]\d+)?)\s*(?:d|day|days|天|日|วัน|ngày|ມື້|ວັນ|ថ្ងៃ|ရက်|hari|araw)?\.?", re.IGNORECASE
)
_BETWEEN: Final = re.compile(r"[|;；]")
_TO: Final = re.compile(r"/|\s+(?:-|\u2013|to|until|至|到|ถึง|đến|ຫາ|ដល់|မှ|hingga|sampai|hanggang)\s+|至|到")


class Moment(NamedTuple):
    """A moment as stated: the first one that it may be, whether a time of day was stated, and its offset."""

    at: datetime
    exact: bool
    offset: timedelta | None


class Failures(NamedTuple):
    """Times without observation.

    Attributes
    ----------
    intervals : list of (datetime, datetime)
        First moment, and the first one after; local time. A day that is stated counts whole.
    days : float or None
        How many days were stated, where only their number was.
    valid : bool
        False where a part cannot be read.
    """

    intervals: list[tuple[datetime, datetime]]
    days: float | None
    valid: bool


def read_moment(text: str) -> Moment | None:
    """Read a date or a date with a time of day in ISO 8601; None where it is neither."""
    if (match := _MOMENT.fullmatch(ascii_digits(text).strip())) is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001
    except ValueError:
        return None
    offset = None
    if zone:
        hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[3:].lstrip(":") or 0))
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return Moment(at, hour is not None, offset)


def read_failures(text: str | None) -> Failures:
    """Read the times without observation that a cell tells.

    Parameters
    ----------
    text : str or None
        Intervals of days (both counted) or moments, or single days, with `|` or `;` between them; or a number of days.

    Returns
    -------
    Failures

    Examples
    --------
    >>> read_failures("2026-05-10/2026-05-18").intervals
    [(datetime.datetime(2026, 5, 10, 0, 0), datetime.datetime(2026, 5, 19, 0, 0))]
    """
    intervals, days, valid = [], None, True
    for part in filter(None, (piece.strip() for piece in _BETWEEN.split(ascii_digits(text or "")))):
        number = _DAYS.fullmatch(part)
        if number is not None and days is None:
            days = float(number[1].replace(",", "."))
            continue
        ends = [read_moment(end) for end in _TO.split(part)]
        first, last = ends[0], ends[-1]
        if len(ends) > 2 or first is None or last is None:
            valid = False
            continue
        closed = last.at if last.exact else last.at + DAY
        if closed <= first.at:
            valid = False
            continue
        intervals.append((first.at, closed))
    return Failures(intervals, days, valid)


def united(intervals: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return intervals in their order, those that overlap or touch as one."""
    out: list[tuple[datetime, datetime]] = []
    for start, end in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def nights(intervals: Iterable[tuple[datetime, datetime]]) -> int:
    """Return the number of nights in intervals that do not overlap: of midnights after a start and not after its end."""
    return sum((end.date() - start.date()).days for start, end in intervals)


def days(intervals: Iterable[tuple[datetime, datetime]]) -> float:
    """Return the length of intervals that do not overlap, days."""
    return sum((end - start) / DAY for start, end in intervals)


def iso(intervals: Sequence[tuple[datetime, datetime]]) -> list[str]:
    """Return intervals as ISO 8601; whole days as days, of which both are counted."""
    out = []
    for start, end in intervals:
        if start.time() == end.time() == time():
            out.append(f"{start.date()}/{end.date() - DAY}")
        else:
            out.append(f"{start.isoformat(timespec='minutes')}/{end.isoformat(timespec='minutes')}")
    return out


def with_event_date(
    batch: pl.DataFrame, *, today: date, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
    """Put eventDate together where its ends stand in cells of their own, or the times of day stand in eventTime.

    Parameters
    ----------
    batch : polars.DataFrame
        n events as stated.
    today : date
        Nothing is recorded after it.
    declarations : mapping
        As for `dates.interpret`.

    Returns
    -------
    frame : polars.DataFrame
        The same rows with `eventDate`; a date that cannot be read stays in it as it came, so that it is flagged.
    flags : dict of str to Series of bool
        Doubts about the ends, by flag.
    """
    flags: dict[str, pl.Series] = {}
    if "eventDate" not in batch.columns:
        batch = batch.with_columns(pl.lit(None, dtype=pl.String).alias("eventDate"))
    ends = [name for name in ("deploymentStart", "deploymentEnd") if name in batch.columns]
    if "deploymentStart" in ends:
        read = []
        for name in ends:
            stated = Stated(batch.select("source_file", "source_row", pl.col(name).alias("eventDate")))
            found = dates.interpret(stated, today=today, declarations=declarations)
            for flag, mask in found.flags.items():
                if flag != "RECORDED_DATE_MISSING":
                    doubted = mask & batch[name].is_not_null()
                    flags[flag] = flags[flag] | doubted if flag in flags else doubted
            read.append(pl.select(pl.coalesce(found.columns["eventDate"], stated["eventDate"]).alias(name)).to_series())
        # An end alone tells no event: its beginning is missing, and is flagged.
        joined = (
            pl.DataFrame(read)
            .select(pl.when(pl.first().is_not_null()).then(pl.concat_str(pl.all(), separator="/", ignore_nulls=True)))
            .to_series()
        )
        both = [_finer(*row) for row in zip(cells(batch, "eventDate")["eventDate"], joined, strict=True)]
        batch = batch.with_columns(pl.Series("eventDate", [date for date, _ in both], dtype=pl.String))
        flags["RECORDED_DATE_MISMATCH"] = pl.Series([differs for _, differs in both], dtype=pl.Boolean)
    return _with_clocks(batch, flags, today=today, declarations=declarations), flags


def _finer(stated: str | None, ends: str | None) -> tuple[str | None, bool]:
    """Return eventDate, or its ends where they state more; and whether the day that is stated lies outside of them."""
    if not ends or (stated and "/" in stated):
        return stated, False
    parts = ends.split("/")
    day, first, last = (read_moment(text) for text in (stated or "", parts[0], parts[-1]))
    if first is None or last is None:
        return stated or ends, False
    return ends, day is not None and not first.at.date() <= day.at.date() <= last.at.date()


def _with_clocks(
    batch: pl.DataFrame, flags: dict[str, pl.Series], *, today: date, declarations: Mapping[str, str]
) -> pl.DataFrame:
    """Take the time of day of a day from eventTime, or its two times, as Darwin Core writes them: 06:00/06:10, 08:00+0800."""
    if "eventTime" not in batch.columns or batch["eventTime"].null_count() == batch.height:
        return batch
    stated = Stated(batch.select("source_file", "source_row", "eventDate"))
    read = dates.interpret(stated, today=today, declarations=declarations)
    days = pl.DataFrame({"read": read.columns["eventDate"], "stated": stated["eventDate"]})
    table = batch.select(days.select(pl.coalesce("read", "stated")).to_series().alias("eventDate"), "eventTime")
    each = table.unique()
    joined = [_with_clock(day, clock) for day, clock in each.iter_rows()]
    each = each.with_columns(pl.Series("with clock", joined, dtype=pl.String))
    found = table.join(each, on=["eventDate", "eventTime"], how="left", nulls_equal=True, maintain_order="left")[
        "with clock"
    ]
    for flag, mask in read.flags.items():  # of a day that is not stated as it came any more
        doubted = mask & found.is_not_null()
        flags[flag] = flags[flag] | doubted if flag in flags else doubted
    return batch.with_columns(
        pl.coalesce(found, "eventDate").alias("eventDate"),
        pl.when(found.is_not_null()).then(None).otherwise("eventTime").alias("eventTime"),
    )


def _with_clock(day: str | None, stated: str | None) -> str | None:
    """Return a day with the time of day, or the two, that are stated beside it; None where it stays as it is."""
    clock = ascii_digits(stated or "").strip()
    moment = read_moment(day or "")
    if not clock or moment is None or moment.exact:
        return None
    match = _CLOCKS.fullmatch(clock) or _TWO_CLOCKS.fullmatch(clock)
    try:
        read = [read_time(text) for text in (match.groups() if match else (clock,))]
        ends = [datetime.combine(moment.at, time.fromisoformat(text)) for text, _ in read]
    except ValueError:
        return None  # no time of day, or one that no day has: 24:00 is kept where dates are read
    zones = [zone or "" for _, zone in read]
    if any(zone[:1] not in ("", "+", "-") for zone in zones):
        return None
    if len(ends) == 2 and ends[1] < ends[0]:
        ends[1] += DAY
    seconds = "seconds" if any(end.second for end in ends) else "minutes"
    return "/".join(end.isoformat(timespec=seconds) + zone for end, zone in zip(ends, zones, strict=True))


def ends_of(event_dates: pl.Series) -> pl.DataFrame:
    """Return the first and last moment of events.

    Parameters
    ----------
    event_dates : Series of str, length n
        eventDate as `dates.interpret` gives it.

    Returns
    -------
    polars.DataFrame of n rows
        `start`, `end` (local time; an end without a time of day is the last second of its day), `dated` (both tell a day),
        `exact` (both tell a time of day), `interval` (two ends are stated), `offset` (minutes east of UTC of the start; null
        where it is not stated).
    """
    rows = [_ends(text) for text in event_dates]
    schema: dict[str, Any] = {"start": pl.Datetime("us"), "end": pl.Datetime("us"), "dated": pl.Boolean, "exact": pl.Boolean,
              "interval": pl.Boolean, "offset": pl.Int64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ends(text: str | None) -> tuple[datetime | None, datetime | None, bool, bool, bool, int | None]:
    """Return the ends of one eventDate."""
    parts = (text or "").split("/")
    first, last = _whole(parts[0]), _whole(parts[-1], last=True)
    if first is None or last is None:
        return None, None, False, False, False, None
    end = last.at if last.exact else last.at + DAY - timedelta(seconds=1)
    if first.offset is not None and last.offset is not None:
        end += first.offset - last.offset
    offset = None if first.offset is None else round(first.offset.total_seconds() / 60)
    dated = all(read_moment(part) is not None for part in (parts[0], parts[-1]))
    return first.at, end, dated, first.exact and last.exact, len(parts) == 2, offset


def _whole(text: str, *, last: bool = False) -> Moment | None:
    """Read a moment, or the first or last day of a month or year."""
    moment = read_moment(text)
    match = re.fullmatch(r"(\d{4})(?:-(\d\d))?", text)
    if moment is not None or match is None:
        return moment
    year, month = int(match[1]), int(match[2] or (12 if last else 1))
    if not last:
        return Moment(datetime(year, month, 1), exact=False, offset=None)  # noqa: DTZ001
    following = datetime(year + month // 12, month % 12 + 1, 1)  # noqa: DTZ001
    return Moment(following - DAY, exact=False, offset=None)


# In which time zone an event's times stand: as stated, as in its dates, as declared, else that of its side of the border.

# The offset from UTC of times that state none: of their event, as declared, else proposed from the country.

RULE: Final = "zone_of_country"
OF_EVENT: Final = "zone_of_event"
COLUMN: Final = "timeZone"
"""Where a record's row has the zone that is stated of its event, or of the event's site or camera."""

_OFFSET: Final = re.compile(r"(?:UTC|GMT|ICT)?\s*([+\-\u2212])\s*(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_UNZONED: Final = r"(T[0-9:.]+)(/|$)"


def read_zone(text: str) -> str | None:
    """Return a zone as ±HH:MM or its IANA name; None where it is neither.

    Examples
    --------
    >>> read_zone("UTC+7")
    '+07:00'
    """
    short = ascii_digits(text).strip()
    match = _OFFSET.fullmatch(short)
    if match is not None:
        sign = "-" if match[1] in "-\u2212" else "+"
        short = f"{sign}{int(match[2]):02}:{match[3] or '00'}"
    elif short.upper() in ("Z", "UTC", "GMT"):
        short = "+00:00"
    return short if times.is_zone(short) else None


def declared_zone(name: str | None) -> str | None:
    """Return the zone that is declared, an offset (+07:00) or an IANA name (Asia/Yangon); None where none is.

    Raises
    ------
    InputError
        If it is neither.
    """
    if name is not None and not times.is_zone(name):
        problem = "the time_zone that is declared is neither an offset from UTC nor an IANA name"
        expected = "+07:00 or Asia/Bangkok for Indochina"
        raise InputError(problem, column="time_zone", value=name, expected=expected, code="DECLARATION_UNKNOWN")
    return name


def of_event(columns: Mapping[str, pl.Series], stated: Stated) -> tuple[dict[str, pl.Series], list[pl.DataFrame]]:
    """Give times that state no zone the offset that the zone of their event had then.

    Parameters
    ----------
    columns : mapping of str to Series of n rows
        `eventDate`, `event_start`, `event_time`, `event_zone` and others.
    stated : Stated
        The same n rows.

    Returns
    -------
    columns : dict of str to Series
        The same, with `event_zone` and the offset in `eventDate`.
    repairs : list of DataFrame
        Of `findings.REPAIR_ROWS`, applied.
    """
    if (cells := stated.other(COLUMN)) is None:
        return dict(columns), []
    read = {text: one for text in cells.drop_nulls().unique() if (one := read_zone(text)) is not None}
    zone = pl.col("told").replace_strict(read, default=None, return_dtype=pl.String)
    frame = pl.DataFrame(
        [
            columns["eventDate"],
            columns["event_start"],
            columns["event_time"],
            columns["event_zone"],
            cells.alias("told"),
        ]
    ).with_columns(zone=pl.when(pl.col("event_time").is_not_null() & pl.col("event_zone").is_null()).then(zone))
    if not frame["zone"].count():
        return dict(columns), []
    found = zoned(frame)
    noted = repairs(found["offset"].is_not_null(), "event_zone", found["offset"], OF_EVENT, applied=True)
    return {**columns, "eventDate": found["eventDate"], "event_zone": found["event_zone"]}, [noted]


def zoned(frame: pl.DataFrame) -> pl.DataFrame:
    """Give times the offset that a zone had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `eventDate`, `event_start`, `event_time`, `event_zone`, and `zone`: null where there is nothing to give.

    Returns
    -------
    polars.DataFrame of n rows
        The same with `offset`, which `event_zone` has where it was null, and each time of `eventDate`.
    """
    there = frame["zone"].drop_nulls().unique().sort()
    offset = pl.coalesce(
        pl.lit(None, pl.String),
        *(
            pl.when(pl.col("zone") == name).then(times.offsets(pl.col("event_start"), pl.col("event_time"), name))
            for name in there
        ),
    )
    found = frame.with_columns(offset=offset)
    known = found["offset"].drop_nulls().unique().sort()
    dated = (
        pl.when(pl.col("offset") == one).then(pl.col("eventDate").str.replace_all(_UNZONED, f"${{1}}{one}${{2}}"))
        for one in known
    )
    return found.with_columns(
        eventDate=pl.coalesce(*dated, "eventDate"), event_zone=pl.coalesce("event_zone", "offset")
    )


def with_declared(frame: pl.DataFrame, zone: str | None) -> pl.DataFrame:
    """Give times that state no zone the offset that the declared zone had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `start`, `time` and `zone`.
    zone : str, optional
        What `declared_zone` returned.

    Returns
    -------
    polars.DataFrame of n rows
    """
    if zone is None or not frame.select((pl.col("time").is_not_null() & pl.col("zone").is_null()).any()).item():
        return frame
    return frame.with_columns(zone=pl.col("zone").fill_null(times.offsets(pl.col("start"), pl.col("time"), zone)))


def proposals(frame: pl.DataFrame, parsed: Stated) -> pl.DataFrame:
    """Propose for times that still have no zone the offset that the stated country had then.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows with `start`, `time` and `zone`.
    parsed : Stated
        The same n rows.

    Returns
    -------
    polars.DataFrame of `findings.REPAIR_ROWS`, none of them applied
    """
    nothing = pl.Series([False]).new_from_index(0, parsed.height)
    if not parsed.has("countryCode", "country"):
        return repairs(nothing, "event_zone", nothing, RULE, applied=False)
    lacking = frame.with_row_index("row").filter(pl.col("time").is_not_null() & pl.col("zone").is_null())
    if lacking.is_empty():
        return repairs(nothing, "event_zone", nothing, RULE, applied=False)
    stated = parsed.first_of("countryCode", "country").gather(lacking["row"])
    lacking = lacking.with_columns(country=parse_countries(stated)["code"])
    offset = times.country_offsets(pl.col("country"), pl.col("start"), pl.col("time"))
    lacking = lacking.select("row", value=offset).drop_nulls()
    return lacking.select(
        "row", term=pl.lit("event_zone"), value="value", rule=pl.lit(RULE), applied=pl.lit(value=False)
    )


def interpret(
    table: pl.DataFrame, ends: pl.DataFrame, country_codes: pl.Series, *, declared: str | None = None
) -> Findings:
    """Find the time zone and the side of events.

    Parameters
    ----------
    table : polars.DataFrame
        n rows: `timeZone` and `side`, where there are.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.
    country_codes : Series of list of str, length n
        Countries that each place may lie in.
    declared : str, optional
        The zone that the dataset declares.

    Returns
    -------
    Findings of n rows
        `time_zone` and `side`. A zone that is taken from the side is flagged as assumed; where no side is stated and the
        place may lie in several countries, theirs is taken if all have the same offset at that time, else none.
    """
    zone_texts, side_texts = cells(table, "timeZone", "side").get_columns()
    sides = parse_countries(side_texts)["code"]
    rows = [
        _zone(zone, offset, declared, [side] if side else list(codes if codes is not None else ()), start)
        for zone, offset, side, codes, start in zip(
            zone_texts, ends["offset"], sides, country_codes, ends["start"], strict=True
        )
    ]
    frame = pl.DataFrame(rows, schema={"time_zone": pl.String, "flag": pl.String}, orient="row")
    only = pl.select(pl.when(country_codes.list.len() == 1).then(country_codes.list.first())).to_series()
    flags = {flag: frame["flag"] == flag for flag in frame["flag"].drop_nulls().unique(maintain_order=True)}
    told_side = side_texts.is_not_null()
    flags["SIDE_INVALID"] = told_side & sides.is_null()
    side = pl.select(pl.coalesce(sides, pl.when(~told_side).then(only))).to_series()
    return Findings({"time_zone": frame["time_zone"], "side": side}, flags)


def _zone(
    text: str | None, offset: int | None, declared: str | None, countries: Sequence[str], start: datetime | None
) -> tuple[str | None, str | None]:
    """Return one event's zone and the doubt about it."""
    doubt = None
    if text is not None:
        if (read := read_zone(text)) is not None:
            return read, None
        doubt = "TIME_ZONE_INVALID"
    if offset is not None:
        return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}", doubt
    if declared is not None:
        return declared, doubt
    if start is None:
        return None, doubt  # there is no time that a zone could be about
    names = [times.COUNTRY_ZONES[code].name for code in countries if code in times.COUNTRY_ZONES]
    if not names or len(names) < len(countries):
        return None, doubt or "TIME_ZONE_MISSING"
    if len(names) == 1:
        return names[0], doubt or "TIME_ZONE_ASSUMED"
    offsets = {times.offset_at(name, start.date(), start.strftime("%H:%M")) for name in names}
    agreed = offsets.pop() if len(offsets) == 1 else None
    return agreed, doubt or ("TIME_ZONE_ASSUMED" if agreed else "TIME_ZONE_MISSING")
