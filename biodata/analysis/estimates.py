"""What a corridor run will take, told before it starts."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from biodata import geo
from biodata.analysis.areas import differ
from biodata.analysis.corridors import CorridorParameters
from biodata.analysis.grid import Grid

# Measured on 4 million cells, one thread (tests/benchmarks/bench_cost_distance.py): 8-10 million cells a second in one
# search; the zones and their borders take as much again. A run over them held 0.44 GB beside the libraries; a search
# holds two padded rasters of 8 bytes and 6 bytes of links and marks for each cell, and hands 13 bytes on.
_CELLS_PER_SECOND: Final = 7e6
_BYTES_PER_CELL_OF_RUN: Final = 110
_BYTES_PER_CELL_OF_SEARCH: Final = 8 + 8 + 6 + 13


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
        On one thread of an idle machine.
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

    Returns
    -------
    Estimate
        From above: each search is taken to reach all cells within the distance of its area.
    """
    shapes = geo.project(areas.to_crs(4326).geometry.to_numpy(), 4326, grid.crs)
    codes = areas["country_codes"].to_list() if across_borders else [()] * len(areas)
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=parameters.max_distance_m).T
    pairs = [
        (int(i), int(j)) for i, j in near if i < j and (not across_borders or differ(tuple(codes[i]), tuple(codes[j])))
    ]
    searching = sorted({k for pair in pairs for k in pair})
    bounds = shapely.bounds(shapes[searching]).reshape(-1, 4)
    window = np.array(grid.bounds)
    low = np.maximum(bounds[:, :2] - parameters.max_distance_m, window[:2])
    high = np.minimum(bounds[:, 2:] + parameters.max_distance_m, window[2:])
    reached = np.clip(high - low, 0, None).prod(axis=1) / grid.cell_m**2
    searches = float(reached.sum())
    memory = grid.cells * _BYTES_PER_CELL_OF_RUN + float(reached.max(initial=0.0)) * 2 * _BYTES_PER_CELL_OF_SEARCH
    seconds = (3 * grid.cells * bool(pairs) + 1.5 * searches) / _CELLS_PER_SECOND
    return Estimate(grid.cells, len(searching), len(pairs), int(memory), round(seconds, 1))
