"""Single-season occupancy with detection below one, where effort differs between visits.

A site is occupied with chance ψ. In a visit with effort e an occupied site's species is detected with chance
1 - (1 - p)^e, where p is the chance in one unit of effort; a visit that did not take place says nothing.

MacKenzie et al. 2002, https://doi.org/10.1890/0012-9658(2002)083[2248:ESORWD]2.0.CO;2. Intervals are those of the profile
likelihood, which may end at 1 and say so; Wald's intervals would leave what is possible. Near the bound of 1 the likelihood
ratio is cut earlier (Feldman & Cousins 1998), or intervals would hold the truth too often there.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from biodata.analysis.surveys.occupancy_likelihood import LOG_RATE, Counts
from biodata.geo import Floats

NO_DETECTION: Final = "never detected: occupancy and detection cannot be told apart, and any occupancy is possible"
EVERYWHERE: Final = "the estimate of occupancy stands at its bound of 1"
DETECTED_EVERYWHERE: Final = "detected at every site"
OPEN_ABOVE: Final = "the interval of occupancy reaches 1: the data do not exclude that every site is occupied"
ALWAYS: Final = "detected in every visit of the sites where it was found: detection stands at its bound of 1"
ONE_VISIT: Final = "no site was visited twice: occupancy and detection cannot be told apart"
FEW: Final = "detected at fewer than five sites: the estimate is shaky, trust the interval"
BOUNDARY: Final = frozenset({NO_DETECTION, EVERYWHERE, ALWAYS, ONE_VISIT})
"""Notes of estimates that stand at a bound, and are not to be compared with others by their value."""
_EDGE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A fitted model of one species.

    Attributes
    ----------
    sites, visits, detections : int
        Sites with effort, visits that took place, visits in which it was detected.
    found_at : int
        Sites at which it was detected.
    naive : float
        Share of sites at which it was detected; it says nothing of those where it was missed.
    naive_low, naive_high : float
        Its exact binomial interval (Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404).
    psi, psi_low, psi_high : float or None
        Occupancy and its interval; None where it cannot be told.
    psi_se : float or None
        Standard error of the occupancy, of the likelihood's curvature; None where the estimate stands at a bound.
    p, p_low, p_high : float or None
        Detection in one unit of effort where the species is, and its interval.
    p_se : float or None
        Its standard error; None where psi_se is.
    log_likelihood : float
    confidence : float
        Of the intervals.
    notes : tuple of str
        What stands at a bound, or is shaky; empty for none.
    """

    sites: int
    visits: int
    detections: int
    found_at: int
    naive: float
    naive_low: float
    naive_high: float
    psi: float | None
    psi_se: float | None
    psi_low: float
    psi_high: float
    p: float | None
    p_se: float | None
    p_low: float
    p_high: float
    log_likelihood: float
    confidence: float
    notes: tuple[str, ...]

    @property
    def at_a_bound(self) -> bool:
        """Whether the estimate stands at a bound of what is possible."""
        return bool(BOUNDARY & set(self.notes))

    def told(self) -> dict[str, Any]:
        """Return the fit as plain values."""
        return {**asdict(self), "notes": list(self.notes), "at_a_bound": self.at_a_bound}


def fit(detected: NDArray[Any], effort: Floats | None = None, *, confidence: float = 0.95) -> Occupancy:
    """Fit the model to a detection history.

    Parameters
    ----------
    detected : ndarray, n sites x k visits
        1 or True where detected, 0 where not, nan where nobody looked.
    effort : ndarray of float64, n x k, optional
        Effort of each visit, in units of which p is told; 1 where it is not given. A visit without effort is none.
    confidence : float
        Of the intervals.

    Returns
    -------
    Occupancy

    Raises
    ------
    ValueError
        If shapes differ, effort is below 0, or nobody looked anywhere.
    """
    data = Counts.of(np.asarray(detected, dtype=np.float64), effort)
    found, sites = data.found_at, data.sites
    tail = (1 - confidence) / 2
    naive = (
        float(stats.beta.ppf(tail, found, sites - found + 1)) if found else 0.0,
        float(stats.beta.isf(tail, found + 1, sites - found)) if found < sites else 1.0,
    )
    told = (sites, data.visits, data.detections, found, found / sites, *naive)
    if not found:
        return Occupancy(*told, None, None, 0.0, 1.0, None, None, 0.0, 1.0, 0.0, confidence, (NO_DETECTION,))
    if data.one_visit:
        best = data.best()[2]
        return Occupancy(
            *told, None, None, naive[0], 1.0, None, None, naive[0], 1.0, best, confidence, (ONE_VISIT,)
        )  # fmt: skip
    psi, rate, best = data.best()
    cut = float(stats.chi2.ppf(confidence, 1)) / 2

    def beyond(x: float) -> float:
        log_rate, profile = data.over_rate(x)
        return best - profile - float(np.interp(data.to_bound(x, log_rate), *_cuts(confidence))) / 2

    psi_low, psi_high = _crossing(beyond, _EDGE, psi), _crossing(beyond, 1.0, psi)
    low = _crossing(lambda x: best - data.over_psi(x)[1] - cut, LOG_RATE[0], rate)
    high = _crossing(lambda x: best - data.over_psi(x)[1] - cut, LOG_RATE[1], rate)
    notes = _notes(data, psi, psi_high, rate)
    errors = None if BOUNDARY & set(notes) else data.errors(psi, rate)
    psi_se, p_se = errors or (None, None)
    return Occupancy(
        *told, psi, psi_se, psi_low, psi_high, _chance(rate), p_se, _chance(low), _chance(high), best, confidence, notes
    )


def compare(histories: Mapping[str, tuple[NDArray[Any], Floats | None]]) -> dict[str, Any]:
    """Test whether sides have the same occupancy, each with a detection of its own.

    Parameters
    ----------
    histories : mapping of side to (detected, effort)
        Two or more, each as `fit` takes them.

    Returns
    -------
    dict
        `likelihood_ratio`, `freedom` and `p_value` of the likelihood-ratio test, or `refused`, why sides are not compared: an
        estimate that stands at a bound tells of the survey more than of the animals.
    """
    counts = {}
    for side, (detected, effort) in histories.items():
        if not np.isfinite(np.asarray(detected, dtype=np.float64)).any():
            return {"refused": f"nobody is known to have looked for it in {side}"}
        found = fit(detected, effort)
        if found.at_a_bound:
            return {"refused": f"{side}: {next(note for note in found.notes if note in BOUNDARY)}"}
        counts[side] = Counts.of(np.asarray(detected, dtype=np.float64), effort)
    apart = sum(of.best()[2] for of in counts.values())
    same = optimize.minimize_scalar(
        lambda psi: -sum(of.over_rate(psi)[1] for of in counts.values()), bounds=(_EDGE, 1.0), method="bounded",
        options={"xatol": 1e-8},
    )  # fmt: skip
    ratio = max(2 * (apart + float(same.fun)), 0.0)
    freedom = len(counts) - 1
    return {"likelihood_ratio": ratio, "freedom": freedom, "p_value": float(stats.chi2.sf(ratio, freedom))}


def _notes(data: Counts, psi: float, psi_high: float, rate: float) -> tuple[str, ...]:
    """Return what has to be said of an estimate."""
    notes = []
    if data.found_at == data.sites:
        notes.append(DETECTED_EVERYWHERE)
    if psi >= 1 - _EDGE:
        notes.append(EVERYWHERE)
    elif psi_high >= 1 - _EDGE:
        notes.append(OPEN_ABOVE)
    if not data.blank:
        notes.append(ALWAYS)
    if data.found_at < 5:
        notes.append(FEW)
    return tuple(notes)


def _chance(log_rate: float) -> float:
    """Return the chance to detect in one unit of effort."""
    return float(-np.expm1(-np.exp(log_rate))) if log_rate < LOG_RATE[1] - 1e-3 else 1.0


@cache
def _cuts(confidence: float) -> tuple[Floats, Floats]:
    """Return where the likelihood ratio of a value is cut that lies so many standard errors below the bound of 1.

    Far from the bound this is the quantile of chi-squared with one degree of freedom; at the bound, which estimates cannot
    pass, that of half of it. Feldman & Cousins 1998, https://doi.org/10.1103/PhysRevD.57.3873.
    """
    far, near = float(stats.chi2.ppf(confidence, 1)), float(stats.norm.ppf(confidence)) ** 2
    errors = np.linspace(0, np.sqrt(far), 101)

    def held(cut: float, away: float) -> float:
        root = np.sqrt(cut)
        lowest = -root if root <= away else -(cut - away**2) / (2 * away) - away
        return float(special.ndtr(root) - special.ndtr(lowest) - confidence)

    found = [optimize.brentq(held, near - 1e-6, far + 1e-6, args=(away,), xtol=1e-9) for away in errors[1:-1]]
    return errors, np.array([near, *found, far])


def _crossing(beyond: Callable[[float], float], end: float, best: float) -> float:
    """Return where the profile crosses the cut between the best value and an end; the end where it does not."""
    if beyond(end) <= 0 or abs(end - best) < 1e-12:
        return end
    return float(optimize.brentq(beyond, min(end, best), max(end, best), xtol=1e-9, rtol=1e-10))
