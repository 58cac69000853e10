"""The surface that records are held against: what a way through each cell costs more than the cheapest way."""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis import adjacency, cost_distance
from biodata.analysis.adjacency import Neighbour, Pair
from biodata.analysis.areas import Site
from biodata.analysis.grid import Floats, Grid
from biodata.errors import InputError


def excess(sites: list[Site], resistance: Floats, grid: Grid, *, pairs: dict[Pair, Neighbour] | None = None) -> Floats:
    """Return the least normalised corridor cost of each cell over all pairs of neighbours, not cut anywhere.

    A corridor that was cut knows no more than in or out, so that most records tie; here every cell has its cost.

    Parameters
    ----------
    sites : list of Site
    resistance : ndarray of float64, grid.shape
        nan where there is no data.
    grid : Grid
        Square cells.
    pairs : dict of (int, int) to Neighbour, optional
        As `adjacency.neighbours` returns it; all neighbours at any distance where not given.

    Returns
    -------
    ndarray of float64, grid.shape
        Least of CWD_A + CWD_B - LCD, cost-metres; inf where no way leads, nan where there is no data.

    Raises
    ------
    InputError
        If no two areas are joined by a way over the raster (CORRIDORS_NONE).
    """
    if pairs is None:
        pairs = adjacency.neighbours(sites, resistance, grid, max_distance_m=np.inf, across_borders=False)
    least = np.where(np.isfinite(resistance), np.inf, np.nan)
    last = {k: max(pair for pair in pairs if k in pair) for pair in pairs for k in pair}
    costs: dict[int, Floats] = {}
    joined = 0
    for pair in sorted(pairs):
        for k in pair:
            if k not in costs:
                costs[k] = cost_distance.surface(
                    resistance, sites[k].cells, cell_width_m=grid.cell_m, cut_corners=False
                ).cost
        first, second = (costs[k] for k in pair)
        least_cost = first.reshape(-1)[sites[pair[1]].cells].min(initial=np.inf)
        if 0 < least_cost < np.inf:
            joined += 1
            np.minimum(least, np.maximum(first + second - least_cost, 0.0), out=least)
        for k in pair:
            if last[k] == pair:
                del costs[k]
    if not joined:
        problem = "no two areas are joined by a way over the raster"
        raise InputError(problem, expected="two areas apart, with data between them", code="CORRIDORS_NONE")
    return least


def ranks(surface: Floats, ground: NDArray[np.bool_]) -> Floats:
    """Return the share of the ground that is cheaper than each cell, ties half.

    Ranks say the same whatever unit and transform the resistance has, and no far cell outweighs all others.

    Parameters
    ----------
    surface : ndarray of float64, (rows, columns)
        Lower is nearer to a corridor; inf is farthest.
    ground : ndarray of bool, (rows, columns)
        Cells where a record can count.

    Returns
    -------
    ndarray of float64, (rows, columns)
        Between 0 and 1 with a mean of 0.5; nan outside the ground.
    """
    from scipy.stats import rankdata

    values = surface[ground]
    shares = np.full(surface.shape, np.nan)
    if values.size:
        shares[ground] = (rankdata(values) - 0.5) / values.size
    return shares
