"""The table that makes resistance of layers: a line a class, or a function of what a layer measures.

A table of land cover alone may come in a shorter form, with a column `class_value`; its lines mean the same.
"""

import csv
import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from biodata.analysis.grid import Floats
from biodata.core.errors import InputError

BARRIER: Final = "barrier"
_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_POINT: Final = re.compile(rf"({_NUMBER})\s*:\s*(\S+)", re.IGNORECASE)
_STEEPEST: Final = 100.0


COLUMNS: Final = ("layer", "class", "function", "resistance", "note")
"""Columns that the table must have; `combine`, `linear`, `curve`, `species` and `version` may follow."""
LAND_COVER_COLUMNS: Final = ("class_value", "class_name", "resistance", "note")
"""Columns of a table of land cover alone; `linear`, `species` and `version` may follow."""
FUNCTIONS: Final = MappingProxyType(
    {
        "value": "the layer's value",
        "density": "the layer's value by the area of its cell, each km²",
        "slope": "degrees of slope of an elevation layer",
        "distance": "metres to the nearest feature, or cell above 0",
    }
)
COMBINE: Final = MappingProxyType(
    {"base": "what the others change", "max": "the higher of the two", "add": "added", "times": "a factor"}
)
HIGHEST: Final = 100_000.0
ANY: Final = "any"
OTHER: Final = "other"
_YES_NO: Final = MappingProxyType({"": None, "no": False, "yes": True})
_LOWEST: Final = MappingProxyType({"times": 0.01, "add": 0.0})


@dataclass(frozen=True, slots=True)
class Curve:
    """How a function runs between its points.

    Attributes
    ----------
    name : str
        `straight` or `exponential`, with its number.
    steepness : float
        0 for straight lines. c of the exponential: above 0 resistance falls steeply at first and stays near its lowest
        level; below 0 it stays near its highest and falls at last.
    """

    name: str
    steepness: float


STRAIGHT: Final = Curve("straight", 0.0)


def read_level(text: str, lowest: float, highest: float) -> float:
    """Read a resistance, a number or `barrier`; inf for a barrier.

    Raises
    ------
    ValueError
        What is wrong; and what would be right, behind `; `.
    """
    if text.lower() == BARRIER:
        return math.inf
    expected = f"a number from {lowest:g} to {highest:,.0f}, or barrier"
    try:
        value = float(text)
    except ValueError:
        message = f"the resistance is no number; {expected}"
        raise ValueError(message) from None
    if not lowest <= value <= highest:
        message = f"the resistance is out of range; {expected}"
        raise ValueError(message)
    return value


def read_points(text: str, lowest: float, highest: float) -> tuple[tuple[float, float], ...]:
    """Read the points of a function, as in `0:200 500:50 2000:1`.

    Parameters
    ----------
    text : str
        Pairs of what was measured and its resistance, a number or `barrier`.
    lowest, highest : float
        Resistances that there can be.

    Returns
    -------
    tuple of (float, float)
        Rising in what was measured; inf for a barrier.

    Raises
    ------
    ValueError
        What is wrong; and what would be right, behind `; `.
    """
    expected = "points in rising order, as in 0:200 500:50 2000:1"
    found = []
    for match in _POINT.finditer(text):
        found.append((float(match[1]), read_level(match[2].rstrip(";,"), lowest, highest)))
    if not found or _POINT.sub("", text).strip(" ;,"):
        message = f"these are no points of a function; {expected}"
        raise ValueError(message)
    if any(b[0] <= a[0] for a, b in itertools.pairwise(found)):
        message = f"the points do not rise; {expected}"
        raise ValueError(message)
    return tuple(found)


def read_curve(text: str, points: tuple[tuple[float, float], ...], *, of_class: bool) -> Curve:
    """Read how a function runs: `straight` (also where nothing is stated), or `exponential` with a number.

    Parameters
    ----------
    text : str
        As in `exponential 4`.
    points : tuple of (float, float)
        An exponential runs between two, as of suitability `0:100 1:1`.
    of_class : bool
        A class has no curve.

    Returns
    -------
    Curve

    Raises
    ------
    ValueError
        What is wrong; and what would be right, behind `; `.

    Notes
    -----
    Resistance falls less than suitability rises, along R = 100 - 99 (1 - exp(-c h)) / (1 - exp(-c)) of suitability h:
    Trainor et al. 2013, https://doi.org/10.1007/s10980-013-9861-5; Keeley, Beier and Gagnon 2016,
    https://doi.org/10.1007/s10980-016-0387-5. R = 1000^-h brought to a range is the same with c = ln 1000 = 6.908.
    """
    words = text.lower().replace(":", " ").split()
    if not words or words == [STRAIGHT.name]:
        return STRAIGHT
    expected = "straight, or exponential and a number other than 0, as in exponential 4"
    try:
        name, number = words
        steepness = float(number)
    except ValueError:
        name, steepness = "", 0.0
    if name != "exponential" or not 0 < abs(steepness) <= _STEEPEST:
        message = f"there is no such curve; {expected}"
        raise ValueError(message)
    if of_class:
        message = "a class has no curve; none, or a function"
        raise ValueError(message)
    if len(points) != 2 or any(math.isinf(level) for _, level in points):
        message = "the curve runs between two points that have a resistance; two points, as in 0:100 1:1"
        raise ValueError(message)
    return Curve(f"exponential {steepness:g}", steepness)


def curve_at(measured: Floats, points: tuple[tuple[float, float], ...], curve: Curve = STRAIGHT) -> Floats:
    """Return the resistance of what was measured.

    Parameters
    ----------
    measured : ndarray of float64
        nan where it is not known.
    points : tuple of (float, float)
        As `read_points` returns them; beyond the first and the last the level stays.
    curve : Curve

    Returns
    -------
    ndarray of float64, as `measured`
        nan where it is not known, inf for a barrier: from its point on, up to the next one.
    """
    at, resistance = np.array(points).T
    if curve.steepness:
        share = np.clip((measured - at[0]) / (at[1] - at[0]), 0, 1)
        fallen = np.expm1(-curve.steepness * share) / math.expm1(-curve.steepness)
        return np.asarray(resistance[0] + (resistance[1] - resistance[0]) * fallen, dtype=np.float64)
    known = np.isfinite(resistance)
    made = np.interp(measured, at[known], resistance[known]) if known.any() else np.ones_like(measured)
    for index in np.flatnonzero(~known):
        upper = at[index + 1] if index + 1 < at.size else np.inf
        made = np.where((measured >= at[index]) & (measured < upper), np.inf, made)
    return np.where(np.isnan(measured), np.nan, made)


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
        Of a function: where it has which resistance; inf for a barrier, from there on. Of a class: one point, its
        resistance second.
    combine : str
        One of `COMBINE`.
    linear : bool or None
        True for lines that must not be lost in a coarser grid; None where the table says nothing.
    note : str
        Why, or after whom.
    curve : Curve
        How a function runs between its points.
    """

    file: str
    row: int
    layer: str
    of_class: str
    function: str
    points: tuple[tuple[float, float], ...]
    combine: str
    linear: bool | None
    note: str
    curve: Curve = STRAIGHT

    def resistance_at(self, measured: Floats) -> Floats:
        """Return the resistance that a function has where so much was measured; nan where nothing was."""
        return curve_at(measured, self.points, self.curve)


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The lines for one species.

    Attributes
    ----------
    name : str
        The file's name.
    species : str or None
        None where the table states none.
    version : str
        A checksum of what the lines for this species say, behind what the column `version` tells: one value changed is
        another version, another species' value or a note is not.
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


def read_rules(path: Path) -> Mapping[str | None, RuleTable]:
    """Read and check a table.

    Parameters
    ----------
    path : Path
        CSV in UTF-8 with the columns of `COLUMNS`, or of `LAND_COVER_COLUMNS`. Of `class` and `function` one is filled.
        The resistance of a class is a number from 1 to 100 000 or `barrier`; of a function, points such as
        `0:200 500:50 2000:1`, with straight lines between them, or two points and a `curve`, see
        `resistance_curves.read_curve`. `combine` says how a line changes the result: `base` (land cover's default),
        `max` (the default), `add`, or `times` (slope's default: then the numbers are factors, from 0.01).

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
    except FileNotFoundError as error:
        problem = "there is no such file"
        raise InputError(problem, file=str(path), expected="a table of resistance", code="FILE_MISSING") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = "the table cannot be read as CSV in UTF-8"
        raise InputError(problem, file=path.name, code="RESISTANCE_TABLE_UNREADABLE") from error
    heading = [name.strip() for name in lines[0]] if lines else []
    needed = COLUMNS if "layer" in heading else LAND_COVER_COLUMNS
    if missing := [name for name in needed if name not in heading]:
        problem = f"the table lacks the columns {', '.join(missing)}"
        expected = f"{', '.join(needed)}" if heading else f"{', '.join(COLUMNS)}; or {', '.join(LAND_COVER_COLUMNS)}"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="RESISTANCE_TABLE_COLUMNS")
    read_line = _rule if needed is COLUMNS else _land_cover_rule
    rules: list[tuple[str, Rule]] = []
    versions: dict[str, int] = {}
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heading):
            problem = f"the row has {len(cells)} fields, the heading {len(heading)}"
            raise InputError(problem, file=path.name, row=number, code="RESISTANCE_TABLE_FIELDS")
        row = {name: cell.strip() for name, cell in zip(heading, cells, strict=True)}
        rules.append((row.get("species", ""), read_line(row, path.name, number)))
        if row.get("version"):
            versions.setdefault(row["version"], number)
    if not rules:
        problem = "the table has no line"
        raise InputError(problem, file=path.name, code="RESISTANCE_TABLE_EMPTY")
    if len(versions) > 1:
        (_, _), (other, number), *_ = versions.items()
        raise _fault(path.name, number, "version", other, "the table tells two versions", "one version in every row")
    digest = hashlib.sha256(data).hexdigest()
    text = next(iter(versions), "")
    named = [name for name in dict.fromkeys(name for name, _ in rules) if name]
    species: list[str | None] = [*named] if named else [None]
    return {one: _table(path.name, one, text, digest, rules) for one in species}


def for_species(tables: Mapping[str | None, RuleTable], species: str | None, *, file: str) -> RuleTable:
    """Return the lines for a species; for a table of one species or none it need not be stated.

    Raises
    ------
    InputError
        If the table does not have the species, or has several and none is stated (SPECIES_UNKNOWN).
    """
    if species is None and len(tables) == 1:
        return next(iter(tables.values()))
    if species in tables:
        return tables[species]
    known = ", ".join(str(name) for name in tables if name) or "none"
    problem = "the table has several species" if species is None else "the table has no such species"
    raise InputError(problem, file=file, value=species, expected=f"one of {known}", code="SPECIES_UNKNOWN")


def _table(name: str, species: str | None, text: str, digest: str, rules: list[tuple[str, Rule]]) -> RuleTable:
    """Return the lines for one species, no class of a layer twice."""
    own = [rule for one, rule in rules if one in ("", species or "")]
    seen: dict[tuple[str, str, str], int] = {}
    for rule in own:
        key = (rule.layer, rule.of_class.lower(), rule.function)
        if key in seen:
            column = "class" if rule.of_class else "function"
            problem = f"the same stands in row {seen[key]} already"
            raise _fault(name, rule.row, column, rule.of_class or rule.function, problem)
        seen[key] = rule.row
    return RuleTable(name, species, "-".join(filter(None, (text, _checksum(own)))), digest, tuple(own))


def _checksum(rules: list[Rule]) -> str:
    """Return twelve letters that follow from what lines say, in whatever order and with whatever notes."""
    said = sorted(
        json.dumps([one.layer, one.of_class, one.function, one.points, one.combine, one.linear, one.curve.name])
        for one in rules
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:12]


def _land_cover_rule(row: dict[str, str], file: str, number: int) -> Rule:
    """Read one line of a table of land cover alone."""
    value = row["class_value"]
    try:
        of_class = str(int(value))
    except ValueError:
        raise _fault(file, number, "class_value", value, "the class is no whole number") from None
    return _rule({**row, "layer": "land_cover", "class": of_class, "function": "", "combine": ""}, file, number)


def _rule(row: dict[str, str], file: str, number: int) -> Rule:
    """Read one line."""
    layer = row["layer"].lower().replace("-", "_").replace(" ", "_")
    of_class, function = row["class"], row["function"].lower()
    if not layer:
        raise _fault(file, number, "layer", "", "the line names no layer", "land_cover, elevation, roads, …")
    if bool(of_class) == bool(function):
        stated = (
            "the line has both a class and a function" if of_class else "the line has neither a class nor a function"
        )
        raise _fault(file, number, "class", of_class, stated, "one of the two")
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
    lowest, text = _LOWEST.get(combine, 1.0), row["resistance"]
    try:
        points = read_points(text, lowest, HIGHEST) if function else ((0.0, read_level(text, lowest, HIGHEST)),)
    except ValueError as error:
        problem, _, expected = str(error).partition("; ")
        raise _fault(file, number, "resistance", text, problem, expected) from None
    try:
        curve = read_curve(row.get("curve", ""), points, of_class=bool(of_class))
    except ValueError as error:
        problem, _, expected = str(error).partition("; ")
        raise _fault(file, number, "curve", row["curve"], problem, expected) from None
    return Rule(file, number, layer, of_class, function, points, combine, _YES_NO[linear], row["note"], curve)


def unfit(rule: Rule, layer: str, problem: str, *, column: str, expected: str | None = None) -> InputError:
    """Return the error for a rule that asks of a layer what it has not."""
    value = rule.of_class or rule.function
    return _fault(rule.file, rule.row, column, value, f"{problem} (layer {layer})", expected)


def _fault(file: str, row: int, column: str, value: str, problem: str, expected: str | None = None) -> InputError:
    """Return the error for one cell of the table."""
    code = "RESISTANCE_TABLE_VALUE"
    return InputError(problem, file=file, row=row, column=column, value=value, expected=expected, code=code)
