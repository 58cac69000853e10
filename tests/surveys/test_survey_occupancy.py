"""Occupancy with detection below one, against other answers and against the truth that it was drawn from."""

import itertools

import numpy as np
import pytest
from scipy import stats

from biodata.analysis.surveys import occupancy
from biodata.analysis.surveys.occupancy import fit
from occupancy_histories import PUBLISHED
from occupancy_histories import history as published
from survey_simulations import coverage, history


def salamanders():
    return published(PUBLISHED["salamanders"].sites)


def likelihood(detected, effort, psi, p):
    """The model as the paper writes it, site by site."""
    total = 0.0
    for y, e in zip(detected, effort, strict=True):
        seen, of = [], []
        for one, units in zip(y, e, strict=True):
            if np.isnan(one):
                continue
            chance = 1 - (1 - p) ** units
            of.append(chance if one else 1 - chance)
            seen.append(one)
        if of:
            total += np.log(max(psi * np.prod(of) + (0 if any(seen) else 1 - psi), 1e-300))
    return total


def test_is_the_largest_likelihood_with_unequal_effort_and_gaps():
    rng = np.random.default_rng(5)
    effort = rng.integers(1, 8, (40, 6)).astype(float)
    seen = history(rng, 0.6, 0.1, sites=40, visits=6, effort=effort)
    seen[rng.random(seen.shape) < 0.2] = np.nan
    found = fit(seen, effort)
    best = likelihood(seen, effort, found.psi, found.p)
    assert found.log_likelihood == pytest.approx(best, abs=1e-9)
    for up, over in itertools.product((-1e-3, 0, 1e-3), repeat=2):
        assert likelihood(seen, effort, found.psi + up, found.p + over) <= best + 1e-12
    # The profile at the ends of the intervals lies where the chi-squared distribution cuts; that of ψ, which may be
    # cut earlier near 1, no farther.
    cut = stats.chi2.ppf(0.95, 1) / 2
    fine = np.linspace(0.002, 0.998, 400)
    for p in (found.p_low, found.p_high):
        assert best - max(likelihood(seen, effort, psi, p) for psi in fine) == pytest.approx(cut, abs=1e-3)
    below = best - max(likelihood(seen, effort, found.psi_low, p) for p in fine)
    above = best - max(likelihood(seen, effort, found.psi_high, p) for p in fine)
    assert below == pytest.approx(cut, abs=1e-3)
    assert above == pytest.approx(cut, abs=1e-3)


def test_a_site_that_nobody_watched_is_no_absence():
    seen = salamanders()
    more = np.vstack([seen, np.full((7, 5), np.nan)])
    assert fit(more) == fit(seen)
    no_effort = np.vstack([np.ones_like(seen), np.zeros((7, 5))])
    assert fit(np.vstack([seen, np.zeros((7, 5))]), no_effort) == fit(seen)


def test_effort_is_that_of_the_chance_to_detect():
    # One visit of twice the effort misses what two visits miss: where nothing was found they are the same.
    never = np.zeros((20, 4))
    found = np.zeros((10, 4))
    found[:, 0] = 1
    found[:4, 2] = 1
    single = fit(np.vstack([never, found]))
    merged = np.full((20, 4), np.nan)
    merged[:, :2] = 0
    effort = np.vstack([np.tile([2.0, 2.0, 0, 0], (20, 1)), np.ones((10, 4))])
    double = fit(np.vstack([merged, found]), effort)
    assert (double.psi, double.psi_low, double.p) == pytest.approx((single.psi, single.psi_low, single.p), abs=1e-4)


@pytest.mark.parametrize(("psi", "p"), [(0.5, 0.3), (0.9, 0.1)])
def test_intervals_hold_the_truth(psi, p):
    # 100 surveys hold 0.95 of the truths to within 0.89 and 0.99.
    told = coverage(psi, p, sites=80, visits=8, surveys=100, seed=1)
    assert 0.89 <= told.psi / told.surveys <= 1
    assert 0.89 <= told.p / told.surveys <= 1


def test_sides_are_compared_whatever_their_detection():
    rng = np.random.default_rng(12)
    same = {side: (history(rng, 0.5, p, sites=60, visits=8), None) for side, p in (("LA", 0.2), ("CN", 0.5))}
    told = occupancy.compare(same)
    assert told["freedom"] == 1
    assert told["p_value"] > 0.05
    naive = [fit(seen).naive for seen, _ in same.values()]
    assert naive[0] < naive[1]
    other = {
        "LA": (history(rng, 0.2, 0.3, sites=60, visits=8), None),
        "CN": (history(rng, 0.8, 0.3, sites=60, visits=8), None),
    }
    assert occupancy.compare(other)["p_value"] < 1e-3
    # The ratio is that of the two models' likelihoods, found by brute force.
    fine = np.linspace(0.01, 0.99, 60)
    counts = [occupancy.Counts.of(seen, effort) for seen, effort in other.values()]
    together = max(sum(of.over_rate(psi)[1] for of in counts) for psi in fine)
    apart = sum(max(of.over_rate(psi)[1] for psi in fine) for of in counts)
    assert occupancy.compare(other)["likelihood_ratio"] == pytest.approx(2 * (apart - together), rel=0.02)


def test_sides_at_a_bound_are_not_compared():
    seen = {"LA": (salamanders(), None), "CN": (np.zeros((20, 5)), None)}
    assert occupancy.NO_DETECTION in occupancy.compare(seen)["refused"]
