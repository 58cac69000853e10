"""Refusals of the routes of surveys are told in the reader's language."""

import ast
import csv
import re
from importlib.resources import files
from pathlib import Path

import pytest

import biodata.surveys
from biodata.ingest.headings import LANGUAGES
from biodata.sharing import received
from biodata.sharing.publish import NOBODY, REASON_BESIDE, REASON_EARLIER
from biodata.surveys import words
from biodata.surveys.words.sentences import retold
from commands import run
from english_left import OTHERS, english_in

pytest_plugins = ("api_client",)

SOURCES = [
    Path(biodata.surveys.__file__).with_name(f"{name}.py") for name in ("review", "views", "submit", "sides", "states")
]


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
    ["it is published", "a reviewer of LA, CN", "language='fr' cannot be used", "one of en, zh, th", "snared; few left",
     "none of your roles lets you review a submission here", "there is no parameter called 'tongue' here",
     "the side CN is for the reviewers of CN, not with you", "LA is for the reviewers of LA; CN is for the reviewers of CN", "one of its sides: LA, CN",
     "it is withdrawn: its rows are kept only while somebody decides about them", "its file is not here: it is withdrawn",
     "it is published, and nobody waits for an answer", "1 to 4,000 characters that tell no place", "nothing of that version is kept any more",
     "the row, the site or the date, and no coordinates",
     "the password has fewer than 12 characters", "the password holds the account's name",
     "the password has fewer than 5 different characters", "the password is too long", "the code cannot be used",
     "at least 12 characters, 5 of them different, without the name", "a code that is new and was never used"],
)  # fmt: skip
@pytest.mark.parametrize("language", OTHERS)
def test_no_english_is_left_in_a_refusal(sentence, language):
    assert english_in(retold(sentence, language), language, ("language", "tongue", "fr")) == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_of_the_default_rules_has_words(language):
    listed = csv.DictReader(
        files("biodata.data").joinpath("sensitive_species.csv").read_text(encoding="utf-8").splitlines()
    )
    reasons = {row["reason"] for row in listed} | {
        REASON_BESIDE,
        REASON_EARLIER,
        NOBODY,
        received.REASON,
    }
    assert [one for one in reasons if english_in(retold(one, language), language)] == []
    notice = words.message_of(
        "NAME_PUBLISHED_COARSE", {"name": "X", "cell": "0.1°", "reason": "nests are robbed"}, language
    )[1]
    assert notice is not None
    assert retold("nests are robbed", language) in notice


def test_a_sentence_of_somebody_else_stays_as_it_is():
    for said in ("our own reason and no other", "Panthera tigris", "go to the river", "{0}", "a (b", ""):
        assert retold(said, "lo") == said


@pytest.mark.parametrize(
    "part", ["(", ")", "(a) ", "1 ", ".", "; ", ", ", ": ", "a and ", "a in b at ", " ÷ ", "told to "]
)
@pytest.mark.parametrize("times", [150, 5_000])
def test_a_sentence_made_to_hurt_comes_back(part, times):
    assert isinstance(retold(part * times, "lo"), str)


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
    assert retold("there is no installation in this folder", language) in missing.stderr
    both = run("survey", "submit", "--data", tmp_path / "nowhere", "--language", language)
    assert both.stderr == f"biodata: FILE: {retold('name a file, or a draft with --number', language)}\n"
