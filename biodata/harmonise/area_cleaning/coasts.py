"""Ground that a coarse coast puts into the sea: of sites that do not say whether they are marine."""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.geo import Floats, Geometries, equal_area_crs, project
from biodata.harmonise.area_borders import valid
from biodata.harmonise.area_cleaning.plane import to_degrees

MOSTLY: Final = 0.5
"""A site with this share of its ground on land is one of the land, where it does not say so itself."""


def maps_disagree(
    pieces: Geometries, on_land_km2: Floats, sites: list[Any], realms: list[str | None], land: Geometries, band_m: float
) -> NDArray[np.bool_]:
    """Tell of which pieces the part off every land is a disagreement about the coast and no sea.

    Parameters
    ----------
    pieces : ndarray of n shapely polygons
        Ground of sites on `options.PLANE`.
    on_land_km2 : ndarray of float64, length n
        How much of each lies on land.
    sites : list of n
        Whose each is.
    realms : list of n str or None
        What its site says: terrestrial, coastal, marine.
    land : ndarray of m shapely polygons
        Of every country, on the same plane.
    band_m : float
        Within so many metres of a coast two maps may disagree.

    Returns
    -------
    ndarray of bool, length n
        True where the site says nothing, most of its ground lies on land, and no place of the part off land is farther
        from it than the band.
    """
    whole = shapely.area(pieces) / 1e6
    found = np.zeros(len(pieces), dtype=np.bool_)
    _, owner = np.unique(np.array([str(site) for site in sites], dtype=object), return_inverse=True)
    on_land = np.bincount(owner, on_land_km2) >= MOSTLY * np.bincount(owner, whole)
    silent = np.array([realm is None for realm in realms], dtype=np.bool_)
    boxes = shapely.bounds(land)
    for at in np.flatnonzero(silent & on_land[owner] & (whole - on_land_km2 > 1e-9)):
        west, south, east, north = shapely.bounds(pieces[at])
        # Twice the band: the plane stretches by as much as it shrinks across.
        reach = (west - 2 * band_m, south - 2 * band_m, east + 2 * band_m, north + 2 * band_m)
        near = (boxes[:, 0] < reach[2]) & (boxes[:, 2] > reach[0]) & (boxes[:, 1] < reach[3]) & (boxes[:, 3] > reach[1])
        ground = shapely.union_all(valid(shapely.clip_by_rect(land[near], *reach)))
        found[at] = _within(shapely.difference(pieces[at], ground), ground, band_m)
    return found


def _within(off: Any, ground: Any, band_m: float) -> bool:
    """Tell whether no place of what lies off land is farther from it than so many metres."""
    both = to_degrees(np.array([off, ground], dtype=object))
    if shapely.is_empty(both).any():
        return False
    west, south, east, north = (float(value) for value in shapely.bounds(both[0]))
    flat_off, flat_ground = project(both, 4326, equal_area_crs((west, south, east, north)))
    shapely.prepare(flat_ground)
    corners = shapely.points(shapely.get_coordinates(shapely.segmentize(flat_off, band_m / 4)))
    if not shapely.dwithin(flat_ground, corners, band_m).all():
        return False
    # A bay may be all coast and still be wide in its middle.
    return bool(shapely.is_empty(shapely.buffer(flat_off, -band_m)))
