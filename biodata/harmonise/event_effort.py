"""How much was looked at an event: as told, from its times, from the line or from the area, with failures taken off.

Conventions
- Trap-nights are the nights between the two moments: noon of 1 May to noon of 31 May are 30. Days without observation are
  taken off a night each, those that are told twice once.
- What is told stands, unless it is more than the times allow. Told nights that equal all nights between the two moments,
  beside failures, are the nights before failures, which are taken off. Where told and computed effort differ by more than a
  tenth, that is flagged.
- Effort of another unit is converted; what cannot be converted is no effort. Nothing is made of a month or year.
- An archive of ours tells how each effort was found: it stands as it is told, and where none is told there is none. The
  outline of a coarse cell or of an event's parts is no plot.
"""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import polars as pl
from pyproj import Geod

from biodata.core.terms import ARCHIVED_BASIS, ARCHIVED_FAILED_DAYS
from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from biodata.harmonise import measures
from biodata.harmonise.event_times import cells, days, iso, nights, read_failures, united
from biodata.harmonise.findings import Findings
from biodata.text.units import effort_unit, in_unit, read_effort

TOLERANCE: Final = 0.1
"""Share by which told and computed effort may differ without a flag."""

TOLD: Final = (
    ("samplingEffortValue", "samplingEffortUnit"),
    ("sampleSizeValue", "sampleSizeUnit"),
    ("eventDurationValue", "eventDurationUnit"),
    ("totalAreaSampledValue", "totalAreaSampledUnit"),
    ("samplingEffort", None),
)
"""Terms that tell effort, and their units; the first one that can be made into the design's unit counts."""

_BY_TIME: Final = MappingProxyType(
    {"trap-night": "nights", "reporting-day": "days", "hour": "hours", "minute": "minutes"}
)
_BASES: Final = frozenset({"told", "times", "line", "area"})
_GEOD: Final = Geod(ellps="WGS84")


class Span(NamedTuple):
    """Times of an event: all of it, what remains without failures, in each way of counting; null where it is not told."""

    gross: Mapping[str, float | None]
    net: Mapping[str, float | None]


def interpret(told: pl.DataFrame, ends: pl.DataFrame, designs: pl.Series) -> Findings:
    """Find the effort of events.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: cells by `terms.EVENT_TERMS`, those that there are.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.
    designs : Series of str, length n
        Values of `SurveyDesign`; null where there is none.

    Returns
    -------
    Findings of n rows
        `effort_value`, `effort_unit`, `effort_basis` (told, times, line, area), `failed_days`, `failure_periods`.
    """
    names = [name for pair in TOLD for name in pair if name]
    there = cells(told, *names, "failurePeriods", "footprintWKT", "footprintSRS", ARCHIVED_BASIS, ARCHIVED_FAILED_DAYS)
    found_before = ARCHIVED_BASIS in told.columns
    rows = [
        (_as_archived if found_before else _effort)(row, SurveyDesign(design) if design else None, end)
        for row, design, end in zip(there.iter_rows(named=True), designs, ends.iter_rows(named=True), strict=True)
    ]
    schema: dict[str, Any] = {
        "effort_value": pl.Float64, "effort_unit": pl.String, "effort_basis": pl.String, "failed_days": pl.Float64,
        "failure_periods": pl.List(pl.String), "flags": pl.List(pl.String),
    }  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    found = frame["flags"].explode(empty_as_null=False).drop_nulls().unique(maintain_order=True)
    flags = {flag: frame["flags"].list.contains(flag) for flag in found}
    return Findings({name: frame[name] for name in schema if name != "flags"}, flags)


_Row: TypeAlias = tuple[float | None, str | None, str | None, float | None, list[str] | None, list[str]]


def _effort(row: Mapping[str, str | None], design: SurveyDesign | None, ends: Mapping[str, object]) -> _Row:
    """Find the effort of one event."""
    failures = read_failures(row["failurePeriods"])
    flags = [] if failures.valid else ["FAILURE_INVALID"]
    start, end = ends["start"], ends["end"]
    placed = isinstance(start, datetime) and isinstance(end, datetime) and bool(ends["dated"])
    inside, failed_days = failures.intervals, failures.days
    if failures.intervals:
        inside = united(failures.intervals)
        if days(inside) < days(failures.intervals):
            flags.append("FAILURE_REPEATED")
        if placed:
            inside, outside = _clipped(inside, start, end)  # type: ignore[arg-type]
            flags += ["FAILURE_OUTSIDE_EVENT"] * outside
        counted = days(inside)
        if failed_days is not None and abs(failed_days - counted) > 1:
            flags.append("FAILURE_INVALID")  # the number of days and the days themselves contradict each other
        failed_days = round(counted, 3)  # the last second of a day is its end
    periods = iso(inside) or None
    if design is None:
        return None, None, None, failed_days, periods, flags
    unit = EFFORT_UNITS[design]
    span = _span(ends, inside, failures.days if not inside else None) if placed else None
    told = _stated_effort(row, unit, flags)
    value, basis = _chosen(row, design, unit, told, span, flags, has_failures=bool(failures.intervals or failures.days))
    if value is None and not {"EFFORT_INVALID", "EFFORT_UNIT_UNFIT"} & set(flags):
        flags.append("EFFORT_MISSING")
    return value, unit, basis, failed_days, periods, flags


def _as_archived(row: Mapping[str, str | None], design: SurveyDesign | None, ends: Mapping[str, object]) -> _Row:
    """Return the effort that an archive of ours tells; more than the times allow is not believed."""
    failed_days = read_failures(row[ARCHIVED_FAILED_DAYS]).days
    if design is None:
        return None, None, None, failed_days, None, []
    flags: list[str] = []
    unit = EFFORT_UNITS[design]
    value = _stated_effort(row, unit, flags)
    basis = row[ARCHIVED_BASIS] if row[ARCHIVED_BASIS] in _BASES else "told"
    placed = isinstance(ends["start"], datetime) and isinstance(ends["end"], datetime) and bool(ends["dated"])
    most = _span(ends, [], None).gross[_BY_TIME[unit]] if placed and unit in _BY_TIME else None
    if value is not None and most is not None and value > most and not _near(value, most):
        value, basis = most, "times"
        flags.append("EFFORT_DISAGREES")
    return value, unit, None if value is None else basis, failed_days, None, flags


def _clipped(
    intervals: list[tuple[datetime, datetime]], start: datetime, end: datetime
) -> tuple[list[tuple[datetime, datetime]], bool]:
    """Return what of the intervals lies in the event, and whether any day of them does not."""
    outside = any(first.date() < start.date() or _last_day(last) > end.date() for first, last in intervals)
    cut = [(max(first, start), min(last, end)) for first, last in intervals]
    return [(first, last) for first, last in cut if first < last], outside


def _last_day(closed: datetime) -> date:
    """Return the last day of an interval that ends before `closed`."""
    return (closed - datetime.resolution).date()


def _span(ends: Mapping[str, object], failed: list[tuple[datetime, datetime]], failed_days: float | None) -> Span:
    """Count an event's nights, days, hours and minutes, all of them and those without failures."""
    start, end = ends["start"], ends["end"]
    assert isinstance(start, datetime)
    assert isinstance(end, datetime)
    whole = [(start, end)]
    seconds = (end - start).total_seconds() if ends["exact"] and ends["interval"] else None
    gross: dict[str, float | None] = {
        "nights": float(nights(whole)) if ends["interval"] else None,
        "days": float((end.date() - start.date()).days + 1),
        "hours": None if seconds is None else seconds / 3600,
        "minutes": None if seconds is None else seconds / 60,
    }
    lost_s = days(failed) * 86_400
    lost = {
        "nights": nights(failed) + (failed_days or 0),
        "days": len(_whole_days(failed)) + (failed_days or 0),
        "hours": lost_s / 3600 + 24 * (failed_days or 0),
        "minutes": lost_s / 60 + 1440 * (failed_days or 0),
    }
    net = {name: None if value is None else max(0.0, value - lost[name]) for name, value in gross.items()}
    return Span(gross, net)


def _whole_days(failed: list[tuple[datetime, datetime]]) -> list[int]:
    """Return the days that failures cover from their first to their last hour."""
    return [
        day
        for first, last in failed
        for day in range(first.toordinal() + (first.time() != datetime.min.time()), _first_uncovered(last))
    ]


def _first_uncovered(last: datetime) -> int:
    """Return the day after the last one that is covered; the last second of a day counts as its end."""
    nearly = last.time() >= datetime.max.time().replace(microsecond=0)
    return last.toordinal() + (1 if nearly else 0)


def _stated_effort(row: Mapping[str, str | None], unit: str, flags: list[str]) -> float | None:
    """Return the effort that is told, in the design's unit."""
    doubts: list[str] = []
    for value_term, unit_term in TOLD:
        text = row[value_term]
        if not text:
            continue
        number, written = read_effort(text)
        name = (row[unit_term] if unit_term else None) or written
        if number is None or number < 0:
            # samplingEffort is free text: "three observers" is no fault.
            doubts += ["EFFORT_INVALID"] if unit_term else []
            continue
        if name is None:
            if value_term == "samplingEffortValue":
                flags.append("EFFORT_UNIT_ASSUMED")
                return number
            doubts.append("EFFORT_UNIT_UNFIT")
            continue
        known = effort_unit(name)
        made = None if known is None else in_unit(number, known, unit)
        if made is not None:
            return made
        # A net's length or a count of plots beside the effort is a size of another kind.
        doubts += ["EFFORT_UNIT_UNFIT"] if known is None or value_term == "samplingEffortValue" else []
    flags += doubts[:1]
    return None


def _chosen(
    row: Mapping[str, str | None], design: SurveyDesign, unit: str, told: float | None, span: Span | None,
    flags: list[str], *, has_failures: bool,
) -> tuple[float | None, str | None]:  # fmt: skip
    """Return the effort that counts, and how it was found."""
    if design is SurveyDesign.MIST_NET:
        length_m = _net_length_m(row)
        hours = None if span is None else span.net["hours"]
        all_hours = None if span is None else span.gross["hours"]
        net = None if hours is None or length_m is None else hours * length_m
        gross = None if all_hours is None or length_m is None else all_hours * length_m
        basis = "times"
    elif unit in _BY_TIME:
        net, gross = (None, None) if span is None else (span.net[_BY_TIME[unit]], span.gross[_BY_TIME[unit]])
        basis = "times"
    else:
        net = gross = _measured(row, design)
        basis = "area" if design is SurveyDesign.PLOT else "line"
    timed = basis == "times"
    if has_failures and (not timed or net is None):
        flags.append("FAILURE_NOT_TAKEN_OFF")
    if told is None or net is None or gross is None:
        return (told, "told") if told is not None else (net, basis if net is not None else None)
    if timed and has_failures and _near(told, gross):
        return net, basis
    if not _near(told, net):
        flags.append("EFFORT_DISAGREES")
        if timed and told > gross:
            return net, basis
    return told, "told"


def _near(told: float, computed: float) -> bool:
    """Tell whether two efforts differ by no more than the tolerance."""
    return abs(told - computed) <= TOLERANCE * max(told, computed)


def _net_length_m(row: Mapping[str, str | None]) -> float | None:
    """Return the length of nets that sampleSizeValue tells, metres."""
    number, written = read_effort(row["sampleSizeValue"] or "")
    known = effort_unit(row["sampleSizeUnit"] or written or "m")
    return None if number is None or known is None or known.dimension != "length" else number * known.size * 1000


def _measured(row: Mapping[str, str | None], design: SurveyDesign) -> float | None:
    """Return the geodesic length of a line, km, or the area of an outline, m²; None where there is none."""
    shape = measures.read(row["footprintWKT"], row["footprintSRS"])
    if shape is None:
        return None
    if design is SurveyDesign.PLOT:
        area_m2 = abs(_GEOD.geometry_area_perimeter(shape)[0])
        return float(area_m2) or None
    if "LineString" not in shape.geom_type:
        return None
    return float(_GEOD.geometry_length(shape)) / 1000 or None
