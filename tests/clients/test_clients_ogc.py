"""GDAL (the one in pyogrio, and ogrinfo where it is installed) and OWSLib read our OGC API."""

import subprocess

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
    assert layers == {"occurrences", "protected_areas", "corridors", "reserve_candidates", "boundaries"}


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


@pytest.mark.parametrize(("layer", "count"), [("protected_areas", 3), ("corridors", 2), ("reserve_candidates", 1)])
def test_gdal_reads_areas_and_results(pyogrio, address, layer, count):
    frame = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer=layer)
    assert len(frame) == count
    assert frame.crs.to_epsg() in (4326, None) or "CRS84" in str(frame.crs)


def test_ogrinfo(address):
    ogrinfo = need("ogrinfo")
    done = subprocess.run(
        [ogrinfo, "-so", f"OAPIF:{address}/ogc", "occurrences"], capture_output=True, text=True, check=True, timeout=60
    )
    assert f"Feature Count: {len(ROWS)}" in done.stdout


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
