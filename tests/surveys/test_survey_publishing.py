"""Events of the lake in a release: each as it is, or not at all, and with the counts of its open records."""

from datetime import date

import polars as pl
import pytest
import shapely

import releases as fixture
from biodata import pipeline
from biodata.analysis.evidence import EVENTS
from biodata.core.settings import Settings
from biodata.runs.engines.survey_results import open_events
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.store.release_merge import merge
from biodata.surveys.design import as_effort
from rule_files import put_rules
from survey_events import MUNTJAC, PANGOLIN, RULES, TIGER, commit, event, seen, stations

SECOND = {"decimalLatitude": 20.5612, "decimalLongitude": 101.2711}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    (tmp_path / "data").mkdir()
    put_rules(tmp_path / "data", RULES)
    return Settings(data=tmp_path / "data")


def surveys(settings, events, records, **options):
    """Commit a survey; return the release's surveys by identifier."""
    commit(settings.data, events, records)
    made = pipeline.release(settings, **options)
    return {row["survey_id"]: row for row in releases.read(made, "surveys").to_dicts()}


def shape(row):
    return None if row["geometry"] is None else shapely.from_wkb(row["geometry"])


def test_an_event_is_told_with_its_effort_where_nothing_sensitive_was_recorded(settings):
    (told,) = surveys(settings, [event("a", failed_days=1.0)], [seen(1, MUNTJAC, "a"), seen(2, MUNTJAC, "a")]).values()
    assert told["survey_id"] == "cameras:a"
    assert (told["effort_value"], told["effort_unit"], told["failed_days"]) == (30.0, "trap-night", 1.0)
    assert (told["records"], told["species"], told["design"]) == (2, 1, "camera_trap")
    assert (told["event_start"], told["event_end"]) == (date(2024, 5, 1), date(2024, 5, 31))
    assert (told["targetTaxonomicScope"], told["isAbsenceReported"]) == (["Mammalia"], True)
    assert (told["sharing_category"], told["time_zone"], told["year"]) == ("open", "Asia/Vientiane", 2024)
    assert shape(told).equals(shapely.Point(101.2345, 20.5432))


def test_an_event_without_records_is_told_with_none(settings):
    (told,) = surveys(settings, [event("empty")], []).values()
    assert (told["records"], told["species"], told["effort_value"]) == (0, 0, 30.0)


def test_days_and_ways_of_patrols_are_never_told(settings):
    walked = {"samplingProtocol": "Ranger patrol on foot"}
    found = surveys(
        settings,
        [event("day", **walked), event("b", **SECOND)],
        [seen(1, MUNTJAC, "day", **walked), seen(2, MUNTJAC, "other day", **walked)],
    )
    assert list(found) == ["cameras:b"]


def records_of(settings):
    return releases.read(releases.current(settings.data), "occurrences")


def test_a_sensitive_record_is_a_presence_and_its_event_is_as_it_is(settings):
    events, records, at = stations()
    found = surveys(settings, events, [*records, *(seen(n, TIGER, "s3", **at[3]) for n in (1, 2))])
    told = [(row["sharing_category"], row["records"], row["effort_value"]) for row in found.values()]
    assert told == [("open", 1, 30.0)] * 10
    assert not set(found) & {f"cameras:s{n}" for n in range(10)}, "numbers that run would tell the one that is missing"
    opened = records_of(settings).filter(pl.col("sharing_category") == "open")
    assert set(opened["eventID"]) == {row["eventID"] for row in found.values()}, "events and records are marked alike"
    (presence,) = records_of(settings).filter(pl.col("sharing_category") != "open").to_dicts()
    of_the_record = (
        "occurrenceID eventID eventDate event_start basisOfRecord recordedBy samplingProtocol individualCount"
    )
    assert {presence[name] for name in of_the_record.split()} == {None}
    assert (presence["species"], presence["year"], presence["cell_west"]) == (TIGER, 2019, pytest.approx(101.2))


def test_an_event_with_sensitive_records_alone_goes_with_them_where_few_are_empty(settings):
    """Else the one empty event would be where they are: the open records of its ten go out as presences, too."""
    events, records, at = stations()
    found = surveys(settings, events, [*records[1:], seen(1, TIGER, "s0", **at[0])])
    assert [row["records"] for row in found.values()] == [0] * 10
    assert records_of(settings)["sharing_category"].to_list() == ["0_1_degree"] * 2, (
        "one for the tiger, one for the muntjacs"
    )


def test_an_event_with_nothing_but_withheld_records_is_not_there(settings):
    elsewhere = {"decimalLatitude": 20.7, "decimalLongitude": 101.4}
    events = [event("a"), event("other", **SECOND), event("far", **elsewhere)]
    others = [seen(2, MUNTJAC, "other", **SECOND), seen(3, MUNTJAC, "far", **elsewhere)]
    found = surveys(settings, events, [seen(1, PANGOLIN, "a"), *others])
    assert found.keys() == {"cameras:other", "cameras:far"}


def test_what_may_be_withheld_is_never_said_to_be_absent(settings):
    events = [
        event("a", targetTaxonomicScope=[PANGOLIN, MUNTJAC]),
        event("b", targetTaxonomicScope=[PANGOLIN], **SECOND),
        event("c", targetTaxonomicScope=["pangolins", "穿山甲", "Manidae", "pangolin burrows", "Mammalia"], **SECOND),
    ]
    found = surveys(settings, events, [])
    assert [found[f"cameras:{name}"]["targetTaxonomicScope"] for name in "abc"] == [[MUNTJAC], None, ["Mammalia"]]
    assert found["cameras:b"]["isAbsenceReported"] is None


def test_an_event_of_parts_is_told_by_those_that_are_open(settings):
    third = {"decimalLatitude": 20.5702, "decimalLongitude": 101.2801}
    whole = event("walk", design=None, footprintWKT="LINESTRING (101.2345 20.5432, 101.2801 20.5702)", effort_value=4.0,
                  decimalLatitude=20.5582, decimalLongitude=101.2619)  # fmt: skip
    parts = [
        event(name, parentEventID="walk", event_start=whole["event_start"].replace(day=2), **place)
        for name, place in (("p1", {}), ("p2", SECOND), ("p3", third))
    ]
    records = [
        seen(1, MUNTJAC, "p2", parentEventID="walk", **SECOND),
        seen(2, MUNTJAC, "p3", parentEventID="walk", **third),
    ]
    hidden = seen(3, TIGER, "p1", parentEventID="walk")
    found = surveys(settings, [whole, *parts], [*records, hidden])
    told = found["cameras:walk"]
    assert (told["effort_value"], told["isAbsenceReported"], told["event_start"]) == (None, None, date(2024, 5, 2))
    assert shape(told).bounds == pytest.approx((101.2345, 20.5432, 101.2801, 20.5702)), "the box of its parts"
    assert "cameras:p1" in found


def test_an_event_that_a_rule_without_a_taxon_is_about_is_not_there(settings):
    for category in ("0_1_degree", "withheld"):
        put_rules(settings, RULES + f"all of it,,{category},asked,cameras\n")
        assert surveys(settings, [event("a")], []) == {}


def test_events_of_the_lake_and_of_a_release_are_effort(settings):
    events = [
        event("a"),
        event("b", targetTaxonomicScope=[MUNTJAC], **SECOND),
        event("all seen", isAbsenceReported=None, decimalLatitude=20.71),
        event("broken", effort_value=0.0, decimalLatitude=20.72),
    ]
    surveys(settings, events, [seen(1, MUNTJAC, "a")])
    records, shown = (releases.read(releases.current(settings.data), name) for name in ("occurrences", "surveys"))
    published = as_effort(open_events(records, shown))
    with Lake.open(settings.data) as lake:
        exact = as_effort(lake.read("events"))
    assert published["eventID"].to_list() == ["cameras:a", "cameras:all seen", "cameras:b"]
    assert exact["eventID"].to_list() == ["cameras:a", "cameras:all seen", "cameras:b"], "a camera that failed is none"
    assert published["scope"].to_list() == [["Mammalia"], None, [MUNTJAC]], (
        "without a report of absence nothing is absent"
    )
    assert published.row(2)[1:5] == (101.2711, 20.5612, date(2024, 5, 1), date(2024, 5, 31))
    assert exact.schema == published.schema == EVENTS


def test_adding_to_a_release_never_leaves_an_event_that_is_hidden_since(settings):
    first = surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, MUNTJAC, "b", **SECOND)])
    assert first.keys() == {"cameras:a", "cameras:b"}
    elsewhere = {"decimalLatitude": 20.77, "decimalLongitude": 101.55}
    added = surveys(settings, [event("c", **elsewhere)], [seen(2, MUNTJAC, "c", **elsewhere)])
    assert added.keys() == {"cameras:a", "cameras:b", "cameras:c"}
    put_rules(settings, labels="label,dataset,event,key\nTK-SS,cameras,a,\n")
    assert surveys(settings, [], []).keys() == {"cameras:b", "cameras:c"}
    merge(settings.data)
    assert not any(b"cameras:a" in path.read_bytes() for path in (settings.data / "releases").glob("*.duckdb"))


def test_a_transect_with_open_records_far_from_a_sensitive_one_is_told_like_any_other(settings):
    line = {
        "footprintWKT": "LINESTRING (101.2345 20.5432, 101.9 20.9)",
        "design": "line_transect",
        "effort_value": 77.0,
    }
    far = {"decimalLatitude": 20.9, "decimalLongitude": 101.9}
    opened = seen(1, MUNTJAC, "long", **far)
    without = surveys(settings, [event("long", **line)], [opened])
    found = surveys(settings, [], [seen(2, TIGER, "long")], full=True)
    assert found == without
    assert (found["cameras:long"]["effort_value"], shape(found["cameras:long"])) == (77.0, shapely.Point(101.9, 20.9))


def test_sequences_of_a_camera_are_told_by_its_deployment(settings):
    records = [seen(n, MUNTJAC, f"sequence {n}", parentEventID="camera") for n in (1, 2)]
    found = surveys(settings, [event("camera")], records)
    assert found.keys() == {"cameras:camera"}
    assert found["cameras:camera"]["records"] == 2


def test_the_box_of_an_event_holds_its_parts_without_records(settings):
    parts = [event("p1", parentEventID="walk"), event("p2", parentEventID="walk", **SECOND)]
    found = surveys(settings, [event("walk"), *parts], [seen(1, MUNTJAC, "p1", parentEventID="walk")])
    assert shape(found["cameras:walk"]).bounds == pytest.approx((101.2345, 20.5432, 101.2711, 20.5612))
    assert (found["cameras:walk"]["records"], found["cameras:p2"]["records"]) == (1, 0)


def test_a_label_put_on_an_event_travels_with_it_or_hides_it(settings):
    put_rules(settings, labels="label,dataset,event,key\nTK-A,cameras,a,\nTK-SS,cameras,b,\n")
    found = surveys(settings, [event("a"), event("b", **SECOND)], [])
    assert found.keys() == {"cameras:a"}
    assert found["cameras:a"]["community_labels"] == ["TK-A"]
