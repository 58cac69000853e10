"""The index of lines: it finds what a look at every line finds, anywhere on earth, in whatever order it is asked."""

import numpy as np
import pytest

from biodata.core.geo import distance_to_segment_m
from biodata.places.borders import Lines

REACH_M, BAND_M = 30_000.0, 5_000.0


def lines_at(latitude, seed, n=400):
    """Return short lines around a parallel, some over the edge of the map's middle."""
    rng = np.random.default_rng(seed)
    start = np.column_stack([rng.uniform(-3, 3, n), latitude + rng.uniform(-1.5, 1.5, n)])
    return np.hstack([start, start + rng.uniform(-0.035, 0.035, (n, 2))])


def every_line(ends, lon, lat):
    """Return the distance from each point to the nearest line, NaN beyond the reach, and the pairs in the band."""
    metres = np.stack([distance_to_segment_m(lon, lat, np.tile(line, (len(lon), 1))) for line in ends], axis=1)
    nearest = metres.min(axis=1)
    return np.where(nearest <= REACH_M, nearest, np.nan), {tuple(pair) for pair in np.argwhere(metres <= BAND_M)}


@pytest.mark.parametrize("latitude", [0.0, 22.0, -45.0, 66.0, 78.5, -83.0])
def test_nothing_near_is_missed(latitude):
    ends = lines_at(latitude, seed=3)
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(-5, 5, 1500), latitude + rng.uniform(-1.9, 1.9, 1500)
    found = Lines(ends, reach_m=REACH_M, band_m=BAND_M).near(lon, lat)
    distance, pairs = every_line(ends, lon, lat)
    np.testing.assert_array_equal(found.distance_m, distance)
    assert set(zip(found.point.tolist(), found.line.tolist(), strict=True)) == pairs


def test_a_place_is_told_the_same_whatever_was_asked_before():
    ends = lines_at(20.0, seed=7)
    rng = np.random.default_rng(11)
    lon, lat = rng.uniform(-4, 4, 600), rng.uniform(18, 22, 600)
    together = Lines(ends, reach_m=REACH_M, band_m=BAND_M).near(lon, lat)
    lines = Lines(ends, reach_m=REACH_M, band_m=BAND_M)
    order = rng.permutation(600)
    for part in np.array_split(order, 40):
        one = lines.near(lon[part], lat[part])
        np.testing.assert_array_equal(one.distance_m, together.distance_m[part])
        told = {(part[point], line) for point, line in zip(one.point, one.line, strict=True)}
        of_part = np.isin(together.point, part)
        assert told == set(zip(together.point[of_part], together.line[of_part], strict=True))


@pytest.mark.parametrize(("lon", "lat"), [
    pytest.param([180.0, -180.0, 0.0, 0.0], [0.0, 0.0, 90.0, -90.0], id="edges of the map"),
    pytest.param([120.0], [40.0], id="far from every line"),
    pytest.param([], [], id="no point"),
])  # fmt: skip
def test_where_no_line_is_nothing_is_told(lon, lat):
    lines = Lines(lines_at(20.0, seed=13), reach_m=REACH_M, band_m=BAND_M)
    found = lines.near(np.array(lon), np.array(lat))
    assert np.isnan(found.distance_m).all()
    assert len(found.distance_m) == len(lon)
    assert not len(found.point)


def test_no_lines_at_all():
    found = Lines(np.empty((0, 4)), reach_m=REACH_M, band_m=BAND_M).near(np.array([1.0, 88.0]), np.array([2.0, 89.0]))
    assert np.isnan(found.distance_m).all()
