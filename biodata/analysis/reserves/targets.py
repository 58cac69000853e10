"""Targets of reserve selection: how much of a feature a plan must hold, in all or in each country."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from biodata.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Sparse: TypeAlias = Any
"""A scipy.sparse.csr_array of float64: the stubs cannot follow what comes out of its operators."""


@dataclass(frozen=True, eq=False)
class Requirement:
    """What a plan must hold of one feature.

    Attributes
    ----------
    feature : int
        Its number.
    need : float
        Amount, or number of units where `counts`.
    counts : bool
        Units that hold any of the feature are counted, not amounts.
    units : ndarray of bool, length n, optional
        Only these units count: those of a country.
    place : str
        What those units are called; empty for all.
    """

    feature: int
    need: float
    counts: bool = False
    units: Bools | None = None
    place: str = ""


def relative(totals: Floats, share: float | Floats) -> Floats:
    """Return targets that are a share (0-1) of what exists of each feature, in the unit of `totals`.

    Raises
    ------
    InputError
        If a share is not between 0 and 1.
    """
    shares = np.broadcast_to(np.asarray(share, dtype=np.float64), totals.shape)
    wrong = np.flatnonzero(~((shares >= 0) & (shares <= 1)))
    if wrong.size:
        problem = "a relative target is no share"
        raise InputError(problem, value=f"{shares[wrong[0]]:g}", expected="0 to 1", code="TARGET_INVALID")
    return totals * shares


def log_linear(
    totals: Floats,
    *,
    lower_amount: float,
    lower_share: float,
    upper_amount: float,
    upper_share: float,
    cap_amount: float | None = None,
    cap_target: float | None = None,
) -> Floats:
    """Return targets whose share falls with the logarithm of what exists, between two thresholds.

    Parameters
    ----------
    totals : ndarray of float64, length m
        What exists of each feature.
    lower_amount, upper_amount : float
        Below the first `lower_share` holds, above the second `upper_share`.
    lower_share, upper_share : float
        0-1.
    cap_amount, cap_target : float, optional
        Of which `cap_amount` or more exists, `cap_target` (an amount) is enough.

    Returns
    -------
    ndarray of float64, length m
        In the unit of `totals`.

    Raises
    ------
    InputError
        If the thresholds are not 0 < lower < upper, a share is not 0-1, or only one of the caps is given.

    Notes
    -----
    After Rodrigues et al. 2004, https://doi.org/10.1641/0006-3568(2004)054[1092:GGAPRF]2.0.CO;2, with the cap of
    Butchart et al. 2015, https://doi.org/10.1111/conl.12158, as prioritizr's `add_loglinear_targets`.
    """
    if not (
        0 < lower_amount < upper_amount and 0 <= min(lower_share, upper_share) <= max(lower_share, upper_share) <= 1
    ):
        problem = f"thresholds {lower_amount:g} and {upper_amount:g} with shares {lower_share:g} and {upper_share:g}"
        raise InputError(problem, expected="0 < lower < upper, and shares from 0 to 1", code="TARGET_INVALID")
    if (cap_amount is None) != (cap_target is None):
        problem = "only one of cap_amount and cap_target is given"
        raise InputError(problem, expected="both or none", code="TARGET_INVALID")
    ends = np.log([lower_amount, upper_amount])
    logarithms = np.log(np.clip(totals, lower_amount, upper_amount))
    wanted = np.interp(logarithms, ends, [lower_share, upper_share]) * totals
    if cap_amount is None or cap_target is None:
        return wanted
    return np.where(totals >= cap_amount, cap_target, wanted)


def requirements(needs: Floats, *, occurrences: Sequence[int] | None = None) -> tuple[Requirement, ...]:
    """Return one requirement for each target above 0, then one for each number of units above 0.

    Parameters
    ----------
    needs : ndarray of float64, length m
        Amount of each feature.
    occurrences : sequence of int, length m, optional
        At least so many units that hold the feature.
    """
    found = [Requirement(feature, float(need)) for feature, need in enumerate(needs) if need > 0]
    counted = enumerate(occurrences or ())
    return (*found, *(Requirement(feature, float(number), counts=True) for feature, number in counted if number > 0))


def in_each_country(
    feature: int,
    countries: Sequence[str | None],
    *,
    amounts: Mapping[str, float] | None = None,
    units: Mapping[str, int] | None = None,
) -> tuple[Requirement, ...]:
    """Return requirements that a feature be held on each side of a border.

    Parameters
    ----------
    feature : int
        Its number.
    countries : sequence of str, length n
        The country of each planning unit; None belongs to no side.
    amounts : mapping of str to float, optional
        Amount by country.
    units : mapping of str to int, optional
        At least so many units that hold the feature, by country.

    Raises
    ------
    InputError
        If no unit lies in a country that is asked for.
    """
    sides = np.array([country or "" for country in countries])
    found = []
    for wanted, counts in ((amounts or {}, False), (units or {}, True)):
        for country, need in wanted.items():
            inside: Bools = sides == country
            if not inside.any():
                known = ", ".join(sorted(set(sides.tolist()) - {""}))
                problem = "no planning unit lies in this country"
                raise InputError(problem, value=country, expected=f"one of {known}", code="COUNTRY_UNKNOWN")
            found.append(Requirement(feature, float(need), counts=counts, units=inside, place=country))
    return tuple(found)
