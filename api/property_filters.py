"""A property of a collection that is equal to a value, as items, tiles and CQL2 ask for it: `design=camera_trap`."""

import polars as pl

from api import vocabularies
from api.collections import Collection, property_schema
from api.errors import invalid, unknown_value
from api.readers import boolean, composed, integer, number
from api.vocabularies import Values
from biodata.store.query.filters import Compare, Contains, Filter, In, InCountry, Value
from biodata.store.tables import RELEASE, Table

_OCCURRENCES = RELEASE["occurrences"]


def property_filter(collection: Collection, name: str, text: str, release: Values | None) -> Filter:
    """Return the filter for a property that is equal to a value, or a list that holds it.

    Parameters
    ----------
    collection : Collection
        The collection.
    name : str
        One of its properties.
    text : str
        The value as an address writes it.
    release : Values, optional
        Tells what the records hold beside an open vocabulary.

    Raises
    ------
    ProblemError
        If the value is empty, does not fit, or stands outside the property's vocabulary.
    """
    dtype, value = collection.table.columns[name].dtype, composed(text)
    if not value.strip():
        raise invalid(field=name, value=text, expected="a value, or the address without this parameter")
    known = property_schema(collection, name).get("enum")
    if known is not None and not collection.points and value not in known:
        raise unknown_value(field=name, value=value, known=known)
    if isinstance(dtype, pl.List):
        check(collection.table, name, value, release)
        return Contains(name, value)
    if dtype in (pl.Int32, pl.Int64):
        return equal(collection.table, name, integer(name, value), release)
    if dtype == pl.Float64:
        return equal(collection.table, name, number(name, value), release)
    if dtype == pl.Boolean:
        return Compare(name, "=", boolean(name, value))
    return equal(collection.table, name, value, release)


def equal(table: Table, name: str, value: Value, release: Values | None, *, ignore_case: bool = False) -> Filter:
    """Return the filter for a column that is equal to a value; a country means what `InCountry` says."""
    check(table, name, value, release, ignore_case=ignore_case)
    if is_country(table, name) and isinstance(value, str):
        return InCountry((value.upper() if ignore_case else value,))
    return Compare(name, "=", value, ignore_case=ignore_case)


def among(
    table: Table, name: str, values: tuple[Value, ...], release: Values | None, *, ignore_case: bool = False
) -> Filter:
    """Return the filter for a column that is equal to one of some values."""
    for value in values:
        check(table, name, value, release, ignore_case=ignore_case)
    if is_country(table, name):
        return InCountry(tuple(value.upper() if ignore_case else value for value in map(str, values)))
    return In(name, values, ignore_case=ignore_case)


def check(table: Table, name: str, value: object, release: Values | None, *, ignore_case: bool = False) -> None:
    """Refuse a value of occurrences that stands outside its column's vocabulary."""
    if table is _OCCURRENCES:
        vocabularies.check(name, name, value, release, ignore_case=ignore_case)


def is_country(table: Table, name: str) -> bool:
    """Tell whether a column is the country of a record."""
    return table is _OCCURRENCES and name == "countryCode"
