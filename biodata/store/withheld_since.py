"""Whether a new release tells less than the one before: then nobody may go on asking the one before; since when presences go out."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
from sqlalchemy import insert, select

from biodata.core.vocabularies import SharingCategory
from biodata.store.consents import SHARED
from biodata.store.duck import connect, held_open
from biodata.store.lake import Lake
from biodata.store.models import PublishedPresence
from biodata.store.registry import Registry

logger = logging.getLogger(__name__)

_ASKED_AT_ONCE: Final = 10_000
_STRICTNESS: Final = " ".join(f"WHEN '{category}' THEN {category.strictness}" for category in SharingCategory)
RECORDS: Final = f"SELECT key, CASE sharing_category {_STRICTNESS} ELSE 0 END AS strict FROM {{table}}"  # noqa: S608
"""Asks for the keys of published records and how strictly each is guarded."""


def withholds_more(before: Path, after: Path, lake: Lake, *, snapshot: int) -> bool:
    """Return whether something of a release is withheld, or coarser, in the one that follows it.

    That happens without a new rule, too: a record got another name, a checklist or a label came, a consent ended, a
    sensitive record of the same event was taken in, a country's node took back what it had agreed to.

    Parameters
    ----------
    before, after : Path
        The files of both.
    lake : Lake
    snapshot : int
        The version that `after` was made of: a record that it has no more was not withheld, but removed by its source.

    Returns
    -------
    bool
        True, too, where the one before is of another biodata and cannot be compared.
    """
    try:
        return _withholds_more(before, after, lake, snapshot)
    except duckdb.Error as error:
        logger.warning("%s cannot be compared with the new release: %s", before.name, str(error).splitlines()[0])
        return True


def _withholds_more(before: Path, after: Path, lake: Lake, snapshot: int) -> bool:
    spill = lake.data / "tmp"  # the new file is not in its place yet
    with held_open(before), held_open(after, spill=spill):
        return _compared(before, after, lake, snapshot, spill)


def _compared(before: Path, after: Path, lake: Lake, snapshot: int, spill: Path) -> bool:
    return lesser(
        lake, snapshot=snapshot,
        records=(_records(before), _records(after, spill)),
        events=(_events(before, None), _events(after, spill)),
        names=[(_names(before, table), _names(after, table, spill)) for table in SHARED],
    )  # fmt: skip


def lesser(
    lake: Lake, *, snapshot: int, records: Sequence[pl.DataFrame], events: Sequence[set[str]],
    names: Iterable[Sequence[set[str]]],
) -> bool:  # fmt: skip
    """Return whether records, open events or shared results were stated and are not any more, or are stated less of.

    Parameters
    ----------
    lake, snapshot
        As `withholds_more` has them.
    records, events, names
        Of what may have changed: key and strictness, ids of open events, names of shared results; before and after.
    """
    old, new = records
    both = old.join(new, on="key", suffix="_now")
    if (both["strict_now"] > both["strict"]).any():
        return True
    gone = old.join(new, on="key", how="anti")
    if (gone["strict"] > 0).any():
        return True  # a presence went, or came to stand for a larger cell
    gone = gone.select("key")
    if gone.height and lake.read("occurrences", columns=["key"], among=gone, snapshot=snapshot).height:
        return True
    untold = pl.DataFrame({"event_key": sorted(events[0] - events[1])}, schema={"event_key": pl.String})
    if untold.height and lake.read("events", columns=["event_key"], among=untold, snapshot=snapshot).height:
        return True
    return any(old_names - new_names for old_names, new_names in names)


def _records(path: Path, spill: Path | None = None) -> pl.DataFrame:
    with connect(path, spill=spill) as connection:
        return connection.execute(RECORDS.format(table="occurrences")).pl()


def _events(path: Path, spill: Path | None) -> set[str]:
    with connect(path, spill=spill) as connection:
        query = "SELECT survey_id FROM surveys WHERE sharing_category = 'open'"
        return {name for (name,) in connection.execute(query).fetchall()}


def _names(path: Path, table: str, spill: Path | None = None) -> set[str]:
    with connect(path, spill=spill) as connection:
        return {name for (name,) in connection.execute(f"SELECT {SHARED[table]} FROM {table}").fetchall()}  # noqa: S608 - our own names


def record_presences(registry: Registry, keys: pl.Series, snapshot: int) -> None:
    """Keep since which version of the lake each presence goes out."""
    with registry.session() as session, session.begin():
        for some in keys.to_frame("key").iter_slices(_ASKED_AT_ONCE):
            mine = some["key"].to_list()
            known = set(session.scalars(select(PublishedPresence.key).where(PublishedPresence.key.in_(mine))))
            if new := [{"key": key, "since": snapshot} for key in mine if key not in known]:
                session.execute(insert(PublishedPresence), new)


def presences_until(registry: Registry, snapshot: int) -> pl.Series:
    """Return the presences that a release of a version of the lake, or of an older one, had."""
    with registry.session(read_only=True) as session:
        found = session.scalars(select(PublishedPresence.key).where(PublishedPresence.since <= snapshot))
        return pl.Series("key", list(found), dtype=pl.Int64)
