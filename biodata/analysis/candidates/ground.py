"""The ground that is looked at: a polygon with its sides, and whose land it lies on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from biodata import geo, places
from biodata.analysis.areas import km2, polygonal
from biodata.analysis.candidates.facing import Facing, Pair

if TYPE_CHECKING:
    from biodata.places import BoundarySet

Side = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """Ground on two sides of a border or more that could become one reserve.

    Attributes
    ----------
    name : str
    area_ids : tuple of str
        The protected areas that it would join; empty for a cluster of cells.
    sides : list of tuple of str
        Country codes of each side.
    polygon : shapely geometry
        Degrees, WGS 84.
    links : mapping of (str, str) to Facing
        What is known of each two of its areas.
    area_names : mapping of str to str
        Names of the areas by their ids.
    spill_km2 : mapping of str to float
        What each area holds beyond its stated country, by its name, km²: cut off before anything was measured.
    notes : list of str
        What was done to get the polygon.
    """

    name: str
    area_ids: tuple[str, ...]
    sides: list[Side]
    polygon: shapely.Geometry
    links: Mapping[Pair, Facing] = field(default_factory=dict)
    area_names: Mapping[str, str] = field(default_factory=dict)
    spill_km2: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """Codes of all its countries."""
        return sorted({code for side in self.sides for code in side})


def land_of(side: Side, boundaries: "BoundarySet", window: shapely.Geometry) -> shapely.Geometry:
    """Return a side's land inside a window (degrees, WGS 84); empty where the set knows none of its countries.

    Polygons alone: a window whose edge runs along the border touches the other country in a line, which is no land, and
    GEOS refuses shapes of mixed dimensions.
    """
    known = set(boundaries.units["country_code"])
    lands = [shapely.intersection(places.country_geometry(code, boundaries), window) for code in side if code in known]
    return shapely.union_all(polygonal(np.array(lands, dtype=object)))


def beyond_band(ground: Ground, boundaries: "BoundarySet") -> dict[Side, shapely.Geometry]:
    """Return, by side, the ground on its own land that lies farther from every other side's land than the band.

    What lies inside the band may belong to either side: on another map it is the other's.

    Parameters
    ----------
    ground : Ground
    boundaries : BoundarySet

    Returns
    -------
    dict of tuple of str to shapely geometry
        Degrees, WGS 84; empty where a side has no such ground.
    """
    west, south, east, north = (float(v) for v in shapely.bounds(ground.polygon))
    crs = geo.equal_area_crs((west, south, east, north))
    polygon = geo.project(ground.polygon, 4326, crs)
    # Wide enough for the band at any latitude of the region.
    window = shapely.buffer(shapely.box(west, south, east, north), 1.5 * boundaries.band_m / 1e5)
    lands = [geo.project(land_of(side, boundaries, window), 4326, crs) for side in ground.sides]
    found: dict[Side, shapely.Geometry] = {}
    for number, side in enumerate(ground.sides):
        others = shapely.union_all([land for i, land in enumerate(lands) if i != number])
        near = shapely.buffer(others, boundaries.band_m)
        found[side] = geo.project(shapely.difference(shapely.intersection(polygon, lands[number]), near), crs, 4326)
    return found


def country_shares(polygon: shapely.Geometry, boundaries: "BoundarySet") -> dict[str, Any]:
    """Return whose land a polygon lies on, on this boundary set, measured on the ellipsoid.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    boundaries : BoundarySet

    Returns
    -------
    dict
        `area_km2`; `countries`: km2 and percent by country code, every country that it touches; `disputed`: the same by
        name of ground that the set gives to no side; `no_land`: the same of what is no land on this set.
    """
    whole = km2(polygon)
    hits = boundaries.tree.query(polygon, predicate="intersects")
    parts: dict[tuple[bool, str], float] = {}
    measured = geo.area_km2([shapely.intersection(boundaries.shapes[i], polygon) for i in hits])
    units = boundaries.units.select("country_code", "name")
    for i, found in zip(hits, measured, strict=True):
        code, name = units.row(int(i))
        parts[code is None, code or name] = parts.get((code is None, code or name), 0.0) + float(found)

    def told(amount: float) -> dict[str, float]:
        return {"km2": round(amount, 3), "percent": round(100 * amount / whole, 2) if whole > 0 else 0.0}

    ordered = sorted((key, value) for key, value in parts.items() if value >= 0.0005)
    return {
        "area_km2": round(whole, 3),
        "countries": {name: told(value) for (disputed, name), value in ordered if not disputed},
        "disputed": {name: told(value) for (disputed, name), value in ordered if disputed},
        "no_land": told(max(0.0, whole - float(np.sum(measured)))),
    }
