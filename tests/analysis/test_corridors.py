"""Corridors: on landscapes whose truth is known, against full surfaces, and where there is none."""

import json
import math

import numpy as np
import polars as pl
import pytest
import shapely

from biodata.analysis import areas as areas_of
from biodata.analysis import corridor_parameters, corridors, cost_distance, links, rasters
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.core import geo, terms
from biodata.core.errors import InputError
from landscapes import CRS, halves, square_grid, table


def turned_landscape(degrees, cell_m, half_width, outside):
    """Return areas 16 km apart along a turned axis, and resistance 1 inside `half_width(along, across)`."""
    one = square_grid(15_000, cell_m)
    rows, columns = np.divmod(np.arange(one.cells), one.shape[1])
    x, y = one.centres(rows, columns).T
    angle = math.radians(degrees)
    along, across = x * math.cos(angle) + y * math.sin(angle), -x * math.sin(angle) + y * math.cos(angle)
    ground = np.where(half_width(along, across), 1.0, outside)
    ground[np.abs(along) > 8000] = outside
    ground[(np.abs(along) > 8000) & (np.abs(along) < 10_000) & (np.abs(across) < 3000)] = 1.0  # the areas themselves
    boxes = [shapely.affinity.rotate(shapely.box(*b), degrees, origin=(0, 0)) for b in
             ((-10_000, -3000, -8000, 3000), (8000, -3000, 10_000, 3000))]  # fmt: skip
    areas = table(("west", ("LA",), boxes[0]), ("east", ("VN",), boxes[1]))
    return areas, ground.reshape(one.shape), one, halves(degrees)


def run(areas, ground, one, boundaries, **parameters):
    return corridors.between(areas, ground, one, parameters=CorridorParameters(**parameters), boundaries=boundaries)


ROTATIONS = [pytest.param(d, id=f"turned by {d} degrees") for d in (0.0, 22.5, 45.0, 63.0)]
OUTSIDE = [pytest.param(math.nan, id="barrier outside"), pytest.param(5000.0, id="hard ground outside")]


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("degrees", ROTATIONS)
def test_hourglass_is_as_narrow_as_its_neck(degrees, outside):
    neck, cell = 1200.0, 100.0
    landscape = turned_landscape(
        degrees, cell, lambda along, across: np.abs(across) <= neck / 2 + np.abs(along) / 8000 * 2000, outside
    )
    row = run(*landscape, cut_fraction=0.5).row(0, named=True)
    assert row["functional"]
    assert row["narrowest_m"] == pytest.approx(neck, abs=cell)
    x, y = geo.project(np.array([[row["narrowest_longitude"], row["narrowest_latitude"]]]), 4326, CRS)[0]
    assert math.hypot(x, y) <= 2.5 * cell, "the neck is in the middle"
    assert row["width_m"] > 2 * neck


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("degrees", ROTATIONS)
def test_strip_has_one_width(degrees, outside):
    width, cell = 1470.0, 100.0
    landscape = turned_landscape(degrees, cell, lambda along, across: np.abs(across) <= width / 2, outside)
    row = run(*landscape, cut_fraction=0.5).row(0, named=True)
    assert row["width_m"] == pytest.approx(width, abs=cell)
    assert row["narrowest_m"] == pytest.approx(width, abs=cell)
    assert row["euclidean_m"] == pytest.approx(16_000, rel=2e-3)
    assert row["area_km2"] == pytest.approx(16 * 1.47, rel=0.05)
    assert row["cost_ratio"] == pytest.approx(1.0, abs=0.09), "8 neighbours lengthen a path by 8 % at most"


@pytest.mark.parametrize("degrees", ROTATIONS)
def test_wall_with_two_gaps_has_two_strands(degrees):
    wide, small, cell = 1600.0, 800.0, 100.0

    def open_ground(along, across):
        gaps = (np.abs(across - 1000) <= small / 2) | (np.abs(across + 1200) <= wide / 2)
        return (np.abs(across) <= 3000) & ((np.abs(along) > 500) | gaps)

    row = run(*turned_landscape(degrees, cell, open_ground, math.nan), cut_fraction=1.0).row(0, named=True)
    assert min(abs(row["narrowest_m"] - gap) for gap in (wide, small)) <= cell
    corridor = geo.project(shapely.from_wkb(row["geometry"]), 4326, CRS)
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(corridor) for ring in part.interiors]
    walls = [hole for hole in holes if hole.area > 20 * cell**2]
    assert len(walls) == 1, "the wall between the gaps is a hole of the corridor"
    assert walls[0].area == pytest.approx(1000 * 1000, rel=0.1)


def test_corridor_is_that_of_full_surfaces():
    rng = np.random.default_rng(11)
    one = square_grid(6000, 200.0)
    ground = np.exp(rng.uniform(0, 4, one.shape))
    ground[rng.random(one.shape) < 0.1] = np.nan
    boxes = shapely.box(-5000, -2000, -3500, 1000), shapely.box(3000, -500, 4500, 2500)
    areas = table(("a", ("LA",), boxes[0]), ("b", ("VN",), boxes[1]))
    row = run(areas, ground, one, halves(), cut_fraction=0.2).row(0, named=True)
    evidence = json.loads(row["evidence"])
    sites = areas_of.on_grid(areas_of.within_stated(areas, halves()), ground, one)
    from_a, from_b = (
        cost_distance.surface(ground, site.cells, cell_width_m=200.0, cut_corners=False).cost for site in sites
    )
    least = from_a.reshape(-1)[sites[1].cells].min()
    own = np.isin(np.arange(one.cells), np.concatenate([site.cells for site in sites])).reshape(one.shape)
    inside = (from_a + from_b - least <= 0.2 * least * (1 + 1e-9)) & ~own
    assert row["least_cost"] == pytest.approx(least, rel=1e-12)
    assert evidence["cells"] == inside.sum()
    assert evidence["cut_cost"] == pytest.approx(0.2 * least)
    path = shapely.get_coordinates(geo.project(shapely.from_wkb(row["path"]), 4326, CRS))
    assert row["path_length_m"] == pytest.approx(np.hypot(*np.diff(path, axis=0).T).sum(), rel=1e-6)


def test_the_table_is_complete_and_tells_no_place():
    out = run(*turned_landscape(0.0, 200.0, lambda _, across: np.abs(across) < 1000, 50.0))
    assert out.schema == terms.schema(terms.CORRIDOR)
    row = out.row(0, named=True)
    assert [name for name, value in row.items() if value is None] == ["run_id"]
    assert row["country_codes"] == ["LA", "VN"]
    assert row["sharing_category"] == "open"
    evidence = json.loads(row["evidence"])
    assert evidence["boundaries"]["name"] == "toy"
    assert evidence["parameters"]["max_cost"] is None
    assert evidence["grid"] == {"system": "Lambert Azimuthal Equal Area", "cell_m": 200.0, "rows": 150, "columns": 150}
    assert "21." not in row["evidence"]
    for column in ("path", "geometry"):
        shape = shapely.from_wkb(row[column])
        assert shape.is_valid
        assert 100 < shape.bounds[0] < 103


def test_order_of_areas_does_not_matter():
    areas, ground, one, boundaries = turned_landscape(30.0, 200.0, lambda _, across: np.abs(across) < 1500, 20.0)
    assert run(areas, ground, one, boundaries).equals(run(areas.iloc[::-1], ground, one, boundaries))


def test_barrier_between_gives_no_functional_link_with_the_reason():
    areas, ground, one, boundaries = turned_landscape(0.0, 200.0, lambda _, across: np.abs(across) < 1500, 20.0)
    ground[:, 70] = np.nan
    out = run(areas, ground, one, boundaries)
    row = out.row(0, named=True)
    assert (row["functional"], row["geometry"], row["least_cost"]) == (False, None, None)
    assert row["euclidean_m"] == pytest.approx(16_000, rel=1e-3)
    assert json.loads(row["evidence"])["notes"] == ["No functional link: cells without data lie between."]


def test_area_without_resistance_data_says_so():
    areas, ground, one, boundaries = turned_landscape(0.0, 200.0, lambda _, across: np.abs(across) < 1500, 20.0)
    ground[:, :75] = np.nan
    notes = json.loads(run(areas, ground, one, boundaries)["evidence"][0])["notes"]
    assert notes == ["No functional link: there is no resistance data inside West."]


@pytest.mark.parametrize(("codes", "pairs"), [
    pytest.param((("LA",), ("LA",)), 0, id="one country"),
    pytest.param((("LA",), ()), 0, id="no country stated"),
    pytest.param((("LA", "VN"), ("VN",)), 0, id="a country in common"),
    pytest.param((("LA",), ("VN",)), 1, id="two countries"),
])  # fmt: skip
def test_only_areas_of_different_stated_countries_are_paired(codes, pairs):
    one = square_grid(10_000, 200.0)
    west, east = shapely.box(-6000, -3000, -2000, 3000), shapely.box(2000, -3000, 6000, 3000)
    areas = table(("a", codes[0], west), ("b", codes[1], east))
    assert len(run(areas, np.ones(one.shape), one, halves())) == pairs
    assert run(areas, np.ones(one.shape), one, halves(), max_distance_m=3000.0).is_empty()


def contact(first, second):
    one = square_grid(10_000, 200.0)
    ground = np.full(one.shape, 3.0)
    sites = [
        areas_of.Site(name, name, (code,), shape, *2 * [rasters.cells_inside(shape, one)], 0.0)
        for name, code, shape in (("a", "LA", first), ("b", "VN", second))
    ]
    return links.in_contact(*sites, ground, one)


@pytest.mark.parametrize(("first", "second", "width", "at"), [
    pytest.param((-6000, -3000, 0, 3000), (0, -1000, 6000, 5000), 4000.0, (0, 1000), id="shared edge"),
    pytest.param((-6000, -3000, 0, 0), (0, 0, 6000, 5000), 0.0, (0, 0), id="one point"),
    pytest.param((-6000, -3000, 500, 3000), (-500, -1000, 6000, 5000), 4000.0, (0, 1000), id="overlap"),
])  # fmt: skip
def test_contact(first, second, width, at):
    link = contact(shapely.box(*first), shapely.box(*second))
    assert link.functional
    assert (link.least_cost, link.path_length_m) == (0.0, 0.0)
    assert link.width_m == pytest.approx(width)
    assert link.narrowest_at == pytest.approx(at)
    assert link.line.is_valid
    assert link.polygon.area > 0


def test_gap_narrower_than_a_cell():
    link = contact(shapely.box(5, 5, 20, 65), shapely.box(50, 40, 80, 70))
    assert link.path_length_m == pytest.approx(30)
    assert link.least_cost == pytest.approx(90)
    assert link.width_m == 200


def test_spill_over_the_line_is_cut_off_and_told():
    one = square_grid(12_000, 200.0)
    spilling = shapely.box(-8000, -3000, 3000, 3000)
    areas = table(("a", ("LA",), spilling), ("b", ("VN",), shapely.box(5000, -3000, 9000, 3000)))
    row = run(areas, np.ones(one.shape), one, halves()).row(0, named=True)
    assert row["euclidean_m"] == pytest.approx(5000, abs=20), "from the line, not from where the spill ends"
    assert json.loads(row["evidence"])["notes"] == [
        "A holds 18.00 km² of another country on this boundary set: a disagreement between maps, left out."
    ]


def test_area_mostly_in_another_country_is_left_out():
    one = square_grid(12_000, 200.0)
    areas = table(
        ("a", ("LA",), shapely.box(-2000, -3000, 4000, 3000)), ("b", ("VN",), shapely.box(5000, -3000, 9000, 3000))
    )
    assert run(areas, np.ones(one.shape), one, halves()).is_empty()


def test_way_around_outside_the_raster_is_told():
    one = square_grid(9000, 200.0)
    ground = np.full(one.shape, 100.0)
    areas = table(
        ("a", ("LA",), shapely.box(-8000, 2000, -4000, 8900)), ("b", ("VN",), shapely.box(4000, 2000, 8000, 8900))
    )
    ground[0, 0] = 1.0
    assert "larger window" in json.loads(run(areas, ground, one, halves())["evidence"][0])["notes"][-1]


@pytest.mark.parametrize(
    "parameters",
    [{"max_distance_m": 0.0}, {"cut_fraction": -0.1}, {"cut_cost": -1.0}, {"max_cost": math.nan}, {"dispersal_cost": 0.0},
     {"dispersal_cost": math.inf}, {"cut_fraction": math.inf}],
    ids=str,
)  # fmt: skip
def test_wrong_parameters_are_refused(parameters):
    with pytest.raises(InputError, match=f"column {next(iter(parameters))}, value .*: the parameter must be "):
        CorridorParameters(**parameters)


def test_raster_of_another_shape_is_refused():
    areas, ground, one, boundaries = turned_landscape(0.0, 200.0, lambda _, across: np.abs(across) < 1500, 20.0)
    with pytest.raises(InputError, match="150 x 150 cells"):
        run(areas, ground[:-1], one, boundaries)


def test_polygons_that_cross_themselves_are_repaired():
    one = square_grid(10_000, 200.0)
    bow = shapely.Polygon([(-6000, -3000), (-2000, 3000), (-6000, 3000), (-2000, -3000), (-6000, -3000)])
    spike = shapely.GeometryCollection([shapely.box(2000, -3000, 6000, 3000), shapely.LineString([(0, 0), (1, 1)])])
    areas = table(("a", ("LA",), bow), ("b", ("VN",), spike))
    out = run(areas, np.ones(one.shape), one, halves())
    assert out["functional"].to_list() == [True]
    assert out["euclidean_m"][0] == pytest.approx(4000, rel=0.01)


def test_area_that_the_path_leads_through_is_named():
    one = square_grid(12_000, 200.0)
    areas = table(
        ("a", ("LA",), shapely.box(-10_000, -9000, -7000, -6000)),
        ("b", ("VN",), shapely.box(7000, -9000, 10_000, -6000)),
        ("c", ("LA",), shapely.box(-3000, 1000, -500, 7000)),
    )
    ground = np.full(one.shape, 30.0)
    ground[30:50, 10:110] = ground[30:, 10:25] = ground[30:, 95:110] = 1.0  # up, across, down
    found = run(areas, ground, one, halves()).filter(pl.col("from_area_id") == "a")
    assert json.loads(found["evidence"][0])["through"] == ["C"]


def test_area_named_twice_is_refused():
    areas, ground, one, boundaries = turned_landscape(0.0, 200.0, lambda _, across: np.abs(across) < 1500, 20.0)
    with pytest.raises(InputError, match="column area_id, value 'west': the area stands twice"):
        run(areas.assign(area_id="west"), ground, one, boundaries)


def test_no_areas_no_corridors():
    _, ground, one, boundaries = turned_landscape(0.0, 500.0, lambda _, across: np.abs(across) < 1500, 20.0)
    assert run(table(), ground, one, boundaries).is_empty()


def test_estimate_counts_areas_on_the_raster_and_reaches_to_neighbours_only():
    one = square_grid(50_000, 100.0)
    places = [(x, y) for x in range(-45_000, 50_000, 10_000) for y in range(-45_000, 50_000, 10_000)]
    shapes = [shapely.box(x - 500, y - 500, x + 500, y + 500) for x, y in places]
    areas = table(*((f"a{k}", (), shape) for k, shape in enumerate([*shapes, shapely.box(9e4, 0, 9.1e4, 1000)])))
    wide = CorridorParameters(max_distance_m=math.inf)
    told = corridor_parameters.estimate(areas, one, parameters=wide, across_borders=False)
    assert (told.areas, told.pairs) == (100, 100 * 99 // 2)
    assert told.message().startswith("estimate: 1,000,000 cells, 100 areas, at most 4,950 pairs, ")
    near = CorridorParameters(max_distance_m=2000.0)
    assert corridor_parameters.estimate(areas, one, parameters=near, across_borders=False).pairs == 0
    assert told.seconds < 60, "each search reaches its neighbours, not the whole raster"
    two = corridor_parameters.estimate(areas, one, parameters=wide, across_borders=False, workers=2)
    assert two.seconds < told.seconds
