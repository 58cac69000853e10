"""Distances, areas and projections on the WGS 84 ellipsoid; lines are straight in degrees, as in GeoJSON."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import RLock
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Geod, Transformer
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

# WGS 84, https://epsg.org/ellipsoid_7030/WGS-84.html
SEMI_MAJOR_M: Final = 6378137.0
ECCENTRICITY_2: Final = (1 / 298.257223563) * (2 - 1 / 298.257223563)
METRES_PER_DEGREE: Final = np.pi / 180 * SEMI_MAJOR_M
WGS84: Final = Geod(ellps="WGS84")

_WORTH_THREADS: Final = 200
"""Fewer operations are done before threads have started."""

PREPARED: Final = RLock()
"""To be held while a prepared geometry that several threads share is prepared or asked.

GEOS completes a prepared geometry at the first questions; two of them at once end the process (seen, GEOS 3.14)."""


def geodesic_distance_m(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Return the length of the shortest line on the ellipsoid between pairs of points.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array-like
        Degrees, WGS 84; broadcast against each other.

    Returns
    -------
    ndarray of float64
        Metres, in the broadcast shape; NaN where a coordinate is NaN.

    Notes
    -----
    Karney 2013, https://doi.org/10.1007/s00190-012-0578-z, as in PROJ.
    """
    a, b, c, d = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in (lon1, lat1, lon2, lat2)))
    _, _, metres = WGS84.inv(a.ravel(), b.ravel(), c.ravel(), d.ravel())
    return np.asarray(metres, dtype=np.float64).reshape(a.shape)


def metres_per_degree(latitude: Floats) -> tuple[Floats, Floats]:
    """Return the metres that a degree of longitude and a degree of latitude span.

    Parameters
    ----------
    latitude : ndarray of float64
        Degrees, WGS 84.

    Returns
    -------
    two ndarrays of float64, in the shape of `latitude`
        Along the parallel and along the meridian.
    """
    phi = np.radians(latitude)
    curvature = 1 - ECCENTRICITY_2 * np.sin(phi) ** 2
    east = METRES_PER_DEGREE * np.cos(phi) / np.sqrt(curvature)
    north = METRES_PER_DEGREE * (1 - ECCENTRICITY_2) / curvature**1.5
    return east, north


def distance_to_segment_m(
    longitude: Floats, latitude: Floats, segment: Floats, of: NDArray[np.int64] | None = None
) -> Floats:
    """Return the distance from points to segments, right to a metre within 50 km.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84, between 85° S and 85° N.
    segment : ndarray of float64, shape (m, 4)
        Longitude and latitude of both ends of each segment, degrees; at most about 0.05° long.
    of : ndarray of int64, length m, optional
        The point that each segment's distance is asked from; where none is given each point has its own segment.

    Returns
    -------
    ndarray of float64, length m
        Metres.

    Notes
    -----
    Gauss's mid-latitude formula on a plane around each point: the scales are taken half way between the point and the
    place compared. Its error grows with the cube of the distance: 0.1 m at 30 km.
    """
    east, north = metres_per_degree(latitude)
    phi = np.radians(latitude)
    # A degree of longitude shrinks by this many metres for each degree northward, half of it at mid-latitude.
    east_change = -np.sin(phi) * METRES_PER_DEGREE * (np.pi / 360)
    north_change = METRES_PER_DEGREE * 1.5 * ECCENTRICITY_2 * np.sin(2 * phi) * (np.pi / 360)
    if of is not None:
        longitude, latitude = longitude[of], latitude[of]
        east, north, east_change, north_change = east[of], north[of], east_change[of], north_change[of]
    lat_a, lat_b = segment[:, 1] - latitude, segment[:, 3] - latitude
    ax = (segment[:, 0] - longitude) * (east + east_change * lat_a)
    bx = (segment[:, 2] - longitude) * (east + east_change * lat_b)
    ay = lat_a * (north + north_change * lat_a)
    by = lat_b * (north + north_change * lat_b)
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    along = np.clip(-(ax * dx + ay * dy) / np.where(length > 0, length, 1), 0, 1)
    metres: Floats = np.hypot(ax + along * dx, ay + along * dy)
    return metres


def _authalic(phi: Floats) -> Floats:
    """Return q(φ), whose integral over longitude is an area in units of half the squared semi-major axis."""
    e = np.sqrt(ECCENTRICITY_2)
    sine = np.sin(phi)
    q: Floats = (1 - ECCENTRICITY_2) * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return q


def area_km2(geometries: Sequence[BaseGeometry | None] | Geometries) -> Floats:
    """Return the areas of polygons on the ellipsoid.

    Parameters
    ----------
    geometries : sequence or ndarray of shapely geometries, length n
        Degrees, WGS 84; None, points and lines have the area 0.

    Returns
    -------
    ndarray of float64, length n
        Square kilometres.

    Notes
    -----
    Edges are straight in longitude and latitude, so a cell between two parallels has its own area and not that of its
    corners joined by great circles. q(φ) after Snyder 1987, equation 3-12 (https://doi.org/10.3133/pp1395), is
    integrated along each edge by Gauss's rule with four nodes.
    """
    shapes = np.atleast_1d(np.asarray(geometries, dtype=object))
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    coordinates, index = shapely.get_coordinates(rings, return_index=True)
    areas = np.zeros(len(shapes))
    if not len(rings):
        return areas
    same = index[1:] == index[:-1]
    start, end = np.radians(coordinates[:-1][same]), np.radians(coordinates[1:][same])
    nodes, weights = np.polynomial.legendre.leggauss(4)
    mean_q = sum(
        w / 2 * _authalic(start[:, 1] + (end[:, 1] - start[:, 1]) * (n + 1) / 2)
        for n, w in zip(nodes, weights, strict=True)
    )
    edges = (end[:, 0] - start[:, 0]) * mean_q * SEMI_MAJOR_M**2 / 2
    ring_area = np.abs(np.bincount(index[:-1][same], weights=edges, minlength=len(rings)))
    shell = np.ones(len(rings), dtype=bool)
    shell[1:] = ring_of[1:] != ring_of[:-1]
    np.add.at(areas, part_of[ring_of], np.where(shell, ring_area, -ring_area) / 1e6)
    return areas


def equal_area_crs(bounds: Iterable[float]) -> CRS:
    """Return an equal-area system in metres whose distortion of shape is least in the middle of `bounds`.

    Parameters
    ----------
    bounds : west, south, east, north
        Degrees, WGS 84; east is above 180 where they go across the 180th meridian.

    Returns
    -------
    pyproj.CRS
        Lambert azimuthal equal-area around the middle, rounded to a tenth of a degree so that small changes of the
        bounds keep the system.
    """
    west, south, east, north = map(float, bounds)
    longitude, latitude = round((west + east) / 2, 1), round((south + north) / 2, 1)
    crs = CRS.from_proj4(f"+proj=laea +lat_0={latitude} +lon_0={longitude} +datum=WGS84 +units=m +no_defs +type=crs")
    # Without a name a GIS calls it unknown.
    return CRS.from_json_dict({**crs.to_json_dict(), "name": f"Lambert equal area around {longitude}, {latitude}"})


@lru_cache(maxsize=64)
def _transformer(from_crs: str, to_crs: str) -> Transformer:
    """Return the transformer between two systems, x and longitude always first."""
    return Transformer.from_crs(from_crs, to_crs, always_xy=True)


def project(geometry: Any, from_crs: CRS | str | int, to_crs: CRS | str | int) -> Any:
    """Return geometries or coordinates in another system.

    Parameters
    ----------
    geometry : shapely geometry, array of them, or ndarray of float64 of shape (n, 2)
        In `from_crs`, x or longitude first.
    from_crs, to_crs : what pyproj.CRS takes

    Returns
    -------
    The same kind as `geometry`, in `to_crs`, x or longitude first.
    """
    transformer = _transformer(CRS.from_user_input(from_crs).to_wkt(), CRS.from_user_input(to_crs).to_wkt())

    def convert(coordinates: Floats) -> Floats:
        return np.column_stack(transformer.transform(coordinates[:, 0], coordinates[:, 1]))

    if isinstance(geometry, np.ndarray) and geometry.dtype != object:
        return convert(geometry)
    return shapely.transform(geometry, convert)


def densify(geometry: Any, *, max_segment_degrees: float) -> Any:
    """Return geometries with vertices added until no segment is longer; the shape in degrees stays the same.

    Parameters
    ----------
    geometry : shapely geometry or array of them
        Degrees.
    max_segment_degrees : float
        Longest segment, degrees.

    Raises
    ------
    ValueError
        If `max_segment_degrees` is not positive.
    """
    if not max_segment_degrees > 0:
        msg = f"max_segment_degrees must be positive, not {max_segment_degrees}"
        raise ValueError(msg)
    return shapely.segmentize(geometry, max_segment_degrees)


def in_threads(function: Callable[..., Any], *arrays: NDArray[Any]) -> NDArray[Any]:
    """Call a shapely function on parts of arrays at once; shapely lets go of Python's lock."""
    workers = os.cpu_count() or 1
    if workers == 1 or len(arrays[0]) < _WORTH_THREADS:
        return np.asarray(function(*arrays))
    pieces = [np.array_split(array, 4 * workers) for array in arrays]
    with ThreadPoolExecutor(workers) as pool:
        return np.concatenate(list(pool.map(function, *pieces)))
