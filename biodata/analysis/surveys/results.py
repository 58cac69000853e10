"""All results of a survey in one call: tables of numbers, and beside each the reason where there is none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.analysis.surveys import (
    abundance,
    activity,
    comparing,
    effort,
    histories,
    joint,
    occupancy,
    richness,
    trends,
)
from biodata.analysis.surveys.accumulation import accumulation
from biodata.analysis.surveys.joining import HIDDEN, NO_SIDE, Joined, looked_for, species_only
from biodata.sharing.scopes import meanings

JOINT: Final = "joint"
"""What all sides together are called."""
_SPECIES: Final = r"^\p{Lu}[\p{Ll}-]+ [\p{Ll}-]+$"
"""Two words, of which the first is a genus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What results are asked.

    Attributes
    ----------
    species : tuple of str or None
        Names of the records; all of them where none is told.
    occasion_days : int
        See `histories.history`.
    gap_minutes, within_m : float
        See `abundance.independent_events`.
    distance_m, hours : float
        See `joint.total`.
    assumed_scope : tuple of str or None
        See `joining.looked_for`.
    seed : int
        Of the intervals of compared richness.
    """

    species: tuple[str, ...] | None = None
    occasion_days: int = 5
    gap_minutes: float = 30.0
    within_m: float = 200.0
    distance_m: float = 5_000.0
    hours: float = 72.0
    assumed_scope: tuple[str, ...] | None = None
    seed: int = 1


def results(joined: Joined, asked: Parameters) -> dict[str, Any]:
    """Return the results of a survey as plain values.

    Parameters
    ----------
    joined : Joined
    asked : Parameters

    Returns
    -------
    dict
        summary; effort, effort_by_month, effort_by_site; accumulation and richness by method; abundance, occupancy and trends
        by species and method; activity by species; totals by species, method and year; parameters. Where something cannot be
        told `refused` says why.
    """
    names = _species(joined, asked.species)
    counted = abundance.independent_events(joined, gap_minutes=asked.gap_minutes, within_m=asked.within_m)
    methods = sorted(joined.events["method"].unique())
    return {
        "summary": _summary(joined),
        "effort": effort.effort(joined.events).to_dicts(),
        "effort_by_month": effort.effort(joined.events, by=("side", "method", "month")).to_dicts(),
        "effort_by_site": effort.effort(joined.events, by=("side", "method", "site")).to_dicts(),
        "richness": {method: _richness(joined, method, asked.seed) for method in methods},
        "abundance": [one for name in names for one in _abundance(joined, counted, name, asked)],
        "occupancy": [one for name in names for one in _occupancy(joined, name, asked)],
        "trends": [one for name in names for one in _trends(joined, counted, name, asked)],
        "activity": _activity(joined, counted, names),
        "totals": [one for name in names for one in _totals(joined, counted, name, asked)],
        "parameters": asdict(asked),
    }


def _species(joined: Joined, wanted: Sequence[str] | None) -> list[str]:
    """Return the species that are asked: those with most records first, then those that were meant and never found.

    Of those whose places are hidden nothing is told but that: with a part of their records every number would be wrong.
    """
    counts = joined.records.group_by("name").len().sort(["len", "name"], descending=[True, False])
    found = [name for name in counts["name"] if name not in joined.hidden]
    return [name for name in [*found, *_never_found(joined)] if wanted is None or name in wanted]


def _meant(joined: Joined) -> set[str]:
    """Return the species that scopes name."""
    named = joined.events["targetTaxonomicScope"].explode().drop_nulls().str.strip_chars().unique()
    # Two words may be a common name, too: `Sun bear`.
    return {
        word for word in named.filter(named.str.contains(_SPECIES)) if meanings(word) == {word.casefold(): "species"}
    }


def _never_found(joined: Joined) -> list[str]:
    """Return the species that scopes name and no record is of."""
    return sorted(_meant(joined) - set(joined.records["name"]) - joined.hidden)


def sides_of(events: pl.DataFrame) -> list[str]:
    """Return the sides of events."""
    return [side for side in events["side"].unique().sort() if side != NO_SIDE]


def _summary(joined: Joined) -> dict[str, Any]:
    """Return what there is."""
    events, records = joined.events, joined.records
    first, last = events["first"].min(), events["last"].max()
    return {
        "events": events.height, "sites": events["site"].n_unique(), "sides": sides_of(events),
        "events_of_no_side": events.filter(pl.col("side") == NO_SIDE).height,
        "never_found": _never_found(joined),
        "not_told": dict.fromkeys(sorted((_meant(joined) | set(records["name"])) & joined.hidden), HIDDEN),
        "records": records.height, "species": records["name"].n_unique(),
        "first": None if first is None else str(first), "last": None if last is None else str(last),
        "without_scope": events.filter(pl.col("targetTaxonomicScope").list.len().fill_null(0) == 0).height,
        "left_out": joined.left_out,
    }  # fmt: skip


def _table(events: pl.DataFrame, records: pl.DataFrame) -> NDArray[np.int64]:
    """Return how many records each site has of each species; a site without records is a row of 0."""
    rows = {site: row for row, site in enumerate(events["site"].unique().sort())}
    species = {name: column for column, name in enumerate(records["name"].unique().sort())}
    table = np.zeros((len(rows), len(species)), dtype=np.int64)
    for site, name, n in records.group_by("site", "name").len().iter_rows():
        table[rows[site], species[name]] = n
    return table


def _richness(joined: Joined, method: str, seed: int) -> dict[str, Any]:
    """Return accumulation and estimates of one method, per side and joint, and the sides compared."""
    events = joined.events.filter(pl.col("method") == method)
    every = joined.records.join(events.select("event_key"), on="event_key", how="semi")
    records = species_only(every)
    parts = {JOINT: (events, records)}
    sides = sides_of(events)
    for side in sides if len(sides) > 1 else []:
        own = events.filter(pl.col("side") == side)
        parts[side] = own, records.join(own.select("event_key"), on="event_key", how="semi")
    told: dict[str, Any] = {}
    tables = {}
    for part, (of_events, of_records) in parts.items():
        table = _table(of_events, of_records)
        curve = accumulation(table, conditioned=False)
        low, high = curve.limits()
        told[part] = {
            "sites": curve.sites.tolist(), "species": curve.richness.tolist(), "low": low.tolist(), "high": high.tolist(),
            "estimates": richness.pool(table).told(),
        }  # fmt: skip
        if part != JOINT:
            tables[part] = table
    compared = comparing.at_equal_coverage(tables, seed=seed) if tables else None
    return {"by": told, "compared": compared, "not_counted": every.height - records.height}


def _abundance(joined: Joined, counted: pl.DataFrame, name: str, asked: Parameters) -> list[dict[str, Any]]:
    """Return the relative abundance of a species by method, per side and joint, and the sides compared."""
    own = counted.filter(pl.col("name") == name)
    out = []
    for method in sorted(joined.events["method"].unique()):
        events, left_out = looked_for(joined, name, method=method, assumed_scope=asked.assumed_scope)
        if events.is_empty():
            # Of methods that never meant it nothing is told at all.
            if method in own["method"]:
                why = {JOINT: {"refused": _why_not(left_out)}}
                out.append({"species": name, "method": method, "by": why, "compared": None, "left_out": left_out})
            continue
        sides = sides_of(events)
        rates = {JOINT: abundance.rate(joined, events, own)}
        if len(sides) > 1:
            rates |= {side: abundance.rate(joined, events.filter(pl.col("side") == side), own) for side in sides}
        compared = {"sides": sides, **abundance.ratio(rates[sides[0]], rates[sides[1]])} if len(sides) == 2 else None
        out.append({"species": name, "method": method, "by": _told(rates), "compared": compared, "left_out": left_out})
    return out


def _told(rates: dict[str, Any]) -> dict[str, Any]:
    """Return results as plain values, and reasons as `refused`."""
    return {part: {"refused": one} if isinstance(one, str) else one.told() for part, one in rates.items()}


def _occupancy(joined: Joined, name: str, asked: Parameters) -> list[dict[str, Any]]:
    """Return naive and estimated occupancy of a species by method and year, per side and joint."""
    out = []
    own = joined.records.filter(pl.col("name") == name)
    for method, repeat in own.select("method", "repeat").unique().sort("method", "repeat", nulls_last=True).iter_rows():
        events = joined.events.filter((pl.col("method") == method) & pl.col("repeat").eq_missing(repeat))
        sides = sides_of(events)
        of = {
            part: histories.history(
                joined, name, method=method, repeat=repeat, side=None if part == JOINT else part,
                occasion_days=asked.occasion_days, assumed_scope=asked.assumed_scope,
            )
            for part in [JOINT, *(sides if len(sides) > 1 else [])]
        }  # fmt: skip
        told = {
            part: occupancy.fit(one.detected, one.effort).told()
            if np.isfinite(one.detected).any()
            else {"refused": _why_not(one.left_out)}
            for part, one in of.items()
        }
        found = of.pop(JOINT)
        compared = occupancy.compare({side: (one.detected, one.effort) for side, one in of.items()}) if of else None
        out.append(
            {
                "species": name, "method": method, "repeat": repeat, "unit": found.unit, "by": told, "compared": compared,
                "left_out": found.left_out,
            }
        )  # fmt: skip
    return out


def _why_not(left_out: dict[str, int]) -> str:
    """Return why there is no history."""
    reasons = ", ".join(f"{n} ({reason})" for reason, n in left_out.items())
    return (
        f"no event is known to have looked for it: {reasons}" if reasons else "no event is known to have looked for it"
    )


def _trends(joined: Joined, counted: pl.DataFrame, name: str, asked: Parameters) -> list[dict[str, Any]]:
    """Return the trend of a species by method, per side and joint; nothing where there is one year only."""
    if joined.events["repeat"].n_unique() < 2:
        return []
    own = counted.filter(pl.col("name") == name)
    out = []
    for method in sorted(set(own["method"])):
        events, left_out = looked_for(joined, name, method=method, assumed_scope=asked.assumed_scope)
        by: dict[str, Any] = {}
        sides = sides_of(events)
        for side in sides if len(sides) > 1 else []:
            by[side] = _trend(events.filter(pl.col("side") == side), own, left_out)
        by = {JOINT: _trend(events, own, left_out), **by}
        for side in sides if isinstance(by[JOINT], trends.Trend) else []:
            if not trends.has_repeats(_by_repeat(events.filter(pl.col("side") == side), own)):
                by[JOINT] = (
                    f"no site of {side} was looked at in two years: the trend would be that of other sides alone"
                )
        out.append({"species": name, "method": method, "by": _told(by)})
    return out


def _trend(events: pl.DataFrame, own: pl.DataFrame, left_out: dict[str, int]) -> trends.Trend | str:
    """Return the trend of one part, or why it cannot be told."""
    if events.is_empty():
        return _why_not(left_out)
    return effort.one_unit(events) or trends.trend(_by_repeat(events, own))


def _by_repeat(events: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Return independent events and effort of each site and year; a site of two sides is one of each."""
    at = ["site", "side", "repeat"]
    worked = events.drop_nulls("repeat").filter(pl.col("effort_value") > 0)
    n = own.join(worked.select("event_key"), on="event_key", how="semi").group_by(at).len("n")
    looked = effort.of_stations(worked, by=("repeat",)).join(n, on=at, how="left")
    return looked.select(
        "repeat", "effort", pl.col("n").fill_null(0), site=pl.concat_str("site", "side", separator="\x1f")
    ).sort("site", "repeat")


def _activity(joined: Joined, counted: pl.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return at which hours cameras saw each species, per side and joint; nothing of species that they did not see."""
    known, lost = activity.hours(joined, counted)
    out = []
    for name in names:
        own, reasons = known.filter(pl.col("name") == name), lost.filter(pl.col("name") == name)
        if own.is_empty() and reasons.is_empty():
            continue
        sides = sorted(set(own["side"]) - {NO_SIDE})
        by = {side: activity.summary(own.filter(pl.col("side") == side)).told() for side in sides if len(sides) > 1}
        left_out = dict(reasons.group_by("reason").len().sort("reason").iter_rows())
        out.append({"species": name, "by": {JOINT: activity.summary(own).told(), **by}, "left_out": left_out})
    return out


def _totals(joined: Joined, counted: pl.DataFrame, name: str, asked: Parameters) -> list[dict[str, Any]]:
    """Return the totals of a species over all sides as intervals, by method and year.

    Of two methods, or of two years, the same animals would be added. Nothing is told where only one side looked.
    """
    place = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
    own = counted.filter(pl.col("name") == name).join(
        joined.events.select("event_key", *(pl.col(one).alias(f"_{one}") for one in place)), on="event_key", how="left"
    )
    first = pl.coalesce("event_start", "event_first")
    last = pl.coalesce("event_end", "event_start", "event_last", "event_first")
    out = []
    for method, repeat in own.select("method", "repeat").unique().sort("method", "repeat", nulls_last=True).iter_rows():
        same = (pl.col("method") == method) & pl.col("repeat").eq_missing(repeat)
        if len(sides_of(joined.events.filter(same))) < 2:
            continue
        groups = own.filter(same).select(
            "side", individuals="individualCount", start=first.cast(pl.Datetime("us")),
            end=last.cast(pl.Datetime("us")) + pl.duration(days=1),
            **{one: pl.coalesce(one, f"_{one}") for one in place},
        )  # fmt: skip
        found = joint.total(groups, distance_m=asked.distance_m, hours=asked.hours)
        out.append({"species": name, "method": method, "repeat": repeat, **found.told()})
    return out
