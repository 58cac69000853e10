"""Refusals of the routes of surveys are told in the reader's language."""

import ast
import csv
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

import biodata.surveys
from biodata.core.phrases import Phrase, joined, packed, unpacked
from biodata.ingest.headings import LANGUAGES
from biodata.sharing import received
from biodata.sharing.publish import NOBODY, REASON_BESIDE, REASON_EARLIER
from biodata.surveys import review, words
from biodata.surveys.words import stated
from commands import run
from english_left import OTHERS, english_in

pytest_plugins = ("api_client",)
SOURCES = [Path(biodata.surveys.__file__).with_name(f"{name}.py") for name in ("review", "views", "submit", "sides")]


def named():
    """Return the names in the catalogue that the review refuses with."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and "problem" in ast.dump(node.targets[0]):
                values = [*ast.walk(node.value)]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "refuse":
                values = [part for one in node.args[1:3] for part in ast.walk(one)]
            else:
                continue
            found = (one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str))
            yield from (one for one in found if re.fullmatch("[A-Z_]{3,}", one))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_of_the_review_has_words(language):
    said = {f"DENIED_{one}" for one in named()}
    assert len(said) > 30
    assert [one for one in said if not words.has(one, language)] == []


@pytest.mark.parametrize(
    "sentence",
    [Phrase("it is {a}", a="published"), Phrase("{a} cannot be used", a="language='fr'"), Phrase("one of {a}", a="en, zh, th"),
     Phrase("none of your roles lets you {a} here", a="review a submission"), Phrase("there is no parameter called {a} here", a="'tongue'"),
     joined(map(review._whose, ("LA", "CN", "ZZ")), "{a}; {b}"), Phrase("one of its sides: {a}", a="LA, CN"),
     Phrase("its file is not here: it is {a}", a="withdrawn"), Phrase("{n} to {n1} characters that tell no place", n=1, n1=4000),
     Phrase("the password has fewer than {n} different characters", n=5), "snared; few left", "the code cannot be used",
     "nothing of that version is kept any more", "the row, the site or the date, and no coordinates"],
)  # fmt: skip
@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_a_refusal(sentence, language):
    assert english_in(stated(sentence, language), language, ("language", "tongue", "fr")) == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_of_the_default_rules_has_words(language):
    listed = csv.DictReader(
        files("biodata").joinpath("data").joinpath("sensitive_species.csv").read_text(encoding="utf-8").splitlines()
    )
    reasons = {row["reason"] for row in listed} | {REASON_BESIDE, REASON_EARLIER, NOBODY, received.REASON}
    assert [one for one in reasons if english_in(stated(one, language), language)] == []
    notice = words.message_of(
        "NAME_PUBLISHED_COARSE", {"name": "X", "cell": "0.1°", "reason": "nests are robbed"}, language
    )[1]
    assert notice is not None
    assert stated("nests are robbed", language) in notice


def test_a_sentence_of_somebody_else_stays_as_it_is():
    for said in ("our own reason and no other", "Panthera tigris", "go to the river", "{0}", "a (b", ""):
        assert stated(said, "lo") == said
    assert stated(Phrase("it is {a}", a="{n} (s)"), "lo").count("{n} (s)") == 1, "a value is no template"


def test_english_counts_and_json_keeps_what_a_phrase_is_made_of():
    one, many = (Phrase("{n} (event tells/events tell) of {a} at {n1} site(s)", n=n, a="x", n1=1200) for n in (1, 2))
    assert (one, many) == ("1 event tells of x at 1,200 sites", "2 events tell of x at 1,200 sites")
    found = json.loads(json.dumps(packed({"why": [one]})), object_hook=unpacked)
    assert (found["why"], found["why"][0].values["n1"]) == ([one], "1,200")


@pytest.mark.parametrize("language", OTHERS)
def test_a_refusal_follows_the_language_of_the_request(client, language):
    for asked in ({"params": {"language": language}}, {"headers": {"Accept-Language": language}}):
        answer = client.get("/v1/surveys/7", **asked)
        assert (answer.status_code, answer.json()["code"]) == (401, "KEY_MISSING")
        assert answer.headers["content-language"] == language
        assert english_in(answer.json()["detail"], language, ("API", "token")) == []
    assert client.get("/v1/species/none", headers={"Accept-Language": language}).headers.get("content-language") is None


@pytest.mark.parametrize("language", OTHERS)
def test_a_command_tells_in_its_language_why_it_cannot(language, tmp_path):
    missing = run("survey", "status", 99, "--data", tmp_path / "nowhere", "--language", language)
    assert stated("there is no installation in this folder", language) in missing.stderr
    both = run("survey", "submit", "--data", tmp_path / "nowhere", "--language", language)
    assert both.stderr == f"biodata: FILE: {stated('name a file, or a draft with --number', language)}\n"
