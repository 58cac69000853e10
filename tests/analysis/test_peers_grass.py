"""Cost distance against GRASS r.cost on large rasters; needs Debian's grass-core."""

import os

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import grass
from biodata.analysis import cost_distance

pytestmark = pytest.mark.peers


@pytest.fixture(autouse=True)
def installed():
    if grass.PROGRAM is None:
        assert not os.environ.get("CI"), "install grass-core"
        pytest.skip("GRASS is not installed (apt-get install grass-core)")


def smooth(side, seed):
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.random((side, side)), 8)
    resistance = 1 + 99 * (field - field.min()) / np.ptp(field)
    holes = gaussian_filter(rng.random((side, side)), 8)
    resistance[holes < np.quantile(holes, 0.12)] = np.nan
    return resistance


def noisy(side, seed):
    rng = np.random.default_rng(seed)
    resistance = np.exp(rng.uniform(0, np.log(1e5), (side, side)))
    resistance[rng.random(resistance.shape) < 0.2] = np.nan
    return resistance


@pytest.mark.parametrize(
    ("made", "sources", "cell"),
    [
        pytest.param((smooth, 2000, 1), 1, (1.0, 1.0), id="4 million cells, 1 to 100"),
        pytest.param((noisy, 1000, 2), 5, (1.0, 1.0), id="1 million cells, 1 to 100,000, five sources"),
        pytest.param((smooth, 500, 3), 2, (2.0, 3.0), id="cells of 2 x 3 m"),
    ],
)
def test_equals_r_cost(made, sources, cell, tmp_path):
    field, side, seed = made
    resistance = field(side, seed)
    rng = np.random.default_rng(4)
    cells = rng.choice(np.flatnonzero(np.isfinite(resistance)), sources, replace=False)
    found = cost_distance.surface(resistance, cells, cell_width_m=cell[0], cell_height_m=cell[1])
    expected, _ = grass.Grass(tmp_path, resistance, cell=cell).cost(list(cells))
    reached = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found.cost), reached)
    np.testing.assert_allclose(found.cost[reached] / cell[0], expected[reached], rtol=1e-7)
