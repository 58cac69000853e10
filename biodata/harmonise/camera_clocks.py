"""Clocks of cameras: set back to a factory's date, twelve hours off, running fast or slow; found, and never changed.

Each fault is stated of one deployment with what would have to be added to its times, as narrow as it can be known. Whoever
was there decides; what is decided is stated in `clockCorrection` with the next upload.

What a clock should have shown is known of moments: when the camera was set up and taken down (`cameraClockAtStart`,
`cameraClockAtEnd`, or an image of the crew that was made then). Without them the time in which the camera stood there says
between which times a shift lies.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple

import polars as pl

from biodata.core import grouped
from biodata.core.flags import FLAGS
from biodata.harmonise.event_times import DAY, cells, ends_of, read_moment
from biodata.harmonise.findings import Findings
from biodata.text.times import offset_at

CLOSE: Final = timedelta(minutes=5)
"""What people's watches differ by, and what nobody needs to mend."""
HALF_DAY: Final = timedelta(hours=12)
_NEARLY: Final = timedelta(minutes=30)
YEARS: Final = timedelta(days=180)
"""A clock that is off by more was not set wrong by hand."""

_DURATION: Final = re.compile(
    r"([+-]?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII
)


class ClockFault(NamedTuple):
    """A fault of a camera's clock.

    Attributes
    ----------
    event : str
        The deployment's eventID.
    code : str
        A flag.
    first, last : int or None
        Number of the first and last image that it is about, as they were given; None for all of the deployment.
    least, greatest : timedelta or None
        Between which the time lies that would have to be added; of a drift what is to be added at the beginning and at the
        end.
    """

    event: str
    code: str
    first: int | None
    last: int | None
    least: timedelta | None
    greatest: timedelta | None


def interpret(table: pl.DataFrame, ends: pl.DataFrame) -> Findings:
    """Compare what the clocks of cameras showed with the moments at which they were set up and taken down.

    Parameters
    ----------
    table : polars.DataFrame
        n rows: `cameraClockAtStart`, `cameraClockAtEnd` and `clockCorrection`, where there are.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.

    Returns
    -------
    Findings of n rows
    """
    faults = faults_of_cells(table, ends)
    found = grouped(("CAMERA_CLOCK_INVALID" if fault is None else fault.code, row) for row, fault in faults)
    every = pl.int_range(table.height, eager=True)
    return Findings(flags={code: every.is_in(rows) for code, rows in found.items()})


def faults_of_cells(table: pl.DataFrame, ends: pl.DataFrame) -> Iterator[tuple[int, ClockFault | None]]:
    """Yield the fault of each event that its own cells tell, with its row from 0; None where they cannot be read.

    Parameters
    ----------
    stated, ends : polars.DataFrame
        As for `interpret`.
    """
    shown_cells = cells(table, "cameraClockAtStart", "cameraClockAtEnd", "clockCorrection")
    for row, (first, last, correction) in enumerate(shown_cells.iter_rows()):
        if first is None and last is None and correction is None:
            continue
        moments = [None if text is None else read_moment(text) for text in (first, last)]
        invalid = correction is not None and corrections(correction) is None
        for text, moment in zip((first, last), moments, strict=True):
            invalid |= text is not None and (moment is None or not moment.exact)
        if invalid:
            yield row, None
        elif correction is None:
            start, end, exact = ends.select("start", "end", "exact").row(row)
            shown = [moment.at if moment else None for moment in moments]
            for fault in of_moments("", (start, end), (shown[0], shown[1]), exact=exact):
                yield row, fault


def corrections(text: str) -> tuple[timedelta, timedelta] | None:
    """Return what is to be added to a camera's times at the beginning and at the end; None where it cannot be read.

    Parameters
    ----------
    text : str
        An ISO 8601 duration, with its sign: `PT12H`, `-PT35M`; or two with `|` between them for a clock that drifts.
        Years and months have no fixed length and are not read.
    """
    read = [_duration(part.strip()) for part in text.split("|")]
    if not 0 < len(read) <= 2 or read[0] is None or read[-1] is None:
        return None
    return read[0], read[-1]


def of_moments(
    event: str, true: tuple[datetime | None, datetime | None], shown: tuple[datetime | None, datetime | None], *,
    exact: bool,
) -> Iterator[ClockFault]:  # fmt: skip
    """Compare a clock with two known moments, of which one may not be stated."""
    if not exact:
        return
    off = [a - b if a is not None and b is not None else None for a, b in zip(true, shown, strict=True)]
    if not (entries := [one for one in off if one is not None]):
        return
    first, last = entries[0], entries[-1]
    if max(abs(one) for one in entries) > YEARS:
        code = "CAMERA_CLOCK_RESET"
    elif all(abs(abs(one) - HALF_DAY) <= _NEARLY for one in entries) and abs(last - first) <= CLOSE:
        code = "CAMERA_CLOCK_TWELVE_HOURS"
    elif abs(last - first) > CLOSE:
        code = "CAMERA_CLOCK_DRIFT"
    elif abs(first) > CLOSE:
        code = "CAMERA_CLOCK_OFF"
    else:
        return
    yield ClockFault(event, code, None, None, first, last)


def _duration(text: str) -> timedelta | None:
    """Read an ISO 8601 duration without years and months."""
    match = _DURATION.fullmatch(text.replace("\u2212", "-"))
    if match is None or match[2] or match[3] or text.strip("+-\u2212") in ("P", "PT"):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[3:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if match[1] == "-" or text.startswith("\u2212") else length


def iso_duration(length: timedelta) -> str:
    """Return a length of time as `corrections` reads it.

    Examples
    --------
    >>> iso_duration(timedelta(days=-1, minutes=-5))
    '-P1DT5M'
    """
    seconds = round(abs(length).total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds_left = divmod(rest, 60)
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (seconds_left, "S")) if number)
    body = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-" if length < timedelta() else "") + "P" + (body or "T0S")


# Clocks of cameras by their images: those years before the deployment, half a day off, or outside of its time.

MIDNIGHT: Final = "CAMERA_TIMES_MIDNIGHT"


def faults(deployments: pl.DataFrame, images: pl.DataFrame, *, timeless: Collection[str] = ()) -> list[ClockFault]:
    """Find the faults of cameras' clocks that their images show.

    Parameters
    ----------
    deployments : polars.DataFrame
        `eventID`; `start` and `end`, local datetimes; `exact`, whether their times of day are stated. Optional
        `clockCorrection`: a deployment that states it is not looked at again.
    images : polars.DataFrame
        `eventID` of the deployment; `number`, the order in which the images were made; `at`, the camera's datetime;
        optional `kind` (`setup` or `pickup` of an image of the people who set the camera up or took it down).
    timeless : collection of str
        Deployments whose images tell no time of day (`without_hours`): that is stated, and else only a reset can be seen.

    Returns
    -------
    list of ClockFault
        By deployment and image; a deployment can have several.
    """
    out: list[ClockFault] = []
    by_event = dict(_by_event(images))
    for row in deployments.iter_rows(named=True):
        event, group = row["eventID"], by_event.get(row["eventID"])
        has_hours = event not in timeless
        if not has_hours:
            out.append(ClockFault(event, MIDNIGHT, None, None, None, None))
        if group is None or row["start"] is None or row["end"] is None or row.get("clockCorrection"):
            continue
        found = _of_deployment(event, row["start"], row["end"], group, exact=bool(row["exact"]) and has_hours)
        out += [fault for fault in found if has_hours or fault.code == "CAMERA_CLOCK_RESET"]
    return out


def without_hours(images: pl.DataFrame) -> list[str]:
    """Return the deployments of which every image is of 00:00:00: the day was stated, and a program wrote it as midnight.

    Parameters
    ----------
    images : polars.DataFrame
        `eventID`, `at` as it was stated.

    Returns
    -------
    list of str
        One night's images may be of midnight: there are several days, of the deployment or else of a whole table in which
        nothing has another time.
    """
    table = images.drop_nulls(["eventID", "at"]).select(
        "eventID", day=pl.col("at").dt.date(), midnight=pl.col("at") == pl.col("at").dt.truncate("1d")
    )
    of_each = table.group_by("eventID", maintain_order=True).agg(
        pl.col("midnight").all(), days=pl.col("day").n_unique()
    )
    whole = bool(table["midnight"].all()) and table["day"].n_unique() > 1
    return of_each.filter(pl.col("midnight") & (pl.lit(whole) | (pl.col("days") > 1)))["eventID"].to_list()


def _by_event(images: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the images of each deployment in the order in which they were made."""
    there = images.filter(pl.col("at").is_not_null() & pl.col("eventID").is_not_null()).sort(
        "number", maintain_order=True
    )
    for (event,), group in there.group_by("eventID", maintain_order=True):
        yield str(event), group


def _of_deployment(
    event: str, start: datetime, end: datetime, images: pl.DataFrame, *, exact: bool
) -> list[ClockFault]:
    """Find the faults of one deployment."""
    # Of a day that states no time of day, the whole may be meant; programs write midnight for such a day.
    opened, closed = (start, end) if exact else (start.replace(hour=0, minute=0, second=0), end)
    if exact and not (closed.hour or closed.minute or closed.second):
        closed += DAY
    years_before = images.filter(pl.col("at") < opened - YEARS)
    if years_before.height:
        least, greatest = _shifts(years_before["at"], opened, closed)
        # Several resets: no one shift mends them.
        entries = (least, greatest) if least <= greatest else (None, None)
        return [_of_images(event, "CAMERA_CLOCK_RESET", years_before, *entries)]
    if exact and "kind" in images.columns:
        shown = {kind: at for kind, at in images.select("kind", "at").iter_rows() if kind is not None}
        known = list(of_moments(event, (start, end), (shown.get("setup"), shown.get("pickup")), exact=True))
        if known:
            return known
    outside = images.filter(~pl.col("at").is_between(opened - CLOSE, closed + CLOSE))
    if outside.is_empty():
        return []
    least, greatest = _shifts(images["at"], opened - CLOSE, closed + CLOSE)
    halves = [shift for shift in (HALF_DAY, -HALF_DAY) if least <= shift <= greatest]
    if len(halves) == 1 and outside.height > 1:
        return [_of_images(event, "CAMERA_CLOCK_TWELVE_HOURS", outside, halves[0], halves[0])]
    return [_of_images(event, "CAMERA_CLOCK_OUTSIDE", outside, None, None)]


def _shifts(times: pl.Series, opened: datetime, closed: datetime) -> tuple[timedelta, timedelta]:
    """Return the least and the greatest shift that brings all of some times into a deployment's."""
    return opened - min(times), closed - max(times)


def _of_images(
    event: str, code: str, images: pl.DataFrame, least: timedelta | None, greatest: timedelta | None
) -> ClockFault:
    """Return a fault with the first and the last of the images that show it."""
    return ClockFault(event, code, min(images["number"]), max(images["number"]), least, greatest)


COLUMNS: Final = ("eventID", "parentEventID", "source_row", "event_start", "event_time", "event_zone", "scientificName")
"""What is needed of interpreted records."""
EVENT_COLUMNS: Final = ("eventID", "eventDate", "design", "time_zone", "verbatim")
"""What is needed of interpreted events."""
_CREW: Final = timedelta(hours=1)


def clock_faults(events: pl.DataFrame, records: pl.DataFrame, others: Sequence[pl.DataFrame] = ()) -> list[ClockFault]:
    """Find the faults of cameras' clocks that the records of their deployments show.

    Parameters
    ----------
    events : polars.DataFrame
        `EVENT_COLUMNS`; only camera traps count.
    records : polars.DataFrame
        `COLUMNS` of interpreted records. One without a time of day tells nothing of a clock.
    others : sequence of polars.DataFrame
        Pictures of the same file that are no records: `eventID`, `number`, `told` (when, as ISO 8601) and `kind`, `setup`
        where the camera was set up or taken down. They are flagged at the deployment like the records, and changed nowhere.

    Returns
    -------
    list of ClockFault
        Numbers of images are rows of the file.
    """
    cameras = events.filter(pl.col("design") == "camera_trap")
    if cameras.is_empty() or records.is_empty():
        return []
    ends = ends_of(cameras["eventDate"])
    deployments = cameras.select(
        "eventID", ends["start"], ends["end"], ends["exact"],
        clockCorrection=pl.col("verbatim").str.json_path_match("$.clockCorrection"),
    )  # fmt: skip
    zones_of = pl.DataFrame({"eventID": cameras["eventID"], "here": offsets(cameras, ends)})
    known = cameras["eventID"].implode()
    own, above = pl.col("eventID").is_in(known), pl.col("parentEventID").is_in(known)
    clock = pl.col("event_time").str.slice(0, 8)
    at = pl.col("event_start").cast(pl.Datetime("us")) + pl.duration(
        hours=clock.str.slice(0, 2).cast(pl.Int64, strict=False),
        minutes=clock.str.slice(3, 2).cast(pl.Int64, strict=False),
        seconds=clock.str.slice(6, 2).cast(pl.Int64, strict=False).fill_null(0),
    )
    images = records.select(
        eventID=pl.when(own).then("eventID").when(above).then("parentEventID"),
        number="source_row",
        at=at,
        there=minutes_of(pl.col("event_zone")),
        scientificName="scientificName",
    ).filter(pl.col("eventID").is_not_null())
    every = pl.concat(
        [images.with_columns(kind=pl.lit(None, dtype=pl.String)), *(_of_reported(one, known) for one in others)]
    )
    # Some forms tell images in UTC and deployments in local time.
    moved = every.join(zones_of, on="eventID", how="left", maintain_order="left").with_columns(
        at=pl.col("at") + pl.duration(minutes=(pl.col("here") - pl.col("there")).fill_null(0))
    )
    shown = _shown(moved, deployments) if others else moved
    return faults(deployments, shown.select("eventID", "number", "at", "kind"), timeless=without_hours(every))


def _of_reported(others: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Return pictures that are no records as those that are."""
    stated = pl.col("told").str.strip_chars()
    return others.filter(pl.col("eventID").is_in(known)).select(
        "eventID",
        "number",
        at=stated.str.slice(0, 19).str.replace("T", " ", literal=True).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False,
                                                                                     time_unit="us"),
        there=minutes_of(stated.str.extract(r"T.*?(Z|[+-]\d\d:?\d\d)$").str.replace("^Z$", "+00:00")
                       .str.replace(r"^([+-]\d\d)(\d\d)$", "$1:$2")),
        scientificName=pl.lit(None, dtype=pl.String),
        kind="kind",
    )  # fmt: skip


def _shown(images: pl.DataFrame, deployments: pl.DataFrame) -> pl.DataFrame:
    """Return images with `setup` and `pickup` of those that the crew made, where a deployment states both its moments.

    A crew is there for a while, and forms round: an hour at the ends is no fault. Where start and end are stated without a
    time of day, or as midnight, nothing is known of when the crew was there.
    """
    ends = deployments.select(
        "eventID", "start", "end",
        known=pl.col("exact") & (pl.col("start").dt.time() != time(0)) & ~pl.col("end").dt.time().is_in([time(0), time(23, 59, 59)]),
    )  # fmt: skip
    beside = images.join(ends, on="eventID", how="left", maintain_order="left").with_columns(
        place=pl.col("number").rank("ordinal").over("eventID") / pl.len().over("eventID"),
        off_start=(pl.col("at") - pl.col("start")).abs(), off_end=(pl.col("at") - pl.col("end")).abs(),
    )  # fmt: skip
    first = pl.col("place") <= 0.5
    crew = pl.col("kind") == "setup"
    kind = pl.when(crew & first).then(pl.lit("setup")).when(crew).then(pl.lit("pickup"))
    near = pl.min_horizontal("off_start", "off_end") <= _CREW
    own = pl.col("scientificName").is_not_null()
    outside = ~pl.col("at").is_between("start", "end")
    marked = beside.with_columns(kind=kind).with_columns(
        nearest=pl.when(first).then("off_start").otherwise("off_end").min().over("eventID", "kind")
    )
    off = (pl.col("kind").is_not_null() & (pl.col("nearest") > _CREW)).fill_null(value=False).any().over("eventID")
    is_nearest = pl.when(first).then("off_start").otherwise("off_end") == pl.col("nearest")
    return marked.filter(own | ~(near & outside).fill_null(value=False)).with_columns(
        kind=pl.when(pl.col("known").fill_null(value=False) & off & is_nearest).then("kind")
    )


def offsets(cameras: pl.DataFrame, ends: pl.DataFrame) -> pl.Series:
    """Return the offset of each deployment's times, minutes: as its dates tell it, else that of its zone; null for none.

    Parameters
    ----------
    cameras : polars.DataFrame
        n events with their `time_zone`.
    ends : polars.DataFrame
        n rows as of `event_times.ends_of`.
    """
    starts = ends["start"].to_list()
    named = [
        None if zone is None or start is None else zone if zone[0] in "+-" else
        offset_at(zone, start.date(), start.strftime("%H:%M"))
        for zone, start in zip(cameras["time_zone"], starts, strict=True)
    ]  # fmt: skip
    read = pl.DataFrame({"zone": pl.Series(named, dtype=pl.String), "told": ends["offset"]})
    return read.select(pl.coalesce("told", minutes_of(pl.col("zone")))).to_series()


def minutes_of(zone: pl.Expr) -> pl.Expr:
    """Return an offset of ±HH:MM as minutes; null for another text."""
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    hours, minutes = (zone.str.slice(at, 2).cast(pl.Int64, strict=False) for at in (1, 4))
    return sign * (60 * hours + minutes)


def flagged(events: pl.DataFrame, found: Sequence[ClockFault]) -> pl.DataFrame:
    """Return events with the flags of what was found of their cameras' clocks; nothing else of them is changed."""
    if not found:
        return events
    doubts = pl.DataFrame(
        [(fault.event, FLAGS[fault.code].name) for fault in found], schema=["eventID", "doubt"], orient="row"
    )
    by_event = doubts.group_by("eventID").agg(pl.col("doubt").unique().sort())
    both = pl.col("quality_flags").list.concat(pl.col("doubt").fill_null([])).list.unique(maintain_order=True)
    return (
        events.join(by_event, on="eventID", how="left", maintain_order="left")
        .with_columns(both.alias("quality_flags"))
        .drop("doubt")
    )
