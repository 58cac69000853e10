"""Scopes without a checklist: what they hold, what keeps it open, and which of their words may be told."""

import polars as pl
import pytest

import releases as fixture
from biodata.analysis.scopes import Holds, holding, standing, unclear
from biodata.analysis.surveys.joining import join
from biodata.analysis.surveys.results import results
from biodata.core.run_parameters import SurveyNumbers
from biodata.core.vocabularies import SharingCategory
from biodata.sharing import Rule, RuleSet
from biodata.sharing.names import bundled_common_names
from biodata.sharing.scopes import publishable_words
from case_tables import cases
from survey_worlds import event, events, record, records

BOUNDARIES = fixture.neighbours()
UNRANKED = dict.fromkeys(("genus", "family", "order", "class", "species"))
"""As a record stands in a lake without a checklist: its name, and nothing above it."""
GIBBONS = RuleSet.of([Rule("gibbons", SharingCategory.WITHHELD, "hunted", scientific_name="Nomascus concolor")])


def lists(*scopes):
    return pl.Series(scopes, dtype=pl.List(pl.String))


@pytest.mark.parametrize(
    ("scope", "name", "expected"), cases("survey_scopes", "test_a_scope_holds_a_taxon_without_any_checklist")
)
def test_a_scope_holds_a_taxon_without_any_checklist(scope, name, expected):
    assert holding(lists(scope, None, []), standing(name, {})).to_list() == [expected, None, None]


def test_what_records_tell_above_a_species_goes_before_the_bundled_lists():
    assert holding(lists(["Mammalia"]), standing("Ignotus yus", {"class": ["Mammalia"]})).to_list() == [Holds.INSIDE]
    pig = standing("Sus scrofa", {"order": ["Artiodactyla"]})
    assert holding(lists(["Cetartiodactyla"]), pig).to_list() == [Holds.INSIDE]
    grass = standing("Hystrix patula", {"kingdom": ["Plantae"]})
    assert holding(lists(["Mammalia"]), grass).to_list() == [Holds.OUTSIDE]
    # A family that the bundled lists lack and a checklist has.
    asked = standing("Sus scrofa", {})
    assert holding(lists(["Ignotidae"]), asked, ranks={"ignotidae": "family"}).to_list() == [Holds.OUTSIDE]


def test_what_keeps_a_scope_open_is_named():
    told = pl.DataFrame({"scientificName": ["Sus scrofa", "Ignotus yus", "Ignotus yus"]})
    assert unclear(lists(["Mammalia", "Mamalla"], None), told) == (["Ignotus yus"], ["Mamalla"])
    placed = told.with_columns(pl.lit("Mammalia").alias("class"))
    assert unclear(lists(["Mammalia"]), placed) == ([], [])


def test_first_results_need_no_checklist():
    joined = join(
        events(*(event(name, targetTaxonomicScope=["Mammalia", "Galliformes"]) for name in "abc")),
        records(*(record(at, f"2026-01-0{n}T05:00:00+07:00") | UNRANKED for n, at in enumerate("aab", start=2))),
    )
    told = results(joined, SurveyNumbers())
    assert told["abundance"][0]["by"]["joint"]["effort"] == 90
    assert told["occupancy"][0]["by"]["joint"]["found_at"] == 2
    assert told["occupancy"][0]["by"]["joint"]["sites"] == 3


def test_an_unknown_class_is_not_said_to_be_outside_the_scope():
    row = record("a", "2026-01-02") | UNRANKED | {"scientificName": "Ignotus yus"}
    told = results(join(events(event("a")), records(row)), SurveyNumbers())
    reason = told["abundance"][0]["by"]["joint"]["refused"]
    assert "outside" not in reason
    assert "biodata ingest checklist FILE" in reason


WORDS = [
    *"gibbon gibbons Gibbon ชะนี 长臂猿 vượn ທະນີ ទោច မျောက်လွှဲကျော် owa ungka Nomascus Hylobatidae langur".split(),
    "Nomascus concolor",
    "Nomascus concolor (Harlan, 1826)",
    "black gibbons of the ridge",
    "Mammalia gibbons",
]


def test_a_scope_never_names_what_is_withheld_in_whatever_language():
    assert told(WORDS, GIBBONS) == []


def test_a_broad_scope_is_told_and_so_is_what_is_not_withheld():
    words = ["Mammalia", "mammals", "สัตว์เลี้ยงลูกด้วยนม", "哺乳动物", "thú", "Primates", "Galliformes", "Sus scrofa",
             "Felidae", "chim"]  # fmt: skip
    assert told(words, GIBBONS) == words
    bats = RuleSet.of([Rule("bats", SharingCategory.WITHHELD, "roosts", scientific_name="Chiroptera", rank="ORDER")])
    assert told(["Chiroptera", "Mammalia", "Carnivora"], bats) == ["Mammalia", "Carnivora"]


FEW = RuleSet.of([
    Rule(name, SharingCategory.WITHHELD, "hunted", scientific_name=name)
    for name in """Manis javanica|Manis pentadactyla|Elephas maximus|Dugong dugon|Dicerorhinus sumatrensis""".split("|")
])  # fmt: skip
HIDDEN_TAXA = {"Manis", "Elephantidae", "Elephas maximus", "Rhinocerotidae"}
IN_TEN_LANGUAGES = sorted(name for name, taxa in bundled_common_names().items() if taxa & HIDDEN_TAXA)


def told(words, rules=FEW):
    """Return those of some words that may be published, each of them of a scope of its own."""
    frame = pl.DataFrame({"datasetKey": [f"d{n}" for n in range(len(words))], "word": words})
    return frame.filter(publishable_words(frame, rules, boundaries=BOUNDARIES))["word"].to_list()


def test_an_order_of_few_genera_is_not_told_where_one_is_withheld():
    words = ["Pholidota", "pholidota", "Sirenia", "Proboscidea", "Perissodactyla", "Manidae", "Pangolins", "RHINOCEROS", "rhinos",
             "pangolin, elephant", "儒艮", "duyong", "พะยูน", "bò biển"]  # fmt: skip
    assert told(words) == []


def test_a_common_name_of_what_is_withheld_is_told_in_no_language():
    assert told(IN_TEN_LANGUAGES) == []
    assert len(IN_TEN_LANGUAGES) > 45


def test_an_order_is_told_where_nearly_all_of_its_genera_may_be():
    wide = ["Primates", "Carnivora", "Rodentia", "Mammalia", "Aves"]
    assert told(wide) == wide
    assert told(["Sirenia"], GIBBONS) == ["Sirenia"]  # no rule withholds any of it
    monkeys = "Macaca Trachypithecus Presbytis Pygathrix Nomascus Hylobates Nycticebus Pongo Nasalis".split()
    many = [Rule(name, SharingCategory.WITHHELD, "hunted", scientific_name=name, rank="GENUS") for name in monkeys]
    assert told(["Primates"], RuleSet.of(many)) == []
    family = Rule("colobines", SharingCategory.WITHHELD, "hunted", scientific_name="Cercopithecidae", rank="FAMILY")
    assert told(["Primates"], RuleSet.of([family])) == []
    assert told(["Mammalia"], RuleSet.of([*many, family])) == ["Mammalia"]


@pytest.mark.parametrize(("excluded", "expected"), [
    (["Chiroptera"], Holds.OUTSIDE), (["Rhinolophus"], Holds.OUTSIDE), (["Primates"], Holds.INSIDE),
    (None, Holds.INSIDE), ([], Holds.INSIDE), (["Nobodyknowsia"], Holds.UNREAD),
])  # fmt: skip
def test_what_is_excluded_is_outside_and_what_nobody_can_read_leaves_it_open(excluded, expected):
    bat = standing("Rhinolophus affinis", {})
    assert holding(lists(["Mammalia"], None), bat, excluded=lists(excluded, ["Aves"])).to_list() == [expected, None]
