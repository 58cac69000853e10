"""Time zones of events: told, in the date, declared, or assumed from the side."""

from case_tables import together
from event_rows import interpreted

BORDER = {
    "decimalLatitude": "21.1700",
    "decimalLongitude": "101.6900",
}  # Mohan and Boten: both countries within the band
NIGHT = "2026-05-01T12:00/2026-05-31T12:00"


def test_the_zone():
    told = together("event_zones", "test_the_zone")
    rows = interpreted(*({"design": "camera_trap", "eventDate": NIGHT, **row} for row, *_ in told)).to_dicts()
    for (row, zone, side, flag), found in zip(told, rows, strict=True):
        flags = [name for name in found["quality_flags"] if name.startswith(("TIME_ZONE", "SIDE"))]
        assert (found["time_zone"], found["side"]) == (zone, side), row
        assert (flag in flags) if flag else flags == [], row


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


def test_an_event_takes_its_time_and_zone_from_event_time():
    told = together("event_zones", "test_an_event_takes_its_time_and_zone_from_event_time")
    rows = interpreted(*({"eventDate": "2026-03-01", "eventTime": one} for one, _ in told))
    assert dict(zip((one for one, _ in told), rows["eventDate"], strict=True)) == dict(told)
