"""Corridors between protected areas of different countries, with their width and what they were made from.

For a pair of areas A and B the corridor is the set of cells with CWD_A + CWD_B - LCD below a cut (accumulated costs from
both, less the least cost between them), as in Linkage Mapper (McRae & Kavanagh 2011, https://linkagemapper.org). Pairs
are the neighbours among all areas; the search from each area reaches as far as its farthest neighbour and the cut.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from tqdm.auto import tqdm

from biodata import geo, terms
from biodata.analysis import adjacency, cost_distance, links
from biodata.analysis import areas as areas_of
from biodata.analysis.bucket_queue import Floats
from biodata.analysis.grid import Grid
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet


@dataclass(frozen=True, slots=True)
class CorridorParameters:
    """What a corridor run decides.

    Attributes
    ----------
    max_distance_m : float
        Pairs whose edges lie farther apart are not looked at, metres.
    max_cost : float
        Least cost above which there is no functional link, cost-metres; inf for no limit.
    cut_fraction : float
        The corridor holds what costs up to this fraction of the least cost more than the cheapest path.
    cut_cost : float, optional
        The same as an absolute cost, cost-metres; where given it stands instead of `cut_fraction`.
    low_resistance : float
        Resistance up to which a cell counts as habitat in the corridor's evidence.
    """

    max_distance_m: float = 100_000.0
    max_cost: float = math.inf
    cut_fraction: float = 0.1
    cut_cost: float | None = None
    low_resistance: float = 10.0

    def __post_init__(self) -> None:
        if not (self.max_distance_m > 0 and self.max_cost > 0 and self.cut_fraction >= 0 and (self.cut_cost or 0) >= 0):
            problem = "distances and costs of a corridor run must be above 0"
            raise InputError(problem, code="PARAMETERS_INVALID")

    def cut(self, least_cost: float) -> float:
        """Return how much more than the least cost a cell of the corridor may cost, cost-metres."""
        return self.cut_fraction * least_cost if self.cut_cost is None else self.cut_cost

    def reach(self, bound: float) -> float:
        """Return how far to search for a link that costs at most `bound`, cost-metres."""
        limit = min(bound, self.max_cost)
        return limit if math.isinf(limit) else (limit + self.cut(limit)) * (1 + 1e-9)


def between(
    areas: gpd.GeoDataFrame,
    resistance: Floats,
    grid: Grid,
    *,
    parameters: CorridorParameters,
    boundaries: "BoundarySet",
    progress: bool = False,
) -> pl.DataFrame:
    """Return the corridors between neighbouring areas of different stated countries.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        Columns area_id, name, country_codes and geometry, as `areas.geodataframe` makes it.
    resistance : ndarray of float64, grid.shape
        Cost of a metre; nan where there is no data, which no path enters or slips through.
    grid : Grid
        Square cells; its window should reach over the border on both sides.
    parameters : CorridorParameters
    boundaries : BoundarySet
        What an area holds of other countries on this set is left out; the set is named in the evidence.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    polars.DataFrame of terms.CORRIDOR
        One row for every pair, by its area ids: the pairs that are neighbours by cost or by straight distance, state
        different countries and lie within the distance. A pair without a link has `functional` False and the reason in
        its evidence. `run_id` is left null.

    Raises
    ------
    InputError
        If the raster is not of the grid's shape, cells are not square, or the areas are incomplete.
    """
    if resistance.shape != grid.shape or not grid.square:
        problem = f"corridors need square cells and a raster of the grid's {grid.shape[0]} x {grid.shape[1]} cells"
        raise InputError(problem, value=str(resistance.shape), expected="grid.equal_area_grid", code="GRID_UNFIT")
    areas_of.check(areas)
    sites = areas_of.on_grid(areas_of.within_stated(areas.to_crs(4326), boundaries), resistance, grid)
    pairs = adjacency.neighbours(sites, resistance, grid, max_distance_m=parameters.max_distance_m)
    reach = [0.0] * len(sites)
    for pair, bound in pairs.items():
        for k in pair:
            reach[k] = max(reach[k], parameters.reach(bound))
    best = float(np.nanmin(resistance)) if np.isfinite(resistance).any() else None
    last = {k: pair for pair in pairs for k in pair}
    surfaces: dict[int, cost_distance.CostSurface] = {}
    rows: list[dict[str, Any]] = []
    for pair in tqdm(pairs, unit="pair", disable=not progress):
        first, second = (sites[k] for k in pair)
        link = _link(pair, sites, surfaces, reach, resistance, grid, parameters)
        through = [site.name for site in _crossed(link, sites, pair)]
        rows.append(_row(len(rows) + 1, first, second, link, grid, parameters, boundaries, best, through))
        for k in pair:
            if last[k] == pair:
                surfaces.pop(k, None)
    return pl.DataFrame(rows, schema=terms.schema(terms.CORRIDOR))


def _link(
    pair: adjacency.Pair,
    sites: list[areas_of.Site],
    surfaces: dict[int, cost_distance.CostSurface],
    reach: list[float],
    resistance: Floats,
    grid: Grid,
    parameters: CorridorParameters,
) -> links.Link:
    """Measure one pair; the searches of its areas are kept in `surfaces` for their other pairs."""
    first, second = (sites[k] for k in pair)
    if shapely.intersects(first.shape, second.shape) or np.intersect1d(first.cells, second.cells).size:
        return links.in_contact(first, second, resistance, grid)
    for site in (first, second):
        if not site.cells.size:
            return links.Link(None, notes=(f"No functional link: there is no resistance data inside {site.name}.",))
    for k in pair:
        if k not in surfaces:
            surfaces[k] = cost_distance.surface(
                resistance, sites[k].cells, cell_width_m=grid.cell_m, max_cost=reach[k], cut_corners=False
            )
    _, least_cost = links.nearest_cell(second.cells, surfaces[pair[0]], grid)
    if math.isinf(least_cost):
        limited = math.isfinite(parameters.max_cost)
        why = "no path stays under the cost limit" if limited else "cells without data lie between"
        return links.Link(None, notes=(f"No functional link: {why}.",))
    if least_cost > parameters.max_cost:
        return links.Link(least_cost, notes=("No functional link: the cheapest path costs more than the limit.",))
    return links.over_ground(
        first,
        second,
        surfaces[pair[0]],
        surfaces[pair[1]],
        resistance,
        grid,
        cut=parameters.cut(least_cost),
        low_resistance=parameters.low_resistance,
    )


def _crossed(link: links.Link, sites: list[areas_of.Site], pair: adjacency.Pair) -> list[areas_of.Site]:
    """Return the other sites that a path leads through."""
    if link.line is None:
        return []
    others = [site for k, site in enumerate(sites) if k not in pair]
    crossed = shapely.intersects(np.array([site.shape for site in others], dtype=object), link.line)
    return [site for site, is_crossed in zip(others, crossed, strict=True) if is_crossed]


def _row(
    number: int,
    first: areas_of.Site,
    second: areas_of.Site,
    link: links.Link,
    grid: Grid,
    parameters: CorridorParameters,
    boundaries: "BoundarySet",
    best_resistance: float | None,
    through: list[str],
) -> dict[str, Any]:
    """Return one row of the table, geometries in degrees."""
    straight = shapely.get_coordinates(shapely.shortest_line(first.shape, second.shape))
    (lon1, lat1), (lon2, lat2) = geo.project(straight, grid.crs, 4326)
    euclidean_m = float(geo.geodesic_distance_m(lon1, lat1, lon2, lat2))
    notes = [*link.notes]
    for site in (first, second):
        if site.spill_km2 >= 0.005:
            notes.append(
                f"{site.name} holds {site.spill_km2:.2f} km² of another country on this boundary set: "
                "a disagreement between maps, left out."
            )
    if euclidean_m <= boundaries.band_m:
        notes.append("The gap lies within the boundary set's band: on other maps the two areas may touch.")
    if 0 < euclidean_m < 2 * grid.cell_m:
        notes.append("The gap is less than two cells wide: cost, width and length tell the grid's coarseness as well.")
    if link.facts.get("could_leave_raster"):
        notes.append("Ground outside the raster could hold a way as cheap as this one: try a larger window.")
    evidence = {
        "parameters": asdict(parameters)
        | {"max_cost": parameters.max_cost if math.isfinite(parameters.max_cost) else None},
        "grid": {
            "system": grid.crs.coordinate_operation.method_name if grid.crs.coordinate_operation else grid.crs.name,
            "cell_m": grid.cell_m,
            "rows": grid.shape[0],
            "columns": grid.shape[1],
        },
        "boundaries": {
            "name": boundaries.name,
            "version": boundaries.version,
            "viewpoint": boundaries.viewpoint,
            "band_m": boundaries.band_m,
        },
        "best_resistance": best_resistance,
        "through": through,
        **link.facts,
        "notes": notes,
    }
    row: dict[str, Any] = {column.name: None for column in terms.CORRIDOR}
    row |= {
        "corridor_id": f"corridor-{number}",
        "from_area_id": first.area_id,
        "to_area_id": second.area_id,
        "from_name": first.name,
        "to_name": second.name,
        "country_codes": sorted({*first.country_codes, *second.country_codes}),
        "functional": link.functional,
        "least_cost": link.least_cost,
        "euclidean_m": euclidean_m,
        "evidence": json.dumps(evidence, ensure_ascii=False),
        "sharing_category": "open",
    }
    if link.line is not None and link.least_cost is not None and link.narrowest_at is not None:
        line, polygon, place = (
            geo.project(shape, grid.crs, 4326) for shape in (link.line, link.polygon, shapely.Point(*link.narrowest_at))
        )
        row |= {
            "path_length_m": link.path_length_m,
            "cost_ratio": link.least_cost / euclidean_m if euclidean_m > 0 else None,
            "width_m": link.width_m,
            "narrowest_m": link.narrowest_m,
            "narrowest_longitude": place.x,
            "narrowest_latitude": place.y,
            "area_km2": areas_of.km2(polygon),
            "path": shapely.to_wkb(line),
            "geometry": shapely.to_wkb(polygon),
        }
    return row
