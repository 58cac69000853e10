"""`biodata protected-areas clean`: files in, one GeoPackage and a report out."""

import json
import re

import geopandas as gpd
import pyogrio
import pytest
import shapely
from typer.testing import CliRunner

import commands
from biodata.cli import app

LIST = "名称,级别,面积(公顷)\n高黎贡山,国家级,405200\n"


def run(*arguments):
    return commands.run("protected-areas", "clean", *arguments)


@pytest.fixture
def areas(tmp_path):
    shapes = [shapely.box(101.5, 20.9, 101.6, 21), shapely.box(101.55, 20.9, 101.65, 21), shapely.Point(101.8, 20.5)]
    columns = {"SITE_ID": ["1", "2", "3"], "IUCN_CAT": ["II", "Ia", "IV"],
               "STATUS": ["Designated", "Designated", "Proposed"], "ISO3": "LAO"}  # fmt: skip
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")
    frame.to_file(tmp_path / "areas.gpkg", engine="pyogrio")
    return tmp_path / "areas.gpkg"


def test_layers_tables_and_report(areas, tmp_path):
    (national := tmp_path / "list.csv").write_text(LIST, encoding="utf-8")
    out, report = tmp_path / "cleaned.gpkg", tmp_path / "cleaned.json"
    done = run(areas, national, "--out", out, "--report", report)
    assert done.returncode == 0, done.stderr
    assert "1 national sites (GEOMETRY_MISSING): 4,052.0 km² claimed" in done.stdout
    assert dict(pyogrio.list_layers(out)) == {
        "coverage": "MultiPolygon",
        "planning": "Unknown",
        **dict.fromkeys(("not_mapped", "steps", "sites", "countries")),
    }
    coverage = gpd.read_file(out, layer="coverage")
    assert coverage.crs.to_epsg() == 6933
    assert coverage["site_id"].tolist() == ["1", "2"]
    assert coverage.geometry[0].intersection(coverage.geometry[1]).area < 1e-3
    assert len(gpd.read_file(out, layer="planning")) == 3
    assert len(gpd.read_file(out, layer="not_mapped")) == 1
    facts = json.loads(report.read_text(encoding="utf-8"))
    assert [facts[name] for name in ("rows", "coverage", "planning", "not_mapped")] == [4, 2, 3, 1]
    assert {site["area_id"] for site in facts["sites"]} == {"areas:1", "areas:2", "areas:3", "list:高黎贡山"}
    assert all(step["rows"] == step["kept"] + sum(step["dropped"].values()) for step in facts["steps"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["areas.gpkg", "list.csv", out.name, report.name])


def test_the_countries_that_are_not_shown_are_summed_up(areas, tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.cli.gaps._SHOWN", 0)
    command = ["protected-areas", "clean", str(areas), "--out", str(tmp_path / "out.gpkg")]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert re.search(r"… and 1 more: [\d.]+ km²", done.stdout), done.stdout


def test_geometry_that_cannot_be_taken_has_a_line(tmp_path):
    features = [
        {"type": "Feature", "properties": {"NAME": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in {
            "sound": [[101, 20], [102, 20], [102, 21], [101, 20]],
            "no degrees": [[101, 20], [1020, 20], [102, 21], [101, 20]],
        }.items()
    ]
    (path := tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    done = run(path, "--out", tmp_path / "out.gpkg", "--report", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    reasons = {site["name"]: site["not_mapped_because"] for site in facts["sites"]}
    assert reasons == {"sound": None, "no degrees": "COORDINATE_OUT_OF_RANGE"}


@pytest.mark.parametrize("content", ["", "NAME\n", "nothing"], ids=["empty", "heading only", "no table"])
def test_file_without_sites_is_one_line(tmp_path, content):
    (path := tmp_path / "a.csv").write_text(content)
    done = run(path, "--out", tmp_path / "out.gpkg")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "a.csv" in done.stderr
    assert not (tmp_path / "out.gpkg").exists()
