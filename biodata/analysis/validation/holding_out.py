"""Which records may test a corridor: held out by place and time, none used twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Ints

REASONS = (
    "made the resistance, the sources or the evidence",
    "of one event with a record that was used",
    "a repeat of another record",
    "in the block of a record that was used",
    "before the test's time",
    "date not told",
)
"""Why a record is no test, in the order in which they are looked at."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Records sorted into test and not.

    Attributes
    ----------
    test : ndarray of bool, (n,)
    why_not : list of str or None, (n,)
        One of `REASONS`; None for a test record.
    blocks : ndarray of int64, (n,)
        The block that each record lies in.
    """

    test: NDArray[np.bool_]
    why_not: list[str | None]
    blocks: Ints

    def left_out(self) -> dict[str, int]:
        """Count what is no test, by reason."""
        return {reason: n for reason in REASONS if (n := sum(why == reason for why in self.why_not))}


def blocks_of(xy: Floats, block_m: float, *, origin: tuple[float, float] = (0.0, 0.0)) -> Ints:
    """Return which square block each place lies in.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        Metres.
    block_m : float
        Side of a block: at least the range of the surface's variogram, so that neighbours of a test record which share
        its value are in its block (Roberts et al. 2017, https://doi.org/10.1111/ecog.02881).
    origin : x, y
        A corner of some block.

    Returns
    -------
    ndarray of int64, (n,)
        The same number for places of one block, from 0 in the order of the blocks.
    """
    if block_m <= 0:
        return np.arange(len(xy), dtype=np.int64)
    numbers = np.floor((xy - np.asarray(origin)) / block_m).astype(np.int64)
    blocks: Ints = np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return blocks


def hold_out(
    records: pl.DataFrame,
    *,
    block_m: float,
    origin: tuple[float, float] = (0.0, 0.0),
    since: date | None = None,
) -> HeldOut:
    """Sort records into those that may test a corridor and those that may not.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns x and y (metres); `used` (True for a record that made the resistance, the sources or the evidence), and
        where they are known `group` (records of one cluster share it) and `date`.
    block_m : float
        Side of the blocks, metres: a block with a used record holds no test; 0 for no blocks.
    origin : x, y
        A corner of some block.
    since : datetime.date, optional
        The first day of the test's time: what came before may have been known to those who made the corridor.

    Returns
    -------
    HeldOut
        Of a group, and of records at one place on one day, one stays: the first. One at the place and on the day of a
        used record is of its event, whether or not anybody linked the two.
    """
    n = records.height
    xy = records.select("x", "y").to_numpy().astype(np.float64)
    blocks = blocks_of(xy, block_m, origin=origin)
    used = np.array(records["used"].fill_null(False).to_list(), dtype=bool) if "used" in records.columns else _none(n)
    groups = records["group"].to_list() if "group" in records.columns else [None] * n
    dates: list[date | None] = records["date"].to_list() if "date" in records.columns else [None] * n
    used_groups = {group for group, known in zip(groups, used, strict=True) if known and group is not None}
    used_blocks = set(blocks[used].tolist()) if block_m > 0 else set()
    stood = {_place_and_day(xy[i], dates[i]) for i in np.flatnonzero(used)}
    repeated = _repeats(xy, groups, dates, used)
    why_not: list[str | None] = []
    for i in range(n):
        reasons = (
            used[i],
            (groups[i] is not None and groups[i] in used_groups) or _place_and_day(xy[i], dates[i]) in stood,
            repeated[i],
            int(blocks[i]) in used_blocks,
            since is not None and dates[i] is not None and (dates[i] or since) < since,
            since is not None and dates[i] is None,
        )
        why_not.append(next((why for why, holds in zip(REASONS, reasons, strict=True) if holds), None))
    return HeldOut(np.array([why is None for why in why_not], dtype=bool), why_not, blocks)


def split(xy: Floats, *, block_m: float, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose whole blocks at random for a test, before anything is made of the records in the others.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        Metres; of a cluster all must stand at one place, else hold them out as a group with `hold_out`.
    block_m : float
        Side of a block, metres.
    share : float
        Share of the blocks with records that are held out, above 0 and below 1; at least one block on each side.
    rng : numpy.random.Generator
        Chooses the blocks, and where the first one begins.

    Returns
    -------
    ndarray of bool, (n,)
        True for records that are held out.
    """
    start = rng.uniform(0, max(block_m, 1.0), 2)
    blocks = blocks_of(xy, block_m, origin=(float(start[0]), float(start[1])))
    count = int(blocks.max(initial=-1)) + 1
    held = min(max(1, round(share * count)), max(1, count - 1))
    return np.isin(blocks, rng.choice(count, held, replace=False)) if count else _none(len(xy))


def _none(n: int) -> NDArray[np.bool_]:
    return np.zeros(n, dtype=bool)


def _repeats(
    xy: Floats, groups: Sequence[object], dates: Sequence[date | None], used: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Mark every record after the first of its group, or of its very place and day."""
    seen: set[object] = set()
    repeated = _none(len(xy))
    for i in range(len(xy)):
        if used[i]:
            continue
        keys: list[object] = [_place_and_day(xy[i], dates[i])]
        if groups[i] is not None:
            keys.append(("group", groups[i]))
        repeated[i] = any(key in seen for key in keys)
        seen.update(keys)
    return repeated


def _place_and_day(place: Floats, day: date | None) -> tuple[float, float, date | None]:
    """Return what two records of one event share where nothing else tells that they are one."""
    return float(place[0]), float(place[1]), day
