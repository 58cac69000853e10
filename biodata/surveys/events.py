"""Sampling events and camera deployments of the lake or a release, as effort is counted from them."""

import polars as pl
import shapely

from biodata.analysis.evidence import EVENTS
from biodata.sharing.received import came_open
from biodata.store.lake import Lake
from biodata.vocabularies import SharingCategory


def of_lake(lake: Lake, *, scope: list[str] | None = None) -> pl.DataFrame:
    """Return the events of a lake, exactly as they are: what is made of them is for its maker, as with exact records.

    An event without records is effort like any other. A scope is stated only where absence was reported: where not
    everything found was written down, nobody knows that a taxon was not there; `scope` holds for the others. Events without
    effort (cameras that never worked), those that others are parts of, and cells of an archive are left out.
    """
    return _as_effort(came_open(lake.read("events")), scope)


def of_published(surveys: pl.DataFrame, *, scope: list[str] | None = None) -> pl.DataFrame:
    """Return the published events (`terms.SURVEY`) whose place is open; `scope` is as for `of_lake`.

    Events that records alone tell of have no effort, and of a cell nobody knows in which cell of the analysis somebody looked.
    """
    shown = surveys.filter(pl.col("sharing_category") == SharingCategory.OPEN, pl.col("license").is_not_null())
    shapes = shapely.from_wkb(shown["geometry"].to_list())
    places = pl.DataFrame(
        [(None, None) if shape is None else (shape.centroid.x, shape.centroid.y) for shape in shapes],
        schema={"decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64},
        orient="row",
    )
    return _as_effort(shown.hstack(places), scope)


def _as_effort(events: pl.DataFrame, scope: list[str] | None) -> pl.DataFrame:
    """Return events of the lake, or published ones, in the form in which effort is counted."""
    upper = events.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
    single = events.join(upper, on=["datasetKey", "eventID"], how="anti", maintain_order="left")
    told = single.filter(pl.col("effort_value").is_null() | (pl.col("effort_value") > 0)).sort("datasetKey", "eventID")
    declared = pl.when("isAbsenceReported").then("targetTaxonomicScope")
    return told.select(
        pl.format("{}:{}", "datasetKey", "eventID").alias("eventID"),
        "decimalLongitude",
        "decimalLatitude",
        pl.col("event_start").cast(pl.Date),
        pl.col("event_end").cast(pl.Date),
        declared.fill_null(pl.lit(scope, dtype=pl.List(pl.String))).alias("scope"),
        excluded="excludedTaxonomicScope",
    ).cast(EVENTS)
