"""What would show where a sensitive record is missing: an event that it leaves empty, a gap in an even walk.

Other records that would give the place away are set apart beside it, and no more than those.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.geo import geodesic_distance_m
from biodata.sharing.grid import PER_DEGREE, TEN, cell, with_crowds
from biodata.vocabularies import SharingCategory

BLANK: Final = 0.1
"""Share of events without a record in the source from which one more is not noticed."""
_WALK: Final = 5
"""Records of a walk, at least."""
_EVEN: Final = 0.5
"""A walk is even if the middle half of its steps lies within this share of their median."""
_RANK: Final = {str(category): category.strictness for category in SharingCategory}
_CATEGORY: Final = {n: category for category, n in PER_DEGREE.items()}
_MAY_GO_BESIDE: Final = pl.col("category").is_null() | pl.col("beside")
_BESIDE: Final = ("key", "category", "rule_id", "beside")


@dataclass(frozen=True)
class Emptied:
    """What becomes of events that have no open record left.

    Attributes
    ----------
    beside : polars.DataFrame
        key, category, rule_id, beside : open records of other events that are set apart with them.
    unpublished : polars.Series of str
        event_key of those that are not published, or not yet.
    held : polars.Series of int
        key of the records that wait with them.
    """

    beside: pl.DataFrame
    unpublished: pl.Series
    held: pl.Series


def emptied_events(
    records: pl.DataFrame, events: pl.DataFrame, groups: pl.DataFrame, *, released: Collection[str], waits: pl.Series
) -> Emptied:
    """Find what is set apart beside events that lose their last open record.

    Where at least one in ten events of its crowd is blank in the source, an emptied one stays as a blank one. Else all events
    of its year at the crowd's other places that no release has shown are emptied with it: the same set, from whichever of
    the ten one looks. In a dataset that an earlier release had, as long as one of these places has no such event, the event and
    they wait, with all their records; so do, with one that has no crowd yet, all events of its degree at places in no crowd that
    no release has shown. One whose place is
    the only one of its cell is not published: nothing there hides it. An event that a release has shown needs nothing.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, eventID, category, rule_id, beside.
    events : polars.DataFrame
        event_key, datasetKey, eventID, year, fx, fy; `shown` : True for those that an earlier release had.
    groups : polars.DataFrame of `grid.CROWD_PLACES`
        Crowds, and tens of cells (`grid.tens`).
    released : collection of str
        The datasets that an earlier release had.
    waits : polars.Series of int
        key of the records that wait for a crowd until the year's end.

    Returns
    -------
    Emptied
    """
    event = ["datasetKey", "eventID"]
    own = pl.col("category").is_in(list(PER_DEGREE)) & ~pl.col("beside")
    of_event = records.drop_nulls("eventID").group_by(event).agg(
        opened=pl.col("category").is_null().any(),
        withheld=(pl.col("category") == str(SharingCategory.WITHHELD)).fill_null(value=False).all(),
        waits=(pl.col("key").is_in(waits.implode()) & ~pl.col("beside")).any(),
        asked=pl.col("category").filter(own).replace_strict(PER_DEGREE, return_dtype=pl.Int32).min(),
        rule_id=pl.col("rule_id").filter(own).sort().first(),
    )  # fmt: skip
    placed = events.drop_nulls(["fx", "fy"]).join(of_event, on=event, how="left", maintain_order="left")
    blank = pl.col("opened").is_null().mean()
    # Of an event whose records are all withheld no cell is known: it hides among all events of its dataset.
    withheld = placed.filter(pl.col("withheld"), blank.over("datasetKey") < BLANK)

    crowd = ["datasetKey", "crowd"]
    here = with_crowds(placed, groups.with_columns(places=pl.len().over(crowd)))
    here = here.with_columns(blank=blank.over(crowd), crowded=~pl.col("crowd").str.starts_with(TEN))
    # An event hides in its crowd, else among ten places of its cell.
    empty = here.filter(~pl.col("opened"), ~pl.col("shown"), pl.col("base") == pl.col("asked"))
    empty = empty.sort("crowded", "n").unique("event_key", keep="last").filter(pl.col("blank") < BLANK)
    crowdless = empty.filter("waits", ~pl.col("crowded")).with_columns(cell(1))
    around = placed.filter(~pl.col("shown")).with_columns(cell(1)).join(
        crowdless.select("datasetKey", "base", "column", "row").unique(), on=["datasetKey", "column", "row"]
    ).join(here.filter("crowded"), on=["event_key", "base"], how="anti")  # fmt: skip

    empty = empty.filter(~pl.col("waits") | pl.col("crowded"))
    pairs = empty.join(here.filter(~pl.col("shown")), on=crowd, suffix="_other")
    pairs = pairs.filter((pl.col("x") != pl.col("x_other")) | (pl.col("y") != pl.col("y_other")))
    new_places = pl.struct("x_other", "y_other").n_unique().over("event_key")
    before = pl.col("datasetKey").is_in(list(released))
    ready = pairs.filter(~before | (new_places >= pl.col("places") - 1))
    lacking = empty.filter(before | (pl.col("places") == 1)).join(ready, on="event_key", how="anti")
    others = pairs.join(lacking, on="event_key", how="semi").select(
        "datasetKey", eventID="eventID_other", event_key="event_key_other"
    )
    waiting = pl.concat([frame.select(others.columns) for frame in (lacking, around, others)]).unique()
    with_them = ready.filter(pl.col("year").eq_missing(pl.col("year_other"))).select(
        "datasetKey", "rule_id", eventID="eventID_other",
        category=pl.col("base").replace_strict(_CATEGORY, return_dtype=pl.String), beside=pl.lit(value=True),
    )  # fmt: skip
    opened = records.filter(_MAY_GO_BESIDE).select("key", *event)
    return Emptied(
        opened.join(strictest(with_them, event), on=event).select(_BESIDE),
        pl.concat([withheld["event_key"], waiting["event_key"]]).unique(),
        records.join(waiting, on=event, how="semi")["key"],
    )


def even_walks(records: pl.DataFrame) -> pl.DataFrame:
    """Return the open records of evenly spaced walks that lie in the cell of a sensitive one of the walk.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, day, time, recordedBy, longitude, latitude, fx, fy, category, rule_id, beside.

    Returns
    -------
    polars.DataFrame
        key, category, rule_id, beside.
    """
    walk = ["datasetKey", "day", "recordedBy"]
    placed = records.drop_nulls([*walk, "longitude", "latitude"])
    sensitive = placed.filter(pl.col("category").is_in(list(PER_DEGREE)), ~pl.col("beside"))
    walks = placed.join(sensitive, on=walk, how="semi").filter(pl.len().over(walk) >= _WALK)
    walks = walks.with_columns(timed=pl.col("time").is_not_null().all().over(walk))
    walks = walks.sort(*walk, pl.when("timed").then("time"), "key")
    last = walks.select(pl.col("longitude", "latitude").shift().over(walk))
    steps = geodesic_distance_m(last["longitude"], last["latitude"], walks["longitude"], walks["latitude"])
    walks = walks.with_columns(
        distance=pl.Series(steps).fill_nan(None),
        duration=pl.when("timed").then(pl.col("time").diff().over(walk).cast(pl.Float64)),
    )
    even = walks.group_by(walk).agg(even=_is_even("distance") | _is_even("duration")).filter("even")
    n = pl.col("category").replace_strict(PER_DEGREE, return_dtype=pl.Int32)
    cells = sensitive.join(even, on=walk, how="semi").with_columns(n=n).with_columns(cell(pl.col("n")))
    cells = cells.select(*walk, "n", "column", "row", "category", "rule_id", beside=pl.lit(value=True)).unique()
    opened = walks.filter(_MAY_GO_BESIDE).select("key", *walk, "fx", "fy").join(cells, on=walk)
    return strictest(opened.filter(pl.struct(cell(pl.col("n"))) == pl.struct("column", "row"))).select(_BESIDE)


def _is_even(steps: str) -> pl.Expr:
    """Tell whether the middle half of some steps lies close to their median."""
    step = pl.col(steps).drop_nulls()
    middle = step.quantile(0.75, "linear") - step.quantile(0.25, "linear")
    median = step.median()
    return ((median > 0) & (middle <= _EVEN * median)).fill_null(value=False)


def strictness(category: str) -> pl.Expr:
    """Return the rank of a column's categories: 0 where there is none."""
    return pl.col(category).replace_strict(_RANK, default=0, return_dtype=pl.Int64)


def strictest(found: pl.DataFrame, by: Sequence[str] = ("key",)) -> pl.DataFrame:
    """Return each record, or event, once, with its strictest category."""
    in_order = found.sort(strictness("category"), "rule_id", descending=[True, False])
    return in_order.unique(by, keep="first", maintain_order=True)


def stricter(records: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return records with `category`, `rule_id` and `beside` of others where these are stricter.

    A record that has a category of its own is beside no other.
    """
    if others.is_empty():
        return records
    both = records.join(others.select(_BESIDE), on="key", how="left", suffix="_other", maintain_order="left")
    taken = strictness("category_other") > strictness("category")
    return both.select(
        pl.exclude("category", "rule_id", "beside", "^.*_other$"),
        *(pl.when(taken).then(f"{name}_other").otherwise(name).alias(name) for name in ("category", "rule_id")),
        beside=pl.when(taken).then(pl.col("beside_other") & _MAY_GO_BESIDE).otherwise("beside"),
    )
