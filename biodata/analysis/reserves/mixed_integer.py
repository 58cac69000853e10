"""Exact plans by mixed-integer programming, and lower bounds of a plan's cost by relaxation.

For given prices the best choice of units is a minimum cut, which takes milliseconds where the linear program with its two
rows a pair takes minutes. The highest bound over all prices equals that program's, since the cut is integral.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse

from biodata.analysis.reserves.model import TOLERANCE, Clock, Model
from biodata.analysis.reserves.problem import Bools, Floats

_LARGEST: Final = 2.0**48
"""Capacities are whole numbers that add up to about this, so none overflows and rounding is far below any gap."""


_MOST_CUTS: Final = 60
"""Choices kept in the bundle; the least used are merged into one."""


class MinimumCut:
    """min (linear - prices)·x - Σ weight x_first x_second over x that are 0 or 1, with the locks.

    A pair w x_i x_j is w/2 (x_i + x_j) - w/2 |x_i - x_j|: an edge of w/2 both ways, and half of it on each unit.

    Parameters
    ----------
    model : Model

    Notes
    -----
    The flow is OR-Tools' push-relabel; the graph is built once and only its capacities change.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        n, first, second, weight = model.units, model.first, model.second, model.weight
        self._half = np.bincount(first, weight / 2, n) + np.bincount(second, weight / 2, n)
        self._flow: Any = None
        if weight.size:
            from ortools.graph.python import max_flow

            self._flow = max_flow.SimpleMaxFlow()
            unit = np.arange(n)
            tails = np.concatenate([np.full(n, n), unit, first, second]).astype(np.int32)
            heads = np.concatenate([unit, np.full(n, n + 1), second, first]).astype(np.int32)
            self._arcs = self._flow.add_arcs_with_capacity(tails, heads, np.zeros(len(tails), dtype=np.int64))

    def cheapest(self, linear: Floats) -> tuple[float, Bools]:
        """Return a value that no choice goes below, and the choice that has it but for rounding.

        Parameters
        ----------
        linear : ndarray of float64, length n
            Cost of each unit, prices taken off.
        """
        model = self.model
        slack = 0.0
        if self._flow is None:
            chosen = linear < 0
        else:
            chosen, slack = self._cut(linear)
        chosen = (chosen | model.locked_in) & ~model.locked_out
        pairs = float(model.weight[chosen[model.first] & chosen[model.second]].sum())
        return float(linear[chosen].sum()) - pairs - slack, chosen

    def _cut(self, linear: Floats) -> tuple[Bools, float]:
        """Return the units on the source's side, and how much rounding may have cost."""
        model, n = self.model, self.model.units
        own = linear - self._half
        scale = _LARGEST / max(float(np.abs(own).sum() + model.weight.sum()), 1e-300)
        edge = np.rint(model.weight / 2 * scale).astype(np.int64)
        tied = np.zeros(n, dtype=np.int64)
        np.add.at(tied, model.first, edge)
        np.add.at(tied, model.second, edge)
        source = np.rint(np.maximum(-own, 0) * scale).astype(np.int64)
        sink = np.rint(np.maximum(own, 0) * scale).astype(np.int64)
        source[model.locked_in], sink[model.locked_in] = tied[model.locked_in] + 1, 0
        source[model.locked_out], sink[model.locked_out] = 0, tied[model.locked_out] + 1
        self._flow.set_arcs_capacity(self._arcs, np.concatenate([source, sink, edge, edge]))
        status = self._flow.solve(n, n + 1)
        if status != self._flow.OPTIMAL:
            message = f"the maximum flow ended with {status}"
            raise RuntimeError(message)
        side = np.asarray(self._flow.get_source_side_min_cut(), dtype=np.int64)
        chosen = np.zeros(n, dtype=bool)
        chosen[side[side < n]] = True
        return chosen, (2 * n + 2 * len(edge)) / scale


@dataclass(frozen=True, eq=False)
class Bound:
    """The bound and what led to it.

    Attributes
    ----------
    value : float
        No plan has a lower objective.
    prices : ndarray of float64, length r
        Of missing all of each row.
    share : ndarray of float64, length n
        How much of each unit the relaxed problem takes, 0-1: the mean of the choices at the last prices.
    steps : int
    """

    value: float
    prices: Floats
    share: Floats
    steps: int


def raise_bound(model: Model, *, clock: Clock, accuracy: float = 5e-5, most_steps: int = 800) -> Bound:
    """Return the highest bound that is found.

    Parameters
    ----------
    model : Model
    clock : Clock
        Stops it.
    accuracy : float
        Stop where the bundle promises less than this share of the bound.
    most_steps : int

    Notes
    -----
    A proximal bundle method (Kiwiel 1990, https://doi.org/10.1007/BF01585731): each step goes to where the cutting planes
    so far, minus the squared distance from the best prices, are highest; a row's prices stay between 0 and what its
    slack costs.
    """
    r = model.rows.shape[0]
    transposed, cut = model.rows.T.tocsr(), MinimumCut(model)
    ceiling = model.price()

    def ask(prices: Floats) -> tuple[float, Floats, Floats]:
        value, chosen = cut.cheapest(model.linear - transposed @ prices)
        units = chosen.astype(np.float64)
        return value + float(prices.sum()), 1 - model.rows @ units, units

    prices = np.zeros(r)
    best, slope, units = ask(prices)
    if not r:
        return Bound(best, prices, units, 0)
    slopes, constants, choices = [slope], [best - float(slope @ prices)], [units]
    weights = np.ones(1)
    reach = _first_reach(model, slope)
    steps = 0
    while steps < most_steps:
        steps += 1
        planes, offsets = np.array(slopes), np.array(constants)
        errors = np.maximum(offsets + planes @ prices - best, 0)
        weights = _simplex_weights(planes, errors, prices, ceiling, reach, weights)
        direction = planes.T @ weights
        tried = np.clip(prices + reach * direction, 0, ceiling)
        promised = float((offsets + planes @ tried) @ weights) - best
        value, slope, units = ask(tried)
        if len(slopes) >= _MOST_CUTS:
            kept = np.argsort(-weights)[: _MOST_CUTS - 2]
            mean = np.tensordot(weights, np.array(choices), axes=1)
            slopes = [*(slopes[i] for i in kept), direction]
            constants = [*(constants[i] for i in kept), float(offsets @ weights)]
            choices = [*(choices[i] for i in kept), mean]
            weights = np.append(np.zeros(len(kept)), 1.0)
        slopes.append(slope)
        constants.append(value - float(slope @ tried))
        choices.append(units)
        weights = np.append(weights, 0.0)
        gain = value - best
        if gain > 0.1 * promised:
            prices, best = tried, value
            reach *= 1.5 if gain > 0.5 * promised else 1.0
        elif -gain > promised:
            reach *= 0.7
        if promised < accuracy * abs(best) or clock.over():
            break
    share: Floats = np.clip(np.tensordot(weights, np.array(choices), axes=1), 0, 1)
    return Bound(best, prices, share, steps)


def _first_reach(model: Model, slope: Floats) -> float:
    """Return a first step length: prices of the size of the cost that a row would have if all shared it."""
    typical: float = 0.2 * float(np.abs(model.linear).sum()) / max(model.rows.shape[0], 1)
    return typical / max(float(np.linalg.norm(slope)), 1e-9) + 1e-12


def _simplex_weights(
    planes: Floats, errors: Floats, prices: Floats, ceiling: Floats, reach: float, weights: Floats, *, rounds: int = 300
) -> Floats:
    """Return the weights of the planes that give the next direction: the dual of the bundle's quadratic program.

    Accelerated projected gradients; exactness is not needed, since every step's bound is computed anew.
    """
    steepness = reach * float(np.linalg.norm(planes @ planes.T, 2)) + 1e-12
    current, looked, momentum = weights.copy(), weights.copy(), 1.0
    for _ in range(rounds):
        moved = np.clip(prices + reach * (planes.T @ looked), 0, ceiling) - prices
        gradient = planes @ moved + errors
        following = _onto_simplex(looked - gradient / steepness)
        grown = (1 + np.sqrt(1 + 4 * momentum * momentum)) / 2
        if (following - current) @ gradient > 0:
            grown = 1.0
        looked = following + (momentum - 1) / grown * (following - current)
        change = float(np.abs(following - current).max())
        current, momentum = following, grown
        if change < 1e-9:
            break
    return current


def _onto_simplex(values: Floats) -> Floats:
    """Return the nearest weights that are not negative and add up to 1."""
    falling = np.sort(values)[::-1]
    excess = np.cumsum(falling) - 1
    last = int(np.flatnonzero(falling > excess / np.arange(1, len(values) + 1))[-1])
    nearest: Floats = np.maximum(values - excess[last] / (last + 1), 0)
    return nearest


@dataclass(frozen=True, eq=False)
class Found:
    """What the solver came to.

    Attributes
    ----------
    chosen : ndarray of bool, length n, optional
        The best plan found; None where there is none.
    bound : float
        No plan has a lower objective.
    infeasible : bool
        There is no plan at all.
    """

    chosen: Bools | None
    bound: float
    infeasible: bool


def minimise(
    model: Model, *, clock: Clock, gap: float = 0.0, threads: int = 1, start: Bools | None = None,
    interior_point: bool = True, seed: int = 0,
) -> Found:  # fmt: skip
    """Solve a model with HiGHS.

    Parameters
    ----------
    model : Model
        Pairs are linearised as z ≤ x_i, z ≤ x_j, after Beyer et al. 2016,
        https://doi.org/10.1016/j.ecolmodel.2016.02.005.
    clock : Clock
        Stops it.
    gap : float
        Stop where the objective is within this share of the bound.
    threads : int
    start : ndarray of bool, length n, optional
        A plan to begin with.
    interior_point : bool
        Solve the root by interior points where there are pairs: the two rows of each pair make the simplex slow.
    seed : int
    """
    import highspy

    n, p, k = model.units, len(model.weight), len(model.slack_cost)
    solver = _quiet(highspy)
    options: dict[str, Any] = {
        "output_flag": False,
        "threads": threads,
        "time_limit": max(clock.left, 0.1),
        "mip_rel_gap": gap,
        "mip_abs_gap": 1e-9 if gap == 0 else 1e-6,
        "mip_feasibility_tolerance": 1e-9,
        "primal_feasibility_tolerance": 1e-9,
        "random_seed": seed,
        "small_matrix_value": 1e-12,  # HiGHS drops smaller ones: many small amounts are part of a large target
    }
    if interior_point and p > 2000:
        options["mip_lp_solver"] = "ipm"
    for name, value in options.items():
        solver.setOptionValue(name, value)
    scale = _scale(model)
    solver.passModel(_program(model, highspy, scale))
    if start is not None:
        both = start[model.first] & start[model.second]
        solution = highspy.HighsSolution()
        solution.col_value = np.concatenate([start, both, model.slacks(start)]).astype(np.float64).tolist()
        solver.setSolution(solution)
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    clock.stopped |= status == highspy.HighsModelStatus.kTimeLimit
    optimal = status == highspy.HighsModelStatus.kOptimal
    infeasible = status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
    values = np.asarray(solver.getSolution().col_value)
    has_plan = not infeasible and len(values) == n + p + k and abs(info.objective_function_value) < highspy.kHighsInf
    chosen = values[:n] > 0.5 if has_plan and model.allows(values[:n] > 0.5) else None
    bound = float(info.mip_dual_bound) / scale if not infeasible else np.inf
    if (
        start is not None
        and optimal
        and (chosen is None or model.value(chosen) - bound > gap * abs(bound) + 1e-6 / scale)
    ):
        # HiGHS 1.16 may end as optimal with the plan that it began with, above its own bound.
        return minimise(model, gap=gap, clock=clock, threads=threads, interior_point=interior_point, seed=seed)
    return Found(chosen, bound if np.isfinite(bound) else -np.inf, infeasible)


def _quiet(highspy: Any) -> Any:
    """Return a solver that prints nothing: making the usual one enables callbacks, which prints a banner (1.16)."""

    class Quiet(highspy.Highs):  # type: ignore[misc]  # the base is known only here
        def enableCallbacks(self) -> None:
            """Leave them off."""

    return Quiet()


def _scale(model: Model) -> float:
    """Return what makes the usual cost 1: the solver's tolerances are absolute."""
    costs = np.abs(np.concatenate([model.linear, model.weight, model.slack_cost]))
    costs = costs[costs > 0]
    return 1 / float(np.median(costs)) if costs.size else 1.0


def _program(model: Model, highspy: Any, scale: float) -> Any:
    """Return the model as HiGHS takes it: units, pairs, slacks; rows, two rows a pair."""
    n, p, k, r = model.units, len(model.weight), len(model.slack_cost), model.rows.shape[0]
    pair, has = np.arange(p), np.flatnonzero(model.slack >= 0)
    ones = np.ones(p)
    slack = sparse.csr_array((np.ones(has.size), (has, model.slack[has])), shape=(r, k))
    identity = sparse.csr_array((ones, (pair, pair)), shape=(p, p))
    blocks: list[list[Any]] = [
        [model.rows, None, slack],
        [sparse.csr_array((-ones, (pair, model.first)), shape=(p, n)), identity, None],
        [sparse.csr_array((-ones, (pair, model.second)), shape=(p, n)), identity, None],
    ]
    # What a plan may miss and still meet the target, less HiGHS's own tolerance, so that its bound is ours.
    enough = np.where(model.slack >= 0, 1.0, 1 - 0.9 * TOLERANCE)
    lower = [enough, np.full(2 * p, -highspy.kHighsInf)]
    upper = [np.full(r, highspy.kHighsInf), np.zeros(2 * p)]
    columns = np.array([n, p, k])
    matrix = sparse.csr_array(
        sparse.vstack(
            [
                sparse.hstack(
                    [
                        sparse.csr_array((next(b.shape[0] for b in row if b is not None), columns[c]))
                        if block is None
                        else block
                        for c, block in enumerate(row)
                    ]
                )
                for row in blocks
            ]
        )
    )
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n + p + k, matrix.shape[0]
    program.col_cost_ = scale * np.concatenate([model.linear, -model.weight, model.slack_cost])
    program.col_lower_ = np.concatenate([model.locked_in.astype(np.float64), np.zeros(p + k)])
    program.col_upper_ = np.concatenate([1.0 - model.locked_out, np.ones(p + k)])
    program.row_lower_, program.row_upper_ = np.concatenate(lower), np.concatenate(upper)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = matrix.indptr
    program.a_matrix_.index_ = matrix.indices
    program.a_matrix_.value_ = matrix.data
    integer, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    program.integrality_ = [integer] * n + [continuous] * (p + k)
    return program
