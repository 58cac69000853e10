"""`biodata export`: the API's parameters, every format, a file that is whole or not there."""

import re
import zipfile

import polars as pl
import pyarrow.parquet as pq
import pyogrio
import pytest
from typer.testing import CliRunner

import releases
from biodata.cli import app
from biodata.cli.export import read_pairs
from biodata.core.errors import InputError, NoReleaseError
from biodata.exports import write
from case_tables import cases


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    releases.make_release(folder)
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)], catch_exceptions=False)


def rows(path, file_format):
    match file_format:
        case "dwca":
            with zipfile.ZipFile(path) as packed:
                return packed.read("occurrence.txt").decode().count("\n") - 1
        case "geoparquet":
            return pq.read_metadata(path).num_rows
        case "gpkg":
            return pyogrio.read_info(path, layer="occurrences")["features"]
        case "geojson":
            return pyogrio.read_info(path)["features"]
        case "csv":
            return pl.read_csv(path, infer_schema_length=0).height
    counts = {"species-list": "numberOfOccurrences", "cube": "occurrences"}[file_format]
    return pl.read_csv(path, infer_schema_length=0)[counts].cast(pl.Int64).sum()


@pytest.mark.parametrize("file_format", ["csv", "dwca", "geoparquet", "gpkg", "geojson", "species-list", "cube"])
def test_every_format_by_the_parameters_of_the_api(data, tmp_path, file_format):
    published = releases.releases.read(releases.releases.current(data), "occurrences")
    years, places = pl.col("year").is_between(2000, 2005), pl.col("countryCode").is_in(["LA", "VN"])
    expected = published.filter(years & places & (pl.col("species") == releases.SEROW)).height
    out = tmp_path / f"out.{write.KINDS[write.Format(file_format)].suffix}"
    done = run("--data", data, "--format", file_format, "--year", "2000,2005", "--country=LA", "--country", "VN",
               "--species", releases.SEROW, "--out", out)  # fmt: skip
    assert done.exit_code == 0
    assert f"{expected} rows of release" in done.output
    assert re.search(rf"left out: none.* {expected} chosen records", done.output)
    assert rows(out, file_format) == expected > 0
    assert [f.name for f in tmp_path.iterdir()] == [out.name]


def test_columns_of_ones_own(data, tmp_path):
    out = tmp_path / "some.csv"
    run("--data", data, "--columns", "key,issue,scientificName", "--out", out)
    told = pl.read_csv(out, infer_schema=False)
    assert told.columns == ["key", "issue", "scientificName"]
    assert told["key"].null_count() == 0
    for columns, problem in (("key,keys", "no column 'keys'"), ("key,key", "twice")):
        with pytest.raises(InputError, match=problem):
            run("--data", data, "--columns", columns, "--out", tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_a_box_and_all_columns_or_gbifs(data, tmp_path):
    published = releases.releases.read(releases.releases.current(data), "occurrences")
    inside = published.filter(
        pl.col("decimalLongitude").is_between(101, 103), pl.col("decimalLatitude").is_between(20.5, 22)
    )
    for columns, width in (("all", published.width + 6), ("simple", 63)):  # what lists say of each name
        out = tmp_path / "out.csv"
        run("--data", data, "--box", "101,20.5,103,22", "--columns", columns, "--out", out)
        found = pl.read_csv(out, infer_schema_length=0)
        assert found["key"].cast(pl.Int64).to_list() == inside["key"].to_list()
        assert found.width == width


def test_another_table_is_written_as_before(data, tmp_path):
    out = tmp_path / "areas.csv"
    assert run("--data", data, "--table", "protected_areas", "--country", "LA", "--out", out).exit_code == 0
    assert set(pl.read_csv(out)["name"]) == {"Nam Ha", "Site without a polygon"}


@pytest.mark.parametrize(
    ("arguments", "told"), cases("cli_export", "test_what_cannot_be_exported_is_told_and_leaves_nothing")
)
def test_what_cannot_be_exported_is_told_and_leaves_nothing(data, tmp_path, arguments, told):
    with pytest.raises(InputError, match=told):
        run("--data", data, *arguments, "--out", tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_without_a_release(tmp_path):
    with pytest.raises(NoReleaseError, match="no release yet"):
        run("--data", tmp_path / "nothing", "--out", tmp_path / "out.csv")
    assert not (tmp_path / "nothing").exists()


def test_pairs_of_a_command():
    assert read_pairs(["--a", "1", "--b=2=3", "--a", "--c"]) == [("a", "1"), ("b", "2=3"), ("a", "--c")]
