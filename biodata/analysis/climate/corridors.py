"""Corridors from warmer to cooler areas along gradients of climate, and where an area's climate goes.

After the climate gradient corridors of Nuñez et al. 2013, https://doi.org/10.1111/cobi.12014 (Linkage Mapper's Climate
Linkage Mapper): areas are joined whose mean temperatures differ by a stated amount, and a step costs its ground and the
change of temperature on it, up or down, so that the cheapest way goes towards the cooler end with few reversals. Added
here: which share of the first area's climate of today the second one has tomorrow.
"""

import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from tqdm.auto import tqdm

from biodata import places
from biodata.analysis.areas import Site, differ
from biodata.analysis.climate.climates import Analogues, Climates
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.rasters import outline
from biodata.core import geo, grouped
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from biodata.places import BoundarySet


_FORWARD = ((0, 1), (1, -1), (1, 0), (1, 1))


_COLUMNS: Final = (
    "from_area_id", "to_area_id", "from_name", "to_name", "from_countries", "to_countries", "from_today_c",
    "to_today_c", "to_future_c", "cooler_c", "climate_kept", "straight_km", "least_cost", "ground_cost",
    "path_length_m", "change_c", "reversal_c", "functional", "notes",
)  # fmt: skip
_TEXTS: Final = frozenset(
    {"from_area_id", "to_area_id", "from_name", "to_name", "from_countries", "to_countries", "functional", "notes"}
)
_SHARES: Final = ("stays_inside", "same_country", "across_border", "unclear_side", "none_in_window", "in_areas_across")
_DESTINATION_COLUMNS: Final = (
    "area_id", "name", "country_code", "direction", "cells", *_SHARES, "median_km", "countries", "areas_across",
)  # fmt: skip
_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class ClimateSurface:
    """The cheapest way from some cells to every other one.

    Attributes
    ----------
    cost : ndarray of float64, (cells,)
        inf where it was not reached.
    before : ndarray of int64, (cells,)
        The cell that the way comes from; negative at its start and where it was not reached.
    """

    cost: Floats
    before: Ints

    def path_to(self, cell: int) -> Ints:
        """Return the cells of the way to a cell that was reached, its start first."""
        cells = [cell]
        while self.before[cells[-1]] >= 0:
            cells.append(int(self.before[cells[-1]]))
        return np.array(cells[::-1], dtype=np.int64)


def step_graph(resistance: Floats, temperature: Floats, grid: Grid, *, cost_per_c: float) -> "csr_array":
    """Return the costs of all steps between neighbouring cells.

    Parameters
    ----------
    resistance, temperature : ndarray of float64, grid.shape
        nan in either is ground that no way enters; no step passes between two such cells that touch at a corner.
    grid : Grid
        Cells of degrees take their size on the ellipsoid, row by row.
    cost_per_c : float
        Cost-metres of a change by one degree, up or down.

    Returns
    -------
    scipy.sparse.csr_array of float64, (cells, cells)
        The mean of both resistances times the metres, and the change of temperature times its cost; in one direction,
        as both cost the same.
    """
    from scipy.sparse import csr_array

    known = np.isfinite(resistance) & np.isfinite(temperature)
    rows, columns = grid.shape
    number = np.arange(grid.cells).reshape(grid.shape)
    wide_m, high_m = grid.cell_sizes_m()
    first, second, cost = [], [], []
    for down, right in _FORWARD:
        here = (slice(0, rows - down), slice(max(0, -right), columns - max(0, right)))
        there = (slice(down, rows), slice(max(0, right), columns - max(0, -right)))
        passable = known[here] & known[there]
        if down and right:
            beside = (here[0], there[1])
            below = (there[0], here[1])
            passable &= known[beside] | known[below]
        across = (wide_m[: rows - down] + wide_m[down:]) / 2 * abs(right)
        along = (high_m[: rows - down] + high_m[down:]) / 2 * down
        metres = np.hypot(across, along)[:, None]
        step = (resistance[here] + resistance[there]) / 2 * metres
        step = step + cost_per_c * np.abs(temperature[here] - temperature[there])
        first.append(number[here][passable])
        second.append(number[there][passable])
        cost.append(step[passable])
    ends = np.concatenate(first), np.concatenate(second)
    return csr_array((np.concatenate(cost), ends), shape=(grid.cells, grid.cells))


def search(graph: "csr_array", sources: Ints, *, max_cost: float = np.inf) -> ClimateSurface:
    """Return the cheapest ways from some cells, by scipy's Dijkstra.

    Parameters
    ----------
    graph : scipy.sparse.csr_array
        Of `step_graph`.
    sources : ndarray of int64, (n,)
    max_cost : float
        Cells that cost more are not reached.
    """
    from scipy.sparse.csgraph import dijkstra

    cost, before, _ = dijkstra(
        graph, directed=False, indices=sources, min_only=True, return_predecessors=True, limit=max_cost
    )
    return ClimateSurface(cost, before.astype(np.int64))


@dataclass(frozen=True, slots=True)
class ClimateCorridorParameters:
    """What a search for climate corridors decides.

    Attributes
    ----------
    least_difference_c : float
        By how much the second area is cooler today, in the mean of its cells, degrees.
    cost_per_c : float
        Cost-metres of a change by one degree on the way; 50 km of the best ground in Nuñez et al.
    tolerance_c : float
        A climate of today is kept where tomorrow's differs by no more, degrees.
    max_distance_m : float
        Areas farther apart are not joined.
    cut_fraction : float
        A corridor holds what costs up to this share more than the cheapest way.
    across_borders : bool
        Whether only areas of different countries are joined.
    """

    least_difference_c: float = 1.0
    cost_per_c: float = 50_000.0
    tolerance_c: float = 0.5
    max_distance_m: float = 200_000.0
    cut_fraction: float = 0.1
    across_borders: bool = True


def climate_corridors(
    sites: Sequence[Site], climates: Climates, resistance: Floats | None = None, *,
    parameters: ClimateCorridorParameters, executor: Executor, progress: bool = False,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:  # fmt: skip
    """Return corridors from warmer to cooler areas.

    Parameters
    ----------
    sites : sequence of Site
        With the countries that they lie in.
    climates : Climates
        The first variable is the temperature, degrees.
    resistance : ndarray of float64, grid.shape, optional
        Cost of a metre; 1 everywhere where it is not given.
    parameters : ClimateCorridorParameters
    executor : concurrent.futures.Executor
        Threads; one search for each area that has a pair.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    corridors, paths : geopandas.GeoDataFrame
        A row for each pair, the warmer area first, in the raster's system; the first with the corridor as polygon, the
        second with its cheapest way. A pair without a way has `functional` False and is in the first only.

    Raises
    ------
    InputError
        If the resistance is not on the climate's cells, or is 0 or less.
    """
    grid, now, then = climates.grid, climates.today[0], climates.future[0]
    ground = np.ones(grid.shape) if resistance is None else resistance
    if ground.shape != grid.shape or bool((ground <= 0).any()):
        problem = "the resistance must lie on the climate's cells and be above 0"
        raise InputError(problem, value=str(ground.shape), expected=str(grid.shape), code="RESISTANCE_UNFIT")
    pairs = _pairs(sites, now, grid, parameters)
    needed = sorted({k for pair in pairs for k in pair})
    graph = step_graph(ground, now, grid, cost_per_c=parameters.cost_per_c)
    usable = (np.isfinite(now) & np.isfinite(ground)).ravel()
    cells = {k: sites[k].all_cells[usable[sites[k].all_cells]] for k in needed}
    found = executor.map(lambda k: search(graph, cells[k]) if cells[k].size else None, needed)
    surfaces = dict(zip(needed, tqdm(found, total=len(needed), unit="area", disable=not progress), strict=True))
    rows, polygons, lines = [], [], []
    for i, j in pairs:
        row, polygon, line = _row(sites[i], sites[j], surfaces[i], surfaces[j], now, then, grid, parameters)
        rows.append(row)
        polygons.append(polygon)
        lines.append(line)
    types = {name: "float64" for name in _COLUMNS if name not in _TEXTS}
    table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(types).astype({"functional": "bool"})
    corridors = gpd.GeoDataFrame(table, geometry=np.array(polygons, dtype=object), crs=grid.crs)
    linked = np.flatnonzero(table["functional"])
    paths = gpd.GeoDataFrame(
        table.iloc[linked].reset_index(drop=True),
        geometry=np.array([lines[k] for k in linked], dtype=object),
        crs=grid.crs,
    )
    return corridors, paths


def _pairs(
    sites: Sequence[Site], now: Floats, grid: Grid, parameters: ClimateCorridorParameters
) -> list[tuple[int, int]]:
    """Return the pairs of a warmer and a cooler area that are near enough."""
    mean = [_mean(now, site) for site in sites]
    found = []
    for i, first in enumerate(sites):
        for j, second in enumerate(sites):
            if not mean[i] - mean[j] >= max(parameters.least_difference_c, math.ulp(0.0)):
                continue
            if parameters.across_borders and not differ(first.country_codes, second.country_codes):
                continue
            if _straight_m(first, second, grid) <= parameters.max_distance_m:
                found.append((i, j))
    return found


def _mean(values: Floats, site: Site) -> float:
    """Return the mean of an area's cells; nan where none is known."""
    own = values.ravel()[site.all_cells]
    own = own[np.isfinite(own)]
    return float(own.mean()) if own.size else math.nan


def _straight_m(first: Site, second: Site, grid: Grid) -> float:
    """Return the distance between two areas on the ellipsoid, along the shortest line of the grid's system."""
    ends = geo.project(shapely.get_coordinates(shapely.shortest_line(first.shape, second.shape)), grid.crs, 4326)
    return float(geo.geodesic_distance_m(*ends[0], *ends[1]))


def _row(
    first: Site, second: Site, from_first: ClimateSurface | None, from_second: ClimateSurface | None, now: Floats,
    then: Floats, grid: Grid, parameters: ClimateCorridorParameters,
) -> tuple[dict[str, Any], shapely.Geometry | None, shapely.Geometry | None]:  # fmt: skip
    """Measure one pair: its row, the corridor's polygon and the way."""
    row: dict[str, Any] = {
        "from_area_id": first.area_id, "to_area_id": second.area_id, "from_name": first.name, "to_name": second.name,
        "from_countries": ";".join(first.country_codes), "to_countries": ";".join(second.country_codes),
        "from_today_c": _mean(now, first), "to_today_c": _mean(now, second), "to_future_c": _mean(then, second),
        "cooler_c": _mean(now, first) - _mean(now, second),
        "climate_kept": climate_kept(now.ravel()[first.all_cells], then.ravel()[second.all_cells], parameters.tolerance_c),
        "straight_km": _straight_m(first, second, grid) / 1000, "functional": False, "notes": "",
    }  # fmt: skip
    if from_first is None or from_second is None:
        return row | {"notes": "There is no ground with data in one of the areas."}, None, None
    reached = from_first.cost[second.all_cells]
    if not np.isfinite(reached).any():
        return row | {"notes": "There is no way: cells without data lie between."}, None, None
    end = int(second.all_cells[np.argmin(reached)])
    path = from_first.path_to(end)
    least = float(from_first.cost[end])
    rows, columns = np.divmod(path, grid.shape[1])
    lonlat = grid.lonlat(rows, columns)
    metres = float(np.sum(geo.geodesic_distance_m(*lonlat[:-1].T, *lonlat[1:].T))) if path.size > 1 else 0.0
    along = now.ravel()[path]
    change = float(np.abs(np.diff(along)).sum())
    row |= {
        "least_cost": least, "ground_cost": least - parameters.cost_per_c * change, "path_length_m": metres,
        "change_c": change, "reversal_c": change - abs(float(along[-1] - along[0])), "functional": True,
    }  # fmt: skip
    with np.errstate(invalid="ignore"):
        inside = from_first.cost + from_second.cost <= least * (1 + parameters.cut_fraction) + 1e-9 * max(least, 1.0)
    at_rows, at_columns = np.nonzero(inside.reshape(grid.shape))
    top, left = int(at_rows.min()), int(at_columns.min())
    window = inside.reshape(grid.shape)[top : at_rows.max() + 1, left : at_columns.max() + 1]
    centres = grid.centres(rows, columns)
    line = shapely.LineString(centres if path.size > 1 else np.repeat(centres, 2, axis=0))
    return row, outline(window, grid, top, left), line


def climate_kept(today: Floats, future: Floats, tolerance: float) -> float:
    """Return the share of some values of today that some value of tomorrow comes as near as the tolerance."""
    today, future = today[np.isfinite(today)], np.sort(future[np.isfinite(future)])
    if not today.size or not future.size:
        return 0.0
    after = np.clip(np.searchsorted(future, today), 1, max(1, future.size - 1))
    apart = np.minimum(np.abs(future[np.minimum(after, future.size - 1)] - today), np.abs(future[after - 1] - today))
    return float((apart <= tolerance * (1 + 1e-12) + 1e-12).mean())


def cell_countries(grid: Grid, boundaries: "BoundarySet") -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return the country of every cell's middle, and whether another one is possible.

    Parameters
    ----------
    grid : Grid
    boundaries : BoundarySet

    Returns
    -------
    codes : ndarray of str or None, (cells,)
        None at sea and in disputed units.
    ambiguous : ndarray of bool, (cells,)
        True inside the set's band of a border.
    """
    rows, columns = (axis.ravel() for axis in np.indices(grid.shape))
    lonlat = grid.lonlat(rows, columns)
    found = places.locate(lonlat[:, 0], lonlat[:, 1], boundaries)
    codes = np.array(found["located_country_code"].to_list(), dtype=object)
    return codes, found["ambiguous"].fill_null(value=True).to_numpy()


def located(sites: Sequence[Site], codes: NDArray[np.object_]) -> list[Site]:
    """Return areas with the country of most of their cells in place of what they state; none where no cell has one."""
    found = []
    for site in sites:
        entries = sorted(code for code in codes[site.all_cells] if code is not None)
        found.append(replace(site, country_codes=tuple(code for code, _ in Counter(entries).most_common(1))))
    return found


def of_areas(
    sites: Sequence[Site], found: Analogues, codes: NDArray[np.object_], ambiguous: NDArray[np.bool_], grid: Grid, *,
    direction: str,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Return, for each area, where its cells' analogues lie.

    Parameters
    ----------
    sites : sequence of Site
    found : Analogues
    codes, ambiguous : ndarrays, (cells,)
        As `cell_countries` returns them.
    grid : Grid
    direction : str
        forward or backward, as the analogues are.

    Returns
    -------
    geopandas.GeoDataFrame
        A row for each area with a known climate: its country (that of most of its cells); shares of its cells whose
        analogue lies in the area itself, elsewhere in the same country, across a border, inside a border's band or
        where no country is stated (unclear), or nowhere in the window; the share whose analogue lies in an area across;
        the median distance; the countries and the areas across with the share that lies in each.
    """
    owner = grouped((cell, position) for position, site in enumerate(sites) for cell in site.all_cells.tolist())
    targets, distance = found.cell.ravel(), found.distance_m.ravel()
    rows, shapes = [], []
    for position, site in enumerate(sites):
        cells = site.all_cells[targets[site.all_cells] > -2]
        if not cells.size:
            continue
        entries = [code for code in codes[cells] if code is not None]
        home = Counter(entries).most_common(1)[0][0] if entries else None
        counts: Counter[str] = Counter()
        countries: Counter[str] = Counter()
        areas: Counter[str] = Counter()
        for target in targets[cells].tolist():
            kind = _kind(target, position, owner, codes, ambiguous, home)
            counts[kind] += 1
            if target >= 0 and codes[target] is not None:
                countries[codes[target]] += 1
            if kind == "across_border" and target in owner:
                counts["in_areas_across"] += 1
                areas.update(sites[other].name for other in owner[target])
        away = distance[cells]
        rows.append(
            {
                "area_id": site.area_id, "name": site.name, "country_code": home, "direction": direction,
                "cells": cells.size,
            }
            | {name: counts[name] / cells.size for name in _SHARES}
            | {"median_km": float(np.nanmedian(away)) / 1000 if np.isfinite(away).any() else None}
            | {"countries": _listed(countries, cells.size), "areas_across": _listed(areas, cells.size)}
        )  # fmt: skip
        shapes.append(site.shape)
    figures: dict[str, Any] = dict.fromkeys((*_SHARES, "median_km"), "float64")
    table = pd.DataFrame(rows, columns=list(_DESTINATION_COLUMNS)).astype(figures)
    return gpd.GeoDataFrame(table, geometry=np.array(shapes, dtype=object), crs=grid.crs)


def _kind(
    target: int, position: int, owner: dict[int, list[int]], codes: NDArray[np.object_], ambiguous: NDArray[np.bool_],
    home: str | None,
) -> str:  # fmt: skip
    """Return where one analogue lies, seen from its area."""
    if target < 0:
        return "none_in_window"
    if position in owner.get(target, ()):
        return "stays_inside"
    if ambiguous[target] or codes[target] is None or home is None:
        return "unclear_side"
    return "same_country" if codes[target] == home else "across_border"


def _listed(counts: Counter[str], cells: int) -> str:
    """Return the first few with their shares, by falling share."""
    first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]
    return "; ".join(f"{name} {count / cells:.1%}" for name, count in first)
