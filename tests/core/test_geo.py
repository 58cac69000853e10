"""Distances and areas against PROJ's own geodesics and against closed formulas."""

import numpy as np
import pytest
import shapely
from pyproj import Geod
from shapely.geometry import LineString, Point, Polygon, box

from biodata.core import geo

GEOD = Geod(ellps="WGS84")


def test_geodesic_distance_between_kunming_and_hanoi():
    metres = geo.geodesic_distance_m(102.71, 25.04, [105.85, np.nan], 21.03)
    assert metres[0] == pytest.approx(549_466, abs=1500)
    assert np.isnan(metres[1])
    assert metres[0] == GEOD.inv(102.71, 25.04, 105.85, 21.03)[2]


@pytest.mark.parametrize("latitude", [-9.5, 0.05, 22, 53], ids=["Timor", "Pontianak", "Mengla", "Amur"])
def test_distance_to_a_segment_is_that_of_its_densified_line(latitude):
    rng = np.random.default_rng(7)
    n = 60
    lon, lat = 101 + rng.uniform(-0.2, 0.2, n), latitude + rng.uniform(-0.2, 0.2, n)
    start = np.column_stack([101 + rng.uniform(-0.05, 0.05, n), latitude + rng.uniform(-0.05, 0.05, n)])
    segments = np.hstack([start, start + rng.uniform(-0.035, 0.035, (n, 2))])
    t = np.linspace(0, 1, 4001)
    for i, (x0, y0, x1, y1) in enumerate(segments):
        along = GEOD.inv(np.full(t.size, lon[i]), np.full(t.size, lat[i]), x0 + t * (x1 - x0), y0 + t * (y1 - y0))[2]
        ours = geo.distance_to_segment_m(lon[i : i + 1], lat[i : i + 1], segments[i : i + 1])[0]
        assert ours == pytest.approx(min(along), abs=0.8)


def test_a_segment_of_no_length_is_its_point():
    here = np.array([101.0])
    metres = geo.distance_to_segment_m(here, np.array([21.0]), np.array([[101.1, 21.1, 101.1, 21.1]]))
    assert metres[0] == pytest.approx(GEOD.inv(101, 21, 101.1, 21.1)[2], abs=0.1)


def test_the_whole_ellipsoid_has_its_known_area():
    # https://en.wikipedia.org/wiki/World_Geodetic_System: 510,065,621.724 km²
    assert geo.area_km2([box(-180, -90, 180, 90)])[0] == pytest.approx(510_065_621.724, abs=0.01)


def test_areas_of_densified_polygons_are_those_of_the_geodesic_method():
    shapes = [
        Polygon([(101, 21), (101.4, 21.1), (101.3, 21.6)]),
        Polygon([(95, -8), (96, -8), (96, -7), (95, -7)], [[(95.2, -7.8), (95.4, -7.8), (95.4, -7.6)]]),
        shapely.union(box(100, 0, 100.5, 0.5), box(102, 50, 103, 51)),
    ]
    dense = [shapely.segmentize(shape, 0.001) for shape in map(shapely.orient_polygons, shapes)]
    expected = [abs(GEOD.geometry_area_perimeter(shape)[0]) for shape in dense]
    assert geo.area_km2(shapes) == pytest.approx(np.array(expected) / 1e6, rel=1e-7)


def test_what_has_no_area_has_the_area_0():
    assert geo.area_km2([None, Point(1, 2), LineString([(0, 0), (1, 1)]), Polygon()]).tolist() == [0, 0, 0, 0]


def test_area_in_the_equal_area_system_is_that_on_the_ellipsoid():
    shape = shapely.segmentize(box(99, 20, 104, 25), 0.05)
    crs = geo.equal_area_crs((99, 20, 104, 25))
    assert geo.project(shape, "EPSG:4326", crs).area / 1e6 == pytest.approx(geo.area_km2([shape])[0], rel=1e-5)


def test_projecting_there_and_back_changes_nothing():
    places = np.array([[101.5, 21.4], [105.8, 21.0]])
    crs = geo.equal_area_crs((99, 20, 106, 25))
    assert geo.project(geo.project(places, 4326, crs), crs, 4326) == pytest.approx(places, abs=1e-7)


def test_densify_keeps_the_shape_and_shortens_segments():
    line = LineString([(0, 0), (1, 0)])
    dense = geo.densify(line, max_segment_degrees=0.1)
    assert len(dense.coords) == 11
    assert dense.equals(line)
    with pytest.raises(ValueError, match="must be positive"):
        geo.densify(line, max_segment_degrees=0)
