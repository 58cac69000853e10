"""Dates: what leaves no doubt is read, what leaves one is named, nothing is guessed."""

from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from biodata.text import dates
from biodata.text.date_words import LANGUAGES, month_number
from biodata.text.dates import parse_date, parse_dates, parse_times
from case_tables import cases

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("told", "event_date", "start", "end", "precision"), cases("parsers_dates", "test_what_leaves_no_doubt_is_read")
)
def test_what_leaves_no_doubt_is_read(told, event_date, start, end, precision):
    parsed = parse_date(told, today=TODAY)
    assert parsed.issue is None
    assert parsed[:4] == (event_date, date.fromisoformat(start), date.fromisoformat(end), precision)


@pytest.mark.parametrize(("told", "issue"), cases("parsers_dates", "test_a_doubt_is_named_and_gives_no_date"))
def test_a_doubt_is_named_and_gives_no_date(told, issue):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.event_date, parsed.start, parsed.proposal) == (issue, None, None, None)


@pytest.mark.parametrize(
    ("told", "proposal", "rule", "alternative"),
    cases("parsers_dates", "test_a_year_of_two_digits_is_proposed_not_read"),
)
def test_a_year_of_two_digits_is_proposed_not_read(told, proposal, rule, alternative):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.event_date, parsed.start, parsed.confidence) == (dates.INVALID, None, None, "POSSIBLE")
    assert (parsed.proposal, parsed.rule, parsed.alternative) == (proposal, rule, alternative)


@pytest.mark.parametrize(("told", "proposal"), [
    pytest.param("38731", "2006-01-14", id="day"),
    pytest.param("39138.62014", "2007-02-25T14:53:00", id="day and time"),
    pytest.param("10959", "1930-01-01", id="1930"),
])  # fmt: skip
def test_a_spreadsheets_day_number_is_proposed_not_read(told, proposal):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.proposal, parsed.start) == (dates.SERIAL, proposal, None)
    assert (parsed.rule, parsed.alternative_rule) == ("excel_serial_1900", "excel_serial_1904")
    assert date.fromisoformat(parsed.alternative[:10]) - date.fromisoformat(proposal[:10]) == timedelta(days=1462)
    declared = parse_date(told, today=TODAY, spreadsheet="1904")
    assert (declared.event_date, declared.confidence) == (parsed.alternative, "PROBABLE")


@pytest.mark.parametrize(("told", "proposal"), [
    pytest.param("2567", "2024", id="year"),
    pytest.param("2567-02-29", "2024-02-29", id="leap day of its own calendar"),
    pytest.param("12 พ.ค. 2567", "2024-05-12", id="Thai month"),
    pytest.param("2566-12/2567-01", "2023-12/2024-01", id="interval"),
])  # fmt: skip
def test_a_buddhist_year_is_proposed_and_read_only_where_declared(told, proposal):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.proposal, parsed.start) == (dates.BUDDHIST, proposal, None)
    declared = parse_date(told, today=TODAY, buddhist=True)
    assert (declared.issue, declared.event_date, declared.rule) == (None, proposal, "buddhist_era")


def test_a_buddhist_year_that_would_still_be_in_the_future_is_unlikely():
    assert parse_date("2590", today=TODAY).issue == dates.UNLIKELY


@pytest.mark.parametrize(
    ("told", "event_date", "proposals"),
    cases("parsers_dates", "test_an_era_that_the_text_tells_is_converted_where_that_has_one_result"),
)
def test_an_era_that_the_text_tells_is_converted_where_that_has_one_result(told, event_date, proposals):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.event_date, (parsed.proposal, parsed.alternative)) == (event_date, tuple(proposals))
    assert (parsed.issue, parsed.confidence) == ((None, "DEFINITE") if event_date else (dates.BUDDHIST, "POSSIBLE"))


@pytest.mark.parametrize(("told", "day_first", "month_first"), [
    pytest.param("03/04/2010", "2010-04-03", "2010-03-04", id="day or month"),
    pytest.param("01/03/1930T12:01", "1930-03-01T12:01", "1930-01-03T12:01", id="with a time"),
    pytest.param("03/04/2010-05/06/2010", "2010-04-03/2010-06-05", "2010-03-04/2010-05-06", id="interval"),
    pytest.param("10122005", "2005-12-10", "2005-10-12", id="eight digits"),
])  # fmt: skip
def test_what_could_be_either_way_round_is_decided_by_the_column_only(told, day_first, month_first):
    parsed = parse_date(told, today=TODAY)
    assert (parsed.issue, parsed.start, parsed.confidence) == (dates.AMBIGUOUS, None, "POSSIBLE")
    assert (parsed.proposal, parsed.alternative) == (day_first, month_first)
    for order, event_date in ((True, day_first), (False, month_first)):
        read = parse_date(told, today=TODAY, day_first=order)
        assert (read.event_date, read.issue, read.confidence) == (event_date, None, "PROBABLE")


def test_an_interval_the_wrong_way_round_is_proposed_the_right_way():
    parsed = parse_date("2010-05-12/2010-05-10", today=TODAY)
    assert (parsed.issue, parsed.start) == (dates.INVALID, None)
    assert (parsed.proposal, parsed.rule) == ("2010-05-10/2010-05-12", "reversed_interval")


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


def test_months_without_their_accents():
    assert [month_number(name) for name in ("fevrier", "marco", "aout", "thang muoi mot")] == [2, 3, 8, 11]


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
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %B %Y", "%Y-%j", "%G-W%V-%u", "%Y年%m月%d日", "%d-%b-%Y"]),
)
def test_what_is_written_is_read_back(day, form):
    parsed = parse_date(day.strftime(form), today=TODAY)
    assert (parsed.start, parsed.end, parsed.precision) == (day, day, "day")


# CLDR's own words and order, written by babel: an oracle that knows nothing of us.
@given(
    st.dates(date(1600, 1, 1), TODAY),
    st.sampled_from([*LANGUAGES, "zh_Hant", "en_GB", "de_AT", "pt_PT", "fr_CA", "es_MX"]),
    st.sampled_from(["medium", "long", "full"]),
)
def test_what_is_written_in_a_language_is_read_back(day, language, width):
    text = format_date(day, width, locale=language)
    parsed = parse_date(text, today=TODAY)
    if parsed.issue == dates.AMBIGUOUS:
        assert day.isoformat() in (parsed.proposal, parsed.alternative), text
    else:
        assert (parsed.start, parsed.end) == (day, day), text


@given(
    st.dates(date(1941, 1, 1), TODAY),
    st.sampled_from(["th", "lo"]),
    st.sampled_from(["พ.ศ. ", "พุทธศักราช ", "ພ.ສ. ", "B.E. "]),
    st.sampled_from(["0123456789", "๐๑๒๓๔๕๖๗๘๙", "໐໑໒໓໔໕໖໗໘໙", "០១២៣៤៥៦៧៨៩", "၀၁၂၃၄၅၆၇၈၉", "０１２３４５６７８９"]),
)
def test_a_buddhist_date_is_read_back(day, language, era, digits):
    text = f"{day.day} {format_date(day, 'MMMM', locale=language)} {era}{day.year + 543}"
    assert parse_date(text.translate(str.maketrans("0123456789", digits)), today=TODAY).start == day


@given(st.dates(date(1912, 1, 1), TODAY), st.sampled_from(["民國", "民国", "中華民國"]))
def test_a_minguo_date_is_read_back(day, era):
    assert parse_date(f"{era}{day.year - 1911}年{day.month}月{day.day}日", today=TODAY).start == day


@given(
    st.dates(date(1600, 1, 1), TODAY), st.integers(0, 400), st.sampled_from(["{}/{}", "{} to {}", "{} - {}", "{}至{}"])
)
def test_an_interval_is_read_back(day, length, form):
    last = min(day + timedelta(days=length), TODAY)
    parsed = parse_date(form.format(day.isoformat(), last.isoformat()), today=TODAY)
    assert (parsed.start, parsed.end) == (day, last)


@given(st.dates(date(1950, 1, 1), TODAY), st.times(), st.integers(-14 * 60, 14 * 60))
def test_a_time_with_its_offset_is_read_back(day, clock, minutes):
    moment = datetime.combine(day, clock.replace(second=0, microsecond=0), timezone(timedelta(minutes=minutes)))
    parsed = parse_date(moment.isoformat(), today=TODAY)
    assert datetime.fromisoformat(parsed.event_date) == moment
    assert parsed.time == clock.strftime("%H:%M:00")


@given(st.lists(st.one_of(st.text(), st.from_regex(r"[0-9/\-T:.Z ]{1,20}", fullmatch=True)), max_size=8))
def test_no_text_whatever_raises_and_each_gets_one_answer(texts):
    answers = parse_dates(pl.Series(texts, dtype=pl.String), today=TODAY)
    assert answers["value"].to_list() == texts
    assert (answers["start"].is_null() == answers["event_date"].is_null()).all()
    assert (answers["start"].is_not_null() | answers["issue"].is_not_null()).all()
    assert (answers["start"] <= answers["end"]).drop_nulls().all()
    assert (answers["start"] <= TODAY + timedelta(days=1)).drop_nulls().all()
    assert answers["zone"].drop_nulls().str.contains(r"^[+-](0\d|1[0-4]):[0-5]\d$").all()
    assert answers["confidence"].drop_nulls().is_in(["DEFINITE", "PROBABLE", "POSSIBLE"]).all()
    for name in ("proposal", "alternative"):
        for text in answers[name].drop_nulls():
            assert parse_date(text, today=TODAY).issue in {None, dates.UNLIKELY}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["1", "-", "1-", "/", " ", "T", "1 ", "5 May ", "ม.", "年", "12:", "to ", "一", "(", "."]
)
def test_long_texts_keep_nobody_busy(piece):
    for length in (80, 10_000):
        assert parse_date((piece * length)[:length], today=TODAY).start is None
