"""Records of camera traps as images of a deployment: what their times tell of its clock."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Final

import polars as pl

from biodata.core.flags import FLAGS
from biodata.harmonise.event_clocks import CLOSE, HALF_DAY, YEARS, ClockFault, of_moments
from biodata.harmonise.event_times import DAY, ends_of
from biodata.text.tables import read_rows
from biodata.text.times import offset_at

# Clocks of cameras by their images: runs from a factory's date, night for day, images out of the deployment's time.

NIGHT: Final = (19, 5)
DAYLIGHT: Final = (7, 17)
"""Local hours in which it is night or day in all seasons of the region; the twilight between them tells nothing."""
LEAST_SEEN: Final = 5
"""Records of animals of the day or of the night, half an hour apart, from which on their hours tell something."""
_MOSTLY: Final = 0.8
MIDNIGHT: Final = "CAMERA_TIMES_MIDNIGHT"


def faults(deployments: pl.DataFrame, images: pl.DataFrame, *, timeless: Collection[str] = ()) -> list[ClockFault]:
    """Find the faults of cameras' clocks that their images show.

    Parameters
    ----------
    deployments : polars.DataFrame
        `eventID`; `start` and `end`, local datetimes; `exact`, whether their times of day are told. Optional
        `clockCorrection`: a deployment that tells it is not looked at again.
    images : polars.DataFrame
        `eventID` of the deployment; `number`, the order in which the images were made; `at`, the camera's datetime;
        optional `kind` (`setup`, `pickup` or `test` of an image of the people who set the camera up, took it down or tried
        it) and `known_at` (when a test was made), `scientificName` and `count`.
    timeless : collection of str
        Deployments whose images tell no time of day (`without_hours`): that is told, and else only a reset can be seen.

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
            out.append(ClockFault(event, MIDNIGHT, None, None, None, None, "midnight"))
        if group is None or row["start"] is None or row["end"] is None or row.get("clockCorrection"):
            continue
        found = _of_deployment(event, row["start"], row["end"], group, exact=bool(row["exact"]) and has_hours)
        out += [fault for fault in found if has_hours or fault.code == "CAMERA_CLOCK_RESET"]
    return out


def without_hours(images: pl.DataFrame) -> list[str]:
    """Return the deployments of which every image is of 00:00:00: the day was told, and a program wrote it as midnight.

    Parameters
    ----------
    images : polars.DataFrame
        `eventID`, `at` as it was told.

    Returns
    -------
    list of str
        One night's images may be of midnight: there are several days, of the deployment or else of a whole table in which
        nothing has another time.
    """
    told = images.drop_nulls(["eventID", "at"]).select(
        "eventID", day=pl.col("at").dt.date(), midnight=pl.col("at") == pl.col("at").dt.truncate("1d")
    )
    of_each = told.group_by("eventID", maintain_order=True).agg(pl.col("midnight").all(), days=pl.col("day").n_unique())
    whole = bool(told["midnight"].all()) and told["day"].n_unique() > 1
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
    # Of a day that tells no time of day, the whole may be meant; programs write midnight for such a day.
    opened, closed = (start, end) if exact else (start.replace(hour=0, minute=0, second=0), end)
    if exact and not (closed.hour or closed.minute or closed.second):
        closed += DAY
    numbers, times = images["number"].to_list(), images["at"].to_list()
    kinds = images["kind"].to_list() if "kind" in images.columns else [None] * len(times)
    resets = list(_resets(event, opened, closed, numbers, times, kinds))
    if resets:
        return resets
    shown = {kind: at for kind, at in zip(kinds, times, strict=True) if kind in ("setup", "pickup")}
    if exact:
        known = list(of_moments(event, (start, end), (shown.get("setup"), shown.get("pickup")), exact=True))
        if known:
            return known
    tests = list(_of_tests(event, images))
    if tests:
        return tests
    out = list(_of_hours(event, images))
    outside = [at for at, time in enumerate(times) if not opened - CLOSE <= time <= closed + CLOSE]
    if outside and not out:
        shifts = [
            shift
            for shift in (HALF_DAY, -HALF_DAY)
            if opened - CLOSE <= min(times) + shift and max(times) + shift <= closed + CLOSE
        ]
        shift = shifts[0] if len(shifts) == 1 else None
        code = "CAMERA_CLOCK_TWELVE_HOURS" if shift and len(outside) > 1 else "CAMERA_CLOCK_OUTSIDE"
        out.append(ClockFault(event, code, numbers[outside[0]], numbers[outside[-1]], shift, shift, "outside"))
    return out


def _of_tests(event: str, images: pl.DataFrame) -> Iterator[ClockFault]:
    """Compare a clock with tests at known times: the earliest and the latest."""
    if "known_at" not in images.columns:
        return
    tests = images.filter(pl.col("known_at").is_not_null()).sort("known_at").select("known_at", "at").rows()
    if tests:
        pairs = tests[0], tests[-1]
        yield from of_moments(event, (pairs[0][0], pairs[1][0]), (pairs[0][1], pairs[1][1]), exact=True)


def _resets(
    event: str, opened: datetime, closed: datetime, numbers: Sequence[int], times: Sequence[datetime],
    kinds: Sequence[str | None],
) -> Iterator[ClockFault]:  # fmt: skip
    """Find runs of images from long before the deployment: each is told between which shifts its own lies."""
    strange = _strange(times, opened, closed)
    inside = [time for time in times if opened <= time <= closed]
    if any(later < earlier for earlier, later in pairwise(inside)):
        yield from _resets_without_order(event, opened, closed, numbers, times, strange)
        return
    at = 0
    while at < len(times):
        if not strange[at]:
            at += 1
            continue
        stop = at + 1
        while stop < len(times) and strange[stop] and times[stop] >= times[stop - 1] - CLOSE:
            stop += 1
        before = next(
            (times[i] for i in range(at - 1, -1, -1) if not strange[i] and opened <= times[i] <= closed), opened
        )
        after = next(
            (times[i] for i in range(stop, len(times)) if not strange[i] and before <= times[i] <= closed), closed
        )
        least, greatest = before - times[at], after - times[stop - 1]
        evidence = "order" if at or stop < len(times) else "outside"
        for index in range(at, stop):
            # Somebody stood before the camera at a moment that is known.
            if kinds[index] in ("setup", "pickup"):
                moment = opened if kinds[index] == "setup" else closed
                least = greatest = moment - times[index]
                evidence = "moments"
        yield ClockFault(event, "CAMERA_CLOCK_RESET", numbers[at], numbers[stop - 1], least, greatest, evidence)
        at = stop


def _resets_without_order(
    event: str, opened: datetime, closed: datetime, numbers: Sequence[int], times: Sequence[datetime],
    strange: Sequence[bool],
) -> Iterator[ClockFault]:  # fmt: skip
    """Find what a reset explains among images that do not stand in the order in which they were made."""
    odd = [(time, number) for time, number, is_odd in zip(times, numbers, strange, strict=True) if is_odd]
    if not odd:
        return
    least, greatest = opened - min(odd)[0], closed - max(odd)[0]
    among = [number for _, number in odd]
    # Several resets: no one shift mends them.
    told = (least, greatest) if least <= greatest else (None, None)
    yield ClockFault(event, "CAMERA_CLOCK_RESET", min(among), max(among), told[0], told[1], "outside")


def _strange(times: Sequence[datetime], opened: datetime, closed: datetime) -> list[bool]:
    """Tell which times a reset explains: years before the deployment, or as long after a New Year as it can have run.

    Images of a New Year in the deployment's own year may also be older ones that were left on the card: those come before
    all others.
    """
    longest = closed - opened + DAY
    started = not any(opened <= taken <= closed for taken in times)
    out = []
    for taken in times:
        started |= opened <= taken <= closed
        new_year = taken.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        since_new_year = opened - taken > DAY * 7 and taken - new_year <= longest
        out.append(opened - taken > YEARS or (since_new_year and started))
    return out


def _of_hours(event: str, images: pl.DataFrame) -> Iterator[ClockFault]:
    """Look whether animals of the day come at night and those of the night by day."""
    if "scientificName" not in images.columns:
        return
    seen = images.select(
        pl.col("at"),
        pl.col("scientificName"),
        active=pl.col("scientificName")
        .str.extract(r"^(\p{Lu}[\p{Ll}-]+)")
        .replace_strict(_active(), default=None, return_dtype=pl.String),
    ).drop_nulls()
    if seen.is_empty():
        return
    apart = seen.sort("scientificName", "at").filter(
        (pl.col("at").diff().over("scientificName") > pl.duration(minutes=30)).fill_null(value=True)
    )
    hour = pl.col("at").dt.hour()
    night = (hour >= NIGHT[0]) | (hour < NIGHT[1])
    by_day = (hour >= DAYLIGHT[0]) & (hour < DAYLIGHT[1])
    told = apart.filter(night | by_day).select(against=(pl.col("active") == "day") == night)["against"]
    if told.len() >= LEAST_SEEN and float(told.sum()) >= _MOSTLY * told.len():
        yield ClockFault(event, "CAMERA_CLOCK_TWELVE_HOURS", None, None, HALF_DAY, HALF_DAY, "hours")


@cache
def _active() -> dict[str, str]:
    """Return when animals are about, by genus: day or night."""
    return {row["genus"]: row["active"] for row in read_rows("activity.csv")}


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
        Numbers of images are rows of the file. Records that stand in another order than that of their times, such as by
        species, tell less: then only how long before the deployment they lie.
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
    return faults(
        deployments, shown.select("eventID", "number", "at", "scientificName", "kind"), timeless=without_hours(every)
    )


def _of_reported(others: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Return pictures that are no records as those that are."""
    told = pl.col("told").str.strip_chars()
    return others.filter(pl.col("eventID").is_in(known)).select(
        "eventID",
        "number",
        at=told.str.slice(0, 19).str.replace("T", " ", literal=True).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False,
                                                                                     time_unit="us"),
        there=minutes_of(told.str.extract(r"T.*?(Z|[+-]\d\d:?\d\d)$").str.replace("^Z$", "+00:00")
                       .str.replace(r"^([+-]\d\d)(\d\d)$", "$1:$2")),
        scientificName=pl.lit(None, dtype=pl.String),
        kind="kind",
    )  # fmt: skip


def _shown(images: pl.DataFrame, deployments: pl.DataFrame) -> pl.DataFrame:
    """Return images with `setup` and `pickup` of those that the crew made, where a deployment tells both its moments.

    A crew is there for a while, and forms round: an hour at the ends is no fault. Where start and end are told without a
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
