"""A problem of reserve selection: units, costs, amounts, and the requirements that a plan must meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from biodata.core.errors import InputError

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
    totals: Floats, *, lower_amount: float, lower_share: float, upper_amount: float, upper_share: float,
    cap_amount: float | None = None, cap_target: float | None = None,
) -> Floats:  # fmt: skip
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


@dataclass(frozen=True, eq=False)
class Boundary:
    """The boundary penalty: what a plan's outline costs.

    Attributes
    ----------
    first, second : ndarray of int64, length p
        Two units that share a boundary; each pair stands once.
    length : ndarray of float64, length p
        The shared boundary.
    outer : ndarray of float64, length n
        Boundary that a unit shares with no unit: Marxan's rows with id1 = id2.
    penalty : float
        Cost of a unit of length (Marxan's BLM).
    """

    first: Ints
    second: Ints
    length: Floats
    outer: Floats
    penalty: float


@dataclass(frozen=True, eq=False)
class Connectivity:
    """The connectivity penalty.

    Attributes
    ----------
    first, second : ndarray of int64, length p
        From and to; symmetric pairs stand once.
    strength : ndarray of float64, length p
        0 or more.
    penalty : float
    symmetric : bool
        A symmetric connection is rewarded where both units are in the plan (prioritizr's
        `add_connectivity_penalties`); an asymmetric one is charged where the first is in it and the second is not
        (Beger et al. 2010, https://doi.org/10.1111/j.1755-263X.2010.00123.x; Marxan's ASYMMETRICCONNECTIVITY).
    """

    first: Ints
    second: Ints
    strength: Floats
    penalty: float
    symmetric: bool = True


@dataclass(frozen=True, eq=False)
class Problem:
    """What is asked.

    Attributes
    ----------
    cost : ndarray of float64, length n
        0 or more.
    amounts : sparse array, m features × n units
        0 or more.
    requirements : sequence of Requirement
        A feature is met where all of its requirements are.
    locked_in, locked_out : ndarray of bool, length n, optional
    boundary, connectivity : optional
    shortfall_cost : ndarray of float64, one for each requirement, optional
        What it costs to miss all of a requirement, in proportion for a part; inf where it
        must be met.
    unit_names, feature_names : sequence of str, optional
        For messages.
    """

    cost: Floats
    amounts: Sparse
    requirements: Sequence[Requirement]
    locked_in: Bools | None = None
    locked_out: Bools | None = None
    boundary: Boundary | None = None
    connectivity: Connectivity | None = None
    shortfall_cost: Floats | None = None
    unit_names: Sequence[str] = field(default_factory=tuple)
    feature_names: Sequence[str] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        """Refuse what cannot be asked.

        Raises
        ------
        InputError
            If lengths do not fit, a number is negative or missing, or a unit is locked both ways.
        """
        units = self.amounts.shape[1]
        lengths = {"cost": (len(self.cost), units)}
        lengths |= {
            name: (len(getattr(self, name)), units)
            for name in ("locked_in", "locked_out")
            if getattr(self, name) is not None
        }
        if self.shortfall_cost is not None:
            lengths["shortfall_cost"] = (len(self.shortfall_cost), len(self.requirements))
        for name, (length, expected) in lengths.items():
            if length != expected:
                problem = f"{name} has {length} values, not {expected}"
                raise InputError(problem, column=name, code="PROBLEM_INVALID")
        self._check_numbers()
        both = np.flatnonzero(self.is_locked_in & self.is_locked_out)
        if both.size:
            problem = "the planning unit is locked in and locked out"
            raise InputError(problem, value=self.unit_name(int(both[0])), code="UNIT_LOCKED_TWICE")

    def _check_numbers(self) -> None:
        """Refuse negative and missing numbers."""
        numbers: dict[str, Floats | float | None] = {
            "cost": self.cost,
            "amounts": self.amounts.data,
            "shortfall_cost": self.shortfall_cost,
            "targets": np.array([requirement.need for requirement in self.requirements]),
        }
        if self.boundary is not None:
            boundary = self.boundary
            numbers |= {
                "boundary": boundary.length,
                "outer boundary": boundary.outer,
                "boundary penalty": boundary.penalty,
            }
        if self.connectivity is not None:
            numbers |= {"connectivity": self.connectivity.strength, "connectivity penalty": self.connectivity.penalty}
        for name, values in numbers.items():
            flat = np.atleast_1d(np.asarray(0.0 if values is None else values, dtype=np.float64))
            wrong = flat[~(flat >= 0)]
            if wrong.size:
                problem = "a number here is negative or missing"
                raise InputError(
                    problem, column=name, value=f"{wrong[0]:g}", expected="0 or more", code="PROBLEM_INVALID"
                )

    @property
    def units(self) -> int:
        """Number of planning units."""
        return len(self.cost)

    @property
    def is_locked_in(self) -> Bools:
        """Units that every plan has."""
        return np.zeros(self.units, dtype=bool) if self.locked_in is None else np.asarray(self.locked_in, dtype=bool)

    @property
    def is_locked_out(self) -> Bools:
        """Units that no plan has."""
        return np.zeros(self.units, dtype=bool) if self.locked_out is None else np.asarray(self.locked_out, dtype=bool)

    def unit_name(self, unit: int) -> str:
        """Return what a unit is called."""
        return self.unit_names[unit] if self.unit_names else str(unit)

    def feature_name(self, feature: int) -> str:
        """Return what a feature is called."""
        return self.feature_names[feature] if self.feature_names else str(feature)

    def requirement_name(self, requirement: Requirement) -> str:
        """Return what a requirement is called: its feature, and its place where it has one."""
        name = self.feature_name(requirement.feature)
        return f"{name} in {requirement.place}" if requirement.place else name

    def rows(self) -> Sparse:
        """Return what each unit adds to each requirement, sparse, requirements × units."""
        found = []
        for requirement in self.requirements:
            row = self.amounts[[requirement.feature]].tocsr()
            if requirement.counts:
                row = (row > 0).astype(np.float64)
            if requirement.units is not None:
                row = sparse.csr_array(row.multiply(requirement.units[np.newaxis].astype(np.float64)))
            found.append(row)
        if not found:
            return sparse.csr_array((0, self.units), dtype=np.float64)
        stacked = sparse.vstack(found, format="csr", dtype=np.float64)
        stacked.eliminate_zeros()
        return stacked
