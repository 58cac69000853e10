"""Effort of events: from times, lines and areas, told in any unit, with failures taken off."""

import pytest

from event_rows import event, interpreted

MAY = "2026-05-01T12:00/2026-05-31T12:00"
EFFORT_FLAGS = ("EFFORT_", "FAILURE_", "DESIGN_")


def doubts(row):
    return sorted(flag for flag in row["quality_flags"] if flag.startswith(EFFORT_FLAGS))


@pytest.mark.parametrize(
    ("failures", "nights", "failed"),
    [
        pytest.param(None, 30, None, id="none"),
        pytest.param("2026-05-10/2026-05-18", 21, 9, id="nine days, both counted"),
        pytest.param("2026-05-10T12:00/2026-05-19T12:00", 21, 9, id="nine days, noon to noon"),
        pytest.param("9", 21, 9, id="a number of days"),
        pytest.param("9 days", 21, 9, id="a number with its word"),
        pytest.param("2026-05-10/2026-05-14 | 2026-05-15/2026-05-18", 21, 9, id="two periods that touch"),
        pytest.param("2026-05-20", 29, 1, id="a day"),
    ],
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


@pytest.mark.parametrize(
    ("row", "value", "basis"),
    [
        pytest.param({"design": "line_transect", "footprintWKT": LINE}, 2.2147, "line", id="a line"),
        pytest.param({"design": "line_transect", "sampleSizeValue": "2500", "sampleSizeUnit": "m"}, 2.5, "told", id="metres"),
        pytest.param({"design": "sign_transect", "samplingEffortValue": "4", "samplingEffortUnit": "里"}, 2.0, "told", id="li"),
        pytest.param({"design": "sign_transect", "samplingEffort": "3 กม."}, 3.0, "told", id="Thai kilometres"),
        pytest.param({"design": "plot", "footprintWKT": SQUARE}, 11507.0, "area", id="an outline"),
        pytest.param({"design": "plot", "sampleSizeValue": "1", "sampleSizeUnit": "rai"}, 1600.0, "told", id="rai"),
        pytest.param({"design": "plot", "sampleSizeValue": "0,25", "sampleSizeUnit": "ha"}, 2500.0, "told", id="hectares"),
        pytest.param({"design": "listening_post", "eventDate": "2026-03-01T05:30/2026-03-01T09:30"}, 4.0, "times", id="a morning"),
        pytest.param({"design": "listening_post", "eventDate": "2026-03-01", "eventTime": "05:30/09:30"}, 4.0, "times", id="eventTime"),
        pytest.param({"design": "listening_post", "eventDate": "2026-03-01", "eventTime": "05:30+0700/09:30+0700"}, 4.0, "times", id="eventTime with a zone"),
        pytest.param({"design": "listening_post", "eventDate": "2026-03-01", "samplingEffort": "2 h 30 min"}, 2.5, "told", id="two units"),
        pytest.param({"design": "listening_post", "eventDate": "2026-03-01", "samplingEffort": "PT90M"}, 1.5, "told", id="an ISO duration"),
        pytest.param({"design": "point_count", "eventDate": "2026-03-01", "samplingEffort": "6 observer-minutes"}, 6.0, "told", id="minutes of an observer"),
        pytest.param({"design": "point_count", "sampleSizeValue": "10", "sampleSizeUnit": "ນາທີ"}, 10.0, "told", id="minutes"),
        pytest.param({"design": "point_count", "deploymentStart": "2026-03-01T06:00", "deploymentEnd": "2026-03-01T06:10"}, 10.0, "times", id="two cells"),
        pytest.param({"design": "mist_net", "eventDate": "2026-03-01T06:00/2026-03-01T11:00", "sampleSizeValue": "60", "sampleSizeUnit": "m"}, 300.0, "times", id="nets"),
        pytest.param({"design": "conflict_incident", "eventDate": "2026-03-01/2026-03-31"}, 31.0, "times", id="a month of reports"),
        pytest.param({"samplingProtocol": "红外相机", "eventDate": "2026-03-01/2026-03-11"}, 10.0, "times", id="the protocol tells it"),
    ],
)  # fmt: skip
def test_effort_of_each_design(row, value, basis):
    found = event(**{"eventDate": "2026-03-01", **row})
    assert found["effort_value"] == pytest.approx(value, rel=1e-3)
    assert (found["effort_basis"], doubts(found)) == (basis, [])


@pytest.mark.parametrize(
    ("row", "value", "flags"),
    [
        pytest.param({"design": "line_transect"}, None, ["EFFORT_MISSING"], id="nothing"),
        pytest.param({"design": "camera_trap"}, None, ["EFFORT_MISSING"], id="a day alone"),
        pytest.param({"design": "camera_trap", "eventDate": "2026-03/2026-04"}, None, ["EFFORT_MISSING"], id="months"),
        pytest.param({"design": "line_transect", "samplingEffortValue": "2"}, 2.0, ["EFFORT_UNIT_ASSUMED"], id="no unit"),
        pytest.param({"design": "line_transect", "samplingEffortValue": "2", "samplingEffortUnit": "ha"}, None, ["EFFORT_UNIT_UNFIT"], id="hectares of a line"),
        pytest.param({"design": "line_transect", "samplingEffortValue": "-2", "samplingEffortUnit": "km"}, None, ["EFFORT_INVALID"], id="less than nothing"),
        pytest.param({"design": "line_transect", "samplingEffortValue": "two", "samplingEffortUnit": "km"}, None, ["EFFORT_INVALID"], id="a word"),
        pytest.param({"design": "line_transect", "samplingEffortValue": "5", "samplingEffortUnit": "km", "footprintWKT": LINE}, 5.0, ["EFFORT_DISAGREES"], id="another line"),
        pytest.param({"design": "line_transect", "samplingEffortValue": "5", "samplingEffortUnit": "km", "failurePeriods": "1"}, 5.0, ["FAILURE_NOT_TAKEN_OFF"], id="a failure of a walk"),
        pytest.param({"design": "trawl"}, None, ["DESIGN_UNKNOWN"], id="an unknown design"),
    ],
)  # fmt: skip
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
