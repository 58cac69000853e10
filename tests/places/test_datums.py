"""Places to WGS 84: against published values, a transformation written anew, and PROJ's own choice of operation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from biodata import places
from biodata.core.geo import geodesic_distance_m
from biodata.places import datums
from biodata.places.datums import (
    UNPUBLISHED_M,
    Form,
    all_systems,
    find_system,
    operations_of,
    to_geographic,
    to_wgs84,
)
from told_points import drawn, provinces_of

IN_CHINA = st.tuples(st.floats(75, 134), st.floats(17, 53))


def one(value):
    return np.array([float(value)])


@pytest.mark.parametrize(("latitude", "longitude", "shifted_latitude", "shifted_longitude"), [
    pytest.param(31.1774276, 121.5272106, 31.17530398364597, 121.531541859215, id="Shanghai"),
    pytest.param(22.543847, 113.912316, 22.540796131694766, 113.9171764808363, id="Shenzhen"),
    pytest.param(39.911954, 116.377817, 39.91334545536069, 116.38404722455657, id="Beijing"),
])  # fmt: skip
def test_gcj02_agrees_with_published_pairs(latitude, longitude, shifted_latitude, shifted_longitude):
    # The pairs of the tests of eviltransform, https://github.com/googollee/eviltransform; versions of the formula
    # differ in the radius, which moves a place by a centimetre.
    x, y = datums.wgs84_to_gcj02(one(longitude), one(latitude))
    assert geodesic_distance_m(x, y, one(shifted_longitude), one(shifted_latitude)) < 0.1


def test_bd09_agrees_with_a_published_pair():
    x, y = datums.gcj02_to_bd09(one(116.404), one(39.915))
    assert geodesic_distance_m(x, y, one(116.41036949371029), one(39.92133699351021)) < 0.01


@given(IN_CHINA)
def test_offsets_are_taken_back(place):
    x, y = one(place[0]), one(place[1])
    for there, back in (
        (datums.wgs84_to_gcj02, datums.gcj02_to_wgs84),
        (datums.wgs84_to_bd09, datums.bd09_to_wgs84),
    ):
        again = back(*there(x, y))
        assert np.abs([again[0] - x, again[1] - y]).max() < 1e-9


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(2.35, 48.86), (-70.0, -33.0), (71.9, 30.0), (100.0, 0.5), (180.0, 90.0), (-180, -90)]
)
def test_gcj02_has_no_shift_outside_its_rectangle(longitude, latitude):
    for turn in (datums.wgs84_to_gcj02, datums.gcj02_to_wgs84):
        assert [v.item() for v in turn(one(longitude), one(latitude))] == [longitude, latitude]


def test_gcj02_shifts_in_its_rectangle_even_outside_china():
    x, y = datums.wgs84_to_gcj02(one(102.6), one(17.97))  # Vientiane
    assert geodesic_distance_m(x, y, one(102.6), one(17.97)) > 100


def helmert_by_hand(longitude, latitude, *, a, inverse_f, shift, rotation=(0, 0, 0), scale_ppm=0.0):
    """Return WGS 84 from a local datum by earth-centred coordinates, position vector convention, height 0."""
    f = 1 / inverse_f
    e2 = f * (2 - f)
    lam, phi = np.radians(longitude), np.radians(latitude)
    n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
    earth = np.array([n * np.cos(phi) * np.cos(lam), n * np.cos(phi) * np.sin(lam), n * (1 - e2) * np.sin(phi)])
    rx, ry, rz = np.radians(np.array(rotation) / 3600)
    turn = np.array([[1, -rz, ry], [rz, 1, -rx], [-ry, rx, 1]])
    x, y, z = np.array(shift) + (1 + scale_ppm * 1e-6) * turn @ earth
    f = 1 / 298.257223563
    e2, a = f * (2 - f), 6378137.0
    phi = np.arctan2(z, np.hypot(x, y) * (1 - e2))
    for _ in range(20):
        n = a / np.sqrt(1 - e2 * np.sin(phi) ** 2)
        phi = np.arctan2(z + e2 * n * np.sin(phi), np.hypot(x, y))
    return np.degrees(np.arctan2(y, x)), np.degrees(phi)


@pytest.mark.parametrize(("system", "longitude", "latitude", "parameters", "accuracy_m"), [
    pytest.param(
        "EPSG:4240", 99.6, 18.1,
        {"a": 6377276.345, "inverse_f": 300.8017, "shift": (293, 836, 318), "rotation": (0.5, 1.6, -2.8), "scale_ppm": 2.1},
        3, id="Indian 1975 in Thailand, EPSG 6697",
    ),
    pytest.param("EPSG:4678", 102.6, 18.0, {"a": 6378245, "inverse_f": 298.3, "shift": (44.585, -131.212, -39.544)}, 5,
                 id="Lao 1997"),
    pytest.param("EPSG:4245", 101.7, 3.1, {"a": 6377304.063, "inverse_f": 300.8017, "shift": (-11, 851, 5)}, 15,
                 id="Kertau 1968"),
    pytest.param("EPSG:4253", 121.0, 14.6, {"a": 6378206.4, "inverse_f": 294.978698213898, "shift": (-133, -77, -51)},
                 17, id="Luzon 1911 in Manila"),
    pytest.param("EPSG:4253", 125.6, 7.1, {"a": 6378206.4, "inverse_f": 294.978698213898, "shift": (-133, -79, -72)},
                 44, id="Luzon 1911 on Mindanao"),
    pytest.param("EPSG:4298", 110.3, 1.55, {"a": 6377298.556, "inverse_f": 300.8017, "shift": (-679, 669, -48)}, 19,
                 id="Timbalai 1948 in Sarawak"),
])  # fmt: skip
def test_published_parameters_are_used_where_they_hold(system, longitude, latitude, parameters, accuracy_m):
    moved = to_wgs84(find_system(system), one(longitude), one(latitude))
    x, y = helmert_by_hand(longitude, latitude, **parameters)
    assert geodesic_distance_m(moved.longitude, moved.latitude, x, y) < 0.02
    assert (moved.accuracy_m.item(), moved.certain.item(), moved.approximate.item()) == (accuracy_m, True, True)


def test_the_worked_example_of_a_projection():
    # IOGP Guidance Note 7-2, Hotine oblique Mercator: Timbalai 1948 / RSO Borneo (m).
    x, y = to_geographic(find_system("EPSG:29873"), one(679245.73), one(596562.78))
    assert x == pytest.approx(115 + 48 / 60 + 19.8196 / 3600, abs=1e-7)
    assert y == pytest.approx(5 + 23 / 60 + 14.1129 / 3600, abs=1e-7)


@pytest.mark.parametrize(("system", "country"), [
    ("EPSG:4240", "TH"), ("EPSG:4756", "VN"), ("EPSG:4677", "LA"), ("EPSG:4245", "SG"), ("EPSG:4298", "BN"),
    ("EPSG:4683", "PH"), ("EPSG:24047", "TH"), ("EPSG:32648", "LA"), ("EPSG:9205", "VN"),
])  # fmt: skip
def test_what_proj_tells_in_a_system_comes_back(system, country):
    boundaries = places.load_boundaries()
    x, y, _ = drawn(provinces_of(country, boundaries), 200, boundaries, np.random.default_rng(1))
    told = Transformer.from_crs(4326, find_system(system).crs, always_xy=True).transform(x, y)
    moved = to_wgs84(find_system(system), *told)
    assert geodesic_distance_m(x, y, moved.longitude, moved.latitude).max() < 1.0
    assert moved.certain.all()


def test_a_ballpark_is_no_transformation():
    moved = to_wgs84(find_system("EPSG:4610"), one(102.7), one(25.04))
    assert (moved.longitude.item(), moved.latitude.item()) == (102.7, 25.04)
    assert (moved.operation.item(), moved.certain.item(), moved.accuracy_m.item()) == (-1, False, UNPUBLISHED_M)
    assert moved.approximate.item()
    assert "as told" in moved.commonest
    assert all(
        "Ballpark" not in operation.name for code in ("4214", "4610", "4240") for operation in operations_of(code)
    )


def test_outside_its_area_an_operation_is_not_certain_and_less_accurate():
    tarim = to_wgs84(find_system("EPSG:4214"), one(80.0), one(40.0))
    kunming = to_wgs84(find_system("EPSG:4214"), one(102.7), one(25.04))
    assert (tarim.certain.item(), tarim.accuracy_m.item()) == (True, 1.0)
    assert not kunming.certain.item()
    assert kunming.accuracy_m.item() > 15


@pytest.mark.parametrize(
    "system", ["GCJ-02", "BD-09", "EPSG:4240", "EPSG:4610", "EPSG:32648", "EPSG:2358", "EPSG:9205"]
)
def test_what_is_no_place_stays_nothing_and_spoils_no_other(system):
    known = find_system(system)
    right = (102.7, 18.0) if known.form is Form.DEGREES else (500_000.0 + (34e6 if system == "EPSG:2358" else 0), 2e6)
    x = np.array([np.nan, np.inf, -np.inf, 1e300, right[0]])
    y = np.array([np.nan, 20.0, 91.0, 1e300, right[1]])
    moved = to_wgs84(known, x, y)
    assert np.isnan(moved.longitude[:4]).all()
    assert np.isnan(moved.latitude[:4]).all()
    assert np.isfinite([moved.longitude[4], moved.latitude[4]]).all()
    alone = to_wgs84(known, x[4:], y[4:])
    assert (alone.longitude[0], alone.latitude[0]) == (moved.longitude[4], moved.latitude[4])
    assert not moved.certain[:4].any()


@pytest.mark.parametrize("system", ["GCJ-02", "BD-09", "EPSG:4240"])
@pytest.mark.parametrize("place", [(0.0, 90.0), (0.0, -90.0), (180.0, 0.0), (-180.0, 0.0)])
def test_poles_and_the_date_line(system, place):
    moved = to_wgs84(find_system(system), one(place[0]), one(place[1]))
    assert abs(moved.latitude.item()) <= 90
    assert abs(moved.longitude.item()) <= 180


def test_no_points():
    for use in all_systems()[:5]:
        assert len(to_wgs84(use.system, np.empty(0), np.empty(0)).longitude) == 0


@pytest.mark.parametrize(("text", "identifier", "form"), [
    ("EPSG:4240", "EPSG:4240", Form.DEGREES),
    ("4240", "EPSG:4240", Form.DEGREES),
    ("urn:ogc:def:crs:EPSG::3405", "EPSG:3405", Form.METRES),
    ("gcj-02", "GCJ-02", Form.DEGREES),
    ("UTM 48N", "EPSG:32648", Form.METRES),
    ("WGS 84 / UTM zone 50S", "EPSG:32750", Form.METRES),
    ("Indian 1975 / UTM zone 47N", "EPSG:24047", Form.METRES),
    ("EPSG:2358", "EPSG:2358", Form.METRES_WITH_ZONE),
    ("EPSG:4678 / UTM zone 48N", "EPSG:4678 / UTM zone 48N", Form.METRES),
])  # fmt: skip
def test_systems_by_code_and_name(text, identifier, form):
    system = find_system(text)
    assert (system.id, system.form) == (identifier, form)


@pytest.mark.parametrize(
    "text", ["", "my phone", "EPSG:99999", "EPSG:5701", "EPSG:3167", "UTM", "UTM 99N", "१२३४", "4" * 500]
)
def test_what_is_no_system_of_metres_or_degrees(text):
    assert find_system(text) is None


def test_every_system_of_the_catalogue_is_known_and_in_its_form():
    for use in all_systems():
        assert use.system.name
        assert find_system(use.system.id) == use.system
