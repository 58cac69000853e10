"""Styles inside a GeoPackage: the table as QGIS writes it, and what every symbol needs to be drawn."""

import sqlite3
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import pyogrio
import pytest
import shapely

from biodata.exports import styles

# What QGIS 3.40 made of saveStyleToDatabase on a GeoPackage.
QGIS_COLUMNS = [("id", "INTEGER"), ("f_table_catalog", "TEXT(256)"), ("f_table_schema", "TEXT(256)"),
                ("f_table_name", "TEXT(256)"), ("f_geometry_column", "TEXT(256)"), ("styleName", "TEXT(30)"),
                ("styleQML", "TEXT"), ("styleSLD", "TEXT"), ("useAsDefault", "BOOLEAN"), ("description", "TEXT"),
                ("owner", "TEXT(30)"), ("ui", "TEXT(30)"), ("update_time", "DATETIME")]  # fmt: skip


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "layers.gpkg"
    box = gpd.GeoDataFrame({"status": [2]}, geometry=[shapely.box(101, 20, 102, 21)], crs=4326)
    box.to_file(path, layer="planning_units")
    box.to_file(path, layer="corridors")
    box.to_file(path, layer="somebody_elses")
    styles.add_styles(
        path, ["planning_units", "corridors", "somebody_elses", "not_there"], as_of="2026-01-02T03:04:05.000Z"
    )
    return path


def test_the_table_is_that_of_qgis(package):
    with sqlite3.connect(package) as connection:
        columns = [(row[1], row[2]) for row in connection.execute("PRAGMA table_info(layer_styles)")]
        rows = connection.execute(
            "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column, useAsDefault, update_time"
            " FROM layer_styles ORDER BY f_table_name"
        ).fetchall()
        told = connection.execute(
            "SELECT data_type, identifier, srs_id FROM gpkg_contents WHERE table_name = 'layer_styles'"
        ).fetchall()
    connection.close()
    assert columns == QGIS_COLUMNS
    assert rows == [("", "", name, "geom", 1, "2026-01-02T03:04:05.000Z") for name in ("corridors", "planning_units")]
    assert told == [("attributes", "layer_styles", 0)]


def test_the_layers_are_as_before(package):
    names = dict(pyogrio.list_layers(package).tolist())
    assert names["corridors"] is not None
    assert names["layer_styles"] is None
    assert gpd.read_file(package, layer="planning_units")["status"].tolist() == [2]


@pytest.mark.parametrize("name", sorted(styles.STYLES))
def test_every_style_has_a_symbol_for_every_category(name):
    root = ElementTree.fromstring(styles.qml(styles.STYLES[name]).partition("\n")[2])
    renderer = root.find("renderer-v2")
    symbols = {symbol.get("name") for symbol in renderer.iter("symbol")}
    assert {category.get("symbol") for category in renderer.iter("category")} in (set(), symbols)
    for symbol in renderer.iter("symbol"):
        options = {one.get("name"): one.get("value") for one in symbol.iter("Option") if one.get("name")}
        colours = [value for key, value in options.items() if key.endswith("color")]
        assert colours
        assert all(len(value.split(",")) == 4 for value in colours)


def test_corridors_are_told_apart_by_their_least_cost(tmp_path):
    path, costs = tmp_path / "corridors.gpkg", [5.0, 10.0, 10.0, 20.0, 40.0, 1e6 / 3]
    shapes = [shapely.box(at, 20, at + 0.1, 20.1) for at in range(len(costs))]
    gpd.GeoDataFrame({"least_cost": costs}, geometry=shapes, crs=4326).to_file(path, layer="corridors")
    styles.add_styles(path, ["corridors"])
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute("SELECT styleQML FROM layer_styles").fetchone()
    connection.close()
    renderer = ElementTree.fromstring(text.partition("\n")[2]).find("renderer-v2")
    ranges = [(float(one.get("lower")), float(one.get("upper"))) for one in renderer.iter("range")]
    assert (renderer.get("attr"), ranges[0][0], ranges[-1][1]) == ("least_cost", 5.0, costs[-1])
    assert all(low < high for low, high in ranges)
    assert [high for _, high in ranges[:-1]] == [low for low, _ in ranges[1:]]
    colours = {one.get("value") for one in renderer.iter("Option") if one.get("name") == "color"}
    assert len(colours) == len(ranges) > 2


@pytest.mark.peers
def test_qgis_opens_them_styled(package):
    code = (
        "import os, sys; os.environ['QT_QPA_PLATFORM'] = 'offscreen'\n"
        "from qgis.core import QgsApplication, QgsVectorLayer\n"
        "program = QgsApplication([], False); program.initQgis()\n"
        "for name in ('corridors', 'planning_units'):\n"
        "    layer = QgsVectorLayer(f'{sys.argv[1]}|layername={name}', name, 'ogr')\n"
        "    renderer = layer.renderer()\n"
        "    kept = renderer.categories() if hasattr(renderer, 'categories') else [renderer]\n"
        "    print(name, *(one.symbol().color().name() for one in kept))\n"
    )
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no Python of the system")
    done = subprocess.run(["/usr/bin/python3", "-c", code, package], capture_output=True, text=True, check=False)
    if "No module named 'qgis'" in done.stderr:
        pytest.skip("QGIS is not installed")
    assert "corridors #7b4fa3" in done.stdout
    assert "planning_units #2e7d5b #8a8a8a #b8860b #b9b2a2" in done.stdout
