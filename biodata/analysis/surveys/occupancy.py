"""Single-season occupancy with detection below one, where effort differs between visits.

A site is occupied with chance ψ. In a visit with effort e an occupied site's species is detected with chance
1 - (1 - p)^e, where p is the chance in one unit of effort; a visit that did not take place says nothing.

MacKenzie et al. 2002, https://doi.org/10.1890/0012-9658(2002)083[2248:ESORWD]2.0.CO;2. Intervals are those of the profile
likelihood, which may end at 1 and say so; Wald's intervals would leave what is possible. Near the bound of 1 the likelihood
ratio is cut earlier (Feldman & Cousins 1998), or intervals would hold the truth too often there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

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
CONFIDENCE: Final = 0.95
LOG_RATE: Final = (-14.0, 5.0)
"""Between what the logarithm of the rate of detection is looked for."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A fitted model of one species.

    Attributes
    ----------
    sites, visits, detections, found_at : int
        Sites with effort, visits that took place, visits in which it was detected, sites at which it was.
    naive, naive_low, naive_high : float
        Share of sites at which it was detected, which says nothing of those where it was missed, and its exact binomial interval
        (Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404).
    psi, psi_low, psi_high : float or None
        Occupancy and its 95 % interval; None where it cannot be told.
    p, p_low, p_high : float or None
        Detection in one unit of effort where the species is, and its interval.
    log_likelihood : float
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
    psi_low: float
    psi_high: float
    p: float | None
    p_low: float
    p_high: float
    log_likelihood: float
    notes: tuple[str, ...]

    @property
    def at_a_bound(self) -> bool:
        """Whether the estimate stands at a bound of what is possible."""
        return bool(BOUNDARY & set(self.notes))


def fit(detected: NDArray[Any], effort: Floats | None = None) -> Occupancy:
    """Fit the model to a detection history.

    Parameters
    ----------
    detected : ndarray, n sites x k visits
        1 or True where detected, 0 where not, nan where nobody looked.
    effort : ndarray of float64, n x k, optional
        Effort of each visit, in units of which p is told; 1 where it is not given. A visit without effort is none.

    Raises
    ------
    ValueError
        If shapes differ, effort is below 0, or nobody looked anywhere.
    """
    data = Counts.of(np.asarray(detected, dtype=np.float64), effort)
    found, sites = data.found_at, data.sites
    naive = stats.binomtest(found, sites).proportion_ci()
    told = (sites, data.visits, data.detections, found, found / sites, float(naive.low), float(naive.high))
    if not found:
        return Occupancy(*told, None, 0.0, 1.0, None, 0.0, 1.0, 0.0, (NO_DETECTION,))
    psi, rate, best = data.best()
    if data.one_visit:
        return Occupancy(*told, None, float(naive.low), 1.0, None, float(naive.low), 1.0, best, (ONE_VISIT,))
    cut = float(stats.chi2.ppf(CONFIDENCE, 1)) / 2

    def beyond(x: float) -> float:
        log_rate, profile = data.over_rate(x)
        return best - profile - float(np.interp(data.to_bound(x, log_rate), *_cuts())) / 2

    psi_low, psi_high = _crossing(beyond, _EDGE, psi), _crossing(beyond, 1.0, psi)
    low = _crossing(lambda x: best - data.over_psi(x)[1] - cut, LOG_RATE[0], rate)
    high = _crossing(lambda x: best - data.over_psi(x)[1] - cut, LOG_RATE[1], rate)
    notes = [
        (found == sites, DETECTED_EVERYWHERE), (psi >= 1 - _EDGE, EVERYWHERE), (psi < 1 - _EDGE <= psi_high, OPEN_ABOVE),
        (not data.blank, ALWAYS), (found < 5, FEW),
    ]  # fmt: skip
    return Occupancy(
        *told, psi, psi_low, psi_high, _chance(rate), _chance(low), _chance(high), best,
        tuple(note for holds, note in notes if holds),
    )  # fmt: skip


def compare(histories: Mapping[str, tuple[NDArray[Any], Floats | None]]) -> dict[str, Any]:
    """Test whether sides, each as `fit` takes it, have the same occupancy, each with a detection of its own.

    Sides are not compared where an estimate stands at a bound: it tells of the survey more than of the animals.
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


def _chance(log_rate: float) -> float:
    """Return the chance to detect in one unit of effort."""
    return float(-np.expm1(-np.exp(log_rate))) if log_rate < LOG_RATE[1] - 1e-3 else 1.0


@cache
def _cuts() -> tuple[Floats, Floats]:
    """Return where the likelihood ratio of a value is cut that lies so many standard errors below the bound of 1.

    Far from the bound this is the quantile of chi-squared with one degree of freedom; at the bound, which estimates cannot
    pass, that of half of it. Feldman & Cousins 1998, https://doi.org/10.1103/PhysRevD.57.3873.
    """
    far, near = float(stats.chi2.ppf(CONFIDENCE, 1)), float(stats.norm.ppf(CONFIDENCE)) ** 2
    errors = np.linspace(0, np.sqrt(far), 101)

    def held(cut: float, away: float) -> float:
        root = np.sqrt(cut)
        lowest = -root if root <= away else -(cut - away**2) / (2 * away) - away
        return float(special.ndtr(root) - special.ndtr(lowest) - CONFIDENCE)

    found = [optimize.brentq(held, near - 1e-6, far + 1e-6, args=(away,), xtol=1e-9) for away in errors[1:-1]]
    return errors, np.array([near, *found, far])


def _crossing(beyond: Callable[[float], float], end: float, best: float) -> float:
    """Return where the profile crosses the cut between the best value and an end; the end where it does not."""
    if beyond(end) <= 0 or abs(end - best) < 1e-12:
        return end
    return float(optimize.brentq(beyond, min(end, best), max(end, best), xtol=1e-9, rtol=1e-10))


@dataclass(frozen=True, slots=True)
class Counts:
    """What the likelihood needs of a detection history.

    `missed` and `missed_n` are the summed effort of sites without a detection and how many have it; `hits` and `hits_n`
    the effort of visits with one; `blank` the summed effort of visits without one at sites where it was found; `totals` and
    `efforts` the effort of every site and of every visit.
    """

    sites: int
    visits: int
    detections: int
    found_at: int
    one_visit: bool
    missed: Floats
    missed_n: NDArray[np.int64]
    hits: Floats
    hits_n: NDArray[np.int64]
    blank: float
    totals: Floats
    totals_n: NDArray[np.int64]
    efforts: Floats
    efforts_n: NDArray[np.int64]

    @classmethod
    def of(cls, detected: Floats, effort: Floats | None) -> "Counts":
        """Count."""
        units = np.ones(detected.shape) if effort is None else np.asarray(effort, dtype=np.float64)
        if detected.ndim != 2 or units.shape != detected.shape:
            msg = f"effort is {units.shape}, and detections are {detected.shape}"
            raise ValueError(msg)
        looked = ~np.isnan(detected) & (np.nan_to_num(units) > 0)
        if (units[~np.isnan(units)] < 0).any() or not looked.any():
            msg = "effort is below 0, or nobody looked anywhere"
            raise ValueError(msg)
        hit = looked & (np.nan_to_num(detected) > 0)
        there = looked.any(axis=1)
        found = hit.any(axis=1)
        total = np.where(looked, units, 0.0).sum(axis=1)
        missed, missed_n = np.unique(total[there & ~found], return_counts=True)
        hits, hits_n = np.unique(units[hit], return_counts=True)
        blank = float(np.where(looked & ~hit, units, 0.0)[found].sum())
        return cls(
            int(there.sum()), int(looked.sum()), int(hit.sum()), int(found.sum()), bool(looked.sum(axis=1).max() < 2),
            missed, missed_n, hits, hits_n, blank,
            *np.unique(total[there], return_counts=True), *np.unique(units[looked], return_counts=True),
        )  # fmt: skip

    def log_likelihood(self, psi: float, log_rate: float) -> float:
        """Return the logarithm of the likelihood, less what no parameter changes."""
        rate = np.exp(log_rate)
        with np.errstate(divide="ignore"):
            of_found = self.found_at * np.log(psi) - rate * self.blank
            of_hits = (self.hits_n * np.log(-np.expm1(-rate * self.hits))).sum()
            of_missed = (self.missed_n * np.log1p(psi * np.expm1(-rate * self.missed))).sum()
        return float(of_found + of_hits + of_missed)

    def over_rate(self, psi: float) -> tuple[float, float]:
        """Return the rate of detection that fits an occupancy best, and the likelihood there."""
        best = optimize.minimize_scalar(
            lambda x: -self.log_likelihood(psi, x), bounds=LOG_RATE, method="bounded", options={"xatol": 1e-9}
        )
        return float(best.x), -float(best.fun)

    def over_psi(self, log_rate: float) -> tuple[float, float]:
        """Return the occupancy that fits a rate of detection best, and the likelihood there."""
        seen = -np.expm1(-np.exp(log_rate) * self.missed)

        def slope(psi: float) -> float:
            return float(self.found_at / psi - (self.missed_n * seen / (1 - psi * seen)).sum())

        # With a rate so high that nothing is missed the slope at 1 is not finite; it falls, so its sign is enough.
        top = 1 - 1e-12
        psi = 1.0 if slope(top) >= 0 else float(optimize.brentq(slope, 1e-12, top, xtol=1e-13))
        return psi, self.log_likelihood(psi, log_rate)

    def to_bound(self, psi: float, log_rate: float) -> float:
        """Return how many standard errors an occupancy lies below 1, by the expected information of these visits."""
        rate = np.exp(log_rate)
        gone = np.exp(-rate * self.totals)
        seen, slope = 1 - gone, self.totals * gone
        empty = np.maximum(1 - psi * seen, 1e-12)
        of_psi = (self.totals_n * (seen / psi + seen**2 / empty)).sum()
        of_both = (self.totals_n * slope / empty).sum()
        curve = self.totals_n * ((psi * slope) ** 2 / empty - psi * self.totals**2 * gone)
        of_rate = psi * (self.efforts_n * self.efforts**2 / np.expm1(rate * self.efforts)).sum() + curve.sum()
        information = of_psi - of_both**2 / of_rate if of_rate > 0 else 0.0
        return float((1 - psi) * np.sqrt(max(information, 0.0)))

    def best(self) -> tuple[float, float, float]:
        """Return the occupancy and rate of the largest likelihood, and that likelihood."""
        if self.blank:
            found = optimize.minimize_scalar(
                lambda x: -self.over_psi(x)[1], bounds=LOG_RATE, method="bounded", options={"xatol": 1e-9}
            )
            rate = float(found.x)
        else:  # never missed where it is: the likelihood only grows
            rate = LOG_RATE[1]
        psi, best = self.over_psi(rate)
        return psi, rate, best
