"""Pareto fronts and acceptability: brute force, known answers, and no favour for missing data."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.analysis.candidates import ranking
from biodata.analysis.candidates.criteria import CRITERIA

MISSING = -math.inf
TABLES = st.integers(1, 7).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([MISSING, 0.0, 1.0, 2.0, 3.0]), min_size=3, max_size=3), min_size=n, max_size=n
    )
)


def table(rows) -> np.ndarray:
    return np.array(rows, dtype=float).reshape(len(rows), -1)


def stand(good, draws=400, seed=1, first=2):
    return ranking.accept(good, draws=draws, seed=seed, first=first, tie_break=ranking.fronts(good))


def dominates(a, b) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


@given(TABLES)
def test_fronts_are_those_of_brute_force(rows):
    left, number, wanted = set(range(len(rows))), 0, {}
    while left:
        number += 1
        now = {i for i in left if not any(dominates(rows[j], rows[i]) for j in left)}
        wanted |= dict.fromkeys(now, number)
        left -= now
    assert ranking.fronts(table(rows)).tolist() == [wanted[i] for i in range(len(rows))]


@given(TABLES, st.data())
def test_no_candidate_is_favoured_by_missing_data(rows, data):
    """Whatever a missing value turns out to be, its candidate comes out no worse: in front and in acceptability."""
    holes = [(i, j) for i, row in enumerate(rows) for j, value in enumerate(row) if value == MISSING]
    if not holes:
        return
    i, j = data.draw(st.sampled_from(holes))
    told = [list(row) for row in rows]
    told[i][j] = data.draw(st.sampled_from([-5.0, 0.0, 1.5, 9.0]))
    before, after = table(rows), table(told)
    assert ranking.fronts(after)[i] <= ranking.fronts(before)[i]
    worth = ranking.share_worse(before), ranking.share_worse(after)
    others = [k for k in range(len(rows)) if k != i]
    assert (worth[1][i] >= worth[0][i]).all()
    assert (worth[1][others] <= worth[0][others]).all()


def test_shares_are_those_of_two_criteria_that_pull_apart():
    found = stand(table([[2, 0], [0, 2], [1, 1]]), draws=20_000)
    assert found.first_share[:2] == pytest.approx([0.5, 0.5], abs=0.015)
    assert found.first_share[2] == pytest.approx(0, abs=0.001), "in the middle it is first under equal weights alone"
    assert found.within_share.tolist()[2] == 1.0
    assert found.error[0] == pytest.approx(0.5 / math.sqrt(20_000), rel=0.01)
    assert found.central_weights[0] == pytest.approx([0.75, 0.25], abs=0.01)
    assert found.central_weights[1] == pytest.approx([0.25, 0.75], abs=0.01)


@pytest.mark.parametrize("rows", [
    pytest.param([[1, 2], [1, 2]], id="alike"),
    pytest.param([[MISSING, MISSING], [MISSING, MISSING]], id="nothing known"),
])  # fmt: skip
def test_candidates_that_are_alike_share_the_first_place(rows):
    found = stand(table(rows))
    assert found.first_share.tolist() == [0.5, 0.5]
    assert found.beats_next[found.order[0]] == 0.5


def test_same_seed_same_ranks_and_another_seed_within_the_error():
    rng = np.random.default_rng(5)
    good = rng.integers(0, 9, (12, 7)).astype(float)
    one, again, other = stand(good, 4000), stand(good, 4000), stand(good, 4000, seed=2)
    assert (one.first_share == again.first_share).all()
    assert (np.abs(one.first_share - other.first_share) <= 6 * np.maximum(one.error, 1e-3)).all()
    assert one.first_share.sum() == pytest.approx(1)


@given(TABLES)
def test_a_dominated_candidate_never_stands_before_the_one_that_dominates_it(rows):
    found = stand(table(rows), draws=50)
    place = np.argsort(found.order)
    for i, one in enumerate(rows):
        for j, other in enumerate(rows):
            if dominates(one, other):
                assert place[i] < place[j]
                assert found.first_share[i] >= found.first_share[j] - 1e-12


def values(**given):
    return {criterion.name: given.get(criterion.name) for criterion in CRITERIA}


def test_a_card_of_a_ranking_recomputes_and_does_not_depend_on_the_order():
    rng = np.random.default_rng(3)
    rows = [{c.name: None if rng.random() < 0.2 else round(float(rng.random()), 3) for c in CRITERIA} for _ in range(9)]
    told = ranking.rank(rows, draws=300, seed=7, first=3)
    assert [one["rank"] for one in told] == list(range(1, 10))
    assert sum(one["acceptability"] for one in told) == pytest.approx(1, abs=1e-5)
    for one in told:
        assert ranking.again(one) == {name: value for name, value in one.items() if name != "position"}
        assert one["values"][str(one["rank"])] == rows[one["position"]]
    backwards = ranking.rank(rows[::-1], draws=300, seed=7, first=3)
    assert [one["acceptability"] for one in backwards] == [one["acceptability"] for one in told]


def test_nothing_to_rank_and_one_alone():
    assert ranking.rank([], draws=10, seed=1, first=3) == []
    (alone,) = ranking.rank([values(cost=3.0)], draws=10, seed=1, first=3)
    assert (alone["rank"], alone["front"], alone["acceptability"], alone["beats_next"]) == (1, 1, 1.0, None)
