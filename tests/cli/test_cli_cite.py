"""`biodata cite` and `biodata replay`, as a person runs them."""

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import releases as fixture
from biodata import pipeline
from biodata.cli import app
from biodata.core.settings import Settings
from cited_records import BULBUL, OPEN_RULES, ROWS, change
from rule_files import put_rules


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        data = tmp_path_factory.mktemp("cli") / "data"
        data.mkdir()
        put_rules(data, OPEN_RULES)
        change(data, ROWS)
        pipeline.release(Settings(data=data))
    return data


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments, "--data", str(data)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return call


def test_a_citation_is_printed_in_every_form(run):
    assert run("cite").startswith("biodata (")
    assert run("cite", "--format", "bibtex").startswith("@misc{biodata_")
    assert run("cite", "--format", "ris").startswith("TY  - DATA")
    assert json.loads(run("cite", "--format", "csl"))[0]["type"] == "dataset"


def test_what_was_cited_is_asked_again_and_written(run, data: Path, tmp_path: Path):
    cited = json.loads(
        run("cite", "--format", "json", "--species", BULBUL, "--box", "101,20,102,21.5", "--year", "2019,*")
    )
    assert cited["content"]["count"] == 7
    assert run("replay", cited["id"]).startswith("Identical: the same 7 records")
    put_rules(data, OPEN_RULES + "bulbuls,Pycnonotus jocosus,0_1_degree,caged,\n")
    out, archive = tmp_path / "rows.csv", tmp_path / "rows.zip"
    try:
        told = run("replay", cited["id"], "--out", str(out))
        told_json = json.loads(run("replay", cited["id"], "--json", "--out", str(archive), "--format", "dwca"))
    finally:
        put_rules(data, OPEN_RULES)
    assert "7 told with a coarser place than before, together with others of their taxon (bulbuls)" in told
    assert "dataset: walks, rule: bulbuls, category: 0_1_degree, cited category: open" in told
    assert told_json["causes"]["generalised"]["count"] == 7
    # What stands for them now was in no release of that version; that they are there is told by the numbers alone.
    assert told_json["causes"]["generalised"]["absent"] == 7
    assert pl.read_csv(out, separator="\t" if "\t" in out.read_text()[:2000] else ",").height == 0
    assert "occurrence.txt" in zipfile.ZipFile(archive).namelist()


def test_an_id_of_nobody_is_one_line(data: Path):
    result = CliRunner().invoke(app, ["replay", "f" * 32, "--data", str(data)])
    assert result.exit_code != 0
    assert "there is no citation of this id" in str(result.exception)
