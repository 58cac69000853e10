"""The versions of a record, and what differs between them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import polars as pl

from biodata import terms
from biodata.stories.parts import Change, Version

Row = dict[str, Any]
_NOT_COMPARED: Final = frozenset({"key", "source_file", "source_row", "datasetKey", "dataset_part", "source_record_id"})
_NOT_TOLD: Final = ("schema_version",)
"""What is kept with a commit that is not about one record."""
_LAYERS: Final = ("interpreted", "verbatim")


def read_versions(occurrences: pl.DataFrame, verbatim: pl.DataFrame) -> tuple[Version, ...]:
    """Return the versions of a record, the oldest first.

    Parameters
    ----------
    occurrences, verbatim : polars.DataFrame
        `Lake.history` of the two tables.
    """
    layers = [{row["snapshot"]: row for row in frame.iter_rows(named=True)} for frame in (occurrences, verbatim)]
    states: list[Row] = [{}, {}]
    versions: list[Version] = []
    for snapshot in sorted(layers[0].keys() | layers[1].keys()):
        written = [layer.get(snapshot) for layer in layers]
        commit = next(row for row in written if row is not None)
        gone = written[0] is not None and written[0]["gone"]
        emptied = not gone and any(row is not None and row["source_record_id"] is None for row in written)
        changes: list[Change] = []
        for at, row in enumerate(written):
            if row is None or gone or emptied:
                continue
            if states[at]:
                changes += _changes(_LAYERS[at], states[at], row)
            states[at] = row
        was_gone = bool(versions) and versions[-1].what == "gone"
        what = (
            "gone" if gone else "emptied" if emptied else "new" if not versions else "back" if was_gone else "changed"
        )
        told = _told(commit["extra"])
        rules = told.pop("rules", None)
        place = {} if gone else next(row for row in reversed(written) if row is not None)
        versions.append(
            Version(
                snapshot,
                _time(commit["time"]),
                what,
                commit["author"],
                commit["message"],
                place.get("source_file"),
                place.get("source_row"),
                told.pop("biodata", None),
                rules,
                _newer(versions[-1].rules if versions else None, rules),
                told.pop("declared", None) or {},
                told,
                tuple(changes),
            )
        )
    return tuple(versions)


def last_state(history: pl.DataFrame) -> Row:
    """Return the row that was written last; an empty one where there is none."""
    written = history.filter(~pl.col("gone"))
    return dict(written.row(-1, named=True)) if written.height else {}


def _changes(layer: str, before: Row, after: Row) -> list[Change]:
    """Return the cells that differ, in the order of the table's columns."""
    columns = terms.OCCURRENCE if layer == "interpreted" else terms.VERBATIM
    return [
        Change(layer, column.name.removeprefix("v_"), before[column.name], after[column.name])
        for column in columns
        if column.name not in _NOT_COMPARED and before[column.name] != after[column.name]
    ]


def _newer(before: dict[str, int] | None, after: dict[str, int] | None) -> dict[str, tuple[int | None, int]]:
    """Return the rules whose versions differ, where both are known."""
    if before is None or after is None:
        return {}
    return {name: (before.get(name), version) for name, version in after.items() if before.get(name) != version}


def _told(extra: str | None) -> dict[str, Any]:
    """Return what was kept with a commit beside its message."""
    try:
        told = json.loads(extra or "{}")
    except ValueError:
        return {}
    return {name: value for name, value in told.items() if name not in _NOT_TOLD} if isinstance(told, Mapping) else {}


def _time(value: Any) -> datetime:
    """Return a commit's time; DuckDB always gives one."""
    if not isinstance(value, datetime):
        message = "a version of the lake has no time"
        raise TypeError(message)
    return value
