"""Planning units: cut at borders, their costs and boundaries, and the unit that a place lies in."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from biodata import places
from biodata.analysis.areas import polygonal
from biodata.analysis.reserves.problem import Boundary, Floats, Ints
from biodata.core import geo
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet


Shape = Literal["hexagon", "square"]

_SEGMENT_DEGREES: Final = 0.02
"""Lines that are straight in degrees are bent in the projection: they get points at this distance first."""
_PRECISION_M: Final = 0.001
"""Places are rounded to this, so that units that touch have the same points."""
_MOST_UNITS: Final = 2_000_000


def cut_at_borders(
    countries: Sequence[str], boundaries: "BoundarySet", *, unit_km2: float, shape: Shape = "hexagon",
    bounds: tuple[float, float, float, float] | None = None,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return the planning units of a region of several countries.

    Parameters
    ----------
    countries : sequence of str
        ISO 3166-1 alpha-2; none for all that have land inside the bounds.
    boundaries : BoundarySet
        Where the borders are.
    unit_km2 : float
        Area of a whole unit; at borders, coasts and the region's edge units are parts of one.
    shape : str
        'hexagon' or 'square'.
    bounds : west, south, east, north, optional
        Degrees; the countries' land inside only.

    Returns
    -------
    geopandas.GeoDataFrame
        unit_id (from 1, row by row from the north-west), country_code, area_km2 and geometry, in a Lambert azimuthal
        equal-area system around the region's middle. A whole unit that lies in two countries is two units. The areas add
        up to the region's.

    Raises
    ------
    InputError
        If there is no land, a country is not known, or the units would be too many.
    """
    if not unit_km2 > 0:
        problem = "the area of a unit is not above 0"
        raise InputError(problem, column="unit_km2", value=f"{unit_km2:g}", code="UNITS_INVALID")
    window = None if bounds is None else shapely.box(*bounds)
    if not countries and window is not None:
        near = boundaries.tree.query(window, predicate="intersects")
        countries = boundaries.units["country_code"].gather(near).drop_nulls().unique().sort().to_list()
    land: dict[str, shapely.Geometry] = {}
    for code in countries:
        whole = places.country_geometry(code, boundaries)
        land[code] = whole if window is None else shapely.intersection(whole, window)
    everything = shapely.union_all(list(land.values()))
    if shapely.is_empty(everything):
        problem = "the countries have no land inside the bounds"
        text = "west,south,east,north = " + ",".join(f"{edge:g}" for edge in bounds) if bounds else "no bounds"
        raise InputError(problem, value=", ".join([*countries, text]), code="REGION_EMPTY")
    crs = geo.equal_area_crs(shapely.bounds(everything))
    pieces, codes, order = [], [], []
    for code, degrees in land.items():
        region = _projected(degrees, crs)
        if shapely.is_empty(region):
            continue
        cells, place = _grid(shapely.bounds(region), unit_km2 * 1e6, shape)
        shapely.prepare(region)
        touching = shapely.intersects(region, cells)
        cut = polygonal(shapely.intersection(cells[touching], region, grid_size=_PRECISION_M))
        kept = shapely.area(cut) > 0
        pieces.append(cut[kept])
        order.append(place[touching][kept])
        codes += [code] * int(kept.sum())
    shapes, place = np.concatenate(pieces), np.concatenate(order)
    sequence = np.lexsort([place[:, 1], -place[:, 0]])
    return gpd.GeoDataFrame(
        {
            "unit_id": np.arange(1, len(shapes) + 1),
            "country_code": np.array(codes, dtype=object)[sequence],
            "area_km2": shapely.area(shapes[sequence]) / 1e6,
        },
        geometry=gpd.GeoSeries(shapes[sequence], crs=crs),
    )


def _projected(degrees: shapely.Geometry, crs: CRS) -> shapely.Geometry:
    """Return land in the equal-area system."""
    dense = geo.densify(degrees, max_segment_degrees=_SEGMENT_DEGREES)
    rounded = shapely.set_precision(geo.project(dense, 4326, crs), _PRECISION_M)
    whole: shapely.Geometry = polygonal(np.array([rounded], dtype=object))[0]
    return whole


def _grid(bounds: Floats, area_m2: float, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole cells that cover a window, and row and column of each; the grid does not depend on the window."""
    west, south, east, north = (float(value) for value in bounds)
    if shape == "square":
        wide = high = math.sqrt(area_m2)
        corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * wide
    else:
        side = math.sqrt(2 * area_m2 / (3 * math.sqrt(3)))
        wide, high = math.sqrt(3) * side, 1.5 * side
        corners = np.array([(0, 1), (-0.5, 0.5), (-0.5, -0.5), (0, -1), (0.5, -0.5), (0.5, 0.5)]) * (wide, side)
    rows = np.arange(math.floor(south / high) - 1, math.ceil(north / high) + 2)
    columns = np.arange(math.floor(west / wide) - 1, math.ceil(east / wide) + 2)
    if len(rows) * len(columns) > _MOST_UNITS:
        problem = f"the region would have about {len(rows) * len(columns):,} units"
        expected = f"larger units: at most {_MOST_UNITS:,}"
        raise InputError(
            problem, column="unit_km2", value=f"{area_m2 / 1e6:g}", expected=expected, code="UNITS_TOO_MANY"
        )
    row, column = (part.ravel() for part in np.meshgrid(rows, columns, indexing="ij"))
    x = (column + (0.5 * (row % 2) if shape == "hexagon" else 0.0)) * wide
    points = np.column_stack([x, row * high])[:, np.newaxis] + corners
    # Corners are rounded like the land, so that neighbours share theirs.
    cells: np.ndarray = np.asarray(shapely.polygons(np.round(points / _PRECISION_M) * _PRECISION_M))
    return cells, np.column_stack([row, column])


def costs_by_country(units: gpd.GeoDataFrame, per_km2: Mapping[str, float]) -> Floats:
    """Return each unit's cost: its area times what a square kilometre costs in its country.

    Raises
    ------
    InputError
        If a country has no cost.
    """
    if missing := sorted(set(units["country_code"]) - set(per_km2)):
        problem = "there is no cost for this country"
        raise InputError(problem, column="country_code", value=missing[0], code="COST_MISSING")
    rates = np.array([per_km2[code] for code in units["country_code"]], dtype=np.float64)
    return units["area_km2"].to_numpy(dtype=np.float64) * rates


def boundary_of(units: gpd.GeoDataFrame, *, penalty: float) -> Boundary:
    """Return the lengths that units share, and what is left of each outline.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        In a system in metres.
    penalty : float
        Cost of a kilometre.

    Returns
    -------
    Boundary
        Lengths in kilometres; each pair once, the lower unit first. Units on both sides of a border share it.
    """
    shapes = units.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    outlines = shapely.boundary(shapes)
    shared = shapely.length(shapely.intersection(outlines[first], outlines[second], grid_size=10 * _PRECISION_M)) / 1000
    touching = shared > 1e-3
    first, second, shared = first[touching], second[touching], shared[touching]
    order = np.lexsort([second, first])
    first, second, shared = first[order].astype(np.int64), second[order].astype(np.int64), shared[order]
    n = len(units)
    outer = shapely.length(shapes) / 1000 - np.bincount(first, shared, n) - np.bincount(second, shared, n)
    outer[outer < 1e-3] = 0.0
    return Boundary(first, second, shared, outer, penalty)


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
