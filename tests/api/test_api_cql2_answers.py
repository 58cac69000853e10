"""CQL2 asked of a real release, text and JSON, against the same rows asked by hand: shapely, Python's dates and sets."""

import json
import unicodedata
from datetime import date

import pytest
import shapely

import releases

pytest_plugins = ("api_client",)
ROWS = releases.open_rows()
AREAS = {
    row["area_id"]: shapely.from_wkb(row["geometry"]) if row["geometry"] else None
    for row in releases.results()["protected_areas"].to_dicts()
}


def plain(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).replace("Đ", "D")


def ask(client, collection, filter_, **more):
    text = filter_ if isinstance(filter_, str) else json.dumps(filter_)
    language = "cql2-text" if isinstance(filter_, str) else "cql2-json"
    parameters = {"filter": text, "filter-lang": language, "limit": 1000, **more}
    answer = client.get(f"/ogc/collections/{collection}/items", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["features"]


def occurrences(client, filter_, **more):
    found = ask(client, "occurrences", filter_, sharing_category="open", **more)
    return {f["properties"]["occurrenceID"] for f in found}


def point(row):
    return None if row["decimalLatitude"] is None else shapely.Point(row["decimalLongitude"], row["decimalLatitude"])


P = {"property": "geometry"}
SQUARE = "POLYGON((100.5 20.5, 102 20.5, 102 22, 100.5 22, 100.5 20.5))"
GRID_POINT = (ROWS[40]["decimalLongitude"], ROWS[40]["decimalLatitude"])
DAY = date(2006, 9, 1)


@pytest.mark.parametrize(("filter_", "holds"), [
    pytest.param("TRUE", lambda r: True, id="true"),
    pytest.param("year = 2005 OR FALSE", lambda r: r["year"] == 2005, id="false"),
    pytest.param("2010 >= year AND month <> 3", lambda r: r["year"] <= 2010 and r["month"] != 3, id="the value first"),
    pytest.param("year NOT BETWEEN 2000 AND 2010", lambda r: not 2000 <= r["year"] <= 2010, id="not between"),
    pytest.param("species LIKE 'Capricornis%'", lambda r: r["species"].startswith("Capricornis"), id="LIKE"),
    pytest.param("species NOT LIKE '%nyct_emera'", lambda r: "nycthemera" not in r["species"], id="NOT LIKE"),
    pytest.param("locality LIKE '%100\\%%'", lambda r: True, id="an escaped wildcard"),
    pytest.param("CASEI(countryCode) IN (CASEI('vn'), CASEI('La'))", lambda r: r["countryCode"] in ("VN", "LA"), id="CASEI IN"),
    pytest.param("ACCENTI(stateProvince) = ACCENTI('Cao Bằng')", lambda r: plain(r["stateProvince"]) == "Cao Bang", id="ACCENTI"),
    pytest.param("ACCENTI(stateProvince) = 'Cao Bang'", lambda r: plain(r["stateProvince"]) == "Cao Bang", id="ACCENTI of one side"),
    pytest.param("CASEI(ACCENTI(stateProvince)) LIKE CASEI(ACCENTI('%BẮNG'))", lambda r: plain(r["stateProvince"]).lower().endswith("bang"), id="CASEI and ACCENTI with LIKE"),
    pytest.param("ACCENTI(stateProvince) IN ('Cao Bang', 'Yunnan')", lambda r: plain(r["stateProvince"]) in ("Cao Bang", "Yunnan"), id="ACCENTI IN"),
    pytest.param("elevation IS NULL", lambda r: True, id="nothing"),
    pytest.param("geometry IS NULL", lambda r: r["decimalLatitude"] is None, id="no place"),
    pytest.param(f"S_INTERSECTS(geometry, {SQUARE})", lambda r: (p := point(r)) is not None and shapely.from_wkt(SQUARE).intersects(p), id="intersects"),
    pytest.param(f"S_WITHIN(geometry, {SQUARE})", lambda r: (p := point(r)) is not None and p.within(shapely.from_wkt(SQUARE)), id="within: not on the edge"),
    pytest.param(f"S_CONTAINS({SQUARE}, geometry)", lambda r: (p := point(r)) is not None and p.within(shapely.from_wkt(SQUARE)), id="contains, the geometry first"),
    pytest.param(f"S_DISJOINT(geometry, {SQUARE})", lambda r: (p := point(r)) is not None and not shapely.from_wkt(SQUARE).intersects(p), id="disjoint"),
    pytest.param(f"S_EQUALS(geometry, POINT({GRID_POINT[0]!r} {GRID_POINT[1]!r}))", lambda r: (p := point(r)) is not None and p.equals(shapely.Point(*GRID_POINT)), id="equals"),
    pytest.param("S_TOUCHES(geometry, LINESTRING(100 20, 100 21.1))", lambda r: (p := point(r)) is not None and p.touches(shapely.from_wkt("LINESTRING(100 20, 100 21.1)")), id="touches a line's end"),
    pytest.param("S_INTERSECTS(geometry, MULTIPOINT((100 20), (100 20.11)))", lambda r: (p := point(r)) is not None and shapely.MultiPoint([(100, 20), (100, 20.11)]).intersects(p), id="several points"),
    pytest.param(f"S_INTERSECTS(geometry, GEOMETRYCOLLECTION({SQUARE}, POINT(100 20)))", lambda r: (p := point(r)) is not None and (shapely.from_wkt(SQUARE).intersects(p) or p.equals(shapely.Point(100, 20))), id="a collection"),
    pytest.param({"op": "s_within", "args": [P, {"bbox": [100.5, 20.5, 102, 22]}]}, lambda r: (p := point(r)) is not None and p.within(shapely.box(100.5, 20.5, 102, 22)), id="within a box"),
    pytest.param({"op": "s_intersects", "args": [P, {"bbox": [100.5, 20.5, 0, 102, 22, 9]}]}, lambda r: (p := point(r)) is not None and p.intersects(shapely.box(100.5, 20.5, 102, 22)), id="a box with heights"),
    pytest.param("T_AFTER(event_start, DATE('2006-09-01'))", lambda r: r["event_start"] > DAY, id="time: after"),
    pytest.param("T_BEFORE(eventDate, TIMESTAMP('2006-09-01T10:00:00Z'))", lambda r: r["event_end"] < DAY, id="time: before"),
    pytest.param("T_EQUALS(eventDate, INTERVAL('2006-09-09', '2006-09-09'))", lambda r: r["event_start"] == date(2006, 9, 9), id="time: equals"),
    pytest.param("T_DURING(event_start, INTERVAL('2006-03-01', '2006-09-01'))", lambda r: date(2006, 3, 1) < r["event_start"] < DAY, id="time: during"),
    pytest.param("T_DURING(event_start, INTERVAL('..', '2006-09-01'))", lambda r: r["event_start"] < DAY, id="time: during an open interval"),
    pytest.param("T_DISJOINT(event_start, INTERVAL('2006-03-01', '..'))", lambda r: r["event_start"] < date(2006, 3, 1), id="time: disjoint"),
    pytest.param("T_CONTAINS(INTERVAL('2006-03-01', '2006-09-01'), event_start)", lambda r: date(2006, 3, 1) < r["event_start"] < DAY, id="time: contains"),
    pytest.param("A_CONTAINS(country_codes, ('CN', 'LA'))", lambda r: {"CN", "LA"} <= set(r["country_codes"]), id="a list contains"),
    pytest.param({"op": "a_overlaps", "args": [{"property": "country_codes"}, ["VN", "US"]]}, lambda r: "VN" in r["country_codes"], id="lists overlap"),
    pytest.param({"op": "not", "args": [{"op": "like", "args": [{"op": "casei", "args": [{"property": "species"}]}, {"op": "casei", "args": ["LOPHURA%"]}]}]}, lambda r: r["genus"] != "Lophura", id="JSON: not, like, casei"),
    pytest.param({"op": "between", "args": [{"property": "year"}, 2001, 2002]}, lambda r: r["year"] in (2001, 2002), id="JSON: between"),
    pytest.param({"op": "isNull", "args": [{"property": "decimalLatitude"}]}, lambda r: r["decimalLatitude"] is None, id="JSON: isNull"),
])  # fmt: skip
def test_occurrences(client, filter_, holds):
    assert occurrences(client, filter_) == {r["occurrenceID"] for r in ROWS if holds(r)}


@pytest.mark.parametrize(
    "relation", ["intersects", "within", "contains", "equals", "touches", "crosses", "overlaps", "disjoint"]
)
@pytest.mark.parametrize("wkt", [
    pytest.param(shapely.to_wkt(AREAS["ha:nam-ha"], rounding_precision=-1), id="one of them"),
    pytest.param("POLYGON((100 20, 101 20, 101 21, 100 21, 100 20))", id="across one"),
    pytest.param("POLYGON((100 20, 102 20, 102 22, 100 22, 100 20))", id="around all"),
    pytest.param("POINT(101 20.6)", id="a point inside"),
    pytest.param("LINESTRING(100 20, 102 22)", id="a line through"),
    pytest.param("POLYGON((101.2 20, 103 20, 103 21, 101.2 21, 101.2 20))", id="beside one"),
])  # fmt: skip
def test_areas(client, relation, wkt):
    other = shapely.from_wkt(wkt)
    expected = {key for key, area in AREAS.items() if area is not None and getattr(area, relation)(other)}
    found = ask(client, "protected_areas", f"S_{relation.upper()}(geometry, {wkt})")
    assert {f["id"] for f in found} == expected
    if relation in ("within", "contains"):
        swapped = "contains" if relation == "within" else "within"
        assert {f["id"] for f in ask(client, "protected_areas", f"S_{swapped.upper()}({wkt}, geometry)")} == expected
