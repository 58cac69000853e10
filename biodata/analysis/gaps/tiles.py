"""How much of many polygons each of many layers covers, exactly, without laying each polygon over each layer.

Polygons and layers are cut once along the lines of one grid of tiles. Where a polygon holds whole tiles, the layers'
areas there are added up from a table of sums; only in the tiles that its edge crosses is anything overlaid, and there with
small parts. So the work grows with the length of edges, and not with areas or with how many sites lie inside a range.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis.areas import polygonal
from biodata.geo import Floats, Geometries, in_threads
from biodata.places.borders import ranges

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

TILE_M: Final = 50_000.0
_MOST_TILES: Final = 100_000
_PAIRS_AT_ONCE: Final = 200_000
_WHOLE: Final = 1 - 1e-9
"""A part that covers more than this share of its block covers all of it."""


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
    _add_edges(result, _taken(cut, ~whole), table, side)
    return result / 1e6


def _add_edges(result: Floats, parts: _Blocks, table: _Blocks, side: int) -> None:
    """Add what parts of features share with the layers in their tiles; parts and layers are overlaid pair by pair."""
    order = np.argsort(table.row * side + table.column, kind="stable")
    table = _taken(table, order)
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
        found.append(_taken(blocks, whole if level else np.ones(len(owner), dtype=bool)))
        if level:
            shapes, owner, row, column = _quarters(_taken(blocks, ~whole), level - 1, tiling)
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
    big = _taken(blocks, large)
    side = 2**big.level
    of, within = ranges(np.zeros(len(side), dtype=np.int64), side**2)
    row, column = (big.row * side)[of] + within // side[of], (big.column * side)[of] + within % side[of]
    tiles = _Blocks(
        big.owner[of], np.zeros(len(of), np.int64), row, column, tiling.boxes(0, row, column), np.ones(len(of), bool)
    )
    return _joined([_taken(blocks, ~large), tiles])


def _joined(blocks: list[_Blocks]) -> _Blocks:
    columns: Any = zip(*blocks, strict=True)
    return _Blocks(*(np.concatenate(parts) for parts in columns))


def _taken(blocks: _Blocks, which: NDArray[np.bool_] | Longs) -> _Blocks:
    columns: Any = blocks
    return _Blocks(*(column[which] for column in columns))


def _only_polygons(shapes: Geometries) -> Geometries:
    """Return what an overlay left without points and lines."""
    other = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (3, 6)))
    shapes[other] = polygonal(shapes[other])
    return shapes
