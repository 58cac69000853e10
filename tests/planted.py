"""Points planted near real borders, with species that are recorded surely on one side of them."""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core import geo, terms
from biodata.places import BoundarySet, locate

SCOPE = frozenset({"CN", "MM", "LA", "VN", "TH", "KH", "MY", "ID", "BN", "TL"})


class Planted:
    """n species, each with a place in one country near its border with another.

    Attributes
    ----------
    longitude, latitude, radius_m : ndarray of float64, length n
        The true places, degrees, and the stated uncertainty, log-uniform from 50 m to 5 km.
    own, other : list of n country codes
        Where the place truly is, and the country over the nearest border.
    """

    def __init__(self, n: int, boundaries: BoundarySet, *, most_m: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        edges = boundaries.border_edges
        codes = np.array([code if code in SCOPE else "" for code in boundaries.countries])
        both = codes[boundaries.country_of[np.column_stack([edges.left, edges.right])]]
        inside = np.flatnonzero((both != "").all(axis=1))
        ends = edges.ends[inside]
        length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        xs: list[float] = []
        ys: list[float] = []
        self.own: list[str] = []
        self.other: list[str] = []
        while len(xs) < n:
            chosen = rng.choice(len(inside), p=length / length.sum())
            x0, y0, x1, y1 = ends[chosen]
            at, far, turn = rng.random(), rng.uniform(0, most_m), rng.uniform(0, 360)
            x, y, _ = geo.WGS84.fwd(x0 + at * (x1 - x0), y0 + at * (y1 - y0), turn, far)
            own = locate(np.array([x]), np.array([y]), boundaries)["located_country_code"][0]
            pair = both[inside[chosen]]
            if own in pair:
                xs.append(x)
                ys.append(y)
                self.own.append(own)
                self.other.append(str(pair[0] if own == pair[1] else pair[1]))
        self.longitude, self.latitude = np.array(xs), np.array(ys)
        self.radius_m = np.exp(rng.uniform(np.log(50), np.log(5000), n))

    def moved(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the places moved at random inside their circles."""
        n = len(self.longitude)
        far, turn = self.radius_m * np.sqrt(rng.random(n)), rng.uniform(0, 360, n)
        longitude, latitude, _ = geo.WGS84.fwd(self.longitude, self.latitude, turn, far)
        return np.asarray(longitude), np.asarray(latitude)

    def records(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> pl.DataFrame:
        """Return one record of each species at these places."""
        n = len(longitude)
        frame = pl.DataFrame({
            "key": np.arange(n),
            "species": [f"species {number}" for number in range(n)],
            "decimalLongitude": longitude,
            "decimalLatitude": latitude,
            "coordinateUncertaintyInMeters": self.radius_m,
            "event_start": [date(2024, 5, 1)] * n,
            "event_end": [date(2024, 5, 1)] * n,
            "year": [2024] * n,
        })  # fmt: skip
        return terms.conform(frame, terms.OCCURRENCE)
