"""One link between two areas, measured: line, polygon, width, cost, or why there is none."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis import normalised, straightest, widths
from biodata.analysis.areas import Site
from biodata.analysis.barriers import Improvement, Restored
from biodata.analysis.bucket_queue import Floats, Ints
from biodata.analysis.cost_distance import CostSurface
from biodata.analysis.grid import Grid
from biodata.analysis.pair_currents import PairCurrents
from biodata.analysis.rasters import outline


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
    corridor: normalised.Normalised | None = None
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
    first: Site,
    second: Site,
    from_first: CostSurface,
    from_second: CostSurface,
    resistance: Floats,
    grid: Grid,
    *,
    cut: float,
    low_resistance: float,
) -> Link:
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
    found = normalised.corridor(from_first, from_second, least_cost=least_cost, cut=cut)
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
    measured = widths.along_path(inside, both, stretch, cell_m=grid.cell_m)
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
    return straightest.path_to(from_first, end, resistance, cell_m=grid.cell_m, toward=toward)


def _could_leave(a: CostSurface, b: CostSurface, grid: Grid, limit: float, lowest: float) -> bool:
    """Tell whether a way around through ground outside the raster might cost no more than the limit."""
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
    equal = np.flatnonzero(costs <= least * (1 + straightest.SAME_COST))
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
