"""Measurements and facts, as rows of their own beside records and events.

What is measured of a record is told with it where its place is open, as its remarks are; what may be told of an event is
found in `event_measurements`. https://dwc.tdwg.org/terms/#measurementorfact, https://manual.obis.org/data_format.html
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

COLUMN: Final = "measurements"
FIELDS: Final = (
    "measurementID",
    "parentMeasurementID",
    "measurementType",
    "measurementTypeID",
    "measurementValue",
    "measurementValueID",
    "measurementAccuracy",
    "measurementUnit",
    "measurementUnitID",
    "measurementDeterminedDate",
    "measurementDeterminedBy",
    "measurementMethod",
    "measurementRemarks",
)
"""What is told of each, under Darwin Core's terms and those that OBIS adds."""
OF_OBIS: Final = frozenset({"measurementTypeID", "measurementValueID", "measurementUnitID"})
"""Those that OBIS adds: http://rs.iobis.org/obis/terms/."""


def read(told: str | None) -> str | None:
    """Return measurements as JSON, as they are kept: of each the fields that are told; None where there are none.

    Parameters
    ----------
    told : str, optional
        A JSON list of rows, as an archive's table has them.
    """
    return written(told_of(row) for row in rows_of(told))


def column(told: pl.Series) -> pl.Series:
    """Return a column of measurements as they are kept, `read` of each text."""
    return pl.Series(COLUMN, [read(text) for text in told], dtype=pl.String)


def items(published: str | None) -> list[dict[str, str]]:
    """Return what is published of the measurements of a record or an event."""
    return json.loads(published) if published else []


def told_of(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a row that are told, in their order."""
    return {name: value.strip() for name in FIELDS if isinstance(value := row.get(name), str) and value.strip()}


def rows_of(told: str | None) -> list[Mapping[str, Any]]:
    """Return the rows of a JSON list; nothing of what is none: any table can have a column of that name."""
    try:
        found = json.loads(told) if told else []
    except (ValueError, RecursionError):
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def written(rows: Iterable[Mapping[str, Any] | None]) -> str | None:
    """Return rows as JSON, as they are kept; None where there are none."""
    kept = [row for row in rows if row]
    return json.dumps(kept, ensure_ascii=False) if kept else None
