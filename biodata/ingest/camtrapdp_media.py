"""Pictures of the animals of a Camtrap DP package: only public ones, and none that a person or vehicle may be on."""

import json
from typing import Final

import polars as pl

from biodata.formats.camtrapdp import moment

_ADDRESS: Final = r"^https?://"
_MOMENT: Final = pl.Datetime("us", "UTC")
_NO_LINKS: Final = pl.DataFrame(schema={"observationID": pl.String, "mediaID": pl.String})
MOST: Final = 100
"""Pictures that one record is shown with."""
_NEEDED: Final = ("mediaID", "deploymentID", "filePath", "filePublic")


def of_animals(
    animals: pl.DataFrame, observations: pl.DataFrame, media: pl.DataFrame | None, *, licence: str | None
) -> pl.Series:
    """Return the pictures of each animal's row, as rows of a multimedia extension.

    Parameters
    ----------
    animals : polars.DataFrame of n rows
        The observations that are taken in.
    observations, media : polars.DataFrame
        All of the package's observations and media, as text.
    licence : str, optional
        Of the media.

    Returns
    -------
    Series of String, length n
        A JSON list with `identifier`, `format` and `license`; null where no picture may be shown.

    Notes
    -----
    A row's pictures are the one that it names; else those that rows of the same event name; else those made at its
    deployment within its time. One that a row which is no animal's names, or that was made in the time of such a row,
    is shown nowhere. No row has more than `MOST`.
    """
    nothing = pl.Series([None] * animals.height, dtype=pl.String)
    if media is None or not set(_NEEDED) <= set(media.columns) or animals.is_empty():
        return nothing
    shown = media.filter(
        pl.col("filePublic").str.to_lowercase().is_in(["true", "1"]) & pl.col("filePath").str.contains(_ADDRESS)
    )
    shown = shown.join(_not_to_be_shown(observations, media), on="mediaID", how="anti").unique("mediaID", keep="none")
    if shown.is_empty():
        return nothing
    rows = animals.select("observationID", "deploymentID", "eventID", *_ends(animals)).with_columns(
        mediaID=animals["mediaID"] if "mediaID" in animals.columns else pl.lit(None, dtype=pl.String)
    )
    named = rows.drop_nulls("mediaID").select("observationID", "mediaID")
    of_event = _of_events(rows, observations)
    rest = rows.filter(pl.col("mediaID").is_null()).join(of_event, on="observationID", how="anti")
    links = pl.concat([named, of_event, _in_time(rest, media)]).unique(maintain_order=True)
    parts = {
        media_id: json.dumps(
            {
                name: value
                for name, value in (("identifier", path), ("format", kind), ("license", licence))
                if value is not None
            },
            ensure_ascii=False,
        )
        for media_id, path, kind in shown.with_columns(
            kind=pl.col("fileMediatype") if "fileMediatype" in shown.columns else pl.lit(None, dtype=pl.String)
        )
        .select("mediaID", "filePath", "kind")
        .iter_rows()
    }
    told = pl.DataFrame(
        {"mediaID": list(parts), "item": list(parts.values())}, schema={"mediaID": pl.String, "item": pl.String}
    )
    listed = (
        links.join(told, on="mediaID", maintain_order="left")
        .group_by("observationID", maintain_order=True)
        .agg(media=pl.lit("[") + pl.col("item").str.join(", ") + pl.lit("]"))
        .with_columns(pl.col("media").cast(pl.String))
    )
    return animals.select("observationID").join(listed, on="observationID", how="left", maintain_order="left")["media"]


def _ends(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return first and last moment of observations."""
    end = pl.coalesce(moment("eventEnd"), moment("eventStart")) if "eventEnd" in frame.columns else moment("eventStart")
    return [moment("eventStart").alias("first"), end.alias("last")]


def _not_to_be_shown(observations: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media on which a person, a vehicle or a crew may be."""
    risky = (pl.col("observationType") != "animal") & (pl.col("observationType") != "blank")
    if "cameraSetupType" in observations.columns:
        risky |= pl.col("cameraSetupType").is_not_null()
    if "scientificName" in observations.columns:
        risky |= pl.col("scientificName").str.to_lowercase().str.starts_with("homo").fill_null(value=False)
    rows = observations.filter(risky.fill_null(value=True))
    parts = []
    has_media = "mediaID" in rows.columns
    if has_media:
        parts.append(rows.drop_nulls("mediaID").select("mediaID"))
    whole = rows.filter(pl.col("mediaID").is_null()) if has_media else rows
    if "eventID" in observations.columns and has_media:
        same = whole.drop_nulls("eventID").select("deploymentID", "eventID").unique()
        parts.append(observations.join(same, on=["deploymentID", "eventID"], how="semi").drop_nulls("mediaID")
                     .select("mediaID"))  # fmt: skip
    parts.append(_covered(whole.select("deploymentID", *_ends(whole)), media))
    return pl.concat(parts).unique()


def _of_events(rows: pl.DataFrame, observations: pl.DataFrame) -> pl.DataFrame:
    """Return the media that rows of the same event name."""
    if not {"mediaID", "eventID"} <= set(observations.columns):
        return _NO_LINKS
    event = ["deploymentID", "eventID"]
    told = observations.filter(pl.col("observationType") == "animal").drop_nulls(["mediaID", "eventID"])
    listed = told.group_by(event).agg(pl.col("mediaID").unique(maintain_order=True).head(MOST))
    return (
        rows.filter(pl.col("mediaID").is_null() & pl.col("eventID").is_not_null())
        .select("observationID", *event)
        .join(listed, on=event, maintain_order="left")
        .select("observationID", "mediaID")
        .explode("mediaID")
    )


def _made(media: pl.DataFrame) -> pl.DataFrame:
    """Return when media were made, in order, by deployment."""
    if "timestamp" not in media.columns:
        return media.select("mediaID", "deploymentID").clear().with_columns(at=pl.lit(None, dtype=_MOMENT))
    return media.select("mediaID", "deploymentID", at=moment("timestamp")).drop_nulls().sort("at", "deploymentID")


def _covered(spans: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media that were made within any span of their deployment."""
    ends = (
        spans.select("deploymentID", "first", "last")
        .drop_nulls()
        .sort("first")
        .with_columns(until=pl.col("last").cum_max().over("deploymentID"))
    )
    found = _made(media).join_asof(ends, left_on="at", right_on="first", by="deploymentID", check_sortedness=False)
    return found.filter(pl.col("until") >= pl.col("at")).select("mediaID")


def _in_time(spans: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media that were made within the span of each row, the first `MOST` of them."""
    made = _made(media).sort("deploymentID", "at").with_row_index("place").with_columns(pl.col("place").cast(pl.Int64))
    wanted = spans.select("observationID", "deploymentID", "first", "last").drop_nulls()
    if made.is_empty() or wanted.is_empty():
        return _NO_LINKS
    by_time = made.select("deploymentID", "at", "place").sort("at", maintain_order=True)
    ranges = (
        wanted.sort("first")
        .join_asof(by_time.rename({"at": "begun", "place": "begin"}), left_on="first", right_on="begun",
                   by="deploymentID", strategy="forward", check_sortedness=False)
        .sort("last")
        .join_asof(by_time.unique(["deploymentID", "at"], keep="last", maintain_order=True)
                   .rename({"at": "ended", "place": "end"}), left_on="last", right_on="ended",
                   by="deploymentID", check_sortedness=False)
        .drop_nulls(["begin", "end"])
        .filter(pl.col("end") >= pl.col("begin"))
    )  # fmt: skip
    until = pl.min_horizontal(pl.col("end") + 1, pl.col("begin") + MOST)
    return (
        ranges.select("observationID", place=pl.int_ranges("begin", until))
        .explode("place")
        .join(made, on="place", maintain_order="left")
        .select("observationID", "mediaID")
    )
