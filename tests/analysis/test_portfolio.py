"""Portfolios: good plans that all meet the targets, what units cannot be replaced, and why a unit is chosen."""

import math

import numpy as np
import pytest
from scipy import sparse

from biodata.analysis.reserves import portfolio
from biodata.analysis.reserves import problem as targets
from biodata.analysis.reserves import selection as reserve_selection
from biodata.analysis.reserves.problem import Boundary, Problem


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Return twelve units in a row; only unit 5 holds the orchid, units 0-3 are alike but for their cost."""
    amounts = np.zeros((3, 12))
    amounts[0, :4] = 2.0
    amounts[1, 5] = 1.0
    amounts[2, 4:10] = [1, 1, 3, 1, 2, 1]
    first = np.arange(11)
    return Problem(
        cost=np.array([1.0, 1.5, 2, 4, 3, 6, 2, 2, 2, 5, 1, 1]),
        amounts=sparse.csr_array(amounts),
        requirements=targets.requirements(np.array([4.0, 1.0, 4.0])),
        boundary=Boundary(first, first + 1, np.ones(11), np.zeros(12), 0.25),
        unit_names=[f"u{unit}" for unit in range(12)],
        feature_names=["gibbon", "orchid", "gaur"],
    )


@pytest.fixture(scope="module")
def best(problem):
    return reserve_selection.solve(problem)


def test_every_plan_meets_the_targets_and_the_first_is_the_best(problem, best):
    asked = Problem(problem.cost, problem.amounts, problem.requirements, boundary=problem.boundary)
    found = portfolio.more_plans(asked, best, plans=12, seed=4)
    assert len(found.plans) == 12
    assert found.values[0] == pytest.approx(best.objective)
    assert (found.values >= best.objective - 1e-9).all()
    for chosen in found.plans:
        assert all(holding.met for holding in reserve_selection.evaluate(asked, chosen).holdings)
    assert found.frequency[5] == 12
    assert found.frequency.tolist() == np.array(found.plans).sum(axis=0).tolist()


def test_what_others_hold_is_told_of_a_unit_that_is_locked_out(problem):
    spare = Problem(problem.cost, problem.amounts, problem.requirements, locked_out=np.arange(12) == 3,
                    unit_names=problem.unit_names, feature_names=problem.feature_names)  # fmt: skip
    found = portfolio.explain(spare, reserve_selection.solve(spare), 3)
    assert found.locked == "out"
    assert found.only_here == ()
    assert "No plan without it" not in found.text


def test_why_this_unit_and_not_that_one(problem, best):
    orchid = portfolio.explain(problem, best, 5)
    assert orchid.only_here == ("orchid",)
    assert math.isinf(orchid.other_way)
    assert [shortage.feature for shortage in orchid.shortages if shortage.feature == "orchid"] == ["orchid"]
    assert "There is no plan without it." in orchid.text
    dear = portfolio.explain(problem, best, 3)
    assert not dear.in_plan
    assert dear.supplies == {"gibbon": 0.5}
    assert dear.other_way >= dear.other_way_at_least >= 0
    assert dear.other_way == pytest.approx(
        reserve_selection.solve(portfolio.forced(problem, 3, taken=True)).objective - best.objective
    )
    change, short = portfolio.exchange(problem, best, 0, 3)
    assert short == ()
    swapped = best.chosen.copy()
    swapped[[0, 3]] = False, True
    assert change == pytest.approx(reserve_selection.evaluate(problem, swapped).objective - best.objective)
