"""The filter tree as plain values and back: what a citation, a download and a job keep of a question."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from biodata.core.errors import InputError
from biodata.store.query import filters as f

_NODES: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        node.__name__: node
        for node in (
            f.And, f.Or, f.Not, f.Compare, f.In, f.Between, f.IsNull, f.Contains, f.Like, f.InBox, f.Intersects,
            f.Differ, f.DayOfYear, f.Recorded, f.CompareColumns, f.Unaccented, f.ListIs, f.Relates, f.InCountry, f.Listed,
        )
    }
)  # fmt: skip


ONE_OF_EACH: Final = f.Compare("clusterRepresentative", "=", value=True)
"""What a filter kept before format 10 of a release asks by `duplicate_of IS NULL`: it was added to every question."""


def to_plain(filter_: f.Filter | None) -> Any:
    """Return a filter as values that JSON knows.

    Parameters
    ----------
    filter_ : Filter, optional
        Every row where none is given.

    Returns
    -------
    dict or None
        ``{"op": name of the node, …its fields}``; a date is ``{"date": "2010-05-03"}``, WKB is hexadecimal text.
    """
    if filter_ is None:
        return None
    f.check_size(filter_)
    return _plain(filter_)


def from_plain(told: Any) -> f.Filter | None:
    """Return the filter that `to_plain` was given.

    Raises
    ------
    InputError
        If it is none (FILTER_INVALID), or too large (FILTER_TOO_LARGE).
    """
    if told is None:
        return None
    try:
        found: f.Filter = _node(told)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        problem = "this is no kept filter"
        raise InputError(problem, value=str(told)[:80], code="FILTER_INVALID") from error
    f.check_size(found)
    return found


def canonical(told: Any) -> str:
    """Return plain values as the one text that is hashed: keys in order, no blanks."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a node, or a value in it, as plain values."""
    match value:
        case date():
            return {"date": value.isoformat()}
        case bytes():
            return {"wkb": value.hex()}
        case tuple():
            return [_plain(part) for part in value]
        case None | str() | int() | float():
            return value
    parts = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return {"op": type(value).__name__, **parts}


def _node(told: Any) -> Any:
    """Return a node, or a value in it, from plain values."""
    match told:
        case {"op": "IsNull", "column": "duplicate_of"}:
            return ONE_OF_EACH
        case {"op": str(name), **parts}:
            return _NODES[name](**{str(key): _node(value) for key, value in parts.items()})
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"wkb": str(text)}:
            return bytes.fromhex(text)
        case list():
            return tuple(_node(part) for part in told)
        case None | str() | int() | float():
            return told
    raise ValueError(str(told)[:80])
