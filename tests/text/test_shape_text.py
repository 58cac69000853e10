"""Geometries of any kind from outside: as shapely reads them, or refused before shapely sees them."""

import json

import numpy as np
import pytest
import shapely

from biodata.core.errors import InputError
from biodata.store.query.shape_text import MAXIMUM_PARTS, MAXIMUM_VERTICES, read_geojson, read_wkt


@pytest.mark.parametrize("text", [
    "POINT(101.5 21)", "point ( -101.5 2.1e1 )", "MULTIPOINT((1 2), (3 4))", "MULTIPOINT(1 2, 3 4)", "LINESTRING(1 2, 3 4, 5 6)",
    "MULTILINESTRING((1 2, 3 4), (5 6, 7 8))", "POLYGON((0 0, 4 0, 4 4, 0 0), (1 0.5, 2 0.5, 2 1, 1 0.5))",
    "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))", "GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(1 2, 3 4))",
])  # fmt: skip
def test_as_shapely_reads_it(text):
    expected = shapely.from_wkt(text)
    assert shapely.from_wkb(read_wkt(text)).equals_exact(expected)
    assert shapely.from_wkb(read_geojson(json.loads(shapely.to_geojson(expected)))).equals_exact(expected)


def test_heights_are_left_out():
    assert shapely.from_wkb(read_wkt("LINESTRING Z (1 2 300, 3 4 500)")).equals(
        shapely.from_wkt("LINESTRING(1 2, 3 4)")
    )


def test_coordinates_of_another_system():
    found = read_wkt("POINT(21 101.5)", lambda positions: positions[:, ::-1])
    assert shapely.from_wkb(found).equals(shapely.Point(101.5, 21))
    with pytest.raises(InputError, match="not on Earth"):
        read_wkt("POINT(1 2)", lambda positions: np.full_like(positions, np.inf))


@pytest.mark.parametrize("text", [
    pytest.param("", id="nothing"),
    pytest.param("POINT EMPTY", id="an empty point"),
    pytest.param("CIRCLE(1 2)", id="no such kind"),
    pytest.param("POINT(1 2 3 4 5)", id="five numbers"),
    pytest.param("POINT(181 2)", id="beyond the date line"),
    pytest.param("LINESTRING(1 2)", id="a line of one"),
    pytest.param("POLYGON((0 0, 1 0, 1 1, 0 1))", id="an open ring"),
    pytest.param("POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))", id="a bow tie"),
    pytest.param("GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 2)))", id="a collection in a collection"),
    pytest.param("GEOMETRYCOLLECTION(" * 100_000, id="a hundred thousand collections"),
    pytest.param("MULTIPOINT(" + "1 2," * MAXIMUM_VERTICES + "1 2)", id="too many vertices"),
    pytest.param("GEOMETRYCOLLECTION(" + "POINT(1 2)," * MAXIMUM_PARTS + "POINT(1 2))", id="too many parts"),
    pytest.param("POINT(1e999 2)", id="too large a number"),
    pytest.param("POINT(1\x00 2)", id="a null character"),
])  # fmt: skip
def test_refused(text):
    with pytest.raises(InputError) as caught:
        read_wkt(text)
    assert caught.value.code == "GEOMETRY_INVALID"


@pytest.mark.parametrize("told", [
    None, 5, [], {}, {"type": "Point"}, {"type": "Point", "coordinates": "12"}, {"type": "Point", "coordinates": [True, 2]},
    {"type": "Point", "coordinates": [10**400, 2]}, {"type": "LineString", "coordinates": [[1, 2], [3]]},
    {"type": "Polygon", "coordinates": [[]]}, {"type": "Polygon", "coordinates": []}, {"type": "MultiPolygon", "coordinates": [[[1, 2]]]},
    {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": []}]},
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}},
], ids=lambda told: str(told)[:50])  # fmt: skip
def test_geojson_refused(told):
    with pytest.raises(InputError) as caught:
        read_geojson(told)
    assert caught.value.code == "GEOMETRY_INVALID"
