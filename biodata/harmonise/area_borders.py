"""Where sites lie: the countries that hold them, and how much of them spills over a border, inside and outside its band.

A site drawn on one map and a border drawn on another disagree: Hkakaborazi, all of it in Myanmar, spills over the
Natural Earth line into China. What lies inside the band around a border is a disagreement of maps; only what lies
farther out is held by the other country.
"""

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.core import geo
from biodata.places import BoundarySet, country_geometry, locate
from biodata.text.countries import parse_country

LEAST_SPILL_KM2: Final = 0.01
"""Less than a hectare over the line is rounding of coordinates."""

LEAST_HELD_SHARE: Final = 0.01
"""Share of a site that must lie outside the band before a country counts as holding part of it."""

_METRES_PER_DEGREE: Final = 111_000.0


@dataclass(frozen=True, slots=True)
class Spill:
    """Where a site lies.

    Attributes
    ----------
    located : list of str
        Countries that hold more of it than the band allows, the one with the largest part first; empty at sea.
    spill_km2 : float or None
        Its area in other countries than its own; None for points and sites without geometry. Its own are the stated
        ones; where none is stated, the one that holds most of it.
    outside_band_km2 : float or None
        The part of that farther than the band from its own countries.
    elsewhere : bool
        Most of it lies in other countries than stated, and outside the band.
    sides : list of str
        Countries that it may belong to, where none is stated: those that hold it; those whose border or, at sea, whose land
        is so near that the band around them holds all of it.
    """

    located: list[str]
    spill_km2: float | None = None
    outside_band_km2: float | None = None
    elsewhere: bool = False
    sides: list[str] = field(default_factory=list)


@lru_cache(maxsize=4096)
def _codes(stated: str) -> tuple[str, ...]:
    found = (parse_country(part)[0] for part in re.split(r"[;,/|]", stated) if part.strip())
    return tuple(dict.fromkeys(code for code in found if code))


def country_codes(stated: str | None) -> list[str]:
    """Return the ISO 3166-1 alpha-2 codes of countries as sources state them (`LAO;VNM`, `KH`, `Viet Nam`)."""
    return list(_codes(stated or ""))


def spill(shapes: NDArray[np.object_], stated: list[list[str]], boundaries: BoundarySet) -> list[Spill]:
    """Tell for each site which countries hold it and how much of it spills over their borders.

    Parameters
    ----------
    shapes : ndarray of n shapely geometries or None
        Valid; degrees, WGS 84.
    stated : list of n lists of str
        ISO 3166-1 alpha-2 codes that the source states.
    boundaries : BoundarySet
        Countries and the width of the band.

    Returns
    -------
    list of n Spill

    Notes
    -----
    Only the countries that a site meets are cut with it, and only their parts inside its box: a site inside one
    country costs one lookup. The band is a buffer on an equal-area plane around the site; at its size the plane's
    distances are right to a thousandth.
    """
    codes, countries, tree = _index(boundaries)
    meets: list[dict[str, Any]] = [{} for _ in shapes]
    for site, country in tree.query(shapes, predicate="intersects").T:
        meets[site][codes[country]] = countries[country]
    found = [_one(shape, own, met, boundaries) for shape, own, met in zip(shapes, stated, meets, strict=True)]
    silent = [at for at, (shape, own) in enumerate(zip(shapes, stated, strict=True)) if shape is not None and not own]
    if silent:
        inside = shapely.get_coordinates(shapely.point_on_surface(shapes[silent]))
        near = locate(inside[:, 0], inside[:, 1], boundaries)["country_codes"].to_list()
        for at, codes_near in zip(silent, near, strict=True):
            found[at] = replace(found[at], sides=_sides(shapes[at], found[at].located, codes_near or [], boundaries))
    return found


def _sides(shape: Any, located: list[str], near: list[str], boundaries: BoundarySet) -> list[str]:
    """Return the countries that a site may belong to: those that hold it, and those whose band holds all of it."""
    others = [code for code in near if code not in located]
    if not located or not _is_area(shape):
        return [*located, *others]
    least_km2 = LEAST_HELD_SHARE * float(geo.area_km2(shape)[0])
    return [*located, *(code for code in others if outside_band_km2(shape, [code], boundaries) < least_km2)]


def _one(shape: Any, stated: list[str], met: dict[str, Any], boundaries: BoundarySet) -> Spill:
    """Tell where one site lies that meets these countries."""
    own = [code for code in stated if code in met]
    if not _is_area(shape):
        elsewhere = bool(stated) and bool(met) and not own and not _within_band(shape, stated, boundaries)
        return Spill(own or list(met), elsewhere=elsewhere)
    if len(met) <= 1 and (own or not stated or not met):
        return Spill(list(met), 0.0, 0.0)
    return _cut(shape, stated, met, boundaries)


def _is_area(shape: Any) -> bool:
    return shape is not None and shape.geom_type in ("Polygon", "MultiPolygon")


@lru_cache(maxsize=4)
def _index(boundaries: BoundarySet) -> tuple[list[str], NDArray[np.object_], shapely.STRtree]:
    """Return codes, geometries and a tree of all countries of the set."""
    codes = [code for code in boundaries.countries if code is not None]
    countries = np.array([country_geometry(code, boundaries) for code in codes], dtype=object)
    shapely.prepare(countries)
    return codes, countries, shapely.STRtree(countries)


def _cut(shape: Any, stated: list[str], met: dict[str, Any], boundaries: BoundarySet) -> Spill:
    """Cut a site along the borders that it meets."""
    box = shapely.bounds(shape)
    pieces = {code: shapely.intersection(shape, _clipped(country, box)) for code, country in met.items()}
    areas = dict(zip(pieces, geo.area_km2(np.array(list(pieces.values()), dtype=object)), strict=True))
    own = stated or [max(areas, key=lambda code: areas[code])]
    others = [code for code in met if code not in own]
    whole = float(geo.area_km2(shape)[0])
    outside = {code: outside_band_km2(pieces[code], own, boundaries) for code in others}
    held = [code for code in met if code in own or outside[code] >= LEAST_HELD_SHARE * whole]
    spilled, spilled_far = sum(areas[code] for code in others), sum(outside.values())
    return Spill(
        # A site all of which lies in the band beyond its country's border may well be that country's.
        sorted(held, key=lambda code: -areas[code]) or own,
        spilled,
        spilled_far,
        elsewhere=bool(stated) and spilled_far > whole / 2,
    )


def _clipped(country: Any, box: NDArray[np.float64], margin: float = 0.0) -> Any:
    """Return the part of a country inside a box of degrees."""
    west, south, east, north = box
    part = shapely.clip_by_rect(country, west - margin, south - margin, east + margin, north + margin)
    return valid(np.array([part], dtype=object))[0]


def valid(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return polygons that a projection or a cut left not quite valid as valid ones."""
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    result = shapes.copy()
    result[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return result


def outside_band_km2(piece: Any, own: list[str], boundaries: BoundarySet) -> float:
    """Return how much of a piece lies farther than the band from the site's own countries.

    Parameters
    ----------
    piece : shapely geometry
        Degrees, WGS 84.
    own : list of str
        ISO 3166-1 alpha-2 codes.
    boundaries : BoundarySet
        Countries and the width of the band.

    Returns
    -------
    float
        Square kilometres.
    """
    if shapely.is_empty(piece):
        return 0.0
    flat, band = _flat_with_band(piece, own, boundaries)
    return float(shapely.area(shapely.difference(flat, band))) / 1e6


def _within_band(shape: Any, own: list[str], boundaries: BoundarySet) -> bool:
    """Return whether any of a point lies within the band around its own countries."""
    return bool(shapely.intersects(*_flat_with_band(shape, own, boundaries)))


def _flat_with_band(shape: Any, own: list[str], boundaries: BoundarySet) -> tuple[Any, Any]:
    """Return a geometry and its own countries with the band around them, on an equal-area plane in metres."""
    box = shapely.bounds(shape)
    poleward = np.radians(min(80.0, float(np.abs(box[[1, 3]]).max())))
    margin = 2 * boundaries.band_m / (_METRES_PER_DEGREE * float(np.cos(poleward)))
    near = [_clipped(country_geometry(code, boundaries), box, margin) for code in own if code in _index(boundaries)[0]]
    flat = valid(geo.project(np.array([shape, *near], dtype=object), "EPSG:4326", geo.equal_area_crs(box)))
    return flat[0], shapely.buffer(shapely.union_all(flat[1:]), boundaries.band_m)
