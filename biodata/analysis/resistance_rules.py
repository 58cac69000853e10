"""The table that makes resistance of several layers: a line a class, or a function of what a layer measures.

The form of a table of land cover alone is `resistance_table`'s.
"""

import csv
import hashlib
import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from biodata.errors import InputError

COLUMNS: Final = ("layer", "class", "function", "resistance", "note")
"""Columns that the table must have; `combine`, `linear`, `species` and `version` may follow."""
FUNCTIONS: Final = MappingProxyType(
    {
        "value": "the layer's value",
        "density": "the layer's value by the area of its cell, each km²",
        "slope": "degrees of slope of an elevation layer",
        "distance": "metres to the nearest feature, or cell above 0",
    }
)
COMBINE: Final = MappingProxyType(
    {
        "base": "what the others change",
        "max": "the higher of the two",
        "add": "added",
        "times": "a factor",
    }
)
HIGHEST: Final = 100_000.0
ANY: Final = "any"
OTHER: Final = "other"
_BARRIER: Final = "barrier"
_YES_NO: Final = MappingProxyType({"": False, "no": False, "yes": True})
_POINT: Final = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)\s*:\s*([\d.]+(?:e[+-]?\d+)?|barrier)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table.

    Attributes
    ----------
    file : str
        The table's name.
    row : int
        Its line in the file.
    layer : str
        The layer's name, or what it shows.
    of_class : str
        A value or name of a class, `attribute=value` of features, `any` or `other`; empty for a function.
    function : str
        One of `FUNCTIONS`; empty for a class.
    points : tuple of (float, float)
        Of a function: where it has which resistance, straight lines between; inf for a barrier, from there on. Of a
        class: one point, its resistance second.
    combine : str
        One of `COMBINE`.
    linear : bool
        True for lines that must not be lost in a coarser grid.
    note : str
        Why, or after whom.
    """

    file: str
    row: int
    layer: str
    of_class: str
    function: str
    points: tuple[tuple[float, float], ...]
    combine: str
    linear: bool
    note: str


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The lines for one species.

    Attributes
    ----------
    name : str
        The file's name.
    species : str or None
        None where the table tells none.
    version : str
        As its column `version` tells, else the first letters of the checksum.
    sha256 : str
        Checksum of the file.
    rules : tuple of Rule
        In the file's order.
    """

    name: str
    species: str | None
    version: str
    sha256: str
    rules: tuple[Rule, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that it needs, each once."""
        return tuple(dict.fromkeys(rule.layer for rule in self.rules))


def is_rule_table(path: Path) -> bool:
    """Tell by its heading whether a file is such a table."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            heading = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return "layer" in [name.strip() for name in heading]


def read_rules(path: Path) -> Mapping[str | None, RuleTable]:
    """Read and check a table of several layers.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 with the columns of `COLUMNS`. Of `class` and `function` one is filled. The resistance of a class is
        a number from 1 to 100 000 or `barrier`; of a function, points such as `0:200 500:50 2000:1`, with straight
        lines between them. `combine` says how a line changes the result: `base` (land cover's default), `max` (the
        default), `add`, or `times` (slope's default: then the numbers are factors, from 0.01).

    Returns
    -------
    mapping of species to RuleTable
        With None for species where the table has no such column; lines that name none hold for every species.

    Raises
    ------
    InputError
        Naming file, row, column and value of the first fault.
    """
    try:
        data = path.read_bytes()
        lines = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = "the table cannot be read as CSV in UTF-8"
        raise InputError(problem, file=path.name, code="RESISTANCE_TABLE_UNREADABLE") from error
    heading = [name.strip() for name in lines[0]] if lines else []
    if missing := [name for name in COLUMNS if name not in heading]:
        problem = f"the table lacks the columns {', '.join(missing)}"
        raise InputError(problem, file=path.name, row=1, expected=", ".join(COLUMNS), code="RESISTANCE_TABLE_COLUMNS")
    rules: list[tuple[str, Rule]] = []
    versions: dict[str, int] = {}
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            problem = f"the row has {len(cells)} fields, the heading {len(heading)}"
            raise InputError(problem, file=path.name, row=number, code="RESISTANCE_TABLE_FIELDS")
        row = {name: cell.strip() for name, cell in zip(heading, cells, strict=True)}
        rules.append((row.get("species", ""), _rule(row, path.name, number)))
        if row.get("version"):
            versions.setdefault(row["version"], number)
    if not rules:
        problem = "the table has no line"
        raise InputError(problem, file=path.name, code="RESISTANCE_TABLE_EMPTY")
    if len(versions) > 1:
        (_, _), (other, number), *_ = versions.items()
        raise _fault(path.name, number, "version", other, "the table tells two versions", "one version in every row")
    digest = hashlib.sha256(data).hexdigest()
    version = next(iter(versions), digest[:12])
    named = [name for name in dict.fromkeys(name for name, _ in rules) if name]
    species: list[str | None] = [*named] if named else [None]
    return {one: _table(path.name, one, version, digest, rules) for one in species}


def _table(name: str, species: str | None, version: str, digest: str, rules: list[tuple[str, Rule]]) -> RuleTable:
    """Return the lines for one species, no class of a layer twice."""
    own = [rule for told, rule in rules if told in ("", species or "")]
    seen: dict[tuple[str, str, str], int] = {}
    for rule in own:
        key = (rule.layer, rule.of_class.lower(), rule.function)
        if key in seen:
            column = "class" if rule.of_class else "function"
            told = f"the same stands in row {seen[key]} already"
            raise _fault(name, rule.row, column, rule.of_class or rule.function, told)
        seen[key] = rule.row
    return RuleTable(name, species, version, digest, tuple(own))


def _rule(row: dict[str, str], file: str, number: int) -> Rule:
    """Read one line."""
    layer = row["layer"].lower().replace("-", "_").replace(" ", "_")
    of_class, function = row["class"], row["function"].lower()
    if not layer:
        raise _fault(file, number, "layer", "", "the line names no layer", "land_cover, elevation, roads, …")
    if bool(of_class) == bool(function):
        told = "the line has both a class and a function" if of_class else "the line has neither a class nor a function"
        raise _fault(file, number, "class", of_class, told, "one of the two")
    if function and function not in FUNCTIONS:
        raise _fault(file, number, "function", function, "there is no such function", ", ".join(FUNCTIONS))
    combine = row.get("combine", "").lower()
    if not combine:
        combine = "times" if function == "slope" else "base" if of_class and layer.startswith("land") else "max"
    if combine not in COMBINE:
        raise _fault(file, number, "combine", combine, "there is no such way to combine", ", ".join(COMBINE))
    linear = row.get("linear", "").lower()
    if linear not in _YES_NO:
        raise _fault(file, number, "linear", row["linear"], "neither yes nor no", "yes for roads and other lines")
    lowest = 0.01 if combine == "times" else 0.0 if combine == "add" else 1.0
    points = (
        _points(row["resistance"], lowest, file, number)
        if function
        else ((0.0, _resistance(row["resistance"], lowest, file, number)),)
    )
    return Rule(file, number, layer, of_class, function, points, combine, _YES_NO[linear], row["note"])


def _resistance(text: str, lowest: float, file: str, number: int) -> float:
    """Read a resistance; inf for a barrier."""
    if text.lower() == _BARRIER:
        return math.inf
    expected = f"a number from {lowest:g} to {HIGHEST:,.0f}, or barrier"
    try:
        value = float(text)
    except ValueError:
        raise _fault(file, number, "resistance", text, "the resistance is no number", expected) from None
    if not lowest <= value <= HIGHEST:
        raise _fault(file, number, "resistance", text, "the resistance is out of range", expected)
    return value


def _points(text: str, lowest: float, file: str, number: int) -> tuple[tuple[float, float], ...]:
    """Read the points of a function."""
    expected = "points in rising order, as in 0:200 500:50 2000:1"
    found = []
    left = text
    for match in _POINT.finditer(text):
        left = left.replace(match.group(), "", 1)
        try:
            found.append((float(match[1]), _resistance(match[2], lowest, file, number)))
        except ValueError:
            raise _fault(file, number, "resistance", text, "a point is no pair of numbers", expected) from None
    if not found or left.strip(" ;,"):
        raise _fault(file, number, "resistance", text, "these are no points of a function", expected)
    if any(b[0] <= a[0] for a, b in itertools.pairwise(found)):
        raise _fault(file, number, "resistance", text, "the points do not rise", expected)
    return tuple(found)


def _fault(file: str, row: int, column: str, value: str, problem: str, expected: str | None = None) -> InputError:
    """Return the error for one cell of the table."""
    code = "RESISTANCE_TABLE_VALUE"
    return InputError(problem, file=file, row=row, column=column, value=value, expected=expected, code=code)
