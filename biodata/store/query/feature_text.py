"""Rows with a point as the text of GeoJSON features, written by DuckDB: no value becomes an object of Python's."""

from collections.abc import Collection, Sequence

from biodata.store.duck import literal, quote, sql_type
from biodata.store.tables import Table

_LONGITUDE = "decimalLongitude"
_LATITUDE = "decimalLatitude"


def feature(
    table: Table, key: str, properties: Sequence[str], *, empty: Collection[str] = (), flipped: bool = False
) -> str:
    """Return the SQL expression of a row as a GeoJSON feature.

    Parameters
    ----------
    table : Table
        A table whose place is a point.
    key : str
        The column that is the feature's id.
    properties : sequence of str
        Columns that stand in every feature in this order, null where nothing is known.
    empty : collection of str
        Columns that are null in every row of the release: they are not read.
    flipped : bool
        Latitude first, as EPSG:4326 has it.

    Returns
    -------
    str
        An expression of type JSON.
    """
    members = ", ".join(f"{literal(name)}, {value(table, name, empty)}" for name in properties)
    x, y = (quote(name) for name in ((_LATITUDE, _LONGITUDE) if flipped else (_LONGITUDE, _LATITUDE)))
    point = f"""CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL
        THEN json_object('type', 'Point', 'coordinates', [{x}, {y}]) END"""
    return f"""json_object('type', 'Feature', 'id', {quote(table.column(key).name)}, 'geometry', {point},
        'properties', json_object({members}))"""


def value(table: Table, name: str, empty: Collection[str]) -> str:
    """Return a column as an expression; a null of its type where the release has nothing in it."""
    column = table.column(name)
    if name in empty:
        return f"NULL::{sql_type(column.dtype)}"
    return quote(column.name)
