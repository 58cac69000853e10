"""ISO 8601 dates: the calendar is datetime's, the grammar the standard's."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.quality.time_prepare import read_span

EPOCH = date(1970, 1, 1)
DAYS = st.dates(min_value=date(2, 1, 1), max_value=date(9998, 12, 31))


@given(day=DAYS)
def test_every_form_of_a_day_means_that_day(day):
    number, (iso_year, week, weekday) = (day - EPOCH).days, day.isocalendar()
    forms = [day.isoformat(), day.isoformat().replace("-", ""), f"{day.year:04}-{day.timetuple().tm_yday:03}",
             f"{day.year:04}{day.timetuple().tm_yday:03}", f"{iso_year:04}-W{week:02}-{weekday}",
             f"{iso_year:04}W{week:02}{weekday}"]  # fmt: skip
    assert {(read_span(form).first, read_span(form).last) for form in forms} == {(number, number)}


@given(first=DAYS, length=st.integers(0, 4000))
def test_an_interval_lasts_as_long_as_its_days(first, length):
    last = min(first + timedelta(days=length), date(9998, 12, 31))
    span = read_span(f"{first.isoformat()}/{last.isoformat()}")
    assert span.seconds == ((last - first).days + 1) * 86_400
    assert read_span(f"{first.isoformat()}/P{(last - first).days + 1}D").last == span.last


@pytest.mark.parametrize(("told", "first", "last"), [
    pytest.param("1906-06", date(1906, 6, 1), date(1906, 6, 30), id="month"),
    pytest.param("1900/1909", date(1900, 1, 1), date(1909, 12, 31), id="years"),
    pytest.param("1981-01/12", date(1981, 1, 1), date(1981, 12, 31), id="months of a year"),
    pytest.param("2007-11-13/15", date(2007, 11, 13), date(2007, 11, 15), id="days of a month"),
    pytest.param("2007-11-13/12-02", date(2007, 11, 13), date(2007, 12, 2), id="month and day"),
    pytest.param("2007-03-01T13:00/15:30", date(2007, 3, 1), date(2007, 3, 1), id="hours of a day"),
    pytest.param("2009-W01", date(2008, 12, 29), date(2009, 1, 4), id="week"),
    pytest.param("P1M/2007-03-31", date(2007, 3, 1), date(2007, 3, 31), id="a month before"),
    pytest.param("2016-12-31T23:59:60Z", date(2016, 12, 31), date(2016, 12, 31), id="leap second"),
    pytest.param("2017-01-01T05:29:60+05:30", date(2017, 1, 1), date(2017, 1, 1), id="leap second in India"),
])  # fmt: skip
def test_spans(told, first, last):
    span = read_span(told)
    assert (EPOCH + timedelta(days=span.first), EPOCH + timedelta(days=span.last)) == (first, last)


@pytest.mark.parametrize("told", [
    *("", " ", "0", "196", "1963-3-8", "1963-13", "1963-00-01", "1963-03-00", "1963-366", "1963-W53", "1963-W10-8"),
    *("1963-03-08T", "1963-03-08T4", "1963-03-08T14:0", "1963-03T14:00", "1963-03-08 14:07", "1963-03-08T25:00"),
    *("2016-12-31T22:00:60", "1963-03-08T14:07+15:00", "1963-03-08T14:07-00:00", "1963-03-08T14:07+7", "P1D"),
    *("1963/", "/1963", "1963/1964/1965", "1963-03-08/07", "R5/1963/1964", "-1963", "+1963-01-01", "1900/09", "x"),
    "9" * 1000,
])  # fmt: skip
def test_what_is_no_date(told):
    assert read_span(told) is None


@given(text=st.text(max_size=40))
def test_no_text_breaks_the_reader(text):
    span = read_span(text)
    assert span is None or (span.first <= span.last and span.seconds >= 0)
