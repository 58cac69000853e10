"""Which systems come into question for a stated place, and how common each is there."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from biodata import places
from biodata.datums import Form, System, all_systems
from biodata.datums.systems import false_easting_m
from biodata.harmonise.datum_fit import region

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
