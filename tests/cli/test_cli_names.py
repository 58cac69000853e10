"""`biodata names` and `biodata checklist`."""

import polars as pl
import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError

OLD = "taxonID,scientificName,acceptedNameUsage,kingdom,vernacular_th\n1,Bos gaurus,,Animalia,กระทิง\n2,Bos frontalis,,Animalia,\n"
NEW = "taxonID,scientificName,acceptedNameUsage,kingdom\n1,Bos gaurus,,Animalia\n2,Bos frontalis,Bos gaurus,Animalia\n"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def files(tmp_path):
    for name, text in {"old.csv": OLD, "new.csv": NEW}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "told.csv").write_text("id,scientificName\n1,Bos gauris\n2,Bos frontalis\n3,Ursus\n", encoding="utf-8")
    return tmp_path


def test_names_of_a_table_are_matched(files):
    out = files / "out.csv"
    result = run("names", files / "told.csv", "--checklist", files / "new.csv", "--out", out)
    assert result.exit_code == 0, result.output
    found = pl.read_csv(out)
    assert found["match_type"].to_list() == ["FUZZY", "CANONICAL", "CANONICAL"]
    assert found["acceptedScientificName"].to_list() == ["Bos gaurus", "Bos gaurus", None]
    assert "3 names" in result.output


def test_versions_are_compared(files):
    out = files / "changes.csv"
    result = run("checklist", "compare", files / "old.csv", files / "new.csv", "--data", files / "none", "--out", out)
    assert result.exit_code == 0, result.output
    assert pl.read_csv(out).select("scientificName", "change").rows() == [("Bos frontalis", "lumped")]


def test_ingested_versions_and_common_names(files):
    data = files / "data"
    assert run("ingest", "checklist", files / "old.csv", "--data", data, "--dataset", "cattle").exit_code == 0
    assert run("ingest", "gbif", files / "told.csv", "--data", data, "--dataset", "s").exit_code == 0
    result = run("checklist", "compare", "cattle", files / "new.csv", "--data", data)
    assert "1 records: Bos frontalis: Bos frontalis → Bos gaurus (lumped)" in result.output
    assert "Bos gaurus" in run("checklist", "find", "กระทิง", "--language", "th", "--data", data).output
    assert "nothing found" in run("checklist", "find", "กระทิง", "--language", "lo", "--data", data).output
    found = run("checklist", "find", "bos gau", "--data", data).output
    assert "Bos gaurus: accepted [" in found
    assert "nothing found" not in found


def test_what_cannot_be_compared_is_told(files):
    with pytest.raises(InputError, match="no such checklist"):
        run("checklist", "compare", "cattle", files / "new.csv", "--data", files / "none")
