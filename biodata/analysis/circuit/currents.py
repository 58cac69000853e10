"""Currents through nodes and along branches, from voltages."""

import numpy as np

from biodata.analysis.bucket_queue import compiled
from biodata.analysis.circuit.graph import Circuit
from biodata.analysis.grid import Floats, Ints

NOISE: float = 1e-8
"""A current this much smaller than the largest is rounding and counts as none, as in Circuitscape."""


def node_flows(circuit: Circuit, voltages: Floats, grounds: Floats | None = None) -> tuple[Floats, Floats]:
    """Return what flows into and out of each node along its branches, and through its resistor to ground.

    Parameters
    ----------
    circuit : Circuit
    voltages : ndarray of float64, (n,)
    grounds : ndarray of float64, (n,), optional
        Conductance of the resistor that joins each node to ground, 0 for none.

    Returns
    -------
    inflow, outflow : ndarray of float64, (n,)
        In the unit of the sources, usually amperes.
    """
    matrix = circuit.conductances
    inflow, outflow = _flows(matrix.indptr, matrix.indices, matrix.data, voltages, NOISE)
    if grounds is not None:
        to_ground = grounds * voltages
        inflow -= np.minimum(to_ground, 0.0)
        outflow += np.maximum(to_ground, 0.0)
    return inflow, outflow


def node_currents(circuit: Circuit, voltages: Floats, grounds: Floats | None = None) -> Floats:
    """Return the current through each node: the larger of what flows in and out, which differ at sources and grounds."""
    inflow, outflow = node_flows(circuit, voltages, grounds)
    currents: Floats = np.maximum(inflow, outflow)
    return currents


def branch_currents(circuit: Circuit, voltages: Floats) -> tuple[Ints, Ints, Floats]:
    """Return the ends of all branches, the lower node first, and the current along them, without a sign."""
    matrix = circuit.conductances
    first = np.repeat(np.arange(circuit.nodes, dtype=np.int64), np.diff(matrix.indptr))
    second = matrix.indices.astype(np.int64)
    upper = first < second
    first, second = first[upper], second[upper]
    currents: Floats = np.abs(matrix.data[upper] * (voltages[first] - voltages[second]))
    return first, second, currents


@compiled
def _flows(starts: Ints, ends: Ints, conductances: Floats, voltages: Floats, noise: float) -> tuple[Floats, Floats]:
    """Sum inflow and outflow of each node over the rows of the matrix."""
    nodes = voltages.size
    largest = 0.0
    for node in range(nodes):
        for at in range(starts[node], starts[node + 1]):
            current = abs(conductances[at] * (voltages[ends[at]] - voltages[node]))
            largest = max(largest, current)
    least = largest * noise
    inflow, outflow = np.zeros(nodes), np.zeros(nodes)
    for node in range(nodes):
        for at in range(starts[node], starts[node + 1]):
            current = conductances[at] * (voltages[ends[at]] - voltages[node])
            if current >= least:
                inflow[node] += current
            elif -current >= least:
                outflow[node] -= current
    return inflow, outflow
