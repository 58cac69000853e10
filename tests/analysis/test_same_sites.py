"""One site of two lists stands once in analyses, and is flagged in both."""

import geopandas as gpd
import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import areas
from biodata.analysis import areas as areas_of
from biodata.text.same_sites import representatives


def square(x, side=0.1):
    return shapely.box(x, 0, x + side, 0.1)


@pytest.mark.parametrize(("first", "second", "is_one"), [
    pytest.param((square(0), "Virachey", ["KH"]), (square(0.005), "Virachey N.P.", ["KH"]), True, id="name"),
    pytest.param((square(0), "Phnom Prich", ["KH"]), (square(0.005), "Phnom Prech", []), True, id="ground"),
    pytest.param((square(0), "Chu Mom Ray", ["VN"]), (square(0.005), "Virachey", ["KH"]), False, id="two countries"),
    pytest.param((square(0), "Bokor", ["KH"]), (square(0.05), "Kirirom", ["KH"]), False, id="overlap"),
    pytest.param((square(0), "Bokor", ["KH"]), (square(0, 0.02), "Bokor core", ["KH"]), False, id="a part"),
])  # fmt: skip
def test_sites_that_seem_to_be_one(first, second, is_one):
    shapes, names, countries = zip(first, second, strict=True)
    found = representatives(np.array(shapes, dtype=object), names, countries)
    assert found.tolist() == ([0, 0] if is_one else [0, 1])


def test_three_lists_of_one_site_have_one_representative():
    shapes = np.array([square(0.02), square(0.01), square(0)], dtype=object)
    assert representatives(shapes, ["Bokor"] * 3, [["KH"]] * 3).tolist() == [0, 0, 0]


def test_an_analysis_takes_one_of_each_site_with_the_country_that_a_twin_states():
    sites = pl.DataFrame({
        "area_id": ["a:1", "b:1", "b:2"],
        "name": ["Virachey National Park", "Virachey", "Lomphat"],
        "country_codes": [[], ["KH"], ["KH"]],
        "geometry": [shapely.to_wkb(shape) for shape in (square(0), square(0.002), square(1))],
    }, schema_overrides={"country_codes": pl.List(pl.String)})  # fmt: skip
    table = areas_of.geodataframe(sites)
    assert table["area_id"].to_list() == ["a:1", "b:2"]
    assert table["country_codes"].to_list() == [("KH",), ("KH",)]


def test_own_areas_of_two_lists_are_taken_once(tmp_path):
    """A corridor from a site would else lead through its own twin; what met by its edge alone stays."""
    shapes = [
        shapely.box(104.0, 10.5, 104.2, 10.7),
        shapely.box(104.0, 10.5, 104.2, 10.68),
        shapely.box(104.2, 10.5, 104.4, 10.7),
    ]
    told = {"area_id": ["a", "b", "c"], "name": ["Preah Monivong (Bokor) National Park", "Phnom Bokor", "Kampot"]}
    path = tmp_path / "areas.geojson"
    gpd.GeoDataFrame(told, geometry=shapes, crs=4326).to_file(path)
    found, notes = areas.read(path)
    assert found["area_id"].tolist() == ["a", "c"]
    assert notes == ["Phnom Bokor (b) seems to be Preah Monivong (Bokor) National Park (a), which stands for both"]
