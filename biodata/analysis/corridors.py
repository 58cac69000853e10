"""Corridors between areas: the ground through which a way costs little more than the cheapest way.

For a pair of areas A and B the corridor is the set of cells with CWD_A + CWD_B - LCD below a cut (accumulated costs from
both, less the least cost between them), as in Linkage Mapper (McRae & Kavanagh 2011, https://linkagemapper.org). The cut
is one cost for all pairs of a run, as there: by a share of each pair's own cost, dear pairs would be wide for that alone. Pairs
are the neighbours among all areas; the search from each area reaches as far as its farthest neighbour and the cut.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import polars as pl
import shapely

from biodata.analysis import adjacency, corridor_rows, corridor_search, links
from biodata.analysis import areas as areas_of
from biodata.analysis.adjacency import Pair
from biodata.analysis.barriers import BarrierMosaic, BarrierParameters, Restored
from biodata.analysis.bucket_queue import Floats
from biodata.analysis.circuit.pinch_points import PairCurrents
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.corridor_parts import Parts, run_key
from biodata.analysis.corridor_rows import NAMES
from biodata.analysis.cost_distance import Floats32
from biodata.analysis.grid import Grid
from biodata.core import terms
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet


SQUARE_WITHIN: Final = 1e-3
"""Cells of own rasters whose sides differ by less than this share are taken as squares."""


@dataclass(frozen=True, slots=True)
class CurrentMosaic:
    """The current of 1 A between each pair of areas, inside the pair's corridor alone.

    Attributes
    ----------
    largest : ndarray of float32, (rows, columns)
        Amperes, the most of any pair; 0 inside the pair's own areas, nan outside all corridors.
    tightest : dict of pair to (current, resistance, row, column)
        By pair: the most current of a cell that is not beside an area, where it is, and the effective resistance between
        the areas in the raster's unit.
    """

    largest: Floats32
    tightest: dict[Pair, tuple[float, float, int, int]] = field(default_factory=dict)

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "CurrentMosaic":
        """Return a mosaic of no pair."""
        return cls(np.full(shape, np.nan, dtype=np.float32))

    def add(self, pair: Pair, found: PairCurrents) -> None:
        """Lay the current of a pair into the mosaic."""
        place = self.largest[found.window]
        np.fmax(place, found.current, out=place)
        if found.tightest is not None:
            self.tightest[pair] = found.tightest_a, found.resistance, *found.tightest

    def table(self, rows: list[dict[str, Any]], pairs: list[Pair], grid: Grid) -> gpd.GeoDataFrame:
        """Return the tightest place of each pair, the most current first.

        Parameters
        ----------
        rows : list of dict
            `corridor_rows.plain_row` of each pair.
        pairs : list of (int, int)
            The same pairs by their sites.
        grid : Grid
        """
        named = dict(zip(pairs, rows, strict=True))
        entries = sorted(self.tightest.items(), key=lambda item: (-item[1][0], item[0]))
        at = np.array([place[2:] for _, place in entries], dtype=np.int64).reshape(-1, 2)
        columns: dict[str, list[Any]] = {name: [named[pair][name] for pair, _ in entries] for name in NAMES}
        columns["current_a"] = [place[0] for _, place in entries]
        columns["effective_resistance"] = [place[1] for _, place in entries]
        centres = grid.centres(at[:, 0], at[:, 1]).reshape(-1, 2)
        points = gpd.points_from_xy(centres[:, 0], centres[:, 1])
        return gpd.GeoDataFrame(columns, geometry=points, crs=grid.crs)


@dataclass(frozen=True, slots=True)
class Network:
    """The corridors between some areas; geometries are in the raster's own system.

    Attributes
    ----------
    corridors : geopandas.GeoDataFrame
        A row for each pair of neighbours with its corridor as polygon; no geometry where there is no functional link,
        for the reason in `notes`.
    paths : geopandas.GeoDataFrame
        The cheapest path of each functional link.
    narrowest : geopandas.GeoDataFrame
        The narrowest point of each functional link, with the width there.
    barriers : geopandas.GeoDataFrame
        Where restoring a round window would save each pair most, or open the cheapest way to one that has none; empty
        where it was not asked.
    mosaic : ndarray of float32, grid.shape
        Least normalised corridor of each cell, cost-metres; inf outside all corridors.
    barrier_mosaic : BarrierMosaic, optional
        Scores of all pairs in each cell.
    pinch_points : geopandas.GeoDataFrame
        Where the movement of each functional link is squeezed most, by current; empty where it was not asked.
    currents : CurrentMosaic, optional
        The current of all pairs inside their corridors.
    grid : Grid
        Where the cells lie.
    left_out : tuple of str
        Ids of areas that lie outside the raster.
    """

    corridors: gpd.GeoDataFrame
    paths: gpd.GeoDataFrame
    narrowest: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    mosaic: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    barrier_mosaic: BarrierMosaic | None
    pinch_points: gpd.GeoDataFrame
    currents: CurrentMosaic | None
    grid: Grid
    left_out: tuple[str, ...]


def least_cost(
    areas: gpd.GeoDataFrame, resistance: Floats, grid: Grid, *, parameters: CorridorParameters | None = None,
    barriers: BarrierParameters | None = None, currents: bool = False, executor: Executor | None = None,
    folder: Path | None = None, progress: bool = False,
) -> Network:  # fmt: skip
    """Return the corridors between neighbouring areas, whatever countries they lie in.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        Polygons in any coordinate system with the column area_id; name is optional.
    resistance : ndarray of float64, grid.shape
        Cost of a metre; nan where there is no data, which no path enters or slips through.
    grid : Grid
        Square cells, or as good as square.
    parameters : CorridorParameters, optional
    barriers : BarrierParameters, optional
        Where given, what restoring would save is computed too.
    currents : bool
        Whether to compute the current inside each corridor, too, as Pinchpoint Mapper does.
    executor : concurrent.futures.Executor, optional
        Where to work; as many threads as there are cores where none is given.
    folder : Path, optional
        Where finished pairs are kept, so that the same call after a break goes on; remove it when all is done.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If the raster is not of the grid's shape, cells are not square, the areas are incomplete or one stands twice.

    Examples
    --------
    >>> resistance, grid = rasters.read(Path("resistance.tif"))                                    # doctest: +SKIP
    >>> found = corridors.least_cost(geopandas.read_file("areas.gpkg"), resistance, grid)          # doctest: +SKIP
    >>> found.corridors.plot(column="cost_ratio")                                                  # doctest: +SKIP
    """
    parameters = CorridorParameters() if parameters is None else parameters
    _check_ground(resistance, grid, tolerance=SQUARE_WITHIN)
    if barriers is not None:
        barriers.check(grid.cell_m, grid.shape)
    plain = areas_of.on_plane(areas, grid)
    sites = areas_of.on_grid(plain, resistance, grid)
    inside = {site.area_id for site in sites}
    mosaic = np.full(grid.shape, np.inf, dtype=np.float32)
    barrier_mosaic = None if barriers is None else BarrierMosaic.empty(grid.shape)
    flows = CurrentMosaic.empty(grid.shape)

    restored: dict[adjacency.Pair, tuple[float | None, Restored]] = {}

    def lay(pair: adjacency.Pair, link: links.Link) -> None:
        if link.corridor is not None:
            place = mosaic[link.corridor.window]
            np.minimum(place, link.corridor.excess, out=place)
        if link.currents is not None:
            flows.add(pair, link.currents)
        if link.barriers is not None and barrier_mosaic is not None:
            barrier_mosaic.add(link.barriers)
            score, row, column = link.barriers.best
            cost = (link.least_cost or 0.0) - score * 2 * link.barriers.radius_m
            restored[pair] = score, Restored(cost, row, column, link.barriers.radius_m)
        if link.opening is not None:
            restored[pair] = None, link.opening

    found = _links(
        sites, resistance, grid, parameters, barriers=barriers, currents=currents, executor=executor, folder=folder,
        progress=progress, across_borders=False, lay=lay,
    )  # fmt: skip
    rows = [
        corridor_rows.plain_row(number, sites[i], sites[j], link, grid, through)
        for number, ((i, j), (link, through)) in enumerate(found.items(), start=1)
    ]
    measured = [link for link, _ in found.values()]
    tables = (
        *corridor_rows.geodataframes(rows, measured, grid),
        corridor_rows.barrier_table(rows, list(found), restored, grid),
    )
    left_out = tuple(str(area_id) for area_id in plain["area_id"] if area_id not in inside)
    squeezed = flows.table(rows, list(found), grid)
    return Network(*tables, mosaic, barrier_mosaic, squeezed, flows if currents else None, grid, left_out)


def between(
    areas: gpd.GeoDataFrame, resistance: Floats, grid: Grid, *, parameters: CorridorParameters,
    boundaries: "BoundarySet", executor: Executor | None = None, folder: Path | None = None, progress: bool = False,
) -> pl.DataFrame:  # fmt: skip
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
    executor : concurrent.futures.Executor, optional
        Where to work; as many threads as there are cores where none is given.
    folder : Path, optional
        Where finished pairs are kept, so that the same call after a break goes on; remove it when all is done.
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
    _check_ground(resistance, grid)
    areas_of.check(areas)
    sites = areas_of.on_grid(areas_of.within_stated(areas.to_crs(4326), boundaries), resistance, grid)
    best = float(np.nanmin(resistance)) if np.isfinite(resistance).any() else None
    found = _links(
        sites, resistance, grid, parameters, executor=executor, folder=folder, progress=progress, across_borders=True
    )
    rows = [
        corridor_rows.evidence_row(number, sites[i], sites[j], link, grid, parameters, boundaries, best, through)
        for number, ((i, j), (link, through)) in enumerate(found.items(), start=1)
    ]
    return pl.DataFrame(rows, schema=terms.schema(terms.CORRIDOR))


def _check_ground(resistance: Floats, grid: Grid, *, tolerance: float = 1e-6) -> None:
    """Refuse a raster that corridors cannot be computed on."""
    if resistance.shape != grid.shape or not (grid.in_metres and grid.square(within=tolerance)):
        problem = (
            f"corridors need square cells in metres and a raster of the grid's {grid.shape[0]} x {grid.shape[1]} cells"
        )
        raise InputError(problem, value=str(resistance.shape), expected="grid.equal_area_grid", code="GRID_UNFIT")


def _links(
    sites: list[areas_of.Site], resistance: Floats, grid: Grid, parameters: CorridorParameters, *,
    across_borders: bool, barriers: BarrierParameters | None = None, currents: bool = False, executor: Executor | None,
    folder: Path | None, progress: bool, lay: Callable[[adjacency.Pair, links.Link], None] | None = None,
) -> dict[adjacency.Pair, tuple[links.Link, list[str]]]:  # fmt: skip
    """Return, by pair, what was measured and the names of areas that the path leads through.

    `lay` is shown each link with its rasters, which are let go then: all of them together may not fit into memory.
    """
    parts = None
    if folder is not None:
        choices: dict[str, Any] = {
            "parameters": parameters.to_dict(),
            "barriers": None if barriers is None else [*barriers.radii_m, barriers.restored_resistance],
            "currents": currents,
            "across_borders": across_borders,
            "biodata": version("biodata"),
        }
        parts = Parts.of_run(folder, key=run_key(sites, resistance, grid, choices))
    pairs = None if parts is None else parts.neighbours()
    if pairs is None:
        pairs = adjacency.neighbours(
            sites, resistance, grid, max_distance_m=parameters.max_distance_m, across_borders=across_borders
        )
        if parts is not None:
            parts.put_neighbours(pairs)
    parameters = parameters.with_one_cut(neighbour.bound for neighbour in pairs.values())
    tree = shapely.STRtree([site.shape for site in sites])
    found = {}
    for pair, link in corridor_search.measured(
        sites, pairs, resistance, grid, parameters=parameters, barriers=barriers, currents=currents, executor=executor,
        parts=parts, progress=progress,
    ):  # fmt: skip
        crossed = sorted(set(tree.query(link.line, predicate="intersects")) - {*pair}) if link.line else []
        through = [sites[k].name for k in crossed]
        if through and parameters.drop_through:
            why = f"No functional link of its own: the cheapest path leads through {', '.join(through)}."
            link = links.Link(link.least_cost, notes=(why,), barriers=link.barriers)
        if lay is not None:
            lay(pair, link)
        found[pair] = replace(link, corridor=None, barriers=None, currents=None), through
    return dict(sorted(found.items()))
