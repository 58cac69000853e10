"""Clocks of cameras: each fault is found in its deployment with the shift that would mend it, and nothing is changed."""
# ruff: noqa: DTZ001 - what a camera shows is local time without a zone

import random
from datetime import datetime, timedelta

import polars as pl
import pytest

from biodata.harmonise.camera_clocks import corrections, faults, iso_duration, without_hours
from event_rows import event, interpreted

START, END = datetime(2026, 5, 1, 12), datetime(2026, 5, 31, 12)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def deployments(**more):
    return pl.DataFrame({"eventID": ["D1"], "start": [START], "end": [END], "exact": [True], **more})


def images(times, **more):
    return pl.DataFrame({"eventID": ["D1"] * len(times), "number": list(range(1, len(times) + 1)), "at": times, **more})


def true_times(count=60, seed=1):
    rng = random.Random(seed)
    return sorted(START + rng.random() * (END - START) for _ in range(count))


def test_a_right_clock_has_no_fault():
    assert faults(deployments(), images(true_times())) == []


@pytest.mark.parametrize("default", [datetime(2000, 1, 1), datetime(2012, 1, 1), datetime(2015, 1, 1)], ids=str)
@pytest.mark.parametrize("at", [0, 25, 59], ids=["from the beginning", "in the middle", "at the last image"])
def test_a_reset_is_told_with_the_images_and_between_which_shifts_it_lies(default, at):
    times = true_times()
    reset = START if at == 0 else times[at - 1] + (times[at] - times[at - 1]) / 2
    (fault,) = faults(deployments(), images(times[:at] + [default + (time - reset) for time in times[at:]]))
    assert (fault.code, fault.first, fault.last) == ("CAMERA_CLOCK_RESET", at + 1, 60)
    assert fault.least <= reset - default <= fault.greatest
    assert fault.greatest - fault.least <= END - START


@pytest.mark.parametrize("shift", [12 * HOUR, -12 * HOUR], ids=["fast", "slow"])
def test_twelve_hours_off_by_known_moments(shift):
    shown = [t + shift for t in [START, *true_times(), END]]
    (fault,) = faults(deployments(), images(shown, kind=["setup"] + [None] * 60 + ["pickup"]))
    assert (fault.code, fault.least, fault.greatest) == ("CAMERA_CLOCK_TWELVE_HOURS", -shift, -shift)


def test_drift_from_two_known_moments():
    """Slow by a minute a day: half an hour in the end."""
    times = [START, *true_times(), END]
    shown = [t - (t - START) / (END - START) * timedelta(minutes=30) for t in times]
    (fault,) = faults(deployments(), images(shown, kind=["setup"] + [None] * 60 + ["pickup"]))
    assert (fault.code, fault.least, fault.greatest) == ("CAMERA_CLOCK_DRIFT", timedelta(), timedelta(minutes=30))


def test_images_outside_of_the_deployment_are_told_and_the_half_day_that_explains_them():
    late = [t + 12 * HOUR for t in true_times(900)]
    assert max(late) > END
    (fault,) = faults(deployments(), images(late))
    assert (fault.code, fault.least) == ("CAMERA_CLOCK_TWELVE_HOURS", -12 * HOUR)
    (other,) = faults(deployments(), images([*true_times(), END + 40 * DAY]))
    assert (other.code, other.first, other.least) == ("CAMERA_CLOCK_OUTSIDE", 61, None)


def test_a_deployment_that_tells_its_correction_is_not_doubted_again():
    times = [t + 12 * HOUR for t in true_times()]
    assert faults(deployments(clockCorrection=["-PT12H"]), images(times)) == []


def test_older_images_that_were_left_on_the_card_are_no_reset():
    (fault,) = faults(deployments(), images([datetime(2026, 1, 3, 8), datetime(2026, 1, 9, 8), *true_times()]))
    assert (fault.code, fault.first, fault.last) == ("CAMERA_CLOCK_OUTSIDE", 1, 2)


def test_deployments_do_not_disturb_each_other():
    two = pl.concat([deployments(), deployments().with_columns(eventID=pl.lit("D2"))])
    good, bad = images(true_times()), images([t.replace(year=2000) for t in true_times()])
    both = pl.concat([good, bad.with_columns(eventID=pl.lit("D2"))])
    assert [f.event for f in faults(two, both)] == ["D2"]


@pytest.mark.parametrize(("cells", "flag"), [
    pytest.param(("2026-05-01T12:02", "2026-05-31T12:01"), None, id="right"),
    pytest.param(("2026-05-01T00:01", "2026-05-31T00:00"), "CAMERA_CLOCK_TWELVE_HOURS", id="midnight for noon"),
    pytest.param(("2026-05-01T12:00", "2026-05-31T11:20"), "CAMERA_CLOCK_DRIFT", id="slow"),
    pytest.param(("2026-05-01T13:00", "2026-05-31T13:00"), "CAMERA_CLOCK_OFF", id="another zone"),
    pytest.param(("2026-05-01T12:00", "2012-01-11T03:00"), "CAMERA_CLOCK_RESET", id="reset"),
    pytest.param(("2026-05-01", None), "CAMERA_CLOCK_INVALID", id="no time of day"),
])  # fmt: skip
def test_what_the_clock_showed_at_setup_and_pickup(cells, flag):
    row = event(design="camera_trap", eventDate="2026-05-01T12:00/2026-05-31T12:00",
                cameraClockAtStart=cells[0], cameraClockAtEnd=cells[1])  # fmt: skip
    assert [name for name in row["quality_flags"] if name.startswith("CAMERA")] == ([flag] if flag else [])
    assert row["event_start"] == START, "never changed"
    assert row["effort_value"] == 30


@pytest.mark.parametrize("text", ["PT12H", "-PT35M", "P1DT2H3M4S", "-P1D", "PT0S", "PT0S|PT30M"])
def test_corrections_are_read_as_they_are_written(text):
    assert "|".join(dict.fromkeys(iso_duration(part) for part in corrections(text))) == text


@pytest.mark.parametrize("text", ["", "12", "P1M", "P1Y", "PT", "a|b|c", "PT1H|"])
def test_other_texts_are_no_correction(text):
    assert corrections(text) is None


def test_one_camera_at_two_sites_at_a_time():
    rows = interpreted(
        {"locationID": "S1", "cameraID": "C1", "eventDate": "2026-05-01/2026-05-20"},
        {"locationID": "S2", "cameraID": "C1", "eventDate": "2026-05-20/2026-06-10"},
        {"locationID": "S3", "cameraID": "C1", "eventDate": "2026-06-01/2026-06-20"},
    )
    assert ["CAMERA_AT_TWO_SITES" in flags for flags in rows["quality_flags"]] == [False, True, True]


def test_a_deployment_that_ends_on_a_day_holds_all_images_of_that_day():
    # Programs write midnight where only the day of the pickup is known.
    midnight = pl.DataFrame(
        {"eventID": ["D1"], "start": [datetime(2026, 5, 1)], "end": [datetime(2026, 5, 31)], "exact": [True]}
    )
    times = [datetime(2026, 5, 3, 7), datetime(2026, 5, 20, 22), datetime(2026, 5, 31, 8), datetime(2026, 5, 31, 9)]
    assert faults(midnight, images(times)) == []
    (late,) = faults(midnight, images([*times, datetime(2026, 6, 2, 9)]))
    assert (late.code, late.first) == ("CAMERA_CLOCK_OUTSIDE", 5)


def test_images_that_are_all_of_midnight_tell_no_time_of_day():
    days = [datetime(2026, 5, day) for day in (1, 9, 31)]
    shown = images(days)
    assert without_hours(shown) == ["D1"]
    (fault,) = faults(deployments(), shown, timeless=["D1"])
    assert (fault.code, fault.first, fault.least) == ("CAMERA_TIMES_MIDNIGHT", None, None)
    years_before = images([*days, datetime(2012, 1, 1)])
    found = [fault.code for fault in faults(deployments(), years_before, timeless=["D1"])]
    assert found == ["CAMERA_TIMES_MIDNIGHT", "CAMERA_CLOCK_RESET"]


def test_one_night_of_midnight_is_a_night_and_no_day_unless_nothing_else_is_told():
    night = images([datetime(2026, 5, 9)] * 2)
    assert without_hours(night) == []
    assert without_hours(images([datetime(2026, 5, 9), datetime(2026, 5, 10, 0, 0, 1)])) == []
    other = images([datetime(2026, 5, 11)]).with_columns(eventID=pl.lit("D2"))
    assert without_hours(pl.concat([night, other])) == ["D1", "D2"]
    timed = images([datetime(2026, 5, 11, 5)]).with_columns(eventID=pl.lit("D2"))
    assert without_hours(pl.concat([night, timed])) == []
