"""A made-up relief: real elevations of known places, joined smoothly, with seeded ridges and valleys on top."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates

from recipe.tables import chance, table

Floats = NDArray[np.float64]

WEST, SOUTH, EAST, NORTH = 94.0, 9.0, 112.0, 31.0
OCTAVES = ((0.31, 0.20), (0.17, 0.34), (0.09, 0.34), (0.047, 0.26), (0.025, 0.15))
"""Wavelength in degrees, and height, of each set of ridges."""
KM_PER_DEGREE = 111.32


def elevation(longitude: Floats, latitude: Floats) -> Floats:
    """Return metres above sea level of a made-up relief.

    Parameters
    ----------
    longitude, latitude : array of n
        Degrees, inside the recipe's box (94-112° E, 9-31° N).

    Returns
    -------
    array of n
        Metres, at least 1.
    """
    base = smooth(longitude, latitude)
    ridges = sum(
        height * (0.75 - 2.4 * np.abs(noise(f"ridge {wavelength}", wavelength, longitude, latitude)))
        for wavelength, height in OCTAVES
    )
    relief = 0.8 * np.minimum(base, 1100.0) * (1.0 - np.exp(-base / 250.0))
    return np.asarray(np.maximum(base + relief * np.asarray(ridges), 1.0))


def smooth(longitude: Floats, latitude: Floats) -> Floats:
    """Return the smooth part of the relief, in metres: what the known places alone tell."""
    x = (longitude - WEST) / _STEP
    y = (latitude - SOUTH) / _STEP
    return np.maximum(map_coordinates(_smooth_grid(), [y, x], order=1, mode="nearest"), 2.0)


def slope(longitude: Floats, latitude: Floats, *, step_degrees: float = 0.003) -> Floats:
    """Return the slope as a ratio (1 is 45°), measured over about 600 m."""
    run_m = 2 * step_degrees * KM_PER_DEGREE * 1000
    east = elevation(longitude + step_degrees, latitude) - elevation(longitude - step_degrees, latitude)
    north = elevation(longitude, latitude + step_degrees) - elevation(longitude, latitude - step_degrees)
    return np.asarray(np.hypot(east / (run_m * np.cos(np.radians(latitude))), north / run_m))


def noise(subject: str, wavelength_degrees: float, longitude: Floats, latitude: Floats) -> Floats:
    """Return smooth chance between -1 and 1 that has this wavelength, the same for the same subject."""
    grid = _noise_grid(subject, wavelength_degrees)
    return map_coordinates(
        grid,
        [(latitude - SOUTH) / wavelength_degrees, (longitude - WEST) / wavelength_degrees],
        order=3,
        mode="mirror",
        prefilter=False,
    )


_STEP = 0.05


@cache
def _smooth_grid() -> Floats:
    """Join the known places on a coarse grid."""
    known = table("elevations", numbers=("lon", "lat", "elevation_m"))
    places = known.select("lon", "lat").to_numpy()
    x = np.arange(WEST, EAST + _STEP, _STEP)
    y = np.arange(SOUTH, NORTH + _STEP, _STEP)
    joined = RBFInterpolator(places, np.sqrt(known["elevation_m"].to_numpy()), kernel="linear", smoothing=0.02)
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1)
    return np.square(np.maximum(joined(nodes), 1.0)).reshape(len(y), len(x))


@cache
def _noise_grid(subject: str, wavelength_degrees: float) -> Floats:
    """Return the nodes of a smooth noise."""
    rows = int((NORTH - SOUTH) / wavelength_degrees) + 3
    columns = int((EAST - WEST) / wavelength_degrees) + 3
    return chance(subject).uniform(-1.5, 1.5, (rows, columns))
