"""What a run of corridors decides, and what it will take."""

import math
import statistics
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis.areas import differ
from biodata.analysis.grid import Floats, Grid
from biodata.core import geo
from biodata.core.errors import InputError

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
class CorridorParameters:
    """What a corridor run decides.

    Attributes
    ----------
    max_distance_m : float
        Pairs whose edges lie farther apart are not looked at, metres; inf for no limit.
    max_cost : float
        Least cost above which there is no functional link, cost-metres; inf for no limit.
    dispersal_cost : float, optional
        What the species can spend on one journey, cost-metres: its dispersal distance times the resistance that it
        was measured in. Where given it limits links as `max_cost` does, and `cut_fraction` is a fraction of it.
    cut_fraction : float
        The corridor holds what costs up to this fraction of the dispersal cost more than the cheapest path; where no
        dispersal cost is given, of the median least cost of the run's pairs. Either is one cost for all pairs, so that
        their widths can be compared.
    cut_cost : float, optional
        The same as an absolute cost, cost-metres (Linkage Mapper's CWD threshold); it stands instead of `cut_fraction`.
    low_resistance : float
        Resistance up to which a cell counts as habitat in the corridor's evidence.
    drop_through : bool
        A pair whose cheapest path leads through a third area has no link of its own (Linkage Mapper's "drop corridors
        that intersect core areas"); else it keeps its corridor, which states the areas that it leads through.
    """

    max_distance_m: float = 100_000.0
    max_cost: float = math.inf
    dispersal_cost: float | None = None
    cut_fraction: float = 0.1
    cut_cost: float | None = None
    low_resistance: float = 10.0
    drop_through: bool = False

    def __post_init__(self) -> None:
        for name, none, low, high in (
            ("max_distance_m", False, 0.0, math.inf),
            ("max_cost", False, 0.0, math.inf),
            ("dispersal_cost", True, 0.0, sys.float_info.max),
            ("cut_fraction", False, -math.ulp(0.0), sys.float_info.max),
            ("cut_cost", True, -math.ulp(0.0), sys.float_info.max),
        ):
            value = getattr(self, name)
            if not (value is None and none) and not low < value <= high:
                above = "above 0" if low == 0 else "0 or more"
                problem = f"the parameter must be {above}{'' if math.isinf(high) else ' and finite'}"
                raise InputError(problem, column=name, value=f"{value:g}", code="PARAMETERS_INVALID")

    @property
    def limit(self) -> float:
        """Least cost above which there is no functional link, cost-metres."""
        return self.max_cost if self.dispersal_cost is None else min(self.max_cost, self.dispersal_cost)

    def with_one_cut(self, least_costs: Iterable[float]) -> "CorridorParameters":
        """Return the parameters with the cut as a cost that is the same for all pairs.

        Parameters
        ----------
        least_costs : iterable of float
            Of each pair, or the most that it can be: 0 where areas touch, inf where nothing is known.
        """
        known = [cost for cost in least_costs if 0 < cost <= self.limit and math.isfinite(cost)]
        if self.cut_cost is not None or self.dispersal_cost is not None or not known:
            return self
        return replace(self, cut_cost=self.cut_fraction * statistics.median(known))

    def cut(self, least_cost: float) -> float:
        """Return how much more than the least cost a cell of the corridor may cost, cost-metres."""
        if self.cut_cost is not None:
            return self.cut_cost
        return self.cut_fraction * (least_cost if self.dispersal_cost is None else self.dispersal_cost)

    def reach(self, bound: float) -> float:
        """Return how far to search for a link that costs at most `bound`, cost-metres; inf where nothing limits it."""
        limit = min(bound, self.limit)
        return limit if math.isinf(limit) else (limit + self.cut(limit)) * (1 + 1e-9)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON; no limit is null."""
        return {name: None if value == math.inf else value for name, value in asdict(self).items()}


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

    def message(self) -> str:
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


def estimate(
    areas: gpd.GeoDataFrame, grid: Grid, *, parameters: CorridorParameters, across_borders: bool = True,
    workers: int = 1,
) -> Estimate:  # fmt: skip
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
