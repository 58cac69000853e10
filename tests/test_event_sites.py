"""Sites shared over a border, several cameras at a station, and effort without a record."""

from biodata.harmonise.event_sites import sites, station_effort
from event_rows import interpreted

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


def test_two_cameras_at_a_station_add_trap_nights_and_share_station_nights():
    rows = interpreted(
        {"design": "camera_trap", "locationID": "S1", "cameraID": "A", "eventDate": MAY, "failurePeriods": "2026-05-10/2026-05-18"},
        {"design": "camera_trap", "locationID": "S1", "cameraID": "B", "eventDate": "2026-05-01/2026-05-13"},
        {"design": "camera_trap", "locationID": "S2", "cameraID": "C", "eventDate": MAY, "failurePeriods": "9"},
    )  # fmt: skip
    told = station_effort(rows).select("site_key", "cameras", "trap_nights", "station_nights").rows()
    # A failed on nine nights, of which B saw the first two: those that end on 11, 12 and 13 May.
    assert told == [("S1", 2, 33.0, 24.0), ("S2", 1, 21.0, 21.0)]


def test_failures_without_their_days_leave_the_station_nights_of_two_cameras_open():
    rows = interpreted(
        {"design": "camera_trap", "locationID": "S1", "cameraID": "A", "eventDate": MAY, "failurePeriods": "9"},
        {"design": "camera_trap", "locationID": "S1", "cameraID": "B", "eventDate": MAY},
    )
    assert station_effort(rows).row(0)[2:] == (2, 51.0, None)


def test_an_empty_sheet_has_its_effort_and_says_where_a_scope_is_missing():
    shared = {"design": "camera_trap", "eventDate": MAY}
    rows = interpreted(
        {**shared, "targetTaxonomicScope": "Mammalia", "isAbsenceReported": "yes"},
        {**shared, "targetTaxonomicScope": "Mammalia|Aves", "isAbsenceReported": "ແມ່ນ"},
        {**shared, "isAbsenceReported": "yes"},
        {**shared, "targetTaxonomicScope": "Mammalia", "isAbsenceReported": "no"},
    )
    assert rows["effort_value"].to_list() == [30.0] * 4
    assert rows["isAbsenceReported"].to_list() == [True, True, True, False]
    assert ["ABSENCE_SCOPE_MISSING" in flags for flags in rows["quality_flags"]] == [False, False, True, False]
