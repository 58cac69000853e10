"""The cautious test of distance against geodesics measured point by point."""

import numpy as np
import pytest
import shapely

from biodata import places
from biodata.core import geo
from biodata.places.locate import country_boxes, surely_beyond


@pytest.mark.parametrize("country", ["LK", "VN"])
def test_nothing_nearer_is_called_beyond_and_all_that_is_much_farther_is(country):
    land = places.country_geometry(country, places.load_boundaries())
    west, south, east, north = land.bounds
    rng = np.random.default_rng(5)
    longitude, latitude = rng.uniform(west - 9, east + 9, 300), rng.uniform(south - 9, north + 9, 300)
    vertices = shapely.get_coordinates(shapely.segmentize(land, 0.05))
    nearest = np.array(
        [geo.geodesic_distance_m(x, y, *vertices.T).min() for x, y in zip(longitude, latitude, strict=True)]
    )
    nearest[shapely.contains_xy(land, longitude, latitude)] = 0.0
    beyond = surely_beyond(land, longitude, latitude, 300_000.0)
    assert not beyond[nearest < 295_000].any()
    assert beyond[nearest > 300_000 / np.cos(np.radians(latitude)) * 1.01].all()
    one_by_one = [surely_beyond(land, longitude[i : i + 1], latitude[i : i + 1], 300_000.0)[0] for i in range(60)]
    assert beyond[:60].tolist() == one_by_one


def test_a_distance_for_each_point():
    square = shapely.box(100, 10, 101, 11)
    reach_m = np.array([10_000.0, 200_000.0])
    assert surely_beyond(square, np.array([102.0, 102.0]), np.array([10.5, 10.5]), reach_m).tolist() == [True, False]


def test_boxes_hold_the_land_and_its_band():
    boundaries = places.load_boundaries()
    west, south, east, north = country_boxes(boundaries)["SG"]
    assert shapely.box(west, south, east, north).contains(places.country_geometry("SG", boundaries))
