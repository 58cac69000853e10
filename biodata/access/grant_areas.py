"""The area of a grant: a box or a polygon, and which published cells lie wholly within it."""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.store.query import polygons

Area: TypeAlias = tuple[float, float, float, float] | dict[str, Any]
"""West, south, east, north in degrees; or a GeoJSON Polygon or MultiPolygon."""

MOST_VERTICES: Final = 1_000
_NOISE: Final = 1e-9
"""Degrees; a polygon's edge that lies on a cell's edge holds the cell, whatever the last digit says."""


def canonical(area: Any) -> Area | None:
    """Return an area as a grant's text has it, checked; None for none, which is everywhere.

    Parameters
    ----------
    area : list or tuple of four numbers, dict, or None

    Raises
    ------
    InputError
        If it is none.
    """
    if area is None:
        return None
    if isinstance(area, dict):
        if set(area) != {"type", "coordinates"} or area["type"] not in ("Polygon", "MultiPolygon"):
            raise _wrong(area)
        found = shapely.from_wkb(polygons.read_geojson(area, most=MOST_VERTICES).wkb)
        if found.is_empty or found.area == 0:
            raise _wrong(area)
        made: dict[str, Any] = json.loads(shapely.to_geojson(found))
        return {"type": made["type"], "coordinates": made["coordinates"]}
    if isinstance(area, str) or not isinstance(area, Sequence) or len(area) != 4:
        raise _wrong(area)
    if not all(type(edge) in (int, float) for edge in area):
        raise _wrong(area)
    west, south, east, north = (float(edge) for edge in area)
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise _wrong(area)
    return west, south, east, north


def shape(area: Area) -> shapely.Geometry:
    """Return an area as a geometry, degrees, WGS 84."""
    return shapely.from_geojson(json.dumps(area)) if isinstance(area, dict) else shapely.box(*area)


def holds(area: Area, cells: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which cells lie wholly within an area.

    Parameters
    ----------
    area : Area
    cells : ndarray of float64, n rows of west, south, east, north
        Degrees.

    Returns
    -------
    ndarray of bool, length n
    """
    if not isinstance(area, dict):
        west, south, east, north = area
        return (cells[:, 0] >= west) & (cells[:, 1] >= south) & (cells[:, 2] <= east) & (cells[:, 3] <= north)
    boxes = shapely.box(*(cells + np.array([_NOISE, _NOISE, -_NOISE, -_NOISE])).T)
    whole = shape(area)
    shapely.prepare(whole)
    return np.asarray(shapely.covers(whole, boxes), dtype=np.bool_)


def within(given: Area, asked: Area) -> bool:
    """Tell whether an area lies in another one."""
    if given == asked:
        return True
    return bool(shapely.covers(shapely.buffer(shape(asked), _NOISE), shape(given)))


def _wrong(area: Any) -> InputError:
    problem = "a grant cannot be so"
    expected = "west, south, east, north in degrees, or a GeoJSON Polygon or MultiPolygon"
    return InputError(problem, column="area", value=str(area)[:80], expected=expected, code="FIELD_INVALID")
