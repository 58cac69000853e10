"""The release's table `surveys`: what it may tell of the lake's sampling events, and those that open records alone tell of."""

from collections.abc import Mapping
from typing import Final

import duckdb
import polars as pl

from biodata import sharing
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.core.geo import metres_per_degree
from biodata.core.vocabularies import PATROL_PROTOCOL, SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.events import boxes, publish_events
from biodata.store.lake import Lake
from biodata.store.query.shape_text import read_wkt

OPEN: Final = str(SharingCategory.OPEN)
_RADIUS: Final = "coordinateUncertaintyInMeters"
_COUNTED: Final = """count(*) AS records,
           count(DISTINCT species) FILTER ("occurrenceStatus" IS DISTINCT FROM 'ABSENT') AS species,
           list_sort(list_distinct(flatten(list(country_codes)))) AS codes,
           min("decimalLongitude") AS west, min("decimalLatitude") AS south,
           max("decimalLongitude") AS east, max("decimalLatitude") AS north,
           max("coordinateUncertaintyInMeters") AS widest,
           bool_and("coordinateUncertaintyInMeters" IS NOT NULL) FILTER ("decimalLatitude" IS NOT NULL) AS certain
"""
_OF_RECORDS: Final = """
    SELECT "datasetKey" || ':' || "eventID" AS survey_id, "datasetKey", "eventID",
           min("parentEventID") AS "parentEventID", min("samplingProtocol") AS "samplingProtocol",
           year(min(event_start)) AS year, min(event_start) AS event_start, max(event_end) AS event_end,
           'open' AS sharing_category, {counted}
    FROM {records}
    WHERE sharing_category = 'open' AND "eventID" IS NOT NULL AND "samplingProtocol" IS NOT NULL
          AND NOT starts_with(lower("samplingProtocol"), ?)
    GROUP BY "datasetKey", "eventID" ORDER BY survey_id
"""
_OF_EVENTS: Final = """
    WITH named AS (
        SELECT e.survey_id, o.rowid AS place FROM told_events e
        JOIN {records} o ON o."datasetKey" = e."datasetKey" AND o."eventID" = e."eventID"
        WHERE e.sharing_category = 'open' AND o.sharing_category = 'open'
        UNION
        SELECT e.survey_id, o.rowid AS place FROM told_events e
        JOIN {records} o ON o."datasetKey" = e."datasetKey" AND o."parentEventID" = e."eventID"
        WHERE e.sharing_category = 'open' AND o.sharing_category = 'open'
    )
    SELECT survey_id, {counted}
    FROM named JOIN {records} o ON o.rowid = named.place GROUP BY survey_id
"""


LOOKED_AT: Final = (
    "datasetKey", "eventID", "parentEventID", "samplingProtocol", "event_start", "event_end", "species", "occurrenceStatus",
    "country_codes", "sharing_category", "decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters",
)  # fmt: skip


def rows_of(records: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return `survey_rows` of a release that would be made of these published records and events."""
    with duckdb.connect() as connection:
        connection.register("shown", records.select(LOOKED_AT))
        connection.execute("CREATE TABLE occurrences AS SELECT * FROM shown")
        return survey_rows(connection, events)


def survey_rows(
    connection: duckdb.DuckDBPyConnection, events: pl.DataFrame | None = None, *, records: str = "occurrences"
) -> pl.DataFrame:
    """Return a row for each sampling event (`terms.SURVEY`, by `survey_id`) of a release whose records are written."""
    found = (
        connection.execute(_OF_RECORDS.format(records=records, counted=_COUNTED), [PATROL_PROTOCOL]) .pl()
        .rename({"codes": "country_codes"})
    )  # fmt: skip
    table = terms.conform(found.with_columns(_radii(found), geometry=boxes(found)), terms.SURVEY)
    if events is not None and events.height:
        connection.register("told_events", events.select("survey_id", "datasetKey", "eventID", "sharing_category"))
        counted = connection.execute(_OF_EVENTS.format(records=records, counted=_COUNTED)).pl()
        connection.unregister("told_events")
        counted = counted.with_columns(_radii(counted).alias("radius"), box=boxes(counted)).drop(
            "west", "south", "east", "north", "widest", "certain"
        )
        known = events.drop("records", "species").join(counted, on="survey_id", how="left", maintain_order="left")
        parts = known.select("datasetKey", eventID="parentEventID").drop_nulls().unique().with_columns(whole=True)
        known = known.join(parts, on=["datasetKey", "eventID"], how="left", maintain_order="left")
        is_open = pl.col("sharing_category") == OPEN
        # The box of an event's parts holds those without records, too.
        placed = pl.col("box").is_not_null() & (pl.col("whole").is_null() | pl.col("geometry").is_null())
        known = known.with_columns(
            pl.when(is_open).then(pl.col("records", "species").fill_null(0)),
            pl.when(placed).then("box").otherwise("geometry").alias("geometry"),
            pl.when(placed).then("codes").otherwise("country_codes").alias("country_codes"),
            pl.when(placed).then("radius").otherwise(_RADIUS).alias(_RADIUS),
        )
        table = table.join(events, on=["datasetKey", "eventID"], how="anti")
        # A camera's sequences are stated by its deployment.
        deployments = events.select("datasetKey", parentEventID="eventID")
        table = table.join(deployments, on=["datasetKey", "parentEventID"], how="anti")
        table = pl.concat([terms.conform(known, terms.SURVEY), table])
    return table.sort("survey_id")


def _radii(found: pl.DataFrame) -> pl.Series:
    """Return the radius, metres, of a circle that holds a box of records with their uncertainty; null where one states none."""
    middle = ((found["south"] + found["north"]) / 2).cast(pl.Float64).fill_null(0.0)
    along, up = metres_per_degree(middle.to_numpy())
    both = found.select(
        "widest", "certain", x=(pl.col("east") - pl.col("west")) / 2 * pl.Series(along),
        y=(pl.col("north") - pl.col("south")) / 2 * pl.Series(up),
    )  # fmt: skip
    half = (pl.col("x") ** 2 + pl.col("y") ** 2).sqrt().ceil()
    radius = pl.when("certain").then(half + pl.col("widest"))
    return both.select(radius.cast(pl.Float64).alias(_RADIUS)).to_series()


_SAID: Final = ("informationWithheld", "dataGeneralizations")
_BAND_ROWS: Final = 50_000


def published_events(
    lake: Lake, rules: sharing.RuleSet, *, boundaries: BoundarySet, licences: Mapping[str, str | None],
    snapshot: int | None = None, events: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Return the events (`terms.EVENT`; the lake's where none are given) as rules with a plan let them out, as `terms.SURVEY`.

    Days and ways of patrols are let out by no rule: they would state poachers when and where rangers walk.
    """
    bands = lake.batches("events", snapshot=snapshot, batch_rows=_BAND_ROWS) if events is None else [events]
    return publish_events(filter(len, map(_drawn, bands)), rules, boundaries=boundaries, licences=licences)


def _drawn(events: pl.DataFrame) -> pl.DataFrame:
    """Return events that are no patrols, with their lines and outlines and what their publisher says of their places."""
    events = events.filter(~is_patrol())
    return events.with_columns(
        footprint=footprints(events),
        # What a publisher says of a place that it made coarser is published with it.
        **{name: pl.col("verbatim").str.json_path_match(f"$.{name}") for name in _SAID},
    )


_DEGREES: Final = ("", "4326", "epsg:4326", "wgs84", "wgs 84", "wgs_84")
"""How a source says that the coordinates of a shape are those of WGS 84."""


def is_patrol() -> pl.Expr:
    """Tell which events are days and ways of patrols, which no rule lets out."""
    return pl.col("samplingProtocol").str.to_lowercase().str.starts_with(PATROL_PROTOCOL).fill_null(value=False)


def footprints(events: pl.DataFrame) -> pl.Series:
    """Return the lines and outlines that can be read as WKB; null for others, which the lake keeps as they came."""
    table = events.select(
        "footprintWKT", srs=pl.col("verbatim").str.json_path_match("$.footprintSRS").fill_null("").str.to_lowercase()
    )
    return pl.Series([_shape(text, srs) for text, srs in table.iter_rows()], dtype=pl.Binary)


def _shape(text: str | None, srs: str) -> bytes | None:
    if text is None or srs.strip() not in _DEGREES:
        return None
    try:
        return read_wkt(text)
    except InputError:
        return None
