"""What a commit changes among records, worked out and written by whole sets in DuckDB; no row passes through Python.

A staged part of which every record is new joins the lake as the files that it is. The rows of the others, the mixed
parts, are read again: known records keep their keys, and only what changed is written.
"""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import polars as pl

from biodata.core.errors import Refusal, StoreError
from biodata.store import catalogue
from biodata.store.catalogue import LakeFiles
from biodata.store.duck import literal, quote
from biodata.store.staging import (
    RECORD_TABLES,
    CommitReport,
    RowFiles,
    Staging,
    find_changed,
    in_two_parts,
    one,
    repeat,
    staged_rows,
)
from biodata.store.tables import LAKE

_COMPARED: Final = ("occurrences", "verbatim")
ADOPTED: Final = "staged-"
"""How the names of files begin that joined the lake as they were."""

_AT_ONCE: Final = 4_000_000
"""Rows that are looked through at once for those that are alike: DuckDB takes some 150 MB."""
_OTHER_KEY: Final = "('0x' || left(md5(uuidv4()::VARCHAR), 13))::BIGINT"
"""Another random number below 2^52."""


@dataclass(frozen=True)
class Plan:
    """What a commit of records does.

    Attributes
    ----------
    report : CommitReport
        Its counts; the version is not known yet.
    new_parts, mixed_parts : list of int
        The staged parts that join as they are, and those whose rows are read again.
    """

    report: CommitReport
    new_parts: list[int]
    mixed_parts: list[int]


def plan_occurrences(
    cursor: duckdb.DuckDBPyConnection, staging: Staging, *, complete_datasets: Collection[str],
    gone: Iterable[tuple[str, str]], part: tuple[str, str] | None = None,
) -> Plan:  # fmt: skip
    """Work out, in temporary tables, what the staged records change; the caller holds the writer's lock.

    What is staged is the whole state of `part` (dataset, part), where one is given: its other records leave.

    Leaves behind the tables ``keyed`` (part, row, key, fresh, present) of the mixed parts' records,
    ``changed_occurrences`` and ``changed_verbatim`` (key), ``leaving`` (key), which `write_occurrences` reads.

    Raises
    ------
    InputError
        With IDENTIFIER_IN_TWO_PARTS, if a record stands in another part of its dataset already.
    """
    every = staging.parts
    refusals = _find_mixed(cursor, staging, every)
    mixed = [part for (part,) in cursor.execute("SELECT DISTINCT part FROM not_plain ORDER BY part").fetchall()]
    new_parts = [part for part in every if part not in set(mixed)]
    _give_keys(cursor, staging, mixed)
    _check_parts(cursor, staging, mixed)
    for table in _COMPARED:
        staged = f"""(SELECT k.key, p.* EXCLUDE (key, part, row)
                      FROM {_rows(staging, table, mixed)} p JOIN keyed k USING (part, row) WHERE k.present)"""
        find_changed(cursor, staged, f"lake.{table}", "key", LAKE[table].columns, into=f"changed_{table}")
    told_gone = pl.DataFrame(list(gone), schema={"datasetKey": pl.String, "source_record_id": pl.String}, orient="row")
    cursor.register("told_gone", told_gone)
    cursor.register(
        "told_complete", pl.DataFrame({"datasetKey": list(complete_datasets)}, schema={"datasetKey": pl.String})
    )
    # Where nothing can leave, nothing is looked for.
    limit = "" if complete_datasets or part is not None or not told_gone.is_empty() else "LIMIT 0"
    cursor.execute(
        f"""
        CREATE TEMP TABLE leaving AS
        SELECT o.key FROM lake.occurrences o
        WHERE ((o."datasetKey" IN (FROM told_complete) AND o.node IS NULL)
               OR (o."datasetKey" = ? AND o.dataset_part = ?)
               OR (o."datasetKey", o.source_record_id) IN (SELECT ("datasetKey", source_record_id) FROM told_gone))
          AND o.key NOT IN (SELECT key FROM keyed)
          AND (o."datasetKey", o.source_record_id) NOT IN (
              SELECT ("datasetKey", source_record_id) FROM {_rows(staging, "identities", new_parts)})
        {limit}
        """,
        list(part or (None, None)),
    )
    new, present, changed, leaving = one(
        cursor,
        """
        SELECT (SELECT count(*) FROM keyed WHERE NOT present), (SELECT count(*) FROM keyed WHERE present),
               (SELECT count(*) FROM (FROM changed_occurrences UNION FROM changed_verbatim)),
               (SELECT count(*) FROM leaving)
        """,
    )
    new += one(cursor, f"SELECT count(*) FROM {_rows(staging, 'identities', new_parts)}")[0]
    if part is not None and new + changed + leaving:
        _add_moved(cursor, staging, mixed)
    return Plan(CommitReport(-1, new, changed, present - changed, leaving, refusals), new_parts, mixed)


def write_occurrences(cursor: duckdb.DuckDBPyConnection, staging: Staging, plan: Plan, *, files: LakeFiles) -> None:
    """Write what `plan_occurrences` found, inside the caller's transaction; `files` are the lake's."""
    for table in _COMPARED:
        stale = f"(FROM changed_{table} UNION ALL FROM leaving)"
        if one(cursor, f"SELECT count(*) FROM {stale}")[0]:
            cursor.execute(f"DELETE FROM lake.{table} WHERE key IN {stale}")
    if plan.mixed_parts:
        for table in _COMPARED:
            columns = [quote(c) for c in sorted(staging.columns(table) - {"key"})]
            cursor.execute(
                f"""
                INSERT INTO lake.{table} (key, {", ".join(columns)})
                SELECT k.key, {", ".join(f"p.{c}" for c in columns)}
                FROM {_rows(staging, table, plan.mixed_parts)} p JOIN keyed k USING (part, row)
                WHERE NOT k.present OR k.key IN (FROM changed_{table})
                """
            )
        cursor.execute(
            f"""
            INSERT INTO lake.identities (key, "datasetKey", source_record_id)
            SELECT k.key, p."datasetKey", p.source_record_id
            FROM {_rows(staging, "identities", plan.mixed_parts)} p JOIN keyed k USING (part, row) WHERE k.fresh
            """
        )
    _adopt(cursor, staging, plan, files)


def _adopt(cursor: duckdb.DuckDBPyConnection, staging: Staging, plan: Plan, files: LakeFiles) -> None:
    """Make the files of wholly new parts files of the lake."""
    token = secrets.token_hex(8)
    for table in RECORD_TABLES:
        for part in plan.new_parts:
            address = files.take(staging.path(table, part), f"main/{table}/{ADOPTED}{token}-{part:06d}.parquet")
            text = f"{literal(table)}, {literal(address)}"
            cursor.execute(f"CALL ducklake_add_data_files('lake', {text}, allow_missing => true)").fetchall()
        files.settle(f"main/{table}")


def forget_adopted(cursor: duckdb.DuckDBPyConnection, files: LakeFiles) -> int:
    """Remove files that were to join the lake in a commit that never came; return how many there were.

    The caller holds the writer's lock, so that no other commit is under way.
    """
    found = {
        name for table in RECORD_TABLES for name in files.sizes(f"main/{table}") if f"/{table}/{ADOPTED}" in f"/{name}"
    }
    if not found:
        return 0
    orphans = found - catalogue.files(cursor)
    for name in orphans:
        files.remove(name)
    return len(orphans)


def _add_moved(cursor: duckdb.DuckDBPyConnection, staging: Staging, mixed: list[int]) -> None:
    """Let records that stand in another row of the new version of their part be written, too: it is stated where they stood."""
    for table in _COMPARED:
        cursor.execute(
            f"""
            INSERT INTO changed_{table}
            SELECT k.key FROM keyed k JOIN {_rows(staging, table, mixed)} p USING (part, row) JOIN lake.{table} o ON o.key = k.key
            WHERE k.present AND o.source_row IS DISTINCT FROM p.source_row AND k.key NOT IN (FROM changed_{table})
            """
        )


def _check_parts(cursor: duckdb.DuckDBPyConnection, staging: Staging, mixed: list[int]) -> None:
    """See that no staged record stands in another part of its dataset.

    Raises
    ------
    InputError
        With IDENTIFIER_IN_TWO_PARTS; it names both places of the first one.
    """
    found = cursor.execute(
        f"""
        SELECT p.source_file, p.source_row, p.source_record_id, p.dataset_part, o.dataset_part, o.source_row
        FROM keyed k JOIN lake.occurrences o USING (key) JOIN {_rows(staging, "occurrences", mixed)} p USING (part, row)
        WHERE o.dataset_part IS DISTINCT FROM p.dataset_part ORDER BY part, row LIMIT 1
        """
    ).fetchone()
    if found is not None:
        file, row, value, _, other, other_row = found
        raise in_two_parts(file, row, "occurrenceID", value, other, other_row)


def _find_mixed(cursor: duckdb.DuckDBPyConnection, staging: Staging, parts: list[int]) -> list[Refusal]:
    """Make the table ``not_plain`` (part, row, why) of rows that are not simply new; refuse repeated ones.

    A row is `repeated` after another of its identity, `known` where the lake knows its identity, and `clashing` where
    its number was given before.
    """
    rows = _rows(staging, "identities", parts)
    # Whole identities are compared only where their 64-bit hashes meet; so many hashes at once fit into memory.
    shares = staging.rows() // _AT_ONCE + 1
    cursor.execute("CREATE TEMP TABLE suspects (h UBIGINT); CREATE TEMP TABLE given_twice (key BIGINT)")
    for share in range(shares):
        cursor.execute(
            f"""
            INSERT INTO suspects SELECT hash("datasetKey", source_record_id) AS h FROM {rows}
            WHERE h % {shares} = {share} GROUP BY h HAVING count(*) > 1;
            INSERT INTO given_twice SELECT key FROM {rows} WHERE key % {shares} = {share} GROUP BY key HAVING count(*) > 1
            """
        )
    cursor.execute(
        f"""
        CREATE TEMP TABLE not_plain AS
        WITH turns AS (
            SELECT part, row, row_number() OVER (PARTITION BY "datasetKey", source_record_id ORDER BY part, row) AS turn
            FROM {rows} WHERE hash("datasetKey", source_record_id) IN (FROM suspects)
        )
        SELECT part, row, 'repeated' AS why FROM turns WHERE turn > 1
        UNION ALL
        SELECT part, row, 'known' FROM {rows} SEMI JOIN lake.identities USING ("datasetKey", source_record_id)
        UNION ALL
        SELECT part, row, 'clashing' FROM {rows} WHERE key IN (FROM given_twice)
        UNION ALL
        SELECT part, row, 'clashing' FROM {rows} SEMI JOIN lake.identities USING (key)
        """
    )
    repeats = cursor.execute(
        f"""
        SELECT source_file, source_row, source_record_id FROM not_plain n
        JOIN {_rows(staging, "occurrences", parts)} p USING (part, row) WHERE n.why = 'repeated' ORDER BY part, row
        """
    ).fetchall()
    return [repeat(file or "", row, "source_record_id", value) for file, row, value in repeats]


def _give_keys(cursor: duckdb.DuckDBPyConnection, staging: Staging, parts: list[int]) -> None:
    """Make the table ``keyed`` of the mixed parts' records: known ones have their key, new ones the number given."""
    cursor.execute(
        f"""
        CREATE TEMP TABLE keyed AS
        WITH given AS (
            SELECT part, row, coalesce(i.key, CASE WHEN clash.row IS NULL THEN p.key END, {_OTHER_KEY}) AS key,
                   i.key IS NULL AS fresh
            FROM {_rows(staging, "identities", parts)} p
            LEFT JOIN (SELECT DISTINCT part, row FROM not_plain WHERE why = 'clashing') clash USING (part, row)
            LEFT JOIN lake.identities i USING ("datasetKey", source_record_id)
            WHERE (part, row) NOT IN (SELECT (part, row) FROM not_plain WHERE why = 'repeated')
        )
        SELECT g.*, o.key IS NOT NULL AS present FROM given g LEFT JOIN lake.occurrences o ON o.key = g.key
        """
    )


def _rows(staging: Staging, table: str, parts: Collection[int]) -> str:
    """Return staged parts as a table expression: `part`, `row` in it, and the table's columns."""
    return staged_rows(table, [staging.path(table, part) for part in parts], staging.columns(table))


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
            # Those that stand in another row of the part's new version are written, too: it is stated where they stood.
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


Scope = Mapping[str, str | Collection[str]]
"""Values of columns that bound which rows what was put aside tells the whole state of."""


def plan_table(
    cursor: duckdb.DuckDBPyConnection, rows: RowFiles, *, key: str, scope: Scope | None, whole: Scope | None = None,
    gone: Iterable[str] = (),
) -> CommitReport:  # fmt: skip
    """Work out what rows change in their table; leaves ``incoming``, ``changed_rows`` and ``leaving_rows`` behind.

    Rows of the scope that are not among them leave; where `whole` is given, only those of them that it bounds. Rows whose
    key is in `gone` leave, too. Of rows with the same key the first counts.
    """
    table = rows.table
    columns = LAKE[table].columns
    places = ("source_file", "source_row")
    frame = rows.read([*places, key])
    if frame.get_column(key).null_count():
        message = f"{table}: a row has no {key}"
        raise StoreError(message)
    again = frame.filter(~frame.get_column(key).is_first_distinct())
    shown = [pl.col(c) if c in frame.columns else pl.lit(None).alias(c) for c in places]
    repeats = again.select(*shown, pl.col(key).cast(pl.String)).rows()
    # Read where they stand, part by part: a table of them takes their memory at once.
    others = staged_rows(table, rows.parts, rows.told)
    if repeats:
        first = f"row_number() OVER (PARTITION BY {quote(key)} ORDER BY part, row) = 1"
        others = (
            f"(SELECT * FROM {others} SEMI JOIN (SELECT part, row FROM {others} QUALIFY {first}) USING (part, row))"
        )
    cursor.execute(f"CREATE TEMP VIEW incoming AS SELECT * FROM {others}")
    cursor.execute(f"CREATE TEMP TABLE stored AS SELECT * FROM lake.{table} WHERE {_in_scope(scope)}")
    find_changed(cursor, "incoming", "stored", key, columns, into="changed_rows")
    name = quote(key)
    absent = _in_scope(scope if whole is None else whole) if (scope, whole) != (None, None) else "false"
    cursor.register("gone_rows", pl.DataFrame({"key": list(gone)}, schema={"key": pl.String}))
    cursor.execute(
        f"""
        CREATE TEMP TABLE leaving_rows AS SELECT {name} AS key FROM stored
        WHERE ({absent} OR {name}::VARCHAR IN (FROM gone_rows)) AND {name} NOT IN (SELECT {name} FROM incoming)
        """
    )
    new, came, changed, leaving = one(
        cursor,
        f"""
        SELECT (SELECT count(*) FROM incoming WHERE {name} NOT IN (SELECT {name} FROM stored)),
               (SELECT count(*) FROM incoming), (SELECT count(*) FROM changed_rows), (SELECT count(*) FROM leaving_rows)
        """,
    )
    refusals = [repeat(file or table, row, key, value) for file, row, value in repeats]
    return CommitReport(-1, new, changed, came - new - changed, leaving, refusals)


def write_table(cursor: duckdb.DuckDBPyConnection, rows: RowFiles, *, key: str, scope: Scope | None) -> None:
    """Write what `plan_table` found, inside the caller's transaction."""
    table = rows.table
    names, name = ", ".join(quote(c) for c in LAKE[table].columns), quote(key)
    stale = "(FROM changed_rows UNION ALL FROM leaving_rows)"
    if one(cursor, f"SELECT count(*) FROM {stale}")[0]:
        cursor.execute(f"DELETE FROM lake.{table} WHERE {name} IN {stale} AND {_in_scope(scope)}")
    # Part by part: what is written of all of them at once waits in memory for the ends of the columns.
    for part in range(len(rows.parts)):
        cursor.execute(
            f"""
            INSERT INTO lake.{table} ({names}) SELECT {names} FROM incoming
            WHERE part = {part} AND ({name} IN (FROM changed_rows) OR {name} NOT IN (SELECT {name} FROM stored))
            """
        )


def _in_scope(scope: Scope | None) -> str:
    """Return the condition that a row is inside the scope."""
    return " AND ".join(f"{quote(c)} IN ({_listed(values)})" for c, values in (scope or {}).items()) or "true"


def _listed(values: str | Collection[str]) -> str:
    lines = [values] if isinstance(values, str) else sorted(values)
    return ", ".join(literal(value) for value in lines) or "NULL"
