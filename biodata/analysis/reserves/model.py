"""The mathematical model of a problem, solved by HiGHS within a stated time.

minimise  linear·x - Σ weight x_first x_second + slack_cost·s
where     rows x + s ≥ 1 (each row scaled by its need),  limits x ≤ 1,  x 0 or 1,  0 ≤ s ≤ 1

A boundary of length b between two units costs b (x_i + x_j - 2 x_i x_j), so every penalty is a part of `linear` and a
pair whose weight is never negative: without the rows the problem is a minimum cut.
"""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse

from biodata.analysis.reserves.problem import Bools, Floats, Ints, Problem, Sparse

TOLERANCE: Final = 1e-8
"""A requirement counts as met where less than this share of it is missing."""


class Clock:
    """A time limit.

    Parameters
    ----------
    seconds : float
        From now on.

    Attributes
    ----------
    stopped : bool
        True once something was stopped by it.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.stopped = False

    @property
    def left(self) -> float:
        """Seconds that are left, 0 or more."""
        return max(0.0, self._until - time.monotonic())

    def part(self, share: float, *, most: float = float("inf"), least: float = 0.0) -> "Clock":
        """Return a clock for a share of what is left; `least` and `most` are seconds."""
        return Clock(min(self.left, max(least, min(most, share * self.left))))

    def over(self) -> bool:
        """Return whether the time is over, which stops what asks."""
        over = self.left <= 0
        self.stopped |= over
        return over


@dataclass(frozen=True, eq=False)
class Model:
    """What solvers take.

    Attributes
    ----------
    linear : ndarray of float64, length n
    first, second, weight : ndarrays, length p
        Pairs; weight > 0.
    rows : sparse array, r rows × n units
        Each divided by its need; no amount is above 1, the whole need.
    requirement : ndarray of int64, length r
        Which of the problem's requirements a row is; those that need nothing have none.
    slack : ndarray of int64, length r
        Which slack a row has; -1 where it must be met.
    slack_cost : ndarray of float64
        Cost of missing all.
    locked_in, locked_out : ndarray of bool, length n
    """

    linear: Floats
    first: Ints
    second: Ints
    weight: Floats
    rows: Sparse
    requirement: Ints
    slack: Ints
    slack_cost: Floats
    locked_in: Bools
    locked_out: Bools

    @property
    def units(self) -> int:
        """Number of planning units."""
        return len(self.linear)

    @property
    def rounding(self) -> float:
        """How far an objective may be off: its parts may be large and cancel each other, as where nothing is covered."""
        parts = (self.linear, self.weight, self.slack_cost)
        return 1e-14 * sum(float(np.abs(part).sum()) for part in parts) + 1e-12

    def beside(self) -> Sparse:
        """Return the pairs both ways, units × units."""
        ends = np.concatenate([self.first, self.second]), np.concatenate([self.second, self.first])
        weights = np.concatenate([self.weight, self.weight])
        return sparse.csr_array((weights, ends), shape=(self.units, self.units))

    def price(self) -> Floats:
        """Return the cost of missing all of a row; inf where it must be met."""
        return np.where(self.slack >= 0, np.append(self.slack_cost, np.inf)[self.slack], np.inf)

    def slacks(self, chosen: Bools) -> Floats:
        """Return the least slack that a choice of units needs."""
        short = np.clip(1 - self.rows @ chosen.astype(np.float64), 0, 1)
        short[short < TOLERANCE] = 0.0
        found = np.zeros(len(self.slack_cost))
        has = self.slack >= 0
        np.maximum.at(found, self.slack[has], short[has])
        return found

    def value(self, chosen: Bools) -> float:
        """Return the objective of a choice of units."""
        x = chosen.astype(np.float64)
        pairs = float(self.weight @ (x[self.first] * x[self.second]))
        return float(self.linear @ x) - pairs + float(self.slack_cost @ self.slacks(chosen))

    def allows(self, chosen: Bools) -> bool:
        """Return whether a choice of units meets every row without slack, and the locks."""
        short = 1 - self.rows @ chosen.astype(np.float64)
        met = bool((short[self.slack < 0] < TOLERANCE).all())
        return met and bool(chosen[self.locked_in].all()) and not bool(chosen[self.locked_out].any())


def build(problem: Problem) -> Model:
    """Return the solvers' form of a problem."""
    n = problem.units
    linear = problem.cost.astype(np.float64)
    pairs: list[tuple[Ints, Ints, Floats]] = []
    if (boundary := problem.boundary) is not None and boundary.penalty > 0:
        ends = np.bincount(boundary.first, boundary.length, n) + np.bincount(boundary.second, boundary.length, n)
        linear = linear + boundary.penalty * (boundary.outer + ends)
        pairs.append((boundary.first, boundary.second, 2 * boundary.penalty * boundary.length))
    if (links := problem.connectivity) is not None and links.penalty > 0:
        between = links.first != links.second
        first, second, strength = links.first[between], links.second[between], links.penalty * links.strength[between]
        if links.symmetric:
            alone = np.bincount(links.first[~between], links.penalty * links.strength[~between], n)
            linear = linear - alone
        else:
            linear = linear + np.bincount(first, strength, n)
        pairs.append((first, second, strength))
    first, second, weight = _merge(pairs, n)
    needs = np.array([requirement.need for requirement in problem.requirements], dtype=np.float64)
    used: Ints = np.flatnonzero(needs > 0)
    rows = (
        sparse.csr_array(sparse.diags_array(1 / needs[used]) @ problem.rows()[used])
        if used.size
        else sparse.csr_array((0, n))
    )
    rows.data = np.minimum(rows.data, 1.0)  # what is more than enough changes no plan, and bounds are better without it
    slack, slack_cost = _slacks(problem, used)
    return Model(
        linear=linear, first=first, second=second, weight=weight, rows=rows, requirement=used.astype(np.int64),
        slack=slack, slack_cost=slack_cost, locked_in=problem.is_locked_in, locked_out=problem.is_locked_out,
    )  # fmt: skip


def _merge(pairs: list[tuple[Ints, Ints, Floats]], n: int) -> tuple[Ints, Ints, Floats]:
    """Return each pair once, the lower unit first, with the sum of its weights."""
    if not pairs:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    first, second, weight = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    low, high = np.minimum(first, second), np.maximum(first, second)
    keys, place = np.unique(low * n + high, return_inverse=True)
    summed: Floats = np.bincount(place, weight, len(keys)).astype(np.float64)
    kept = summed > 0
    low, high = keys[kept] // n, keys[kept] % n
    return low, high, summed[kept]


def _slacks(problem: Problem, used: Ints) -> tuple[Ints, Floats]:
    """Return which slack each row has, and what the slacks cost."""
    prices = np.full(len(problem.requirements), np.inf) if problem.shortfall_cost is None else problem.shortfall_cost
    prices = prices[used]
    soft = np.isfinite(prices)
    return np.where(soft, np.cumsum(soft) - 1, -1).astype(np.int64), prices[soft]
