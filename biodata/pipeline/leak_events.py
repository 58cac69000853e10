"""The look at the events of a finished release: none stands exactly where a sensitive record of it was made."""

from typing import Final

import duckdb
import numpy as np
import polars as pl
import shapely

from biodata import terms
from biodata.terms import Reach
from biodata.vocabularies import SharingCategory

NEAR_DEGREES: Final = 0.001
"""A place of an event that is as near as this to a record of it is the record's place."""
_PRECISE: Final = tuple(c.name for c in terms.SURVEY if c.reach is Reach.PRECISE)
_TOLERANCE: Final = 1e-6
_OPEN: Final = str(SharingCategory.OPEN)


def faults_of_events(connection: duckdb.DuckDBPyConnection, exact: pl.DataFrame) -> pl.DataFrame:
    """Return what the table of surveys tells that it must not.

    Parameters
    ----------
    connection : DuckDBPyConnection
        To a release's file.
    exact : polars.DataFrame
        key, category, dataset, event, longitude, latitude of sensitive records.

    Returns
    -------
    polars.DataFrame
        key, problem; key -1 for what is wrong whatever record it is about.
    """
    columns = ", ".join(f'"{name}"' for name in ("datasetKey", "sharing_category", "geometry", *_PRECISE))
    rows = connection.execute(f"SELECT {columns} FROM surveys").pl()  # noqa: S608 - our own names
    coarse = rows.filter(pl.col("sharing_category") != _OPEN)
    told = coarse.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in _PRECISE)).height
    small = _smaller_than_its_cell(coarse)
    found = [(-1, "a coarse event tells a column that could tell its place")] * told
    found += [(-1, "the place of a coarse event is smaller than its category's cell")] * small
    general = pl.DataFrame(found, schema={"key": pl.Int64, "problem": pl.String}, orient="row")
    return pl.concat([general, _beside_records(rows.filter(pl.col("sharing_category") == _OPEN), exact)])


def _smaller_than_its_cell(coarse: pl.DataFrame) -> int:
    """Count the boxes that are smaller than their category's; a point is a place that its publisher had made coarse."""
    bounds = shapely.bounds(shapely.from_wkb(coarse["geometry"].to_list())).reshape(-1, 4)
    degrees = {str(c): c.cell_degrees for c in SharingCategory}
    least = np.array([degrees[name] or np.inf for name in coarse["sharing_category"]])
    wide = bounds[:, 2] - bounds[:, 0]
    return int(((wide > 0) & (wide < least - _TOLERANCE)).sum())


def _beside_records(opened: pl.DataFrame, exact: pl.DataFrame) -> pl.DataFrame:
    """Return the coarse records whose event is told as open at their place."""
    asked = exact.filter(pl.col("category") != SharingCategory.WITHHELD).drop_nulls(["event", "longitude", "latitude"])
    both = opened.join(asked, left_on=["datasetKey", "eventID"], right_on=["dataset", "event"])
    shapes = np.asarray(shapely.from_wkb(both["geometry"].to_list()), dtype=object)
    # The box of open records may hold a coarse one between them, and tells nothing of it.
    shapes[shapely.area(shapes) > 0] = None
    points = shapely.points(both["longitude"].to_numpy(), both["latitude"].to_numpy())
    near = pl.Series(np.asarray(shapely.distance(shapes, points)) < NEAR_DEGREES, dtype=pl.Boolean)
    return both.filter(near).select("key", problem=pl.lit("its event is told as open, at its place"))
