"""The file of a release that differs little from an earlier one: what is new or changed, and which rows of its base are gone.

`occurrences`, `surveys`, `shapes` and the counts of tiles are views in it: the base's rows without those that are gone, and
then its own. A small table that is as the base has it is a view of it, too; every other one stands in it whole.
"""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from biodata.core import terms
from biodata.core.terms import Column
from biodata.places import BoundarySet
from biodata.store import release_file, tile_counts, withheld_since
from biodata.store.consents import SHARED
from biodata.store.duck import BASE, base_of, joined, literal, quote
from biodata.store.lake import Lake
from biodata.store.published_events import LOOKED_AT, OPEN, survey_rows
from biodata.store.shapes import SHAPE_IDS, boundaries_in_words, boxes, simplified
from biodata.store.staging import read_part
from biodata.store.tables import RELEASE

_BEFORE: Final = "before"
_SIGN: Final = Column("sign", pl.Int32, "")
_PAGED: Final = Column("place", pl.Int64, "")
_RECORD: Final = (*terms.PUBLISHED_OCCURRENCE, *release_file.PLACE)


class DeltaFile(release_file.ReleaseFile):
    """A release's file while it is being written that differs from the file of the release before.

    Parameters
    ----------
    path : Path
        A new file.
    before : Path
        The file of the release before: its base, or one that differs from the same base.
    """

    def __init__(self, path: Path, *, before: Path, spill: Path, memory_limit: str) -> None:
        super().__init__(path, spill=spill, memory_limit=memory_limit)
        self.base, self.base_path = base_of(before)
        self._connection.execute(f"ATTACH {literal(str(self.base_path))} AS {BASE} (READ_ONLY)")
        self._before, self._changed_before = BASE, False
        if before != self.base_path:
            self._connection.execute(f"ATTACH {literal(str(before))} AS {_BEFORE} (READ_ONLY)")
            self._before, self._changed_before = _BEFORE, True
        self._info = release_file.release_info(self._connection, self._before)
        self._base_sums = json.loads(release_file.release_info(self._connection, BASE)["sums"])
        self._taken_back = self._info.get("taken_back") == "true"
        self._rewritten: list[str] = []
        self._sums: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def write_changed_presences(self, presences: pl.DataFrame, among: pl.Series | None) -> pl.Series:
        """Write which presences the release has; return the keys of those that are new, other or gone since the one before.

        Parameters
        ----------
        presences : polars.DataFrame
            Those that may be new or other.
        among : polars.Series, optional
            Keys of those of the release before that may be gone or other; all where none are stated.
        """
        super().write_presences(presences)
        run = self._connection.execute
        self._connection.register(
            "told", pl.DataFrame({"key": [] if among is None else among}, schema={"key": pl.Int64})
        )
        which = "true" if among is None else "key IN (FROM told) OR key IN (SELECT key FROM presences)"
        query = f"""SELECT key FROM (FROM {self._before}.presences WHERE {which}) b FULL JOIN presences p USING (key)
                    WHERE b.hash IS DISTINCT FROM p.hash ORDER BY key"""
        differing = run(query).pl()["key"].cast(pl.Int64)
        run(f"INSERT INTO presences FROM {self._before}.presences WHERE NOT ({which})")
        self._connection.unregister("told")
        return differing

    def write_changes(self, keys: pl.Series, parts: Iterable[Path], assessed: pl.DataFrame | None = None) -> None:
        """Write what becomes of some records; what comes out as it was in the release before is no change.

        Parameters
        ----------
        keys : polars.Series
            Theirs; those that `parts` have not are gone.
        parts : iterable of Path
            Parquet files of `terms.PUBLISHED_OCCURRENCE` with mx, my, hk.
        assessed : polars.DataFrame, optional
            What is stated of open records beside each other; see `releases.build`.
        """
        run = self._connection.execute
        self._connection.register("told", keys.unique().to_frame("key"))
        run("CREATE TEMP TABLE changed AS SELECT key FROM told")
        self._connection.unregister("told")
        staged = pl.concat([pl.DataFrame(schema=terms.schema(_RECORD)), *(read_part(file, _RECORD) for file in parts)])
        self._connection.register("told", release_file.with_assessed(staged, assessed))
        run("CREATE TEMP TABLE staged AS FROM told")
        self._connection.unregister("told")
        names = ", ".join(quote(c.name) for c in _RECORD)
        # By their places only the row groups are opened that hold one; by their keys all columns of all records are.
        run(
            f"""CREATE TEMP TABLE lost AS SELECT {names}, rowid AS place, {release_file.row_hash("occurrences")} AS hash
                FROM {self._before}.occurrences
                WHERE rowid IN (SELECT rowid FROM {self._before}.occurrences WHERE key IN (FROM changed))"""
        )
        run(
            f"""CREATE TEMP TABLE same AS SELECT key FROM lost
                JOIN (SELECT key, {release_file.row_hash("occurrences")} AS hash FROM staged) USING (key, hash)"""
        )
        self._write_beside("beside_others_delta", assessed)
        self._write_gone("beside_others", "key IN (FROM changed)")
        if self._changed_before:
            run(f"INSERT INTO beside_others_delta FROM {_BEFORE}.beside_others_delta WHERE key NOT IN (FROM changed)")
        self._view("beside_others", [c.name for c in release_file.BESIDE_OTHERS])
        for table in ("changed", "staged", "lost"):
            run(f"DELETE FROM {table} WHERE key IN (FROM same)")
        self._write_gone("occurrences", "key IN (FROM changed)")
        self._create("occurrences_delta", (*_RECORD, _SIGN, _PAGED))
        behind = self._rows_of_base("occurrences")
        own = f"SELECT {names}, sign FROM {_BEFORE}.occurrences_delta WHERE sign < 0 OR key NOT IN (FROM changed) UNION ALL"
        run(
            f"""INSERT INTO occurrences_delta
                SELECT {names}, sign, {behind} - 1 + row_number() OVER (ORDER BY hk NULLS LAST, key, sign)
                FROM ({own if self._changed_before else ""} SELECT {names}, 1 AS sign FROM staged
                      UNION ALL SELECT {names}, -1 FROM lost WHERE place < {behind})
                ORDER BY hk NULLS LAST, key, sign"""
        )
        self._view("occurrences", [c.name for c in _RECORD])
        tile_counts.count_changes(self._connection, before=_BEFORE if self._changed_before else None)
        (rows, hashes), (gone, were) = (
            run(f"SELECT count(*), coalesce(sum({hash_}), 0) FROM {table}").fetchall()[0]
            for hash_, table in ((release_file.row_hash("occurrences"), "staged"), ("hash", "lost"))
        )
        self._add("occurrences", int(rows - gone), int(hashes - were))

    def withholds_more(self, lake: Lake, *, snapshot: int) -> bool:
        """Return whether something of the release before is withheld, or coarser; see `withheld_since`."""
        run = self._connection.execute
        records = [run(withheld_since.RECORDS.format(table=table)).pl() for table in ("lost", "staged")]
        is_open = f"SELECT survey_id FROM others JOIN {{}} USING (survey_id) WHERE sharing_category = {literal(OPEN)}"
        events = [set(run(is_open.format(table)).pl()["survey_id"]) for table in (f"{self._before}.surveys", "surveys")]
        names = [
            [
                set(run(f"SELECT {column} AS name FROM {source}").pl()["name"])
                for source in (f"{self._before}.{table}", table)
            ]
            for table, column in SHARED.items()
        ]
        lesser = withheld_since.lesser(lake, snapshot=snapshot, records=records, events=events, names=names)
        self._taken_back |= lesser
        return lesser

    def write_results(self, table: str, frame: pl.DataFrame | None) -> None:
        """Write the published rows of a table of results; those of the release before where none are given."""
        columns = terms.PUBLISHED_TABLES[table]
        if frame is None:
            names = ", ".join(quote(c.name) for c in columns)
            frame = terms.conform(
                self._connection.execute(f"SELECT {names} FROM {self._before}.{quote(table)}").pl(), columns
            )
        frame = frame.sort(release_file.SORTED_BY[table], nulls_last=True)
        if not self._as_in_base(table, frame):
            super().write_results(table, frame)

    def write_boundaries(self, boundaries: BoundarySet) -> None:
        """Write countries and first-level divisions."""
        self._boundaries = boundaries_in_words(boundaries)
        if not self._as_in_base("boundaries", release_file.drawn_rows(boundaries)):
            super().write_boundaries(boundaries)

    def write_surveys(self, events: pl.DataFrame | None) -> None:
        """Write what changed of all events; see `ReleaseFile.write_surveys`."""
        self._write_differing(survey_rows(self._connection, events), "true")

    def write_changed_surveys(self, events: pl.DataFrame | None, gone: pl.Series) -> None:
        """Write what changed of some events.

        Parameters
        ----------
        events : polars.DataFrame of `terms.SURVEY`, optional
            Published events of the lake that are new or changed, and those that changed records name, with their parts.
        gone : polars.Series
            The `survey_id` of those that are published no more.
        """
        self._write_differing(*self._touched_surveys(events, gone.to_list()))

    def _write_differing(self, rows: pl.DataFrame, scope: str) -> None:
        """Write the surveys that are not as in the release before, among those of a scope."""
        run = self._connection.execute
        self._connection.register("rows", rows)
        hash_ = release_file.row_hash("surveys")
        run(f"CREATE TEMP TABLE had AS SELECT survey_id, {hash_} AS hash FROM {self._before}.surveys WHERE {scope}")
        run(f"CREATE TEMP TABLE have AS SELECT survey_id, {hash_} AS hash FROM rows")
        run(
            """CREATE TEMP TABLE others AS SELECT survey_id, had.hash AS before, have.hash AS after
               FROM had FULL JOIN have USING (survey_id) WHERE had.hash IS DISTINCT FROM have.hash"""
        )
        self._connection.unregister("rows")
        ids = "survey_id IN (SELECT survey_id FROM others)"
        self._write_gone("surveys", ids)
        columns = (*terms.SURVEY, *release_file.BOX)
        changed = run("SELECT survey_id FROM others WHERE after IS NOT NULL").pl()["survey_id"]
        rows = rows.filter(pl.col("survey_id").is_in(changed.implode()))
        self._shapes.append(simplified("surveys", rows["survey_id"], rows["geometry"]))
        rows = pl.concat([rows, boxes(rows["geometry"])], how="horizontal")
        names = ", ".join(quote(c.name) for c in columns)
        if self._changed_before:
            own = run(f"SELECT {names} FROM {_BEFORE}.surveys_delta WHERE NOT {ids}").pl()
            shapes = ", ".join(quote(c.name) for c in release_file.SHAPE_COLUMNS)
            drawn = f"""SELECT {shapes} FROM {_BEFORE}.shapes_delta
                        WHERE collection = 'surveys' AND id NOT IN (SELECT survey_id FROM others)"""
            self._shapes.append(terms.conform(run(drawn).pl(), release_file.SHAPE_COLUMNS))
            rows = pl.concat([terms.conform(own, columns), terms.conform(rows, columns)])
        rows = rows.sort("survey_id").with_row_index("place", self._rows_of_base("surveys"))
        self._write("surveys_delta", (*columns, _PAGED), rows)
        self._view("surveys", [c.name for c in columns])
        count, more = run(
            "SELECT count(after) - count(before), coalesce(sum(after), 0) - coalesce(sum(before), 0) FROM others"
        ).fetchall()[0]
        self._add("surveys", int(count), int(more))

    def _touched_surveys(self, events: pl.DataFrame | None, gone: Sequence[str]) -> tuple[pl.DataFrame, str]:
        """Return the rows of the events that something changed of, and which of the release before stand for them."""
        run = self._connection.execute
        events = pl.DataFrame(schema=terms.schema(terms.SURVEY)) if events is None else events
        self._connection.register("told", events.select("datasetKey", "eventID"))
        self._connection.register(
            "gone_events", pl.DataFrame({"survey_id": list(gone)}, schema={"survey_id": pl.String})
        )
        both = "(SELECT {} FROM lost UNION ALL SELECT {} FROM staged)"
        run(
            f"""CREATE TEMP TABLE touched AS SELECT DISTINCT "datasetKey", "eventID" FROM (
                    SELECT "datasetKey", "eventID" FROM told
                    UNION ALL FROM {both.format(*['"datasetKey", "eventID"'] * 2)}
                    UNION ALL FROM {both.format(*['"datasetKey", "parentEventID" AS "eventID"'] * 2)}
                    UNION ALL SELECT "datasetKey", "eventID" FROM {self._before}.surveys WHERE survey_id IN (FROM gone_events))
                WHERE "datasetKey" IS NOT NULL AND "eventID" IS NOT NULL"""
        )
        here = '("datasetKey", "{}") IN (SELECT ("datasetKey", "eventID") FROM touched)'
        named = ", ".join(quote(name) for name in LOOKED_AT)
        run(
            f"""CREATE TEMP TABLE their_records AS SELECT {named} FROM occurrences
                WHERE {here.format("eventID")} OR {here.format("parentEventID")}"""
        )
        rows = survey_rows(self._connection, events, records="their_records")
        touched = run('SELECT "datasetKey", "eventID" FROM touched').pl()
        ids = pl.concat([events["survey_id"], pl.Series("survey_id", list(gone), pl.String)])
        own = rows.filter(pl.col("survey_id").is_in(events["survey_id"].implode()))
        rows = pl.concat(
            [own, rows.join(touched, on=["datasetKey", "eventID"], how="semi").join(own, on="survey_id", how="anti")]
        )
        self._connection.register("their_ids", ids.to_frame())
        return rows, f"({here.format('eventID')} OR survey_id IN (FROM their_ids))"

    def _write_shapes(self, shapes: pl.DataFrame) -> None:
        self._write("shapes_delta", release_file.SHAPE_COLUMNS, shapes)
        others = ", ".join(literal(name) for name in self._rewritten) or "''"
        ids = f"SELECT survey_id FROM {BASE}.surveys WHERE rowid IN (FROM surveys_gone)"
        run = self._connection.execute
        run(
            f"""CREATE TABLE shapes_gone AS SELECT rowid AS place FROM {BASE}.shapes
                WHERE collection IN ({others}) OR (collection = 'surveys' AND id IN ({ids})) ORDER BY place"""
        )
        self._view("shapes", [c.name for c in release_file.SHAPE_COLUMNS])

    def _dataset_counts(self) -> str:
        return f"""SELECT key, sum(n)::BIGINT AS n FROM (
            SELECT key, "count" AS n FROM {self._before}.datasets UNION ALL SELECT "datasetKey", 1 FROM staged
            UNION ALL SELECT "datasetKey", -1 FROM lost) WHERE key IS NOT NULL GROUP BY key HAVING sum(n) > 0"""

    def _more_info(self) -> dict[str, Any]:
        changed = {name: self._count_of(f"occurrences_{name}") for name in ("delta", "gone")}
        changed["base"] = self._rows_of_base("occurrences")
        return {"base": self.base, "changed": changed, "taken_back": self._taken_back}

    def _empty_columns(self) -> list[str]:
        before = json.loads(self._info["empty_columns"])["occurrences"]
        text = ", ".join(f"count({quote(name)})" for name in before)
        counts = self._connection.execute(f"SELECT {text} FROM staged").fetchall()[0] if before else ()
        return [name for name, count in zip(before, counts, strict=True) if not count]

    def _count(self, table: str) -> int:
        return self._counts[table] if table in self._counts else super()._count(table)

    def _sum(self, table: str) -> int:
        return self._sums[table] if table in self._sums else super()._sum(table)

    def _count_of(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])

    def _rows_of_base(self, table: str) -> int:
        return self._count_of(f"{BASE}.{table}")

    def _add(self, table: str, rows: int, hashes: int) -> None:
        """Remember a table's count and sum: those of the release before with what changed."""
        self._counts[table] = json.loads(self._info["counts"])[table] + rows
        self._sums[table] = int(json.loads(self._info["sums"])[table]) + hashes

    def _as_in_base(self, table: str, frame: pl.DataFrame) -> bool:
        """Write a table as a view of the base's where that has the same rows; False where it has others."""
        self._connection.register("told", frame)
        here = release_file.row_sum(self._connection, table, "told")
        self._connection.unregister("told")
        if here != int(self._base_sums[table]):
            self._rewritten.append(table)
            return False
        columns = [*RELEASE[table].columns, *(c.name for c in release_file.BOX if table in SHAPE_IDS)]
        self._view(table, columns, whole=False)
        self._sums[table] = here
        return True

    def _write_gone(self, table: str, condition: str) -> None:
        """Write the places of the base's rows that are gone."""
        known = f"UNION FROM {_BEFORE}.{table}_gone" if self._changed_before else ""
        self._connection.execute(
            f"""CREATE TABLE {table}_gone AS SELECT place FROM (
                    SELECT rowid AS place FROM {BASE}.{table} WHERE {condition} {known}) ORDER BY place"""
        )

    def _view(self, table: str, columns: Sequence[str], *, whole: bool = True) -> None:
        """Make the view of a table: the base's, without the rows that are gone and with those of this file if `whole`."""
        listed = [*columns, "rowid"] if table in RELEASE else list(columns)
        if whole:
            query = joined(table, listed, gone=self._count_of(f"{table}_gone") > 0)
        else:
            query = f"SELECT {', '.join(map(quote, columns))}, b.rowid AS rowid FROM {BASE}.{quote(table)} b"
        self._connection.execute(f"CREATE VIEW {quote(table)} AS {query}")
