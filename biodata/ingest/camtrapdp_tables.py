"""What stands in the tables of a Camtrap DP package beside its cells: tags of ours, pictures of the animals."""

import json
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core import terms
from biodata.formats.camtrapdp import (
    CELL,
    COUNTRIES,
    DAYS_ONLY,
    EFFORT_UNKNOWN,
    PLACE_GENERALISED,
    SHARING,
    ZONE_UNKNOWN,
    moment,
)
from biodata.ingest.survey_shapes import column

# Tags of Camtrap DP packages that biodata wrote: what the standard has no field for, read into terms of events and of records.

TAGS: Final = "deploymentTags"
OBSERVATION_TAGS: Final = "observationTags"
EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
_BASIS: Final = "effortBasis:"
ZONED: Final = r"(?:Z|[+-]\d\d:?\d\d)(/|$)"
_OF_RECORD: Final = MappingProxyType(
    {
        terms.ARCHIVED_CATEGORY: SHARING.rstrip(":"),
        f"{terms.OWN}sharing_rule": "rule",
        terms.ARCHIVED_COUNTRIES: COUNTRIES.rstrip(":"),
        f"{terms.OWN}province_code": "province",
        "countryCode": "country",
    }
)
"""Terms of a coarse record, and the names of the tags that state them."""
_CLOCK: Final = r"T[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?"


def is_own(deployments: pl.DataFrame) -> bool:
    """Return whether a table of deployments is of a package that biodata wrote."""
    if TAGS not in deployments.columns:
        return False
    of_ours = _tags().list.eval((pl.element() == EFFORT_UNKNOWN) | pl.element().str.starts_with(_BASIS)).list.any()
    return bool(deployments.select(of_ours.fill_null(value=False).any()).item())


def has(tag: str) -> pl.Expr:
    """Tell which rows have a tag."""
    return _tags().list.contains(tag).fill_null(value=False)


def cells(deployments: pl.DataFrame) -> pl.Series:
    """Return the deployments that are none: they stand for the cell and the year of records whose camera is not stated."""
    if not is_own(deployments):
        return deployments["deploymentID"].clear()
    return deployments.filter(has(PLACE_GENERALISED) & has(EFFORT_UNKNOWN))["deploymentID"]


def with_tags(events: pl.DataFrame) -> pl.DataFrame:
    """Return events with what the tags of a package of ours tell; nothing is stated of effort and scope besides."""
    effort, zone = _tag_values("effort:").list.first(), column(events, "timeZone")
    zone = pl.when(~has(ZONE_UNKNOWN) & ~has(PLACE_GENERALISED)).then(zone)
    days = pl.when(has(DAYS_ONLY)).then(pl.col("eventDate").str.replace_all(_CLOCK, "")).otherwise("eventDate")
    return events.with_columns(
        samplingEffortValue=effort.str.extract(r"^(\S+)"),
        samplingEffortUnit=effort.str.extract(r"^\S+ (.+)$"),
        parentEventID=_tag_values("parentEvent:").list.first(),
        targetTaxonomicScope=_joined("target:", "|"),
        excludedTaxonomicScope=_joined("excluded:", "|"),
        isAbsenceReported=_tag_values("absence:").list.first().replace({"reported": "true", "notReported": "false"}),
        eventDate=pl.when(has(PLACE_GENERALISED))
        .then(pl.col("eventDate").str.slice(0, 4))
        .when(has(ZONE_UNKNOWN))
        .then(days.str.replace_all(ZONED, "$1"))
        .otherwise(days),
        timeZone=pl.coalesce(_tag_values("timeZone:").list.first().replace("unknown", None), zone),
        **{
            terms.ARCHIVED_BASIS: _tag_values(_BASIS).list.first(),
            terms.ARCHIVED_FAILED_DAYS: _tag_values("failedDays:").list.first(),
            terms.ARCHIVED_FLAGS: _joined("doubt:", ";"),
            terms.ARCHIVED_CATEGORY: _tag_values(SHARING).list.first(),
            terms.ARCHIVED_COUNTRIES: _tag_values(COUNTRIES).list.first(),
            "footprintWKT": _outline(),
        },
    )


def shared(observations: pl.DataFrame) -> pl.DataFrame:
    """Return how the observations of a package of ours were made coarse, under the terms that an archive of ours has for it; null for open ones."""
    edges = _tag_values(CELL, OBSERVATION_TAGS).list.first().str.split(" ")
    facts = {name: _tag_values(f"{tag}:", OBSERVATION_TAGS).list.first() for name, tag in _OF_RECORD.items()}
    found = observations.select(
        *(value.alias(name) for name, value in facts.items()),
        *(edges.list.get(place, null_on_oob=True).alias(terms.OWN + name) for place, name in enumerate(EDGES)),
        _tag_values("border:", OBSERVATION_TAGS)
        .list.first()
        .replace({"ambiguous": "true", "clear": "false"})
        .alias(f"{terms.OWN}ambiguous"),
        _joined("doubt:", ";", OBSERVATION_TAGS).alias(terms.ARCHIVED_FLAGS),
    )
    coarse = pl.col(terms.ARCHIVED_CATEGORY).is_not_null()
    return found.select(pl.when(coarse).then(pl.all()))


def _outline() -> pl.Expr:
    west, south, east, north = (
        _tag_values(CELL).list.first().str.split(" ").list.get(i, null_on_oob=True) for i in range(4)
    )
    return pl.format(
        "POLYGON (({} {}, {} {}, {} {}, {} {}, {} {}))", west, south, east, south, east, north, west, north, west, south
    )


def _tags(column: str = TAGS) -> pl.Expr:
    return pl.col(column).str.split("|").list.eval(pl.element().str.strip_chars())


def _tag_values(name: str, column: str = TAGS) -> pl.Expr:
    values = pl.element().filter(pl.element().str.starts_with(name)).str.slice(len(name))
    return _tags(column).list.eval(values)


def _joined(name: str, separator: str, column: str = TAGS) -> pl.Expr:
    """Return the values of the tags of a name as one text; null where there are none."""
    joined = _tag_values(name, column).list.join(separator)
    return pl.when(joined != "").then(joined)


# Pictures of the animals of a Camtrap DP package: only public ones, and none that a person or vehicle may be on.

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
