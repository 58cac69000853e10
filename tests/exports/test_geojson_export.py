"""GeoJSON after RFC 7946."""

import json
from datetime import date

import polars as pl
import shapely

from biodata.exports.geo_files import write_collection


def written(tmp_path, frame):
    write_collection(frame, tmp_path / "out.geojson")
    return json.loads((tmp_path / "out.geojson").read_text("utf-8"))


def test_rings_run_the_right_way_and_coordinates_are_short(tmp_path):
    ring = [(101, 20), (101, 21), (102.123456789, 21), (102, 20)]  # with the clock
    hole = [(101.2, 20.2), (101.4, 20.2), (101.4, 20.4), (101.2, 20.4)]  # against it
    frame = pl.DataFrame({"name": ["Núi Cấm 禁山"], "country_codes": [["CN", "LA"]], "since": [date(1998, 5, 1)],
                          "area_km2": [float("nan")], "path": [shapely.LineString([(0, 0), (1, 1)]).wkb],
                          "geometry": [shapely.Polygon(ring, [hole]).wkb]})  # fmt: skip
    told = written(tmp_path, frame)
    assert set(told) == {"type", "features"}, "no crs"
    (feature,) = told["features"]
    assert feature["properties"] == {"name": "Núi Cấm 禁山", "country_codes": ["CN", "LA"], "since": "1998-05-01",
                                     "area_km2": None}  # fmt: skip
    outer, inner = (shapely.LinearRing(part) for part in feature["geometry"]["coordinates"])
    assert outer.is_ccw
    assert not inner.is_ccw
    assert feature["bbox"] == [101, 20, 102.1234568, 21]
    assert max(x for x, _ in feature["geometry"]["coordinates"][0]) == 102.1234568


def test_points_and_what_has_no_place(tmp_path):
    frame = pl.DataFrame(
        {"key": [1, 2, 3], "decimalLongitude": [101.5, None, 101], "decimalLatitude": [21.25, None, None]}
    )
    features = written(tmp_path, frame)["features"]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [101.5, 21.25]}
    assert [one["geometry"] for one in features[1:]] == [None, None]
    assert "bbox" not in features[1]
    assert features[0]["properties"]["key"] == 1


def test_nothing_is_a_collection_too(tmp_path):
    empty = pl.DataFrame(schema={"name": pl.String, "geometry": pl.Binary})
    assert written(tmp_path, empty) == {"type": "FeatureCollection", "features": []}
    shape = pl.DataFrame({"geometry": [shapely.Polygon().wkb, shapely.Point(1, 2).wkb]})
    assert [one["geometry"] is None for one in written(tmp_path, shape)["features"]] == [True, False]


def test_a_small_shape_does_not_vanish(tmp_path):
    tiny = shapely.box(101, 21, 101 + 1e-9, 21 + 1e-9)
    assert written(tmp_path, pl.DataFrame({"geometry": [tiny.wkb]}))["features"][0]["geometry"]["type"] == "Polygon"
