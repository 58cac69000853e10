"""Slope of the ground, from heights on a grid."""

import numpy as np

from biodata.analysis.grid import Floats, Grid


def slope_degrees(elevation: Floats, grid: Grid) -> Floats:
    """Return the slope of the ground.

    Parameters
    ----------
    elevation : ndarray of float64, grid.shape
        Metres; nan where there is no data.
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        Degrees; nan where there is no elevation. A neighbour without elevation counts as level with the cell.

    Notes
    -----
    Horn 1981, https://doi.org/10.1109/PROC.1981.11918, as in gdaldem.
    """
    padded = np.pad(elevation, 1, constant_values=np.nan)
    rows, columns = elevation.shape

    def beside(down: int, right: int) -> Floats:
        moved = padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]
        return np.where(np.isnan(moved), elevation, moved)

    wide, high = grid.cell_sizes_m()
    east = beside(-1, 1) + 2 * beside(0, 1) + beside(1, 1) - beside(-1, -1) - 2 * beside(0, -1) - beside(1, -1)
    south = beside(1, -1) + 2 * beside(1, 0) + beside(1, 1) - beside(-1, -1) - 2 * beside(-1, 0) - beside(-1, 1)
    degrees = np.degrees(np.arctan(np.hypot(east / (8 * wide[:, None]), south / (8 * high[:, None]))))
    return np.where(np.isnan(elevation), np.nan, degrees)
