"""The planning unit that a place lies in."""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from biodata import geo
from biodata.analysis.reserves.targets import Floats, Ints
from biodata.errors import InputError


def crs_of(units: gpd.GeoDataFrame) -> CRS:
    """Return the units' system."""
    if units.crs is None:
        problem = "the planning units lack a coordinate system"
        raise InputError(problem, code="CRS_MISSING")
    return units.crs


def unit_of(units: gpd.GeoDataFrame, lonlat: Floats) -> Ints:
    """Return the place of the unit that each point lies in.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
    lonlat : ndarray of float64, (n, 2)
        Degrees, WGS 84.

    Returns
    -------
    ndarray of int64, length n
        From 0; -1 where there is none, the first of its units for a point on an edge.
    """
    tree = shapely.STRtree(units.geometry.to_numpy())
    point, unit = tree.query(shapely.points(geo.project(lonlat, 4326, crs_of(units))), predicate="intersects")
    found = np.full(len(lonlat), len(units), dtype=np.int64)
    np.minimum.at(found, point, unit)
    return np.where(found < len(units), found, -1)
