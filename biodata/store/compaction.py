"""Compaction: many small files of the lake become few, versions that nobody cites go in time, dead files are removed."""

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
from sqlalchemy import select

from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import catalogue, checksums, pointer
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock
from biodata.store.models import Citation, Release, Run, Submission
from biodata.store.registry import Registry
from biodata.store.tables import LAKE

logger = logging.getLogger(__name__)

GRACE: Final = timedelta(hours=1)
"""How long a file stays after its rows were merged into another: who began to read before may still want it."""


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What a compaction did.

    Attributes
    ----------
    files_before, files_after : int
        Parquet files of the lake on disk.
    bytes_before, bytes_after : int
        What they take.
    expired : list of int
        Versions that are not kept any more.
    cited : list of int
        Versions that are kept because something refers to them.
    waiting : int
        Files whose rows were merged into others; a later compaction removes them, when nobody reads them any more.
    """

    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    expired: list[int]
    cited: list[int]
    waiting: int

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def compact(settings: Settings, *, expire_days: float | None = None, grace: timedelta = GRACE) -> CompactReport:
    """Compact the lake of an installation; every cited version answers as before.

    Parameters
    ----------
    settings : Settings
        The installation.
    expire_days : float, optional
        Versions older than this that nothing cites go; none where it is not given. What they alone had is gone then.
    grace : timedelta
        How long files stay after their rows were merged into others.

    Returns
    -------
    CompactReport

    Raises
    ------
    StoreError
        If the lake cannot do it, or a kept version would not answer as before; nothing is removed then.
    """
    data = settings.data
    with (
        Registry.open(settings) as registry,
        builders_lock(data),
        Lake.open(data, memory_limit=settings.memory_limit) as lake,
        lake.writing(),
    ):
        cited = cited_versions(registry, data) & set(lake.snapshots()["snapshot"])
        files_before, bytes_before = _size(lake)
        with lake.maintenance() as cursor:
            changed = lake.changed_at("occurrences"), lake.changed_at("assessments")
            _remove_merged(cursor, grace)
            expired = _expire(cursor, lake, cited, expire_days)
            kept = sorted({*cited, lake.snapshot()})
            counts = _counts(lake, kept)
            cursor.execute("CALL ducklake_merge_adjacent_files('lake')").fetchall()
            checksums.record_new_lake_files(data)
            if _counts(lake, kept) != counts:
                problem = "a version would not answer as before; no file was removed, restore a backup"
                raise StoreError(problem)
            waiting = _remove_merged(cursor, grace)
            _remove_orphans(cursor, lake)
            if (lake.changed_at("occurrences"), lake.changed_at("assessments")) != changed:
                # The marks of the last assessments name versions that files no longer tell of.
                for mark in ("assessed.json", "assessed_open.json"):
                    (data / mark).unlink(missing_ok=True)
        files_after, bytes_after = _size(lake)
    report = CompactReport(files_before, files_after, bytes_before, bytes_after, expired, sorted(cited), waiting)
    logger.info("the lake's %d files are %d, %d versions went", files_before, files_after, len(expired))
    return report


def cited_versions(registry: Registry, data: Path) -> set[int]:
    """Return the lake's versions that something refers to: citations, releases, submissions, runs, release files."""
    with registry.session(read_only=True) as session:
        columns = (Citation.snapshot, Release.snapshot, Submission.snapshot, Run.snapshot)
        found = {version for column in columns for version in session.scalars(select(column).distinct())}
    stated_pointer = pointer.read(data)
    if stated_pointer is not None:
        found.add(stated_pointer.current.snapshot)
    # A release is written before the registry hears of it; its number stands in its name.
    names = [path.stem.removeprefix("release-r") for path in pointer.folder(data).glob("release-r*.duckdb")]
    found.update(int(name.split("-")[0]) for name in names)
    return {version for version in found if version is not None}


def _expire(
    cursor: duckdb.DuckDBPyConnection, lake: Lake, cited: Collection[int], expire_days: float | None
) -> list[int]:
    """Give up old versions that nothing cites; the present one always stays."""
    if expire_days is None:
        return []
    snapshots = lake.snapshots()
    before = datetime.now(UTC) - timedelta(days=expire_days)
    old = [version for version, time in snapshots.select("snapshot", "time").iter_rows() if time <= before]
    if going := sorted(set(old) - set(cited) - {snapshots["snapshot"].max()}):
        # The numbers are ours; the function takes no list as a parameter.
        listed = ", ".join(str(int(version)) for version in going)
        cursor.execute(f"CALL ducklake_expire_snapshots('lake', versions => [{listed}])").fetchall()
    return going


def _counts(lake: Lake, versions: list[int]) -> dict[tuple[str, int], int | None]:
    """Count the rows of every table at every version; None for a table that a version did not have."""
    counts: dict[tuple[str, int], int | None] = {}
    for version in versions:
        for table in LAKE:
            try:
                counts[table, version] = lake.count(table, snapshot=version)
            except StoreError:
                counts[table, version] = None
    return counts


def _remove_merged(cursor: duckdb.DuckDBPyConnection, grace: timedelta) -> int:
    """Remove the files whose rows were merged into others, once the last of them is old enough; return how many wait."""
    # The function's own `older_than` takes all of them from a SQLite catalogue.
    query = """
        SELECT count(*), coalesce(max(schedule_start::TIMESTAMPTZ) <= ?::TIMESTAMPTZ, true)
        FROM __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion
    """
    count, old = cursor.execute(query, [(datetime.now(UTC) - grace).isoformat()]).fetchall()[0]
    if count and old:
        cursor.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)").fetchall()
        return 0
    return int(count)


def _remove_orphans(cursor: duckdb.DuckDBPyConnection, lake: Lake) -> None:
    """Remove the files of commits that never came, and the checksums of files that are gone."""
    for name in lake.files.sizes().keys() - catalogue.files(cursor):
        lake.files.remove(name)
    data = lake.data
    known = [name for name in checksums.read(data) if name.startswith("lake/")]
    checksums.forget(data, [name for name in known if not (data / name).exists()])


def _size(lake: Lake) -> tuple[int, int]:
    """Return number and size of the lake's files."""
    sizes = lake.files.sizes().values()
    return len(sizes), sum(sizes)
