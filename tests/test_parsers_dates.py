"""Dates: what leaves no doubt is read, what leaves one is named, nothing is guessed."""

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.parsers import dates
from biodata.parsers.dates import parse_date, parse_dates, parse_times
from biodata.parsers.months import month_number

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("told", "event_date", "start", "end", "precision"),
    [
        pytest.param("1963-03-08T14:07-0600", "1963-03-08T14:07-06:00", "1963-03-08", "1963-03-08", "time", id="offset"),
        pytest.param("2009-02-20T08:40Z", "2009-02-20T08:40Z", "2009-02-20", "2009-02-20", "time", id="utc"),
        pytest.param("2018-08-29T15:19", "2018-08-29T15:19", "2018-08-29", "2018-08-29", "time", id="local time"),
        pytest.param("1809-02-12", "1809-02-12", "1809-02-12", "1809-02-12", "day", id="day"),
        pytest.param("1906-06", "1906-06", "1906-06-01", "1906-06-30", "month", id="month"),
        pytest.param("1971", "1971", "1971-01-01", "1971-12-31", "year", id="year"),
        pytest.param("2007-11-13/15", "2007-11-13/2007-11-15", "2007-11-13", "2007-11-15", "interval", id="short end"),
        pytest.param("2007-11-13/12-02", "2007-11-13/2007-12-02", "2007-11-13", "2007-12-02", "interval", id="month-day"),
        pytest.param("1930-01/03", "1930-01/1930-03", "1930-01-01", "1930-03-31", "interval", id="months"),
        pytest.param("1930/1930", "1930", "1930-01-01", "1930-12-31", "year", id="both ends the same year"),
        pytest.param(
            "2007-03-01T13:00:00Z/2008-05-11T15:30:00Z",
            "2007-03-01T13:00:00Z/2008-05-11T15:30:00Z",
            "2007-03-01",
            "2008-05-11",
            "interval",
            id="times",
        ),
        pytest.param("2008-7-15T12:34/T13:56", "2008-07-15T12:34/2008-07-15T13:56", "2008-07-15", "2008-07-15", "interval", id="hours of a day"),
        pytest.param("1999/P1Y", "1999-01-01/1999-12-31", "1999-01-01", "1999-12-31", "interval", id="duration"),
        pytest.param("2004-032", "2004-02-01", "2004-02-01", "2004-02-01", "day", id="day of the year"),
        pytest.param("1999-032/1999-59", "1999-02-01/1999-02-28", "1999-02-01", "1999-02-28", "interval", id="days of the year"),
        pytest.param("20240305", "2024-03-05", "2024-03-05", "2024-03-05", "day", id="without hyphens"),
        pytest.param("31/12/2010", "2010-12-31", "2010-12-31", "2010-12-31", "day", id="only a day is above 12"),
        pytest.param("12/25/2010", "2010-12-25", "2010-12-25", "2010-12-25", "day", id="month first for certain"),
        pytest.param("05/05/2010", "2010-05-05", "2010-05-05", "2010-05-05", "day", id="the same either way"),
        pytest.param("2018/01/02", "2018-01-02", "2018-01-02", "2018-01-02", "day", id="year first"),
        pytest.param("21\\12\\1978", "1978-12-21", "1978-12-21", "1978-12-21", "day", id="backslashes"),
        pytest.param("12.v.2010", "2010-05-12", "2010-05-12", "2010-05-12", "day", id="an entomologist's label"),
        pytest.param("14 March 1877", "1877-03-14", "1877-03-14", "1877-03-14", "day", id="English month"),
        pytest.param("2024年3月", "2024-03", "2024-03-01", "2024-03-31", "month", id="Chinese"),
        pytest.param("２０２４-０３-０５", "2024-03-05", "2024-03-05", "2024-03-05", "day", id="full-width digits"),
        pytest.param("២០២៤-០៣-០៥", "2024-03-05", "2024-03-05", "2024-03-05", "day", id="Khmer digits"),
        pytest.param("1999-02-01T00:00/1999-02-28T24:00", "1999-02-01T00:00/1999-02-28T24:00", "1999-02-01", "1999-02-28", "interval", id="24:00"),
    ],
)  # fmt: skip
def test_what_leaves_no_doubt_is_read(told, event_date, start, end, precision):
    parsed = parse_date(told, today=TODAY)
    assert parsed.issue is None
    assert parsed[:4] == (event_date, date.fromisoformat(start), date.fromisoformat(end), precision)


@pytest.mark.parametrize(
    ("told", "issue"),
    [
        pytest.param("0000-00-00", dates.INVALID, id="a database's nothing"),
        pytest.param("31/02/2010", dates.INVALID, id="31 February"),
        pytest.param("2010-02-29", dates.INVALID, id="29 February of a common year"),
        pytest.param("05/02/78", dates.INVALID, id="two digits of a year"),
        pytest.param("1900-01-00", dates.INVALID, id="day 0"),
        pytest.param("2010-05-12T25:61", dates.INVALID, id="no time of day"),
        pytest.param("2010T12:00", dates.INVALID, id="time of a year"),
        pytest.param("32nd jan. 2018", dates.INVALID, id="32 January"),
        pytest.param("as-fds-sdf", dates.INVALID, id="no date at all"),
        pytest.param("x 1990", dates.INVALID, id="x alone is no October"),
        pytest.param("-- --- ----", dates.INVALID, id="an empty form"),
        pytest.param("99999", dates.INVALID, id="a day number of the future"),
        pytest.param("2030-01-01", dates.UNLIKELY, id="the future"),
        pytest.param("2024/2031", dates.UNLIKELY, id="an end in the future"),
        pytest.param("2923", dates.UNLIKELY, id="the year 2923"),
    ],
)
def test_a_doubt_is_named_and_gives_no_date(told, issue):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.event_date, parsed.start, parsed.proposal) == (issue, None, None, None)


@pytest.mark.parametrize(
    ("told", "proposal"),
    [
        pytest.param("38731", "2006-01-14", id="day"),
        pytest.param("39138.62014", "2007-02-25T14:53:00", id="day and time"),
        pytest.param("10959", "1930-01-01", id="1930"),
    ],
)
def test_a_spreadsheets_day_number_is_proposed_not_read(told, proposal):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.proposal, parsed.start) == (dates.SERIAL, proposal, None)


@pytest.mark.parametrize(
    ("told", "proposal"),
    [
        pytest.param("2567", "2024", id="year"),
        pytest.param("2567-02-29", "2024-02-29", id="leap day of its own calendar"),
        pytest.param("12 พ.ค. 2567", "2024-05-12", id="Thai month"),
        pytest.param("2566-12/2567-01", "2023-12/2024-01", id="interval"),
    ],
)
def test_a_buddhist_year_is_proposed_and_read_only_where_declared(told, proposal):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.proposal, parsed.start) == (dates.BUDDHIST, proposal, None)
    declared = parse_date(told, today=TODAY, buddhist=True)
    assert (declared.issue, declared.event_date, declared.rule) == (None, proposal, "buddhist_era")


def test_a_buddhist_year_that_would_still_be_in_the_future_is_unlikely():
    assert parse_date("2590", today=TODAY).issue == dates.UNLIKELY


def test_what_the_column_says_decides_the_ambiguous():
    assert parse_date("03/04/2010", today=TODAY, day_first=True).event_date == "2010-04-03"
    assert parse_date("03/04/2010", today=TODAY, day_first=False).event_date == "2010-03-04"


def test_a_record_of_elephants_from_before_linnaeus_is_doubted_and_kept():
    parsed = parse_date("1499-03-22", today=TODAY)
    assert (parsed.issue, parsed.event_date) == (dates.UNLIKELY, "1499-03-22")


def test_this_year_and_tomorrow_are_not_the_future():
    assert parse_date("2026", today=TODAY).issue is None
    assert parse_date("2026-11-25", today=TODAY).issue is None


@pytest.mark.parametrize(
    ("told", "clock", "offset"),
    [("14:07", "14:07", None), ("8:05:30-06:30", "08:05:30", "-06:30"), ("08:40Z", "08:40", "+00:00"), ("noon", None, None), ("25:00", None, None)],
)  # fmt: skip
def test_times_of_day(told, clock, offset):
    assert parse_times(pl.Series([told])).row(0) == (told, clock, offset)


def test_months_of_the_region():
    assert [month_number(name) for name in ("May", "มีนาคม", "tháng", "ខែ", "Mei", "sept.")] == [5, 3, None, None, 5, 9]


@pytest.mark.parametrize(
    "suffix", ["", "T08:40", "T08:40:10", "T08:40:10.5", "T08:40Z", "T08:40+07:00", "T08:40-03:30"]
)
def test_the_fast_way_for_complete_dates_answers_as_the_slow_one(suffix):
    texts = pl.Series(
        [f"{day}{suffix}" for day in ("1600-01-01", "1899-12-31", "2000-02-29", "2026-11-24", "2001-02-29")]
    )
    fast = parse_dates(texts, today=TODAY).drop("value").rows()
    assert fast == [tuple(parse_date(text, today=TODAY)) for text in texts]


@given(
    st.dates(date(1600, 1, 1), TODAY),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %B %Y", "%Y-%j", "%Y年%m月%d日"]),
)
def test_what_is_written_is_read_back(day, form):
    parsed = parse_date(day.strftime(form), today=TODAY)
    assert (parsed.start, parsed.end, parsed.precision) == (day, day, "day")


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(), st.from_regex(r"[0-9/\-T:.Z ]{1,20}", fullmatch=True)), max_size=8))
def test_no_text_whatever_raises_and_each_gets_one_answer(texts):
    answers = parse_dates(pl.Series(texts, dtype=pl.String), today=TODAY)
    assert answers["value"].to_list() == texts
    assert (answers["start"].is_null() == answers["event_date"].is_null()).all()
    assert (answers["start"].is_not_null() | answers["issue"].is_not_null()).all()
    assert (answers["start"] <= answers["end"]).drop_nulls().all()


def test_gbifs_own_cases_of_dates(shared):
    cases = json.loads((shared / "suites" / "gbif_parsers" / "cases.json").read_text())
    for case in cases:
        if case["suite"] in {"date", "datetime", "textdate_rangestart"} and case["ok"] and "expect" in case:
            told = case["args"][0]
            start = date(*(int(part) for part in case["expect"][:3]))
            assert parse_date(told, today=TODAY).start == start, told
        if case["suite"] in {"date", "textdate"} and not case["ok"]:
            assert parse_date(case["args"][0], today=TODAY).issue == dates.INVALID, case["args"]
