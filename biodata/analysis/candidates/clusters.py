"""Candidates where no protected areas stand: connected cells along a border, near records on both sides.

The worth of a cell for one species is exp(-d / r) of its distance to the nearest record that counts on its own side,
times the same for the other side: it is high only where both are near. Worths of species that both sides have are
added up. Clusters grow from the cells of most worth until together they have their share of the land.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from biodata import places
from biodata.analysis.candidates.criteria import CandidateParameters
from biodata.analysis.candidates.ground import Ground
from biodata.analysis.grid import Floats, Grid, Ints, equal_area_grid
from biodata.analysis.rasters import cells_inside, outline
from biodata.core import geo

if TYPE_CHECKING:
    import polars as pl

    from biodata.places import BoundarySet


Border = tuple[str, str]


Points = Mapping[tuple[str, str], Floats]
"""x and y of records that count, in the grid's system, shape (n, 2), by country code and species."""
_LEAST_WORTH: Final = np.exp(-6.0)
"""Cells of less worth are taken for none: the two distances together are six times the reach."""


@dataclass(frozen=True, eq=False, slots=True)
class Strip:
    """The land along one border.

    Attributes
    ----------
    border : tuple of str
        The two country codes in order.
    cells : ndarray of int64, (n,)
        Flat indexes of both countries' cells within the reach of the other's land.
    first : ndarray of bool, (n,)
        True for cells of the first country.
    """

    border: Border
    cells: Ints
    first: NDArray[np.bool_]


def strips(boundaries: "BoundarySet", grid: Grid, *, reach_m: float) -> list[Strip]:
    """Return the land along every border inside a grid.

    Parameters
    ----------
    boundaries : BoundarySet
    grid : Grid
        Of square cells.
    reach_m : float
        How far from the other country's land, metres, from cell to cell.
    """
    west, south, east, north = grid.bounds
    window = geo.project(shapely.segmentize(shapely.box(west, south, east, north), 20_000), grid.crs, 4326)
    near = boundaries.tree.query(window, predicate="intersects")
    codes = sorted({code for code in boundaries.units["country_code"].to_list() if code is not None})
    present = {boundaries.units["country_code"][int(i)] for i in near}
    cells: dict[str, Ints] = {}
    for code in (c for c in codes if c in present):
        land = shapely.intersection(places.country_geometry(code, boundaries), window)
        inside = cells_inside(geo.project(land, 4326, grid.crs), grid)
        if inside.size:
            cells[code] = inside
    found = []
    for one, other in combinations(sorted(cells), 2):
        xy_one, xy_other = (middles(cells[code], grid) for code in (one, other))
        near_one = np.asarray(cKDTree(xy_other).query(xy_one, distance_upper_bound=reach_m)[0]) <= reach_m
        near_other = np.asarray(cKDTree(xy_one).query(xy_other, distance_upper_bound=reach_m)[0]) <= reach_m
        if near_one.any():
            both = np.concatenate([cells[one][near_one], cells[other][near_other]])
            found.append(Strip((one, other), both, np.arange(both.size) < near_one.sum()))
    return found


def middles(cells: Ints, grid: Grid) -> Floats:
    """Return x and y of cells' middles."""
    return grid.centres(*np.divmod(cells, grid.shape[1]))


@dataclass(frozen=True, eq=False, slots=True)
class Cluster:
    """Cells that touch and lie on both sides of a border.

    Attributes
    ----------
    border : tuple of str
    cells : ndarray of int64
        Flat indexes.
    worth : float
        Sum of its cells' worths.
    """

    border: Border
    cells: Ints
    worth: float


def points_of(records: "pl.DataFrame", grid: Grid) -> Points:
    """Return the places of records by their `side` and species; those of no side are left out."""
    found: dict[tuple[str, str], Floats] = {}
    for (code, species), rows in records.drop_nulls("side").group_by(["side", "species"], maintain_order=True):
        lonlat = rows.select("decimalLongitude", "decimalLatitude").to_numpy()
        found[str(code), str(species)] = np.asarray(geo.project(lonlat, 4326, grid.crs), dtype=np.float64)
    return found


def worths(strip: Strip, points: Points, grid: Grid, *, reach_m: float) -> Floats:
    """Return the two-sided worth of each cell of a strip.

    Parameters
    ----------
    strip : Strip
    points : mapping of (country code, species) to ndarray of float64, (n, 2)
    grid : Grid
    reach_m : float
        Distance at which the worth of a record has fallen to 1/e, metres.

    Returns
    -------
    ndarray of float64, (n,)
        The number of species at most; 0 where nothing is near on both sides.
    """
    one, other = strip.border
    xy = middles(strip.cells, grid)
    total = np.zeros(strip.cells.size)
    for species in sorted(
        {name for code, name in points if code == one} & {name for code, name in points if code == other}
    ):
        near = [cKDTree(points[code, species]).query(xy)[0] for code in (one, other)]
        worth = np.exp(-(near[0] + near[1]) / reach_m)
        total += np.where(worth >= _LEAST_WORTH, worth, 0.0)
    return total


def clusters(
    along: Sequence[Strip], worth_along: Sequence[Floats], grid: Grid, *, share: float, most: int, apart_m: float
) -> list[Cluster]:
    """Return clusters of the cells of most worth, the one of most worth first.

    A cluster grows from the free cell of most worth to the neighbours of most worth, along one border, until it has its
    part of the land: `share` of the strips' land by `most`. So one rich border does not take all of it.

    Parameters
    ----------
    along : sequence of Strip
    worth_along : sequence of ndarray of float64
        `worths` of each strip.
    grid : Grid
    share : float
        Largest share of the strips' land that all clusters take.
    most : int
        Largest number of clusters.
    apart_m : float
        Nothing grows so near to a cluster again, metres: what is left of its surroundings is no cluster of its own.

    Returns
    -------
    list of Cluster
        Only those with cells on both sides.
    """
    best = np.zeros(grid.cells)
    border_of = np.full(grid.cells, -1, dtype=np.int64)
    first = np.zeros(grid.cells, dtype=bool)
    land = np.zeros(grid.cells, dtype=bool)
    for number, (strip, worth) in enumerate(zip(along, worth_along, strict=True)):
        land[strip.cells] = True
        better = worth > best[strip.cells]
        at = strip.cells[better]
        best[at], border_of[at], first[at] = worth[better], number, strip.first[better]
    size = int(share * land.sum() / most) if most else 0
    free = best > 0
    found: list[Cluster] = []
    if size < 2:
        return found
    order = np.argsort(-best, kind="stable")[: int(free.sum())]
    for seed in order:
        if len(found) == most:
            break
        if not free[seed]:
            continue
        cells = _grown(int(seed), free & (border_of == border_of[seed]), best, grid, size)
        free[cells] = False
        if first[cells].any() and not first[cells].all():
            found.append(Cluster(along[border_of[seed]].border, cells, float(best[cells].sum())))
            rest = np.flatnonzero(free)
            near = cKDTree(middles(cells, grid)).query(middles(rest, grid), distance_upper_bound=apart_m)[0]
            free[rest[np.isfinite(near)]] = False
    return sorted(found, key=lambda one: (-one.worth, one.border, int(one.cells[0])))


def _grown(seed: int, open_cells: NDArray[np.bool_], worth: Floats, grid: Grid, size: int) -> Ints:
    """Grow from a cell to the neighbours of most worth; of equal ones to the nearest of the seed."""
    rows, columns = grid.shape
    seed_row, seed_column = divmod(seed, columns)
    taken: list[int] = []
    seen = {seed}
    queue = [(-worth[seed], 0, seed)]
    while queue and len(taken) < size:
        _, _, cell = heapq.heappop(queue)
        taken.append(cell)
        row, column = divmod(cell, columns)
        for near_row in range(max(0, row - 1), min(rows, row + 2)):
            for near_column in range(max(0, column - 1), min(columns, column + 2)):
                near = near_row * columns + near_column
                if near not in seen and open_cells[near]:
                    seen.add(near)
                    apart = (near_row - seed_row) ** 2 + (near_column - seed_column) ** 2
                    heapq.heappush(queue, (-round(float(worth[near]), 9), apart, near))
    return np.sort(np.array(taken, dtype=np.int64))


def grounds(
    records: "pl.DataFrame",
    boundaries: "BoundarySet",
    window: tuple[float, float, float, float],
    parameters: CandidateParameters,
) -> Iterator[Ground]:
    """Yield clusters of a window as ground to be looked at.

    Parameters
    ----------
    records : polars.DataFrame
        Those that count, and are open, for outlines follow them: `species`, `side` (country code), decimalLongitude and
        decimalLatitude.
    boundaries : BoundarySet
    window : west, south, east, north
        Degrees, WGS 84.
    parameters : CandidateParameters
    """
    if records.is_empty() or parameters.most_clusters == 0:
        return
    grid = equal_area_grid(window, parameters.cluster_cell_m)
    along, points = strips(boundaries, grid, reach_m=parameters.border_reach_m), points_of(records, grid)
    worth = [worths(strip, points, grid, reach_m=parameters.cluster_reach_m) for strip in along]
    found = clusters(
        along, worth, grid,
        share=parameters.cluster_share, most=parameters.most_clusters, apart_m=parameters.cluster_reach_m,
    )  # fmt: skip
    numbers: dict[Border, int] = {}
    for cluster in found:
        numbers[cluster.border] = numbers.get(cluster.border, 0) + 1
        yield Ground(
            name=f"Border ground {' – '.join(cluster.border)} {numbers[cluster.border]}",
            area_ids=(),
            sides=[(code,) for code in cluster.border],
            polygon=polygon_of(cluster, grid),
            notes=[
                "A cluster of cells near open records of the same species on both sides; it follows no protected area."
            ],
        )


def polygon_of(cluster: Cluster, grid: Grid) -> shapely.Geometry:
    """Return a cluster's outline as one piece, degrees, WGS 84."""
    mask = np.zeros(grid.shape, dtype=bool)
    rows, columns = np.divmod(cluster.cells, grid.shape[1])
    mask[rows, columns] = True
    # Cells that touch at a corner only become one piece.
    whole = shapely.buffer(outline(mask, grid, 0, 0), grid.cell_m / 100, join_style="mitre")
    polygon: shapely.Geometry = shapely.make_valid(geo.project(whole, grid.crs, 4326))
    return polygon
