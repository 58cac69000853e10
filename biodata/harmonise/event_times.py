"""When an event began and ended, to the minute where that is told, and the times in it without observation."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import polars as pl

from biodata.harmonise import dates
from biodata.harmonise.told import Told
from biodata.text.numbers import ascii_digits
from biodata.text.tables import NA, PLACEHOLDERS
from biodata.text.times import read_time

# The cells of events by term, without white space around them and without what only says that nothing is told.

_OF_COUNTRIES: Final = ("side",)
"""Terms in which NA is Namibia."""


def cells(told: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the cells of some terms.

    Parameters
    ----------
    told : polars.DataFrame
        n rows of text.
    *names : str
        The terms.

    Returns
    -------
    polars.DataFrame of n rows
        A column a term; null where nothing is told (R writes NA for that), or the table has no such column.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, told.height)
    there = pl.DataFrame([(told[name] if name in told.columns else nothing).alias(name) for name in names])
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
    """A moment as told: the first one that it may be, whether a time of day was told, and its offset."""

    at: datetime
    exact: bool
    offset: timedelta | None


class Failures(NamedTuple):
    """Times without observation.

    Attributes
    ----------
    intervals : list of (datetime, datetime)
        First moment, and the first one after; local time. A day that is told counts whole.
    days : float or None
        How many days were told, where only their number was.
    valid : bool
        False where a part cannot be read.
    """

    intervals: list[tuple[datetime, datetime]]
    days: float | None
    valid: bool


def read_moment(text: str) -> Moment | None:
    """Read a date or a date with a time of day in ISO 8601; None where it is neither."""
    match = _MOMENT.fullmatch(ascii_digits(text).strip())
    if match is None:
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
        n events as told.
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
            told = Told(batch.select("source_file", "source_row", pl.col(name).alias("eventDate")))
            found = dates.interpret(told, today=today, declarations=declarations)
            for flag, mask in found.flags.items():
                if flag != "RECORDED_DATE_MISSING":
                    doubted = mask & batch[name].is_not_null()
                    flags[flag] = flags[flag] | doubted if flag in flags else doubted
            read.append(pl.select(pl.coalesce(found.columns["eventDate"], told["eventDate"]).alias(name)).to_series())
        # An end alone tells no event: its beginning is missing, and is flagged.
        joined = (
            pl.DataFrame(read)
            .select(pl.when(pl.first().is_not_null()).then(pl.concat_str(pl.all(), separator="/", ignore_nulls=True)))
            .to_series()
        )
        both = [_finer(*row) for row in zip(cells(batch, "eventDate")["eventDate"], joined, strict=True)]
        batch = batch.with_columns(pl.Series("eventDate", [date for date, _ in both], dtype=pl.String))
        flags["RECORDED_DATE_MISMATCH"] = pl.Series([differs for _, differs in both], dtype=pl.Boolean)
    return _with_clocks(batch), flags


def _finer(told: str | None, ends: str | None) -> tuple[str | None, bool]:
    """Return eventDate, or its ends where they tell more; and whether the day that is told lies outside of them."""
    if not ends or (told and "/" in told):
        return told, False
    parts = ends.split("/")
    day, first, last = (read_moment(text) for text in (told or "", parts[0], parts[-1]))
    if first is None or last is None:
        return told or ends, False
    return ends, day is not None and not first.at.date() <= day.at.date() <= last.at.date()


def _with_clocks(batch: pl.DataFrame) -> pl.DataFrame:
    """Take the time of day of a day from eventTime, or its two times, as Darwin Core writes them: 06:00/06:10, 08:00+0800."""
    if "eventTime" not in batch.columns or batch["eventTime"].null_count() == batch.height:
        return batch
    told = batch.select("eventDate", "eventTime")
    each = told.unique()
    joined = [_with_clock(day, clock) for day, clock in each.iter_rows()]
    each = each.with_columns(pl.Series("with clock", joined, dtype=pl.String))
    found = told.join(each, on=["eventDate", "eventTime"], how="left", nulls_equal=True, maintain_order="left")[
        "with clock"
    ]
    return batch.with_columns(
        pl.coalesce(found, "eventDate").alias("eventDate"),
        pl.when(found.is_not_null()).then(None).otherwise("eventTime").alias("eventTime"),
    )


def _with_clock(day: str | None, told: str | None) -> str | None:
    """Return a day with the time of day, or the two, that are told beside it; None where it stays as it is."""
    clock = ascii_digits(told or "").strip()
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
        `exact` (both tell a time of day), `interval` (two ends are told), `offset` (minutes east of UTC of the start; null
        where it is not told).
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
