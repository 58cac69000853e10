"""Points moved at random inside their stated uncertainty."""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Grid

_TRIES = 200


def moved(
    xy: Floats,
    radius_m: Floats,
    grid: Grid,
    *,
    rng: np.random.Generator,
    allowed: list[NDArray[np.bool_] | None] | None = None,
) -> tuple[Floats, int]:
    """Move each point to a random place of the circle of its uncertainty.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        In the grid's own system, metres.
    radius_m : ndarray of float64, (n,)
        Stated uncertainty; a point that states none (nan) or 0 stays.
    grid : Grid
    rng : numpy.random.Generator
    allowed : list of ndarray of bool or None, (n,), optional
        The cells that a point is known to lie in because its record says so: land for an animal that was seen on land, a
        country for one that states its country. None for a point of which nothing is said: it may go anywhere, since
        keeping it on its side would make up evidence.

    Returns
    -------
    xy : ndarray of float64, (n, 2)
    stayed : int
        Points for which no allowed place was found.
    """
    found, stayed = np.array(xy, dtype=np.float64), 0
    for i, radius in enumerate(radius_m):
        if not radius > 0:
            continue
        mask = None if allowed is None else allowed[i]
        for _ in range(_TRIES):
            distance, angle = radius * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            place = xy[i] + distance * np.array([np.cos(angle), np.sin(angle)])
            if mask is None or _holds(mask, place, grid):
                found[i] = place
                break
        else:
            stayed += 1
    return found, stayed


def _holds(mask: NDArray[np.bool_], place: Floats, grid: Grid) -> bool:
    """Tell whether a place lies in one of the cells."""
    column = int(np.floor((place[0] - grid.transform.c) / grid.transform.a))
    row = int(np.floor((place[1] - grid.transform.f) / grid.transform.e))
    return 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and bool(mask[row, column])
