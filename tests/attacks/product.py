"""The one door from these tests to the product: pandas in, pandas' plain values out."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pandas as pd
import polars as pl

from biodata.sharing import grid
from biodata.sharing import set_apart as product
from biodata.sharing.plan import BEFORE, presences

RECORD = {"key": pl.Int64, "datasetKey": pl.String, "eventID": pl.String, "day": pl.Date, "year": pl.Int32,
          "time": pl.Duration("us"), "recordedBy": pl.String, "decimalLongitude": pl.Float64,
          "decimalLatitude": pl.Float64, "category": pl.String, "taxon": pl.String}  # fmt: skip
EVENT = {"event_key": pl.String, "datasetKey": pl.String, "eventID": pl.String, "parentEventID": pl.String,
         "day": pl.Date, "year": pl.Int32, "decimalLongitude": pl.Float64, "decimalLatitude": pl.Float64}  # fmt: skip
PLACE = {"decimalLongitude": "longitude", "decimalLatitude": "latitude"}


def set_apart(
    records: pd.DataFrame, events: pd.DataFrame, memory: Any, released: frozenset[str], today: date
) -> SimpleNamespace:
    """Set the sensitive records of a release apart; arguments and result as in `oracle.set_apart`.

    `memory` is what the result of the release before carried: these tests never look into it.
    """
    kept, shown, before, last = memory or (product.Memory(), frozenset(), BEFORE.to_frame(), {})
    rows = frame(records, RECORD).rename(PLACE).with_columns(
        rule_id=pl.when(pl.col("category").is_not_null()).then(pl.lit("rule")), country=pl.lit(None, pl.String)
    )  # fmt: skip
    visits = frame(events, EVENT).rename(PLACE).with_columns(shown=pl.col("event_key").is_in(list(shown)))
    wholes = visits.drop_nulls("parentEventID").select("datasetKey", eventID="parentEventID").unique()
    visits = visits.join(
        wholes.with_columns(whole=True), on=["datasetKey", "eventID"], how="left", maintain_order="left"
    )
    single = pl.col("whole").is_null()
    visits = visits.with_columns(pl.when(single).then(name).alias(name) for name in PLACE.values())
    # As the product does: a dataset in which nothing changed keeps what it has, once it gave the same when it was looked at again.
    made_of = {
        name: Known(rows, visits.drop("shown"), today, kept, name)
        for name in {*rows["datasetKey"], *kept.states["datasetKey"]}
    }
    changed = [name for name, known in made_of.items() if not known.is_settled(last.get(name))]
    some = pl.col("datasetKey").is_in(changed)
    looked = [frame.filter(some).with_columns(grid.fine()) for frame in (rows, visits)]
    found = product.set_apart(*looked, kept.of(changed), before=before.filter(some), released=released, today=today,
                              visits=grid.visits(*looked))  # fmt: skip
    found = found.joined(kept.of(changed, others=True))
    states = presences(found.states).join(rows.select("datasetKey").unique(), on="datasetKey", how="semi")
    open_keys = set(rows["key"]) - set(found.hidden["key"]) - set(found.held["key"])
    event_keys = set(visits["event_key"]) - set(found.unpublished["event_key"])
    now = [
        part.select(
            identifier=pl.col(key).cast(pl.String), **{name: name for name in BEFORE.names() if name != "identifier"}
        )
        for part, key in ((rows, "key"), (visits, "event_key"))
    ]
    return SimpleNamespace(
        open_keys=open_keys,
        presences=set(states.select("datasetKey", "n", "column", "row", "taxon", "year").iter_rows()),
        event_keys={int(key) for key in event_keys},
        waiting=dict(found.waiting.select("key", "places").iter_rows()),
        memory=(found, shown | event_keys, pl.concat(now).cast(dict(BEFORE)), made_of),
        beside=set(found.hidden.filter("beside")["key"]),
    )


class Known:
    """What a release knew of a dataset: records, events, year, and what was kept of it."""

    def __init__(self, rows: pl.DataFrame, visits: pl.DataFrame, today: date, kept: Any, name: str) -> None:
        mine = pl.col("datasetKey") == name
        self.source = [today.year, rows.filter(mine).write_json(), visits.filter(mine).write_json()]
        self.memory = [part.sort(pl.all()).write_json() for part in vars(kept.of([name])).values()]
        self.settled = False

    def is_settled(self, last: Any) -> bool:
        """Tell whether nothing changed since the last release, nor by it."""
        self.settled = last is not None and self.source == last.source and (last.settled or self.memory == last.memory)
        return self.settled


def frame(rows: pd.DataFrame, schema: dict[str, Any]) -> pl.DataFrame:
    """Return rows in the product's types."""
    return pl.DataFrame(
        {name: [plain(value, dtype) for value in rows[name]] for name, dtype in schema.items()}, schema=schema
    )


def plain(value: Any, dtype: Any) -> Any:
    """Return a value as Python has it; None for what is missing."""
    if value is None or value is pd.NaT or value != value:
        return None
    if dtype == pl.Date:
        return pd.Timestamp(value).date()
    if dtype == pl.Duration("us"):
        return (pd.Timestamp(value) - pd.Timestamp(value).normalize()).to_pytimedelta()
    if dtype == pl.String:
        return str(value)
    return int(value) if dtype in (pl.Int32, pl.Int64) else value
