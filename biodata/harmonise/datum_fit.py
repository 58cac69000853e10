"""How well points fit the place that they are stated to lie in."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.datums import Form, System, all_systems
from biodata.datums.systems import false_easting_m
from biodata.geo import PREPARED, Floats, metres_per_degree

SCALES_M: Final = (5.0, 100.0, 1000.0, 5000.0)
"""How far the map may be off, from a map that the points were drawn on to Natural Earth's band; the points tell which."""

STRAY: Final = 0.002
"""The share of points whose stated place is simply wrong: none of them decides alone."""

_REACH_DEGREES: Final = 0.5


class Region:
    """A stated country or division as an area that points lie in or out of.

    Parameters
    ----------
    shape : shapely geometry
        Degrees, WGS 84.

    Attributes
    ----------
    bounds : ndarray of float64, length 4
        West, south, east, north, degrees.
    """

    def __init__(self, shape: shapely.Geometry) -> None:
        self._shape = shape
        with PREPARED:
            shapely.prepare(shape)
        self.bounds = shapely.bounds(shape)
        latitude = np.array([(self.bounds[1] + self.bounds[3]) / 2])
        east, north = metres_per_degree(latitude)
        self._scale = np.array([east[0], north[0]])
        rings = shapely.get_rings(shapely.get_parts(shape))
        coordinates, ring = shapely.get_coordinates(rings, return_index=True)
        same = ring[1:] == ring[:-1]
        ends = np.stack([coordinates[:-1][same], coordinates[1:][same]], axis=1) * self._scale
        self._edges = shapely.STRtree(shapely.linestrings(ends))

    def outside_m(self, longitude: Floats, latitude: Floats) -> Floats:
        """Return how far points lie outside, negative inside.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees, WGS 84; NaN lies infinitely far outside.

        Returns
        -------
        ndarray of float64, length n
            Metres; the sign is exact for the shape's straight edges, the size within some per cent. Infinite farther
            than half a degree outside the box around the area.
        """
        west, south, east, north = self.bounds
        reach = _REACH_DEGREES
        near = (longitude > west - reach) & (longitude < east + reach)
        near &= (latitude > south - reach) & (latitude < north + reach)
        outside = np.full(len(longitude), np.inf)
        at = np.flatnonzero(near)
        if not len(at):
            return outside
        points = shapely.points(np.column_stack([longitude[at], latitude[at]]) * self._scale)
        (which, _), metres = self._edges.query_nearest(points, return_distance=True, all_matches=False)
        distance = np.empty(len(at))
        distance[which] = metres
        with PREPARED:
            inside = shapely.contains_xy(self._shape, longitude[at], latitude[at])
        outside[at] = np.where(inside, -distance, distance)
        return outside


@lru_cache(maxsize=512)
def region(code: str, boundaries: places.BoundarySet) -> Region:
    """Return the area of a country (ISO 3166-1 alpha-2) or of a division (ISO 3166-2)."""
    shape = places.province_geometry(code, boundaries) if "-" in code else places.country_geometry(code, boundaries)
    return Region(shape)


def log_likelihoods(outside_m: Floats, scale_m: float) -> Floats:
    """Return how likely each point is, given how far it lies outside and how far the map may be off.

    Parameters
    ----------
    outside_m : ndarray of float64, any shape
        Metres, negative inside.
    scale_m : float
        Mean error of the map's edges.

    Returns
    -------
    ndarray of float64, the same shape
        Natural logarithms, between 0 and that of `STRAY`.

    Notes
    -----
    The edge is off by a distance with a Laplace distribution, so a point is within the true area with the probability
    of its tail beyond the point.
    """
    tail = np.exp(-np.abs(outside_m) / scale_m) / 2
    likelihoods: Floats = np.log((1 - STRAY) * np.where(outside_m > 0, tail, 1 - tail) + STRAY)
    return likelihoods


def marginal(outside_m: Floats) -> float:
    """Return the logarithm of how likely all the points are, whichever of `SCALES_M` the map's error is."""
    totals = np.array([log_likelihoods(outside_m, scale).sum() for scale in SCALES_M])
    return log_mean(totals)


def log_mean(values: Floats) -> float:
    """Return the logarithm of the mean of numbers given by their logarithms."""
    most = float(values.max())
    return most + float(np.log(np.exp(values - most).mean()))


def likeliest_scale(outside_m: NDArray[np.float64]) -> float:
    """Return the error of the map that the points fit best."""
    totals = [log_likelihoods(outside_m, scale).sum() for scale in SCALES_M]
    return SCALES_M[int(np.argmax(totals))]


# Which systems come into question for a stated place, and how common each is there.

_MARGIN_DEGREES: Final = {Form.DEGREES.value: 1.5, Form.METRES.value: 3.0, Form.METRES_WITH_ZONE.value: 3.0}
"""How far beyond its area a system is used: a country on two zones of a projection often keeps to one of them."""

_ELSEWHERE: Final = 0.1
"""How common a TM-3 zone is outside the provinces that it is prescribed for, and a Gauss-Krüger zone so far beyond its
edge that the easting, 500 km and more from the meridian, begins with the neighbour's number."""

_TM3: Final = "VN-2000 / TM-3"
_WEST, _EAST = "EPSG:5897", "EPSG:5898"
_DIVIDE_DEGREES: Final = 106.5


class Candidate(NamedTuple):
    """A system that comes into question, and how common it is beside the others."""

    system: System
    weight: float


@lru_cache(maxsize=4096)
def candidates(place: str, form: str, zone: int, boundaries: places.BoundarySet) -> tuple[Candidate, ...]:
    """Return the systems that records of a place may be told in, the commonest first.

    Parameters
    ----------
    place : str
        ISO 3166-2 code of a division, or ISO 3166-1 alpha-2 code of a country.
    form : str
        A value of `datums.Form`: what the numbers look like.
    zone : int
        The zone before a Gauss-Krüger easting, else 0.
    boundaries : BoundarySet
        The map.

    Notes
    -----
    Circular 973/2001/TT-TCĐC of Viet Nam prescribes a meridian for each province; EPSG names the provinces in its areas
    of use. A province that none of them names has the meridian 105° or 108° of the two wide zones.
    """
    country = place.partition("-")[0]
    box = region(place, boundaries).bounds
    found = []
    for use in all_systems():
        system = use.system
        if use.country_code != country or system.form != form or not _touch(system.bounds, box, _MARGIN_DEGREES[form]):
            continue
        off = abs(int(false_easting_m(system.crs) // 1e6) - zone) if zone else 0
        if off > 1:
            continue
        tm3 = system.name.startswith(_TM3) and "-" in place
        prescribed = not tm3 or prescribed_zones(boundaries).get(place, _wide_zone(box)) == system.id
        found.append(Candidate(system, use.weight * (_ELSEWHERE if off or not prescribed else 1.0)))
    return tuple(sorted(found, key=lambda candidate: -candidate.weight))


@lru_cache(maxsize=8)
def prescribed_zones(boundaries: places.BoundarySet) -> dict[str, str]:
    """Return the TM-3 zone of each Vietnamese province that EPSG names one for, by ISO 3166-2 code."""
    zones: dict[str, str] = {}
    for use in all_systems():
        if not use.system.name.startswith(_TM3):
            continue
        words = use.system.area.removeprefix("Vietnam - ").replace(";", ",").replace(" and ", ",")
        for text in words.split(","):
            code = places.find_province("VN", _province(text), boundaries)
            if code is not None:
                zones[code] = use.system.id
    return zones


def _province(text: str) -> str:
    """Return a province's name as EPSG writes it, without the words around it."""
    for word in ("provinces", "province", "municipality", "cities"):
        text = text.replace(word, "")
    return text.strip()


def _wide_zone(box: np.ndarray) -> str:
    """Return the TM-3 zone, 3° wide, that a province without a zone of its own lies in."""
    return _WEST if (box[0] + box[2]) / 2 < _DIVIDE_DEGREES else _EAST


def _touch(area: tuple[float, float, float, float], box: np.ndarray, margin: float) -> bool:
    """Tell whether two boxes come within the margin of each other."""
    west, south, east, north = area
    across = bool(box[0] <= east + margin and box[2] >= west - margin)
    return across and bool(box[1] <= north + margin and box[3] >= south - margin)
