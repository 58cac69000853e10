"""Lines on a grid: roads, rivers and fences that are one cell wide, or narrower, and must not be lost in a coarser cell."""

import math
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from biodata import geo
from biodata.analysis.grid import Floats, Grid

_INSET: Final = 1e-3
"""How far inside its cell a corner is taken, in cells: a corner on the edge belongs to the neighbour."""
_CHUNK: Final = 200_000


def burn_cells(values: Floats, own: Grid, grid: Grid) -> Floats:
    """Put cells of lines into another grid so that no piece of a line is lost.

    Parameters
    ----------
    values : ndarray of float64, own.shape
        nan where there is no line.
    own, grid : Grid
        Where the values lie, and where to put them.

    Returns
    -------
    ndarray of float64, grid.shape
        The highest value of any line that runs through the cell; nan where none does. Cells that meet in `values` meet
        here, at a corner at least; `sealed` closes those corners.

    Notes
    -----
    Each cell's points are taken to where they lie, and not the other way round: GDAL's warper looks back from the
    coarse cell through a box around two of its corners, and between two such boxes of grids that stand askew to each
    other a line falls through.
    """
    burnt = np.full(grid.cells, -np.inf)
    rows, columns = np.nonzero(~np.isnan(values))
    finer = max(1, math.ceil(2 * own.cell_m / grid.cell_m))
    offsets = np.linspace(_INSET, 1 - _INSET, finer + 1)
    for start in range(0, rows.size, _CHUNK):
        at = slice(start, start + _CHUNK)
        cells = values[rows[at], columns[at]]
        for down in offsets:
            for right in offsets:
                x = own.transform.c + (columns[at] + right) * own.transform.a
                y = own.transform.f + (rows[at] + down) * own.transform.e
                moved = geo.project(np.column_stack([x, y]), own.crs, grid.crs)
                with np.errstate(invalid="ignore"):
                    column = np.floor((moved[:, 0] - grid.transform.c) / grid.transform.a)
                    row = np.floor((moved[:, 1] - grid.transform.f) / grid.transform.e)
                    inside = (row >= 0) & (row < grid.shape[0]) & (column >= 0) & (column < grid.shape[1])
                index = (row[inside] * grid.shape[1] + column[inside]).astype(np.int64)
                np.maximum.at(burnt, index, cells[inside])
    return np.where(burnt == -np.inf, np.nan, burnt).reshape(grid.shape)


def burn_shapes(shapes: NDArray[Any], values: Floats, grid: Grid) -> Floats:
    """Put shapes into a grid: every cell that one touches.

    Parameters
    ----------
    shapes : ndarray of n shapely geometries
        In the grid's own system.
    values : ndarray of float64, (n,)
        inf is higher than any other value.
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        The highest value of any shape that touches the cell; nan where none does.
    """
    from rasterio.features import rasterize

    order = np.argsort(values, kind="stable")
    ranks = np.searchsorted(np.unique(values), values) + 1
    # Later ones overwrite earlier ones: the highest comes last.
    pairs = [(shapes[index], int(ranks[index])) for index in order]
    if not pairs:
        return np.full(grid.shape, np.nan)
    burnt = rasterize(pairs, out_shape=grid.shape, transform=grid.transform, all_touched=True, dtype="int32")
    level: Floats = np.concatenate([[np.nan], np.unique(values)])
    return np.asarray(level[burnt], dtype=np.float64)


def sealed(lines: Floats) -> tuple[Floats, int]:
    """Close the corners of lines: a diagonal step would slip through where two cells meet at a corner only.

    Parameters
    ----------
    lines : ndarray of float64, (rows, columns)
        nan where there is no line, inf for barriers.

    Returns
    -------
    lines : ndarray of float64, (rows, columns)
        With one cell at every such corner as high as the lower of the two, which whoever crosses pays anyway. A lower
        line beside it, as a track along a fence, is no way through either.
    filled : int
        How many cells were raised.
    """
    level = np.where(np.isnan(lines), -np.inf, lines)
    filled = 0
    for left, right in ((0, 1), (1, 0)):
        end_left, end_right = level.shape[1] - 1 + left, level.shape[1] - 1 + right
        upper, lower = level[:-1, left:end_left], level[1:, right:end_right]
        beside, below = level[:-1, right:end_right], level[1:, left:end_left]
        needed = np.minimum(upper, lower)
        gap = needed > np.maximum(beside, below)
        filled += int(gap.sum())
        beside[gap] = needed[gap]
    return np.where(level == -np.inf, np.nan, level), filled


def padded(grid: Grid, cells: int) -> Grid:
    """Return a grid with so many more cells on every side."""
    transform = grid.transform @ Affine.translation(-cells, -cells)
    return Grid(grid.crs, transform, (grid.shape[0] + 2 * cells, grid.shape[1] + 2 * cells), grid.cell_m)


def distance_m(present: NDArray[np.bool_], grid: Grid) -> Floats:
    """Return the distance from the middle of every cell to the middle of the nearest one that something is in.

    Parameters
    ----------
    present : ndarray of bool, grid.shape
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        Metres, on the ellipsoid where the grid is one of degrees, else on the grid's plane; inf where nothing is.
    """
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import cKDTree

    if not present.any():
        return np.full(grid.shape, np.inf)
    if grid.crs.is_projected:
        wide, high = grid.cell_sizes_m()
        return np.asarray(distance_transform_edt(~present, sampling=(high[0], wide[0])), dtype=np.float64)
    rows, columns = (axis.ravel() for axis in np.indices(grid.shape))
    longitude, latitude = np.radians(grid.lonlat(rows, columns)).T
    # The chord through the ellipsoid is as good as the way over it: a millimetre shorter at 10 km.
    normal = geo.SEMI_MAJOR_M / np.sqrt(1 - geo.ECCENTRICITY_2 * np.sin(latitude) ** 2)
    xyz = np.column_stack(
        [
            normal * np.cos(latitude) * np.cos(longitude),
            normal * np.cos(latitude) * np.sin(longitude),
            normal * (1 - geo.ECCENTRICITY_2) * np.sin(latitude),
        ]
    )
    found, _ = cKDTree(xyz[present.ravel()]).query(xyz)
    return np.asarray(found, dtype=np.float64).reshape(grid.shape)
