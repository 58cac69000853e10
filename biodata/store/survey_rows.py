"""The release's table `surveys`: sampling events that open records tell of, made of published values only."""

from typing import Final

import duckdb
import numpy as np
import polars as pl
import shapely

_STATEMENT: Final = """
    SELECT "datasetKey" || ':' || "eventID" AS survey_id, "datasetKey", "eventID",
           min("parentEventID") AS "parentEventID", min("samplingProtocol") AS "samplingProtocol",
           min(event_start) AS event_start, max(event_end) AS event_end, count(*) AS records,
           count(DISTINCT species) AS species, list_sort(list_distinct(flatten(list(country_codes)))) AS country_codes,
           min("decimalLongitude") AS west, min("decimalLatitude") AS south,
           max("decimalLongitude") AS east, max("decimalLatitude") AS north
    FROM occurrences
    WHERE sharing_category = 'open' AND "eventID" IS NOT NULL AND "samplingProtocol" IS NOT NULL
    GROUP BY "datasetKey", "eventID" ORDER BY survey_id
"""


def survey_rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return a row for each sampling event with a method, of a release whose records are written.

    Parameters
    ----------
    connection : DuckDBPyConnection
        To the release's file.

    Returns
    -------
    polars.DataFrame
        `tables.SURVEY` and its box; the geometry is the box of the event's open records, a point where they share one.

    Notes
    -----
    An event's records that were made coarse or withheld tell no event, so nothing of them is in here.
    """
    found = connection.execute(_STATEMENT).pl()
    edges = found.select("west", "south", "east", "north").to_numpy().astype(np.float64)
    flat = (edges[:, 0] == edges[:, 2]) & (edges[:, 1] == edges[:, 3])
    lines = ((edges[:, 0] == edges[:, 2]) | (edges[:, 1] == edges[:, 3])) & ~flat
    shapes = shapely.box(edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3])
    shapes[flat] = shapely.points(edges[flat, :2])
    shapes[lines] = shapely.linestrings(edges[lines].reshape(-1, 2, 2))
    shapes[np.isnan(edges).any(axis=1)] = None
    wkb = pl.Series("geometry", shapely.to_wkb(shapes).tolist(), dtype=pl.Binary)
    return found.with_columns(wkb)
