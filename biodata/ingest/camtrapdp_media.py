"""Pictures of the animals of a Camtrap DP package: only public ones, and none that a person or vehicle may be on."""

import json
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.formats.camtrapdp import (
    moment,
)
from biodata.ingest.camtrapdp_tags import ZONED
from biodata.ingest.survey_shapes import column

_ADDRESS: Final = r"^https?://"
_ASKED_OF_ROWS: Final = ("mediaID", "eventID", "eventEnd", "cameraSetupType", "scientificName")
_LONGER_S: Final = 10**12  # than any two moments lie apart
MOST: Final = 100
"""Pictures that one record is shown with."""
_NEEDED_OF_PICTURES: Final = ("mediaID", "deploymentID", "filePath", "filePublic")


def of_animals(
    animals: pl.DataFrame, observations: pl.DataFrame, media: pl.DataFrame | None, *, licence: str | None
) -> pl.Series:
    """Return the pictures of each animal's row as a JSON list of a multimedia extension's rows; null where none may be shown.

    A row's pictures are the one that it names; else those that rows of the same event name; else those made at its
    deployment within its time. One that a row which is no animal's names, or that was made in the time of such a row,
    is shown nowhere. No row has more than `MOST`.
    """
    nothing = pl.Series([None] * animals.height, dtype=pl.String)
    if media is None or not set(_NEEDED_OF_PICTURES) <= set(media.columns) or animals.is_empty():
        return nothing
    rows, observations = _with_spans(animals), _with_spans(observations)
    is_public = pl.col("filePublic").str.to_lowercase().is_in(["true", "1"])
    shown = media.filter(is_public & pl.col("filePath").str.contains(_ADDRESS))
    shown = shown.join(_not_to_be_shown(observations, media), on="mediaID", how="anti").unique("mediaID", keep="none")
    times = pl.concat([*observations.select("eventStart", "eventEnd"), *media.select(column(media, "timestamp"))])
    if shown.is_empty() or times.drop_nulls().str.contains(ZONED).n_unique() > 1:
        return nothing  # where only some times have an offset, nobody knows which pictures a person's time covers
    rest = rows.filter(pl.col("mediaID").is_null())
    named = rows.drop_nulls("mediaID").select("observationID", "mediaID")
    of_event = _of_events(rest, observations)
    rest = rest.join(of_event, on="observationID", how="anti")
    links = pl.concat([named, of_event, _in_time(rest, media)]).unique(maintain_order=True)
    entries = [
        {"identifier": path} | ({"format": kind} if kind else {}) | ({"license": licence} if licence else {})
        for path, kind in shown.select("filePath", column(shown, "fileMediatype")).iter_rows()
    ]
    items = pl.Series([json.dumps(one, ensure_ascii=False) for one in entries], dtype=pl.String)
    listed = (
        links.join(shown.select("mediaID", item=items), on="mediaID", maintain_order="left")
        .group_by("observationID", maintain_order=True)
        .agg(media=pl.format("[{}]", pl.col("item").str.join(", ")))
    )
    return animals.select("observationID").join(listed, on="observationID", how="left", maintain_order="left")["media"]


def _with_spans(frame: pl.DataFrame) -> pl.DataFrame:
    """Return observations with the first and last moment of each, and what they do not state as empty columns."""
    frame = frame.with_columns(column(frame, name) for name in _ASKED_OF_ROWS)
    start = moment("eventStart")
    return frame.with_columns(first=start, last=pl.max_horizontal(start, moment("eventEnd")))


def _not_to_be_shown(observations: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media on which a person, a vehicle or a crew may be."""
    is_person = pl.col("scientificName").str.to_lowercase().str.starts_with("homo").fill_null(value=False)
    risky = ~pl.col("observationType").is_in(["animal", "blank"]) | pl.col("cameraSetupType").is_not_null() | is_person
    rows = observations.filter(risky.fill_null(value=True))
    whole = rows.filter(pl.col("mediaID").is_null())
    of_events = observations.join(whole.drop_nulls("eventID"), on=["deploymentID", "eventID"], how="semi")
    named = pl.concat([rows, of_events]).select("mediaID").drop_nulls()
    return pl.concat([named, _covered(whole, media)]).unique()


def _of_events(rows: pl.DataFrame, observations: pl.DataFrame) -> pl.DataFrame:
    event = ["deploymentID", "eventID"]
    table = observations.filter(pl.col("observationType") == "animal").drop_nulls(["mediaID", "eventID"])
    listed = table.group_by(event).agg(pl.col("mediaID").unique(maintain_order=True).head(MOST))
    found = rows.select("observationID", *event).join(listed, on=event, maintain_order="left")
    return found.select("observationID", "mediaID").explode("mediaID")


def _made(media: pl.DataFrame) -> pl.DataFrame:
    made = media.with_columns(column(media, "timestamp")).select("mediaID", "deploymentID", at=moment("timestamp"))
    return made.drop_nulls().sort("deploymentID", "at", maintain_order=True)


def _order(made: pl.DataFrame, frame: pl.DataFrame, name: str) -> NDArray[np.int64]:
    """Return moments as numbers that sort by deployment first, of which `made` has all."""
    codes = {one: at for at, one in enumerate(made["deploymentID"].unique(maintain_order=True))}
    deployment = frame["deploymentID"].replace_strict(codes, default=-1, return_dtype=pl.Int64)
    return (deployment * _LONGER_S + frame[name].dt.epoch("s")).to_numpy()


def _covered(spans: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media that were made within any span of their deployment: more have begun by then than have ended before."""
    made, spans = _made(media), spans.drop_nulls(["first", "last"])
    at, first, last = _order(made, made, "at"), *(np.sort(_order(made, spans, name)) for name in ("first", "last"))
    begun, ended = np.searchsorted(first, at, "right"), np.searchsorted(last, at, "left")
    return made.filter(pl.Series(begun > ended, dtype=pl.Boolean)).select("mediaID")


def _in_time(spans: pl.DataFrame, media: pl.DataFrame) -> pl.DataFrame:
    """Return the media that were made within the span of each row, the first `MOST` of them."""
    made, wanted = _made(media), spans.drop_nulls(["first", "last"])
    at, first, last = _order(made, made, "at"), _order(made, wanted, "first"), _order(made, wanted, "last")
    begin, end = np.searchsorted(at, first, "left"), np.searchsorted(at, last, "right")
    places = pl.int_ranges(pl.Series(begin), pl.Series(np.minimum(end, begin + MOST)), eager=True)
    links = wanted.select("observationID", place=places).explode("place").drop_nulls()
    return links.select("observationID", mediaID=made["mediaID"].gather(links["place"]))
