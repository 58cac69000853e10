"""Protected areas made ready for an analysis: polygons with their stated countries, without what spills over a line."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import polars as pl
import shapely

from biodata import geo, places
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import cells_inside
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Site:
    """A protected area on a grid.

    Attributes
    ----------
    area_id, name : str
    country_codes : tuple of str
        The countries that it states.
    shape : shapely geometry
        In the grid's own system.
    cells : ndarray of int64
        Flat indexes of its cells that have resistance data.
    cut_km2 : float
        What was cut off because it lies beyond the border and its band, km².
    """

    area_id: str
    name: str
    country_codes: tuple[str, ...]
    shape: shapely.Geometry
    cells: Ints
    cut_km2: float


def geodataframe(areas: pl.DataFrame) -> gpd.GeoDataFrame:
    """Return protected areas as polygons; those without a polygon are left out.

    Parameters
    ----------
    areas : polars.DataFrame of terms.PROTECTED_AREA
        Geometry as WKB in degrees, WGS 84.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns area_id, name, country_codes (tuple of str), spill_km2 and geometry (EPSG:4326), by area_id.
    """
    kept = areas.select("area_id", "name", "country_codes", "spill_km2", "geometry").sort("area_id")
    shapes = shapely.from_wkb(kept["geometry"].to_numpy())
    table = gpd.GeoDataFrame(
        {
            "area_id": kept["area_id"].to_list(),
            "name": [name or area_id for area_id, name in kept.select("area_id", "name").iter_rows()],
            "country_codes": [tuple(sorted(codes or ())) for codes in kept["country_codes"].to_list()],
            "spill_km2": kept["spill_km2"].to_numpy(),
        },
        geometry=shapes,
        crs=4326,
    )
    polygons = np.array(shapely.area(shapes) > 0)
    if not polygons.all():
        logger.info("%d of %d areas have no polygon and are left out", int((~polygons).sum()), len(table))
    return table[polygons].reset_index(drop=True)


def check(areas: gpd.GeoDataFrame) -> None:
    """Refuse a table of areas that lacks a column or names an area twice.

    Raises
    ------
    InputError
        If a column is missing, the coordinate system is not told, or an area_id stands twice.
    """
    missing = [name for name in ("area_id", "name", "country_codes") if name not in areas.columns]
    if missing or areas.crs is None:
        problem = f"the areas lack {', '.join(missing) or 'a coordinate system'}"
        raise InputError(problem, code="AREAS_INCOMPLETE")
    twice = areas["area_id"][areas["area_id"].duplicated()]
    if len(twice):
        problem = "the area stands twice"
        raise InputError(problem, column="area_id", value=str(twice.iloc[0]), code="AREA_REPEATED")


def differ(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Tell whether two areas are of different countries: both state one, and they share none."""
    return bool(first) and bool(second) and not set(first) & set(second)


def within_stated(areas: gpd.GeoDataFrame, boundaries: "BoundarySet") -> gpd.GeoDataFrame:
    """Cut off what lies deeper inside another country than the boundary set's band.

    An area that spills over a line is a disagreement between two maps and no evidence of anything beyond the line, so
    distances, corridors and candidates start from what lies on the area's own side. Only countries that some area of
    the table states are looked at; the sea belongs to nobody here.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        Columns area_id, name, country_codes; degrees, WGS 84.
    boundaries : BoundarySet

    Returns
    -------
    geopandas.GeoDataFrame
        The areas that keep a part, with the columns `geometry` (that part) and `cut_km2` (what was cut off, km²).
    """
    stated = sorted({code for codes in areas["country_codes"] for code in codes})
    known = set(boundaries.units["country_code"])
    countries = {code: places.country_geometry(code, boundaries) for code in stated if code in known}
    shapes = areas.geometry.to_numpy().copy()
    for position, (codes, shape) in enumerate(zip(areas["country_codes"], shapes, strict=True)):
        if not codes:
            continue
        for code, country in countries.items():
            if code not in codes and shapely.intersects(country, shape):
                deep = _deeper_than(country, shape, boundaries.band_m)
                shape = shapely.difference(shape, deep)
        shapes[position] = shape
    cut = areas.assign(cut_km2=geo.area_km2(areas.geometry.to_numpy()) - geo.area_km2(shapes))
    cut["cut_km2"] = cut["cut_km2"].clip(lower=0)
    cut = cut.set_geometry(gpd.GeoSeries(shapes, index=areas.index, crs=areas.crs))
    kept = np.array(shapely.area(shapes) > 0)
    for name in cut["name"][~kept]:
        logger.info("%s lies wholly inside a country that it does not state and is left out", name)
    return cut[kept].reset_index(drop=True)


def _deeper_than(country: shapely.Geometry, shape: shapely.Geometry, band_m: float) -> shapely.Geometry:
    """Return the part of a country near a shape that lies farther than the band from the country's edge."""
    west, south, east, north = shapely.bounds(shape)
    margin = 3 * band_m / 100_000  # degrees; the window's own edge is eaten by the band too and must stay outside
    window = shapely.box(west - margin, south - margin, east + margin, north + margin)
    crs = geo.equal_area_crs((west, south, east, north))
    near = geo.project(shapely.intersection(country, window), 4326, crs)
    deep: shapely.Geometry = geo.project(shapely.buffer(near, -band_m), crs, 4326)
    return deep


def on_grid(areas: gpd.GeoDataFrame, resistance: Floats, grid: Grid) -> list[Site]:
    """Put areas, as `within_stated` returns them, on a grid by area_id; those outside it are left out."""
    known = np.isfinite(resistance).reshape(-1)
    ordered = areas.sort_values("area_id", kind="stable")
    shapes = geo.project(ordered.geometry.to_numpy(), 4326, grid.crs)
    window = shapely.box(*grid.bounds)
    columns = (ordered[name].to_list() for name in ("area_id", "name", "country_codes", "cut_km2"))
    found = []
    for area_id, name, codes, cut_km2, shape in zip(*columns, shapes, strict=True):
        if shapely.intersects(shape, window):
            cells = cells_inside(shape, grid)
            found.append(Site(area_id, name, tuple(codes), shape, cells[known[cells]], float(cut_km2)))
    return found
