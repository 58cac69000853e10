"""Made landscapes for tests: a local system in metres, two countries, areas as polygons in it."""

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from affine import Affine

from biodata.analysis import grid
from biodata.core import geo
from biodata.places import BoundarySet

CRS = geo.equal_area_crs((101.0, 20.5, 102.0, 21.5))


def local(geometry):
    """Return a geometry of the local system (metres) in degrees."""
    return geo.project(shapely.segmentize(geometry, 5000), CRS, 4326)


def square_grid(half_m: float, cell_m: float) -> grid.Grid:
    cells = int(2 * half_m / cell_m)
    return grid.Grid(CRS, Affine(cell_m, 0, -half_m, 0, -cell_m, half_m), (cells, cells), cell_m)


def boundary_set(west: shapely.Geometry, east: shapely.Geometry, band_m: float = 100.0) -> BoundarySet:
    units = pl.DataFrame({"level": ["country"] * 2, "country_code": ["LA", "VN"], "province_code": [None] * 2,
                          "name": ["Laos", "Viet Nam"]}, schema_overrides={"province_code": pl.String})  # fmt: skip
    return BoundarySet("toy", "1", "made", "none", "nobody's", band_m, units, np.array([west, east]), pl.DataFrame())


def halves(degrees: float = 0.0, size: float = 200_000.0) -> BoundarySet:
    """Return two countries that meet in a line through the middle, turned by so many degrees."""
    turned = [shapely.affinity.rotate(shapely.box(*box), degrees, origin=(0, 0)) for box in
              ((-size, -size, 0, size), (0, -size, size, size))]  # fmt: skip
    return boundary_set(*(local(one) for one in turned))


def table(*rows: tuple[str, tuple[str, ...], shapely.Geometry]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"area_id": [r[0] for r in rows], "name": [r[0].title() for r in rows], "country_codes": [r[1] for r in rows]},
        geometry=[local(r[2]) for r in rows],
        crs=4326,
    )
