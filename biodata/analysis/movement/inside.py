"""The share of real steps inside a corridor, beside that of random ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import shapely

from biodata.geo import Floats, metres_per_degree


@dataclass(frozen=True, slots=True)
class Inside:
    """Steps inside a region.

    Attributes
    ----------
    steps : int
        Real steps.
    real_share : float
        Share of them that end inside.
    random_shares : ndarray of float64, length n
        The same of each draw of random steps, one for every real step.
    frequency : float
        How often random steps end inside as often as the real ones or more, among n + 1.
    """

    steps: int
    real_share: float
    random_shares: Floats
    frequency: float

    def told(self) -> dict[str, Any]:
        """Return the comparison as plain values, with a sentence."""
        low, middle, high = (float(v) for v in np.quantile(self.random_shares, (0.025, 0.5, 0.975)))
        better = self.frequency <= 0.05
        says = (
            f"{self.real_share:.1%} of {self.steps} steps end inside, of random ones {middle:.1%} ({low:.1%} to {high:.1%}): "
            + ("more than chance" if better else "no better than chance")
        )
        return {
            "steps": self.steps, "real_share": self.real_share, "random_share_median": middle,
            "random_share_95": [low, high], "draws": len(self.random_shares), "frequency_as_often": self.frequency,
            "says": says,
            "note": "random steps begin where real ones began, so an animal that lives inside makes both shares high",
        }  # fmt: skip


def inside(table: pl.DataFrame, region: shapely.Geometry) -> Inside:
    """Compare real steps with random ones by where they end.

    Parameters
    ----------
    table : polars.DataFrame
        As `RandomSteps.table`; only the steps count that begin no farther from the region than the longest of all steps, as
        the others could not end in it.
    region : shapely geometry
        Degrees, WGS 84.

    Returns
    -------
    Inside
        With 0 steps the shares are nan and the frequency is 1.
    """
    shapely.prepare(region)
    first = table.filter("used")
    begins = shapely.points(first["start_longitude"].to_numpy(), first["start_latitude"].to_numpy())
    reach = _reach_degrees(table)
    near = first.filter(pl.Series(shapely.dwithin(begins, region, reach), dtype=pl.Boolean))["stratum"]
    rows = table.filter(pl.col("stratum").is_in(near.implode())).sort("draw", "stratum")
    ends = shapely.contains_xy(region, rows["longitude"].to_numpy(), rows["latitude"].to_numpy())
    if not rows.height:
        return Inside(0, float("nan"), np.array([np.nan]), 1.0)
    shares = ends.reshape(-1, near.len()).mean(axis=1)
    real, others = float(shares[0]), shares[1:]
    return Inside(near.len(), real, others, float((1 + (others >= real).sum()) / (1 + len(others))))


def _reach_degrees(table: pl.DataFrame) -> float:
    """Return how many degrees the longest step spans at most: toward the pole a degree of longitude has fewer metres."""
    if not table.height:
        return 0.0
    latitudes = np.abs(table.select("start_latitude", "latitude").to_numpy())
    east, north = metres_per_degree(np.minimum(np.array([latitudes.max(), latitudes.min()]), 89.0))
    return float(table["length_m"].to_numpy().max()) / float(min(east[0], north[1])) * 1.01
