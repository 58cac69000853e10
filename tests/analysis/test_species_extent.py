"""Area of occupancy and extent of occurrence, beside published figures and brute force."""

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from biodata import places
from biodata.analysis.species.figures import _figures, extent, extent_values, land_km2
from biodata.analysis.species.ranges import SYSTEM, occupied_area, occupied_bound
from biodata.core import geo

# Acosmium diffusissimum. Points and figures of GeoCAT, rCAT and others as compared in
# https://github.com/vicentecalfo/eoo-aoo-calculator (Resultados.md, points_data_7): extent 310,550 km² and 312,363
# km² (two spheres), 308,805 km² (rCAT, a projected hull); area of occupancy 76 km².
ACOSMIUM = np.array(
    """
    -39.779722 -15.840278 -40.680278 -14.759444 -39.780556 -14.940278 -41.009167 -12.455278 -44.266389 -15.086944
    -41.219722 -15.659722 -42.766667 -12.716667 -40.710278 -12.724444 -40.1461305238 -13.5871440696 -42.77 -12.72
    -39.7647956664 -17.0087570253 -43.079838 -15.71119 -41.7405452094 -13.5871440696 -41.220556 -15.480278
    -41.7405452094 -13.5871440696 -44.007778 -14.849722 -41.151944 -12.781944 -42.064195 -20.881314
    -41.104722 -12.944722 -44.45237 -15.56637 -44.8604695 -15.5725340347 -43.079838 -15.71119
    """.split(),
    dtype=np.float64,
).reshape(-1, 2)
points = st.lists(st.tuples(st.floats(99, 103), st.floats(18, 23)), min_size=1, max_size=25).map(np.array)


def test_published_figures_of_a_species():
    occupied = occupied_area(*ACOSMIUM.T)
    found = extent(*ACOSMIUM.T)
    assert (occupied.cells, occupied.area_km2, occupied.positions) == (19, 76.0, 100)
    assert found.hull_km2 == pytest.approx(310_550, rel=2e-4)
    assert 308_805 < found.hull_km2 < 312_363
    assert geo.area_km2([found.polygon()])[0] == pytest.approx(found.hull_km2, rel=1e-5)


@settings(max_examples=30)
@given(points)
def test_the_fewest_cells_over_all_shifts_by_brute_force(places_):
    xy = geo.project(places_, 4326, SYSTEM)
    counts = {
        len({(int(np.floor((x - e * 500) / 2000)), int(np.floor((y - n * 500) / 2000))) for x, y in xy})
        for e in range(4)
        for n in range(4)
    }
    found = occupied_area(*places_.T, shifts=4)
    assert found.cells == min(counts)
    assert len(found.polygons()) == found.cells
    cells = found.polygons()
    assert all(
        shapely.intersects(shapely.buffer(cells, 1e-9), shapely.Point(place)).any() for place in places_.tolist()
    )


@settings(max_examples=30)
@given(points, st.tuples(st.floats(99, 103), st.floats(18, 23)))
def test_a_record_more_lowers_neither(places_, one):
    more = np.vstack([places_, one])
    assert occupied_area(*more.T).cells >= occupied_area(*places_.T).cells
    assert extent(*more.T).hull_km2 >= extent(*places_.T).hull_km2 * (1 - 1e-6) - 1e-3


@settings(max_examples=30)
@given(points)
def test_the_hull_is_that_of_an_equal_area_plane_and_holds_every_point(places_):
    flat = geo.project(places_, 4326, geo.equal_area_crs((99, 18, 103, 23)))
    found = extent(*places_.T)
    assert found.hull_km2 == pytest.approx(shapely.MultiPoint(flat).convex_hull.area / 1e6, rel=2e-3, abs=0.5)
    if found.hull_km2 > 1:
        assert shapely.covers(shapely.buffer(found.polygon(), 1e-4), shapely.points(places_)).all()


def test_one_point_two_and_three_on_a_line_have_no_hull_and_the_extent_is_the_occupied_area():
    for places_ in ([[101.0, 21.0]], [[101.0, 21.0], [102.0, 22.0]], [[100.0, 0.0], [101.0, 0.0], [102.0, 0.0]]):
        lon, lat = np.array(places_).T
        occupied, found = occupied_area(lon, lat), extent(lon, lat)
        assert found.hull_km2 == 0.0
        assert found.area_km2(occupied.area_km2) == occupied.area_km2 == 4.0 * len(places_)
        assert found.polygon().is_empty
    assert extent(np.array([]), np.array([])).hull_km2 == 0.0
    assert occupied_area(np.array([]), np.array([])).cells == 0


def test_a_hull_over_the_antimeridian_is_as_large_as_elsewhere():
    lon, lat = np.array([179.0, -179.0, -179.0, 179.0]), np.array([1.0, 1.0, -1.0, -1.0])
    found = extent(lon, lat)
    assert found.hull_km2 == pytest.approx(extent(np.array([9.0, 11.0, 11.0, 9.0]), lat).hull_km2, rel=1e-12)
    west, _, east, _ = found.polygon().bounds
    assert (west, east) == (-180.0, 180.0)
    assert found.polygon().geom_type == "MultiPolygon"
    assert geo.area_km2([found.polygon()])[0] == pytest.approx(found.hull_km2, rel=1e-5)


def test_points_round_the_globe_have_no_hull():
    found = extent(np.array([0.0, 120.0, -120.0]), np.zeros(3))
    assert found.hull_km2 is None
    assert "80°" in found.why_none


def test_land_of_a_hull_is_told_by_country():
    boundaries = places.load_boundaries()
    lon, lat = np.array([101.0, 103.0, 102.0]), np.array([20.5, 20.5, 22.5])
    found = extent(lon, lat)
    land = land_km2(found.polygon(), boundaries)
    assert {"CN", "LA"} <= set(land)
    assert sum(land.values()) == pytest.approx(found.hull_km2, rel=1e-4)
    at_sea = extent(np.array([112.0, 113.0, 112.5]), np.array([14.0, 14.0, 13.0]))
    assert extent_values(at_sea, 12.0, boundaries)["hull_land_km2"] == 0.0


def test_the_bound_of_published_cells_holds_wherever_the_records_are():
    rng = np.random.default_rng(1)
    sides = rng.integers(0, 12, size=(30, 2))
    west, south = 101 + sides[:, 0] * 0.01, 21 + sides[:, 1] * 0.01
    cells = pl.DataFrame({"cell_west": west, "cell_south": south, "cell_east": west + 0.01, "cell_north": south + 0.01})
    known = pl.DataFrame({"decimalLongitude": [101.5, 101.05], "decimalLatitude": [21.5, 21.05]})
    records = pl.concat([cells, known], how="diagonal")
    bound = occupied_bound(records)
    assert bound.published_cells == cells.unique().height
    for _ in range(25):
        lon = np.append(west + rng.random(30) * 0.01, known["decimalLongitude"])
        lat = np.append(south + rng.random(30) * 0.01, known["decimalLatitude"])
        assert bound.cells_at_least <= occupied_area(lon, lat).cells <= bound.cells_at_most
    assert bound.cells_at_least > 5


@pytest.mark.parametrize("side", [0.001, 0.01, 0.1])
def test_published_cells_that_are_surely_apart_by_brute_force(side):
    rng = np.random.default_rng(2)
    west, south = (np.round(rng.uniform(low, low + 60 * side, 80) / side) * side for low in (101.0, 21.0))
    cells = pl.DataFrame({"cell_west": west, "cell_south": south, "cell_east": west + side, "cell_north": south + side})
    known = np.column_stack([rng.uniform(101, 101 + 60 * side, 30), rng.uniform(21, 21 + 60 * side, 30)])
    points_ = pl.DataFrame({"decimalLongitude": known[:, 0], "decimalLatitude": known[:, 1]})
    found = occupied_bound(pl.concat([cells, points_], how="diagonal"))
    taken = [(*xy, *xy) for xy in geo.project(known, 4326, SYSTEM)]
    apart = 0
    for row in sorted(set(cells.iter_rows())):
        low, high = geo.project(np.array([row[:2], row[2:]]), 4326, SYSTEM)
        if all(max(t[0] - high[0], low[0] - t[2], t[1] - high[1], low[1] - t[3]) >= 2000 for t in taken):
            taken.append((*low, *high))
            apart += 1
    assert found.cells_at_least == occupied_area(*known.T).cells + apart


def test_what_published_cells_bound_holds_for_records_on_their_edges():
    """Cells in a row, records farthest apart in them: more occupied cells than are surely apart, and a longer hull."""
    boundaries = places.load_boundaries()
    west = np.round(101 + 0.016 * np.arange(6), 3)
    south = np.where(np.arange(6) == 5, 21.05, 21.0)
    frame = pl.DataFrame(
        {"cell_west": west, "cell_south": south, "cell_east": west + 0.001, "cell_north": south + 0.001}
    )
    no_place = pl.lit(None, dtype=pl.Float64)
    bound = occupied_bound(frame.with_columns(decimalLongitude=no_place, decimalLatitude=no_place))
    hull = extent(np.repeat(west, 2), np.repeat(south, 2)).hull_km2
    assert hull < 4 * occupied_area(west, south).cells <= bound.area_at_most_km2
    wide = pl.DataFrame({"cell_west": [100.0], "cell_south": [20.0], "cell_east": [101.0], "cell_north": [21.0],
                         "decimalLongitude": [100.5], "decimalLatitude": [20.5]})  # fmt: skip
    edge = np.linspace(100, 101, 200)
    true = extent(np.append(edge, [100.0, 101.0]), np.append(np.full(200, 20.0), [21.0, 21.0])).hull_km2
    corners = extent(np.array([100.0, 101, 101, 100]), np.array([20.0, 20, 21, 21])).hull_km2
    told_ = _figures(wide, boundaries, 2000.0, 10).extent.hull_km2
    assert corners < true <= told_ < 1.001 * true
