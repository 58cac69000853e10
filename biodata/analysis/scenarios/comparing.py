"""Corridors with the border open and closed, and what the barriers change."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from biodata.analysis import areas as areas_of
from biodata.analysis import corridors, own_areas, window_check
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.corridors import Network
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.scenarios import costs, dividing
from biodata.analysis.scenarios.barrier_effects import BarrierEffect, effects
from biodata.analysis.scenarios.barriers import Barrier, ClosedGround, Crossing, close
from biodata.analysis.scenarios.border import with_countries
from biodata.analysis.scenarios.crossing_gains import CrossingGain, gains
from biodata.analysis.scenarios.pairs import compared_pairs
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet

KEPT: Final = 1
LOST: Final = 2
NEW: Final = 3
BARRED: Final = 4
"""Classes of the difference map: corridor in both, open border only, closed border only; a barrier's cell."""
MOST_BARRIERS: Final = 20
"""Each barrier alone is looked at where there are no more; without ids all of a kind and resistance are one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two scenarios side by side.

    Attributes
    ----------
    open, closed : Network
        Corridors without the barriers, and with the barriers and all crossings open.
    pairs : geopandas.GeoDataFrame
        A row for each pair of neighbours in either: the measures of both, `change` (unchanged, dearer, cut, cheaper,
        opened) and the crossings that the closed border's path leads through; its geometry is that path, or the open one.
    difference : ndarray of float64, grid.shape
        `KEPT`, `LOST`, `NEW`, `BARRED`; nan elsewhere.
    crossings : list of CrossingGain
    barriers : list of BarrierEffect
        What each barrier does alone; empty where there are more than `MOST_BARRIERS`.
    ground : ClosedGround
    eca_km2 : dict of str to float
        Equivalent connected area: open, closed (all crossings open), shut (none open).
    median_cost : float
        Cost at which half of the journeys arrive in these.
    notes : tuple of str
    """

    open: Network
    closed: Network
    pairs: gpd.GeoDataFrame
    difference: Floats
    crossings: list[CrossingGain]
    barriers: list[BarrierEffect]
    ground: ClosedGround
    eca_km2: dict[str, float]
    median_cost: float
    notes: tuple[str, ...]


def compare(
    areas: gpd.GeoDataFrame,
    resistance: Floats,
    grid: Grid,
    *,
    barriers: Sequence[Barrier],
    crossings: Sequence[Crossing] = (),
    parameters: CorridorParameters | None = None,
    median_cost: float | None = None,
    boundaries: "BoundarySet | None" = None,
    executor: Executor,
    progress: bool = False,
) -> Comparison:
    """Return the corridors between areas without and with barriers, and what each crossing is worth.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        As `corridors.least_cost` takes them.
    resistance : ndarray of float64, grid.shape
        Ground without the barriers; nan where there is no data.
    grid : Grid
        Square cells in metres.
    barriers : sequence of Barrier
    crossings : sequence of Crossing
    parameters : CorridorParameters, optional
        The same for both: where they tell neither a cut nor a dispersal cost, the cut of the open border's corridors.
    median_cost : float, optional
        Cost at which half of the journeys arrive; the median least cost of the open border's links where not given.
    boundaries : BoundarySet, optional
        Tells the country of each area, by a place inside it; else what the areas state stands.
    executor : concurrent.futures.Executor
        Threads.
    progress : bool
        Whether to show bars.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        As `corridors.least_cost` and `barriers.close`; or if there is no barrier, or fewer than two areas lie on the raster.
    """
    if not barriers:
        problem = "there is no barrier, so the two scenarios are one"
        raise InputError(problem, expected="a fence, road, river or border", code="BARRIERS_MISSING")
    parameters = CorridorParameters(max_distance_m=math.inf) if parameters is None else parameters
    closed = close(resistance, grid, barriers=barriers, crossings=crossings)
    parts, notes = dividing.divided(own_areas.on_plane(areas, grid), closed.barred, grid)
    parts = parts[~parts.geometry.is_empty].reset_index(drop=True)
    if boundaries is not None:
        parts = with_countries(parts, boundaries)
    sites = areas_of.on_grid(parts, resistance, grid)
    if len(sites) < 2:
        problem = f"{len(sites)} of {len(areas)} areas lie on the raster"
        raise InputError(problem, expected="two areas or more", code="AREAS_MISSING")
    outside = len(parts) - len(sites)
    if outside:
        notes.append(f"{outside} areas lie outside the raster and are left out")
    notes = [*closed.notes, *notes]
    shut_ground = closed.resistance()
    networks: list[Network] = []
    for ground in (resistance, shut_ground):
        cut = window_check.with_cut_of(parameters, networks[0].corridors["cut_cost"]) if networks else parameters
        networks.append(corridors.least_cost(parts, ground, grid, parameters=cut, executor=executor, progress=progress))
    area_km2 = np.array([site.cells.size for site in sites]) * (grid.cell_m / 1000) ** 2
    cost = {
        "open": costs.between_sites(sites, resistance, grid, max_cost=parameters.limit, executor=executor),
        "closed": costs.between_sites(sites, shut_ground, grid, max_cost=parameters.limit, executor=executor),
    }
    if median_cost is None:
        median_cost = _median(networks[0], grid)
        notes.append(
            f"half of the journeys are taken to arrive at {median_cost:.6g} cost-metres, the median of the open "
            "border's links: an assumption, as no cost was given"
        )
    worth = gains(
        closed, sites, area_km2, grid, median_cost=median_cost, max_cost=parameters.limit, executor=executor,
        progress=progress,
    )  # fmt: skip
    alone: list[BarrierEffect] = []
    if len(barriers) <= MOST_BARRIERS:
        alone = effects(
            barriers, crossings, resistance, cost["open"], sites, area_km2, grid, median_cost=median_cost,
            max_cost=parameters.limit, executor=executor,
        )  # fmt: skip
        notes += [f"barrier {one.barrier_id} alone changes nothing" for one in alone if one.changes_nothing]
    else:
        notes.append(f"there are {len(barriers)} barriers: what each does alone is told of {MOST_BARRIERS} at most")
    eca = {name: costs.equivalent_area_km2(area_km2, one, median_cost=median_cost) for name, one in cost.items()}
    none_open = costs.between_sites(
        sites, closed.resistance(()), grid, max_cost=parameters.limit, executor=executor
    ) if crossings else cost["closed"]  # fmt: skip
    eca["shut"] = costs.equivalent_area_km2(area_km2, none_open, median_cost=median_cost)
    pairs = compared_pairs(networks[0], networks[1], cost, sites, closed, grid)
    if (pairs["change"] == "unchanged").all():
        notes.append("the barriers change nothing: every pair costs the same with them as without")
    return Comparison(
        networks[0], networks[1], pairs, _difference(networks[0], networks[1], closed.barred), worth, alone, closed, eca,
        median_cost, tuple(notes),
    )  # fmt: skip


def _median(network: Network, grid: Grid) -> float:
    """Return the median least cost of links; the least cost of a cell where there is none above 0."""
    found = network.corridors["least_cost"].dropna()
    found = found[found > 0]
    return float(found.median()) if len(found) else grid.cell_m


def _difference(first: Network, second: Network, barred: NDArray[np.bool_]) -> Floats:
    """Return the classes of the difference map."""
    before, after = np.isfinite(first.mosaic), np.isfinite(second.mosaic)
    classes = np.select([before & after, before, after, barred], [KEPT, LOST, NEW, BARRED], default=0).astype(
        np.float64
    )
    classes[classes == 0] = np.nan
    return classes
