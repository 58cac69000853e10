"""Detection histories: at which sites and in which occasions a species was detected, was not, or nobody looked.

Three things are kept apart: detected; looked for and not detected, which only an event whose scope holds the species can
tell; and nothing, where no event took place, a camera failed, or the species was outside the scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from biodata.analysis.surveys.effort import days_watched
from biodata.analysis.surveys.joining import Joined, looked_for
from biodata.geo import Floats
from biodata.vocabularies import SurveyDesign

BY_DAYS: Final = frozenset({SurveyDesign.CAMERA_TRAP})
"""Designs that watch for days on end, whose occasions are so many days; of all others each event is one."""
_SILENT: Final = "recorded on a day without effort"
_VAGUE: Final = "its day is not told"


@dataclass(frozen=True, slots=True)
class History:
    """The detection history of a species, by one method in one repeat.

    `detected` (sites x occasions) is 1 detected, 0 not detected, nan where nobody looked; `effort`, in `unit`, 0 there. `left_out`
    counts events and records that play no part, by reason.
    """

    species: str
    method: str
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

    `repeat` and `side` take only events of the season that began in that year, or of that side. Occasions of designs that watch
    for days on end are `occasion_days` long, counted from each site's own first day. `assumed_scope`: see `joining.looked_for`.
    """
    chosen, left_out = looked_for(joined, species, method=method, assumed_scope=assumed_scope)
    if repeat is not None:
        chosen = chosen.filter(pl.col("repeat") == repeat)
    if side is not None:
        chosen = chosen.filter(pl.col("side") == side)
    undated = chosen.filter(pl.col("first").is_null()).height
    if undated:
        left_out["its days are not told"] = undated
    chosen = chosen.filter(pl.col("first").is_not_null())
    own = joined.records.filter(pl.col("name") == species).join(chosen.select("event_key"), on="event_key", how="semi")
    days = method in BY_DAYS
    looked = _days(chosen, occasion_days) if days else _visits(chosen)
    unit = chosen["effort_unit"].drop_nulls().first() if chosen["effort_value"].is_not_null().all() else None
    if unit is None:
        # Where effort is not known of all, days or visits are counted: nothing else is comparable.
        unit = "day" if days else "visit"
        looked = looked.with_columns(effort=pl.lit(1.0))
    hits, lost = _hits(own, looked, by_days=days)
    left_out |= lost
    return _filled(species, method, str(unit), looked, hits, left_out)


def _days(events: pl.DataFrame, occasion_days: int) -> pl.DataFrame:
    """Return a row for each day of each event on which it watched: event_key, site, day, occasion, effort."""
    days = days_watched(events)
    since = (pl.col("day") - pl.col("day").min().over("site")).dt.total_days()
    return days.select("event_key", "site", "day", "effort", occasion=(since // occasion_days).cast(pl.Int64))


def _visits(events: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each event: each is an occasion of its site."""
    order = events.sort("site", "event_start", "event_key", nulls_last=True)
    occasion = pl.int_range(pl.len()).over("site").cast(pl.Int64)
    return order.select("event_key", "site", day="first", effort="effort_value", occasion=occasion)


def _hits(own: pl.DataFrame, looked: pl.DataFrame, *, by_days: bool) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return site and occasion of detections, and how many records could not be placed, by reason."""
    if not by_days:
        return looked.join(own.select("event_key").unique(), on="event_key", how="semi").select("site", "occasion"), {}
    exact = pl.col("event_start").is_not_null() & (
        pl.col("event_start") == pl.coalesce("event_end", pl.col("event_start"))
    )
    dated = own.filter(exact).select("event_key", day="event_start")
    placed = dated.join(looked, on=["event_key", "day"], how="inner")
    lost = {_VAGUE: own.height - dated.height, _SILENT: dated.height - placed.height}
    return placed.select("site", "occasion").unique(), {reason: n for reason, n in lost.items() if n}


def _filled(
    species: str, method: str, unit: str, looked: pl.DataFrame, hits: pl.DataFrame, left_out: dict[str, int]
) -> History:
    """Lay occasions into a table of sites."""
    cells = looked.group_by("site", "occasion", maintain_order=True).agg(pl.col("effort").sum())
    sites, occasions = (np.unique(cells[name].to_numpy()) for name in ("site", "occasion"))
    detected, effort = np.full((len(sites), len(occasions)), np.nan), np.zeros((len(sites), len(occasions)))
    at, hit = (
        tuple(np.searchsorted(known, of[name].to_numpy()) for known, name in ((sites, "site"), (occasions, "occasion")))
        for of in (cells, hits)
    )
    detected[at], effort[at] = 0.0, cells["effort"].to_numpy()
    detected[hit] = 1.0
    return History(species, method, unit, tuple(sites), detected, effort, left_out)
