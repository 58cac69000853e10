"""What ties records to hidden ones is looked for once for each state of lake and rules."""

import polars as pl
import pytest

import releases as fixture
from biodata.settings import Settings
from biodata.sharing import Rule, siblings
from biodata.sharing.lists import BOUND, list_of
from biodata.store import kept_files, kept_ties
from biodata.store import rules_in_force as module
from biodata.store.lake import Lake
from biodata.store.query.filters import MAXIMUM_VALUES
from biodata.vocabularies import SharingCategory
from rule_files import put_rules
from test_replays import BULBUL, OPEN_RULES, TIGER, change, record

RULE = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\n"


def test_the_records_are_read_again_only_where_something_changed(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    looked: list[int] = []
    decide = module.decide
    monkeypatch.setattr(module, "decide", lambda *given, **more: looked.append(1) or decide(*given, **more))
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    put_rules(settings.data, RULE)

    def looks(**more):
        looked.clear()
        with Lake.open(settings.data) as lake:
            ties = module.rules_in_force(settings.model_copy(update=more), lake).siblings.ties.height
        return len(looked), ties > 0

    change(settings.data, [record(1, BULBUL, "cameras", eventID="e1")])
    assert looks() == (1, False)
    assert looks() == (0, False)
    change(settings.data, [record(2, TIGER, "cameras", eventID="e1")])
    assert looks() == (1, True)
    assert looks(survey_stations=0) == (1, True)
    put_rules(settings.data, OPEN_RULES)
    assert looks() == (1, False)
    put_rules(settings.data, RULE)
    assert looks() == (0, True)


def test_as_many_records_stay_coarse_as_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path / "data", keep_ties=True)
    count = MAXIMUM_VALUES + 1  # more than a filter may have values
    change(settings.data, [record(n, BULBUL, "cameras", eventID="e1") for n in range(3)])
    with Lake.open(settings.data) as lake:
        known = lake.read("occurrences", columns=["key"])["key"].to_list()
        keys = [*known, *range(-count, 0)]
        kept = pl.DataFrame({"key": keys, "category": ["0_1_degree"] * len(keys)}, schema=siblings.KEPT)
        kept_files.write(settings.data / kept_ties.FILE, kept.sort("key"))
        found = module.rules_in_force(settings, lake).siblings
        few = lake.read("occurrences", columns=["key"], among=pl.DataFrame({"key": known[:2]}))
    assert found.kept.height == len(keys)
    assert found.kept_at["event"].to_list() == ["e1"] * 3, "each at its own place"
    assert sorted(few["key"]) == sorted(known[:2])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"owner": "forestry", "source_kind": "national"}, "red list"),
        ({"country_code": "LA"}, BOUND),
        ({"publishing_country": "LA"}, BOUND),
        ({"label": "TK CL"}, BOUND),
        ({"area_id": "1"}, BOUND),
    ],
)
def test_a_list_is_told_by_its_name_unless_its_rule_is_bound_to_a_place(more, expected):
    rule = Rule("r", SharingCategory.WITHHELD, "rare", source="red list", scientific_name=TIGER, **more)
    assert list_of(rule) == expected
