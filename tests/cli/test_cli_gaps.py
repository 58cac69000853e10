"""`biodata gaps`: files in, tables, layers and facts out."""

import json

import geopandas as gpd
import polars as pl
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

from area_frames import box, frame
from biodata.cli import app


@pytest.fixture
def areas(tmp_path):
    rows = [(box(0, 0), {"STATUS_YR": 1995}), (box(0.3, 0), {"STATUS_YR": 2020}), (box(0.6, 0), {"STATUS": "Proposed"})]
    frame(*rows).to_file(tmp_path / "areas.gpkg", engine="pyogrio")
    return tmp_path / "areas.gpkg"


def run(*arguments):
    return CliRunner().invoke(app, ["gaps", *map(str, arguments)])


def test_coverage_at_dates_with_landscapes(areas, tmp_path):
    landscape = gpd.GeoDataFrame({"name": ["north"]}, geometry=[box(-0.1, -0.1, 1, 0.3)], crs=4326)
    landscape.to_file(tmp_path / "landscapes.geojson", engine="pyogrio")
    dates = ("--as-of", "2010-01-01", "--as-of", "2025-01-01", "--with-proposed")
    told = ("--landscapes", tmp_path / "landscapes.geojson", "--source", "a made-up list, 2025")
    done = run(areas, "--country", "Laos", "--out", tmp_path / "out", *dates, *told)
    assert done.exit_code == 0, done.output
    table = pl.read_csv(tmp_path / "out" / "coverage.csv")
    assert set(table["boundary_set"]) == {"natural_earth"}
    assert set(table["areas"]) == {"a made-up list, 2025"}
    country = table.filter(place="LA", realm="terrestrial")
    shares = {(row["as_of"], row["scenario"]): row["covered_km2"] for row in country.iter_rows(named=True)}
    one = shares["2010-01-01", "in force"]
    assert one > 100
    assert shares["2010-01-01", "with proposed"] == pytest.approx(2 * one, rel=1e-3)
    assert shares["2025-01-01", "in force"] == pytest.approx(2 * one, rel=1e-3)
    assert shares["2025-01-01", "with proposed"] == pytest.approx(3 * one, rel=1e-3)
    facts = json.loads((tmp_path / "out" / "gaps.json").read_text())["facts"]
    assert facts["scenarios"][0]["areas"] == "a made-up list, 2025"
    assert facts["scenarios"][0]["boundary_set"] == "natural_earth"
    assert [one["sites_by_country"] for one in facts["scenarios"]] == [{"LA": 1}, {"LA": 2}, {"LA": 2}, {"LA": 3}]
    assert "2010-01-01 in force: mapped sites in the files: LA 1" in done.stdout
    assert "landscape" in dict(pyogrio.list_layers(tmp_path / "out" / "gaps.gpkg"))
    assert "LA, terrestrial" in done.stdout


def test_ranges_and_habitats(areas, tmp_path):
    ranges = gpd.GeoDataFrame({"species": ["Bos gaurus"] * 2}, geometry=[box(0, 0, 0.2), box(0.1, 0, 0.5)], crs=4326)
    ranges.to_file(tmp_path / "ranges.gpkg", engine="pyogrio")
    done = run(areas, "--country", "LA", "--country", "VN", "--as-of", "2025-01-01", "--ranges",
               tmp_path / "ranges.gpkg", "--habitats", tmp_path / "ranges.gpkg", "--habitat-name", "species",
               "--species-target", "relative", "--species-share", "0.2", "--out", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.output
    table = pl.read_csv(tmp_path / "out" / "representation.csv")
    assert table.select("feature_kind", "country_code", "status").rows() == [
        *[("range", "LA", "met"), ("range", "VN", "outside"), ("range", None, "met")],
        *[("habitat", "LA", "met"), ("habitat", "VN", "outside"), ("habitat", None, "met")],
    ]
    facts = json.loads((tmp_path / "out" / "gaps.json").read_text())["facts"]
    assert facts["species_target"] == {"rule": "relative", "share": 0.2}
    assert "range in LA: 1 met" in done.stdout


@pytest.mark.parametrize(("told", "words"), [
    pytest.param({"--country": "Atlantis"}, "no such country", id="unknown country"),
    pytest.param({"--species-target": "half"}, "'log-linear'", id="unknown rule"),
    pytest.param({"--ranges": "nowhere.gpkg"}, "no such file", id="missing file"),
    pytest.param({"--target": "30"}, "no share", id="target in percent"),
    pytest.param({"--landscapes": "areas.gpkg", "--landscape-name": "nam"}, "no such column", id="unknown column"),
])  # fmt: skip
def test_what_cannot_be_taken_is_told(areas, tmp_path, told, words):
    told = {"--country": "LA", "--out": tmp_path / "out"} | told
    if "--landscapes" in told:
        told["--landscapes"] = areas
    done = run(areas, *[part for pair in told.items() for part in pair])
    assert done.exit_code != 0
    assert words in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_date_before_every_site_and_a_country_told_twice(areas, tmp_path):
    done = run(areas, "--country", "LA", "--country", "Laos", "--out", tmp_path / "out", "--as-of", "1800-01-01")
    assert done.exit_code == 0, done.output
    assert "the areas hold no site of LA" in done.stdout
    assert pl.read_csv(tmp_path / "out" / "coverage.csv")["place"].unique().to_list() == ["LA"]


def test_sites_that_cannot_be_drawn_are_told_with_their_reason(tmp_path):
    swapped = shapely.box(20, 101, 21, 102)
    frame((box(0, 0), {}), (swapped, {"ISO3": None}), (box(0.2, 0).centroid, {"REP_AREA": 0})).to_file(
        tmp_path / "areas.gpkg", engine="pyogrio"
    )
    done = run(tmp_path / "areas.gpkg", "--country", "LA", "--out", tmp_path / "out", "--as-of", "2026-01-01")
    assert done.exit_code == 0, done.output
    (line,) = [line for line in done.stdout.splitlines() if "hold no ground" in line]
    assert "1 POINT_WITHOUT_AREA" in line
    assert sum(int(part.split()[0]) for part in line.rpartition(": ")[2].split(", ")) == 2
