"""The zone of records' times: that of their event, site or camera where it is told, never one that is only assumed."""

from datetime import date

import polars as pl
import pytest

from biodata.harmonise import dates
from biodata.harmonise.findings import Stated
from biodata.ingest.survey_shapes import with_zone
from case_tables import cases

NOON = "2026-03-17T12:30"


def interpret(row, **declarations):
    """Return one row's columns, and its repairs as (term, value, rule, applied)."""
    told = Stated(
        pl.DataFrame({"source_file": ["f"], "source_row": [2], **{name: [cell] for name, cell in row.items()}})
    )
    found = dates.interpret(told, today=date(2026, 11, 24), declarations=declarations)
    repairs = pl.concat(found.repairs)
    return {name: column[0] for name, column in found.columns.items()}, set(
        repairs.select("term", "value", "rule", "applied").rows()
    )


@pytest.mark.parametrize(
    ("row", "event_date", "zone"), cases("record_zones", "test_a_time_without_a_zone_has_that_of_its_event")
)
def test_a_time_without_a_zone_has_that_of_its_event(row, event_date, zone):
    found, repairs = interpret(row)
    assert (found["eventDate"], found["event_zone"]) == (event_date, zone)
    noted = {one for one in repairs if one[0] == "event_zone"}
    is_of_event = zone is not None and not row["eventDate"].endswith("+08:00")
    assert noted == ({("event_zone", zone, "zone_of_event", True)} if is_of_event else set())


def test_it_comes_before_a_declared_one_and_one_of_the_country():
    found, repairs = interpret({"eventDate": NOON, "timeZone": "+07:00", "countryCode": "CN"}, time_zone="+08:00")
    assert found["event_zone"] == "+07:00"
    assert {rule for _, _, rule, _ in repairs} == {"zone_of_event"}
    assert interpret({"eventDate": NOON, "countryCode": "CN"}, time_zone="+08:00")[0]["event_zone"] == "+08:00"


@pytest.mark.parametrize(("event_date", "zone", "expected"), [
    (f"{NOON}+07:00/2026-03-27T12:00+07:00", None, "+07:00"),
    (f"{NOON}+07:00/2026-03-27T12:00+07:00", "Asia/Yangon", "Asia/Yangon"),
    (f"{NOON}+07:00/2026-03-27T12:00+08:00", None, None),
    (f"{NOON}+07:00/2026-03-27", None, None),
    (f"{NOON}Z/2026-03-27T12:00Z", None, None),
    (f"{NOON}+00:00/2026-03-27T12:00+00:00", None, None),
    (NOON, None, None),
])  # fmt: skip
def test_the_offset_of_an_event_s_times_is_its_zone(event_date, zone, expected):
    frame = pl.DataFrame({"eventDate": [event_date], "timeZone": [zone]}, schema_overrides={"timeZone": pl.String})
    assert with_zone(frame)["timeZone"][0] == expected
