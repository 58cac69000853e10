"""Geometry taken in safely and made valid; what cannot be is named, never lost."""

from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.core import edges
from biodata.formats.vectors import problem_of

# Geometry of sites: read, repaired within bounds, and reduced to what a site can be, polygons or points.

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
    if edges.problem_of(shape) is not None:
        return None
    return polygons_of(shapely.make_valid(shape, method="structure", keep_collapsed=False))


def polygons_of(shape: Any) -> Any:
    """Return the polygons of a geometry as one; the geometry itself where it has none."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = [part for part in parts if part.geom_type == "Polygon"]
    if not polygons or shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


_POINTS: Final = (0, 4)
_POLYGONS: Final = (3, 6)


class Repaired(NamedTuple):
    """What became of n geometries.

    Attributes
    ----------
    shapes : ndarray of n shapely geometries or None
        Valid polygons, multipolygons, points and multipoints; None where nothing can be mapped.
    reasons : list of n str or None
        Why a site cannot be mapped: GEOMETRY_MISSING, GEOMETRY_NO_AREA (lines), GEOMETRY_COLLAPSED (a polygon without
        any ground), GEOMETRY_TOO_COMPLEX, or a code of `formats.wkb.problem_of`.
    changed : ndarray of bool, length n
        Which ones were not valid and are now.
    point : ndarray of bool, length n
        Which ones are points.
    """

    shapes: Geometries
    reasons: list[str | None]
    changed: NDArray[np.bool_]
    point: NDArray[np.bool_]


def checked(blobs: list[bytes | None]) -> list[str | None]:
    """Return by row the code of what forbids to read a geometry, before anything reads it."""
    problems = [None if blob is None else problem_of(blob, max_vertices=edges.MAX_VERTICES) for blob in blobs]
    return [problem and problem[0] for problem in problems]


def repair(blobs: list[bytes | None]) -> Repaired:
    """Read and repair geometries.

    Parameters
    ----------
    blobs : list of n bytes or None
        WKB, degrees. Rings that are not closed get closed; heights and measures go; an empty geometry is none.

    Returns
    -------
    Repaired

    Notes
    -----
    A valid geometry stays as it is. An invalid one is repaired by `repaired` (ground that a ring goes
    around any number of times belongs to the site, so both halves of a figure of eight stay), unless its edges cross
    more often than could be repaired in bounded time.
    """
    reasons = checked(blobs)
    readable = [None if reason else blob for blob, reason in zip(blobs, reasons, strict=True)]
    shapes = shapely.force_2d(shapely.from_wkb(readable, on_invalid="fix"))
    shapes = np.asarray(shapes, dtype=object)
    changed = np.zeros(len(shapes), dtype=bool)
    kinds = shapely.get_type_id(shapes)
    for at in np.flatnonzero(kinds == 7):
        shapes[at] = polygons_of(shapes[at])
    shapes[shapely.is_empty(shapes)] = None
    for row in np.flatnonzero(shapely.is_missing(shapes)):
        reasons[row] = reasons[row] or "GEOMETRY_MISSING"
    for row in np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (-1, *_POINTS, *_POLYGONS))):
        shapes[row] = _points_of(shapes[row])
        reasons[row] = "GEOMETRY_NO_AREA" if shapes[row] is None else None
    kinds = shapely.get_type_id(shapes)
    for at in np.flatnonzero(np.isin(kinds, _POLYGONS)):
        if edges.problem_of(shapes[at]) is not None:
            shapes[at], reasons[at] = None, "GEOMETRY_TOO_COMPLEX"
    invalid = np.isin(shapely.get_type_id(shapes), _POLYGONS) & ~shapely.is_valid(shapes)
    for at in np.flatnonzero(invalid):
        mended = repaired(shapes[at])
        if mended is None:
            reasons[at] = "GEOMETRY_TOO_COMPLEX"
        elif shapely.get_type_id(mended) not in _POLYGONS or shapely.is_empty(mended):
            reasons[at], mended = "GEOMETRY_COLLAPSED", None
        shapes[at], changed[at] = mended, mended is not None
    return Repaired(shapes, reasons, changed, np.isin(shapely.get_type_id(shapes), _POINTS))


def _points_of(shape: Any) -> Any:
    """Return the points of lines and points mixed; None where there is none."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    points = parts[shapely.get_type_id(parts) == 0]
    return shapely.multipoints(points) if len(points) else None
