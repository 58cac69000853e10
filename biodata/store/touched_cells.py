"""What a change makes of sensitive records where only the cells count in which something changed.

So it is in a dataset that is none of stations: there a sensitive record goes out in its cell, and what goes out of a cell follows
from what stands in it. Only a walk reaches farther, since a record is set apart beside another one of its walk: the cells of a
walk in which something changed count too. What is counted in all records of a dataset is kept, and the change is added to it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Protocol

import polars as pl

from biodata.sharing import grid
from biodata.sharing.grid import CELL, CELL_NAME, PER_DEGREE, VISITED, cell, stricter
from biodata.sharing.plan import BEFORE, facts_of, looked_at, marked_datasets, numbers
from biodata.sharing.set_apart import UNSETTLED, Memory, set_apart

_CELL: Final = tuple(UNSETTLED)
_WALK: Final = ("datasetKey", "day", "recordedBy")
_IS_CELL: Final = pl.all_horizontal(pl.col("n", "column", "row").is_not_null())
_NO_EVENTS: Final = pl.DataFrame(
    schema={
        "event_key": pl.String, "datasetKey": pl.String, "eventID": pl.String, "day": pl.Date, "year": pl.Int32,
        "longitude": pl.Float64, "latitude": pl.Float64, "fx": pl.Int64, "fy": pl.Int64, "shown": pl.Boolean,
    }
)  # fmt: skip


class Reader(Protocol):
    """What gives the records of datasets as they are now: columns of `PLACED`, of each all that are asked for or none."""

    def standing_in(self, cells: pl.DataFrame) -> pl.DataFrame:
        """Return those that stand in cells (`UNSETTLED`), others may be among them; their key, dataset, days, year and place are enough."""

    def of_walks(self, walks: pl.DataFrame) -> pl.DataFrame:
        """Return those of walks: datasetKey, day, recordedBy."""

    def of_keys(self, keys: pl.Series) -> pl.DataFrame:
        """Return those of some keys."""


@dataclass(frozen=True)
class Touched:
    """What changed in datasets since the last release.

    Attributes
    ----------
    before, now : polars.DataFrame of `PLACED`
        The records that came, went or changed, as they were in the last release and as they are.
    decided : polars.DataFrame of `DECIDED`
        What the rules decide of these now.
    """

    before: pl.DataFrame
    now: pl.DataFrame
    decided: pl.DataFrame

    def emptied(self) -> frozenset[str]:
        """Return the datasets with a record of which nothing is known any more: it was purged, nobody knows from which cell."""
        stated = pl.any_horizontal(pl.exclude("key", "datasetKey").is_not_null())
        return frozenset(self.before.filter(~stated)["datasetKey"])

    def of(self, datasets: Collection[str]) -> "Touched":
        """Return what changed in some of them."""
        return Touched(
            *(rows.filter(pl.col("datasetKey").is_in(list(datasets))) for rows in (self.before, self.now, self.decided))
        )


def look(memory: Memory, touched: Touched, read: Reader, *, released: Collection[str], today: date) -> Memory:
    """Return what is kept after a change of those datasets of which only cells have to be looked at; the others are left out.

    Parameters
    ----------
    memory : Memory
        What is kept of the datasets in which something changed, or is unsettled.
    touched : Touched
    read : Reader
    released : collection of str
        The datasets that an earlier release had.
    today : date
    """
    datasets = (of_cells(memory) & set(released)) - touched.emptied()
    memory, touched = memory.of(datasets), touched.of(datasets)
    if not datasets:
        return memory
    before, now = (looked_at(rows) for rows in (touched.before, touched.now))
    both = pl.concat([before, now])
    decided = pl.concat([memory.decided.join(both, on="key", how="anti"), touched.decided])
    ruled = decided.drop("datasetKey")

    # Which cells: those of what changed, of its walks, and those that are unsettled.
    walked = _walked(both, read)
    changed = _touched(memory.states, both, pl.concat([now, walked]).unique("key").join(ruled, on="key", how="left"))
    cells = pl.concat([changed, memory.unsettled]).unique()
    places = _at(both.drop_nulls("day"), VISITED).select(_CELL).unique()
    standing = looked_at(read.standing_in(pl.concat([cells, places]).unique()))
    facts = _facts(memory.facts, touched, _inside(standing, places), before)

    # Their records are set apart as if there were no others.
    records, members = _of_cells(memory, cells, now, walked, standing, read, touched=both["key"].unique())
    then = pl.concat([records.join(both, on="key", how="anti"), before])
    then = then.rename({"key": "identifier"}).select(pl.col(name).cast(dtype) for name, dtype in BEFORE.items())
    is_member = pl.col("key").is_in(members.implode())
    # A dataset has records although none of them may stand here.
    others = facts.select("datasetKey", key=pl.lit(-1, dtype=pl.Int64))
    records = pl.concat([records, others], how="diagonal").join(ruled.filter(is_member), on="key", how="left")
    units = cells.with_columns(unit=CELL_NAME)
    seen = memory.seen.join(units, on=["datasetKey", "unit"], how="semi")
    mine = Memory(states=memory.states.filter(is_member), seen=seen)
    apart = set_apart(records, _NO_EVENTS, mine, before=then, released=released, today=today, visits=facts)

    # What was kept of all others stays; a dataset may be one of stations now.
    states = pl.concat([memory.states.filter(~is_member), apart.states])
    kept = replace(
        memory,
        states=states,
        seen=pl.concat([memory.seen.join(units, on=["datasetKey", "unit"], how="anti"), apart.seen]),
        hidden=pl.concat([memory.hidden.filter(~is_member), apart.hidden]),
        waiting=pl.concat([memory.waiting.filter(~is_member), apart.waiting]),
        decided=decided,
        facts=facts,
        marked=marked_datasets(states, facts, facts.clear()),
        unsettled=pl.concat([changed, _differing(mine, apart, records)]).unique(),
    )
    return kept.of(_none_of_stations(facts))


def _walked(changed: pl.DataFrame, read: Reader) -> pl.DataFrame:
    """Return the records of all walks in which something changed."""
    walks = changed.drop_nulls(_WALK).select(_WALK).unique()
    return looked_at(read.of_walks(walks)).join(walks, on=_WALK, how="semi") if walks.height else changed.clear()


def _of_cells(
    memory: Memory, cells: pl.DataFrame, now: pl.DataFrame, walked: pl.DataFrame, standing: pl.DataFrame, read: Reader,
    *, touched: pl.Series,
) -> tuple[pl.DataFrame, pl.Series]:  # fmt: skip
    """Return the records that belong to cells, and the keys of those of which something else may go out.

    They stand in the cells, or changed, or what goes out of the cells stands for them, wherever they are.
    """
    # A walk is looked at whole or not at all: without a day a record is of none.
    no_day = pl.lit(None, dtype=pl.Date).alias("day")
    inside = pl.concat([_inside(standing.join(walked, on="key", how="anti").with_columns(no_day), cells), walked])
    states = memory.states
    # Those that left their cell, and are still there, have none until they are looked at again.
    without = states.filter(pl.col("unit").is_null(), pl.col("base").is_not_null())
    left = without.join(memory.hidden, on="key", how="semi")
    in_units = pl.concat([states.join(cells, on=_CELL, how="semi")["key"], left["key"]])
    elsewhere = in_units.filter(~in_units.is_in(pl.concat([inside["key"], touched]).implode()))
    found = [inside, now]
    if elsewhere.len():
        found.append(looked_at(read.of_keys(elsewhere)).with_columns(no_day))
    members = pl.concat([touched, walked["key"], in_units]).unique()
    return pl.concat(found).unique("key", keep="first"), members


def unsettled(before: Memory, after: Memory, touched: Touched, records: pl.DataFrame) -> pl.DataFrame:
    """Return the cells that the next release looks at again, of datasets `of_cells` that were looked at whole.

    Parameters
    ----------
    before, after : Memory
        What is kept of them before and after this release.
    touched : Touched
    records : polars.DataFrame of `PLACED`
        All of their records.
    """
    rows = looked_at(records)
    now = looked_at(touched.now)
    both = pl.concat([looked_at(touched.before), now])
    walked = rows.join(both.drop_nulls(_WALK).select(_WALK).unique(), on=_WALK, how="semi")
    sensitive = pl.concat([now, walked]).unique("key").join(after.decided.drop("datasetKey"), on="key", how="left")
    changed = _touched(pl.concat([before.states, after.states]), both, sensitive)
    return pl.concat([changed, _differing(before, after, rows)]).unique()


def of_cells(memory: Memory) -> set[str]:
    """Return the datasets that may be looked at by their cells: nothing else is kept of them."""
    whole = memory.unsettled.filter(~_IS_CELL)
    others = (memory.crowds, memory.stood, memory.held, memory.unpublished, whole)
    return _none_of_stations(memory.facts) - {name for frame in others for name in frame["datasetKey"]}


def _none_of_stations(facts: pl.DataFrame) -> set[str]:
    """Return the datasets that are none of stations and have no pictures, by which records of any cells may belong together."""
    there = facts.filter(pl.col("records") > 0, pl.col("pictured") == 0)["datasetKey"]
    return set(there) - set(grid.of_stations(facts))


def _facts(facts: pl.DataFrame, touched: Touched, at_places: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return the facts of datasets after a change; `at_places` : the records at the places that it touches."""
    changed = pl.concat([touched.before["key"], touched.now["key"]])
    then = pl.concat([at_places.filter(~pl.col("key").is_in(changed.implode())), before])
    less = [grid.visits(then, _NO_EVENTS), numbers(touched.before)]
    negative = [one.with_columns(-pl.exclude("datasetKey").cast(pl.Int64)) for one in less]
    return facts_of([facts, grid.visits(at_places, _NO_EVENTS), numbers(touched.now), *negative])


def _at(rows: pl.DataFrame, n: int | pl.Expr) -> pl.DataFrame:
    """Return rows with the cells that they stand in, among n along a degree; without those that have none."""
    n = pl.lit(n) if isinstance(n, int) else n
    found = rows.with_columns(n=n.cast(UNSETTLED["n"])).drop_nulls(["n", "fx", "fy"])
    return found.with_columns(cell(pl.col("n")))


def _inside(rows: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that stand in cells, each once."""
    keys = [_at(rows, n).join(cells, on=_CELL, how="semi")["key"] for n in cells["n"].unique()]
    return rows.filter(pl.col("key").is_in(pl.concat([rows["key"].clear(), *keys]).implode()))


def _touched(states: pl.DataFrame, changed: pl.DataFrame, sensitive: pl.DataFrame) -> pl.DataFrame:
    """Return the cells in which something changed.

    Parameters
    ----------
    states : polars.DataFrame of `STATES`
        Those that sensitive records have gone out in, or wait in, are looked at.
    changed : polars.DataFrame
        Records as they were and as they are.
    sensitive : polars.DataFrame
        The changed records, and those of walks with one, with what was decided of them.
    """
    used = states.select(_CELL).drop_nulls().unique()
    of_records = pl.concat([changed["key"], sensitive["key"]])
    own = states.filter(pl.col("key").is_in(of_records.implode())).select(_CELL).drop_nulls()
    now = stricter(sensitive.with_columns(beside=pl.lit(value=False)), states)
    base = pl.col("category").replace_strict(PER_DEGREE, default=None, return_dtype=pl.Int32)
    found = [_at(changed, n).select(_CELL).join(used, on=_CELL, how="semi") for n in used["n"].unique()]
    return pl.concat([own, _at(now, base).select(_CELL), *found]).unique()


def _differing(before: Memory, after: Memory, records: pl.DataFrame) -> pl.DataFrame:
    """Return the cells of which something else is kept than before, and those in which these records stand."""
    states, seen = (
        pl.concat(one.join(two, on=one.columns, how="anti", nulls_equal=True) for one, two in (pair, pair[::-1]))
        for pair in ((before.states, after.states), (before.seen, after.seen))
    )
    places = records.select("key", "fx", "fy").join(states, on="key")
    # As `CELL_NAME` has them.
    parts = pl.col("unit").str.split("|").list
    of_seen = seen.filter(pl.col("unit").str.starts_with(CELL)).select(
        "datasetKey", *(parts.get(at).cast(UNSETTLED[name]).alias(name) for at, name in enumerate(_CELL[1:], 1))
    )
    return pl.concat([states.select(_CELL).drop_nulls(), _at(places, pl.col("base")).select(_CELL), of_seen])
