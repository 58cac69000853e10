"""What results tell of each species, by method, per side and joint, and why something is not told."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from biodata.analysis.surveys import abundance, activity, effort, floors, histories, joint, occupancy, trends
from biodata.analysis.surveys.asked import JOINT, Parameters, sides_of
from biodata.analysis.surveys.joining import NO_SIDE, Joined, looked_for


def abundance_of(joined: Joined, counted: pl.DataFrame, name: str, asked: Parameters) -> list[dict[str, Any]]:
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
        by = {part: floors.rate(one) for part, one in rates.items()}
        compared = None
        if len(sides) == 2:
            refused = _first_refused(by, sides)
            found = {"refused": refused} if refused else abundance.ratio(rates[sides[0]], rates[sides[1]])
            compared = {"sides": sides, **found}
        out.append({"species": name, "method": method, "by": by, "compared": compared, "left_out": left_out})
    return out


def occupancy_of(joined: Joined, name: str, asked: Parameters) -> list[dict[str, Any]]:
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
            part: floors.share_of_sites(occupancy.fit(one.detected, one.effort))
            if np.isfinite(one.detected).any()
            else {"refused": _why_not(one.left_out)}
            for part, one in of.items()
        }
        found = of.pop(JOINT)
        compared = None
        if of:
            refused = _first_refused(told, of)
            sampled = {side: (one.detected, one.effort) for side, one in of.items()}
            compared = {"refused": refused} if refused else occupancy.compare(sampled)
        out.append(
            {
                "species": name, "method": method, "repeat": repeat, "unit": found.unit, "by": told, "compared": compared,
                "left_out": found.left_out,
            }
        )  # fmt: skip
    return out


def _first_refused(by: Mapping[str, Mapping[str, Any]], sides: Iterable[str]) -> str | None:
    """Return why the first side of which nothing is told has nothing; None where each has."""
    # What was counted there stands in its own cell.
    return next((f"{side}: {by[side]['refused'].partition(':')[0]}" for side in sides if "refused" in by[side]), None)


def _why_not(left_out: dict[str, int]) -> str:
    """Return why there is no history."""
    reasons = ", ".join(f"{n} ({reason})" for reason, n in left_out.items())
    return (
        f"no event is known to have looked for it: {reasons}" if reasons else "no event is known to have looked for it"
    )


def trends_of(joined: Joined, counted: pl.DataFrame, name: str, asked: Parameters) -> list[dict[str, Any]]:
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
        out.append({"species": name, "method": method, "by": {part: floors.change(one) for part, one in by.items()}})
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


def activity_of(joined: Joined, counted: pl.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return at which hours cameras saw each species, per side and joint; nothing of species that they did not see."""
    known, lost = activity.hours(joined, counted)
    out = []
    for name in names:
        own, reasons = known.filter(pl.col("name") == name), lost.filter(pl.col("name") == name)
        if own.is_empty() and reasons.is_empty():
            continue
        sides = sorted(set(own["side"]) - {NO_SIDE})
        by = {
            side: floors.night(activity.summary(own.filter(pl.col("side") == side))) for side in sides if len(sides) > 1
        }
        left_out = dict(reasons.group_by("reason").len().sort("reason").iter_rows())
        out.append({"species": name, "by": {JOINT: floors.night(activity.summary(own)), **by}, "left_out": left_out})
    return out


def totals_of(joined: Joined, counted: pl.DataFrame, name: str, asked: Parameters) -> list[dict[str, Any]]:
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
