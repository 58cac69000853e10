"""Records of camera traps as images of a deployment: what their times tell of its clock."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.flags import FLAGS
from biodata.harmonise.event_clocks import ClockFault, faults
from biodata.harmonise.event_times import ends_of

COLUMNS: Final = ("eventID", "parentEventID", "source_row", "event_start", "event_time", "scientificName")
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
        scientificName="scientificName",
    ).filter(pl.col("eventID").is_not_null())
    return faults(deployments, images)


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
