"""What commands write: never over what they read, and nothing is done where it cannot be written."""

import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError

TABLE = "occurrenceID,scientificName,decimalLatitude,decimalLongitude,countryCode\n1,Bos gaurus,21.5,101.5,CN\n"
COMMANDS = [
    pytest.param(("ingest", "gbif", "told.csv", "--data", "data", "--report"), id="ingest report"),
    pytest.param(("names", "told.csv", "--checklist", "told.csv", "--out"), id="names"),
    pytest.param(("checklist", "compare", "told.csv", "told.csv", "--data", "none", "--out"), id="compare"),
    pytest.param(("quality", "run", "told.csv", "--out"), id="quality responses"),
    pytest.param(("quality", "run", "told.csv", "--report"), id="quality report"),
    pytest.param(("datum", "told.csv", "--out"), id="datum"),
    pytest.param(("datum", "told.csv", "--points"), id="datum points"),
    pytest.param(("protected-areas", "clean", "told.csv", "--out"), id="protected areas"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "told.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_written_over_what_is_read(folder, command):
    with pytest.raises(InputError, match="over itself"):
        run(*command, "./told.csv")
    assert (folder / "told.csv").read_text(encoding="utf-8") == TABLE
    assert [path.name for path in folder.iterdir()] == ["told.csv"]


@pytest.mark.parametrize("command", COMMANDS)
def test_where_the_answer_cannot_be_written_nothing_is_done(folder, command):
    with pytest.raises(FileNotFoundError):
        run(*command, "nowhere/answer.csv")
    assert [path.name for path in folder.iterdir()] == ["told.csv"]


GEOPACKAGES = [
    pytest.param(("candidates", "--data", "data", "--out"), id="candidates"),
    pytest.param(
        ("corridors", "--data", "data", "--layer", "land_cover", "--resistance", "told.csv", "--out"), id="corridors"
    ),
]


@pytest.mark.parametrize("command", GEOPACKAGES)
def test_a_geopackage_takes_no_other_ending_so_no_raster_or_table_is_lost(folder, command):
    (folder / "map.tif").write_bytes(b"a raster")
    for name in ("map.tif", "told.csv"):
        with pytest.raises(InputError, match=r"\.gpkg|written over itself"):
            run(*command, name)
    with pytest.raises(FileNotFoundError):
        run(*command, "nowhere/answer.gpkg")
    assert (folder / "map.tif").read_bytes() == b"a raster"
    assert sorted(path.name for path in folder.iterdir()) == ["map.tif", "told.csv"]


@pytest.mark.parametrize("command", [
    *GEOPACKAGES,
    pytest.param(("survey-design", "here-corridor-1", "--data", "data", "--species", "Bos gaurus", "--out"),
                 id="survey"),
])  # fmt: skip
def test_a_mistyped_folder_makes_no_installation(folder, command):
    with pytest.raises(InputError, match="there is no installation in this folder; a folder that"):
        run(*command, "answer.gpkg")
    assert [path.name for path in folder.iterdir()] == ["told.csv"]


def test_a_table_without_a_term_that_a_test_reads_is_no_table_of_records(folder):
    (folder / "other.csv").write_text("学名,纬度\nBos gaurus,21.5\n", encoding="utf-8")
    with pytest.raises(InputError, match="no heading is a term"):
        run("quality", "run", "other.csv")


def test_a_folder_is_not_called_missing(folder):
    (folder / "maps").mkdir()
    with pytest.raises(InputError, match="this is a folder"):
        run("ingest", "protected-areas", "maps", "--data", "data")
