"""The page of surveys: served in every language, under the policy that all pages have, with its words complete."""

import csv
import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import api
from api import survey_page
from api.app import create_app
from biodata.surveys.designs import DESIGNS, LANGUAGES

pytest_plugins = ("api_client",)
FOLDER = Path(api.__file__).parent
PAGE, SCRIPTS = FOLDER / "web" / "surveys.html", FOLDER / "web" / "src" / "surveys"
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", ".style.")


def words():
    with (FOLDER / "survey_words.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def scripts():
    return {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS.glob("*.ts")}


def block(page):
    found = re.search(r'<script type="application/json" id="words">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def page(settings, tmp_path_factory):
    """Give the service with the page as `api/web` holds it, before its scripts are put together."""
    dist = tmp_path_factory.mktemp("dist")
    (dist / "surveys.html").write_bytes(PAGE.read_bytes())
    with TestClient(create_app(settings, dist=dist), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_in_every_language(page, language):
    answer = page.get("/surveys", params={"language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    found = re.findall(r'href="/v1/surveys/templates/(\w+)\?language=(\w+)"', answer.text)
    assert found == [(design, language) for design in DESIGNS]
    assert "{{" not in answer.text
    assert block(answer.text)["language"] == language
    assert re.findall(r'hreflang="(\w+)"', answer.text) == list(LANGUAGES)


def test_it_obeys_the_policy_of_pages(page):
    answer = page.get("/surveys")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for script in re.findall(r"<script([^>]*)>", answer.text):
        assert 'src="/' in script or 'type="application/json"' in script
    assert not re.search(r'<[^>]+\s(?:style|on\w+)="', answer.text)
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', answer.text)


def test_every_label_has_its_field(page):
    text = page.get("/surveys").text
    named = re.findall(r'<label for="([\w-]+)"', text)
    assert named
    assert all(f'id="{name}"' in text for name in named)
    assert text.count('aria-live="polite"') >= 3


def test_the_language_is_asked_for(page):
    answer = page.get("/surveys", headers={"Accept-Language": "lo, en;q=0.5"})
    assert answer.headers["content-language"] == "lo"
    assert "Accept-Language" in answer.headers["vary"]
    assert page.get("/surveys", params={"language": "fr"}).status_code == 400
    assert page.get("/surveys", params={"key": "secret"}).status_code == 400, "no key in an address"


def test_without_a_build_it_says_how_to_make_one(settings, tmp_path):
    with TestClient(create_app(settings, dist=tmp_path)) as client:
        answer = client.get("/surveys")
    assert "npm run build" in answer.text
    assert "/v1/surveys/templates" in answer.text


def test_the_scripts_make_no_markup_of_text_and_ask_nobody_else():
    for name, text in scripts().items():
        assert not [word for word in FORBIDDEN if word in text], name
        assert "://" not in text.replace("http://www.w3.org/2000/svg", ""), name


def test_words_are_complete_and_keep_their_params():
    rows = words()
    assert list(rows[0]) == ["name", *LANGUAGES]
    assert len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        for language in LANGUAGES:
            assert row[language].strip(), (row["name"], language)
            assert sorted(re.findall(r"\{\w+\}", row[language])) == sorted(re.findall(r"\{\w+\}", row["en"])), row


def test_every_word_that_the_page_names_is_there_and_no_other():
    known = set(survey_page.words("en"))
    text = "\n".join(scripts().values())
    asked = set(re.findall(r"\bt\('(\w+)'", text))
    gaps = set(re.findall(r"\{\{(\w+)\}\}", PAGE.read_text(encoding="utf-8"))) - {"lang", "data"}
    assert asked | gaps <= known, sorted((asked | gaps) - known)
    quoted = gaps | set(re.findall(r"'(\w+)'", text))
    unused = {row["name"] for row in words() if not row["name"].startswith("refused_")} - quoted
    assert not unused


def test_words_cannot_end_their_block(page, monkeypatch):
    hostile = dict(survey_page.words("en")) | {"title": "</script><b>&"}
    monkeypatch.setattr(survey_page, "words", lambda language: hostile)
    text = page.get("/surveys").text
    assert block(text)["words"]["title"] == "</script><b>&"
    assert "<b>&" not in text
