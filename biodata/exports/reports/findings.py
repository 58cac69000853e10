"""What other commands found and a report can tell: JSON of validation and uncertainty, the GeoPackage of scenarios."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from biodata.errors import InputError

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
