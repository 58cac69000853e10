"""Effort of events: from times, lines and areas, told in any unit, with failures taken off."""

import pytest

from case_tables import cases
from event_rows import event, interpreted

MAY = "2026-05-01T12:00/2026-05-31T12:00"
EFFORT_FLAGS = ("EFFORT_", "FAILURE_", "DESIGN_")


def doubts(row):
    return sorted(flag for flag in row["quality_flags"] if flag.startswith(EFFORT_FLAGS))


@pytest.mark.parametrize(
    ("failures", "nights", "failed"),
    cases("event_effort", "test_days_without_observation_are_taken_off_the_trap_nights"),
)
def test_days_without_observation_are_taken_off_the_trap_nights(failures, nights, failed):
    row = event(design="camera_trap", eventDate=MAY, failurePeriods=failures)
    assert (row["effort_value"], row["effort_unit"], row["effort_basis"]) == (nights, "trap-night", "times")
    assert row["failed_days"] == failed
    assert doubts(row) == []


def test_periods_that_overlap_are_taken_off_once_and_that_is_told():
    row = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-05-10/2026-05-15 | 2026-05-12/2026-05-18")
    assert (row["effort_value"], row["failed_days"], doubts(row)) == (21, 9, ["FAILURE_REPEATED"])
    assert row["failure_periods"] == ["2026-05-10/2026-05-18"]


def test_what_lies_outside_the_event_is_told_and_not_taken_off():
    row = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-06-03/2026-06-09")
    assert (row["effort_value"], doubts(row)) == (30, ["FAILURE_OUTSIDE_EVENT"])
    half = event(design="camera_trap", eventDate=MAY, failurePeriods="2026-04-20/2026-05-04")
    assert (half["effort_value"], doubts(half)) == (26, ["FAILURE_OUTSIDE_EVENT"])


@pytest.mark.parametrize("failures", ["the rain", "2026-05-18/2026-05-10", "2026-13-01"])
def test_a_failure_that_cannot_be_read_is_told(failures):
    row = event(design="camera_trap", eventDate=MAY, failurePeriods=failures)
    assert (row["effort_value"], doubts(row)) == (30, ["FAILURE_INVALID"])


@pytest.mark.parametrize(
    ("told", "value", "basis", "flags"),
    [
        pytest.param("30", 21, "times", [], id="all nights: the failures come off"),
        pytest.param("21", 21, "told", [], id="without failures"),
        pytest.param("15", 15, "told", ["EFFORT_DISAGREES"], id="fewer than the times allow"),
        pytest.param("45", 21, "times", ["EFFORT_DISAGREES"], id="more than the times allow"),
    ],
)
def test_told_nights_beside_the_times(told, value, basis, flags):
    row = event(
        design="camera_trap",
        eventDate=MAY,
        failurePeriods="9",
        samplingEffortValue=told,
        samplingEffortUnit="trap-nights",
    )
    assert (row["effort_value"], row["effort_basis"], doubts(row)) == (value, basis, flags)


LINE = "LINESTRING(101 21, 101 21.02)"  # 2.2147 km along a meridian of WGS 84 at 21° N
SQUARE = "POLYGON((101 21, 101.001 21, 101.001 21.001, 101 21.001, 101 21))"


@pytest.mark.parametrize(("row", "value", "basis"), cases("event_effort", "test_effort_of_each_design"))
def test_effort_of_each_design(row, value, basis):
    found = event(**{"eventDate": "2026-03-01", **row})
    assert found["effort_value"] == pytest.approx(value, rel=1e-3)
    assert (found["effort_basis"], doubts(found)) == (basis, [])


@pytest.mark.parametrize(("row", "value", "flags"), cases("event_effort", "test_what_is_doubtful_is_flagged"))
def test_what_is_doubtful_is_flagged(row, value, flags):
    found = event(**{"eventDate": "2026-03-01", **row})
    assert (found["effort_value"], doubts(found)) == (value, flags)


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


@pytest.mark.parametrize("nothing", ["NA", "n/a", "-", "NULL", " NA "])
def test_what_only_says_that_nothing_is_told_is_no_effort_and_no_fault(nothing):
    row = event(design="line_transect", sampleSizeValue=nothing, sampleSizeUnit=nothing, samplingEffort=nothing)
    assert (row["effort_value"], doubts(row)) == (None, ["EFFORT_MISSING"])
    told = event(design="line_transect", samplingEffortValue=nothing, sampleSizeValue="3000", sampleSizeUnit="metre")
    assert (told["effort_value"], doubts(told)) == (3, [])
