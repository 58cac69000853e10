"""Common names of mammals and birds where a scientific name belongs: each is proposed a meaning, and none is taken."""

from importlib.resources import files

import polars as pl
import pytest

from biodata.core import terms
from biodata.ingest.headings import LANGUAGES
from biodata.sharing import RuleSet
from biodata.sharing.names import bundled_common_names, meaning
from biodata.text.reference_list import reference_list
from biodata.text.tables import read_rows
from name_checks import told

NAMES = {
    "en": {"wild boar": "Sus scrofa", "Wild Boar": "Sus scrofa", "Asian elephant": "Elephas maximus", "Tiger": "Panthera tigris",
           "macaque": "Macaca", "bird": "Aves", "barking deer": "Muntiacus",
           "Great Hornbill": "Buceros bicornis", "blue-throated barbets": "Psilopogon asiaticus", "blue throated barbet": "Psilopogon asiaticus",
           "Gray Peacock-Pheasant": "Polyplectron bicalcaratum", "lar gibbon": "Hylobates lar", "bulbul": "Pycnonotidae", "rats": "Rodentia"},
    "zh": {"野猪": "Sus scrofa", "亚洲象": "Elephas maximus", "老虎": "Panthera tigris", "水鹿": "Rusa unicolor", "猫头鹰": "Strigiformes",
           "红原鸡": "Gallus gallus", "赤麂": "Muntiacus muntjak", "黄麂": "Muntiacus reevesi", "野牛": "Bos", "望天树": "Parashorea chinensis", "白鷳": "Lophura nycthemera"},
    "th": {"หมูป่า": "Sus scrofa", "ช้างป่า": "Elephas maximus", "เสือโคร่ง": "Panthera tigris", "เก้ง": "Muntiacus", "นกเงือก": "Bucerotidae", "หมีขอ": "Arctictis binturong",
           "ผักตบชวา": "Pontederia crassipes"},
    "vi": {"lợn rừng": "Sus scrofa", "voi châu Á": "Elephas maximus", "hổ": "Panthera tigris", "gà rừng": "Gallus gallus", "cầy mực": "Arctictis binturong", "chò chỉ": "Parashorea chinensis"},
    "lo": {"ໝູປ່າ": "Sus scrofa", "ຊ້າງ": "Elephantidae", "ນົກຍູງ": "Pavo", "ຟານ": "Muntiacus", "ໄກ່ປ່າ": "Gallus gallus", "ໝີຄວາຍ": "Ursus thibetanus",
           "ຫມູປ່າ": "Sus scrofa", "ແລນ": "Varanus"},
    "km": {"ជ្រូកព្រៃ": "Sus scrofa", "ដំរី": "Elephantidae", "ខ្លា": "Felidae", "ក្ងោក": "Pavo", "រមាំង": "Rucervus eldii", "ឆ្មាដាវ": "Prionailurus bengalensis"},
    "my": {"တောဝက်": "Sus scrofa", "ဆင်": "Elephantidae", "ကျား": "Panthera tigris", "ဒေါင်း": "Pavo", "ချေ": "Muntiacus", "ဖျံ": "Mustelidae", "တောခွေး": "Cuon alpinus"},
    "ms": {"babi hutan": "Sus scrofa", "gajah": "Elephantidae", "harimau": "Panthera tigris", "enggang": "Bucerotidae", "memerang": "Mustelidae", "chengal": "Neobalanocarpus heimii"},
    "id": {"kancil": "Tragulidae", "monyet": "Primates", "kijang": "Muntiacus", "monyet ekor panjang": "Macaca fascicularis", "bekantan": "Nasalis larvatus",
           "luwak": "Paradoxurus hermaphroditus"},
    "fil": {"baboy ramo": "Sus", "elepante": "Elephantidae", "kalaw": "Bucerotidae", "labuyo": "Gallus gallus", "matsing": "Macaca", "alamid": "Paradoxurus hermaphroditus", "narra": "Pterocarpus indicus"},
}  # fmt: skip


@pytest.mark.parametrize("language", NAMES)
def test_a_common_name_is_told_with_the_taxon_that_it_means(language):
    names = NAMES[language]
    for (name, taxon), found in zip(names.items(), told(list(names), language=language), strict=True):
        (problem,) = found
        assert (problem["code"], problem["value"]) == ("NAME_COMMON", name)
        assert taxon in problem["expected"]


def test_every_taxon_that_a_common_name_means_is_in_the_reference_list_and_no_name_stands_twice():
    by_hand = pl.DataFrame(read_rows("vernacular_names.csv"))
    english = pl.read_parquet((files("biodata") / "data" / "common_names.parquet").read_bytes())
    taxa = {*by_hand["scientificName"], *english["scientificName"]}
    found = reference_list().look_up(pl.Series(sorted(taxa))).filter(status="ACCEPTED")
    assert taxa - set(found["name"]) == set()
    for table in (by_hand, english):
        assert table.filter(table.with_columns(pl.col("name").str.to_lowercase()).is_duplicated()).is_empty()


@pytest.mark.parametrize(
    "word", ["male", "drake", "turkey", "juvenile", "robin", "rice", "hill", "python", "sus scrofa", "7", "x"]
)
def test_a_word_that_means_something_else_in_a_sheet_is_no_common_name(word):
    assert meaning(word, bundled_common_names()) == frozenset()


def test_there_are_forty_of_them_in_ten_languages():
    assert set(NAMES) == set(LANGUAGES)
    assert sum(map(len, NAMES.values())) >= 40


def test_what_is_no_name_in_latin_blocks_and_what_looks_like_one_does_not():
    assert [[p["blocking"] for p in found] for found in told(["wild boar", "Wild Boar", "Tiger"])] == [
        [True], [False], [False],
    ]  # fmt: skip


def test_a_name_in_latin_is_none():
    latin = ["Sus scrofa", "Muntiacus", "Gorilla gorilla", "Dugong", "Argus", "Homo sapiens", "Aves"]
    assert [p["value"] for found in told(latin) for p in found if p["code"] == "NAME_COMMON"] == []


def test_common_names_of_a_checklist_are_known_too():
    row = {"scientificName": "Naemorhedus griseus", "vernacular_details": '[{"name": "ເຍືອງພູ"}]'}
    rules = RuleSet.read(None).knowing(terms.conform(pl.DataFrame([row]), terms.TAXON))
    ((problem,),) = told(["ເຍືອງພູ"], rules=rules)
    assert "Naemorhedus griseus" in problem["expected"]
    ((before,),) = told(["ເຍືອງພູ"])
    assert before["code"] == "SCIENTIFIC_NAME_UNREADABLE"


def test_names_are_matched_to_the_checklists_that_are_loaded_as_they_will_be():
    rows = [{"taxon_id": f"{n}", "scientificName": name, "checklist": "c", "taxonRank": "SPECIES", "taxonomicStatus": "ACCEPTED"}
            for n, name in enumerate(["Sus scrofa", "Rusa unicolor"])]  # fmt: skip
    known = terms.conform(pl.DataFrame(rows), terms.TAXON)
    names = ["Sus scrofa", "Rusa unicolour", "Wrongus namus"]
    assert [[p["code"] for p in found] for found in told(names, known=known)] == [
        [], ["TAXON_MATCH_FUZZY"], ["TAXON_MATCH_NONE"],
    ]  # fmt: skip
    assert told(names, known=known)[1][0]["expected"].endswith("Rusa unicolor is meant?")
    for none in ({}, {"known": known.clear()}):
        found = [[p["code"] for p in found] for found in told(names, **none)]
        assert found == [[], ["NAME_NEARLY_ANOTHER"], ["TAXON_MATCH_NONE"]], (
            "the reference list is there from the start"
        )
