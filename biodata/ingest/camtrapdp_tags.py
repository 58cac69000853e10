"""Tags of deployments in packages that biodata wrote: what the standard has no field for, read into terms of events."""

from typing import Final

import polars as pl

from biodata import terms
from biodata.formats.camtrapdp import DAYS_ONLY, EFFORT_UNKNOWN, PLACE_GENERALISED, ZONE_UNKNOWN

TAGS: Final = "deploymentTags"
_BASIS: Final = "effortBasis:"
_ZONED: Final = r"(?:Z|[+-]\d\d:?\d\d)(/|$)"
_CLOCK: Final = r"T[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?"


def is_own(deployments: pl.DataFrame) -> bool:
    """Tell whether a table of deployments is of a package that biodata wrote."""
    if TAGS not in deployments.columns:
        return False
    of_ours = _tags().list.eval((pl.element() == EFFORT_UNKNOWN) | pl.element().str.starts_with(_BASIS)).list.any()
    return bool(deployments.select(of_ours.fill_null(value=False).any()).item())


def has(tag: str) -> pl.Expr:
    """Tell which rows have a tag."""
    return _tags().list.contains(tag).fill_null(value=False)


def cells(deployments: pl.DataFrame) -> pl.Series:
    """Return the deployments that are none: they stand for the cell and the year of records whose camera is not told."""
    if not is_own(deployments):
        return deployments["deploymentID"].clear()
    return deployments.filter(has(PLACE_GENERALISED) & has(EFFORT_UNKNOWN))["deploymentID"]


def with_tags(events: pl.DataFrame) -> pl.DataFrame:
    """Return events with what the tags of a package of ours tell; nothing is told of effort and scope besides.

    Parameters
    ----------
    events : polars.DataFrame of n rows
        Terms of events, and `deploymentTags`.
    """
    effort = _told("effort:").list.first()
    days = pl.when(has(DAYS_ONLY)).then(pl.col("eventDate").str.replace_all(_CLOCK, "")).otherwise("eventDate")
    return events.with_columns(
        samplingEffortValue=effort.str.extract(r"^(\S+)"),
        samplingEffortUnit=effort.str.extract(r"^\S+ (.+)$"),
        parentEventID=_told("parentEvent:").list.first(),
        targetTaxonomicScope=_joined("target:", "|"),
        excludedTaxonomicScope=_joined("excluded:", "|"),
        isAbsenceReported=_told("absence:").list.first().replace({"reported": "true", "notReported": "false"}),
        eventDate=pl.when(has(PLACE_GENERALISED))
        .then(pl.col("eventDate").str.slice(0, 4))
        .when(has(ZONE_UNKNOWN))
        .then(days.str.replace_all(_ZONED, "$1"))
        .otherwise(days),
        timeZone=pl.coalesce(
            _told("timeZone:").list.eval(pl.element().filter(pl.element() != "unknown")).list.first(),
            *(
                [pl.when(~has(ZONE_UNKNOWN) & ~has(PLACE_GENERALISED)).then("timeZone")]
                if "timeZone" in events.columns
                else []
            ),
        ),
        **{
            terms.ARCHIVED_BASIS: _told(_BASIS).list.first(),
            terms.ARCHIVED_FAILED_DAYS: _told("failedDays:").list.first(),
            terms.ARCHIVED_FLAGS: _joined("doubt:", ";"),
        },
    )


def _tags() -> pl.Expr:
    """Return the tags of each row."""
    return pl.col(TAGS).str.split("|").list.eval(pl.element().str.strip_chars())


def _told(name: str) -> pl.Expr:
    """Return the values of the tags of a name."""
    values = pl.element().filter(pl.element().str.starts_with(name)).str.slice(len(name))
    return _tags().list.eval(values)


def _joined(name: str, separator: str) -> pl.Expr:
    """Return the values of the tags of a name as one text; null where there are none."""
    joined = _told(name).list.join(separator)
    return pl.when(joined != "").then(joined)
