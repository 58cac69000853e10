"""Names that no rule knows: a rule is left aside only for a fact that speaks against it."""

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from biodata import terms
from biodata.places import load_boundaries
from biodata.sharing import Rule, RuleSet
from biodata.sharing.decide import decide
from biodata.sharing.taxonomy import bundled
from biodata.vocabularies import SharingCategory

BOUNDARIES = load_boundaries()
BUNDLED = RuleSet.read(None)
OPEN, TENTH, ONE = "open", "0_1_degree", "1_degree"


def category(rules=BUNDLED, **row):
    frame = terms.conform(pl.DataFrame([row or {"scientificName": None}]), terms.OCCURRENCE)
    found = decide(frame, rules, boundaries=BOUNDARIES)
    return found["category"].item() if found.height else OPEN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("亚洲象", TENTH, id="Chinese"),
        pytest.param("亞洲象", TENTH, id="traditional Chinese"),
        pytest.param("voi châu Á", TENTH, id="Vietnamese"),
        pytest.param("ช้างเอเชีย", TENTH, id="Thai"),
        pytest.param("ຊ້າງ", TENTH, id="Lao"),
        pytest.param("ដំរី", TENTH, id="Khmer"),
        pytest.param("ဆင်", TENTH, id="Burmese"),
        pytest.param("gajah asia", TENTH, id="Indonesian"),
        pytest.param("Harimau belang", TENTH, id="Malay"),
        pytest.param("elepante", TENTH, id="Filipino"),
        pytest.param("Asian Elephant", TENTH, id="English"),
        pytest.param("Слон индийский", ONE, id="a language that no list knows"),
        pytest.param("Elefas maximus", TENTH, id="a slip that sounds the same"),
        pytest.param("Elephas maximas", TENTH, id="a slip in the epithet"),
        pytest.param("Elehpas maximus", TENTH, id="letters changed places"),
        pytest.param("E. maximus", TENTH, id="genus of one letter"),
        pytest.param("Elephas max.", TENTH, id="epithet of three letters"),
        pytest.param("Elephas sp.", TENTH, id="only the genus"),
        pytest.param("Elephas sp. 1", TENTH, id="a numbered species of the genus"),
        pytest.param("Elephantidae", TENTH, id="only the family"),
        pytest.param("Panthera", TENTH, id="a genus that holds listed species"),
        pytest.param("Panthera spec.", TENTH, id="spec."),
        pytest.param("Felidae indet.", TENTH, id="a family that holds listed species"),
        pytest.param("Mammalia", ONE, id="a class: the strictest in it"),
        pytest.param("Primates", ONE, id="an order: the strictest in it"),
        pytest.param("Bos sp.", ONE, id="a genus: the strictest in it"),
        pytest.param("Animalia", ONE, id="a kingdom"),
        pytest.param("", ONE, id="empty"),
        pytest.param(" - ", ONE, id="signs"),
        pytest.param("ELMA01", ONE, id="a code"),
        pytest.param("large mammal, unidentified", ONE, id="words"),
        pytest.param("Argus pheasant", ONE, id="a common name that begins with a genus"),
        pytest.param("Panthera tiger", TENTH, id="half a common name"),
        pytest.param("Felis tigris Linnaeus, 1758", TENTH, id="another genus of the family, the same epithet"),
        pytest.param("Selenarctos thibetanus", TENTH, id="an old genus"),
        pytest.param("Panthera leo × tigris", TENTH, id="a hybrid"),
        pytest.param("Panthera leo or Panthera tigris", TENTH, id="either of two"),
        pytest.param("PANTHERA TIGRIS", TENTH, id="capitals"),
        pytest.param("Nomascuss concolor", ONE, id="a slip in a listed genus: any of its species"),
        pytest.param("Rhinopithecuss sp.", ONE, id="a slip in a genus that holds a stricter species"),
        pytest.param("Passer montanus", OPEN, id="a sparrow"),
        pytest.param("PASSER MONTANUS (Linnaeus, 1758)", OPEN, id="a sparrow in capitals"),
        pytest.param("麻雀", OPEN, id="a sparrow in Chinese"),
        pytest.param("Passer Brisson, 1760", OPEN, id="a genus without listed species"),
        pytest.param("Passeridae", OPEN, id="a family without listed species"),
        pytest.param("Bos taurus", OPEN, id="near to a listed name and known to be another"),
        pytest.param("Sus scrofa", OPEN, id="a pig"),
        pytest.param("Homo sapiens", OPEN, id="people in a camera trap"),
        pytest.param("Rattus tanezumi", OPEN, id="a rat"),
        pytest.param("Muntiacus muntjak", OPEN, id="another species of a genus with listed ones"),
        pytest.param("Ficus sp.", OPEN, id="figs"),
        pytest.param("Sturnus maximus", OPEN, id="the epithet in another family"),
    ],
)
def test_a_name_is_open_only_where_it_is_surely_another(name, expected):
    assert category(scientificName=name) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({}, ONE, id="nothing at all"),
        pytest.param({"class": "Aves"}, ONE, id="no name, a bird"),
        pytest.param({"family": "Passeridae"}, OPEN, id="no name, a sparrow's family"),
        pytest.param({"family": "Felidae"}, TENTH, id="no name, a cat's family"),
        pytest.param({"scientificName": "???", "order": "Coleoptera"}, OPEN, id="no name, a beetle"),
        pytest.param({"scientificName": "???", "order": "Lepidopteraa"}, ONE, id="an order that nobody knows"),
        pytest.param({"scientificName": "BOLD:ACQ1234", "genus": "Passer"}, OPEN, id="a code and a genus"),
        pytest.param({"scientificName": "Cat 3", "genus": "Panthera"}, TENTH, id="a code and a listed genus"),
        pytest.param({"scientificName": "Loxodonta africana"}, TENTH, id="a family by its genus alone"),
        pytest.param(
            {"scientificName": "Ignota ignota", "species": "Ignota ignota", "genus": "Ignota", "speciesKey": 7},
            OPEN,
            id="a genus that only GBIF's backbone knows",
        ),
        pytest.param(
            {"scientificName": "Bos gaurur", "species": "Bos gaurur", "match_type": "EXACT"},
            OPEN,
            id="near to a listed name, and a taxon of its own in a checklist",
        ),
        pytest.param(
            {"scientificName": "Panthera ignota", "match_type": "HIGHERRANK"},
            TENTH,
            id="a checklist knows the genus and not the species",
        ),
    ],
)
def test_other_columns_speak_against_a_rule_or_for_it(row, expected):
    assert category(**row) == expected


def test_common_names_and_synonyms_of_a_checklist_are_followed():
    taxa = terms.conform(
        pl.DataFrame(
            {
                "checklist": ["c", "c", "c"],
                "taxon_id": ["1", "2", "3"],
                "accepted_taxon_id": ["1", "1", "3"],
                "scientificName": ["Rara nova", "Vetus rara", "Plebs communis"],
                "taxonomicStatus": ["ACCEPTED", "SYNONYM", "ACCEPTED"],
                "genus": ["Rara", None, "Plebs"],
                "family": ["Raridae", None, "Plebidae"],
                "vernacular_details": ['[{"name":"小怪","language":"zh"}]', None, '[{"name":"小常","language":"zh"}]'],
            }
        ),
        terms.TAXON,
    )
    rule = Rule("r", SharingCategory.WITHHELD, "rare", scientific_name="Vetus rara", rank="SPECIES")
    rules = RuleSet((rule,), bundled().with_checklists(taxa, ["Vetus rara"]))
    known = {"species": "Rara nova", "scientificName": "Rara nova", "match_type": "EXACT"}
    assert category(rules, **known) == "withheld"
    assert category(RuleSet((rule,)), **known) == OPEN
    assert category(rules, scientificName="小怪") == "withheld"
    assert category(rules, scientificName="小常") == OPEN
    assert category(rules, scientificName="Raridae") == "withheld"
    assert category(rules, scientificName="Plebidae") == OPEN


LISTED = [rule for rule in BUNDLED.rules if rule.rank == "SPECIES"]


@settings(max_examples=150)
@given(st.sampled_from(LISTED), st.data())
def test_one_slip_never_opens_a_listed_species(rule, data):
    name = rule.scientific_name
    at = data.draw(st.integers(1, len(name) - 1))
    assume(name[at] != " " and name[at - 1] != " ")
    letter = data.draw(st.sampled_from("aeioustrnlh"))
    slip = data.draw(
        st.sampled_from(
            [name[:at] + name[at + 1 :], name[:at] + letter + name[at + 1 :], name[:at] + letter + name[at:]]
        )
    )
    assume(slip.lower() not in bundled().apart)
    found = SharingCategory(category(scientificName=slip))
    assert found.strictness >= rule.category.strictness
