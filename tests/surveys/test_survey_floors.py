"""Of one camera, three events or two years no estimate is told; what was counted is."""

import numpy as np
import pytest
from scipy import stats

from biodata.analysis.surveys import abundance
from biodata.analysis.surveys import results as of_species
from biodata.analysis.surveys.joining import join
from biodata.analysis.surveys.results import results
from biodata.core.run_parameters import SurveyNumbers
from survey_worlds import event, events, record, records


def told(sites, *, years=(2026,), side="LA", seen=2):
    some = [
        event(f"{n}-{year}", site=f"S{n}", side=side, start=f"{year}-01-01") for n in range(sites) for year in years
    ]
    found = [
        record(f"{n}-{year}", f"{year}-01-{5 + 4 * k:02}T23:00:00+07:00")
        for n in range(sites)
        for year in years
        for k in range(seen)
    ]
    return results(join(events(*some), records(*found)), SurveyNumbers())


def test_one_site_tells_neither_rate_nor_occupancy_nor_richness():
    found = told(1)
    rate = found["abundance"][0]["by"]["joint"]
    assert rate == {"refused": "fewer than 5 sites: 2 events in 30 trap-nights at 1 site", "events": 2, "effort": 30.0,
                    "unit": "trap-night", "sites": 1}  # fmt: skip
    occupancy = found["occupancy"][0]["by"]["joint"]
    # Clopper and Pearson: one of one is 2.5 to 100 %.
    assert occupancy["refused"] == "fewer than 5 sites: found at 1 of 1 (3 to 100 % at 95 %)"
    assert "psi" not in occupancy
    assert found["richness"]["camera_trap"]["by"]["joint"]["estimates"] == {
        "sites": 1, "species": 1, "refused": "fewer than 5 sites",
    }  # fmt: skip


def test_five_sites_tell_both_and_what_is_shaky():
    found = told(5)
    assert found["abundance"][0]["by"]["joint"]["rate"] == pytest.approx(10 / 150)
    assert of_species.SMALL in found["occupancy"][0]["by"]["joint"]["notes"]
    assert found["richness"]["camera_trap"]["by"]["joint"]["estimates"]["chao"] == 1


def test_a_trend_needs_three_years_and_five_sites_and_says_that_it_is_short():
    two = told(6, years=(2025, 2026))["trends"][0]["by"]["joint"]
    assert "a change between two is no trend" in two["refused"]
    few = told(4, years=(2024, 2025, 2026))["trends"][0]["by"]["joint"]
    assert few["refused"] == "fewer than 5 sites: 24 events at 4 sites in 3 years"
    enough = told(5, years=(2024, 2025, 2026))["trends"][0]["by"]["joint"]
    assert enough["change"] == pytest.approx(0, abs=1e-9)
    assert enough["notes"] == [of_species.SHORT]


def test_sides_with_too_few_sites_are_not_compared():
    some = [event(f"{side}{n}", side=side) for side, sites in (("LA", 6), ("CN", 2)) for n in range(sites)]
    found = [record(f"LA{n}", "2026-01-05T05:00:00+07:00") for n in range(6)] + [
        record("CN0", "2026-01-05T05:00:00+07:00")
    ]
    every = results(join(events(*some), records(*found)), SurveyNumbers())
    for kind in ("abundance", "occupancy"):
        (one,) = every[kind]
        assert one["compared"]["refused"] == "CN: fewer than 5 sites"
        assert "refused" not in one["by"]["joint"]


def test_limits_of_rates_hold_the_truth_where_sites_differ():
    """Sites that differ as a gamma of shape 1: the 95 % limits of ten of them miss it in fewer than one of nine draws."""
    rng = np.random.default_rng(2)
    effort, hits = rng.uniform(20, 40, 10), 0
    for _ in range(400):
        _, low, high, _ = abundance.limits(rng.poisson(0.1 * effort * rng.gamma(1, 1, 10)).astype(float), effort)
        hits += low <= 0.1 <= high
    assert hits / 400 > 8 / 9
    _, low, high, _ = abundance.limits(np.full(10, 3.0), np.full(10, 30.0))
    assert (low, high) == pytest.approx((stats.chi2.ppf(0.025, 60) / 600, stats.chi2.ppf(0.975, 62) / 600))
