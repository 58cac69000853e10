"""Clumps and separate units (target2, sepdistance, sepnum): equal to trying every subset of a small grid."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from biodata.analysis.reserves import problem as targets
from biodata.analysis.reserves import spacing
from biodata.analysis.reserves.problem import Boundary, Problem


def grid(seed: int) -> tuple[Problem, spacing.Landscape, list[spacing.Spacing]]:
    """Return a grid of 2-12 units with one or two features, and their rules."""
    rng = np.random.default_rng(seed)
    width, height, features = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    n = width * height
    amounts = np.where(rng.random((features, n)) < 0.7, rng.integers(1, 6, (features, n)), 0).astype(float)
    row, column = np.divmod(np.arange(n), width)
    near = [(i, j) for i in range(n) for j in range(i) if abs(row[i] - row[j]) + abs(column[i] - column[j]) == 1]
    first, second = np.array(near, dtype=np.int64).reshape(-1, 2).T
    need = np.round(amounts.sum(axis=1) * rng.uniform(0.1, 0.6, features), 1)
    problem = Problem(
        rng.uniform(0.5, 5, n),
        sparse.csr_array(amounts),
        targets.requirements(need),
        locked_out=rng.random(n) < 0.1,
        boundary=Boundary(first, second, np.ones(len(first)), np.zeros(n), 0.3),
    )
    rules = [
        spacing.Spacing(feature, need[feature], occurrences=int(rng.integers(0, 3)),
                        clump_least=float(rng.choice([0, 3, 6])), clump_kind=int(rng.integers(0, 3)),
                        apart=float(rng.choice([0, 1.5, 2, 3])), separate=int(rng.integers(0, 4)))
        for feature in range(features)
    ]  # fmt: skip
    where = spacing.Landscape(problem.amounts, first, second, np.column_stack([column, row]).astype(float))
    return problem, where, rules


def keeps(rule: spacing.Spacing, problem: Problem, where: spacing.Landscape, taken: set[int]) -> bool:
    """Tell whether a choice of units keeps a rule, by walking from unit to unit."""
    amounts = problem.amounts.toarray()[rule.feature]
    left = {unit for unit in taken if amounts[unit] > 0}
    total, valid = 0.0, []
    while left:
        clump = [left.pop()]
        for unit in clump:
            beside = [one for one in left if abs(where.places[unit] - where.places[one]).sum() == 1]
            left -= set(beside)
            clump += beside
        size = amounts[clump].sum()
        if size < rule.clump_least:
            size = (0.0, size / 2, size * size / rule.clump_least)[rule.clump_kind]
        total += size
        valid += clump if size > 0 else []
    if total < rule.need - 1e-6 or len(valid) < max(rule.occurrences, rule.separate):
        return False
    if rule.separate < 2 or rule.apart == 0:
        return True
    apart = lambda pair: np.hypot(*(where.places[pair[0]] - where.places[pair[1]])) >= rule.apart - 1e-9  # noqa: E731
    groups = itertools.combinations(valid, rule.separate)
    return any(all(map(apart, itertools.combinations(group, 2))) for group in groups)


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_that_keeps_the_rules_is_the_best_of_all_subsets(seed):
    problem, where, rules = grid(seed)
    amounts, need = problem.amounts.toarray(), [asked.need for asked in problem.requirements]
    rows, boundary = [asked.feature for asked in problem.requirements], problem.boundary
    best = None
    for bits in itertools.product((0, 1), repeat=problem.units):
        x = np.array(bits)
        if (x[problem.is_locked_out] > 0).any() or (amounts[rows] @ x < np.array(need) - 1e-6).any():
            continue
        outline = sum(x[i] != x[j] for i, j in zip(boundary.first, boundary.second, strict=True))
        value = problem.cost @ x + boundary.penalty * outline
        if (best is None or value < best - 1e-9) and all(
            keeps(rule, problem, where, set(np.flatnonzero(x).tolist())) for rule in rules
        ):
            best = value
    everything = ~problem.is_locked_out
    if not all(where.held(rule, everything).meets(rule) for rule in rules):
        assert best is None
        return
    found, _ = spacing.solve_spaced(problem, where, rules)
    assert found.status == ("infeasible" if best is None else "optimal")
    if best is not None:
        assert found.objective == pytest.approx(best, abs=1e-6)
        assert all(where.held(rule, found.chosen).meets(rule) for rule in rules)


def test_a_plan_cut_short_is_mended_and_keeps_a_true_bound(monkeypatch):
    problem, where, rules = next(one for one in map(grid, range(200)) if _needs_cuts(*one))
    exact, _ = spacing.solve_spaced(problem, where, rules)
    monkeypatch.setattr(spacing, "_MOST_ROUNDS", 0)
    found, _ = spacing.solve_spaced(problem, where, rules)
    assert all(where.held(rule, found.chosen).meets(rule) for rule in rules)
    assert found.bound <= exact.objective <= found.objective
    assert found.gap == pytest.approx((found.objective - found.bound) / found.objective)


def _needs_cuts(problem, where, rules):
    possible = all(where.held(rule, ~problem.is_locked_out).meets(rule) for rule in rules)
    return possible and spacing.solve_spaced(problem, where, rules)[1] is not problem
