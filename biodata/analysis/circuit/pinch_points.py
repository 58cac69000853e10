"""Where the movement between two areas is squeezed: current inside a corridor.

A corridor tells where movement is cheap, the current in it where there is no way around: cells that carry much of the
1 A between the two areas are pinch points. As in Linkage Mapper's Pinchpoint Mapper (McRae 2012), the areas are
short-circuited, and the resistance outside the corridor is left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from biodata.analysis.areas import Site
from biodata.analysis.circuit.flows import UNCONNECTED, pairwise
from biodata.analysis.circuit.graph import cell_nodes, landscape
from biodata.analysis.cost_distance import Floats32, Normalised
from biodata.analysis.grid import Floats, Ints
from biodata.core.errors import InputError


@dataclass(frozen=True, slots=True)
class PinchPoints:
    """The current between two areas.

    Attributes
    ----------
    current : ndarray of float64, (rows, columns)
        Amperes of 1 A between the areas; 0 inside them, nan outside the corridor.
    resistance : float
        Effective resistance between the areas, in the unit of the raster; inf where no current can flow.
    tightest : tuple of int, optional
        Row and column of the cell with the largest current that is not beside an area; None where none flows.
    """

    current: Floats
    resistance: float
    tightest: tuple[int, int] | None


def pinch_points(
    resistance: Floats, first: Ints, second: Ints, *, corridor: NDArray[np.bool_] | None = None,
    four_neighbours: bool = False, average_resistances: bool = True,
) -> PinchPoints:  # fmt: skip
    """Send 1 A from one area to another through a corridor.

    Parameters
    ----------
    resistance : ndarray of float64, (rows, columns)
        The pair's window, of square cells; nan where nothing can pass.
    first, second : ndarray of int64
        Flat indices of the areas' cells.
    corridor : ndarray of bool, (rows, columns), optional
        Where current may flow; the areas always belong to it. The whole window if not given.
    four_neighbours, average_resistances : bool
        As of `circuit_graph.landscape`.

    Returns
    -------
    PinchPoints

    Raises
    ------
    InputError
        If an area has no cell with data in the window (AREA_EMPTY), the two have a cell in common (AREAS_OVERLAP), or
        a resistance is not above 0 (RESISTANCE_NOT_POSITIVE).
    """
    if (resistance <= 0).any():
        problem = f"a resistance is {float(np.nanmin(resistance)):g}"
        raise InputError(problem, expected="values above 0, nan for barriers", code="RESISTANCE_NOT_POSITIVE")
    if np.intersect1d(first, second).size:
        problem = "the two areas have cells in common"
        raise InputError(problem, expected="areas apart from each other", code="AREAS_OVERLAP")
    inside = np.ones(resistance.shape, dtype=bool) if corridor is None else corridor.copy()
    for area in (first, second):
        inside.reshape(-1)[area] = True
    conductance = np.where(inside & np.isfinite(resistance), 1.0 / resistance, 0.0)
    nodes, count = cell_nodes(conductance, None, four_neighbours=four_neighbours)
    whole = landscape(
        conductance, nodes, count, four_neighbours=four_neighbours, average_resistances=average_resistances
    )
    groups = []
    for name, area in (("first", first), ("second", second)):
        own = nodes.reshape(-1)[area]
        groups.append(np.unique(own[own >= 0]).astype(np.int64))
        if not groups[-1].size:
            problem = f"the {name} area has no cell with data in the window"
            raise InputError(problem, expected="at least one", code="AREA_EMPTY")
    (flow,) = pairwise(whole, groups, ~np.eye(2, dtype=bool), maps=True)
    if flow.currents is None or flow.resistance == UNCONNECTED:
        return PinchPoints(np.where(conductance > 0, 0.0, np.nan), float("inf"), None)
    currents = flow.currents.copy()
    currents[np.concatenate(groups)] = 0.0
    current = np.where(nodes >= 0, currents[nodes], np.nan)
    return PinchPoints(current, flow.resistance, _tightest(current, np.concatenate([first, second])))


def _tightest(current: Floats, areas: Ints) -> tuple[int, int] | None:
    """Return the cell with the largest current; cells beside an area are taken only where there are no others."""
    beside = np.zeros(current.shape, dtype=bool)
    beside.reshape(-1)[areas] = True
    near = ndimage.binary_dilation(beside, structure=np.ones((3, 3), dtype=bool))
    for left_out in (near, beside):
        shown = np.where(left_out | np.isnan(current), 0.0, current)
        if shown.any():
            row, column = divmod(int(shown.argmax()), shown.shape[1])
            return int(row), int(column)
    return None


@dataclass(frozen=True, slots=True)
class PairCurrents:
    """What flows when 1 A goes from one area to the other, on the window of their corridor.

    Attributes
    ----------
    current : ndarray of float32, (rows, columns)
        Amperes; 0 inside the areas, nan outside the corridor.
    row, column : int
        Where the window starts in the raster.
    resistance : float
        Effective resistance between the areas, in the raster's unit; inf where no current can flow.
    tightest : tuple of int, optional
        Row and column in the raster of the cell with the largest current that is not beside an area; None where none
        flows.
    tightest_a : float
        The current there, amperes; 0 where none flows.
    """

    current: Floats32
    row: int
    column: int
    resistance: float
    tightest: tuple[int, int] | None
    tightest_a: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the raster that the window covers."""
        rows, columns = self.current.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def pair_currents(first: Site, second: Site, corridor: Normalised, resistance: Floats) -> PairCurrents:
    """Send 1 A through the corridor of two areas.

    Parameters
    ----------
    first, second : Site
    corridor : Normalised
        Of this pair.
    resistance : ndarray of float64, (rows, columns)
        The whole raster; nan where nothing can pass.
    """
    cells = [_inside(site.cells, corridor, resistance.shape[1]) for site in (first, second)]
    found = pinch_points(resistance[corridor.window], *cells, corridor=corridor.inside)
    at, amperes = found.tightest, 0.0
    if at is not None:
        amperes = float(found.current[at])
        at = corridor.row + at[0], corridor.column + at[1]
    current = found.current.astype(np.float32)
    return PairCurrents(current, corridor.row, corridor.column, found.resistance, at, amperes)


def _inside(cells: Ints, corridor: Normalised, width: int) -> Ints:
    """Return the cells that lie on the corridor's window, numbered there."""
    rows, columns = np.divmod(cells, width)
    rows, columns = rows - corridor.row, columns - corridor.column
    high, wide = corridor.excess.shape
    inside = (rows >= 0) & (rows < high) & (columns >= 0) & (columns < wide)
    found: Ints = rows[inside] * wide + columns[inside]
    return found
