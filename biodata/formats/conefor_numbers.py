"""The text behind Conefor's files: rows of numbers without a heading, of tabs, spaces, semicolons or commas."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from biodata.errors import InputError
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
    """Tell whether the first character is one that numbers begin with."""
    return text[:1].isdigit() or text[:1] in ("+", "-", ".")


def _is_number(field: str) -> bool:
    """Tell whether a field is written as a number with a point, or as one of the infinities."""
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
                    problem,
                    file=file,
                    row=line,
                    column=f"{column}",
                    value=field,
                    expected=_SEPARATORS,
                    code="NUMBER_INVALID",
                )
