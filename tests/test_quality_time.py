"""BDQ Core on dates: the standard's examples, what lies between them, and no text that breaks a test."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata.quality import engine, time
from biodata.quality.engine import BY_LABEL
from biodata.quality.time_prepare import interpret
from quality_rows import TODAY, brief, context, respond


def answer(label, **row):
    return brief(respond(BY_LABEL[label], [row])[0])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param("1963-03-08T14", "C", id="an hour"),
        pytest.param("1963-03-08T14:67-0600", "N", id="minute 67"),
        pytest.param("2023-02-29", "N", id="29 February of no leap year"),
        pytest.param("1949-09-15/1949-09-14", "N", id="ends before it begins"),
        pytest.param("2021-06-03T24:00", "N", id="no hour 24 in the edition of 2019"),
        pytest.param("1963-067", "C", id="day of the year"),
        pytest.param("1963-W10-5", "C", id="day of a week"),
        pytest.param("19630308", "C", id="basic format"),
        pytest.param("1963-03-08T1407", "N", id="both formats in one"),
        pytest.param("63", "N", id="two digits"),
        pytest.param("12345", "N", id="five digits"),
        pytest.param("1963-03/", "N", id="open end is of part 2"),
        pytest.param("1963-03-08/P2D", "C", id="duration"),
        pytest.param("1963-03-08\n", "N", id="line feed behind it"),
        pytest.param("\t1963-03-08", "N", id="tab before it"),
        pytest.param("1963-03-08\u200b", "N", id="zero width space behind it"),
        pytest.param("１９６３-03-08", "N", id="full-width digits"),
        pytest.param(" \t\n\x00", "INTERNAL", id="nothing that prints"),
    ],
)
def test_which_text_is_a_date(told, expected):
    assert answer("VALIDATION_EVENTDATE_STANDARD", eventDate=told) == expected
    assert answer("VALIDATION_DATEIDENTIFIED_STANDARD", dateIdentified=told) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"eventDate": "1582-11-15"}, "C", id="the first day"),
        pytest.param({"eventDate": "1582-11-14"}, "N", id="the day before it"),
        pytest.param({"eventDate": "1582"}, "N", id="its year is not wholly inside"),
        pytest.param({"eventDate": "2026-12-31"}, "C", id="the current year's last day"),
        pytest.param({"eventDate": "2026-12-31/2027-01-01"}, "N", id="reaches into the next year"),
        pytest.param({"eventDate": "1700", "bdqval:earliestValidDate": "1800"}, "N", id="the row's own first year"),
        pytest.param({"eventDate": "yesterday"}, "INTERNAL", id="no date"),
    ],
)
def test_event_date_in_range(row, expected):
    assert answer("VALIDATION_EVENTDATE_INRANGE", **row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"dateIdentified": "1963-03-08T14:07-0600"}, "C", id="no event date"),
        pytest.param({"dateIdentified": "1963-03-08", "eventDate": "1963-03-09"}, "N", id="before the event"),
        pytest.param({"dateIdentified": "1963", "eventDate": "1963-11-09"}, "C", id="its year holds the event"),
        pytest.param({"dateIdentified": "1963", "eventDate": "x"}, "INTERNAL", id="event date cannot be read"),
        pytest.param({"dateIdentified": "1752-12-31"}, "N", id="before Linnaeus"),
        pytest.param({"dateIdentified": "2026-11-25"}, "N", id="tomorrow"),
        pytest.param({"dateIdentified": "2026"}, "C", id="this year"),
        pytest.param(
            {"dateIdentified": "1960", "eventDate": "1963", "bdqval:includeEventDate": "false"},
            "C",
            id="event left out",
        ),
        pytest.param(
            {"dateIdentified": "1963-03-08T10:00+07:00", "eventDate": "1963-03-08T09:00Z"}, "N", id="zones are heeded"
        ),
    ],
)
def test_date_identified_in_range(row, expected):
    assert answer("VALIDATION_DATEIDENTIFIED_INRANGE", **row) == expected


@pytest.mark.parametrize(
    ("day", "month", "year", "expected"),
    [
        pytest.param("29", "2", "2000", "C", id="leap year"),
        pytest.param("29", "2", "1900", "N", id="no leap year"),
        pytest.param("29", "2", "", "INTERNAL", id="leap day without year"),
        pytest.param("29", "2", "00x", "INTERNAL", id="leap day with an odd year"),
        pytest.param("31", "4", "", "N", id="31 April"),
        pytest.param("30", "", "", "INTERNAL", id="30 of an unknown month"),
        pytest.param("30", "13", "", "INTERNAL", id="30 of no month"),
        pytest.param("28", "x", "x", "C", id="every month has it"),
        pytest.param("\t15\n", "9", "1949", "C", id="white space around a number"),
        pytest.param("0", "", "", "N", id="zero"),
        pytest.param("99999999999999999999", "", "", "N", id="a number of twenty digits"),
    ],
)
def test_day_in_range(day, month, year, expected):
    assert answer("VALIDATION_DAY_INRANGE", day=day, month=month, year=year) == expected


@pytest.mark.parametrize(
    ("label", "row", "expected"),
    [
        pytest.param("VALIDATION_DAY_STANDARD", {"day": "32"}, "N", id="day 32"),
        pytest.param("VALIDATION_DAY_STANDARD", {"day": "1.5"}, "N", id="no integer"),
        pytest.param("VALIDATION_MONTH_STANDARD", {"month": "iv"}, "N", id="Roman month"),
        pytest.param("VALIDATION_YEAR_INRANGE", {"year": "1581"}, "N", id="before 1582"),
        pytest.param("VALIDATION_YEAR_INRANGE", {"year": "19.5"}, "INTERNAL", id="no whole year"),
        pytest.param("VALIDATION_YEAR_INRANGE", {"year": "2027"}, "N", id="next year"),
        pytest.param(
            "VALIDATION_YEAR_INRANGE", {"year": "1500", "bdqval:earliestValidDate": "1499"}, "C", id="parameter"
        ),
        pytest.param("VALIDATION_STARTDAYOFYEAR_INRANGE", {"startDayOfYear": "366"}, "INTERNAL", id="366 of no year"),
        pytest.param(
            "VALIDATION_STARTDAYOFYEAR_INRANGE", {"startDayOfYear": "366", "eventDate": "2004"}, "C", id="leap"
        ),
        pytest.param(
            "VALIDATION_STARTDAYOFYEAR_INRANGE", {"startDayOfYear": "366", "eventDate": "2003"}, "N", id="not leap"
        ),
        pytest.param("VALIDATION_STARTDAYOFYEAR_INRANGE", {"startDayOfYear": "0"}, "N", id="day 0"),
        pytest.param(
            "VALIDATION_ENDDAYOFYEAR_INRANGE",
            {"endDayOfYear": "366", "eventDate": "2003/2004"},
            "C",
            id="end's year counts",
        ),
        pytest.param("VALIDATION_EVENTTEMPORAL_NOTEMPTY", {"verbatimEventDate": "spring"}, "C", id="words count"),
        pytest.param(
            "VALIDATION_EVENTTEMPORAL_NOTEMPTY", {"dateIdentified": "2001"}, "N", id="identified is not recorded"
        ),
    ],
)
def test_parts_of_a_date(label, row, expected):
    assert answer(label, **row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(
            {"eventDate": "1949-09-15T12:34", "year": "1949", "month": "9", "day": "15"}, "C", id="all the same"
        ),
        pytest.param({"eventDate": "1949-09-16T12:34", "day": "15"}, "N", id="another day"),
        pytest.param(
            {"eventDate": "1981-01", "month": "1", "startDayOfYear": "1"}, "N", id="days of a month are not told"
        ),
        pytest.param(
            {"eventDate": "1981-12-30/1982-01-03", "startDayOfYear": "364", "endDayOfYear": "3"},
            "C",
            id="over New Year",
        ),
        pytest.param({"eventDate": "1981-12-30/1982-01-03", "year": "1981"}, "N", id="two years"),
        pytest.param({"eventDate": "not known", "year": "1981"}, "N", id="no date agrees with nothing"),
        pytest.param({"eventDate": "1981-02-03", "month": "02"}, "C", id="a zero before it"),
    ],
)
def test_parts_agree_with_the_event_date(row, expected):
    assert answer("VALIDATION_EVENT_CONSISTENT", **row) == expected


@pytest.mark.parametrize(
    ("label", "row", "expected"),
    [
        pytest.param(
            "AMENDMENT_EVENT_FROM_EVENTDATE",
            {"eventDate": "2023-01-26", "year": "2023"},
            {"dwc:month": "1", "dwc:day": "26", "dwc:startDayOfYear": "26", "dwc:endDayOfYear": "26"},
            id="a day",
        ),
        pytest.param(
            "AMENDMENT_EVENT_FROM_EVENTDATE",
            {"eventDate": "2023-05"},
            {"dwc:year": "2023", "dwc:month": "5"},
            id="a month",
        ),
        pytest.param("AMENDMENT_EVENT_FROM_EVENTDATE", {"eventDate": "2023/2024"}, None, id="two years"),
        pytest.param(
            "AMENDMENT_EVENTDATE_STANDARDIZED",
            {"eventDate": "2021-28-10"},
            {"dwc:eventDate": "2021-10-28"},
            id="day before month",
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_STANDARDIZED",
            {"eventDate": " 2021-10-28\n"},
            {"dwc:eventDate": "2021-10-28"},
            id="white space",
        ),
        pytest.param("AMENDMENT_EVENTDATE_STANDARDIZED", {"eventDate": "10-28"}, None, id="no year"),
        pytest.param("AMENDMENT_EVENTDATE_STANDARDIZED", {"eventDate": "03/04/2020"}, None, id="two readings"),
        pytest.param("AMENDMENT_EVENTDATE_STANDARDIZED", {"eventDate": "2021-10"}, None, id="right already"),
        pytest.param(
            "AMENDMENT_DATEIDENTIFIED_STANDARDIZED",
            {"dateIdentified": "2021/04/03"},
            {"dwc:dateIdentified": "2021-04-03"},
            id="slashes",
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY",
            {"year": "1420", "month": "10", "day": "29"},
            {"dwc:eventDate": "1420-10-29"},
            id="before Linnaeus",
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY", {"year": "2024", "month": "2", "day": "30"}, None, id="30 February"
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY",
            {"year": "1980", "day": "5"},
            {"dwc:eventDate": "1980"},
            id="no month",
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY",
            {"year": "1980", "month": "iv"},
            {"dwc:eventDate": "1980-04"},
            id="Roman",
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY", {"year": "80", "month": "4"}, None, id="a year of two digits"
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARSTARTDAYOFYEARENDDAYOFYEAR",
            {"year": "2004", "startDayOfYear": "365", "endDayOfYear": "366"},
            {"dwc:eventDate": "2004-12-30/2004-12-31"},
            id="the end of a leap year",
        ),
        pytest.param(
            "AMENDMENT_EVENTDATE_FROM_YEARSTARTDAYOFYEARENDDAYOFYEAR",
            {"year": "1901", "startDayOfYear": "25", "endDayOfYear": "15"},
            None,
            id="the wrong order",
        ),
        pytest.param("AMENDMENT_DAY_STANDARDIZED", {"day": "23rd"}, {"dwc:day": "23"}, id="ordinal"),
        pytest.param("AMENDMENT_DAY_STANDARDIZED", {"day": "5th Friday"}, None, id="a weekday's number"),
        pytest.param("AMENDMENT_DAY_STANDARDIZED", {"day": "x"}, None, id="Roman day"),
        pytest.param("AMENDMENT_DAY_STANDARDIZED", {"day": "๕"}, {"dwc:day": "5"}, id="Thai digit"),
        pytest.param("AMENDMENT_MONTH_STANDARDIZED", {"month": "IV"}, {"dwc:month": "4"}, id="Roman month"),
        pytest.param("AMENDMENT_MONTH_STANDARDIZED", {"month": "Sept."}, {"dwc:month": "9"}, id="short name"),
        pytest.param("AMENDMENT_MONTH_STANDARDIZED", {"month": "十月"}, {"dwc:month": "10"}, id="Chinese numeral"),
        pytest.param(
            "AMENDMENT_MONTH_STANDARDIZED", {"month": "十二月\r"}, {"dwc:month": "12"}, id="line end behind it"
        ),
        pytest.param("AMENDMENT_MONTH_STANDARDIZED", {"month": "Ma"}, None, id="March or May"),
        pytest.param("AMENDMENT_MONTH_STANDARDIZED", {"month": "10"}, None, id="a month already"),
    ],
)
def test_proposals(label, row, expected):
    given = answer(label, **row)
    assert (None if given == "NOT_AMENDED" else json.loads(given)) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"verbatimEventDate": "X"}, "INTERNAL", id="nothing to read"),
        pytest.param({"verbatimEventDate": "1932", "eventDate": "1932"}, "INTERNAL", id="there is one"),
        pytest.param({"verbatimEventDate": "0377"}, "NOT_AMENDED", id="perhaps no year"),
        pytest.param({"verbatimEventDate": "Friday 29th Oct. 2021"}, "2021-10-29", id="weekday"),
        pytest.param({"verbatimEventDate": "XX DEC 1932"}, "1932-12", id="day not known"),
        pytest.param({"verbatimEventDate": "1932年3月5日"}, "1932-03-05", id="Chinese"),
        pytest.param({"verbatimEventDate": "11-VII-1885"}, "1885-07-11", id="Roman month"),
        pytest.param({"verbatimEventDate": "5 มิถุนายน 1932"}, "1932-06-05", id="Thai month"),
        pytest.param({"verbatimEventDate": "5-10 May 1932"}, "1932-05-05/1932-05-10", id="days of a month"),
        pytest.param({"verbatimEventDate": "30 May to 2 June 1932"}, "1932-05-30/1932-06-02", id="from one to another"),
        pytest.param({"verbatimEventDate": "5 June 1932 2:30 PM"}, "1932-06-05T14:30", id="afternoon"),
        pytest.param({"verbatimEventDate": "44562"}, "NOT_AMENDED", id="a spreadsheet's number"),
        pytest.param({"verbatimEventDate": "5 June 2475"}, "NOT_AMENDED", id="perhaps the Buddhist Era"),
    ],
)
def test_event_date_from_verbatim(row, expected):
    given = answer("AMENDMENT_EVENTDATE_FROM_VERBATIM", **row)
    assert (json.loads(given)["dwc:eventDate"] if given.startswith("{") else given) == expected


def test_the_calendar_of_an_old_date_is_assumed_and_said():
    test = BY_LABEL["AMENDMENT_EVENTDATE_FROM_VERBATIM"]
    frame = engine.normalise(pl.DataFrame({"dwc:verbatimEventDate": ["13 Feb 1918", "14 Feb 1918"]}))
    comments = engine.responses(engine.prepare(frame, [test], context()), test, context())["comment"]
    assert ["Gregorian" in comment for comment in comments] == [True, False]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        pytest.param("1880-05-08", "86400", id="a day"),
        pytest.param("1880-05-08/10", "259200", id="three days"),
        pytest.param("2000-02", str(29 * 86400), id="a leap February"),
        pytest.param("1900", str(365 * 86400), id="no leap year"),
        pytest.param("2007-03-01T13:00:00Z/2008-05-11T15:30:00Z", "37765800", id="between two times"),
        pytest.param("2007-03-01T13:00+07:00/2007-03-01T13:00+08:00", "INTERNAL", id="ends an hour earlier"),
        pytest.param("95", "INTERNAL", id="no date"),
    ],
)
def test_duration(told, seconds):
    assert answer("MEASURE_EVENTDATE_DURATIONINSECONDS", eventDate=told) == seconds


TERMS = ("eventDate", "dateIdentified", "verbatimEventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear")
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789-/:.TZ+PW \n", max_size=25),
    st.sampled_from(["1963-03-08", "1963-03", "1963", "31", "2", "iv", "5 June 1932", ""]),
)


@settings(max_examples=6)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(TERMS, TEXTS)), min_size=1, max_size=6))
def test_any_text_is_answered_and_other_rows_do_not_matter(rows):
    for test in time.TESTS:
        together = respond(test, rows)
        assert together[:1] == respond(test, rows[:1])
        assert together[::-1] == respond(test, rows[::-1])


@given(text=st.text(alphabet="0123456789-/. TIVXxADJFMNOSabceglnoprtuvy年月日", max_size=24), free=st.booleans())
def test_a_reading_is_a_date_and_stays_what_it_is(text, free):
    read = interpret(text, TODAY, free=free)
    assert read is None or interpret(read, TODAY, free=False) == read
