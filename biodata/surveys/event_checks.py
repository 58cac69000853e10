"""What is wrong with events alone: their design, effort, failures, days, clocks, zones and scope."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import polars as pl
from rapidfuzz import process

from biodata.analysis.scopes import unclear
from biodata.harmonise import camera_images, event_clocks
from biodata.harmonise.event_clocks import ClockFault, iso_duration
from biodata.harmonise.event_times import ends_of
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_sites import ENDS, read_ends
from biodata.surveys.cell_checks import Rows, flags_of
from biodata.text import times
from biodata.text.reference_list import reference_list
from biodata.text.units import effort_unit, in_unit
from biodata.vocabularies import EFFORT_UNITS, SurveyDesign

_OTHER_EFFORT: Final = ("samplingEffortValue", "samplingEffort", "eventDurationValue", "totalAreaSampledValue")
_WHEN: Final = ("deploymentStart", "eventDate", "eventID")
_NEAR: Final = 80
_FLAGS: Final = flags_of("events")


def of_events(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Find what is wrong with events; `read` has them as they will stand in the lake (`terms.EVENT`)."""
    yield from _of_design(rows, read)
    yield from _overlaps(rows, read)
    yield from _zones(rows, read)
    yield from _scopes(rows, read)


def _of_design(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    came = rows.table.frame.join(read.select("source_row"), on="source_row", how="semi", maintain_order="left")
    clocks = event_clocks.of_told(came, ends_of(read["eventDate"]))
    shifts = {(came["source_row"][at], fault.code): _shift(fault) for at, fault in clocks if fault is not None}
    for row, design, unit, flags in read.select("source_row", "design", "effort_unit", "quality_flags").iter_rows():
        if design is not None and _is_of_another_design(rows.own[row], SurveyDesign(design)):
            yield rows.finding(row, "sampleSizeUnit", "EFFORT_UNIT_UNFIT", blocking=True, unit=unit)
        params = {"known": ", ".join(SurveyDesign), "unit": unit}
        for flag in flags or ():
            columns, blocking, _ = _FLAGS.get(flag, ((), False, ()))
            column = rows.column(row, columns)
            if column is not None:
                yield rows.finding(row, column, flag, blocking=blocking, **params, **shifts.get((row, flag), {}))


def _is_of_another_design(own: Mapping[str, Any], design: SurveyDesign) -> bool:
    """Tell whether the only effort of an event has a unit of another design; a net's length stands beside its hours."""
    if design is SurveyDesign.MIST_NET or any(own.get(term) is not None for term in _OTHER_EFFORT):
        return False
    unit = effort_unit(own.get("sampleSizeUnit") or "")
    return unit is not None and in_unit(1.0, unit, EFFORT_UNITS[design]) is None


def _overlaps(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    columns = ("source_row", "camera_id", "locationID", "event_start", "event_end")
    each = read.sort("event_start").drop_nulls(["camera_id", "event_start"]).select(columns)
    before = pl.col("event_end", "locationID").shift(1).over("camera_id").name.prefix("last_")
    same = pl.col("locationID").eq_missing(pl.col("last_locationID"))
    overlap = pl.col("event_start").cast(pl.Date) < pl.col("last_event_end").cast(pl.Date)
    for row in each.with_columns(before).filter(same & overlap)["source_row"]:
        yield rows.finding(row, "cameraID", "CAMERA_DEPLOYMENTS_OVERLAP")


def _zones(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    stated = rows.cells("timeZone")
    columns = ("source_row", "time_zone", "country_codes", "event_start")
    for row, zone, codes, start in read.drop_nulls(["time_zone", "event_start"]).select(columns).iter_rows():
        names = [times.COUNTRY_ZONES[code].name for code in codes or () if code in times.COUNTRY_ZONES]
        if row not in stated or not names or len(names) < len(codes):
            continue
        day, clock = start.date(), start.strftime("%H:%M")
        offset = zone if times.OFFSET.fullmatch(zone) else times.offset_at(zone, day, clock)
        if offset not in {times.offset_at(name, day, clock) for name in names}:
            yield rows.finding(row, "timeZone", "TIME_ZONE_NOT_OF_PLACE", proposal=" / ".join(names))


def _scopes(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Find words of scopes that are no taxon, with the group whose name is nearly the same."""
    scopes = read.select("source_row", "targetTaxonomicScope").drop_nulls()
    _, unknown = unclear(scopes["targetTaxonomicScope"], read.select(scientificName=pl.lit(None, pl.String)).clear())
    groups = sorted(reference_list().group_ranks) if unknown else []
    near = {word: process.extractOne(word, groups, score_cutoff=_NEAR) for word in unknown}
    for row, words in scopes.iter_rows():
        for word in [word for word in words if word in near]:
            proposal = None if (found := near[word]) is None else found[0]
            yield rows.finding(row, "targetTaxonomicScope", "SCOPE_WORD_UNKNOWN", name=word, proposal=proposal)


def clocks(
    parts: Sequence[tuple[Rows, pl.DataFrame]], records: Sequence[pl.DataFrame], others: Sequence[pl.DataFrame]
) -> Iterator[Finding]:
    """Find what the records of cameras, and `others` (`ingest.protocol.IMAGES`), show of their clocks, at the deployment."""
    if not parts or not records:
        return
    at = {event: (rows, row) for rows, read in parts for event, row in read.select("eventID", "source_row").iter_rows()}
    images = pl.concat([one.select(camera_images.COLUMNS) for one in records])
    for fault in camera_images.clock_faults(pl.concat([read for _, read in parts]), images, others):
        if fault.code != "CAMERA_CLOCK_OUTSIDE":  # each of these records is found by itself
            rows, row = at[fault.event]
            column = next((name for name in _WHEN if rows.own[row].get(name) is not None), "eventID")
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
    if "eventDate" in rows.table.headings or ENDS[0] not in rows.table.frame.columns:
        return
    numbers, read = rows.table.frame["source_row"].to_list(), read_ends(rows.table.frame, today)
    for name, ends in read.items():
        is_first = name == ENDS[0]
        for row, end in zip(numbers, ends.iter_rows(named=True), strict=True):
            if end["value"] is None:
                code = "RECORDED_DATE_MISSING" if is_first else "EVENT_END_MISSING"
                yield rows.finding(row, name, code, blocking=is_first)
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
