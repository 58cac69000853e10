"""From Conefor's connections and options to the graphs behind the indices: one with probabilities, one of mere links."""

from collections.abc import Collection
from typing import Any, Final

import numpy as np

from biodata.analysis.bucket_queue import Floats
from biodata.analysis.networks import graphs
from biodata.analysis.networks.graphs import Graph
from biodata.errors import InputError
from biodata.formats.conefor import Connections, Nodes
from biodata.formats.conefor_options import Kind

PC: Final = "PC"
IIC: Final = "IIC"


def parameters_of(
    kind: Kind,
    *,
    distance: float | None = None,
    probability: float | None = None,
    threshold: float | None = None,
    total_area: float | None = None,
) -> dict[str, Any]:
    """Return what is used, defaults filled in."""
    for name, value in (
        ("distance", distance),
        ("threshold", threshold),
        ("probability", probability),
        ("total_area", total_area),
    ):
        if value is not None and not (0 <= value < np.inf and (value > 0 or name == "threshold")):
            problem = "this is not a positive number"
            raise InputError(problem, column=name, value=f"{value:g}", code="OPTION_INVALID")
    if probability is not None and probability > (1 if kind is Kind.LINK else np.nextafter(1, 0)):
        problem = "the probability at the distance must be below 1"
        expected = "0.5 for a median distance"
        raise InputError(
            problem, column="probability", value=f"{probability:g}", expected=expected, code="OPTION_INVALID"
        )
    if kind is Kind.DISTANCE:
        if distance is None and threshold is None:
            problem = "of distances, neither the one with a known probability nor the longest of a link is told"
            raise InputError(problem, expected="a distance, a threshold, or both", code="OPTION_MISSING")
        if distance is not None:
            probability = 0.5 if probability is None else probability
            threshold = distance if threshold is None else threshold
    elif distance is not None or (kind is Kind.PROBABILITY and probability is not None):
        problem = f"the connections are {kind.replace('y', 'ie')}s, which need no distance and its probability"
        name, value = ("probability", probability) if distance is None else ("distance", distance)
        raise InputError(problem, column=name, value=f"{value:g}", code="OPTION_UNFIT")
    return {
        "kind": str(kind),
        "distance": distance,
        "probability": probability,
        "threshold": threshold,
        "total_area": total_area,
    }


def networks(
    nodes: Nodes, connections: Connections, parameters: dict[str, Any], indices: Collection[str] = (PC, IIC)
) -> tuple[Graph | None, Graph | None]:
    """Return the binary network and that with probabilities; None where it is not asked for or cannot be had.

    Raises
    ------
    InputError
        If nothing is left of what is asked for (INDEX_UNFIT).
    """
    count = nodes.ids.size
    chances = _chances(connections, parameters) if PC in indices else None
    hops = None
    if IIC in indices:
        binary = _linked(connections, parameters["threshold"])
        hops = graphs.with_links(count, connections.first[binary], connections.second[binary])
    if hops is None and chances is None:
        problem = "the probabilities of the connections are not known, so there is no PC"
        expected = "probabilities, or a distance and its probability"
        raise InputError(problem, value=" ".join(indices), expected=expected, code="INDEX_UNFIT")
    if chances is None:
        return hops, None
    return hops, graphs.with_probabilities(count, connections.first, connections.second, chances)


def _chances(connections: Connections, parameters: dict[str, Any]) -> Floats | None:
    """Return the probability of each connection; None where it is not known."""
    if connections.kind is Kind.PROBABILITY:
        return connections.value
    if connections.kind is Kind.LINK:
        return None if parameters["probability"] is None else connections.value * parameters["probability"]
    if parameters["distance"] is None:
        return None
    return graphs.probabilities_at(
        connections.value, known_distance=parameters["distance"], probability=parameters["probability"]
    )


def _linked(connections: Connections, threshold: float | None) -> Any:
    """Return which connections are links of the binary network."""
    if connections.kind is Kind.DISTANCE:
        return connections.value <= (np.inf if threshold is None else threshold)
    return (connections.value > 0) & (connections.value >= (threshold or 0.0))
