"""A made-up land cover that follows relief, rivers, roads, towns and protected areas."""

from functools import cache

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from recipe import terrain
from recipe.tables import table
from recipe.terrain import KM_PER_DEGREE, Floats

Classes = NDArray[np.uint8]
MIDDLE_LATITUDE_COSINE = float(np.cos(np.radians(20.0)))


def landcover(longitude: Floats, latitude: Floats, protected: shapely.Geometry | None = None) -> Classes:
    """Return the land-cover class of each place (values of tables/landcover_classes.csv).

    Parameters
    ----------
    longitude, latitude : array of n
        Degrees.
    protected : shapely geometry, optional
        Protected ground, where people press less on the forest.

    Returns
    -------
    array of n, uint8
    """
    height = terrain.elevation(longitude, latitude)
    above = height - terrain.smooth(longitude, latitude)
    steep = terrain.slope(longitude, latitude)
    patch = terrain.noise("patches", 0.045, longitude, latitude) + 0.5 * terrain.noise(
        "small patches", 0.015, longitude, latitude
    )
    pressure = human_pressure(longitude, latitude) + 0.25 * terrain.noise("people", 0.2, longitude, latitude)
    if protected is not None:
        shapely.prepare(protected)
        pressure = np.where(shapely.contains_xy(protected, longitude, latitude), pressure * 0.35 - 0.1, pressure)
    flat = steep < 0.14
    low = above < 0.0
    dry = (latitude < 15.6) & (height < 380)
    result = np.where(height > 1750, 5, np.where(dry, 4, 2))
    result = np.where(height > 3000, 1, result)
    result = np.where((height > 3900) & (patch > -0.3), 16, result)
    result = np.where((height > 1100) & (above > 150) & (patch > 0.75), 10, result)
    result = np.where(dry & (patch > 0.8), 10, result)
    result = np.where((pressure + 0.45 * patch > 0.34) & (height < 2300), 8, result)
    result = np.where((pressure + 0.45 * patch > 0.52) & (height < 2100), 14, result)
    planted = (pressure + 0.8 * terrain.noise("plantations", 0.09, longitude, latitude) > 0.48) & (height < 1000)
    result = np.where(planted & (patch > -0.5), 19, result)
    result = np.where(flat & low & (pressure + 0.35 * patch > 0.33), 12, result)
    result = np.where(_to_lines("road", longitude, latitude) < 0.32, 18, result)
    result = np.where(_to_lines("river", longitude, latitude) < 0.34, 17, result)
    result = np.where(_into_town(longitude, latitude) + 0.25 * patch > 0.0, 13, result)
    lake = np.hypot((longitude - 102.66) / 0.055, (latitude - 24.80) / 0.19) < 1.0
    reservoir = (np.hypot((longitude - 105.12) / 0.09, (latitude - 17.78) / 0.13) + 0.25 * patch) < 1.0
    return np.where(lake | reservoir, 17, result).astype(np.uint8)


def human_pressure(longitude: Floats, latitude: Floats) -> Floats:
    """Return how hard people press on the land: 1 in a town or beside a road, towards 0 far from both."""
    road = np.exp(-_to_lines("road", longitude, latitude) / 4.0)
    river = 0.35 * np.exp(-_to_lines("river", longitude, latitude) / 3.0)
    town = np.exp(np.minimum(_into_town(longitude, latitude), 0.0) / 5.0)
    return np.asarray(np.maximum.reduce([0.75 * road, river, town]))


def road_distance_km(longitude: Floats, latitude: Floats) -> Floats:
    """Return kilometres to the nearest trunk road."""
    return _to_lines("road", longitude, latitude)


def _scaled(longitude: Floats, latitude: Floats) -> Floats:
    """Return kilometres east and north on a plane that serves for the whole region."""
    return np.stack([longitude * KM_PER_DEGREE * MIDDLE_LATITUDE_COSINE, latitude * KM_PER_DEGREE], axis=-1)


def _to_lines(kind: str, longitude: Floats, latitude: Floats) -> Floats:
    """Return kilometres to the nearest road or river."""
    distance, _ = _line_points(kind).query(_scaled(longitude, latitude))
    return np.asarray(distance, dtype=np.float64)


def _into_town(longitude: Floats, latitude: Floats) -> Floats:
    """Return kilometres inside the edge of the nearest town; negative outside."""
    towns = table("towns", numbers=("lon", "lat", "radius_km"))
    places, radius = _scaled(towns["lon"].to_numpy(), towns["lat"].to_numpy()), towns["radius_km"].to_numpy()
    deepest = np.full(np.shape(longitude), -np.inf)
    here = _scaled(longitude, latitude)
    for place, reach in zip(places, radius, strict=True):
        deepest = np.maximum(deepest, reach - np.hypot(here[..., 0] - place[0], here[..., 1] - place[1]))
    return deepest


def course(name: str) -> Floats:
    """Return points (longitude, latitude) every 200 m along a road or river, made to wind a little."""
    told = table("lines").row(by_predicate=pl.col("name") == name, named=True)["course"]
    corners = np.array([[float(number) for number in corner.split()] for corner in told.split(";")])
    places = shapely.get_coordinates(shapely.segmentize(shapely.LineString(corners), 0.0018))
    bends = [
        0.012 * terrain.noise(f"bends {axis}", wavelength, places[:, 0], places[:, 1])
        for axis, wavelength in ((0, 0.06), (1, 0.11))
    ]
    return np.asarray(places + np.stack(bends, axis=1))


@cache
def _line_points(kind: str) -> KDTree:
    """Return the points of all roads or rivers."""
    stacked = np.concatenate([course(name) for name in table("lines").filter(kind=kind)["name"]])
    return KDTree(_scaled(stacked[:, 0], stacked[:, 1]))
