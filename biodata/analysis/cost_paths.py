"""The cheapest paths of a cost surface to places, as lines."""

import math

import geopandas as gpd
import numpy as np
import shapely

from biodata.analysis.bucket_queue import UNREACHED, Floats, Ints
from biodata.analysis.cost_distance import CostSurface
from biodata.analysis.grid import Grid
from biodata.analysis.sources import Sources


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
