"""Corridors against brute force on small random grids: pairs, least costs, corridors, barriers, parts, executors."""

import heapq
import itertools
import math
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from affine import Affine

from biodata.analysis import adjacency, barriers, corridor_search, corridors, cost_distance, window_check
from biodata.analysis import areas as areas_of
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.corridor_parts import Parts
from biodata.analysis.grid import Grid
from search_ground import CELL_M, GRID, SIDE, WIDE, boxes, frame, ground_of


def sites_of(areas, ground):
    return areas_of.on_grid(areas_of.on_plane(areas, GRID), ground, GRID)


def dijkstra(ground, cells):
    """Return plain costs from some cells: eight neighbours, no step between two cells without data."""
    cost = np.full(ground.shape, np.inf)
    queue = []
    for cell in cells:
        place = tuple(int(v) for v in np.divmod(cell, ground.shape[1]))
        cost[place] = 0.0
        queue.append((0.0, place))
    heapq.heapify(queue)
    known = np.isfinite(ground)
    while queue:
        so_far, (r, c) = heapq.heappop(queue)
        if so_far > cost[r, c]:
            continue
        for down, right in itertools.product((-1, 0, 1), repeat=2):
            y, x = r + down, c + right
            if not (0 <= y < ground.shape[0] and 0 <= x < ground.shape[1] and known[y, x]):
                continue
            if down and right and not known[r, x] and not known[y, c]:
                continue
            new = so_far + (ground[r, c] + ground[y, x]) / 2 * math.hypot(down, right) * CELL_M
            if new < cost[y, x]:
                cost[y, x] = new
                heapq.heappush(queue, (new, (y, x)))
    return cost


def all_costs(ground, sites):
    return [dijkstra(ground, site.cells) for site in sites]


SEEDS = [pytest.param(seed, id=f"seed {seed}") for seed in range(6)]


@pytest.mark.parametrize("seed", SEEDS)
def test_least_cost_of_every_pair_is_that_of_plain_dijkstra(seed):
    ground, areas = ground_of(seed), boxes(seed)
    sites = sites_of(areas, ground)
    costs = dict(zip((site.area_id for site in sites), all_costs(ground, sites), strict=True))
    cells = {site.area_id: site.cells for site in sites}
    found = corridors.least_cost(areas, ground, GRID, parameters=WIDE).corridors
    assert len(found) >= 6
    for row in found.itertuples():
        truth = costs[row.from_area_id].reshape(-1)[cells[row.to_area_id]].min(initial=math.inf)
        if row.functional:
            assert row.least_cost == pytest.approx(truth, rel=1e-12)
            assert row.cost_per_path_m == pytest.approx(row.least_cost / row.path_length_m)
            assert row.cost_ratio == pytest.approx(row.least_cost / row.euclidean_m)
        else:
            assert math.isinf(truth)
            assert row.notes.startswith("No functional link")


@pytest.mark.parametrize("seed", SEEDS)
def test_neighbours_are_those_whose_zones_meet(seed):
    ground, areas = ground_of(seed), boxes(seed)
    sites = sites_of(areas, ground)
    costs = np.array(all_costs(ground, sites))
    by_cost = np.where(np.isinf(costs.min(axis=0)), -1, costs.argmin(axis=0))
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    straight = np.array([
        ((rows[:, None] - rows[site.all_cells]) ** 2 + (columns[:, None] - columns[site.all_cells]) ** 2).min(axis=1)
        for site in sites
    ]).reshape(len(sites), SIDE, SIDE)  # fmt: skip
    certain, possible = set(), set()
    known = np.isfinite(ground)
    for r, c in itertools.product(range(SIDE), repeat=2):
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            y, x = r + down, c + right
            if not (y < SIDE and 0 <= x < SIDE):
                continue
            cut = down and right and not known[r, x] and not known[y, c]
            if min(by_cost[r, c], by_cost[y, x]) >= 0 and by_cost[r, c] != by_cost[y, x] and not cut:
                certain.add(tuple(sorted((int(by_cost[r, c]), int(by_cost[y, x])))))
            nearest = [set(np.flatnonzero(straight[:, a, b] == straight[:, a, b].min())) for a, b in ((r, c), (y, x))]
            for i, j in itertools.product(*nearest):  # a cell as near to two areas may belong to either
                if i != j:
                    possible.add(tuple(sorted((int(i), int(j)))))
                    if len(nearest[0]) == len(nearest[1]) == 1:
                        certain.add(tuple(sorted((int(i), int(j)))))
    found = set(adjacency.neighbours(sites, ground, GRID, max_distance_m=math.inf, across_borders=False))
    assert certain <= found <= certain | possible


@pytest.mark.parametrize(
    "choices", [{"cut_fraction": 0.3}, {"cut_cost": 4000.0}, {"dispersal_cost": 60_000.0}], ids=str
)
@pytest.mark.parametrize("seed", SEEDS[:4])
def test_truncation_changes_neither_least_cost_nor_the_corridor(seed, choices):
    ground, areas = ground_of(seed), boxes(seed)
    parameters = CorridorParameters(max_distance_m=math.inf, **choices)
    sites = sites_of(areas, ground)
    full = all_costs(ground, sites)
    pairs = adjacency.neighbours(sites, ground, GRID, max_distance_m=math.inf, across_borders=False)
    functional = 0
    for (i, j), link in corridor_search.measured(sites, pairs, ground, GRID, parameters=parameters):
        least = full[i].reshape(-1)[sites[j].cells].min(initial=math.inf)
        assert link.functional == (least <= parameters.limit and math.isfinite(least))
        if not link.functional or link.corridor is None:
            continue
        functional += 1
        excess = full[i] + full[j] - least
        inside = excess <= parameters.cut(least) + 1e-9 * least
        window = np.zeros(GRID.shape, dtype=bool)
        window[link.corridor.window] = link.corridor.inside
        np.testing.assert_array_equal(window, inside)
        np.testing.assert_allclose(link.corridor.excess[link.corridor.inside], excess[inside], rtol=1e-5, atol=1e-2)
    assert functional >= 4


def test_searches_are_truncated():
    one = Grid(GRID.crs, Affine(CELL_M, 0, 0, 0, -CELL_M, 200 * CELL_M), (200, 200), CELL_M)
    asked = corridor_search.Search(np.array([100 * 200 + 100]), 1000.0)
    found = corridor_search.search(np.ones(one.shape), asked, CELL_M, WIDE)
    assert found.cost.shape == (21, 21)


def test_mosaic_is_the_least_of_the_pairs_corridors():
    ground, areas = ground_of(3), boxes(3)
    sites = sites_of(areas, ground)
    pairs = adjacency.neighbours(sites, ground, GRID, max_distance_m=math.inf, across_borders=False)
    least = np.full(GRID.shape, np.inf, dtype=np.float32)
    one_cut = WIDE.with_one_cut(pair.bound for pair in pairs.values())
    for _, link in corridor_search.measured(sites, pairs, ground, GRID, parameters=one_cut):
        if link.corridor is not None:
            least[link.corridor.window] = np.minimum(least[link.corridor.window], link.corridor.excess)
    found = corridors.least_cost(areas, ground, GRID, parameters=WIDE)
    np.testing.assert_array_equal(found.mosaic, least)
    assert found.mosaic.min() == 0


def test_zones_that_meet_only_between_two_cells_without_data_do_not_hide_the_way_around():
    ground = np.ones(GRID.shape)
    np.fill_diagonal(ground, np.nan)
    ground[:6, 20:] = np.nan
    ground[0, 0] = 1.0  # the only way around
    areas = frame(shapely.box(0, 0, 200, 200), shapely.box(2600, 800, 2900, 1900))
    (row,) = corridors.least_cost(areas, ground, GRID, parameters=WIDE).corridors.itertuples()
    sites = sites_of(areas, ground)
    truth = dijkstra(ground, sites[0].cells).reshape(-1)[sites[1].cells].min()
    assert row.functional == math.isfinite(truth)
    assert not row.functional or row.least_cost == pytest.approx(truth)


def test_neighbours_by_distance_only_are_linked_around_the_third_area():
    ground = np.full(GRID.shape, 50.0)
    ground[20:, :] = 1.0
    ground[:, 14:16] = np.nan  # a wall between the upper two, open in the lower third
    ground[24:, 14:16] = 1.0
    areas = frame(shapely.box(0, 2500, 1000, 2900), shapely.box(2000, 2500, 2900, 2900), shapely.box(500, 0, 2500, 700))
    found = corridors.least_cost(areas, ground, GRID, parameters=WIDE).corridors
    (upper,) = found[(found["from_area_id"] == "a0") & (found["to_area_id"] == "a1")].itertuples()
    sites = sites_of(areas, ground)
    assert upper.least_cost == pytest.approx(dijkstra(ground, sites[0].cells).reshape(-1)[sites[1].cells].min())
    assert upper.through == "a2"
    assert upper.notes.endswith("The cheapest path leads through a2.")
    dropping = CorridorParameters(max_distance_m=math.inf, drop_through=True)
    dropped = corridors.least_cost(areas, ground, GRID, parameters=dropping).corridors
    assert dropped["functional"].tolist() == [False, True, True]
    assert "No functional link of its own: the cheapest path leads through a2." in dropped["notes"][0]
    assert dropped["least_cost"][0] == upper.least_cost


def brute_score(ground, sites, radius_m, restored):
    costs = [np.where(np.isfinite(ground), cost, np.inf) for cost in all_costs(ground, sites)]
    least = costs[0].reshape(-1)[sites[1].cells].min()
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    score = np.zeros(SIDE * SIDE)
    for cell in range(SIDE * SIDE):
        near = np.hypot(rows - rows[cell], columns - columns[cell]) * CELL_M <= radius_m + 1e-6
        through = sum(cost.reshape(-1)[near].min() for cost in costs) + 2 * radius_m * restored
        score[cell] = max(0.0, (least - through) / (2 * radius_m))
    return score.reshape(SIDE, SIDE)


@pytest.mark.parametrize("seed", [SEEDS[0], *SEEDS[2:4]])
def test_barrier_score_is_that_of_its_definition(seed):
    ground, areas = ground_of(seed), boxes(seed, count=2)
    sites = sites_of(areas, ground)
    parameters = barriers.BarrierParameters((150.0, 320.0), 1.0)
    found = corridors.least_cost(areas, ground, GRID, parameters=WIDE, barriers=parameters)
    truth = np.maximum(*(brute_score(ground, sites, radius_m, 1.0) for radius_m in parameters.radii_m))
    np.testing.assert_allclose(found.barrier_mosaic.largest, truth, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(found.barrier_mosaic.total, found.barrier_mosaic.largest)
    (best,) = found.barriers.itertuples()
    assert best.score == pytest.approx(truth.max(), rel=1e-5)
    assert best.saved_share == pytest.approx(best.score * 2 * best.radius_m / found.corridors["least_cost"][0])


def test_sum_of_barrier_scores_is_that_of_the_pairs():
    ground, areas = ground_of(2), boxes(2)
    parameters = barriers.BarrierParameters((200.0,), 1.0)
    sites = sites_of(areas, ground)
    pairs = adjacency.neighbours(sites, ground, GRID, max_distance_m=math.inf, across_borders=False)
    total = np.zeros(GRID.shape)
    for _, link in corridor_search.measured(sites, pairs, ground, GRID, parameters=WIDE, barriers=parameters):
        if link.barriers is not None:
            one, (rows, columns) = link.barriers, link.barriers.score.shape
            total[one.row : one.row + rows, one.column : one.column + columns] += one.score
    found = corridors.least_cost(areas, ground, GRID, parameters=WIDE, barriers=parameters)
    np.testing.assert_allclose(found.barrier_mosaic.total, total)
    assert total.max() > 0


class Stopped(Exception):
    pass


def assert_same(first, second):
    for name in ("corridors", "paths", "narrowest", "barriers", "pinch_points"):
        assert getattr(first, name).equals(getattr(second, name)), name
        assert getattr(first, name).geometry.to_wkb().equals(getattr(second, name).geometry.to_wkb())
    assert first.mosaic.tobytes() == second.mosaic.tobytes()
    assert first.barrier_mosaic.total.tobytes() == second.barrier_mosaic.total.tobytes()
    for flows in (first.currents, second.currents):
        assert (flows is None) is (first.currents is None)
    if first.currents is not None:
        assert first.currents.largest.tobytes() == second.currents.largest.tobytes()


@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_run_that_was_stopped_goes_on_and_gives_the_same(tmp_path, monkeypatch, after):
    ground, areas = ground_of(4), boxes(4)
    choices = {"parameters": WIDE, "barriers": barriers.BarrierParameters((200.0,), 1.0), "currents": True}
    whole = corridors.least_cost(areas, ground, GRID, **choices)
    put = Parts.put_link

    def stopping(self, pair, link):
        if len(list(self.folder.glob("pair-*.npz"))) >= after:
            raise Stopped
        put(self, pair, link)

    monkeypatch.setattr(Parts, "put_link", stopping)
    with pytest.raises(Stopped):
        corridors.least_cost(areas, ground, GRID, folder=tmp_path, **choices)
    assert len(list(tmp_path.glob("*/pair-*.npz"))) == after
    monkeypatch.setattr(Parts, "put_link", put)
    assert_same(corridors.least_cost(areas, ground, GRID, folder=tmp_path, **choices), whole)
    assert len(whole.pinch_points) > 0
    for task in ("search", "pair_currents"):  # nothing is searched again, and no current is computed again
        monkeypatch.setattr(corridor_search, task, None)
    assert_same(corridors.least_cost(areas, ground, GRID, folder=tmp_path, **choices), whole)


def test_damaged_parts_and_those_of_other_runs_are_not_taken(tmp_path):
    ground, areas = ground_of(4), boxes(4)
    choices = {"parameters": WIDE, "barriers": barriers.BarrierParameters((200.0,), 1.0), "currents": True}
    whole = corridors.least_cost(areas, ground, GRID, folder=tmp_path, **choices)
    parts = sorted(tmp_path.glob("*/pair-*.npz"))
    parts[0].write_bytes(parts[0].read_bytes()[:100])
    content = bytearray(parts[1].read_bytes())
    content[60:90] = bytes(30)
    parts[1].write_bytes(content)
    (parts[0].parent / "neighbours.json").write_text("[[0,")
    assert_same(corridors.least_cost(areas, ground, GRID, folder=tmp_path, **choices), whole)
    ground[0, 0] = 7.0
    corridors.least_cost(areas, ground, GRID, folder=tmp_path, **choices)
    assert len(list(tmp_path.iterdir())) == 2, "another raster is another run"


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_gives_the_same(kind, monkeypatch):
    ground, areas = ground_of(5), boxes(5)
    choices = {"parameters": WIDE, "barriers": barriers.BarrierParameters((200.0,), 1.0), "currents": True}
    whole = corridors.least_cost(areas, ground, GRID, **choices)
    monkeypatch.setattr(corridor_search, "_HELD_BYTES", 0)  # searches wait in files
    context = {} if kind is ThreadPoolExecutor else {"mp_context": __import__("multiprocessing").get_context("spawn")}
    with kind(2, **context) as executor:
        assert_same(corridors.least_cost(areas, ground, GRID, executor=executor, **choices), whole)


def test_window_check_tells_what_changes():
    ground = np.full(GRID.shape, 10.0)
    areas = frame(shapely.box(800, 1300, 1000, 1500), shapely.box(1900, 1300, 2100, 1500))

    def checked(ground):
        found = corridors.least_cost(areas, ground, GRID, parameters=WIDE)
        cells = np.concatenate([site.all_cells for site in sites_of(areas, ground)])
        run = lambda values, grid: corridors.least_cost(areas, values, grid, parameters=WIDE).corridors  # noqa: E731
        return window_check.check(found.corridors, cells, GRID, ground, run)

    same = checked(ground)
    assert same.growth == pytest.approx(0.2, abs=0.05), "whole cells only"
    assert same.message() == (
        f"window: from a smaller one inside the raster that grew by {same.growth:.0%} to all of it, 1 of 1 pairs stayed the same"
    )
    ground[0] = 1.0
    ground[:, 14] = np.nan
    ground[0, 14] = 1.0  # the only way lies at the raster's edge
    changed = checked(ground)
    assert changed.changes["stable"].tolist() == [False]
    assert "a0 - a1: least cost only in one window" in changed.message()
    areas = frame(shapely.box(0, 1300, 200, 1500), shapely.box(1900, 1300, 2100, 1500))
    short = checked(np.full(GRID.shape, 10.0))
    assert f"grew by {short.growth:.0%} to all of it only, as areas lie near the raster's edge" in short.message()


def test_window_that_cannot_shrink_is_told():
    areas = frame(shapely.box(0, 0, 200, 200), shapely.box(2800, 2800, 3000, 3000))
    ground = np.ones(GRID.shape)
    found = corridors.least_cost(areas, ground, GRID, parameters=WIDE).corridors
    checked = window_check.check(found, np.array([0, SIDE * SIDE - 1]), GRID, ground, lambda *_: found)
    assert "cannot be shown" in checked.message()


def test_cost_distance_of_a_pair_is_symmetric_and_below_its_bound():
    ground, areas = ground_of(1), boxes(1)
    sites = sites_of(areas, ground)
    pairs = adjacency.neighbours(sites, ground, GRID, max_distance_m=math.inf, across_borders=False)
    for (i, j), one in pairs.items():
        a, b = (
            cost_distance.surface(ground, sites[k].cells, cell_width_m=CELL_M, cut_corners=False).cost.reshape(-1)
            for k in (i, j)
        )
        there, back = a[sites[j].cells].min(initial=math.inf), b[sites[i].cells].min(initial=math.inf)
        assert there == pytest.approx(back)
        assert there <= one.bound * (1 + 1e-9)
        assert one.reachable == math.isfinite(there)


def nowhere():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return shapely.Polygon([(0, 0), (500, np.nan), (1200, 0), (0, 0)])


FIRST, LAST = shapely.box(500, 500, 900, 900), shapely.box(2000, 2000, 2300, 2300)


@pytest.mark.parametrize(("shapes", "pairs", "left_out"), [
    pytest.param([], 0, 0, id="no area"),
    pytest.param([FIRST], 0, 0, id="one area"),
    pytest.param([FIRST, nowhere(), LAST], 1, 1, id="a place that is no number"),
    pytest.param([FIRST, shapely.box(1e30, 1e30, 1e31, 1e31)], 0, 1, id="beyond the world"),
    pytest.param([FIRST, FIRST, LAST], 2, 0, id="one area under two ids"),
    pytest.param([shapely.box(-1e5, -1e5, 1e5, 1e5), FIRST, LAST], 2, 0, id="all of the raster"),
    pytest.param([FIRST, shapely.box(600, 600, 700, 700), LAST], 2, 0, id="one inside another"),
])  # fmt: skip
def test_hostile_areas_have_an_answer(shapes, pairs, left_out):
    found = corridors.least_cost(frame(*shapes), np.full(GRID.shape, 3.0), GRID, parameters=WIDE)
    assert (len(found.corridors), len(found.left_out)) == (pairs, left_out)
    assert found.corridors["functional"].all()
    assert found.corridors["least_cost"].notna().all()


@pytest.mark.parametrize("limit", [math.inf, 60_000.0, 9000.0])
def test_a_pair_without_a_way_is_told_where_a_window_would_open_the_cheapest_one(limit):
    ground = ground_of(4, nodata=0.05)
    ground[:, 14:16] = np.nan  # two cells wide: a window of 100 m does not reach over it
    areas = frame(shapely.box(0, 1200, 500, 1800), shapely.box(2500, 700, 3000, 1300))
    sites = sites_of(areas, ground)
    costs = [np.where(np.isfinite(ground), cost, np.inf).reshape(-1) for cost in all_costs(ground, sites)]
    rows, columns = np.divmod(np.arange(SIDE * SIDE), SIDE)
    truth = {}
    for radius_m, cell in itertools.product((100.0, 150.0, 230.0), range(SIDE * SIDE)):
        near = np.hypot(rows - rows[cell], columns - columns[cell]) * CELL_M <= radius_m + 1e-6
        truth[radius_m, cell] = sum(cost[near].min() for cost in costs) + 2 * radius_m * 1.5
    best = min(truth, key=truth.get)
    found = corridors.least_cost(areas, ground, GRID,
                                 parameters=CorridorParameters(max_distance_m=math.inf, max_cost=limit),
                                 barriers=barriers.BarrierParameters((100.0, 150.0, 230.0), 1.5))  # fmt: skip
    assert found.corridors["notes"].to_list() == ["No functional link: cells without data lie between."]
    assert found.barrier_mosaic.largest.max() == 0, "no score is defined"
    if truth[best] > limit:
        assert found.barriers.empty
        return
    (row,) = found.barriers.itertuples()
    assert row.restored_cost == pytest.approx(truth[best])
    assert row.radius_m == best[0]
    assert math.isnan(row.score)
    at = GRID.centres(np.array([rows[best[1]]]), np.array([columns[best[1]]]))[0]
    assert (row.geometry.x, row.geometry.y) == tuple(at)


def test_openings_are_kept_in_parts(tmp_path):
    ground = ground_of(4, nodata=0.05)
    ground[:, 15] = np.nan
    areas = frame(shapely.box(0, 1200, 500, 1800), shapely.box(2500, 700, 3000, 1300))
    asked = barriers.BarrierParameters((150.0,), 1.0)
    first, again = (
        corridors.least_cost(areas, ground, GRID, parameters=WIDE, barriers=asked, folder=tmp_path) for _ in range(2)
    )
    assert len(first.barriers) == 1
    assert_same(first, again)
