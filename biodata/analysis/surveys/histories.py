"""Detection histories: at which sites and in which occasions a species was detected, was not, or nobody looked.

Not detected can only tell an event whose scope holds the species; where no event took place or a camera failed is nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from biodata.analysis.surveys.effort import days_watched
from biodata.analysis.surveys.joining import Joined, looked_for
from biodata.geo import Floats
from biodata.vocabularies import SurveyDesign


@dataclass(frozen=True, slots=True)
class History:
    """The detection history of a species, by one method in one repeat.

    `detected` (sites x occasions) is 1 detected, 0 not detected, nan where nobody looked; `effort`, in `unit`, 0 there. `left_out`
    counts events and records that play no part, by reason.
    """

    unit: str
    sites: tuple[str, ...]
    detected: Floats
    effort: Floats
    left_out: dict[str, int]


def history(
    joined: Joined, species: str, *, method: str, repeat: int | None = None, side: str | None = None, occasion_days: int = 5,
    assumed_scope: Sequence[str] | None = None,
) -> History:  # fmt: skip
    """Return the detection history of a species, by one method.

    `repeat` and `side` take only events of the season that began in that year, or of that side. Cameras watch for days on end: their
    occasions are `occasion_days` long, from each site's own first day. Of all other designs each event is one.
    """
    chosen, left_out = looked_for(joined, species, method=method, assumed_scope=assumed_scope)
    for name, value in (("repeat", repeat), ("side", side)):
        if value is not None:
            chosen = chosen.filter(pl.col(name) == value)
    if undated := chosen["first"].null_count():
        left_out["its days are not told"] = undated
    chosen = chosen.drop_nulls("first")
    own = joined.records.filter(pl.col("name") == species).join(chosen.select("event_key"), on="event_key", how="semi")
    by_days = method == SurveyDesign.CAMERA_TRAP
    looked = _days(chosen, occasion_days) if by_days else _visits(chosen)
    unit = chosen["effort_unit"].drop_nulls().first() if chosen["effort_value"].is_not_null().all() else None
    if unit is None:
        # Where effort is not known of all, days or visits are counted: nothing else is comparable.
        unit, looked = "day" if by_days else "visit", looked.with_columns(effort=pl.lit(1.0))
    on = ["event_key"]
    if by_days:
        exact = pl.col("event_start") == pl.coalesce("event_end", "event_start")
        dated, on = own.filter(exact).with_columns(day="event_start"), ["event_key", "day"]
        placed = dated.join(looked, on=on, how="inner").height
        lost = {
            "its day is not told": own.height - dated.height, "recorded on a day without effort": dated.height - placed
        }  # fmt: skip
        left_out |= {reason: n for reason, n in lost.items() if n}
        own = dated
    return _filled(str(unit), looked, looked.join(own, on=on, how="semi"), left_out)


def _days(events: pl.DataFrame, occasion_days: int) -> pl.DataFrame:
    since = (pl.col("day") - pl.col("day").min().over("site")).dt.total_days()
    return days_watched(events).with_columns(occasion=(since // occasion_days).cast(pl.Int64))


def _visits(events: pl.DataFrame) -> pl.DataFrame:
    order = events.sort("site", "event_start", "event_key", nulls_last=True)
    occasion = pl.int_range(pl.len()).over("site").cast(pl.Int64)
    return order.select("event_key", "site", effort="effort_value", occasion=occasion)


def _filled(unit: str, looked: pl.DataFrame, hits: pl.DataFrame, left_out: dict[str, int]) -> History:
    sites, occasions = (looked[name].unique().sort().to_numpy() for name in ("site", "occasion"))
    detected, effort = np.full((len(sites), len(occasions)), np.nan), np.zeros((len(sites), len(occasions)))
    at, hit = (tuple(map(np.searchsorted, (sites, occasions), (of["site"], of["occasion"]))) for of in (looked, hits))
    detected[at], detected[hit] = 0.0, 1.0
    np.add.at(effort, at, looked["effort"].to_numpy())
    return History(unit, tuple(sites), detected, effort, left_out)
