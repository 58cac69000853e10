"""The nearest points of a gazetteer, beside what a tree of all points tells."""

import numpy as np
import polars as pl
import pytest
from scipy.spatial import cKDTree

from biodata.places.gazetteer import REACH_M, Points, on_sphere


def points_at(longitude, latitude):
    return Points(longitude, latitude, np.zeros(len(longitude)), pl.Series([str(n) for n in range(len(longitude))]))


@pytest.mark.parametrize("latitude", [0.0, 21.3, -47.9, 69.0, 84.0])
@pytest.mark.parametrize("count", [1, 4])
def test_the_nearest_are_those_of_a_tree(latitude, count):
    rng = np.random.default_rng(5)
    wide = 0.1 / np.cos(np.radians(latitude))
    there = points_at(100 + rng.uniform(-wide, wide, 300), latitude + rng.uniform(-0.1, 0.1, 300))
    x, y = 100 + rng.uniform(-2 * wide, 2 * wide, 2000), latitude + rng.uniform(-0.2, 0.2, 2000)
    metres, row = there.nearest(x, y, count)
    tree = cKDTree(on_sphere(there.longitude, there.latitude))
    expected, expected_row = tree.query(on_sphere(x, y), k=range(1, count + 1), distance_upper_bound=REACH_M)
    np.testing.assert_allclose(metres, expected, rtol=1e-9)
    near = np.isfinite(expected)
    assert near.any()
    assert not near.all()
    assert (row[near] == expected_row[near]).all()


def test_of_points_at_one_place_the_first_is_told():
    there = points_at(np.array([100.0, 100.0, 100.001]), np.array([20.0, 20.0, 20.0]))
    metres, row = there.nearest(np.array([100.0]), np.array([20.0]), 4)
    assert row[0, :3].tolist() == [0, 1, 2]
    assert metres[0, :2].tolist() == [0, 0]
    assert np.isinf(metres[0, 3])


@pytest.mark.parametrize(("there", "asked"), [
    pytest.param([], [100.0], id="no points"),
    pytest.param([100.0], [], id="nothing asked"),
    pytest.param([100.0], [100.1], id="too far"),
])  # fmt: skip
def test_nothing_is_near(there, asked):
    points = points_at(np.array(there), np.zeros(len(there)))
    metres, row = points.nearest(np.array(asked), np.zeros(len(asked)), 2)
    assert metres.shape == row.shape == (len(asked), 2)
    assert np.isinf(metres).all()
