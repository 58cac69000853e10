"""What a commit changes among the events of surveys, worked out and written with that of their records."""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from biodata.store.changes import CommitReport, in_two_parts
from biodata.store.staging import RowFiles
from biodata.store.table_commits import plan_table, write_table


@dataclass(frozen=True, eq=False)
class Survey:
    """The events that are committed with records: all those of `whole` datasets, or of a `part`; some may be `gone`."""

    rows: RowFiles
    whole: frozenset[str]
    part: tuple[str, str] | None
    gone: tuple[str, ...]

    @property
    def _scope(self) -> dict[str, Collection[str]] | None:
        """The datasets that are looked at; all where single events go."""
        if self.gone:
            return None
        own = {self.part[0]} if self.part is not None else set()
        return {"datasetKey": self.whole | own | set(self.rows.read(["datasetKey"])["datasetKey"].drop_nulls())}

    def plan(self, cursor: duckdb.DuckDBPyConnection) -> CommitReport:
        """Work out what they change; an event that stands in another part of its dataset is refused (IDENTIFIER_IN_TWO_PARTS)."""
        whole: dict[str, Collection[str]] = {"datasetKey": self.whole}
        if self.part is not None:
            whole = {"datasetKey": (self.part[0],), "dataset_part": (self.part[1],)}
        report = plan_table(cursor, self.rows, key="event_key", scope=self._scope, whole=whole, gone=self.gone)
        found = cursor.execute(
            """
            SELECT i.source_file, i.source_row, i."eventID", s.dataset_part, s.source_row
            FROM incoming i JOIN stored s USING (event_key)
            WHERE i.dataset_part IS DISTINCT FROM s.dataset_part ORDER BY part, row LIMIT 1
            """
        ).fetchone()
        if found is not None:
            file, row, event, other, other_row = found
            raise in_two_parts(file, row, "eventID", event, other, other_row)
        if self.part is not None and report.changes:
            # Those that stand in another row of the part's new version are written, too: it is told where they stood.
            cursor.execute(
                """
                INSERT INTO changed_rows SELECT event_key FROM incoming i JOIN stored s USING (event_key)
                WHERE (i.source_row, i.source_sheet) IS DISTINCT FROM (s.source_row, s.source_sheet)
                  AND event_key NOT IN (FROM changed_rows)
                """
            )
        return report

    def write(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Write it."""
        write_table(cursor, self.rows, key="event_key", scope=self._scope)
