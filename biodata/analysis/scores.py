"""The parts of a candidate's score: each a number from 0 to 1 with what it was made from and what it means."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Final

DEFAULT_WEIGHTS: Final = MappingProxyType(
    {
        "shared_species": 0.35,
        "corridor_quality": 0.2,
        "habitat_continuity": 0.2,
        "protected_share": 0.15,
        "area": 0.1,
    }
)
"""Weights of the parts; they are a first agreement to be argued with, not a finding."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score.

    Attributes
    ----------
    value : float, optional
        0-1; None where its input is missing.
    input : dict
        The numbers that it was made from.
    meaning : str
        How, in one sentence.
    """

    value: float | None
    input: Mapping[str, object] = field(default_factory=dict)
    meaning: str = ""


def shared_species(shared: int, one_sided: int, enough: int) -> Part:
    """Score the threatened species with records on both sides: `enough` of them score 1."""
    return Part(
        min(1.0, shared / enough),
        {"shared": shared, "one_sided": one_sided, "enough": enough},
        f"Threatened species with records that count on both sides; {enough} or more score 1.",
    )


def corridor_quality(cost: float | None, length_m: float | None, best_resistance: float | None) -> Part:
    """Score how near the least cost comes to crossing the same distance over the best ground."""
    meaning = "Cost of the same distance over the best ground, divided by the least cost; 0 where there is no link."
    if cost is None or length_m is None:
        return Part(0.0, {"link": False}, meaning)
    best = best_resistance or 1.0
    quality = 1.0 if cost == 0 else min(1.0, best * length_m / cost)
    return Part(quality, {"least_cost": cost, "distance_m": length_m, "best_resistance": best}, meaning)


def share(value: float | None, name: str, meaning: str) -> Part:
    """Score a share as it is."""
    return Part(None if value is None else min(1.0, max(0.0, value)), {name: value}, meaning)


def area(area_km2: float, enough_km2: float) -> Part:
    """Score the size of the polygon: `enough_km2` scores 1."""
    return Part(
        min(1.0, area_km2 / enough_km2),
        {"area_km2": round(area_km2, 3), "enough_km2": enough_km2},
        f"Area of the polygon; {enough_km2:g} km² or more score 1.",
    )


def weigh(parts: Mapping[str, Part], weights: Mapping[str, float]) -> tuple[float, dict[str, dict[str, object]]]:
    """Return the weighted mean of the parts that have a value, and every part with the weight that it had.

    Parameters
    ----------
    parts : mapping of str to Part
    weights : mapping of str to float
        0 or more, for each part; where a part has no value the others' weights grow in proportion.

    Returns
    -------
    score : float
        0-1, to six decimals; 0 where no part has a value.
    told : dict
        By the part's name: value, weight (the one used), stated_weight, input, meaning and, where it has no value, note.
    """
    known = {name: part for name, part in parts.items() if part.value is not None and weights[name] > 0}
    total = sum(weights[name] for name in known)
    told: dict[str, dict[str, object]] = {}
    score = 0.0
    for name, part in parts.items():
        weight = weights[name] / total if name in known else 0.0
        value = None if part.value is None else round(part.value, 6)
        score += weight * (value or 0.0)
        told[name] = asdict(part) | {
            "value": value,
            "weight": round(weight, 6),
            "stated_weight": weights[name],
            "input": dict(part.input),
        }
        if value is None:
            told[name]["note"] = "The input is missing: the part does not count, and the others weigh more."
    return round(score, 6), told
