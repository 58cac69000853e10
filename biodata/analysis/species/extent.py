"""Extent of occurrence (EOO): the area of the geodesic convex hull on the ellipsoid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
from shapely import affinity

from biodata import geo

if TYPE_CHECKING:
    from biodata.places import BoundarySet

FARTHEST_DEGREES: Final = 80.0
"""Points farther than this from their middle have no hull: it would hold half the globe."""
_EDGE_M: Final = 25_000.0
_FLATTENING_RATIO: Final = float(np.sqrt(1 - geo.ECCENTRICITY_2))


@dataclass(frozen=True, slots=True)
class Extent:
    """An extent of occurrence.

    Attributes
    ----------
    hull_km2 : float or None
        Area of the hull on the ellipsoid; 0 of one point, two, or points on one line. None where there is no hull.
    corners : ndarray of float64, shape (k, 2)
        The points that are the hull's corners, degrees, WGS 84, counterclockwise.
    why_none : str or None
        Why there is no hull.
    """

    hull_km2: float | None
    corners: geo.Floats
    why_none: str | None = None

    def area_km2(self, occupied_km2: float) -> float | None:
        """Return the extent: the hull's area, but never less than the area of occupancy.

        IUCN Standards and Petitions Committee 2024, Guidelines version 16, 4.9.
        """
        return None if self.hull_km2 is None else max(self.hull_km2, occupied_km2)

    def polygon(self) -> shapely.Geometry:
        """Return the hull, degrees, WGS 84, cut in two where it crosses 180°; an empty polygon where it has no area."""
        if len(self.corners) < 3:
            return shapely.Polygon()
        ring = _densified(self.corners)
        return _within_180(shapely.Polygon(ring))


def extent(longitude: geo.Floats, latitude: geo.Floats) -> Extent:
    """Return the extent of occurrence of points.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84; on both sides of 180° if need be.

    Returns
    -------
    Extent
        Not clipped: the hull holds sea and unsuitable ground.

    Notes
    -----
    Which points are corners is found in a gnomonic view, in which great circles are straight, of the auxiliary sphere of
    parametric latitudes: a point that lies outside by less than some metres on 1000 km of edge may be taken for inside.
    The area inside the geodesics between the corners is that of Karney 2013, https://doi.org/10.1007/s00190-012-0578-z.
    """
    points = np.unique(np.column_stack([longitude, latitude]).astype(np.float64), axis=0)
    if not len(points):
        return Extent(0.0, points)
    vectors = _vectors(points)
    middle = vectors.mean(axis=0)
    length = float(np.linalg.norm(middle))
    if length < 1e-9 or (vectors @ (middle / length)).min() < np.cos(np.radians(FARTHEST_DEGREES)):
        return Extent(None, points[:0], f"the points lie more than {FARTHEST_DEGREES:g}° from their middle")
    order = _corners(vectors, middle / length)
    corners = points[order]
    if len(corners) < 3:
        return Extent(0.0, corners)
    area, _ = geo.WGS84.polygon_area_perimeter(corners[:, 0], corners[:, 1])
    return Extent(abs(area) / 1e6, corners if area > 0 else corners[::-1])


def land_km2(hull: shapely.Geometry, boundaries: "BoundarySet") -> dict[str, float]:
    """Return how much of a hull is land of each country; ground of no side stands under `""`.

    Parameters
    ----------
    hull : shapely geometry
        Degrees, WGS 84, edges with vertices often enough to be taken as straight.
    boundaries : BoundarySet

    Returns
    -------
    dict of str to float
        Square kilometres by country code, in the order of the codes.
    """
    if shapely.is_empty(hull):
        return {}
    shapely.prepare(hull)
    found = boundaries.tree.query(hull, predicate="intersects")
    inside = shapely.contains_properly(hull, boundaries.shapes[found])
    shapes = boundaries.shapes[found].copy()
    shapes[~inside] = shapely.intersection(shapes[~inside], hull)
    codes = boundaries.units["country_code"].gather(found.tolist()).fill_null("").to_list()
    totals: dict[str, float] = {}
    for code, area in zip(codes, geo.area_km2(shapes), strict=True):
        totals[code] = totals.get(code, 0.0) + float(area)
    return {code: totals[code] for code in sorted(totals) if totals[code] > 0}


def told(found: Extent, occupied_km2: float, boundaries: "BoundarySet") -> dict[str, Any]:
    """Return an extent as plain values, with what of the hull is land beside it."""
    if found.hull_km2 is None:
        return {"area_km2": None, "why_none": found.why_none}
    land = land_km2(found.polygon(), boundaries)
    return {
        "area_km2": found.area_km2(occupied_km2),
        "hull_km2": found.hull_km2,
        "raised_to_occupied_area": found.hull_km2 < occupied_km2,
        "hull_land_km2": sum(land.values()),
        "hull_land_km2_by_country": land,
    }


def _vectors(points: geo.Floats) -> geo.Floats:
    """Return unit vectors of points by their parametric latitude."""
    lon, lat = np.radians(points).T
    beta = np.arctan(_FLATTENING_RATIO * np.tan(lat))
    return np.column_stack([np.cos(beta) * np.cos(lon), np.cos(beta) * np.sin(lon), np.sin(beta)])


def _corners(vectors: geo.Floats, middle: geo.Floats) -> list[int]:
    """Return the rows of the hull's corners in their order round it; one or two rows where it has no area."""
    helper = np.eye(3)[np.argmin(np.abs(middle))]
    east = np.cross(helper, middle)
    east /= np.linalg.norm(east)
    north = np.cross(middle, east)
    flat = np.column_stack([vectors @ east, vectors @ north]) / (vectors @ middle)[:, None]
    hull = shapely.convex_hull(shapely.multipoints(flat))
    rows = {tuple(place): row for row, place in enumerate(flat.tolist())}
    ring = shapely.get_coordinates(hull)
    return list(dict.fromkeys(rows[tuple(place)] for place in ring.tolist()))


def _densified(corners: geo.Floats) -> geo.Floats:
    """Return a ring with vertices along its geodesics, longitudes running on over 180°."""
    ring = []
    for (lon1, lat1), (lon2, lat2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _, _, length = geo.WGS84.inv(lon1, lat1, lon2, lat2)
        steps = int(length // _EDGE_M)
        ring += [(lon1, lat1), *(geo.WGS84.npts(lon1, lat1, lon2, lat2, steps) if steps else [])]
    out = np.array(ring)
    out[:, 0] = np.degrees(np.unwrap(np.radians(out[:, 0])))
    return out


def _within_180(polygon: shapely.Geometry) -> shapely.Geometry:
    """Return a polygon whose longitudes run on over 180° in two parts."""
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        part = shapely.intersection(polygon, shapely.box(-180 + turn, -90, 180 + turn, 90))
        if shapely.area(part) > 0:
            parts.append(affinity.translate(part, -turn))
    return shapely.union_all(parts)
