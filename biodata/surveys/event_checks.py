"""What harmonising doubts of events alone: their design, effort, failures, clocks and scope."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.harmonise import Harmoniser, camera_images, event_clocks
from biodata.harmonise.event_clocks import ClockFault, iso_duration
from biodata.harmonise.event_times import ends_of
from biodata.harmonise.events import events
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_periods import ENDS, read_ends
from biodata.parsers.effort_units import effort_unit, in_unit
from biodata.surveys.cell_checks import Rows
from biodata.vocabularies import EFFORT_UNITS, SurveyDesign

_EFFORT: Final = ("samplingEffortValue", "sampleSizeValue", "samplingEffort")
_UNIT: Final = ("samplingEffortUnit", "sampleSizeUnit", *_EFFORT)
_OTHER_EFFORT: Final = ("samplingEffortValue", "samplingEffort", "eventDurationValue", "totalAreaSampledValue")
_CLOCK: Final = ("clockCorrection", "cameraClockAtStart", "cameraClockAtEnd", "cameraID")
_WHEN: Final = ("deploymentStart", "eventDate", "eventID")
_SCOPE: Final = ("targetTaxonomicScope", "isAbsenceReported", "absentTaxa")

_CELLS: Final = MappingProxyType(
    {
        "DESIGN_UNKNOWN": (("design",), True),
        "EFFORT_INVALID": (_EFFORT, True),
        "EFFORT_UNIT_UNFIT": (_UNIT, True),
        "EFFORT_UNIT_ASSUMED": (_EFFORT, False),
        "EFFORT_DISAGREES": (_EFFORT, False),
        "FAILURE_INVALID": (("failurePeriods",), True),
        "FAILURE_OUTSIDE_EVENT": (("failurePeriods",), False),
        "FAILURE_REPEATED": (("failurePeriods",), False),
        "FAILURE_NOT_TAKEN_OFF": (("failurePeriods",), False),
        "TIME_ZONE_INVALID": (("timeZone",), True),
        "SIDE_INVALID": (("side",), True),
        "SITE_PLACES_DISAGREE": (("locationID",), False),
        "CAMERA_AT_TWO_SITES": (("cameraID",), False),
        "CAMERA_CLOCK_RESET": (_CLOCK, False),
        "CAMERA_CLOCK_TWELVE_HOURS": (_CLOCK, False),
        "CAMERA_CLOCK_DRIFT": (_CLOCK, False),
        "CAMERA_CLOCK_OFF": (_CLOCK, False),
        "CAMERA_CLOCK_OUTSIDE": (_CLOCK, False),
        "CAMERA_TIMES_MIDNIGHT": (_CLOCK, False),
        "CAMERA_CLOCK_INVALID": (_CLOCK, True),
        "ABSENCE_REPORT_INVALID": (("isAbsenceReported",), False),
        "ABSENCE_SCOPE_MISSING": (("isAbsenceReported", *_SCOPE), True),
        "ABSENCE_OUT_OF_SCOPE": (("absentTaxa", *_SCOPE), True),
    }
)
"""The columns that a flag of an event can be about, and whether it blocks; what is only assumed is not told."""


def read_events(rows: Rows, harmoniser: Harmoniser, declarations: Mapping[str, str]) -> pl.DataFrame:
    """Return events as they will stand in the lake.

    Parameters
    ----------
    rows : Rows
        Events as they came.
    harmoniser : Harmoniser
        Reads places, dates and measures.
    declarations : mapping
        What is declared of the dates.

    Returns
    -------
    polars.DataFrame of `terms.EVENT`
        Without those that nothing identifies.
    """
    batch = rows.table.frame.with_columns(pl.lit(rows.table.file).alias("source_file"))
    return events(batch, harmoniser, dataset_key="check", declarations=declarations)[0]


def of_design(rows: Rows, read: pl.DataFrame) -> Iterator[Finding]:
    """Tell what is doubted of the events' design.

    Parameters
    ----------
    rows : Rows
        Events as they came.
    read : polars.DataFrame
        The same as of `read_events`.
    """
    shifts = _shifts(rows, read)
    for row, design, unit, flags in read.select("source_row", "design", "effort_unit", "quality_flags").iter_rows():
        own = rows.own[row]
        if design is not None and _is_of_another_design(own, SurveyDesign(design)):
            yield rows.finding(row, "sampleSizeUnit", "EFFORT_UNIT_UNFIT", blocking=True, unit=unit)
        params = {"known": ", ".join(SurveyDesign)} | ({"unit": unit} if unit else {})
        for flag in flags or ():
            columns, blocking = _CELLS.get(flag, ((), False))
            column = next((name for name in columns if own.get(name) is not None), None)
            if column is not None and (row, column) not in rows.table.covered:
                yield rows.finding(row, column, flag, blocking=blocking, **params, **shifts.get((row, flag), {}))


def _shifts(rows: Rows, read: pl.DataFrame) -> dict[tuple[int, str], dict[str, str]]:
    """Return what would have to be added to cameras' times by what their clocks showed, by row and flag."""
    told = rows.table.frame.join(read.select("source_row"), on="source_row", how="semi", maintain_order="left")
    numbers = told["source_row"].to_list()
    found = event_clocks.of_told(told, ends_of(read["eventDate"]))
    return {(numbers[at], fault.code): _shift(fault) for at, fault in found if fault is not None}


def clocks(
    parts: Sequence[tuple[Rows, pl.DataFrame]], records: Sequence[pl.DataFrame], others: Sequence[pl.DataFrame] = ()
) -> Iterator[Finding]:
    """Tell what the records of cameras show of their clocks, at the deployment, with what would have to be added.

    Parameters
    ----------
    parts : sequence of (Rows, polars.DataFrame)
        Events as they came, and as of `read_events`.
    records : sequence of polars.DataFrame
        `camera_images.COLUMNS` of interpreted records.
    others : sequence of polars.DataFrame
        `ingest.protocol.IMAGES` of pictures that are no records.
    """
    if not parts or not records:
        return
    at = {event: (rows, row) for rows, read in parts for event, row in read.select("eventID", "source_row").iter_rows()}
    for fault in camera_images.clock_faults(pl.concat([read for _, read in parts]), pl.concat(records), others):
        if fault.code == "CAMERA_CLOCK_OUTSIDE":
            continue  # each of these records is told by itself
        rows, row = at[fault.event]
        column = next((name for name in _WHEN if rows.own[row].get(name) is not None), "eventID")
        yield rows.finding(row, column, fault.code, blocking=False, **_shift(fault))


def _shift(fault: ClockFault) -> dict[str, str]:
    """Return what the words of a clock's fault name: its images, and what would have to be added to their times."""
    told = {} if fault.first is None else {"images": "-".join(dict.fromkeys(map(str, (fault.first, fault.last))))}
    if fault.least is None or fault.greatest is None:
        return told
    least, greatest = iso_duration(fault.least), iso_duration(fault.greatest)
    if least == greatest:
        return told | {"correction": least}
    if fault.code == "CAMERA_CLOCK_RESET":
        return told | {"least": least, "greatest": greatest}
    return told | {"correction": f"{least}|{greatest}"}


def _is_of_another_design(own: Mapping[str, Any], design: SurveyDesign) -> bool:
    """Tell whether the only effort that an event tells has a unit that is another design's.

    A net's length is told as a size beside its hours.
    """
    if design is SurveyDesign.MIST_NET or any(own.get(term) is not None for term in _OTHER_EFFORT):
        return False
    unit = effort_unit(own.get("sampleSizeUnit") or "")
    return unit is not None and in_unit(1.0, unit, EFFORT_UNITS[design]) is None


def of_periods(
    rows: Rows, frame: pl.DataFrame, told: Iterable[Finding], placed: frozenset[str], today: date
) -> Iterator[Finding]:
    """Tell what is wrong with events: of their start and end each cell, of a missing place only where it is needed.

    Parameters
    ----------
    rows : Rows
        Events as they came.
    frame : polars.DataFrame
        The same with their `eventDate`.
    told : iterable of Finding
        What is found of their cells.
    placed : frozenset of str
        Events whose records all tell their place.
    today : date
        The present day.
    """
    for finding in told:
        own = rows.own.get(finding.row or 0, {})  # what is told of a heading is of no event
        if finding.code == "COORDINATE_MISSING" and (own.get("eventID") or "").strip() in placed:
            continue
        yield finding
    if "eventDate" in rows.table.headings or "eventDate" not in frame.columns:
        return
    read = read_ends(rows.table.frame, today)
    numbers = rows.table.frame["source_row"].to_list()
    for name, ends in read.items():
        for row, end in zip(numbers, ends.iter_rows(named=True), strict=True):
            if end["value"] is None:
                code = "RECORDED_DATE_MISSING" if name == ENDS[0] else "EVENT_END_MISSING"
                yield rows.finding(row, name, code, blocking=name == ENDS[0])
            elif end["issue"] is not None:
                params = {"proposal": " / ".join(filter(None, (end["proposal"], end["alternative"])))}
                yield rows.finding(row, name, end["issue"], blocking=True, **(params if params["proposal"] else {}))
            elif end["rule"] is not None:
                yield rows.finding(row, name, "VALUE_READ_AS", blocking=False, read=end["event_date"],
                                   rule=end["rule"])  # fmt: skip
    if len(read) == 2:
        both = zip(numbers, *(ends.select("event_date", "start").iter_rows() for ends in read.values()), strict=True)
        for row, (start, first), (_, last) in both:
            if first is not None and last is not None and last < first:
                yield rows.finding(row, ENDS[1], "EVENT_ENDS_BEFORE_START", blocking=True, start=start)


def periods(rows: Rows, interpreted: pl.DataFrame) -> dict[str, tuple[date, date]]:
    """Return the first and last day of each event whose date is read."""
    found: dict[str, tuple[date, date]] = {}
    for row, first, last in interpreted.select("source_row", "event_start", "event_end").iter_rows():
        event = (rows.own[row].get("eventID") or "").strip()
        is_open = ENDS[1] in rows.table.headings and rows.own[row].get(ENDS[1]) is None
        if event and first is not None and last is not None and not is_open:
            found.setdefault(event, (first, last))
    return found


def events_with_records_placed_themselves(records: Sequence[Rows]) -> frozenset[str]:
    """Return the events of which every record tells its place itself."""
    all_, without = set(), set()
    for rows in records:
        for own in rows.own.values():
            event = (own.get("eventID") or "").strip()
            all_.add(event)
            if own.get("decimalLatitude") is None and own.get("verbatimCoordinates") is None:
                without.add(event)
    return frozenset(all_ - without - {""})
