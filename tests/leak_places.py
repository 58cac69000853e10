"""Exact places that must not be found, in every unit that is looked for."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from pyproj import CRS, Geod, Transformer

NEAR_M = 100.0
GEOD = Geod(ellps="WGS84")
EARTH_M = 2 * math.pi * 6378137.0
_SAME_M = 0.5
"""A point as near as this to one of the published cell's own is that one."""


@dataclass(frozen=True)
class Form:
    """A place in some unit: what the two numbers are, and how far off they may be."""

    name: str
    x: float
    y: float
    x_tolerance: float
    y_tolerance: float


@dataclass(frozen=True)
class Place:
    """An exact place that must not be found; degrees, WGS 84.

    Where the published cell is told (west, south, east, north), two numbers that lie nearer to the place than the cell's
    own points do are found too: its corners, the middles of its edges, its centre. Nothing open may lie in such a cell.
    """

    name: str
    latitude: float
    longitude: float
    cell: tuple[float, float, float, float] | None = None

    @cached_property
    def forms(self) -> list[Form]:
        """The place in every unit that is looked for."""
        lon, lat = self.longitude, self.latitude
        cosine = math.cos(math.radians(lat))
        degrees_y = NEAR_M / 110_500
        degrees_x = degrees_y / cosine
        mercator_x = EARTH_M * lon / 360
        mercator_y = EARTH_M / (2 * math.pi) * math.asinh(math.tan(math.radians(lat)))
        metres = NEAR_M / cosine
        world = 2**32 / EARTH_M
        whole_x, whole_y = (mercator_x + EARTH_M / 2) * world, (EARTH_M / 2 - mercator_y) * world
        return [
            Form("degrees", lon, lat, degrees_x, degrees_y),
            *(
                Form(f"degrees times 10^{n}", lon * 10**n, lat * 10**n, degrees_x * 10**n, degrees_y * 10**n)
                for n in (5, 6, 7)
            ),
            Form("radians", math.radians(lon), math.radians(lat), math.radians(degrees_x), math.radians(degrees_y)),
            Form("seconds of arc", lon * 3600, lat * 3600, degrees_x * 3600, degrees_y * 3600),
            Form("metres of its UTM zone", *utm(lon, lat), NEAR_M, NEAR_M),
            Form("Mercator metres", mercator_x, mercator_y, metres, metres),
            Form("Mercator integers", whole_x, whole_y, metres * world, metres * world),
            Form("Mercator integers, northward", whole_x, 2**32 - whole_y, metres * world, metres * world),
        ]

    @cached_property
    def own_points(self) -> np.ndarray:
        """The published cell's own points, longitude and latitude."""
        if self.cell is None:
            return np.empty((0, 2))
        west, south, east, north = self.cell
        return np.array(list(product((west, (west + east) / 2, east), (south, (south + north) / 2, north))))

    @cached_property
    def reach_m(self) -> float:
        """Metres within which nothing may be found: to the nearest of the cell's own points, else `NEAR_M`."""
        return float(self.metres_to(*self.own_points.T).min()) if self.cell is not None else NEAR_M

    def told_by(self, longitude: np.ndarray, latitude: np.ndarray, *, more_m: float = 0) -> bool:
        """Tell whether one of n points lies within reach of the place and is none of the cell's own.

        Points that stand on a raster may be off by `more_m`.
        """
        near = self.metres_to(longitude, latitude) <= max(self.reach_m - more_m, NEAR_M + more_m)
        if not near.any():
            return False
        x, y = longitude[near], latitude[near]
        for own_x, own_y in self.own_points:
            other = np.hypot(x - own_x, y - own_y) * 111_000 > _SAME_M + more_m
            x, y = x[other], y[other]
        return len(x) > 0

    def metres_to(self, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
        """Return the distance to each of n points; infinite where they are none."""
        good = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
        metres = np.full(len(longitude), np.inf)
        n = int(good.sum())
        metres[good] = GEOD.inv(np.full(n, self.longitude), np.full(n, self.latitude), longitude[good], latitude[good])[
            2
        ]
        return metres


@dataclass(frozen=True)
class Finding:
    """A place that was found, where, and as what."""

    place: str
    where: str
    what: str


@lru_cache(maxsize=60)
def _from_utm(zone: int, *, south: bool) -> Transformer:
    return Transformer.from_crs(CRS.from_epsg((32700 if south else 32600) + zone), 4326, always_xy=True)


def utm(longitude: float, latitude: float) -> tuple[float, float]:
    """Return a place's metres in its own zone."""
    zone = int((longitude + 180) // 6) + 1
    x, y = _from_utm(zone, south=latitude < 0).transform(longitude, latitude, direction="INVERSE")
    return float(x), float(y)
