"""Connectivity from everywhere to everywhere, by current in a moving window: Omniscape's method.

Each block of cells in turn is tied to ground at its middle, and the cells around it within a radius are sources; what
flows is summed over all blocks. The same with no resistance to differ gives the flow potential, and current over flow
potential tells where current is squeezed (above 1), spread (about 1) or impeded (below 1). After McRae et al. 2016,
"Conserving nature's stage: mapping omnidirectional connectivity for resilient terrestrial landscapes in the Pacific
Northwest", and Landau et al. 2021, https://doi.org/10.21105/joss.02829.

Current agrees with Omniscape's own test output but for one thing: a window that is cut off at the western or northern
edge leaves out the sources of the block at its middle, as everywhere; Omniscape leaves out those of other cells there.
Its conditions on pairs of source and target (climate matching) are not here: strengths tell which cells are sources.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.circuit.advanced import advanced
from biodata.analysis.circuit.graph import cell_nodes, landscape
from biodata.analysis.circuit.tasks import in_order
from biodata.analysis.grid import Floats
from biodata.errors import InputError


@dataclass(frozen=True, slots=True)
class Connectivity:
    """What flows everywhere.

    Attributes
    ----------
    current : ndarray of float64, (rows, columns)
        Cumulative current, amperes; nan where there is no data.
    flow_potential : ndarray of float64, (rows, columns)
        Cumulative current if all cells resisted alike.
    normalised : ndarray of float64, (rows, columns)
        The one over the other; nan where the flow potential is 0.
    blocks : int
        Number of blocks that were grounds.
    """

    current: Floats
    flow_potential: Floats
    normalised: Floats
    blocks: int


@dataclass(frozen=True, slots=True)
class Window:
    """How far and how finely the window moves.

    Attributes
    ----------
    radius : int
        Cells that sources lie away at most.
    block_size : int
        Side of a block, an odd number of cells.
    four_neighbours, average_resistances : bool
        As of `circuit_graph.landscape`. Omniscape's default is average conductances, through which a barrier of one
        cell leaks.
    correct_artifacts : bool
        Take away what larger blocks alone would draw: the pattern of their middles.
    buffer : int
        Cells beyond the radius that current may make a detour through.
    potential_crosses_barriers : bool
        Whether the flow potential is that of a landscape without barriers, on the whole square around the window, as
        in Omniscape; else it flows where current can flow, so that the coast of a uniform island is normalised to 1.
    """

    radius: int
    block_size: int = 1
    four_neighbours: bool = False
    average_resistances: bool = True
    correct_artifacts: bool = True
    buffer: int = 0
    potential_crosses_barriers: bool = False

    @property
    def reach(self) -> int:
        """Cells from the middle to the edge of the window."""
        return self.radius + self.buffer


def strengths_from_resistance(resistance: Floats, *, cutoff: float = float("inf")) -> Floats:
    """Return sources that are as strong as cells conduct; none above a cut-off resistance or where there is no data."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(resistance) & (resistance <= cutoff), 1.0 / resistance, 0.0)


def moving_window(
    resistance: Floats,
    strengths: Floats,
    window: Window,
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Connectivity:
    """Sum the currents of all positions of the window.

    Parameters
    ----------
    resistance : ndarray of float64, (rows, columns)
        Above 0, of square cells; nan where nothing can pass.
    strengths : ndarray of float64, (rows, columns)
        Strength of each cell as a source, such as of `strengths_from_resistance`; nan and 0 for none.
    window : Window
    executor : concurrent.futures.Executor, optional
        Solves blocks side by side.
    progress : function of int and int, optional
        Called with how many blocks are done, of how many.

    Returns
    -------
    Connectivity

    Raises
    ------
    InputError
        If the window has no radius, an even block or a buffer below 0 (WINDOW_INVALID), rasters differ in size (RASTERS_NOT_ALIGNED), a
        resistance is not above 0 (RESISTANCE_NOT_POSITIVE) or a strength below 0 (STRENGTH_NEGATIVE).
    """
    _check(resistance, strengths, window)
    conductance = np.where(np.isfinite(resistance), 1.0 / resistance, 0.0)
    sources = np.where(conductance > 0, np.nan_to_num(strengths), 0.0)
    targets = _targets(conductance, sources, window.block_size)
    correction = _correction(window) if window.correct_artifacts and window.block_size > 1 else None
    work = partial(_block, conductance, sources, window, correction)
    current, potential = np.zeros(resistance.shape), np.zeros(resistance.shape)
    for done, (place, flows, null) in enumerate(in_order(work, targets, executor), start=1):
        current[place] += flows
        potential[place] += null
        if progress:
            progress(done, len(targets))
    empty = conductance == 0
    current[empty] = potential[empty] = np.nan
    normalised = np.divide(current, potential, out=np.full(current.shape, np.nan), where=potential > 0)
    return Connectivity(current, potential, normalised, len(targets))


def _check(resistance: Floats, strengths: Floats, window: Window) -> None:
    """Refuse what cannot be computed."""
    if window.radius < 1 or window.block_size < 1 or window.block_size % 2 == 0 or window.buffer < 0:
        told = f"radius {window.radius}, block {window.block_size}, buffer {window.buffer}"
        problem, value = "the window cannot move", told
        expected = "a radius of at least 1 cell, a block of an odd number of cells and a buffer of 0 or more"
        raise InputError(problem, value=value, expected=expected, code="WINDOW_INVALID")
    if resistance.shape != strengths.shape:
        problem = f"the strengths have {strengths.shape} rows and columns, and the resistance {resistance.shape}"
        raise InputError(problem, expected="rasters of the same cells", code="RASTERS_NOT_ALIGNED")
    if (resistance <= 0).any():
        problem = f"a resistance is {float(np.nanmin(resistance)):g}"
        raise InputError(problem, expected="values above 0, nan for barriers", code="RESISTANCE_NOT_POSITIVE")
    if (strengths < 0).any():
        problem = f"a strength is {float(np.nanmin(strengths)):g}"
        raise InputError(problem, expected="0 or more", code="STRENGTH_NEGATIVE")


def _targets(conductance: Floats, sources: Floats, block: int) -> list[tuple[int, int, float]]:
    """Return row and column of the middle of each block that has sources, and the sum of their strengths.

    As in Omniscape, only whole blocks are targets; what is left at the eastern and southern edges are sources alone.
    """
    rows, columns = sources.shape
    half = block // 2
    found = []
    for row in range(half, rows - half, block):
        for column in range(half, columns - half, block):
            amount = float(sources[row - half : row + half + 1, column - half : column + half + 1].sum())
            if amount > 0 and conductance[row, column] > 0:
                found.append((row, column, amount))
    return found


def _block(
    conductance: Floats, sources: Floats, window: Window, correction: Floats | None, target: tuple[int, int, float]
) -> tuple[tuple[slice, slice], Floats, Floats]:
    """Return where a window lies, the current in it, and the current if all cells resisted alike."""
    row, column, amount = target
    rows, columns = conductance.shape
    place = (
        slice(max(0, row - window.reach), min(rows, row + window.reach + 1)),
        slice(max(0, column - window.reach), min(columns, column + window.reach + 1)),
    )
    middle = (row - place[0].start, column - place[1].start)
    shape = conductance[place].shape
    own = np.where(_circle(window.reach, shape, middle), conductance[place], 0.0)
    given = np.where(_circle(window.radius, shape, middle), sources[place], 0.0)
    flows = _flow(own, given, middle, amount, window)
    alike = np.ones(shape) if window.potential_crosses_barriers else (own > 0).astype(np.float64)
    null = _flow(alike, given, middle, amount, window)
    if correction is not None:
        top, left = window.reach - middle[0], window.reach - middle[1]
        factor = correction[top : top + own.shape[0], left : left + own.shape[1]]
        flows, null = flows * factor, null * factor
    return place, flows, null


def _flow(conductance: Floats, sources: Floats, middle: tuple[int, int], amount: float, window: Window) -> Floats:
    """Return the current from the sources around a block to its middle; in sum they are as strong as the block."""
    half = window.block_size // 2
    row, column = middle
    around = sources.copy()
    around[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = 0.0
    total = float(around.sum())
    if total == 0:
        return np.zeros(conductance.shape)
    nodes, count = cell_nodes(conductance, None, four_neighbours=window.four_neighbours)
    circuit = landscape(
        conductance,
        nodes,
        count,
        four_neighbours=window.four_neighbours,
        average_resistances=window.average_resistances,
    )
    carries = nodes >= 0
    injected, grounds = np.zeros(count), np.zeros(count)
    injected[nodes[carries]] = around[carries] * (amount / total)
    grounds[nodes[middle]] = np.inf
    found = advanced(circuit, injected, grounds)
    return np.where(carries, found.currents[nodes], 0.0)


def _circle(radius: int, shape: tuple[int, ...], middle: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which cells of a window lie within the radius of its middle."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    within: NDArray[np.bool_] = (row - middle[0]) ** 2 + (column - middle[1]) ** 2 <= radius**2
    return within


def _correction(window: Window) -> Floats:
    """Return what the cells of a block would draw one by one, over what the block draws, on a uniform landscape."""
    half, reach = window.block_size // 2, window.reach
    side = 2 * (reach + half) + 1
    single = replace(window, block_size=1)
    one_by_one = np.zeros((side, side))
    for row in range(-half, half + 1):
        for column in range(-half, half + 1):
            middle = (reach + half + row, reach + half + column)
            one_by_one += _uniform((side, side), middle, 1.0, single)
    one_by_one = one_by_one[half : side - half, half : side - half]
    block = _uniform(one_by_one.shape, (reach, reach), float(window.block_size**2), window)
    return np.divide(one_by_one, block, out=np.ones_like(block), where=block > 0)


def _uniform(shape: tuple[int, ...], middle: tuple[int, int], amount: float, window: Window) -> Floats:
    """Return the current of one position of the window where all cells are alike."""
    own, given = (_circle(cells, shape, middle).astype(np.float64) for cells in (window.reach, window.radius))
    return _flow(own, given, middle, amount, window)
