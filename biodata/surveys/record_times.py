"""Records set beside the time of their event: outside of it, or at a time at which the event says that nothing was recorded."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

import polars as pl

from biodata.harmonise.camera_images import minutes_of, offsets
from biodata.harmonise.event_times import DAY, days, ends_of, iso, read_failures, united
from biodata.ingest.protocol import Finding
from biodata.ingest.survey import DATE
from biodata.surveys.cell_checks import Rows
from biodata.vocabularies import SurveyDesign

COLUMNS: Final = ("source_row", "event_start", "event_end", "event_time", "event_zone", "occurrenceStatus")
"""What is needed of interpreted records."""
_CREW: Final = timedelta(hours=1)
"""Forms round: so long before the beginning and after the end a record is no fault."""
_Interval = tuple[datetime, datetime]


class EventTime(NamedTuple):
    """When an event was, local time.

    Attributes
    ----------
    first, last : date or None
        Its days.
    start, end : datetime or None
        When a camera was set up and taken down, where that is told to the minute; a midnight is what programs write for a day.
    offset : int or None
        Minutes east of UTC, as told or of its zone.
    failures : list of (datetime, datetime)
        The times without observation as they are told.
    failed_days : float or None
        How many days were told, where only their number was.
    row : (Rows, int)
        Where it stands.
    """

    first: date | None
    last: date | None
    start: datetime | None
    end: datetime | None
    offset: int | None
    failures: list[_Interval]
    failed_days: float | None
    row: tuple[Rows, int]


def of_events(rows: Rows, periods: Mapping[str, tuple[date, date]], read: pl.DataFrame) -> dict[str, EventTime]:
    """Return when each event was.

    Parameters
    ----------
    rows : Rows
        Events as they came.
    periods : mapping of str to (date, date)
        First and last day of each, as `event_checks.periods`.
    read : polars.DataFrame
        The same events as of `event_checks.read_events`.
    """
    ends = ends_of(read["eventDate"])
    frame = read.select("eventID", "source_row", "design").with_columns(
        ends["start"], ends["end"], ends["exact"], offsets(read, ends).alias("offset")
    )
    found: dict[str, EventTime] = {}
    for event, row, design, start, end, exact, offset in frame.iter_rows():
        first, last = periods.get(event, (None, None))
        failures = read_failures(rows.own[row].get("failurePeriods"))
        placed = exact and design == SurveyDesign.CAMERA_TRAP
        found[event] = EventTime(
            first, last,
            start if placed and start.time() != time() else None, end if placed and end.time() != time() else None,
            offset, united(failures.intervals), failures.days if not failures.intervals else None, (rows, row),
        )  # fmt: skip
    return found


def timed(rows: Rows, read: pl.DataFrame, cameras: Collection[str]) -> pl.DataFrame:
    """Return the records that tell a time of day, for `midnights`.

    Parameters
    ----------
    rows : Rows
        Occurrences as they came.
    read : polars.DataFrame
        `COLUMNS` of the same, interpreted.
    cameras : collection of str
        Deployments, of which midnights are told one by one: their records are left out.
    """
    of_camera = [
        not {rows.own[row].get("eventID"), rows.own[row].get("parentEventID")}.isdisjoint(cameras)
        for row in read["source_row"]
    ]
    told = read.filter(~pl.Series(of_camera, dtype=pl.Boolean)).drop_nulls("event_time")
    there = rows.own[told["source_row"][0]] if told.height else {}
    column = next((name for name in ("eventTime", *DATE) if there.get(name) is not None), None)
    return told.select(
        file=pl.lit(rows.table.file),
        sheet=pl.lit(rows.table.sheet, pl.String),
        row=pl.lit(rows.table.heading_row, pl.Int64),
        heading=pl.lit(None if column is None else rows.table.heading(column), pl.String),
        day="event_start",
        midnight=pl.col("event_time").str.contains(r"^00:00(:00)?"),
    )


def midnights(told: Sequence[pl.DataFrame]) -> Iterator[Finding]:
    """Tell once of a table that every time in it is 00:00:00, of several days: a program wrote days as midnights."""
    if not told:
        return
    of_each = (
        pl.concat(told)
        .drop_nulls("heading")
        .group_by("file", "sheet", "row", "heading", maintain_order=True)
        .agg(pl.col("midnight").all(), days=pl.col("day").n_unique())
    )
    for file, sheet, row, heading in (
        of_each.filter(pl.col("midnight") & (pl.col("days") > 1)).select("file", "sheet", "row", "heading").iter_rows()
    ):
        yield Finding(file, sheet, row, heading, heading, "TIMES_MIDNIGHT", blocking=False)


class RecordTimes:
    """Sets records beside their events' times; those of several tables one after the other.

    Parameters
    ----------
    events : mapping of str to EventTime
        By their identifier; it may grow before records are looked at.
    """

    def __init__(self, events: Mapping[str, EventTime]) -> None:
        self._events = events
        self._days: dict[str, set[date]] = {}

    def of_records(self, rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
        """Find records outside their event, and those of a time at which nothing was recorded.

        Parameters
        ----------
        rows : Rows
            Occurrences as they came.
        read : polars.DataFrame
            `COLUMNS` of the same, interpreted.
        """
        if not self._events:
            return
        frame = read.select(*COLUMNS[:4], minutes_of(pl.col("event_zone")), COLUMNS[-1])
        for row, first, last, clock, there, status in frame.iter_rows():
            own = rows.own[row]
            column = next((name for name in DATE if own.get(name) is not None), None)
            event = self._of(own)
            if event is None or column is None or first is None:
                continue
            name, when = event
            at = _moment(first, last, clock, when.offset, there)
            told = _outside(when, first, last, at)
            if told is not None:
                yield rows.finding(row, column, "RECORD_OUTSIDE_EVENT", blocking=False, period=told)
                continue
            if status == "ABSENT":
                continue  # what was not seen is no picture
            if first == last:
                self._days.setdefault(name, set()).add(first if at is None else at.date())
            failed = next((one for one in when.failures if _lies_in(one, first, last, at)), None)
            if failed is not None:
                yield rows.finding(row, column, "RECORD_IN_FAILURE", blocking=False, period=iso([failed])[0])

    def of_failures(self) -> Iterator[Finding]:
        """Find events with records of more days than the number of their failed days leaves."""
        for name, seen in self._days.items():
            when = self._events[name]
            if when.failed_days is None or when.first is None or when.last is None:
                continue
            left = (when.last - when.first).days + 1 - when.failed_days
            if len(seen) > max(left, 0):
                rows, row = when.row
                yield rows.finding(
                    row, "failurePeriods", "FAILURE_TOO_LONG", blocking=False,
                    count=str(len(seen)), left=f"{max(left, 0):g}",
                )  # fmt: skip

    def _of(self, own: Mapping[str, Any]) -> tuple[str, EventTime] | None:
        """Return a record's event: its own, else the one above, as of what a camera saw in a minute."""
        for term in ("eventID", "parentEventID"):
            name = (own.get(term) or "").strip()
            if name in self._events:
                return name, self._events[name]
        return None


def _moment(first: date, last: date, clock: str | None, here: int | None, there: int | None) -> datetime | None:
    """Return when a record was made by the clock of its event; None where no time of day is told, or midnight for the day."""
    if clock is None or first != last or time.fromisoformat(clock) == time():
        return None
    at = datetime.combine(first, time.fromisoformat(clock))
    return at if here is None or there is None else at + timedelta(minutes=here - there)


def _outside(when: EventTime, first: date, last: date, at: datetime | None) -> str | None:
    """Return the event's period where a record lies outside of it."""
    begins = first if at is None else at.date()
    ends = last if at is None else at.date()
    if when.first is not None and when.last is not None and (ends < when.first or begins > when.last):
        return "/".join(dict.fromkeys(day.isoformat() for day in (when.first, when.last)))
    early = at is not None and when.start is not None and at < when.start - _CREW
    late = at is not None and when.end is not None and at > when.end + _CREW
    if not early and not late:
        return None
    told = (when.start or when.first, when.end or when.last)
    return "/".join(one.isoformat("T", "minutes") if isinstance(one, datetime) else f"{one}" for one in told)


def _lies_in(failure: _Interval, first: date, last: date, at: datetime | None) -> bool:
    """Tell whether a record surely is of a time without observation; the moments at which one began and ended are none of it."""
    start, end = failure
    if at is not None:
        whole = start.time() == end.time() == time() and days([failure]) >= 1
        return start <= at < end if whole else start < at < end
    return start <= datetime.combine(first, time()) and datetime.combine(last, time()) + DAY <= end
