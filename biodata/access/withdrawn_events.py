"""Sampling events that nothing but withdrawn records tells of: they are withdrawn with these."""

from collections.abc import Collection
from typing import Final

import polars as pl

from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.query.filters import In

_NAMES: Final = ["key", "datasetKey", "eventID", "parentEventID"]


def only_of(settings: Settings, keys: Collection[int], *, dataset: str | None) -> pl.DataFrame:
    """Return the events that go with records.

    Parameters
    ----------
    settings : Settings
        The installation.
    keys : collection of int
        The withdrawn records, those among them that are gone already.
    dataset : str, optional
        A dataset that is withdrawn whole: its events are known by it, and none is named here.

    Returns
    -------
    polars.DataFrame
        datasetKey, eventID : events that have a withdrawn record and no other, and those of which all parts go.
    """
    nothing = pl.DataFrame(schema={"datasetKey": pl.String, "eventID": pl.String})
    if dataset is not None or not keys:
        return nothing
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        going = _as_they_were(lake, keys)
        datasets = tuple(going["datasetKey"].drop_nulls().unique().sort())
        if not datasets:
            return nothing
        events = lake.read("events", columns=_NAMES[1:], where=In("datasetKey", datasets))
        records = lake.read("occurrences", columns=_NAMES, where=In("datasetKey", datasets))
    staying = _told(records.filter(~pl.col("key").is_in(list(keys))))
    found = events.join(_told(going), on=["datasetKey", "eventID"], how="semi")
    found = found.join(staying, on=["datasetKey", "eventID"], how="anti")
    while True:
        left = events.join(found, on=["datasetKey", "eventID"], how="anti")
        upper = found.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
        empty = left.join(upper, on=["datasetKey", "eventID"], how="semi")
        empty = empty.join(staying, on=["datasetKey", "eventID"], how="anti")
        empty = empty.join(left.select("datasetKey", eventID="parentEventID"), on=["datasetKey", "eventID"], how="anti")
        if empty.is_empty():
            return found.select(nothing.columns).unique()
        found = pl.concat([found, empty])


def _as_they_were(lake: Lake, keys: Collection[int]) -> pl.DataFrame:
    """Return the records as they are; of those that are gone, as each version had them."""
    here = lake.read("occurrences", columns=_NAMES, among=pl.DataFrame({"key": list(keys)}, schema={"key": pl.Int64}))
    gone = sorted(set(keys) - set(here["key"]))
    return pl.concat([here, *(lake.history("occurrences", key).select(_NAMES) for key in gone)])


def _told(records: pl.DataFrame) -> pl.DataFrame:
    """Return the events that records name: their own, and those that these are parts of."""
    named = [records.select("datasetKey", eventID=name).drop_nulls() for name in ("eventID", "parentEventID")]
    return pl.concat(named).unique()
