"""Effort of events: from times, lines and areas, told in any unit, with failures taken off."""

import pytest

from case_tables import together
from event_rows import event, interpreted

MAY = "2026-05-01T12:00/2026-05-31T12:00"
EFFORT_FLAGS = ("EFFORT_", "FAILURE_", "DESIGN_")


def doubts(row):
    return sorted(flag for flag in row["quality_flags"] if flag.startswith(EFFORT_FLAGS))


def test_days_without_observation_are_taken_off_the_trap_nights():
    told = together("event_effort", "test_days_without_observation_are_taken_off_the_trap_nights")
    rows = interpreted(*({"design": "camera_trap", "eventDate": MAY, "failurePeriods": one} for one, *_ in told))
    for (failures, nights, failed), row in zip(told, rows.to_dicts(), strict=True):
        assert (row["effort_value"], row["effort_unit"], row["effort_basis"]) == (nights, "trap-night", "times"), (
            failures
        )
        assert (row["failed_days"], doubts(row)) == (failed, []), failures


def test_periods_that_overlap_are_taken_off_once_and_that_is_told():
    row = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-05-10/2026-05-15 | 2026-05-12/2026-05-18")
    assert (row["effort_value"], row["failed_days"], doubts(row)) == (21, 9, ["FAILURE_REPEATED"])
    assert row["failure_periods"] == ["2026-05-10/2026-05-18"]


def test_what_lies_outside_the_event_is_told_and_not_taken_off():
    row = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-06-03/2026-06-09")
    assert (row["effort_value"], doubts(row)) == (30, ["FAILURE_OUTSIDE_EVENT"])
    half = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-04-20/2026-05-04")
    assert (half["effort_value"], doubts(half)) == (26, ["FAILURE_OUTSIDE_EVENT"])


def test_a_failure_that_cannot_be_read_is_told():
    unread = ("the rain", "2026-05-18/2026-05-10", "2026-13-01")
    rows = interpreted(*({"design": "camera_trap", "eventDate": MAY, "failurePeriods": one} for one in unread))
    assert [(row["effort_value"], doubts(row)) for row in rows.to_dicts()] == [(30, ["FAILURE_INVALID"])] * 3


def test_told_nights_beside_the_times():
    nights = {
        "30": (21, "times", []),  # all nights: the failures come off
        "21": (21, "told", []),  # without failures
        "15": (15, "told", ["EFFORT_DISAGREES"]),  # fewer than the times allow
        "45": (21, "times", ["EFFORT_DISAGREES"]),  # more than the times allow
    }
    told = {"design": "camera_trap", "eventDate": MAY, "failurePeriods": "9", "samplingEffortUnit": "trap-nights"}
    rows = interpreted(*(told | {"samplingEffortValue": one} for one in nights)).to_dicts()
    assert [(row["effort_value"], row["effort_basis"], doubts(row)) for row in rows] == list(nights.values())


def test_effort_of_each_design():
    told = together("event_effort", "test_effort_of_each_design")
    rows = interpreted(*({"eventDate": "2026-03-01", **row} for row, *_ in told)).to_dicts()
    for (row, value, basis), found in zip(told, rows, strict=True):
        assert found["effort_value"] == pytest.approx(value, rel=1e-3), row
        assert (found["effort_basis"], doubts(found)) == (basis, []), row


def test_what_is_doubtful_is_flagged():
    told = together("event_effort", "test_what_is_doubtful_is_flagged")
    rows = interpreted(*({"eventDate": "2026-03-01", **row} for row, *_ in told)).to_dicts()
    for (row, value, flags), found in zip(told, rows, strict=True):
        assert (found["effort_value"], doubts(found)) == (value, flags), row


def test_an_event_that_took_no_effort_is_not_one_of_unknown_effort():
    row = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-05-01/2026-05-31")
    assert row["effort_value"] == 0


def test_a_row_does_not_depend_on_the_others():
    rows = [
        {"design": "camera_trap", "eventDate": MAY},
        {"design": "plot", "sampleSizeValue": "1", "sampleSizeUnit": "ha"},
    ]
    assert interpreted(*rows)["effort_value"].to_list() == [30, 10_000]


def test_an_end_without_a_beginning_is_no_date():
    row = event(design="camera_trap", deploymentEnd="2026-05-31")
    assert row["eventDate"] is None
    assert "RECORDED_DATE_MISSING" in row["quality_flags"]


def test_ends_that_cannot_be_read_are_flagged_and_a_day_outside_of_them_too():
    assert "RECORDED_DATE_INVALID" in event(deploymentStart="soon", deploymentEnd="2026-05-31")["quality_flags"]
    row = event(eventDate="2026-07-01", deploymentStart="2026-05-01", deploymentEnd="2026-05-31")
    assert "RECORDED_DATE_MISMATCH" in row["quality_flags"]
    assert row["eventDate"] == "2026-05-01/2026-05-31"


def test_what_only_says_that_nothing_is_told_is_no_effort_and_no_fault():
    walk = {"design": "line_transect"}
    for nothing in ("NA", "n/a", "-", "NULL", " NA "):
        none = walk | dict.fromkeys(("sampleSizeValue", "sampleSizeUnit", "samplingEffort"), nothing)
        told = walk | {"samplingEffortValue": nothing, "sampleSizeValue": "3000", "sampleSizeUnit": "metre"}
        rows = interpreted(none, told).to_dicts()
        assert [(row["effort_value"], doubts(row)) for row in rows] == [(None, ["EFFORT_MISSING"]), (3, [])], nothing
