"""The text behind Conefor's files: rows of numbers without a heading, of tabs, spaces, semicolons or commas."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.core.vocabularies import ConnectionKind, ConnectionLayout
from biodata.formats import encodings

_BLOCK_LINES: Final = 100_000
_SEPARATORS: Final = (
    "fields are separated by tabs, spaces, semicolons or commas, one kind a file, and decimals by a point"
)


@dataclass(frozen=True, eq=False, slots=True)
class Numbers:
    """The numbers of a file, row by row.

    Attributes
    ----------
    file : str
        Its name, for errors.
    row : ndarray of int64, (rows,)
        Line of each row, from 1.
    count : ndarray of int64, (rows,)
        How many numbers it has.
    value : ndarray of float64
        All of them, one after the other.
    """

    file: str
    row: NDArray[np.int64]
    count: NDArray[np.int64]
    value: NDArray[np.float64]

    def refuse(self, position: int, problem: str, column: str, expected: str, code: str) -> NoReturn:
        """Raise the error of one number, by its position in `value`."""
        row = int(self.row[np.searchsorted(np.cumsum(self.count), position, side="right")])
        value = f"{self.value[position]:.15g}"
        raise InputError(
            problem, file=self.file, row=row, column=column, value=value, expected=expected, code=code
        ) from None


def read_numbers(path: Path) -> Numbers:
    """Read rows of numbers.

    A first line where nothing begins like a number is taken for a heading and left out; so are empty lines. Byte order marks and all
    line ends are understood; `inf` is a number, `nan` is none.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Numbers

    Raises
    ------
    InputError
        If there is nothing in it (INPUT_EMPTY), it is no text, or a field is no number (NUMBER_INVALID).
    OSError
        If it cannot be read.
    """
    raw = path.read_bytes()
    encoding = encodings.choose(raw[: 1 << 18], file=path.name)
    text = raw.decode(encoding, errors="replace").removeprefix("\ufeff")
    if "," in text and not any(
        len(line.replace(";", " ").split()) > 1 for line in text.splitlines() if _begins_like_a_number(line)
    ):
        text = text.replace(",", " ")  # nothing else parts the fields, and one number a row is never enough
    lines = text.splitlines()
    rows: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    heading = True
    for start in range(0, len(lines), _BLOCK_LINES):
        fields = [line.replace(";", " ").split() for line in lines[start : start + _BLOCK_LINES]]
        if heading and (first := next((line for line in fields if line), None)) is not None:
            heading = False
            if not any(_begins_like_a_number(field) for field in first):
                first.clear()
        count = np.array([len(line) for line in fields], dtype=np.int64)
        flat = list(chain.from_iterable(fields))
        try:
            value = np.array(flat, dtype=np.float64)
        except ValueError:
            value = np.array([np.nan])
        if np.isnan(value).any() or any("_" in line for line in lines[start : start + _BLOCK_LINES]):
            _refuse_text(fields, start, path.name)
        rows.append(start + 1 + np.flatnonzero(count))
        counts.append(count[count > 0])
        values.append(value)
    row = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    if not row.size:
        problem = "there is no number in it"
        raise InputError(problem, file=path.name, expected=_SEPARATORS, code="INPUT_EMPTY")
    return Numbers(path.name, row, np.concatenate(counts), np.concatenate(values))


def _begins_like_a_number(text: str) -> bool:
    """Return whether the first character is one that numbers begin with."""
    return text[:1].isdigit() or text[:1] in ("+", "-", ".")


def _is_number(field: str) -> bool:
    """Return whether a field is written as a number with a point, or as one of the infinities."""
    try:
        value = float(field)
    except ValueError:
        return False
    return value == value and "_" not in field  # nan is not equal to itself


def _refuse_text(fields: list[list[str]], start: int, file: str) -> None:
    """Raise the error of the first field that is no number."""
    for line, row in enumerate(fields, start=start + 1):
        for column, field in enumerate(row, start=1):
            if not _is_number(field):
                problem = "a decimal comma, or a comma beside other separators" if "," in field else "this is no number"
                raise InputError(
                    problem, file=file, row=line, column=f"{column}", value=field, expected=_SEPARATORS,
                    code="NUMBER_INVALID",
                )  # fmt: skip


# Connections as a matrix in the order of the nodes: whole, or one half with or without the diagonal.
Ints = NDArray[np.int64]


def is_matrix(numbers: Numbers, ids: Ints) -> bool:
    """Tell a matrix from a list of pairs by the numbers of rows and of fields.

    Parameters
    ----------
    numbers : Numbers
        Rows of a connection file.
    ids : ndarray of int64, (n,)
        The nodes.

    Returns
    -------
    bool
        Rows of two or three are a list, unless they get shorter by one as a half does. As many rows of two or
        three as there are nodes could be both: they are a matrix if they are symmetric, with an even diagonal, and the
        first two columns are not all identifiers.
    """
    count, first = ids.size, int(numbers.count[0])
    if first not in (2, 3):
        return True
    if first != numbers.count[-1]:  # above the diagonal, with it or without
        return first in (count, count - 1) and np.array_equal(numbers.count, np.arange(first, 0, -1))
    if numbers.count.size != count or bool((numbers.count != count).any()):
        return False
    square = numbers.value.reshape(count, count)
    symmetric = bool(np.array_equal(square, square.T)) and bool((np.diag(square) == square[0, 0]).all())
    return symmetric and not bool(np.isin(square[:, :2], ids).all())


def pairs(numbers: Numbers, ids: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the two nodes of each pair, and the position of its number.

    Parameters
    ----------
    numbers : Numbers
        Rows of a matrix or one half of it.
    ids : ndarray of int64, (n,)
        The nodes.

    Returns
    -------
    first, second, position : ndarrays of int64
        Positions of nodes in `ids`, and in `numbers.value`; each pair once, without the diagonal.

    Raises
    ------
    InputError
        If the rows are neither a matrix of these nodes nor one half of it (MATRIX_NOT_SQUARE).
    """
    count, rows = ids.size, numbers.count.size
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
    position = np.flatnonzero(one < other if numbers.value.size == count**2 else one != other)
    return one[position].astype(np.int64), other[position].astype(np.int64), position


def require_symmetric(numbers: Numbers, ids: Ints) -> None:
    """Refuse a whole matrix whose halves differ; links have no direction.

    Raises
    ------
    InputError
        With the first number that is not that of its opposite (MATRIX_NOT_SYMMETRIC).
    """
    count = ids.size
    if numbers.value.size != count**2:
        return
    square = numbers.value.reshape(count, count)
    unlike = ~np.isclose(square, square.T, rtol=1e-9, atol=0.0)
    if unlike.any():
        position = int(np.argmax(unlike.ravel()))
        i, j = divmod(position, count)
        expected = f"{square[j, i]:.15g}, as from node {ids[j]} to {ids[i]}; links have no direction"
        numbers.refuse(position, "the matrix is not symmetric", f"{j + 1}", expected, "MATRIX_NOT_SYMMETRIC")


# Conefor's node and connection files (Saura & Torné 2009, https://doi.org/10.1016/j.envsoft.2008.05.005).
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
    """The connections between nodes, as they were stated: pairs may stand twice.

    Attributes
    ----------
    kind : ConnectionKind
    first, second : ndarray of int64, (m,)
        Positions of the nodes in the node file.
    value : ndarray of float64, (m,)
        Distances, 0 or more, `inf` where there is no way; probabilities, 0 to 1; or for links 1, or 0 for none.
    """

    kind: ConnectionKind
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
    path: Path, nodes: Nodes, *, kind: ConnectionKind | str | None = None, layout: ConnectionLayout | str | None = None
) -> Connections:
    """Read a connection file.

    Parameters
    ----------
    path : Path
    nodes : Nodes
        The nodes that are connected.
    kind : ConnectionKind or its name, optional
        What the numbers are. Where it is not stated, a list of pairs without numbers has links, and others have
        probabilities.
    layout : ConnectionLayout or its name, optional
        Found from the numbers of rows and fields where it is not stated; three rows of three are a matrix of three nodes
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
    connection_kind = None if kind is None else ConnectionKind(kind)
    matrix = is_matrix(numbers, nodes.ids) if layout is None else ConnectionLayout(layout) is ConnectionLayout.MATRIX
    return _matrix(numbers, nodes, connection_kind) if matrix else _list(numbers, nodes, connection_kind)


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
    if connections.kind is ConnectionKind.LINK:
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


def _list(numbers: Numbers, nodes: Nodes, kind: ConnectionKind | None) -> Connections:
    """Read a list of pairs."""
    columns = _even(
        numbers, (2, 3), "two identifiers and a distance or probability, or two identifiers that are linked"
    )
    if kind is None:
        kind = ConnectionKind.LINK if columns == 2 else ConnectionKind.PROBABILITY
    if columns == 2 and kind is not ConnectionKind.LINK:
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


def _matrix(numbers: Numbers, nodes: Nodes, kind: ConnectionKind | None) -> Connections:
    """Read a matrix."""
    first, second, position = pairs(numbers, nodes.ids)
    value = numbers.value[position]
    _check(numbers, value, position, kind or ConnectionKind.PROBABILITY)
    require_symmetric(numbers, nodes.ids)
    return Connections(kind or ConnectionKind.PROBABILITY, first, second, value)


def _check(numbers: Numbers, value: Floats, position: Ints, kind: ConnectionKind) -> None:
    """Refuse a value that its kind cannot have."""
    right, problem, expected = {
        ConnectionKind.DISTANCE: (
            value >= 0,
            "this is no distance",
            "a number of 0 or more, inf where there is no way",
        ),
        ConnectionKind.PROBABILITY: (
            (value >= 0) & (value <= 1),
            "this is no probability",
            "0 to 1; where these are distances, say so by --distance (and --probability, 0.5 by default)",
        ),
        ConnectionKind.LINK: (np.isin(value, (0.0, 1.0)), "this is no link", "1 for a link, 0 for none"),
    }[kind]
    if not right.all():
        wrong = int(np.argmin(right))
        numbers.refuse(int(position[wrong]), problem, str(kind), expected, f"{kind.upper()}_INVALID")
