"""Protected areas made ready for an analysis: polygons with their stated countries, without what spills over a line."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import geo, places
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import cells_inside
from biodata.errors import InputError
from biodata.text.same_sites import representatives

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
    all_cells, cells : ndarray of int64
        Flat indexes of its cells, and of those that have resistance data.
    spill_km2 : float
        What was cut off because it lies in a country that it does not state, km².
    """

    area_id: str
    name: str
    country_codes: tuple[str, ...]
    shape: shapely.Geometry
    all_cells: Ints
    cells: Ints
    spill_km2: float


def geodataframe(areas: pl.DataFrame) -> gpd.GeoDataFrame:
    """Return protected areas as polygons; those without one are left out, and one represents those that seem to be the same.

    Parameters
    ----------
    areas : polars.DataFrame of terms.PROTECTED_AREA
        Geometry as WKB in degrees, WGS 84.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns area_id, name, country_codes (tuple of str) and geometry (EPSG:4326), by area_id.
    """
    kept = areas.select("area_id", "name", "country_codes", "geometry").sort("area_id")
    shapes = polygonal(shapely.from_wkb(kept["geometry"].to_numpy()))
    table = gpd.GeoDataFrame(
        {
            "area_id": kept["area_id"].to_list(),
            "name": [name or area_id for area_id, name in kept.select("area_id", "name").iter_rows()],
            "country_codes": [tuple(sorted(codes or ())) for codes in kept["country_codes"].to_list()],
        },
        geometry=shapes,
        crs=4326,
    )
    polygons = np.array(shapely.area(shapes) > 0)
    if not polygons.all():
        logger.info("%d of %d areas have no polygon and are left out", int((~polygons).sum()), len(table))
    table = table[polygons].reset_index(drop=True)
    first = representatives(table.geometry.to_numpy(), table["name"].to_list(), table["country_codes"].to_list())
    copies: NDArray[np.bool_] = first != np.arange(len(table))
    codes = table["country_codes"].to_list()
    for at in np.flatnonzero(copies):
        logger.info(
            "%s (%s) seems to be %s (%s): it stands for both",
            table["name"][at], table["area_id"][at], table["name"][first[at]], table["area_id"][first[at]],
        )  # fmt: skip
        codes[first[at]] = codes[first[at]] or codes[at]
    represented: gpd.GeoDataFrame = table.assign(country_codes=codes)[~copies].reset_index(drop=True)
    return represented


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


def polygonal(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return valid polygons or multipolygons; points and lines, alone or left over from a repair, become empty."""
    valid = shapely.make_valid(shapes)
    for position, shape in enumerate(valid):
        if shapely.get_type_id(shape) not in (3, 6):
            parts = shapely.get_parts(shape) if shape is not None else np.array([], dtype=object)
            valid[position] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    return valid


def km2(polygon: shapely.Geometry) -> float:
    """Return the area of one polygon (degrees, WGS 84) on the ellipsoid, km²."""
    return float(geo.area_km2(np.array([polygon], dtype=object))[0])


def within_stated(areas: gpd.GeoDataFrame, boundaries: "BoundarySet") -> gpd.GeoDataFrame:
    """Cut off what areas hold of other countries, inside the boundary set's band or beyond it.

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
        The areas that keep at least half of themselves, with the columns `geometry` (that part) and `spill_km2` (what
        was cut off, km²).
    """
    known = set(boundaries.units["country_code"])
    stated = sorted({code for codes in areas["country_codes"] for code in codes} & known)
    countries = {code: places.country_geometry(code, boundaries) for code in stated}
    shapely.prepare(list(countries.values()))
    whole = polygonal(areas.geometry.to_numpy())
    own = whole.copy()
    for position, codes in enumerate(areas["country_codes"]):
        for code, country in countries.items():
            if codes and code not in codes and shapely.intersects(country, own[position]):
                own[position] = shapely.difference(own[position], country)
    own = polygonal(own)
    all_km2, own_km2 = geo.area_km2(whole), geo.area_km2(own)
    cut = areas.assign(spill_km2=np.maximum(all_km2 - own_km2, 0.0))
    cut = cut.set_geometry(gpd.GeoSeries(own, index=areas.index, crs=areas.crs))
    kept = (own_km2 > 0) & (own_km2 >= all_km2 / 2)
    for name in cut["name"][~kept]:
        logger.info("%s: most of it lies in a country that it does not state; it is left out", name)
    return cut[kept].reset_index(drop=True)


def on_grid(areas: gpd.GeoDataFrame, resistance: Floats, grid: Grid) -> list[Site]:
    """Put areas, as `within_stated` or `own_areas.on_plane` returns them, on a grid by area_id; those outside it are left out."""
    known = np.isfinite(resistance).reshape(-1)
    ordered = areas.sort_values("area_id", kind="stable")
    shapes = polygonal(geo.project(ordered.geometry.to_numpy(), ordered.crs or 4326, grid.crs))
    window = shapely.box(*grid.bounds)
    columns = (ordered[name].to_list() for name in ("area_id", "name", "country_codes", "spill_km2"))
    found = []
    for area_id, name, codes, spill_km2, shape in zip(*columns, shapes, strict=True):
        if shapely.intersects(shape, window):
            cells = cells_inside(shape, grid)
            found.append(Site(str(area_id), name, tuple(codes), shape, cells, cells[known[cells]], float(spill_km2)))
    return found
