"""What would show where a sensitive record is missing: an event that it leaves empty, a gap in an even walk.

Other records that would give the place away are set apart beside it, and no more than those.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from biodata.geo import geodesic_distance_m
from biodata.sharing.crowds import TEN
from biodata.sharing.grid import CATEGORY, FINEST, PER_DEGREE, cell, square
from biodata.vocabularies import SharingCategory

BESIDE: Final = pl.Schema({"key": pl.Int64, "category": pl.String, "rule_id": pl.String})
BLANK: Final = 0.1
"""Share of events without a record in the source from which one more is not noticed."""
_WALK: Final = 5
"""Records of a walk, at least."""
_EVEN: Final = 0.5
"""A walk is even if the middle half of its steps lies within this share of their median."""
_RANK: Final = {str(category): category.strictness for category in SharingCategory}
_CHOSEN: Final = pl.Schema(
    {"datasetKey": pl.String, "eventID": pl.String, "event_key": pl.String, "rule_id": pl.String, "category": pl.String}
)
_HELD: Final = pl.Schema({"datasetKey": pl.String, "eventID": pl.String, "event_key": pl.String})


@dataclass(frozen=True)
class Emptied:
    """What becomes of events that have no open record left.

    Attributes
    ----------
    beside : polars.DataFrame of `BESIDE`
        Open records of other events that are set apart with them.
    unpublished : polars.Series of str
        event_key of those that are not published, or not yet.
    held : polars.Series of int
        key of the open records that wait with them.
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
    the ten one looks. As long as one of these places has none, the event and they wait, open records and all; so do, with
    one that has no crowd yet, all events of its degree at places in no crowd that no release has shown. One whose place is
    the only one of its cell is not published: nothing there hides it. An event that a release has shown needs nothing.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, eventID, category, rule_id, beside.
    events : polars.DataFrame
        event_key, datasetKey, eventID, year, fx, fy; `shown` : True for those that an earlier release had.
    groups : polars.DataFrame
        base, n, datasetKey, x, y, unit : places that are one crowd, or one ten of a cell (`crowds.tens`).
    released : collection of str
        The datasets that an earlier release had.
    waits : polars.Series of int
        key of the records that wait for a crowd until the year's end.

    Returns
    -------
    Emptied
    """
    coarse = pl.col("category").is_in(list(PER_DEGREE))
    per_event = records.drop_nulls("eventID").group_by("datasetKey", "eventID").agg(
        opened=pl.col("category").is_null().any(),
        withheld=(pl.col("category") == str(SharingCategory.WITHHELD)).fill_null(value=False).all(),
        waits=(pl.col("key").is_in(waits.implode()) & ~pl.col("beside")).any(),
        base=pl.col("category").filter(coarse & ~pl.col("beside")).replace_strict(PER_DEGREE, return_dtype=pl.Int32).min(),
        rule_id=pl.col("rule_id").filter(coarse & ~pl.col("beside")).sort().first(),
    )  # fmt: skip
    placed = events.drop_nulls(["fx", "fy"])
    placed = placed.join(per_event, on=["datasetKey", "eventID"], how="left", maintain_order="left")
    # Of an event whose records are all withheld no cell is known: it hides among all events of its dataset.
    blank = placed.group_by("datasetKey").agg(blank=pl.col("opened").is_null().mean()).filter(pl.col("blank") < BLANK)
    unpublished = [placed.filter("withheld").join(blank, on="datasetKey", how="semi")["event_key"]]
    found, held = [_CHOSEN.to_frame()], [_HELD.to_frame()]
    empty = placed.filter(~pl.col("opened"), ~pl.col("shown"), pl.col("base").is_not_null())
    for (base,), mine in empty.group_by("base", maintain_order=True):
        chosen, waiting = _companions(mine, placed, groups.filter(pl.col("base") == base), released)
        found.append(chosen.with_columns(category=pl.lit(CATEGORY[int(str(base))])).select(_CHOSEN.names()))
        held.append(waiting.select(_HELD.names()))
    waiting_events = pl.concat(held).unique()
    opened = records.filter(pl.col("category").is_null() | pl.col("beside")).drop("category", "rule_id")
    beside = opened.join(strictest(pl.concat(found), ["datasetKey", "eventID"]), on=["datasetKey", "eventID"])
    unpublished.append(waiting_events["event_key"])
    return Emptied(
        strictest(beside.select(BESIDE.names())),
        pl.concat(unpublished).unique(),
        records.join(waiting_events, on=["datasetKey", "eventID"], how="semi")["key"],
    )


def _companions(
    empty: pl.DataFrame, placed: pl.DataFrame, groups: pl.DataFrame, released: Collection[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events that are emptied with some, and those that wait: datasetKey, eventID, event_key, rule_id."""
    at = []
    for (level,), some in groups.group_by("n", maintain_order=True):
        units = some.select("datasetKey", "x", "y", "unit")
        at.append(
            placed.with_columns(square(int(str(level)))).join(units, on=["datasetKey", "x", "y"], maintain_order="left")
        )
    if not at:
        return empty.select("datasetKey", "eventID", "event_key", "rule_id").clear(), empty.clear()
    here = pl.concat(at)
    share = (
        here.group_by("datasetKey", "unit").agg(blank=pl.col("opened").is_null().mean()).filter(pl.col("blank") < BLANK)
    )
    # An event hides in its crowd, else among ten places of its cell.
    own = here.join(empty.select("event_key"), on="event_key", how="semi")
    own = own.sort(pl.col("unit").str.starts_with(TEN)).unique("event_key", keep="first", maintain_order=True)
    own = own.join(share, on=["datasetKey", "unit"], how="semi")
    own = own.select(
        "event_key", "datasetKey", "eventID", "unit", "year", "rule_id", "waits", "fx", "fy", own_x="x", own_y="y"
    )
    degree = [pl.col(name).floordiv(FINEST).alias(f"degree_{name}") for name in ("fx", "fy")]
    alone = own.filter("waits", pl.col("unit").str.starts_with(TEN)).with_columns(degree)
    own = own.join(alone, on="event_key", how="anti")
    crowded = here.filter(~pl.col("unit").str.starts_with(TEN)).select("event_key").unique()
    free = placed.filter(~pl.col("shown")).join(crowded, on="event_key", how="anti").with_columns(degree)
    around = free.join(
        alone.select("datasetKey", "degree_fx", "degree_fy").unique(),
        on=["datasetKey", "degree_fx", "degree_fy"],
        how="semi",
    )
    size = groups.group_by("datasetKey", "unit").len("places")
    lonely = own.join(size.filter(pl.col("places") == 1), on=["datasetKey", "unit"], how="semi")
    own = own.join(lonely, on="event_key", how="anti")
    others = here.filter(~pl.col("shown")).select(
        "datasetKey", "unit", "x", "y", their_event="eventID", their_key="event_key", their_year="year"
    )
    pairs = own.join(others, on=["datasetKey", "unit"]).filter(
        (pl.col("x") != pl.col("own_x")) | (pl.col("y") != pl.col("own_y"))
    )
    new = pairs.group_by("event_key").agg(new=pl.struct("x", "y").n_unique())
    asked = own.join(size, on=["datasetKey", "unit"], how="left").join(new, on="event_key", how="left")
    lacking = asked.filter(
        pl.col("datasetKey").is_in(list(released)), pl.col("new").fill_null(0) < pl.col("places") - 1
    )
    with_them = pairs.join(lacking, on="event_key", how="semi")
    waiting = pl.concat([
        lacking.select("datasetKey", "eventID", "event_key"),
        with_them.select("datasetKey", eventID="their_event", event_key="their_key"),
        around.select("datasetKey", "eventID", "event_key"),
        lonely.select("datasetKey", "eventID", "event_key"),
    ])  # fmt: skip
    chosen = pairs.join(lacking, on="event_key", how="anti").filter(pl.col("their_year").eq_missing(pl.col("year")))
    return chosen.select("datasetKey", eventID="their_event", event_key="their_key", rule_id="rule_id"), waiting


def even_walks(records: pl.DataFrame) -> pl.DataFrame:
    """Return the open records of evenly spaced walks that lie in the cell of a sensitive one of the walk.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, day, time, recordedBy, longitude, latitude, fx, fy, category, rule_id, beside.

    Returns
    -------
    polars.DataFrame of `BESIDE`
    """
    walk = ["datasetKey", "day", "recordedBy"]
    placed = records.drop_nulls([*walk, "longitude", "latitude"])
    sensitive = placed.filter(pl.col("category").is_in(list(PER_DEGREE)), ~pl.col("beside"))
    walks = placed.join(sensitive.select(walk).unique(), on=walk, how="semi")
    walks = walks.filter(pl.len().over(walk) >= _WALK)
    if walks.is_empty():
        return BESIDE.to_frame()
    timed = pl.col("time").is_not_null().all().over(walk)
    walks = walks.with_columns(timed=timed).sort(*walk, pl.when("timed").then("time"), "key")
    before = walks.select(
        *(pl.col(name).shift().over(walk).alias(f"last_{name}") for name in ("longitude", "latitude", "time")),
        "longitude", "latitude", "time",
    )  # fmt: skip
    numbers = {name: before[name].fill_null(np.nan).to_numpy() for name in before.columns if "time" not in name}
    steps = geodesic_distance_m(
        numbers["last_longitude"], numbers["last_latitude"], numbers["longitude"], numbers["latitude"]
    )
    walks = walks.with_columns(
        distance=pl.Series(steps).fill_nan(None),
        duration=pl.when("timed").then((before["time"] - before["last_time"]).cast(pl.Float64)),
    )
    even = walks.group_by(walk).agg(even=_is_even("distance") | _is_even("duration"))
    even = even.filter("even").select(walk)
    found = [BESIDE.to_frame()]
    for (category,), part in sensitive.join(even, on=walk, how="semi").group_by("category"):
        n = PER_DEGREE[str(category)]
        cells = part.select(*walk, *cell(n), "category", "rule_id").unique([*walk, "column", "row"])
        opened = (
            walks.filter(pl.col("category").is_null() | pl.col("beside"))
            .drop("category", "rule_id")
            .with_columns(cell(n))
        )
        found.append(opened.join(cells, on=[*walk, "column", "row"]).select(BESIDE.names()))
    return strictest(pl.concat(found))


def _is_even(steps: str) -> pl.Expr:
    """Tell whether the middle half of some steps lies close to their median."""
    step = pl.col(steps).drop_nulls()
    middle = step.quantile(0.75, "linear") - step.quantile(0.25, "linear")
    median = step.median()
    return ((median > 0) & (middle <= _EVEN * median)).fill_null(value=False)


def strictest(found: pl.DataFrame, by: list[str] | None = None) -> pl.DataFrame:
    """Return each record once, with its strictest category."""
    rank = pl.col("category").replace_strict(_RANK, return_dtype=pl.Int64)
    return found.sort(rank, "rule_id", descending=[True, False]).unique(
        by or ["key"], keep="first", maintain_order=True
    )
