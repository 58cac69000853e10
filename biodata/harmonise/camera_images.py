"""Records of camera traps as images of a deployment: what their times tell of its clock."""

from collections.abc import Sequence
from datetime import time, timedelta
from typing import Final

import polars as pl

from biodata.flags import FLAGS
from biodata.harmonise.camera_clocks import faults, without_hours
from biodata.harmonise.event_clocks import ClockFault
from biodata.harmonise.event_times import ends_of
from biodata.text.times import offset_at

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
        [images.with_columns(kind=pl.lit(None, dtype=pl.String)), *(_of_told(one, known) for one in others)]
    )
    # Some forms tell images in UTC and deployments in local time.
    moved = every.join(zones_of, on="eventID", how="left", maintain_order="left").with_columns(
        at=pl.col("at") + pl.duration(minutes=(pl.col("here") - pl.col("there")).fill_null(0))
    )
    shown = _shown(moved, deployments) if others else moved
    return faults(
        deployments, shown.select("eventID", "number", "at", "scientificName", "kind"), timeless=without_hours(every)
    )


def _of_told(others: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
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
