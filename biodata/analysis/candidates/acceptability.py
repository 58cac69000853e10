"""Ranks when nobody has agreed on weights: in which share of all weights a candidate stands first.

Stochastic multicriteria acceptability analysis, Lahdelma, Hokkanen & Salminen 1998,
https://doi.org/10.1016/S0377-2217(97)00163-X, and SMAA-2, Lahdelma & Salminen 2001,
https://doi.org/10.1287/opre.49.3.444.11220. Weights are drawn uniformly from all that sum to 1.

What a criterion gives a candidate is the share of the other candidates that are worse in it, 0 to 1. So no unit and no
shape of a curve is anybody's choice, and a missing value, which is worse than every known one, gets 0: once it becomes
known its candidate can only rise. Criteria in which all candidates are alike cannot tell them apart and get no weight.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from biodata.analysis.grid import Floats

METHOD: Final = "uniform on the simplex: numpy.random.default_rng(seed).dirichlet(ones, draws)"
_DECIMALS: Final = 12
"""Sums of weighted values are compared to so many decimals: two candidates that are alike must tie."""


@dataclass(frozen=True, slots=True)
class Acceptability:
    """How n candidates stand under all weights.

    Attributes
    ----------
    first_share : ndarray of float64, (n,)
        Share of draws in which each stands first; where several do, they share the draw.
    error : ndarray of float64, (n,)
        Standard error of that share from the number of draws.
    within_share : ndarray of float64, (n,)
        Share of draws in which fewer than k candidates stand before it.
    mean_rank : ndarray of float64, (n,)
        Mean of its ranks; tied candidates have the mean of their ranks.
    low_rank, high_rank : ndarray of float64, (n,)
        Nine in ten of its ranks lie between them.
    central_weights : ndarray of float64, (n, m)
        Mean of the weights under which it stands first; nan where it never does.
    order : ndarray of int64, (n,)
        The candidates, the first first: by first_share, within_share, mean_rank.
    rank_share : ndarray of float64, (n,)
        Share of draws in which it has exactly the rank that `order` gives it.
    beats_next : ndarray of float64, (n,)
        Share of draws in which it stands before the candidate that `order` puts after it, ties by half; nan for the last.
    """

    first_share: Floats
    error: Floats
    within_share: Floats
    mean_rank: Floats
    low_rank: Floats
    high_rank: Floats
    central_weights: Floats
    order: NDArray[np.int64]
    rank_share: Floats
    beats_next: Floats


def share_worse(good: Floats) -> Floats:
    """Return, for each candidate and criterion, the share of the other candidates that are worse.

    Parameters
    ----------
    good : ndarray of float64, (n, m)
        Of which more is better; -inf where missing.

    Returns
    -------
    ndarray of float64, (n, m)
        0 to 1; 0 for one candidate alone.
    """
    worse: Floats = rankdata(good, method="min", axis=0) - 1.0
    return worse / max(len(good) - 1, 1)


def accept(good: Floats, *, draws: int, seed: int, first: int, tie_break: NDArray[np.int64]) -> Acceptability:
    """Draw weights and tell how the candidates stand.

    Parameters
    ----------
    good : ndarray of float64, (n, m)
        Of n candidates, n at least 1, by m criteria; more is better; -inf where missing.
    draws : int
        Weight vectors.
    seed : int
        Start of the draws.
    first : int
        The k of `within_share`.
    tie_break : ndarray of int64, (n,)
        The lower goes first where nothing else tells two candidates apart.

    Returns
    -------
    Acceptability
    """
    n, m = good.shape
    scaled = share_worse(good)
    telling = np.flatnonzero(np.ptp(scaled, axis=0) > 0)
    weights = np.zeros((draws, m))
    if telling.size:
        weights[:, telling] = np.random.default_rng(seed).dirichlet(np.ones(telling.size), draws)
    worth = np.round(weights @ scaled.T, _DECIMALS)
    rank = rankdata(-worth, method="min", axis=1)
    mean_rank = rankdata(-worth, method="average", axis=1)
    wins = rank == 1
    first_share = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
    within = (rank <= first).mean(axis=0)
    middle = mean_rank.mean(axis=0)
    order = np.lexsort((tie_break, middle, -within, -first_share))
    central = np.full((n, m), np.nan)
    for i in np.flatnonzero(wins.any(axis=0)):
        central[i] = weights[wins[:, i]].mean(axis=0)
    own_rank = np.empty(n, dtype=np.int64)
    own_rank[order] = np.arange(1, n + 1)
    beats = np.full(n, np.nan)
    for before, after in itertools.pairwise(order):
        ahead, behind = worth[:, before], worth[:, after]
        beats[before] = (ahead > behind).mean() + (ahead == behind).mean() / 2
    return Acceptability(
        first_share=first_share,
        error=np.sqrt(first_share * (1 - first_share) / draws),
        within_share=within,
        mean_rank=middle,
        low_rank=np.quantile(rank, 0.05, axis=0, method="inverted_cdf").astype(np.float64),
        high_rank=np.quantile(rank, 0.95, axis=0, method="inverted_cdf").astype(np.float64),
        central_weights=central,
        order=order,
        rank_share=(rank == own_rank).mean(axis=0),
        beats_next=beats,
    )
