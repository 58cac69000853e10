"""Surveys: each planted fault found in its cell, nothing right marked wrong, all of it taken in or none."""

import io
import json
from datetime import date

from biodata.surveys import check
from sheets import book_of, bytes_of

TODAY = date(2026, 11, 24)


def workbook(**sheets):
    return io.BytesIO(bytes_of(book_of(sheets)))


HEADINGS = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude"]
GOOD = ["NH-1", "2026-03-01", "Muntiacus muntjak", 21.05, 101.2]


def problems(content, boundaries, **options):
    return check(content, "survey.xlsx", boundaries, today=TODAY, **options)["problems"]


def test_a_good_survey_has_nothing_to_mend(sample_data, boundaries):
    with (sample_data / "survey_namha.xlsx").open("rb") as file:
        report = check(file, "survey_namha.xlsx", boundaries, today=TODAY)
    assert report["ok"]
    assert report["problems"] == []
    assert report["rows"] == 40


def test_every_planted_fault_is_found_in_its_row_and_nothing_else(sample_data, boundaries):
    planted = json.loads((sample_data / "survey_faults.json").read_text())
    with (sample_data / "survey_with_faults.xlsx").open("rb") as file:
        report = check(file, "survey_with_faults.xlsx", boundaries, today=TODAY)
    found = {(p["sheet"], p["row"], p["column"]) for p in report["problems"]}
    wanted = {(f["sheet"], f["row"], f["column"]) for f in planted}
    assert wanted - found == set()
    assert {(sheet, row) for sheet, row, _ in found} == {(sheet, row) for sheet, row, _ in wanted}
    dates = {(f["row"], f["code"]) for f in planted if f["column"] == "eventDate"}
    assert {(p["row"], p["code"]) for p in report["problems"] if p["column"] == "eventDate"} == dates


def test_a_value_below_no_heading_is_named_by_its_letter(boundaries):
    (found,) = problems(workbook(occurrences=[HEADINGS, [*GOOD, "stray"]]), boundaries)
    assert (found["row"], found["column"], found["value"]) == (2, "F", "stray")


def test_a_latitude_alone_is_not_paired_with_the_events_longitude(boundaries):
    events = [["eventID", "decimalLatitude", "decimalLongitude"], ["E1", 21.0, 101.0]]
    rows = [[*HEADINGS, "eventID"], ["NH-1", "2026-03-01", "Muntiacus muntjak", 21.05, None, "E1"]]
    found = problems(workbook(occurrences=rows, events=events), boundaries)
    assert [(p["code"], p["column"]) for p in found] == [("COORDINATE_MISSING", "decimalLongitude")]
