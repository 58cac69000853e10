"""Surveys: each planted fault found in its cell, nothing right marked wrong, all of it taken in or none."""

import io
import json
from datetime import date

import openpyxl
import pytest

from biodata import places
from biodata.surveys import check

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def boundaries():
    return places.load_boundaries()


def workbook(**sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    content.seek(0)
    return content


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


def test_a_missing_heading_names_the_one_that_may_be_meant(boundaries):
    found = problems(
        workbook(
            occurrences=[["occurrenceID", "eventDate", "scientificName", "dcmalLatitde", "decimalLongitude"], GOOD]
        ),
        boundaries,
    )
    missing = next(p for p in found if p["code"] == "HEADING_MISSING")
    assert missing["column"] == "decimalLatitude"
    assert missing["blocking"]


def test_a_workbook_without_the_sheet_names_the_sheets_it_has(boundaries):
    (found,) = problems(workbook(Tabelle1=[["Nummer", "Wann", "Was"], [1, 2, 3]]), boundaries)
    assert found["code"] == "SHEET_MISSING"
    assert "Tabelle1" in found["expected"]


def test_a_file_that_is_no_workbook_is_one_problem(boundaries):
    (found,) = problems(io.BytesIO(b"not a workbook"), boundaries)
    assert found["code"] == "WORKBOOK_INVALID"
    assert found["blocking"]


def test_a_value_below_no_heading_is_named_by_its_letter(boundaries):
    (found,) = problems(workbook(occurrences=[HEADINGS, [*GOOD, "stray"]]), boundaries)
    assert (found["row"], found["column"], found["value"]) == (2, "F", "stray")


def test_a_latitude_alone_is_not_paired_with_the_events_longitude(boundaries):
    events = [["eventID", "decimalLatitude", "decimalLongitude"], ["E1", 21.0, 101.0]]
    rows = [[*HEADINGS, "eventID"], ["NH-1", "2026-03-01", "Muntiacus muntjak", 21.05, None, "E1"]]
    found = problems(workbook(occurrences=rows, events=events), boundaries)
    assert [(p["code"], p["column"]) for p in found] == [("COORDINATE_MISSING", "decimalLongitude")]


def test_an_event_tells_date_and_place_where_its_records_do_not(boundaries):
    events = [["eventID", "eventDate", "decimalLatitude", "decimalLongitude"], ["E1", "2026-03-01", 21.0, 101.3]]
    rows = [[*HEADINGS, "eventID"], ["NH-1", None, "Muntiacus muntjak", None, None, "E1"]]
    assert problems(workbook(occurrences=rows, events=events), boundaries) == []
