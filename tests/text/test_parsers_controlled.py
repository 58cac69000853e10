"""Controlled values and licences, in GBIF's spelling."""

import csv
from importlib.resources import files

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text import controlled
from biodata.text.controlled import Vocabulary, parse_controlled, parse_licence, parse_licences, parse_term
from case_tables import cases


@pytest.mark.parametrize(
    ("told", "vocabulary", "term"),
    [
        pytest.param("Human observation", Vocabulary.BASIS_OF_RECORD, "HUMAN_OBSERVATION", id="two words"),
        pytest.param("HumanObservation", Vocabulary.BASIS_OF_RECORD, "HUMAN_OBSERVATION", id="Darwin Core's spelling"),
        pytest.param("camera trap", Vocabulary.BASIS_OF_RECORD, "MACHINE_OBSERVATION", id="camera trap"),
        pytest.param("红外相机", Vocabulary.BASIS_OF_RECORD, "MACHINE_OBSERVATION", id="camera trap in Chinese"),
        pytest.param("bẫy ảnh", Vocabulary.BASIS_OF_RECORD, "MACHINE_OBSERVATION", id="camera trap in Vietnamese"),
        pytest.param("UNKNOWN", Vocabulary.BASIS_OF_RECORD, "OCCURRENCE", id="an old GBIF value"),
        pytest.param("photo", Vocabulary.BASIS_OF_RECORD, "OBSERVATION", id="a person's or a camera trap's"),
        pytest.param("Sound recording", Vocabulary.BASIS_OF_RECORD, "OBSERVATION", id="a person's or a recorder's"),
        pytest.param(
            "Literature", Vocabulary.BASIS_OF_RECORD, "MATERIAL_CITATION", id="what GBIF made of the old value"
        ),
        pytest.param("seen", Vocabulary.BASIS_OF_RECORD, None, id="not known"),
        pytest.param("Rare 1-4", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="figures behind"),
        pytest.param("ausente", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="absent in Spanish"),
        pytest.param("Dudoso", Vocabulary.OCCURRENCE_STATUS, None, id="doubtful"),
        pytest.param("VU", Vocabulary.OCCURRENCE_STATUS, None, id="a Red List category, no status"),
        pytest.param("песня, голос", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="heard, in Russian"),
        pytest.param("Average cover: 26-50%", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="it covers something"),
        pytest.param("Average cover: 0%", Vocabulary.OCCURRENCE_STATUS, None, id="it covers nothing"),
        pytest.param("ไม่พบ", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="not found in Thai"),
        pytest.param("không có", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="absent in Vietnamese"),
        pytest.param("ບໍ່ພົບ", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="not found in Lao"),
        pytest.param("មាន", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="there is in Khmer"),
        pytest.param("မတွေ့ရှိ", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="not found in Burmese"),
        pytest.param("♀", Vocabulary.SEX, "FEMALE", id="sign"),
        pytest.param("雄", Vocabulary.SEX, "MALE", id="male in Chinese"),
        pytest.param("ເພດແມ່", Vocabulary.SEX, "FEMALE", id="female in Lao"),
        pytest.param("trống", Vocabulary.SEX, "MALE", id="a cock in Vietnamese"),
        pytest.param("အထီး", Vocabulary.SEX, "MALE", id="male in Burmese"),
        pytest.param("con trưởng thành", Vocabulary.LIFE_STAGE, "Adult", id="adult in Vietnamese"),
        pytest.param("ตัวเต็มวัย", Vocabulary.LIFE_STAGE, "Adult", id="adult in Thai"),
        pytest.param("正模标本", Vocabulary.TYPE_STATUS, "HOLOTYPE", id="holotype in Chinese"),
        pytest.param("Holotypus", Vocabulary.TYPE_STATUS, "HOLOTYPE", id="holotype in Latin"),
        pytest.param("外来入侵", Vocabulary.ESTABLISHMENT_MEANS, "INTRODUCED", id="invasive in Chinese"),
        pytest.param("châu Á", Vocabulary.CONTINENT, "ASIA", id="Asia in Vietnamese"),
        pytest.param("LR/nt", Vocabulary.THREAT_STATUS, "NEAR_THREATENED", id="an old Red List category"),
        pytest.param("LR/cd", Vocabulary.THREAT_STATUS, "NEAR_THREATENED", id="a category that IUCN gave up in 2001"),
        pytest.param("provisionally accepted name", Vocabulary.TAXONOMIC_STATUS, "DOUBTFUL", id="accepted for now"),
        pytest.param("subjective synonym", Vocabulary.TAXONOMIC_STATUS, "HETEROTYPIC_SYNONYM", id="another type"),
        pytest.param("p.p.", Vocabulary.TAXONOMIC_STATUS, "PROPARTE_SYNONYM", id="in part"),
        pytest.param("N. America", Vocabulary.CONTINENT, "NORTH_AMERICA", id="short form of a continent"),
        pytest.param("nothosubsp.", Vocabulary.TAXON_RANK, "SUBSPECIES", id="a hybrid has the rank of its equals"),
        pytest.param("juv.", Vocabulary.LIFE_STAGE, "Juvenile", id="short form"),
        pytest.param("ssp.", Vocabulary.TAXON_RANK, "SUBSPECIES", id="rank marker"),
        pytest.param("native!", Vocabulary.ESTABLISHMENT_MEANS, "NATIVE", id="punctuation"),
        pytest.param("Holotypes", Vocabulary.TYPE_STATUS, "HOLOTYPE", id="plural"),
        pytest.param("EPSG:4326", Vocabulary.DATUM, "WGS84", id="code of WGS 84"),
        pytest.param("北京54", Vocabulary.DATUM, "EPSG:4214", id="Beijing 1954"),
    ],
)
def test_terms(told, vocabulary, term):
    assert parse_term(told, vocabulary) == term
    assert parse_controlled(pl.Series([told, None]), vocabulary)["term"].to_list() == [term, None]


@pytest.mark.parametrize("vocabulary", Vocabulary)
def test_no_name_means_two_terms(vocabulary):
    text = (files("biodata") / "data" / f"{vocabulary}.csv").read_text(encoding="utf-8")
    seen: dict[str, str] = {}
    for row in csv.DictReader(text.splitlines()):
        for name in {row["value"], *row["names"].split("|")} - {""}:
            key = controlled.plain_key(name)
            assert key, name
            assert seen.setdefault(key, row["value"]) == row["value"], name


@pytest.mark.parametrize(("told", "licence"), cases("parsers_controlled", "test_licences"))
def test_licences(told, licence):
    assert parse_licence(told) == licence


@given(st.lists(st.text(), max_size=6), st.sampled_from(Vocabulary))
def test_no_text_whatever_raises(texts, vocabulary):
    values = pl.Series(texts, dtype=pl.String)
    assert parse_controlled(values, vocabulary)["value"].to_list() == texts
    assert parse_licences(values)["value"].to_list() == texts
