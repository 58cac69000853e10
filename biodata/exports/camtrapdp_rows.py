"""Published records of camera traps as rows of Camtrap DP's tables.

A record whose place is open belongs to the deployment that it names. One whose place was made coarse names none: it
belongs to its cell and year, with the cell's centre and the published uncertainty, so that it leads to no camera.
"""

import hashlib
from collections import Counter
from typing import Any, Final

import polars as pl

from biodata.formats.camtrapdp import CELL, COUNTRIES, SHARING, ZONE_UNKNOWN
from biodata.sharing.media import items
from biodata.text.times import country_offsets, offsets

COLUMNS: Final = (
    "key", "datasetKey", "occurrenceID", "basisOfRecord", "occurrenceStatus", "individualCount", "sex", "lifeStage",
    "scientificName", "species", "taxonRank", "kingdom", "phylum", "class", "order", "family", "genus", "eventDate",
    "event_start", "event_end", "event_time", "event_zone", "year", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "habitat",
    "locality", "organismID", "eventID", "parentEventID", "samplingProtocol", "occurrenceRemarks",
    "classificationProbability", "media", "quality_flags", "sharing_category", "sharing_rule", "cell_west", "cell_south",
    "cell_east", "cell_north", "countryCode", "country_codes", "province_code", "ambiguous", "informationWithheld",
)  # fmt: skip
"""Published columns that are read."""

PROTOCOL: Final = r"(?i)^camera.?trap"
"""How the method of a camera trap begins, in a record whose method is published."""

WHOLE: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?"
OFFSET: Final = r"(Z|[+-]\d\d:?\d\d)$"
LEFT_OUT: Final = (
    "of other methods", "with a coarse place (no method is published of them, so none is known to be of a camera)", "of people",
    "of absence", "without a place", "without a date",
)  # fmt: skip
"""Why records are left out."""
_STAGES: Final = ("adult", "subadult", "juvenile")
_MEDIA_TYPE: Final = r"^(image|video|audio)/"
_WRITTEN: Final = "%Y-%m-%dT%H:%M:%S"


def used(
    frame: pl.DataFrame, *, coarse_datasets: list[str], traps: pl.DataFrame, left_out: Counter[str] | None = None
) -> pl.DataFrame:
    """Return the records of camera traps that can be rows, with when and at which deployment.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        `COLUMNS`, published values.
    coarse_datasets : list of str
        Datasets of camera traps alone: a presence of another one tells no method.
    traps : polars.DataFrame
        datasetKey, eventID, time_zone : published events whose design is a camera trap; a record of one need not tell its
        method, and a time without a zone is in that of its event.
    left_out : Counter, optional
        Grows by the records that cannot be rows: of the first of `LEFT_OUT` that holds.

    Returns
    -------
    polars.DataFrame of m rows
        Besides: `coarse`, `start` and `end` as the standard writes them, `start_at` and `end_at` in UTC,
        `zone_unknown`, `told_deployment`.
    """
    is_open = pl.col("sharing_category") == "open"
    known = traps.select("datasetKey", "eventID", "time_zone").drop_nulls(["datasetKey", "eventID"])
    known = known.unique(["datasetKey", "eventID"], keep="first", maintain_order=True)
    frame = frame.join(
        known.with_columns(by_design=pl.lit(value=True)),
        on=["datasetKey", "eventID"],
        how="left",
        maintain_order="left",
    ).join(
        known.select("datasetKey", parentEventID="eventID", zone_above="time_zone"),
        on=["datasetKey", "parentEventID"],
        how="left",
        maintain_order="left",
    )
    frame = frame.with_columns(of_event=pl.coalesce("time_zone", "zone_above")).drop("time_zone", "zone_above")
    of_trap = (
        pl.when(is_open)
        .then(pl.col("samplingProtocol").str.contains(PROTOCOL).fill_null(value=False) | pl.col("by_design"))
        .otherwise(pl.col("datasetKey").is_in(coarse_datasets))
    )
    no_animal = pl.col("genus").eq_missing("Homo") | pl.col("scientificName").str.contains(r"(?i)^homo\b")
    absent = pl.col("occurrenceStatus") == "ABSENT"
    other = ~of_trap.fill_null(value=False)
    tests = (other & is_open, other, no_animal, absent, pl.col("decimalLatitude").is_null())
    why = pl.coalesce(
        pl.when(test.fill_null(value=False)).then(pl.lit(name)) for name, test in zip(LEFT_OUT, tests, strict=False)
    )
    # A record that came coarse from another publisher has no camera either.
    received = pl.col("quality_flags").list.contains("PUBLISHER_GENERALISED") & pl.col("eventDate").str.contains(
        r"^\d{4}$"
    )
    nameless = pl.coalesce("parentEventID", "eventID").is_null()
    frame = frame.with_columns(coarse=~is_open | (received & nameless).fill_null(value=False), why=why).drop(
        "by_design"
    )
    kept = frame.filter(pl.col("why").is_null())
    cell = pl.format("cell {} {} {}", *(text(name) for name in ("decimalLatitude", "decimalLongitude")), "year")
    place = pl.format("place {} {}", *(text(name) for name in ("decimalLatitude", "decimalLongitude")))
    kept = _with_moments(kept).with_columns(
        told_deployment=pl.when("coarse").then(cell).otherwise(pl.coalesce("parentEventID", "eventID", place)),
    )
    dated = kept.filter(pl.col("start").is_not_null() & pl.col("end").is_not_null())
    if left_out is not None:
        left_out.update(dict(frame["why"].drop_nulls().value_counts().iter_rows()))
        left_out.update({LEFT_OUT[-1]: kept.height - dated.height})
    return dated.with_columns(start_at=at("start"), end_at=at("end"))


def _with_moments(rows: pl.DataFrame) -> pl.DataFrame:
    """Add when a record was made: as told with its offset, or the whole of the days, or of the year, that are told.

    A time or day without a zone is in that of its event, else of its country, else of its longitude.
    """
    first = pl.col("eventDate").str.split("/").list.first()
    last = pl.col("eventDate").str.split("/").list.last()
    told = {"start": (first, "event_start", "00:00:00"), "end": (last, "event_end", "23:59:59")}
    of_events = rows["of_event"].drop_nulls().unique(maintain_order=True).to_list()
    unknown = pl.lit(value=False)
    for name, (part, day, time) in told.items():
        # Of a day, the time of day may stand in a column of its own; so may the zone that the times were told in.
        timed = pl.when(pl.col("eventDate").str.len_chars() == 10).then(part + "T" + pl.col("event_time"))
        moment = pl.coalesce(one.str.extract(f"({WHOLE})", 1) for one in (part, timed)).str.replace(r"\.\d+$", "")
        # Each step has its column: as one expression the whole would be worked out for every place that it is used in.
        rows = rows.with_columns(_moment=moment)
        seconds = pl.when(pl.col("_moment").str.len_chars() == 16).then(pl.col("_moment") + ":00").otherwise("_moment")
        rows = rows.with_columns(
            _stated=pl.coalesce(part.str.extract(OFFSET), pl.col("event_zone").str.extract(OFFSET)),
            _local=pl.coalesce(seconds, pl.col(day).dt.strftime("%Y-%m-%d") + f"T{time}"),
        )
        rows = rows.with_columns(
            _date=pl.col("_local").str.slice(0, 10).str.to_date(strict=False), _clock=pl.col("_local").str.slice(11, 8)
        )
        date, clock = pl.col("_date"), pl.col("_clock")
        of_event = pl.coalesce(
            None, *(pl.when(pl.col("of_event") == zone).then(offsets(date, clock, zone)) for zone in of_events)
        )
        rows = rows.with_columns(
            _offset=pl.coalesce("_stated", of_event),
            _assumed=pl.coalesce(
                country_offsets(pl.col("countryCode"), date, clock), solar_offsets(pl.col("decimalLongitude"))
            ),
        )
        in_year = pl.format("{}-{}Z", pl.col("year"), pl.lit(f"01-01T{time}" if name == "start" else f"12-31T{time}"))
        rows = rows.with_columns(
            pl.when("coarse")
            .then(pl.when(pl.col("year").is_not_null()).then(in_year))
            .otherwise(pl.col("_local") + pl.coalesce("_offset", "_assumed"))
            .alias(name),
            pl.any_horizontal(pl.col("_moment", "_offset").is_null()).alias(f"_unknown_{name}"),
        )
        unknown |= pl.col(f"_unknown_{name}")
    rows = rows.with_columns((unknown | pl.col("coarse")).fill_null(value=True).alias("zone_unknown"))
    return rows.drop(
        "_moment", "_stated", "_local", "_date", "_clock", "_offset", "_assumed", "_unknown_start", "_unknown_end"
    )


def solar_offsets(longitude: pl.Expr) -> pl.Expr:
    """Return the offset of the hour in which the sun is highest at noon, ±HH:00: no time is written in a zone far away."""
    hours = (longitude / 15).round().cast(pl.Int32)
    sign = pl.when(hours < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    return sign + hours.abs().cast(pl.String).str.zfill(2) + ":00"


def at(name: str) -> pl.Expr:
    """Return a written moment in UTC."""
    plain = pl.col(name).str.replace(r"Z$", "+0000").str.replace(r"([+-]\d\d):(\d\d)$", "$1$2")
    return plain.str.to_datetime(f"{_WRITTEN}%z", strict=False, time_unit="us", time_zone="UTC")


def text(name: str) -> pl.Expr:
    """Return degrees as text, without what floating point adds to them."""
    return pl.col(name).round(7).cast(pl.String)


def observation_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `observations`, of `used` rows with their `deploymentID` and `observationID`."""
    sex = pl.col("sex").str.to_lowercase()
    stage = pl.col("lifeStage").str.to_lowercase()
    machine = pl.col("quality_flags").list.contains("IDENTIFIED_BY_MACHINE").fill_null(value=False)
    return rows.select(
        "observationID",
        "deploymentID",
        # A sequence of pictures; of a record that tells none its deployment is the event.
        eventID=pl.when(pl.col("eventID") != pl.col("told_deployment")).then("eventID"),
        eventStart="start",
        eventEnd="end",
        observationLevel=pl.lit("event"),
        observationType=pl.lit("animal"),
        scientificName=pl.coalesce("scientificName", "species"),
        count=pl.when(pl.col("individualCount") >= 1).then("individualCount"),
        lifeStage=pl.when(stage.is_in(_STAGES)).then(stage),
        sex=pl.when(sex.is_in(["female", "male"])).then(sex),
        individualID="organismID",
        classificationMethod=pl.when(machine).then(pl.lit("machine")),
        classificationProbability=pl.when(machine).then("classificationProbability"),
        observationTags=unless_empty(
            pl.concat_str(
                pl.when("zone_unknown").then(pl.lit(ZONE_UNKNOWN)), *_sharing_tags(), separator=" | ", ignore_nulls=True
            )
        ),
        # Of a coarse record no remarks are published.
        observationComments=pl.coalesce("occurrenceRemarks", pl.when("coarse").then("informationWithheld")),
    )


def cell_tag(west: str, south: str, east: str, north: str) -> pl.Expr:
    """Return the tag of a cell with these edges; null where there is none."""
    return pl.format(CELL + "{} {} {} {}", *(text(edge) for edge in (west, south, east, north)))


def _sharing_tags() -> list[pl.Expr]:
    """Return what is published of a record that was made coarse and has no field in the standard, as tags."""
    several = pl.col("country_codes").list.len() > 0
    doubts = pl.lit("doubt:") + pl.col("quality_flags").list.join(" | doubt:")
    told = [
        SHARING + pl.col("sharing_category"),
        "rule:" + pl.col("sharing_rule").str.replace_all("|", "/", literal=True),
        cell_tag("cell_west", "cell_south", "cell_east", "cell_north"),
        "country:" + pl.col("countryCode"),
        pl.when(several).then(COUNTRIES + pl.col("country_codes").list.join(";")),
        "province:" + pl.col("province_code"),
        "border:" + pl.col("ambiguous").replace_strict({True: "ambiguous", False: "clear"}, return_dtype=pl.String),
        pl.when(pl.col("quality_flags").list.len() > 0).then(doubts),
    ]
    return [pl.when(pl.col("sharing_category") != "open").then(tag) for tag in told]


def unless_empty(told: pl.Expr) -> pl.Expr:
    """Return a text, null where it is empty."""
    return pl.when(told != "").then(told)


def media_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `media`: what is published of pictures and sounds whose kind of file is told.

    A picture of several animals stands once for each moment of one deployment.
    """
    shown = rows.drop_nulls("media").select("deploymentID", "start", "media")
    told = [
        (_media_id(deployment, start, item), deployment, start, item["identifier"], item["format"], item.get("license"))
        for deployment, start, text in shown.iter_rows()
        for item in items(text)
        if isinstance(item.get("identifier"), str) and isinstance(item.get("format"), str)
    ]
    names = ("mediaID", "deploymentID", "timestamp", "filePath", "fileMediatype", "license")
    frame = pl.DataFrame(told, schema=dict.fromkeys(names, pl.String), orient="row")
    return (
        frame.filter(
            pl.col("fileMediatype").str.contains(_MEDIA_TYPE) & ~pl.col("filePath").str.contains("..", literal=True)
        )
        .unique("mediaID", maintain_order=True)
        .with_columns(filePublic=pl.lit("true"), mediaComments=pl.lit("Licence of this file: ") + pl.col("license"))
    )


def _media_id(deployment: str, start: str, item: dict[str, Any]) -> str:
    """Return an identifier that is made of what is published of a picture."""
    return hashlib.sha256(f"{deployment}\n{start}\n{item['identifier']}".encode()).hexdigest()[:16]
