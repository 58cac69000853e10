"""A raster project as a circuit, and what flows in it as maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.circuit.graph import Circuit, Labels, cell_nodes, landscape
from biodata.analysis.circuit.inputs import RasterInputs
from biodata.analysis.grid import Floats, Ints
from biodata.formats.grids import NODATA


@dataclass(frozen=True)
class RasterCircuit:
    """A landscape as a circuit.

    Attributes
    ----------
    circuit : Circuit
    nodes : ndarray of int32, (rows, columns)
        Node of each cell, -1 for none.
    barrier : ndarray of bool, (rows, columns)
        Cells that carry no current.
    groups : tuple of ndarray of int64
        The nodes of each focal node, each once.
    beside : tuple of ndarray of int64
        Flat indices of the cells of each focal node that carry no current but show its node.
    """

    circuit: Circuit
    nodes: Labels
    barrier: NDArray[np.bool_]
    groups: tuple[Ints, ...]
    beside: tuple[Ints, ...]

    def node_sums(self, values: Floats) -> Floats:
        """Return the sum over each node's cells of values on cells, such as sources."""
        at = (self.nodes >= 0) & (values != 0)
        found = np.bincount(self.nodes[at], weights=values[at], minlength=self.circuit.nodes)
        return found.astype(np.float64)

    def spread(self, values: Floats, active: tuple[int, ...] = ()) -> Floats:
        """Return values of nodes on their cells, 0 elsewhere.

        Parameters
        ----------
        values : ndarray of float64, (nodes,)
        active : tuple of int
            Positions of the focal nodes that are active, whose cells without data show their node too.
        """
        grid = np.where(self.nodes >= 0, values[self.nodes], 0.0)
        for at in active:
            if self.groups[at].size and self.beside[at].size:
                grid.reshape(-1)[self.beside[at]] = values[self.groups[at][0]]
        return grid


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How maps are written.

    Attributes
    ----------
    log_currents : bool
        Logarithm to base 10 of currents, no data where none flows.
    currents_nodata, voltages_nodata : bool
        No data where the habitat carries no current, else 0.
    focal_currents_zero : bool
        No current at focal nodes while they are active.
    """

    log_currents: bool = False
    currents_nodata: bool = False
    voltages_nodata: bool = False
    focal_currents_zero: bool = False


class MapSums:
    """The sum and the largest of the current maps of a run, with Circuitscape's way of summing cells without data."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._sum = np.zeros(shape)
        self._largest = np.full(shape, NODATA)

    def add(self, currents: Floats) -> None:
        """Take a map in."""
        # No data counts as -9999 in sums, and what is below that in the end has no data: so a logarithm is summed as
        # Circuitscape sums it.
        filled = np.where(np.isnan(currents), NODATA, currents)
        self._sum += filled
        np.maximum(self._largest, filled, out=self._largest)

    def total(self) -> Floats:
        """Return the sum."""
        return np.where(self._sum <= NODATA, np.nan, self._sum)

    def largest(self) -> Floats:
        """Return the largest of each cell."""
        return np.where(self._largest <= NODATA, np.nan, self._largest)


def raster_circuit(inputs: RasterInputs, *, four_neighbours: bool, average_resistances: bool) -> RasterCircuit:
    """Make a circuit of a raster project's files.

    Parameters
    ----------
    inputs : RasterInputs
    four_neighbours, average_resistances : bool
        As of `circuit_graph.landscape`.

    Returns
    -------
    RasterCircuit
    """
    conductance = inputs.conductance
    nodes, count = cell_nodes(conductance, inputs.polygons, four_neighbours=four_neighbours)
    circuit = landscape(
        conductance, nodes, count, four_neighbours=four_neighbours, average_resistances=average_resistances
    )
    groups, beside = [], []
    for cells in inputs.focal.cells if inputs.focal else ():
        own = nodes.reshape(-1)[cells]
        groups.append(np.unique(own[own >= 0]).astype(np.int64))
        beside.append(cells[own < 0])
    return RasterCircuit(circuit, nodes, conductance == 0, tuple(groups), tuple(beside))


def current_map(raster: RasterCircuit, currents: Floats, style: MapStyle, active: tuple[int, ...] = ()) -> Floats:
    """Return the currents of nodes as a map, nan for no data."""
    if style.focal_currents_zero and active:
        currents = currents.copy()
        for at in active:
            currents[raster.groups[at]] = 0.0
    grid = raster.spread(currents, active)
    if style.log_currents:
        with np.errstate(divide="ignore", invalid="ignore"):
            grid = np.where(grid > 0, np.log10(grid), np.nan)
    if style.currents_nodata:
        grid[raster.barrier] = np.nan
    return grid


def voltage_map(raster: RasterCircuit, voltages: Floats, style: MapStyle, active: tuple[int, ...] = ()) -> Floats:
    """Return the voltages of nodes as a map, nan for no data."""
    grid = raster.spread(voltages, active)
    if style.voltages_nodata:
        grid[raster.barrier] = np.nan
    return grid
