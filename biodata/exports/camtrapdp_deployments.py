"""Deployments of the cameras whose published records are written as Camtrap DP, and what is published of them as events; the rows of its tables."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from biodata.core.vocabularies import SurveyDesign
from biodata.formats.camtrapdp import (
    CELL,
    COUNTRIES,
    DAYS_ONLY,
    EFFORT_UNKNOWN,
    OBSERVATIONS_APART,
    PLACE_GENERALISED,
    SHARING,
    ZONE_UNKNOWN,
)
from biodata.sharing.media import items
from biodata.text.times import country_offsets, offsets

# Published records of camera traps as rows of Camtrap DP's tables.
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
        Datasets of camera traps alone: a presence of another one states no method.
    traps : polars.DataFrame
        datasetKey, eventID, time_zone : published events whose design is a camera trap; a record of one need not state its
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
        zone_unknown=pl.any_horizontal("zone_unknown", "days_only", "coarse").fill_null(value=True),
    )
    dated = kept.filter(pl.col("start").is_not_null() & pl.col("end").is_not_null())
    if left_out is not None:
        left_out.update(dict(frame["why"].drop_nulls().value_counts().iter_rows()))
        left_out.update({LEFT_OUT[-1]: kept.height - dated.height})
    return dated.with_columns(start_at=at("start"), end_at=at("end"))


def _with_moments(rows: pl.DataFrame) -> pl.DataFrame:
    """Add when a record was made: as stated with its offset, or the whole of the days, or of the year, that are stated.

    A time or day without a zone is in that of its event, else, as `zone_unknown` says, of its country or of its
    longitude; `days_only` says that no time is stated.
    """
    first = pl.col("eventDate").str.split("/").list.first()
    last = pl.col("eventDate").str.split("/").list.last()
    facts = {"start": (first, "event_start", "00:00:00"), "end": (last, "event_end", "23:59:59")}
    of_events = rows["of_event"].drop_nulls().unique(maintain_order=True).to_list()
    rows = rows.with_columns(zone_unknown=pl.lit(value=False), days_only=pl.lit(value=False))
    for name, (part, day, time) in facts.items():
        # Of a day, the time of day may stand in a column of its own; so may the zone that the times were stated in.
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
            zone_unknown=pl.col("zone_unknown") | pl.col("_offset").is_null(),
            days_only=pl.col("days_only") | pl.col("_moment").is_null(),
        )
    return rows.drop("_moment", "_stated", "_local", "_date", "_clock", "_offset", "_assumed")


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
        # A sequence of pictures; of a record that states none its deployment is the event.
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
    entries = [
        SHARING + pl.col("sharing_category"),
        "rule:" + pl.col("sharing_rule").str.replace_all("|", "/", literal=True),
        cell_tag("cell_west", "cell_south", "cell_east", "cell_north"),
        "country:" + pl.col("countryCode"),
        pl.when(several).then(COUNTRIES + pl.col("country_codes").list.join(";")),
        "province:" + pl.col("province_code"),
        "border:" + pl.col("ambiguous").replace_strict({True: "ambiguous", False: "clear"}, return_dtype=pl.String),
        pl.when(pl.col("quality_flags").list.len() > 0).then(doubts),
    ]
    return [pl.when(pl.col("sharing_category") != "open").then(tag) for tag in entries]


def unless_empty(stated: pl.Expr) -> pl.Expr:
    """Return a text, null where it is empty."""
    return pl.when(stated != "").then(stated)


def media_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `media`: what is published of pictures and sounds whose kind of file is stated.

    A picture of several animals stands once for each moment of one deployment.
    """
    shown = rows.drop_nulls("media").select("deploymentID", "start", "media")
    entries = [
        (_media_id(deployment, start, item), deployment, start, item["identifier"], item["format"], item.get("license"))
        for deployment, start, text in shown.iter_rows()
        for item in items(text)
        if isinstance(item.get("identifier"), str) and isinstance(item.get("format"), str)
    ]
    names = ("mediaID", "deploymentID", "timestamp", "filePath", "fileMediatype", "license")
    frame = pl.DataFrame(entries, schema=dict.fromkeys(names, pl.String), orient="row")
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


PLACE: Final = ("datasetKey", "told_deployment", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
"""What tells deployments apart."""

_NEEDED: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "datasetKey": pl.String, "eventID": pl.String, "locationID": pl.String, "design": pl.String, "eventDate": pl.String,
    "locality": pl.String, "habitat": pl.String, "coordinateUncertaintyInMeters": pl.Float64, "sharing_category": pl.String,
    "west": pl.Float64, "south": pl.Float64, "east": pl.Float64, "north": pl.Float64,
}  # fmt: skip
_BESIDES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "survey_id": pl.String, "year": pl.Int32, "parentEventID": pl.String, "time_zone": pl.String, "effort_value": pl.Float64, "effort_unit": pl.String,
    "effort_basis": pl.String, "failed_days": pl.Float64, "targetTaxonomicScope": pl.List(pl.String),
    "excludedTaxonomicScope": pl.List(pl.String),
    "isAbsenceReported": pl.Boolean, "quality_flags": pl.List(pl.String), "country_codes": pl.List(pl.String),
}  # fmt: skip
EVENT_COLUMNS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {**_NEEDED, **_BESIDES}
"""Published columns of events that are read."""

_MOMENT: Final = pl.Datetime("us", "UTC")
NO_DEPLOYMENTS: Final = pl.DataFrame(
    schema={
        "datasetKey": pl.String, "told_deployment": pl.String, "decimalLatitude": pl.Float64,
        "decimalLongitude": pl.Float64, "coordinateUncertaintyInMeters": pl.Float64, "start": pl.String,
        "start_at": _MOMENT, "end": pl.String, "end_at": _MOMENT, "zone_unknown": pl.Boolean, "coarse": pl.Boolean,
        "locality": pl.String, "habitat": pl.String, "sharing": pl.String,
    }
)  # fmt: skip
"""What `deployments_of` returns of no rows."""

_TOLD: Final = ("start", "end", "start_at", "end_at", "zone_unknown", "locationID", "tags")
"""What a published event tells of its deployment."""
_DAY: Final = r"^\d{4}-\d\d-\d\d$"


def deployments_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row for every deployment of `used` rows, or of such rows put together."""
    return rows.group_by(PLACE, maintain_order=True).agg(
        pl.col("start", "start_at").sort_by("start_at").first(), pl.col("end", "end_at").sort_by("end_at").last(),
        pl.col("zone_unknown").any(), pl.col("coarse").any(), pl.col("locality", "habitat").drop_nulls().first(),
        sharing=_one_of(pl.col("sharing" if "sharing" in rows.columns else "sharing_category")),
    )  # fmt: skip


def _one_of(categories: pl.Expr) -> pl.Expr:
    """Return the category of what is not open, null where there are several."""
    stated = categories.filter(categories != "open").unique()
    return pl.when(stated.len() == 1).then(stated.first())


def conformed(events: pl.DataFrame) -> pl.DataFrame:
    """Return published events with `EVENT_COLUMNS`; none where a release publishes no designs."""
    if not set(_NEEDED) <= set(events.columns):
        return pl.DataFrame(schema=EVENT_COLUMNS)
    lacking = [pl.lit(None).alias(name) for name in _BESIDES if name not in events.columns]
    return events.with_columns(lacking).select(pl.col(name).cast(dtype) for name, dtype in EVENT_COLUMNS.items())


def coarse_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events of camera traps that another publisher had made coarse, as deployments that lead to no camera.

    They last the whole year and stand in the middle of their cell; no record names them. Their effort stands in their tags.
    """
    year = pl.col("eventDate").str.extract(r"^(\d{4})$").cast(pl.Int32)
    kept = events.filter(
        (pl.col("design") == SurveyDesign.CAMERA_TRAP.value)
        & pl.col("quality_flags").list.contains("PUBLISHER_GENERALISED")
        & year.is_not_null()
        & pl.col("west").is_not_null()
    ).with_columns(year=pl.coalesce("year", year), zone_unknown=pl.lit(value=True), days_only=pl.lit(value=False))
    return kept.select(
        "datasetKey",
        told_deployment=pl.coalesce("eventID", "survey_id"),
        decimalLatitude=(pl.col("south") + pl.col("north")) / 2,
        decimalLongitude=(pl.col("west") + pl.col("east")) / 2,
        coordinateUncertaintyInMeters="coordinateUncertaintyInMeters",
        start=pl.format("{}-01-01T00:00:00Z", "year"),
        end=pl.format("{}-12-31T23:59:59Z", "year"),
        zone_unknown="zone_unknown",
        locationID=pl.lit(None, pl.String),
        locality=pl.lit(None, pl.String),
        habitat=pl.lit(None, pl.String),
        sharing=pl.lit(None, pl.String),
        tags=pl.concat_str(
            cell_tag("west", "south", "east", "north"),
            pl.when(pl.col("country_codes").list.len() > 0).then(COUNTRIES + pl.col("country_codes").list.join(";")),
            pl.Series([_tags(row) for row in kept.iter_rows(named=True)], dtype=pl.String),
            separator=" | ",
            ignore_nulls=True,
        ),
    ).with_columns(start_at=at("start"), end_at=at("end"), coarse=pl.lit(value=True))


def of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Return the published events of camera traps whose place and days are open, as deployments with their site and tags."""
    kept = events.filter(
        (pl.col("design") == SurveyDesign.CAMERA_TRAP.value)
        & (pl.col("sharing_category") == "open")
        & (pl.col("west") == pl.col("east"))
        & (pl.col("south") == pl.col("north"))
    )
    parts = pl.col("eventDate").str.split("/")
    days = {"event_start": parts.list.first(), "event_end": parts.list.last()}
    kept = _with_moments(
        kept.with_columns(
            pl.lit(None, pl.String).alias("event_time"),
            pl.lit(None, pl.String).alias("event_zone"),
            *(
                pl.when(part.str.contains(_DAY)).then(part).str.to_date(strict=False).alias(n)
                for n, part in days.items()
            ),
            of_event="time_zone",
            countryCode=_only_country(),
            decimalLongitude="west",
            coarse=pl.lit(value=False),
        )
    ).drop_nulls(["start", "end"])
    return kept.select(
        "datasetKey", told_deployment="eventID", decimalLatitude="south", decimalLongitude="west",
        coordinateUncertaintyInMeters="coordinateUncertaintyInMeters", start="start", end="end",
        zone_unknown="zone_unknown", locationID="locationID", locality="locality", habitat="habitat",
        sharing=pl.lit(None, pl.String),
        tags=pl.Series([_tags(row) for row in kept.iter_rows(named=True)], dtype=pl.String),
    ).with_columns(start_at=at("start"), end_at=at("end"), coarse=pl.lit(value=False))  # fmt: skip


def _only_country() -> pl.Expr:
    """Return the country of places that lie in one."""
    countries = pl.col("country_codes")
    return pl.when(countries.list.len() == 1).then(countries.list.first()).alias("country")


def _tags(row: Mapping[str, Any]) -> str:
    """Return what the standard has no field for, as tags: effort with failures taken off, what was looked for, doubts."""
    effort = row["effort_value"]
    entries = [
        ("effort", None if effort is None else f"{effort:.15g} {row['effort_unit']}"),
        ("effortBasis", "none" if effort is None else row["effort_basis"]),
        ("failedDays", None if row["failed_days"] is None else f"{row['failed_days']:.15g}"),
        ("timeZone", row["time_zone"]),
        ("parentEvent", row["parentEventID"]),
        ("absence", {True: "reported", False: "notReported"}.get(row["isAbsenceReported"])),
        *(("target", name) for name in row["targetTaxonomicScope"] or ()),
        *(("excluded", name) for name in row["excludedTaxonomicScope"] or ()),
        *(("doubt", name) for name in row["quality_flags"] or ()),
    ]
    tags = [f"{name}:{value.replace('|', '/')}" for name, value in entries if value is not None]
    return " | ".join(
        [*tags, *([ZONE_UNKNOWN] if row["zone_unknown"] else []), *([DAYS_ONLY] if row["days_only"] else [])]
    )


def with_events(deployments: pl.DataFrame, events: pl.DataFrame, *, add: bool) -> pl.DataFrame:
    """Return deployments with what their published events tell, and `dated`: whether they have them.

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
    table = events.select(*key, *(pl.col(name).alias(f"{name} told") for name in _TOLD))
    nothing = [pl.lit(None, pl.String).alias(name) for name in _TOLD if name not in deployments.columns]
    joined = (
        deployments.with_columns(nothing)
        .join(table.unique(key, keep="none"), on=key, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(dated=pl.col("start told").is_not_null())
    )
    found = joined.with_columns(
        pl.when("dated").then(pl.col(f"{name} told")).otherwise(pl.col(name)).alias(name) for name in _TOLD
    ).drop(f"{name} told" for name in _TOLD)
    if not add:
        return found
    silent = events.join(deployments, on=key, how="anti", nulls_equal=True).with_columns(dated=pl.lit(value=True))
    return pl.concat([found, silent.select(found.columns)])


def named(deployments: pl.DataFrame) -> pl.DataFrame:
    """Add `deploymentID`: as stated; with the dataset where there are several, with the place where that differs in one."""
    stated = pl.col("told_deployment")
    if deployments["datasetKey"].n_unique() > 1:
        stated = pl.concat_str(pl.col("datasetKey").fill_null(""), stated, separator=":")
    several = pl.len().over("datasetKey", "told_deployment") > 1
    number = pl.int_range(pl.len()).over("datasetKey", "told_deployment") + 1
    return deployments.with_columns(
        deploymentID=pl.when(several).then(pl.format("{}#{}", stated, number)).otherwise(stated)
    )


def deployment_rows(deployments: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `deployments`."""
    coarse = pl.lit(
        "The place was made coarse to protect a sensitive species: a grid cell's centre, and the whole year. No effort is to "
        "be read from start and end."
    ) + pl.when(apart()).then(
        pl.lit(
            " Which observations were made here is not told: that none names this deployment does not say that nothing was "
            "found."
        )
    ).otherwise(pl.lit(""))
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
        deploymentGroups=pl.when(apart())
        .then(pl.lit(OBSERVATIONS_APART))
        .when(~pl.col("dated"))
        .then(pl.lit(EFFORT_UNKNOWN)),
        deploymentTags=unless_empty(
            pl.concat_str(
                pl.when("coarse").then(pl.lit(PLACE_GENERALISED)),
                SHARING + pl.col("sharing"),
                pl.when(~pl.col("dated")).then(pl.lit(EFFORT_UNKNOWN)),
                pl.when("dated").then("tags"),
                separator=" | ",
                ignore_nulls=True,
            )
        ),
        deploymentComments=pl.when("coarse").then(coarse).otherwise(comment),
    )


def stand_in() -> pl.Expr:
    """Tell which deployments are none: they stand for the cell and the year of records whose camera is not stated."""
    return pl.col("coarse") & ~pl.col("dated")


def apart() -> pl.Expr:
    """Tell which deployments are those of coarse events: their observations stand in cells of their own, or are left out."""
    return pl.col("coarse") & pl.col("dated")
