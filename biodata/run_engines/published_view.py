"""Sampling events as analyses read them, made of what is published of them and of nothing else.

What the lake knows beside it (the exact place of an event with a sensitive record, days of failures, remarks) is not here:
a result of these events can tell no more than a release does.
"""

from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import terms
from biodata.geo import metres_per_degree
from biodata.store.survey_rows import rows_of
from biodata.vocabularies import SharingCategory

_SITE_DECIMALS: Final = 4
"""Degrees of so many decimals, some ten metres, are one place."""


def rows(shown: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that a release would have of events of the lake.

    Parameters
    ----------
    shown : polars.DataFrame of `terms.SURVEY`
        Events that the rules let out (`survey_publishing.published_events`).
    records : polars.DataFrame
        Records as they are published.
    """
    return rows_of(records, shown).join(shown.select("survey_id"), on="survey_id", how="semi", maintain_order="left")


def events(told: pl.DataFrame) -> pl.DataFrame:
    """Return the open events.

    Parameters
    ----------
    told : polars.DataFrame of `terms.SURVEY`
        As `rows` returns them.

    Returns
    -------
    polars.DataFrame of `terms.EVENT`
        Their place is the middle of what a release tells of it, which is that of their open records where there are any,
        with the radius around it; null where it tells none.
    """
    opened = told.filter(pl.col("sharing_category") == SharingCategory.OPEN)
    opened = opened.with_columns(event_key="survey_id").hstack(_places(opened["geometry"]))
    radius = pl.coalesce("coordinateUncertaintyInMeters", pl.when(pl.col("radius") > 0).then("radius"))
    return terms.conform(opened.with_columns(coordinateUncertaintyInMeters=radius), terms.EVENT)


def _places(geometry: pl.Series) -> pl.DataFrame:
    """Return the middle of shapes, in degrees, and the radius in metres of a circle that holds them."""
    west, south, east, north = shapely.bounds(shapely.from_wkb(geometry.to_list())).reshape(-1, 4).T
    latitude = (south + north) / 2
    along, up = metres_per_degree(latitude)
    radius = np.hypot((east - west) / 2 * along, (north - south) / 2 * up)
    found = pl.DataFrame({"decimalLatitude": latitude, "decimalLongitude": (west + east) / 2, "radius": radius})
    return found.fill_nan(None)


def site_names(told: pl.DataFrame) -> pl.Series:
    """Return what the sites of public events are called: by their locationID, else by the first event at the same point.

    Coordinates are no names here: in a table of results nobody would look for a place.

    Parameters
    ----------
    told : polars.DataFrame of n rows
        As `events` returns them.
    """
    several = pl.col("datasetKey").n_unique().over("eventID") > 1
    named = told.with_columns(_own=pl.when(several).then("event_key").otherwise("eventID"))
    at = pl.concat_str(pl.col("decimalLatitude", "decimalLongitude").round(_SITE_DECIMALS), separator=" ")
    point = pl.when(pl.col("locationID").is_null()).then(pl.coalesce(at, "event_key"))
    return named.select(
        pl.coalesce("locationID", pl.col("_own").sort_by("event_key").first().over(point)).alias("locationID")
    ).to_series()
