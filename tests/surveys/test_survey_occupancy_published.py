"""Occupancy against what other programs tell of published detection histories, and at the edges of what can be told.

Histories and answers are facts of C. J. Schwarz's course notes on occupancy (github.com/cschwarz-stat-sfu-ca/
Stat-Occupancy-CourseNotes, folder OccupancySampleData/SingleSpeciesSingleSeason), where the outputs of Program MARK 9.0 and of
PRESENCE 2.12 and 3.1 lie beside them. A dash is a visit that did not take place.
"""

import warnings

import numpy as np
import pytest

from biodata.analysis.surveys import occupancy
from biodata.analysis.surveys.occupancy import fit
from occupancy_histories import PUBLISHED, history


@pytest.mark.parametrize("of", PUBLISHED.values(), ids=PUBLISHED.keys())
def test_equals_mark_and_presence(of):
    found = fit(history(of.sites))
    near = 0.6 * 10.0**-of.digits
    assert -2 * found.log_likelihood == pytest.approx(of.minus_two_log_likelihood, abs=10 * near)
    assert (found.psi, found.p) == pytest.approx((of.psi, of.p), abs=near)
    assert found.psi_low < of.psi < found.psi_high
    # Of the same width as Wald's interval, as far as that does not leave what is possible.
    assert found.psi - found.psi_low == pytest.approx(1.96 * of.psi_se, rel=0.5)


EDGES = {
    "one site, one visit": ([[1]], occupancy.ONE_VISIT),
    "one site, found at once": ([[1, 1]], occupancy.ALWAYS),
    "one site, never": ([[0, 0]], occupancy.NO_DETECTION),
    "one site, once": ([[1, 0]], occupancy.EVERYWHERE),
    "never missed at a third of sites": ([[1, 1, 1]] * 5 + [[0, 0, 0]] * 10, occupancy.ALWAYS),
    "all but one missed": ([[1, 0, 0, 0, 0]] + [[0] * 5] * 9, occupancy.FEW),
    "second visits found nothing": ([[1, np.nan]] * 6 + [[0, np.nan]] * 6 + [[0, 0]], occupancy.ALWAYS),
    "everywhere": ([[1, 0, 1]] * 8, occupancy.EVERYWHERE),
    "nobody went to most": ([[1, 0, 1], [0, 0, np.nan]] + [[np.nan] * 3] * 30, occupancy.FEW),
}


@pytest.mark.parametrize(("seen", "note"), EDGES.values(), ids=EDGES.keys())
def test_edges_give_an_answer_that_says_so(seen, note):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(np.array(seen, dtype=float))
    assert note in found.notes
    assert found.at_a_bound == (note in occupancy.BOUNDARY) or found.at_a_bound
    numbers = [
        one for one in (found.psi, found.psi_low, found.psi_high, found.p, found.p_low, found.p_high) if one is not None
    ]
    assert all(0 <= one <= 1 for one in numbers)
    assert found.psi_low <= (found.naive if found.psi is None else found.psi) <= found.psi_high
    if note == occupancy.ALWAYS and len(seen) > 1:
        assert found.psi == pytest.approx(found.naive)
        assert found.p == 1


def test_visits_of_a_tenth_of_the_effort_tell_less():
    seen = history(PUBLISHED["salamanders"].sites)
    long, short = fit(seen, np.full(seen.shape, 1.0)), fit(seen, np.full(seen.shape, 0.1))
    assert (long.psi, long.psi_low) == pytest.approx((short.psi, short.psi_low), abs=1e-6)
    assert 1 - (1 - short.p) ** 0.1 == pytest.approx(long.p, abs=1e-6)
