"""Pareto fronts: which candidates are not dominated by another one.

A candidate dominates another one if it is nowhere worse and somewhere better. A missing value is worse than every known
one and as bad as another missing one: what is not known speaks for nobody, and whatever becomes known can only lift a
candidate, never drop it. So no candidate is favoured by missing data, and dominance stays transitive.
"""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Floats


def goodness(values: Floats, more_is_better: NDArray[np.bool_]) -> Floats:
    """Return values of which more is always better; what is missing is -inf.

    Parameters
    ----------
    values : ndarray of float64, (n, m)
        Of n candidates by m criteria; nan where missing.
    more_is_better : ndarray of bool, (m,)

    Returns
    -------
    ndarray of float64, (n, m)
    """
    signed: Floats = np.where(more_is_better, values, -values)
    return np.where(np.isnan(signed), -np.inf, signed)


def fronts(good: Floats) -> NDArray[np.int64]:
    """Return the front of each candidate: 1 is dominated by none, 2 by none once front 1 is taken away, and so on.

    Parameters
    ----------
    good : ndarray of float64, (n, m)
        As `goodness` returns it.

    Returns
    -------
    ndarray of int64, (n,)

    Notes
    -----
    Non-dominated sorting after Deb et al. 2002, https://doi.org/10.1109/4235.996017.
    """
    n = len(good)
    no_worse = np.array([(good >= good[i]).all(axis=1) for i in range(n)]).reshape(n, n)
    better = np.array([(good > good[i]).any(axis=1) for i in range(n)]).reshape(n, n)
    dominated_by = no_worse & better
    front = np.zeros(n, dtype=np.int64)
    number = 0
    while (front == 0).any():
        number += 1
        left = front == 0
        front[left & ~(dominated_by & left).any(axis=1)] = number
    return front
