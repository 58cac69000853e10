"""Deployments of the cameras whose published records are written as Camtrap DP, and what is published of them as events."""

from typing import Final

import polars as pl

from biodata.exports.camtrapdp_rows import OFFSET, WHOLE, at, text
from biodata.formats.camtrapdp import EFFORT_UNKNOWN
from biodata.vocabularies import SurveyDesign

PLACE: Final = ("datasetKey", "told_deployment", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
"""What tells deployments apart."""

EVENT_COLUMNS: Final = {
    "datasetKey": pl.String, "eventID": pl.String, "locationID": pl.String, "design": pl.String, "eventDate": pl.String,
    "locality": pl.String, "habitat": pl.String, "coordinateUncertaintyInMeters": pl.Float64, "sharing_category": pl.String,
    "west": pl.Float64, "south": pl.Float64, "east": pl.Float64, "north": pl.Float64,
}  # fmt: skip
"""Published columns of events that are read."""

_MOMENT: Final = pl.Datetime("us", "UTC")
NO_DEPLOYMENTS: Final = pl.DataFrame(
    schema={
        "datasetKey": pl.String, "told_deployment": pl.String, "decimalLatitude": pl.Float64,
        "decimalLongitude": pl.Float64, "coordinateUncertaintyInMeters": pl.Float64, "start": pl.String,
        "start_at": _MOMENT, "end": pl.String, "end_at": _MOMENT, "zone_unknown": pl.Boolean, "coarse": pl.Boolean,
        "locality": pl.String, "habitat": pl.String,
    }
)  # fmt: skip
"""What `deployments_of` returns of no rows."""

_INTERVAL: Final = ("start", "end", "start_at", "end_at")


def deployments_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row for every deployment of `used` rows, or of such rows put together."""
    return rows.group_by(PLACE, maintain_order=True).agg(
        pl.col("start", "start_at").sort_by("start_at").first(),
        pl.col("end", "end_at").sort_by("end_at").last(),
        pl.col("zone_unknown").any(),
        pl.col("coarse").any(),
        pl.col("locality", "habitat").drop_nulls().first(),
    )


def of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the published events of camera traps whose place and interval are open, as deployments with `locationID`."""
    first, last = (pl.col("eventDate").str.split("/").list.get(n, null_on_oob=True) for n in (0, 1))
    whole = rf"{WHOLE}.*{OFFSET}"
    kept = events.filter(
        (pl.col("design") == SurveyDesign.CAMERA_TRAP.value)
        & (pl.col("sharing_category") == "open")
        & first.str.contains(whole).fill_null(value=False)
        & last.str.contains(whole).fill_null(value=False)
        & (pl.col("west") == pl.col("east"))
        & (pl.col("south") == pl.col("north"))
    )
    return kept.select(
        "datasetKey",
        told_deployment="eventID",
        decimalLatitude="south",
        decimalLongitude="west",
        coordinateUncertaintyInMeters="coordinateUncertaintyInMeters",
        start=_seconds(first),
        end=_seconds(last),
        locationID="locationID",
        locality="locality",
        habitat="habitat",
    ).with_columns(start_at=at("start"), end_at=at("end"), zone_unknown=pl.lit(value=False), coarse=pl.lit(value=False))


def with_events(deployments: pl.DataFrame, events: pl.DataFrame, *, add: bool) -> pl.DataFrame:
    """Return deployments with the interval and site of their published events, and `dated`: whether they have them.

    Parameters
    ----------
    deployments : polars.DataFrame
        As `deployments_of` returns them.
    events : polars.DataFrame
        As `of_events` returns them.
    add : bool
        Also the events that no deployment is of: cameras that saw nothing.
    """
    key = ["datasetKey", "told_deployment"]
    told = events.select(*key, *(pl.col(name).alias(f"{name} told") for name in (*_INTERVAL, "locationID")))
    joined = deployments.join(
        told.unique(key, keep="none"), on=key, how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(dated=pl.col("start told").is_not_null())
    found = joined.with_columns(
        *(pl.when("dated").then(pl.col(f"{name} told")).otherwise(pl.col(name)).alias(name) for name in _INTERVAL),
        zone_unknown=pl.col("zone_unknown") & ~pl.col("dated"),
        locationID="locationID told",
    ).drop(f"{name} told" for name in (*_INTERVAL, "locationID"))
    if not add:
        return found
    silent = events.join(deployments, on=key, how="anti", nulls_equal=True).with_columns(dated=pl.lit(value=True))
    return pl.concat([found, silent.select(found.columns)])


def named(deployments: pl.DataFrame) -> pl.DataFrame:
    """Add `deploymentID`: as told; with the dataset where there are several, with the place where that differs in one."""
    told = pl.col("told_deployment")
    if deployments["datasetKey"].n_unique() > 1:
        told = pl.concat_str(pl.col("datasetKey").fill_null(""), told, separator=":")
    several = pl.len().over("datasetKey", "told_deployment") > 1
    number = pl.int_range(pl.len()).over("datasetKey", "told_deployment") + 1
    return deployments.with_columns(
        deploymentID=pl.when(several).then(pl.format("{}#{}", told, number)).otherwise(told)
    )


def deployment_rows(deployments: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `deployments`."""
    coarse = pl.lit(
        "The place was made coarse to protect a sensitive species: a grid cell's centre, and the whole year."
    )
    comment = pl.when(~pl.col("dated") & ~pl.col("coarse")).then(
        pl.lit("Start and end are those of the first and the last published observation.")
    )
    unsure = pl.col("coordinateUncertaintyInMeters").ceil().cast(pl.Int64)
    return deployments.select(
        "deploymentID",
        locationID="locationID",
        locationName="locality",
        latitude=text("decimalLatitude"),
        longitude=text("decimalLongitude"),
        coordinateUncertainty=pl.when(unsure >= 1).then(unsure),
        deploymentStart="start",
        deploymentEnd="end",
        timestampIssues=pl.when("zone_unknown").then(pl.lit("true")),
        habitat="habitat",
        deploymentTags=_unless_empty(
            pl.concat_str(
                pl.when("coarse").then(pl.lit("place:generalised")),
                pl.when(~pl.col("dated")).then(pl.lit(EFFORT_UNKNOWN)),
                separator=" | ",
                ignore_nulls=True,
            )
        ),
        deploymentComments=pl.when("coarse").then(coarse).otherwise(comment),
    )


def _seconds(part: pl.Expr) -> pl.Expr:
    """Return a moment told with its offset as the standard writes it: with seconds, without parts of them."""
    moment = part.str.extract(f"({WHOLE})", 1).str.replace(r"\.\d+$", "")
    return pl.when(moment.str.len_chars() == 16).then(moment + ":00").otherwise(moment) + part.str.extract(OFFSET)


def _unless_empty(told: pl.Expr) -> pl.Expr:
    """Return a text, null where it is empty."""
    return pl.when(told != "").then(told)
