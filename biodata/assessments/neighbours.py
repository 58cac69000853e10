"""What a release may say of changed records beside the others, and of those others, without looking at all.

A doubt hangs on the records of one point or one species; a cluster on records that share a key with one of its own. So only
the records of the changed ones' points, species and keys are read from the release before.
"""

# ruff: noqa: S608 - names in SQL are our own; values stand in registered frames.

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from biodata import places
from biodata.assessments import cluster_keys as clusters
from biodata.assessments.finding import RELEASE_COLUMNS, of_published, with_utc
from biodata.assessments.table import unidentified
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import suspicious
from biodata.places.gazetteer import SEAT_FLAGS
from biodata.store.duck import literal, quote
from biodata.store.lake import Lake
from biodata.text import cluster_facts

_COLUMNS: Final = tuple(name for name in RELEASE_COLUMNS if name != "sharing_category")
_POINT: Final = ("decimalLongitude", "decimalLatitude")
_OPEN: Final = f"o.sharing_category = '{SharingCategory.OPEN}'"
_OTHERS: Final = f"{_OPEN} AND o.key NOT IN (SELECT key FROM changed)"
_FLAGS: Final = {
    "points": ("POINT_USED_BY_MANY", *SEAT_FLAGS.values()),
    "species": ("SPECIES_OUTLIER",),
}
"""The doubts that hang on the records of one point, of one species."""
_FLAGGED: Final = pl.Schema({"key": pl.Int64, "flag": pl.String})
_CLUSTERED: Final = pl.Schema({"key": pl.Int64, "cluster_id": pl.Int64, "cluster_reason": pl.String})
_NUMBERS: Final = (
    "occurrenceID", "gbifID", "institutionCode", "collectionCode", "catalogNumber", "otherCatalogNumbers",
)  # fmt: skip


class Neighbours:
    """The records of a release beside which others changed.

    Parameters
    ----------
    connection : DuckDBPyConnection
        To the release before.
    lake : Lake
        It knows the rows that nothing but their content identifies.
    snapshots : (int, int)
        Its versions that were released before and are released now.
    keys : polars.Series of int
        The records that changed: what the release says of these counts no more.
    parts : sequence of Path
        Parquet files of `terms.PUBLISHED_OCCURRENCE`: these records as they are published now.
    gazetteer : Gazetteer
        Where the seats are.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, lake: Lake, *, snapshots: tuple[int, int],
        keys: pl.Series, parts: Sequence[Path], gazetteer: places.Gazetteer,
    ) -> None:  # fmt: skip
        self._connection, self._lake, self._gazetteer = connection, lake, gazetteer
        self._then, self._now = snapshots
        connection.register("changed", keys.unique().to_frame("key"))
        self._old = self._rows(f"SEMI JOIN changed USING (key) WHERE {_OPEN}")
        self._new = pl.concat([self._old.clear(), *of_published(parts)])

    def assess(self) -> pl.DataFrame:
        """Return what is found of the changed records, and of those of which something else is found than before.

        Returns
        -------
        polars.DataFrame
            As `finding.of_release` has it; without flags, or a cluster, where none is found any more.
        """
        before = self._flagged_before()
        kept, now, other = [before], [_FLAGGED.to_frame()], [self._new["key"]]
        for kind, (looked, found) in self._doubts().items():
            is_kind = pl.col("flag").is_in(_FLAGS[kind])
            was = before.filter(is_kind).join(looked, on="key", how="semi")
            kept = [kept[0].join(was, on=["key", "flag"], how="anti")]
            now.append(found)
            other += [one.join(two, on=["key", "flag"], how="anti")["key"] for one, two in ((was, found), (found, was))]
        clustered, reached = self._clusters()
        # A cluster may be stated by another record, or for another reason, although its records are the same.
        then = self._clustered_before(pl.concat([*other, reached["key"]]).unique())
        mine = then.join(reached, on="key", how="semi")
        changed = [
            one.join(two, on=_CLUSTERED.names(), how="anti")["key"]
            for one, two in ((mine, clustered), (clustered, mine))
        ]
        keys = pl.concat([*other, *changed]).unique().sort().to_frame()
        flags = (
            pl.concat([*kept, *now]).unique().sort("key", "flag").group_by("key", maintain_order=True).agg(flags="flag")
        )
        in_clusters = pl.concat([clustered, then.join(reached, on="key", how="anti")])
        found = keys.join(flags, on="key", how="left").join(in_clusters, on="key", how="left", maintain_order="left")
        in_cluster = pl.col("cluster_id").is_not_null().alias("isInCluster")
        return found.select("key", "flags", in_cluster, "cluster_id", "cluster_reason")

    def _doubts(self) -> dict[str, tuple[pl.DataFrame, pl.DataFrame]]:
        """Return by kind the `key` of the records that were looked at, and the doubts about them."""
        points = self._beside(_POINT, suspicious.COLUMNS)
        species = self._beside(("species",), ("key", "species", "occurrenceStatus", *_POINT))
        near_seats = suspicious.repeated_near_seats(points, gazetteer=self._gazetteer)
        found = {
            "points": (points, [suspicious.used_by_many(points), near_seats]),
            "species": (species, [suspicious.outliers(species)]),
        }
        return {
            kind: (looked.select("key"), pl.concat([part.select(pl.col(n).cast(t) for n, t in _FLAGGED.items()) for part in parts]).unique())
            for kind, (looked, parts) in found.items()
        }  # fmt: skip

    def _beside(self, by: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
        """Return the placed records, changed ones as they are now, that have the same values as one of the changed."""
        asked = pl.concat([self._new, self._old]).select(by).unique()
        same = " AND ".join(f"o.{quote(name)} IS NOT DISTINCT FROM a.{quote(name)}" for name in by)
        others = self._rows(f"SEMI JOIN asked a ON {same} WHERE {_OTHERS}", columns, asked=asked)
        return suspicious.placed(pl.concat([self._new.select(columns), others.select(columns)]))

    def _flagged_before(self) -> pl.DataFrame:
        """Return the doubts of the release before about records that did not change, each record's own among them."""
        every = ", ".join(literal(flag) for flags in _FLAGS.values() for flag in flags)
        mine = f"list_intersect(quality_flags, [{every}])"
        query = f"SELECT key, unnest({mine}) AS flag FROM occurrences o WHERE {_OTHERS} AND list_has_any(quality_flags, [{every}])"
        return self._connection.execute(query).pl().cast(_FLAGGED).unique()

    def _clustered_before(self, keys: pl.Series) -> pl.DataFrame:
        """Return the clusters of some records that did not change."""
        self._connection.register("asked", keys.to_frame("key"))
        query = f"SELECT key, cluster_id, cluster_reason FROM occurrences o SEMI JOIN asked USING (key) WHERE {_OTHERS} AND cluster_id IS NOT NULL"
        return self._connection.execute(query).pl().cast(_CLUSTERED)

    def _clusters(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the clusters in reach of the changed records, and `key` of the records in reach.

        In reach is what shares a key with a changed record, as it was or is, and what keys join with that.
        """
        touched = pl.concat([self._new, self._old])
        facts = self._facts(self._new)
        mates = self._mates(touched, pl.concat([facts, self._facts(self._old, self._then)]), facts)
        facts, reached, asked = (
            pl.concat([facts, mates]),
            pl.concat([facts, mates]).select("key"),
            self._new.select("key"),
        )
        while True:
            shared = clusters.shared(clusters.keys(facts, clusters.named_by_others(facts)))
            edges = clusters.edges(shared, facts)
            units = clusters.units(edges)
            edges = pl.concat([edges, clusters.edges(shared, facts, units)])
            joined = edges.join(edges.join(reached, on="key", how="semi"), on="node", how="semi")
            reached = pl.concat([reached, joined.select("key")]).unique()
            # Whether two records of one dataset are one may hang on others of it.
            block = ["kind", "block"]
            of_reached = shared.join(shared.join(reached, on="key", how="semi"), on=block, how="semi")
            several = of_reached.join(facts.select("key", "dataset"), on="key").filter(
                pl.len().over(*block, "dataset") > 1
            )
            needed = pl.concat([reached, several.select("key")]).unique().join(asked, on="key", how="anti")
            if needed.is_empty():
                break
            asked = pl.concat([asked, needed])
            rows = self._rows("SEMI JOIN needed USING (key)", needed=needed)
            facts = pl.concat([facts, self._mates(rows, facts.join(needed, on="key", how="semi"), facts)])
        found = clusters.clusters(edges, facts.select(clusters.REPRESENTS), units).join(reached, on="key", how="semi")
        found = found.select("key", "cluster_id", cluster_reason=pl.col("cluster_reasons").list.join("; "))
        return found.cast(_CLUSTERED), reached

    def _mates(self, rows: pl.DataFrame, facts: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
        """Return the facts of those records, beside the `known`, that share a key with some; `facts` : theirs."""
        near = self._facts(self._near(rows).join(known, on="key", how="anti"))
        both = pl.concat([facts.with_columns(near=pl.lit(value=False)), near.with_columns(near=pl.lit(value=True))])
        both = both.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("key"), number="key")
        keys = clusters.keys(both.drop("near", "number"), clusters.named_by_others(both))
        of_rows = keys.join(both.filter(~pl.col("near")), on="key", how="semi")
        found = keys.join(of_rows, on=["kind", "block"], how="semi").join(both.filter("near"), on="key")
        return near.filter(pl.col("key").is_in(found["number"].implode()))

    def _near(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the records of the release that may share a key with some: of their species and day, or by an identifier."""
        around = pl.concat_list(pl.col("event_start") + pl.duration(days=n) for n in (-1, 0, 1))
        days = rows.select("species", day=around).explode("day").drop_nulls().unique()
        same_day = f"SEMI JOIN days d ON o.species = d.species AND o.event_start = d.day WHERE {_OTHERS}"
        found = [self._rows(same_day, days=days)]
        plain = cluster_facts.plain_numbers(rows)
        self._connection.register("numbers", plain)
        same = [f"{name} IN (SELECT {name} FROM numbers)" for name in plain.columns]
        found.append(self._rows(f"WHERE {_OTHERS} AND ({' OR '.join(same)})"))
        found += self._naming(rows)
        return pl.concat(found).unique("key")

    def _naming(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Return the records whose otherCatalogNumbers may name some, and those that the ones of some may name."""
        self._connection.register("named", rows.select(_NUMBERS).unique())
        catalogued = f"{_plain('institutionCode')} || {_plain('catalogNumber')}"
        whole = f"{_plain('institutionCode')} || {_plain('collectionCode')} || {_plain('catalogNumber')}"
        own = (_plain("occurrenceID"), catalogued, whole, _plain("catalogNumber"))
        of_others = (
            f'SELECT unnest({_plain_list("otherCatalogNumbers")}) FROM {{}} WHERE "otherCatalogNumbers" IS NOT NULL'
        )
        every = " UNION ALL ".join([of_others.format("named"), *(f"SELECT {number} FROM named" for number in own)])
        by_others = f'SELECT key, unnest({_plain_list("otherCatalogNumbers")}) AS name FROM occurrences WHERE "otherCatalogNumbers" IS NOT NULL'
        found = [
            self._rows(f"SEMI JOIN (SELECT key FROM ({by_others}) WHERE name IN ({every})) USING (key) WHERE {_OTHERS}")
        ]
        if rows["otherCatalogNumbers"].is_not_null().any():
            # Rare: each number of the release is looked at.
            same = " OR ".join(f"{number} IN ({of_others.format('named')})" for number in own)
            found.append(self._rows(f"WHERE {_OTHERS} AND ({same})"))
        return found

    def _facts(self, rows: pl.DataFrame, snapshot: int | None = None) -> pl.DataFrame:
        """Return what keys of clusters are made of, of records as a version of the lake had them."""
        table = unidentified(self._lake, snapshot=self._now if snapshot is None else snapshot, among=rows.select("key"))
        return cluster_facts.facts(with_utc(rows.join(table, on="key", how="left", maintain_order="left")))

    def _rows(self, which: str, columns: Sequence[str] = _COLUMNS, **frames: pl.DataFrame) -> pl.DataFrame:
        """Return records of the release; with all columns few, by their places, so that only the row groups are opened that hold one."""
        for name, frame in frames.items():
            self._connection.register(name, frame)
        names = ", ".join(f"o.{quote(name)}" for name in columns)
        if columns == _COLUMNS:
            which = f"WHERE rowid IN (SELECT o.rowid FROM occurrences o {which})"
        return self._connection.execute(f"SELECT {names} FROM occurrences o {which}").pl()


def _plain(column: str) -> str:
    """Return an identifier without case and signs, as `cluster_facts` compares them; null where it is empty."""
    return f"nullif(translate(lower({quote(column)}), {literal(''.join(cluster_facts.SIGNS))}, ''), '')"


def _plain_list(column: str) -> str:
    """Return the identifiers of a list in a text, without case and signs."""
    parts = f"regexp_split_to_array(lower({quote(column)}), '{cluster_facts.SPLIT}')"
    return f"list_transform({parts}, lambda p: translate(p, {literal(''.join(cluster_facts.SIGNS))}, ''))"
