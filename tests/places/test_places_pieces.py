"""Units cut along whole degrees give the same land in a box, and the same touch, as the whole units."""

import numpy as np
import shapely

from biodata.core.geo import area_km2
from biodata.places import load_boundaries

BOUNDARIES = load_boundaries()


def boxes(seed, n, side):
    rng = np.random.default_rng(seed)
    size = round(1 / side)
    column, row = rng.integers(90 * size, 125 * size, n), rng.integers(-10 * size, 30 * size, n)
    return column / size, row / size, (column + 1) / size, (row + 1) / size


def test_the_land_in_a_box_is_that_of_the_whole_units():
    for side in (1.0, 0.1):
        edges = boxes(7, 60, side)
        box, unit, piece = BOUNDARIES.pieces.cut(*edges)
        found = np.zeros((60, len(BOUNDARIES.shapes)))
        np.add.at(found, (box, unit), area_km2(piece))
        for number, one in enumerate(shapely.box(*edges)):
            at = BOUNDARIES.tree.query(one)
            right = np.zeros(len(BOUNDARIES.shapes))
            right[at] = area_km2(shapely.intersection(BOUNDARIES.shapes[at], one))
            np.testing.assert_allclose(found[number], right, atol=1e-6)


def test_boxes_over_several_degrees_are_touched_alike():
    for side in (0.05, 0.5, 2.5, 7.0):
        rng = np.random.default_rng(3)
        west, south = rng.uniform(-180, 173, 80), rng.uniform(-85, 80, 80)
        edges = (west, south, west + side, south + side / 2)
        right = np.zeros(80, dtype=bool)
        right[BOUNDARIES.tree.query(shapely.box(*edges), predicate="intersects")[0]] = True
        np.testing.assert_array_equal(BOUNDARIES.pieces.touched(*edges), right)


def test_no_boxes_are_no_pieces():
    nothing = np.empty(0)
    assert [len(part) for part in BOUNDARIES.pieces.cut(nothing, nothing, nothing, nothing)] == [0, 0, 0]
    assert BOUNDARIES.pieces.touched(nothing, nothing, nothing, nothing).shape == (0,)
