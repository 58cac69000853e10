"""Surveys as text whose encoding nobody told: which one was read is said, and one that cannot be told is refused."""

import codecs
import unicodedata

import pytest

import releases as fixture
from biodata import surveys
from biodata.core.errors import InputError
from biodata.formats.encodings import chosen, known
from biodata.formats.workbooks import read_text_grid

BOUNDARIES = fixture.neighbours()
HEAD = "occurrenceID,scientificName,eventDate,decimalLatitude,decimalLongitude,locality\n"
ROW = "R{},Sus scrofa,2026-03-0{},20.61,101.25,{}\n"


def survey(*places):
    return HEAD + "".join(ROW.format(n, n, place) for n, place in enumerate(places, start=1))


def vietnamese(text):
    """Return windows-1258: it has a tone behind its vowel."""
    out = b""
    for letter in text:
        try:
            out += letter.encode("cp1258")
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", letter)
            tone = next(sign for sign in parts if sign in "\u0300\u0301\u0303\u0309\u0323")
            base = unicodedata.normalize("NFC", parts.replace(tone, ""))
            out += base.encode("cp1258") + tone.encode("cp1258")
    return out


@pytest.mark.parametrize(("content", "name"), [
    pytest.param(survey("勐腊县尚勇镇", "西双版纳").encode("gb18030"), "gb18030", id="Chinese"),
    pytest.param(survey("墾丁國家公園", "花蓮縣").encode("big5"), "big5", id="traditional Chinese"),
    pytest.param(survey("ห้วยขาแข้ง", "อุทยานแห่งชาติเขาใหญ่").encode("tis-620"), "windows-874", id="Thai"),
    pytest.param(vietnamese(survey("Vườn quốc gia Pù Mát", "Đắk Lắk")), "windows-1258", id="Vietnamese"),
    pytest.param(survey("西表島", "イリオモテ").encode("shift_jis"), "windows-31j", id="Japanese"),
])  # fmt: skip
def test_the_encoding_that_was_guessed_is_said_and_can_be_declared(content, name):
    report = surveys.check_files([("s.csv", content)], BOUNDARIES)
    (told,) = [p for p in report["problems"] if p["code"] == "ENCODING_GUESSED"]
    assert name in told["message"]
    assert "--encoding" in told["expected"]
    assert (told["blocking"], report["ok"]) == (False, True)
    declared = surveys.check_files([("s.csv", content)], BOUNDARIES, encoding=name)
    found = [p["code"] for p in declared["problems"]]
    assert found == [p["code"] for p in report["problems"] if p["code"] != "ENCODING_GUESSED"]
    assert read_text_grid(content, file="s.csv").rows == read_text_grid(content, file="s.csv", encoding=name).rows
    assert known(name, file="s.csv")


@pytest.mark.parametrize("content", [
    survey("勐腊县").encode(), codecs.BOM_UTF8 + survey("Pù Mát").encode(), survey("Pù Mát").encode(), survey("Ban Nam").encode(),
    survey("勐腊县").encode("utf-16"), survey("é").encode(),
], ids=["UTF-8", "a mark", "Vietnamese in UTF-8", "ASCII", "UTF-16", "one letter"])  # fmt: skip
def test_of_an_encoding_that_the_text_itself_tells_nothing_is_said(content):
    report = surveys.check_files([("s.csv", content)], BOUNDARIES)
    assert "ENCODING" not in str([p["code"] for p in report["problems"]])


@pytest.mark.parametrize("content", [
    survey("東京").encode("shift_jis"), survey("台北").encode("big5"), survey("ñ").encode("cp850"),
], ids=["one word of Japanese", "one word of Chinese", "one letter"])  # fmt: skip
def test_what_may_be_of_several_encodings_is_refused_and_not_misread(content):
    report = surveys.check_files([("s.csv", content)], BOUNDARIES)
    (told,) = report["problems"]
    assert (told["code"], told["blocking"]) == ("ENCODING_UNSURE", True)
    assert "UTF-8" in told["expected"]
    with pytest.raises(InputError, match="may be of the encoding"):
        read_text_grid(content, file="s.csv")


def test_both_are_said_in_the_uploader_s_language():
    for content in (survey("勐腊县尚勇镇").encode("gb18030"), survey("台北").encode("big5")):
        told = surveys.check_files([("s.csv", content)], BOUNDARIES, language="lo")["problems"][0]
        assert told["code"].startswith("ENCODING_")
        assert "…" not in told["message"]
        assert "UTF-8" in told["expected"]


def test_a_choice_that_was_told_has_no_rival():
    assert chosen("地點".encode("big5"), declared="big5", file="s.csv") == ("big5", False, None)
