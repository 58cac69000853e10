"""The file of a release: its tables, their order, its low-zoom counts, and the hash of what it says."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import polars as pl

from biodata import terms
from biodata.places import BoundarySet
from biodata.store import duck, tile_counts
from biodata.store.boundary_rows import boundary_rows, described
from biodata.store.code_version import code_hash
from biodata.store.content_hash import content_hash, release_id
from biodata.store.duck import literal, quote, sql_type
from biodata.store.pointer import Named
from biodata.store.shapes import SHAPE_IDS, SHAPES, boxes, simplified
from biodata.store.survey_rows import survey_rows
from biodata.store.tables import BOUNDARY, DATASET, RELEASE, RELEASE_FORMAT
from biodata.terms import Column

SORTED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "protected_areas": ("area_id",),
    "corridors": ("run_id", "corridor_id"),
    "reserve_candidates": ("run_id", "rank", "candidate_id"),
    "considered_ground": ("run_id", "considered_id"),
    "taxa": ("checklist", "taxon_id"),
    "boundaries": ("level", "code"),
    "datasets": ("key",),
}
"""The order of each table; that of occurrences is the curve's, then the key's."""

_RANGE_ROWS: Final = 500_000

ROW_GROUP_ROWS: Final = 8_192
"""Rows that share a zone map. Measured at a million records along the curve, DuckDB's own 122,880 being 1: boxes are
counted in 0.27, pages read in 0.59 of the time, since few row groups meet a box and every column of a row group that
does is walked to its end; the file is 1.25 times as large. 2,048 gains nothing more and doubles the file."""

_BESIDE_OTHERS: Final[Mapping[str, str]] = {
    "quality_flags": """CASE WHEN a.flags IS NULL THEN s.quality_flags ELSE coalesce(s.quality_flags, []) ||
        list_filter(a.flags, lambda f: NOT list_contains(coalesce(s.quality_flags, []), f)) END""",
    "isInCluster": """CASE WHEN s.sharing_category = 'open' THEN coalesce(a."isInCluster", false) END""",
    "clusterRepresentative": "coalesce(a.cluster_id = s.key, true)",
    "cluster_id": "a.cluster_id",
    "cluster_reason": "a.cluster_reason",
}
"""What becomes of the columns that open records beside each other tell; `s` is the staged row, `a` what was found."""


BESIDE_OTHERS: Final = "beside_others"
"""The table of what `assessed` told when the file was made; no question reaches it."""


class ReleaseFile:
    """A release's file while it is being written; use it in a `with` block and call `finish` last.

    Parameters
    ----------
    path : Path
        A new file; or a copy of another release's, whose records stay and whose other tables are made anew.
    """

    def __init__(self, path: Path, *, spill: Path, memory_limit: str) -> None:
        copied = path.exists()
        self._connection = duck.workshop(path, spill=spill, memory_limit=memory_limit, row_group_rows=ROW_GROUP_ROWS)
        self._shapes = [pl.DataFrame(schema=SHAPES)]
        self._sorted_rows = 0
        self._additions = 0
        self._boundaries = "{}"
        if copied:
            self._keep_records()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def write_occurrences(self, parts: Iterable[Path], assessed: pl.DataFrame | None = None) -> None:
        """Write the staged records in the order of the curve, one range of it at a time, those without a place last.

        In a copied file they stand behind those that it has, in the same order among themselves.

        Parameters
        ----------
        parts : iterable of Path
            Parquet files of `terms.PUBLISHED_OCCURRENCE` with mx, my, hk.
        assessed : polars.DataFrame, optional
            What is told of open records beside each other; see `releases.build`.
        """
        extra = [Column(name, pl.Int64, "") for name in ("mx", "my", "hk")]
        if not self._sorted_rows:
            self._create("occurrences", (*terms.PUBLISHED_OCCURRENCE, *extra))
        files = ", ".join(literal(str(part)) for part in parts)
        if files:
            staged = f"read_parquet([{files}])"
            columns = [c.name for c in (*terms.PUBLISHED_OCCURRENCE, *extra)]
            told = ", ".join("true" if name == "clusterRepresentative" else quote(name) for name in columns)
            beside = ""
            if assessed is not None:
                self._connection.register("assessed", assessed)
                told = ", ".join(_BESIDE_OTHERS.get(name, f"s.{quote(name)}") for name in columns)
                beside = "LEFT JOIN assessed a ON a.key = s.key AND s.sharing_category = 'open'"
            insert = f"INSERT INTO occurrences SELECT {told} FROM {staged} s {beside}"
            ends = self._range_ends(staged)
            for after, end in zip([-1, *ends], ends, strict=False):
                self._connection.execute(f"{insert} WHERE hk > ? AND hk <= ? ORDER BY hk, s.key", [after, end])
            self._connection.execute(f"{insert} WHERE hk IS NULL ORDER BY s.key")
        self._sorted_rows = self._sorted_rows or self._count("occurrences")
        found = assessed if assessed is not None else pl.DataFrame(schema={"key": pl.Int64})
        self._connection.register("found", found.sort("key"))
        self._connection.execute(f"CREATE TABLE {BESIDE_OTHERS} AS FROM found")
        tile_counts.count(self._connection)

    def write_results(self, table: str, frame: pl.DataFrame) -> None:
        """Write the published rows of a table of results, with boxes and simpler shapes where it has shapes."""
        columns = terms.PUBLISHED_TABLES[table]
        frame = frame.sort(SORTED_BY[table], nulls_last=True)
        if table in SHAPE_IDS:
            columns = (*columns, *_BOX)
            self._shapes.append(simplified(table, frame[SHAPE_IDS[table]], frame["geometry"]))
            frame = pl.concat([frame, boxes(frame["geometry"])], how="horizontal")
        self._write(table, columns, frame)

    def write_boundaries(self, boundaries: BoundarySet) -> None:
        """Write countries and first-level divisions."""
        self._boundaries = described(boundaries)
        rows, shapes = _drawn(boundaries)
        self._shapes.append(shapes)
        self._write("boundaries", (*BOUNDARY, *_BOX), rows)

    def write_datasets(self, frame: pl.DataFrame) -> None:
        """Write the datasets with the numbers of their published records; call it after `write_occurrences`."""
        counted = self._connection.execute(
            'SELECT "datasetKey" AS key, count(*) AS n FROM occurrences WHERE "datasetKey" IS NOT NULL GROUP BY ALL'
        ).pl()
        joined = frame.drop("count", strict=False).join(counted, on="key", how="full", coalesce=True)
        joined = joined.with_columns(count=pl.col("n").fill_null(0)).sort(SORTED_BY["datasets"])
        self._write("datasets", DATASET, terms.conform(joined, DATASET))

    def finish(
        self, *, snapshot: int, rules_hash: str, secret: bytes, events: pl.DataFrame | None = None,
        marked: Iterable[str] = (),
    ) -> Named:  # fmt: skip
        """Write the shapes, and what is known of the release itself into `release_info`; make the file whole.

        Parameters
        ----------
        snapshot : int
            The lake's version.
        rules_hash : str
            Of the rules that the records went through.
        secret : bytes
            The installation's, for the mark of what the release says.
        events : polars.DataFrame of `terms.SURVEY`, optional
            Published events of the lake; see `survey_rows`.
        marked : iterable of str
            Datasets whose own numbers are published as marks.
        """
        surveys = survey_rows(self._connection, events)
        surveys = pl.concat([surveys, boxes(surveys["geometry"])], how="horizontal")
        self._shapes.append(simplified("surveys", surveys["survey_id"], surveys["geometry"]))
        self._write("surveys", (*terms.SURVEY, *_BOX), surveys)
        self._write("shapes", [Column(n, t, "") for n, t in SHAPES.items()], pl.concat(self._shapes))
        counts = {name: self._count(name) for name in RELEASE}
        content = content_hash(self._connection, boundaries=self._boundaries, secret=secret)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        named = Named(release_id(snapshot, rules_hash, content), snapshot, created, counts)
        info: dict[str, Any] = {
            **asdict(named),
            "format": RELEASE_FORMAT,
            "rules_hash": rules_hash,
            "content_hash": content,
            "biodata": version("biodata"),
            "code_hash": code_hash(),
            "marked": json.dumps(sorted(marked)),
            "sorted_rows": self._sorted_rows,
            "additions": self._additions,
            "boundaries": self._boundaries,
            "empty_columns": {"occurrences": self._empty_columns("occurrences")},
        }
        told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in info.items()}
        columns = [Column(name, pl.String, "") for name in ("key", "value")]
        self._write("release_info", columns, pl.DataFrame({"key": list(told), "value": list(told.values())}))
        self._connection.execute("CHECKPOINT")
        return named

    def _keep_records(self) -> None:
        """Take every table but that of the records out of a copied file."""
        told = dict(self._connection.execute("SELECT key, value FROM release_info").fetchall())
        self._sorted_rows, self._additions = int(told["sorted_rows"]), int(told["additions"]) + 1
        tables = self._connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for (table,) in tables:
            if table != "occurrences":
                self._connection.execute(f"DROP TABLE {quote(table)}")

    def _empty_columns(self, table: str) -> list[str]:
        """Return the columns in which no row has a value: who reads a page need not open them."""
        names = list(RELEASE[table].columns)
        told = ", ".join(f"count({quote(name)})" for name in names)
        counts = self._connection.execute(f"SELECT {told} FROM {quote(table)}").fetchall()[0]
        return [name for name, count in zip(names, counts, strict=True) if not count]

    def _count(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {quote(table)}").fetchall()[0][0])

    def _create(self, table: str, columns: Iterable[Column]) -> str:
        """Create a table; return its columns' names."""
        listed = list(columns)
        told = ", ".join(f"{quote(c.name)} {sql_type(c.dtype)}" for c in listed)
        self._connection.execute(f"CREATE TABLE {quote(table)} ({told})")
        return ", ".join(quote(c.name) for c in listed)

    def _write(self, table: str, columns: Iterable[Column], frame: pl.DataFrame) -> None:
        """Create a table and write the frame's rows in their order."""
        names = self._create(table, columns)
        if not frame.is_empty():
            self._connection.register("told", frame)
            self._connection.execute(f"INSERT INTO {quote(table)} SELECT {names} FROM told")
            self._connection.unregister("told")

    def _range_ends(self, staged: str) -> list[int]:
        """Return the ends of ranges of the curve that hold about the same number of records."""
        count = int(self._connection.execute(f"SELECT count(hk) FROM {staged}").fetchall()[0][0])
        if count == 0:
            return []
        ranges = -(-count // _RANGE_ROWS)
        shares = ", ".join(str(n / ranges) for n in range(1, ranges + 1))
        query = f"SELECT DISTINCT unnest(quantile_disc(hk, [{shares}])) AS hk FROM {staged} ORDER BY hk"
        return [int(end) for (end,) in self._connection.execute(query).fetchall()]


_BOX: Final = tuple(Column(name, pl.Float64, "") for name in ("west", "south", "east", "north"))


@lru_cache(maxsize=1)
def _drawn(boundaries: BoundarySet) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a boundary set's rows with their boxes, and its shapes: half of the work of a small release, done once."""
    frame = boundary_rows(boundaries).sort(SORTED_BY["boundaries"])
    shapes = simplified("boundaries", frame["code"], frame["geometry"])
    return pl.concat([frame, boxes(frame["geometry"])], how="horizontal"), shapes
