"""CQL2 from anybody: whatever it is, it becomes a filter or a told refusal, and SQL that DuckDB understands."""

import json

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.collections import SYSTEMS
from api.cql2_filters import read_filter
from api.errors import ProblemError
from biodata.core.errors import InputError
from biodata.store.duck import quote, sql_type
from biodata.store.query.sql import where
from biodata.store.tables import RELEASE

TABLE = RELEASE["occurrences"]
WORDS = [
    "year", "month", "species", "eventDate", "event_start", "country_codes", "geometry", "ambiguous", "none_such", "AND", "OR",
    "NOT", "IN", "LIKE", "BETWEEN", "IS", "NULL", "TRUE", "FALSE", "CASEI", "ACCENTI", "DATE", "TIMESTAMP", "INTERVAL", "BBOX",
    "POINT", "POLYGON", "MULTIPOINT", "GEOMETRYCOLLECTION", "S_WITHIN", "S_INTERSECTS", "T_AFTER", "T_DURING", "A_CONTAINS",
    "A_EQUALS", "(", ")", ",", "=", "<>", "<", ">=", "+", "-", "1", "2010", "1e400", "-0.5", "'2010-05-01'", "'..'", "'a%'", "'''",
    '"order"', "((100 20, 101 20, 101 21, 100 20))", "(101 21)", "POINT(101 21)", "BBOX(100,20,101,21)", "\\", ";", "é", "\x00",
]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2010-05-01")
names = st.sampled_from(
    ["year", "species", "country_codes", "geometry", "eventDate", "event_start", "path", "none", ""]
).map(lambda name: {"property": name})
shapes = st.sampled_from(
    [{"type": "Point", "coordinates": [101, 21]}, {"bbox": [100, 20, 101, 21]}, {"bbox": [101, 20, 100, 21]}, {"type": "Polygon", "coordinates": []},
     {"type": "GeometryCollection", "geometries": []}, {"wkt": "LINESTRING(100 20, 101 21)"}, {"interval": ["..", ".."]}, {"date": "x"},
     {"interval": [{"property": "event_start"}, {"property": "event_end"}]}]
)  # fmt: skip
operators = st.sampled_from(
    ["and", "or", "not", "=", "<>", "<", "like", "between", "in", "isNull", "casei", "accenti", "s_within", "s_disjoint", "s_equals", "t_after",
     "t_meets", "t_intersects", "a_contains", "a_equals", "a_containedBy", "unknown", ""]
)  # fmt: skip
trees = st.recursive(
    scalars | names | shapes,
    lambda inner: (
        st.builds(lambda op, args: {"op": op, "args": args}, operators, st.lists(inner, max_size=4))
        | st.lists(inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as found:
        told = ", ".join(f"{quote(c.name)} {sql_type(c.dtype)}" for c in TABLE.columns.values())
        found.execute(f"CREATE TABLE occurrences ({told})")
        yield found


def check(connection, text, language):
    for system in list(SYSTEMS.values())[::3]:
        try:
            condition, params = where(read_filter(text, language, TABLE, system), TABLE)
        except (InputError, ProblemError):
            continue
        if "ST_" not in condition:
            connection.execute(f"SELECT count(*) FROM occurrences WHERE {condition}", params).fetchall()


@settings(max_examples=40)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join))
def test_text(connection, text):
    check(connection, text, "cql2-text")


@settings(max_examples=40)
@given(trees)
def test_json(connection, tree):
    check(connection, json.dumps(tree), "cql2-json")
