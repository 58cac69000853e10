"""Codes that stand for a place: H3 cells, geohashes, MGRS, plus codes; found in text and turned back into points.

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
_MGRS: Final = re.compile(
    r"(?<![0-9A-Za-z])(\d{1,2}) ?([C-HJ-NP-X]) ?([A-HJ-NP-Z])([A-HJ-NP-V]) ?(\d{3,5}) ?(\d{3,5})(?![0-9A-Za-z])"
)
_MGRS_TOGETHER: Final = re.compile(
    r"(?<![0-9A-Za-z])(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])(\d{6}|\d{8}|\d{10})(?![0-9A-Za-z])"
)
_PLUS: Final = re.compile(r"(?<![0-9A-Za-z])[23456789CFGHJMPQRVWX]{8}\+[23456789CFGHJMPQRVWX]{2,3}(?![0-9A-Za-z])")
_BASE32: Final = "0123456789bcdefghjkmnpqrstuvwxyz"
_BASE20: Final = "23456789CFGHJMPQRVWX"
_BANDS: Final = "CDEFGHJKLMNPQRSTUVWX"
_ROWS: Final = "ABCDEFGHJKLMNPQRSTUV"
_COLUMNS: Final = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")


def points(text: str) -> Iterator[tuple[str, Point]]:
    """Yield every code of a text that is fine enough to matter, with the middle of its cell."""
    for pattern, read in _KINDS:
        if pattern is _PLUS and "+" not in text:
            continue
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


def _plus(code: str) -> Point | None:
    digits = code.replace("+", "")
    longitude, latitude, side = -180.0, -90.0, 20.0
    for at in range(0, 10, 2):
        latitude += _BASE20.index(digits[at]) * side
        longitude += _BASE20.index(digits[at + 1]) * side
        side /= 20
    return longitude + side * 10, latitude + side * 10


@lru_cache(maxsize=60)
def _from_utm(zone: int, *, south: bool) -> Transformer:
    return Transformer.from_crs(CRS.from_epsg((32700 if south else 32600) + zone), 4326, always_xy=True)


def utm(longitude: float, latitude: float) -> Point:
    """Return a place's metres in its own zone."""
    zone = int((longitude + 180) // 6) + 1
    x, y = _from_utm(zone, south=latitude < 0).transform(longitude, latitude, direction="INVERSE")
    return float(x), float(y)


def _mgrs(code: str) -> Point | None:
    found = _MGRS_TOGETHER.fullmatch(code) or _MGRS.fullmatch(code)
    if found is None:
        return None
    zone, band = int(found[1]), found[2]
    digits = "".join(found.groups()[4:])
    half = len(digits) // 2
    if not 1 <= zone <= 60 or len(digits) % 2 or found[3] not in _COLUMNS[(zone - 1) % 3]:
        return None
    scale = 10 ** (5 - half)
    x = (_COLUMNS[(zone - 1) % 3].index(found[3]) + 1) * 100_000 + int(digits[:half]) * scale + scale / 2
    row = (_ROWS.index(found[4]) - (0 if zone % 2 else 5)) % 20
    y = row * 100_000 + int(digits[half:]) * scale + scale / 2
    south = band < "N"
    lowest = (_BANDS.index(band) - 10) * 8.0
    transform = _from_utm(zone, south=south)
    for cycle in range(5):
        longitude, latitude = transform.transform(x, y + cycle * 2_000_000)
        if lowest - 1 <= latitude <= lowest + 9:
            return float(longitude), float(latitude)
    return None


_KINDS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Point | None]], ...]] = (
    (_H3, _h3),
    (_GEOHASH, _geohash),
    (_MGRS_TOGETHER, _mgrs),
    (_MGRS, _mgrs),
    (_PLUS, _plus),
)
