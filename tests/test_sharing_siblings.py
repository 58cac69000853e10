"""Open records of one event with a sensitive one: nothing public leads from them to its place."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from biodata.sharing.siblings import SAME_EVENT, Finder

import releases as fixture
from biodata import pipeline, terms
from biodata.settings import Settings
from biodata.sharing import Rule, RuleSet, decide, publish
from biodata.store import releases
from biodata.vocabularies import SharingCategory
from test_replays import BULBUL, OPEN_RULES, TIGER, change
from test_replays import record as replayed

BOUNDARIES = fixture.neighbours()
RULES = RuleSet.of([Rule("tigers", SharingCategory.TENTH_DEGREE, "poached", scientific_name=TIGER)])
AT = {"decimalLongitude": 101.2345, "decimalLatitude": 21.5432}
"""The tiger's place."""


def records(*rows):
    made = [{"key": n, "scientificName": BULBUL, "datasetKey": "d", **row} for n, row in enumerate(rows)]
    return terms.conform(pl.DataFrame(made, infer_schema_length=None), terms.OCCURRENCE)


def with_siblings(frame, rules=RULES):
    finder = Finder(3)
    finder.add(frame, decide(frame, rules, boundaries=BOUNDARIES))
    return replace(rules, siblings=finder.found())


def tied(frame, rules=RULES):
    found = decide(frame, with_siblings(frame, rules), boundaries=BOUNDARIES)
    return found.filter(rule_id=SAME_EVENT)["row"].to_list()


DAY, OTHER_DAY = date(2024, 5, 1), date(2024, 6, 1)
CAT = {"scientificName": TIGER, "eventID": "e1", "parentEventID": "p1", "event_start": DAY, "recordedBy": "A", **AT}
FAR = [
    {"decimalLongitude": 101.21 + n / 100, "decimalLatitude": 21.51, "event_start": OTHER_DAY, "eventID": f"far {n}"}
    for n in range(6)
]
"""Enough other stations in the cell."""
PLACE_ONLY = {"scientificName": TIGER, **AT}


def at(longitude, latitude, **more):
    return {"decimalLongitude": longitude, "decimalLatitude": latitude, **more}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(at(101.29, 21.55, eventID="e1"), True, id="one event"),
        pytest.param(at(101.31, 21.55, eventID="e1"), True, id="one event, across the edge of the cell"),
        pytest.param(at(101.51, 21.55, eventID="e1"), False, id="one event, further than a cell away"),
        pytest.param({"eventID": "e1"}, True, id="one event, no place"),
        pytest.param({"parentEventID": "e1", **AT}, True, id="a part of its event"),
        pytest.param({"eventID": "e1", "datasetKey": "other", **AT}, False, id="an event of another dataset"),
        pytest.param({"event_start": DAY, **AT}, True, id="the same day and place"),
        pytest.param(at(101.2351, 21.5425, event_start=DAY), True, id="100 m away, that day"),
        pytest.param(
            at(101.2421, 21.5425, event_start=DAY, recordedBy="A"), True, id="a walk away, that day, by the same"
        ),
        pytest.param(at(101.2421, 21.5425, event_start=DAY, recordedBy="B"), False, id="a walk away, by another"),
        pytest.param(
            at(101.2421, 21.5425, event_start=OTHER_DAY, recordedBy="A"), False, id="a walk away, another day"
        ),
        pytest.param(at(101.2721, 21.5425, event_start=DAY, recordedBy="A"), False, id="further than a walk"),
        pytest.param({"event_start": OTHER_DAY, **AT}, False, id="another day at a place of a large survey"),
        pytest.param(
            {"event_start": OTHER_DAY, "parentEventID": "p1", **AT}, True, id="the same deployment, another day"
        ),
        pytest.param(at(103.0, 22.0, parentEventID="p1"), False, id="the whole survey"),
        pytest.param({"eventID": "e2"}, False, id="another event, no place"),
    ],
)
def test_what_ties_a_record_to_a_sensitive_one(row, expected):
    frame = records(CAT, row, *FAR)
    assert tied(frame) == ([1] if expected else [])


def test_a_sensitive_record_without_a_place_ties_its_whole_event():
    placeless = {"scientificName": TIGER, "eventID": "e1"}
    assert tied(records(placeless, at(110.0, 30.0, eventID="e1"), at(110.0, 30.0))) == [1]


@pytest.mark.parametrize(
    "fact", [{"eventID": "x"}, {"basisOfRecord": "MACHINE_OBSERVATION"}, {"samplingProtocol": "trap"}]
)
def test_a_survey_with_few_stations_in_a_cell_hides_the_one_where_the_tiger_was(fact):
    cat = {**PLACE_ONLY, **fact, "event_start": DAY}
    others = [{**AT, "event_start": OTHER_DAY}, FAR[0]]
    assert tied(records(cat, *others)) == [1]
    assert tied(records(cat, *others, *FAR)) == []


def test_no_open_record_of_a_survey_stands_where_its_hidden_one_was():
    frame = records(CAT, {**AT, "event_start": OTHER_DAY, "eventID": "x"}, *FAR)
    finder = Finder()
    finder.add(frame, decide(frame, RULES, boundaries=BOUNDARIES))
    found = decide(frame, replace(RULES, siblings=finder.found()), boundaries=BOUNDARIES)
    assert found.filter(rule_id=SAME_EVENT)["row"].to_list() == [1]


def test_a_museum_that_gives_one_point_to_a_village_ties_nothing():
    assert tied(records(PLACE_ONLY, dict(AT), {**AT, "event_start": OTHER_DAY})) == []


def test_the_share_of_stations_with_hidden_records_counts_and_not_their_number_alone():
    tigers = [{**CAT, "eventID": f"far {n}", **at(101.21 + n / 100, 21.51)} for n in range(3)]
    birds = [
        {**tiger, "scientificName": BULBUL, "eventID": "z", "parentEventID": "z", "event_start": OTHER_DAY}
        for tiger in tigers
    ]
    assert tied(records(*tigers, *birds, *(FAR[3:]))) == [3, 4, 5]
    assert tied(records(tigers[0], *birds, *(FAR[3:]))) == []


@pytest.mark.parametrize(("stations", "expected"), [(0, []), (2, []), (3, [1]), (100, [1]), (None, [1])])
def test_an_installation_decides_how_many_stations_are_few(stations, expected):
    frame = records(CAT, {**AT, "event_start": OTHER_DAY, "eventID": "x"}, FAR[0])
    finder = Finder(stations)
    finder.add(frame, decide(frame, RULES, boundaries=BOUNDARIES))
    found = decide(frame, replace(RULES, siblings=finder.found()), boundaries=BOUNDARIES)
    assert found.filter(rule_id=SAME_EVENT)["row"].to_list() == expected


def test_a_withheld_record_ties_nothing():
    rules = RuleSet.of([Rule("tigers", SharingCategory.WITHHELD, "poached", scientific_name=TIGER)])
    assert tied(records(CAT, {"eventID": "e1", **AT}), rules) == []


@pytest.mark.parametrize("name", [None, "Mammalia"])
def test_a_record_that_nobody_could_name_ties_nothing(name):
    assert tied(records({**CAT, "scientificName": name}, {"eventID": "e1", **AT})) == []


@pytest.mark.parametrize("same", [{"eventID": "e1"}, {"eventID": "another", "parentEventID": None}])
def test_a_station_is_as_coarse_as_its_coarsest_record_named_or_not(same):
    """Else what is tied to the tiger would tell the place of the bird more exactly than the bird does."""
    birds = Rule("birds", SharingCategory.ONE_DEGREE, "may be a rare one", scientific_name="Lophura edwardsi")
    rules = RuleSet.of([*RULES.rules, birds])
    frame = records(CAT, {**AT, "scientificName": "Aves", **same}, {"eventID": "e1", **AT})
    found = decide(frame, with_siblings(frame, rules), boundaries=BOUNDARIES)
    assert found["category"].to_list() == ["1_degree"] * 3
    alone = records({**CAT, "scientificName": "Aves"}, {"eventID": "e1", **AT})
    assert tied(alone, rules) == []


def test_an_event_is_as_coarse_as_its_strictest_record():
    deer = Rule("deer", SharingCategory.ONE_DEGREE, "hunted", scientific_name="Axis kuhlii")
    rules = RuleSet.of([*RULES.rules, deer])
    frame = records(CAT, {**CAT, "scientificName": "Axis kuhlii"}, {"eventID": "e1", **AT})
    found = decide(frame, with_siblings(frame, rules), boundaries=BOUNDARIES)
    assert found["category"].to_list() == ["1_degree"] * 3
    assert found["rule_id"].to_list() == [SAME_EVENT, "deer", SAME_EVENT]


def test_nothing_public_of_a_tied_record_tells_event_day_or_place():
    boundaries = fixture.neighbours()
    frame = records(CAT, {"eventID": "e1", "recordedBy": "A team", "eventDate": "2024-05-01", "event_start": DAY, **AT})
    shown = publish(frame, with_siblings(frame), boundaries=boundaries)
    assert shown["sharing_rule"].to_list() == ["tigers", SAME_EVENT]
    for column in ("eventID", "parentEventID", "eventDate", "event_start", "month", "recordedBy"):
        assert shown[column].null_count() == 2
    assert shown.select("decimalLongitude", "decimalLatitude").unique().height == 1


def test_a_record_that_comes_later_makes_an_older_one_of_its_event_coarser(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    (settings.data / "sharing_rules.csv").write_text(OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\n")
    bird = replayed(1, BULBUL, "cameras", eventID="e1")
    change(settings.data, [bird, replayed(2, BULBUL, "cameras", eventID="e2")])
    pipeline.release(settings)
    change(settings.data, [replayed(3, TIGER, "cameras", eventID="e1")])
    rows = releases.read(pipeline.release(settings), "occurrences")
    told = dict(rows.filter(species=BULBUL).select("sharing_rule", "month").iter_rows())
    assert told == {SAME_EVENT: None, None: 3}


def told_of_birds(settings, **more):
    rows = releases.read(pipeline.release(settings, **more), "occurrences")
    return sorted(rows.filter(species=BULBUL)["sharing_category"])


def test_what_was_tied_once_does_not_come_back_when_the_tie_is_gone(tmp_path, monkeypatch):
    """Else whoever kept the older release knows that the tiger was where the bird is."""
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    rules = settings.data / "sharing_rules.csv"
    rules.write_text(OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\n")
    bird, tiger = replayed(1, BULBUL, "cameras", eventID="e1"), replayed(3, TIGER, "cameras", eventID="e1")
    change(settings.data, [bird, tiger])
    assert told_of_birds(settings) == ["0_1_degree"]
    rules.write_text(OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\n")
    assert told_of_birds(settings) == ["0_1_degree"]
    change(settings.data, [{**tiger, "eventID": "another"}])
    assert told_of_birds(settings) == ["0_1_degree"]
    assert told_of_birds(settings.model_copy(update={"keep_ties": False}), full=True) == ["open"]


def test_more_ties_than_before_reach_records_of_the_release_before(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path / "data", survey_stations=0)
    settings.data.mkdir()
    (settings.data / "sharing_rules.csv").write_text(OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\n")
    bird = replayed(1, BULBUL, "cameras", eventID="e1")
    tiger = replayed(3, TIGER, "cameras", eventID="e2")
    change(settings.data, [bird, {**tiger, **{name: bird[name] for name in ("decimalLongitude", "decimalLatitude")}}])
    assert told_of_birds(settings) == ["open"]
    change(settings.data, [replayed(9, BULBUL, "elsewhere")])
    assert told_of_birds(settings.model_copy(update={"survey_stations": 3})) == ["0_1_degree", "open"]
