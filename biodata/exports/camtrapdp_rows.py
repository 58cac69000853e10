"""Published records of camera traps as rows of Camtrap DP's tables.

A record whose place is open belongs to the deployment that it names. One whose place was made coarse names none: it
belongs to its cell and year, with the cell's centre and the published uncertainty, so that it leads to no camera.
"""

from typing import Final

import polars as pl

from biodata.sharing.media import items
from biodata.vocabularies import SurveyDesign

COLUMNS: Final = (
    "key", "datasetKey", "occurrenceID", "basisOfRecord", "occurrenceStatus", "individualCount", "sex", "lifeStage",
    "scientificName", "species", "taxonRank", "kingdom", "phylum", "class", "order", "family", "genus", "eventDate",
    "event_start", "event_end", "year", "decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "habitat",
    "locality", "organismID", "eventID", "parentEventID", "samplingProtocol", "occurrenceRemarks", "media",
    "quality_flags", "sharing_category",
)  # fmt: skip
"""Published columns that are read."""

PROTOCOL: Final = r"(?i)^camera.?trap"
"""How the method of a camera trap begins, in a record whose method is published."""

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

UNKNOWN_ZONE: Final = "timeZone:unknown"
_WHOLE: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?"
_OFFSET: Final = r"(Z|[+-]\d\d:?\d\d)$"
_INTERVAL: Final = ("start", "end", "start_at", "end_at")
_STAGES: Final = ("adult", "subadult", "juvenile")
_MEDIA_TYPE: Final = r"^(image|video|audio)/"
_WRITTEN: Final = "%Y-%m-%dT%H:%M:%S"


def used(frame: pl.DataFrame, *, coarse_datasets: list[str]) -> pl.DataFrame:
    """Return the records of camera traps that can be rows, with when and at which deployment.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        `COLUMNS`, published values.
    coarse_datasets : list of str
        Datasets all of whose machine observations with a published method are of camera traps.

    Returns
    -------
    polars.DataFrame of m rows
        Besides: `coarse`, `start` and `end` as the standard writes them, `start_at` and `end_at` in UTC,
        `zone_unknown`, `told_deployment`.
    """
    is_open = pl.col("sharing_category") == "open"
    machine = pl.col("basisOfRecord") == "MACHINE_OBSERVATION"
    of_trap = (
        pl.when(is_open)
        .then(pl.col("samplingProtocol").str.contains(PROTOCOL))
        .otherwise(machine & pl.col("datasetKey").is_in(coarse_datasets))
    )
    no_animal = pl.col("genus").eq_missing("Homo") | pl.col("scientificName").str.contains(r"(?i)^homo\b")
    kept = frame.filter(
        of_trap.fill_null(value=False)
        & ~no_animal.fill_null(value=False)
        & (pl.col("occurrenceStatus") != "ABSENT").fill_null(value=True)
        & pl.col("decimalLatitude").is_not_null()
    ).with_columns(coarse=~is_open)
    cell = pl.format("cell {} {} {}", *(_text(name) for name in ("decimalLatitude", "decimalLongitude")), "year")
    place = pl.format("place {} {}", *(_text(name) for name in ("decimalLatitude", "decimalLongitude")))
    kept = kept.with_columns(
        *_moments(),
        told_deployment=pl.when("coarse").then(cell).otherwise(pl.coalesce("parentEventID", "eventID", place)),
    )
    return kept.filter(pl.col("start").is_not_null() & pl.col("end").is_not_null()).with_columns(
        start_at=_at("start"), end_at=_at("end")
    )


def _moments() -> list[pl.Expr]:
    """Return when a record was made: as told with its offset, or the whole of the days, or of the year, that are told."""
    first = pl.col("eventDate").str.split("/").list.first()
    last = pl.col("eventDate").str.split("/").list.last()
    told = {"start": (first, "event_start", "00:00:00"), "end": (last, "event_end", "23:59:59")}
    made = []
    unknown = pl.lit(value=False)
    for name, (part, day, time) in told.items():
        moment = part.str.extract(f"({_WHOLE})", 1).str.replace(r"\.\d+$", "")
        seconds = pl.when(moment.str.len_chars() == 16).then(moment + ":00").otherwise(moment)
        offset = part.str.extract(_OFFSET)
        days = pl.col(day).dt.strftime("%Y-%m-%d") + f"T{time}Z"
        in_year = pl.format("{}-{}Z", pl.col("year"), pl.lit(f"01-01T{time}" if name == "start" else f"12-31T{time}"))
        made.append(
            pl.when("coarse")
            .then(pl.when(pl.col("year").is_not_null()).then(in_year))
            .when(moment.is_not_null())
            .then(seconds + offset.fill_null("Z"))
            .otherwise(days)
            .alias(name)
        )
        unknown |= moment.is_null() | offset.is_null()
    return [*made, (unknown | pl.col("coarse")).fill_null(value=True).alias("zone_unknown")]


def _seconds(part: pl.Expr) -> pl.Expr:
    """Return a moment told with its offset as the standard writes it: with seconds, without parts of them."""
    moment = part.str.extract(f"({_WHOLE})", 1).str.replace(r"\.\d+$", "")
    return pl.when(moment.str.len_chars() == 16).then(moment + ":00").otherwise(moment) + part.str.extract(_OFFSET)


def _at(name: str) -> pl.Expr:
    """Return a written moment in UTC."""
    plain = pl.col(name).str.replace(r"Z$", "+0000").str.replace(r"([+-]\d\d):(\d\d)$", "$1$2")
    return plain.str.to_datetime(f"{_WRITTEN}%z", strict=False, time_unit="us", time_zone="UTC")


def _text(name: str) -> pl.Expr:
    """Return degrees as text, without what floating point adds to them."""
    return pl.col(name).round(7).cast(pl.String)


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
    whole = rf"{_WHOLE}.*{_OFFSET}"
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
    ).with_columns(
        start_at=_at("start"), end_at=_at("end"), zone_unknown=pl.lit(value=False), coarse=pl.lit(value=False)
    )


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
        "The place was made coarse to protect a sensitive species: a grid cell's centre, and the whole year. "
    )
    comment = pl.when(~pl.col("dated")).then(
        pl.lit("Start and end are those of the first and the last published observation.")
    )
    unsure = pl.col("coordinateUncertaintyInMeters").ceil().cast(pl.Int64)
    return deployments.select(
        "deploymentID",
        locationID="locationID",
        locationName="locality",
        latitude=_text("decimalLatitude"),
        longitude=_text("decimalLongitude"),
        coordinateUncertainty=pl.when(unsure >= 1).then(unsure),
        deploymentStart="start",
        deploymentEnd="end",
        timestampIssues=pl.when("zone_unknown").then(pl.lit("true")),
        habitat="habitat",
        deploymentTags=pl.when("coarse").then(pl.lit("place:generalised")),
        deploymentComments=pl.when("coarse").then(coarse + comment).otherwise(comment),
    )


def observation_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `observations`, of `used` rows with their `deploymentID` and `observationID`."""
    sex = pl.col("sex").str.to_lowercase()
    stage = pl.col("lifeStage").str.to_lowercase()
    machine = pl.col("quality_flags").list.contains("IDENTIFIED_BY_MACHINE").fill_null(value=False)
    return rows.select(
        "observationID",
        "deploymentID",
        eventID="eventID",
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
        observationTags=pl.when("zone_unknown").then(pl.lit(UNKNOWN_ZONE)),
        observationComments="occurrenceRemarks",
    )


def media_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the table `media`: what is published of pictures and sounds whose kind of file is told."""
    shown = rows.drop_nulls("media").select("observationID", "deploymentID", "start", "media")
    told = [
        (f"{observation}-{number}", deployment, start, item["identifier"], item["format"], item.get("license"))
        for observation, deployment, start, text in shown.iter_rows()
        for number, item in enumerate(items(text), 1)
        if isinstance(item.get("identifier"), str) and isinstance(item.get("format"), str)
    ]
    names = ("mediaID", "deploymentID", "timestamp", "filePath", "fileMediatype", "license")
    frame = pl.DataFrame(told, schema=dict.fromkeys(names, pl.String), orient="row")
    return frame.filter(
        pl.col("fileMediatype").str.contains(_MEDIA_TYPE) & ~pl.col("filePath").str.contains("..", literal=True)
    ).with_columns(filePublic=pl.lit("true"), mediaComments=pl.lit("Licence of this file: ") + pl.col("license"))
