"""A filter kept as plain values is the same filter again."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.core.errors import InputError
from biodata.store.query.filters import (
    And,
    Between,
    Compare,
    Contains,
    DayOfYear,
    Differ,
    In,
    InBox,
    InCountry,
    Intersects,
    IsNull,
    Like,
    Not,
    Or,
    Recorded,
    from_plain,
    to_plain,
)  # fmt: skip

TEXT = st.text(max_size=8)
VALUES = (
    TEXT | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.dates()
)
LEAVES = st.one_of(
    st.builds(Compare, TEXT, st.sampled_from(["=", "<", ">="]), VALUES, st.booleans()),
    st.builds(In, TEXT, st.lists(VALUES, max_size=3).map(tuple), st.booleans()),
    st.builds(Between, TEXT, st.none() | VALUES, st.none() | VALUES),
    st.builds(IsNull, TEXT),
    st.builds(Contains, TEXT, TEXT),
    st.builds(Like, TEXT, TEXT, st.booleans()),
    st.builds(InBox, *[st.floats(-90, 90)] * 4),
    st.builds(Intersects, st.binary(max_size=20)),
    st.builds(InCountry, st.lists(TEXT, max_size=3).map(tuple)),
    st.builds(Differ, TEXT, TEXT),
    st.builds(DayOfYear, TEXT, st.none() | st.integers(1, 366), st.none() | st.integers(1, 366)),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(tuple).map(And)
        | st.lists(inner, max_size=3).map(tuple).map(Or)
        | st.builds(Recorded, TEXT, st.tuples(inner), st.tuples(inner), inner, st.integers(1, 9))
    ),
    max_leaves=8,
)


@given(FILTERS)
def test_what_is_kept_comes_back(filter_):
    kept = json.loads(json.dumps(to_plain(filter_)))
    assert from_plain(kept) == filter_
    assert json.dumps(kept, sort_keys=True) == json.dumps(to_plain(filter_), sort_keys=True)


def test_no_filter_is_kept_as_none():
    assert to_plain(None) is None
    assert from_plain(None) is None


def test_a_day_stays_a_day():
    found = from_plain(to_plain(Compare("event_start", "=", date(2010, 5, 3))))
    assert found == Compare("event_start", "=", date(2010, 5, 3))


@pytest.mark.parametrize("told", [
    pytest.param({"op": "Nothing"}, id="no such node"),
    pytest.param({"op": "IsNull", "columns": "x"}, id="no such field"),
    pytest.param({"wkb": "zz"}, id="no hexadecimal text"),
    pytest.param({"date": "x"}, id="no date"),
    pytest.param({"op": "Not", "part": {}}, id="nothing inside"),
])  # fmt: skip
def test_what_is_no_filter_is_refused(told):
    with pytest.raises(InputError):
        from_plain(told)
