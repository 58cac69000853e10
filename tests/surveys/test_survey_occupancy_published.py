"""Occupancy against what other programs tell of published detection histories, and at the edges of what can be told.

Histories and answers are facts of C. J. Schwarz's course notes on occupancy (github.com/cschwarz-stat-sfu-ca/
Stat-Occupancy-CourseNotes, folder OccupancySampleData/SingleSpeciesSingleSeason), where the outputs of Program MARK 9.0 and of
PRESENCE 2.12 and 3.1 lie beside them. A dash is a visit that did not take place.
"""

import warnings
from typing import NamedTuple

import numpy as np
import pytest

from biodata.analysis.surveys import occupancy
from biodata.analysis.surveys.occupancy import fit


class Published(NamedTuple):
    """A detection history, sites apart by spaces, and what a program tells of the model with constant ψ and p."""

    sites: str
    minus_two_log_likelihood: float
    psi: float
    psi_se: float
    p: float
    p_se: float
    digits: int


PUBLISHED = {
    # MARK: mark001.out of Salamander; MacKenzie et al. 2006, Occupancy Estimation and Modeling.
    "salamanders": Published(
        "00011 01000 01000 11110 00100 00100 00100 00100 00100 10000 00111 00111 10011 10110 00010 00010 00001 00001 "
        + "00000 " * 21, 161.75859, 0.5946226, 0.1225985, 0.2587291, 0.0577019, 6,
    ),
    # PRESENCE: Salamander-missing, 15 visits of these taken away.
    "salamanders, visits missing": Published(
        "00011 0--00 0--00 1--10 0--00 00-00 0010- 00100 00100 10000 00111 00111 10-11 10110 0000- 00000 00000 00000 00000 "
        "00000 00-00 00000 00000 00000 00000 000-0 00000 00000 00000 00000 00000 0000- 00000 00000 00000 00010 00010 00001 00001",
        132.3210, 0.4570, 0.1110, 0.2897, 0.0688, 4,
    ),
    # PRESENCE: Weta, of the Mahoenui reserve; 3 to 5 visits of 72 sites.
    "giant weta, 3 to 5 visits": Published(
        "0000- 0000- 0001- 0000- 0000- 0000- 0000- 0000- 0000- 1100- 00-10 01-00 01-01 00-00 10-11 -00-1 -00-0 -01-0 -00-0 "
        "000-0 0-0-0 0-0-0 1-0-0 0-0-0 0-0-0 000-- 000-- 010-- 000-- 0000- 0000- 0000- 0000- 00001 00000 00000 01100 -0-00 "
        "-1-00 -0000 -1101 -0001 --001 --111 --001 --001 --101 0000- 1010- 1000- 1000- 0001- 0001- 0000- 0000- 0000- 1001- "
        "00-00 01-10 11-11 10-11 00-01 -00-0 -00-0 -10-1 -00-0 -10-1 1-0-1 1-0-0 0-0-0 0-0-0 0-0-1",
        261.7872, 0.6166, 0.0885, 0.3494, 0.0537, 4,
    ),
    # PRESENCE: BrookTrout, 77 streams.
    "brook trout": Published(
        "000 100 000 000 000 010 000 011 100 000 000 000 000 000 000 111 000 011 000 011 000 011 000 000 000 011 000 000 100 "
        "000 000 000 000 111 110 110 000 000 000 011 111 001 110 000 000 001 000 000 000 000 000 000 111 101 000 110 000 101 "
        "001 101 101 000 100 000 000 000 101 001 000 010 000 000 001 101 000 000 101",
        228.788558, 0.4626, 0.0659, 0.533454, 0.061678, 4,
    ),
    # MARK: mark001.out of BlueGrossBeaks, 41 fields.
    "blue grosbeak": Published(
        "111 110 000 010 101 001 001 111 110 111 110 000 000 001 111 001 001 000 011 000 100 010 100 111 111 011 001 010 110 "
        "011 000 111 100 110 000 000 010 011 111 101 010",
        168.18975, 0.8847997, 0.0765908, 0.5513167, 0.0598772, 5,
    ),
}  # fmt: skip


def history(text):
    return np.array([[np.nan if one == "-" else float(one) for one in site] for site in text.split()])


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
