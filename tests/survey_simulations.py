"""Detection histories drawn from the model of occupancy, and how often intervals cover what they were drawn from."""

from dataclasses import dataclass

import numpy as np

from biodata.analysis.surveys import occupancy


def history(rng, psi, p, *, sites, visits, effort=None):
    """Return one history; `effort` is sites x visits."""
    units = np.ones((sites, visits)) if effort is None else effort
    occupied = rng.random(sites) < psi
    return ((rng.random((sites, visits)) < 1 - (1 - p) ** units) & occupied[:, None]).astype(float)


@dataclass
class Coverage:
    """How often, of so many surveys, intervals held the truth and estimates stood at a bound."""

    surveys: int = 0
    psi: int = 0
    p: int = 0
    at_a_bound: int = 0
    bound_covers: int = 0
    open_above: int = 0


def coverage(psi, p, *, sites, visits, surveys, seed, fit=occupancy.fit):
    """Draw surveys and count."""
    rng = np.random.default_rng([seed, round(1000 * psi), round(1000 * p), sites, visits])
    told = Coverage()
    for _ in range(surveys):
        found = fit(history(rng, psi, p, sites=sites, visits=visits))
        holds = found.psi_low <= psi <= found.psi_high
        told.surveys += 1
        told.psi += holds
        told.p += found.p_low <= p <= found.p_high
        told.at_a_bound += found.at_a_bound
        told.bound_covers += found.at_a_bound and holds
        told.open_above += found.psi_high >= 1
    return told
