"""What is wrong with events: their design, effort, days, clocks, zones and scope; and with records beside the time of their event."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any, Final, NamedTuple

import polars as pl
from rapidfuzz import process

from biodata.analysis.scopes import unclear
from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from biodata.harmonise import camera_clocks
from biodata.harmonise.camera_clocks import ClockFault, iso_duration, minutes_of, offsets
from biodata.harmonise.event_times import ends_of
from biodata.ingest.protocol import Finding
from biodata.ingest.survey import DATE
from biodata.ingest.survey_shapes import ENDS, read_ends
from biodata.surveys.cell_checks import Rows, flags_of
from biodata.text import times
from biodata.text.reference_list import reference_list
from biodata.text.units import effort_unit, in_unit

_OTHER_EFFORT: Final = ("samplingEffortValue", "samplingEffort", "eventDurationValue", "totalAreaSampledValue")
_FLAGS: Final = flags_of("events")
_TWO_SITES: Final = "CAMERA_AT_TWO_SITES"
_Part = tuple[Rows, pl.DataFrame]  # a table as it came, and its interpreted rows


def of_events(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Find what is wrong with events; `read` has them as they will stand in the lake (`terms.EVENT`)."""
    return chain(_of_design(rows, read), _overlaps(rows, read), _zones(rows, read), _scopes(rows, read))


def _of_design(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    came = rows.table.frame.join(read.select("source_row"), on="source_row", how="semi", maintain_order="left")
    clocks = camera_clocks.faults_of_cells(came, ends_of(read["eventDate"]))
    shifts = {(came["source_row"][at], fault.code): _shift(fault) for at, fault in clocks if fault is not None}
    moved = read.filter(pl.col("quality_flags").list.contains(_TWO_SITES)).sort("event_start")
    first = set(moved.unique("camera_id", keep="first", maintain_order=True)["source_row"])
    for row, design, unit, flags in read.select("source_row", "design", "effort_unit", "quality_flags").iter_rows():
        if design is not None and _is_of_another_design(rows.own[row], SurveyDesign(design)):
            yield rows.finding(row, "sampleSizeUnit", "EFFORT_UNIT_UNFIT", blocking=True, unit=unit)
        params = {"known": ", ".join(SurveyDesign), "unit": unit}
        for flag in flags or ():
            columns, blocking, _ = _FLAGS.get(flag, ((), False, ()))
            column = rows.column(row, columns)
            if flag == _TWO_SITES:  # the end of the first or the start of another is wrong
                column = rows.column(row, ENDS[::-1] if row in first else ENDS) or column
            if column is not None:
                yield rows.finding(row, column, flag, blocking=blocking, **params, **shifts.get((row, flag), {}))


def _is_of_another_design(own: Mapping[str, Any], design: SurveyDesign) -> bool:
    """Return whether the only effort of an event has a unit of another design; a net's length stands beside its hours."""
    if design is SurveyDesign.MIST_NET or any(own.get(term) is not None for term in _OTHER_EFFORT):
        return False
    unit = effort_unit(own.get("sampleSizeUnit") or "")
    return unit is not None and in_unit(1.0, unit, EFFORT_UNITS[design]) is None


def _overlaps(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Find a camera, or a station where no camera is stated, that was set up again before it was taken down; at two sites a flag says so."""
    set_up = read if ENDS[1] in rows.table.headings else read.drop_nulls("camera_id")
    each = set_up.with_columns(pl.coalesce("camera_id", "locationID").alias("camera")).sort("event_start")
    before = pl.col("event_start", "event_end", "locationID", "source_row").shift(1).over("camera").name.prefix("last_")
    same = pl.col("locationID").eq_missing(pl.col("last_locationID"))
    begins, ends, began = (pl.col(name).cast(pl.Date) for name in ("event_start", "last_event_end", "last_event_start"))
    table = each.drop_nulls(["camera", "event_start"]).with_columns(before)
    later = (begins > began) | pl.col("camera_id").is_not_null()
    for row in table.filter(same & (begins < ends) & later)["source_row"]:
        column = ENDS[0] if rows.own[row].get(ENDS[0]) is not None else "cameraID"
        yield rows.finding(row, column, "CAMERA_DEPLOYMENTS_OVERLAP")


def _zones(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Find zones of events that are none of their countries."""
    columns = ("source_row", "country_codes", "event_start")
    for row, codes, start in read.drop_nulls(["time_zone", "event_start"]).select(columns).iter_rows():
        yield from zone_of(rows, row, codes or (), start)


def zones_of_places(rows: Rows, interpreted: pl.DataFrame, today: date) -> Iterator[Finding]:
    """Find zones of sites, or stated with records, that are none of their place."""
    known = interpreted.filter(~pl.col("ambiguous")).select("source_row", "located_country_code").drop_nulls()
    for row, code in known.iter_rows() if "timeZone" in rows.table.headings else ():
        yield from zone_of(rows, row, (code,), datetime.combine(today, time(12)))


def zone_of(rows: Rows, row: int, codes: Collection[str], start: datetime) -> Iterator[Finding]:
    """Find the zone of a row that is none of its countries then."""
    names = [times.COUNTRY_ZONES[code].name for code in codes if code in times.COUNTRY_ZONES]
    day, clock, zone = start.date(), start.strftime("%H:%M"), None
    with suppress(ValueError):  # what is no zone is stated as that
        zone = times.read_zone((rows.own[row].get("timeZone") or "").strip())
    if zone and rows.column(row, ("timeZone",)) is not None and names and len(names) == len(codes):
        offset = zone if times.OFFSET.fullmatch(zone) else times.offset_at(zone, day, clock)
        if offset not in {times.offset_at(name, day, clock) for name in names}:
            # What is of a project states all rows already, and a proposal would change none.
            proposal = None if rows.table.kind == "project" else " / ".join(names)
            yield rows.finding(row, "timeZone", "TIME_ZONE_NOT_OF_PLACE", proposal=proposal)


def _scopes(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Find words of scopes that are no taxon, with the group whose name is nearly the same."""
    scopes = read.select("source_row", "targetTaxonomicScope").drop_nulls()
    _, unknown = unclear(scopes["targetTaxonomicScope"], read.select(scientificName=pl.lit(None, pl.String)).clear())
    groups = sorted(reference_list().group_ranks) if unknown else []
    near = {word: process.extractOne(word, groups, score_cutoff=80) for word in unknown}
    for row, words in scopes.iter_rows():
        for word in [word for word in words if word in near]:
            proposal = None if (found := near[word]) is None else found[0]
            yield rows.finding(row, "targetTaxonomicScope", "SCOPE_WORD_UNKNOWN", name=word, proposal=proposal)


def clocks(parts: Sequence[_Part], records: Sequence[pl.DataFrame], extra: Sequence[pl.DataFrame]) -> Iterator[Finding]:
    """Find what the records of cameras, and `extra` ones (`ingest.protocol.IMAGES`), show of their clocks, at the deployment."""
    if not parts or not records:
        return
    at = {event: (rows, row) for rows, read in parts for event, row in read.select("eventID", "source_row").iter_rows()}
    images = pl.concat([one.select(camera_clocks.COLUMNS) for one in records])
    for fault in camera_clocks.clock_faults(pl.concat([read for _, read in parts]), images, extra):
        if fault.code != "CAMERA_CLOCK_OUTSIDE":  # each of these records is found by itself
            rows, row = at[fault.event]
            column = next((name for name in (ENDS[0], "eventDate") if rows.own[row].get(name) is not None), "eventID")
            yield rows.finding(row, column, fault.code, blocking=False, **_shift(fault))


def _shift(fault: ClockFault) -> dict[str, str]:
    """Return what the words of a clock's fault name: its images, and what would have to be added to their times."""
    images = {} if fault.first is None else {"images": "-".join(dict.fromkeys(map(str, (fault.first, fault.last))))}
    if fault.least is None or fault.greatest is None:
        return images
    least, greatest = iso_duration(fault.least), iso_duration(fault.greatest)
    if least != greatest and fault.code == "CAMERA_CLOCK_RESET":
        return images | {"least": least, "greatest": greatest}
    return images | {"correction": "|".join(dict.fromkeys((least, greatest)))}


def of_ends(rows: Rows, today: date) -> Iterator[Finding]:
    """Find what is wrong with the first and last day of events that stand in two columns."""
    own = "eventDate" in rows.table.headings and "eventDate" not in rows.table.converted
    if own or ENDS[0] not in rows.table.frame.columns:
        return
    numbers, read = rows.table.frame["source_row"].to_list(), read_ends(rows.table.frame, today)
    for name, ends in read.items():
        missing = "RECORDED_DATE_MISSING" if name == ENDS[0] else "EVENT_END_MISSING"
        for row, end in zip(numbers, ends.iter_rows(named=True), strict=True):
            if end["value"] is None:
                yield rows.finding(row, name, missing, blocking=name == ENDS[0])
            elif end["issue"] is not None:
                proposal = " / ".join(filter(None, (end["proposal"], end["alternative"])))
                yield rows.finding(row, name, end["issue"], blocking=True, proposal=proposal)
            elif end["rule"] is not None:
                yield rows.finding(row, name, "VALUE_READ_AS", read=end["event_date"], rule=end["rule"])
    if len(read) == 2:
        both = zip(numbers, *(ends.select("event_date", "start").iter_rows() for ends in read.values()), strict=True)
        for row, (start, first), (_, last) in both:
            if first is not None and last is not None and last < first:
                yield rows.finding(row, ENDS[1], "EVENT_ENDS_BEFORE_START", blocking=True, start=start)


_CREW: Final = timedelta(hours=1)  # forms round: so long before the beginning and after the end a record is no fault


class EventTime(NamedTuple):
    """When an event was, local time."""

    first: date | None
    last: date | None
    # To the minute, where a beginning and an end are stated (a midnight is what programs write for a day).
    start: datetime | None
    end: datetime | None
    offset: int | None  # minutes east of UTC


def event_times(rows: Rows, interpreted: pl.DataFrame, read: pl.DataFrame) -> dict[str, EventTime]:
    """Return when each event was; `interpreted` has its cells, `read` is as of `event_checks.read_events`."""
    periods: dict[str, tuple[date, date]] = {}
    for row, first, last in interpreted.select("source_row", "event_start", "event_end").iter_rows():
        event = (rows.own[row].get("eventID") or "").strip()
        is_open = ENDS[1] in rows.table.headings and rows.own[row].get(ENDS[1]) is None
        if event and first is not None and last is not None and not is_open:
            periods.setdefault(event, (first, last))
    ends, found = ends_of(read["eventDate"]), dict[str, EventTime]()
    entries = [ends["start"], ends["end"], ends["exact"] & ends["interval"], offsets(read, ends).alias("offset")]
    for event, start, end, exact, offset in read.select("eventID").with_columns(entries).iter_rows():
        start, end = (at if exact and at.time() != time() else None for at in (start, end))
        first, last = periods.get(event, (None, None))
        found[event] = EventTime(first, last, start, end, offset)
    return found


def of_records(events: Mapping[str, EventTime], parts: Sequence[_Part]) -> Iterator[Finding]:
    """Find records outside their event."""
    for rows, interpreted in parts if events else ():
        zone = minutes_of(pl.col("event_zone"))
        frame = interpreted.select("source_row", "event_start", "event_end", "event_time", zone)
        for row, first, last, clock, there in frame.iter_rows():
            own = rows.own[row]
            column = next((name for name in DATE if own.get(name) is not None), None)
            # What a camera saw in a minute is an event of its own, and a part of the camera's.
            names = [(own.get(term) or "").strip() for term in ("eventID", "parentEventID")]
            when = next((events[one] for one in names if one in events), None)
            if when is None or column is None or first is None:
                continue
            outside = _outside(when, first, last, _moment(first, last, clock, when.offset, there))
            if outside is not None:
                day_fits = when.first is not None and when.last is not None and when.first <= first <= last <= when.last
                at = "eventTime" if day_fits and own.get("eventTime") is not None else column
                yield rows.finding(row, at, "RECORD_OUTSIDE_EVENT", period=outside)


def _moment(first: date, last: date, clock: str | None, here: int | None, there: int | None) -> datetime | None:
    """Return when a record was made by the clock of its event; None without a time of day, or of midnight for the day."""
    if clock is None or first != last or time.fromisoformat(clock) == time():
        return None
    at = datetime.combine(first, time.fromisoformat(clock))
    return at if here is None or there is None else at + timedelta(minutes=here - there)


def _outside(when: EventTime, first: date, last: date, at: datetime | None) -> str | None:
    begins, ends = (first, last) if at is None else (at.date(), at.date())
    if when.first is not None and when.last is not None and (ends < when.first or begins > when.last):
        return "/".join(dict.fromkeys(day.isoformat() for day in (when.first, when.last)))
    early = at is not None and when.start is not None and at < when.start - _CREW
    late = at is not None and when.end is not None and at > when.end + _CREW
    if not early and not late:
        return None
    period = (when.start or when.first, when.end or when.last)
    return "/".join(one.isoformat("T", "minutes") if isinstance(one, datetime) else f"{one}" for one in period)
