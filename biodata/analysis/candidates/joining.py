"""Polygons that join areas into one contiguous whole."""

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import geo

_SEAM_M: Final = 50.0
"""Gaps up to this wide come from rounding between systems and are closed."""


def joined(shapes: NDArray[np.object_], corridors: list[shapely.Geometry]) -> tuple[shapely.Geometry, list[str]]:
    """Join areas by their corridors, or over the gap between them where there is none.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons
        The areas; degrees, WGS 84.
    corridors : list of shapely polygons
        Corridors between them; degrees, WGS 84.

    Returns
    -------
    polygon : shapely geometry
        One piece that reaches every area; detached pieces of areas and corridors are left out.
    notes : list of str
        What was done to get there.
    """
    bounds = shapely.bounds(shapely.union_all(shapes))
    crs = geo.equal_area_crs((float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3])))
    own = shapely.make_valid(geo.project(shapes, 4326, crs))
    ways = geo.project(np.array(corridors, dtype=object), 4326, crs) if corridors else np.array([], dtype=object)
    notes = []
    piece = _piece(own, ways)
    if piece is None:
        notes.append(
            "No corridor joins the areas: the polygon holds the convex hull of the fronts that face each other."
        )
        piece = _piece(own, np.array([*ways, *_hulls(own)], dtype=object))
    if piece is None:
        piece = shapely.convex_hull(shapely.union_all(own))
    area = float(shapely.area(shapely.union_all(own)))
    left_out = 1 - float(shapely.area(shapely.intersection(piece, shapely.union_all(own)))) / area
    if left_out > 0.001:
        notes.append(f"Detached pieces of the areas are left out of the polygon: {left_out:.1%} of their ground.")
    return shapely.make_valid(geo.project(piece, crs, 4326)), notes


def grown(polygon: shapely.Geometry, distance_m: float) -> shapely.Geometry:
    """Return a polygon with a margin of so many metres (degrees, WGS 84)."""
    west, south, east, north = (float(v) for v in shapely.bounds(polygon))
    crs = geo.equal_area_crs((west, south, east, north))
    wide: shapely.Geometry = geo.project(shapely.buffer(geo.project(polygon, 4326, crs), distance_m), crs, 4326)
    return wide


def _piece(own: NDArray[np.object_], ways: NDArray[np.object_]) -> shapely.Geometry | None:
    """Return the largest piece of the union that reaches every area; None where there is none."""
    union = shapely.buffer(shapely.buffer(shapely.union_all([*own, *ways]), _SEAM_M), -_SEAM_M)
    pieces = shapely.get_parts(union)
    reaching = [piece for piece in pieces if shapely.intersects(own, piece).all()]
    return max(reaching, key=shapely.area) if reaching else None


def _hulls(own: NDArray[np.object_]) -> list[shapely.Geometry]:
    """Return, for every two areas, the convex hull of what each has near the other."""
    hulls: list[shapely.Geometry] = []
    for i in range(len(own)):
        for other in own[i + 1 :]:
            near = 2 * max(float(shapely.distance(own[i], other)), _SEAM_M)
            fronts = [
                shapely.intersection(own[i], shapely.buffer(other, near)),
                shapely.intersection(other, shapely.buffer(own[i], near)),
            ]
            hulls.append(shapely.convex_hull(shapely.union_all(fronts)))
    return hulls
