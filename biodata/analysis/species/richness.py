"""Richness corrected for effort: completeness of samples, Chao's estimators, rarefaction to an equal coverage.

A sample is incidence data: in how many of its units (visits) each species was recorded. Abundance data fit as well, with
individuals for units and one species a unit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.analysis.grid import Grid
from biodata.core.geo import Floats

Counts = NDArray[np.int64]
ENOUGH: Final = "enough effort"
TOO_LITTLE: Final = "too little effort"


@dataclass(frozen=True, slots=True)
class Sample:
    """How often each recorded species was found.

    Attributes
    ----------
    counts : ndarray of int64, one a species
        Individuals, or units in which it was recorded; all above 0.
    units : int
        Individuals, or sampling units.
    incidence : bool
        True for units in which several species can be recorded.
    """

    counts: Counts
    units: int
    incidence: bool

    @classmethod
    def of_individuals(cls, counts: Counts) -> "Sample":
        """Return the sample of individuals counted by species."""
        known = np.asarray(counts, dtype=np.int64)
        known = known[known > 0]
        return cls(known, int(known.sum()), incidence=False)

    @classmethod
    def of_visits(cls, counts: Counts, visits: int) -> "Sample":
        """Return the sample of visits in which species were recorded.

        Raises
        ------
        ValueError
            If a species was recorded in more visits than there were.
        """
        known = np.asarray(counts, dtype=np.int64)
        known = known[known > 0]
        if len(known) and known.max() > visits:
            msg = f"a species cannot be recorded in {known.max()} of {visits} visits"
            raise ValueError(msg)
        return cls(known, int(visits), incidence=True)

    @property
    def once(self) -> int:
        """Species found once."""
        return int((self.counts == 1).sum())

    @property
    def twice(self) -> int:
        """Species found twice."""
        return int((self.counts == 2).sum())

    @property
    def unseen(self) -> float:
        """Lower bound of the species that were there and not found (Chao1, Chao2)."""
        if self.units == 0:
            return 0.0
        share = (self.units - 1) / self.units
        if self.twice:
            return share * self.once**2 / (2 * self.twice)
        return share * self.once * (self.once - 1) / 2

    def estimated(self) -> float:
        """Return the estimate of all species: Chao1 of individuals, Chao2 of visits.

        Notes
        -----
        Chao 1984 and 1987, in the form of Chao et al. 2014, https://doi.org/10.1890/13-0133.1.
        """
        return len(self.counts) + self.unseen

    def _singleton_share(self) -> float:
        """Return by how much the species found once overstate what is not covered."""
        n, once, twice = self.units, self.once, self.twice
        if twice:
            return (n - 1) * once / ((n - 1) * once + 2 * twice)
        if once > 1:
            return (n - 1) * (once - 1) / ((n - 1) * (once - 1) + 2)
        return 0.0 if n <= 1 else 1.0 if once else 0.0

    def coverage(self, units: float | None = None) -> float:
        """Return the completeness: which share of individuals (or incidences) belongs to species that were found.

        Parameters
        ----------
        units : float, optional
            Of a sample of so many units instead, smaller or larger than this one.

        Returns
        -------
        float
            0 to 1; 0 of an empty sample.

        Notes
        -----
        Chao and Jost 2012, https://doi.org/10.1890/11-1952.1; of incidences Chao et al. 2014.
        """
        n, total = self.units, int(self.counts.sum())
        if not total:
            return 0.0
        if units is None or units >= n:
            more = 0.0 if units is None else units - n
            share = self._singleton_share()
            return float(1 - self.once / total * share ** (more + 1))
        chance = missed(self.counts, n - 1, n, units)
        return float(1 - (self.counts / total * chance).sum())

    def species_at(self, units: float) -> float:
        """Return the species that so many units would hold: rarefied, or extrapolated beyond the sample."""
        n, found = self.units, float(len(self.counts))
        if units <= n:
            return float(found - missed(self.counts, n, n, units).sum())
        if not (unseen := self.unseen):
            return found
        return float(found + unseen * (1 - (1 - self.once / (n * unseen + self.once)) ** (units - n)))

    def units_for(self, coverage: float) -> float | None:
        """Return how many units have a coverage, at most twice the sample; None where even that does not reach it."""
        low, high = 0.0, 2.0 * self.units
        if not len(self.counts) or self.coverage(high) < coverage:
            return None
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if self.coverage(middle) < coverage else (low, middle)
        return high


def missed(counts: Counts, of: int, n: int, units: float) -> Floats:
    """Return the chance that so many units out of `of`, n of all, hold none of a species found in `counts` of them."""
    from scipy.special import gammaln

    left = n - counts
    # Between whole numbers the binomials run on until the one that is asked for is one unit larger: no jump at either end.
    possible = left > units - 1
    x = left[possible].astype(np.float64)
    out = np.zeros(len(counts))
    out[possible] = np.exp(gammaln(x + 1) - gammaln(x - units + 1) - gammaln(of + 1) + gammaln(of - units + 1))
    return out


def richness_of_cells(
    records: pl.DataFrame, grid: Grid, *, coverage: float = 0.8, least_visits: int = 5
) -> pl.DataFrame:
    """Return richness by cell, corrected for effort.

    Parameters
    ----------
    records : polars.DataFrame
        species (null for a record that tells none: its visit counts), visit (anything that tells visits apart),
        decimalLongitude, decimalLatitude; of one group, in which who records one species records the others.
    grid : Grid
        Cells of equal area.
    coverage : float
        Richness of cells is compared at this completeness.
    least_visits : int
        A cell with fewer visits has too little effort.

    Returns
    -------
    polars.DataFrame, one row a cell with effort
        row, column; visits; records; observed, species recorded; estimated (Chao2, a lower bound); completeness, the
        coverage; richness, species at the coverage asked; state, ENOUGH or TOO_LITTLE. Of a cell with too little effort, or
        one of which twice the effort would not reach the coverage, richness is null and the state says so.
    """
    if not 0 < coverage < 1:
        msg = f"a coverage lies between 0 and 1, not {coverage}"
        raise ValueError(msg)
    rows, columns = grid.cells_at(records["decimalLongitude"].to_numpy(), records["decimalLatitude"].to_numpy())
    placed = records.with_columns(row=pl.Series(rows), column=pl.Series(columns)).filter(pl.col("row") >= 0)
    out = []
    for (row, column), cell in placed.group_by("row", "column", maintain_order=True):
        visits = cell["visit"].n_unique()
        found = cell.drop_nulls("species").group_by("species").agg(pl.col("visit").n_unique())["visit"].to_numpy()
        sample = Sample.of_visits(found, visits)
        units = sample.units_for(coverage) if visits >= least_visits else None
        out.append(
            {
                "row": row, "column": column, "visits": visits, "records": cell.height, "observed": len(found),
                "estimated": sample.estimated() if visits >= least_visits else None,
                "completeness": sample.coverage() if visits >= least_visits else None,
                "richness": sample.species_at(units) if units is not None else None,
                "state": ENOUGH if units is not None else TOO_LITTLE,
            }
        )  # fmt: skip
    schema = pl.Schema(
        [("row", pl.Int64), ("column", pl.Int64), ("visits", pl.Int64), ("records", pl.Int64), ("observed", pl.Int64),
         ("estimated", pl.Float64), ("completeness", pl.Float64), ("richness", pl.Float64), ("state", pl.String)]
    )  # fmt: skip
    return pl.DataFrame(out, schema=schema).sort("row", "column")
