"""Fronts and ranks of candidates from their criteria, under sampled weights where nobody has agreed on any.

A candidate dominates another one if it is nowhere worse and somewhere better. A missing value is worse than every known
one and as bad as another missing one: what is not known speaks for nobody, and whatever becomes known can only lift a
candidate, never drop it. So no candidate is favoured by missing data, and dominance stays transitive.

Stochastic multicriteria acceptability analysis, Lahdelma, Hokkanen & Salminen 1998,
https://doi.org/10.1016/S0377-2217(97)00163-X, and SMAA-2, Lahdelma & Salminen 2001,
https://doi.org/10.1287/opre.49.3.444.11220. Weights are drawn uniformly from all that sum to 1.

What a criterion gives a candidate is the share of the other candidates that are worse in it, 0 to 1. So no unit and no
shape of a curve is anybody's choice, and a missing value, which is worse than every known one, gets 0: once it becomes
known its candidate can only rise. Criteria in which all candidates are alike cannot tell them apart and get no weight.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from biodata.analysis.candidates.criteria import CRITERIA, Criterion
from biodata.analysis.grid import Floats
from biodata.core.vocabularies import CandidateCriterion

METHOD: Final = "uniform on the simplex: numpy.random.default_rng(seed).dirichlet(ones, draws)"
_WORTH_DECIMALS: Final = 12
"""Sums of weighted values are compared to so many decimals: two candidates that are alike must tie."""
MISSING: Final = (
    "A missing value is worse than every known one and as bad as another missing one, so no candidate is favoured by "
    "missing data."
)
SCALE: Final = "Share of the other candidates that are worse in the criterion; missing is 0."
NOT_CHOSEN: Final = "not chosen for the ranking"
NOT_KNOWN: Final = "known of no candidate"
ALIKE: Final = "the same for all candidates: it cannot tell them apart"
_DECIMALS: Final = 6


def goodness(values: Floats, more_is_better: NDArray[np.bool_]) -> Floats:
    """Return values of which more is always better; what is missing is -inf.

    Parameters
    ----------
    values : ndarray of float64, (n, m)
        Of n candidates by m criteria; nan where missing.
    more_is_better : ndarray of bool, (m,)

    Returns
    -------
    ndarray of float64, (n, m)
    """
    signed: Floats = np.where(more_is_better, values, -values)
    return np.where(np.isnan(signed), -np.inf, signed)


def fronts(good: Floats) -> NDArray[np.int64]:
    """Return the front of each candidate: 1 is dominated by none, 2 by none once front 1 is taken away, and so on.

    Parameters
    ----------
    good : ndarray of float64, (n, m)
        As `goodness` returns it.

    Returns
    -------
    ndarray of int64, (n,)

    Notes
    -----
    Non-dominated sorting after Deb et al. 2002, https://doi.org/10.1109/4235.996017.
    """
    n = len(good)
    no_worse = np.array([(good >= good[i]).all(axis=1) for i in range(n)]).reshape(n, n)
    better = np.array([(good > good[i]).any(axis=1) for i in range(n)]).reshape(n, n)
    dominated_by = no_worse & better
    front = np.zeros(n, dtype=np.int64)
    number = 0
    while (front == 0).any():
        number += 1
        left = front == 0
        front[left & ~(dominated_by & left).any(axis=1)] = number
    return front


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
    worth = np.round(weights @ scaled.T, _WORTH_DECIMALS)
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


def rank(
    values: Sequence[Mapping[str, float | None]], *, draws: int, seed: int, first: int,
    criteria: Sequence[str] = tuple(CandidateCriterion),
) -> list[dict[str, Any]]:  # fmt: skip
    """Rank candidates.

    Parameters
    ----------
    values : sequence of n mappings of criterion's name to value
        None where missing.
    draws, seed, first : int
        See `acceptability.accept`.
    criteria : sequence of str
        Names of the criteria that decide front and rank; the others are stated and decide nothing.

    Returns
    -------
    list of n dict
        `position` (in `values`) and what a card tells, the first rank first. `values` in it holds the criteria of all
        ranked candidates by their rank, without names; `ranked_by` names those that tell candidates apart, and
        `left_out` the others with the reason.
    """
    if not values:
        return []
    chosen = [criterion for criterion in CRITERIA if criterion.name in criteria]
    more = np.array([criterion.direction == "more" for criterion in chosen])
    matrix = np.array(
        [[np.nan if (v := one[c.name]) is None else v for c in chosen] for one in values], dtype=np.float64
    )
    left_out = _left_out(values, chosen)
    # The order of what comes in decides nothing: candidates that are alike in all keep the order of their values.
    good = goodness(matrix, more)
    front = fronts(good)
    found = accept(good, draws=draws, seed=seed, first=first, tie_break=front)
    by_rank = {str(place): _plain(values[int(i)]) for place, i in enumerate(found.order, start=1)}
    rows = []
    for place, i in enumerate(found.order, start=1):
        rows.append(
            {
                "position": int(i),
                "rank": place,
                "front": int(front[i]),
                "acceptability": _number(found.first_share[i]),
                "acceptability_error": _number(found.error[i]),
                "within_first": _number(found.within_share[i]),
                "first": first,
                "mean_rank": _number(found.mean_rank[i]),
                "nine_in_ten_ranks": [int(found.low_rank[i]), int(found.high_rank[i])],
                "rank_share": _number(found.rank_share[i]),
                "beats_next": _number(found.beats_next[i]),
                "central_weights": _weights(found.central_weights[i], chosen),
                "draws": draws,
                "seed": seed,
                "weights": METHOD,
                "scale": SCALE,
                "missing": MISSING,
                "criteria": [str(criterion.name) for criterion in chosen],
                "ranked_by": [str(criterion.name) for criterion in chosen if criterion.name not in left_out],
                "left_out": left_out,
                "directions": {criterion.name: criterion.direction for criterion in CRITERIA},
                "values": by_rank,
            }
        )
    return rows


def again(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ranking of a card's candidate, had again from the card's own numbers alone.

    Parameters
    ----------
    card : mapping
        What `rank` stated of one candidate, or that as read from JSON.

    Returns
    -------
    dict
        The same, without `position`.
    """
    everyone = card["values"]
    ordered = [everyone[str(place)] for place in range(1, len(everyone) + 1)]
    rows = rank(ordered, draws=card["draws"], seed=card["seed"], first=card["first"], criteria=card["criteria"])
    own = next(row for row in rows if row["rank"] == card["rank"])
    return {name: value for name, value in own.items() if name != "position"}


def sort_key(values: Mapping[str, float | None], name: str) -> str:
    """Return what orders candidates before they are ranked, so that the order of the input decides nothing."""
    return json.dumps([[c.name, values[c.name]] for c in CRITERIA]) + name


def _plain(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {criterion.name: values[criterion.name] for criterion in CRITERIA}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), _DECIMALS)


def _left_out(values: Sequence[Mapping[str, float | None]], chosen: Sequence[Criterion]) -> dict[str, str]:
    """Return the criteria that decide nothing, with the reason."""
    facts = {}
    for criterion in CRITERIA:
        found = {one[criterion.name] for one in values}
        if criterion not in chosen:
            facts[str(criterion.name)] = NOT_CHOSEN
        elif found == {None}:
            facts[str(criterion.name)] = NOT_KNOWN
        elif len(found) == 1 and len(values) > 1:
            facts[str(criterion.name)] = ALIKE
    return facts


def _weights(weights: Floats, chosen: Sequence[Criterion]) -> dict[str, float] | None:
    """Return weights by criterion; None for a candidate that stands first under none."""
    if np.isnan(weights).any():
        return None
    return {
        str(criterion.name): round(float(weight), _DECIMALS) for criterion, weight in zip(chosen, weights, strict=True)
    }
