"""Accumulation curves and estimates of richness, against what R's vegan 2.6-10 says (tests/vegan.R tells all of it)."""

import numpy as np
import pytest

from biodata.analysis.surveys import results as richness

SMALL = np.array([[3, 0, 1, 0, 0, 2, 0, 0], [0, 1, 4, 0, 0, 2, 0, 1], [5, 1, 0, 0, 1, 0, 0, 0],
                  [12, 0, 0, 2, 0, 1, 0, 0], [0, 0, 2, 0, 0, 3, 1, 0], [1, 1, 0, 0, 0, 6, 0, 0]])  # fmt: skip
# Of Barro Colorado Island's 50 plots (vegan's data set BCI; Condit et al. 2002, https://doi.org/10.1126/science.1066854): how many
# tree species stand in 0, 1, 2, … 50 plots.
BCI_PLOTS = [0, 21, 19, 10, 5, 6, 3, 5, 7, 6, 5, 3, 6, 4, 4, 2, 5, 4, 8, 5, 2, 3, 3, 4, 1, 2, 3, 4, 4, 0, 3, 5, 4, 2, 2,
             4, 2, 3, 2, 3, 2, 2, 1, 3, 3, 4, 4, 3, 7, 5, 7]  # fmt: skip


def near(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-6)


def bci():
    """Presences with BCI's numbers of plots a species; in which plots they stand does not matter to a mean."""
    plots = np.repeat(np.arange(51), BCI_PLOTS)
    return (np.arange(50)[:, None] < plots[None, :]).astype(int)


def test_curve_of_barro_colorado():
    curve = richness.accumulation(bci())
    assert curve.richness[[0, 9, 24, 48]].tolist() == near([90.78, 182.560444122007, 208.169590428944, 224.58])


def test_pool_of_barro_colorado():
    pool = richness.pool(bci())
    assert (pool.sites, pool.species) == (50, 225)
    assert (pool.chao, pool.chao_se) == near((236.373157894737, 6.54361038058857))
    assert pool.jack1 == near(245.58)
    found = richness.accumulation(bci()).sd[::12].tolist()
    assert found == near([5.19706386877204, 5.26013934167583, 4.62900597773451, 4.36099814071651, 4.33504915318361])


def test_spread_of_curves():
    curve = richness.accumulation(SMALL)
    assert curve.richness.tolist() == near([19 / 6, 73 / 15, 5.9, 20 / 3, 22 / 3, 8])
    assert curve.sd.tolist() == near(
        [0.930159168331621, 1.22709071954234, 1.31663564123288, 1.36242766792472, 1.42572077861063, 1.53392997769474]
    )
    low, high = curve.limits()
    assert (low <= curve.richness).all()
    assert (curve.richness <= high).all()


def test_estimates():
    pool = richness.pool(SMALL)
    assert (pool.chao, pool.chao_se) == near((13, 5.96732556167119))
    assert (pool.jack1, pool.jack1_se) == near((34 / 3, 5 / 3))


@pytest.mark.filterwarnings("error")
def test_nothing_found():
    nothing = np.zeros((4, 3), dtype=int)
    curve = richness.accumulation(nothing)
    assert curve.richness.tolist() == curve.sd.tolist() == [0, 0, 0, 0]
    assert richness.pool(nothing).species == 0
