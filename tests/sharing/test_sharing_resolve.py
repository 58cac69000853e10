"""What names call for: exactly, and all that the classification leaves where a name is not known."""

import json
import random

import polars as pl
import pytest

from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet, decide
from biodata.sharing.names import GROUPS, bundled_common_names, looked_up, may_be, with_opinions
from biodata.sharing.resolve import WORDS, Resolver, RulePlaces
from biodata.text.reference_list import CLASSIFICATION, reference_list
from biodata.text.tables import read_rows
from case_tables import cases
from mangled_names import mangled

BUNDLED = RuleSet.read(None)
OPEN, TENTH, ONE = "open", "0_1_degree", "1_degree"
STRICTNESS = {str(category): category.strictness for category in SharingCategory}


def frame_of(rows):
    """Return records; what is no column of theirs is stated by the source."""
    columns = set(terms.names(terms.OCCURRENCE)) - set(terms.STATED_TAXON[2:])
    told = [
        {name: value for name, value in row.items() if name in columns}
        | {
            "stated_taxon": json.dumps(stated)
            if (stated := {n: v for n, v in row.items() if n not in columns})
            else None
        }
        for row in rows
    ]
    return terms.conform(pl.DataFrame(told, infer_schema_length=None), terms.OCCURRENCE)


def categories(rows, rules=BUNDLED):
    found = rules.resolver.resolve(frame_of(rows))
    strictest = [
        max((str(rules.rules[n].category) for n in numbers), key=STRICTNESS.__getitem__, default=OPEN)
        for numbers in found.of_rows()
    ]
    return [strictest[place] for place in found.place]


def taxon(**row):
    return RuleSet.of(BUNDLED.rules).resolver.resolve(frame_of([row])).table["taxon"].item()


@pytest.mark.parametrize(
    ("name", "expected"),
    cases("sharing_resolve", "test_a_name_calls_for_the_rules_of_its_taxon_or_of_all_that_it_may_be"),
)
def test_a_name_calls_for_the_rules_of_its_taxon_or_of_all_that_it_may_be(name, expected):
    assert categories([{"scientificName": name}]) == [expected]


@pytest.mark.parametrize(
    ("stated", "expected"),
    cases("sharing_resolve", "test_a_name_that_is_not_known_is_what_the_stated_classification_leaves"),
)
def test_a_name_that_is_not_known_is_what_the_stated_classification_leaves(stated, expected):
    assert categories([{"scientificName": "Qqzqz qqzqz", **stated}]) == [expected]
    assert categories([stated]) == [expected], "no name at all"


def test_what_a_match_filled_in_is_not_stated():
    filled = {"scientificName": "Panthera tigirs", "kingdom": "Plantae", "match_type": "EXACT"}
    columns = pl.DataFrame([{**filled, "family": "Rosaceae"}, {"scientificName": "Qqzqz", "family": "Rosaceae"}])
    found = BUNDLED.resolver.resolve(terms.conform(columns, terms.OCCURRENCE))
    assert [len(found.of_rows()[place]) for place in found.place] == [len(BUNDLED.rules), 0]


def test_a_declared_scope_excludes_what_is_not_in_it():
    birds = Resolver(BUNDLED.rules, scopes=[("birds", "Aves"), ("cats", "Felidae")])
    frame = terms.conform(
        pl.DataFrame({"scientificName": ["Qqzqz"] * 3, "datasetKey": ["birds", "cats", "other"]}), terms.OCCURRENCE
    )
    found = birds.resolve(frame)
    classes = [{BUNDLED.rules[n].scientific_name for n in found.of_rows()[place]} for place in found.place]
    assert "Pavo muticus" in classes[0]
    assert not classes[0] & {"Panthera tigris", "Cuora"}
    assert classes[1] >= {"Panthera tigris", "Neofelis"}
    assert "Ursus" not in classes[1]
    assert len(classes[2]) == len(BUNDLED.rules)
    assert found.table["taxon"].to_list() == ["Aves", "Felidae", None]


@pytest.mark.parametrize("column", [*terms.STATED_TAXON[:7], "parts", "scientificName"])
def test_each_column_that_holds_a_name_is_looked_at(column):
    own = {"genericName": "Panthera", "specificEpithet": "tigris"} if column == "parts" else {column: "Panthera tigris"}
    other = {} if column == "scientificName" else {"scientificName": "Passer montanus"}
    assert categories([{**other, **own}]) == [TENTH]
    assert categories([{"scientificName": "Tigris regalis", "kingdom": "Animalia", **own}]) != [OPEN]


@pytest.mark.parametrize("column", terms.STATED_TAXON[:7])
def test_an_unknown_name_beside_a_known_one_fails_closed_and_unknown_words_do_not(column):
    expected = OPEN if column in WORDS else ONE
    assert categories([{"scientificName": "Passer montanus", column: "deer or so?"}]) == [expected]
    assert categories([{"scientificName": "Mammalia", column: "deer or so?"}]) == [ONE], "Mammalia may be a deer"
    assert categories([{"scientificName": "Passer montanus", column: " "}]) == [OPEN], "blank is not carried"


CHECKLIST = RuleSet.read(None).knowing(terms.conform(
    pl.DataFrame([
        {"scientificName": "Panthera tigirs", "taxonomicStatus": "ACCEPTED", "class": "Aves"},
        {"scientificName": "Rara nova", "taxonomicStatus": "ACCEPTED", "genus": "Rara", "synonyms": ["Panthera tigris"]},
        {"scientificName": "Vetus nova", "taxonomicStatus": "SYNONYM", "accepted": "Rara nova"},
        {"scientificName": "Passer montanus", "taxonomicStatus": "ACCEPTED", "names": ["harimau kecil"]},
        {"scientificName": "Panthera tigris", "taxonomicStatus": "ACCEPTED", "names": ["grosse Katze"]},
        {"scientificName": "Nova nova", "taxonomicStatus": "ACCEPTED", "family": "Elephantidae"},
    ]).select(
        pl.lit("c").alias("checklist"),
        pl.exclude("names", "accepted"),
        taxon_id="scientificName",
        accepted_taxon_id=pl.coalesce("accepted", "scientificName"),
        vernacular_details=pl.when(pl.col("names").is_not_null()).then(
            pl.concat_str(pl.lit('[{"name": "'), pl.col("names").list.first(), pl.lit('"}]'))
        ),
    ),
    terms.TAXON,
))  # fmt: skip


@pytest.mark.parametrize(("row", "expected"), [
    pytest.param({"scientificName": "Panthera tigirs"}, ONE, id="a typo in a checklist frees nothing"),
    pytest.param({"scientificName": "Panthera tigirs", "match_type": "EXACT"}, ONE, id="matched, too"),
    pytest.param({"scientificName": "Rara nova", "family": "Felidae"}, TENTH, id="the accepted name of a listed one"),
    pytest.param({"scientificName": "Rara nova", "family": "Passeridae"}, TENTH, id="whatever is stated"),
    pytest.param({"scientificName": "Vetus nova", "family": "Passeridae"}, TENTH, id="another synonym of it"),
    pytest.param({"scientificName": "grosse Katze", "family": "Passeridae"}, TENTH, id="a common name ties"),
    pytest.param({"scientificName": "harimau kecil"}, ONE, id="a common name frees nothing"),
    pytest.param({"scientificName": "Nova nova", "family": "Passeridae"}, TENTH, id="in a listed family"),
])  # fmt: skip
def test_checklists_tie_a_name_to_a_listed_taxon_and_make_none_known(row, expected):
    assert categories([row], CHECKLIST) == [expected]


def test_a_name_goes_out_as_its_accepted_one_or_as_the_lowest_group_that_is_known():
    assert taxon(scientificName="Felis tigris Linnaeus, 1758") == "Panthera tigris"
    assert taxon(scientificName="Panthera tigirs", family="Felidae", order="Carnivora") == "Felidae"
    assert taxon(scientificName="Panthera tigirs", family="Felidaa", order="Carnivora") == "Carnivora"
    assert taxon(scientificName="Panthera tigirs", kingdom="Plantae", family="Felidae") is None
    assert taxon(scientificName="Panthera tigirs") is None
    assert taxon(scientificName="Felidae") == "Felidae"
    matched = {"scientificName": "Panthera tigirs", "species": "Panthera pardus", "match_type": "FUZZY"}
    assert taxon(**matched, family="Felidae") == "Felidae", "what it was matched with is a guess"
    assert taxon(**matched, acceptedNameUsage="Panthera tigris") == "Panthera tigris"


@pytest.mark.parametrize(("row", "sure"), [
    pytest.param({"scientificName": "Panthera tigris corbetti"}, {"Panthera tigris"}, id="below the rule's taxon"),
    pytest.param({"scientificName": "Panthera"}, set(), id="a genus may be another"),
    pytest.param({"scientificName": "Panthera cf. tigris"}, set(), id="a doubt"),
    pytest.param({"scientificName": "tiger"}, set(), id="a common name"),
    pytest.param({"scientificName": "Panthera tigris", "acceptedNameUsage": "Panthera leo"}, set(), id="two names"),
    pytest.param({"scientificName": "Panthera tigris", "vernacularName": "big"}, {"Panthera tigris"}, id="words"),
])  # fmt: skip
def test_a_rule_is_sure_where_every_name_is_surely_of_its_taxon(row, sure):
    found = BUNDLED.resolver.resolve(frame_of([row]))
    assert {BUNDLED.rules[n].scientific_name for n in found.of_rows("sure")[0]} == sure


def test_a_taxon_that_no_list_knows_has_its_rules():
    rules = RuleSet.of([Rule("r", SharingCategory.WITHHELD, "rare", scientific_name="Rara nova", rank="SPECIES")])
    assert (
        categories([{"scientificName": "Rara nova"}, {"scientificName": "Rara nova Blume, 1825"}], rules)
        == ["withheld"] * 2
    )
    assert categories([{"scientificName": "Rara nov", "family": "Rosaceae"}], rules) == ["withheld"]
    assert categories([{"scientificName": "Passer montanus"}], rules) == [OPEN]


def test_every_listed_taxon_has_its_whole_classification():
    found = reference_list().look_up(pl.Series([rule.scientific_name for rule in BUNDLED.rules]))
    assert found.select(GROUPS).null_count().sum_horizontal().item() == 0
    assert found["name"].n_unique() == len(BUNDLED.rules)
    assert CLASSIFICATION[:5] == GROUPS


def test_old_and_common_names_of_listed_taxa_are_as_coarse_as_they():
    strictness = {rule.scientific_name: rule.category.strictness for rule in BUNDLED.rules}
    rows = read_rows("synonyms_of_listed.csv")
    assert all(row["source"] for row in rows)
    assert {row["scientificName"] for row in rows} <= set(strictness)
    found = categories([{"scientificName": row["synonym"]} for row in rows])
    pairs = zip(rows, found, strict=True)
    assert [row for row, category in pairs if STRICTNESS[category] < strictness[row["scientificName"]]] == []
    spoken = [(name, taxon) for name, taxa in bundled_common_names().items() for taxon in taxa if taxon in strictness]
    found = categories([{"vernacularName": name, "scientificName": "Passer montanus"} for name, _ in spoken])
    assert [one for one, category in zip(spoken, found, strict=True) if STRICTNESS[category] < strictness[one[1]]] == []


def test_no_spoilt_form_of_a_listed_name_is_open_save_where_it_is_another_name():
    rng = random.Random(7)
    listed = rng.sample([rule for rule in BUNDLED.rules if rule.rank == "SPECIES"], 12)
    forms = [(rule, form) for rule in listed for form in mangled(rule.scientific_name, rng)]
    found = BUNDLED.resolver.resolve(frame_of([{"scientificName": form} for _, form in forms]))
    strictest = [max((BUNDLED.rules[n].category.strictness for n in numbers), default=0) for numbers in found.of_rows()]
    leaked = [
        (rule.scientific_name, form)
        for (rule, form), place in zip(forms, found.place, strict=True)
        if strictest[place] < rule.category.strictness
        and found.table["taxon"][place].casefold() != form.split()[0].casefold()  # the genus of another animal
    ]
    assert leaked == []
    assert len(forms) > 700


def test_a_decision_asks_what_the_names_call_for():
    frame = frame_of(
        [{"scientificName": "Tigris regalis", "acceptedNameUsage": "Panthera tigris", "family": "Felidae"}]
    )
    assert decide(frame, BUNDLED, boundaries=load_boundaries())["category"].to_list() == [TENTH]
    assert BUNDLED.resolver is RuleSet.read(None).resolver, "made once"


def test_groups_exclude_the_same_rules_at_once_as_one_by_one():
    taxa = sorted({rule.scientific_name for rule in BUNDLED.rules if rule.scientific_name is not None})
    readings = looked_up([*taxa, "Carnivora", "Poaceae", "Hystrix", "Insecta"])
    lineages = {
        name: [with_opinions(one.groups, name) for one in readings.get(name, ())] for name in [*taxa, *readings]
    }
    own = {1 << n: lineages[name] or [{}] for n, name in enumerate(taxa)}
    own[1 << len(taxa)] = [*lineages["Hystrix"], *lineages["Carnivora"]]
    places = RulePlaces(own)
    for name, stated in lineages.items():
        one_by_one = sum(rule for rule, lineage in own.items() if may_be(lineage, stated))
        assert places.not_excluded(stated) == one_by_one, name


@pytest.mark.parametrize("name", [
    "Sus scrofa (?Panthera tigris)", "Sus scrofa cf. Panthera tigris", "Sus scrofa - tiger kill", "Felidae (tiger?)", "Sus scrofa 虎",
    "Sus scrofa / Panthera tigris", "Sus scrofa [Panthera tigirs]", "Carnivora indet. Panthera",
])  # fmt: skip
def test_a_second_taxon_in_a_name_counts_however_it_is_written(name):
    assert decided(name)


@pytest.mark.parametrize("name", ["Aves indet.", "Sus scrofa (Linnaeus, 1758)", "Columba livia (feral)", "Felidae"])
def test_a_group_or_authors_in_a_name_are_no_second_taxon(name):
    assert not decided(name)


def decided(name: str) -> bool:
    """Tell whether a rule of the list that is shipped makes a record of a name coarse."""
    row = {"key": 1, "scientificName": name, "kingdom": "Animalia", "countryCode": "LA", "decimalLatitude": 21.5,
           "decimalLongitude": 101.5}  # fmt: skip
    frame = terms.conform(pl.DataFrame([row]), terms.OCCURRENCE)
    return decide(frame, RuleSet.read(None), boundaries=load_boundaries()).height > 0
