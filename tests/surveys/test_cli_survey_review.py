"""`biodata survey …` from the upload to the version that comes back, as a node's staff uses it."""

import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

import appointed
from biodata.access.roles import Role, RoleBinding
from biodata.cli import app
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from biodata.surveys import words as told_words
from biodata.worker import work
from commands import run
from english_left import OTHERS, english_in
from survey_versions import FIRST, FIRST_EVENTS, save

pytestmark = pytest.mark.usefixtures("no_results")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = Settings(data=tmp_path_factory.mktemp("survey") / "data", memory_limit="500MB")
    with Registry.open(settings) as registry:
        appointed.new(registry, "rangers", roles=[RoleBinding(Role.UPLOADER, dataset="nam-ha")])
        appointed.new(registry, "noy", roles=[RoleBinding(Role.NODE_MANAGER, country="LA")])
    return settings


OWN = ("nam-ha", "first", "events", "occurrences")
"""What files, sheets and datasets are called."""


def told(settings, *words):
    done = run("survey", *words, "--data", settings.data)
    assert done.returncode == 0, done.stderr
    return done.stdout


def told_here(settings, *words):
    """Return what a command says, without a process of its own."""
    done = CliRunner().invoke(app, ["survey", *map(str, words), "--data", str(settings.data)])
    assert done.exit_code == 0, done.output
    return done.output


def test_from_a_file_to_the_version_that_comes_back(settings, tmp_path: Path):
    first = save(tmp_path / "first.xlsx", FIRST, FIRST_EVENTS)
    told(settings, "submit", first, "--account", "rangers")
    work(settings, stop=threading.Event(), once=True)
    assert "waits for a review" in told(settings, "status", 1)
    assert "new 6" in told(settings, "review", 1)
    refused = run("survey", "review", 1, "ask", "--account", "noy", "--data", settings.data)
    assert refused.returncode == 1
    assert "reason" in refused.stderr
    assert "a reviewer asks" in told(settings, "review", 1, "ask", "--account", "noy", "--reasons", "see row 2")
    assert "see row 2" in told(settings, "status", 1)
    species = ("Muntiacus muntjak", "Macaca mulatta", "Sus scrofa", "Elephas maximus", "Rusa unicolor")
    typed = (*OWN, *species, "see row 2", "two rangers saw it")
    for language in OTHERS[:1]:  # what is printed without the catalogue is English in each of them
        for words in (("review", 1), ("review", 1, "--account", "noy"), ("status", 1)):
            said = told_here(settings, *words, "--language", language)
            assert english_in(said, language, typed) == [], (words, said)
    answered = told_here(settings, "answer", 1, "two rangers saw it", "--account", "rangers", "--language", "my")
    assert english_in(answered, "my", typed) == []
    assert "accepted" in told(settings, "review", 1, "accept", "--account", "noy")
    work(settings, stop=threading.Event(), once=True)
    second = save(tmp_path / "second.xlsx", [["NH-1", "E1", "Muntiacus muntjak", 5, "male"]], FIRST_EVENTS)
    part = ("--dataset", "nam-ha", "--part", "first")
    found = json.loads(told(settings, "diff", second, *part, "--json"))["occurrences"]
    assert found["counts"] == {"new": 0, "changed": 1, "gone": 5, "unchanged": 0}
    assert [(r["column"], r["before"], r["after"]) for r in found["changed"]] == [("individualCount", "1", "5")]
    assert [(r["identifier"], r["was_row"]) for r in found["gone"]] == [(f"NH-{n}", n + 1) for n in range(2, 7)]
    assert "new 1" in told(settings, "diff", second, "--dataset", "nam-ha"), "another part has nothing of it"
    (line,) = (one for one in told(settings, "history", "--dataset", "nam-ha").splitlines() if one.startswith("1  "))
    assert "first" in line
    assert told_words.called("STATE", "published", "en") in line
    assert "noy" not in line
    same = json.loads(told(settings, "diff", first, *part, "--json"))
    assert same["occurrences"]["counts"]["unchanged"] == 6
    assert same["events"]["counts"]["unchanged"] == 3
    assert told_words.called("STATE", "removed", "en") in told(settings, "remove", 1, "--account", "rangers")
    work(settings, stop=threading.Event(), once=True)
    assert told_words.called("STATE", "removed", "en") in told(settings, "status", 2)
    for language in OTHERS[1:2]:
        for words in (("status",), ("status", 1), ("status", 2), ("history", "--dataset", "nam-ha"),
                      ("diff", second, *part), ("remove", 1, "--account", "rangers"),
                      ("restore", 1, "--account", "rangers")):  # fmt: skip
            said = told_here(settings, *words, "--language", language)
            assert english_in(said, language, typed) == [], (words, said)
    assert json.loads(told(settings, "diff", first, *part, "--json"))["occurrences"]["counts"]["new"] == 6


def test_who_has_no_role_decides_nothing(settings):
    done = run("survey", "review", 1, "accept", "--account", "nobody", "--data", settings.data)
    assert (done.returncode, "there is no open account" in done.stderr) == (1, True)


@pytest.mark.parametrize("language", ["en", "lo", "zh"])
def test_an_account_that_is_not_named_is_asked_for_in_the_language(settings, language):
    called = ("survey", "submit", "--number", 1, "--language", language, "--data", settings.data)
    done = run(*called)
    message, expected = told_words.message_of("ACCOUNT_NEEDED", {}, language)
    assert done.returncode == 1
    assert message in done.stderr
    assert expected in done.stderr
    assert "''" not in done.stderr
    other = run(*called, "--account", "nobody")
    assert told_words.message_of("ACCOUNT_UNKNOWN", {}, language)[0] in other.stderr


@pytest.mark.parametrize("words", [("check",), ("diff", "--dataset", "nam-ha"), ("submit", "--account", "rangers")])
@pytest.mark.parametrize("language", ["en", "lo"])
def test_of_a_folder_it_is_told_to_make_one_zip_of_it(settings, tmp_path, words, language):
    folder = tmp_path / "package"
    folder.mkdir()
    command, *more = words
    done = run("survey", command, folder, *more, "--language", language, "--data", settings.data)
    assert done.returncode == 1
    assert all(text in done.stderr for text in told_words.message_of("FOLDER_NOT_ZIPPED", {}, language))


@pytest.mark.parametrize("language", ["en", "lo", "zh"])
def test_what_is_told_of_a_file_is_refused_with_a_draft_s_number(settings, language):
    for given in (["--license", "CC BY 4.0"], ["--part", "a"], ["--draft"], ["--dataset", "nam-ha"]):
        done = run("survey", "submit", "--number", 2, "--account", "rangers", *given, "--language", language,
                   "--data", settings.data)  # fmt: skip
        said = told_words.message_of("DRAFT_OPTIONS", {"options": given[0]}, language)
        assert (done.returncode, [text for text in said if text not in done.stderr]) == (1, []), done.stderr
