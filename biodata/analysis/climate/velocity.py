"""How fast a climate moves over the ground: its change in time over its change in space.

After Loarie et al. 2009, https://doi.org/10.1038/nature08649: v = (dT/dt) / |grad T|. The gradient is that of the 3 x 3
cells around, the middle row and column counting twice (Horn 1981, https://doi.org/10.1109/PROC.1981.11918).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Grid
from biodata.errors import InputError


@dataclass(frozen=True, slots=True)
class Velocity:
    """The velocity of one variable.

    Attributes
    ----------
    km_per_year : ndarray of float64, grid.shape
        Negative where the variable falls with time; nan where it is not known.
    east, north : ndarray of float64, grid.shape
        The gradient, the variable's unit a kilometre, towards rising values.
    capped : ndarray of bool, grid.shape
        True where the ground is flatter in the variable than `least_gradient` and the velocity is that of this gradient.
    """

    km_per_year: Floats
    east: Floats
    north: Floats
    capped: NDArray[np.bool_]


def velocity(today: Floats, future: Floats, grid: Grid, *, years: float, least_gradient: float = 0.01) -> Velocity:
    """Return the velocity of a variable.

    Parameters
    ----------
    today, future : ndarray of float64, grid.shape
        nan where there is no data.
    grid : Grid
        Cells of degrees take their size on the ellipsoid, row by row.
    years : float
        Between the two.
    least_gradient : float
        Unit a kilometre; on flatter ground the velocity would grow without limit, so this gradient stands in.

    Returns
    -------
    Velocity

    Raises
    ------
    InputError
        If `years` or `least_gradient` is not above 0.
    """
    for name, value in (("years", years), ("least_gradient", least_gradient)):
        if not 0 < value < np.inf:
            problem = "this must be a number above 0"
            raise InputError(problem, column=name, value=f"{value:g}", code="PARAMETERS_INVALID")
    east, north = gradient(today, grid)
    steep = np.hypot(east, north)
    capped = steep < least_gradient
    return Velocity((future - today) / years / np.maximum(steep, least_gradient), east, north, capped)


def gradient(values: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """Return the change of a variable to the east and to the north, its unit a kilometre.

    Parameters
    ----------
    values : ndarray of float64, grid.shape
        nan where there is no data.
    grid : Grid

    Returns
    -------
    two ndarrays of float64, grid.shape
        nan where there is no data. At an edge the difference to the one neighbour that is there counts; a direction
        without any neighbour has no change.
    """
    wide_m, high_m = grid.cell_sizes_m()
    padded = np.pad(values, 1, constant_values=np.nan)
    rows, columns = values.shape
    across = _differences(padded[:, :-2], padded[:, 1:-1], padded[:, 2:])
    down = _differences(padded[:-2], padded[1:-1], padded[2:])
    east = _weighted([across[step : step + rows] for step in range(3)]) / (wide_m[:, None] / 1000)
    south = _weighted([down[:, step : step + columns] for step in range(3)]) / (high_m[:, None] / 1000)
    known = np.isfinite(values)
    return np.where(known, east, np.nan), np.where(known, -south, np.nan)


def _differences(before: Floats, here: Floats, after: Floats) -> Floats:
    """Return the change a cell along one axis: from both neighbours, or from the one that is there."""
    both, ahead, behind = (after - before) / 2, after - here, here - before
    either = np.where(np.isnan(ahead), behind, ahead)
    return np.where(np.isnan(both), either, both)


def _weighted(three: list[Floats]) -> Floats:
    """Return the mean of three neighbouring lines, the middle one counting twice; 0 where none is known."""
    weights = np.array([1.0, 2.0, 1.0])[:, None, None] * np.isfinite(three)
    total = weights.sum(axis=0)
    found: Floats = (weights * np.nan_to_num(three)).sum(axis=0) / np.where(total == 0, 1, total)
    return found
