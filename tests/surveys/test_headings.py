"""Headings in ten languages: the right term, its unit, and never certain where two things can be meant."""

import unicodedata

import pytest

from biodata.ingest.headings import CERTAIN, LANGUAGES, Why, heading_of, propose, split_unit
from biodata.ingest.headings.dictionary import TERMS
from biodata.ingest.headings.plain import is_zawgyi, without_marks
from biodata.surveys import words
from biodata.text.tables import read_rows
from case_tables import cases


def certain(headings, **told):
    return {p.heading: p.term for p in propose(headings, **told) if p.term is not None and p.confidence > CERTAIN}


def one(heading, **options):
    return propose([heading], **options)[0]


@pytest.mark.parametrize(("heading", "term"), cases("headings", "test_a_known_heading_is_certain"))
def test_a_known_heading_is_certain(heading, term):
    found = one(heading)
    assert (found.term, found.confidence > CERTAIN) == (term, True)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_every_composition_of_a_heading_is_the_same(form):
    rows = [row for row in read_rows("heading_words.csv") if row["language"] != "en"]
    for row in rows:
        heading = row["headings"].split("|")[0]
        plain, composed = one(heading), one(unicodedata.normalize(form, heading))
        assert (composed.term, composed.confidence) == (plain.term, plain.confidence), heading


@pytest.mark.parametrize("heading", ["Date", "日期", "ວັນທີ", "X", "Species", "ชนิด", "loài", "Bil.", "单位", "名称"])
def test_what_can_mean_two_things_is_never_certain_and_says_so(heading):
    found = one(heading)
    assert found.confidence <= CERTAIN
    assert found.why is Why.SEVERAL
    assert certain([heading]) == {}


@pytest.mark.parametrize(("heading", "term", "unit"), cases("headings", "test_the_unit_in_a_heading_is_told"))
def test_the_unit_in_a_heading_is_told(heading, term, unit):
    found = one(heading)
    assert (found.term, found.unit) == (term, unit)


@pytest.mark.parametrize("heading", cases("headings", "test_what_only_looks_like_known_words_is_proposed_nothing"))
def test_what_only_looks_like_known_words_is_proposed_nothing(heading):
    found = one(heading)
    assert found.term is None or found.confidence < 0.6


def test_a_word_that_is_a_unit_elsewhere_is_read_with_the_heading():
    assert (one("Country_ISO").term, one("Country_ISO").unit) == ("countryCode", None)


def test_a_unit_that_does_not_fit_makes_the_term_doubtful():
    found = one("Latitude (kg)")
    assert (found.why, found.confidence <= 0.5) == (Why.UNIT_STRANGE, True)
    assert split_unit("sea") == ("sea", None)


def test_zawgyi_is_read_and_told():
    found = one("ေန႔စြဲ")
    assert (found.term, found.why) == ("eventDate", Why.ZAWGYI)
    assert one("နေ့စွဲ").why is Why.SEVERAL


def test_two_headings_of_one_term_are_nobodys():
    found = propose(["学名", "拉丁名"])
    assert [p.confidence <= 0.5 for p in found] == [True, True]
    assert {p.why for p in found} == {Why.REPEATED}


def test_what_was_kept_comes_first_and_is_certain():
    kept = {"ວັນທີ": "eventDate", "ໝາຍເຫດ": ""}
    assert certain(["ວັນທີ", "ໝາຍເຫດ"], kept=kept) == {"ວັນທີ": "eventDate"}


@pytest.mark.parametrize(
    ("heading", "cells"), [("ຊື່ງູ", ["12", "13", "14"]), ("Bilang ng unggoy", ["marami", "kaunti", "wala"])]
)
def test_cells_rule_out_what_a_heading_seemed_to_mean(heading, cells):
    assert one(heading).term is not None
    assert one(heading, cells={heading: cells}).term is None


@pytest.mark.parametrize("heading", [
    # Where a language has a word for an elevation, its plain height is a tree's; X within a plot is no easting.
    "Height (m)", "height", "Chiều cao (m)", "Tinggi (m)", "Taas", "Tree height (m)", "样地内Y坐标", "relative x",
    # Not every name is a species', and not every number a count.
    "Nama pembekal", "ปริมาณน้ำฝน", "Tên cha", "ເງິນເດືອນ", "លេខគណនី", "စာမျက်နှာအမှတ်", "月工资", "Numero ng pahina",
    "Nomor KTP",
])  # fmt: skip
def test_what_is_measured_of_a_thing_or_is_no_record_outdoes_a_common_word_beside_it(heading):
    assert one(heading).term is None


@pytest.mark.parametrize(("heading", "term"), cases("headings", "test_heights_by_their_unit_and_vietnamese_as_a_whole"))
def test_heights_by_their_unit_and_vietnamese_as_a_whole(heading, term):
    assert one(heading).term == term


@pytest.mark.parametrize(
    ("heading", "term"), cases("headings", "test_what_is_read_from_words_that_stand_together_is_never_certain")
)
def test_what_is_read_from_words_that_stand_together_is_never_certain(heading, term):
    found = one(heading)
    assert (found.term, found.confidence <= CERTAIN) == (term, True)


def test_an_english_heading_is_read_in_english():
    """Words that other languages have taken over do not have fewer meanings for it."""
    assert {one(heading).term for heading in ("survey num", "trip no", "visit nr")} == {"eventID"}


def test_the_dictionary_speaks_ten_languages_of_known_terms():
    rows = read_rows("heading_words.csv")
    assert {row["language"] for row in rows} == set(LANGUAGES)
    for file in ("heading_words.csv", "heading_systems.csv", "heading_doubts.csv"):
        for row in read_rows(file):
            terms = row.get("term", row.get("terms")).split("|")
            assert set(terms) <= {*TERMS, ""}, row
    for term in {row["term"] for row in rows} - {""}:
        for language in LANGUAGES:
            assert heading_of(term, language), (term, language)


@pytest.mark.parametrize("text", ["ေန႔စြဲ", "အေရအတြက္", "ေနရာ", "မွတ္ခ်က္", "သိပၸံအမည္", "ျမန္မာ", "ၿမိဳ႕နယ္", "ပင္လယ္ေရမ်က္ႏွာျပင္"])
def test_zawgyi_is_recognised(text):
    assert is_zawgyi(text)


@pytest.mark.parametrize("text", cases("headings", "test_other_languages_of_myanmar_are_no_zawgyi"))
def test_other_languages_of_myanmar_are_no_zawgyi(text):
    assert not is_zawgyi(text)


def test_no_heading_and_no_word_of_ours_looks_like_zawgyi():
    told = [row["headings"] for row in read_rows("heading_words.csv")]
    told += [text for texts in words.words("my").values() for text in texts]
    assert not [text for text in told if is_zawgyi(text)]


def test_vietnamese_without_marks_is_proposed_and_never_wrong_for_sure():
    tried = right = 0
    for row in (row for row in read_rows("heading_words.csv") if row["language"] == "vi"):
        for heading in row["headings"].split("|"):
            bare = without_marks(unicodedata.normalize("NFC", heading.replace("Đ", "D")))
            if bare == heading:
                continue
            found = one(bare)
            meant = row["term"] in (found.term or "", *found.others)
            tried, right = tried + 1, right + meant
            assert meant or found.confidence <= CERTAIN, heading
    assert right / tried > 0.95


def test_the_words_of_compounds_are_told_in_every_language_and_used():
    told = {(row["concept"], row["language"]) for row in read_rows("heading_parts.csv")}
    concepts = {concept for concept, _ in told}
    everywhere = {"utm"}  # three letters in every language
    assert {(c, language) for c in concepts - everywhere for language in LANGUAGES} <= told
    rules = [set(row["concepts"].replace("|", " ").split()) for row in read_rows("heading_compounds.csv")]
    assert set().union(*rules) <= concepts
    assert all(term in (*TERMS, "") for row in read_rows("heading_compounds.csv") for term in row["terms"].split("|"))


def test_traditional_characters_mean_what_simplified_ones_do():
    known = {row["simplified"]: row["traditional"] for row in reversed(read_rows("heading_characters.csv"))}
    for row in (row for row in read_rows("heading_words.csv") if row["language"] == "zh"):
        for heading in row["headings"].split("|"):
            traditional = "".join(known.get(sign, sign) for sign in heading)
            assert one(traditional).term == one(heading).term, traditional


def test_what_templates_write_is_certain():
    doubtful = {"day", "references"}
    for row in (row for row in read_rows("heading_words.csv") if row["term"] and row["term"] not in doubtful):
        heading = heading_of(row["term"], row["language"])
        found = one(heading)
        assert (found.term, found.confidence > CERTAIN) == (row["term"], True), heading


def test_a_text_that_is_longer_than_any_heading_is_proposed_nothing_and_not_looked_into():
    long = "abc" + "_" * 100_000 + "q"
    (proposal,) = propose([long])
    assert (proposal.heading, proposal.term) == (long, None)
    (kept,) = propose([long], kept={long: "habitat"})
    assert kept.term == "habitat"
