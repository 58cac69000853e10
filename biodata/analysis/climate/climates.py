"""Climates on a grid: layers of today and tomorrow, how fast they move, and where the nearest analogues lie.

After Loarie et al. 2009, https://doi.org/10.1038/nature08649: v = (dT/dt) / |grad T|. The gradient is that of the 3 x 3
cells around, the middle row and column counting twice (Horn 1981, https://doi.org/10.1109/PROC.1981.11918).

After Hamann et al. 2015, https://doi.org/10.1111/gcb.12736. Forward: from today's climate of a cell to the nearest cell
that has it tomorrow, where what lives here would have to go. Backward: from tomorrow's climate of a cell to the nearest
that has it today, where what will fit here comes from. Climates are the same where they fall into the same bin in every
variable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid, Ints, require_aligned
from biodata.core import geo
from biodata.core.errors import InputError

LAPSE_C_PER_KM: Final = -6.5
"""Fall of temperature with height of the standard atmosphere (ISO 2533:1975); real slopes differ by some degrees a km."""
_SEA_LEVEL_C: Final = 25.0
"""Any value does: velocity, analogues and corridors look at differences alone."""


@dataclass(frozen=True, slots=True)
class Climates:
    """Climates of the cells of a grid.

    Attributes
    ----------
    today, future : ndarray of float64, (variables, rows, columns)
        nan in every variable of both where one of them is not known.
    grid : Grid
    names : tuple of str
        Of the variables.
    notes : tuple of str
        What was assumed or left out.
    """

    today: Floats
    future: Floats
    grid: Grid
    names: tuple[str, ...]
    notes: tuple[str, ...]


def read(today: Sequence[Path], future: Sequence[Path]) -> Climates:
    """Read rasters of today's and tomorrow's climate.

    Parameters
    ----------
    today, future : sequence of Path
        A raster of each variable, in the same order, in any system; all on the same cells.

    Returns
    -------
    Climates

    Raises
    ------
    InputError
        If a raster cannot be read, their numbers differ, they do not lie on the same cells, telling exactly in what, or
        no cell is known in all.
    """
    if not today or len(today) != len(future):
        problem = f"{len(today)} rasters of today and {len(future)} of tomorrow"
        raise InputError(problem, expected="one of each for every variable, in the same order", code="CLIMATES_UNEVEN")
    found = [(path, *rasters.read(path)) for path in (*today, *future)]
    require_aligned({f"{path.name} ({number})": own for number, (path, _, own) in enumerate(found, start=1)})
    values = [one for _, one, _ in found]
    return of_arrays(
        np.array(values[: len(today)]), np.array(values[len(today) :]), found[0][2],
        names=tuple(path.stem for path in today),
    )  # fmt: skip


def of_arrays(
    today: Floats, future: Floats, grid: Grid, *, names: tuple[str, ...], notes: tuple[str, ...] = ()
) -> Climates:
    """Return climates of arrays, with cells that lack a value in one of them taken as unknown in all.

    Parameters
    ----------
    today, future : ndarray of float64, (variables, rows, columns)
    grid : Grid
    names : tuple of str
    notes : tuple of str

    Raises
    ------
    InputError
        If no cell is known in all.
    """
    finite = np.concatenate([np.isfinite(today), np.isfinite(future)])
    known = finite.all(axis=0)
    if not known.any():
        problem = "no cell has a value in every raster of the climate"
        raise InputError(problem, expected="rasters of the same ground", code="CLIMATES_EMPTY")
    if lost := int((finite.any(axis=0) & ~known).sum()):
        notes = (*notes, f"{lost} cells lack a value in one of the rasters and are left out of all")
    return Climates(np.where(known, today, np.nan), np.where(known, future, np.nan), grid, names, notes)


def of_elevation(
    path: Path, *, warming_c: float, lapse_c_per_km: float = LAPSE_C_PER_KM, missing: float | None = None
) -> Climates:
    """Return temperatures by height alone, today's and warmer ones: a stand-in where no climate is at hand.

    Parameters
    ----------
    path : Path
        Elevation, metres.
    warming_c : float
        By how much it is warmer everywhere tomorrow.
    lapse_c_per_km : float
        Change with height, below 0.
    missing : float, optional
        Elevation that stands for the sea where the file does not say so.

    Returns
    -------
    Climates

    Raises
    ------
    InputError
        If the raster cannot be read or the lapse rate is not below 0.
    """
    if not lapse_c_per_km < 0:
        problem = "temperature falls with height"
        raise InputError(problem, column="lapse_c_per_km", value=f"{lapse_c_per_km:g}", expected="-6.5 is usual")
    elevation, grid = rasters.read(path)
    if missing is not None:
        elevation[elevation == missing] = np.nan
    today = _SEA_LEVEL_C + lapse_c_per_km * elevation / 1000
    notes = (
        f"temperature is taken from height alone, {lapse_c_per_km:g} K a kilometre, and {warming_c:+g} K everywhere "
        "tomorrow: an assumption, in which the north is no cooler than the south and slopes have no sun or shade",
    )
    return of_arrays(today[None], today[None] + warming_c, grid, names=("temperature_c",), notes=notes)


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


@dataclass(frozen=True, slots=True)
class Analogues:
    """The nearest analogue of every cell.

    Attributes
    ----------
    cell : ndarray of int64, grid.shape
        Flat index of the analogue; -1 where there is none in the window, -2 where there is no data.
    distance_m : ndarray of float64, grid.shape
        On the ellipsoid; nan without an analogue.
    near_edge : int
        How many cells lie nearer to the raster's edge than to their analogue, or have none: ground outside could hold a
        nearer one.
    """

    cell: Ints
    distance_m: Floats
    near_edge: int

    def km_per_year(self, years: float) -> Floats:
        """Return the velocity that the distance asks for."""
        return self.distance_m / 1000 / years


def bins(today: Floats, future: Floats, *, widths: tuple[float, ...]) -> tuple[Ints, Ints]:
    """Return the bin of every cell today and tomorrow.

    Parameters
    ----------
    today, future : ndarray of float64, (variables, rows, columns)
        nan where there is no data.
    widths : tuple of float
        Of a bin of each variable, in its unit; a bin reaches half of it to both sides of a multiple of it, its lower
        end among it.

    Returns
    -------
    two ndarrays of int64, (rows, columns)
        The same number is the same climate; -1 where there is no data.

    Raises
    ------
    InputError
        If there are not as many widths as variables, or one is not above 0.
    """
    if len(widths) != len(today) or not all(0 < width < np.inf for width in widths):
        problem = f"{len(widths)} widths of bins for {len(today)} variables"
        value = ", ".join(f"{width:g}" for width in widths)
        raise InputError(problem, value=value, expected="a number above 0 for each", code="PARAMETERS_INVALID")
    both = np.stack([today, future])
    known = np.isfinite(both).all(axis=1)
    # Halves go up, all of them: numpy's rint sends them to even numbers, so that of tenths of a degree in bins of 0.2
    # every other bin would hold one value and its neighbours three. Rounding errors of the division do not decide either.
    steps = np.floor(both / np.array(widths)[None, :, None, None] + (0.5 + 1e-9))
    rows = steps.transpose(0, 2, 3, 1)[known].astype(np.int64)
    _, number = np.unique(rows, axis=0, return_inverse=True)
    found = np.full(known.shape, -1, dtype=np.int64)
    found[known] = number.ravel()
    return found[0], found[1]


def nearest(wanted: Ints, offered: Ints, grid: Grid) -> Analogues:
    """Return the nearest cell that offers what each cell wants.

    Parameters
    ----------
    wanted, offered : ndarray of int64, grid.shape
        Bins of `bins`: today's and tomorrow's for forward analogues, the other way round for backward ones.
    grid : Grid

    Returns
    -------
    Analogues
        A cell that offers itself what it wants is its own analogue.
    """
    from scipy.spatial import cKDTree

    rows, columns = (axis.ravel() for axis in np.indices(grid.shape))
    lonlat = grid.lonlat(rows, columns)
    places = rasters.geocentric_m(lonlat)
    want, offer = wanted.ravel(), offered.ravel()
    cell = np.where(want < 0, -2, -1)
    order = np.argsort(offer, kind="stable")
    askers = np.argsort(want, kind="stable")
    for number in np.intersect1d(want[want >= 0], offer[offer >= 0]):
        there = order[slice(*np.searchsorted(offer[order], [number, number + 1]))]
        asking = askers[slice(*np.searchsorted(want[askers], [number, number + 1]))]
        _, at = cKDTree(places[there]).query(places[asking])
        cell[asking] = there[at]
    found = np.flatnonzero(cell >= 0)
    distance = np.full(cell.size, np.nan)
    distance[found] = geo.geodesic_distance_m(*lonlat[found].T, *lonlat[cell[found]].T)
    from_edge = _edge_m(rows, columns, grid)
    near_edge = int(((cell == -1) | (distance > from_edge)).sum())
    return Analogues(cell.reshape(grid.shape).astype(np.int64), distance.reshape(grid.shape), near_edge)


def _edge_m(rows: Ints, columns: Ints, grid: Grid) -> Floats:
    """Return about how far each cell lies from the raster's edge, metres."""
    wide_m, high_m = grid.cell_sizes_m()
    down = np.minimum(rows, grid.shape[0] - 1 - rows) + 0.5
    across = np.minimum(columns, grid.shape[1] - 1 - columns) + 0.5
    found: Floats = np.minimum(down * high_m[rows], across * wide_m[rows])
    return found
