"""A property of a collection in an address, as its items and its tiles take it: `design=camera_trap`."""

import polars as pl

from api.collections import Collection
from api.readers import boolean, composed, integer, number
from biodata.store.query.filters import Compare, Contains, Filter


def property_filter(collection: Collection, name: str, told: str) -> Filter:
    """Return the filter for a property that is equal to a value, or a list that holds it."""
    dtype, value = collection.table.columns[name].dtype, composed(told)
    if isinstance(dtype, pl.List):
        return Contains(name, value)
    if dtype in (pl.Int32, pl.Int64):
        return Compare(name, "=", integer(name, value))
    if dtype == pl.Float64:
        return Compare(name, "=", number(name, value))
    if dtype == pl.Boolean:
        return Compare(name, "=", boolean(name, value))
    return Compare(name, "=", value)
