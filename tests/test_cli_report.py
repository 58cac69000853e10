"""`biodata report`: a page of a release's result, and one line where it cannot be."""

import json

import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.errors import InputError, NoReleaseError
from biodata.settings import Settings

pytest_plugins = ("api_client",)


def run(*arguments: str):
    return CliRunner().invoke(app, ["report", *arguments], catch_exceptions=True)


def test_a_page_is_written_with_what_was_found_elsewhere(settings: Settings, tmp_path):
    found = tmp_path / "validation.json"
    found.write_text(
        json.dumps({"verdict": "no better than chance", "p": 0.4, "told": "no better than chance (p = 0.4)"})
    )
    out = tmp_path / "report.html"
    done = run("run-1-1", "--data", str(settings.data), "--out", str(out), "--validation", str(found))
    assert done.exit_code == 0, done.output
    assert "no better than chance (p = 0.4)" in out.read_text()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["report.html", "validation.json"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("nowhere",), "RESULT_UNKNOWN"), (("run-1-1", "--out", "report.docx"), "OUTPUT_KIND")],
    ids=["an unknown name", "another kind of file"],
)
def test_what_cannot_be_is_said_and_nothing_is_left(settings: Settings, tmp_path, arguments, code, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, "--data", str(settings.data), *([] if "--out" in arguments else ["--out", "report.html"]))
    assert isinstance(done.exception, InputError)
    assert done.exception.code == code
    assert list(tmp_path.iterdir()) == []


def test_findings_that_are_no_object_are_refused(settings: Settings, tmp_path):
    found = tmp_path / "found.json"
    found.write_text("[1")
    done = run("run-1-1", "--data", str(settings.data), "--out", str(tmp_path / "r.html"), "--validation", str(found))
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "INPUT_NO_JSON"


def test_without_a_release_the_next_command_is_named(tmp_path):
    done = run("run-1-1", "--data", str(tmp_path), "--out", str(tmp_path / "r.html"))
    assert isinstance(done.exception, NoReleaseError)
