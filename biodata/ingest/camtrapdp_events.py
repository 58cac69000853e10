"""Deployments of a Camtrap DP package as events, with the time that a camera was silent where its pictures tell it."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from biodata.formats.camtrapdp import EFFORT_UNKNOWN, PLACE_GENERALISED, moment
from biodata.ingest import camera_traps
from biodata.ingest.camtrapdp_tags import TAGS, has, is_own, with_tags

_BESIDE: Final = (
    "timestampIssues", "baitUse", "featureType", "cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt",
    "cameraHeading", "detectionDistance", "deploymentGroups", "deploymentTags",
)  # fmt: skip
"""Fields that stay beside the event's terms as they came."""

TAKEN: Final = (
    "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty", "deploymentStart",
    "deploymentEnd", "cameraID", "habitat", "deploymentComments", *_BESIDE,
)  # fmt: skip
"""Fields that come in; `setupBy` names a person and never does."""

_SIDE: Final = r"(?:^|\|)\s*side:\s*([A-Za-z]{2})\s*(?:\||$)"
"""How a project's side is told in deploymentGroups, the standard's place for what deployments have in common."""
_OFFSET: Final = r"([+-]\d\d:?\d\d)$"
_LONGEST_GAP_DAYS: Final = 2.0


def events(
    deployments: pl.DataFrame, *, file: str, package: Mapping[str, Any], media: pl.DataFrame | None
) -> pl.DataFrame:
    """Return deployments as events.

    Parameters
    ----------
    deployments : polars.DataFrame of n rows
        `source_row` and the standard's fields as text.
    file : str
        What the table is called.
    package : mapping
        The descriptor.
    media : polars.DataFrame, optional
        The package's media.

    Returns
    -------
    polars.DataFrame of n rows
        `source_file`, `source_row` and terms of events. A deployment that is tagged as being of unknown effort has no `design`
        and no method, so that nobody counts trap-nights of it.
    """
    frame = camera_traps.deployment_events(deployments, file=file)
    told = [name for name in _BESIDE if name in deployments.columns]
    comments = (
        [pl.col("deploymentComments").alias("eventRemarks")] if "deploymentComments" in deployments.columns else []
    )
    if "deploymentGroups" in deployments.columns:
        comments.append(pl.col("deploymentGroups").str.extract(_SIDE).str.to_uppercase().alias("side"))
    frame = pl.concat([frame, deployments.select(*comments, *told)], how="horizontal").with_columns(
        pl.lit("WGS84").alias("geodeticDatum"),
        pl.lit(_scope(package), dtype=pl.String).alias("targetTaxonomicScope"),
    )
    if TAGS in told:
        dated = ~has(EFFORT_UNKNOWN)
        frame = frame.with_columns(pl.when(dated).then(name).alias(name) for name in ("design", "samplingProtocol"))
    if is_own(deployments):
        obscured = pl.col("eventRemarks") if "eventRemarks" in frame.columns else pl.lit(None, pl.String)
        # The effort has the failures taken off already: silences between pictures are not looked for.
        return with_tags(frame).with_columns(dataGeneralizations=pl.when(has(PLACE_GENERALISED)).then(obscured))
    silent = silences(deployments, media) if media is not None else None
    if silent is None or silent.is_empty():
        return frame
    return frame.join(silent, on="eventID", how="left", maintain_order="left")


def silences(deployments: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return when cameras made no picture though a time lapse was set.

    Parameters
    ----------
    deployments, media : polars.DataFrame
        The package's tables, as text.

    Returns
    -------
    polars.DataFrame
        `eventID` and `failurePeriods`, intervals joined by `|`, of deployments with silences.

    Notes
    -----
    A camera that takes a picture at fixed times, once a day or more often (half of the steps between its time-lapse
    pictures are no longer than a day), shows by them that it works. More than two days without any picture, between two of
    them or after the last one, is silence. Where time-lapse pictures are few (under five), nothing is concluded.
    """
    if "captureMethod" not in media.columns or "timestamp" not in media.columns:
        return pl.DataFrame(schema={"eventID": pl.String, "failurePeriods": pl.String})
    ends = deployments.select(
        "deploymentID", start=moment("deploymentStart"), stop=moment("deploymentEnd"), zone="deploymentStart"
    )
    told = media.select("deploymentID", "captureMethod", at=moment("timestamp")).drop_nulls("at").sort("at")
    lapse = (
        told.filter(pl.col("captureMethod") == "timeLapse")
        .group_by("deploymentID")
        .agg(step=pl.col("at").diff().median().dt.total_seconds(), count=pl.len())
        .filter((pl.col("count") >= 5) & (pl.col("step") <= 86_400))
        .select("deploymentID")
    )
    moments = pl.concat(
        [
            told.select("deploymentID", "at"),
            ends.select("deploymentID", at="start"),
            ends.select("deploymentID", at="stop"),
        ]
    ).join(ends, on="deploymentID")
    gaps = (
        moments.join(lapse, on="deploymentID", how="semi")
        .filter((pl.col("at") >= pl.col("start")) & (pl.col("at") <= pl.col("stop")))
        .sort("deploymentID", "at")
        .with_columns(before=pl.col("at").shift(1).over("deploymentID"))
        .filter((pl.col("at") - pl.col("before")) > pl.duration(days=_LONGEST_GAP_DAYS))
    )
    shift = pl.col("zone").str.extract(_OFFSET).str.replace(":", "")
    hours = shift.str.slice(1, 2).cast(pl.Int64) * 60 + shift.str.slice(3, 2).cast(pl.Int64)
    minutes = pl.when(shift.str.starts_with("-")).then(-hours).otherwise(hours).fill_null(0)
    written = [
        (pl.col(name) + pl.duration(minutes=minutes)).dt.strftime("%Y-%m-%dT%H:%M:%S") for name in ("before", "at")
    ]
    offset = pl.col("zone").str.extract(_OFFSET).fill_null("Z")
    return (
        gaps.with_columns(period=pl.concat_str(written[0], offset, pl.lit("/"), written[1], offset))
        .group_by("deploymentID", maintain_order=True)
        .agg(failurePeriods=pl.col("period").str.join("|"))
        .rename({"deploymentID": "eventID"})
    )


def _scope(package: Mapping[str, Any]) -> str | None:
    """Return the taxa that were looked for: the package's list where cameras were set off by what moves."""
    project, listed = package.get("project"), package.get("taxonomic")
    methods = project.get("captureMethod") if isinstance(project, dict) else None
    methods = methods if isinstance(methods, list) else [methods]
    if "activityDetection" not in methods or not isinstance(listed, list):
        return None
    names = [taxon.get("scientificName") for taxon in listed if isinstance(taxon, dict)]
    told = pl.Series([name for name in names if isinstance(name, str) and name.strip()], dtype=pl.String)
    animals = told.to_frame("name").filter(camera_traps.why_left_out(pl.col("name")).is_null())["name"]
    return "|".join(animals) or None
