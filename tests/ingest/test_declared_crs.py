"""The coordinate system that a file tells, beside the coordinates that it has: doubtful ones are told, never taken."""

import pytest
from pyproj import CRS

from biodata.core.errors import InputError
from biodata.ingest.declared_crs import place, read_crs

MODIS_TILE = (11119505.2, 2223901.04, 12231455.7, 3335851.56)  # h27v06
UTM = (500000.0, 2200000.0, 600000.0, 2300000.0)
MENGLA = (101.0, 21.0, 102.0, 22.0)
WORLD = (-180.0, -90.0, 180.0, 90.0)
CLARKE = "+proj=longlat +ellps=clrk66 +type=crs"


def placed(crs, bounds, **choices):
    return place(None if crs is None else CRS.from_user_input(crs), bounds, file="layer.tif", **choices)


@pytest.mark.parametrize(("crs", "bounds", "cell", "code", "told"), [
    pytest.param(None, MENGLA, 0.01, "CRS_UNKNOWN", "probably EPSG:4326", id="none, degrees"),
    pytest.param(None, UTM, 30, "CRS_UNKNOWN", "UTM zone 47N, EPSG:32647", id="none, metres of a UTM zone"),
    pytest.param(None, MODIS_TILE, 463.3127, "CRS_UNKNOWN", "crs=sinusoidal", id="none, a tile of MODIS"),
    pytest.param("EPSG:4326", UTM, 30, "LAYER_PLACE", "are no degrees.*UTM zone", id="metres said to be degrees"),
    pytest.param("EPSG:4326", MODIS_TILE, 463.3127, "LAYER_PLACE", "crs=sinusoidal",
                 id="sinusoidal said to be degrees"),
    pytest.param("EPSG:32648", MENGLA, 0.01, "LAYER_PLACE", "no metres.*EPSG:4326", id="degrees said to be UTM"),
    pytest.param("+proj=sinu +R=6371007.181 +type=crs", MENGLA, 0.05, "LAYER_PLACE", "EPSG:4326",
                 id="degrees said to be sinusoidal"),
    pytest.param("EPSG:32648", MENGLA, None, "LAYER_PLACE", "EPSG:4326", id="features in degrees said to be UTM"),
    pytest.param("EPSG:4326", (18.5e6, 2.2e6, 18.6e6, 2.3e6), 30, "LAYER_PLACE", "zone 18, EPSG:4496",
                 id="Gauss-Krüger with zone"),
    pytest.param("EPSG:4326", (21, 101, 22, 102), 0.01, "LAYER_PLACE", "axes swapped", id="latitude first"),
    pytest.param("EPSG:4326", (0, -90, 360, 90), 0.5, "LAYER_PLACE", "0 to 360", id="longitudes to 360"),
    pytest.param("EPSG:3405", (2.0e6, 2.2e6, 2.1e6, 2.3e6), 30, "LAYER_PLACE", "outside the area",
                 id="Viet Nam's zone, in the sea"),
    pytest.param(CLARKE, MENGLA, 0.0003, "CRS_UNKNOWN", "no known datum", id="30 m without a datum"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_what_it_probably_is(crs, bounds, cell, code, told):
    with pytest.raises(InputError, match=rf"(?s)layer\.tif: .*{told}") as caught:
        placed(crs, bounds, cell=cell)
    assert caught.value.code == code
    assert "crs=" in str(caught.value)


def test_the_world_in_degrees_without_a_datum_is_wgs_84_and_told():
    found = placed(CLARKE, WORLD, cell=0.05)
    assert found.crs.to_epsg() == 4326
    assert "Clarke 1866" in found.declared
    assert "declared wrongly" in found.notes[0]


@pytest.mark.parametrize(("crs", "bounds", "cell"), [
    pytest.param("EPSG:4326", MENGLA, 0.01, id="degrees"),
    pytest.param("EPSG:32647", (-100000, 2.3e6, 1.3e6, 3.2e6), 30, id="Yunnan in one zone of UTM"),
    pytest.param("EPSG:3857", (11.2e6, 2.2e6, 11.4e6, 2.5e6), 30, id="Web Mercator"),
    pytest.param("+proj=sinu +R=6371007.181 +type=crs", MODIS_TILE, 463.3127, id="a tile of MODIS"),
    pytest.param("+proj=laea +lat_0=21 +lon_0=101 +type=crs", (0, 0, 10_000, 10_000), 100, id="a local plane"),
])  # fmt: skip
def test_what_can_be_is_taken_without_a_word(crs, bounds, cell):
    found = placed(crs, bounds, cell=cell)
    assert found.declared is None
    assert found.notes == ()


def test_a_person_wins_and_it_is_told():
    found = placed("EPSG:4326", UTM, cell=30, told=CRS.from_epsg(32648))
    assert found.declared == "EPSG:4326"
    assert found.notes == ("the file tells EPSG:4326; taken for EPSG:32648, as told",)
    assert found.bounds[0] == pytest.approx(105.0, abs=0.01)


def test_a_layer_elsewhere_is_told():
    assert "outside Southwest China and ASEAN" in placed("EPSG:4326", (10, -5, 12, 3), cell=0.01).notes[0]
    assert "might be" in placed("EPSG:32633", UTM, cell=30).notes[0]


def test_words_that_are_no_system_are_refused():
    with pytest.raises(InputError, match="no coordinate system"):
        read_crs("EPSG:nonsense")
    assert read_crs("sinusoidal").is_projected
