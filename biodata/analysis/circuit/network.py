"""A network of resistors, as Circuitscape's network projects describe it."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.circuit.graph import Circuit, circuit
from biodata.analysis.circuit.inputs import ground_conductances
from biodata.analysis.circuit.pairs import PairList, read_pairs
from biodata.analysis.circuit.project import Project
from biodata.analysis.grid import Floats, Ints
from biodata.errors import InputError
from biodata.formats.circuitscape import read_numbers


@dataclass(frozen=True)
class NetworkInputs:
    """What a network project is run on.

    Attributes
    ----------
    circuit : Circuit
    ids : ndarray of int64, (n,)
        The ids of the file, ascending.
    nodes : ndarray of int64, (n,)
        The node of each; ids that are joined without resistance share one.
    focal : ndarray of int64, (f,)
        Ids of the focal nodes, in the order of their file.
    pairs : PairList, optional
    sources, grounds : ndarray of float64, (nodes,)
        Amperes, and conductances to ground, in advanced mode.
    notes : tuple of str
    """

    circuit: Circuit
    ids: Ints
    nodes: Ints
    focal: Ints
    pairs: PairList | None
    sources: Floats
    grounds: Floats
    notes: tuple[str, ...]


def read_network(project: Project) -> NetworkInputs:
    """Read the files of a network project.

    Raises
    ------
    InputError
        If a branch is below 0 or no number, or a focal node is no node of the network, with row and value.
    """
    files, flags, notes = project.files, project.flags, list(project.notes)
    table, rows = read_numbers(files["habitat_file"], columns=3)
    name = files["habitat_file"].name
    bad = np.flatnonzero(~(table[:, 2] >= 0))
    if bad.size:
        problem, value = "a branch is below 0", f"{table[bad[0], 2]:g}"
        raise InputError(
            problem, file=name, row=int(rows[bad[0]]), column="3", value=value, expected="0 or more", code="BRANCH_NEGATIVE"
        )  # fmt: skip
    ends = _ids(table[:, :2], rows, name)
    ids, at = np.unique(ends, return_inverse=True)
    at = at.reshape(ends.shape)
    nodes, count = np.arange(ids.size, dtype=np.int64), ids.size
    conductance = table[:, 2]
    if flags["habitat_map_is_resistances"]:
        short = conductance == 0
        if short.any():
            notes.append(f"{name}: {int(short.sum())} branches have no resistance; their ends are one node")
            matrix = sparse.coo_array((np.ones(short.sum()), (at[short, 0], at[short, 1])), shape=(count, count))
            count, labels = csgraph.connected_components(matrix, directed=False)
            nodes = labels.astype(np.int64)
        conductance = np.divide(1.0, conductance, out=np.zeros_like(conductance), where=~short)
    whole = circuit(nodes[at[:, 0]], nodes[at[:, 1]], conductance, count)
    focal = np.empty(0, dtype=np.int64)
    sources = grounds = np.zeros(count)
    pairs = None
    if project.scenario == "pairwise":
        pairs = read_pairs(files["included_pairs_file"]) if "included_pairs_file" in files else None
        values, rows = read_numbers(files["point_file"], columns=1)
        focal = _ids(values, rows, files["point_file"].name).reshape(-1)
        _known(focal, ids, rows, files["point_file"].name)
        focal = focal[np.sort(np.unique(focal, return_index=True)[1])]
        focal = focal[[pairs is None or pairs.keeps(int(number)) for number in focal]]
        if focal.size < 2:
            problem = "there are fewer than two focal nodes"
            raise InputError(problem, file=files["point_file"].name, expected="at least two", code="FOCAL_NODES_FEW")
    else:
        told, place = _listed(project, "source_file", ids, notes)
        sources = np.zeros(count)
        np.add.at(sources, nodes[place], (told != 0) if flags["use_unit_currents"] else told)
        told, place = _listed(project, "ground_file", ids, notes)
        grounds = np.zeros(count)
        found = ground_conductances(
            told,
            are_resistances=flags["ground_file_is_resistances"],
            direct=flags["use_direct_grounds"],
            file=files["ground_file"].name,
        )
        np.add.at(grounds, nodes[place], found)
    return NetworkInputs(whole, ids, nodes, focal, pairs, sources, grounds, tuple(notes))


def _listed(project: Project, key: str, ids: Ints, notes: list[str]) -> tuple[Floats, Ints]:
    """Read a list of node and value; where a node stands twice, the last value holds.

    Nodes that the network has not are left aside, as in Circuitscape.
    """
    path = project.files[key]
    table, rows = read_numbers(path, columns=2)
    found = _ids(table[:, 0], rows, path.name)
    known = np.isin(found, ids)
    if not known.all():
        told = ", ".join(f"{number} (row {row})" for number, row in zip(found[~known], rows[~known], strict=True))
        notes.append(f"{path.name}: nodes that the network has not are left aside: {told}")
    last = {int(number): float(value) for number, value in zip(found[known], table[known, 1], strict=True)}
    return np.array(list(last.values())), np.searchsorted(ids, np.array(list(last), dtype=np.int64))


def _ids(values: Floats, rows: Ints, file: str) -> Ints:
    """Return ids as whole numbers."""
    odd = np.argwhere((values != np.round(values)) | (values < 0))
    if odd.size:
        problem, value = "the id of a node is no whole number", f"{values[tuple(odd[0])]:g}"
        raise InputError(
            problem, file=file, row=int(rows[odd[0, 0]]), value=value, expected="0, 1, 2, …", code="NODE_ID_INVALID"
        )
    return values.astype(np.int64)


def _known(found: Ints, ids: Ints, rows: Ints, file: str) -> None:
    """Refuse ids that are no nodes of the network."""
    unknown = np.flatnonzero(~np.isin(found, ids))
    if unknown.size:
        problem, value = "the network has no such node", str(found[unknown[0]])
        raise InputError(problem, file=file, row=int(rows[unknown[0]]), value=value, code="NODE_UNKNOWN")
