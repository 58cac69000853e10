"""Reserve selection as a mixed-integer program for HiGHS."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from biodata.analysis.reserves.clock import Clock
from biodata.analysis.reserves.model import TOLERANCE, Model
from biodata.analysis.reserves.targets import Bools


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
    model: Model,
    *,
    clock: Clock,
    gap: float = 0.0,
    threads: int = 1,
    start: Bools | None = None,
    interior_point: bool = True,
    seed: int = 0,
) -> Found:
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
    """Return the model as HiGHS takes it: units, pairs, slacks; rows, two rows a pair, the limit."""
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
    # All or nothing: what a plan may miss and still meet the target, less HiGHS's own tolerance, so that its bound is ours.
    enough = np.where((model.slack >= 0) & (not model.whole_slack), 1.0, 1 - 0.9 * TOLERANCE)
    lower = [enough, np.full(2 * p, -highspy.kHighsInf)]
    upper = [np.full(r, highspy.kHighsInf), np.zeros(2 * p)]
    if model.limit is not None:
        blocks.append([sparse.csr_array(model.limit[np.newaxis]), None, None])
        lower.append(np.array([-highspy.kHighsInf]))
        upper.append(np.array([1.0]))
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
    program.offset_ = scale * model.constant
    program.col_cost_ = scale * np.concatenate([model.linear, -model.weight, model.slack_cost])
    program.col_lower_ = np.concatenate([model.locked_in.astype(np.float64), np.zeros(p + k)])
    program.col_upper_ = np.concatenate([1.0 - model.locked_out, np.ones(p + k)])
    program.row_lower_, program.row_upper_ = np.concatenate(lower), np.concatenate(upper)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = matrix.indptr
    program.a_matrix_.index_ = matrix.indices
    program.a_matrix_.value_ = matrix.data
    integer, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    program.integrality_ = [integer] * n + [continuous] * p + [integer if model.whole_slack else continuous] * k
    return program
