"""Time zones of events: told, in the date, declared, or assumed from the side."""

import pytest

from event_rows import event, interpreted

BORDER = {
    "decimalLatitude": "21.1700",
    "decimalLongitude": "101.6900",
}  # Mohan and Boten: both countries within the band
NIGHT = "2026-05-01T12:00/2026-05-31T12:00"


@pytest.mark.parametrize(
    ("row", "zone", "side", "flag"),
    [
        pytest.param({"timeZone": "Asia/Vientiane"}, "Asia/Vientiane", "LA", None, id="an IANA name"),
        pytest.param({"timeZone": "UTC+7"}, "+07:00", "LA", None, id="UTC+7"),
        pytest.param({"timeZone": "GMT+6:30", "side": "MM"}, "+06:30", "MM", None, id="half an hour"),
        pytest.param({"eventDate": "2026-05-01T12:00+08:00/2026-05-31T12:00+08:00"}, "+08:00", "LA", None, id="in the date"),
        pytest.param({}, "Asia/Vientiane", "LA", "TIME_ZONE_ASSUMED", id="from the place"),
        pytest.param({"side": "China"}, "Asia/Shanghai", "CN", "TIME_ZONE_ASSUMED", id="from the side"),
        pytest.param({"side": "ລາວ"}, "Asia/Vientiane", "LA", "TIME_ZONE_ASSUMED", id="from the side, in Lao"),
        pytest.param({"timeZone": "summer"}, "Asia/Vientiane", "LA", "TIME_ZONE_INVALID", id="no zone"),
        pytest.param({"side": "Indonesia"}, None, "ID", "TIME_ZONE_MISSING", id="three zones"),
        pytest.param({"side": "north"}, "Asia/Vientiane", None, "SIDE_INVALID", id="no country"),
    ],
)  # fmt: skip
def test_the_zone(row, zone, side, flag):
    found = event(**{"design": "camera_trap", "eventDate": NIGHT, **row})
    flags = [name for name in found["quality_flags"] if name.startswith(("TIME_ZONE", "SIDE"))]
    assert (found["time_zone"], found["side"]) == (zone, side)
    assert (flag in flags) if flag else flags == []


def test_at_the_border_the_side_decides_and_nothing_else():
    rows = interpreted(
        {"eventDate": NIGHT}, {"eventDate": NIGHT, "side": "CN"}, {"eventDate": NIGHT, "side": "LA"}, place=BORDER
    )
    assert sorted(rows["country_codes"][0]) == ["CN", "LA"]
    assert rows["time_zone"].to_list() == [None, "Asia/Shanghai", "Asia/Vientiane"]
    assert "TIME_ZONE_MISSING" in rows["quality_flags"][0]


def test_a_declared_zone_is_not_assumed():
    row = interpreted({"eventDate": NIGHT}, declarations={"time_zone": "+07:00"}).row(0, named=True)
    assert row["time_zone"] == "+07:00"
    assert "TIME_ZONE_ASSUMED" not in row["quality_flags"]


@pytest.mark.parametrize(
    ("told", "date"),
    [
        ("08:00+0800", "2026-03-01T08:00+08:00"),
        ("08:00+08", "2026-03-01T08:00+08:00"),
        ("0800Z", "2026-03-01T08:00Z"),
        ("08:00 +08:00", "2026-03-01T08:00+08:00"),
        ("22:00+0800/02:00+0800", "2026-03-01T22:00+08:00/2026-03-02T02:00+08:00"),
        ("06:00-07:30", "2026-03-01T06:00/2026-03-01T07:30"),
        ("morning", "2026-03-01"),
    ],
)
def test_an_event_takes_its_time_and_zone_from_event_time(told, date):
    row = event(eventDate="2026-03-01", eventTime=told)
    assert row["eventDate"] == date
