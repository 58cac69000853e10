"""Accumulation curves and estimates of richness, against what R's vegan 2.6-10 says (tests/vegan.R tells all of it)."""

import numpy as np
import pytest

from biodata.analysis.surveys import richness
from biodata.analysis.surveys.accumulation import Method, accumulation

SMALL = np.array(
    [
        [3, 0, 1, 0, 0, 2, 0, 0],
        [0, 1, 4, 0, 0, 2, 0, 1],
        [5, 1, 0, 0, 1, 0, 0, 0],
        [12, 0, 0, 2, 0, 1, 0, 0],
        [0, 0, 2, 0, 0, 3, 1, 0],
        [1, 1, 0, 0, 0, 6, 0, 0],
    ]
)
ORDERS = np.array([[5, 3, 1, 0, 4, 2], [1, 0, 3, 4, 5, 2], [4, 1, 0, 5, 3, 2]])
# Of Barro Colorado Island's 50 plots (vegan's data set BCI; Condit et al. 2002, https://doi.org/10.1126/science.1066854): how many
# tree species stand in 0, 1, 2, … 50 plots, and how many have so many stems in all.
BCI_PLOTS = [
    0, 21, 19, 10, 5, 6, 3, 5, 7, 6, 5, 3, 6, 4, 4, 2, 5, 4, 8, 5, 2, 3, 3, 4, 1, 2, 3, 4, 4, 0, 3, 5, 4, 2, 2, 4, 2, 3, 2,
    3, 2, 2, 1, 3, 3, 4, 4, 3, 7, 5, 7,
]  # fmt: skip
BCI_STEMS = {
    1: 19, 2: 13, 3: 9, 4: 5, 5: 8, 6: 1, 7: 6, 8: 3, 9: 2, 10: 7, 12: 7, 13: 5, 14: 3, 15: 3, 16: 3, 17: 1, 18: 1, 19: 1,
    20: 1, 21: 4, 22: 3, 23: 4, 25: 4, 26: 4, 27: 3, 28: 3, 29: 2, 30: 1, 31: 1, 32: 1, 33: 5, 36: 1, 38: 2, 39: 2, 40: 1,
    41: 1, 43: 2, 45: 2, 47: 1, 49: 1, 50: 1, 51: 1, 52: 2, 54: 1, 55: 3, 58: 1, 61: 1, 63: 2, 64: 1, 67: 2, 68: 2, 70: 1,
    76: 1, 78: 1, 80: 1, 81: 1, 82: 1, 85: 2, 87: 1, 88: 1, 92: 2, 93: 1, 98: 3, 99: 1, 100: 1, 101: 1, 111: 1, 118: 1,
    121: 1, 143: 1, 147: 1, 149: 1, 156: 1, 163: 1, 164: 1, 167: 1, 177: 1, 184: 1, 188: 1, 201: 1, 203: 1, 218: 1, 229: 1,
    236: 2, 244: 1, 248: 1, 264: 1, 285: 1, 288: 1, 289: 1, 294: 1, 322: 1, 325: 1, 345: 1, 346: 1, 364: 1, 376: 1, 379: 1,
    381: 1, 617: 1, 644: 1, 681: 1, 724: 1, 755: 1, 788: 1, 983: 1, 1681: 1, 1717: 1,
}  # fmt: skip


def near(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-6)


def bci():
    """Presences with BCI's numbers of plots a species; in which plots they stand does not matter to a mean."""
    plots = np.repeat(np.arange(51), BCI_PLOTS)
    return (np.arange(50)[:, None] < plots[None, :]).astype(int)


@pytest.mark.parametrize(
    ("method", "expected", "sd"),
    [
        (Method.EXACT, [90.78, 182.560444122007, 208.169590428944, 224.58], None),
        (
            Method.COLEMAN,
            [67.4722890024047, 180.816155067126, 207.866242431968, 224.572319180601],
            [6.1006404423599, 4.24083971283205, 3.24244409766932, 0.647516624310492],
        ),
    ],
)
def test_curves_of_barro_colorado(method, expected, sd):
    curve = accumulation(bci(), method)
    assert curve.richness[[0, 9, 24, 48]].tolist() == near(expected)
    if sd is not None:
        assert curve.sd[[0, 9, 24, 48]].tolist() == near(sd)


def test_rarefied_stems_of_barro_colorado():
    stems = np.repeat(list(BCI_STEMS), list(BCI_STEMS.values()))
    assert len(stems) == 225
    drawn = np.rint(np.linspace(stems.sum() / 50, stems.sum(), 50)).astype(int)[[0, 9, 24, 48]]
    found = np.array([richness.rarefy(stems, int(size)) for size in drawn])
    assert found[:, 0].tolist() == near([103.46382539145, 187.881333399062, 210.474446509929, 224.614866982397])
    assert found[:, 1].tolist() == near([4.93394522719378, 3.85239675846694, 2.96153821543599, 0.614170153653716])


def test_pool_of_barro_colorado():
    pool = richness.pool(bci())
    assert (pool.sites, pool.species) == (50, 225)
    assert (pool.chao, pool.chao_se) == near((236.373157894737, 6.54361038058857))
    assert (pool.jack1, pool.jack2, pool.boot) == near((245.58, 247.872244897959, 235.686167532514))
    assert accumulation(bci(), conditioned=False).sd[::12].tolist() == near(
        [5.19706386877204, 5.26013934167583, 4.62900597773451, 4.36099814071651, 4.33504915318361]
    )


def test_spread_of_curves():
    exact = accumulation(SMALL)
    assert exact.richness.tolist() == near([19 / 6, 73 / 15, 5.9, 20 / 3, 22 / 3, 8])
    assert exact.sd.tolist() == near(
        [0.372677996249965, 0.584178751965762, 0.680685928555405, 0.596284793999944, 0.471404520791032, 0]
    )
    of_all = accumulation(SMALL, conditioned=False)
    assert of_all.sd.tolist() == near(
        [0.930159168331621, 1.22709071954234, 1.31663564123288, 1.36242766792472, 1.42572077861063, 1.53392997769474]
    )
    rarefied = accumulation(SMALL, Method.RAREFACTION)
    assert rarefied.sites.tolist() == near([0.96, 2.04, 3, 3.96, 5.04, 6])
    assert rarefied.sd.tolist() == near(
        [0.915865510827283, 1.00869843074615, 0.974010668591414, 0.865443836940972, 0.637283014679488, 0]
    )
    low, high = exact.limits()
    assert (low <= exact.richness).all()
    assert (exact.richness <= high).all()


def test_orders_that_are_told():
    drawn = accumulation(SMALL, Method.RANDOM, permutations=ORDERS)
    seen = [[len(set(np.nonzero(SMALL[order[: n + 1]])[1])) for n in range(6)] for order in ORDERS]
    assert drawn.richness.tolist() == np.mean(seen, axis=0).tolist()
    assert drawn.sd.tolist() == pytest.approx(np.std(seen, axis=0, ddof=1).tolist())
    again = [accumulation(SMALL, Method.RANDOM, permutations=50, seed=seed).richness.tolist() for seed in (3, 3, 4)]
    assert again[0] == again[1] != again[2]


def test_estimates():
    pool = richness.pool(SMALL)
    assert (pool.chao, pool.chao_se) == near((13, 5.96732556167119))
    assert (pool.jack1, pool.jack1_se, pool.jack2) == near((34 / 3, 5 / 3, 14))
    assert (pool.boot, pool.boot_se) == near((9.37223508230453, 0.827349831970709))
    found = [richness.estimates(row) for row in SMALL]
    assert [one.chao1 for one in found] == near([3, 4.5, 4, 3, 3, 4])
    assert [one.chao1_se for one in found] == near(
        [0.204124145231932, 1.25, 2.12132034355964, 0.204124145231932, 0.204124145231932, 2.12132034355964]
    )
    assert [one.ace for one in found] == near([3.6, 56 / 9, 7, 4, 3.6, 7.04761904761905])
    assert richness.rarefy(SMALL[2], 6) == near((2.71428571428571, 0.451753951452626))


def test_error_of_ace_is_its_derivative():
    counts = np.array([1, 1, 1, 1, 2, 2, 3, 4, 4, 6, 9, 14, 40])
    of = np.array([(counts == i).sum() for i in range(1, 11)], dtype=float)

    def ace(numbers):
        sizes = np.arange(1, 11)
        rare = (sizes * numbers).sum()
        cover = 1 - numbers[0] / rare
        spread = numbers.sum() * (sizes * (sizes - 1) * numbers).sum() / (cover * rare * (rare - 1)) - 1
        return 2 + numbers.sum() / cover + numbers[0] / cover * max(spread, 0)

    step = 1e-6 * np.eye(10)
    slope = np.array([(ace(of + h) - ace(of - h)) / 2e-6 for h in step])
    every = ace(of)
    variance = slope**2 @ of + 2 - (slope @ of + 2) ** 2 / every
    found = richness.estimates(counts)
    assert found.ace == pytest.approx(every)
    assert found.ace_se_delta == pytest.approx(np.sqrt(variance), rel=1e-6)
    # vegan's estimateR tells another one, of another derivative.
    assert found.ace_se == near(2.00178832911)


@pytest.mark.filterwarnings("error")
def test_nothing_found():
    nothing = np.zeros((4, 3), dtype=int)
    for conditioned in (True, False):
        curve = accumulation(nothing, conditioned=conditioned)
        assert curve.richness.tolist() == curve.sd.tolist() == [0, 0, 0, 0]
    for method in (Method.COLEMAN, Method.RANDOM, Method.COLLECTOR):
        assert accumulation(nothing, method).richness.tolist() == [0, 0, 0, 0]
    assert richness.pool(nothing).species == 0
    assert richness.estimates(nothing[0]).species == 0
    with pytest.raises(ValueError, match="cannot be drawn"):
        richness.rarefy(np.array([2, 1]), 4)
