"""Rows that are equal are found, and what is found of one of them goes to all."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.harmonise import findings
from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told

CELLS = st.sampled_from([None, "a", "b", "ab", "1999", ""])


def told_of(rows):
    return Told(pl.DataFrame(rows, schema={"year": pl.String, "month": pl.String, "day": pl.String}, orient="row"))


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=40))
def test_each_row_is_equal_to_the_first_of_its_kind(rows):
    frame = pl.DataFrame(rows, schema={"x": pl.String, "y": pl.String}, orient="row")
    found = findings.repeats(frame)
    first = [rows.index(row) for row in dict.fromkeys(rows)]
    if 2 * len(first) > len(rows):
        assert found is None
    else:
        assert found.first.arg_true().to_list() == first
        assert [rows[first[number]] for number in found.of] == rows


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(pl.DataFrame(), id="no columns"),
        pytest.param(pl.DataFrame({"x": []}, schema={"x": pl.String}), id="no rows"),
        pytest.param(pl.DataFrame({"x": ["a", "b", "c"]}), id="all different"),
    ],
)
def test_nothing_comes_twice(frame):
    assert findings.repeats(frame) is None


def test_rows_of_one_hash_that_differ_are_not_taken_for_equal(monkeypatch):
    monkeypatch.setattr(pl.DataFrame, "hash_rows", lambda frame, seed: pl.repeat(7, frame.height, eager=True))
    assert findings.repeats(pl.DataFrame({"x": ["a", "a", "a", "b"]})) is None
    assert findings.repeats(pl.DataFrame({"x": ["a", "a", "a", "a"]})).of.to_list() == [0, 0, 0, 0]


ROWS = [("1999", "1", None), ("2000", "2", "3"), ("1999", "1", None), ("2000", "2", "3"), ("1999", "1", "9")]


def interpret(told):
    """Read years and months, with a doubt and two repairs."""
    assert not told.has("day")
    year, month = told["year"].cast(int), told["month"]
    late = year > 1999
    noted = [repairs(late, "year", year + 1, "one", applied=True), repairs(~late, "month", month, "two", applied=False)]
    return Findings({"year": year, "month": month}, {"LATE": late}, noted)


def test_findings_go_to_every_row():
    told = told_of(ROWS)
    seen = []

    def watched(rows):
        seen.append(rows.height)
        return interpret(rows)

    found = findings.once(told, ("year", "month"), watched)
    assert seen == [2]
    assert found.columns["year"].to_list() == [1999, 2000, 1999, 2000, 1999]
    assert found.columns["month"].to_list() == ["1", "2", "1", "2", "1"]
    assert found.flags["LATE"].to_list() == [False, True, False, True, False]
    assert [part.rows() for part in found.repairs] == [
        [(1, "year", "2001", "one", True), (3, "year", "2001", "one", True)],
        [(0, "month", "1", "two", False), (2, "month", "1", "two", False), (4, "month", "1", "two", False)],
    ]


def test_rows_that_hardly_repeat_are_interpreted_as_they_are():
    told = told_of([(str(year), "1", None) for year in range(1990, 2000)])
    found = findings.once(told, ("year", "month"), interpret)
    assert found.columns["year"].to_list() == [*range(1990, 2000)]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(pl.Series(["a", None, "c"]), id="texts"),
        pytest.param(pl.Series([None, None], dtype=pl.List(pl.String)), id="null for every row"),
        pytest.param(pl.Series([False, False]), id="no doubt"),
        pytest.param(pl.Series([False, None]), id="no doubt or null"),
        pytest.param(pl.Series([False, True]), id="doubts"),
    ],
)
def test_answers_are_handed_out(answers):
    to = [1, 0, 1, len(answers) - 1]
    found = findings.handed_out(answers, pl.Series(to))
    assert found.dtype == answers.dtype
    assert found.to_list() == [answers[number] for number in to]
    assert findings.handed_out(answers.clear(), pl.Series([], dtype=pl.UInt32)).to_list() == []
