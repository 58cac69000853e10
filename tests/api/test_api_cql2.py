"""CQL2 text and JSON: precedence, quoting, geometries, and what is refused before anything reads it."""

import orjson
import pytest

from api.cql2 import parse_text
from api.cql2_filters import read_filter
from biodata.core.errors import InputError
from biodata.store.query.filters import (
    And,
    Between,
    Compare,
    Contains,
    In,
    InBox,
    InCountry,
    Intersects,
    IsNull,
    Like,
    Not,
    Or,
)
from biodata.store.query.sql import where
from biodata.store.tables import RELEASE
from case_tables import cases

OCCURRENCES = RELEASE["occurrences"]
YEAR, MONTH = Compare("year", "=", 2010), Compare("month", "=", 5)
CHINA = InCountry(("CN",))


@pytest.mark.parametrize(("text", "expected"), [
    pytest.param("year = 2010", YEAR, id="one comparison"),
    pytest.param("2010 < year", Compare("year", ">", 2010), id="the value stands first"),
    pytest.param("countryCode = 'CN' OR year = 2010 AND month = 5", Or((CHINA, And((YEAR, MONTH)))),
                 id="AND binds closer"),
    pytest.param("NOT (year = 2010 AND month = 5)", Not(And((YEAR, MONTH))), id="NOT before brackets"),
    pytest.param("NOT year = 2010 AND month = 5", And((Not(YEAR), MONTH)), id="NOT binds closest"),
    pytest.param("locality = 'Ban O''Chum'", Compare("locality", "=", "Ban O'Chum"), id="a quote in text"),
    pytest.param('"order" = \'Primates\'', Compare("order", "=", "Primates"), id="a quoted property"),
    pytest.param("elevation > -1.5e2", Compare("elevation", ">", -150.0), id="a negative number"),
    pytest.param("year BETWEEN 2000 AND 2010 AND month = 5", And((Between("year", 2000, 2010), MONTH)), id="BETWEEN"),
    pytest.param("year NOT IN (2010, 2011)", Not(In("year", (2010, 2011))), id="NOT IN"),
    pytest.param("species LIKE 'Nomascus %'", Like("species", "Nomascus %"), id="LIKE"),
    pytest.param("CASEI(species) LIKE CASEI('nomascus %')", Like("species", "nomascus %", True), id="CASEI"),
    pytest.param("eventDate IS NOT NULL", Not(IsNull("eventDate")), id="IS NOT NULL"),
    pytest.param("A_CONTAINS(country_codes, ('CN', 'LA'))",
                 And((Contains("country_codes", "CN"), Contains("country_codes", "LA"))), id="both sides of a border"),
    pytest.param("S_INTERSECTS(geometry, BBOX(100, 20, 102, 22))", InBox(100, 20, 102, 22), id="a box"),
    pytest.param("ambiguous = TRUE", Compare("ambiguous", "=", True), id="true"),
    pytest.param("event_start >= DATE('2010-05-01')", Compare("event_start", ">=", "2010-05-01"), id="a date"),
    pytest.param("year = 2010.0", YEAR, id="a whole number with a point"),
])  # fmt: skip
def test_text(text, expected):
    assert read_filter(text, "cql2-text", OCCURRENCES) == expected


@pytest.mark.parametrize("shape", [
    pytest.param("POLYGON((100 20, 102 20, 102 22, 100 20))", id="a polygon"),
    pytest.param("MULTIPOLYGON(((100 20, 102 20, 102 22, 100 20)))", id="several"),
])  # fmt: skip
def test_polygon(shape):
    assert isinstance(read_filter(f"S_INTERSECTS(geometry, {shape})", "cql2-text", OCCURRENCES), Intersects)


def test_point():
    text = read_filter("S_INTERSECTS(geometry, POINT(101.5 21))", "cql2-text", OCCURRENCES)
    tree = '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Point","coordinates":[101.5,21]}]}'
    assert text == read_filter(tree, "cql2-json", OCCURRENCES)
    assert isinstance(text, Intersects)


def test_json_and_text_are_the_same():
    tree = {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "countryCode"}, "CN"]},
            {"op": "s_intersects", "args": [{"property": "geometry"}, {
                "type": "Polygon", "coordinates": [[[100, 20], [102, 20], [102, 22], [100, 20]]]}]},
        ],
    }  # fmt: skip
    text = "countryCode = 'CN' AND S_INTERSECTS(geometry, POLYGON((100 20, 102 20, 102 22, 100 20)))"
    from_json = read_filter(orjson.dumps(tree).decode(), "cql2-json", OCCURRENCES)
    assert from_json == read_filter(text, "cql2-text", OCCURRENCES)


DEEP = "(" * 10_000
NESTED = '{"op":"not","args":[' * 300 + '{"op":"isNull","args":[{"property":"year"}]}' + "]}" * 300


@pytest.mark.parametrize(("text", "language"), [
    *cases("api_cql2", "test_refused"),
    pytest.param("year = " + "1" * 9_000, "cql2-text", id="nine thousand digits"),
    pytest.param(DEEP, "cql2-text", id="ten thousand brackets"),
    pytest.param("year = 1 OR " * 900 + "year = 1", "cql2-text", id="longer than the cap"),
    pytest.param(NESTED, "cql2-json", id="three hundred levels of JSON"),
])  # fmt: skip
def test_refused(text, language):
    with pytest.raises(InputError) as caught:
        where(read_filter(text, language, OCCURRENCES), OCCURRENCES)
    assert caught.value.code in ("FILTER_INVALID", "COLUMN_UNKNOWN", "GEOMETRY_INVALID", "FILTER_VALUE")


def test_the_fault_has_a_place():
    with pytest.raises(InputError, match=r"position 8"):
        parse_text("year = = 5")
