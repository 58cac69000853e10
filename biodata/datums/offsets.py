"""GCJ-02 and BD-09, the offset systems of Chinese web maps, to and from WGS 84.

Neither is a datum: places are shifted by a smooth public formula of some hundred metres. GCJ-02 has no shift outside a
rectangle that is much larger than China, so over the neighbours' land near China a program shifts too or does not, as
it pleases its maker; here only the algorithm's own rectangle counts.
"""

from typing import Final

import numpy as np

from biodata.geo import Floats

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
"""The rectangle in which GCJ-02 is shifted, degrees."""

# The algorithm computes on Krasovsky's ellipsoid, whatever the coordinates are on.
_SEMI_MAJOR_M: Final = 6378245.0
_ECCENTRICITY_2: Final = 0.00669342162296594323
_LONGITUDE_0, _LATITUDE_0 = 105.0, 35.0
_BAIDU_LONGITUDE, _BAIDU_LATITUDE = 0.0065, 0.006
_BAIDU_WAVE: Final = np.pi * 3000.0 / 180.0
_PRECISION_DEGREES: Final = 1e-10
_STEPS: Final = 30


def wgs84_to_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift places as Chinese maps do.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.

    Returns
    -------
    two ndarrays of float64, length n
        Longitude and latitude, GCJ-02; as they were outside the rectangle; NaN stays NaN.
    """
    east, north = _shift(longitude, latitude)
    shifted = _inside(longitude, latitude)
    return np.where(shifted, longitude + east, longitude), np.where(shifted, latitude + north, latitude)


def gcj02_to_wgs84(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Take the shift back, by iteration until it changes by less than 1e-10 degrees.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, GCJ-02.

    Returns
    -------
    two ndarrays of float64, length n
        Longitude and latitude, WGS 84.
    """
    # A place is inside or outside by where it was before the shift; the first guess decides for those at the edge.
    east, north = _shift(longitude, latitude)
    shifted = _inside(longitude - east, latitude - north)
    x, y = longitude, latitude
    for _ in range(_STEPS):
        east, north = _shift(x, y)
        next_x, next_y = longitude - east, latitude - north
        change = np.nanmax(np.abs([next_x - x, next_y - y]), initial=0.0, where=shifted)
        x, y = next_x, next_y
        if change < _PRECISION_DEGREES:
            break
    return np.where(shifted, x, longitude), np.where(shifted, y, latitude)


def gcj02_to_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift GCJ-02 as Baidu's maps do on top of it; degrees, length n."""
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * _BAIDU_WAVE)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * _BAIDU_WAVE)
    return radius * np.cos(angle) + _BAIDU_LONGITUDE, radius * np.sin(angle) + _BAIDU_LATITUDE


def bd09_to_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Take Baidu's shift back, by iteration until it changes by less than 1e-10 degrees; degrees, length n."""
    x, y = longitude - _BAIDU_LONGITUDE, latitude - _BAIDU_LATITUDE
    for _ in range(_STEPS):
        told_x, told_y = gcj02_to_bd09(x, y)
        change_x, change_y = longitude - told_x, latitude - told_y
        x, y = x + change_x, y + change_y
        if np.nanmax(np.abs([change_x, change_y]), initial=0.0) < _PRECISION_DEGREES:
            break
    return x, y


def wgs84_to_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift places as Baidu's maps do; as they were outside the rectangle; degrees, length n."""
    x, y = gcj02_to_bd09(*wgs84_to_gcj02(longitude, latitude))
    shifted = _inside(longitude, latitude)
    return np.where(shifted, x, longitude), np.where(shifted, y, latitude)


def bd09_to_wgs84(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Take both shifts of a place on Baidu's maps back; degrees, length n."""
    x, y = gcj02_to_wgs84(*bd09_to_gcj02(longitude, latitude))
    shifted = _inside(x, y)
    return np.where(shifted, x, longitude), np.where(shifted, y, latitude)


def _inside(longitude: Floats, latitude: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which places lie in the rectangle."""
    return (longitude >= WEST) & (longitude <= EAST) & (latitude >= SOUTH) & (latitude <= NORTH)


def _shift(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Return how far GCJ-02 lies east and north of WGS 84, degrees."""
    x, y = longitude - _LONGITUDE_0, latitude - _LATITUDE_0
    root = np.sqrt(np.abs(x))
    ripple = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + _waves(x, 20, 40, (150, 12), (300, 30))) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + _waves(y, 20, 40, (160, 12), (320, 30))) * 2 / 3
    phi = np.radians(latitude)
    curvature = 1 - _ECCENTRICITY_2 * np.sin(phi) ** 2
    along_parallel = np.radians(_SEMI_MAJOR_M / np.sqrt(curvature) * np.cos(phi))
    along_meridian = np.radians(_SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / curvature**1.5)
    return east / along_parallel, north / along_meridian


def _waves(
    degrees: Floats, one: float, three: float, slow: tuple[float, float], slowest: tuple[float, float]
) -> Floats:
    """Return the sum of four waves in metres; the slow ones are given with what divides their angle."""
    waves: Floats = (
        one * np.sin(np.pi * degrees)
        + three * np.sin(np.pi * degrees / 3)
        + slow[0] * np.sin(np.pi * degrees / slow[1])
        + slowest[0] * np.sin(np.pi * degrees / slowest[1])
    )
    return waves
