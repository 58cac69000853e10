"""Barriers on the ground, and the crossings through them: fences, roads, rivers, dams, mines, or the border itself.

A barrier is burnt into every cell that it touches, and corners where two of its cells merely meet are closed, as a step
to one of 8 neighbours would slip through them (`lines.sealed`). A crossing opens the barrier's cells within half its
width; where this does not yet join the two sides, since a cell is larger than the crossing, it grows until it does.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis import lines
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.errors import InputError

CLOSED: Final = math.inf
"""Resistance of a barrier that nothing passes."""
_GROWTH: Final = 0.25
"""By how much a crossing that joins nothing yet grows at a time, in cells."""
_MOST_GROWTH: Final = 3.0
_AROUND: Final = 6
"""Cells around a crossing inside which both sides of its barrier are looked for."""


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
    burnt = lines.burn_shapes(shapes, np.array([barrier.resistance for barrier in barriers], dtype=np.float64), grid)
    level, filled = lines.sealed(burnt)
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
        told = f"within {half + _MOST_GROWTH * grid.cell_m:.0f} m of crossing {crossing.crossing_id}"
        return np.zeros(0, dtype=np.int64), f"no barrier lies {told}, which opens nothing"
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
        told = (
            f"is opened {2 * radius:.0f} m wide in place of {crossing.width_m:.0f} m, as cells are {grid.cell_m:.0f} m"
        )
        return cells, f"crossing {crossing.crossing_id} {told}"
    return cells, None


def _sides(passable: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Return the number of each cell's side, from 1; 0 for barriers and for pockets that no edge of the window touches."""
    from scipy.ndimage import label

    # A diagonal step needs one of the two cells beside it, so what 8 neighbours reach is what 4 reach.
    sides, _ = label(passable)
    edges = np.concatenate([sides[0], sides[-1], sides[:, 0], sides[:, -1]])
    return np.where(np.isin(sides, edges), sides, 0)


def _joined(passable: NDArray[np.bool_], opened: NDArray[np.bool_], sides: NDArray[np.integer]) -> bool:
    """Tell whether opening some cells joins two sides."""
    from scipy.ndimage import label

    after, _ = label(passable | opened)
    reached = (np.unique(sides[(after == number) & (sides > 0)]) for number in np.unique(after[opened]))
    return any(one.size > 1 for one in reached)
