"""Records of camera traps as images of a deployment: what their times tell of its clock."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.flags import FLAGS
from biodata.harmonise.camera_clocks import faults
from biodata.harmonise.event_clocks import ClockFault
from biodata.harmonise.event_times import ends_of
from biodata.parsers.zones import offset_at

COLUMNS: Final = ("eventID", "parentEventID", "source_row", "event_start", "event_time", "event_zone", "scientificName")
"""What is needed of interpreted records."""


def clock_faults(events: pl.DataFrame, records: pl.DataFrame) -> list[ClockFault]:
    """Find the faults of cameras' clocks that the records of their deployments show.

    Parameters
    ----------
    events : polars.DataFrame
        Columns of `terms.EVENT`; only camera traps count.
    records : polars.DataFrame
        `COLUMNS` of interpreted records. One without a time of day tells nothing of a clock.

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
    zones_of = pl.DataFrame({"eventID": cameras["eventID"], "here": _offsets(cameras, ends)})
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
        there=_minutes(pl.col("event_zone")),
        scientificName="scientificName",
    ).filter(pl.col("eventID").is_not_null())
    # Some forms tell images in UTC and deployments in local time.
    moved = images.join(zones_of, on="eventID", how="left", maintain_order="left").with_columns(
        at=pl.col("at") + pl.duration(minutes=(pl.col("here") - pl.col("there")).fill_null(0))
    )
    return faults(deployments, moved.select("eventID", "number", "at", "scientificName"))


def _offsets(cameras: pl.DataFrame, ends: pl.DataFrame) -> pl.Series:
    """Return the offset of each deployment's times, minutes: as its dates tell it, else that of its zone; null for none."""
    starts = ends["start"].to_list()
    named = [
        None if zone is None or start is None else zone if zone[0] in "+-" else
        offset_at(zone, start.date(), start.strftime("%H:%M"))
        for zone, start in zip(cameras["time_zone"], starts, strict=True)
    ]  # fmt: skip
    read = pl.DataFrame({"zone": pl.Series(named, dtype=pl.String), "told": ends["offset"]})
    return read.select(pl.coalesce("told", _minutes(pl.col("zone")))).to_series()


def _minutes(zone: pl.Expr) -> pl.Expr:
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
