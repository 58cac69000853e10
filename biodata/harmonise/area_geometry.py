"""Geometry of sites: read, repaired within bounds, and reduced to what a site can be, polygons or points."""

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]

MAX_CROSSINGS: Final = 20_000
"""Estimated crossings of a polygon's edges up to which it is repaired; a star of 200 points has as many and takes half a second."""

_SAMPLE: Final = 2_000
# A segment of a tidy polygon meets its own box, its two neighbours' and, in a winding river, a few more.
_TIDY_NEIGHBOURS: Final = 8


def read_wkb(blobs: list[bytes | None]) -> Geometries:
    """Return geometries, None where there is none, it is empty, or it cannot be read."""
    shapes = np.asarray(shapely.from_wkb(blobs, on_invalid="ignore"), dtype=object)
    shapes[shapely.is_empty(shapes)] = None
    return shapes


def repaired(shape: Any) -> Any:
    """Return a valid polygon or multipolygon in the place of an invalid one.

    Parameters
    ----------
    shape : shapely geometry
        Any geometry with at least one polygon; degrees or metres.

    Returns
    -------
    shapely geometry or None
        None where its edges cross too often: the repair of a star of n points makes n² new ones.

    Notes
    -----
    GEOS's `structure` method: rings are repaired by themselves, then holes are taken out of shells, as in the OGC's
    meaning of a polygon; parts that collapse to lines go. See https://libgeos.org/doxygen (GeometryFixer).
    """
    if crossings(shape) > MAX_CROSSINGS:
        return None
    return polygons_of(shapely.make_valid(shape, method="structure", keep_collapsed=False))


def crossings(shape: Any) -> float:
    """Estimate from a sample of its edges how many pairs of a geometry's edges cross."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
    same = ring[1:] == ring[:-1]
    starts, ends = coordinates[:-1][same], coordinates[1:][same]
    if not len(starts):
        return 0.0
    boxes = shapely.box(*np.minimum(starts, ends).T, *np.maximum(starts, ends).T)
    sample = boxes[:: max(1, len(boxes) // _SAMPLE)]
    tree = shapely.STRtree(boxes)
    # A few at once: in a hostile star every box meets every other.
    chunks = np.array_split(sample, len(sample) // 16 + 1)
    neighbours = sum(tree.query(chunk).shape[1] for chunk in chunks) / len(sample)
    return float(max(0.0, neighbours - _TIDY_NEIGHBOURS) * len(boxes) / 2)


def polygons_of(shape: Any) -> Any:
    """Return the polygons of a geometry as one; the geometry itself where it has none."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = [part for part in parts if part.geom_type == "Polygon"]
    if not polygons or shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
