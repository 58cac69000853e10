"""Records set beside each other: all of the lake's, or what a release publishes of the open ones."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from biodata import places
from biodata.assessments.clusters import FactFiles
from biodata.core import terms
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import suspicious
from biodata.store.staging import WorkFolder
from biodata.text import cluster_facts, times

logger = logging.getLogger(__name__)

BUCKET_ROWS: Final = 250_000
"""Records of one part of the work: what bounds its memory."""
BATCH_ROWS: Final = 50_000
RELEASE_COLUMNS: Final = (*cluster_facts.COLUMNS, "year", "sharing_category")
"""What `of_release` reads."""
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
        "key",
        "flags",
        pl.col("cluster_id").is_not_null().alias("isInCluster"),
        "cluster_id",
        pl.col("cluster_reasons").list.join("; ").alias("cluster_reason"),
    )


def of_published(parts: Sequence[Path]) -> Iterator[pl.DataFrame]:
    """Yield `RELEASE_COLUMNS` but for the category of the open records in files of published ones."""
    is_open = pl.col("sharing_category") == str(SharingCategory.OPEN)
    for part in parts:
        yield pl.scan_parquet(part).filter(is_open).select(RELEASE_COLUMNS).drop("sharing_category").collect()


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
