"""A planted control in each packed format is found; the same thing with the published cell in it is clean."""

import io
import sqlite3
import struct

import duckdb
import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import Image

from leaks import Place, scan, scan_file

X, Y = 106.412345, 24.512347
CLEAN = (106.45, 24.55)
CAVE = Place("cave", latitude=Y, longitude=X)


def found(data: bytes | str) -> bool:
    return bool(scan(data.encode() if isinstance(data, str) else data, [CAVE], name="x"))


@pytest.mark.parametrize("kind", ["<ff", ">ff"])
def test_short_numbers(kind):
    for at, told in (((X, Y), True), (CLEAN, False)):
        assert found(b"abc" + struct.pack(kind, *at) + b"de") == told
        assert found(b"abc" + struct.pack(kind, *at[::-1]) + b"de") == told
        for scale in (1e5, 1e6, 1e7):
            whole = [round(value * scale) for value in at]
            assert found(b"a" + struct.pack(kind.replace("f", "i"), *whole)) == told


LAYERS = [("FlatGeobuf", "fgb"), ("ESRI Shapefile", "shp"), ("GML", "gml"), ("GPKG", "gpkg")]


@pytest.mark.parametrize(("driver", "ending"), [*LAYERS, ("KML", "kml"), ("GeoJSONSeq", "geojsonl")])
@pytest.mark.parametrize("crs", [4326, 32648])
def test_layers(tmp_path, driver, ending, crs):
    crs = crs if (driver, ending) in LAYERS else 4326
    for at, told in (((X, Y), True), (CLEAN, False)):
        path = tmp_path / f"{told}.{ending}"
        frame = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(at)], crs=4326).to_crs(crs)
        frame.to_file(path, driver=driver)
        assert bool(scan_file(path, [CAVE])) == told


def test_what_was_dropped_from_a_duckdb_file(tmp_path):
    for dropped in (False, True):
        path = tmp_path / f"{dropped}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
            if dropped:
                connection.execute(
                    f"CREATE TABLE gone AS SELECT {Y} + i AS lat, {X} + i AS lon FROM range(100000) r(i)"
                )
                connection.execute("CHECKPOINT")
                connection.execute("DROP TABLE gone")
            connection.execute("CHECKPOINT")
        assert bool(scan_file(path, [CAVE])) == dropped


def test_what_was_deleted_from_a_sqlite_file(tmp_path):
    path = tmp_path / "r.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = off")
    connection.execute("CREATE TABLE t (a REAL, b REAL)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(Y, X), (1.5, 2.5)])
    connection.execute("DELETE FROM t WHERE a > 2")
    connection.commit()
    assert bool(scan_file(path, [CAVE]))
    connection.execute("PRAGMA secure_delete = on")
    connection.execute("VACUUM")
    connection.close()
    assert not scan_file(path, [CAVE])


def test_parquet_beyond_its_rows(tmp_path):
    note, path = f"{Y:.4f} {X:.4f}", tmp_path / "t.parquet"
    tables = {
        "metadata": pa.table({"a": [1.0]}).replace_schema_metadata({"note": note}),
        "a word of its dictionary that no row has": pa.table(
            {"w": pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["clean", note]))}
        ),
        "a name of a column": pa.table({note: [1]}),
    }
    for name, table in tables.items():
        pq.write_table(table, path, compression="zstd")
        assert scan_file(path, [CAVE]), name
    pq.write_table(pa.table({"a": [CLEAN[0]], "b": [CLEAN[1]]}), path)
    assert not scan_file(path, [CAVE])


def test_a_stream_of_arrow():
    for at, told in (((X, Y), True), (CLEAN, False)):
        table, out = pa.table({"a": [at[0]], "b": [at[1]]}), io.BytesIO()
        with pa.ipc.new_stream(out, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
            stream.write_table(table)
        assert found(out.getvalue()) == told


def test_zstandard_and_addresses_inside_addresses():
    assert found(pa.compress(f"{Y} {X}".encode(), codec="zstd", asbytes=True))
    assert found(f"next=%2Fsearch%3Fgeometry%253DPOINT%2528{X:.4f}%252520{Y:.4f}%2529")


def test_xmp_in_a_picture():
    told = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>24,30.7408N</exif:GPSLatitude><exif:GPSLongitude>106,24.7407E</exif:GPSLongitude></x:xmpmeta>'
    for text in (told, told.replace("24,30.7408", "24,33.0").replace("106,24.7407", "106,27.0")):
        out = io.BytesIO()
        Image.new("RGB", (4, 4)).save(out, "JPEG", xmp=text.encode())
        assert found(out.getvalue()) == (text is told)
