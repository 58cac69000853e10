"""Which events a design of a survey counts as effort, and what they tell of a species whose places are hidden."""

from datetime import date

import pytest

import releases as fixture
from biodata.analysis.evidence import DesignParameters
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.store.rules_in_force import rules_in_force
from biodata.surveys import design
from rule_files import put_rules
from survey_events import MUNTJAC, RULES, TIGER, commit, event, seen

LINE = {"footprintWKT": "LINESTRING (101.2345 20.5432, 101.9 20.9)", "design": "line_transect", "effort_value": 77.0}
FAR = {"decimalLatitude": 20.9, "decimalLongitude": 101.9}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    (tmp_path / "data").mkdir()
    put_rules(tmp_path / "data", RULES)
    return Settings(data=tmp_path / "data")


def counted(settings, species, records="public"):
    request = design.SurveyRequest(
        species=species, result="any", as_of=date(2026, 1, 1), design=DesignParameters(), records=records
    )
    with Lake.open(settings.data) as lake:
        events, _ = design._events(settings, lake, rules_in_force(settings, lake), fixture.neighbours(), request)
    return {row["eventID"]: row for row in events.rows(named=True)}


def test_an_open_event_tells_no_absence_of_a_hidden_species(settings):
    commit(settings.data, [event("long", **LINE)], [seen(1, MUNTJAC, "long", **FAR), seen(2, TIGER, "long")])
    assert counted(settings, MUNTJAC)["cameras:long"]["scope"] == ["Mammalia"]
    assert counted(settings, TIGER)["cameras:long"]["scope"] is None
    assert counted(settings, TIGER, "exact")["cameras:long"]["scope"] == ["Mammalia"]


def test_an_event_counts_where_a_release_tells_it(settings):
    commit(settings.data, [event("long", **LINE)], [seen(1, MUNTJAC, "long", **FAR), seen(2, TIGER, "long")])
    told = counted(settings, MUNTJAC)["cameras:long"]
    assert (told["decimalLatitude"], told["decimalLongitude"]) == (20.9, 101.9), "its line leads to the tiger"
