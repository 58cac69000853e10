"""Records beside the time of their event: before its camera stood there, after it was taken down."""

from datetime import date

import polars as pl
import pytest

from biodata.exports.event_archive import Events
from biodata.harmonise import event_times
from biodata.ingest.headings import LANGUAGES
from biodata.ingest.survey_shapes import with_period
from biodata.surveys.check import check_files
from biodata.surveys.words import message_of

EVENTS = "eventID,design,deploymentStart,deploymentEnd,failurePeriods,timeZone,decimalLatitude,decimalLongitude,countryCode\n"
RECORDS = "occurrenceID,eventID,eventDate,scientificName,occurrenceStatus\n"


def told(boundaries, when, *, failures="", zone="", start="2026-05-01T12:00", end="2026-05-31T12:00", status="",
         design="camera_trap"):  # fmt: skip
    """Return row, column and code of what is told of records at some times."""
    event = f"E1,{design},{start},{end},{failures},{zone},20.81,101.70,LA\n"
    records = "".join(f"R{n},E1,{one},Sus scrofa,{status}\n" for n, one in enumerate(when))
    files = [("events.csv", (EVENTS + event).encode()), ("records.csv", (RECORDS + records).encode())]
    report = check_files(files, boundaries, today=date(2026, 11, 24), params=True)
    assert report["ok"], report["problems"]
    return [(p["file"], p["row"], p["column"], p["code"]) for p in report["problems"]], report["problems"]


def rows(boundaries, when, code, **event):
    return [row for file, row, _, told_code in told(boundaries, when, **event)[0] if told_code == code]


@pytest.mark.parametrize(("when", "wrong"), [
    (["2026-05-01T05:00", "2026-05-01T11:30", "2026-05-31T12:40", "2026-05-31T19:00", "2026-05-31"], [2, 5]),
    (["2026-04-30", "2026-06-01"], [2, 3]),
    (["2026-05-01T05:00Z", "2026-05-01T01:00Z"], [3]),
], ids=["hours of the first and last day", "other days", "times in UTC"])  # fmt: skip
def test_a_record_before_its_camera_stood_there_or_after(boundaries, when, wrong):
    assert rows(boundaries, when, "RECORD_OUTSIDE_EVENT", zone="+07:00") == wrong


def test_a_midnight_is_what_programs_write_for_a_day(boundaries):
    event = {"start": "2026-05-01T00:00", "end": "2026-05-31T00:00"}
    assert told(boundaries, ["2026-05-31T06:00"], **event)[0] == []


def test_midnights_alone_are_told_once_at_the_camera_and_are_days(boundaries):
    days = ["2026-05-01T00:00:00", "2026-05-09T00:00:00", "2026-05-31T00:00:00"]
    found, (problem,) = told(boundaries, days)
    assert [code for *_, code in found] == ["CAMERA_TIMES_MIDNIGHT"]
    assert not problem["blocking"]
    messages = [message_of(problem["code"], problem["params"], language)[0] for language in LANGUAGES]
    assert all("00:00:00" in message for message in messages)


@pytest.mark.parametrize("told", [None, "", "  "])
def test_an_event_without_a_date_has_its_start_and_end_and_one_that_is_told_stays(told):
    ends = {"deploymentStart": [None, "2026-03-01"], "deploymentEnd": [None, "2026-03-11"]}
    found = with_period(pl.DataFrame({"eventDate": ["2026-03-02", told], **ends}), date(2026, 11, 27))
    assert found["eventDate"].to_list() == ["2026-03-02", "2026-03-01/2026-03-11"]


@pytest.mark.parametrize(("site", "second", "overlaps"), [("S1", "2026-05-20", True), ("S1", "2026-05-31", False)])
def test_deployments_of_one_camera_at_one_site_that_overlap(boundaries, site, second, overlaps):
    head = (
        "eventID,design,cameraID,locationID,deploymentStart,deploymentEnd,timeZone,decimalLatitude,decimalLongitude\n"
    )
    events = "".join(
        f"{event},camera_trap,C1,{site},{start},{end},+07:00,20.81,101.70\n"
        for event, start, end in (("E1", "2026-05-01", "2026-05-31"), ("E2", second, "2026-06-30"))
    )
    records = RECORDS + "R1,E1,2026-05-02,Sus scrofa,\n"
    files = [("events.csv", (head + events).encode()), ("records.csv", records.encode())]
    problems = check_files(files, boundaries, today=date(2026, 11, 24))["problems"]
    found = [(one["row"], one["column"]) for one in problems if one["code"] == "CAMERA_DEPLOYMENTS_OVERLAP"]
    assert found == ([(3, "deploymentStart")] if overlaps else [])


def test_an_archive_s_record_without_a_zone_has_that_of_its_event_or_of_the_one_above():
    rows = pl.DataFrame({"datasetKey": "d", "eventID": ["E1", "E2"], "time_zone": ["Asia/Vientiane", "+08:00"]})
    records = pl.DataFrame({
        "datasetKey": "d", "eventID": ["E1", "E2-1", "E3", None], "parentEventID": [None, "E2", None, None],
        "eventDate": ["2026-01-02T06:00", "2026-01-02T06:00", "2026-01-02T06:00", "2026-01-02"],
        "event_start": date(2026, 1, 2), "event_time": ["06:00", "06:00", "06:00", None],
        "event_zone": pl.Series([None] * 4, dtype=pl.String),
    })  # fmt: skip
    zoned = event_times.zoned(records.with_columns(Events(rows).zones(records).alias("zone")))
    assert zoned["event_zone"].to_list() == ["+07:00", "+08:00", None, None]
    assert zoned["eventDate"].to_list() == ["2026-01-02T06:00+07:00", "2026-01-02T06:00+08:00", "2026-01-02T06:00",
                                            "2026-01-02"]  # fmt: skip
