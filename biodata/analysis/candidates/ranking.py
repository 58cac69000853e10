"""Fronts and ranks of candidates from their criteria, told so that a card alone lets anybody have them again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from biodata.analysis.candidates import acceptability, pareto
from biodata.analysis.candidates.criteria import CRITERIA, Criterion
from biodata.analysis.grid import Floats
from biodata.vocabularies import CandidateCriterion

MISSING: Final = (
    "A missing value is worse than every known one and as bad as another missing one, so no candidate is favoured by "
    "missing data."
)
SCALE: Final = "Share of the other candidates that are worse in the criterion; missing is 0."
NOT_CHOSEN: Final = "not chosen for the ranking"
NOT_KNOWN: Final = "known of no candidate"
ALIKE: Final = "the same for all candidates: it cannot tell them apart"
_DECIMALS: Final = 6


def rank(
    values: Sequence[Mapping[str, float | None]],
    *,
    draws: int,
    seed: int,
    first: int,
    criteria: Sequence[str] = tuple(CandidateCriterion),
) -> list[dict[str, Any]]:
    """Rank candidates.

    Parameters
    ----------
    values : sequence of n mappings of criterion's name to value
        None where missing.
    draws, seed, first : int
        See `acceptability.accept`.
    criteria : sequence of str
        Names of the criteria that decide front and rank; the others are told and decide nothing.

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
    good = pareto.goodness(matrix, more)
    front = pareto.fronts(good)
    found = acceptability.accept(good, draws=draws, seed=seed, first=first, tie_break=front)
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
                "weights": acceptability.METHOD,
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
        What `rank` told of one candidate, or that as read from JSON.

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
    told = {}
    for criterion in CRITERIA:
        found = {one[criterion.name] for one in values}
        if criterion not in chosen:
            told[str(criterion.name)] = NOT_CHOSEN
        elif found == {None}:
            told[str(criterion.name)] = NOT_KNOWN
        elif len(found) == 1 and len(values) > 1:
            told[str(criterion.name)] = ALIKE
    return told


def _weights(weights: Floats, chosen: Sequence[Criterion]) -> dict[str, float] | None:
    """Return weights by criterion; None for a candidate that stands first under none."""
    if np.isnan(weights).any():
        return None
    return {
        str(criterion.name): round(float(weight), _DECIMALS) for criterion, weight in zip(chosen, weights, strict=True)
    }
