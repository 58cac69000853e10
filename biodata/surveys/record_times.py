"""Records beside the time of their event: outside of it, or at a time at which the event says that nothing was recorded."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

import polars as pl

from biodata.harmonise.camera_images import minutes_of, offsets
from biodata.harmonise.event_times import DAY, days, ends_of, iso, read_failures, united
from biodata.ingest.protocol import Finding
from biodata.ingest.survey import DATE
from biodata.ingest.survey_sites import ENDS
from biodata.surveys.cell_checks import Rows
from biodata.vocabularies import SurveyDesign

_CREW: Final = timedelta(hours=1)  # forms round: so long before the beginning and after the end a record is no fault
_Interval = tuple[datetime, datetime]
_Part = tuple[Rows, pl.DataFrame]  # a table as it came, and its interpreted rows


class EventTime(NamedTuple):
    """When an event was, local time."""

    first: date | None
    last: date | None
    start: datetime | None  # when a camera was set up, to the minute (a midnight is what programs write for a day)
    end: datetime | None
    offset: int | None  # minutes east of UTC
    failures: list[_Interval]
    failed_days: float | None  # where only their number is known
    rows: Rows
    row: int


def of_events(rows: Rows, interpreted: pl.DataFrame, read: pl.DataFrame) -> dict[str, EventTime]:
    """Return when each event was; `interpreted` has its cells, `read` is as of `event_checks.read_events`."""
    periods: dict[str, tuple[date, date]] = {}
    for row, first, last in interpreted.select("source_row", "event_start", "event_end").iter_rows():
        event = (rows.own[row].get("eventID") or "").strip()
        is_open = ENDS[1] in rows.table.headings and rows.own[row].get(ENDS[1]) is None
        if event and first is not None and last is not None and not is_open:
            periods.setdefault(event, (first, last))
    ends, found = ends_of(read["eventDate"]), dict[str, EventTime]()
    frame = read.select("eventID", "source_row", "design").with_columns(
        ends["start"], ends["end"], ends["exact"], offsets(read, ends).alias("offset")
    )
    for event, row, design, start, end, exact, offset in frame.iter_rows():
        failures = read_failures(rows.own[row].get("failurePeriods"))
        start, end = (at if exact and design == SurveyDesign.CAMERA_TRAP and at.time() != time() else None for at in (start, end))  # fmt: skip
        failed_days = None if failures.intervals else failures.days
        first, last = periods.get(event, (None, None))
        found[event] = EventTime(first, last, start, end, offset, united(failures.intervals), failed_days, rows, row)
    return found


def of_records(events: Mapping[str, EventTime], parts: Sequence[_Part]) -> Iterator[Finding]:
    """Find records outside their event or in its failures, and events with records of more days than failed ones leave."""
    seen: dict[str, set[date]] = {}
    for rows, interpreted in parts if events else ():
        frame = interpreted.select(
            "source_row", "event_start", "event_end", "event_time", minutes_of(pl.col("event_zone")), "occurrenceStatus"
        )
        for row, first, last, clock, there, status in frame.iter_rows():
            own = rows.own[row]
            column = next((name for name in DATE if own.get(name) is not None), None)
            # What a camera saw in a minute is an event of its own, and a part of the camera's.
            names = [(own.get(term) or "").strip() for term in ("eventID", "parentEventID")]
            name = next((one for one in names if one in events), None)
            if name is None or column is None or first is None:
                continue
            when = events[name]
            at = _moment(first, last, clock, when.offset, there)
            outside = _outside(when, first, last, at)
            if outside is not None:
                yield rows.finding(row, column, "RECORD_OUTSIDE_EVENT", period=outside)
            elif status != "ABSENT":  # what was not seen is no picture
                if first == last:
                    seen.setdefault(name, set()).add(first if at is None else at.date())
                failed = next((one for one in when.failures if _lies_in(one, first, last, at)), None)
                if failed is not None:
                    yield rows.finding(row, column, "RECORD_IN_FAILURE", period=iso([failed])[0])
    for name, of_days in seen.items():
        when = events[name]
        if when.failed_days is not None and when.first is not None and when.last is not None:
            left = max((when.last - when.first).days + 1 - when.failed_days, 0)
            if len(of_days) > left:
                days_of, left_of = str(len(of_days)), f"{left:g}"
                yield when.rows.finding(when.row, "failurePeriods", "FAILURE_TOO_LONG", count=days_of, left=left_of)


def midnights(parts: Sequence[_Part], cameras: frozenset[str]) -> Iterator[Finding]:
    """Find tables in which every time is 00:00:00, of several days: a program wrote days as midnights.

    Records of `cameras` are left out: of those, midnights are found one by one.
    """
    by_sheet: dict[tuple[str, str | None, int, str], list[pl.DataFrame]] = {}
    for rows, interpreted in parts:
        of_camera = [row for row, own in rows.own.items() if cameras & {own.get("eventID"), own.get("parentEventID")}]
        timed = interpreted.filter(~pl.col("source_row").is_in(of_camera)).drop_nulls("event_time")
        table = rows.table
        own = rows.own[timed["source_row"][0]] if timed.height else {}
        column = next((name for name in ("eventTime", *DATE) if own.get(name) is not None), None)
        if column is not None:
            place = (table.file, table.sheet, table.heading_row, table.heading(column))
            by_sheet.setdefault(place, []).append(timed.select("event_start", "event_time"))
    for (file, sheet, row, heading), frames in by_sheet.items():
        times = pl.concat(frames)
        if times["event_start"].n_unique() > 1 and times["event_time"].str.contains(r"^00:00(:00)?").all():
            yield Finding(file, sheet, row, heading, heading, "TIMES_MIDNIGHT", blocking=False)


def _moment(first: date, last: date, clock: str | None, here: int | None, there: int | None) -> datetime | None:
    """Return when a record was made by the clock of its event; None without a time of day, or of midnight for the day."""
    if clock is None or first != last or time.fromisoformat(clock) == time():
        return None
    at = datetime.combine(first, time.fromisoformat(clock))
    return at if here is None or there is None else at + timedelta(minutes=here - there)


def _outside(when: EventTime, first: date, last: date, at: datetime | None) -> str | None:
    """Return the event's period where a record lies outside of it."""
    begins, ends = (first, last) if at is None else (at.date(), at.date())
    if when.first is not None and when.last is not None and (ends < when.first or begins > when.last):
        return "/".join(dict.fromkeys(day.isoformat() for day in (when.first, when.last)))
    early = at is not None and when.start is not None and at < when.start - _CREW
    late = at is not None and when.end is not None and at > when.end + _CREW
    if not early and not late:
        return None
    period = (when.start or when.first, when.end or when.last)
    return "/".join(one.isoformat("T", "minutes") if isinstance(one, datetime) else f"{one}" for one in period)


def _lies_in(failure: _Interval, first: date, last: date, at: datetime | None) -> bool:
    """Tell whether a record surely is of a time without observation; the moments at which one began and ended are none of it."""
    start, end = failure
    if at is not None:
        whole = start.time() == end.time() == time() and days([failure]) >= 1
        return start <= at < end if whole else start < at < end
    return start <= datetime.combine(first, time()) and datetime.combine(last, time()) + DAY <= end
