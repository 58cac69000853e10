"""Places in packed shapes, for the scanner: encoded polylines, TopoJSON, PMTiles, and pairs of short numbers in bytes."""

import gzip
import json
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from leak_places import NEAR_M, Finding, Place

_QUOTED: Final = re.compile(r'(?<=["\'])[?-~]{6,}(?=["\'])')
_MOST_TILES: Final = 200_000
_SHORT: Final = (("<f4", 1.0), (">f4", 1.0), *((f"{order}i4", scale) for order in "<>" for scale in (1e5, 1e6, 1e7)))
"""Numbers of four bytes: degrees, and ten-millionths of them as OpenStreetMap keeps them."""


def polylines(text: str) -> Iterator[np.ndarray]:
    """Yield the vertices, longitude and latitude, of each quoted word that is an encoded polyline of 5 or 6 decimals."""
    for word in dict.fromkeys(_QUOTED.findall(text)):
        steps = _steps(word.replace("\\\\", "\\"))
        if steps is None or len(steps) % 2:
            continue
        at = np.cumsum(np.array(steps, dtype=np.float64).reshape(-1, 2), axis=0)
        for decimals in (5, 6):
            latitude, longitude = (at / 10**decimals).T
            if np.abs(latitude).max() <= 90 and np.abs(longitude).max() <= 180:
                yield np.column_stack([longitude, latitude])


def _steps(word: str) -> list[int] | None:
    """Return the differences that a polyline tells; None where the word ends inside one."""
    found, value, shift = [], 0, 0
    for sign in word:
        bits = ord(sign) - 63
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            found.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return None if shift else found


def topology(text: str) -> np.ndarray:
    """Return the vertices of a TopoJSON document's arcs; none of anything else."""
    if '"arcs"' not in text:
        return np.empty((0, 2))
    try:
        document: Any = json.loads(text)
        change = document.get("transform") or {"scale": [1, 1], "translate": [0, 0]}
        arcs = [np.array(arc, dtype=np.float64)[:, :2] for arc in document["arcs"]]
    except (ValueError, KeyError, AttributeError, IndexError, TypeError):
        return np.empty((0, 2))
    if "transform" in document:
        arcs = [np.cumsum(arc, axis=0) * change["scale"] + change["translate"] for arc in arcs]
    return np.concatenate(arcs) if arcs else np.empty((0, 2))


def tiles_of(data: bytes) -> Iterator[tuple[tuple[int, int, int], bytes]]:
    """Yield the tiles of a PMTiles file of version 3 with zoom, column and row; nothing of other bytes."""
    if data[:8] != b"PMTiles\x03":
        return
    root, root_bytes, _, _, leaves, _, tiles, _ = struct.unpack("<8Q", data[8:72])
    packed = data[97] == 2

    def entries(part: bytes) -> Iterator[tuple[int, int, int, int]]:
        numbers = iter(_varints(gzip.decompress(part) if packed else part))
        count = next(numbers)
        ids = np.cumsum([next(numbers) for _ in range(count)]).tolist()
        runs, lengths = ([next(numbers) for _ in range(count)] for _ in range(2))
        offset = end = 0
        for tile, run, length in zip(ids, runs, lengths, strict=True):
            told = next(numbers)
            offset = end if told == 0 else told - 1
            end = offset + length
            if run:
                yield tile, run, offset, length
            else:
                yield from entries(data[leaves + offset : leaves + end])

    for tile, run, offset, length in entries(data[root : root + root_bytes]):
        content = data[tiles + offset : tiles + offset + length]
        for number in range(tile, tile + min(run, _MOST_TILES)):
            yield _zxy(number), content


def _zxy(number: int) -> tuple[int, int, int]:
    """Return zoom, column and row of a tile by its number along the Hilbert curves of the zooms."""
    zoom = 0
    while number >= 4**zoom:
        number -= 4**zoom
        zoom += 1
    x = y = 0
    side = 1
    while side < 1 << zoom:
        across = 1 & (number // 2)
        up = 1 & (number ^ across)
        if up == 0:
            if across == 1:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
        x, y = x + side * across, y + side * up
        number //= 4
        side *= 2
    return zoom, x, y


def _varints(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def in_short_numbers(data: bytes, places: Sequence[Place], where: str) -> Iterator[Finding]:
    """Find two 4-byte numbers side by side that are a place, at any offset and in either order."""
    if not places:
        return
    near = NEAR_M / 100_000
    ends = np.array([(p.longitude, p.latitude) for p in places])
    low, high = ends.min(axis=0) - 2 * near, ends.max(axis=0) + 2 * near
    for offset in range(min(4, len(data))):
        for kind, scale in _SHORT:
            values = np.frombuffer(data, dtype=kind, count=(len(data) - offset) // 4, offset=offset)
            with np.errstate(invalid="ignore"):
                first = (values >= low[0] * scale) & (values <= high[0] * scale)
                second = (values >= low[1] * scale) & (values <= high[1] * scale)
            pairs = np.flatnonzero((first[:-1] & second[1:]) | (second[:-1] & first[1:]))
            if not len(pairs):
                continue
            told = np.column_stack([values[pairs], values[pairs + 1]]).astype(np.float64) / scale
            for place in places:
                for x, y in (told.T, told[:, ::-1].T):
                    if (place.metres_to(x, y) <= NEAR_M).any():
                        yield Finding(place.name, where, f"two numbers of 4 bytes ({kind}, times {scale:g})")
