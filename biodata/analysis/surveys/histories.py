"""Detection histories: at which sites and in which occasions a species was detected, was not, or nobody looked.

Three things are kept apart: detected; looked for and not detected, which only an event whose scope holds the species can
tell; and nothing, where no event took place, a camera failed, or the species was outside the scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

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

    Attributes
    ----------
    species, method : str
    unit : str
        Unit of effort.
    sites, sides : tuple of str, length n
        Sites with effort, and the side of each.
    detected : ndarray of float64, n x k
        1 detected, 0 not detected, nan where nobody looked.
    effort : ndarray of float64, n x k
        Effort in each occasion; 0 where nobody looked.
    left_out : dict of str to int
        Events and records that play no part, by reason.
    """

    species: str
    method: str
    unit: str
    sites: tuple[str, ...]
    sides: tuple[str, ...]
    detected: Floats
    effort: Floats
    left_out: dict[str, int]

    def of_side(self, side: str) -> "History":
        """Return the sites of one side."""
        rows = np.array([one == side for one in self.sides], dtype=bool)
        kept = tuple(site for site, inside in zip(self.sites, rows, strict=True) if inside)
        return History(
            self.species, self.method, self.unit, kept, (side,) * len(kept), self.detected[rows], self.effort[rows],
            self.left_out,
        )  # fmt: skip


def history(
    joined: Joined,
    species: str,
    *,
    method: str,
    repeat: int | None = None,
    occasion_days: int = 5,
    assumed_scope: Sequence[str] | None = None,
) -> History:
    """Return the detection history of a species.

    Parameters
    ----------
    joined : Joined
    species : str
        A `name` of the records.
    method : str
        Only events of this method.
    repeat : int, optional
        Only events that began in this year; occupancy is taken not to change within a history.
    occasion_days : int
        Days of an occasion of designs that watch for days on end; counted from each site's own first day.
    assumed_scope : sequence of str, optional
        See `joining.looked_for`.
    """
    chosen, left_out = looked_for(joined, species, method=method, assumed_scope=assumed_scope)
    if repeat is not None:
        chosen = chosen.filter(pl.col("repeat") == repeat)
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
    """Return a row for each day of each event on which it watched: event_key, site, side, day, occasion, effort.

    An event's effort, from which failures are taken off, is shared by the days on which it did not fail.
    """
    silent = _failed(events)
    days = (
        events.select("event_key", "site", "side", "first", "last", "effort_value")
        .with_columns(day=pl.date_ranges("first", pl.max_horizontal("first", "last")))
        .explode("day")
        .join(silent, on=["event_key", "day"], how="anti")
        .with_columns(effort=(pl.col("effort_value") / pl.len().over("event_key")))
    )
    since = (pl.col("day") - pl.col("day").min().over("site")).dt.total_days()
    return days.select("event_key", "site", "side", "day", "effort", occasion=(since // occasion_days).cast(pl.Int64))


def _failed(events: pl.DataFrame) -> pl.DataFrame:
    """Return the whole days on which events say that they did not watch: event_key, day."""
    parts = events.select("event_key", told="failure_periods").explode("told").drop_nulls("told")
    ends = pl.col("told").str.split_exact("/", 1)
    parts = parts.with_columns(
        _from=ends.struct.field("field_0").str.strip_chars(),
        _to=pl.coalesce(ends.struct.field("field_1"), ends.struct.field("field_0")).str.strip_chars(),
    )
    # From a moment on, the first whole day is the next; until a moment, the last is the one before.
    moment = {name: pl.col(name).str.len_chars() > 10 for name in ("_from", "_to")}
    day = {name: pl.col(name).str.slice(0, 10).str.to_date(strict=False) for name in ("_from", "_to")}
    first = pl.when(moment["_from"]).then(day["_from"].dt.offset_by("1d")).otherwise(day["_from"])
    last = pl.when(moment["_to"]).then(day["_to"].dt.offset_by("-1d")).otherwise(day["_to"])
    whole = parts.with_columns(_first=first, _last=last).filter(pl.col("_first") <= pl.col("_last"))
    return whole.select("event_key", day=pl.date_ranges("_first", "_last")).explode("day").unique()


def _visits(events: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each event: each is an occasion of its site."""
    order = events.sort("site", "event_start", "event_key", nulls_last=True)
    return order.select(
        "event_key",
        "site",
        "side",
        day="first",
        effort="effort_value",
        occasion=pl.int_range(pl.len()).over("site").cast(pl.Int64),
    )


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
    by_site = looked.group_by("site", maintain_order=True).agg(pl.col("side").first()).sort("site")
    cells = looked.group_by("site", "occasion", maintain_order=True).agg(pl.col("effort").sum())
    columns = cells["occasion"].unique().sort()
    rows = {site: row for row, site in enumerate(by_site["site"])}
    at = {occasion: column for column, occasion in enumerate(columns)}
    detected = np.full((len(rows), len(at)), np.nan)
    effort = np.zeros((len(rows), len(at)))
    row, column = _places(cells, rows, at)
    detected[row, column], effort[row, column] = 0.0, cells["effort"].to_numpy()
    row, column = _places(hits, rows, at)
    detected[row, column] = 1.0
    return History(species, method, unit, tuple(by_site["site"]), tuple(by_site["side"]), detected, effort, left_out)


def _places(frame: pl.DataFrame, rows: dict[str, int], at: dict[int, int]) -> tuple[list[int], list[int]]:
    """Return rows and columns of a table of sites and occasions."""
    return [rows[site] for site in frame["site"]], [at[occasion] for occasion in frame["occasion"]]
