"""Places: every answer against shapely's polygons and PROJ's geodesics, and against another publisher's codes."""

import json

import numpy as np
import polars as pl
import pytest
import shapely
from pyproj import Geod

from biodata.core.errors import InputError
from biodata.core.vocabularies import MEMBERS, SOUTHWEST_CHINA
from biodata.places import (
    country_geometry,
    country_name,
    find_province,
    find_provinces,
    load_boundaries,
    locate,
    province_geometry,
    province_name,
)
from biodata.places.borders import SEA
from biodata.places.boundaries import REACH_M
from case_tables import cases

GEOD = Geod(ellps="WGS84")
REGION = (88, -11, 127, 35)


@pytest.fixture(scope="module")
def boundaries():
    return load_boundaries()


def _around_borders(boundaries, n, spread, seed):
    """Return points around the region's land borders."""
    rng = np.random.default_rng(seed)
    ends = boundaries.border_edges.ends
    west, south, east, north = REGION
    ends = ends[(ends[:, 0] > west) & (ends[:, 0] < east) & (ends[:, 1] > south) & (ends[:, 1] < north)]
    chosen = ends[rng.integers(0, len(ends), n)]
    return chosen[:, 0] + rng.normal(0, spread, n), chosen[:, 1] + rng.normal(0, spread, n)


def _exact_border_distance(boundaries, lon, lat):
    """Return the distance to the nearest land border by geodesics to every vertex of finely densified lines."""
    ends = boundaries.border_edges.ends
    reach = 0.5 / np.cos(np.radians(lat))
    x, y = ends[:, [0, 2]], ends[:, [1, 3]]
    close = (x.max(1) > lon - reach) & (x.min(1) < lon + reach) & (y.max(1) > lat - 0.5) & (y.min(1) < lat + 0.5)
    if not close.any():
        return np.inf
    lines = shapely.linestrings(ends[close].reshape(-1, 2, 2))
    for step, keep in ((0.002, 400.0), (0.00001, 0.0)):
        dense = shapely.segmentize(lines, step)
        xy, line = shapely.get_coordinates(dense, return_index=True)
        metres = GEOD.inv(np.full(len(xy), lon), np.full(len(xy), lat), xy[:, 0], xy[:, 1])[2]
        lines = lines[np.unique(line[metres <= metres.min() + keep])]
    return metres.min()


@pytest.mark.parametrize(
    ("longitude", "latitude", "country", "province"), cases("places", "test_cities_are_where_they_are")
)
def test_cities_are_where_they_are(boundaries, longitude, latitude, country, province):
    row = locate(np.array([longitude]), np.array([latitude]), boundaries).row(0, named=True)
    assert (row["located_country_code"], row["province_code"]) == (country, province)


def test_points_fall_in_the_polygon_that_shapely_finds(boundaries):
    rng = np.random.default_rng(11)
    lon, lat = _around_borders(boundaries, 6000, 0.05, 12)
    west, south, east, north = REGION
    lon, lat = np.append(lon, rng.uniform(west, east, 4000)), np.append(lat, rng.uniform(south, north, 4000))
    lon, lat = np.append(lon, rng.uniform(-180, 180, 4000)), np.append(lat, rng.uniform(-90, 90, 4000))
    point, unit = shapely.STRtree(boundaries.shapes).query(shapely.points(lon, lat), predicate="intersects")
    expected = np.full(len(lon), SEA)
    expected[point] = unit
    assert (boundaries.cells.locate(lon, lat) == expected).all()


def test_points_level_with_vertices_and_grid_lines_fall_in_a_polygon_that_touches_them(boundaries):
    rng = np.random.default_rng(13)
    ends = boundaries.edges.ends
    level = ends[rng.integers(0, len(ends), 4000)]
    lon = np.concatenate([level[:, 0] + rng.uniform(0, 0.2, 4000), np.round(rng.uniform(88, 127, 4000), 1)])
    lat = np.concatenate([level[:, 1], np.round(rng.uniform(-11, 35, 4000), 1)])
    keep = np.abs(lon) < 180
    lon, lat = lon[keep], lat[keep]
    found = boundaries.cells.locate(lon, lat)
    point, unit = shapely.STRtree(boundaries.shapes).query(shapely.points(lon, lat), predicate="intersects")
    touched = set(zip(point.tolist(), unit.tolist(), strict=True))
    on_land = np.isin(np.arange(len(lon)), point)
    assert all((i, u) in touched for i, u in enumerate(found.tolist()) if u != SEA)
    assert (found[~on_land] == SEA).all()
    assert (found[on_land] == SEA).mean() < 0.01  # on a coast itself either answer holds


def test_border_distances_are_exact_to_two_metres_within_30_km(boundaries):
    lon, lat = _around_borders(boundaries, 120, 0.12, 17)
    ours = boundaries.borders.near(lon, lat).distance_m
    exact = np.array([_exact_border_distance(boundaries, x, y) for x, y in zip(lon, lat, strict=True)])
    assert (np.isnan(ours) == (exact > REACH_M)).all()
    assert np.nanmax(np.abs(ours - exact)) < 2


def test_farther_than_30_km_is_null(boundaries):
    row = locate(np.array([102.71]), np.array([25.04]), boundaries).row(0, named=True)
    assert row == {"located_country_code": "CN", "province_code": "CN-YN", "border_distance_m": None,
                   "ambiguous": False, "country_codes": ["CN"]}  # fmt: skip


def test_the_band_carries_every_side(boundaries):
    lon, lat = _around_borders(boundaries, 3000, 0.06, 19)
    frame = locate(lon, lat, boundaries)
    land = frame.filter(pl.col("located_country_code").is_not_null())
    within = land["border_distance_m"].fill_null(np.inf) <= boundaries.band_m
    assert within.sum() > 500
    assert (land["ambiguous"] == within).all()
    assert (land.filter(within)["country_codes"].list.len() >= 2).all()
    assert (land.filter(~within)["country_codes"].list.len() == 1).all()
    assert land.select(pl.col("located_country_code").is_in("country_codes")).to_series().all()


def test_both_sides_of_the_band_are_the_countries_whose_land_lies_within_it(boundaries):
    lon, lat = _around_borders(boundaries, 40, 0.04, 23)
    frame = locate(lon, lat, boundaries)
    for x, y, codes, ambiguous in zip(lon, lat, frame["country_codes"], frame["ambiguous"], strict=True):
        angle = np.linspace(0, 360, 721)
        ring = GEOD.fwd(np.full(721, x), np.full(721, y), angle, np.full(721, boundaries.band_m - 5))
        disc = shapely.polygons(np.column_stack(ring[:2]))
        touched = {
            c
            for c in ("CN", "MM", "LA", "VN", "TH", "KH", "MY", "ID", "BN", "IN", "BT", "NP", "BD", "TL", "PG", "SG",
                      "HK", "MO")
            if country_geometry(c, boundaries).intersects(disc)
        }  # fmt: skip
        if ambiguous:
            assert touched <= set(codes)


def test_the_tripoint_of_china_laos_and_viet_nam_has_three_sides(boundaries):
    frame = locate(np.array([102.14]), np.array([22.4]), boundaries)
    assert frame["country_codes"].to_list() == [["CN", "LA", "VN"]]


@pytest.mark.parametrize(("longitude", "latitude"), [
    pytest.param(112.33, 16.83, id="Paracel Islands"),
    pytest.param(77.1, 35.5, id="Siachen Glacier"),
])  # fmt: skip
def test_disputed_places_belong_to_no_side(boundaries, longitude, latitude):
    disputed = boundaries.units.with_row_index().filter(level="disputed")
    shapes = boundaries.shapes[disputed["index"].to_numpy()]
    place = min(shapes, key=lambda s: s.distance(shapely.Point(longitude, latitude))).representative_point()
    row = locate(np.array([place.x]), np.array([place.y]), boundaries).row(0, named=True)
    assert (row["located_country_code"], row["province_code"], row["ambiguous"]) == (None, None, True)


def test_the_open_sea_is_nowhere_and_a_coast_has_its_country(boundaries):
    frame = locate(np.array([111.5, 109.25]), np.array([12.0, 12.0]), boundaries)
    assert frame["located_country_code"].to_list() == [None, None]
    assert frame["country_codes"].to_list() == [[], ["VN"]]
    assert frame["ambiguous"].to_list() == [False, False]


def test_what_is_no_place_gives_nulls_in_its_row(boundaries):
    lon = np.array([np.nan, 102.71, 200.0, 102.71, 180.0])
    lat = np.array([25.04, 25.04, 25.04, 91.0, 90.0])
    frame = locate(lon, lat, boundaries)
    assert frame["located_country_code"].to_list() == [None, "CN", None, None, None]
    assert frame["ambiguous"].to_list() == [None, False, None, None, False]
    assert frame["country_codes"].to_list() == [None, ["CN"], None, None, []]


def test_no_points_give_no_rows(boundaries):
    assert locate(np.array([]), np.array([]), boundaries).is_empty()


def test_the_set_covers_the_scope_and_all_its_land_neighbours(boundaries):
    codes = set(boundaries.units["country_code"].drop_nulls())
    assert set(MEMBERS) <= codes
    e, of, names = boundaries.border_edges, boundaries.country_of, boundaries.countries
    pairs = {frozenset((names[of[a]], names[of[b]])) for a, b in zip(e.left, e.right, strict=True)}
    neighbours = {code for pair in pairs for code in pair if pair & set(MEMBERS)} - {None}
    assert neighbours >= {"IN", "BD", "BT", "NP", "PG", "PK", "AF", "TJ", "KG", "KZ", "MN", "RU", "KP", "HK"}
    assert frozenset(("CN", "LA")) in pairs
    assert frozenset(("CN", "TH")) not in pairs
    assert set(SOUTHWEST_CHINA) <= set(boundaries.units["province_code"].drop_nulls())


def test_the_viewpoint_is_stated(boundaries):
    assert "no position on any boundary" in boundaries.viewpoint
    assert boundaries.units.filter(level="disputed")["name"].to_list() == [
        "Paracel Islands", "Siachen Glacier", "Spratly Islands",
    ]  # fmt: skip
    assert boundaries.claim_lines.height > 0


def test_an_unknown_set_is_named_with_those_that_there_are():
    with pytest.raises(InputError, match="no boundary set called 'gadm'; known sets: natural_earth"):
        load_boundaries("gadm")


def test_codes_agree_with_another_publishers_map(boundaries, shared):
    """Every division's middle lies in the division of the same code in a map that carries ISO's codes itself."""
    text = (shared / "data/boundaries_admin1_superset/admin1_asean_china.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    shapes = shapely.from_geojson([json.dumps(f["geometry"]) for f in features])
    theirs = [f["properties"]["ISO"] for f in features]
    countries = {f["properties"]["country"] for f in features}
    ours = boundaries.units.with_row_index().filter(level="province").filter(pl.col("country_code").is_in(countries))
    middles = shapely.point_on_surface(boundaries.shapes[ours["index"].to_numpy()])
    differ = {}
    for middle, code in zip(middles, ours["province_code"], strict=True):
        found = {theirs[i] for i in shapely.STRtree(shapes).query(middle, predicate="intersects")}
        if code not in found:
            differ[code] = found
    assert differ == {
        "LA-VT": {"LA-VI"},  # theirs has one code for both; ISO has LA-VT for the prefecture
        "PH-00": {"PH-MNL"},  # Metro Manila is PH-00: https://www.iso.org/obp/ui/#iso:code:3166:PH
    }


@pytest.mark.parametrize(
    ("country", "text", "code"), cases("places", "test_provinces_are_found_by_what_records_call_them")
)
def test_provinces_are_found_by_what_records_call_them(boundaries, country, text, code):
    assert find_province(country, text, boundaries) == code


@pytest.mark.parametrize(("country", "text", "codes"), [
    *cases("places", "test_a_name_of_several_divisions_says_which"),
    pytest.param("CN", "云" * 10_000, (), id="no name is so long"),
])  # fmt: skip
def test_a_name_of_several_divisions_says_which(boundaries, country, text, codes):
    assert find_provinces(country, text, boundaries) == tuple(codes)


@pytest.mark.parametrize(
    ("text", "codes"), [("Xaysomboun", ("LA-XS",)), ("赛宋本", ("LA-XS",)), ("LA-XS", ("LA-XS",)), ("Vientiane", ())]
)
def test_a_division_that_the_map_lacks_is_found_when_asked_for(boundaries, text, codes):
    assert find_provinces("LA", text, boundaries, younger=True) == codes


def test_a_set_is_told_in_one_line(boundaries):
    assert len(repr(boundaries)) < 100
    assert "natural_earth" in repr(boundaries)


def test_every_division_is_found_by_its_own_name(boundaries):
    units = boundaries.units.filter(level="province")
    missed = [
        row
        for row in units.select("country_code", "name", "province_code").rows()
        if find_province(*row[:2], boundaries) != row[2]
    ]
    assert missed == []


def test_names_and_shapes_by_code(boundaries):
    assert province_name("CN-XZ", boundaries) == "Xizang"
    assert province_geometry("CN-YN", boundaries).contains(shapely.Point(102.71, 25.04))
    assert country_geometry("LA", boundaries).contains(shapely.Point(102.6, 18.5))
    with pytest.raises(InputError, match="CN-ZZ"):
        province_name("CN-ZZ", boundaries)


@pytest.mark.parametrize(("code", "name"), [
    ("LA", "Lao PDR"), ("GB", "United Kingdom"), ("BT", "Bhutan"), ("ZZ", "ZZ"),
])  # fmt: skip
def test_country_names(code, name):
    assert country_name(code) == name
