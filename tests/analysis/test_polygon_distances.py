"""Distances between polygons are those of GEOS."""

import numpy as np
import pytest
import shapely

from biodata.analysis.networks.protconn_pieces import within_reach


def stars(seed, count, corners):
    """Return jagged polygons, some with a hole, some of two parts, scattered so that some touch or overlap."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        angle = np.sort(rng.random(corners)) * 2 * np.pi
        radius = rng.uniform(200, 1000, corners)
        centre = rng.uniform(0, 8000, 2)
        shape = shapely.make_valid(
            shapely.Polygon(centre + np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None])
        )
        if number % 4 == 1:
            shape = shape.difference(shapely.Point(centre).buffer(150))
        if number % 5 == 2:
            shape = shapely.union(shape, shapely.box(*(centre + 1500), *(centre + 1700)))
        found.append(shape)
    return np.array(found, dtype=object)


@pytest.mark.parametrize("reach_m", [np.inf, 2500.0])
@pytest.mark.parametrize(("seed", "corners"), [(1, 7), (2, 40), (3, 300)])
def test_distances_are_those_of_geos(seed, corners, reach_m):
    shapes = stars(seed, 30, corners)
    one, other = np.triu_indices(len(shapes), 1)
    truth = shapely.distance(shapes[one], shapes[other])
    expected = {(i, j): d for i, j, d in zip(one.tolist(), other.tolist(), truth.tolist(), strict=True) if d < reach_m}
    first, second, distance = within_reach(shapes, reach_m=reach_m)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == sorted(expected)
    np.testing.assert_allclose(distance, [expected[pair] for pair in sorted(expected)], rtol=1e-12, atol=1e-9)
    assert (distance[np.array([expected[pair] for pair in sorted(expected)]) == 0] == 0).all()


def test_polygons_that_touch_cross_or_hold_each_other_are_not_apart():
    shapes = np.array([
        shapely.box(0, 0, 100, 100),
        shapely.box(100, 20, 200, 80),  # along an edge
        shapely.box(40, 40, 60, 60),  # inside
        shapely.box(-50, 10, 300, 20),  # across, no corner of either inside the other
        shapely.box(103, 104, 110, 110),  # at the corner, 5 m away
    ], dtype=object)  # fmt: skip
    first, second, distance = within_reach(shapes, reach_m=np.inf)
    found = dict(zip(zip(first.tolist(), second.tolist(), strict=True), distance.tolist(), strict=True))
    assert found[0, 1] == found[0, 2] == found[0, 3] == found[1, 3] == 0
    assert found[0, 4] == 5
    assert found[1, 2] == 40
    assert within_reach(shapes[:1], reach_m=10.0)[0].size == 0
