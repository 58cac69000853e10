"""Geometry of sites: read, repaired within bounds, and reduced to what a site can be, polygons or points."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.edges import problem_of

Geometries = NDArray[np.object_]


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
    if problem_of(shape) is not None:
        return None
    return polygons_of(shapely.make_valid(shape, method="structure", keep_collapsed=False))


def polygons_of(shape: Any) -> Any:
    """Return the polygons of a geometry as one; the geometry itself where it has none."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = [part for part in parts if part.geom_type == "Polygon"]
    if not polygons or shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
