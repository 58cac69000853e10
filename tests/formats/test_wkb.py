"""Geometry in bytes looked at before GEOS sees it."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from biodata.formats.vectors import MAX_DEPTH, problem_of


def code(blob, **options):
    problem = problem_of(blob, max_vertices=1_000, **options)
    return problem and problem[0]


@pytest.mark.parametrize("wkt", [
    "POINT EMPTY",
    "POLYGON EMPTY",
    "GEOMETRYCOLLECTION EMPTY",
    "POINT Z (1 2 3)",
    "MULTIPOINT (1 1, 2 2)",
    "LINESTRING (0 0, 1 1)",
    "POLYGON ((0 0, 9 0, 9 9, 0 0), (2 1, 3 1, 3 2, 2 1))",
    "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
    "GEOMETRYCOLLECTION (POINT (1 1), GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 0))))",
])  # fmt: skip
@pytest.mark.parametrize("byte_order", [0, 1])
@pytest.mark.parametrize("flavor", ["iso", "extended"])
def test_sound_geometry_passes(wkt, byte_order, flavor):
    shape = shapely.set_srid(shapely.from_wkt(wkt), 4326)
    assert code(shapely.to_wkb(shape, byte_order=byte_order, flavor=flavor, include_srid=flavor == "extended")) is None


def nested(depth):
    return b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * depth + shapely.to_wkb(shapely.Point(0, 0), byte_order=1)


@pytest.mark.parametrize(("blob", "expected"), [
    pytest.param(nested(MAX_DEPTH), None, id="as deep as is taken"),
    pytest.param(nested(MAX_DEPTH + 1), "GEOMETRY_TOO_DEEP", id="one deeper"),
    pytest.param(nested(1_500), "GEOMETRY_TOO_DEEP", id="1,500 deep"),
    pytest.param(b"", "GEOMETRY_UNREADABLE", id="nothing"),
    pytest.param(b"\x01\x03\x00\x00\x00\xff\xff\xff\xff", "GEOMETRY_UNREADABLE", id="four billion rings told"),
    pytest.param(b"\x01\x06\x00\x00\x00\xff\xff\xff\xff", "GEOMETRY_UNREADABLE", id="four billion parts told"),
    pytest.param(b"\x01\x02\x00\x00\x00\xff\xff\xff\x0f", "GEOMETRY_UNREADABLE", id="more vertices than bytes"),
    pytest.param(b"\x01\x0a\x00\x00\x00\x00\x00\x00\x00", "GEOMETRY_UNREADABLE", id="a curve polygon"),
    pytest.param(b"\x01\x63\x00\x00\x00", "GEOMETRY_UNREADABLE", id="no kind of geometry"),
    pytest.param(shapely.to_wkb(shapely.LineString([(0, 0), (np.inf, 1)])), "COORDINATE_INVALID", id="infinite"),
    pytest.param(shapely.to_wkb(shapely.LineString(np.zeros((1_001, 2)))), "GEOMETRY_TOO_LARGE",
                 id="too many vertices"),
])  # fmt: skip
def test_hostile_geometry_has_its_code(blob, expected):
    assert code(blob) == expected


@given(st.binary(max_size=200))
def test_any_bytes_have_an_answer(blob):
    assert code(blob) in {None, "GEOMETRY_TOO_DEEP", "GEOMETRY_UNREADABLE", "COORDINATE_INVALID"}
