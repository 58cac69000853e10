"""The page of surveys: served in every language, under the policy that all pages have, with its words complete."""

import csv
import json
import re
from pathlib import Path

import pytest

import api
from api import survey_page
from biodata.surveys.designs import DESIGNS, LANGUAGES

pytest_plugins = ("api_client",)

SCRIPTS = Path(api.__file__).parent / "survey_scripts"
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", ".style.")


def words():
    with (SCRIPTS / "words.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_in_every_language(client, language):
    answer = client.get("/surveys", params={"language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    assert re.findall(r'href="/v1/surveys/templates/(\w+)\?language=(\w+)"', answer.text) == [
        (design, language) for design in DESIGNS
    ]
    assert answer.text.count('aria-current="true"') == 1


def test_it_obeys_the_policy_of_pages(client):
    answer = client.get("/surveys")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for script in re.findall(r"<script([^>]*)>", answer.text):
        assert 'src="/surveys/' in script or 'type="application/json"' in script
    assert not re.search(r'<[^>]+\s(?:style|on\w+)="', answer.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)


def test_every_label_has_its_field(client):
    page = client.get("/surveys").text
    named = re.findall(r'<label for="([\w-]+)"', page)
    assert named
    assert all(f'id="{name}"' in page for name in named)
    assert page.count('aria-live="polite"') >= 3


def test_the_language_is_asked_for(client):
    answer = client.get("/surveys", headers={"Accept-Language": "lo, en;q=0.5"})
    assert answer.headers["content-language"] == "lo"
    assert "Accept-Language" in answer.headers["vary"]
    assert client.get("/surveys", params={"language": "fr"}).status_code == 400
    assert client.get("/surveys", params={"key": "secret"}).status_code == 400, "no key in an address"


def test_its_files_are_served_and_nothing_else(client):
    for path in SCRIPTS.glob("*.*s"):
        answer = client.get(f"/surveys/{path.name}")
        assert answer.status_code == 200
        assert answer.content == path.read_bytes()
    for other in ("words.csv", "..%2fapp.py", "none.js"):
        assert client.get(f"/surveys/{other}").status_code == 404


def test_the_scripts_make_no_markup_of_text_and_ask_nobody_else():
    for path in SCRIPTS.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in FORBIDDEN if word in text], path.name
        assert "://" not in text, path.name


def test_words_are_complete_and_keep_their_params():
    rows = words()
    assert list(rows[0]) == ["name", *LANGUAGES]
    for row in rows:
        for language in LANGUAGES:
            assert row[language].strip(), (row["name"], language)
            assert sorted(re.findall(r"\{\w+\}", row[language])) == sorted(re.findall(r"\{\w+\}", row["en"])), row


def test_every_word_that_a_script_names_is_there():
    known = set(survey_page.words("en"))
    for path in SCRIPTS.glob("*.js"):
        named = set(re.findall(r'\bt\("(\w+)"', path.read_text(encoding="utf-8")))
        assert named <= known, path.name


def test_words_cannot_end_their_block(client, monkeypatch):
    hostile = dict(survey_page.words("en")) | {"title": "</script><b>&"}
    monkeypatch.setattr(survey_page, "words", lambda language: hostile)
    page = client.get("/surveys").text
    block = re.search(r'<script type="application/json" id="words">(.*?)</script>', page, re.DOTALL)
    assert block
    assert json.loads(block[1])["words"]["title"] == "</script><b>&"
    assert "<b>&" not in page
