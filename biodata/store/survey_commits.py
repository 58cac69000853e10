"""What a commit changes among the events of surveys, worked out and written with that of their records."""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from biodata.store.changes import CommitReport
from biodata.store.staging import RowFiles
from biodata.store.table_commits import plan_table, write_table


@dataclass(frozen=True, eq=False)
class Survey:
    """The events that are committed with records.

    Attributes
    ----------
    rows : RowFiles of `events`
    whole : frozenset of str
        Datasets that they are all the events of.
    gone : tuple of str
        Keys of events that go.
    """

    rows: RowFiles
    whole: frozenset[str]
    gone: tuple[str, ...]

    @property
    def _scope(self) -> dict[str, Collection[str]] | None:
        """The datasets that are looked at; all where single events go."""
        if self.gone:
            return None
        return {"datasetKey": self.whole | set(self.rows.read(["datasetKey"])["datasetKey"].drop_nulls())}

    def plan(self, cursor: duckdb.DuckDBPyConnection) -> CommitReport:
        """Work out what they change."""
        return plan_table(
            cursor,
            self.rows,
            key="event_key",
            scope=self._scope,
            whole={"datasetKey": self.whole},
            gone=self.gone,
        )

    def write(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write it."""
        write_table(cursor, self.rows, key="event_key", scope=self._scope)
