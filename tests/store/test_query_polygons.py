"""Polygons that people draw: what is forgiven is what shapely makes of a clean drawing; what is in doubt is refused."""

import json
import math

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from biodata.core.errors import InputError
from biodata.store.query.polygons import read_geojson, read_wkt
from biodata.store.query.shape_text import MAXIMUM_VERTICES

SQUARE = shapely.box(100, 20, 102, 22)


@pytest.mark.parametrize(("text", "meant", "word"), [
    pytest.param("POLYGON((100 20,102 20,102 22,100 22,100 20))", SQUARE, None, id="nothing to forgive"),
    pytest.param("PolygonZ ((100 20 5,102 20 5,102 22 -1.5e1, 100 22 0 ,100 20 5))", SQUARE, "heights", id="heights, as QGIS writes them"),
    pytest.param("POLYGON ZM ((100 20 5 1,102 20 5 1,102 22 1 1,100 22 0 1,100 20 5 1))", SQUARE, "heights", id="heights and measures"),
    pytest.param("SRID=4326;MULTIPOLYGON M (((100 20 5,102 20 5,102 22 1,100 22 0,100 20 5)))", SQUARE, "heights", id="as PostGIS writes it"),
    pytest.param("SRID=4326;POLYGON((100 20,102 20,102 22,100 22,100 20))", SQUARE, None, id="with the number of WGS 84"),
    pytest.param("POLYGON((100 20,100 22,102 22,102 20,100 20))", SQUARE, "clockwise", id="clockwise"),
    pytest.param("POLYGON((100 20,102 20,102 22,100 22))", SQUARE, "closed", id="a ring that is not closed"),
    pytest.param("POLYGON((100 20,102 20,102 22,101 22,101 25,101 22,100 22,100 20))", SQUARE, "repaired", id="a spike"),
    pytest.param("MULTIPOLYGON(((100 20,102 20,102 22,100 22,100 20)),((101 20,102 20,102 22,101 22,101 20)))", SQUARE,
                 "joined", id="parts that overlap"),
    pytest.param("POLYGON((100 20,104 20,104 24,100 24,100 20),(100 21,101 21,101 22,100 22,100 21))",
                 shapely.box(100, 20, 104, 24) - shapely.box(100, 21, 101, 22), "repaired", id="a hole at the edge"),
    pytest.param("POLYGON((100 20,104 20,104 24,102 24,103 22,101 22,102 24,100 24,100 20))",
                 shapely.box(100, 20, 104, 24) - shapely.Polygon([(102, 24), (101, 22), (103, 22)]), "repaired",
                 id="a ring that touches itself around a hole"),
])  # fmt: skip
def test_forgiven(text, meant, word):
    found = read_wkt(text)
    assert shapely.from_wkb(found.wkb).equals(meant)
    assert shapely.is_valid(shapely.from_wkb(found.wkb))
    assert (word in " ".join(found.notes)) if word else found.notes == ()


@pytest.mark.parametrize("text", [
    pytest.param("POLYGON((0 0,1 1,1 0,0 1,0 0))", id="a bow tie"),
    pytest.param("POLYGON((0 0,4 0,4 4,0 4,0 0,4 0,4 4,0 4,0 0))", id="a ring twice around"),
    pytest.param("POLYGON((0 0,4 0,4 4,0 4,0 0),(6 6,7 6,7 7,6 7,6 6))", id="a hole outside"),
    pytest.param("POLYGON((0 0,6 0,6 6,2 6,2 -2,4 -2,4 4,0 4,0 0))", id="a loop that covers a part twice"),
    pytest.param("POLYGON((0 0,1 0,0 0))", id="a line"),
    pytest.param("POLYGON((0 0,1 0,2 0,0 0))", id="a flat ring"),
    pytest.param("POLYGON Z((0 0 1 2,1 0 1 2,1 1 1 2,0 0 1 2))", id="more than heights"),
    pytest.param("SRID=3857;POLYGON((0 0,1 0,1 1,0 0))", id="another system"),
    pytest.param("", id="nothing"),
    pytest.param("POLYGON EMPTY", id="empty"),
    pytest.param("POLYGON((0 0,1e400 0,1 1,0 0))", id="infinite"),
    pytest.param("POLYGON((0 0,181 0,1 1,0 0))", id="longitude 181"),
    pytest.param("POLYGON((0 0,1 0,1 91,0 0))", id="latitude 91"),
    pytest.param("POINT(0 0)", id="a point"),
    pytest.param("GEOMETRYCOLLECTION(" * 100_000, id="a collection nested 100,000 times"),
    pytest.param("POLYGON" + "(" * 60_000 + ")" * 60_000, id="brackets nested 60,000 times"),
    pytest.param("POLYGON((" + "0 0," * 1_300_000 + "0 0))", id="five megabytes"),
    pytest.param("POLYGON((" + ",".join(["0 0"] * (MAXIMUM_VERTICES + 1)) + "))", id="too many vertices"),
    pytest.param("POLYGON((" + ",".join(
        f"{50 * math.cos(i * 2.5):.6f} {50 * math.sin(i * 2.5):.6f}" for i in [*range(300), 0]) + "))", id="a star of 300 crossings"),
    pytest.param("POLYGON((٣ 0,1 0,1 1,٣ 0))", id="Arabic digits"),
    pytest.param("POLYGON((0 0,1 0,1 1,0 0))\0", id="a NUL"),
])  # fmt: skip
def test_refused(text):
    with pytest.raises(InputError) as caught:
        read_wkt(text)
    assert caught.value.code == "GEOMETRY_INVALID"
    assert len(str(caught.value)) < 400


def test_a_polygon_with_too_many_vertices_is_told_where_to_go():
    ring = ",".join(f"{100 + n / 1000} {20 + (n % 2)}" for n in range(5_001))
    with pytest.raises(InputError) as caught:
        read_wkt(f"POLYGON(({ring}))")
    assert "withinArea" in str(caught.value.expected)


def test_geojson_in_every_wrapping():
    geometry = json.loads(shapely.to_geojson(SQUARE))
    feature = {"type": "Feature", "properties": None, "geometry": geometry}
    other = {"type": "Feature", "properties": {}, "geometry": json.loads(shapely.to_geojson(shapely.box(0, 0, 1, 1)))}
    for document in (geometry, feature, {"type": "FeatureCollection", "features": [feature]}):
        assert shapely.from_wkb(read_geojson(document).wkb).equals(SQUARE)
    both = read_geojson({"type": "FeatureCollection", "features": [feature, other]})
    assert shapely.from_wkb(both.wkb).equals(SQUARE | shapely.box(0, 0, 1, 1))


@pytest.mark.parametrize("document", [
    pytest.param({"type": "Point", "coordinates": [0, 0]}, id="a point"),
    pytest.param({"type": "FeatureCollection", "features": [{"type": "Feature"}] * 2000}, id="too many features"),
    pytest.param({"type": "Polygon", "coordinates": [[[0, 0], [10**400, 0], [1, 1], [0, 0]]]}, id="beyond numbers"),
    pytest.param({"type": "Polygon", "coordinates": [[[0, 0], [True, 0], [1, 1], [0, 0]]]}, id="a truth"),
])  # fmt: skip
def test_bad_documents(document):
    with pytest.raises(InputError) as caught:
        read_geojson(document)
    assert caught.value.code == "GEOMETRY_INVALID"


def test_a_nest_of_collections_is_refused():
    document = {"type": "Polygon", "coordinates": []}
    for _ in range(1000):
        document = {"type": "GeometryCollection", "geometries": [document]}
    with pytest.raises(InputError):
        read_geojson(document)


CORNERS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=8)


@given(CORNERS)
def test_whatever_is_read_is_valid_and_agrees_with_the_even_odd_rule(corners):
    text = "POLYGON((" + ",".join(f"{x} {y}" for x, y in [*corners, corners[0]]) + "))"
    try:
        found = shapely.from_wkb(read_wkt(text).wkb)
    except InputError:
        return
    assert shapely.is_valid(found)
    for point in ((x + 0.31, y + 0.17) for x in range(6) for y in range(6)):
        assert shapely.intersects_xy(found, *point) == inside(point, corners)


def inside(point, corners):
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            odd = not odd
    return odd
