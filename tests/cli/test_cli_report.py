"""`biodata report`: a page of a release's result, and one line where it cannot be."""

import json

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError, NoReleaseError
from biodata.core.settings import Settings

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


@pytest.mark.parametrize(("arguments", "code"), [
    (("nowhere",), "RESULT_UNKNOWN"), (("run-1-1", "--out", "report.docx"), "OUTPUT_KIND"),
], ids=["an unknown name", "another kind of file"])  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_left(settings: Settings, tmp_path, arguments, code, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, "--data", str(settings.data), *([] if "--out" in arguments else ["--out", "report.html"]))
    assert isinstance(done.exception, InputError)
    assert done.exception.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "content"), [("a.json", "[1"), ("a.json", "[1]"), ("a.gpkg", "no database")])
def test_findings_that_are_no_such_file_are_refused(settings: Settings, tmp_path, name, content):
    found = tmp_path / name
    found.write_text(content)
    done = run("run-1-1", "--data", str(settings.data), "--out", str(tmp_path / "r.html"), "--validation", str(found))
    assert isinstance(done.exception, InputError)
    assert done.exception.code == "FINDING_UNREADABLE"


def test_scenarios_are_read_without_their_places(settings: Settings, tmp_path):
    found, out = tmp_path / "scenarios.gpkg", tmp_path / "report.html"
    row = {"from_area_id": "nam-ha", "to_area_id": "shangyong", "from_name": "Nam Ha", "to_name": "Shangyong",
           "change": "cut", "open_least_cost": 91000.0}  # fmt: skip
    pairs = gpd.GeoDataFrame([row], geometry=[shapely.LineString([(106.512468, 22.913579), (107, 23)])], crs=4326)
    pyogrio.write_dataframe(pairs, found, layer="pairs", driver="GPKG")
    run_told = pd.DataFrame({"name": ["barrier_resistance"], "value": ["1000"]})
    pyogrio.write_dataframe(run_told, found, layer="run", driver="GPKG", append=True)
    done = run("run-1-1", "--data", str(settings.data), "--out", str(out), "--scenarios", str(found))
    assert done.exit_code == 0, done.output
    made = out.read_text()
    assert ">cut</td>" in made
    assert "91,000" in made
    assert "barrier resistance" in made
    assert "106.5124" not in made


def test_without_a_release_the_next_command_is_named(tmp_path):
    done = run("run-1-1", "--data", str(tmp_path), "--out", str(tmp_path / "r.html"))
    assert isinstance(done.exception, NoReleaseError)
