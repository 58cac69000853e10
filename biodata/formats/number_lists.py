"""Numbers in rows of a text file: networks, focal nodes, sources, grounds, strengths."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biodata.errors import InputError
from biodata.formats.ini import decode

GZIP: bytes = b"\x1f\x8b"
"""The first bytes of a gzip file."""


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked where it is gzip, whatever its name is.

    Raises
    ------
    InputError
        If the file is gzip and broken.
    """
    content = path.read_bytes()
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        problem = f"the gzip file is broken: {error}"
        raise InputError(problem, file=path.name, code="GZIP_BROKEN") from None


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return row numbers and words of the lines that are not empty; words stand apart by white space, comma or semicolon."""
    lines = decode(read_bytes(path)).splitlines()
    words = ((row, line.replace(",", " ").replace(";", " ").split()) for row, line in enumerate(lines, start=1))
    return [(row, found) for row, found in words if found and not found[0].startswith("#")]


def read_numbers(path: Path, *, columns: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the first columns of a list of numbers.

    Parameters
    ----------
    path : Path
    columns : int
        How many columns every row has to have; more are left aside.

    Returns
    -------
    values : ndarray of float64, (n, columns)
    rows : ndarray of int64, (n,)
        Lines of the file.

    Raises
    ------
    InputError
        If a row has too few columns or something that is no number, with its row and column.
    """
    lines = read_lines(path)
    values = np.empty((len(lines), columns))
    for at, (row, words) in enumerate(lines):
        if len(words) < columns:
            problem = f"the row has {len(words)} of {columns} numbers"
            raise InputError(problem, file=path.name, row=row, value=" ".join(words), code="LIST_ROW_SHORT")
        for column in range(columns):
            values[at, column] = number(words[column], file=path.name, row=row, column=column + 1)
    return values, np.array([row for row, _ in lines], dtype=np.int64)


def number(word: str, *, file: str, row: int, column: int) -> float:
    """Return a word as a number.

    Raises
    ------
    InputError
        If it is none, with its place.
    """
    try:
        return float(word)
    except ValueError:
        problem = "this is no number"
        raise InputError(problem, file=file, row=row, column=str(column), value=word, code="NUMBER_INVALID") from None
