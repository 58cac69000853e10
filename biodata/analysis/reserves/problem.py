"""A reserve selection problem as it is asked: units, features, targets, penalties, limits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy import sparse

from biodata.analysis.reserves.targets import Bools, Floats, Ints, Requirement, Sparse
from biodata.errors import InputError

Objective = Literal["minimum_set", "maximum_coverage", "minimum_shortfall"]


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
    edge_factor : float
        Share of the outer boundary that counts; Marxan counts all of it.
    """

    first: Ints
    second: Ints
    length: Floats
    outer: Floats
    penalty: float
    edge_factor: float = 1.0


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
    objective : str
        'minimum_set' (least cost that meets all), 'maximum_coverage' (most weight of features met within the budget)
        or 'minimum_shortfall' (least weighted sum of the features' shortfalls within the budget; a feature's shortfall
        is the largest share that one of its requirements misses).
    budget : float, optional
        Most that the units of a plan may cost; penalties are not part of it.
    weights : ndarray of float64, length m, optional
        Of features, for the last two objectives; 1 where none are given.
    locked_in, locked_out : ndarray of bool, length n, optional
    boundary, connectivity : optional
    shortfall_cost : ndarray of float64, one for each requirement, optional
        Only for the minimum set: what it costs to miss all of a requirement, in proportion for a part; inf where it
        must be met.
    unit_names, feature_names : sequence of str, optional
        For messages.
    """

    cost: Floats
    amounts: Sparse
    requirements: Sequence[Requirement]
    objective: Objective = "minimum_set"
    budget: float | None = None
    weights: Floats | None = None
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
            If lengths do not fit, a number is negative or missing, a unit is locked both ways, or a budget lacks.
        """
        features, units = self.amounts.shape
        lengths = {"cost": (len(self.cost), units)}
        lengths |= {
            name: (len(getattr(self, name)), units)
            for name in ("locked_in", "locked_out")
            if getattr(self, name) is not None
        }
        if self.weights is not None:
            lengths["weights"] = (len(self.weights), features)
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
        if self.objective != "minimum_set" and self.budget is None:
            problem = f"{self.objective} needs a budget"
            raise InputError(problem, column="budget", code="BUDGET_MISSING")
        if self.objective != "minimum_set" and self.shortfall_cost is not None:
            problem = "a cost of shortfalls belongs to the minimum set"
            raise InputError(problem, column="shortfall_cost", code="PROBLEM_INVALID")

    def _check_numbers(self) -> None:
        """Refuse negative and missing numbers."""
        numbers: dict[str, Floats | float | None] = {
            "cost": self.cost,
            "amounts": self.amounts.data,
            "budget": self.budget,
            "weights": self.weights,
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
            numbers["edge_factor"] = boundary.edge_factor
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
