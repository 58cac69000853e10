"""Clocks of cameras in a survey: doubted at their deployment, in the check and in the lake, and never changed."""

import io
from datetime import date

import openpyxl
import polars as pl

from biodata import pipeline, places
from biodata.core.settings import Settings
from biodata.harmonise.camera_clocks import corrections
from biodata.store.lake import Lake
from biodata.surveys.check import check
from sheets import book_of, bytes_of

EVENTS = ["eventID", "locationID", "design", "eventDate", "decimalLatitude", "decimalLongitude", "timeZone",
          "clockCorrection"]  # fmt: skip
RECORDS = ["occurrenceID", "eventID", "eventDate", "eventTime", "scientificName"]
MAY = "2026-05-01T12:00/2026-05-31T12:00"


def workbook(times, names=None, correction=None):
    events = [[event, f"S{event}", "camera_trap", MAY, 21.05, 101.35, "+07:00", told]
              for event, told in (("E1", correction), ("E2", None))]  # fmt: skip
    records = [[f"R{number}", "E1", day, clock, names[number] if names else "Muntiacus vaginalis"]
               for number, (day, clock) in enumerate(times)]  # fmt: skip
    other = ["Q1", "E2", "2026-05-03", "10:00", "Gallus gallus"]
    return bytes_of(book_of({"events": [EVENTS, *events], "occurrences": [RECORDS, *records, other]}))


RESET = [("2026-05-04", "08:00"), ("2026-05-10", "09:00"), ("2012-01-01", "04:00"), ("2012-01-09", "17:30")]
NIGHTS = [(f"2026-05-{day:02}", "22:15") for day in range(3, 11)]


def clocks(content):
    told = check(io.BytesIO(content), "s.xlsx", places.load_boundaries(), today=date(2026, 11, 26))["problems"]
    return [problem for problem in told if problem["code"].startswith("CAMERA_CLOCK")]


def test_it_is_told_at_the_deployment_between_which_shifts_it_lies(tmp_path):
    content, code = workbook(RESET), "CAMERA_CLOCK_RESET"
    (problem,) = clocks(content)
    assert (problem["sheet"], problem["row"], problem["column"], problem["value"]) == ("events", 2, "eventDate", MAY)
    assert (problem["code"], problem["blocking"]) == (code, False)
    assert "between P5234DT8H and P5255DT18H30M" in problem["expected"]
    path = tmp_path / "survey.xlsx"
    path.write_bytes(content)
    settings = Settings(data=tmp_path / "data")
    told = pipeline.ingest("survey", [path], settings, dataset="clocks")
    assert told[0].flags[code] == 1
    with Lake.open(settings.data) as lake:
        events, records = lake.read("events"), lake.read("occurrences")
    assert events.filter(pl.col("quality_flags").list.contains(code))["eventID"].to_list() == ["E1"]
    assert events["effort_value"].to_list() == [30.0, 30.0]
    kept = set(records["eventDate"].to_list())
    assert any(day.startswith(("2012-01-09", "2026-05-10")) for day in kept), "never changed"


def test_the_shift_that_is_proposed_can_be_told_with_the_next_upload():
    assert corrections("P5240D") is not None
    assert clocks(workbook(RESET, correction="P5240D")) == []


def test_records_that_stand_by_species_are_not_taken_for_resets():
    """Their times go back and forth; only what lies years before the deployment is a reset."""
    mixed = [NIGHTS[number] for number in (5, 2, 7, 0, 3)]
    assert clocks(workbook(mixed)) == []
    (problem,) = clocks(workbook([*mixed, *RESET[2:]]))
    assert problem["code"] == "CAMERA_CLOCK_RESET"


def test_records_in_another_zone_than_their_deployment_are_set_beside_it():
    """Camtrap DP may tell deployments in local time and observations in UTC."""
    utc = [("2026-05-01", "06:00Z"), ("2026-05-31", "04:30Z")]  # 13:00 and 11:30 in Laos
    assert clocks(workbook(utc)) == []


def test_what_a_clock_showed_at_both_ends_tells_how_it_drifted():
    book = openpyxl.load_workbook(io.BytesIO(workbook(NIGHTS)))
    sheet = book["events"]
    for column, cells in (("cameraClockAtStart", ("2026-05-01T12:00",)), ("cameraClockAtEnd", ("2026-05-31T11:30",))):
        at = sheet.max_column + 1
        sheet.cell(1, at, column)
        sheet.cell(2, at, cells[0])
    (problem,) = clocks(bytes_of(book))
    assert (problem["code"], problem["row"]) == ("CAMERA_CLOCK_DRIFT", 2)
    assert "PT0S|PT30M" in problem["expected"].replace("P0D", "PT0S")
