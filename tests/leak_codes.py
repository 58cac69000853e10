"""Codes that stand for a place: H3 cells and geohashes; found in text and turned back into points.

A code is finer than a published cell where its own cell is smaller than some 200 m; coarser ones tell less than what is
published, and are left alone.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

import h3
from pyproj import CRS, Transformer

Point = tuple[float, float]
"""Longitude and latitude in degrees."""

_H3: Final = re.compile(r"(?<![0-9A-Za-z])(?:8[89abcdef][0-9a-f]{13}|6[0-9]{17})(?![0-9A-Za-z])")
_GEOHASH: Final = re.compile(r"(?<![0-9A-Za-z])[0-9b-hjkmnp-z]{7,12}(?![0-9A-Za-z])")
_BASE32: Final = "0123456789bcdefghjkmnpqrstuvwxyz"


def points(text: str) -> Iterator[tuple[str, Point]]:
    """Yield every code of a text that is fine enough to matter, with the middle of its cell."""
    for pattern, read in _KINDS:
        for code in dict.fromkeys(match[0] for match in pattern.finditer(text)):
            point = read(code)
            if point is not None:
                yield code, point


def _h3(code: str) -> Point | None:
    cell = h3.int_to_str(int(code)) if len(code) == 18 else code
    if not h3.is_valid_cell(cell) or h3.get_resolution(cell) < 8:
        return None
    latitude, longitude = h3.cell_to_latlng(cell)
    return longitude, latitude


def _geohash(code: str) -> Point | None:
    if code.isdigit() or not any(sign.isdigit() for sign in code):
        return None  # a number, or a word
    edges = [[-180.0, 180.0], [-90.0, 90.0]]
    axis = 0
    for sign in code:
        for bit in f"{_BASE32.index(sign):05b}":
            middle = sum(edges[axis]) / 2
            edges[axis][bit == "0"] = middle
            axis = 1 - axis
    return sum(edges[0]) / 2, sum(edges[1]) / 2


@lru_cache(maxsize=60)
def _from_utm(zone: int, *, south: bool) -> Transformer:
    return Transformer.from_crs(CRS.from_epsg((32700 if south else 32600) + zone), 4326, always_xy=True)


def utm(longitude: float, latitude: float) -> Point:
    """Return a place's metres in its own zone."""
    zone = int((longitude + 180) // 6) + 1
    x, y = _from_utm(zone, south=latitude < 0).transform(longitude, latitude, direction="INVERSE")
    return float(x), float(y)


_KINDS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Point | None]], ...]] = (
    (_H3, _h3),
    (_GEOHASH, _geohash),
)
