"""Reading the lake: rows of a table at any version, and the versions."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

import duckdb
import polars as pl

from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.core.terms import Column
from biodata.sharing.grid import FINEST, GUARD
from biodata.store import Closing, duck, failing_as
from biodata.store.catalogue import FILES
from biodata.store.duck import quote
from biodata.store.query import sql
from biodata.store.query.filters import Filter
from biodata.store.tables import LAKE

ROW_KEYS: Final = MappingProxyType(
    {"occurrences": "key", "verbatim": "key", "identities": "key", "assessments": "key", "events": "event_key"}
)
"""The column by which a row of a dataset is known, of the tables that have such rows."""


OWN_TEXT: Final = pl.col(pl.String) + ""
"""Columns of text, copied. Polars' text is a view: a few rows that are kept of a batch keep all of it, a gigabyte a million."""


_MOST: Final = 1 << 19
"""More than there are cells around the world."""


class LakeReading(Closing):
    """The part of `lake.Lake` that changes nothing.

    Attributes
    ----------
    data : Path
        The installation's folder.
    """

    def __init__(self, data: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.data = data
        self._connection = connection
        self._changed = False
        self._last_changes: tuple[int, dict[str, int]] | None = None
        self._between: dict[tuple[str, int, int], pl.DataFrame] = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def read(
        self, table: str, *, columns: Sequence[str] | None = None, where: Filter | None = None,
        among: pl.DataFrame | None = None, snapshot: int | None = None,
    ) -> pl.DataFrame:  # fmt: skip
        """Read rows of a table into memory.

        Parameters
        ----------
        table : str
            A table of the lake.
        columns : sequence of str, optional
            All where none are given.
        where : Filter, optional
            Which rows.
        among : polars.DataFrame, optional
            Only rows whose values in these columns stand in it, however many there are.
        snapshot : int, optional
            The version; today's where none is given.

        Returns
        -------
        polars.DataFrame
            The order of rows is not defined.
        """
        return pl.concat(
            [
                terms.conform(pl.DataFrame(), self._columns(table, columns)),
                *self.batches(
                    table, columns=columns, where=where, among=among, snapshot=snapshot, batch_rows=1_000_000
                ),
            ]
        )

    def batches(
        self, table: str, *, columns: Sequence[str] | None = None, where: Filter | None = None,
        among: pl.DataFrame | None = None, snapshot: int | None = None, since: int | None = None,
        distinct: bool = False, batch_rows: int = 100_000,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Read rows of a table in frames of up to `batch_rows`; see `read`.

        `since`: only what later versions wrote; `distinct`: of equal rows one.
        """
        chosen = self._columns(table, columns)
        condition, params = self._condition(table, where)
        if since is not None:
            condition, params = f"snapshot_id > ? AND {condition}", [since, *params]
        names = ", ".join(quote(c.name) for c in chosen)
        with self._cursor() as cursor:
            files = _files(cursor, table, snapshot)
            if files is not None and files.is_empty():
                return
            asked = where is not None or among is not None or since is not None or distinct
            whole = None if asked or files is None else _of_this_machine(self.data / "lake", files)
            if whole is not None:
                yield from _whole_batches(whole, chosen, batch_rows)
                return
            rows = _at(table, snapshot)
            if among is not None:
                cursor.register("among", among.select(LAKE[table].column(name).name for name in among.columns).unique())
                rows += f" SEMI JOIN among USING ({', '.join(quote(name) for name in among.columns)})"
            cursor.execute(f"SELECT {'DISTINCT' if distinct else ''} {names} FROM {rows} WHERE {condition}", params)
            for batch in cursor.to_arrow_reader(batch_rows):
                yield terms.conform(cast("pl.DataFrame", pl.from_arrow(batch)), chosen)

    def of_keys(
        self, keys: pl.Series, *, since: int, columns: Sequence[str] | None = None, snapshot: int | None = None,
        batch_rows: int = 100_000,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Read the records of some keys; those that changed after version `since` from what was written after it.

        So reading what changed costs what changed: any other record is looked for in all that the lake holds.
        """
        changed = self.changed("occurrences", after=since, upto=self.snapshot() if snapshot is None else snapshot)
        is_changed = keys.is_in(pl.Series([], dtype=keys.dtype) if changed is None else changed["id"].implode())
        for some, after in ((keys.filter(is_changed), since), (keys.filter(~is_changed), None)):
            if some.len():
                among = some.to_frame("key")
                yield from self.batches(
                    "occurrences", columns=columns, among=among, snapshot=snapshot, since=after, batch_rows=batch_rows
                )

    def standing_in(
        self, cells: pl.DataFrame, *, columns: Sequence[str], snapshot: int | None = None
    ) -> pl.DataFrame:  # fmt: skip
        """Read the records that stand in cells.

        Parameters
        ----------
        cells : polars.DataFrame
            datasetKey (empty text for records without one); n, column, row : of `grid`.
        columns : sequence of str
        snapshot : int, optional
            The version; today's where none is given.
        """
        chosen = self._columns("occurrences", columns)
        numbers = cells.select("datasetKey").unique().with_row_index("number").cast({"number": pl.Int64})
        fx, fy = (
            f"least(floor({name} * {FINEST} + {GUARD}), {most * FINEST - 1})"
            for name, most in (('"decimalLongitude"', 180), ('"decimalLatitude"', 90))
        )
        # A cell of a dataset is one number, so that each record is looked up once for each size of cells.
        number = f"(number * {_MOST} + {{}} + {{half}}) * {_MOST} + {{}} + {{half}}"
        inside = ["false"]
        for n in cells["n"].unique():
            own = number.format(*(f"floor({at} / {FINEST // n})::BIGINT" for at in (fx, fy)), half=180 * n)
            asked = number.format('"column"', '"row"', half=180 * n)
            inside.append(f'{own} IN (SELECT {asked} FROM cells JOIN numbers USING ("datasetKey") WHERE n = {n})')
        query = f"""
            SELECT {", ".join(f"o.{quote(c.name)}" for c in chosen)} FROM (FROM {_at("occurrences", snapshot)}) o
            JOIN numbers ON coalesce(o."datasetKey", '') = numbers."datasetKey" WHERE {" OR ".join(inside)}
        """
        with self._cursor() as cursor:
            cursor.register("cells", cells)
            cursor.register("numbers", numbers)
            return terms.conform(cursor.execute(query).pl(), chosen)

    def count(self, table: str, *, where: Filter | None = None, snapshot: int | None = None) -> int:
        """Count rows of a table; see `read`."""
        self._columns(table, None)
        condition, params = self._condition(table, where)
        with self._cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {_at(table, snapshot)} WHERE {condition}", params)
            return int(cursor.fetchall()[0][0])

    def gone(self, table: str, *, since: int) -> pl.DataFrame:
        """Return `key` and `datasetKey` of the records that an older version has and the present one has not.

        Parameters
        ----------
        table : str
            `occurrences`, `verbatim`.
        since : int
            The older version.
        """
        self._columns(table, ["key", "datasetKey"])
        query = f"""SELECT key, "datasetKey" FROM (SELECT key, "datasetKey" FROM {_at(table, since)})
                    ANTI JOIN (SELECT key FROM {_at(table, None)}) USING (key)"""
        with self._cursor() as cursor:
            return cursor.execute(query).pl()

    def snapshot(self) -> int:
        """Return the number of the lake's present version."""
        with self._cursor() as cursor:
            return int(cursor.execute("SELECT * FROM ducklake_current_snapshot('lake')").fetchall()[0][0])

    def changed_at(self, table: str) -> int:
        """Return the version in which a table's rows changed last; 0 for a table that never had any.

        The catalogue is asked once a version for all tables, which takes as long as to read a survey; and anew each time
        where this connection may change its files.
        """
        self._columns(table, None)
        query = """
            SELECT t.table_name, max(greatest(f.begin_snapshot, f.end_snapshot, f.last))::BIGINT
            FROM __ducklake_metadata_lake.ducklake_table t JOIN (
                SELECT table_id, begin_snapshot, end_snapshot, partial_max AS last  -- of a file merged from several
                FROM __ducklake_metadata_lake.ducklake_data_file
                UNION ALL
                SELECT table_id, begin_snapshot, end_snapshot, partial_max
                FROM __ducklake_metadata_lake.ducklake_delete_file
            ) f USING (table_id) GROUP BY ALL
        """
        version = self.snapshot()
        if self._changed or self._last_changes is None or self._last_changes[0] != version:
            with self._cursor() as cursor:
                self._last_changes = version, dict(cursor.execute(query).fetchall())
        return self._last_changes[1].get(table, 0)

    def changed(self, table: str, *, after: int, upto: int) -> pl.DataFrame | None:
        """Return `id` (`key`, of events `event_key`) and `datasetKey` of the rows that came, went or changed between two versions.

        `had` tells of which there was an earlier row. A row without a dataset has empty text. None where a version between them is not kept any more. Asked for once, as
        `changed_at`.
        """
        kept = self.snapshots().filter(pl.col("snapshot").is_between(after, upto)).height
        if after > upto or kept != upto - after + 1:
            return None
        if after == upto or self.changed_at(table) <= after:
            id_type = LAKE[table].column(ROW_KEYS[table]).dtype
            return pl.DataFrame(schema={"id": id_type, "datasetKey": pl.String, "had": pl.Boolean})
        query = f"""
            SELECT {quote(ROW_KEYS[table])} AS id, coalesce("datasetKey", '') AS "datasetKey",
                   bool_or(change_type NOT IN ('insert', 'update_postimage')) AS had
            FROM ducklake_table_changes('lake', 'main', {duck.literal(table)}, {after + 1}::BIGINT, {upto}::BIGINT)
            GROUP BY ALL
        """
        asked = (table, after, upto)
        if self._changed or asked not in self._between:
            with self._cursor() as cursor:
                self._between[asked] = cursor.execute(query).pl()
        return self._between[asked]

    def snapshots(self) -> pl.DataFrame:
        """Return every version: snapshot, time (UTC), author, message, extra (JSON)."""
        query = """
            SELECT snapshot_id::BIGINT AS snapshot, (snapshot_time AT TIME ZONE 'UTC')::TIMESTAMP AS time,
                   author, commit_message AS message, commit_extra_info AS extra
            FROM ducklake_snapshots('lake') ORDER BY snapshot_id
        """
        with self._cursor() as cursor:
            frame = cursor.execute(query).pl()
        return frame.with_columns(pl.col("time").dt.replace_time_zone("UTC"))

    def history(self, table: str, key: int) -> pl.DataFrame:
        """Return every version of a record, the oldest first.

        Parameters
        ----------
        table : str
            `occurrences`, `verbatim` or another table that has a column `key`.
        key : int
            The record's number.

        Returns
        -------
        polars.DataFrame
            One row a version that wrote or removed it: `snapshot`, `time` (UTC), `author`, `message`, `extra` (JSON) of
            that version, `gone`, True where it removed the record, and the table's columns as they were written, null
            where it is gone. No row for a record that never was.

        Notes
        -----
        What became of it is stated by the rows of one version together: one that was removed and written is a change.
        """
        columns = self._columns(table, None)
        LAKE[table].column("key")
        names = ", ".join(quote(c.name) for c in columns)
        query = f"""
            WITH changes AS (
                SELECT snapshot_id, change_type NOT IN ('insert', 'update_postimage') AS gone, {names}
                FROM ducklake_table_changes('lake', 'main', ?, ?::BIGINT, ?::BIGINT) WHERE key = ?
            )
            SELECT snapshot_id::BIGINT AS snapshot, (s.snapshot_time AT TIME ZONE 'UTC')::TIMESTAMP AS time,
                   s.author, s.commit_message AS message, s.commit_extra_info AS extra, gone, {names}
            FROM changes JOIN ducklake_snapshots('lake') s USING (snapshot_id)
            QUALIFY row_number() OVER (PARTITION BY snapshot_id ORDER BY gone) = 1
            ORDER BY snapshot_id
        """
        known = self.snapshots()["snapshot"]
        with self._cursor() as cursor:
            frame = cursor.execute(query, [table, known.min(), known.max(), key]).pl()
        frame = frame.with_columns(
            pl.col("time").dt.replace_time_zone("UTC"),
            *(pl.when(~pl.col("gone")).then(c.name).cast(c.dtype).alias(c.name) for c in columns),
        )
        return frame.with_columns(key=pl.lit(key, dtype=pl.Int64))

    def changes(self, table: str, *, dataset: str | None = None, keys: Collection[int] = ()) -> pl.DataFrame:
        """Return which version wrote or removed which row; no value of any.

        Parameters
        ----------
        table : str
            `occurrences`, `verbatim`, `identities`, `assessments` or `events`.
        dataset : str, optional
            Rows of this dataset; else those of `keys`.
        keys : collection of int
            Records.

        Returns
        -------
        polars.DataFrame
            `id` (`key`, of events `event_key`), `snapshot`, `gone`: True where that version removed it, `before`: True of
            what the oldest version that is kept has and did not write; one row for each version that changed it.
        """
        key = quote(ROW_KEYS[table])
        wanted = f"{key} IS NOT NULL AND " + ("key IN (FROM asked)" if dataset is None else '"datasetKey" = ?')
        params = [] if dataset is None else [dataset]
        query = f"""
            SELECT {key} AS id, snapshot_id::BIGINT AS snapshot,
                   bool_and(change_type NOT IN ('insert', 'update_postimage')) AS gone
            FROM ducklake_table_changes('lake', 'main', ?, ?::BIGINT, ?::BIGINT) WHERE {wanted} GROUP BY ALL
        """
        known = self.snapshots()["snapshot"]
        first, last = int(cast("int", known.min())), int(cast("int", known.max()))
        with self._cursor() as cursor:
            cursor.register("asked", pl.DataFrame({"key": list(keys)}, schema={"key": pl.Int64}))
            found = cursor.execute(query, [table, first, last, *params]).pl().with_columns(before=pl.lit(value=False))
            try:
                had = cursor.execute(f"SELECT {key} AS id FROM {_at(table, first)} WHERE {wanted}", params).pl()
            except duckdb.Error:  # the first version of a lake has no tables
                return found.sort("snapshot", "id")
        had = had.select("id", snapshot=pl.lit(first, pl.Int64), gone=pl.lit(value=False), before=pl.lit(value=True))
        return pl.concat([found, had]).unique(["id", "snapshot"], keep="first").sort("snapshot", "id")

    def listed(self) -> dict[str, int | None]:
        """Return the size of each file that any version needs, by its name below the folder of the lake's files."""
        query = f"SELECT path, bytes FROM ({FILES})".format(metadata="__ducklake_metadata_lake.")
        with self._cursor() as cursor:
            return dict(cursor.execute(query).fetchall())

    def stored_bytes(self, table: str) -> int:
        """Return how much a table's present files take on disk."""
        with self._cursor() as cursor:
            cursor.execute("SELECT file_size_bytes FROM ducklake_table_info('lake') WHERE table_name = ?", [table])
            return sum(int(size) for (size,) in cursor.fetchall())

    def _condition(self, table: str, where: Filter | None) -> sql.Sql:
        """Return a filter as SQL; load the spatial functions if it needs them (0.3 s of every other command)."""
        condition, params = sql.where(where, LAKE[table])
        if "ST_" in condition:
            duck.load_extensions(self._connection, "spatial")
        return condition, params

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own: temporary tables and results of one call do not meet another's."""
        with self._connection.cursor() as cursor, failing_as("the lake could not do it", duckdb.Error):
            yield cursor

    def _columns(self, table: str, columns: Sequence[str] | None) -> list[Column]:
        """Return the chosen columns of a table, all of them where none are chosen."""
        if table not in LAKE:
            message = f"the lake has no table {table!r}; its tables: {', '.join(LAKE)}"
            raise StoreError(message)
        return [LAKE[table].column(name) for name in columns or LAKE[table].columns]


def _files(cursor: duckdb.DuckDBPyConnection, table: str, snapshot: int | None) -> pl.DataFrame | None:
    """Return the files of a table at a version: path, rows, deletes (a file of places of rows that are gone), whole.

    `whole` tells that the version has all else that is in both. None where the version is not kept. Of a table without any file
    DuckLake asks the catalogue for each of its columns, which takes a tenth of a second.
    """
    metadata = "__ducklake_metadata_lake."
    version = f"(SELECT max(snapshot_id) FROM {metadata}ducklake_snapshot)" if snapshot is None else str(int(snapshot))
    address = "CASE WHEN {0}.path_is_relative THEN s.path || t.path || {0}.path ELSE {0}.path END"
    there = "{0}.begin_snapshot <= v.id AND ({0}.end_snapshot IS NULL OR {0}.end_snapshot > v.id)"
    query = f"""
        SELECT f.data_file_id IS NOT NULL AS has_file, {address.format("f")} AS path, f.record_count::BIGINT AS rows,
               CASE WHEN d.path IS NOT NULL THEN {address.format("d")} END AS deletes,
               coalesce(f.partial_max, 0) <= v.id AND coalesce(d.partial_max, 0) <= v.id
               AND coalesce(d.format, 'parquet') = 'parquet' AS whole
        FROM (SELECT snapshot_id AS id FROM {metadata}ducklake_snapshot WHERE snapshot_id = {version}) v
        LEFT JOIN ({metadata}ducklake_data_file f
            JOIN (SELECT DISTINCT table_id, schema_id, path FROM {metadata}ducklake_table
                  WHERE table_name = {duck.literal(table)}) t ON t.table_id = f.table_id
            JOIN (SELECT DISTINCT schema_id, path FROM {metadata}ducklake_schema) s ON s.schema_id = t.schema_id
        ) ON {there.format("f")}
        LEFT JOIN {metadata}ducklake_delete_file d ON d.data_file_id = f.data_file_id AND {there.format("d")}
        ORDER BY f.data_file_id
    """
    found = cursor.execute(query).pl()
    return None if found.is_empty() else found.filter("has_file").drop("has_file")


def _of_this_machine(folder: Path, files: pl.DataFrame) -> pl.DataFrame | None:
    """Return files with their paths in a folder of this machine; None where one is not there, or not `whole`."""
    paths = {
        column: [None if name is None else folder / name for name in files[column]] for column in ("path", "deletes")
    }
    if not files["whole"].all() or not all(path.is_file() for some in paths.values() for path in some if path):
        return None
    return files.with_columns(
        pl.Series(column, [path and str(path) for path in some], pl.String) for column, some in paths.items()
    )


def _whole_batches(files: pl.DataFrame, columns: Sequence[Column], batch_rows: int) -> Iterator[pl.DataFrame]:
    """Yield all rows of files in frames of up to `batch_rows`.

    Measured, Polars reads them in a fifth of the time that DuckDB takes, which hands over its rows one value at a time.
    """
    some, room = list[pl.DataFrame](), batch_rows
    for path, rows, deletes in files.select("path", "rows", "deletes").iter_rows():
        start = 0
        while start < rows:
            taken = min(room, rows - start)
            some.append(_rows_of_file(path, deletes, columns, start, taken))
            start, room = start + taken, room - taken
            if not room:
                yield pl.concat(some)
                some, room = [], batch_rows
    if some:
        yield pl.concat(some)


def _rows_of_file(path: str, deletes: str | None, columns: Sequence[Column], start: int, rows: int) -> pl.DataFrame:
    """Return some rows of a file, without those that are gone; columns that it lacks are null."""
    place = "place of a row"
    with failing_as("the lake could not do it", OSError, pl.exceptions.PolarsError):
        scanned = pl.scan_parquet(path, row_index_name=place)
        had = scanned.collect_schema()
        scanned = scanned.slice(start, rows)
        if deletes is not None:
            gone = pl.read_parquet(deletes, columns=["pos"])["pos"].cast(had[place])
            scanned = scanned.filter(~pl.col(place).is_in(gone.implode()))
        found = scanned.select(place, *(c.name for c in columns if c.name in had)).collect()
    return terms.conform(found, columns)


def _at(table: str, snapshot: int | None) -> str:
    """Return a table of the lake, at a version where one is given."""
    return f"lake.{table}" if snapshot is None else f"lake.{table} AT (VERSION => {int(snapshot)})"
