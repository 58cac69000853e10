"""What a commit changes among the events of surveys, worked out and written with that of their records."""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import polars as pl

from biodata.store.changes import CommitReport
from biodata.store.table_commits import plan_table, write_table


@dataclass(frozen=True, eq=False)
class Survey:
    """The events that are committed with records.

    Attributes
    ----------
    frame : polars.DataFrame of `terms.EVENT`
    whole : frozenset of str
        Datasets that they are all the events of.
    gone : tuple of str
        Keys of events that go.
    """

    frame: pl.DataFrame
    whole: frozenset[str]
    gone: tuple[str, ...]

    @property
    def _scope(self) -> dict[str, Collection[str]] | None:
        """The datasets that are looked at; all where single events go."""
        return None if self.gone else {"datasetKey": self.whole | set(self.frame["datasetKey"].drop_nulls())}

    def plan(self, cursor: duckdb.DuckDBPyConnection) -> CommitReport:
        """Work out what they change."""
        return plan_table(
            cursor,
            "events",
            self.frame,
            key="event_key",
            scope=self._scope,
            whole={"datasetKey": self.whole},
            gone=self.gone,
        )

    def write(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write it."""
        write_table(cursor, "events", key="event_key", scope=self._scope)
