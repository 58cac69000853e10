"""The file of a release: its tables, their order, its low-zoom counts, and the mark of what it says.

The mark is made with the installation's secret. A record that was open in one release may be hidden in the next; by the
plain hash of the first, and all that the second tells, its place could be found by trying.
"""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl

from biodata.core import terms
from biodata.core.terms import Column
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.store import Closing, duck, tile_counts
from biodata.store.checksums import code_hash
from biodata.store.duck import quote, sql_type
from biodata.store.pointer import Named
from biodata.store.published_events import survey_rows
from biodata.store.shapes import SHAPE_IDS, SHAPES, boundaries_in_words, boundary_rows, boxes, simplified
from biodata.store.tables import BOUNDARY, DATASET, RELEASE, RELEASE_FORMAT
from biodata.text.cluster_facts import PLAIN_NUMBERS

PLACE: Final = tuple(Column(name, pl.Int64, "") for name in ("mx", "my", "hk", *PLAIN_NUMBERS))
"""Where a record stands on the map and along the curve, and its identifiers as numbers, beside `terms.PUBLISHED_OCCURRENCE`."""
_COLUMNS: Final = (*terms.PUBLISHED_OCCURRENCE, *PLACE)


def in_order(parts: Sequence[Path], assessed: pl.DataFrame | None, *, range_rows: int) -> Iterator[pl.DataFrame]:
    """Yield staged records in the order of the curve, one range of it at a time, those without a place last.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of `terms.PUBLISHED_OCCURRENCE` with `PLACE`, each sorted along the curve, without a place last; of a
        file's columns those are there in which some row has a value, `key` and `hk`.
    assessed : polars.DataFrame, optional
        As `with_assessed` has it.
    range_rows : int
        How many records a range has, about: no more than these are in memory.
    """
    curves = [pl.read_parquet(part, columns=["hk"])["hk"] for part in parts]
    placed = [curve.drop_nulls().to_numpy() for curve in curves]
    ends = _range_ends(np.concatenate(placed), range_rows) if placed else []
    # Where the rows of each range begin in each part; those without a place stand last.
    starts = [[0, *curve.searchsorted(ends, "right"), len(rows)] for curve, rows in zip(placed, curves, strict=True)]
    for at in range(len(ends) + 1):
        here = [
            pl.scan_parquet(part).slice(int(rows[at]), int(rows[at + 1] - rows[at]))
            for part, rows in zip(parts, starts, strict=True)
            if rows[at + 1] > rows[at]
        ]
        if here:
            records = terms.conform(pl.concat(here, how="diagonal").collect(), _COLUMNS)
            yield with_assessed(records, assessed).sort("hk", "key")


def with_assessed(records: pl.DataFrame, assessed: pl.DataFrame | None) -> pl.DataFrame:
    """Return staged records with what is stated of the open ones beside each other.

    Parameters
    ----------
    records : polars.DataFrame of n rows
    assessed : polars.DataFrame, optional
        key, flags, isInCluster, cluster_id, cluster_reason of those of which something was found; None where nobody looked.

    Returns
    -------
    polars.DataFrame of n rows, in their order
    """
    if assessed is None:
        return records.with_columns(clusterRepresentative=pl.lit(value=True))
    is_open = pl.col("sharing_category") == str(SharingCategory.OPEN)
    found = assessed.join(records.filter(is_open).select("key", "quality_flags"), on="key")
    flags = pl.concat_list(pl.col("quality_flags").fill_null([]), pl.col("flags")).list.unique(maintain_order=True)
    found = found.select(
        "key", "isInCluster", "cluster_id", "cluster_reason",
        all_flags=pl.when(pl.col("flags").is_not_null()).then(flags).otherwise("quality_flags"),
    )  # fmt: skip
    beside = records.select("key").join(found, on="key", how="left", maintain_order="left")
    return records.with_columns(
        beside.select("cluster_id", "cluster_reason"),
        quality_flags=pl.coalesce(beside["all_flags"], "quality_flags"),
        isInCluster=pl.when(is_open).then(beside["isInCluster"].fill_null(value=False)),
        clusterRepresentative=(beside["cluster_id"] == records["key"]).fill_null(value=True),
    )


def _range_ends(places: "np.ndarray[tuple[int], np.dtype[np.int64]]", range_rows: int) -> list[int]:
    """Return the ends of ranges of the curve that hold about the same number of records."""
    ranges = -(-len(places) // range_rows)
    at = [-(-len(places) * number // ranges) - 1 for number in range(1, ranges + 1)]
    return sorted({int(end) for end in np.partition(places, at)[at]}) if at else []


SORTED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "protected_areas": ("area_id",), "corridors": ("run_id", "corridor_id"),
    "reserve_candidates": ("run_id", "rank", "candidate_id"), "considered_ground": ("run_id", "considered_id"),
    "taxa": ("checklist", "taxon_id"), "taxon_statuses": ("taxon", "kind", "area", "checklist", "taxon_id", "value"),
    "boundaries": ("level", "code"), "datasets": ("key",),
}  # fmt: skip
"""The order of each table; that of occurrences is the curve's, then the key's."""

RANGE_ROWS: Final = 131_072

ROW_GROUP_ROWS: Final = 8_192
"""Rows that share a zone map. Measured at a million records along the curve, DuckDB's own 122,880 being 1: boxes are
counted in 0.27, pages read in 0.59 of the time, since few row groups meet a box and every column of a row group that
does is walked to its end; the file is 1.25 times as large. 2,048 gains nothing more and doubles the file."""


class ReleaseFile(Closing):
    """A release's file while it is being written; use it in a `with` block and call `finish` last.

    Parameters
    ----------
    path : Path
        A new file.
    """

    def __init__(self, path: Path, *, spill: Path, memory_limit: str) -> None:
        self._connection = duck.workshop(path, spill=spill, memory_limit=memory_limit, row_group_rows=ROW_GROUP_ROWS)
        self._shapes = [pl.DataFrame(schema=SHAPES)]
        self._boundaries = "{}"
        self._filled: dict[str, set[str]] = {}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def write_occurrences(self, parts: Iterable[Path], assessed: pl.DataFrame | None = None) -> None:
        """Write the staged records in the order of the curve, one range of it at a time, those without a place last.

        Parameters
        ----------
        parts : iterable of Path
            Parquet files of `terms.PUBLISHED_OCCURRENCE` with mx, my, hk.
        assessed : polars.DataFrame, optional
            What is stated of open records beside each other; see `releases.build`.
        """
        self._create("occurrences", (*terms.PUBLISHED_OCCURRENCE, *PLACE))
        for records in in_order(list(parts), assessed, range_rows=RANGE_ROWS):
            self._insert("occurrences", (*terms.PUBLISHED_OCCURRENCE, *PLACE), records)
        self._write_beside("beside_others", assessed)
        tile_counts.count_tiles(self._connection)

    def _write_beside(self, table: str, assessed: pl.DataFrame | None) -> None:
        """Write what is stated of records beside each other, which their flags no longer distinguish; no question reaches it."""
        self._create(table, BESIDE_OTHERS)
        if assessed is not None:
            stated = pl.col("flags").is_not_null() | pl.col("isInCluster").fill_null(value=False)
            self._insert(table, BESIDE_OTHERS, assessed.filter(stated).sort("key"))

    def write_presences(self, presences: pl.DataFrame) -> None:
        """Write which presences the release has, as hashes of their rows."""
        self._connection.register("told", presences)
        query = f"SELECT key, {row_hash('occurrences')} AS hash FROM told ORDER BY key"
        self._connection.execute(f"CREATE TABLE presences AS {query}")
        self._connection.unregister("told")

    def write_results(self, table: str, frame: pl.DataFrame | None) -> None:
        """Write the published rows of a table of results, with boxes and simpler shapes where it has shapes."""
        frame = pl.DataFrame(schema=terms.schema(terms.PUBLISHED_TABLES[table])) if frame is None else frame
        self._write_shaped(table, terms.PUBLISHED_TABLES[table], frame.sort(SORTED_BY[table], nulls_last=True))

    def _write_shaped(self, table: str, columns: Iterable[Column], frame: pl.DataFrame) -> None:
        """Write a table, with boxes and simpler shapes where it has shapes."""
        if table not in SHAPE_IDS:
            self._write(table, columns, frame)
            return
        columns = (*columns, *BOX)
        self._create(table, columns)
        for rows in frame.iter_slices(RANGE_ROWS):
            self._shapes.append(simplified(table, rows[SHAPE_IDS[table]], rows["geometry"]))
            self._insert(table, columns, pl.concat([rows, boxes(rows["geometry"])], how="horizontal"))

    def write_boundaries(self, boundaries: BoundarySet) -> None:
        """Write countries and first-level divisions."""
        self._boundaries = boundaries_in_words(boundaries)
        rows, shapes = _drawn(boundaries)
        self._shapes.append(shapes)
        self._write("boundaries", (*BOUNDARY, *BOX), rows)

    def write_datasets(self, frame: pl.DataFrame) -> None:
        """Write the datasets with the numbers of their published records; call it after `write_occurrences`."""
        counted = self._connection.execute(self._dataset_counts()).pl()
        joined = frame.drop("count", strict=False).join(counted, on="key", how="full", coalesce=True)
        joined = joined.with_columns(count=pl.col("n").fill_null(0)).sort(SORTED_BY["datasets"])
        self._write("datasets", DATASET, terms.conform(joined, DATASET))

    def write_surveys(self, events: pl.DataFrame | None) -> None:
        """Write the published events of the lake and those of records (`survey_rows`); call it after `write_occurrences`."""
        self._write_shaped("surveys", terms.SURVEY, survey_rows(self._connection, events))

    def finish(self, *, snapshot: int, rules_hash: str, secret: bytes, marked: Iterable[str] = ()) -> Named:
        """Write the shapes, and what is known of the release itself into `release_info`; make the file whole.

        Parameters
        ----------
        snapshot : int
            The lake's version.
        rules_hash : str
            Of the rules that the records went through.
        secret : bytes
            The installation's, for the mark of what the release says.
        marked : iterable of str
            Datasets whose own numbers are published as marks.
        """
        self._write_shapes(pl.concat(self._shapes))
        counts = {name: self._count(name) for name in RELEASE}
        sums = {name: self._sum(name) for name in RELEASE}
        content = content_hash(sums, boundaries=self._boundaries, secret=secret)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        named = Named(release_id(snapshot, rules_hash, content), snapshot, created, counts)
        info: dict[str, Any] = {
            **asdict(named),
            "format": RELEASE_FORMAT,
            "rules_hash": rules_hash,
            "content_hash": content,
            "sums": {name: str(number) for name, number in sums.items()},
            "biodata": version("biodata"),
            "code_hash": code_hash(),
            "marked": json.dumps(sorted(marked)),
            "boundaries": self._boundaries,
            "empty_columns": {"occurrences": self._empty_columns()},
            **self._more_info(),
        }
        facts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in info.items()}
        columns = [Column(name, pl.String, "") for name in ("key", "value")]
        self._write("release_info", columns, pl.DataFrame({"key": list(facts), "value": list(facts.values())}))
        self._connection.execute("CHECKPOINT")
        return named

    def _write_shapes(self, shapes: pl.DataFrame) -> None:
        self._write("shapes", SHAPE_COLUMNS, shapes)

    def _dataset_counts(self) -> str:
        """Return the query for the datasets of records and how many there are."""
        return 'SELECT "datasetKey" AS key, count(*) AS n FROM occurrences WHERE "datasetKey" IS NOT NULL GROUP BY ALL'

    def _more_info(self) -> dict[str, Any]:
        """Return what else `release_info` tells."""
        return {}

    def _empty_columns(self) -> list[str]:
        """Return the columns of records in which no row has a value: who reads a page need not open them."""
        filled = self._filled.get("occurrences", set())
        return [name for name in terms.names(terms.PUBLISHED_OCCURRENCE) if name not in filled]

    def _count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._connection.execute(f"SELECT count(*) FROM {quote(table)}").fetchall()[0][0])

    def _sum(self, table: str) -> int:
        """Return the sum of a table's row hashes."""
        return row_sum(self._connection, table)

    def _create(self, table: str, columns: Iterable[Column]) -> None:
        text = ", ".join(f"{quote(c.name)} {sql_type(c.dtype)}" for c in columns)
        self._connection.execute(f"CREATE TABLE {quote(table)} ({text})")

    def _write(self, table: str, columns: Iterable[Column], frame: pl.DataFrame) -> None:
        """Create a table and write the frame's rows in their order."""
        columns = tuple(columns)
        self._create(table, columns)
        self._insert(table, columns, frame)

    def _insert(self, table: str, columns: Iterable[Column], frame: pl.DataFrame) -> None:
        """Add a frame's rows to a table in their order."""
        if frame.is_empty():
            return
        names = [c.name for c in columns if frame[c.name].null_count() < frame.height]
        self._filled.setdefault(table, set()).update(names)
        listed = ", ".join(map(quote, names))
        # Measured: from chunks of one row group DuckDB writes in three quarters of the time that it takes from chunks of two,
        # and less, since no thread has to join parts of groups; to name empty columns costs a sixth more.
        # Text goes over as views, as Polars has it: in any other form it would be copied, a sixth of the time.
        rows = pl.concat(frame.select(names).iter_slices(ROW_GROUP_ROWS), rechunk=False)
        self._connection.register("told", rows.to_arrow(compat_level=pl.CompatLevel.newest()))
        self._connection.execute(f"INSERT INTO {quote(table)} ({listed}) SELECT {listed} FROM told")
        self._connection.unregister("told")


def release_info(connection: duckdb.DuckDBPyConnection, attached: str | None = None) -> dict[str, str]:
    """Return what a release tells of itself."""
    table = "release_info" if attached is None else f"{attached}.release_info"
    return dict(connection.execute(f"SELECT key, value FROM {table}").fetchall())


BESIDE_OTHERS: Final = (
    Column("key", pl.Int64, ""), Column("flags", pl.List(pl.String), ""), Column("isInCluster", pl.Boolean, ""),
    Column("cluster_id", pl.Int64, ""), Column("cluster_reason", pl.String, ""),
)  # fmt: skip
SHAPE_COLUMNS: Final = tuple(Column(name, dtype, "") for name, dtype in SHAPES.items())
BOX: Final = tuple(Column(name, pl.Float64, "") for name in ("west", "south", "east", "north"))


@lru_cache(maxsize=4)
def _drawn(boundaries: BoundarySet) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a boundary set's rows with their boxes, and its shapes: half of the work of a small release, done once."""
    frame = drawn_rows(boundaries)
    shapes = simplified("boundaries", frame["code"], frame["geometry"])
    return pl.concat([frame, boxes(frame["geometry"])], how="horizontal"), shapes


def drawn_rows(boundaries: BoundarySet) -> pl.DataFrame:
    """Return a boundary set's rows in a release's order."""
    return boundary_rows(boundaries).sort(SORTED_BY["boundaries"])


SUM_BITS: Final = 128


def row_hash(table: str) -> str:
    """Return the SQL of the hash of a row of a release's table: of its published values, not of what is derived from them."""
    columns = RELEASE[table].columns.values()
    return f"hash({', '.join(f'CAST({quote(c.name)} AS {sql_type(c.dtype)})' for c in columns)})"


def row_sum(connection: duckdb.DuckDBPyConnection, table: str, source: str | None = None) -> int:
    """Return the sum of the hashes of a table's rows, or of those of another source of its columns."""
    query = f"SELECT coalesce(sum({row_hash(table)}), 0) FROM {source or quote(table)}"
    return int(connection.execute(query).fetchall()[0][0])


def content_hash(sums: Mapping[str, int], *, boundaries: str, secret: bytes) -> str:
    """Return an HMAC over the sums of the row hashes of a release's tables.

    A sum does not depend on the order of rows, and a change adds and takes away: a release that a hundred steps made has
    the hash of one that was made at once. What the release tells of its boundary set counts, too: a set of another name
    or band may have the same shapes.
    """
    digest = hmac.new(secret, f"biodata release 2\nboundaries\n{boundaries}\n".encode(), "sha256")
    for table in RELEASE:
        digest.update(f"{table} {sums[table] % 2**SUM_BITS}\n".encode())
    return digest.hexdigest()


def release_id(snapshot: int, rules_hash: str, content: str) -> str:
    """Return a release's id: r, the lake's version in six digits, and a hash of the rules and the mark of the published rows."""
    short = hashlib.sha256(f"{rules_hash}\n{content}".encode()).hexdigest()[:10]
    return f"r{snapshot:06d}-{short}"
