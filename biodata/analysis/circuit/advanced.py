"""Currents and voltages from any sources and grounds: Circuitscape's advanced mode."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from biodata.analysis.circuit.currents import node_currents
from biodata.analysis.circuit.graph import Circuit
from biodata.analysis.circuit.solvers import solver_for
from biodata.analysis.circuit.terminals import grounded_laplacian
from biodata.analysis.grid import Floats

POLICIES: Final = ("keepall", "rmvsrc", "rmvgnd", "rmvall")
"""What to do with a node that is source and ground: keep both, remove the source, the ground, or both."""


@dataclass(frozen=True, slots=True)
class AdvancedFlow:
    """What flows.

    Attributes
    ----------
    voltages, currents : ndarray of float64, (nodes,)
        0 in components that lack a source or a ground.
    solved : int
        Number of components in which something flows.
    grounds : ndarray of float64, (nodes,)
        Conductance of each node's resistor to ground after conflicts were settled; inf for a direct connection.
    """

    voltages: Floats
    currents: Floats
    solved: int
    grounds: Floats

    @property
    def active(self) -> tuple[int, ...]:
        """Positions of focal nodes that took part: this mode has none."""
        return ()


def advanced(
    circuit: Circuit, sources: Floats, grounds: Floats, *, policy: str = "keepall", solver: str = "auto"
) -> AdvancedFlow:
    """Solve a circuit with sources and grounds.

    Parameters
    ----------
    circuit : Circuit
    sources : ndarray of float64, (nodes,)
        Current injected into each node, amperes; below 0 where it is drawn out.
    grounds : ndarray of float64, (nodes,)
        Conductance of the resistor from each node to ground; inf for a direct connection, 0 for none.
    policy : str
        One of `POLICIES`, for nodes that are both. Whatever it says, a source that is tied directly to ground loses the
        ground, as nothing could flow from it.
    solver : str
        One of `circuit_solvers.SOLVERS`.

    Returns
    -------
    AdvancedFlow
    """
    both = (sources != 0) & (grounds != 0)
    if policy in {"rmvsrc", "rmvall"}:
        sources = np.where(both, 0.0, sources)
    if policy in {"rmvgnd", "rmvall"}:
        grounds = np.where(both, 0.0, grounds)
    direct = np.isinf(grounds)
    grounds = np.where(direct & (sources != 0), 0.0, grounds)
    direct = np.isinf(grounds)
    finite = np.where(direct, 0.0, grounds)
    components = int(circuit.components.max(initial=-1)) + 1
    has_source = np.bincount(circuit.components[sources != 0], minlength=components) > 0
    has_ground = np.bincount(circuit.components[grounds != 0], minlength=components) > 0
    flows = has_source & has_ground
    voltages = np.zeros(circuit.nodes)
    kept = np.flatnonzero(flows[circuit.components] & ~direct)
    if kept.size:
        system = solver_for(grounded_laplacian(circuit, kept, finite), solver=solver, questions=1)
        voltages[kept] = system.solve(sources[kept])
        system.close()
    return AdvancedFlow(voltages, node_currents(circuit, voltages, finite), int(flows.sum()), grounds)
