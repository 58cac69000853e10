"""Reserve selection: equal to trying every subset of units, bounds that hold, infeasible problems that name features."""

import itertools
import math

import numpy as np
import pytest
from scipy import optimize, sparse

from biodata.analysis.reserves import mixed_integer
from biodata.analysis.reserves import model as reserve_model
from biodata.analysis.reserves import problem as targets
from biodata.analysis.reserves import search as reserve_search
from biodata.analysis.reserves import selection as reserve_selection
from biodata.analysis.reserves.model import Clock
from biodata.analysis.reserves.problem import Boundary, Connectivity, Problem
from biodata.core.errors import InputError


def random_problem(seed: int) -> Problem:
    """Return a problem of 3-8 units with some of everything, each number from `seed`."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 9)), int(rng.integers(1, 5))
    amounts = np.where(rng.random((m, n)) < 0.6, rng.integers(1, 10, (m, n)), 0).astype(float)
    cost = rng.integers(0, 10, n).astype(float)
    totals = amounts.sum(axis=1)
    if rng.random() < 0.7:
        needs = targets.relative(totals, rng.uniform(0.1, 0.7, m))
    else:
        needs = targets.log_linear(totals, lower_amount=5, lower_share=0.8, upper_amount=40, upper_share=0.2)
    asked = list(targets.requirements(needs, occurrences=rng.integers(0, 3, m).tolist()))
    if rng.random() < 0.5:
        countries = rng.choice(["CN", "LA"], n).tolist()
        asked += targets.in_each_country(0, countries, units=dict.fromkeys(set(countries), 1))
    pairs = np.array([(i, j) for i in range(n) for j in range(i) if rng.random() < 0.5], dtype=np.int64).reshape(-1, 2)
    first, second = pairs.T
    boundary = connectivity = None
    if rng.random() < 0.6:
        lengths, outer = rng.uniform(0, 3, len(first)), rng.uniform(0, 2, n)
        boundary = Boundary(first, second, lengths, outer, float(rng.uniform(0, 2)))
    if rng.random() < 0.5:
        symmetric = bool(rng.random() < 0.5)
        from_, to = (first, second) if symmetric else (np.append(first, second), np.append(second, first))
        connectivity = Connectivity(from_, to, rng.uniform(0, 2, len(to)), float(rng.uniform(0, 2)), symmetric)
    locked_in = rng.random(n) < 0.15
    shortfall_cost = None
    if rng.random() < 0.3:
        shortfall_cost = np.where(rng.random(len(asked)) < 0.5, rng.uniform(1, 20, len(asked)), math.inf)
    return Problem(cost, sparse.csr_array(amounts), asked, locked_in=locked_in,
                   locked_out=(rng.random(n) < 0.15) & ~locked_in, boundary=boundary, connectivity=connectivity,
                   shortfall_cost=shortfall_cost)  # fmt: skip


def objective_of(problem: Problem, chosen: tuple[int, ...]) -> float | None:
    """Return the objective, lower being better, as the documentation tells it; None where the choice is not allowed."""
    units = range(problem.units)
    if any((problem.is_locked_in[i] and not chosen[i]) or (problem.is_locked_out[i] and chosen[i]) for i in units):
        return None
    cost = sum(problem.cost[i] * chosen[i] for i in units)
    penalty = 0.0
    if (b := problem.boundary) is not None:
        shared = sum(length for i, j, length in zip(b.first, b.second, b.length, strict=True) if chosen[i] != chosen[j])
        penalty += b.penalty * (shared + sum(b.outer[i] * chosen[i] for i in units))
    if (c := problem.connectivity) is not None:
        for i, j, strength in zip(c.first, c.second, c.strength, strict=True):
            penalty += c.penalty * strength * (-chosen[i] * chosen[j] if c.symmetric else chosen[i] * (1 - chosen[j]))
    amounts, missed = problem.amounts.toarray(), []
    for asked in problem.requirements:
        counts = [
            (amounts[asked.feature, i] > 0 if asked.counts else amounts[asked.feature, i])
            for i in units
            if chosen[i] and (asked.units is None or asked.units[i])
        ]
        missed.append(max(0.0, 1 - sum(counts) / asked.need))
    prices = problem.shortfall_cost if problem.shortfall_cost is not None else [math.inf] * len(missed)
    if any(share > 1e-9 and math.isinf(price) for share, price in zip(missed, prices, strict=True)):
        return None
    return cost + penalty + sum(s * p for s, p in zip(missed, prices, strict=True) if not math.isinf(p))


@pytest.mark.parametrize("seed", range(12))
def test_a_plan_is_the_best_of_all_subsets(seed):
    problem = random_problem(seed)
    values = (objective_of(problem, chosen) for chosen in itertools.product((0, 1), repeat=problem.units))
    best = min((value for value in values if value is not None), default=None)
    found = reserve_selection.solve(problem)
    if best is None:
        assert found.status == "infeasible"
        assert found.problems
        return
    assert found.status == "optimal"
    assert found.gap == pytest.approx(0, abs=1e-6)
    assert found.objective == pytest.approx(best, abs=1e-6)
    assert objective_of(problem, tuple(found.chosen.astype(int))) == pytest.approx(best, abs=1e-6)


def landscape(side: int, *, penalty: float, seed: int = 0, soft: bool = False) -> Problem:
    """Return a grid of side × side units with 12 clustered features, some of it locked in and out."""
    rng = np.random.default_rng(seed)
    n = side * side
    row, column = np.divmod(np.arange(n), side)
    centres = rng.uniform(0, side, (12, 2))
    distance = np.hypot(row[None] - centres[:, :1], column[None] - centres[:, 1:])
    amounts = np.where(distance < side / 3, rng.uniform(0.5, 1.5, (12, n)), 0.0)
    place = np.arange(n).reshape(side, side)
    first = np.append(place[:, :-1].ravel(), place[:-1].ravel())
    second = np.append(place[:, 1:].ravel(), place[1:].ravel())
    outer = ((row == 0) + 0.0 + (row == side - 1) + (column == 0) + (column == side - 1)).astype(float)
    asked = targets.requirements(targets.relative(amounts.sum(axis=1), 0.17))
    price = np.full(len(asked), math.inf)
    price[:3] = 5.0
    return Problem(
        rng.uniform(1, 10, n),
        sparse.csr_array(amounts),
        asked,
        locked_in=place.ravel() < 3,
        locked_out=place.ravel() > n - 3,
        boundary=Boundary(first, second, np.ones(len(first)), outer, penalty) if penalty else None,
        shortfall_cost=price if soft else None,
    )


def linear_relaxation(model: reserve_model.Model) -> float:
    """Return the optimum of the linear program with two rows a pair, by SciPy."""
    n, p, k = model.units, len(model.weight), len(model.slack_cost)
    columns = n + p + k
    rows, bounds = [], []
    for row, slack in enumerate(model.slack):
        line = np.zeros(columns)
        line[:n] = -model.rows[[row]].toarray()
        if slack >= 0:
            line[n + p + slack] = -1
        rows.append(line)
        bounds.append(-1.0)
    for pair, ends in enumerate(zip(model.first, model.second, strict=True)):
        for end in ends:
            line = np.zeros(columns)
            line[[n + pair, end]] = 1, -1
            rows.append(line)
            bounds.append(0.0)
    limits = [(float(model.locked_in[i]), 1.0 - float(model.locked_out[i])) for i in range(n)] + [(0.0, 1.0)] * (p + k)
    cost = np.concatenate([model.linear, -model.weight, model.slack_cost])
    return float(optimize.linprog(cost, A_ub=np.array(rows), b_ub=np.array(bounds), bounds=limits).fun)


@pytest.mark.parametrize("soft", [False, True], ids=["all must be met", "three may be missed at a price"])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_the_bound_lies_below_the_best_plan_and_the_search_above(penalty, soft):
    problem = landscape(8, penalty=penalty, soft=soft)
    model = reserve_model.build(problem)
    exact = mixed_integer.minimise(model, gap=1e-3, clock=Clock(120))
    best = model.value(exact.chosen)  # within a thousandth
    bound = mixed_integer.raise_bound(model, clock=Clock(120))
    assert bound.value <= best * (1 + 1e-9)
    relaxed = linear_relaxation(model)
    assert bound.value <= relaxed + 1e-9 * abs(relaxed)
    assert bound.value == pytest.approx(relaxed, rel=1e-3)
    search = reserve_search.Search(model, bound)
    plan = search.annealed(search.rounded(), seed=1, clock=Clock(120))
    assert model.allows(plan.chosen)
    assert model.value(plan.chosen) == pytest.approx(plan.value)
    assert exact.bound * (1 - 1e-9) <= plan.value < 1.05 * best


def test_a_larger_problem_comes_within_the_gap_asked_for():
    problem = landscape(24, penalty=0.5)
    told = []
    found = reserve_selection.solve(problem, gap=0.03, seconds=120, progress=lambda *both: told.append(both))
    assert found.status == "within_gap"
    assert found.gap <= 0.03
    assert found.gap == pytest.approx((found.objective - found.bound) / found.objective)
    assert found.objective == pytest.approx(found.cost + 0.5 * found.boundary)
    assert all(holding.met for holding in found.holdings)
    assert told[-1][0] == pytest.approx(found.objective)


def test_a_plan_says_whether_the_clock_stopped_it_and_is_had_again_where_not():
    problem = landscape(6, penalty=0.5)
    first, second = (reserve_selection.solve(problem, gap=0.02, seconds=600, seed=3) for _ in range(2))
    assert not first.stopped_by_clock
    assert first.chosen.tolist() == second.chosen.tolist()
    assert (first.objective, first.bound) == (second.objective, second.bound)
    hurried = reserve_selection.solve(landscape(20, penalty=0.5), gap=0.0, seconds=0.5)
    assert (hurried.stopped_by_clock, hurried.status) == (True, "time_limit")


def tiny(**changes) -> Problem:
    amounts = sparse.csr_array(np.array([[4.0, 0, 2], [0, 3, 1]]))
    asked = targets.requirements(np.array([5.0, 1.0]))
    return Problem(np.array([2.0, 3, 4]), amounts, asked, feature_names=("gibbon", "fern"), **changes)


def test_a_target_above_what_exists_is_named_with_what_is_missing():
    problem = Problem(
        np.ones(2), sparse.csr_array([[1.0, 2.0]]), targets.requirements(np.array([5.0])), feature_names=["gibbon"]
    )
    found = reserve_selection.solve(problem)
    assert found.status == "infeasible"
    assert math.isnan(found.objective)
    assert found.problems == ("gibbon: amount 3 of 5 can be had, 2 short",)


def test_what_is_missed_by_rounding_only_is_met_in_the_bound_too():
    amounts = sparse.csr_array([[5e5, 1e-4, 0.0], [0.0, 2e-6, 3.0]])  # the need of all is a sum that rounds
    asked = targets.requirements(amounts.sum(axis=1))
    found = reserve_selection.solve(Problem(np.array([1.0, 1, 1]), amounts, asked))
    assert (found.status, found.objective) == ("optimal", 3.0)
    found = reserve_selection.solve(Problem(np.array([1.0, 1, 1]), amounts[[0]], asked[:1]))
    assert (found.status, found.objective, found.bound) == ("optimal", 1.0, 1.0)


def test_each_side_of_a_border_holds_its_part():
    amounts = sparse.csr_array([[5.0, 5.0, 5.0, 5.0]])
    sides = ["CN", "CN", "LA", None]
    asked = (*targets.requirements(np.array([5.0])), *targets.in_each_country(0, sides, units={"CN": 1, "LA": 1}))
    found = reserve_selection.solve(Problem(np.array([1.0, 2, 9, 1]), amounts, asked))
    assert found.chosen.tolist() == [True, False, True, False]
    assert [holding.feature for holding in found.holdings] == ["0", "0 in CN", "0 in LA"]
    with pytest.raises(InputError, match="value 'VN': no planning unit lies in this country; one of CN, LA"):
        targets.in_each_country(0, sides, amounts={"VN": 1.0})


def test_log_linear_targets_fall_between_the_thresholds_and_are_capped():
    totals = np.array([5.0, 10.0, math.sqrt(1000.0), 100.0, 1000.0])
    share = targets.log_linear(
        totals, lower_amount=10, lower_share=0.9, upper_amount=100, upper_share=0.2, cap_amount=1000, cap_target=50
    )
    assert share == pytest.approx([4.5, 9.0, 0.55 * math.sqrt(1000.0), 20.0, 50.0])


@pytest.mark.parametrize(("changes", "told"), [
    pytest.param({"locked_in": np.ones(2, bool)}, "locked_in has 2 values, not 3", id="wrong length"),
    pytest.param({"locked_in": np.ones(3, bool), "locked_out": np.ones(3, bool)}, "locked in and locked out",
                 id="both locks"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(changes, told):
    with pytest.raises(InputError, match=told):
        tiny(**changes)
