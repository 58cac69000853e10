"""BDQ Core on dates: the standard's examples, what lies between them, and no text that breaks a test."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.quality import engine
from biodata.quality.engine import BY_LABEL
from biodata.quality.time_prepare import interpret
from case_tables import cases
from quality_rows import TODAY, brief, context, respond


def answer(label, **row):
    return brief(respond(BY_LABEL[label], [row])[0])


@pytest.mark.parametrize(("told", "expected"), cases("quality_time", "test_which_text_is_a_date"))
def test_which_text_is_a_date(told, expected):
    assert answer("VALIDATION_EVENTDATE_STANDARD", eventDate=told) == expected
    assert answer("VALIDATION_DATEIDENTIFIED_STANDARD", dateIdentified=told) == expected


@pytest.mark.parametrize(("row", "expected"), cases("quality_time", "test_event_date_in_range"))
def test_event_date_in_range(row, expected):
    assert answer("VALIDATION_EVENTDATE_INRANGE", **row) == expected


@pytest.mark.parametrize(("row", "expected"), cases("quality_time", "test_date_identified_in_range"))
def test_date_identified_in_range(row, expected):
    assert answer("VALIDATION_DATEIDENTIFIED_INRANGE", **row) == expected


@pytest.mark.parametrize(("day", "month", "year", "expected"), cases("quality_time", "test_day_in_range"))
def test_day_in_range(day, month, year, expected):
    assert answer("VALIDATION_DAY_INRANGE", day=day, month=month, year=year) == expected


@pytest.mark.parametrize(("label", "row", "expected"), cases("quality_time", "test_parts_of_a_date"))
def test_parts_of_a_date(label, row, expected):
    assert answer(label, **row) == expected


@pytest.mark.parametrize(("row", "expected"), cases("quality_time", "test_parts_agree_with_the_event_date"))
def test_parts_agree_with_the_event_date(row, expected):
    assert answer("VALIDATION_EVENT_CONSISTENT", **row) == expected


@pytest.mark.parametrize(("label", "row", "expected"), cases("quality_time", "test_proposals"))
def test_proposals(label, row, expected):
    given = answer(label, **row)
    assert (None if given == "NOT_AMENDED" else json.loads(given)) == expected


@pytest.mark.parametrize(("row", "expected"), cases("quality_time", "test_event_date_from_verbatim"))
def test_event_date_from_verbatim(row, expected):
    given = answer("AMENDMENT_EVENTDATE_FROM_VERBATIM", **row)
    assert (json.loads(given)["dwc:eventDate"] if given.startswith("{") else given) == expected


def test_the_calendar_of_an_old_date_is_assumed_and_said():
    test = BY_LABEL["AMENDMENT_EVENTDATE_FROM_VERBATIM"]
    frame = engine.normalise(pl.DataFrame({"dwc:verbatimEventDate": ["13 Feb 1918", "14 Feb 1918"]}))
    comments = engine.responses(engine.prepare(frame, [test], context()), test, context())["comment"]
    assert ["Gregorian" in comment for comment in comments] == [True, False]


@pytest.mark.parametrize(("told", "seconds"), [
    pytest.param("1880-05-08", "86400", id="a day"),
    pytest.param("1880-05-08/10", "259200", id="three days"),
    pytest.param("2000-02", str(29 * 86400), id="a leap February"),
    pytest.param("1900", str(365 * 86400), id="no leap year"),
    pytest.param("2007-03-01T13:00:00Z/2008-05-11T15:30:00Z", "37765800", id="between two times"),
    pytest.param("2007-03-01T13:00+07:00/2007-03-01T13:00+08:00", "INTERNAL", id="ends an hour earlier"),
    pytest.param("95", "INTERNAL", id="no date"),
])  # fmt: skip
def test_duration(told, seconds):
    assert answer("MEASURE_EVENTDATE_DURATIONINSECONDS", eventDate=told) == seconds


@given(text=st.text(alphabet="0123456789-/. TIVXxADJFMNOSabceglnoprtuvy年月日", max_size=24), free=st.booleans())
def test_a_reading_is_a_date_and_stays_what_it_is(text, free):
    read = interpret(text, TODAY, free=free)
    assert read is None or interpret(read, TODAY, free=False) == read
