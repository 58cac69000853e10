"""GDAL (the one in pyogrio, and ogrinfo where it is installed) and OWSLib read our OGC API."""

import csv
import http.client
import subprocess

import pyproj
import pytest

import releases
from servers import need

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore")]
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]
PLACED = [r for r in ROWS if r["decimalLatitude"] is not None]


@pytest.fixture(scope="module")
def pyogrio():
    import pyogrio

    if "OAPIF" not in pyogrio.list_drivers():
        pytest.fail("this pyogrio has no OGC API driver")
    return pyogrio


def test_gdal_lists_the_layers(pyogrio, address):
    layers = {name for name, _ in pyogrio.list_layers(f"OAPIF:{address}/ogc")}
    assert layers == {"occurrences", "protected_areas", "corridors", "reserve_candidates", "considered_ground",
                      "surveys", "boundaries"}  # fmt: skip


def test_gdal_reads_every_feature_over_pages(pyogrio, address):
    frame = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer="occurrences", PAGE_SIZE="100")
    assert len(frame) == len(ROWS)
    assert set(frame["occurrenceID"].dropna()) == {r["occurrenceID"] for r in releases.open_rows()}
    assert int((~frame.geometry.is_empty & frame.geometry.notna()).sum()) == len(PLACED)
    assert {"typeStatus", "elevation", "cell_west"} <= set(frame.columns), "a property that is null everywhere is there"


def test_gdal_filters_by_a_box(pyogrio, address):
    frame = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer="occurrences", bbox=(101, 20.5, 102, 21.5))
    inside = {
        r["occurrenceID"] for r in releases.open_rows()
        if r["decimalLatitude"] and 101 <= r["decimalLongitude"] <= 102 and 20.5 <= r["decimalLatitude"] <= 21.5
    }  # fmt: skip
    assert set(frame["occurrenceID"]) == inside
    assert inside


def test_gdal_filters_by_property(pyogrio, address):
    frame = pyogrio.read_dataframe(
        f"OAPIF:{address}/ogc", layer="occurrences", where="countryCode = 'VN' AND year > 2010"
    )
    assert len(frame) == sum(r["countryCode"] == "VN" and r["year"] > 2010 for r in ROWS)


@pytest.mark.parametrize(
    ("layer", "count"), [("protected_areas", 3), ("corridors", 2), ("reserve_candidates", 1), ("considered_ground", 1)]
)
def test_gdal_reads_areas_and_results(pyogrio, address, layer, count):
    frame = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer=layer)
    assert len(frame) == count
    assert frame.crs.to_epsg() in (4326, None) or "CRS84" in str(frame.crs)


def ogr(program, *arguments):
    done = subprocess.run(
        [need(program), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def test_ogrinfo(address):
    told = ogr("ogrinfo", "-so", f"OAPIF:{address}/ogc", "occurrences")
    assert f"Feature Count: {len(ROWS)}" in told
    assert "year: Integer" in told
    assert "event_start: Date" in told
    assert "country_codes: StringList" in told


@pytest.mark.parametrize(("options", "holds"), [
    pytest.param([], lambda r: True, id="everything, over pages"),
    pytest.param(["-spat", 101, 20.5, 102, 21.5], lambda r: inside(r, 101, 20.5, 102, 21.5), id="a box"),
    pytest.param(["-where", "countryCode = 'VN' AND year > 2010"], lambda r: r["countryCode"] == "VN" and r["year"] > 2010, id="an attribute filter"),
    pytest.param(["-where", "species LIKE 'Lophura%' OR month IN (1, 2)"], lambda r: r["genus"] == "Lophura" or r["month"] in (1, 2), id="LIKE and IN"),
    pytest.param(["-where", "decimalLatitude IS NULL"], lambda r: r["decimalLatitude"] is None, id="no value"),
    pytest.param(["-spat", 101, 20.5, 104, 22.5, "-where", "basisOfRecord = 'PRESERVED_SPECIMEN'"], lambda r: inside(r, 101, 20.5, 104, 22.5) and r["basisOfRecord"] == "PRESERVED_SPECIMEN", id="both"),
])  # fmt: skip
def test_ogr2ogr(address, tmp_path, options, holds):
    out = tmp_path / "out.csv"
    pages = ["-oo", "PAGE_SIZE=100"]
    ogr("ogr2ogr", "-f", "CSV", out, f"OAPIF:{address}/ogc", "occurrences", *pages, *options)
    with out.open(encoding="utf-8") as file:
        found = [row["occurrenceID"] for row in csv.DictReader(file) if row["occurrenceID"]]
    expected = [r["occurrenceID"] for r in releases.open_rows() if holds(r)]
    assert sorted(found) == sorted(expected)


def inside(row, west, south, east, north):
    placed = row["decimalLatitude"] is not None
    return placed and west <= row["decimalLongitude"] <= east and south <= row["decimalLatitude"] <= north


def test_gdal_lets_us_filter(address):
    told = subprocess.run(
        [need("ogrinfo"), "--debug", "on", "-so", "-where", "countryCode = 'VN' AND year = 2010", f"OAPIF:{address}/ogc", "occurrences"],
        capture_output=True, text=True, check=True, timeout=280,
    )  # fmt: skip
    assert "countryCode=VN&year=2010" in told.stdout + told.stderr
    expected = sum(r["countryCode"] == "VN" and r["year"] == 2010 for r in ROWS)
    assert f"Feature Count: {expected}" in told.stdout


def test_gdal_reads_tiles_and_every_record_is_counted(address):
    """GDAL's client of OGC API Tiles: it takes the grid from us, then the tiles of a zoom."""
    told = ogr("ogrinfo", "-q", f"OGCAPI:{address}/ogc/collections/occurrences", "Zoom level 0", "-oo", "API=TILES")
    counts = [int(line.rpartition("=")[2]) for line in told.splitlines() if "count (Integer)" in line]
    assert sum(counts) == releases.OPEN + 2


def test_gdal_asks_in_another_system(address, tmp_path):
    out, system = tmp_path / "out.geojson", "http://www.opengis.net/def/crs/EPSG/0/3857"
    ogr("ogr2ogr", "-f", "CSV", "-lco", "GEOMETRY=AS_XY", out.with_suffix(".csv"), f"OAPIF:{address}/ogc", "occurrences",
        "-oo", f"CRS={system}", "-where", "occurrenceID = 'FN-40'")  # fmt: skip
    with out.with_suffix(".csv").open(encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(100.37, 20 + 8 * 0.11)
    assert (float(row["X"]), float(row["Y"])) == (pytest.approx(x, abs=0.01), pytest.approx(y, abs=0.01))


@pytest.mark.parametrize("slash", ["", "/"])
def test_owslib(address, slash):
    from owslib.ogcapi.features import Features

    service = Features(f"{address}/ogc{slash}")
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in service.conformance()["conformsTo"]
    assert set(service.feature_collections()) >= {"occurrences", "corridors"}
    body = service.collection_items("occurrences", bbox=[101, 20.5, 102, 21.5], limit=10)
    assert body["numberReturned"] == min(10, body["numberMatched"])
    one = service.collection_item("occurrences", str(body["features"][0]["id"]))
    assert one["properties"] == body["features"][0]["properties"]
    assert service.collection_queryables("occurrences")["properties"]["year"]["type"] == "integer"
    found = service.collection_items("occurrences", filter="year = 2000 AND countryCode = 'VN'")
    assert found["numberMatched"] == sum(r["year"] == 2000 and r["countryCode"] == "VN" for r in ROWS)


def test_heads_are_answered_on_one_connection(address):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    try:
        for path in ("/v1/occurrence/search?limit=1", "/health/live", "/ogc", "/docs", "/v1/dataset"):
            connection.request("HEAD", path)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b""), path
        connection.request("GET", "/health/live")
        assert connection.getresponse().read()
    finally:
        connection.close()
