"""Events of the lake in a release: all of one where nothing sensitive was recorded, else no more than of the record."""

from datetime import date, datetime

import polars as pl
import pytest
import shapely

import releases as fixture
from biodata import pipeline, terms
from biodata.analysis.evidence import EVENTS
from biodata.errors import SharingError
from biodata.settings import Settings
from biodata.sharing import RuleSet, decide
from biodata.sharing import events as events_module
from biodata.store import releases
from biodata.store.lake import Lake
from biodata.surveys.events import of_lake, of_published
from rule_files import put_rules
from survey_events import commit, event, seen
from test_replays import OPEN_RULES

MUNTJAC, TIGER, PANGOLIN = "Muntiacus muntjak", "Panthera tigris", "Manis javanica"
RULES = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\npangolins,Manis javanica,withheld,poached,\n"
SECOND = {"decimalLatitude": 20.5612, "decimalLongitude": 101.2711}
EXACT = ("20.5432", "101.2345", "20.54", "101.23")


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


def test_an_event_is_as_coarse_as_its_record(settings):
    found = surveys(
        settings,
        [event("a", effort_value=37.4), event("b", **SECOND)],
        [seen(1, TIGER, "a"), seen(2, MUNTJAC, "b", **SECOND)],
    )
    coarse = [row for row in found.values() if row["sharing_category"] != "open"]
    assert len(found) == 2
    assert found["cameras:b"]["effort_value"] == 30.0
    (told,) = coarse
    kept = {name for name, value in told.items() if value is not None}
    assert kept == {
        "survey_id", "datasetKey", "design", "year", "effort_value", "effort_unit", "effort_basis", "targetTaxonomicScope",
        "isAbsenceReported", "country_codes", "coordinateUncertaintyInMeters", "license", "quality_flags",
        "sharing_category", "informationWithheld", "dataGeneralizations", "geometry",
    }  # fmt: skip
    assert shape(told).bounds == pytest.approx((101.2, 20.5, 101.3, 20.6))
    assert told["effort_value"] == 40.0, "one figure of it"
    assert not any(word in repr(told) for word in EXACT)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        pytest.param("empty", {}, id="without records at its station"),
        pytest.param("near", {"decimalLatitude": 20.5436}, id="some 40 m beside it"),
        pytest.param("part", {"parentEventID": "a", "decimalLatitude": 20.5436}, id="a part of its event"),
        pytest.param("site", {"locationID": "S1", **SECOND}, id="at its site"),
        pytest.param(
            "line", {"footprintWKT": "LINESTRING (101.2 20.5432, 101.27 20.5432)", **SECOND}, id="a line by it"
        ),
        pytest.param(
            "ends", {"footprintWKT": "MULTIPOINT ((101.2345 20.5432), (101.27 20.55))", **SECOND}, id="points"
        ),
    ],
)
def test_whatever_would_tell_the_station_is_as_coarse(settings, name, more):
    found = surveys(settings, [event("a", locationID="S1"), event(name, **more)], [seen(1, TIGER, "a")])
    assert f"cameras:{name}" not in found
    assert {row["sharing_category"] for row in found.values()} <= {"0_1_degree"}
    assert not any(word in repr(list(found.values())) for word in EXACT)
    for row in found.values():
        assert shape(row) is None or shapely.area(shape(row)) > 0.009


def test_an_event_with_nothing_but_withheld_records_is_not_there(settings):
    elsewhere = {"decimalLatitude": 20.7, "decimalLongitude": 101.4}
    events = [event("a"), event("same-station"), event("other", **SECOND), event("far", **elsewhere)]
    found = surveys(settings, events, [seen(1, PANGOLIN, "a"), seen(2, MUNTJAC, "other", **SECOND)])
    assert found.keys() == {"cameras:other", "cameras:far"}


def test_an_event_with_other_records_is_told_as_if_the_withheld_one_were_not_there(settings):
    events = [event("a"), event("b", **SECOND)]
    others = [seen(1, MUNTJAC, "a"), seen(2, MUNTJAC, "b", **SECOND)]
    without = surveys(settings, events, others)
    assert surveys(settings, events, [*others, seen(3, PANGOLIN, "a")], full=True) == without


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
    assert shape(told).bounds == pytest.approx((101.2711, 20.5612, 101.2801, 20.5702))
    without = surveys(settings.model_copy(update={"keep_ties": False}), [], [{**hidden, "species": MUNTJAC}])
    assert without.keys() >= found.keys() - {name for name in found if "~" in name}
    assert "cameras:p1" not in found


def test_rules_without_a_taxon_and_labels_are_about_events_too(settings):
    put_rules(settings.data, RULES + "all of it,,0_1_degree,asked,cameras\n")
    (told,) = surveys(settings, [event("a")], []).values()
    assert (told["sharing_category"], told["eventID"]) == ("0_1_degree", None)
    put_rules(settings.data, RULES + "all of it,,withheld,asked,cameras\n")
    assert surveys(settings, [], []) == {}


def test_what_is_told_alike_is_told_apart_by_a_number_alone(settings):
    events = [
        event("a"),
        event("b", decimalLatitude=20.5436),
        event("c", event_start=datetime.fromisoformat("2024-05-09")),
    ]
    found = surveys(settings, events, [seen(1, TIGER, "a")])
    alike = [row for row in found.values() if "same-event" in row["informationWithheld"]]
    first, second = (row.pop("survey_id") for row in alike)
    assert (first[:-1], first[-1], second[-1]) == (second[:-1], "1", "2")
    assert alike[0] == alike[1]


def test_events_of_the_lake_and_of_a_release_are_effort(settings):
    events = [
        event("a"),
        event("b", targetTaxonomicScope=[MUNTJAC], **SECOND),
        event("all seen", isAbsenceReported=None, decimalLatitude=20.71),
        event("broken", effort_value=0.0, decimalLatitude=20.72),
    ]
    surveys(settings, events, [seen(1, TIGER, "a")])
    published = of_published(releases.read(releases.current(settings.data), "surveys"))
    with Lake.open(settings.data) as lake:
        exact = of_lake(lake)
    assert published["eventID"].to_list() == ["cameras:all seen", "cameras:b"], "nothing of a coarse one"
    assert exact["eventID"].to_list() == ["cameras:a", "cameras:all seen", "cameras:b"], "a camera that failed is none"
    assert published["scope"].to_list() == [None, [MUNTJAC]], "without a report of absence nothing is absent"
    assert published.row(1)[1:5] == (101.2711, 20.5612, date(2024, 5, 1), date(2024, 5, 31))
    assert exact.schema == published.schema == EVENTS


def test_a_release_that_tells_an_event_beside_its_coarse_record_is_not_made(settings, monkeypatch):
    nothing = decide(fixture_records().clear(), RuleSet.of([]), boundaries=fixture.neighbours())
    monkeypatch.setattr(events_module, "decide_events", lambda *_, **__: nothing)
    with pytest.raises(SharingError, match="its event is told as open"):
        surveys(settings, [event("a")], [seen(1, TIGER, "a")])
    assert releases.current(settings.data) is None


def fixture_records():
    return terms.conform(pl.DataFrame([{"key": 1}]), terms.OCCURRENCE)


def test_adding_to_a_release_never_leaves_an_event_that_is_hidden_since(settings):
    first = surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, MUNTJAC, "b", **SECOND)])
    assert first.keys() == {"cameras:a", "cameras:b"}
    elsewhere = {"decimalLatitude": 20.77, "decimalLongitude": 101.55}
    added = surveys(settings, [event("c", **elsewhere)], [seen(2, MUNTJAC, "c", **elsewhere)])
    assert added.keys() == {"cameras:a", "cameras:b", "cameras:c"}
    assert releases.was_added_to(releases.current(settings.data)), "more of a survey is added to the file"
    found = surveys(settings, [], [seen(3, TIGER, "new visit")])
    assert "cameras:a" not in found
    assert not releases.was_added_to(releases.current(settings.data)), "the file before holds the place of the event"
    assert b"cameras:a" not in releases.current(settings.data).path.read_bytes()
    put_rules(settings.data, RULES)
    assert surveys(settings, [], []) == found, "the same lake is the same release"


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


def test_an_event_stays_coarse_when_the_sensitive_record_beside_it_is_gone(settings):
    first = surveys(settings, [event("a"), event("empty")], [seen(1, TIGER, "a")])
    assert {row["sharing_category"] for row in first.values()} == {"0_1_degree"}
    assert surveys(settings, [], [], full=True) == first
    commit(settings.data, [], [], gone=[("cameras", "cameras-1")])
    found = surveys(settings, [event("new", decimalLatitude=20.9)], [])
    assert [name for name in found if "~" not in name] == ["cameras:new"]
    assert len(found) == 3
    opened = surveys(settings.model_copy(update={"keep_ties": False}), [], [], full=True)
    assert opened.keys() == {"cameras:a", "cameras:empty", "cameras:new"}


def test_an_event_that_was_not_there_stays_away_when_the_withheld_record_is_gone(settings):
    second = {"decimalLatitude": 20.7, "decimalLongitude": 101.4}
    first = surveys(settings, [event("w", **second), event("b", **SECOND)], [seen(2, PANGOLIN, "w", **second)])
    commit(settings.data, [], [], gone=[("cameras", "cameras-2")])
    assert surveys(settings, [], [], full=True).keys() == first.keys() == {"cameras:b"}


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


def test_words_of_a_coarse_event_that_could_hold_a_place_are_left_out(settings):
    words = {"effort_unit": "nights at 20.5432 101.2345", "targetTaxonomicScope": ["Mammalia", "at 20.5432 101.2345"]}
    (told,) = surveys(settings, [event("a", **words)], [seen(1, TIGER, "a")]).values()
    assert (told["effort_unit"], told["targetTaxonomicScope"]) == (None, ["Mammalia"])


def test_a_sensitive_record_whose_name_is_corrected_leaves_a_release_in_which_its_station_stays_coarse(settings):
    same = [seen(2, MUNTJAC, "a"), seen(3, MUNTJAC, "a")]
    surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, TIGER, "a"), *same, seen(4, MUNTJAC, "b", **SECOND)])
    after = surveys(settings, [event("a"), event("b", **SECOND)], [seen(1, MUNTJAC, "a"), *same])
    assert sorted(row["sharing_category"] for row in after.values()) == ["0_1_degree", "open"]
    assert not any(text in str(row) for row in after.values() if row["sharing_category"] != "open" for text in EXACT)
