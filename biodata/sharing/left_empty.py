"""What would show where a sensitive record is missing: an event that it leaves empty, a gap in an even walk.

Other records that would give the place away are set apart beside it, and no more than those.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from biodata.geo import geodesic_distance_m
from biodata.sharing.grid import PER_DEGREE, cell, square
from biodata.vocabularies import SharingCategory

BESIDE: Final = pl.Schema({"key": pl.Int64, "category": pl.String, "rule_id": pl.String})
BLANK: Final = 0.1
"""Share of events without a record in the source from which one more is not noticed."""
_WALK: Final = 5
"""Records of a walk, at least."""
_EVEN: Final = 0.5
"""A walk is even if the middle half of its steps lies within this share of their median."""
_RANK: Final = {str(category): category.strictness for category in SharingCategory}
_NO_DAY: Final = 1_000_000


@dataclass(frozen=True)
class Emptied:
    """What becomes of events that have no open record left.

    Attributes
    ----------
    beside : polars.DataFrame of `BESIDE`
        Open records of other events that are set apart with them.
    unpublished : polars.Series of str
        event_key of those that are not published.
    """

    beside: pl.DataFrame
    unpublished: pl.Series


def emptied_events(records: pl.DataFrame, events: pl.DataFrame, groups: pl.DataFrame) -> Emptied:
    """Find what is set apart beside events that lose their last open record.

    Where at least one in ten events of its crowd is blank in the source, an emptied one stays as a blank one. Else, at
    each other place of the crowd, the event nearest in time is emptied too. An emptied event that was not published before
    needs others that were not; until there are, it is not published.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, eventID, category, rule_id; `known` : True for what an earlier release set apart; `beside`.
    events : polars.DataFrame
        event_key, datasetKey, eventID, day, longitude, latitude; `shown` : True for those that an earlier release had.
    groups : polars.DataFrame
        base, n, datasetKey, x, y, unit : places that are one crowd, or left over together.

    Returns
    -------
    Emptied
    """
    per_event = records.drop_nulls("eventID").group_by("datasetKey", "eventID").agg(
        opened=pl.col("category").is_null().any(),
        withheld=(pl.col("category") == str(SharingCategory.WITHHELD)).all().fill_null(value=False),
        new=(pl.col("category").is_not_null() & ~pl.col("known")).any(),
        beside=pl.col("beside").any(),
        base=pl.col("category").replace_strict(PER_DEGREE, default=None, return_dtype=pl.Int32).min(),
        rule_id=pl.col("rule_id").drop_nulls().sort().first(),
    )  # fmt: skip
    placed = events.drop_nulls(["longitude", "latitude"]).join(per_event, on=["datasetKey", "eventID"], how="left")
    empty = placed.filter(~pl.col("opened"))
    found, unpublished = [BESIDE.to_frame()], [pl.Series([], dtype=pl.String)]
    bases = empty["base"].drop_nulls().unique().sort().to_list()
    for base in bases or ([] if empty.is_empty() else [None]):
        # An event of withheld records alone hides in the smallest cells that the dataset has crowds in.
        mine = empty.filter((pl.col("base") == base) | pl.col("base").is_null()) if base is not None else empty
        n = base or 10
        places = groups.filter(pl.col("base") == n, pl.col("n") == n).select("datasetKey", "x", "y", "unit")
        here = placed.with_columns(square(n)).join(places, on=["datasetKey", "x", "y"])
        share = here.group_by("datasetKey", "unit").agg(blank=pl.col("opened").is_null().mean())
        asked = mine.with_columns(square(n)).join(places, on=["datasetKey", "x", "y"], how="left")
        asked = asked.join(share, on=["datasetKey", "unit"], how="left")
        noticed = asked.filter(pl.col("blank").fill_null(0.0) < BLANK)
        unpublished.append(noticed.filter("withheld")["event_key"])
        covered = noticed.filter(~pl.col("withheld"), ~pl.col("beside"), pl.col("new") | ~pl.col("shown"))
        others, alone = _companions(covered, here, places)
        unpublished.append(alone)
        opened = records.filter(pl.col("category").is_null()).drop("category", "rule_id")
        found.append(opened.join(others, on=["datasetKey", "eventID"]).select(BESIDE.names()))
    return Emptied(strictest(pl.concat(found)), pl.concat(unpublished).unique())


def _companions(covered: pl.DataFrame, here: pl.DataFrame, places: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return datasetKey, eventID, category, rule_id of events that are emptied beside others; and which of these lack some."""
    asked = covered.select("event_key", "datasetKey", "unit", "day", "shown", "base", "rule_id", own_x="x", own_y="y")
    wanted = asked.join(places, on=["datasetKey", "unit"]).filter(
        (pl.col("x") != pl.col("own_x")) | (pl.col("y") != pl.col("own_y"))
    )
    candidates = here.select("datasetKey", "eventID", "x", "y", their_day="day", their_shown="shown")
    pairs = wanted.join(candidates, on=["datasetKey", "x", "y"]).filter(pl.col("shown") | ~pl.col("their_shown"))
    apart = (pl.col("day") - pl.col("their_day")).dt.total_days().abs().fill_null(_NO_DAY)
    nearest = (
        pairs.with_columns(apart=apart)
        .sort("event_key", "x", "y", "apart", "eventID")
        .unique(["event_key", "x", "y"], keep="first", maintain_order=True)
    )
    counted = wanted.group_by("event_key").len("needed")
    had = nearest.group_by("event_key").len("had")
    lacking = asked.join(counted, on="event_key", how="left").join(had, on="event_key", how="left")
    lacking = lacking.filter(~pl.col("shown"), pl.col("had").fill_null(0) < pl.col("needed").fill_null(1))
    category = {n: name for name, n in PER_DEGREE.items()}
    chosen = nearest.join(lacking, on="event_key", how="anti").select(
        "datasetKey", "eventID", "rule_id",
        category=pl.col("base").replace_strict(category, default=None, return_dtype=pl.String),
    )  # fmt: skip
    return strictest(chosen, ["datasetKey", "eventID"]), lacking["event_key"]


def even_walks(records: pl.DataFrame) -> pl.DataFrame:
    """Return the open records of evenly spaced walks that lie in the cell of a sensitive one of the walk.

    Parameters
    ----------
    records : polars.DataFrame
        key, datasetKey, day, time, recordedBy, longitude, latitude, category, rule_id.

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
        opened = walks.filter(pl.col("category").is_null()).drop("category", "rule_id").with_columns(cell(n))
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
