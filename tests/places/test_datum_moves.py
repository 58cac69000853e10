"""Records told in another system: moved where the dataset declares it, proposed elsewhere, never silently."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from pyproj import Transformer

from biodata import places
from biodata.core.errors import InputError
from biodata.core.geo import geodesic_distance_m
from biodata.harmonise import Harmoniser
from biodata.places import datums
from biodata.places.datums import UNPUBLISHED_M
from case_tables import cases

BOUNDARIES = places.load_boundaries()
DOUBTS = ("COORDINATE_", "GEODETIC_")


def harmonised(*rows, declared=None):
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String)).with_columns(
        source_file=pl.lit("file.csv"),
        source_row=pl.int_range(2, len(rows) + 2),
        id=pl.int_range(len(rows)).cast(pl.String),
    )
    harmoniser = Harmoniser(boundaries=BOUNDARIES, secret=bytes(32), checklist=None, today=date(2026, 11, 24))
    declarations = {} if declared is None else {"datum": declared}
    return harmoniser.occurrences(frame, dataset_key="d", declarations=declarations).interpreted


def only(row, **declared):
    (result,) = harmonised(row, **declared).to_dicts()
    doubts = {name for name in result["quality_flags"] if name.startswith(DOUBTS)}
    return result, doubts, result["repairs"] or []


def off_m(result, longitude, latitude):
    return geodesic_distance_m(result["decimalLongitude"], result["decimalLatitude"], longitude, latitude).item()


@pytest.mark.parametrize("declared", ["EPSG:4240", "4240", "Indian 1975", "urn:ogc:def:crs:EPSG::4240"])
def test_a_declared_datum_moves_the_place_and_widens_its_uncertainty(declared):
    told = {"decimalLatitude": "18.1", "decimalLongitude": "99.6", "coordinateUncertaintyInMeters": "30"}
    result, doubts, repairs = only(told, declared=declared)
    x, y = Transformer.from_crs(4240, 4326, always_xy=True).transform(99.6, 18.1)
    assert off_m(result, x, y) < 0.01
    assert (result["geodeticDatum"], result["coordinateUncertaintyInMeters"]) == ("WGS84", 33.0)
    assert doubts == {"COORDINATE_REPROJECTED"}
    assert {r["term"]: r["applied"] for r in repairs} == {"decimalLatitude": True, "decimalLongitude": True,
                                                          "geodeticDatum": True, "coordinateUncertaintyInMeters": True}  # fmt: skip
    assert {r["rule"] for r in repairs if r["term"].startswith("decimal")} == {"datum_transform"}
    (how,) = [r["rule"] for r in repairs if r["term"] == "geodeticDatum"]
    assert how == "datum_transform: EPSG:4240, Indian 1975 to WGS 84 (4), ± 3 m"


def test_no_uncertainty_is_made_up():
    result, _, _ = only({"decimalLatitude": "18.1", "decimalLongitude": "99.6"}, declared="EPSG:4240")
    assert result["coordinateUncertaintyInMeters"] is None


@pytest.mark.parametrize("declared", ["GCJ-02", "gcj02", "火星坐标系", "BD-09"])
def test_offsets_of_web_maps_are_taken_back_where_declared(declared):
    shift = datums.wgs84_to_bd09 if declared == "BD-09" else datums.wgs84_to_gcj02
    x, y = (float(value[0]) for value in shift(np.array([102.7]), np.array([25.04])))
    result, doubts, _ = only({"decimalLatitude": str(y), "decimalLongitude": str(x)}, declared=declared)
    assert off_m(result, 102.7, 25.04) < 0.01
    assert doubts == {"COORDINATE_REPROJECTED"}


@pytest.mark.parametrize(("told", "declared", "system"), cases("datum_moves", "test_declared_metres_become_a_place"))
def test_declared_metres_become_a_place(told, declared, system):
    result, doubts, _ = only(told, declared=declared)
    numbers = sorted(float(v) for v in told.values() if v.replace(".", "").isdigit()) or [245000.0, 2003000.0]
    easting, northing = numbers if system != 4522 else numbers[::-1]
    assert off_m(result, *Transformer.from_crs(system, 4326, always_xy=True).transform(easting, northing)) < 1.0
    assert doubts == {"COORDINATE_REPROJECTED"}
    assert result["located_country_code"] is not None


@pytest.mark.parametrize("declared", ["EPSG:4610", "EPSG:4214"])
def test_without_a_published_operation_the_place_stays_and_says_so(declared):
    told = {"decimalLatitude": "25.04", "decimalLongitude": "102.7", "coordinateUncertaintyInMeters": "30"}
    result, doubts, repairs = only(told, declared=declared)
    assert (result["decimalLatitude"], result["decimalLongitude"], result["geodeticDatum"]) == (25.04, 102.7, None)
    assert result["coordinateUncertaintyInMeters"] == 30 + UNPUBLISHED_M
    assert doubts == {"GEODETIC_DATUM_NOT_WGS84", "COORDINATE_REPROJECTION_FAILED"}
    assert not any(r["applied"] for r in repairs if r["term"] != "coordinateUncertaintyInMeters")


@pytest.mark.parametrize("declared", ["WSG84", "EPSG:9999", "", "EPSG:"])
def test_a_declared_datum_that_is_not_known_is_refused(declared):
    with pytest.raises(InputError, match="the datum that is declared is not known; such as WGS84") as refused:
        only({"decimalLatitude": "18.1", "decimalLongitude": "99.6"}, declared=declared)
    assert (refused.value.column, refused.value.code) == ("datum", "DECLARATION_UNKNOWN")


def test_a_datum_that_only_the_row_states_is_proposed():
    told = {"decimalLatitude": "18.1", "decimalLongitude": "99.6", "geodeticDatum": "Indian 1975"}
    for declared in (None, "EPSG:4756"):
        result, doubts, repairs = only(told, declared=declared)
        assert (result["decimalLatitude"], result["decimalLongitude"], result["geodeticDatum"]) == (18.1, 99.6, None)
        assert doubts == {"GEODETIC_DATUM_NOT_WGS84"}
        assert {(r["term"], r["applied"]) for r in repairs} == {
            ("decimalLatitude", False), ("decimalLongitude", False), ("geodeticDatum", False),
        }  # fmt: skip


def test_a_row_that_states_wgs84_is_not_moved_by_a_declaration():
    told = {"decimalLatitude": "18.1", "decimalLongitude": "99.6", "geodeticDatum": "WGS84"}
    result, doubts, repairs = only(told, declared="EPSG:4240")
    assert (result["decimalLatitude"], result["geodeticDatum"], doubts, repairs) == (18.1, "WGS84", set(), [])


@pytest.mark.parametrize(("told", "proposed"), [
    pytest.param({"decimalLatitude": "2766000", "decimalLongitude": "34567000", "stateProvince": "Yunnan"},
                 (102.6637, 24.9980), id="a zone before the easting"),
    pytest.param(
        {"decimalLatitude": "2003000", "decimalLongitude": "245000", "country": "Laos", "stateProvince": "Vientiane"},
        (102.5904, 18.1008), id="UTM in Laos",
    ),
    pytest.param(
        {"decimalLatitude": "2303000", "decimalLongitude": "545000", "country": "Viet Nam", "stateProvince": "Hà Nội"},
        None, id="two systems fit, far apart",
    ),
    pytest.param({"decimalLatitude": "2003000", "decimalLongitude": "245000"}, None, id="no stated place"),
    pytest.param({"decimalLatitude": "2003000", "decimalLongitude": "245000", "country": "Malaysia"}, None,
                 id="fits nowhere"),
])  # fmt: skip
def test_metres_that_state_nothing_stay_out_of_range_with_a_proposal_where_one_place_fits(told, proposed):
    result, doubts, repairs = only(told)
    assert result["decimalLatitude"] is None
    assert "COORDINATE_OUT_OF_RANGE" in doubts
    assert not any(r["applied"] for r in repairs)
    found = {r["term"]: float(r["value"]) for r in repairs if r["term"].startswith("decimal")}
    if proposed is None:
        assert found == {}
    else:
        assert found["decimalLongitude"] == pytest.approx(proposed[0], abs=1e-3)
        assert found["decimalLatitude"] == pytest.approx(proposed[1], abs=1e-3)


@pytest.mark.parametrize("declared", ["EPSG:4240", "GCJ-02", "EPSG:32648", "EPSG:4610"])
@pytest.mark.parametrize("told", [
    {"decimalLatitude": "nan", "decimalLongitude": "inf"},
    {"decimalLatitude": "1e308", "decimalLongitude": "-1e308"},
    {"decimalLatitude": "90", "decimalLongitude": "180"},
    {"decimalLatitude": "-90", "decimalLongitude": "0"},
    {"decimalLatitude": "0", "decimalLongitude": "0"},
    {"decimalLatitude": "18.1"},
])  # fmt: skip
def test_hostile_numbers(declared, told):
    result, _, _ = only(told, declared=declared)
    latitude, longitude = result["decimalLatitude"], result["decimalLongitude"]
    assert (latitude is None) == (longitude is None)
    assert latitude is None or (abs(latitude) <= 90 and abs(longitude) <= 180)
