"""Accumulated cost over a raster: exact, by a bucket queue (Dial 1969, https://doi.org/10.1145/363269.363610).

A step between two neighbouring cells costs the mean of their resistances times the distance between their centres, as
in GRASS r.cost, ESRI's Cost Distance and scikit-image's MCP_Geometric. Cells without data are never entered. Equal
costs are settled by rule: the lowest source id, then the predecessor with the lowest cell index.
"""

import math
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis import bucket_queue
from biodata.analysis.bucket_queue import SOURCE, UNREACHED, Floats, Ints, Steps, compiled, link_back
from biodata.analysis.grid import Grid
from biodata.analysis.sources import Sources
from biodata.core.errors import InputError

Floats32 = NDArray[np.float32]

STEPS: Final = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Rows and columns of the step that led into a cell, by its back-link."""
_MOST_BUCKETS: Final = 2.0**52
_NO_IDS: Final = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class CostSurface:
    """The cheapest way from the sources to every cell of a window of a raster.

    Attributes
    ----------
    cost : ndarray of float64, (rows, columns)
        Accumulated cost in resistance x metres; inf where it was not reached, nan where there is no data.
    back_link : ndarray of int8, (rows, columns)
        Index into `STEPS` of the step that led into the cell; `SOURCE` or `UNREACHED`.
    allocation : ndarray of int32, (rows, columns), optional
        Id of the source that the cell belongs to, `UNREACHED` where none; None unless asked for.
    row, column : int
        Where the window starts in the raster.
    at_raster_edge : bool
        True where the search came to the raster's own edge: what lies beyond could change the answer.
    """

    cost: Floats
    back_link: NDArray[np.int8]
    allocation: NDArray[np.int32] | None
    row: int
    column: int
    at_raster_edge: bool

    def path_to(self, row: int, column: int) -> Ints:
        """Return the cells of the cheapest path from a source to a cell.

        Parameters
        ----------
        row, column : int
            The cell, in rows and columns of the whole raster.

        Returns
        -------
        ndarray of int64, (n, 2)
            Rows and columns of the raster, the source first.

        Raises
        ------
        ValueError
            If the cell was not reached.
        """
        row, column = row - self.row, column - self.column
        rows, columns = self.cost.shape
        if not (0 <= row < rows and 0 <= column < columns) or self.back_link[row, column] == UNREACHED:
            msg = f"no path leads to row {row + self.row}, column {column + self.column}"
            raise ValueError(msg)
        cells = [(row, column)]
        while (link := int(self.back_link[row, column])) != SOURCE:
            row, column = row - STEPS[link][0], column - STEPS[link][1]
            cells.append((row, column))
        path: Ints = np.array(cells[::-1], dtype=np.int64) + np.array([self.row, self.column])
        return path


def surface(
    resistance: Floats, sources: Ints, *, cell_width_m: float | Floats, cell_height_m: float | Floats | None = None,
    source_ids: NDArray[np.int32] | None = None, max_cost: float = math.inf, neighbours: int = 8,
    cut_corners: bool = True,
) -> CostSurface:  # fmt: skip
    """Accumulate cost outwards from the sources.

    Parameters
    ----------
    resistance : ndarray of float64, (rows, columns)
        Cost of a metre in each cell, above 0; nan (or inf) where there is no data, which is never entered.
    sources : ndarray of int64, (n,)
        Flat indexes of the cells where cost is 0; those without data are left out.
    cell_width_m, cell_height_m : float or ndarray of float64, (rows,)
        Size of a cell, or of the cells of each row on a geographic grid; the height is the width where it is not given.
    source_ids : ndarray of int32, (n,), optional
        Ids of the sources, 0 or more; with them the surface tells which source each cell belongs to.
    max_cost : float
        Cells that cost more are not reached; the search then works on a window as large as it needs.
    neighbours : int
        8, or 4 for steps along rows and columns only.
    cut_corners : bool
        Whether a diagonal step may pass between two cells without data, as r.cost and scikit-image allow.

    Returns
    -------
    CostSurface

    Raises
    ------
    InputError
        If a resistance is 0 or less.
    ValueError
        If shapes do not agree, a source lies outside the raster, `neighbours` is neither 4 nor 8, or there are 2^32 cells.
    """
    rows, columns = resistance.shape
    widths = np.broadcast_to(np.asarray(cell_width_m, dtype=np.float64), (rows,))
    heights = widths if cell_height_m is None else np.broadcast_to(np.asarray(cell_height_m, dtype=np.float64), (rows,))
    if neighbours not in (4, 8) or not (widths > 0).all() or not (heights > 0).all() or math.isnan(max_cost):
        msg = f"neighbours must be 4 or 8 ({neighbours}), cell sizes positive and max_cost a number ({max_cost})"
        raise ValueError(msg)
    if resistance.size >= 2**32:
        msg = f"a raster of {rows} x {columns} cells has more than a search can number"
        raise ValueError(msg)
    if sources.size and (sources.min() < 0 or sources.max() >= resistance.size):
        msg = f"a source lies outside the raster of {rows} x {columns} cells"
        raise ValueError(msg)
    if source_ids is not None and (source_ids.shape != sources.shape or (source_ids.size and source_ids.min() < 0)):
        msg = "source_ids must be as many as sources, and 0 or more"
        raise ValueError(msg)
    source_rows, source_columns = np.divmod(sources, columns)
    margin = _first_margin(resistance, float(min(widths.min(), heights.min())), max_cost)
    while True:
        window = _window(source_rows, source_columns, margin, (rows, columns))
        top, left, bottom, right = window
        cost, link, allocation = _search_window(
            resistance[top:bottom, left:right], (source_rows - top) * (right - left) + (source_columns - left),
            source_ids, widths[top:bottom], heights[top:bottom], max_cost, neighbours == 8, cut_corners,
        )  # fmt: skip
        sides = (
            (top > 0, np.isfinite(cost[:1]).any()),
            (left > 0, np.isfinite(cost[:, :1]).any()),
            (bottom < rows, np.isfinite(cost[-1:]).any()),
            (right < columns, np.isfinite(cost[:, -1:]).any()),
        )
        if not any(inside and touched for inside, touched in sides):
            at_edge = any(touched and not inside for inside, touched in sides)
            return CostSurface(cost, link, allocation, top, left, bool(at_edge))
        margin *= 2


def corners_cut(found: CostSurface, resistance: Floats) -> int:
    """Count the steps of a surface that pass between two cells without data which touch at a corner.

    Parameters
    ----------
    found : CostSurface
    resistance : ndarray of float64, (rows, columns)
        What it was made from, the whole raster.

    Returns
    -------
    int
    """
    rows, columns = found.cost.shape
    closed = ~np.isfinite(resistance[found.row : found.row + rows, found.column : found.column + columns])
    count = 0
    for link, (step_row, step_column) in enumerate(STEPS):
        if step_row and step_column:
            row, column = np.nonzero(found.back_link == link)
            count += int((closed[row - step_row, column] & closed[row, column - step_column]).sum())
    return count


def _first_margin(resistance: Floats, cell_m: float, max_cost: float) -> int:
    """Guess how many cells a search reaches, from a sample of the resistances."""
    if math.isinf(max_cost):
        return int(max(resistance.shape))
    step = max(1, resistance.size // 4096)
    sample = resistance.reshape(-1)[::step]
    sample = sample[np.isfinite(sample)]
    typical = float(np.quantile(sample, 0.25)) if sample.size else 1.0
    return min(int(max(resistance.shape)), 2 + int(max_cost / (max(typical, 1e-9) * cell_m)))


def _window(rows: Ints, columns: Ints, margin: int, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return top, left, bottom, right of the sources' box grown by `margin` cells, inside the raster."""
    if not rows.size:
        return 0, 0, shape[0], shape[1]
    return (
        max(0, int(rows.min()) - margin),
        max(0, int(columns.min()) - margin),
        min(shape[0], int(rows.max()) + margin + 1),
        min(shape[1], int(columns.max()) + margin + 1),
    )


def _search_window(
    resistance: Floats, sources: Ints, ids: NDArray[np.int32] | None, widths: Floats, heights: Floats, max_cost: float,
    diagonals: bool, cut_corners: bool,
) -> tuple[Floats, NDArray[np.int8], NDArray[np.int32] | None]:  # fmt: skip
    """Search one window."""
    resistance = np.ascontiguousarray(resistance, dtype=np.float64)
    cost = np.empty(resistance.shape)
    low, high = bucket_queue.prepare(resistance.reshape(-1), cost.reshape(-1))
    if low <= 0:
        raise _not_positive(resistance)
    steps = _steps(widths, heights, diagonals, cut_corners)
    shortest, longest = 2 * min(steps.east.min(), steps.south.min()), 2 * steps.diagonal.max()
    # Exact for any width: where a bucket is wider than the cheapest step, cells that got cheaper have another turn. Wider
    # only so that buckets can be numbered: a path costs less than the dearest step times the cells.
    width = (
        max(low * shortest * (1 - 1e-9), high * longest * resistance.size / _MOST_BUCKETS) if low < math.inf else 1.0
    )
    allocation = None if ids is None else np.full(resistance.shape, UNREACHED, dtype=np.int32)
    order = np.arange(sources.size) if ids is None else np.argsort(ids, kind="stable")
    bucket_queue.search(
        resistance.reshape(-1), resistance.shape[1], sources[order], _NO_IDS if ids is None else ids[order], steps,
        max_cost, width, cost.reshape(-1), None if allocation is None else allocation.reshape(-1),
    )  # fmt: skip
    link = np.full(resistance.shape, UNREACHED, dtype=np.int8)
    link.reshape(-1)[sources[np.isfinite(cost.reshape(-1)[sources])]] = SOURCE
    missing = link_back(resistance, cost, allocation, steps, False, link)
    while missing:  # steps too short to change a cost: resistances that differ by 16 orders of magnitude
        missing = link_back(resistance, cost, None, steps, True, link)
    return cost, link, allocation


def _steps(widths: Floats, heights: Floats, diagonals: bool, cut_corners: bool) -> Steps:
    """Return the steps between the cells of a window."""
    south, middle = heights.copy(), widths.copy()
    south[1:] = (heights[:-1] + heights[1:]) / 2
    middle[1:] = (widths[:-1] + widths[1:]) / 2
    return Steps(0.5 * widths, 0.5 * south, 0.5 * np.hypot(south, middle), diagonals, cut_corners)


def _not_positive(resistance: Floats) -> InputError:
    """Tell the first resistance that is 0 or less."""
    at = np.argwhere(resistance <= 0)[0]
    problem = "resistance must be above 0"
    return InputError(
        problem,
        value=f"{resistance[tuple(at)]:g}",
        expected="1 or more is usual; leave a cell without data to make it a barrier",
        code="RESISTANCE_NOT_POSITIVE",
    )


def to_places(surface: CostSurface, places: Sources, grid: Grid) -> gpd.GeoDataFrame:
    """Trace the cheapest path to each place: to its cheapest cell, of equal ones the first.

    Parameters
    ----------
    surface : CostSurface
        With allocation.
    places : Sources
        Cells and ids of the places.
    grid : Grid

    Returns
    -------
    geopandas.GeoDataFrame
        In the grid's system, one row for each id in rising order: target_id, source_id, cost, length_m,
        cost_per_metre, and the line through the cells' centres. Where no path leads, all but the id are missing; where
        the place is a source itself, cost is 0 and there is no line.
    """
    rows, columns = surface.cost.shape
    row, column = np.divmod(places.cells, grid.shape[1])
    row, column = row - surface.row, column - surface.column
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    cost = np.full(places.cells.size, math.inf)
    cost[inside] = surface.cost[row[inside], column[inside]]
    cost[np.isnan(cost)] = math.inf
    found = []
    for place in np.unique(places.ids):
        of_place = np.flatnonzero(places.ids == place)
        best = of_place[np.argmin(cost[of_place])]
        found.append((int(place), *_trace(surface, grid, int(row[best]), int(column[best]), float(cost[best]))))
    names = ["target_id", "source_id", "cost", "length_m", "cost_per_metre"]
    columns_of = {name: [each[k] for each in found] for k, name in enumerate(names)}
    frame = gpd.GeoDataFrame(columns_of, geometry=np.array([each[5] for each in found], dtype=object), crs=grid.crs)
    return frame.astype({"source_id": "Int64", "cost": "Float64", "length_m": "Float64", "cost_per_metre": "Float64"})


def _trace(
    surface: CostSurface, grid: Grid, row: int, column: int, cost: float
) -> tuple[int | None, float | None, float | None, float | None, shapely.LineString | None]:
    """Return source, cost, length, cost per metre and line of the path to a cell of the surface's window."""
    if math.isinf(cost) or surface.allocation is None or surface.allocation[row, column] == UNREACHED:
        return None, None, None, None, None
    path = surface.path_to(row + surface.row, column + surface.column)
    source = int(surface.allocation[row, column])
    if len(path) < 2:
        return source, cost, 0.0, None, None
    length_m = _length_m(path[:, 0], path[:, 1], *grid.cell_sizes_m())
    return source, cost, length_m, cost / length_m, shapely.LineString(grid.centres(path[:, 0], path[:, 1]))


def _length_m(rows: Ints, columns: Ints, width_m: Floats, height_m: Floats) -> float:
    """Return the length of a path over cells, with the sizes of the rows that a step joins."""
    middle, high = (width_m[rows[1:]] + width_m[rows[:-1]]) / 2, (height_m[rows[1:]] + height_m[rows[:-1]]) / 2
    return float(np.hypot(middle * np.diff(columns), high * np.diff(rows)).sum())


@dataclass(frozen=True, slots=True)
class Normalised:
    """A corridor on the window that it fills.

    Attributes
    ----------
    excess : ndarray of float32, (rows, columns)
        CWD_A + CWD_B - LCD of the cells inside the cut, cost-metres, 0 on the cheapest path; inf elsewhere.
    row, column : int
        Where the window starts in the raster.
    """

    excess: Floats32
    row: int
    column: int

    @property
    def inside(self) -> NDArray[np.bool_]:
        """True for the cells of the corridor."""
        return np.isfinite(self.excess)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the raster that the window covers."""
        rows, columns = self.excess.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def corridor(from_first: CostSurface, from_second: CostSurface, *, least_cost: float, cut: float) -> Normalised:
    """Return the cells through which a way costs at most `cut` more than the least cost.

    Parameters
    ----------
    from_first, from_second : CostSurface
        Searches from the two areas that reach at least the least cost and the cut: then every cell of the corridor
        lies in both, and no larger search can change it.
    least_cost, cut : float
        Cost-metres.

    Returns
    -------
    Normalised
        As in Linkage Mapper (McRae & Kavanagh 2011, https://linkagemapper.org), on the smallest window that holds it.
    """
    a, b, top, left = common_window(from_first, from_second)
    limit = cut + 1e-9 * least_cost  # rounding: the path itself must be inside
    first_row, last_row, first_column, last_column = _box(a, b, least_cost, limit)
    box = slice(first_row, last_row + 1), slice(first_column, last_column + 1)
    return Normalised(_excess(a[box], b[box], least_cost, limit), top + first_row, left + first_column)


def common_window(first: CostSurface, second: CostSurface) -> tuple[Floats, Floats, int, int]:
    """Return the costs of two searches on the window that both have, with the row and column where it starts."""
    top, left = max(first.row, second.row), max(first.column, second.column)
    bottom = min(s.row + s.cost.shape[0] for s in (first, second))
    right = min(s.column + s.cost.shape[1] for s in (first, second))
    a, b = (s.cost[top - s.row : bottom - s.row, left - s.column : right - s.column] for s in (first, second))
    return a, b, top, left


def cropped(surface: CostSurface) -> CostSurface:
    """Return a search on the smallest window that holds the cells which it reached."""
    top, bottom, left, right = _box(surface.cost, surface.cost, 0.0, np.inf)
    if bottom < top:
        return surface
    box = slice(top, bottom + 1), slice(left, right + 1)
    return CostSurface(
        np.ascontiguousarray(surface.cost[box]), np.ascontiguousarray(surface.back_link[box]),
        None if surface.allocation is None else np.ascontiguousarray(surface.allocation[box]), surface.row + top,
        surface.column + left, surface.at_raster_edge,
    )  # fmt: skip


@compiled
def _box(a: Floats, b: Floats, least_cost: float, limit: float) -> tuple[int, int, int, int]:
    """Return the first and last row and column of finite costs within the limit; a last row of -1 where none is."""
    rows, columns = a.shape
    top, bottom, left, right = rows, -1, columns, -1
    for row in range(rows):
        for column in range(columns):
            together = a[row, column] + b[row, column]
            if together < np.inf and together - least_cost <= limit:
                if bottom < 0:
                    top = row
                bottom = row
                left, right = min(left, column), max(right, column)
    return top, bottom, left, right


@compiled
def _excess(a: Floats, b: Floats, least_cost: float, limit: float) -> Floats32:
    """Return the excess inside the limit, at least 0, since rounding may take it below."""
    excess = np.full(a.shape, np.inf, dtype=np.float32)
    for row in range(a.shape[0]):
        for column in range(a.shape[1]):
            over = a[row, column] + b[row, column] - least_cost
            if over <= limit:
                excess[row, column] = max(over, 0.0)
    return excess
