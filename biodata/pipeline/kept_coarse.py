"""Events that earlier releases did not tell exactly: whatever they are called by now, they stay so.

An event that was coarse, and is told exactly since the sensitive record beside it went, tells where that was to whoever has
both releases. It may come again under another identifier, or after a release in which it was not there. So it is known again
by its identifier, its site, its point and the points of its line. What is kept are marks of these, made with the
installation's secret: they tell no place and no name, and may stay when a record is withdrawn.
"""

import hmac
import logging
from typing import Final

import duckdb
import numpy as np
import polars as pl
import shapely

from biodata import sharing, terms
from biodata.errors import StoreError
from biodata.pipeline.event_footprints import footprints, is_patrol
from biodata.sharing.stations import STATION, around, cell, strictest
from biodata.store import kept_files, releases
from biodata.store.lake import Lake
from biodata.store.releases import Release
from biodata.store.secret import secret
from biodata.vocabularies import SharingCategory

logger = logging.getLogger(__name__)

FILE: Final = "kept_coarse.parquet"
_PLACE: Final = ("decimalLongitude", "decimalLatitude", "locationID", "footprintWKT")
_SAME: Final = ("event_key", *_PLACE)
_COLUMNS: Final = (*_SAME, "datasetKey", "eventID", "parentEventID", "samplingProtocol", "verbatim")
_SCHEMA: Final = pl.Schema({"mark": pl.Binary, "category": pl.String, "rules_hash": pl.String})


def kept_events(
    events: pl.DataFrame, lake: Lake, rules: sharing.RuleSet, *, before: Release | None
) -> pl.DataFrame:  # fmt: skip
    """Return the events of which earlier releases under the same rules did not tell the place.

    Parameters
    ----------
    events : polars.DataFrame of `terms.EVENT`
    lake : Lake
    rules : RuleSet
        Those in force; under other ones other things were told.
    before : Release, optional
        The current one. An event that it told exactly, and that stands where it stood, is not held back.

    Returns
    -------
    polars.DataFrame
        event_key, category : the strictest that it was told with.
    """
    opened, untold = _told(lake, before, rules)
    kept = kept_files.read(lake.data / FILE, _SCHEMA).filter(rules_hash=rules.hash)
    marks = pl.concat([kept, _marks(_without_known(untold, kept, lake), lake, rules)])
    asked = events.select(_COLUMNS).join(opened, on=_SAME, how="anti", nulls_equal=True)
    if marks.is_empty() or asked.is_empty():
        return pl.DataFrame(schema={"event_key": pl.String, "category": pl.String})
    named = asked.with_columns(pl.lit("").alias("category"))
    found = _named(named, lake, nearby=False).drop("category").join(marks, on="mark")
    return strictest(found, ["event_key"]).select("event_key", "category")


def remember(lake: Lake, rules: sharing.RuleSet, *, made: Release, before: Release | None) -> None:
    """Keep marks of what a release, and the one before it, did not tell exactly.

    Parameters
    ----------
    lake : Lake
    rules : RuleSet
        Those by which it was made.
    made : Release
    before : Release, optional
        The one before it; without one nothing of earlier ones is kept any longer.

    Raises
    ------
    StoreError
        If they cannot be written.
    """
    path = lake.data / FILE
    kept = kept_files.read(path, _SCHEMA)
    same = kept.filter(rules_hash=rules.hash)
    older = [] if before is None else [
        kept, _marks(_without_known(_told(lake, before, rules)[1], same, lake), lake, rules)
    ]  # fmt: skip
    marks = pl.concat([*older, _marks(_told(lake, made, rules)[1], lake, rules)])
    marks = strictest(marks, ["mark", "rules_hash"]).sort("mark", "rules_hash")
    if marks.equals(kept.sort("mark", "rules_hash")):
        return
    kept_files.write(path, marks)
    logger.info("%d marks of events that stay coarse", marks.height)


def _told(lake: Lake, release: Release | None, rules: sharing.RuleSet) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events that a release under the same rules told exactly, and those that it did not, with a category.

    Which of its coarse rows is which event nobody can tell: the strictest of the dataset's holds for them all. Where it has
    fewer rows than there were such events some were not there, and all of them stay away.
    """
    schema = terms.schema(terms.EVENT)
    nothing = pl.DataFrame(schema={name: schema[name] for name in _COLUMNS})
    none = nothing.select(_SAME), nothing.with_columns(category=pl.lit(""), unsure=pl.lit(value=False))
    if release is None:
        return none
    try:
        with releases.connect(release.path) as connection:
            rows = connection.execute('SELECT survey_id, "datasetKey", sharing_category AS category FROM surveys').pl()
            (same,) = connection.execute(
                "SELECT value = ? FROM release_info WHERE key = 'rules_hash'", [rules.hash]
            ).fetchall()[0]
        events = lake.read("events", snapshot=release.snapshot, columns=_COLUMNS).filter(~is_patrol())
    except (duckdb.Error, StoreError):
        return none  # it was made by another biodata, which published no events; or its version is not kept
    if not same:
        return none
    upper = events.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
    single = events.join(upper, on=["datasetKey", "eventID"], how="anti")
    named = rows.filter(pl.col("category") == SharingCategory.OPEN)
    opened = single.join(named, left_on="event_key", right_on="survey_id", how="semi")
    untold = single.join(named, left_on="event_key", right_on="survey_id", how="anti")
    coarse = rows.filter(pl.col("category") != SharingCategory.OPEN).with_columns(shown=pl.len().over("datasetKey"))
    of_dataset = strictest(coarse, ["datasetKey"]).select("datasetKey", "category", "shown")
    # How a row that was emptied since was told nobody knows: the others may all have been there.
    emptied = pl.col("event_key").is_null().any().over("datasetKey")
    found = untold.with_columns(count=pl.len().over("datasetKey"), unsure=emptied).filter(
        pl.col("event_key").is_not_null()
    )
    found = found.join(of_dataset, on="datasetKey", how="left")
    found = found.with_columns(pl.when(pl.col("shown") == pl.col("count")).then("category"))
    found = found.with_columns(pl.col("unsure") & pl.col("category").is_null())
    found = found.with_columns(pl.col("category").fill_null(str(SharingCategory.WITHHELD)))
    return opened.select(_SAME), found.select(*_COLUMNS, "category", "unsure")


def _without_known(untold: pl.DataFrame, kept: pl.DataFrame, lake: Lake) -> pl.DataFrame:
    """Leave out events of which nobody can tell any more how they were told, where that was put down when they were."""
    names = untold.select("datasetKey", "eventID").iter_rows()
    marks = pl.Series("mark", [_mark(secret(lake.data), "event", *name) for name in names], dtype=pl.Binary)
    return untold.filter(~(pl.col("unsure") & marks.is_in(kept["mark"].implode())))


def _marks(untold: pl.DataFrame, lake: Lake, rules: sharing.RuleSet) -> pl.DataFrame:
    """Return the marks of events, and of the stations around them."""
    named = _named(untold, lake, nearby=True).with_columns(rules_hash=pl.lit(rules.hash))
    return strictest(named, ["mark"]).select(_SCHEMA.names())


def _named(events: pl.DataFrame, lake: Lake, *, nearby: bool) -> pl.DataFrame:
    """Return `event_key`, `mark`, `category`: by all that events are known by, with what is nearby where that is asked."""
    points = _points(events)
    cells = points.with_columns(cell(STATION)).drop("x", "y").drop_nulls(["gx", "gy"]).unique()
    if nearby:
        cells = around(cells).unique(["datasetKey", "gx", "gy", "category"])
    names = [
        events.select("event_key", "datasetKey", "category", kind=pl.lit(kind), name=column).drop_nulls("name")
        for kind, column in (("event", "eventID"), ("site", "locationID"))
    ]
    place = pl.concat_str("gx", "gy", separator=" ")
    names.append(cells.select("event_key", "datasetKey", "category", kind=pl.lit("cell"), name=place))
    told = pl.concat(names).drop_nulls("datasetKey")
    key = secret(lake.data)
    marks = [_mark(key, *one) for one in told.select("kind", "datasetKey", "name").iter_rows()]
    return told.select("event_key", "category").with_columns(mark=pl.Series(marks, dtype=pl.Binary))


def _mark(key: bytes, kind: str, dataset: str, name: str) -> bytes:
    """Return the mark of one thing that an event is known by."""
    return hmac.digest(key, f"kept coarse\x1f{kind}\x1f{dataset}\x1f{name}".encode(), "sha256")


def _points(events: pl.DataFrame) -> pl.DataFrame:
    """Return the points of events, and those of their lines and outlines."""
    rows = events.select("event_key", "datasetKey", "category", x="decimalLongitude", y="decimalLatitude")
    shapes = np.asarray(shapely.from_wkb(footprints(events).to_list()), dtype=object)
    coordinates, of = shapely.get_coordinates(shapes, return_index=True)
    along = pl.DataFrame(coordinates.reshape(-1, 2), schema={"x": pl.Float64, "y": pl.Float64}, orient="row")
    named = rows.drop("x", "y")[pl.Series(of, dtype=pl.UInt32)]
    return pl.concat([rows, named.hstack(along)]).drop_nulls(["x", "y"])
