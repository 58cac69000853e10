"""Sampling events: verbatim batches in, `terms.EVENT` out; places, dates and measures are read as those of records."""

import io
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import polars as pl
from pyproj import Geod

from biodata.core import terms
from biodata.core.errors import Refusal
from biodata.core.flags import FLAGS
from biodata.core.terms import ARCHIVED_BASIS, ARCHIVED_FAILED_DAYS
from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from biodata.harmonise import camera_clocks, coordinates, event_times, measures
from biodata.harmonise.event_times import cells, days, ends_of, iso, nights, read_failures, united, with_event_date
from biodata.harmonise.findings import Findings, Stated, as_written, quality_flags
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser
from biodata.sharing import measurements
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.units import effort_unit, in_unit, read_effort

# How much was looked at an event: as stated, from its times, from the line or from the area, with failures taken off.
TOLERANCE: Final = 0.1
"""Share by which stated and computed effort may differ without a flag."""

TOLD: Final = (
    ("samplingEffortValue", "samplingEffortUnit"),
    ("sampleSizeValue", "sampleSizeUnit"),
    ("eventDurationValue", "eventDurationUnit"),
    ("totalAreaSampledValue", "totalAreaSampledUnit"),
    ("samplingEffort", None),
)
"""Terms that state effort, and their units; the first one that can be made into the design's unit counts."""

_BY_TIME: Final = MappingProxyType(
    {"trap-night": "nights", "reporting-day": "days", "hour": "hours", "minute": "minutes"}
)
_BASES: Final = frozenset({"told", "times", "line", "area"})


class Span(NamedTuple):
    """Times of an event: all of it, what remains without failures, in each way of counting; null where it is not stated."""

    gross: Mapping[str, float | None]
    net: Mapping[str, float | None]


def interpret(table: pl.DataFrame, ends: pl.DataFrame, designs: pl.Series) -> Findings:
    """Find the effort of events.

    Parameters
    ----------
    table : polars.DataFrame
        n rows: cells by `terms.EVENT_TERMS`, those that there are.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.
    designs : Series of str, length n
        Values of `SurveyDesign`; null where there is none.

    Returns
    -------
    Findings of n rows
        `effort_value`, `effort_unit`, `effort_basis` (stated, times, line, area), `failed_days`, `failure_periods`.
    """
    names = [name for pair in TOLD for name in pair if name]
    there = cells(table, *names, "failurePeriods", "footprintWKT", "footprintSRS", ARCHIVED_BASIS, ARCHIVED_FAILED_DAYS)
    found_before = ARCHIVED_BASIS in table.columns
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
    number = _stated_effort(row, unit, flags)
    value, basis = _chosen(
        row, design, unit, number, span, flags, has_failures=bool(failures.intervals or failures.days)
    )
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
    """Return the effort that is stated, in the design's unit."""
    doubts: list[str] = []
    for value_term, unit_term in TOLD:
        if not (text := row[value_term]):
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
    row: Mapping[str, str | None], design: SurveyDesign, unit: str, number: float | None, span: Span | None,
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
    if number is None or net is None or gross is None:
        return (number, "told") if number is not None else (net, basis if net is not None else None)
    if timed and has_failures and _near(number, gross):
        return net, basis
    if not _near(number, net):
        flags.append("EFFORT_DISAGREES")
        if timed and number > gross:
            return net, basis
    return number, "told"


def _near(number: float, computed: float) -> bool:
    """Return whether two efforts differ by no more than the tolerance."""
    return abs(number - computed) <= TOLERANCE * max(number, computed)


def _net_length_m(row: Mapping[str, str | None]) -> float | None:
    """Return the length of nets that sampleSizeValue tells, metres."""
    number, written = read_effort(row["sampleSizeValue"] or "")
    known = effort_unit(row["sampleSizeUnit"] or written or "m")
    return None if number is None or known is None or known.dimension != "length" else number * known.size * 1000


def _measured(row: Mapping[str, str | None], design: SurveyDesign) -> float | None:
    """Return the geodesic length of a line, km, or the area of an outline, m²; None where there is none."""
    if (shape := measures.read(row["footprintWKT"], row["footprintSRS"])) is None:
        return None
    if design is SurveyDesign.PLOT:
        area_m2 = abs(_GEOD.geometry_area_perimeter(shape)[0])
        return float(area_m2) or None
    if "LineString" not in shape.geom_type:
        return None
    return float(_GEOD.geometry_length(shape)) / 1000 or None


# What was looked for at an event, as its sheet states it; what that means for absence: `analysis.scopes`.

_LISTS: Final = ("targetTaxonomicScope", "excludedTaxonomicScope", "absentTaxa")


def read_list(cells: pl.Expr) -> pl.Expr:
    """Return the names that a cell lists between `|`, `;` or the wide marks; null where there is none."""
    names = cells.str.replace_all("[;；、，]", "|").str.split("|").list.eval(pl.element().str.strip_chars())
    filled = names.list.eval(pl.element().filter(pl.element() != ""))
    return pl.when(filled.list.len() > 0).then(filled)


def interpret_scope(table: pl.DataFrame) -> Findings:
    """Read what events looked for.

    Parameters
    ----------
    table : polars.DataFrame
        n rows: the terms of the scope, those that there are.

    Returns
    -------
    Findings of n rows
        `targetTaxonomicScope`, `excludedTaxonomicScope` and `isAbsenceReported`: where the last is stated and is neither yes nor
        no, no absence is taken to be stated.
    """
    told_cells = cells(table, *_LISTS, "isAbsenceReported")
    answer = parse_controlled(told_cells["isAbsenceReported"], Vocabulary.YES_NO)["term"]
    read = told_cells.select(
        *(read_list(pl.col(name)).alias(name) for name in _LISTS),
        (answer == "true").alias("isAbsenceReported"),
        unread=pl.col("isAbsenceReported").is_not_null() & answer.is_null(),
    )
    absent = read["isAbsenceReported"].fill_null(value=False) | read["absentTaxa"].is_not_null()
    outside = read.select(
        (pl.col("absentTaxa").list.set_intersection("excludedTaxonomicScope").list.len() > 0).fill_null(value=False)
    ).to_series()
    return Findings(
        {
            **{name: read[name] for name in ("targetTaxonomicScope", "excludedTaxonomicScope")},
            "isAbsenceReported": read.select(
                pl.when("unread").then(pl.lit(value=False)).otherwise("isAbsenceReported").alias("isAbsenceReported")
            ).to_series(),
        },
        {
            "ABSENCE_REPORT_INVALID": read["unread"],
            "ABSENCE_SCOPE_MISSING": absent & read["targetTaxonomicScope"].is_null(),
            "ABSENCE_OUT_OF_SCOPE": outside,
        },
    )


# Sites: events that share a locationID, on one side of a border or on both.

APART_M: Final = 2_000.0
"""Places of one site lie no farther apart, beyond what they are uncertain by: the ends of a transect are one site."""

_GEOD: Final = Geod(ellps="WGS84")
PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")


def interpret_sites(table: pl.DataFrame, placed: pl.DataFrame, ends: pl.DataFrame) -> Findings:
    """Compare the events of one table by their site and camera.

    Parameters
    ----------
    table : polars.DataFrame
        n rows: `locationID` and `cameraID`, where there are.
    placed : polars.DataFrame
        n rows: the place, degrees and metres.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.

    Returns
    -------
    Findings of n rows
        `camera_id`.
    """
    site, camera = cells(table, "locationID", "cameraID").get_columns()
    frame = placed.select(PLACE).with_columns(
        site.alias("locationID"), camera.alias("camera"), ends["start"], ends["end"]
    )
    apart = pl.Series([number > 0 for number in _clusters(frame)], dtype=pl.Boolean)
    return Findings({"camera_id": camera}, {"SITE_PLACES_DISAGREE": apart, "CAMERA_AT_TWO_SITES": _at_two_sites(frame)})


def sites(events: pl.DataFrame) -> pl.DataFrame:
    """Return the site of each event, over all datasets and both sides of a border.

    Parameters
    ----------
    events : polars.DataFrame
        n rows with columns of `terms.EVENT`.

    Returns
    -------
    polars.DataFrame of n rows
        `event_key`; `site_key`, the same for events of the same site; `shared`, whether events of several sides have it.
        Events are of the same site where they share a locationID and lie near each other: S01 of one team and S01 of
        another, a hundred kilometres away, are two. An event without a locationID is a site of its own.
    """
    frame = events.sort("event_key")
    numbers = _clusters(frame)
    keys = [
        event if site is None else site if number == 0 else f"{site} #{number + 1}"
        for event, site, number in zip(frame["event_key"], frame["locationID"], numbers, strict=True)
    ]
    return (
        frame.select("event_key", "side", pl.Series("site_key", keys, dtype=pl.String))
        .with_columns(shared=pl.col("side").drop_nulls().n_unique().over("site_key") > 1)
        .select("event_key", "site_key", "shared")
    )


def _clusters(frame: pl.DataFrame) -> list[int]:
    """Return for each row which of the places of its locationID it lies at: 0 the first that is stated, 1 another, and so on."""
    known: dict[str, list[tuple[float, float, float]]] = {}
    out = []
    for site, latitude, longitude, uncertainty in frame.select("locationID", *PLACE).iter_rows():
        if site is None or latitude is None or longitude is None:
            out.append(0)
            continue
        places = known.setdefault(site, [])
        radius = uncertainty or 0.0
        near = (
            at
            for at, (north, east, other) in enumerate(places)
            if _GEOD.inv(east, north, longitude, latitude)[2] <= APART_M + radius + other
        )
        number = next(near, len(places))
        if number == len(places):
            places.append((latitude, longitude, radius))
        out.append(number)
    return out


def _at_two_sites(frame: pl.DataFrame) -> pl.Series:
    """Tell which events have a camera that stood at another site at the same time; one may be moved within a day."""
    rows = frame.with_row_index("row").filter(
        pl.col("camera").is_not_null() & pl.col("locationID").is_not_null() & pl.col("start").is_not_null()
    )
    wrong: set[int] = set()
    for _, group in rows.group_by("camera", maintain_order=True):
        ordered = group.sort("start").select("row", "locationID", "start", "end").rows()
        for at, (row, site, _, end) in enumerate(ordered):
            for other, elsewhere, begins, _ in ordered[at + 1 :]:
                if begins.date() >= end.date():
                    break
                if elsewhere != site:
                    wrong |= {row, other}
    return pl.Series([row in wrong for row in range(frame.height)], dtype=pl.Boolean)


_READ_WITH_RECORDS: Final = (
    "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "country_codes", "stateProvince", "locality",
    "habitat", "eventDate", "license",
)  # fmt: skip
_NOT_OF_EVENTS: Final = (
    "SCIENTIFIC_NAME_", "TAXON_", "BASIS_OF_RECORD_", "OCCURRENCE_", "INDIVIDUAL_COUNT_", "IDENTIFIED_",
)  # fmt: skip
"""Beginnings of the flags that are about a record and not about where and when somebody looked."""

_AS_TOLD: Final = (
    "eventID", "parentEventID", "locationID", "samplingProtocol", "footprintWKT", "eventRemarks", "source_sheet",
)  # fmt: skip

_SLICE: Final = 32_768
"""Events that are interpreted at once: what is found out about each takes thirty times what is kept of it."""

_NEVER_KEPT: Final = ("samplingPerformedBy",)


def events(
    batch: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, list[Refusal]]:
    """Interpret a batch of events.

    Parameters
    ----------
    batch : polars.DataFrame
        n rows: `source_file`, `source_row`, `source_sheet` where there are sheets, and text columns by
        `terms.EVENT_TERMS` or as headed.
    harmoniser : Harmoniser
        Reads places, dates and measures.
    dataset_key : str
        The dataset of rows that state none.
    declarations : mapping
        As for `Harmoniser.occurrences`.

    Returns
    -------
    frame : polars.DataFrame of `terms.EVENT`
        m rows.
    refusals : list of Refusal
        The n - m rows without an `eventID`, or with one that an earlier row of their dataset has.
    """
    slices, refusals = event_slices(batch, harmoniser, dataset_key=dataset_key, declarations=declarations)
    return pl.concat(slices), refusals


def event_slices(
    batch: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[Iterator[pl.DataFrame], list[Refusal]]:
    """Interpret a batch of events as `events` does, and give them some at a time; at least one frame."""
    batch = batch.drop(*_NEVER_KEPT, strict=False)
    if "eventID" not in batch.columns:
        batch = batch.with_columns(pl.lit(None, dtype=pl.String).alias("eventID"))
    batch = batch.with_columns(Stated(batch)["eventID"])  # without the spaces around it; "-" is none
    lacking = batch["eventID"].is_null()
    told_datasets = cells(batch, "datasetKey")["datasetKey"].fill_null(dataset_key)
    repeated = ~lacking & ~pl.select(pl.struct(told_datasets, batch["eventID"]).is_first_distinct()).to_series()
    refusals = _refused(batch.filter(lacking), "EVENT_ID_MISSING", "nothing identifies this event")
    refusals += _refused(batch.filter(repeated), "EVENT_REPEATED", "an earlier row has the same eventID")
    refused = lacking | repeated
    kept = batch.filter(~refused) if refused.any() else batch
    return _with_sites(kept, harmoniser, dataset_key=dataset_key, declarations=declarations), refusals


def _with_sites(
    kept: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """Yield events with what a comparison of the sites and cameras of all of them finds; till then they wait packed."""
    packed, placed, times = [], [], []
    for part in kept.iter_slices(_SLICE) if kept.height else [kept]:
        frame, ends = _interpret(part, harmoniser, dataset_key=dataset_key, declarations=declarations)
        placed.append(frame.select(PLACE))
        times.append(ends)
        names = [column.name for column in frame if column.null_count() < frame.height]
        waiting = io.BytesIO()
        frame.select("event_key", *(name for name in names if name != "event_key")).write_ipc(
            waiting, compression="lz4"
        )
        packed.append(waiting.getvalue())
    found = interpret_sites(kept, pl.concat(placed), pl.concat(times))
    named = (column.alias(name) for name, column in found.columns.items())
    added = pl.DataFrame([quality_flags([found], kept.height).alias("doubts"), *named])
    begin = 0
    while packed:
        frame = terms.conform(pl.read_ipc(io.BytesIO(packed.pop(0))), terms.EVENT)
        here = added.slice(begin, frame.height)
        begin += frame.height
        flags = pl.col("quality_flags").list.concat(here["doubts"]).list.unique(maintain_order=True)
        yield frame.with_columns(flags, *here.drop("doubts"))


def _interpret(
    kept: pl.DataFrame, harmoniser: Harmoniser, *, dataset_key: str, declarations: Mapping[str, str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Interpret some events of a table, and return when each begins and ends, too; their sites are compared later."""
    dated, doubts = with_event_date(kept, today=harmoniser.today, declarations=declarations)
    # The zone of an event stands in a column of its own.
    records = dated.select(pl.exclude("occurrenceID", event_times.COLUMN)).with_columns(
        pl.col("eventID").alias("occurrenceID")
    )
    identified = harmoniser.identify(records, dataset_key=dataset_key)
    read = harmoniser.interpret(identified, declarations=declarations, counted=False)
    ends = ends_of(read.interpreted["eventDate"])
    found = _put_together(kept, read, ends, Findings(flags=doubts), declarations.get("time_zone"))
    return terms.conform(found, terms.EVENT), ends


def _put_together(
    kept: pl.DataFrame, read: HarmonisedBatch, ends: pl.DataFrame, doubts: Findings, zone: str | None
) -> pl.DataFrame:
    """Return the columns of `terms.EVENT` that can be stated of the events."""
    interpreted = read.interpreted.with_columns(_countries(kept, read.interpreted["country_codes"]))
    design = _design(kept)
    parts = [
        doubts,
        design,
        event_times.interpret(kept, ends, interpreted["country_codes"], declared=zone),
        interpret(kept, ends, design.columns["design"]),
        interpret_scope(kept),
        camera_clocks.interpret(kept, ends),
    ]
    own = quality_flags(parts, kept.height)
    flags = pl.col("quality_flags").list.eval(
        pl.element().filter(~pl.any_horizontal(pl.element().str.starts_with(start) for start in _NOT_OF_EVENTS))
    )
    came = as_written(kept.drop("source_file", "source_row", "source_sheet", strict=False))
    verbatim = [
        json.dumps({name: cell for name, cell in row.items() if cell is not None}, ensure_ascii=False)
        for row in came.iter_rows(named=True)
    ]
    return interpreted.select(
        "datasetKey", *_READ_WITH_RECORDS, flags.alias("quality_flags"), "source_file", "source_row"
    ).with_columns(
        *(kept[name] for name in _AS_TOLD if name in kept.columns),
        *(column.alias(name) for part in parts for name, column in part.columns.items()),
        measurements.column(cells(kept, measurements.COLUMN)[measurements.COLUMN]),
        ends["start"].alias("event_start"),
        ends["end"].alias("event_end"),
        (interpreted["datasetKey"] + ":" + kept["eventID"]).alias("event_key"),
        pl.col("quality_flags").list.concat(own).list.concat(_archived_doubts(kept)).list.unique(maintain_order=True),
        pl.Series("verbatim", verbatim, dtype=pl.String),
        coordinates.events(kept),
    )


def _design(kept: pl.DataFrame) -> Findings:
    """Read the design, which the protocol tells where no design does."""
    values, protocol = cells(kept, "design", "samplingProtocol").get_columns()
    by_design, by_protocol = (
        parse_controlled(column, Vocabulary.SURVEY_DESIGN)["term"] for column in (values, protocol)
    )
    design = pl.select(pl.coalesce(by_design, by_protocol).alias("design")).to_series()
    return Findings({"design": design}, {"DESIGN_UNKNOWN": values.is_not_null() & by_design.is_null()})


def _countries(kept: pl.DataFrame, found: pl.Series) -> pl.Series:
    """Return the countries that places may lie in: those that an archive of ours tells, since a cell is more than its centre."""
    read = cells(kept, terms.ARCHIVED_COUNTRIES).select(
        pl.col(terms.ARCHIVED_COUNTRIES)
        .str.split(";")
        .list.eval(pl.element().filter(pl.element().str.contains("^[A-Z]{2}$")))
    )
    stated = pl.col(terms.ARCHIVED_COUNTRIES)
    chosen = pl.when(stated.list.len() > 0).then(stated).otherwise(found)
    return read.select(chosen.alias("country_codes")).to_series()


def _archived_doubts(kept: pl.DataFrame) -> pl.Series:
    """Return the doubts that an archive of ours tells: a zone that was assumed stays so, although it is stated now."""
    values = cells(kept, terms.ARCHIVED_FLAGS)[terms.ARCHIVED_FLAGS].fill_null("").str.split(";")
    return values.list.set_intersection(list(FLAGS))


def _refused(rows: pl.DataFrame, code: str, message: str) -> list[Refusal]:
    """Return rows as refusals."""
    return [
        Refusal(file or "", row, "eventID", event, code, message)
        for file, row, event in rows.select("source_file", "source_row", "eventID").iter_rows()
    ]
