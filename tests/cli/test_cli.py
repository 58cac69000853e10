"""The command line from outside: what it prints, what it returns, what it loads."""

import subprocess
import sys

from biodata import cli
from commands import run

HEAVY = ("numba", "geopandas", "pygbif", "rasterio", "pandas", "matplotlib")


def process(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(("-c", code) if code else ("-m", "biodata.cli")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


def test_the_help_shows_every_command_once():
    named = [name for panel in cli.PANELS.values() for name in panel]
    assert sorted(named) == sorted(command.name for command in cli.registered)


def test_help_and_the_api_load_nothing_heavy():
    loaded = f"print([m for m in {HEAVY!r} if m in sys.modules])"
    done = process(code=f"import sys, biodata.cli; {loaded}; import api.app; {loaded}")
    assert done.stdout.split("\n") == ["[]", "[]", ""], done.stdout + done.stderr


def test_an_unknown_source_is_one_line_that_names_the_known_ones(tmp_path):
    done = run("ingest", "ebrid", "x.csv", "--data", str(tmp_path / "data"))
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "ebrid" in done.stderr
    assert "gbif" in done.stderr


def test_a_missing_file_is_one_line_that_names_it(tmp_path):
    done = run("ingest", "gbif", str(tmp_path / "nothing.csv"), "--data", str(tmp_path / "data"))
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "nothing.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_exit_code_tells_that_every_row_was_refused(tmp_path):
    file = tmp_path / "nameless.csv"
    file.write_text("occurrenceID,scientificName\n,Bos gaurus\n,Panthera tigris\n")
    found = run("ingest", "gbif", str(file), "--data", str(tmp_path / "data"))
    assert found.returncode == 1
    assert "2 refused" in found.stdout


def test_an_ingest_does_not_wait_for_pandas(tmp_path):
    file = tmp_path / "two.csv"
    file.write_text("occurrenceID,scientificName\na,Bos gaurus\nb,Panthera tigris\n")
    command = ["ingest", "gbif", str(file), "--data", str(tmp_path / "data")]
    done = process(
        code=f"import sys; from biodata.cli import app; app({command!r}, standalone_mode=False); "
        "print('pandas' in sys.modules)"
    )
    assert done.stdout.splitlines()[-1] == "False", done.stdout + done.stderr


def test_a_wrong_setting_is_one_line_without_its_value(tmp_path, monkeypatch):
    monkeypatch.setenv("BIODATA_METRICS_TOKEN", "hush")
    monkeypatch.setenv("BIODATA_RATE_LIMIT", "hush-too")
    done = run("serve", "--data", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "BIODATA_" in done.stderr
    assert "hush" not in done.stderr
