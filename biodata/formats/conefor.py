"""Conefor's node and connection files (Saura & Torné 2009, https://doi.org/10.1016/j.envsoft.2008.05.005).

A node file has a row for each node: its identifier, a whole number; its area, or another attribute that adds up; and,
where nodes to add are studied, 1 for a node that exists and 0 for one that could be added. A connection file has a row
for each pair, with both identifiers and a distance, a probability, or for mere links nothing or 1 (0 for none); pairs
that are not listed are not joined. Matrices in the order of the node file, whole or one half of them, are read too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.formats import conefor_matrices
from biodata.formats.conefor_kinds import Kind, Layout
from biodata.formats.conefor_numbers import Numbers, read_numbers

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_LARGEST_ID: Final = 2.0**53


@dataclass(frozen=True, eq=False, slots=True)
class Nodes:
    """The nodes of a landscape.

    Attributes
    ----------
    ids : ndarray of int64, (n,)
        In the file's order, all different.
    area : ndarray of float64, (n,)
        0 or more.
    existing : ndarray of bool, (n,)
        False for nodes that could be added.
    """

    ids: Ints
    area: Floats
    existing: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Connections:
    """The connections between nodes, as they were told: pairs may stand twice.

    Attributes
    ----------
    kind : Kind
    first, second : ndarray of int64, (m,)
        Positions of the nodes in the node file.
    value : ndarray of float64, (m,)
        Distances, 0 or more, `inf` where there is no way; probabilities, 0 to 1; or for links 1, or 0 for none.
    """

    kind: Kind
    first: Ints
    second: Ints
    value: Floats


def read_nodes(path: Path) -> Nodes:
    """Read a node file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Nodes

    Raises
    ------
    InputError
        If a row has not two or three numbers (FIELDS_UNEVEN), an identifier is no whole number (ID_INVALID) or stands
        twice (NODE_REPEATED), an area is negative (AREA_INVALID), or a third number is neither 0 nor 1.
    """
    numbers = read_numbers(path)
    columns = _even(numbers, (2, 3), "an identifier and an area, and for nodes to add 1 or 0")
    table = numbers.value.reshape(-1, columns)
    ids = _whole(numbers, table, 0, "id")
    order = np.argsort(ids, kind="stable")
    again = order[1:][ids[order][1:] == ids[order][:-1]]
    if again.size:
        numbers.refuse(int(again.min()) * columns, "the node stands twice", "id", "each node once", "NODE_REPEATED")
    wrong = np.flatnonzero(~((table[:, 1] >= 0) & (table[:, 1] < np.inf)))
    if wrong.size:
        position = int(wrong[0]) * columns + 1
        numbers.refuse(position, "this is no area", "area", "a number of 0 or more", "AREA_INVALID")
    existing = np.ones(len(table), dtype=np.bool_)
    if columns == 3:
        wrong = np.flatnonzero(~np.isin(table[:, 2], (0.0, 1.0)))
        if wrong.size:
            position = int(wrong[0]) * columns + 2
            expected = "1 for a node that exists, 0 for a node to add"
            numbers.refuse(position, "the third column is neither", "existing", expected, "EXISTING_INVALID")
        existing = table[:, 2] == 1.0
    return Nodes(ids, table[:, 1].copy(), existing)


def read_connections(
    path: Path, nodes: Nodes, *, kind: Kind | str | None = None, layout: Layout | str | None = None
) -> Connections:
    """Read a connection file.

    Parameters
    ----------
    path : Path
    nodes : Nodes
        The nodes that are connected.
    kind : Kind or its name, optional
        What the numbers are. Where it is not told, a list of pairs without numbers has links, and others have
        probabilities.
    layout : Layout or its name, optional
        Found from the numbers of rows and fields where it is not told; three rows of three are a matrix of three nodes
        only if they are symmetric and the first two columns are not all identifiers.

    Returns
    -------
    Connections

    Raises
    ------
    InputError
        If rows do not fit (FIELDS_UNEVEN, MATRIX_NOT_SQUARE), a node is not in the node file (NODE_UNKNOWN), a matrix
        is not symmetric (MATRIX_NOT_SYMMETRIC), or a value is none (DISTANCE_INVALID, PROBABILITY_INVALID,
        LINK_INVALID).
    """
    numbers = read_numbers(path)
    told = None if kind is None else Kind(kind)
    matrix = conefor_matrices.is_matrix(numbers, nodes.ids) if layout is None else Layout(layout) is Layout.MATRIX
    return _matrix(numbers, nodes, told) if matrix else _list(numbers, nodes, told)


def contradicted(connections: Connections) -> int:
    """Return how many pairs of nodes stand again, in either order, with another value; of such, the best way counts."""
    low = np.minimum(connections.first, connections.second)
    high = np.maximum(connections.first, connections.second)
    order = np.lexsort((connections.value, high, low))
    again = (np.diff(low[order]) == 0) & (np.diff(high[order]) == 0) & (np.diff(connections.value[order]) != 0)
    return int(again.sum())


def write_nodes(nodes: Nodes, path: Path) -> None:
    """Write a node file that Conefor reads; the third column only where there are nodes to add."""
    add = not nodes.existing.all()
    rows = zip(nodes.ids.tolist(), nodes.area.tolist(), nodes.existing.tolist(), strict=True)
    _write(((node, area, int(there)) if add else (node, area) for node, area, there in rows), path)


def write_connections(connections: Connections, nodes: Nodes, path: Path) -> None:
    """Write a connection file that Conefor reads: a list of pairs with their distance, probability or 1."""
    ends = zip(nodes.ids[connections.first].tolist(), nodes.ids[connections.second].tolist(), strict=True)
    values = connections.value.tolist()
    if connections.kind is Kind.LINK:
        values = [int(value) for value in values]
    _write(((*pair, value) for pair, value in zip(ends, values, strict=True)), path)


def _write(rows: Iterable[tuple[float, ...]], path: Path) -> None:
    """Write rows with tabs; numbers as short as they can be read again."""
    path.write_text("".join("\t".join(map(repr, row)) + "\n" for row in rows), encoding="ascii", newline="\n")


def _even(numbers: Numbers, allowed: tuple[int, ...], expected: str) -> int:
    """Return how many fields every row has."""
    columns = int(numbers.count[0])
    wrong = 0 if columns not in allowed else int(np.argmax(numbers.count != columns))
    if columns not in allowed or numbers.count[wrong] != columns:
        count = int(numbers.count[wrong])
        problem = f"{count} number{'s' if count > 1 else ''}" + (
            "" if wrong == 0 else f" where row {int(numbers.row[0])} has {columns}"
        )
        raise InputError(
            problem, file=numbers.file, row=int(numbers.row[wrong]), expected=expected, code="FIELDS_UNEVEN"
        )
    return columns


def _whole(numbers: Numbers, table: Floats, column: int, name: str) -> Ints:
    """Return a column of identifiers; 1e5 is as good as 100000."""
    values = table[:, column]
    wrong = np.flatnonzero(~((np.abs(values) <= _LARGEST_ID) & (values == np.round(values))))
    if wrong.size:
        position = int(wrong[0]) * table.shape[1] + column
        numbers.refuse(position, "this is no identifier", name, "a whole number up to 2^53", "ID_INVALID")
    return values.astype(np.int64)


def _list(numbers: Numbers, nodes: Nodes, kind: Kind | None) -> Connections:
    """Read a list of pairs."""
    columns = _even(
        numbers, (2, 3), "two identifiers and a distance or probability, or two identifiers that are linked"
    )
    if kind is None:
        kind = Kind.LINK if columns == 2 else Kind.PROBABILITY
    if columns == 2 and kind is not Kind.LINK:
        problem = f"2 numbers, so there is no {kind}"
        expected = "two identifiers and a number"
        raise InputError(problem, file=numbers.file, row=int(numbers.row[0]), expected=expected, code="FIELDS_UNEVEN")
    table = numbers.value.reshape(-1, columns)
    order = np.argsort(nodes.ids)
    ends = []
    for column, name in enumerate(("first", "second")):
        ids = _whole(numbers, table, column, name)
        place = np.minimum(np.searchsorted(nodes.ids[order], ids), nodes.ids.size - 1)
        wrong = np.flatnonzero(nodes.ids[order][place] != ids)
        if wrong.size:
            position = int(wrong[0]) * columns + column
            numbers.refuse(position, "the node file has no such node", name, "a node of the node file", "NODE_UNKNOWN")
        ends.append(order[place])
    value = table[:, 2].copy() if columns == 3 else np.ones(len(table))
    _check(numbers, value, np.arange(len(table)) * columns + 2, kind)
    return Connections(kind, ends[0], ends[1], value)


def _matrix(numbers: Numbers, nodes: Nodes, kind: Kind | None) -> Connections:
    """Read a matrix."""
    first, second, position = conefor_matrices.pairs(numbers, nodes.ids)
    value = numbers.value[position]
    _check(numbers, value, position, kind or Kind.PROBABILITY)
    conefor_matrices.require_symmetric(numbers, nodes.ids)
    return Connections(kind or Kind.PROBABILITY, first, second, value)


def _check(numbers: Numbers, value: Floats, position: Ints, kind: Kind) -> None:
    """Refuse a value that its kind cannot have."""
    right, problem, expected = {
        Kind.DISTANCE: (value >= 0, "this is no distance", "a number of 0 or more, inf where there is no way"),
        Kind.PROBABILITY: (
            (value >= 0) & (value <= 1),
            "this is no probability",
            "0 to 1; where these are distances, say so by --distance (and --probability, 0.5 by default)",
        ),
        Kind.LINK: (np.isin(value, (0.0, 1.0)), "this is no link", "1 for a link, 0 for none"),
    }[kind]
    if not right.all():
        wrong = int(np.argmin(right))
        numbers.refuse(int(position[wrong]), problem, str(kind), expected, f"{kind.upper()}_INVALID")
