"""What other commands found and a report can tell: JSON of validation and uncertainty, the GeoPackage of scenarios."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from biodata.errors import InputError
from biodata.vocabularies import EvidenceView

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
    """Return a finding that a reader gave, with what it does not share with the result that it is told beside.

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
    told = {**found, **found["run"]} if isinstance(found.get("run"), Mapping) else dict(found)
    if told.get("evidence_view") == EvidenceView.EXACT:
        problem = f"the {kind} was made of exact records, and a report tells what is published"
        raise InputError(problem, expected=f"a {kind} of public records", code="FINDING_EXACT")
    run = told.get("run") if isinstance(told.get("run"), str) else None
    if run is not None and run != row["run_id"]:
        problem = f"the {kind} is of another run"
        raise InputError(problem, value=run, expected=str(row["run_id"]), code="FINDING_OF_ANOTHER_RUN")
    doubts = []
    if run is None:
        doubts.append(
            f"The {kind} was made of files of somebody's own: nothing tells whether it is of this run's ground and areas."
        )
    own, other = row["evidence"].get("boundaries") or {}, _set_of(told)
    if other is not None and other != (own.get("name"), own.get("version")):
        doubts.append(
            f"The {kind} stands on the boundary set {other[0]}, version {other[1]}; this result on {own.get('name')}, "
            f"version {own.get('version')}: what it says of the border may not be of the same line."
        )
    return {**found, "doubts": doubts}


def _set_of(told: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Return name and version of the boundary set that a finding names; None where it names none."""
    bounds = told.get("boundaries")
    if isinstance(bounds, Mapping):
        return bounds.get("name"), bounds.get("version")
    return (told["boundary_set"], told.get("boundary_version")) if told.get("boundary_set") else None


def _object(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _unreadable(path, f"this is no JSON: {error}") from None
    if not isinstance(told, dict):
        raise _unreadable(path, "this is no JSON object")
    return told


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
