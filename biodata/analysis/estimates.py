"""What a corridor run will take, told before it starts."""

import math
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from biodata import geo
from biodata.analysis.areas import differ
from biodata.analysis.corridors import CorridorParameters
from biodata.analysis.grid import Floats, Grid

# Measured on one thread (tests/benchmarks/bench_corridors.py, 4 million cells, 60 areas): the zones of all areas and their
# borders take a second for 8 million cells, a search for 26 million of its window, and a pair 15 ms besides.
_CELLS_PER_SECOND_OF_ZONES: Final = 8e6
_CELLS_PER_SECOND_OF_SEARCH: Final = 2.6e7
_SECONDS_PER_PAIR: Final = 0.015
# While the zones are made a run holds rasters and their padded copies. A search that is running holds two padded rasters
# of 8 bytes and 7 bytes of links and marks for each cell of its window, and one that waits for its pairs 9 bytes.
_BYTES_PER_CELL_OF_RUN: Final = 75
_BYTES_PER_CELL_OF_SEARCH: Final = 8 + 8 + 7 + 9
_BYTES_PER_CELL_WAITING: Final = 9
_NEIGHBOURS: Final = 6
"""Neighbours that an area has in the mean, as in any division of a plane."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take.

    Attributes
    ----------
    cells : int
        Cells of the grid.
    areas, pairs : int
        Areas that some pair needs, and pairs within the distance; those that are no neighbours fall away.
    memory_bytes : int
        Most that the run holds at a time.
    seconds : float
        On an otherwise idle machine.
    """

    cells: int
    areas: int
    pairs: int
    memory_bytes: int
    seconds: float

    def told(self) -> str:
        """Return the estimate as a line for a person."""
        memory = (
            f"{self.memory_bytes / 2**30:.1f} GiB"
            if self.memory_bytes >= 2**29
            else f"{self.memory_bytes / 2**20:.0f} MiB"
        )
        return (
            f"estimate: {self.cells:,} cells, {self.areas} areas, at most {self.pairs:,} pairs, {memory}, "
            f"{max(self.seconds, 1):,.0f} s"
        )


def corridors(
    areas: gpd.GeoDataFrame,
    grid: Grid,
    *,
    parameters: CorridorParameters,
    across_borders: bool = True,
    workers: int = 1,
) -> Estimate:
    """Estimate a run of `corridors.between` without looking at the raster.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        Columns country_codes and geometry.
    grid : Grid
    parameters : CorridorParameters
    across_borders : bool
        Whether only areas that state different countries are paired.
    workers : int
        Threads.

    Returns
    -------
    Estimate
        Each search is taken to reach somewhat farther than its six nearest areas, and no farther than the distance.
    """
    shapes = geo.project(areas.to_crs(4326).geometry.to_numpy(), 4326, grid.crs)
    window = np.array(grid.bounds)
    shapes_inside = np.flatnonzero(shapely.intersects(shapes, shapely.box(*window)))
    shapes = shapes[shapes_inside]
    codes = (
        [tuple(code) for code in areas["country_codes"].iloc[shapes_inside]] if across_borders else [()] * len(shapes)
    )
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=parameters.max_distance_m).T
    near = near[near[:, 0] < near[:, 1]]
    pairs = [(int(i), int(j)) for i, j in near if not across_borders or differ(codes[i], codes[j])]
    searching = sorted({k for pair in pairs for k in pair})
    reach = np.minimum(_reach(shapes)[searching, None], parameters.max_distance_m)
    bounds = shapely.bounds(shapes[searching]).reshape(-1, 4)
    low, high = np.maximum(bounds[:, :2] - reach, window[:2]), np.minimum(bounds[:, 2:] + reach, window[2:])
    reached = np.clip(high - low, 0, None).prod(axis=1) / abs(grid.transform.a * grid.transform.e)
    measured = min(len(pairs), len(searching) * _NEIGHBOURS // 2)
    at_once = sorted(reached, reverse=True)[: workers + 1]
    waiting = float(np.sort(reached)[::-1][: 3 * math.isqrt(len(reached)) + 1].sum())
    held = sum(at_once) * _BYTES_PER_CELL_OF_SEARCH + waiting * _BYTES_PER_CELL_WAITING + grid.cells * 20
    memory = max(grid.cells * _BYTES_PER_CELL_OF_RUN, held)
    zones = grid.cells * bool(pairs) / _CELLS_PER_SECOND_OF_ZONES
    rest = float(reached.sum()) / _CELLS_PER_SECOND_OF_SEARCH + measured * _SECONDS_PER_PAIR
    return Estimate(grid.cells, len(searching), len(pairs), int(memory), round(zones + rest / workers, 1))


def _reach(shapes: NDArray[np.object_]) -> Floats:
    """Return how far the search from each area will have to reach: to its neighbours and round about, metres."""
    from scipy.spatial import cKDTree

    places = shapely.get_coordinates(shapely.centroid(shapes))
    count = min(len(places), _NEIGHBOURS + 1)
    if count < 2:
        return np.zeros(len(places))
    apart = np.asarray(cKDTree(places).query(places, k=count)[0], dtype=np.float64)
    farthest: Floats = 1.5 * apart[:, -1]
    return farthest
