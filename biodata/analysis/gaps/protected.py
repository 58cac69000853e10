"""Protected ground on a plane: the union of areas by class, in tiles.

Polygons and layers are cut once along the lines of one grid of tiles. Where a polygon holds whole tiles, the layers'
areas there are added up from a table of sums; only in the tiles that its edge crosses is anything overlaid, and there with
small parts. So the work grows with the length of edges, and not with areas or with how many sites lie inside a range.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.analysis.areas import polygonal
from biodata.core import geo
from biodata.core.geo import Floats, Geometries, area_km2, equal_area_crs, in_threads, project
from biodata.places.borders import ranges

PLANE: Final = "EPSG:6933"
"""WGS 84 / NSIDC EASE-Grid 2.0 Global; areas on it are those of the ellipsoid."""

_LONGEST_DEGREES: Final = 0.05
"""An edge is straight in degrees; projected by its ends alone one of this length strays by less than half a metre."""


Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]
TILE_M: Final = 50_000.0
_MOST_TILES: Final = 100_000
_PAIRS_AT_ONCE: Final = 200_000
_WHOLE: Final = 1 - 1e-9
"""A part that covers more than this share of its block covers all of it."""
IN_FORCE: Final = "in force"
WITH_PROPOSED: Final = "with proposed"
AMOUNTS: Final = pl.Schema(
    {
        "feature": pl.Int64,
        "what": pl.String,
        "country_code": pl.String,
        "kind": pl.String,
        "realm": pl.String,
        "circle": pl.Boolean,
        "undated": pl.Boolean,
        "km2": pl.Float64,
    }
)
"""How much of a feature (its number) lies on a country's land, in its protected ground, or anywhere: `what` is one of
land, inner (the land that is farther than the band from every border of countries), protected, all. Of protected ground: `kind` is protected_area or oecm; `circle` is True where a point was given its
reported area, `undated` where the site tells no year."""
_LONGEST_M: Final = 5_000.0
_GROUND_KEY: Final = ("country_code", "kind", "realm", "circle", "undated")


def to_plane(shapes: Geometries) -> Geometries:
    """Return polygons (degrees, WGS 84) as valid polygons on the plane, metres; what is no polygon becomes empty."""
    found = polygonal(np.asarray(shapes, dtype=object))
    coordinates, index = shapely.get_coordinates(found, return_index=True)
    steps = np.abs(np.diff(coordinates, axis=0)).max(axis=1, initial=0.0)
    long = np.unique(index[1:][(index[1:] == index[:-1]) & (steps > _LONGEST_DEGREES)])
    found[long] = geo.densify(found[long], max_segment_degrees=_LONGEST_DEGREES)
    return polygonal(np.asarray(geo.project(found, 4326, PLANE), dtype=object))


class _Blocks(NamedTuple):
    """Parts of shapes in square blocks of tiles; of a `whole` block the shape holds all, and it may be of many tiles."""

    owner: Longs
    level: Longs
    row: Longs
    column: Longs
    shapes: Geometries
    whole: Bools


class _Tiling(NamedTuple):
    """A square grid of 2 ** `levels` tiles a side."""

    west: float
    south: float
    tile_m: float
    levels: int

    def boxes(self, level: int, row: Longs, column: Longs) -> Geometries:
        """Return blocks of 2 ** `level` tiles a side as polygons."""
        side = self.tile_m * 2**level
        west, south = self.west + column * side, self.south + row * side
        return np.asarray(shapely.box(west, south, west + side, south + side), dtype=object)


def shared_km2(features: Geometries, layers: Geometries, key: Longs, *, keys: int, tile_m: float = TILE_M) -> Floats:
    """Return how much of each feature lies in the layers of each key.

    Parameters
    ----------
    features : ndarray of n shapely polygons
        On an equal-area plane, metres, valid; an empty one shares nothing.
    layers : ndarray of m shapely polygons
        On the same plane, valid; those of one key do not overlap.
    key : ndarray of int64, length m
        0 … keys - 1.
    keys : int
        How many keys there are.
    tile_m : float
        Side of a tile, metres; doubled until there are not more than 100,000.

    Returns
    -------
    ndarray of float64, (n, keys)
        Square kilometres.
    """
    result = np.zeros((len(features), keys))
    some = np.flatnonzero(~(shapely.is_missing(features) | shapely.is_empty(features)))
    if not len(some) or not len(layers):
        return result
    tiling = _tiling(features[some], tile_m)
    side = 2**tiling.levels
    cut = _cut(features[some], some, tiling)
    table = _expanded(_cut(*_near(layers, key, tiling), tiling), tiling)
    sums = np.zeros((side + 1, side + 1, keys))
    area = np.where(table.whole, tiling.tile_m**2, shapely.area(table.shapes))
    np.add.at(sums, (table.row + 1, table.column + 1, table.owner), area)
    sums = sums.cumsum(axis=0).cumsum(axis=1)
    whole = cut.whole
    step = 2 ** cut.level[whole]
    south, west = cut.row[whole] * step, cut.column[whole] * step
    north, east = south + step, west + step
    inside = sums[north, east] - sums[south, east] - sums[north, west] + sums[south, west]
    np.add.at(result, cut.owner[whole], np.maximum(inside, 0.0))
    _add_edges(result, _chosen_blocks(cut, ~whole), table, side)
    return result / 1e6


def _add_edges(result: Floats, parts: _Blocks, table: _Blocks, side: int) -> None:
    """Add what parts of features share with the layers in their tiles; parts and layers are overlaid pair by pair."""
    order = np.argsort(table.row * side + table.column, kind="stable")
    table = _chosen_blocks(table, order)
    tile, asked = table.row * side + table.column, parts.row * side + parts.column
    start = np.searchsorted(tile, asked)
    part, at = ranges(start, np.searchsorted(tile, asked, side="right") - start)
    for begin in range(0, len(part), _PAIRS_AT_ONCE):
        p, t = part[begin : begin + _PAIRS_AT_ONCE], at[begin : begin + _PAIRS_AT_ONCE]
        area = np.where(table.whole[t], shapely.area(parts.shapes[p]), 0.0)
        meets = np.flatnonzero(~table.whole[t] & _boxes_meet(parts.shapes[p], table.shapes[t]))
        if len(meets):
            area[meets] = shapely.area(in_threads(shapely.intersection, parts.shapes[p[meets]], table.shapes[t[meets]]))
        np.add.at(result, (parts.owner[p], table.owner[t]), area)


def _boxes_meet(first: Geometries, second: Geometries) -> Bools:
    """Tell of pairs whether the boxes around them meet."""
    a, b = shapely.bounds(first), shapely.bounds(second)
    return np.asarray(
        (a[:, 0] < b[:, 2]) & (b[:, 0] < a[:, 2]) & (a[:, 1] < b[:, 3]) & (b[:, 1] < a[:, 3]), dtype=np.bool_
    )


def _tiling(features: Geometries, tile_m: float) -> _Tiling:
    """Return the grid of tiles that holds all features."""
    west, south, east, north = shapely.total_bounds(features)
    while ((east - west) / tile_m + 1) * ((north - south) / tile_m + 1) > _MOST_TILES:
        tile_m *= 2
    tiles = max(east - west, north - south) / tile_m
    return _Tiling(west, south, tile_m, int(np.ceil(np.log2(max(tiles, 1.0)))))


def _near(layers: Geometries, key: Longs, tiling: _Tiling) -> tuple[Geometries, Longs]:
    """Return the parts of layers on the grid, and their keys."""
    (grid,) = tiling.boxes(tiling.levels, np.zeros(1, np.int64), np.zeros(1, np.int64))
    rows = np.sort(shapely.STRtree(layers).query(grid, predicate="intersects"))
    parts = layers[rows].copy()
    out = np.flatnonzero(~shapely.covers(grid, parts))
    parts[out] = _only_polygons(in_threads(shapely.intersection, parts[out], np.full(len(out), grid, dtype=object)))
    kept = ~shapely.is_empty(parts)
    return parts[kept], key[rows[kept]]


def _cut(shapes: Geometries, owner: Longs, tiling: _Tiling) -> _Blocks:
    """Cut shapes along the tiles' lines, by halves: a block that a shape fills is not cut further."""
    row = column = np.zeros(len(shapes), dtype=np.int64)
    found: list[_Blocks] = []
    for level in range(tiling.levels, -1, -1):
        whole = shapely.area(shapes) >= _WHOLE * (tiling.tile_m * 2**level) ** 2
        blocks = _Blocks(owner, np.full(len(owner), level, dtype=np.int64), row, column, shapes, whole)
        found.append(_chosen_blocks(blocks, whole if level else np.ones(len(owner), dtype=bool)))
        if level:
            shapes, owner, row, column = _quarters(_chosen_blocks(blocks, ~whole), level - 1, tiling)
    return _joined(found)


def _quarters(blocks: _Blocks, level: int, tiling: _Tiling) -> tuple[Geometries, Longs, Longs, Longs]:
    """Cut each block's shape into the four blocks of the next level; one that lies in a single one stays as it is."""
    at = np.repeat(np.arange(len(blocks.owner)), 4)
    row = (2 * blocks.row)[at] + np.tile([0, 0, 1, 1], len(blocks.owner))
    column = (2 * blocks.column)[at] + np.tile([0, 1, 0, 1], len(blocks.owner))
    box = tiling.boxes(level, row, column)
    meets = _boxes_meet(blocks.shapes[at], box)
    at, row, column, box = at[meets], row[meets], column[meets], box[meets]
    shapes = blocks.shapes[at]
    several = np.bincount(at, minlength=len(blocks.owner))[at] > 1
    shapes[several] = _only_polygons(in_threads(shapely.intersection, shapes[several], box[several]))
    some = ~shapely.is_empty(shapes)
    return shapes[some], blocks.owner[at[some]], row[some], column[some]


def _expanded(blocks: _Blocks, tiling: _Tiling) -> _Blocks:
    """Return whole blocks of many tiles as those tiles."""
    large = blocks.whole & (blocks.level > 0)
    big = _chosen_blocks(blocks, large)
    side = 2**big.level
    of, within = ranges(np.zeros(len(side), dtype=np.int64), side**2)
    row, column = (big.row * side)[of] + within // side[of], (big.column * side)[of] + within % side[of]
    tiles = _Blocks(
        big.owner[of], np.zeros(len(of), np.int64), row, column, tiling.boxes(0, row, column), np.ones(len(of), bool)
    )
    return _joined([_chosen_blocks(blocks, ~large), tiles])


def _joined(blocks: list[_Blocks]) -> _Blocks:
    columns: Any = zip(*blocks, strict=True)
    return _Blocks(*(np.concatenate(parts) for parts in columns))


def _chosen_blocks(blocks: _Blocks, which: NDArray[np.bool_] | Longs) -> _Blocks:
    columns: Any = blocks
    return _Blocks(*(column[which] for column in columns))


def _only_polygons(shapes: Geometries) -> Geometries:
    """Return what an overlay left without points and lines."""
    other = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (3, 6)))
    shapes[other] = polygonal(shapes[other])
    return shapes


@dataclass(frozen=True, slots=True, eq=False)
class Protected:
    """What was protected at a date.

    Attributes
    ----------
    scenario : str
        IN_FORCE or WITH_PROPOSED.
    as_of : date
        Sites of later years are left out; those that state no year are kept and distinguished.
    ground : polars.DataFrame
        country_code, kind, realm, site, geometry_kind, status_year, km2, and geometry as WKB on `plane.PLANE`, as
        `harmonise.area_cleaning` tells it of each country: no ground twice, and nothing beyond the border of a country
        that the site states.
    apart : polars.DataFrame
        By country_code, kind and realm: border_disagreement_km2, elsewhere_km2 and coast_disagreement_km2, which are
        counted for nobody.
    not_mapped : polars.DataFrame
        By country_code: sites, claimed_km2, without_area, of sites of this date and choice that nobody can draw.
    facts : dict
        Source and version of the areas, statuses, boundary set, its version, viewpoint and band, as plain values.
    """

    scenario: str
    as_of: date
    ground: pl.DataFrame
    apart: pl.DataFrame
    not_mapped: pl.DataFrame
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Land of countries and protected ground, to be measured inside features.

    Attributes
    ----------
    shapes : ndarray of n shapely polygons
        On `plane.PLANE`.
    key : ndarray of int64, length n
        Row of `keys`.
    keys : polars.DataFrame
        The columns of AMOUNTS without `feature` and `km2`.
    """

    shapes: Geometries
    key: Longs
    keys: pl.DataFrame


def layers_of(protected: Protected, countries: list[str], boundaries: places.BoundarySet) -> Layers:
    """Return the land of countries, and the ground that is protected in them and at sea by them.

    Parameters
    ----------
    protected : Protected
    countries : list of str
        ISO 3166-1 alpha-2 codes.
    boundaries : BoundarySet
    """
    land = to_plane(np.array([places.country_geometry(code, boundaries) for code in countries], dtype=object))
    inner = shapely.difference(land, _band(tuple(countries), boundaries))
    ground = keyed_ground(protected, countries)
    keys = ground.select(_GROUND_KEY).unique(maintain_order=True).with_row_index("key", offset=2 * len(countries))
    at = ground.join(keys, on=_GROUND_KEY, how="left", nulls_equal=True, maintain_order="left")["key"]
    table = pl.concat(
        [
            *(
                pl.DataFrame({"what": what, "country_code": countries}, schema_overrides={"country_code": pl.String})
                for what in ("land", "inner")
            ),
            keys.select(pl.lit("protected").alias("what"), *_GROUND_KEY),
        ],
        how="diagonal",
    )
    shapes = [*land, *inner, *shapely.from_wkb(ground["geometry"].to_numpy())]
    key = np.concatenate([np.arange(2 * len(countries)), at.to_numpy().astype(np.int64)])
    return Layers(np.array(shapes, dtype=object), key.astype(np.int64), table)


@lru_cache(maxsize=4)
def _band(countries: tuple[str, ...], boundaries: places.BoundarySet) -> shapely.Geometry:
    """Return what lies within the boundary set's band of the land borders of countries, on the plane.

    Drawn on a plane around all of them; at 2,000 km from its middle the band is a hundredth too wide or too narrow.
    """
    edges, codes = boundaries.border_edges, np.array(boundaries.countries, dtype=object)
    sides = codes[boundaries.country_of[edges.left]], codes[boundaries.country_of[edges.right]]
    ends = edges.ends[np.isin(sides[0], countries) | np.isin(sides[1], countries)]
    if not len(ends) or boundaries.band_m <= 0:
        return shapely.Polygon()
    lines = shapely.multilinestrings(list(ends.reshape(-1, 2, 2)))
    west, south, east, north = (float(value) for value in shapely.bounds(lines))
    crs = equal_area_crs((west, south, east, north))
    zone = shapely.buffer(shapely.line_merge(project(lines, 4326, crs)), boundaries.band_m, quad_segs=4)
    zone = shapely.segmentize(zone, _LONGEST_M)
    band: shapely.Geometry = to_plane(np.array([project(zone, crs, 4326)], dtype=object))[0]
    return band


def keyed_ground(protected: Protected, countries: list[str]) -> pl.DataFrame:
    """Return the ground of countries, at sea that of sites which state one of them alone, with the columns of AMOUNTS."""
    return protected.ground.filter(pl.col("country_code").is_in(countries)).with_columns(
        circle=pl.col("geometry_kind") == "circle", undated=pl.col("status_year").is_null()
    )


def amounts(features: Geometries, layers: Layers) -> pl.DataFrame:
    """Return what each feature shares with layers.

    Parameters
    ----------
    features : ndarray of n shapely polygons
        On `plane.PLANE`, valid.
    layers : Layers

    Returns
    -------
    polars.DataFrame of AMOUNTS
        One row a feature and key of which it holds more than a square metre, and one a feature of what it is in `all`.
    """
    found = shared_km2(features, layers.shapes, layers.key, keys=layers.keys.height)
    feature, key = np.nonzero(found > 1e-6)
    rows = layers.keys[key].with_columns(
        feature=pl.Series(feature, dtype=pl.Int64), km2=pl.Series(found[feature, key], dtype=pl.Float64)
    )
    whole = pl.DataFrame(
        {"feature": np.arange(len(features)), "what": "all", "km2": shapely.area(features) / 1e6},
        schema_overrides={"feature": pl.Int64, "km2": pl.Float64},
    )
    return pl.concat([whole, rows], how="diagonal_relaxed").select(
        pl.col(name).cast(dtype) if name in rows.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in AMOUNTS.items()
    )


def land_km2(code: str, boundaries: places.BoundarySet) -> float:
    """Return a country's land on the ellipsoid, km², as the boundary set draws it."""
    return float(area_km2([places.country_geometry(code, boundaries)])[0])
