"""Times of day and zones: offsets with their history, instants in UTC."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text.times import COUNTRY_ZONES, country_offsets, is_zone, offset_at, offsets, read_time, utc_interval
from case_tables import cases


@pytest.mark.parametrize(("told", "clock", "zone"), cases("parsers_zones", "test_times_of_day"))
def test_times_of_day(told, clock, zone):
    assert read_time(told) == (clock, zone)


@pytest.mark.parametrize(
    "told", ["25:00", "24:01", "10:61", "13 PM", "0 am", "10:30:60", "10:00+15:00", "10:00+07:60", "noon", "", "10:00 CST"]
)  # fmt: skip
def test_what_is_no_time_of_day(told):
    with pytest.raises(ValueError):  # noqa: PT011
        read_time(told)


@pytest.mark.parametrize(("zone", "day", "clock", "offset"), [
    pytest.param("Asia/Shanghai", date(1988, 7, 1), "10:00", "+09:00", id="China's summer time"),
    pytest.param("Asia/Shanghai", date(1992, 7, 1), "10:00", "+08:00", id="after it"),
    pytest.param("Asia/Singapore", date(1981, 6, 1), "10:00", "+07:30", id="Singapore before 1982"),
    pytest.param("Asia/Yangon", date(2020, 1, 1), "10:00", "+06:30", id="Myanmar"),
    pytest.param("Asia/Yangon", date(1870, 1, 1), "10:00", "+06:25", id="local mean time to the minute"),
    pytest.param("Asia/Dili", date(2020, 1, 1), "24:00", "+09:00", id="the end of a day"),
    pytest.param("Asia/Shanghai", date(1986, 5, 4), "02:30", None, id="an hour that was left out"),
    pytest.param("Asia/Shanghai", date(1986, 9, 14), "01:30", None, id="an hour that came twice"),
    pytest.param("+07:00", date(2020, 1, 1), "10:00", "+07:00", id="an offset is itself"),
])  # fmt: skip
def test_offsets_know_history(zone, day, clock, offset):
    frame = pl.DataFrame({"day": [day, None], "clock": [clock, clock]})
    assert frame.select(offsets(pl.col("day"), pl.col("clock"), zone)).to_series().to_list() == [offset, None]
    if zone[0] != "+":
        assert offset_at(zone, day, clock) == offset


@given(
    st.dates(date(1983, 1, 1), date(2026, 1, 1)),
    st.times(),
    st.sampled_from([zone.name for zone in COUNTRY_ZONES.values()]),
)
def test_offsets_are_those_of_the_standard_library(day, clock, zone):
    local = datetime.combine(day, clock.replace(second=0, microsecond=0), ZoneInfo(zone))
    frame = pl.DataFrame({"day": [day], "clock": [clock.strftime("%H:%M")]})
    found = frame.select(offsets(pl.col("day"), pl.col("clock"), zone)).item()
    if found is None:
        assert local.replace(fold=1).utcoffset() != local.utcoffset() or local.astimezone(UTC).astimezone(ZoneInfo(zone)) != local  # fmt: skip
    else:
        assert found == datetime.strftime(local, "%z")[:3] + ":" + datetime.strftime(local, "%z")[3:]


def test_only_countries_of_one_zone_propose_and_only_since_they_have_one():
    frame = pl.DataFrame({
        "country": ["CN", "LA", "VN", "VN", "MM", "MY", "MY", "TL", "ID", "DE", None],
        "day": [date(y, 1, 1) for y in (2020, 2020, 2020, 1970, 2020, 2020, 1975, 2020, 2020, 2020, 2020)],
    })  # fmt: skip
    found = frame.select(country_offsets(pl.col("country"), pl.col("day"), pl.lit("10:00"))).to_series().to_list()
    assert found == ["+08:00", "+07:00", "+07:00", None, "+06:30", "+08:00", None, "+09:00", None, None, None]


def test_zones_are_offsets_or_names():
    assert [is_zone(name) for name in ("Asia/Yangon", "+07:00", "-03:30", "+14:00", "UTC")] == [True] * 5
    assert [is_zone(name) for name in ("Mars/Olympus", "+15:00", "+7", "", "Thailand time", "a/../b")] == [False] * 6


def _utc(**columns):
    frame = pl.DataFrame({name: [value] for name, value in columns.items()}, schema_overrides={"time": pl.String, "zone": pl.String, "event_date": pl.String})  # fmt: skip
    return frame.select(utc_interval(*(pl.col(c) for c in ("event_date", "start", "end", "time", "zone")))).row(0)


@pytest.mark.parametrize(("event_date", "time", "zone", "opened", "closed"), [
    pytest.param("2020-01-01T05:30", "05:30", "+07:00", "2019-12-31T22:30", "2019-12-31T22:31", id="minute"),
    pytest.param("2020-01-01T05:30:10", "05:30:10", "+06:30", "2019-12-31T23:00:10", "2019-12-31T23:00:11", id="second"),
    pytest.param("2020-01-01", None, "+08:00", "2019-12-31T16:00", "2020-01-01T16:00", id="day"),
    pytest.param("2020-01-01T10:00/2020-01-01T12:00", "10:00", "+07:00", "2020-01-01T03:00", "2020-01-01T05:00", id="interval of times"),
    pytest.param("2020-01-01T10:00+07:00/2020-01-01T12:00+08:00", "10:00", "+07:00", "2020-01-01T03:00", "2020-01-01T04:00", id="across a border"),
    pytest.param("2020-01-01T24:00", "24:00", "+00:00", "2020-01-02T00:00", "2020-01-02T00:01", id="end of the day"),
])  # fmt: skip
def test_instants_in_utc(event_date, time, zone, opened, closed):
    found = _utc(event_date=event_date, start=date(2020, 1, 1), end=date(2020, 1, 1), time=time, zone=zone)
    assert [instant.isoformat() for instant in found] == [f"{t if t.count(':') == 2 else t + ':00'}+00:00" for t in (opened, closed)]  # fmt: skip


def test_without_a_zone_there_is_no_instant():
    assert _utc(event_date="2020-01-01T05:30", start=date(2020, 1, 1), end=date(2020, 1, 1), time="05:30", zone=None) == (None, None)  # fmt: skip


@given(st.dates(date(1950, 1, 1), date(2026, 1, 1)), st.times(), st.integers(-13 * 60, 14 * 60))
def test_a_duet_logged_on_both_sides_is_one_instant(day, clock, minutes):
    moment = datetime.combine(day, clock.replace(second=0, microsecond=0), UTC)
    local = moment.astimezone(timezone(timedelta(minutes=minutes)))
    zone = local.strftime("%z")[:3] + ":" + local.strftime("%z")[3:5]
    found = _utc(
        event_date=local.isoformat(), start=local.date(), end=local.date(), time=local.strftime("%H:%M"), zone=zone
    )
    assert found == (moment, moment + timedelta(minutes=1))
