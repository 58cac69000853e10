"""Cells of a survey that a person would stumble over: told in their own cell, and right ones not at all."""

from datetime import date

import pytest

from biodata.surveys.check import check_files

HEAD = "occurrenceID,eventDate,scientificName,individualCount,decimalLatitude,decimalLongitude\n"


def told(boundaries, *rows):
    report = check_files([("s.csv", (HEAD + "\n".join(rows)).encode())], boundaries, today=date(2026, 11, 24))
    return {(p["row"], p["column"], p["code"], p["blocking"]) for p in report["problems"]}


def test_a_doubtful_name_and_two_names_in_one_cell_are_told_and_a_sound_name_is_not(boundaries):
    names = {
        "Panthera tigris?": ("SCIENTIFIC_NAME_UNDETERMINED", False),
        "Elephas cf. maximus": ("SCIENTIFIC_NAME_UNDETERMINED", False),
        "Panthera tigris / Panthera pardus": ("SCIENTIFIC_NAME_UNREADABLE", True),
        "Bos gaurus or Bos javanicus": ("SCIENTIFIC_NAME_UNREADABLE", True),
        **dict.fromkeys(("Muntiacus sp.", "Panthera tigris", "Bos  gaurus", "Panthera tigris (Linnaeus)")),
    }
    rows = [f"R{n},2026-03-0{n},{name},1,20.81,101.70" for n, name in enumerate(names, 1)]
    found = {(row, "scientificName", *problem) for row, problem in enumerate(names.values(), 2) if problem}
    assert told(boundaries, *rows) == found


def test_an_identifier_that_differs_only_by_what_nobody_sees_is_the_same(boundaries):
    rest = "Elephas maximus,1,20.81,101.70"
    found = told(boundaries, f"R1,2026-03-01,{rest}", f"R1\u200b,2026-03-02,{rest}")
    assert (3, "occurrenceID", "IDENTIFIER_REPEATED", True) in found
    assert (3, "occurrenceID", "IDENTIFIER_SPACES", False) in found


EVENTS = "eventID,parentEventID,eventDate,samplingProtocol,decimalLatitude,decimalLongitude\n"


def problems(boundaries, events):
    records = "occurrenceID,eventID,scientificName\nR1,A1,Bos gaurus\n"
    files = [("events.csv", events.encode()), ("records.csv", records.encode())]
    return {
        (p["row"], p["column"], p["code"]) for p in check_files(files, boundaries, today=date(2026, 11, 24))["problems"]
    }


def test_an_event_that_stands_above_itself_is_told_in_its_cell(boundaries):
    # Itself; two; three; one above one that is above itself; three levels; above what is not in the file.
    parents = {"A1": "A1", "B1": "B2", "B2": "B1", "C1": "C2", "C2": "C3", "C3": "C1", "D1": "D2", "D2": "D2",
               "E1": "E2", "E2": "E3", "E3": "", "F1": "Elsewhere"}  # fmt: skip
    text = EVENTS + "".join(f"{one},{above},2026-03-01,line transect,20.81,101.70\n" for one, above in parents.items())
    rows = [row for row, one in enumerate(parents, 2) if one in {"A1", "B1", "B2", "C1", "C2", "C3", "D2"}]
    assert problems(boundaries, text) == {(row, "parentEventID", "EVENT_PARENT_CIRCULAR") for row in rows}


def test_events_without_identifiers_are_told_at_their_headings(boundaries):
    text = "eventDate,samplingProtocol,decimalLatitude,decimalLongitude\n2026-03-01,line transect,20.81,101.70\n"
    assert (1, "eventID", "HEADING_MISSING") in problems(boundaries, text)


@pytest.mark.parametrize("units", [
    ",dd/mm/yyyy,,n,decimal degrees,decimal degrees", ",yyyy-mm-dd,text,ind.,°,°", ",,,ตัว,องศา,องศา", ",,,con,độ,độ",
])  # fmt: skip
def test_a_row_of_units_under_the_headings_is_no_record(boundaries, units):
    rows = f"{units}\nR1,2026-03-01,Elephas maximus,1,20.81,101.70\n"
    report = check_files([("s.csv", (HEAD + rows).encode())], boundaries, today=date(2026, 11, 24))
    assert (report["rows"], report["blocking"]) == (1, 0)


def test_a_time_of_day_that_cannot_be_is_told_in_its_cell(boundaries):
    head = HEAD.replace("eventDate", "eventDate,eventTime")
    times = ("25:10", "6:75", "06:42", "24:00", "๐๖:๔๒", "06:00/06:10", "-")
    rows = "\n".join(f"R{n},2026-03-01,{time},Elephas maximus,1,20.81,101.70" for n, time in enumerate(times))
    report = check_files([("s.csv", (head + rows).encode())], boundaries, today=date(2026, 11, 24))
    told = [(p["row"], p["column"], p["code"]) for p in report["problems"]]
    assert told == [(row, "eventTime", "TIME_UNREADABLE") for row in (2, 3)]
