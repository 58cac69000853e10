"""A row that tells its footprint alone has a place: a point of it, with an uncertainty that reaches all of it."""

import polars as pl
import pytest
import shapely
from pyproj import Geod

from biodata.harmonise import coordinates, datum_moves, measures
from biodata.harmonise.findings import Stated
from biodata.places import load_boundaries

LINE = "LINESTRING(101.35 21.05, 101.36 21.07, 101.40 21.06)"
GEOD = Geod(ellps="WGS84")


def placed(**row):
    return measures.places(Stated(pl.DataFrame({name: [value] for name, value in row.items()}, schema_overrides=dict.fromkeys(row, pl.String))))  # fmt: skip


@pytest.mark.parametrize("wkt", [
    LINE,
    "POLYGON((101 21, 101.01 21, 101.01 21.02, 101 21))",
    "MULTIPOINT((101 21), (101.02 21.01))",
    f"GEOMETRYCOLLECTION(POINT(101.35 21.05), {LINE})",
    "GEOMETRYCOLLECTION (POLYGON((101 21, 101.01 21, 101.01 21.02, 101 21)), MULTIPOINT((101 21), (101.02 21.01)))",
])  # fmt: skip
def test_the_place_is_of_the_footprint_and_its_radius_reaches_all_of_it(wkt):
    found = placed(footprintWKT=wkt)
    shape, point = shapely.from_wkt(wkt), (found.longitude[0], found.latitude[0])
    assert shape.distance(shapely.Point(point)) < 1e-5
    reach = max(GEOD.inv(*point, *corner)[2] for corner in shapely.get_coordinates(shape))
    assert reach <= found.radius_m[0] < reach + 2


@pytest.mark.parametrize("row", [
    pytest.param({"footprintWKT": LINE, "decimalLatitude": "21.05"}, id="half of the coordinates"),
    pytest.param({"footprintWKT": LINE, "verbatimCoordinates": "near the ridge"}, id="other words of the place"),
    pytest.param({"footprintWKT": LINE, "footprintSRS": "EPSG:32647"}, id="another system"),
    pytest.param({"footprintWKT": LINE, "geodeticDatum": "Indian 1975"}, id="another datum"),
    pytest.param({"footprintWKT": "LINESTRING(635000 2330000, 636000 2331000)"}, id="metres"),
    pytest.param({"footprintWKT": "LINESTRING(101 21"}, id="cut off"),
    pytest.param({"footprintWKT": "GEOMETRYCOLLECTION(" * 100_000}, id="too deep"),
    pytest.param({"footprintWKT": "GEOMETRYCOLLECTION(" + "POINT(1 1))) ,  " * 50_000}, id="many shapes, cut off"),
    pytest.param({"footprintWKT": "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(101 21)))"}, id="in another"),
    pytest.param({"footprintWKT": "POLYGON" + "(" * 100_000}, id="many brackets"),
    pytest.param({"footprintWKT": "POLYGON((-20 -30, 120 -30, 120 40, -20 -30))"}, id="half the world"),
    pytest.param({"footprintWKT": "POLYGON EMPTY"}, id="empty"),
    pytest.param({"locality": "the ridge"}, id="no footprint"),
])  # fmt: skip
def test_no_place_is_made_up(row):
    found = placed(**row)
    assert [one[0] for one in found] == [None] * 3


def test_a_row_says_where_its_place_is_from():
    told = Stated(pl.DataFrame({"footprintWKT": [LINE, None], "decimalLatitude": [None, "21.0"], "decimalLongitude": [None, "101.0"]}))  # fmt: skip
    found = coordinates.interpret(told, measures.places(told))
    assert found.flags["COORDINATE_FROM_FOOTPRINT"].to_list() == [True, False]
    assert found.flags["COORDINATE_MISSING"].to_list() == [False, False]
    assert found.columns["decimalLatitude"].to_list()[1] == 21.0
    noted = pl.concat(frame for frame in found.repairs)
    assert noted.filter(pl.col("rule") == "footprint").select("row", "term", "applied").rows() == [
        (0, "decimalLatitude", True), (0, "decimalLongitude", True),
    ]  # fmt: skip


@pytest.mark.parametrize(("srs", "assumed"), [("EPSG:4326", False), ("WGS84", False), (None, True)])
def test_a_footprint_that_tells_its_system_leaves_nothing_to_assume(srs, assumed):
    frame = pl.DataFrame({"footprintWKT": [LINE], "footprintSRS": [srs]}, schema_overrides={"footprintSRS": pl.String})
    told = Stated(frame)
    point = coordinates.interpret(told, measures.places(told))
    found = datum_moves.interpret(told, point, declared=None, boundaries=load_boundaries())
    assert found.datum.flags["GEODETIC_DATUM_ASSUMED_WGS84"].to_list() == [assumed]
    assert found.datum.columns["geodeticDatum"].to_list() == ["WGS84"]
