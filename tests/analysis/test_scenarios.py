"""Open and closed border on landscapes whose costs are known: a wall with one gap, two gaps, a diagonal wall."""

import math
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine

import landscapes
from biodata.analysis import cost_distance
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Grid
from biodata.analysis.scenarios import barriers, comparing
from biodata.core.errors import InputError

SIDE, CELL_M = 41, 100.0
HALF = SIDE * CELL_M / 2
GRID = Grid(landscapes.CRS, Affine(CELL_M, 0, -HALF, 0, -CELL_M, HALF), (SIDE, SIDE), CELL_M)
FENCE = shapely.LineString([(0, -HALF - 500), (0, HALF + 500)])
PARAMETERS = CorridorParameters(max_distance_m=math.inf, cut_cost=500.0)


def areas(*boxes):
    names = [f"a{number}" for number in range(len(boxes))]
    return gpd.GeoDataFrame({"area_id": names, "name": names}, geometry=list(boxes), crs=GRID.crs)


def square(column, row):
    left, top = -HALF + column * CELL_M, HALF - row * CELL_M
    return shapely.box(left, top - CELL_M, left + CELL_M, top)


def crossing(name, x, y, width_m=100.0):
    return barriers.Crossing(name, name.title(), shapely.Point(x, y), width_m)


def compare(table, *, fences=(FENCE,), crossings=(), resistance=None, **choices):
    built = [barriers.Barrier(f"fence {k}", "fence", fence) for k, fence in enumerate(fences)]
    ground = np.ones(GRID.shape) if resistance is None else resistance
    with ThreadPoolExecutor(2) as executor:
        return comparing.compare(table, ground, GRID, barriers=built, crossings=crossings, parameters=PARAMETERS,
                                 executor=executor, **choices)  # fmt: skip


def octile(first, second):
    """Return the cost over even ground between two cells (column, row) by steps to 8 neighbours."""
    across, along = abs(first[0] - second[0]), abs(first[1] - second[1])
    return CELL_M * (max(across, along) + (math.sqrt(2) - 1) * min(across, along))


def test_a_wall_without_gap_cuts_and_one_with_a_gap_costs_the_way_to_it():
    west, east = (5, 20), (35, 20)
    found = compare(areas(square(*west), square(*east)))
    assert found.pairs["change"].tolist() == ["cut"]
    assert found.pairs["open_least_cost"].tolist() == pytest.approx([octile(west, east)])
    assert not found.pairs["closed_functional"].any()
    assert found.eca_km2["closed"] == pytest.approx(math.sqrt(2 * 0.01**2))
    gap = (20, 3)
    found = compare(areas(square(*west), square(*east)), crossings=[crossing("gap", 0, HALF - 350)])
    row = found.pairs.iloc[0]
    assert found.ground.openings[0].tolist() == [3 * SIDE + 20]
    expected = octile(west, gap) + octile(gap, east)
    assert row["closed_least_cost"] == pytest.approx(expected)
    assert (row["change"], row["crossings"]) == ("dearer", "gap")
    assert row["cost_ratio"] == pytest.approx(expected / octile(west, east))
    assert found.difference[gap[1], gap[0]] == comparing.NEW
    assert found.difference[20, 20] == comparing.LOST
    assert found.difference[40, 20] == comparing.BARRED
    assert found.difference[20, 5] in (comparing.KEPT, comparing.LOST)


@pytest.mark.parametrize("degrees", [0, 7, 23, 45, 61, 90, 133])
def test_no_corner_of_a_slanting_wall_leaks(degrees):
    wall = shapely.affinity.rotate(shapely.LineString([(-9000, 13), (9000, 13)]), degrees, origin=(0, 13))
    closed = barriers.close(np.ones(GRID.shape), GRID, barriers=[barriers.Barrier("wall", "fence", wall)])
    surface = cost_distance.surface(
        closed.resistance(), np.flatnonzero(~closed.barred.reshape(-1))[:1], cell_width_m=CELL_M, cut_corners=True
    )
    rows, columns = np.indices(GRID.shape)
    centres = GRID.centres(rows.ravel(), columns.ravel())
    normal = np.array([-math.sin(math.radians(degrees)), math.cos(math.radians(degrees))])
    side = np.sign((centres - [0, 13]) @ normal).reshape(GRID.shape)
    reached = np.isfinite(surface.cost)
    assert np.unique(side[reached]).size == 1
    assert reached.sum() == (~closed.barred & (side == side[reached][0])).sum()


@pytest.mark.parametrize("degrees", [0, 7, 23, 45, 61, 90, 133])
def test_a_crossing_narrower_than_a_cell_joins_both_sides_of_any_wall(degrees):
    wall = shapely.affinity.rotate(shapely.LineString([(-9000, 13), (9000, 13)]), degrees, origin=(0, 13))
    closed = barriers.close(np.ones(GRID.shape), GRID, barriers=[barriers.Barrier("wall", "fence", wall)],
                            crossings=[crossing("underpass", 40, 20, width_m=8.0)])  # fmt: skip
    ground = closed.resistance()
    surface = cost_distance.surface(
        ground, np.flatnonzero(np.isfinite(ground.reshape(-1)))[:1], cell_width_m=CELL_M, cut_corners=False
    )
    assert np.isfinite(surface.cost).sum() == np.isfinite(ground).sum()
    assert closed.openings[0].size <= 4


def test_crossings_that_replace_each_other_are_told_alone_and_at_last():
    table = areas(square(5, 20), square(35, 20))
    gates = [crossing("far", 0, -HALF + 350), crossing("near", 0, 0), crossing("nowhere", 900, 0)]
    found = compare(table, crossings=gates, median_cost=2000.0)
    worth = {one.crossing_id: one for one in found.crossings}
    assert [one.crossing_id for one in found.crossings] == ["near", "far", "nowhere"]
    assert worth["near"].alone_eca_km2 > worth["far"].alone_eca_km2 > 0
    assert worth["far"].last_eca_km2 == pytest.approx(0, abs=1e-12)
    assert worth["nowhere"].cells == 0
    assert any("nowhere" in note for note in found.notes)
    cost = octile((5, 20), (35, 20))
    with_one = math.sqrt(2 * 0.01**2 * (1 + 0.5 ** (cost / 2000)))
    assert worth["near"].alone_eca_km2 == pytest.approx(with_one - math.sqrt(2 * 0.01**2))
    assert found.eca_km2["closed"] == pytest.approx(found.eca_km2["open"])


def test_gains_are_those_of_brute_force_over_all_sets():
    rng = np.random.default_rng(3)
    ground = rng.uniform(1, 10, GRID.shape)
    table = areas(square(4, 5), square(6, 33), square(33, 8), square(36, 35))
    gates = [crossing(f"g{k}", 0, y) for k, y in enumerate((1500.0, 100.0, -1400.0))]
    found = compare(table, crossings=gates, resistance=ground, median_cost=9000.0)

    def eca(opened):
        cost = np.zeros((4, 4))
        values = ground.copy()
        values[:, 20] = np.nan
        for k in opened:
            cells = found.ground.openings[k]
            values.reshape(-1)[cells] = ground.reshape(-1)[cells]
        at = [(5, 4), (33, 6), (8, 33), (35, 36)]
        for i, (row, column) in enumerate(at):
            surface = cost_distance.surface(
                values, np.array([row * SIDE + column]), cell_width_m=CELL_M, cut_corners=False
            )
            cost[i] = [surface.cost[r, c] for r, c in at]
        chance = 0.5 ** (cost / 9000.0)
        for k in range(4):
            chance = np.maximum(chance, chance[:, [k]] * chance[[k]])
        return 0.01 * math.sqrt(chance.sum())

    worth = {one.crossing_id: one for one in found.crossings}
    for k in range(3):
        assert worth[f"g{k}"].alone_eca_km2 == pytest.approx(eca([k]) - eca([]))
        assert worth[f"g{k}"].last_eca_km2 == pytest.approx(eca([0, 1, 2]) - eca({0, 1, 2} - {k}))
    assert found.crossings[0].crossing_id == max(worth, key=lambda name: worth[name].alone_eca_km2)


def test_an_area_on_both_sides_is_no_gate_and_touching_areas_do_not_join_through_a_wall():
    park = shapely.box(-600, -600, 600, 600)
    parts, notes = comparing.divided(
        compare_areas := areas(park).assign(country_codes=[()], spill_km2=0.0),
        barriers.close(np.ones(GRID.shape), GRID, barriers=[barriers.Barrier("f", "fence", FENCE)]).barred, GRID,
    )  # fmt: skip
    assert parts["area_id"].tolist() == ["a0|1", "a0|2"]
    assert parts["whole_id"].tolist() == ["a0", "a0"]
    assert parts.geometry.area.sum() == pytest.approx(compare_areas.geometry.area.sum() - 1200 * CELL_M)
    assert any("divides" in note for note in notes)
    touching = areas(shapely.box(-1000, -300, 0, 300), shapely.box(0, -300, 1000, 300))
    assert compare(touching).pairs["change"].tolist() == ["cut"]


def test_numbers_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="above 0"):
        barriers.close(np.ones(GRID.shape), GRID, barriers=[barriers.Barrier("f", "fence", FENCE, 0.0)])
    with pytest.raises(InputError, match="width"):
        barriers.close(np.ones(GRID.shape), GRID, barriers=[barriers.Barrier("f", "fence", FENCE)],
                       crossings=[crossing("c", 0, 0, width_m=0.0)])  # fmt: skip
    with pytest.raises(InputError, match="no barrier"):
        compare(areas(square(5, 20), square(35, 20)), fences=[])
