"""Pinch points in corridors, and current in a moving window."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from biodata.analysis.circuit.moving_window import Window, moving_window, strengths_from_resistance
from biodata.analysis.circuit.pinch_points import pinch_points
from biodata.errors import InputError


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


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        pytest.param([0], [0], "AREAS_OVERLAP", id="one area twice"),
        pytest.param([4], [0], "AREA_EMPTY", id="an area on no data"),
    ],
)
def test_areas_that_cannot_be_joined_are_refused(first, second, code):
    resistance = np.array([[1.0, 1.0, 1.0, 1.0, np.nan]])
    with pytest.raises(InputError) as caught:
        pinch_points(resistance, np.array(first), np.array(second))
    assert caught.value.code == code


def test_where_all_cells_are_alike_current_is_the_flow_potential():
    alike = np.full((13, 15), 3.0)
    found = moving_window(alike, np.ones(alike.shape), Window(radius=4))
    assert found.blocks == alike.size
    np.testing.assert_allclose(found.normalised, 1.0, rtol=1e-9)
    # Each block draws its strength once: the current at the middle of a window is what it draws, and no more in sum.
    assert found.current.min() >= 1.0 - 1e-9


def test_one_block_is_a_circuit_by_hand():
    resistance = np.ones((1, 5))
    strengths = np.array([[1.0, 0.0, 2.0, 0.0, 3.0]])
    found = moving_window(resistance, np.where(strengths == 2, strengths, 0.0), Window(radius=2))
    assert not np.nan_to_num(found.current).any()  # nobody else gives
    found = moving_window(resistance, strengths, Window(radius=2))
    # Ground at 0: 1 A from 2. At 2: 2 A, a quarter from 0, the rest from 4. At 4: 3 A from 2.
    np.testing.assert_allclose(found.current, [[1 + 0.5, 1 + 0.5, 1 + 2 + 3, 1.5 + 3, 1.5 + 3]])


def test_a_gap_in_a_wall_squeezes_current():
    resistance = np.ones((21, 21))
    resistance[10] = 1000.0
    resistance[10, 10] = 1.0
    found = moving_window(resistance, strengths_from_resistance(resistance, cutoff=10.0), Window(radius=8))
    assert found.normalised[10, 10] > 2
    assert found.normalised[10, 4] < 0.5
    with ThreadPoolExecutor(2) as executor:
        told = []
        again = moving_window(
            resistance,
            strengths_from_resistance(resistance, cutoff=10.0),
            Window(radius=8),
            executor=executor,
            progress=lambda done, of: told.append((done, of)),
        )
    np.testing.assert_array_equal(again.current, found.current)
    assert told[-1] == (found.blocks, found.blocks)


def test_a_buffer_lets_current_make_a_detour_and_no_more_sources_in():
    resistance = np.ones((9, 9))
    resistance[:7, 4] = np.nan  # a wall with a gap that the radius alone does not reach
    strengths = np.zeros((9, 9))
    strengths[2, 3] = strengths[2, 5] = 1.0
    without = moving_window(resistance, strengths, Window(radius=3))
    assert not np.nan_to_num(without.current).any()
    around = moving_window(resistance, strengths, Window(radius=3, buffer=5))
    assert around.current[2, 3] == pytest.approx(2.0)
    assert np.nansum(around.current[7:, 4]) >= 2.0 - 1e-9
    # Three cells from the one, five from the other, for which it is no source: 1 A there, and a sixth of the other's.
    strengths[2, 0] = 5.0
    around = moving_window(resistance, strengths, Window(radius=3, buffer=5))
    assert around.current[2, 5] == pytest.approx(1 + 1 / 6)


def test_only_whole_blocks_are_targets():
    found = moving_window(np.ones((7, 8)), np.ones((7, 8)), Window(radius=4, block_size=3))
    assert found.blocks == 4


def test_a_uniform_island_is_normalised_to_one_unless_the_flow_potential_crosses_the_sea():
    island = np.ones((11, 11))
    island[:, 7:] = np.nan
    strengths = strengths_from_resistance(island)
    own = moving_window(island, strengths, Window(radius=4))
    np.testing.assert_allclose(own.normalised[:, :7], 1.0)
    sea = moving_window(island, strengths, Window(radius=4, potential_crosses_barriers=True))
    np.testing.assert_allclose(sea.current, own.current)
    assert abs(sea.normalised[5, 6] - 1) > 0.01
    assert sea.normalised[5, 2] == pytest.approx(1, abs=0.1)


def test_blocks_come_close_to_single_cells():
    rng = np.random.default_rng(4)
    resistance = 1 + 4 * rng.random((27, 27))
    strengths = strengths_from_resistance(resistance)
    single = moving_window(resistance, strengths, Window(radius=9)).current
    corrected = moving_window(resistance, strengths, Window(radius=9, block_size=3)).current
    raw = moving_window(resistance, strengths, Window(radius=9, block_size=3, correct_artifacts=False)).current

    def error(found):
        return np.abs(found / single - 1)[6:-6, 6:-6].mean()

    assert error(corrected) < error(raw)
    assert error(corrected) < 0.1


@pytest.mark.parametrize(
    ("window", "resistance", "strengths", "code"),
    [
        pytest.param(Window(3, 2), 1.0, 1.0, "WINDOW_INVALID", id="an even block"),
        pytest.param(Window(3, buffer=-1), 1.0, 1.0, "WINDOW_INVALID", id="a buffer below nothing"),
        pytest.param(Window(0), 1.0, 1.0, "WINDOW_INVALID", id="no radius"),
        pytest.param(Window(3), 0.0, 1.0, "RESISTANCE_NOT_POSITIVE", id="no resistance"),
        pytest.param(Window(3), 1.0, -1.0, "STRENGTH_NEGATIVE", id="a strength below 0"),
    ],
)
def test_windows_that_cannot_move_are_refused(window, resistance, strengths, code):
    with pytest.raises(InputError) as caught:
        moving_window(np.full((4, 4), resistance), np.full((4, 4), strengths), window)
    assert caught.value.code == code
    with pytest.raises(InputError):
        moving_window(np.ones((4, 4)), np.ones((4, 5)), Window(3))
