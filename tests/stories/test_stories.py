"""The story of a record: what is told of each kind of change, of versions, of what goes out; nothing can steer a terminal."""

import json
import unicodedata
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata import pipeline, places, stories
from biodata.cli.explain import explain
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.harmonise.rules import RULES
from biodata.store.lake import Lake
from biodata.stories import record_story, words
from biodata.stories.words import as_text
from case_tables import cases
from store_records import TRUNG_KHANH, commit

HEADINGS = ("occurrenceID", "scientificName", "kingdom", "decimalLatitude", "decimalLongitude", "eventDate",
            "countryCode", "country", "individualCount", "locality", "county", "verbatimCoordinates",
            "coordinateUncertaintyInMeters", "field book")  # fmt: skip
HOSTILE = "so \x1b[31mred\x1b[0m \u202egnp.exe\x9b2J <script>alert('x')</script> & \u4e2d\u6587"
CHECKLIST = (
    "taxonID,scientificName,kingdom,family,genus,taxonRank,taxonomicStatus\n"
    "T1,Bos gaurus,Animalia,Bovidae,Bos,species,accepted\nT2,Muntiacus muntjak,Animalia,Cervidae,Muntiacus,species,accepted\n"
    "T3,Nomascus nasutus,Animalia,Hylobatidae,Nomascus,species,accepted\n"
)


def row(identifier, **cells):
    told = {"occurrenceID": identifier, "scientificName": "Muntiacus muntjak", "kingdom": "Animalia",
            "decimalLatitude": "20.71", "decimalLongitude": "101.93", "eventDate": "2020-01-02", "countryCode": "LA"}  # fmt: skip
    return {**dict.fromkeys(HEADINGS, ""), **told, **{name.replace("_", " "): cell for name, cell in cells.items()}}


def write(folder, name, rows):
    path = folder / name
    pl.DataFrame(rows, schema=dict.fromkeys(HEADINGS, pl.String)).write_csv(path)
    return path


def seat():
    points = places.load_gazetteer(places.load_boundaries()).seats["county"]
    return f"{points.latitude[0]:.5f}", f"{points.longitude[0]:.5f}"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stories")
    made = Settings(data=folder / "data", memory_limit="500MB")
    (folder / "mammals.csv").write_text(CHECKLIST, encoding="utf-8")
    pipeline.ingest("checklist", [folder / "mammals.csv"], made)
    latitude, longitude = seat()
    dirty = [
        row("excel", eventDate="38731"),
        row("swapped", decimalLatitude="101.93", decimalLongitude="20.71"),
        row("dms", decimalLatitude="20°42'36\"N", decimalLongitude="101°55'48\"E"),
        row("comma", decimalLatitude="20,71", decimalLongitude="101,93"),
        row("country", countryCode="", country="ລາວ"),
        row("no country", countryCode=""),
        row("odd country", countryCode="", country="the forest"),
        row("zero", individualCount="0"),
        row("fuzzy", scientificName="Muntiacus muntjac"),
        row("seat", decimalLatitude=latitude, decimalLongitude=longitude, countryCode=""),
        row("verbatim", decimalLatitude="", decimalLongitude="", verbatimCoordinates="20°42'36\"N, 101°55'48\"E"),
        row("unreadable", eventDate="the day after", decimalLatitude="north"),
        row("hostile", locality=HOSTILE, county="Long", field_book=HOSTILE),
        row("gibbon", scientificName="Nomascus nasutus", decimalLatitude="22.91837", decimalLongitude="106.50213",
            countryCode="VN", locality="the ridge"),
    ]  # fmt: skip
    pipeline.ingest("gbif", [write(folder, "dirty.csv", dirty)], made)
    orders = [row("first", eventDate="03/04/2010"), row("second", eventDate="25/03/2010")]
    pipeline.ingest("gbif", [write(folder, "orders.csv", orders)], made)
    thai = {"decimalLatitude": "18.1", "decimalLongitude": "99.6", "countryCode": "TH"}
    declared = [
        row("moved", eventDate="", coordinateUncertaintyInMeters="30", **thai),
        row("era", eventDate="2567-03-06", **thai),
    ]
    options = {"datum": "EPSG:4240", "calendar": "buddhist"}
    pipeline.ingest("gbif", [write(folder, "declared.csv", declared)], made, options=options)
    edited = [row("edited", locality="Nam Ha"), row("kept")]
    pipeline.ingest("gbif", [write(folder, "edited.csv", edited)], made)
    pipeline.release(made)
    edited = [row("edited", locality="Nam Ha", decimalLongitude="101.94"), row("kept")]
    pipeline.ingest("gbif", [write(folder, "edited.csv", edited)], made)
    return made


def fresh(settings, identifier):
    return stories.explain(None, settings, occurrence_id=identifier)


told = cache(fresh)


def value(story, column):
    return next(v for v in story.interpreted if v.column == column)


def by(uses):
    return [use.name for use in uses]


@pytest.mark.parametrize(
    ("identifier", "column", "interpreted", "how", "rules"), cases("stories", "test_each_value_says_how_it_came_about")
)
def test_each_value_says_how_it_came_about(settings, identifier, column, interpreted, how, rules):
    found = value(told(settings, identifier), column)
    assert str(found.how) == how
    assert by(found.rules) == rules or (rules == [] and how == "worked out")
    assert interpreted is None or found.value == pytest.approx(interpreted) if isinstance(interpreted, float) else True
    assert interpreted is None or isinstance(interpreted, float) or found.value == interpreted
    assert all(use.version == use.today == RULES[use.name].version for use in found.rules)


def test_the_verbatim_text_stands_beside_the_value(settings):
    assert value(told(settings, "dms"), "decimalLatitude").told == {"decimalLatitude": "20°42'36\"N"}
    assert value(told(settings, "country"), "countryCode").told == {"country": "ລາວ"}
    assert value(told(settings, "first"), "eventDate").told == {"eventDate": "03/04/2010"}
    from_text = value(told(settings, "verbatim"), "decimalLatitude")
    assert from_text.told == {"verbatimCoordinates": "20°42'36\"N, 101°55'48\"E"}
    assert from_text.value == pytest.approx(20.71)
    assert str(from_text.how) == "filled"


@pytest.mark.parametrize(("identifier", "column", "proposals"), [
    pytest.param("excel", "eventDate", [("2006-01-14", ["excel_serial_1900"]), ("2010-01-15", ["excel_serial_1904"])],
                 id="a spreadsheet's number"),
    pytest.param("swapped", "decimalLatitude", [("20.71", ["swap_latitude_longitude"])], id="swapped"),
])  # fmt: skip
def test_a_proposal_is_told_and_not_applied(settings, identifier, column, proposals):
    found = value(told(settings, identifier), column)
    assert found.value is None
    assert str(found.how) == "proposed, not applied"
    assert [(p.value, by(p.rules)) for p in found.proposals] == proposals


def test_a_moved_place_says_from_where_and_how_far_it_may_be_off(settings):
    story = told(settings, "moved")
    latitude, radius = value(story, "decimalLatitude"), value(story, "coordinateUncertaintyInMeters")
    assert str(latitude.how) == "repaired"
    assert latitude.told == {"decimalLatitude": "18.1"}
    assert "EPSG:4240" in value(story, "geodeticDatum").rules[0].detail
    assert by(radius.rules) == ["datum_uncertainty"]
    assert radius.value > 30
    assert story.history[-1].declared["datum"] == "EPSG:4240"


def test_a_doubt_says_what_it_means_what_found_it_and_which_tests_ask_for_it(settings):
    doubts = {doubt.name: doubt for doubt in told(settings, "seat").doubts}
    assert doubts["NEAR_COUNTY_SEAT"].rule.name == "stand_ins"
    assert "county" in doubts["NEAR_COUNTY_SEAT"].meaning
    assert "VALIDATION_COUNTRYCODE_NOTEMPTY" in doubts["COUNTRY_DERIVED_FROM_COORDINATES"].bdq


def test_the_match_of_the_name_says_type_confidence_and_checklist(settings):
    match = told(settings, "fuzzy").name_match
    assert match["match_type"] in {"FUZZY", "VARIANT"}
    assert 0 < match["match_confidence"] < 100
    assert (match["taxon_id"], "mammals" in match["checklist"]) == ("T2", True)


def test_what_no_value_is_read_from_is_kept_and_told(settings):
    assert told(settings, "hostile").also_told == {"county": "Long", "field book": HOSTILE}


def test_two_versions_tell_when_by_what_and_which_cells(settings):
    history = told(settings, "edited").history
    assert [version.what for version in history] == ["new", "changed"]
    assert history[0].snapshot < history[1].snapshot
    assert history[1].message == "ingest gbif: edited.csv"
    assert (history[1].source_file, history[1].source_row) == ("edited.csv", 2)
    changes = {(c.layer, c.column): (c.before, c.after) for c in history[1].changes}
    assert changes["interpreted", "decimalLongitude"] == (101.93, 101.94)
    assert changes["verbatim", "decimalLongitude"] == ("101.93", "101.94")
    assert ("interpreted", "locality") not in changes
    assert [version.what for version in told(settings, "kept").history] == ["new"]


def test_what_goes_out_stands_beside_what_is_inside(settings):
    story = told(settings, "gibbon")
    assert story.sharing.category != "open"
    assert story.sharing.rule
    outside = {name: out for name, inside, out in story.sharing.differences}
    assert outside["locality"] is None
    assert outside["decimalLatitude"] != value(story, "decimalLatitude").value
    assert value(story, "decimalLatitude").value == 22.91837
    opened = told(settings, "comma").sharing
    assert opened.category == "open"
    assert {name for name, _, out in opened.differences if out is None} <= words._NEVER_OUT


def test_a_release_older_than_the_last_version_says_so(settings):
    assert "before the last version" in str(told(settings, "edited"))
    assert "before the last version" not in str(told(settings, "comma"))


def test_a_rule_of_a_later_version_shows_both(settings, monkeypatch):
    later = replace(RULES["decimal_comma"], version=2)
    monkeypatch.setattr(record_story, "RULES", MappingProxyType({**RULES, "decimal_comma": later}))
    (use,) = value(fresh(settings, "comma"), "decimalLatitude").rules
    assert (use.version, use.today) == (1, 2)
    assert "decimal_comma v1, today v2" in str(fresh(settings, "comma"))


def test_a_record_that_was_interpreted_anew_says_by_which_other_rules(settings, tmp_path, monkeypatch):
    path = write(tmp_path, "anew.csv", [row("anew", decimalLatitude="20,71")])
    pipeline.ingest("gbif", [path], settings, options={"calendar": "gregorian"})
    monkeypatch.setattr(pipeline.ingesting, "rule_versions", lambda: {"decimal_comma": 3})
    pipeline.ingest("gbif", [path], settings, options={"datum": "GCJ-02"})
    story = stories.explain(None, settings, occurrence_id="anew")
    assert story.history[1].newer_rules == {"decimal_comma": (1, 3)}
    assert {change.layer for change in story.history[1].changes} == {"interpreted"}
    text = " ".join(str(story).split())
    assert "the same row, interpreted anew; other rules than before: decimal_comma v1 → v3" in text


def test_a_record_of_before_versions_were_kept_a_deleted_one_and_one_that_came_back(tmp_path):
    data = tmp_path / "data"
    with Lake.open(data) as lake:
        commit(lake, TRUNG_KHANH)
        commit(lake, TRUNG_KHANH[1:], complete_datasets=["cao-bang"])
    settings = Settings(data=data)
    story = stories.explain(None, settings, occurrence_id="TK-1", dataset="cao-bang")
    assert story.gone
    assert [version.what for version in story.history] == ["new", "gone"]
    assert value(story, "decimalLatitude").value == 22.9
    assert "no more in the lake" in str(story)
    assert story.history[0].rules is None
    assert "There is no release yet" in str(story)
    with Lake.open(data) as lake:
        commit(lake, TRUNG_KHANH)
    story = stories.explain(story.key, settings)
    assert not story.gone
    assert [version.what for version in story.history] == ["new", "gone", "back"]


def test_a_record_that_never_was_is_one_line(settings):
    with pytest.raises(InputError, match="no record has the number 7, and none ever had"):
        stories.explain(7, settings)
    with pytest.raises(InputError, match="there is no such record in the dataset dirty"):
        stories.explain(None, settings, occurrence_id="nobody", dataset="dirty")
    with pytest.raises(InputError, match="GBIF's number"):
        stories.explain(None, settings)


def test_an_identifier_of_two_datasets_asks_which(settings, tmp_path):
    for name in ("one.csv", "two.csv"):
        pipeline.ingest("gbif", [write(tmp_path, name, [row("twice")])], settings)
    with pytest.raises(InputError, match="one, two") as caught:
        told(settings, "twice")
    assert "\n" not in str(caught.value)
    assert stories.explain(None, settings, occurrence_id="twice", dataset="two").identity["datasetKey"] == "two"


def test_looking_makes_no_installation(tmp_path):
    with pytest.raises(StoreError, match="no installation"):
        stories.explain(1, Settings(data=tmp_path / "typo"))
    assert not (tmp_path / "typo").exists()


def test_hostile_text_cannot_steer_a_terminal(settings):
    story = told(settings, "hostile")
    assert value(story, "locality").value == HOSTILE
    for width in (40, 100):
        text = as_text(story, width=width)
        assert not [c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}]
        assert "‹U+001B›" in text


@given(st.text())
def test_no_text_leaves_a_control_behind(text):
    assert not [c for c in words.clean(text) if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [c for c in words.clean(text) if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF"}]


def test_the_command_answers_as_text_and_json(settings, capsys):
    story = told(settings, "hostile")
    explain(str(story.key), settings.data)
    assert capsys.readouterr().out == as_text(story)
    explain(None, settings.data, occurrence_id="hostile", dataset="dirty", as_json=True)
    out = capsys.readouterr().out
    assert json.loads(out) == json.loads(json.dumps(story.as_dict()))
    assert not [c for c in out if c != "\n" and unicodedata.category(c) in {"Cc", "Cf"}]


@pytest.mark.parametrize("named", [
    pytest.param({"key": "x"}, id="no number"),
    pytest.param({"key": "9" * 40}, id="too large a number"),
    pytest.param({}, id="nothing"),
    pytest.param({"key": "7", "gbif_id": "7"}, id="two ways"),
])  # fmt: skip
def test_a_record_that_is_not_well_named_is_one_line(settings, named):
    with pytest.raises(InputError) as caught:
        explain(data=settings.data, **named)
    assert "\n" not in str(caught.value)


def test_a_rule_that_is_no_more_is_still_named(settings, monkeypatch):
    left = {name: rule for name, rule in RULES.items() if name != "decimal_comma"}
    monkeypatch.setattr(record_story, "RULES", MappingProxyType(left))
    assert "decimal_comma v1, a rule that is no more" in str(fresh(settings, "comma"))


def test_lines_are_no_wider_than_asked_and_columns_stand_in_line(settings):
    for width in (60, 100):
        for line in as_text(told(settings, "hostile"), width=width).splitlines():
            assert sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= width
