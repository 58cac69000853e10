"""Web Mercator in whole numbers, and the Hilbert curve over it: what tiles and the order of a release are made from."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

ZOOM: Final = 32
"""The world is 2^32 by 2^32 units: less than a centimetre at the equator."""

MAXIMUM_LATITUDE: Final = 85.05112877980659
"""Where Web Mercator ends; what lies beyond stands on its edge."""

HILBERT_ORDER: Final = 21
"""The curve visits 2^21 by 2^21 cells, 19 m at the equator."""

LOW_ZOOMS: Final = range(8)
"""Zooms whose tiles are counted beforehand."""

BIN_BITS: Final = 7
"""A counted tile has 2^7 by 2^7 bins."""

GROUP_ZOOMS: Final = range(5)
"""Zooms whose tiles are counted beforehand by group of taxa and year, too."""

MAXIMUM_ZOOM: Final = 20
"""At 2^32 units to the world a tile of this zoom still has a unit for each of its own 4,096."""

MAXIMUM_POINTS: Final = 10_000
"""A tile with more records than this shows counts in bins instead."""


def project(longitude: Floats, latitude: Floats) -> tuple[Whole, Whole]:
    """Return Web Mercator positions, x eastwards from 180° W and y southwards, 2^32 units to the world.

    Parameters
    ----------
    longitude, latitude : ndarray of n floats
        Degrees, WGS 84; none is missing.

    Returns
    -------
    mx, my : ndarray of n int64
        0 to 2^32 - 1.
    """
    size = float(1 << ZOOM)
    radians = np.radians(np.clip(latitude, -MAXIMUM_LATITUDE, MAXIMUM_LATITUDE))
    x = (longitude / 360 + 0.5) * size
    y = (0.5 - np.arcsinh(np.tan(radians)) / (2 * np.pi)) * size
    mx, my = (np.clip(np.floor(v), 0, size - 1).astype(np.int64) for v in (x, y))
    return mx, my


def hilbert(mx: Whole, my: Whole) -> Whole:
    """Return positions along a Hilbert curve: places near on it are near on the map.

    Parameters
    ----------
    mx, my : ndarray of n int64
        From `project`.

    Returns
    -------
    ndarray of n int64
        0 to 2^42 - 1.

    Notes
    -----
    The bitwise form of https://en.wikipedia.org/wiki/Hilbert_curve#Applications_and_mapping_algorithms.
    """
    x, y = mx >> (ZOOM - HILBERT_ORDER), my >> (ZOOM - HILBERT_ORDER)
    distance = np.zeros(x.shape, dtype=np.int64)
    last = (1 << HILBERT_ORDER) - 1
    for bit in range(HILBERT_ORDER - 1, -1, -1):
        right, low = (x >> bit) & 1, (y >> bit) & 1
        distance += ((3 * right) ^ low) << (2 * bit)
        turned = low == 0
        flipped = turned & (right == 1)
        x, y = np.where(flipped, last - x, x), np.where(flipped, last - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return distance
