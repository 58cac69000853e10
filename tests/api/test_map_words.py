"""Words of the map: each English text of its surveys has one in every language, with the same blanks."""

import json
import re
from pathlib import Path

import pytest

import api
from biodata import places
from biodata.core.flags import FLAGS, About
from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from biodata.surveys import designs, words
from english_left import OTHERS, english_in

WEB = Path(api.__file__).parent / "web"
WORDS = json.loads((WEB / "src" / "words.json").read_text(encoding="utf-8"))
TEXTS = re.compile(r"\bt\(\s*'((?:[^'\\]|\\.)*)'")
SURVEYS = ("card_survey", "dataset_view", "designs", "spot", "survey_panel", "main", "panel", "search", "card_basics")
NAMES = ("Natural Earth", "de facto", "Paracel Islands", "Spratly Islands")


def said():
    """Return the texts that the code looks up, those of the layers, and those of the page."""
    for name in SURVEYS:
        yield from TEXTS.findall((WEB / "src" / f"{name}.ts").read_text(encoding="utf-8"))
    yield from re.findall(r"(?:title|note): '([^']+)'", (WEB / "src" / "layers.ts").read_text(encoding="utf-8"))
    page = (WEB / "index.html").read_text(encoding="utf-8").partition('<aside id="panel"')[2]
    yield from (text for text in re.findall(r">([^<>\n]+)<", page) if text.strip())


def test_every_text_has_words():
    assert {text for text in said() if text not in WORDS} == set()


def test_words_have_the_blanks_of_english_and_no_english():
    for english, told in WORDS.items():
        assert len(told) == len(OTHERS), english
        for language, one in zip(OTHERS, told, strict=True):
            assert sorted(re.findall(r"\{\w+\}", one)) == sorted(re.findall(r"\{\w+\}", english)), one
            assert one.strip(), (english, language)
            assert english_in(re.sub(r"\{\w+\}", "", one), language, NAMES) == [], (english, one)


@pytest.mark.parametrize("language", OTHERS)
def test_designs_and_units_are_called_as_in_the_templates(language):
    place = OTHERS.index(language)
    for design in SurveyDesign:
        own = WORDS[str(design).replace("_", " ").capitalize()][place]
        assert own.casefold() == designs.word(f"design.{design}", language).casefold()
    for unit in set(EFFORT_UNITS.values()):
        assert WORDS[unit][place] == designs.word(f"unit.{unit}", language)


def test_the_languages_stand_in_the_order_of_the_code():
    code = (WEB / "src" / "words.ts").read_text(encoding="utf-8")
    assert re.findall(r"'(\w+)'", re.search(r"OTHERS = \[(.*?)\]", code)[1]) == OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_doubts_about_an_event_are_told_as_the_check_tells_them(language):
    for name in (name for name, flag in FLAGS.items() if flag.about is About.EVENT):
        told = WORDS[name.lower().replace("_", " ")][OTHERS.index(language)]
        assert told == words.message_of(name, {}, language)[0]


def test_the_viewpoint_of_the_bundled_boundaries_has_words():
    assert places.load_boundaries().viewpoint in WORDS
