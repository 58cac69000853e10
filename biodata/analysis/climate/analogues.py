"""Where the same climate is found again: the nearest analogue of every cell, and how fast one had to go there.

After Hamann et al. 2015, https://doi.org/10.1111/gcb.12736. Forward: from today's climate of a cell to the nearest cell
that has it tomorrow, where what lives here would have to go. Backward: from tomorrow's climate of a cell to the nearest
that has it today, where what will fit here comes from. Climates are the same where they fall into the same bin in every
variable.
"""

from dataclasses import dataclass

import numpy as np

from biodata import geo
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.errors import InputError


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


def standardised(today: Floats, future: Floats) -> tuple[Floats, Floats]:
    """Return variables that do not go together and have the standard deviation 1 today, for bins of one width.

    Parameters
    ----------
    today, future : ndarray of float64, (variables, rows, columns)

    Returns
    -------
    two ndarrays of float64, (variables, rows, columns)
        Their straight distances are Mahalanobis distances under today's covariance.

    Raises
    ------
    InputError
        If a variable does not vary, or follows from the others.
    """
    known = np.isfinite(today).all(axis=0)
    here = today[:, known]
    middle = here.mean(axis=1)
    size, axes = np.linalg.eigh(np.atleast_2d(np.cov(here)))
    if size.min() <= 1e-12 * size.max() or size.max() == 0:
        problem = "a variable of the climate does not vary, or follows from the others"
        raise InputError(problem, expected="leave it out", code="CLIMATES_DEPENDENT")
    turn = (axes / np.sqrt(size)).T
    first, second = (np.tensordot(turn, one - middle[:, None, None], axes=1) for one in (today, future))
    return first, second


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
    places = geocentric_m(lonlat)
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


def geocentric_m(lonlat: Floats) -> Floats:
    """Return places on the ellipsoid in space, metres, shape (n, 3); what is nearer through it is nearer over it."""
    longitude, latitude = np.radians(lonlat).T
    normal = geo.SEMI_MAJOR_M / np.sqrt(1 - geo.ECCENTRICITY_2 * np.sin(latitude) ** 2)
    return np.column_stack(
        [
            normal * np.cos(latitude) * np.cos(longitude),
            normal * np.cos(latitude) * np.sin(longitude),
            normal * (1 - geo.ECCENTRICITY_2) * np.sin(latitude),
        ]
    )


def _edge_m(rows: Ints, columns: Ints, grid: Grid) -> Floats:
    """Return about how far each cell lies from the raster's edge, metres."""
    wide_m, high_m = grid.cell_sizes_m()
    down = np.minimum(rows, grid.shape[0] - 1 - rows) + 0.5
    across = np.minimum(columns, grid.shape[1] - 1 - columns) + 0.5
    found: Floats = np.minimum(down * high_m[rows], across * wide_m[rows])
    return found
