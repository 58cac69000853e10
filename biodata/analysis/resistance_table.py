"""The table that gives each land-cover class its resistance."""

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from biodata.errors import InputError

COLUMNS: Final = ("class_value", "class_name", "resistance", "note")
"""Columns that the table must have; `linear` may follow."""
HIGHEST: Final = 100_000.0
_LINEAR: Final = MappingProxyType({"": False, "no": False, "yes": True})


@dataclass(frozen=True, slots=True)
class ResistanceClass:
    """One class of the table.

    Attributes
    ----------
    value : int
        Value of the class in the land-cover raster.
    name : str
    resistance : float
        Cost of a metre: 1 for the best ground; nan for a barrier that is never entered.
    note : str
        Why, or after whom.
    linear : bool
        True for roads, rivers, fences: lines that may be one cell wide and must not be lost in a coarser grid.
    """

    value: int
    name: str
    resistance: float
    note: str
    linear: bool


@dataclass(frozen=True, slots=True)
class ResistanceTable:
    """A table that was checked.

    Attributes
    ----------
    name : str
        The file's name.
    classes : mapping of int to ResistanceClass
        By the value in the raster.
    """

    name: str
    classes: Mapping[int, ResistanceClass]


def read_table(path: Path) -> ResistanceTable:
    """Read and check a table of resistances.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 with the columns class_value, class_name, resistance, note, and optionally linear (yes or no).
        A resistance is a number from 1 for the best ground to 100 000, or the word `barrier`.

    Returns
    -------
    ResistanceTable

    Raises
    ------
    InputError
        Naming file, row, column and value of the first fault.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = "the table cannot be read as CSV in UTF-8"
        raise InputError(problem, file=path.name, code="RESISTANCE_TABLE_UNREADABLE") from error
    heading = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in COLUMNS if name not in heading]
    if missing:
        problem = f"the table lacks the columns {', '.join(missing)}"
        expected = ", ".join((*COLUMNS, "linear"))
        raise InputError(problem, file=path.name, row=1, expected=expected, code="RESISTANCE_TABLE_COLUMNS")
    classes: dict[int, ResistanceClass] = {}
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            problem = f"the row has {len(cells)} fields, the heading {len(heading)}"
            raise InputError(problem, file=path.name, row=number, code="RESISTANCE_TABLE_FIELDS")
        row = {name: cell.strip() for name, cell in zip(heading, cells, strict=True)}
        one = _class(row, path.name, number)
        if one.value in classes:
            raise _fault(path.name, number, "class_value", row["class_value"], "the class stands twice")
        classes[one.value] = one
    if not classes:
        problem = "the table has no class"
        raise InputError(problem, file=path.name, code="RESISTANCE_TABLE_EMPTY")
    return ResistanceTable(path.name, MappingProxyType(classes))


def _class(row: dict[str, str], file: str, number: int) -> ResistanceClass:
    """Read one row."""
    try:
        value = int(row["class_value"])
    except ValueError:
        raise _fault(file, number, "class_value", row["class_value"], "the class is no whole number") from None
    text = row["resistance"]
    expected = f"a number from 1 for the best ground to {HIGHEST:,.0f}, or barrier"
    try:
        resistance = math.nan if text == "barrier" else float(text)
    except ValueError:
        raise _fault(file, number, "resistance", text, "the resistance is no number", expected) from None
    if text != "barrier" and not 1 <= resistance <= HIGHEST:
        raise _fault(file, number, "resistance", text, "the resistance is out of range", expected)
    linear = row.get("linear", "").lower()
    if linear not in _LINEAR:
        raise _fault(file, number, "linear", row["linear"], "neither yes nor no", "yes for roads and other lines")
    return ResistanceClass(value, row["class_name"], resistance, row["note"], _LINEAR[linear])


def _fault(file: str, row: int, column: str, value: str, problem: str, expected: str | None = None) -> InputError:
    """Return the error for one cell of the table."""
    code = "RESISTANCE_TABLE_VALUE"
    return InputError(problem, file=file, row=row, column=column, value=value, expected=expected, code=code)
