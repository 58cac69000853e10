"""How small the place is that a question asks about: what may be told of guarded records there."""

import math
from collections.abc import Iterator
from typing import Final

import shapely

from biodata.geo import area_km2 as ellipsoid_km2
from biodata.store.query import filters as f
from biodata.vocabularies import SharingCategory

WORDS: Final = frozenset({"locality", "habitat", "stateProvince", "elevation", "depth", "eventID", "parentEventID"})
"""Columns that say where in words: as narrow as any place."""
_DEGREE_KM: Final = 111.2
_WHOLE: Final = {"decimalLatitude": (-90.0, 90.0), "decimalLongitude": (-180.0, 180.0)}


def area_km2(filter_: f.Filter | None) -> float | None:
    """Return the smallest area that a part of a question names, km²; None where it names none.

    Parameters
    ----------
    filter_ : Filter, optional
        The question. Ranges of latitude and longitude count together as a box; words for a place count as 0.
    """
    areas: list[float] = []
    edges = {name: list(ends) for name, ends in _WHOLE.items()}
    for node in _nodes(filter_):
        match node:
            case f.InBox(west, south, east, north):
                areas.append(_box(west, south, east if east >= west else east + 360, north))
            case f.Intersects(wkb):
                areas.append(float(ellipsoid_km2([shapely.from_wkb(wkb)])[0]))
            case f.Compare(column, operator, int() | float() as value) if column in edges:
                low = value if operator in (">", ">=", "=") else None
                high = value if operator in ("<", "<=", "=") else None
                _narrow(edges[column], low, high)
            case f.Between(column, int() | float() | None as low, int() | float() | None as high) if column in edges:
                _narrow(edges[column], low, high)
            case _ if getattr(node, "column", None) in WORDS and not isinstance(node, f.IsNull):
                areas.append(0.0)
    if any(tuple(ends) != _WHOLE[name] for name, ends in edges.items()):
        south, north = edges["decimalLatitude"]
        west, east = edges["decimalLongitude"]
        areas.append(_box(west, south, east, north))
    return min(areas, default=None)


def too_small(area: float | None, category: str | None) -> bool:
    """Tell whether an area is smaller than a category's cell on the equator; a withheld record's is that of 1°."""
    if area is None or category in (None, str(SharingCategory.OPEN)):
        return False
    degrees = SharingCategory(category).cell_degrees or 1.0
    return area < (degrees * _DEGREE_KM) ** 2 * 0.8  # a cell of the region's north is a fifth smaller


def _narrow(ends: list[float], low: float | None, high: float | None) -> None:
    """Make a range narrower."""
    if low is not None:
        ends[0] = max(ends[0], low)
    if high is not None:
        ends[1] = min(ends[1], high)


def _box(west: float, south: float, east: float, north: float) -> float:
    """Return about how large a box is, km²."""
    middle = math.cos(math.radians((south + north) / 2))
    return max(east - west, 0.0) * max(north - south, 0.0) * _DEGREE_KM**2 * middle


def _nodes(filter_: f.Filter | None) -> Iterator[f.Filter]:
    """Give every node of a filter."""
    waiting = [filter_] if filter_ is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(f.parts_of(node))
