"""Steps between the fixes of tracked animals: length, direction, turn; what a gap separates is not joined."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from biodata.geo import WGS84, Floats

FIXES: Final = pl.Schema(
    [
        ("track", pl.String),
        ("at", pl.Datetime("us", "UTC")),
        ("decimalLongitude", pl.Float64),
        ("decimalLatitude", pl.Float64),
    ]
)
"""Fixes: `track` tells animal and tag apart, `at` is in UTC, degrees are WGS 84."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of tracked animals.

    Attributes
    ----------
    table : polars.DataFrame of n rows
        track; burst, a number that changes at every gap; start, end (UTC); start_longitude, start_latitude, longitude,
        latitude (of its end), degrees; length_m, geodesic; azimuth, radians clockwise from north at its end; turn, radians
        from the step before, in (-π, π], positive to the right, null for the first of a burst and after no movement;
        hours.
    facts : dict
        Interval, tolerance, fixes, steps and what was left out, as plain values.
    """

    table: pl.DataFrame
    facts: dict[str, Any]


def steps(fixes: pl.DataFrame, *, interval_minutes: float | None = None, tolerance: float = 0.25) -> Steps:
    """Return the steps between neighbouring fixes that are one interval apart.

    Parameters
    ----------
    fixes : polars.DataFrame of FIXES
        In any order; of several at one moment of a track the first counts.
    interval_minutes : float, optional
        The time of a step; the median of what is found where none is told.
    tolerance : float
        How much shorter or longer a step may take, as a share of the interval. What takes longer is a gap, which ends a
        burst and is not bridged; a fix that comes too early is passed over.

    Returns
    -------
    Steps

    Raises
    ------
    ValueError
        If `interval_minutes` or `tolerance` does not fit.
    """
    if (interval_minutes is not None and interval_minutes <= 0) or not 0 <= tolerance < 1:
        msg = f"an interval above 0 and a tolerance of 0 to below 1 are needed, not {interval_minutes} and {tolerance}"
        raise ValueError(msg)
    ordered = fixes.drop_nulls().unique(["track", "at"], keep="first", maintain_order=True).sort("track", "at")
    if interval_minutes is None:
        minutes = ordered.select(pl.col("at").diff().over("track").dt.total_seconds() / 60).to_series().drop_nulls()
        interval_minutes = float(minutes.median()) if minutes.len() else 0.0  # type: ignore[arg-type]
    least, most = interval_minutes * (1 - tolerance) * 60, interval_minutes * (1 + tolerance) * 60
    kept, burst, early, gaps = _bursts(ordered, least, most)
    chosen = ordered[kept].with_columns(burst=pl.Series(burst, dtype=pl.Int64))
    table = _between(chosen)
    facts = {
        "interval_minutes": interval_minutes, "tolerance": tolerance, "tracks": ordered["track"].n_unique(),
        "fixes": ordered.height, "repeated_or_without_place": fixes.height - ordered.height,
        "too_early": early, "gaps_not_bridged": gaps, "bursts": len(set(burst)), "steps": table.height,
    }  # fmt: skip
    return Steps(table, facts)


def _bursts(ordered: pl.DataFrame, least: float, most: float) -> tuple[list[int], list[int], int, int]:
    """Return the rows of the fixes that are used, their bursts, and the numbers of early fixes and gaps."""
    tracks = ordered["track"].to_list()
    seconds = (ordered["at"].dt.epoch("us").to_numpy() / 1e6).tolist()
    kept: list[int] = []
    burst: list[int] = []
    number, early, gaps = -1, 0, 0
    for row, (track, second) in enumerate(zip(tracks, seconds, strict=True)):
        if not kept or track != tracks[kept[-1]]:
            number += 1
        else:
            apart = second - seconds[kept[-1]]
            if apart < least:
                early += 1
                continue
            if apart > most:
                gaps += 1
                number += 1
        kept.append(row)
        burst.append(number)
    return kept, burst, early, gaps


def _between(fixes: pl.DataFrame) -> pl.DataFrame:
    """Return the steps between neighbours of a burst."""
    lon, lat = fixes["decimalLongitude"].to_numpy(), fixes["decimalLatitude"].to_numpy()
    burst = fixes["burst"].to_numpy()
    joined = burst[1:] == burst[:-1]
    ahead, back, length = WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    leave, arrive = np.radians(ahead), np.radians(back) + np.pi
    turn = np.full(len(leave), np.nan)
    if len(leave) > 1:
        follows = joined[1:] & joined[:-1] & (length[1:] > 0) & (length[:-1] > 0)
        turn[1:][follows] = wrapped(leave[1:] - arrive[:-1])[follows]
    at = fixes["at"]
    frame = pl.DataFrame(
        {
            "track": fixes["track"][1:], "burst": burst[1:], "start": at[:-1], "end": at[1:],
            "start_longitude": lon[:-1], "start_latitude": lat[:-1], "longitude": lon[1:], "latitude": lat[1:],
            "length_m": length, "azimuth": wrapped(arrive), "came_from": np.append([np.nan], arrive[:-1])[: len(leave)],
            "turn": turn,
        }
    )  # fmt: skip
    hours = ((pl.col("end") - pl.col("start")).dt.total_seconds() / 3600).alias("hours")
    return frame.filter(pl.Series(joined)).with_columns(hours, pl.col("turn", "came_from").fill_nan(None))


def wrapped(angle: Floats) -> Floats:
    """Return angles in (-π, π], radians."""
    turned: Floats = -((-angle + np.pi) % (2 * np.pi) - np.pi)
    return turned
