"""Whether a release can be made by adding to the file of the one before.

Only where nothing changed, went or became stricter: values that went would stay readable inside such a file.
"""

# ruff: noqa: S608 - names in SQL come from biodata.terms and store.tables and are quoted.

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from biodata import terms
from biodata.places import BoundarySet
from biodata.sharing.plan import Plan
from biodata.store import pointer
from biodata.store.boundary_rows import boundary_rows, described
from biodata.store.code_version import code_hash
from biodata.store.duck import connect, literal, quote, workshop
from biodata.store.lake import Lake
from biodata.store.release_file import BESIDE_OTHERS, SORTED_BY
from biodata.store.tables import BOUNDARY, DATASET

logger = logging.getLogger(__name__)

MOST_ADDITIONS: Final = 20
"""How often a file is added to before a whole new one is made. Each addition stands along the curve in itself, so that a
box reads a row group or two more for each of them, beside those of its place."""

UNSORTED_SHARE: Final = 0.05
"""Records behind those along the curve, as a share of them: with more, a whole new file is made."""

UNSORTED_ROWS: Final = 100_000
"""As many may stand there however few the others are."""


@dataclass(frozen=True, slots=True)
class Base:
    """The release to add to.

    Attributes
    ----------
    path : Path
        Its file.
    snapshot : int
        The lake's version that it was made from.
    """

    path: Path
    snapshot: int

    def copy_columns(self, columns: Sequence[str], target: Path) -> None:
        """Write columns of its records to a Parquet file."""
        # The hardened connection of a release writes no files.
        with workshop(spill=target.parent) as connection:
            connection.execute(f"ATTACH {literal(str(self.path))} AS base (READ_ONLY)")
            names = ", ".join(quote(name) for name in columns)
            connection.execute(
                f"COPY (SELECT {names} FROM base.occurrences) TO {literal(str(target))} (FORMAT parquet)"
            )

    def new_presences(self, presences: pl.DataFrame, lake: Lake) -> pl.DataFrame | None:
        """Return the presences that it has not; None where it has others, or has one otherwise."""
        columns = [column for column in terms.PUBLISHED_OCCURRENCE if column not in terms.ASSESSED]
        names = ", ".join(quote(column.name) for column in columns)
        with connect(self.path) as connection:
            coarse = connection.execute(f"SELECT {names} FROM occurrences WHERE sharing_category <> 'open'").pl()
        # Records that came as cells have their own numbers.
        came = lake.read("occurrences", columns=["key"], among=coarse.select("key"), snapshot=self.snapshot)
        before = terms.conform(coarse.join(came, on="key", how="anti"), columns).sort("key")
        known = presences.filter(pl.col("key").is_in(before["key"].implode()))
        if not terms.conform(known, columns).sort("key").equals(before):
            return None
        return presences.filter(~pl.col("key").is_in(before["key"].implode()))

    def same_beside(self, found: pl.DataFrame, added: pl.Series) -> bool:
        """Tell whether its records are told of as before when the added ones stand beside them.

        Parameters
        ----------
        found : polars.DataFrame
            What is found now, of old and added records; see `releases.build`.
        added : polars.Series
            The keys of the added ones.
        """
        with connect(self.path) as connection:
            before = connection.execute(f"FROM {BESIDE_OTHERS} ORDER BY key").pl()
        now = found.filter(~pl.col("key").is_in(added.implode())).sort("key")
        if before.columns != now.columns:
            return before.is_empty() and now.is_empty()
        return before.cast(now.schema).equals(now)


def find_base(
    lake: Lake,
    *,
    snapshot: int,
    rules_hash: str,
    results: Mapping[str, pl.DataFrame],
    boundaries: BoundarySet,
    datasets: pl.DataFrame,
    events: pl.DataFrame | None = None,
    plan: Plan | None = None,
) -> Base | None:
    """Return the current release if what the lake has now only adds to it; None where a new file must be made.

    Parameters
    ----------
    lake, snapshot
        What is released now.
    rules_hash, results, boundaries, datasets, events, plan
        As `releases.build` has them, the results' columns looked at already.
    """
    told = pointer.read(lake.data)
    path = None if told is None else pointer.path(lake.data, told.current.id)
    if path is None or not path.is_file():
        return None
    with connect(path) as connection:
        reason = _reason(lake, connection, snapshot, rules_hash, results, boundaries, datasets, events)
        reason = reason or _set_apart_since(connection, plan)
        if reason is not None:
            logger.info("a whole new release: %s", reason)
            return None
        return Base(path, int(_info(connection)["snapshot"]))


def _reason(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    snapshot: int,
    rules_hash: str,
    results: Mapping[str, pl.DataFrame],
    boundaries: BoundarySet,
    datasets: pl.DataFrame,
    events: pl.DataFrame | None,
) -> str | None:
    """Return why a release cannot be added to; None where it can."""
    info = _info(connection)
    if (info.get("code_hash"), info.get("rules_hash")) != (code_hash(), rules_hash):
        return "the rules or the code are others"
    after = int(info["snapshot"])
    if not lake.only_added("occurrences", after=after, upto=snapshot):
        return "records changed or went, or versions between are not kept any more"
    if not lake.only_added("events", after=after, upto=snapshot) or events_lack(connection, events):
        return "events changed, went or are told less of"
    ordered, rows = int(info["sorted_rows"]), lake.count("occurrences", snapshot=snapshot)
    if not ordered:
        return "the one before has no records"
    if int(info["additions"]) >= MOST_ADDITIONS:
        return f"it was added to {MOST_ADDITIONS} times"
    added = rows - lake.count("occurrences", snapshot=after)
    behind = connection.execute("SELECT count(*) FROM occurrences").fetchall()[0][0] - ordered + added
    if behind > max(UNSORTED_ROWS, ordered * UNSORTED_SHARE):
        return f"{behind} records would stand behind the {ordered} along the curve"
    for name in terms.PUBLISHED_TABLES:
        if name != "occurrences" and not _same(connection, name, terms.PUBLISHED_TABLES[name], results[name]):
            return f"{name} are others"
    if info.get("boundaries") != described(boundaries) or not _same(
        connection, "boundaries", BOUNDARY, boundary_rows(boundaries)
    ):
        return "the boundaries are others"
    names = [c.name for c in DATASET if c.name != "count"]
    known = connection.execute(f"SELECT {', '.join(quote(n) for n in names)} FROM datasets").pl()
    # A dataset whose records are there before its description has a row of nulls.
    named = known.filter(pl.any_horizontal(pl.col(n).is_not_null() for n in names if n != "key"))
    if not named.join(datasets, on=names, how="anti", nulls_equal=True).is_empty():
        return "what is told of datasets is other"
    return None


def _set_apart_since(connection: duckdb.DuckDBPyConnection, plan: Plan | None) -> str | None:
    """Return what a release publishes as it is and should no more; None where there is nothing."""
    if plan is None:
        return None
    marked = set(json.loads(_info(connection).get("marked", "[]")))
    datasets = {name for (name,) in connection.execute('SELECT DISTINCT "datasetKey" FROM occurrences').fetchall()}
    if plan.marked & datasets != marked & datasets:
        return "the numbers of a dataset are published otherwise"
    opened = connection.execute("SELECT key FROM occurrences WHERE sharing_category = 'open'").pl()
    if opened["key"].is_in(plan.not_open.implode()).any():
        return "records of the one before are set apart since"
    return None


def events_lack(connection: duckdb.DuckDBPyConnection, events: pl.DataFrame | None) -> bool:
    """Tell whether a release tells of an event that is not among the published ones, or not as it is there.

    Parameters
    ----------
    connection : DuckDBPyConnection
        To the release.
    events : polars.DataFrame of `terms.SURVEY`, optional
        Published events of the lake. What only records tell is looked at with these.
    """
    before = connection.execute(
        "SELECT survey_id FROM surveys WHERE sharing_category <> 'open' OR design IS NOT NULL OR effort_value IS NOT NULL "
        "OR license IS NOT NULL"
    ).pl()
    now = pl.DataFrame(schema={"survey_id": pl.String}) if events is None else events.select("survey_id")
    return not before.join(now, on="survey_id", how="anti").is_empty()


def _same(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[terms.Column], frame: pl.DataFrame
) -> bool:
    """Tell whether a table of the file has the rows of a frame."""
    names = ", ".join(quote(c.name) for c in columns)
    before = terms.conform(connection.execute(f"SELECT {names} FROM {quote(table)}").pl(), columns)
    now = terms.conform(frame, columns).sort(SORTED_BY[table], nulls_last=True)
    return before.equals(now)


def _info(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    return dict(connection.execute("SELECT key, value FROM release_info").fetchall())
