"""The likelihood of single-season occupancy: what it needs of a detection history, where it is largest, how steep it is."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from biodata.geo import Floats

LOG_RATE: Final = (-14.0, 5.0)
"""Between what the logarithm of the rate of detection is looked for."""


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

    def errors(self, psi: float, log_rate: float) -> tuple[float, float] | None:
        """Return the standard errors of the occupancy and of the chance to detect in one unit, at the largest likelihood.

        None where the likelihood is not curved as that of a maximum inside its bounds.
        """
        rate = np.exp(log_rate)
        gone = np.exp(-rate * self.missed)
        seen, slope = 1 - gone, self.missed * gone
        empty = 1 - psi * seen
        of_psi = self.found_at / psi**2 + (self.missed_n * (seen / empty) ** 2).sum()
        of_both = (self.missed_n * slope / empty**2).sum()
        of_hits = self.hits_n * self.hits**2 * np.exp(-rate * self.hits) / np.expm1(-rate * self.hits) ** 2
        of_missed = self.missed_n * ((psi * slope / empty) ** 2 - psi * self.missed * slope / empty)
        of_rate = of_hits.sum() + of_missed.sum()
        size = of_psi * of_rate - of_both**2
        if not (size > 0 and of_psi > 0):
            return None
        return float(np.sqrt(of_rate / size)), float(np.exp(-rate) * np.sqrt(of_psi / size))

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
