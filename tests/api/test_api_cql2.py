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
    pytest.param("", "cql2-text", id="nothing"),
    pytest.param("1 = 1 OR year = 2010", "cql2-text", id="two values"),
    pytest.param("month = day", "cql2-text", id="two properties"),
    pytest.param("S_INTERSECTS(POINT(1 1), POINT(1 1))", "cql2-text", id="two geometries"),
    pytest.param("T_MEETS(eventDate, DATE('2010-01-01'))", "cql2-text", id="a relation of times that is not answered"),
    pytest.param("country_codes = countryCode", "cql2-text", id="a list beside a text"),
    pytest.param("T_AFTER(locality, DATE('2010-01-01'))", "cql2-text", id="a property without a time"),
    pytest.param("S_INTERSECTS(geometry, geometry)", "cql2-text", id="the geometry with itself"),
    pytest.param("S_INTERSECTS(geometry, LINESTRING(1 2))", "cql2-text", id="a line of one position"),
    pytest.param("S_WITHIN(geometry, GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(3 4, 5 6)))", "cql2-text",
                 id="a mixed collection"),
    pytest.param("A_CONTAINS(species, ('a'))", "cql2-text", id="an array function of a text"),
    pytest.param('{"op":"and","args":[]}', "cql2-json", id="AND of nothing"),
    pytest.param("year = 2010; DROP TABLE occurrences", "cql2-text", id="a second statement"),
    pytest.param("yaer = 2010", "cql2-text", id="no such property"),
    pytest.param("pg_sleep(year) = 5", "cql2-text", id="a function"),
    pytest.param("year + 1 = 2010", "cql2-text", id="arithmetic"),
    pytest.param("S_COVERS(geometry, BBOX(1, 2, 3, 4))", "cql2-text", id="an operator that is not answered"),
    pytest.param("S_INTERSECTS(geometry, POINT(200 5))", "cql2-text", id="a point beyond Earth"),
    pytest.param("S_INTERSECTS(locality, BBOX(1, 2, 3, 4))", "cql2-text", id="a property that is no geometry"),
    pytest.param("year = " + "1" * 9_000, "cql2-text", id="nine thousand digits"),
    pytest.param(DEEP, "cql2-text", id="ten thousand brackets"),
    pytest.param("year = 1 OR " * 900 + "year = 1", "cql2-text", id="longer than the cap"),
    pytest.param(NESTED, "cql2-json", id="three hundred levels of JSON"),
    pytest.param('{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Polygon","coordinates":5}]}',
                 "cql2-json", id="a number for a polygon"),
    pytest.param('{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[1,2,3,1e999]}]}', "cql2-json",
                 id="a box without an end"),
    pytest.param('{"op":"=","args":[{"property":"year"},{"a":1}]}', "cql2-json", id="an object as value"),
])  # fmt: skip
def test_refused(text, language):
    with pytest.raises(InputError) as caught:
        where(read_filter(text, language, OCCURRENCES), OCCURRENCES)
    assert caught.value.code in ("FILTER_INVALID", "COLUMN_UNKNOWN", "GEOMETRY_INVALID", "FILTER_VALUE")


def test_the_fault_has_a_place():
    with pytest.raises(InputError, match=r"position 8"):
        parse_text("year = = 5")
