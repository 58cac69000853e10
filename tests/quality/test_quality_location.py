"""Tests of BDQ Core on places, with cases of the standard's own examples and notes."""

import json

import numpy as np
import pytest
import shapely
from pyproj import Geod

from biodata import places
from biodata.places.locate import within
from biodata.quality import gazetteer, location_place
from biodata.quality.location_values import read_heights
from case_tables import cases
from quality_rows import EXTERNAL, INTERNAL, ISSUE, NO_ISSUE, NOT_AMENDED, NOWHERE, C, N, answer

MAP = places.load_boundaries()


@pytest.mark.parametrize(("value", "told"), cases("quality_location", "test_latitudes"))
def test_latitudes(value, told):
    assert answer("VALIDATION_DECIMALLATITUDE_INRANGE", decimalLatitude=value) == told


@pytest.mark.parametrize(("label", "told", "expected"), cases("quality_location", "test_numbers"))
def test_numbers(label, told, expected):
    assert answer(f"VALIDATION_{label}", **told) == expected


@pytest.mark.parametrize(("code", "standard", "meant"), [
    ("GL", C, NOT_AMENDED), ("XZ", C, NOT_AMENDED), ("ZZ", C, NOT_AMENDED), ("GRL", N, "GL"), ("Australia", N, "AU"),
    ("Aust.", N, NOT_AMENDED), ("Austria", N, "AT"), ("la", N, "LA"), (" LA", N, "LA"), ("LA\x00", N, "LA"),
    ("老挝", N, "LA"), ("XX", N, NOT_AMENDED), ("x", N, NOT_AMENDED), ("null", N, NOT_AMENDED), ("Congo", N, "CG"),
])  # fmt: skip
def test_country_codes(code, standard, meant):
    assert answer("VALIDATION_COUNTRYCODE_STANDARD", countryCode=code) == standard
    proposed = meant if meant == NOT_AMENDED else f'{{"dwc:countryCode":"{meant}"}}'
    assert answer("AMENDMENT_COUNTRYCODE_STANDARDIZED", countryCode=code) == proposed


@pytest.mark.parametrize(("country", "told"), [
    ("Eswatini", C), ("Swaziland", C), ("México", C), ("Việt Nam", C), ("ลาว", C), ("Tasmania", N), ("high seas", N),
    ("United States Minor Outlying Islands", N), ("Greenland", N), (" Laos", N), ("Laos\u200b", N), ("Laos; Thailand", N),
])  # fmt: skip
def test_nations(country, told):
    assert answer("VALIDATION_COUNTRY_FOUND", country=country) == told


def test_country_beside_its_code():
    label = "VALIDATION_COUNTRYCOUNTRYCODE_CONSISTENT"
    assert answer(label, country="Australia", countryCode="AU") == C
    assert answer(label, country="United States Minor Outlying Islands", countryCode="US") == N
    assert answer(label, country="Australia ", countryCode="AU") == N
    assert answer(label, country="High seas", countryCode="XZ") == N
    assert answer("VALIDATION_COUNTRY_NOTEMPTY", countryCode="XZ") == C


@pytest.mark.parametrize(("country", "state", "told"), cases("quality_location", "test_country_and_division_together"))
def test_country_and_division_together(country, state, told):
    assert answer("VALIDATION_COUNTRYSTATEPROVINCE_UNAMBIGUOUS", country=country, stateProvince=state) == told


@pytest.mark.parametrize(("state", "told"), [("Florida", C), ("Taswegian", N), ("Florida\n", N), ("Khammouane", C)])
def test_divisions(state, told):
    assert answer("VALIDATION_STATEPROVINCE_FOUND", stateProvince=state) == told


@pytest.mark.parametrize(
    ("latitude", "longitude", "code", "told"), cases("quality_location", "test_coordinates_beside_the_country")
)
def test_coordinates_beside_the_country(latitude, longitude, code, told):
    told_by = answer("VALIDATION_COORDINATESCOUNTRYCODE_CONSISTENT", decimalLatitude=latitude,
                     decimalLongitude=longitude, countryCode=code)  # fmt: skip
    assert told_by == told


@pytest.mark.parametrize(("latitude", "longitude", "state", "told"), [
    pytest.param("-42.85", "146.75", "Tasmania", C, id="Tasmania"),
    pytest.param("-41.0525925872862", "-71.5310546742521", "Rio Negro", C, id="one of the two of that name"),
    pytest.param("-41.0525925872862", "-71.5310546742521", "Córdoba", N, id="none of those of that name"),
    pytest.param("25.0", "102.7", "Yunnan", C, id="Kunming"),
    pytest.param("0", "0", "xxxx", INTERNAL, id="no division"),
])  # fmt: skip
def test_coordinates_beside_the_division(latitude, longitude, state, told):
    told_by = answer("VALIDATION_COORDINATESSTATEPROVINCE_CONSISTENT", decimalLatitude=latitude,
                     decimalLongitude=longitude, stateProvince=state)  # fmt: skip
    assert told_by == told


@pytest.mark.parametrize(("latitude", "longitude", "code", "told"), [
    pytest.param("25.46", "135.87", "AU", ("-25.46", "135.87"), id="the sign of the latitude"),
    pytest.param("102.7", "25.0", "CN", ("25.0", "102.7"), id="swapped, out of range"),
    pytest.param("-25.46", "135.87", "AU", None, id="right as it is"),
    pytest.param("25.46", "135.87", "AX", None, id="nothing leads to Åland"),
    pytest.param("x", "135.87", "AU", None, id="no number"),
])  # fmt: skip
def test_transposed_coordinates(latitude, longitude, code, told):
    given = {"decimalLatitude": latitude, "decimalLongitude": longitude, "countryCode": code}
    proposed = answer("AMENDMENT_COORDINATES_TRANSPOSED", **given)
    if told is None:
        assert proposed == NOT_AMENDED
    else:
        assert json.loads(proposed) == {"dwc:decimalLatitude": told[0], "dwc:decimalLongitude": told[1]}


@pytest.mark.parametrize(("latitude", "longitude", "told"), [
    ("-25.23", "135.43", "AU"), ("-41.195924", "-71.253562", "AR"), ("-38.280937", "72.047790", "XZ"),
    ("-42.280937", "145.047790", "AU"), ("-25.23", "185.43", None), ("x", "135.43", None),
])  # fmt: skip
def test_country_code_from_coordinates(latitude, longitude, told):
    given = answer("AMENDMENT_COUNTRYCODE_FROM_COORDINATES", decimalLatitude=latitude, decimalLongitude=longitude)
    assert given == (NOT_AMENDED if told is None else f'{{"dwc:countryCode":"{told}"}}')


def test_centre_of_a_country():
    label, told = (
        "ISSUE_COORDINATES_CENTEROFCOUNTRY",
        {"decimalLatitude": "-35.38804", "decimalLongitude": "-65.154964"},
    )
    assert answer(label, **told, countryCode="AR") == ISSUE
    assert answer(label, **told, countryCode="AR", coordinateUncertaintyInMeters="2000000") == NO_ISSUE
    assert answer(label, **told, countryCode="AR", bdqval__spatialBufferInMeters="10") == NO_ISSUE
    assert answer(label, **told, countryCode="CL") == NO_ISSUE
    assert answer(label, **told, countryCode="AR", bdqval__sourceAuthority=NOWHERE) == EXTERNAL
    assert answer(label, **told) == INTERNAL


def test_land_or_sea_needs_a_register_that_is_not_here():
    told = {"decimalLatitude": "20", "decimalLongitude": "-30", "scientificName": "Viviparus contectus"}
    assert answer("VALIDATION_COORDINATESTERRESTRIALMARINE_CONSISTENT", **told) == EXTERNAL
    assert answer("VALIDATION_COORDINATESTERRESTRIALMARINE_CONSISTENT", scientificName="x") == INTERNAL


@pytest.mark.parametrize(("datum", "standard", "meant"), [
    ("EPSG:4326", C, None), ("EPSG:1168", C, None), ("EPSG:7030", C, None), ("not recorded", C, None),
    ("WGS84", N, "EPSG:4326"), ("WGS:84", N, "EPSG:4326"), ("epsg:4326", N, "EPSG:4326"), ("EPSG:4326 ", N, "EPSG:4326"),
    ("International 1924", N, "EPSG:7022"), ("EPSG:23032", N, None), ("7030", N, None), ("WGS8", N, None),
    ("EPSG:4807", N, None), ("UTM", N, None), ("null", N, None), ("GDA", N, None),
])  # fmt: skip
def test_datums(datum, standard, meant):
    assert answer("VALIDATION_GEODETICDATUM_STANDARD", geodeticDatum=datum) == standard
    proposed = f'{{"dwc:geodeticDatum":"{meant}"}}' if meant else NOT_AMENDED
    assert answer("AMENDMENT_GEODETICDATUM_STANDARDIZED", geodeticDatum=datum) == proposed


def test_an_assumed_datum_widens_the_uncertainty():
    place = {"decimalLatitude": "-30.00", "decimalLongitude": "130.00"}
    label = "AMENDMENT_GEODETICDATUM_ASSUMEDDEFAULT"
    proposed = json.loads(answer(label, **place, coordinateUncertaintyInMeters="50"))
    # The figure of the standard's example.
    assert proposed == {"dwc:geodeticDatum": "EPSG:4326", "dwc:coordinateUncertaintyInMeters": "2836"}
    assert json.loads(answer(label, **place, coordinateUncertaintyInMeters="x")) == {"dwc:geodeticDatum": "EPSG:4326"}
    assert answer(label, geodeticDatum="WGS84") == NOT_AMENDED
    assert location_place.largest_shift_m(np.array([180.0]), np.array([90.0])) > 0


@pytest.mark.parametrize(("told", "metres"), [
    ("10 feet", ("3.048", "3.048")), ("10-15 ftm", ("18.288", "27.432")), ("1500 to 1800 ft", ("457.2", "548.64")),
    ("25.8-34.9m", ("25.8", "34.9")), ("Mindepth 10m, maxdepth=100m", ("10", "100")), ("100 m", ("100", "100")),
    ("10.0 m", ("10.0", "10.0")), ("25.80-34.9 m", ("25.80", "34.9")), ("10.0 feet", ("3.048", "3.048")), ("1.20 km", ("1200", "1200")),
    ("1,500 ft", ("457.2", "457.2")), ("水深20米", ("20", "20")), ("0.5 km", ("500", "500")), ("10 yards", ("9.144", "9.144")),
    ("Max depth 100m", None), ("1000", None), ("x", None), ("ca. 100 m", None), ("1,5 m", None), ("-5 m", None), ("", None),
])  # fmt: skip
def test_depths_in_words(told, metres):
    assert read_heights(told, below_zero=False) == metres


def test_elevations_may_lie_below_the_sea():
    assert read_heights("-5 m", below_zero=True) == ("-5", "-5")
    label = "AMENDMENT_MINELEVATIONMAXELEVATION_FROM_VERBATIM"
    assert answer(label, verbatimElevation="100 feet", minimumElevationInMeters="3") == INTERNAL
    proposed = {"dwc:minimumElevationInMeters": "1200", "dwc:maximumElevationInMeters": "1350"}
    assert json.loads(answer(label, verbatimElevation="海拔1200-1350米")) == proposed


@pytest.mark.parametrize(("told", "expected"), [
    pytest.param({"verbatimLatitude": "-23.712", "verbatimLongitude": "139.92", "verbatimSRS": "EPSG:4326"},
                 ("-23.712", "139.92", "EPSG:4326"), id="told apart"),
    pytest.param({"verbatimCoordinates": "139.92, -23.712"}, ("-23.712", "139.92", None), id="longitude first"),
    pytest.param({"verbatimCoordinates": "21°28'12\"N 101°34'12\"E", "verbatimSRS": "Indian 1975"},
                 ("21.47", "101.57", "EPSG:4240"), id="minutes and a datum by name"),
    pytest.param({"verbatimCoordinates": "54K 0390210 7377243", "verbatimSRS": "EPSG:32754"}, NOT_AMENDED, id="a grid"),
    pytest.param({"verbatimCoordinates": "21N 101E", "verbatimLatitude": "22", "verbatimLongitude": "101"}, NOT_AMENDED,
                 id="they disagree"),
    pytest.param({"verbatimLatitude": "22", "verbatimSRS": "EPSG:4326"}, INTERNAL, id="half of it"),
    pytest.param({"verbatimCoordinates": "21N 101E", "decimalLatitude": "x"}, INTERNAL, id="told already"),
    pytest.param({"verbatimCoordinates": "12.5 45.2"}, NOT_AMENDED, id="either could be the latitude"),
])  # fmt: skip
def test_coordinates_from_verbatim(told, expected):
    proposed = answer("AMENDMENT_COORDINATES_FROM_VERBATIM", **told)
    if isinstance(expected, str):
        assert proposed == expected
    else:
        names = ("dwc:decimalLatitude", "dwc:decimalLongitude", "dwc:geodeticDatum")
        assert json.loads(proposed) == {n: v for n, v in zip(names, expected, strict=True) if v is not None}


def test_distances_by_cells_are_those_on_the_ellipsoid():
    rng = np.random.default_rng(5)
    land = places.country_geometry("LA", MAP)
    west, south, east, north = land.bounds
    x, y = rng.uniform(west - 1, east + 1, 3000), rng.uniform(south - 1, north + 1, 3000)
    for metres in (0.0, 3000.0, 40_000.0):
        found = within(land, x, y, np.full(len(x), metres))
        nearest = shapely.get_coordinates(shapely.shortest_line(shapely.points(x, y), land)).reshape(-1, 4)
        true = Geod(ellps="WGS84").inv(*nearest.T)[2]
        # Between 14 and 22.5° N the nearest place in degrees may be a little farther than the nearest one in metres.
        assert found[true <= metres].all()
        assert not found[true > metres * 1.05 + 1].any()


@pytest.mark.parametrize(("country", "metres"), [("AQ", 370_400.0), ("SG", 3000.0)])
def test_other_points_change_no_answer_all_over_the_world(country, metres):
    rng = np.random.default_rng(6)
    land = places.country_geometry(country, MAP)
    x, y, reach = rng.uniform(-180, 180, 300), rng.uniform(-90, 90, 300), np.full(300, metres)
    x[:4], y[:4] = (-180, 180, 0, 180), (-90, 90, 90, 0)
    alone = [within(land, x[i : i + 1], y[i : i + 1], reach[i : i + 1])[0] for i in range(len(x))]
    assert within(land, x, y, reach).tolist() == alone


def test_the_worlds_divisions_have_polygons():
    for row in range(gazetteer._world().height):
        shape = gazetteer.shape_of(gazetteer.Division("", None, row, ""), MAP)
        assert shape.is_valid
        assert not shape.is_empty
