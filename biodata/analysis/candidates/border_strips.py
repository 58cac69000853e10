"""The land along borders, as cells of a grid."""

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from biodata import geo, places
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import cells_inside

if TYPE_CHECKING:
    from biodata.places import BoundarySet

Border = tuple[str, str]


@dataclass(frozen=True, eq=False, slots=True)
class Strip:
    """The land along one border.

    Attributes
    ----------
    border : tuple of str
        The two country codes in order.
    cells : ndarray of int64, (n,)
        Flat indexes of both countries' cells within the reach of the other's land.
    first : ndarray of bool, (n,)
        True for cells of the first country.
    """

    border: Border
    cells: Ints
    first: NDArray[np.bool_]


def strips(boundaries: "BoundarySet", grid: Grid, *, reach_m: float) -> list[Strip]:
    """Return the land along every border inside a grid.

    Parameters
    ----------
    boundaries : BoundarySet
    grid : Grid
        Of square cells.
    reach_m : float
        How far from the other country's land, metres, from cell to cell.
    """
    west, south, east, north = grid.bounds
    window = geo.project(shapely.segmentize(shapely.box(west, south, east, north), 20_000), grid.crs, 4326)
    near = boundaries.tree.query(window, predicate="intersects")
    codes = sorted({code for code in boundaries.units["country_code"].to_list() if code is not None})
    present = {boundaries.units["country_code"][int(i)] for i in near}
    cells: dict[str, Ints] = {}
    for code in (c for c in codes if c in present):
        land = shapely.intersection(places.country_geometry(code, boundaries), window)
        inside = cells_inside(geo.project(land, 4326, grid.crs), grid)
        if inside.size:
            cells[code] = inside
    found = []
    for one, other in combinations(sorted(cells), 2):
        xy_one, xy_other = (middles(cells[code], grid) for code in (one, other))
        near_one = np.asarray(cKDTree(xy_other).query(xy_one, distance_upper_bound=reach_m)[0]) <= reach_m
        near_other = np.asarray(cKDTree(xy_one).query(xy_other, distance_upper_bound=reach_m)[0]) <= reach_m
        if near_one.any():
            both = np.concatenate([cells[one][near_one], cells[other][near_other]])
            found.append(Strip((one, other), both, np.arange(both.size) < near_one.sum()))
    return found


def middles(cells: Ints, grid: Grid) -> Floats:
    """Return x and y of cells' middles."""
    return grid.centres(*np.divmod(cells, grid.shape[1]))
