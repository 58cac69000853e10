"""What goes out of sensitive records is looked for once for each state of lake and rules."""

import polars as pl
import pytest

import releases as fixture
from biodata import pipeline
from biodata.core.settings import Settings
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule
from biodata.store import rules_in_force as module
from biodata.store.lake import Lake
from biodata.store.rules_in_force import BOUND, list_of
from cited_records import BULBUL, OPEN_RULES, TIGER, change, record
from rule_files import put_rules

RULE = OPEN_RULES + "tigers,Panthera tigris,0_1_degree,poached,\n"


def test_the_records_are_read_again_only_where_something_changed(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    looked: list[int] = []
    decide = module.decide
    monkeypatch.setattr(module, "decide", lambda *given, **more: looked.append(1) or decide(*given, **more))
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    put_rules(settings.data, RULE)

    def looks():
        looked.clear()
        with Lake.open(settings.data) as lake:
            hidden = module.rules_in_force(settings, lake).plan.apart.hidden.height
        return len(looked), hidden

    change(settings.data, [record(1, BULBUL, "cameras", eventID="e1")])
    assert looks() == (1, 0)
    assert looks() == (0, 0)
    change(settings.data, [record(2, TIGER, "cameras", eventID="e1")])
    assert looks() == (1, 1)
    put_rules(settings.data, OPEN_RULES)
    assert looks() == (1, 0)
    put_rules(settings.data, RULE)
    assert looks() == (0, 1)


def test_more_datasets_than_a_filter_may_name_have_a_plan(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    monkeypatch.setattr(module, "MAXIMUM_VALUES", 2)
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    put_rules(settings.data, RULE)
    change(settings.data, [record(n, TIGER, f"cameras {n}") for n in range(3)])
    with Lake.open(settings.data) as lake:
        apart = module.rules_in_force(settings, lake).plan.apart
    assert apart.states.filter("published")["datasetKey"].n_unique() == 3


@pytest.mark.parametrize(("more", "expected"), [
    ({"owner": "forestry", "source_kind": "national"}, "red list"),
    ({"country_code": "LA"}, BOUND),
    ({"publishing_country": "LA"}, BOUND),
    ({"label": "TK CL"}, BOUND),
    ({"area_id": "1"}, BOUND),
])  # fmt: skip
def test_a_list_is_told_by_its_name_unless_its_rule_is_bound_to_a_place(more, expected):
    rule = Rule("r", SharingCategory.WITHHELD, "rare", source="red list", scientific_name=TIGER, **more)
    assert list_of(rule) == expected


def test_a_release_decides_again_about_changed_records_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
    settings = Settings(data=tmp_path / "data")
    settings.data.mkdir()
    put_rules(settings.data, RULE)
    change(settings.data, [record(n, species, "cameras") for n, species in enumerate([TIGER, BULBUL, TIGER])])
    change(settings.data, [record(9, TIGER, "walks")])
    pipeline.release(settings)
    looked: list[list[int]] = []
    decide = module.decide
    monkeypatch.setattr(
        module,
        "decide",
        lambda rows, *given, **more: looked.append(sorted(rows["key"])) or decide(rows, *given, **more),
    )

    def plan():
        looked.clear()
        with Lake.open(settings.data) as lake:
            keys = dict(lake.read("occurrences", columns=["source_record_id", "key"]).iter_rows())
            kept = module.rules_in_force(settings, lake, snapshot=lake.snapshot()).plan.apart
            seen = list(looked)
            # What was kept is what comes of looking at all.
            with monkeypatch.context() as inside:
                inside.setattr(module, "_changed", lambda *_: None)
                anew = module.rules_in_force(settings, lake, snapshot=lake.snapshot()).plan.apart
        # What is looked at again is no part of what is kept of records.
        for part, frame in ((name, rows) for name, rows in vars(kept).items() if name != "unsettled"):
            assert frame.sort(pl.all()).equals(vars(anew)[part].sort(pl.all())), part
        return keys, seen, set(kept.decided["key"])

    keys, seen, decided = plan()
    assert seen == []
    assert decided == {keys["cameras-0"], keys["cameras-2"], keys["walks-9"]}
    change(settings.data, [record(0, BULBUL, "cameras"), record(3, TIGER, "cameras")])
    keys, seen, decided = plan()
    assert seen == [sorted([keys["cameras-0"], keys["cameras-3"]])]
    assert decided == {keys["cameras-2"], keys["cameras-3"], keys["walks-9"]}
    change(settings.data, [], gone=[("cameras", "cameras-2")])
    keys, seen, decided = plan()
    assert decided == {keys["cameras-3"], keys["walks-9"]}
    put_rules(settings.data, OPEN_RULES)
    _, seen, decided = plan()
    assert len(seen[0]) == 4, "other rules: all are decided about"
    assert decided == set()
