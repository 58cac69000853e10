"""Records set beside each other: all of the lake's, or what a release publishes of the open ones; in files, so that no more than a part need be in memory."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biodata import places
from biodata.assessments import cluster_keys as clusters
from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import suspicious
from biodata.store.staging import WorkFolder, read_part, write_part
from biodata.text import cluster_facts, times

# Clusters among any number of records: their facts and keys in files, looked at part by part.
_ROW_GROUP_ROWS: Final = 50_000


class FactFiles:
    """The facts of every record in files, so that no more than a part need be in memory.

    Parameters
    ----------
    folder : Path
        For the files.
    parts : int
        Into how many parts the keys are divided: records with the same key are in the same part.
    """

    def __init__(self, folder: Path, parts: int) -> None:
        self._folder, self._parts = folder, parts
        self._files: list[Path] = []
        self._keys: list[list[Path]] = [[] for _ in range(parts)]
        self._facts: list[list[Path]] = [[] for _ in range(parts)]
        self._named = [pl.Series(dtype=pl.UInt64)]

    def add(self, facts: pl.DataFrame) -> None:
        """Put the facts of a batch aside."""
        self._files.append(self._folder / f"facts-{len(self._files)}.parquet")
        write_part(facts, self._files[-1], row_group_rows=_ROW_GROUP_ROWS, ranges=False)
        self._named.append(clusters.named_by_others(facts))

    def find(self) -> pl.DataFrame:
        """Return the clusters of all records, as `matching.clusters.clusters` does."""
        self._write_keys()
        self._write_shared()
        edges = pl.concat(
            [pl.DataFrame(schema=clusters.EDGES), *(clusters.edges(*entries) for entries in self._shared())]
        )
        units = clusters.units(edges)
        edges = pl.concat([edges, *(clusters.edges(*entries, units) for entries in self._shared())])
        return clusters.clusters(edges, self._of(edges["key"], clusters.REPRESENTS), units)

    def _write_keys(self) -> None:
        """Write the keys of every record into the files of their parts."""
        named = pl.concat(self._named).unique()
        for batch, file in enumerate(self._files):
            keys = clusters.keys(pl.read_parquet(file), named)
            parts = keys.with_columns(part=pl.col("block") % self._parts).partition_by("part", as_dict=True)
            for (number,), rows in parts.items():
                path = self._folder / f"keys-{number}-{batch}.parquet"
                write_part(rows.drop("part"), path, row_group_rows=_ROW_GROUP_ROWS, ranges=False)
                self._keys[number].append(path)

    def _write_shared(self) -> None:
        """Put aside, part by part, the keys that several records have and the facts of these records; facts are read once."""
        records = [pl.DataFrame(schema={"key": pl.Int64, "part": pl.UInt32})]
        for number, files in enumerate(self._keys):
            if files:
                shared = clusters.shared(pl.concat([pl.read_parquet(file) for file in files]))
                write_part(shared, self._shared_keys(number), row_group_rows=_ROW_GROUP_ROWS, ranges=False)
                records.append(shared.select(pl.col("key").unique(), part=pl.lit(number, dtype=pl.UInt32)))
        of_parts = pl.concat(records)
        for batch, file in enumerate(self._files):
            facts = pl.read_parquet(file).join(of_parts, on="key")
            for (number,), rows in facts.partition_by("part", as_dict=True, include_key=False).items():
                path = self._folder / f"shared-facts-{number}-{batch}.parquet"
                write_part(rows, path, row_group_rows=_ROW_GROUP_ROWS, ranges=False)
                self._facts[number].append(path)

    def _shared(self) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield the keys that several records have, part by part, and the facts of these records."""
        for number, files in enumerate(self._facts):
            if files:
                yield pl.read_parquet(self._shared_keys(number)), pl.concat([pl.read_parquet(file) for file in files])

    def _shared_keys(self, number: int) -> Path:
        return self._folder / f"shared-keys-{number}.parquet"

    def _of(self, keys: pl.Series, columns: tuple[str, ...]) -> pl.DataFrame:
        """Return facts of some records."""
        wanted = pl.DataFrame({"key": keys.unique()})
        found = [
            pl.read_parquet(file, columns=list(columns)).join(wanted, on="key", how="semi") for file in self._files
        ]
        return pl.concat(found) if found else pl.DataFrame(schema={"key": pl.Int64})


logger = logging.getLogger(__name__)

BUCKET_ROWS: Final = 250_000
"""Records of one part of the work: what bounds its memory."""
BATCH_ROWS: Final = 50_000
RELEASE_COLUMNS: Final = (*cluster_facts.COLUMNS, "year", "sharing_category")
"""What `of_release` reads."""
_RELEASED: Final = tuple(column for column in terms.PUBLISHED_OCCURRENCE if column.name in RELEASE_COLUMNS)
_OF_FEW_VALUES: Final = pl.col("datasetKey", "species", "occurrenceStatus").cast(pl.Categorical)
"""Of every record these are in memory at once: as numbers in half the room."""
_FOUND: Final = tuple(column for column in terms.ASSESSMENT if column.name != "rule_version")


def of_release(
    parts: Sequence[Path], *, gazetteer: places.Gazetteer, work: Path, rows_told: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return what a release may tell of its open records, from what it publishes of them.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of `terms.PUBLISHED_OCCURRENCE`.
    gazetteer : Gazetteer
        Where the seats are.
    work : Path
        Folder for intermediate files.
    rows_told : polars.DataFrame, optional
        `unidentified` of the lake: which rows are equal in every cell. Asked of open records only.

    Returns
    -------
    polars.DataFrame
        key, flags, isInCluster, cluster_id, cluster_reason: records with a finding.
    """
    batches = of_published(parts)
    if rows_told is not None:
        batches = (batch.join(rows_told, on="key", how="left", maintain_order="left") for batch in batches)
    rows = sum(pl.scan_parquet(part).select(pl.len()).collect().item() for part in parts)
    found = find(batches, rows=rows, gazetteer=gazetteer, work=work)
    return found.select(
        "key", "flags", pl.col("cluster_id").is_not_null().alias("isInCluster"), "cluster_id",
        pl.col("cluster_reasons").list.join("; ").alias("cluster_reason"),
    )  # fmt: skip


def of_published(parts: Sequence[Path]) -> Iterator[pl.DataFrame]:
    """Yield `RELEASE_COLUMNS` but for the category of the open records in files of published ones."""
    is_open = pl.col("sharing_category") == str(SharingCategory.OPEN)
    for part in parts:
        yield read_part(part, _RELEASED).filter(is_open).select(RELEASE_COLUMNS).drop("sharing_category")


def find(batches: Iterable[pl.DataFrame], *, rows: int, gazetteer: places.Gazetteer, work: Path) -> pl.DataFrame:
    """Set records beside each other.

    Parameters
    ----------
    batches : iterable of polars.DataFrame
        `cluster_facts.COLUMNS` and `year` of every record; of the lake's, `source_record_id` and `repairs` too.
    rows : int
        How many there are, about.
    gazetteer : Gazetteer
        Where the seats are.
    work : Path
        Folder for intermediate files.

    Returns
    -------
    polars.DataFrame of `terms.ASSESSMENT` without the rules' version, sorted by key
        Only records of which something was found.
    """
    logger.info("setting about %d records beside each other", rows)
    beside: list[pl.DataFrame] = []
    with WorkFolder(work) as scratch:
        facts = FactFiles(scratch.folder, -(-max(rows, 1) // BUCKET_ROWS))
        for batch in batches:
            beside.append(suspicious.placed(batch.select(suspicious.COLUMNS)).with_columns(_OF_FEW_VALUES))
            facts.add(cluster_facts.facts(with_utc(batch)))
        flagged = suspicious.find(pl.concat(beside), gazetteer=gazetteer) if beside else None
        beside.clear()
        logger.info("looking for clusters")
        found = facts.find()
    if flagged is not None:
        flags = flagged.group_by("key", maintain_order=True).agg(flags="flag", details="detail")
        found = found.join(flags, on="key", how="full", coalesce=True)
    return terms.conform(found, _FOUND).sort("key")


def with_utc(records: pl.DataFrame) -> pl.DataFrame:
    """Add the instants in UTC between which each record was made.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        `eventDate`, `event_start`, `event_end`, `event_time`, `event_zone`; and `repairs`, where a zone may be proposed.

    Returns
    -------
    polars.DataFrame of n rows
        With `utc_start`, `utc_end` and `zone_told`: False where the zone is one that is only proposed.
    """
    zone = pl.col("event_zone")
    if "repairs" in records.columns:
        is_zone = (pl.element().struct.field("term") == "event_zone") & ~pl.element().struct.field("applied")
        proposed = pl.col("repairs").list.eval(pl.element().filter(is_zone).struct.field("value")).list.first()
        zone = pl.coalesce(zone, proposed)
    instants = times.utc_interval(
        pl.col("eventDate"), pl.col("event_start"), pl.col("event_end"), pl.col("event_time"), zone
    )
    return records.with_columns(*instants, zone_told=pl.col("event_zone").is_not_null())
