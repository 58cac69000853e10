"""Connections as a matrix in the order of the nodes: whole, or one half with or without the diagonal, which says nothing."""

import numpy as np
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.formats.conefor_numbers import Numbers

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
