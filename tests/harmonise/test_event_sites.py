"""Sites shared over a border, several cameras at a station, and effort without a record."""

import pytest

from biodata.analysis.surveys.joining import join, looked_for, of_stations
from biodata.analysis.surveys.results import results
from biodata.core.run_parameters import SurveyNumbers
from biodata.harmonise import events as harmonise_events
from biodata.harmonise.events import sites
from event_rows import interpreted
from survey_worlds import no_floors, record, records

__all__ = ["no_floors"]
MAY = "2026-05-01T12:00/2026-05-31T12:00"


def test_a_site_of_both_sides_is_one_and_the_same_name_elsewhere_is_another():
    rows = interpreted(
        {"locationID": "S1", "side": "CN", "decimalLatitude": "21.170", "decimalLongitude": "101.690"},
        {"locationID": "S1", "side": "LA", "decimalLatitude": "21.172", "decimalLongitude": "101.692"},
        {"locationID": "S1", "side": "LA", "decimalLatitude": "20.100", "decimalLongitude": "101.100"},
        {"side": "LA"},
    )
    assert ["SITE_PLACES_DISAGREE" in flags for flags in rows["quality_flags"]] == [False, False, True, False]
    found = sites(rows)
    assert found["site_key"].to_list() == ["S1", "S1", "S1 #2", "test:E4"]
    assert found["shared"].to_list() == [True, True, False, False]


def test_sites_do_not_depend_on_the_order_of_the_events():
    rows = interpreted(*({"locationID": "S1", "decimalLatitude": str(20 + n / 100)} for n in range(8)))
    assert sites(rows).equals(sites(rows.reverse()))


def test_two_cameras_at_a_station_share_its_nights():
    rows = interpreted(
        {"design": "camera_trap", "locationID": "S1", "cameraID": "A", "eventDate": MAY, "failurePeriods": "2026-05-10/2026-05-18"},
        {"design": "camera_trap", "locationID": "S1", "cameraID": "B", "eventDate": "2026-05-01/2026-05-13"},
        {"design": "camera_trap", "locationID": "S2", "cameraID": "C", "eventDate": MAY, "failurePeriods": "9"},
    )  # fmt: skip
    assert rows["effort_value"].to_list() == [21.0, 12.0, 21.0]
    told = of_stations(join(rows, records()).events)
    # A failed from 10 to 18 May, and B stood there on the first four of these days, 12 nights in 13 days.
    assert told["effort"].to_list() == pytest.approx([21 + 4 * 12 / 13, 21.0])


def test_an_empty_sheet_has_effort_and_no_absence_outside_its_scope():
    shared = {"design": "camera_trap", "eventDate": MAY}
    rows = interpreted(
        {**shared, "targetTaxonomicScope": "Mammalia", "isAbsenceReported": "yes"},
        {**shared, "targetTaxonomicScope": "Mammalia|Aves", "isAbsenceReported": "ແມ່ນ"},
        {**shared, "isAbsenceReported": "yes"},
        {**shared, "targetTaxonomicScope": "Mammalia", "isAbsenceReported": "no"},
        {**shared, "targetTaxonomicScope": "Panthera tigris", "isAbsenceReported": "yes"},
    )
    assert rows["effort_value"].to_list() == [30.0] * 5
    assert rows["isAbsenceReported"].to_list() == [True, True, True, False, True]
    assert ["ABSENCE_SCOPE_MISSING" in flags for flags in rows["quality_flags"]] == [False, False, True, False, False]
    elephant, fowl = record("E2", "2026-05-02", "Elephas maximus"), record("E2", "2026-05-02", "Gallus gallus")
    joined = join(rows, records(*({**one, "datasetKey": "test"} for one in (elephant, fowl))))
    inside = {
        name: looked_for(joined, name)[0]["eventID"].to_list()
        for name in ("Elephas maximus", "Gallus gallus", "Panthera tigris")
    }
    assert inside == {"Elephas maximus": ["E1", "E2"], "Gallus gallus": ["E2"], "Panthera tigris": ["E1", "E2", "E5"]}


@pytest.mark.usefixtures("no_floors")
def test_what_a_scope_names_and_nobody_found_has_a_rate_of_none_and_its_limit():
    rows = interpreted({"design": "camera_trap", "eventDate": MAY, "targetTaxonomicScope": "Panthera tigris|Mammalia",
                        "isAbsenceReported": "yes"})  # fmt: skip
    told = results(join(rows, records()), SurveyNumbers())
    assert told["summary"]["never_found"] == ["Panthera tigris"]
    (only,) = told["abundance"]
    found = only["by"]["joint"]
    assert (only["species"], found["events"], found["effort"], found["low"]) == ("Panthera tigris", 0, 30.0, 0)
    # Exact Poisson limit of none: 3.6889.
    assert found["high"] == pytest.approx(3.6889 / 30, abs=1e-5)
    assert told["occupancy"] == []


def test_a_record_of_absence_is_no_sighting():
    rows = interpreted(
        {"targetTaxonomicScope": "Elephas maximus", "isAbsenceReported": "true", "eventDate": "2026-05-01"}
    )
    absent = {**record("E1", "2026-05-01", "Elephas maximus"), "datasetKey": "test", "occurrenceStatus": "ABSENT"}
    joined = join(rows, records(absent))
    assert joined.records.is_empty()
    assert joined.left_out == {"absence": 1}
    assert looked_for(joined, "Elephas maximus")[0].height == 1


def test_sites_are_compared_over_all_slices(monkeypatch):
    rows = [{"locationID": "S1"}, {"locationID": "S2"}, {"locationID": "S1", "decimalLatitude": "22.9"}]
    whole = interpreted(*rows)
    monkeypatch.setattr(harmonise_events, "_SLICE", 1)
    assert interpreted(*rows).equals(whole)
    assert ["SITE_PLACES_DISAGREE" in flags for flags in whole["quality_flags"]] == [False, False, True]
