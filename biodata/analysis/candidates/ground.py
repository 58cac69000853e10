"""Ground that is looked at: areas that face each other, joined into a polygon with its sides, land and habitat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from biodata import places
from biodata.analysis.areas import differ, km2, polygonal
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import cells_inside
from biodata.core import geo, grouped

if TYPE_CHECKING:
    from biodata.places import BoundarySet


Pair = tuple[str, str]


Side = tuple[str, ...]
_SEAM_M: Final = 50.0
"""Gaps up to this wide come from rounding between systems and are closed."""
_EIGHT = np.ones((3, 3), dtype=np.int8)


@dataclass(frozen=True, slots=True)
class Facing:
    """Two areas that are looked at together: how far apart, and the corridor between them if one was sought."""

    distance_m: float
    corridor: dict[str, Any] | None

    @property
    def functional(self) -> bool | None:
        """Whether a corridor joins them; None where none was sought."""
        return None if self.corridor is None else bool(self.corridor["functional"])


@dataclass(frozen=True, slots=True)
class Ground:
    """Ground on two sides of a border or more that could become one reserve.

    Attributes
    ----------
    name : str
    area_ids : tuple of str
        The protected areas that it would join; empty for a cluster of cells.
    sides : list of tuple of str
        Country codes of each side.
    polygon : shapely geometry
        Degrees, WGS 84.
    links : mapping of (str, str) to Facing
        What is known of each two of its areas.
    area_names : mapping of str to str
        Names of the areas by their ids.
    spill_km2 : mapping of str to float
        What each area holds beyond its stated country, by its name, km²: cut off before anything was measured.
    notes : list of str
        What was done to get the polygon.
    """

    name: str
    area_ids: tuple[str, ...]
    sides: list[Side]
    polygon: shapely.Geometry
    links: Mapping[Pair, Facing] = field(default_factory=dict)
    area_names: Mapping[str, str] = field(default_factory=dict)
    spill_km2: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def codes(self) -> list[str]:
        """Codes of all its countries."""
        return sorted({code for side in self.sides for code in side})


def land_of(side: Side, boundaries: "BoundarySet", window: shapely.Geometry) -> shapely.Geometry:
    """Return a side's land inside a window (degrees, WGS 84); empty where the set knows none of its countries.

    Polygons alone: a window whose edge runs along the border touches the other country in a line, which is no land, and
    GEOS refuses shapes of mixed dimensions.
    """
    known = set(boundaries.units["country_code"])
    lands = [shapely.intersection(places.country_geometry(code, boundaries), window) for code in side if code in known]
    return shapely.union_all(polygonal(np.array(lands, dtype=object)))


def beyond_band(ground: Ground, boundaries: "BoundarySet") -> dict[Side, shapely.Geometry]:
    """Return, by side, the ground on its own land that lies farther from every other side's land than the band.

    What lies inside the band may belong to either side: on another map it is the other's.

    Parameters
    ----------
    ground : Ground
    boundaries : BoundarySet

    Returns
    -------
    dict of tuple of str to shapely geometry
        Degrees, WGS 84; empty where a side has no such ground.
    """
    bounds = shapely.bounds(ground.polygon)
    crs = geo.equal_area_crs(bounds)
    polygon = geo.project(ground.polygon, 4326, crs)
    # Wide enough for the band at any latitude of the region.
    window = shapely.buffer(shapely.box(*bounds), 1.5 * boundaries.band_m / 1e5)
    lands = [geo.project(land_of(side, boundaries, window), 4326, crs) for side in ground.sides]
    found: dict[Side, shapely.Geometry] = {}
    for number, side in enumerate(ground.sides):
        others = shapely.union_all([land for i, land in enumerate(lands) if i != number])
        near = shapely.buffer(others, boundaries.band_m)
        found[side] = geo.project(shapely.difference(shapely.intersection(polygon, lands[number]), near), crs, 4326)
    return found


def country_shares(polygon: shapely.Geometry, boundaries: "BoundarySet") -> dict[str, Any]:
    """Return whose land a polygon lies on, on this boundary set, measured on the ellipsoid.

    Parameters
    ----------
    polygon : shapely geometry
        Degrees, WGS 84.
    boundaries : BoundarySet

    Returns
    -------
    dict
        `area_km2`; `countries`: km2 and percent by country code, every country that it touches; `disputed`: the same by
        name of ground that the set gives to no side; `no_land`: the same of what is no land on this set.
    """
    whole = km2(polygon)
    hits = boundaries.tree.query(polygon, predicate="intersects")
    parts: dict[tuple[bool, str], float] = {}
    measured = geo.area_km2([shapely.intersection(boundaries.shapes[i], polygon) for i in hits])
    units = boundaries.units.select("country_code", "name")
    for i, found in zip(hits, measured, strict=True):
        code, name = units.row(int(i))
        parts[code is None, code or name] = parts.get((code is None, code or name), 0.0) + float(found)

    def as_numbers(amount: float) -> dict[str, float]:
        return {"km2": round(amount, 3), "percent": round(100 * amount / whole, 2) if whole > 0 else 0.0}

    ordered = sorted((key, value) for key, value in parts.items() if value >= 0.0005)
    return {
        "area_km2": round(whole, 3),
        "countries": {name: as_numbers(value) for (disputed, name), value in ordered if not disputed},
        "disputed": {name: as_numbers(value) for (disputed, name), value in ordered if disputed},
        "no_land": as_numbers(max(0.0, whole - float(np.sum(measured)))),
    }


def pairs(table: gpd.GeoDataFrame, corridors: pl.DataFrame, *, distance_m: float) -> dict[Pair, Facing]:
    """Return the pairs of areas of different countries that face each other or between which a corridor was sought.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Columns area_id, country_codes; degrees, WGS 84.
    corridors : polars.DataFrame of terms.CORRIDOR
    distance_m : float
        Areas whose edges lie this near face each other, metres.

    Returns
    -------
    dict of (str, str) to Facing
        By the two area ids, the lower first.
    """
    if table.empty:
        return {}
    found: dict[Pair, Facing] = {}
    ids, codes = table["area_id"].to_list(), dict(zip(table["area_id"], table["country_codes"], strict=True))
    for row in corridors.iter_rows(named=True):
        first, second = sorted((row["from_area_id"], row["to_area_id"]))
        if first in codes and second in codes and differ(codes[first], codes[second]):
            found[first, second] = Facing(row["euclidean_m"], row)
    crs = geo.equal_area_crs(table.total_bounds)
    shapes = geo.project(table.geometry.to_numpy(), 4326, crs)
    # The system stretches distances far from its middle by a few percent: take more, then measure on the ellipsoid.
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=distance_m * 1.2)
    for i, j in near.T[near[0] < near[1]]:
        first, second = sorted((ids[i], ids[j]))
        if (first, second) in found or not differ(codes[first], codes[second]):
            continue
        line = geo.project(shapely.get_coordinates(shapely.shortest_line(shapes[i], shapes[j])), crs, 4326)
        apart_m = float(geo.geodesic_distance_m(*line[0], *line[1]))
        if apart_m <= distance_m:
            found[first, second] = Facing(apart_m, None)
    return dict(sorted(found.items()))


def triples(linked: list[Pair]) -> list[tuple[str, str, str]]:
    """Return the triples of areas in which every two are such a pair, so that their countries are three."""
    beside = grouped([*linked, *((second, first) for first, second in linked)])
    return [
        (first, second, third)
        for first, second in linked
        for third in sorted({*beside[first]} & {*beside[second]})
        if third > second
    ]


def joined(shapes: NDArray[np.object_], corridors: list[shapely.Geometry]) -> tuple[shapely.Geometry, list[str]]:
    """Join areas by their corridors, or over the gap between them where there is none.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons
        The areas; degrees, WGS 84.
    corridors : list of shapely polygons
        Corridors between them; degrees, WGS 84.

    Returns
    -------
    polygon : shapely geometry
        One piece that reaches every area; detached pieces of areas and corridors are left out.
    notes : list of str
        What was done to get there.
    """
    crs = geo.equal_area_crs(shapely.total_bounds(shapes))
    own = shapely.make_valid(geo.project(shapes, 4326, crs))
    ways = geo.project(np.array(corridors, dtype=object), 4326, crs) if corridors else np.array([], dtype=object)
    notes = []
    piece = _piece(own, ways)
    if piece is None:
        notes.append(
            "No corridor joins the areas: the polygon holds the convex hull of the fronts that face each other."
        )
        piece = _piece(own, np.array([*ways, *_hulls(own)], dtype=object))
    if piece is None:
        piece = shapely.convex_hull(shapely.union_all(own))
    area = float(shapely.area(shapely.union_all(own)))
    left_out = 1 - float(shapely.area(shapely.intersection(piece, shapely.union_all(own)))) / area
    if left_out > 0.001:
        notes.append(f"Detached pieces of the areas are left out of the polygon: {left_out:.1%} of their ground.")
    return shapely.make_valid(geo.project(piece, crs, 4326)), notes


def without_partner(
    areas: gpd.GeoDataFrame, pairs: Iterable[Pair], boundaries: "BoundarySet", distance_m: float
) -> dict[str, list[str]]:
    """Return, by the area's name, the countries whose land lies near it and of which no area was set beside it.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        As `areas.geodataframe` returns it.
    pairs : iterable of (str, str)
        Ids of areas that were set beside each other.
    boundaries : BoundarySet
    distance_m : float
        How far is near.
    """
    stated = dict(zip(areas["area_id"], areas["country_codes"], strict=True))
    met = {area_id: set(codes) for area_id, codes in stated.items()}
    for first, second in pairs:
        met[first] |= set(stated[second])
        met[second] |= set(stated[first])
    codes = [code for code in boundaries.units["country_code"].unique().sort().to_list() if code]
    tree = shapely.STRtree([places.country_geometry(code, boundaries) for code in codes])
    found: dict[str, list[str]] = {}
    for area_id, name, shape in zip(areas["area_id"], areas["name"], areas.geometry, strict=True):
        near = {codes[n] for n in tree.query(grown(shape, distance_m), predicate="intersects")}
        if lacking := sorted(near - met[area_id]):
            found[name] = lacking
    return found


def grown(polygon: shapely.Geometry, distance_m: float) -> shapely.Geometry:
    """Return a polygon with a margin of so many metres (degrees, WGS 84)."""
    crs = geo.equal_area_crs(shapely.bounds(polygon))
    wide: shapely.Geometry = geo.project(shapely.buffer(geo.project(polygon, 4326, crs), distance_m), crs, 4326)
    return wide


def _piece(own: NDArray[np.object_], ways: NDArray[np.object_]) -> shapely.Geometry | None:
    """Return the largest piece of the union that reaches every area; None where there is none."""
    union = shapely.buffer(shapely.buffer(shapely.union_all([*own, *ways]), _SEAM_M), -_SEAM_M)
    pieces = shapely.get_parts(union)
    reaching = [piece for piece in pieces if shapely.intersects(own, piece).all()]
    return max(reaching, key=shapely.area) if reaching else None


def _hulls(own: NDArray[np.object_]) -> list[shapely.Geometry]:
    """Return, for every two areas, the convex hull of what each has near the other."""
    hulls: list[shapely.Geometry] = []
    for i in range(len(own)):
        for other in own[i + 1 :]:
            near = 2 * max(float(shapely.distance(own[i], other)), _SEAM_M)
            fronts = [
                shapely.intersection(own[i], shapely.buffer(other, near)),
                shapely.intersection(other, shapely.buffer(own[i], near)),
            ]
            hulls.append(shapely.convex_hull(shapely.union_all(fronts)))
    return hulls


@dataclass(frozen=True, slots=True)
class Habitat:
    """Which cells of a grid are habitat.

    Attributes
    ----------
    grid : Grid
    cells : ndarray of bool, grid.shape
        True where the resistance is known and low.
    known : ndarray of bool, grid.shape
        True where the resistance is known.
    limit : float
        Resistance up to which a cell is habitat.
    """

    grid: Grid
    cells: NDArray[np.bool_]
    known: NDArray[np.bool_]
    limit: float


@dataclass(frozen=True, slots=True)
class Crossing:
    """Habitat of some ground.

    Attributes
    ----------
    crossing_km2 : float
        Habitat in pieces that hold ground of two sides or more beyond the band, km².
    habitat_km2, known_km2, ground_km2 : float
        All habitat, all ground whose resistance is known, and all ground, km².
    """

    crossing_km2: float
    habitat_km2: float
    known_km2: float
    ground_km2: float


def of_resistance(resistance: Floats, grid: Grid, *, limit: float) -> Habitat:
    """Return which cells are habitat.

    Parameters
    ----------
    resistance : ndarray of float64, grid.shape
        nan where not known.
    grid : Grid
        Of square cells.
    limit : float
        Resistance up to which a cell is habitat.
    """
    known = np.isfinite(resistance)
    return Habitat(grid, known & (np.where(known, resistance, np.inf) <= limit), known, limit)


def crossing(habitat: Habitat, polygon: shapely.Geometry, beyond: Mapping[Side, shapely.Geometry]) -> Crossing:
    """Measure the habitat of some ground that goes on over the border, inside that ground alone.

    Parameters
    ----------
    habitat : Habitat
    polygon : shapely geometry
        Degrees, WGS 84.
    beyond : mapping of side to shapely geometry
        Each side's ground beyond the band, as `ground.beyond_band` returns it.

    Returns
    -------
    Crossing
        In whole cells.
    """
    grid = habitat.grid
    cell_km2 = grid.cell_m**2 / 1e6
    inside = _cells(polygon, grid)
    mask = np.zeros(grid.cells, dtype=bool)
    mask[inside] = True
    mask &= habitat.cells.ravel()
    labels, count = ndimage.label(mask.reshape(grid.shape), structure=_EIGHT)
    piece = labels.ravel()
    sides = np.zeros(count + 1, dtype=np.int64)
    for own in beyond.values():
        touched = np.unique(piece[_cells(own, grid)]) if not shapely.is_empty(own) else np.zeros(0, dtype=np.int64)
        sides[touched] += 1
    sides[0] = 0
    of_piece = np.bincount(piece, minlength=count + 1)
    return Crossing(
        crossing_km2=round(float(of_piece[sides >= 2].sum()) * cell_km2, 6),
        habitat_km2=round(float(mask.sum()) * cell_km2, 6),
        known_km2=round(float(habitat.known.ravel()[inside].sum()) * cell_km2, 6),
        ground_km2=round(float(inside.size) * cell_km2, 6),
    )


def _cells(polygon: shapely.Geometry, grid: Grid) -> Ints:
    """Return the cells whose centres a polygon (degrees, WGS 84) holds."""
    return cells_inside(geo.project(polygon, 4326, grid.crs), grid)
