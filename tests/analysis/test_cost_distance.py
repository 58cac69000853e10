"""Accumulated cost: against brute force, against published cases, against scikit-image."""

import heapq
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from biodata.analysis import cost_distance
from biodata.core.errors import InputError

ONE_VALUE = [1.0, math.nan]
FEW_VALUES = [0.25, 1.0, 2.0, 3.0, 7.5, 1000.0, math.nan, math.inf]
FAR_APART = [1e-3, 1.0, 1.5, 1e5, 3e5, 1e9, math.nan]


def brute_force(resistance, sources, ids, widths, heights, neighbours, cut_corners, max_cost):
    """Settle cells one by one in plain Python; ties by lowest source id, then lowest predecessor."""
    rows, columns = resistance.shape
    cost = np.where(np.isfinite(resistance), np.inf, np.nan)
    source = np.full(resistance.shape, -1)
    queue = []
    for cell, source_id in sorted(zip(sources, ids, strict=True), key=lambda pair: (pair[1], pair[0])):
        at = divmod(int(cell), columns)
        if cost[at] == np.inf:
            cost[at], source[at] = 0.0, source_id
            queue.append((0.0, int(source_id), *at))
    heapq.heapify(queue)
    while queue:
        here, source_id, row, column = heapq.heappop(queue)
        if here > cost[row, column] or source_id > source[row, column]:
            continue
        for step_row, step_column in cost_distance.STEPS:
            r, c = row + step_row, column + step_column
            diagonal = step_row != 0 and step_column != 0
            if not (0 <= r < rows and 0 <= c < columns) or (diagonal and neighbours == 4) or np.isnan(cost[r, c]):
                continue
            if diagonal and not cut_corners and np.isnan(cost[row, c]) and np.isnan(cost[r, column]):
                continue
            high = (heights[row] + heights[r]) / 2 * abs(step_row)
            wide = (widths[row] + widths[r]) / 2 * abs(step_column)
            reached = here + 0.5 * (resistance[row, column] + resistance[r, c]) * math.hypot(high, wide)
            better = reached < cost[r, c] or (reached == cost[r, c] and source_id < source[r, c])
            if better and reached <= max_cost:
                cost[r, c], source[r, c] = reached, source_id
                heapq.heappush(queue, (reached, int(source_id), r, c))
    return cost, source


def predecessors(resistance, cost, source, widths, heights, neighbours, cut_corners):
    """Look for the neighbour of the same source with the lowest index from where a cell's cost is reached."""
    links = np.full(cost.shape, cost_distance.UNREACHED)
    for (row, column), here in np.ndenumerate(cost):
        for link, (step_row, step_column) in enumerate(cost_distance.STEPS):
            r, c = row - step_row, column - step_column
            diagonal = step_row != 0 and step_column != 0
            if not (0 <= r < cost.shape[0] and 0 <= c < cost.shape[1]) or (diagonal and neighbours == 4):
                continue
            if diagonal and not cut_corners and np.isnan(cost[row, c]) and np.isnan(cost[r, column]):
                continue
            high = (heights[row] + heights[r]) / 2 * abs(step_row)
            wide = (widths[row] + widths[r]) / 2 * abs(step_column)
            reached = cost[r, c] + 0.5 * (resistance[row, column] + resistance[r, c]) * math.hypot(high, wide)
            if reached == here < math.inf and source[r, c] == source[row, column]:
                links[row, column] = max(links[row, column], link)  # the last step comes out of the lowest index
    return links


@st.composite
def landscapes(draw):
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    values = st.sampled_from(draw(st.sampled_from([ONE_VALUE, FEW_VALUES, FAR_APART])))
    resistance = draw(hnp.arrays(np.float64, shape, elements=values))
    cells = draw(st.lists(st.integers(0, resistance.size - 1), max_size=5))
    ids = draw(st.lists(st.integers(0, 3), min_size=len(cells), max_size=len(cells)))
    widths = draw(st.sampled_from([np.ones(shape[0]), np.linspace(1.0, 2.0, shape[0])]))
    return resistance, np.array(cells, dtype=np.int64), np.array(ids, dtype=np.int32), widths


@settings(max_examples=50)
@given(landscapes(), st.sampled_from([4, 8]), st.booleans(), st.sampled_from([math.inf, 0.0, 3.0, 20.0, 1e5]))
def test_equals_brute_force(landscape, neighbours, cut_corners, max_cost):
    resistance, sources, ids, widths = landscape
    heights = np.full(widths.size, 1.5)
    found = cost_distance.surface(resistance, sources, cell_width_m=widths, cell_height_m=heights, source_ids=ids,
                                  neighbours=neighbours, cut_corners=cut_corners, max_cost=max_cost)  # fmt: skip
    cost, source = brute_force(resistance, sources, ids, widths, heights, neighbours, cut_corners, max_cost)
    rows, columns = found.cost.shape
    window = (slice(found.row, found.row + rows), slice(found.column, found.column + columns))
    np.testing.assert_array_equal(found.cost, cost[window])
    np.testing.assert_array_equal(found.allocation, source[window])
    assert np.isfinite(cost).sum() == np.isfinite(found.cost).sum(), "the window holds every cell that is reached"
    links = predecessors(resistance, cost, source, widths, heights, neighbours, cut_corners)
    links[np.unravel_index(sources[cost.flat[sources] == 0], links.shape)] = cost_distance.SOURCE
    np.testing.assert_array_equal(found.back_link, links[window])


@settings(max_examples=40)
@given(landscapes())
def test_paths_lead_back_at_the_cost_told(landscape):
    resistance, sources, _, widths = landscape
    found = cost_distance.surface(resistance, sources, cell_width_m=widths, cell_height_m=1.0)
    for row, column in np.argwhere(np.isfinite(found.cost)):
        path = found.path_to(row, column)
        total = 0.0
        for (r0, c0), (r1, c1) in itertools.pairwise(path):
            length = math.hypot(r1 - r0, (widths[r0] + widths[r1]) / 2 * (c1 - c0))
            total += 0.5 * (resistance[r0, c0] + resistance[r1, c1]) * length
        assert total == pytest.approx(found.cost[row, column], rel=1e-12)
        assert found.cost[tuple(path[0])] == 0
        assert tuple(path[-1]) == (row, column)


@pytest.mark.parametrize("fully_connected", [True, False], ids=["8 neighbours", "4 neighbours"])
def test_agrees_with_scikit_image(fully_connected):
    from skimage.graph import MCP_Geometric

    rng = np.random.default_rng(20261124)
    resistance = np.exp(rng.uniform(0, math.log(1000), (300, 400)))
    resistance[rng.random(resistance.shape) < 0.2] = np.nan
    sources = rng.choice(np.flatnonzero(np.isfinite(resistance)), 3, replace=False)
    found = cost_distance.surface(resistance, sources, cell_width_m=1.0, neighbours=8 if fully_connected else 4)
    peer = MCP_Geometric(np.where(np.isfinite(resistance), resistance, -1), fully_connected=fully_connected)
    expected, _ = peer.find_costs([divmod(int(cell), 400) for cell in sources])
    reached = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found.cost), reached)
    np.testing.assert_allclose(found.cost[reached], expected[reached], rtol=1e-12)


def test_a_line_without_data_is_not_crossed():
    resistance = np.ones((5, 5))
    resistance[:, 2] = np.nan
    found = cost_distance.surface(resistance, np.array([0]), cell_width_m=30.0)
    assert np.isinf(found.cost[:, 3:]).all()
    assert np.isnan(found.cost[:, 2]).all()
    with pytest.raises(ValueError, match="no path leads to row 0, column 4"):
        found.path_to(0, 4)


def test_truncated_search_is_the_full_one_cut_off():
    rng = np.random.default_rng(5)
    resistance = np.exp(rng.uniform(0, 5, (400, 400)))
    full = cost_distance.surface(resistance, np.array([400 * 200 + 200]), cell_width_m=10.0)
    limit = float(np.quantile(full.cost, 0.03))
    part = cost_distance.surface(resistance, np.array([400 * 200 + 200]), cell_width_m=10.0, max_cost=limit)
    assert part.cost.size < full.cost.size
    assert not part.at_raster_edge
    whole = np.full(full.cost.shape, np.inf)
    rows, columns = part.cost.shape
    whole[part.row : part.row + rows, part.column : part.column + columns] = part.cost
    np.testing.assert_array_equal(whole, np.where(full.cost <= limit, full.cost, np.inf))


def test_zero_resistance_is_refused():
    with pytest.raises(InputError, match="resistance must be above 0; 1 or more"):
        cost_distance.surface(np.zeros((2, 2)), np.array([0]), cell_width_m=1.0)


@pytest.mark.parametrize("change", [
    pytest.param({"neighbours": 16}, id="knight's move"),
    pytest.param({"sources": np.array([4])}, id="source outside"),
    pytest.param({"cell_width_m": 0.0}, id="no cell size"),
    pytest.param({"source_ids": np.array([-2], dtype=np.int32)}, id="negative id"),
])  # fmt: skip
def test_wrong_arguments(change):
    arguments = {"sources": np.array([0]), "cell_width_m": 1.0} | change
    with pytest.raises(ValueError, match=r"must be|lies outside"):
        cost_distance.surface(np.ones((2, 2)), arguments.pop("sources"), **arguments)


@pytest.mark.parametrize("contrast", [1e5, 1e9, 1e12], ids="{:g}".format)
def test_a_fence_of_any_height_is_searched_exactly(contrast):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    rng = np.random.default_rng(7)
    resistance = rng.uniform(1, 3, (60, 50))
    resistance[30] = contrast
    cells = np.arange(resistance.size).reshape(resistance.shape)
    joined = [(cells[:, :-1], cells[:, 1:], 1.0), (cells[:-1], cells[1:], 1.0)]
    joined += [(cells[:-1, :-1], cells[1:, 1:], math.sqrt(2)), (cells[:-1, 1:], cells[1:, :-1], math.sqrt(2))]
    a, b = (np.concatenate([pair[k].ravel() for pair in joined]) for k in (0, 1))
    length = np.concatenate([np.full(pair[0].size, pair[2]) for pair in joined])
    cost = (resistance.flat[a] + resistance.flat[b]) * (0.5 * length)
    graph = coo_array((cost, (a, b)), shape=(resistance.size, resistance.size)).tocsr()
    found = cost_distance.surface(resistance, np.array([120]), cell_width_m=1.0)
    np.testing.assert_array_equal(found.cost.ravel(), dijkstra(graph, directed=False, indices=120))


def test_steps_too_short_to_change_a_cost_still_lead_back():
    resistance = np.array([[1.0, 1e20, 1.0, 1.0, 1.0], [1.0, 1e20, 1.0, 1.0, 1.0]])
    found = cost_distance.surface(resistance, np.array([0, 5]), cell_width_m=1.0)
    assert (found.cost[:, 2:] == 1e20).all()
    for row, column in np.ndindex(found.cost.shape):
        assert len(found.path_to(row, column)) == column + 1


def test_many_sources_and_threads_give_one_answer():
    rng = np.random.default_rng(8)
    resistance = rng.integers(1, 4, (200, 300)).astype(np.float64)
    resistance[rng.random(resistance.shape) < 0.1] = np.nan
    sources = rng.choice(resistance.size, 5000, replace=False)
    ids = rng.integers(0, 50, sources.size, dtype=np.int32)
    orders = [rng.permutation(sources.size) for _ in range(6)]

    def search(order):
        return cost_distance.surface(resistance, sources[order], cell_width_m=1.0, source_ids=ids[order])

    first = search(np.arange(sources.size))
    with ThreadPoolExecutor(2) as executor:
        for found in executor.map(search, orders):
            np.testing.assert_array_equal(found.cost, first.cost)
            np.testing.assert_array_equal(found.back_link, first.back_link)
            np.testing.assert_array_equal(found.allocation, first.allocation)


@pytest.mark.parametrize("dtype", [np.float32, np.int16], ids=str)
def test_resistances_of_other_types_are_not_rounded_on_the_way(dtype):
    resistance = np.arange(1, 43).reshape(6, 7).astype(dtype)[:, ::-1]
    found = cost_distance.surface(resistance, np.array([3]), cell_width_m=0.1)
    expected = cost_distance.surface(resistance.astype(np.float64), np.array([3]), cell_width_m=0.1)
    np.testing.assert_array_equal(found.cost, expected.cost)
