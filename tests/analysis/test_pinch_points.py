"""Pinch points in corridors."""

import math

import numpy as np
import pytest

from biodata.analysis.circuit.pinch_points import pinch_points
from biodata.core.errors import InputError


def hourglass():
    resistance = np.ones((11, 31))
    for column in range(31):
        half = 1 + abs(column - 15) // 3
        resistance[: max(0, 5 - half), column] = np.nan
        resistance[5 + half + 1 :, column] = np.nan
    ends = np.flatnonzero(np.isfinite(resistance[:, 0])) * 31
    return resistance, ends, ends + 30


def test_the_waist_of_an_hourglass_is_its_pinch_point():
    resistance, first, second = hourglass()
    found = pinch_points(resistance, first, second)
    assert found.tightest is not None
    assert abs(found.tightest[1] - 15) <= 2
    assert math.isnan(found.current[0, 15])
    assert not found.current.reshape(-1)[first].any()
    # Whatever flows crosses every column: 1 A, shared by the cells of the column.
    assert found.current[:, 15][np.isfinite(found.current[:, 15])].sum() >= 1 - 1e-9


def test_a_corridor_leaves_the_way_around_out():
    resistance = np.ones((5, 9))
    first, second = np.array([18]), np.array([26])
    corridor = np.zeros((5, 9), dtype=bool)
    corridor[2] = True
    wide, narrow = pinch_points(resistance, first, second), pinch_points(resistance, first, second, corridor=corridor)
    assert narrow.resistance == pytest.approx(8.0)
    assert wide.resistance < narrow.resistance
    np.testing.assert_allclose(narrow.current[2, 1:-1], 1.0)
    assert np.isnan(narrow.current[1]).all()


def test_areas_are_one_node_each_and_a_gap_lets_nothing_through():
    resistance = np.array([[1.0, 1.0, 1.0, 1.0, np.nan, 1.0]])
    found = pinch_points(resistance, np.array([0, 1]), np.array([3]))
    assert found.resistance == pytest.approx(2.0)
    assert found.tightest == (0, 2)
    gap = pinch_points(resistance, np.array([0]), np.array([5]))
    assert gap.resistance == math.inf
    assert gap.tightest is None


@pytest.mark.parametrize(("first", "second", "code"), [
    pytest.param([0], [0], "AREAS_OVERLAP", id="one area twice"),
    pytest.param([4], [0], "AREA_EMPTY", id="an area on no data"),
])  # fmt: skip
def test_areas_that_cannot_be_joined_are_refused(first, second, code):
    resistance = np.array([[1.0, 1.0, 1.0, 1.0, np.nan]])
    with pytest.raises(InputError) as caught:
        pinch_points(resistance, np.array(first), np.array(second))
    assert caught.value.code == code
