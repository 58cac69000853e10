import json
import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from biodata.core.errors import InputError
from biodata.ingest import open_source
from zips import zip_of_folder

NAM_HA = shapely.box(101.0, 20.6, 101.5, 21.1)
PHOU_DENE_DIN = shapely.box(102.0, 22.0, 102.3, 22.3)
OLD = {"WDPAID": [1001, 1002], "WDPA_PID": ["1001", "1002_A"], "NAME": ["Nam Ha", "Phou Dene Din"]}


def frame(crs="EPSG:4326", **columns):
    return gpd.GeoDataFrame(columns or OLD, geometry=[NAM_HA, PHOU_DENE_DIN], crs="EPSG:4326").to_crs(crs)


def write(path, data, **options):
    pyogrio.write_dataframe(data, path, **options)
    return path


def tables(path, **options):
    return list(open_source("protected-areas", [path], options=options).read())


def rows(path, **options):
    (table,) = tables(path, **options)
    (batch,) = table.batches
    return table, batch


def same(read, told):
    return read is None if told is None else read == told or float(read) == float(told)


def read_all(path, **options):
    for table in tables(path, **options):
        list(table.batches)


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        read_all(path, **options)
    assert "\n" not in str(caught.value)
    assert Path(path).name in str(caught.value)
    return caught.value.code


def geojson(path, *features, **members):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}), encoding="utf-8")
    return path


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


SQUARE = shapely.geometry.mapping(NAM_HA)


@pytest.mark.parametrize("name", ["areas.gpkg", "areas.shp", "areas.geojson", "A park's file!b?.geojson"])
def test_each_format_gives_the_same_rows(tmp_path, name):
    path = write(tmp_path / f"areas{Path(name).suffix}", frame())
    table, batch = rows(path.rename(tmp_path / name))
    assert table.kind == "protected_areas"
    assert table.declarations == {"crs": "EPSG:4326"}
    assert batch["source_row"].to_list() == [1, 2]
    assert batch["source_file"].unique().to_list() == [name]
    assert batch["WDPAID"].to_list() == ["1001", "1002"]
    assert batch["NAME"].to_list() == ["Nam Ha", "Phou Dene Din"]
    for read, told in zip(shapely.from_wkb(batch["geometry"].to_list()), (NAM_HA, PHOU_DENE_DIN), strict=True):
        assert shapely.equals(read, told)


def test_values_stay_as_they_came(tmp_path):
    told = {"iss": "2010/08/20", "ha": 70.0, "big": 12345678901, "name": "ភ្នំ  ", "list": ["a", "b"], "none": None}
    _, batch = rows(geojson(tmp_path / "cf.geojson", feature(SQUARE, **told), feature(SQUARE, iss="")))
    row = batch.row(0, named=True)
    assert (row["iss"], row["ha"], row["big"], row["name"]) == ("2010/08/20", "70.0", "12345678901", "ភ្នំ  ")
    assert json.loads(row["list"]) == ["a", "b"]
    assert row["none"] is None
    assert batch["iss"][1] is None


def test_attributes_of_our_names_are_kept_apart(tmp_path):
    _, batch = rows(geojson(tmp_path / "ahp.geojson", feature(SQUARE, source_file="Nam Ha.geojson")))
    assert batch["source_file"].to_list() == ["ahp.geojson"]
    assert batch["source_file_"].to_list() == ["Nam Ha.geojson"]


def test_other_coordinate_system_is_brought_to_wgs84(tmp_path):
    table, batch = rows(write(tmp_path / "utm.gpkg", frame("EPSG:32647")))
    assert table.declarations == {"crs": "EPSG:32647"}
    read = shapely.from_wkb(batch["geometry"].to_list())
    assert np.allclose(shapely.bounds(read), shapely.bounds([NAM_HA, PHOU_DENE_DIN]), atol=1e-6)


def test_shapefile_without_prj(tmp_path):
    path = write(tmp_path / "areas.shp", frame())
    path.with_suffix(".prj").unlink()
    table, batch = rows(path)
    assert table.declarations == {}
    assert batch.height == 2


def test_shapefile_without_prj_in_metres(tmp_path):
    path = write(tmp_path / "areas.shp", frame("EPSG:32647"))
    path.with_suffix(".prj").unlink()
    table, batch = rows(path, crs="EPSG:32647")
    assert shapely.from_wkb(batch["geometry"][0]).bounds == pytest.approx(NAM_HA.bounds, abs=1e-6)
    table = tables(path)[0]
    assert [batch.height for batch in table.batches] == [0]
    assert {(refusal.code, refusal.row) for refusal in table.refusals} == {
        ("COORDINATE_OUT_OF_RANGE", 1),
        ("COORDINATE_OUT_OF_RANGE", 2),
    }


@pytest.mark.parametrize(("encoding", "names", "options"), [
    pytest.param("UTF-8", ["西双版纳国家级自然保护区", "纳板河流域国家级自然保护区"], {}, id="Xishuangbanna in UTF-8"),
    pytest.param("GB18030", ["西双版纳国家级自然保护区", "纳板河流域国家级自然保护区"], {}, id="Xishuangbanna in GB18030"),
    pytest.param("CP1252", ["Réserve de Nam Hà", "Forêt protégée"], {"encoding": "cp1252"}, id="stated cp1252"),
])  # fmt: skip
def test_shapefile_without_cpg(tmp_path, encoding, names, options):
    path = write(tmp_path / "areas.shp", frame(NAME=names), encoding=encoding)
    path.with_suffix(".cpg").unlink()
    _, batch = rows(path, **options)
    assert batch["NAME"].to_list() == names


@pytest.mark.parametrize("part", [".dbf", ".shx"])
def test_shapefile_that_lacks_a_part_is_refused(tmp_path, part):
    path = write(tmp_path / "areas.shp", frame())
    path.with_suffix(part).unlink()
    assert refused(path) == "FILE_MISSING"


def zipped(path, folder, *, prefix=""):
    path.write_bytes(zip_of_folder(folder, prefix))
    return path


def test_zip_of_shapefiles(tmp_path):
    (folder := tmp_path / "parts").mkdir()
    write(folder / "WDPA_polygons.shp", frame(), encoding="GB18030")
    points = frame().set_geometry([shapely.Point(101, 21), shapely.Point(102, 22)], crs="EPSG:4326")
    write(folder / "WDPA_points.shp", points).with_suffix(".dbf").rename(folder / "WDPA_POINTS.DBF")
    path = zipped(tmp_path / "WDPA.zip", folder, prefix="WDPA_Nov2026/")
    found = tables(path)
    assert [table.name for table in found] == ["WDPA.zip/WDPA_points.shp", "WDPA.zip/WDPA_polygons.shp"]
    kinds = [shapely.from_wkb(next(table.batches)["geometry"][0]).geom_type for table in found]
    assert kinds == ["Point", "Polygon"]


def test_zip_without_shapefile_is_refused(tmp_path):
    (folder := tmp_path / "parts").mkdir()
    (folder / "readme.txt").write_text("nothing")
    assert refused(zipped(tmp_path / "a.zip", folder)) == "INPUT_FORMAT"
    assert refused(zipped(tmp_path / "b.zip", folder, prefix="../")) == "ARCHIVE_UNSAFE"


def test_layers_of_a_geopackage(tmp_path):
    path = write(tmp_path / "pa.gpkg", frame(), layer="polygons")
    points = frame().set_geometry([shapely.Point(101, 21), shapely.Point(102, 22)], crs="EPSG:4326")
    write(path, points, layer="points", append=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    assert [table.name for table in tables(path)] == ["pa.gpkg/polygons", "pa.gpkg/points"]
    _table, batch = rows(path, layer="points")
    assert shapely.from_wkb(batch["geometry"][0]).geom_type == "Point"
    assert refused(path, layer="lines") == "LAYER_UNKNOWN"


def test_geopackage_is_left_as_it_is(tmp_path):
    path = write(tmp_path / "pa.gpkg", frame())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    before = path.read_bytes()
    path.chmod(0o444)
    rows(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["pa.gpkg"]


VRT = '<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'


TOPOLOGY = (
    b'{"type": "Topology", "transform": {"scale": [1, 1], "translate": [0, 0]}, "arcs": [[[0, 0], [1, 1]]], '
    b'"objects": {"a": {"type": "GeometryCollection", "geometries": [{"type": "LineString", "arcs": [0]}]}}}'
)


@pytest.mark.parametrize(("name", "content", "code"), [
    pytest.param("areas.geojson", b"", "INPUT_EMPTY", id="an empty file"),
    pytest.param("areas.gpkg", VRT.encode(), "INPUT_FORMAT", id="a VRT that points at a system file"),
    pytest.param("areas.geojson", b'{"type": "FeatureCollection", "features": [', "INPUT_DAMAGED", id="half a file"),
    pytest.param("areas.geojson", b'{"a": ' + b"[" * 100_000, "INPUT_DAMAGED", id="nested 100,000 deep"),
    pytest.param("topo.json", TOPOLOGY, "INPUT_FORMAT", id="TopoJSON"),
    pytest.param("areas.gpkg", b"SQLite format 3\x00" + b"\xff" * 4000, "INPUT_DAMAGED",
                 id="a SQLite head, then noise"),
    pytest.param("areas.shp", b"\x00\x00\x27\x0a" + b"\x00" * 100, "FILE_MISSING", id="a lone .shp"),
])  # fmt: skip
def test_hostile_files_are_refused(tmp_path, name, content, code):
    path = tmp_path / name
    path.write_bytes(content)
    assert refused(path) == code


@pytest.mark.parametrize("name", ["/vsicurl/http", "nothing.shp", "GPKG:areas"])
def test_path_that_is_no_file_never_reaches_gdal(tmp_path, name):
    assert refused(Path(name)) == "FILE_MISSING"


def test_site_with_too_many_vertices_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("biodata.ingest.protected_areas.MAX_VERTICES", 100)
    circle = shapely.geometry.mapping(shapely.Point(101, 21).buffer(0.1, quad_segs=50))
    path = geojson(tmp_path / "areas.geojson", feature(SQUARE, n=1), feature(circle, n=2), feature(None, n=3))
    table, batch = rows(path)
    assert batch["n"].to_list() == ["1", "3"]
    assert batch["source_row"].to_list() == [1, 3]
    assert batch["geometry"][1] is None
    (refusal,) = table.refusals
    assert (refusal.code, refusal.row) == ("GEOMETRY_TOO_LARGE", 2)


def test_coordinate_system_that_is_none(tmp_path):
    path = write(tmp_path / "areas.shp", frame())
    path.with_suffix(".prj").unlink()
    assert refused(path, crs="EPSG:0") == "CRS_UNKNOWN"


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    path = write(tmp_path / "areas.gpkg", frame())
    rows(path)
    refused(Path("nothing.gpkg"))
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(("name", "count"), [
    ("pa_asean_heritage_parks/asean_heritage_parks.geojson", 69),
    ("pa_cambodia_odc/community_forests.geojson", 316),
    ("pa_cambodia_odc/eastern_plains_protected_area.geojson", 6),
    ("pa_cambodia_odc/key_biodiversity_areas.geojson", 40),
    ("pa_cambodia_odc/protected_areas_and_forests.geojson", 33),
])  # fmt: skip
def test_real_files(shared, name, count):
    path = shared / "data" / name
    table, batch = rows(path)
    features = json.loads(path.read_text())["features"]
    assert batch.height == len(features) == count
    assert table.refusals == []
    for key in features[0]["properties"]:
        told = [f["properties"][key] for f in features]
        column = batch[f"{key}_" if key == "source_file" else key].to_list()
        # A column in which any number has a point is one of numbers with a point.
        assert all(same(read, value) for read, value in zip(column, told, strict=True))
