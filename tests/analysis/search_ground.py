"""A small ground with areas, for searches of corridors."""

import math

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from pyproj import CRS

from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Grid

SIDE, CELL_M = 30, 100.0


GRID = Grid(CRS.from_epsg(6933), Affine(CELL_M, 0, 0, 0, -CELL_M, SIDE * CELL_M), (SIDE, SIDE), CELL_M)


WIDE = CorridorParameters(max_distance_m=math.inf)


def ground_of(seed, nodata=0.15):
    rng = np.random.default_rng(seed)
    ground = np.exp(rng.uniform(0, 4, GRID.shape))
    ground[rng.random(GRID.shape) < nodata] = np.nan
    return ground


def boxes(seed, count=7):
    """Return areas of 1 to 9 cells that do not share a cell, as squares on the grid's lines."""
    rng = np.random.default_rng(seed + 1000)
    shapes = []
    while len(shapes) < count:
        column, row, size = rng.integers(0, SIDE - 3), rng.integers(0, SIDE - 3), rng.integers(1, 4)
        one = shapely.box(*(CELL_M * np.array([column, row, column + size, row + size])))
        if all(shapely.distance(one, other) > CELL_M for other in shapes):
            shapes.append(one)
    return frame(*shapes)


def frame(*shapes, crs=GRID.crs):
    return gpd.GeoDataFrame({"area_id": [f"a{k}" for k in range(len(shapes))]}, geometry=list(shapes), crs=crs)
