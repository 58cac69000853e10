"""Barriers and crossings of a scenario: read from files, drawn along a border, laid on a grid.

A barrier is burnt into every cell that it touches, and corners where two of its cells merely meet are closed, as a step
to one of 8 neighbours would slip through them (`lines.sealed`). A crossing opens the barrier's cells within half its
width; where this does not yet join the two sides, since a cell is larger than the crossing, it grows until it does.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.formats import vectors

if TYPE_CHECKING:
    from biodata.places import BoundarySet


CLOSED: Final = math.inf
"""Resistance of a barrier that nothing passes."""
_GROWTH: Final = 0.25
"""By how much a crossing that joins nothing yet grows at a time, in cells."""
_MOST_GROWTH: Final = 3.0
_AROUND: Final = 6
"""Cells around a crossing inside which both sides of its barrier are looked for."""


_SEGMENT_DEGREES = 0.02


@dataclass(frozen=True, slots=True)
class Barrier:
    """Something that is hard or impossible to pass.

    Attributes
    ----------
    barrier_id : str
    kind : str
        border, fence, road, river, dam, mine or any other word.
    shape : shapely geometry
        Line or polygon in the grid's own system.
    resistance : float
        Cost of a metre in its cells, where the ground there costs less; `CLOSED` for what nothing passes.
    """

    barrier_id: str
    kind: str
    shape: shapely.Geometry
    resistance: float = CLOSED


@dataclass(frozen=True, slots=True)
class Crossing:
    """A place where barriers can be passed.

    Attributes
    ----------
    crossing_id, name : str
    shape : shapely geometry
        Point, line or polygon in the grid's own system.
    width_m : float
        Barriers are open within half of it of the shape.
    """

    crossing_id: str
    name: str
    shape: shapely.Geometry
    width_m: float


@dataclass(frozen=True, slots=True)
class ClosedGround:
    """Ground with barriers on it, whose crossings can be opened one by one.

    Attributes
    ----------
    ground : ndarray of float64, (rows, columns)
        Resistance without any barrier; nan where there is no data.
    level : ndarray of float64, (rows, columns)
        Resistance of the barrier in a cell, `CLOSED` where nothing passes; nan where there is none.
    crossings : tuple of Crossing
    openings : tuple of ndarray of int64
        Flat indexes of the barrier's cells that each crossing opens; empty where it opens nothing.
    notes : tuple of str
        What was done to make barriers tight and crossings passable.
    """

    ground: Floats
    level: Floats
    crossings: tuple[Crossing, ...]
    openings: tuple[Ints, ...]
    notes: tuple[str, ...]

    @property
    def barred(self) -> NDArray[np.bool_]:
        """True for the barriers' cells, those that a crossing opens too."""
        return ~np.isnan(self.level)

    def resistance(self, opened: Collection[int] | None = None) -> Floats:
        """Return the ground with its barriers.

        Parameters
        ----------
        opened : collection of int, optional
            Positions of the crossings that are open; all where it is not given.

        Returns
        -------
        ndarray of float64, (rows, columns)
            nan where there is no data or nothing passes.
        """
        level = self.level.copy()
        for position in range(len(self.crossings)) if opened is None else opened:
            level.reshape(-1)[self.openings[position]] = np.nan
        with np.errstate(invalid="ignore"):
            raised = np.where(np.isnan(level), self.ground, np.maximum(self.ground, level))
        return np.where(np.isinf(raised), np.nan, raised)


def close(
    ground: Floats, grid: Grid, *, barriers: Sequence[Barrier], crossings: Sequence[Crossing] = ()
) -> ClosedGround:
    """Put barriers on the ground.

    Parameters
    ----------
    ground : ndarray of float64, grid.shape
        Resistance; nan where there is no data.
    grid : Grid
        Square cells in metres.
    barriers : sequence of Barrier
    crossings : sequence of Crossing
        Each opens whatever barriers lie within half its width.

    Returns
    -------
    ClosedGround

    Raises
    ------
    InputError
        If a resistance or a width is not above 0, or two crossings have the same id.
    """
    _check(barriers, crossings)
    shapes = np.array([barrier.shape for barrier in barriers], dtype=object)
    burnt = rasters.burn_shapes(shapes, np.array([barrier.resistance for barrier in barriers], dtype=np.float64), grid)
    level, filled = rasters.sealed(burnt)
    window = shapely.box(*grid.bounds)
    notes = [
        f"barrier {barrier.barrier_id} lies outside the raster and changes nothing"
        for barrier in barriers
        if not shapely.intersects(barrier.shape, window)
    ]
    if filled:
        notes.append(f"{filled} cells were added where cells of a barrier met at a corner only")
    openings = []
    for crossing in crossings:
        cells, note = _opening(crossing, ~np.isnan(level), np.isfinite(ground), grid)
        openings.append(cells)
        if note:
            notes.append(note)
    return ClosedGround(ground, level, tuple(crossings), tuple(openings), tuple(notes))


def _check(barriers: Sequence[Barrier], crossings: Sequence[Crossing]) -> None:
    """Refuse numbers that no barrier or crossing can have."""
    for barrier in barriers:
        if not barrier.resistance > 0:
            problem = f"the resistance of barrier {barrier.barrier_id} must be above 0"
            raise InputError(
                problem, column="resistance", value=f"{barrier.resistance:g}", expected="inf for what nothing passes",
                code="RESISTANCE_NOT_POSITIVE",
            )  # fmt: skip
    seen = set()
    for crossing in crossings:
        if not 0 < crossing.width_m < math.inf:
            problem = f"the width of crossing {crossing.crossing_id} must be above 0"
            raise InputError(problem, column="width_m", value=f"{crossing.width_m:g}", code="CROSSING_INVALID")
        if crossing.crossing_id in seen:
            problem = "the crossing stands twice"
            raise InputError(problem, column="crossing_id", value=crossing.crossing_id, code="CROSSING_INVALID")
        seen.add(crossing.crossing_id)


def _opening(
    crossing: Crossing, barred: NDArray[np.bool_], known: NDArray[np.bool_], grid: Grid
) -> tuple[Ints, str | None]:
    """Return the cells of barriers that a crossing opens, and what there is to tell of it."""
    half = crossing.width_m / 2
    reach = half + (_MOST_GROWTH + _AROUND) * grid.cell_m
    west, south, east, north = shapely.bounds(crossing.shape)
    left, right = ((x - grid.transform.c) / grid.cell_m for x in (west - reach, east + reach))
    top, bottom = ((grid.transform.f - y) / grid.cell_m for y in (north + reach, south - reach))
    first_row, first_column = max(0, math.floor(top)), max(0, math.floor(left))
    last_row, last_column = min(grid.shape[0], math.ceil(bottom)), min(grid.shape[1], math.ceil(right))
    if first_row >= last_row or first_column >= last_column:
        return np.zeros(0, dtype=np.int64), f"crossing {crossing.crossing_id} lies outside the raster and opens nothing"
    window = slice(first_row, last_row), slice(first_column, last_column)
    rows, columns = (axis.ravel() for axis in np.mgrid[window])
    apart = shapely.distance(shapely.points(grid.centres(rows, columns)), crossing.shape)
    apart = apart.reshape(last_row - first_row, last_column - first_column)
    here, passable = barred[window], known[window] & ~barred[window]
    nearest = float(apart[here].min()) if here.any() else math.inf
    if nearest > half + _MOST_GROWTH * grid.cell_m:
        text = f"within {half + _MOST_GROWTH * grid.cell_m:.0f} m of crossing {crossing.crossing_id}"
        return np.zeros(0, dtype=np.int64), f"no barrier lies {text}, which opens nothing"
    radius, sides = max(half, nearest), _sides(passable)
    while not _joined(passable, here & known[window] & (apart <= radius), sides):
        if radius > half + _MOST_GROWTH * grid.cell_m:
            radius = max(half, nearest)
            break
        radius += _GROWTH * grid.cell_m
    at_row, at_column = np.nonzero(here & (apart <= radius))
    cells = (at_row + first_row) * grid.shape[1] + at_column + first_column
    if not _joined(passable, here & known[window] & (apart <= radius), sides):
        return (
            cells,
            f"crossing {crossing.crossing_id} joins no two sides: the barrier ends near it, or there is no data",
        )
    if radius > half:
        text = (
            f"is opened {2 * radius:.0f} m wide in place of {crossing.width_m:.0f} m, as cells are {grid.cell_m:.0f} m"
        )
        return cells, f"crossing {crossing.crossing_id} {text}"
    return cells, None


def _sides(passable: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return the number of each cell's side, from 1; 0 for barriers and for pockets that no edge of the window touches."""
    from scipy.ndimage import label

    # A diagonal step needs one of the two cells beside it, so what 8 neighbours reach is what 4 reach.
    sides, _ = label(passable)
    edges = np.concatenate([sides[0], sides[-1], sides[:, 0], sides[:, -1]])
    return np.where(np.isin(sides, edges), sides, 0)


def _joined(passable: NDArray[np.bool_], opened: NDArray[np.bool_], sides: NDArray[np.integer]) -> bool:
    """Return whether opening some cells joins two sides."""
    from scipy.ndimage import label

    after, _ = label(passable | opened)
    reached = (np.unique(sides[(after == number) & (sides > 0)]) for number in np.unique(after[opened]))
    return any(one.size > 1 for one in reached)


def read_barriers(
    path: Path, grid: Grid, *, kind: str, resistance: float = CLOSED, layer: str | None = None
) -> tuple[list[Barrier], list[str]]:
    """Read barriers.

    Parameters
    ----------
    path : Path
        Lines or polygons; the columns barrier_id, kind and resistance are taken where the file has them, an empty
        resistance being what `resistance` says.
    grid : Grid
    kind : str
        Kind of those that state none.
    resistance : float
        Of those that state none.
    layer : str, optional
        Which layer, where the file has several.

    Returns
    -------
    barriers : list of Barrier
        Those without a geometry, or outside the raster, are left out. Where no id is stated, all of the same kind and
        resistance are one.
    notes : list of str
        How many were left out.

    Raises
    ------
    InputError
        As `vectors.read_only_layer`; or if there is no feature, or a resistance is no number above 0.
    """
    rows, shapes = _features(path, grid, layer=layer)
    window = shapely.box(*grid.bounds)
    near = shapely.intersects(shapes, window)
    found: dict[tuple[str, str, float], list[shapely.Geometry]] = {}
    for row in np.flatnonzero(near):
        text = _text(rows, "kind", int(row)) or kind
        level = _number(rows, "resistance", int(row), path, default=resistance)
        barrier_id = _text(rows, "barrier_id", int(row)) or text
        found.setdefault((barrier_id, text, level), []).append(shapes[row])
    notes = [] if near.all() else [f"{int((~near).sum())} of {near.size} barriers lie outside the raster"]
    return [Barrier(*key[:2], shapely.union_all(pieces), key[2]) for key, pieces in found.items()], notes


def read_crossings(
    path: Path, grid: Grid, *, width_m: float, layer: str | None = None
) -> tuple[list[Crossing], list[str]]:
    """Read crossings.

    Parameters
    ----------
    path : Path
        Points, lines or polygons; the columns crossing_id, name and width_m are taken where the file has them.
    grid : Grid
    width_m : float
        Of those that state none.
    layer : str, optional
        Which layer, where the file has several.

    Returns
    -------
    crossings : list of Crossing
        Numbered from 1 where no id is stated.
    notes : list of str
        How many lie outside the raster and are left out.

    Raises
    ------
    InputError
        As `read_barriers`.
    """
    rows, shapes = _features(path, grid, layer=layer)
    near = shapely.intersects(shapes, shapely.box(*grid.bounds))
    found = []
    for row in np.flatnonzero(near):
        crossing_id = _text(rows, "crossing_id", int(row)) or str(row + 1)
        name = _text(rows, "name", int(row)) or crossing_id
        width = _number(rows, "width_m", int(row), path, default=width_m)
        found.append(Crossing(crossing_id, name, shapes[row], width))
    notes = [] if near.all() else [f"{int((~near).sum())} of {near.size} crossings lie outside the raster"]
    return found, notes


def _features(
    path: Path, grid: Grid, *, layer: str | None
) -> tuple[pl.DataFrame, np.ndarray[tuple[int], np.dtype[np.object_]]]:
    """Return the rows of a layer and their shapes in the grid's system."""
    rows, crs = vectors.read_only_layer(path, layer=layer)
    if not rows.height:
        problem = "the layer has no features"
        raise InputError(problem, file=path.name, expected="one or more", code="INPUT_EMPTY")
    shapes = shapely.force_2d(shapely.from_wkb(rows["geometry"].to_numpy(), on_invalid="fix"))
    shapes[shapely.is_missing(shapes)] = shapely.Point()
    shapes = np.asarray(geo.project(shapes, crs, grid.crs), dtype=object)
    coordinates, of = shapely.get_coordinates(shapes, return_index=True)
    shapes[of[~np.isfinite(coordinates).all(axis=1)]] = shapely.Point()
    return rows, shapes


def _text(rows: pl.DataFrame, column: str, row: int) -> str | None:
    """Return a value of a column that may not be there."""
    return (rows[column][row] or "").strip() or None if column in rows.columns else None


def _number(rows: pl.DataFrame, column: str, row: int, path: Path, *, default: float) -> float:
    """Return a number of a column that may not be there."""
    if (text := _text(rows, column, row)) is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        problem = "this must be a number above 0"
        raise InputError(problem, file=path.name, row=row + 1, column=column, value=text, code="NUMBER_INVALID")
    return value


def border_barriers(
    grid: Grid,
    boundaries: "BoundarySet",
    *,
    between: Collection[frozenset[str]] | None = None,
    resistance: float = CLOSED,
) -> list[Barrier]:
    """Return the borders inside a raster's window as barriers, one for each pair of countries.

    Parameters
    ----------
    grid : Grid
    boundaries : BoundarySet
        Whose lines; a disputed or uncoded unit has ? for a code.
    between : collection of frozenset of two str, optional
        Pairs of country codes whose border is closed; all where it is not given.
    resistance : float
        Cost of a metre on the line; `CLOSED` where nothing passes.

    Returns
    -------
    list of Barrier
        By their ids, as "border CN-LA"; empty where no border runs through the window.
    """
    edges = boundaries.border_edges
    outline = geo.project(shapely.segmentize(shapely.box(*grid.bounds), 20 * grid.cell_m), grid.crs, 4326)
    west, south, east, north = shapely.bounds(outline)
    ends = edges.ends
    near = (np.maximum(ends[:, 0], ends[:, 2]) >= west) & (np.minimum(ends[:, 0], ends[:, 2]) <= east)
    near &= (np.maximum(ends[:, 1], ends[:, 3]) >= south) & (np.minimum(ends[:, 1], ends[:, 3]) <= north)
    codes = np.array([code or "?" for code in boundaries.countries], dtype=object)[boundaries.country_of]
    pieces: dict[frozenset[str], list[shapely.Geometry]] = {}
    for at in np.flatnonzero(near):
        pair = frozenset((codes[edges.left[at]], codes[edges.right[at]]))
        if between is None or pair in between:
            pieces.setdefault(pair, []).append(shapely.LineString(ends[at].reshape(2, 2)))
    window = shapely.box(*grid.bounds)
    found = []
    for pair, lines in sorted(pieces.items(), key=lambda item: sorted(item[0])):
        line = shapely.segmentize(shapely.line_merge(shapely.union_all(lines)), _SEGMENT_DEGREES)
        line = geo.project(line, 4326, grid.crs)
        if shapely.intersects(line, window):
            found.append(Barrier(f"border {'-'.join(sorted(pair))}", "border", line, resistance))
    return found


def with_countries(areas: gpd.GeoDataFrame, boundaries: "BoundarySet") -> gpd.GeoDataFrame:
    """Return areas with the country that a place inside each lies in, in the column country_codes.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        As `dividing.divided` cuts them: none lies on both sides of a border that is closed.
    boundaries : BoundarySet
        A place at sea or in a disputed unit has no country.

    Returns
    -------
    geopandas.GeoDataFrame
        With country_codes, tuples of no or one code.
    """
    inside = shapely.get_coordinates(
        geo.project(shapely.point_on_surface(areas.geometry.to_numpy()), areas.crs or 4326, 4326)
    )
    codes = places.locate(inside[:, 0], inside[:, 1], boundaries)["located_country_code"].to_list()
    found = np.empty(len(codes), dtype=object)
    found[:] = [() if code is None else (code,) for code in codes]
    return areas.assign(country_codes=found)
