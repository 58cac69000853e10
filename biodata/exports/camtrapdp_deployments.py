"""Deployments of the cameras whose published records are written as Camtrap DP, and what is published of them as events."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import polars as pl

from biodata.core.vocabularies import SurveyDesign
from biodata.exports.camtrapdp_rows import OFFSET, WHOLE, at, cell_tag, solar_offsets, text, unless_empty
from biodata.formats.camtrapdp import (
    COUNTRIES,
    DAYS_ONLY,
    EFFORT_UNKNOWN,
    OBSERVATIONS_APART,
    PLACE_GENERALISED,
    SHARING,
    ZONE_UNKNOWN,
)
from biodata.text.times import COUNTRY_ZONES, offset_at

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
        pl.col("start", "start_at").sort_by("start_at").first(),
        pl.col("end", "end_at").sort_by("end_at").last(),
        pl.col("zone_unknown").any(),
        pl.col("coarse").any(),
        pl.col("locality", "habitat").drop_nulls().first(),
        sharing=_one_of(pl.col("sharing" if "sharing" in rows.columns else "sharing_category")),
    )


def _one_of(categories: pl.Expr) -> pl.Expr:
    """Return the category of what is not open, null where there are several."""
    told = categories.filter(categories != "open").unique()
    return pl.when(told.len() == 1).then(told.first())


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
    where = kept.select("eventDate", "time_zone", _only_country(), "west")
    spans = [_span(*row) for row in where.iter_rows()]
    names = ("start", "end", "zone_unknown", "days_only")
    schema = {name: pl.Boolean if name in names[2:] else pl.String for name in names}
    kept = kept.hstack(pl.DataFrame(spans, schema=schema, orient="row")).filter(pl.col("start").is_not_null())
    return kept.select(
        "datasetKey",
        told_deployment="eventID",
        decimalLatitude="south",
        decimalLongitude="west",
        coordinateUncertaintyInMeters="coordinateUncertaintyInMeters",
        start="start",
        end="end",
        zone_unknown="zone_unknown",
        locationID="locationID",
        locality="locality",
        habitat="habitat",
        sharing=pl.lit(None, pl.String),
        tags=pl.Series([_tags(row) for row in kept.iter_rows(named=True)], dtype=pl.String),
    ).with_columns(start_at=at("start"), end_at=at("end"), coarse=pl.lit(value=False))


def _only_country() -> pl.Expr:
    """Return the country of places that lie in one."""
    countries = pl.col("country_codes")
    return pl.when(countries.list.len() == 1).then(countries.list.first()).alias("country")


def _span(
    told_date: str | None, zone: str | None, country: str | None, longitude: float
) -> tuple[str | None, str | None, bool, bool]:
    """Return when a deployment began and ended as the standard writes it, whether the zone is not known, and only days told.

    Where no zone is known it is that of the country, else of the longitude, as of its observations.
    """
    parts = (told_date or "").split("/")
    written: list[str] = []
    unknown = days_only = False
    for part, time in ((parts[0], "00:00:00"), (parts[-1], "23:59:59")):
        if re.match(_DAY, part):
            moment, offset, days_only = f"{part}T{time}", None, True
        elif whole := re.match(WHOLE, part):
            moment = re.sub(r"\.\d+$", "", whole[0])
            moment += ":00" if len(moment) == len("2026-01-01T00:00") else ""
            told = re.search(OFFSET, part)
            offset = told[0] if told else None
        else:
            return None, None, False, False
        offset = offset or _offset(zone, moment)
        unknown |= offset is None
        if offset is None and country is not None and country in COUNTRY_ZONES:
            offset = _offset(COUNTRY_ZONES[country].name, moment)
        written.append(moment + (offset or pl.select(solar_offsets(pl.lit(longitude))).item()))
    return written[0], written[1], unknown, days_only


def _offset(zone: str | None, moment: str) -> str | None:
    """Return the offset of a zone at a local time."""
    if zone is None or re.match(r"^[+-]\d\d:\d\d$", zone):
        return zone
    try:
        return offset_at(zone, date.fromisoformat(moment[:10]), moment[11:16])
    except ValueError:
        return None


def _tags(row: Mapping[str, Any]) -> str:
    """Return what the standard has no field for, as tags: effort with failures taken off, what was looked for, doubts."""
    effort = row["effort_value"]
    told = [
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
    tags = [f"{name}:{value.replace('|', '/')}" for name, value in told if value is not None]
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
    told = events.select(*key, *(pl.col(name).alias(f"{name} told") for name in _TOLD))
    nothing = [pl.lit(None, pl.String).alias(name) for name in _TOLD if name not in deployments.columns]
    joined = (
        deployments.with_columns(nothing)
        .join(told.unique(key, keep="none"), on=key, how="left", nulls_equal=True, maintain_order="left")
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
    """Tell which deployments are none: they stand for the cell and the year of records whose camera is not told."""
    return pl.col("coarse") & ~pl.col("dated")


def apart() -> pl.Expr:
    """Tell which deployments are those of coarse events: their observations stand in cells of their own, or are left out."""
    return pl.col("coarse") & pl.col("dated")
