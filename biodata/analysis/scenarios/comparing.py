"""Compare corridors with the barriers open and closed, pair by pair.

A search starts from all cells of an area at once. An area that lies on both sides of a fence would so be a gate in it,
and two areas that touch along a closed border would stay joined at no cost. So the barriers' cells belong to no area,
whether the border is open or closed, and what they divide is two areas.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from biodata.analysis import areas as areas_of
from biodata.analysis import corridors, window_check
from biodata.analysis.areas import Site
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.corridors import Network
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.scenarios import effects as costs
from biodata.analysis.scenarios.barriers import Barrier, ClosedGround, Crossing, close, with_countries
from biodata.analysis.scenarios.effects import CrossingGain, gains
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet


_SAME: Final = 1e-9
_MEASURES: Final = ("least_cost", "path_length_m", "narrowest_m", "width_m", "area_km2")
_COLUMNS: Final = (
    "from_area_id", "to_area_id", "from_name", "to_name", "from_countries", "to_countries", "change", "cost_ratio", "open_functional",
    "closed_functional", *(f"{name}_{measure}" for measure in _MEASURES for name in ("open", "closed")), "crossings",
    "notes",
)  # fmt: skip


SMALLEST_SHARE = 0.01
"""A part smaller than this share of its area is no area of its own: two maps of one line differ by as much."""
KEPT: Final = 1
LOST: Final = 2
NEW: Final = 3
BARRED: Final = 4
"""Classes of the difference map: corridor in both, open border only, closed border only; a barrier's cell."""


def compared_pairs(
    first: Network, second: Network, cost: dict[str, Floats], sites: Sequence[Site], closed: ClosedGround, grid: Grid
) -> gpd.GeoDataFrame:
    """Return the pairs of both scenarios side by side.

    Parameters
    ----------
    first, second : Network
        Corridors with the border open and closed.
    cost : dict of str to ndarray of float64, (n, n)
        Least costs of all pairs in `open` and `closed`, as `costs.between_sites` returns them.
    sites : sequence of n Site
    closed : ClosedGround
    grid : Grid

    Returns
    -------
    geopandas.GeoDataFrame
        A row for each pair that is one of neighbours in either.
    """
    number = {site.area_id: position for position, site in enumerate(sites)}
    tables = {
        name: {
            (row["from_area_id"], row["to_area_id"]): row
            for row in network.corridors.drop(columns="geometry").to_dict("records")
        }
        for name, network in (("open", first), ("closed", second))
    }
    paths = {
        name: network.paths.set_index(["from_area_id", "to_area_id"]).geometry
        for name, network in (("open", first), ("closed", second))
    }
    rows: list[dict[str, Any]] = []
    for pair in sorted({*tables["open"], *tables["closed"]}):
        i, j = (number[area_id] for area_id in pair)
        row: dict[str, Any] = dict(zip(("from_area_id", "to_area_id"), pair, strict=True))
        row |= {"from_name": sites[i].name, "to_name": sites[j].name}
        row |= {"from_countries": ";".join(sites[i].country_codes), "to_countries": ";".join(sites[j].country_codes)}
        notes = []
        for name, links in tables.items():
            there = pair in links
            for measure in _MEASURES:
                row[f"{name}_{measure}"] = links[pair][measure] if there else None
            row[f"{name}_least_cost"] = cost[name][i, j] if math.isfinite(cost[name][i, j]) else None
            row[f"{name}_functional"] = bool(math.isfinite(cost[name][i, j]))
            if not there:
                notes.append(f"no neighbours with the border {name}, so without corridor there")
            elif not links[pair]["functional"]:
                notes.append(f"border {name}: {links[pair]['notes']}")
        change, ratio = _change(cost["open"][i, j], cost["closed"][i, j])
        line = paths["closed"].get(pair)
        row |= {
            "change": change,
            "cost_ratio": ratio,
            "crossings": _through(line, closed, grid),
            "notes": "; ".join(notes),
        }
        rows.append(row | {"geometry": line if line is not None else paths["open"].get(pair)})
    figures = [name for name in _COLUMNS if name.endswith(("_m", "_cost", "_km2", "_ratio"))]
    table = pd.DataFrame(rows, columns=[*_COLUMNS, "geometry"]).astype(dict.fromkeys(figures, "float64"))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=grid.crs)


def _change(before: float, after: float) -> tuple[str, float | None]:
    """Return what barriers do to a pair, and by what factor its least cost rises."""
    if math.isinf(before) or math.isinf(after):
        if math.isinf(before) and math.isinf(after):
            return "unchanged", None
        return ("cut" if math.isinf(after) else "opened"), None
    ratio = after / before if before > 0 else (1.0 if after == 0 else None)
    if math.isclose(before, after, rel_tol=_SAME):
        return "unchanged", ratio
    return ("dearer" if after > before else "cheaper"), ratio


def _through(line: shapely.Geometry | None, closed: ClosedGround, grid: Grid) -> str:
    """Return the ids of the crossings that a path leads through."""
    if line is None:
        return ""
    at = shapely.get_coordinates(line)
    columns = np.floor((at[:, 0] - grid.transform.c) / grid.cell_m).astype(np.int64)
    rows = np.floor((grid.transform.f - at[:, 1]) / grid.cell_m).astype(np.int64)
    cells = rows * grid.shape[1] + columns
    used = [
        crossing.crossing_id
        for crossing, opened in zip(closed.crossings, closed.openings, strict=True)
        if np.isin(cells, opened).any()
    ]
    return "; ".join(used)


def divided(areas: gpd.GeoDataFrame, barred: NDArray[np.bool_], grid: Grid) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Cut areas along barriers.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        As `areas_of.on_plane` returns them, in the grid's own system.
    barred : ndarray of bool, grid.shape
        The barriers' cells.
    grid : Grid

    Returns
    -------
    areas : geopandas.GeoDataFrame
        The same columns and whole_id, the id of the area that a part is of; parts are called `id|1`, `id|2` and so on,
        by falling size.
    notes : list of str
        Which areas were divided, and what was too small to stay.
    """
    from rasterio.features import shapes as outlines

    squares = [
        shapely.geometry.shape(shape)
        for shape, _ in outlines(barred.astype(np.uint8), mask=barred, transform=grid.transform)
    ]
    tree = shapely.STRtree(squares)
    rows, notes = [], []
    for position, shape in enumerate(areas.geometry):
        facts: dict[str, Any] = {name: areas[name].iloc[position] for name in areas.columns}
        area_id = str(facts["area_id"])
        facts["whole_id"] = area_id
        touched = tree.query(shape, predicate="intersects")
        if not touched.size:
            rows.append(facts)
            continue
        first, others, lost = _parts(shape, shapely.union_all([squares[at] for at in touched]), grid)
        if lost > 0.0005:
            notes.append(f"{area_id}: {lost:.1%} of it lies on barriers or in pieces too small to stay")
        if not others:
            rows.append(facts | {"geometry": first})
            continue
        notes.append(f"{area_id}: a barrier divides it into {1 + len(others)} parts, which are areas of their own")
        for number, part in enumerate([first, *others], start=1):
            names = {"area_id": f"{area_id}|{number}", "name": f"{facts['name']} (part {number})"}
            rows.append(facts | names | {"geometry": part})
    return gpd.GeoDataFrame(rows, columns=[*areas.columns, "whole_id"], geometry="geometry", crs=areas.crs), notes


def _parts(
    shape: shapely.Geometry, wall: shapely.Geometry, grid: Grid
) -> tuple[shapely.Geometry, list[shapely.Geometry], float]:
    """Return the first part, the others by falling size, and the share of the area that is in none.

    The first part holds the largest piece of every piece that the area had before: those are not the barrier's doing.
    """
    first: list[shapely.Geometry] = []
    others: list[shapely.Geometry] = []
    whole = float(shapely.area(shape))
    smallest = max(SMALLEST_SHARE * whole, grid.cell_m**2)
    for piece in shapely.get_parts(shape):
        found = shapely.get_parts(shapely.difference(piece, wall))
        left = sorted(found[shapely.get_dimensions(found) == 2], key=_falling)
        first += left[:1]
        others += [part for part in left[1:] if shapely.area(part) >= smallest]
    kept = shapely.union_all(first) if first else shapely.Polygon()
    others.sort(key=_falling)
    lost = 1 - float(shapely.area([kept, *others]).sum()) / whole if whole else 0.0
    return kept, others, lost


def _falling(part: shapely.Geometry) -> float:
    """Return what sorts parts by falling size."""
    return -float(shapely.area(part))


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
    ground: ClosedGround
    eca_km2: dict[str, float]
    median_cost: float
    notes: tuple[str, ...]


def compare(
    areas: gpd.GeoDataFrame, resistance: Floats, grid: Grid, *, barriers: Sequence[Barrier],
    crossings: Sequence[Crossing] = (), parameters: CorridorParameters | None = None, median_cost: float | None = None,
    boundaries: "BoundarySet | None" = None, executor: Executor, progress: bool = False,
) -> Comparison:  # fmt: skip
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
        The same for both: where they state neither a cut nor a dispersal cost, the cut of the open border's corridors.
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
    parts, notes = divided(areas_of.on_plane(areas, grid), closed.barred, grid)
    parts = parts[~parts.geometry.is_empty].reset_index(drop=True)
    if boundaries is not None:
        parts = with_countries(parts, boundaries)
    sites = areas_of.on_grid(parts, resistance, grid)
    if len(sites) < 2:
        problem = f"{len(sites)} of {len(areas)} areas lie on the raster"
        raise InputError(problem, expected="two areas or more", code="AREAS_MISSING")
    if outside := len(parts) - len(sites):
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
    cost["shut"] = cost["closed"] if not crossings else costs.between_sites(
        sites, closed.resistance(()), grid, max_cost=parameters.limit, executor=executor
    )  # fmt: skip
    if median_cost is None:
        median_cost = _median(networks[0], grid)
        notes.append(
            f"half of the journeys are taken to arrive at {median_cost:.6g} cost-metres, the median of the open "
            "border's links: an assumption, as no cost was given"
        )
    worth = gains(
        closed, sites, area_km2, grid, all_open=cost["closed"], all_shut=cost["shut"], median_cost=median_cost,
        max_cost=parameters.limit, executor=executor, progress=progress,
    )  # fmt: skip
    eca = {name: costs.equivalent_area_km2(area_km2, one, median_cost=median_cost) for name, one in cost.items()}
    pairs = compared_pairs(networks[0], networks[1], cost, sites, closed, grid)
    if (pairs["change"] == "unchanged").all():
        notes.append("the barriers change nothing: every pair costs the same with them as without")
    return Comparison(
        networks[0], networks[1], pairs, _difference(networks[0], networks[1], closed.barred), worth, closed, eca,
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
