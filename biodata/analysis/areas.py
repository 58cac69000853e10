"""Areas made ready for an analysis: protected areas with their countries, and a planner's own polygons or points."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import cells_inside
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.formats import vectors
from biodata.text.same_sites import representatives

if TYPE_CHECKING:
    from biodata.places import BoundarySet


logger = logging.getLogger(__name__)


_IDS: Final = ("area_id", "id", "core_id", "site_id", "wdpaid", "site_pid", "wdpa_pid")
_NAMES: Final = ("name", "area_name", "site_name", "orig_name", "name_eng")


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
        If a column is missing, the coordinate system is not stated, or an area_id stands twice.
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
    """Return whether two areas are of different countries: both state one, and they share none."""
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


def read(
    path: Path, *, layer: str | None = None, id_column: str | None = None, name_column: str | None = None
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Read areas from a GeoPackage, File Geodatabase, shapefile (also zipped) or GeoJSON.

    Parameters
    ----------
    path : Path
        The file.
    layer : str, optional
        Of a GeoPackage or geodatabase: the layer to take; needed where there are several.
    id_column, name_column : str, optional
        Columns with each area's id and name. Where none is stated a column of a usual name is taken, for ids one whose
        values differ, and else the row's number.

    Returns
    -------
    areas : geopandas.GeoDataFrame
        Columns area_id, name and geometry, in the file's own system.
    notes : list of str
        Which columns of usual names are no ids, since a value stands twice or is missing, and what is taken instead;
        which columns could state names, where none of a usual name does; and which areas seem to be another of the
        file, so that they are left out.

    Raises
    ------
    InputError
        As `formats.vectors.read_only_layer`; or if the file has no such column, no row, or the same id twice.
    """
    table, crs = vectors.read_only_layer(path, layer=layer, expected="one of them (areas_layer)")
    if not table.height:
        _refuse("there is no area in it", path, expected="two areas or more", code="INPUT_EMPTY")
    names = next(iter(_columns(table, path, name_column, _NAMES)), None)
    area_ids, notes = _ids(table, path, id_column)
    if names is None and (others := _texts(table)):
        notes.append(f"no column of a usual name tells names, so areas are called by id; --name-column takes {others}")
    areas = gpd.GeoDataFrame(
        {"area_id": area_ids, "name": area_ids if names is None else names.fill_null(pl.Series(area_ids)).to_list()},
        geometry=shapely.from_wkb(table["geometry"].to_numpy(), on_invalid="fix"),
        crs=crs,
    )
    areas, copies = _one_each(areas)
    return areas, [*notes, *copies]


def on_plane(areas: gpd.GeoDataFrame, grid: Grid) -> gpd.GeoDataFrame:
    """Return any areas as `areas.on_grid` takes them, in the grid's own system.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        Column area_id; name and country_codes are optional. A point stands for the cell that it lies in.
    grid : Grid

    Returns
    -------
    geopandas.GeoDataFrame
        Columns area_id, name, country_codes, spill_km2 (0) and geometry; this is empty where there was none, or it has
        no place in the grid's system.

    Raises
    ------
    InputError
        If the column or the coordinate system is missing, an area stands twice, or an area is a line.
    """
    if "area_id" not in areas.columns or areas.crs is None:
        problem = f"the areas lack {'a coordinate system' if areas.crs is None else 'the column area_id'}"
        raise InputError(problem, code="AREAS_INCOMPLETE")
    area_ids = [str(area_id) for area_id in areas["area_id"]]
    if twice := [area_id for area_id, count in Counter(area_ids).items() if count > 1]:
        problem = "the area stands twice"
        raise InputError(problem, column="area_id", value=twice[0], code="AREA_REPEATED")
    shapes = np.asarray(geo.project(shapely.force_2d(areas.geometry.to_numpy()), areas.crs, grid.crs), dtype=object)
    coordinates, of = shapely.get_coordinates(shapes, return_index=True)
    shapes[of[~np.isfinite(coordinates).all(axis=1)]] = shapely.Polygon()
    shapes[shapely.is_missing(shapes)] = shapely.Polygon()
    for position in np.flatnonzero(shapely.get_dimensions(shapes) < 2):
        if shapely.get_dimensions(shapes[position]) == 1:
            problem, expected = "the area is a line", "polygons or points"
            raise InputError(
                problem, column="area_id", value=area_ids[position], expected=expected, code="AREA_NOT_POLYGON"
            )
        shapes[position] = _cells_of_points(shapes[position], grid)
    names = areas["name"].to_list() if "name" in areas.columns else area_ids
    codes: list[Any] = areas["country_codes"].to_list() if "country_codes" in areas.columns else [()] * len(areas)
    return gpd.GeoDataFrame(
        {
            "area_id": area_ids,
            "name": [name if isinstance(name, str) and name else area_ids[at] for at, name in enumerate(names)],
            "country_codes": codes,
            "spill_km2": 0.0,
        },
        geometry=polygonal(shapes),
        crs=grid.crs,
    )


def _one_each(areas: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Return each site once, the first of those that seem to be the same, and which went: no corridor leads through a twin."""
    shapes = polygonal(areas.geometry.to_numpy())
    names = [str(name) for name in areas["name"]]
    first = representatives(shapes, names, [()] * len(names))
    copies = np.flatnonzero(first != np.arange(len(names)))
    ids = areas["area_id"].to_list()
    notes = [
        f"{names[at]} ({ids[at]}) seems to be {names[first[at]]} ({ids[first[at]]}), which stands for both"
        for at in copies
    ]
    return areas.drop(index=areas.index[copies]).reset_index(drop=True), notes


def _cells_of_points(points: shapely.Geometry, grid: Grid) -> shapely.Geometry:
    """Return the squares of the cells that points lie in."""
    at: NDArray[np.float64] = shapely.get_coordinates(points)
    columns = np.floor((at[:, 0] - grid.transform.c) / grid.transform.a)
    rows = np.floor((at[:, 1] - grid.transform.f) / grid.transform.e)
    left, top = grid.transform.c + columns * grid.transform.a, grid.transform.f + rows * grid.transform.e
    return shapely.union_all(shapely.box(left, top + grid.transform.e, left + grid.transform.a, top))


def _ids(table: pl.DataFrame, path: Path, id_column: str | None) -> tuple[list[str], list[str]]:
    """Return the areas' ids, and what had to be taken in place of a column that repeats itself."""
    unfit = []
    ids, instead = [str(row) for row in range(1, table.height + 1)], "the rows' numbers are"
    for column in _columns(table, path, id_column, _IDS):
        if (row := _unfit_row(column)) is None:
            ids, instead = column.to_list(), f"column {column.name} is"
            break
        value = column[row - 1]
        first = None if value is None else column.to_list().index(value) + 1
        if id_column is not None:
            _refuse(
                "the area has no id" if first is None else f"the area stands twice (first in row {first})", path,
                row=row, column=id_column, value=value, expected="one row for each area; join its parts",
                code="AREA_REPEATED",
            )  # fmt: skip
        text = f"nothing in row {row}" if first is None else f"{value!r} in rows {first} and {row}"
        unfit.append(f"column {column.name} has {text}, so its values are no ids")
    return ids, [f"{why}; {instead} taken (id_column names another one)" for why in unfit]


def _columns(table: pl.DataFrame, path: Path, text: str | None, usual: tuple[str, ...]) -> list[pl.Series]:
    """Return the column that was stated, or those of usual names, the most usual first."""
    if text is not None:
        if text not in table.columns:
            known = ", ".join(name for name in table.columns if name not in ("geometry", "source_file", "source_row"))
            _refuse("the file has no such column", path, value=text, expected=f"one of {known}", code="COLUMN_UNKNOWN")
        return [table[text]]
    by_name = {name.casefold(): name for name in reversed(table.columns)}
    return [table[by_name[name]] for name in usual if name in by_name]


def _texts(table: pl.DataFrame) -> str:
    """Return the columns that could state names: texts that are no id and not the same in every row."""
    texts = [
        name
        for name, dtype in table.schema.items()
        if dtype == pl.String and name not in ("source_file", "source_row") and name.casefold() not in _IDS
        and table[name].n_unique() > 1 and not table[name].str.contains(r"^[\d.,-]*$").all()
    ]  # fmt: skip
    return ", ".join(texts)


def _unfit_row(ids: pl.Series) -> int | None:
    """Return the number of the first row whose id is missing or stood before."""
    unfit = (ids.is_null() | ~ids.is_first_distinct()).arg_true()
    return None if unfit.is_empty() else int(unfit[0]) + 1


def _refuse(problem: str, path: Path, **facts: Any) -> NoReturn:
    raise InputError(problem, file=path.name, **facts)
