"""Tags of Camtrap DP packages that biodata wrote: what the standard has no field for, read into terms of events and of records."""

from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core import terms
from biodata.formats.camtrapdp import (
    CELL,
    COUNTRIES,
    DAYS_ONLY,
    EFFORT_UNKNOWN,
    PLACE_GENERALISED,
    SHARING,
    ZONE_UNKNOWN,
)
from biodata.ingest.survey_shapes import column

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
