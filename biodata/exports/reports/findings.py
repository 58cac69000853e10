"""What other commands found and a report can tell: JSON of validation and uncertainty, the GeoPackage of scenarios."""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from biodata.core.errors import InputError
from biodata.core.vocabularies import EvidenceView
from biodata.places import country_name

# How reports say things: numbers with their unit, countries, outcomes.

NOT_KNOWN: Final = "not known"
_UNITS: Final = MappingProxyType({"km2": "km²", "m": "m", "km": "km", "percent": "%", "minutes": "minutes"})
IN_TEMPLATES: Final = (
    "counted", "countries", "flat", "joined", "metres", "number", "percent", "place", "plain", "spaced", "valued",
)  # fmt: skip
"""The functions here that templates call."""
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def number(value: Any, *, digits: int = 4) -> str:
    """Return a number with so many digits that count, groups of three apart; `not known` for none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return NOT_KNOWN
    if value == 0 or isinstance(value, int):
        return f"{int(value):,}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: Any) -> str:
    """Return a share, 0-1, in percent."""
    return f"{number(100 * share, digits=3)} %" if isinstance(share, int | float) else NOT_KNOWN


def metres(value: Any) -> str:
    """Return a length in metres, or in kilometres from ten on."""
    if not isinstance(value, int | float):
        return NOT_KNOWN
    return f"{number(value / 1000, digits=3)} km" if value >= 10_000 else f"{value:,.0f} m"


def countries(codes: Iterable[str]) -> str:
    """Return countries by name."""
    return joined([country_name(code) for code in codes])


def joined(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def place(rank: int) -> str:
    """Return `first`, `second`, …, `11th`."""
    if 1 <= rank <= len(_ORDINALS):
        return _ORDINALS[rank - 1]
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def counted(n: int, one: str, many: str = "") -> str:
    """Return `1 area`, `2 areas`."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def spaced(name: str) -> str:
    """Return a column's or criterion's name as words."""
    return name.replace("_", " ")


def inputs(facts: Mapping[str, Any]) -> str:
    """Return what a value was made from as a line: rounded, with units and countries' names; parts apart by semicolons."""
    return "; ".join(f"{_labelled(name)[0]}: {_input(value, _labelled(name)[1])}" for name, value in facts.items())


def _labelled(name: str) -> tuple[str, str]:
    """Return a name as words, and the unit that ends it."""
    stem, _, ending = name.rpartition("_")
    return (spaced(stem), _UNITS[ending]) if stem and ending in _UNITS else (spaced(name), "")


def _input(value: Any, unit: str) -> str:
    """Return a value, which may be nested, as words."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return plain(value)
    if isinstance(value, int | float):
        return f"{number(value)} {unit}".rstrip()
    if isinstance(value, Mapping):
        parts = [
            f"{_labelled(name)[0] if len(name) != 2 else country_name(name)} {_input(one, unit or _labelled(name)[1])}"
            for name, one in value.items()
        ]
        return ", ".join(parts) or "none"
    if isinstance(value, list):
        return (
            ", ".join(f"({_input(one, unit)})" if isinstance(one, Mapping) else _input(one, unit) for one in value)
            or "none"
        )
    return plain(value)


def valued(value: Any, unit: str) -> str:
    """Return a value with its unit; a share is stated in percent."""
    if unit.startswith("share ") and isinstance(value, int | float):
        return f"{percent(value)} {unit.removeprefix('share ')}"
    return f"{number(value)} {unit}".rstrip() if isinstance(value, int | float) else number(value)


def plain(value: Any) -> str:
    """Return any plain value as a line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    if isinstance(value, list):
        return ", ".join(f"({plain(one)})" if isinstance(one, Mapping) else plain(one) for one in value) or "none"
    if isinstance(value, Mapping):
        entries = ((f"{name}", one) for name, one in value.items())
        return (
            ", ".join(f"{n}: ({plain(v)})" if isinstance(v, Mapping) else f"{n}: {plain(v)}" for n, v in entries)
            or "none"
        )
    return str(value)


def flat(facts: Mapping[str, Any], *, before: str = "") -> list[tuple[str, str]]:
    """Return nested plain values as lines of name and value, in their order."""
    lines: list[tuple[str, str]] = []
    for name, value in facts.items():
        whole = f"{before} · {spaced(name)}" if before else spaced(name)
        if isinstance(value, Mapping) and value:
            lines += flat(value, before=whole)
        else:
            lines.append((whole, plain(value)))
    return lines


_LAYERS: Final = ("pairs", "crossings")
"""Layers of scenarios that a report tells, without their places."""
_PLACES: Final = ("fid", "geom", "geometry")


def read(path: Path) -> dict[str, Any]:
    """Read what a command found.

    Parameters
    ----------
    path : Path
        JSON of `corridors-validate` or `corridors-uncertainty --report`, or the GeoPackage of `scenarios`.

    Returns
    -------
    dict
        As the command wrote it; of a GeoPackage the rows of `pairs` and `crossings`, and `run`, by name.

    Raises
    ------
    InputError
        If it is neither (FINDING_UNREADABLE).
    """
    return _geopackage(path) if path.suffix.lower() == ".gpkg" else _object(path)


def agreeing(kind: str, found: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding that a reader gave, with what it does not share with the result that it is stated beside.

    Parameters
    ----------
    kind : str
        `validation`, `uncertainty` or `scenarios`.
    found : mapping
        As `read` returns it.
    row : mapping
        The result: `run_id`, and `evidence` with its boundary set.

    Returns
    -------
    dict
        The same, with `doubts`: lines for the report.

    Raises
    ------
    InputError
        If it is of exact records, which no report of a release tells (FINDING_EXACT), or of another run
        (FINDING_OF_ANOTHER_RUN).
    """
    facts = {**found, **found["run"]} if isinstance(found.get("run"), Mapping) else dict(found)
    if facts.get("evidence_view") == EvidenceView.EXACT:
        problem = f"the {kind} was made of exact records, and a report tells what is published"
        raise InputError(problem, expected=f"a {kind} of public records", code="FINDING_EXACT")
    run = facts.get("run") if isinstance(facts.get("run"), str) else None
    if run is not None and run != row["run_id"]:
        problem = f"the {kind} is of another run"
        raise InputError(problem, value=run, expected=str(row["run_id"]), code="FINDING_OF_ANOTHER_RUN")
    doubts = []
    if run is None:
        doubts.append(
            f"The {kind} was made of files of somebody's own: nothing tells whether it is of this run's ground and areas."
        )
    own, other = row["evidence"].get("boundaries") or {}, _set_of(facts)
    if other is not None and other != (own.get("name"), own.get("version")):
        doubts.append(
            f"The {kind} stands on the boundary set {other[0]}, version {other[1]}; this result on {own.get('name')}, "
            f"version {own.get('version')}: what it says of the border may not be of the same line."
        )
    return {**found, "doubts": doubts}


def _set_of(facts: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return name and version of the boundary set that a finding names; None where it names none."""
    bounds = facts.get("boundaries")
    if isinstance(bounds, Mapping):
        return bounds.get("name"), bounds.get("version")
    return (facts["boundary_set"], facts.get("boundary_version")) if facts.get("boundary_set") else None


def _object(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _unreadable(path, f"this is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise _unreadable(path, "this is no JSON object")
    return content


def _geopackage(path: Path) -> dict[str, Any]:
    """Read the tables of scenarios."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            tables = {row[0] for row in connection.execute("SELECT table_name FROM gpkg_contents")}
            if not {"pairs", "run"} <= tables:
                raise _unreadable(path, "this GeoPackage has no layer pairs and no table run")
            rows = {
                name: [
                    {key: row[key] for key in row.keys() if key not in _PLACES}  # noqa: SIM118 - a Row's values are iterated
                    for row in connection.execute(f"SELECT * FROM {name}")  # noqa: S608 - one of our own names
                ]
                for name in _LAYERS
                if name in tables
            }
            run = {row["name"]: json.loads(row["value"]) for row in connection.execute("SELECT name, value FROM run")}
    except (sqlite3.Error, json.JSONDecodeError, IndexError) as error:
        raise _unreadable(path, f"this is no GeoPackage of scenarios: {error}") from None
    return {**rows, "run": run}


def _unreadable(path: Path, problem: str) -> InputError:
    return InputError(problem, file=str(path), expected="what the command wrote", code="FINDING_UNREADABLE")
