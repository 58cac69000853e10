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
    path: Path, nodes: Nodes, *, kind: Kind | None = None, layout: Layout | None = None
) -> Connections:
    """Read a connection file.

    Parameters
    ----------
    path : Path
    nodes : Nodes
        The nodes that are connected.
    kind : Kind, optional
        What the numbers are. Where it is not told, a list of pairs without numbers has links, and others have
        probabilities.
    layout : Layout, optional
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
    if layout is None:
        layout = _layout(numbers, nodes)
    return _matrix(numbers, nodes, kind) if layout is Layout.MATRIX else _list(numbers, nodes, kind)


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


def _layout(numbers: Numbers, nodes: Nodes) -> Layout:
    """Tell a list from a matrix."""
    count = nodes.ids.size
    if numbers.count[0] != numbers.count[-1] or numbers.count[0] not in (2, 3):
        triangle = numbers.count.size in (count - 1, count) and bool((np.abs(np.diff(numbers.count)) == 1).all())
        return Layout.MATRIX if triangle or numbers.count[0] not in (2, 3) else Layout.LIST
    if numbers.count.size != count or bool((numbers.count != count).any()):
        return Layout.LIST
    square = numbers.value.reshape(count, count)
    ids = bool(np.isin(square[:, :2], nodes.ids).all())
    symmetric = bool(np.array_equal(square, square.T)) and np.ptp(np.diag(square)) == 0
    return Layout.MATRIX if symmetric and not ids else Layout.LIST


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
    """Read a matrix: whole, or a half with or without its diagonal, which says nothing."""
    kind = kind or Kind.PROBABILITY
    count, rows = nodes.ids.size, numbers.count.size
    here = np.arange(rows)
    first = np.repeat(here, numbers.count)
    within = np.arange(numbers.value.size) - np.repeat(np.cumsum(numbers.count) - numbers.count, numbers.count)
    shapes = (  # rows, numbers in each row, and the two nodes of each number
        (count, np.full(rows, count), first, within),  # whole
        (count, here + 1, first, within),  # below the diagonal, with it
        (count - 1, here + 1, first + 1, within),  # without it
        (count, count - here, first, first + within),  # above
        (count - 1, count - 1 - here, first, first + 1 + within),
    )
    fitting = [shape for shape in shapes if rows == shape[0] and np.array_equal(numbers.count, shape[1])]
    if not fitting:
        wrong = int(np.argmax(numbers.count != count)) if bool((numbers.count != count).any()) else rows - 1
        problem = f"row {wrong + 1} of the matrix has {numbers.count[wrong]} numbers, and there are {rows} rows"
        expected = f"{count} rows of {count}, as there are {count} nodes, or one half of them"
        raise InputError(
            problem, file=numbers.file, row=int(numbers.row[wrong]), expected=expected, code="MATRIX_NOT_SQUARE"
        )
    *_, one, other = fitting[0]
    apart = one != other
    _check(numbers, numbers.value[apart], np.flatnonzero(apart), kind)
    if numbers.value.size == count**2:
        square = numbers.value.reshape(count, count)
        unlike = ~np.isclose(square, square.T, rtol=1e-9, atol=0.0)
        if unlike.any():
            position = int(np.argmax(unlike.ravel()))
            i, j = divmod(position, count)
            expected = f"{square[j, i]:.15g}, as from node {nodes.ids[j]} to {nodes.ids[i]}; links have no direction"
            numbers.refuse(position, "the matrix is not symmetric", f"{j + 1}", expected, "MATRIX_NOT_SYMMETRIC")
        apart = one < other
    return Connections(kind, one[apart].astype(np.int64), other[apart].astype(np.int64), numbers.value[apart])


def _check(numbers: Numbers, value: Floats, position: Ints, kind: Kind) -> None:
    """Refuse a value that its kind cannot have."""
    right, problem, expected = {
        Kind.DISTANCE: (value >= 0, "this is no distance", "a number of 0 or more, inf where there is no way"),
        Kind.PROBABILITY: (
            (value >= 0) & (value <= 1),
            "this is no probability",
            "0 to 1, or a distance whose probability is told where these are distances",
        ),
        Kind.LINK: (np.isin(value, (0.0, 1.0)), "this is no link", "1 for a link, 0 for none"),
    }[kind]
    if not right.all():
        wrong = int(np.argmin(right))
        numbers.refuse(int(position[wrong]), problem, str(kind), expected, f"{kind.upper()}_INVALID")
