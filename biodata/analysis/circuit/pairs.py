"""Which pairs of focal nodes a project includes or excludes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Ints
from biodata.errors import InputError
from biodata.formats.circuitscape import number, read_lines


@dataclass(frozen=True, slots=True)
class PairList:
    """Circuitscape's file of included or excluded pairs.

    Attributes
    ----------
    ids : frozenset of int
        Focal nodes that the file names.
    listed : frozenset of (int, int)
        A focal node and one that it is listed with: pairs stand in both orders, a matrix as it is written.
    excludes : bool
        Whether the listed pairs are those to leave out.
    """

    ids: frozenset[int]
    listed: frozenset[tuple[int, int]]
    excludes: bool

    def keeps(self, focal: int) -> bool:
        """Tell whether a focal node takes part at all: those that a list of inclusions does not name are dropped."""
        return self.excludes or focal in self.ids

    def partners(self, ids: Ints) -> NDArray[np.bool_]:
        """Return for each focal node, in the rows, which others it is analysed with."""
        found = [[a != b and ((int(a), int(b)) in self.listed) != self.excludes for b in ids] for a in ids]
        return np.array(found, dtype=bool).reshape(ids.size, ids.size)


def everybody(ids: Ints) -> NDArray[np.bool_]:
    """Return that every focal node is analysed with all others."""
    return ~np.eye(ids.size, dtype=bool)


def read_pairs(path: Path) -> PairList:
    """Read a file of pairs in either of its two forms.

    `mode include` or `mode exclude` and then two ids in each row (a 0 names no partner); or `min` and `max` and then a
    matrix with ids in its first row and column, in which values between the two include a pair.

    Raises
    ------
    InputError
        If the file has neither form, with row and value.
    """
    lines = read_lines(path)
    heading = [word.lower() for word in lines[0][1]] if lines else []
    if len(heading) == 2 and heading[0] == "mode" and heading[1] in {"include", "exclude"}:
        return _list(lines[1:], heading[1] == "exclude", path)
    if heading[:1] == ["min"] and len(lines) > 2 and lines[1][1][0].lower() == "max":
        return _matrix(lines, path)
    problem = "the file of pairs starts with neither mode nor min"
    raise InputError(
        problem,
        file=path.name,
        row=lines[0][0] if lines else 1,
        value=" ".join(heading),
        expected="mode include, mode exclude, or min and max",
        code="PAIRS_HEADING_INVALID",
    )


def _list(lines: list[tuple[int, list[str]]], excludes: bool, path: Path) -> PairList:
    """Read rows of two ids."""
    ids, listed = set(), set()
    for row, words in lines:
        if len(words) < 2:
            problem = "the row has one id"
            raise InputError(problem, file=path.name, row=row, value=words[0], code="LIST_ROW_SHORT")
        a, b = (int(number(word, file=path.name, row=row, column=at + 1)) for at, word in enumerate(words[:2]))
        ids |= {a, b} - {0}
        if a and b:
            listed |= {(a, b), (b, a)}
    return PairList(frozenset(ids), frozenset(listed), excludes)


def _matrix(lines: list[tuple[int, list[str]]], path: Path) -> PairList:
    """Read a matrix of values, of which those between min and max include a pair."""
    low, high = (
        number(words[1] if len(words) > 1 else "", file=path.name, row=row, column=2) for row, words in lines[:2]
    )
    table = [
        [number(word, file=path.name, row=row, column=at + 1) for at, word in enumerate(words)]
        for row, words in lines[2:]
    ]
    ids = [int(value) for value in table[0][1:]] if table else []
    listed = set()
    for (row, _), values in zip(lines[3:], table[1:], strict=True):
        if len(values) != len(ids) + 1:
            problem = f"the row of the matrix has {len(values)} values"
            raise InputError(problem, file=path.name, row=row, expected=str(len(ids) + 1), code="PAIRS_MATRIX_INVALID")
        # A value above the highest counts as 0, which the lowest may include.
        included = [(0.0 if value > high else value) >= low for value in values[1:]]
        listed |= {(int(values[0]), other) for other, is_in in zip(ids, included, strict=True) if is_in}
    return PairList(frozenset(ids), frozenset(listed), excludes=False)
