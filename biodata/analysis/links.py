"""One link between two areas, measured: the straightest cheapest line, polygon, width, cost, or why there is none.

On even ground very many paths cost the same: any order of the same straight and diagonal steps. The back-links of a cost
surface take the predecessor with the lowest index, so that such a path runs along an edge; here the tie is settled by the
distance from a line.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis import cost_distance
from biodata.analysis.areas import Site
from biodata.analysis.barriers import Improvement, Restored
from biodata.analysis.bucket_queue import SOURCE, Floats, Ints, compiled
from biodata.analysis.circuit.pinch_points import PairCurrents
from biodata.analysis.cost_distance import STEPS, CostSurface
from biodata.analysis.grid import Grid
from biodata.analysis.rasters import outline

SAME_COST: Final = 1e-12
"""Sums of the same steps in another order differ by rounding."""
_STEP_ROWS: Final = np.array([step[0] for step in STEPS])
_STEP_COLUMNS: Final = np.array([step[1] for step in STEPS])


_TANGENT_CELLS: Final = 5
_TURN_DEGREES: Final = 60
_STEP: Final = 0.1
_LEVEL: Final = 0.5 - 1e-6
"""Half way between inside and outside, less what keeps cells together that meet at a corner: there it is exactly half."""


def path_to(
    surface: CostSurface, end: tuple[int, int], resistance: Floats, *, cell_m: float, toward: tuple[float, float]
) -> Ints:
    """Return the cells of the cheapest path to a cell that is nearest to the line from there to a place.

    Parameters
    ----------
    surface : CostSurface
        Of square cells, made without cutting corners.
    end : row, column
        A cell that was reached, in rows and columns of the whole raster.
    resistance : ndarray of float64, (rows, columns)
        The whole raster.
    cell_m : float
        Side of a cell, metres.
    toward : row, column
        Where the line ends, cell centres being whole numbers.

    Returns
    -------
    ndarray of int64, (n, 2)
        Rows and columns of the raster, the source first. It costs what `CostSurface.path_to` gives but for rounding.
    """
    origin = np.array([surface.row, surface.column])
    line = np.array([*(np.array(end) - origin), *(np.array(toward) - origin)], dtype=np.float64)
    found = _trace(
        surface.cost, surface.back_link, resistance, surface.row, surface.column, cell_m, line, _STEP_ROWS,
        _STEP_COLUMNS,
    )  # fmt: skip
    path: Ints = found[::-1] + origin
    return path


@compiled
def _trace(
    cost: Floats, back_link: NDArray[np.int8], resistance: Floats, top: int, left: int, cell_m: float, line: Floats,
    step_rows: Ints, step_columns: Ints,
) -> Ints:  # fmt: skip
    """Return rows and columns of the path, the end first."""
    rows, columns = cost.shape
    row, column = int(line[0]), int(line[1])
    down, right = line[2] - line[0], line[3] - line[1]
    path = np.empty((64, 2), dtype=np.int64)
    count = 0
    while True:
        if count == len(path):
            longer = np.empty((2 * count, 2), dtype=np.int64)
            longer[:count] = path
            path = longer
        path[count, 0], path[count, 1] = row, column
        count += 1
        link = back_link[row, column]
        if link == SOURCE:
            return path[:count]
        here, own = cost[row, column], resistance[top + row, left + column]
        best, best_off = link, np.inf
        for k in range(len(step_rows)):
            y, x = row - step_rows[k], column - step_columns[k]
            if not (0 <= y < rows and 0 <= x < columns) or not cost[y, x] < here:
                continue
            length = cell_m
            if step_rows[k] != 0 and step_columns[k] != 0:
                if np.isnan(cost[y, column]) and np.isnan(cost[row, x]):
                    continue
                length = cell_m * np.sqrt(2.0)
            through = cost[y, x] + 0.5 * length * (own + resistance[top + y, left + x])
            off = abs((y - line[0]) * right - (x - line[1]) * down)
            if abs(through - here) <= SAME_COST * here and off < best_off * (1 - SAME_COST):
                best, best_off = k, off
        row, column = row - step_rows[best], column - step_columns[best]


@dataclass(frozen=True, slots=True)
class Widths:
    """Widths of a corridor along its path.

    Attributes
    ----------
    widths_m : ndarray of float64, (n,)
        Width at each cell of the path, metres; to a power of ten of about a hundredth of a cell, as a raster states no more.
    narrowest : int
        Which of them is the narrowest; the middle one where several are.
    middle : ndarray of float64, (n, 2)
        Row and column (cell centres being whole numbers) of the middle of each transect.
    """

    widths_m: Floats
    narrowest: int
    middle: Floats


def along_path(corridor: NDArray[np.bool_], areas: NDArray[np.bool_], path: Ints, *, cell_m: float) -> Widths:
    """Measure a corridor's width at every cell of its path.

    A raster path zigzags and, where many paths cost the same, keeps to one side, so a transect strictly normal to it
    would be too long. The transect is therefore the shortest of those through the cell that stand within 60° of the
    normal to the path's general direction (over five cells to both sides). It ends where the corridor does, at half
    way between a cell inside and one outside.

    Parameters
    ----------
    corridor, areas : ndarray of bool, (rows, columns)
        A window that holds the corridor, and the cells of the areas that it joins: a transect may run on into an area
        and, through it, out of the window, but then counts only where no other ends inside.
    path : ndarray of int64, (n, 2)
        Rows and columns of the path's cells, in order.
    cell_m : float
        Side of the square cells, metres.

    Returns
    -------
    Widths

    Raises
    ------
    ValueError
        If the path has no cell.
    """
    if not len(path):
        msg = "a path of no cells has no width"
        raise ValueError(msg)
    at = np.arange(len(path))
    ahead = path[np.minimum(at + _TANGENT_CELLS, len(path) - 1)] - path[np.maximum(at - _TANGENT_CELLS, 0)]
    direction = np.arctan2(ahead[:, 0], ahead[:, 1]) + np.pi / 2
    turns = np.radians(np.arange(-_TURN_DEGREES, _TURN_DEGREES + 1, 5.0))
    padded = np.pad(areas, 1, mode="edge").astype(np.float64)
    padded[1:-1, 1:-1][corridor] = 1.0
    width, middle = _shortest_transects(padded, path.astype(np.float64) + 1, direction, turns, _STEP, _LEVEL)
    equal = np.flatnonzero(width <= width.min() + _STEP)
    decimals = 2 - math.floor(math.log10(cell_m))
    return Widths(np.round(width * cell_m, decimals), int(equal[len(equal) // 2]), middle - 1)


@compiled
def _shortest_transects(
    inside: Floats, points: Floats, directions: Floats, turns: Floats, step: float, level: float
) -> tuple[Floats, Floats]:
    """Return the length in cells, and the middle, of the shortest transect through each point."""
    rows, columns = inside.shape
    widths = np.full(len(points), np.inf)
    middles = np.zeros((len(points), 2))
    ends = np.zeros(2)
    for i in range(len(points)):
        row, column = points[i, 0], points[i, 1]
        bounded = False  # whether a transect was found that ends inside the window
        for turn in turns:
            down, right = np.sin(directions[i] + turn), np.cos(directions[i] + turn)
            left_window = hopeless = False  # hopeless: longer than the best already
            for side in range(2):
                sign = 1.0 - 2.0 * side
                length = 0.0
                value = 1.0
                while True:
                    if bounded and length + side * ends[0] >= widths[i]:
                        hopeless = True
                        break
                    length += step
                    before = value
                    y, x = row + sign * length * down, column + sign * length * right
                    if y < 0 or x < 0 or y >= rows - 1 or x >= columns - 1:
                        left_window = True
                        break
                    r, c = int(y), int(x)
                    v, u = y - r, x - c
                    upper = inside[r, c] * (1 - u) + inside[r, c + 1] * u
                    lower = inside[r + 1, c] * (1 - u) + inside[r + 1, c + 1] * u
                    value = upper * (1 - v) + lower * v
                    if value < level:
                        break
                if hopeless:
                    break
                ends[side] = length if left_window else length - step * (level - value) / (before - value)
            if hopeless:
                continue
            total = ends[0] + ends[1]
            ends_inside = not left_window
            if total < widths[i] if ends_inside == bounded else ends_inside:
                bounded = ends_inside
                widths[i] = total
                shift = (ends[0] - ends[1]) / 2
                middles[i, 0], middles[i, 1] = row + shift * down, column + shift * right
    return widths, middles


@dataclass(frozen=True, slots=True)
class Link:
    """What was measured; lengths in metres, geometries in the grid's own system, `facts` without any place.

    `corridor` is the normalised corridor that the polygon outlines; None where there is none, or the areas touch.
    `barriers` tells what restoring would save, `opening` where it would give a way to a pair without one; None where it
    was not asked, or nothing would. `currents` is the current inside the corridor; None where it was not asked, or there
    is no corridor.
    """

    least_cost: float | None
    path_length_m: float | None = None
    line: shapely.Geometry | None = None
    polygon: shapely.Geometry | None = None
    width_m: float | None = None
    narrowest_m: float | None = None
    narrowest_at: tuple[float, float] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    corridor: cost_distance.Normalised | None = None
    barriers: Improvement | None = None
    currents: PairCurrents | None = None
    opening: Restored | None = None

    @property
    def cost_per_path_m(self) -> float | None:
        """Least cost divided by the path's length: the mean resistance that a traveller meets; None without a way."""
        if self.least_cost is None or not self.path_length_m:
            return None
        return self.least_cost / self.path_length_m

    @property
    def functional(self) -> bool:
        """True where there is a link."""
        return self.line is not None


def over_ground(
    first: Site, second: Site, from_first: CostSurface, from_second: CostSurface, resistance: Floats, grid: Grid, *,
    cut: float, low_resistance: float,
) -> Link:  # fmt: skip
    """Measure the corridor between two areas that do not touch.

    Parameters
    ----------
    first, second : Site
    from_first, from_second : CostSurface
        From each area, reaching at least the least cost and the cut.
    resistance : ndarray of float64, grid.shape
    grid : Grid
    cut : float
        How much more than the least cost a cell may cost, cost-metres.
    low_resistance : float
        Resistance up to which a cell counts as habitat.

    Returns
    -------
    Link
    """
    end, least_cost = nearest_cell(second.cells, from_first, grid.shape)
    found = cost_distance.corridor(from_first, from_second, least_cost=least_cost, cut=cut)
    inside, top, left = found.inside, found.row, found.column
    path = _path(end, first, from_first, resistance, grid)
    ground = resistance[found.window]

    both = np.zeros(inside.shape, dtype=bool)
    for site in (first, second):
        site_rows, site_columns = np.divmod(site.cells, grid.shape[1])
        near = (site_rows >= top) & (site_rows < top + inside.shape[0])
        near &= (site_columns >= left) & (site_columns < left + inside.shape[1])
        both[site_rows[near] - top, site_columns[near] - left] = True
    local = path - np.array([top, left])
    between = ~both[local[:, 0], local[:, 1]]
    stretch = local[between] if between.any() else local
    measured = along_path(inside, both, stretch, cell_m=grid.cell_m)
    middle = measured.middle[measured.narrowest] + np.array([top, left])
    at = grid.centres(middle[:1], middle[1:])[0]

    line = shapely.LineString(grid.centres(path[:, 0], path[:, 1]))
    polygon = _between(outline(inside, grid, top, left), line, first, second, grid.cell_m)
    gap = inside & ~both if (inside & ~both).any() else inside
    values = ground[gap]
    steps = np.hypot(*np.diff(path, axis=0).T)
    return Link(
        least_cost,
        path_length_m=float(steps.sum() * grid.cell_m),
        line=line,
        polygon=polygon,
        width_m=float(np.median(measured.widths_m)),
        narrowest_m=float(measured.widths_m[measured.narrowest]),
        narrowest_at=(float(at[0]), float(at[1])),
        facts={
            "cells": int(gap.sum()),
            "cut_cost": cut,
            "strands": int(shapely.get_num_geometries(polygon)),
            "nodata_share": round(float((~np.isfinite(ground)).mean()), 4),
            "mean_resistance": round(float(values.mean()), 4),
            "habitat_share": round(float((values <= low_resistance).mean()), 4),
            "could_leave_raster": _could_leave(from_first, from_second, grid, least_cost + cut, float(values.min())),
        },
        corridor=found,
    )


def _path(end: tuple[int, int], first: Site, from_first: CostSurface, resistance: Floats, grid: Grid) -> Ints:
    """Return the cheapest path from an area to a cell, of equal ones that nearest to the straight line between."""
    here = shapely.Point(grid.centres(*(np.array([at]) for at in end))[0])
    x, y = shapely.get_coordinates(shapely.shortest_line(first.shape, here))[0]
    toward = (y - grid.transform.f) / grid.transform.e - 0.5, (x - grid.transform.c) / grid.transform.a - 0.5
    return path_to(from_first, end, resistance, cell_m=grid.cell_m, toward=toward)


def _could_leave(a: CostSurface, b: CostSurface, grid: Grid, limit: float, lowest: float) -> bool:
    """Return whether a way around through ground outside the raster might cost no more than the limit."""
    if not (a.at_raster_edge and b.at_raster_edge):
        return False
    exits = []
    for surface in (a, b):
        rows, columns, cost = _at_edge(surface, grid)
        near = cost <= limit
        step = max(1, int(near.sum()) // 1000)
        exits.append((rows[near][::step], columns[near][::step], cost[near][::step], step))
    (rows_a, columns_a, cost_a, step_a), (rows_b, columns_b, cost_b, step_b) = exits
    if not rows_a.size or not rows_b.size:
        return False
    apart = np.hypot(rows_a[:, None] - rows_b, columns_a[:, None] - columns_b) - step_a - step_b
    outside = np.maximum(apart, 0) * grid.cell_m * lowest
    return bool((cost_a[:, None] + cost_b + outside).min() <= limit)


def _at_edge(surface: CostSurface, grid: Grid) -> tuple[Ints, Ints, Floats]:
    """Return rows, columns and costs of a search's cells at the raster's own edge."""
    marks: NDArray[np.bool_] = np.zeros(surface.cost.shape, dtype=bool)
    bottom, right = surface.row + marks.shape[0], surface.column + marks.shape[1]
    marks[:1] |= surface.row == 0
    marks[-1:] |= bottom == grid.shape[0]
    marks[:, :1] |= surface.column == 0
    marks[:, -1:] |= right == grid.shape[1]
    rows, columns = np.nonzero(marks)
    return rows + surface.row, columns + surface.column, surface.cost[rows, columns]


def nearest_cell(cells: Ints, surface: CostSurface, shape: tuple[int, int]) -> tuple[tuple[int, int], float]:
    """Return the row and column of the cheapest of some cells and its cost, inf where none was reached.

    Of several as cheap it is the one in their middle: on even ground areas face each other with a whole edge.
    """
    rows, columns = np.divmod(cells, shape[1])
    local_rows, local_columns = rows - surface.row, columns - surface.column
    known = (local_rows >= 0) & (local_rows < surface.cost.shape[0])
    known &= (local_columns >= 0) & (local_columns < surface.cost.shape[1])
    if not known.any():
        return (-1, -1), float("inf")
    costs = surface.cost[local_rows[known], local_columns[known]]
    least = float(costs.min())
    if math.isinf(least):
        return (-1, -1), least
    equal = np.flatnonzero(costs <= least * (1 + SAME_COST))
    places = np.column_stack([rows[known][equal], columns[known][equal]])
    middle = int(np.argmin(np.hypot(*(places - places.mean(axis=0)).T)))
    return (int(places[middle, 0]), int(places[middle, 1])), least


def _between(
    corridor: shapely.Geometry, line: shapely.Geometry, first: Site, second: Site, cell_m: float
) -> shapely.Geometry:
    """Take the areas out of a corridor, and slivers that a cell cannot tell; the part at the path always stays."""
    window = shapely.box(*shapely.bounds(corridor))
    own = shapely.union_all([shapely.intersection(site.shape, window) for site in (first, second)])
    quarter = cell_m / 4
    # Edge cells reach over the areas' own edges by up to half a cell: what is no thicker goes.
    thin = shapely.buffer(shapely.difference(corridor, own), -quarter, join_style="mitre")
    parts = shapely.get_parts(shapely.buffer(thin, quarter, join_style="mitre"))
    parts = parts[(shapely.area(parts) >= cell_m**2) | shapely.intersects(parts, line)]
    if not len(parts):
        parts = shapely.get_parts(shapely.difference(shapely.buffer(line, cell_m / 2), own))
    return shapely.union_all(parts)


def in_contact(first: Site, second: Site, resistance: Floats, grid: Grid) -> Link:
    """Describe two areas that touch, overlap, or lie within one cell: there is nothing to walk over.

    Parameters
    ----------
    first, second : Site
    resistance : ndarray of float64, grid.shape
    grid : Grid

    Returns
    -------
    Link
        Where they touch, cost and length are 0 and the line marks the place; the width is the length of the shared
        edge, or of the longer side of the overlap.
    """
    half = grid.cell_m / 2
    shared = shapely.intersection(first.shape, second.shape)
    if shared.is_empty:
        line = shapely.shortest_line(first.shape, second.shape)
        own = shapely.union_all([first.shape, second.shape])
        polygon = shapely.difference(shapely.buffer(line, half), own)
        common = np.intersect1d(first.cells, second.cells)
        mean = float(resistance.reshape(-1)[common].mean())
        middle = line.interpolate(0.5, normalized=True)
        return Link(
            mean * float(line.length), float(line.length), line, polygon, grid.cell_m, grid.cell_m,
            (middle.x, middle.y), {"cells": 1, "mean_resistance": mean},
            ("The gap is narrower than a cell: its cost is its length at that cell's resistance, its width one cell.",),
        )  # fmt: skip
    parts = shapely.get_parts(shared)
    parts = parts[shapely.get_dimensions(parts) == shapely.get_dimensions(parts).max()]
    if shapely.get_dimensions(parts[0]) == 2:
        polygon = shapely.union_all(parts)
        extents = np.array([_longer_side(part) for part in parts])
        middle = shapely.point_on_surface(parts[int(np.argmax(extents))])
        note = "The areas overlap: cost and length are 0, the polygon is the overlap, the width its longer side."
    else:
        if shapely.get_dimensions(parts[0]) == 1:
            parts = shapely.get_parts(shapely.line_merge(shapely.union_all(parts)))
        polygon = shapely.union_all(shapely.buffer(parts, half))
        extents = shapely.length(parts)
        longest = parts[int(np.argmax(extents))]
        middle = longest.interpolate(0.5, normalized=True) if extents.max() > 0 else longest
        note = "The areas touch: cost and length are 0, the polygon is half a cell around the shared edge."
    to_second = shapely.get_coordinates(shapely.centroid(np.array([first.shape, second.shape], dtype=object)))
    direction = to_second[1] - to_second[0]
    norm = float(np.hypot(*direction))
    direction = direction / norm * half if norm > 0 else np.array([half, 0.0])
    here = np.array([middle.x, middle.y])
    line = shapely.LineString([here - direction, here + direction])
    return Link(
        0.0, 0.0, line, polygon, float(extents.sum()), float(extents.max()), (middle.x, middle.y), {"cells": 0},
        (note, "The line marks the place of contact and has no length of its own."),
    )  # fmt: skip


def _longer_side(polygon: shapely.Geometry) -> float:
    """Return the longer side of the smallest rectangle around a polygon."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygon))
    return float(np.hypot(*np.diff(corners, axis=0).T).max()) if len(corners) > 1 else 0.0
