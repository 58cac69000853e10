"""The scanner finds a planted place in each format, and nothing in what may be published."""

import gzip
import io
import json
import sqlite3
import zipfile

import duckdb
import mapbox_vector_tile
import polars as pl
import pytest
import shapely

from leaks import Place, scan, scan_file, scan_frame
from sheets import book_of, bytes_of

CAVE = Place("cave", latitude=24.512347, longitude=106.412345)
ISLE = Place("isle", latitude=-8.761234, longitude=119.483217)
PLACES = [CAVE, ISLE]
CELL = {"decimalLatitude": 24.55, "decimalLongitude": 106.45, "cell_west": 106.4, "cell_north": 24.6}


def found(data, **more):
    return {
        finding.place for finding in scan(data.encode() if isinstance(data, str) else data, PLACES, name="x", **more)
    }


@pytest.mark.parametrize("text", [
    pytest.param('{"decimalLatitude": 24.512347, "decimalLongitude": 106.412345}', id="JSON"),
    pytest.param('{"type": "Point", "coordinates": [106.4123, 24.5123]}', id="GeoJSON of four decimals"),
    pytest.param("24.512\t106.412", id="three decimals, tab"),
    pytest.param("key,lat,name,lon\n1,24.51235,cave,106.41235\n", id="CSV with a column between"),
    pytest.param("24,51235; 106,41235", id="decimal commas"),
    pytest.param("POINT (106.412345 24.512347)", id="WKT"),
    pytest.param("2.4512347e1 1.06412345e2", id="exponents"),
    pytest.param("24°30'44.4\"N 106°24'44.4\"E", id="degrees, minutes, seconds"),
    pytest.param("24°30.741′ N, 106°24.741′ E", id="degrees and minutes"),
    pytest.param("24:30:44 106:24:44", id="colons"),
    pytest.param(r'{"text": "24\u00b030\u203244 106\u00b024\u203244"}', id="escaped signs"),
    pytest.param("lat=24.51235 only", id="a latitude by itself"),
    pytest.param("106.412345", id="a longitude by itself"),
    pytest.param("24512347 106412345", id="millionths of a degree"),
    pytest.param("0.42782 1.85725", id="radians"),
    pytest.param("11845768.2 2815868.5", id="Mercator metres"),
    pytest.param("24.5129 106.4120", id="70 m away"),
])  # fmt: skip
def test_a_planted_place_is_found_in_text(text):
    assert found(text) == {"cave"}


@pytest.mark.parametrize("text", [
    pytest.param(json.dumps(CELL), id="the cell that holds it"),
    pytest.param("24.5140 106.4123", id="180 m away"),
    pytest.param("24.51 106.41", id="two decimals"),
    pytest.param("24.5123" + " " * 4000 + "106.4123", id="numbers far apart"),
    pytest.param("version 24.5.1", id="a version"),
    pytest.param("", id="nothing"),
])  # fmt: skip
def test_what_may_be_published_is_not_found(text):
    assert found(text) == set()


def test_southern_places_are_found_with_their_sign():
    assert found("[119.48322, -8.76123]") == {"isle"}
    assert found("8°45'40.4\"S 119°28'59.6\"E") == {"isle"}


def test_packed_text_is_found():
    text = b'{"lat": 24.512347, "lon": 106.412345}'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("occurrence.txt", text)
        archive.writestr("inner.json.gz", gzip.compress(b"[119.483217, -8.761234]"))
    assert found(gzip.compress(text)) == {"cave"}
    assert found(packed.getvalue()) == {"cave", "isle"}
    assert found("24.512347 106.412345".encode("utf-16")) == {"cave"}


def test_a_member_s_name_is_read():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("photo_24.51235_106.41235.jpg", b"x")
    assert found(packed.getvalue()) == {"cave"}


def test_a_workbook_is_found():
    assert found(bytes_of(book_of({"Sheet": [["lat", "lon"], [24.512347, 106.412345]]}))) == {"cave"}


@pytest.fixture
def frame():
    rows = [CELL | {"key": n, "remarks": "none"} for n in range(50)]
    return pl.DataFrame(rows)


@pytest.fixture
def planted():
    return {
        "numbers": pl.DataFrame({"a": [1.0, 24.512347], "b": ["x", "y"], "c": [2.0, 106.412345]}),
        "a number and a text": pl.DataFrame({"a": [24.5123], "b": ["east 106.4123"]}),
        "text": pl.DataFrame({"remarks": ["by the spring", "24.5123, 106.4123"]}),
        "WKB": pl.DataFrame({"geometry": [shapely.to_wkb(shapely.Point(106.4123, 24.5123))]}),
        "big-endian WKB": pl.DataFrame({"geometry": [shapely.to_wkb(shapely.Point(106.4123, 24.5123), byte_order=0)]}),
        "a list": pl.DataFrame({"bbox": [[106.4123, 24.5123]]}),
        "a structure": pl.DataFrame({"place": [{"lat": 24.5123, "lon": 106.4123}]}),
        "Mercator integers": pl.DataFrame({"mx": [3_417_032_374], "my": [1_845_687_673]}),
    }


def test_tables_are_found_as_frames_and_in_parquet(tmp_path, planted):
    for name, table in planted.items():
        assert {f.place for f in scan_frame(table, PLACES, name="t")} == {"cave"}, name
        table.write_parquet(tmp_path / "t.parquet")
        assert {f.place for f in scan_file(tmp_path / "t.parquet", PLACES)} == {"cave"}, name


def test_every_table_of_a_duckdb_file_is_read(tmp_path, frame, planted):
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.execute("CREATE SCHEMA s")
        for name, table in {"clean": frame, **planted}.items():
            connection.register("told", table)
            connection.execute(f'CREATE TABLE s."{name}" AS FROM told')
    where = {f.where.split(": ")[1] for f in scan_file(tmp_path / "t.duckdb", PLACES) if ": " in f.where}
    assert where == set(planted)


def test_a_clean_table_is_clean_in_every_file_format(tmp_path, frame):
    assert scan_frame(frame, PLACES, name="t") == []
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.register("clean", frame)
        connection.execute("CREATE TABLE occurrences AS FROM clean")
    for path in tmp_path.iterdir():
        assert scan_file(path, PLACES) == []


def test_a_duckdb_geometry_is_found(tmp_path):
    from leak_tables import load_spatial

    with duckdb.connect(str(tmp_path / "g.duckdb")) as connection:
        load_spatial(connection)
        connection.execute("CREATE TABLE t AS SELECT ST_Point(106.4123, 24.5123) AS geometry")
    assert {f.what for f in scan_file(tmp_path / "g.duckdb", PLACES)} >= {"a vertex of a geometry"}


def test_a_geopackage_is_found(tmp_path):
    import geopandas as gpd

    shape = shapely.box(106, 24, 107, 25).difference(shapely.box(106.412345, 24.512347, 106.5, 24.6))
    gpd.GeoDataFrame({"n": [1]}, geometry=[shape], crs=4326).to_file(tmp_path / "g.gpkg", driver="GPKG")
    gpd.GeoDataFrame(CELL, geometry=[shapely.box(106.4, 24.5, 106.5, 24.6)], index=[0], crs=4326).to_file(
        tmp_path / "clean.gpkg", driver="GPKG"
    )
    assert {f.place for f in scan_file(tmp_path / "g.gpkg", PLACES)} == {"cave"}
    assert scan_file(tmp_path / "clean.gpkg", PLACES) == []


def test_sqlite_rows_are_found(tmp_path):
    connection = sqlite3.connect(tmp_path / "r.sqlite")
    connection.execute("CREATE TABLE audit (what TEXT, lat REAL, lon REAL)")
    connection.execute("INSERT INTO audit VALUES ('read', 24.5123, 106.4123)")
    connection.commit()
    connection.close()
    assert {f.where for f in scan_file(tmp_path / "r.sqlite", PLACES)} >= {"r.sqlite: audit"}


def _tile(zoom, longitude, latitude, **properties):
    """Return a vector tile with one point, and its place in the pyramid."""
    import math

    x = (longitude / 360 + 0.5) * 2**zoom
    y = (0.5 - math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi)) * 2**zoom
    column, row = int(x), int(y)
    point = shapely.Point(round((x - column) * 4096), round((y - row) * 4096))
    layer = {"name": "occurrences", "features": [{"geometry": point, "properties": properties}]}
    return mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True}), (zoom, column, row)


@pytest.mark.parametrize("zoom", [5, 8, 12, 16])
def test_a_tile_s_points_are_found_in_degrees(zoom):
    data, tile = _tile(zoom, 106.412345, 24.512347, key=1)
    assert found(data, tile=tile) == {"cave"}
    assert found(gzip.compress(data), tile=tile) == {"cave"}
    assert found(data, tile=(zoom, tile[1] + 1, tile[2])) == set()
    clean, tile = _tile(zoom, 106.45, 24.55, key=1)
    assert found(clean, tile=tile) == set()


def test_a_tile_s_properties_are_read():
    data, tile = _tile(8, 106.45, 24.55, note="24.5123 106.4123")
    assert found(data, tile=tile) == {"cave"}
