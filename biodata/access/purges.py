"""Purging: what was withdrawn leaves the lake's every version, releases, downloads, reports, uploads and backups."""

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import downloads
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import audit, checksums, folders, jobs, pointer, survey_files
from biodata.store.account_models import Tombstone, Withdrawal
from biodata.store.backup import backup, forget_older
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.locks import sync_file
from biodata.store.models import Download, Ingest, Job, Submission, SubmissionEvent, now
from biodata.store.private_reports import forget_report
from biodata.store.purging import Tombstones, blank
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.store.release_merge import merge
from biodata.store.release_use import remove_unless_used, remove_unneeded_bases
from biodata.store.staging import sweep
from biodata.store.survey_steps import JOB, MACHINE, RESULTS_JOB, WAITING, outdated, step

_LEFT_SECONDS: Final = 3600.0
"""What a query spilled so long ago belongs to none that still runs."""


def forget_hashes(data: Path, keys: Collection[int]) -> int:
    """Empty the hashes of withdrawn records in what citations keep; return how many files were written anew.

    By trying places a hash could be turned back. The key stays, which is a count: a replay says that it was withdrawn.
    """
    own = folders.service(data)
    changed = 0
    for path in sorted((own / "citations").glob("members-*.parquet")):
        members = pl.read_parquet(path)
        hashes = [name for name, dtype in members.schema.items() if dtype in (pl.UInt64, pl.Binary)]
        gone = pl.col("key").is_in(list(keys))
        empty = {name: pl.lit(b"") if members.schema[name] == pl.Binary else pl.lit(0, pl.UInt64) for name in hashes}
        blanked = members.with_columns(pl.when(gone).then(empty[name]).otherwise(name).alias(name) for name in hashes)
        if blanked.equals(members):
            continue
        unnamed = path.with_suffix(".part")
        blanked.write_parquet(unnamed, compression="zstd")
        sync_file(unnamed)
        checksums.record(own, {str(path.relative_to(own)): unnamed})
        unnamed.replace(path)
        changed += 1
    return changed


def forget_reports(
    registry: Registry, data: Path, *, whole: Collection[str], parts: Collection[str], mended: Collection[str] = ()
) -> int:
    """Remove what reports and uploads tell of rows of datasets; counts stay. Return how many uploads went.

    Parameters
    ----------
    registry : Registry
    data : Path
        The installation's folder.
    whole : collection of str
        Datasets that were withdrawn: an upload that still waits is refused.
    parts : collection of str
        Datasets of which records were withdrawn. A workbook holds the withdrawn row beside the others, so it goes; what
        waits stays, since its withdrawn rows are refused when it is taken in, but is checked and looked at again.
    mended : collection of str
        Datasets of which an upload was taken back: the others hold nothing that it alone said, and stay.
    """
    removed = 0
    datasets = {*whole, *parts, *mended}
    standing = datasets - {*whole, *parts}  # of which no other upload holds what was withdrawn
    with registry.session() as session, session.begin():
        for ingest in session.scalars(select(Ingest).where(Ingest.dataset.in_(datasets))):
            ingest.report = {**ingest.report, "refusals": []}
            forget_report(data, f"ingest-{ingest.id}")
        for submission in session.scalars(select(Submission).where(Submission.dataset.in_(datasets))):
            waits = submission.state in WAITING
            if not waits and submission.dataset in standing:
                continue
            if waits and submission.dataset not in whole:
                if submission.report is not None and submission.state != "committing":
                    outdated(session, submission)  # its rows as they would be published may be among those
                    submission.job_id = jobs.add(session, JOB, {"submission": submission.id})
                continue
            job = session.get(Job, submission.job_id) if submission.job_id is not None else None
            if waits:
                step(session, submission, "refused", state="refused", actor=MACHINE, role=MACHINE)
                if job is not None and job.state == "queued":
                    job.state = "cancelled"
            if job is not None:
                job.result, job.error = None, None
            removed += forget_submission(session, data, submission, datasets - standing)
    return removed


def forget_submission(session: Session, data: Path, submission: Submission, datasets: Collection[str] = ()) -> int:
    """Remove what is kept of an upload: its file and parts, its report, its view, what was written about it.

    Return how many files went.

    A file that another upload holds, too, stays as that one's, unless that one is of `datasets`, which all go.
    """
    submission.report = submission.difference = None
    survey_files.forget_view(session, submission.id)
    for event in session.scalars(select(SubmissionEvent).where(SubmissionEvent.submission_id == submission.id)):
        event.note = ""
    forget_report(data, f"submission-{submission.id}")
    forget_report(data, f"difference-{submission.id}")
    others = select(Submission.id).where(
        Submission.file_sha256 == submission.file_sha256, Submission.id != submission.id,
        Submission.dataset.not_in(datasets), Submission.state != "withdrawn",
    )  # fmt: skip
    # Of whatever content: a worker may have been cut off before it put down which.
    found = [*(data / "uploads").glob(f"*.{submission.id}{survey_files.TAKEN}*")]
    if session.scalar(others.limit(1)) is None:
        found += [path for folder in (data, folders.service(data)) for path in
                  (folder / "uploads").glob(f"{submission.file_sha256}.*")]  # fmt: skip
    for path in set(found):
        path.unlink(missing_ok=True)
    return len(set(found))


def sweep_leftovers(data: Path) -> int:
    """Remove what interrupted work left behind; return how many files and folders went."""
    removed = 0
    for folder in (data, folders.service(data)):
        removed += sweep(folder / "staging")
        for path in (folder / "tmp").glob("*") if (folder / "tmp").is_dir() else ():
            if path.is_file() and time.time() - path.stat().st_mtime > _LEFT_SECONDS:
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def vacuum(settings: Settings) -> None:
    """Let nothing that was removed stand in free pages of the registry; on another database its own tools do so.

    Raises
    ------
    StoreError
        If somebody uses the registry just now, so that its journal stays.
    """
    path = folders.service(settings.data) / checksums.REGISTRY
    if settings.registry_url is not None or not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as plain:
        plain.execute("VACUUM")
        busy, _, _ = plain.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        message = "the registry is being read just now, and its journal may tell what was withdrawn; purge again"
        raise StoreError(message)


logger = logging.getLogger(__name__)

PART: Final = "part"
"""The kind of a withdrawal of a part of a dataset."""
_MARKS: Final = ("assessed.json", "assessed_open.json", "assessed_open.parquet")
"""What is known of records beside each other; made again when it is asked for."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed.

    Attributes
    ----------
    records : int
        Records that were ever withdrawn here.
    lake_files, releases, downloads, uploads : int
        Files of the lake that were written anew; files that were removed.
    in_use : tuple of str
        Releases that somebody reads just now: purge again when they have ended.
    """

    records: int
    lake_files: int
    releases: int
    downloads: int
    uploads: int
    in_use: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def owed(registry: Registry) -> bool:
    """Return whether something was taken back, here or by a node, that is not purged yet."""
    with registry.session(read_only=True) as session:
        return any("installation" not in purged for purged in session.scalars(select(Withdrawal.purged)))


def purge(settings: Settings, *, release: Callable[[Settings], object], actor: str = "command line") -> Purged:
    """Remove whatever still holds a withdrawn record, but for backups; a second time nothing is left to do.

    Whatever was cut short before is done first: what was put down as withdrawn leaves the lake, and a release is made.

    Parameters
    ----------
    settings : Settings
        The installation.
    release : function of settings
        Makes a release without what was withdrawn, where none was made since.
    actor : str
        What the audit calls whoever does it.

    Returns
    -------
    Purged
    """
    data = settings.data
    with Registry.open(settings) as registry:
        due = owed(registry)
        with registry.session(read_only=True) as session:
            keys = session.scalars(select(Tombstone.key)).all()
            datasets = session.scalars(select(Withdrawal.subject).where(Withdrawal.kind == "dataset")).all()
            of = select(Tombstone.dataset).join(Withdrawal, Withdrawal.id == Tombstone.withdrawal_id).distinct()
            # The files of other parts hold nothing of a part that goes.
            parts = session.scalars(of.where(Withdrawal.kind != PART)).all()
            mended = session.scalars(of.where(Withdrawal.kind == PART)).all()
        records = [key for key in keys if key >= 0]
        gone = Tombstones.read(registry, secret(data))
        _take_out(settings, records, {*parts, *mended, *datasets}, gone)
        # Before the release, so that results that were made of them are not stated either.
        blanked = blank(data, records, gone)
        for name in _MARKS:
            (data / name).unlink(missing_ok=True)
        if due:
            release(settings)
        merge(data, memory_limit=settings.memory_limit)
        removed, in_use = _releases(data)
        made = _downloads(settings, registry)
        shutil.rmtree(folders.results(data), ignore_errors=True)
        forget_hashes(data, keys)
        forgotten = forget_reports(registry, data, whole=datasets, parts=parts, mended=mended)
        sweep_leftovers(data)
        found = Purged(len(records), blanked.files, removed, made, forgotten, tuple(in_use))
        vacuum(settings)
        with registry.session() as session, session.begin():
            facts = {"time": now().isoformat(), **found.as_dict(), "in_use": list(in_use)}
            for row in session.scalars(select(Withdrawal)):
                row.purged = {**row.purged, "installation": facts}
            jobs.add_once(session, RESULTS_JOB)
            audit.append(session, actor=actor, action="purge", subject="installation", details=facts)
    logger.info("purged: %s", found)
    return found


def purge_backups(settings: Settings, folder: Path, *, actor: str = "command line") -> int:
    """Take a new backup into a folder of backups and remove every older one in it; return how many files went.

    Raises
    ------
    InputError
        If the folder is none of backups: a single file of a backup is removed by whoever keeps it.
    """
    if not folder.is_dir():
        problem = "this is no folder of backups"
        expected = "the folder that `biodata backup` writes to"
        raise InputError(problem, file=str(folder), expected=expected, code="FILE_MISSING")
    made = backup(settings, folder)
    removed = forget_older(folder, keep=made.name)
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        facts = {"time": now().isoformat(), "files": removed, "kept": made.name}
        for row in session.scalars(select(Withdrawal)):
            row.purged = {**row.purged, "backups": facts}
        audit.append(session, actor=actor, action="purge", subject="backups", details=facts)
    return removed


def _take_out(settings: Settings, keys: Collection[int], datasets: Collection[str], gone: Tombstones) -> None:
    """Take records, and the events of nothing else, out of the lake's present version."""
    if not datasets:
        return
    columns = ["key", "datasetKey", "source_record_id"]
    where = In("datasetKey", tuple(sorted(datasets)))
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rows = lake.read("occurrences", columns=columns, where=where)
        going = rows.filter(pl.col("key").is_in(list(keys)))
        events = lake.read("events", columns=["event_key", "datasetKey", "eventID"], where=where)
        events = events.filter(gone.withdrawn_events(events))
        if going.is_empty() and events.is_empty():
            return
        with lake.staging() as staging, lake.row_files("events") as none:
            lake.commit_survey(
                staging,
                none,
                author="withdrawal",
                message=f"{going.height} records withdrawn",
                gone=going.select("datasetKey", "source_record_id").iter_rows(),
                gone_events=events["event_key"].to_list(),
            )


def _releases(data: Path) -> tuple[int, list[str]]:
    """Remove every release but the current one; return how many went, and those that somebody reads."""
    stated_pointer = pointer.read(data)
    removed, in_use = 0, []
    pointer.forget_previous(data)
    for path in pointer.files(data):
        if stated_pointer is not None and path == pointer.path(data, stated_pointer.current.id):
            continue
        if remove_unless_used(data, path):
            removed += 1
        else:
            in_use.append(path.name)
    remove_unneeded_bases(data)
    return removed, in_use


def _downloads(settings: Settings, registry: Registry) -> int:
    """Remove the files of downloads of other releases than the current one; the downloads then say that they are erased."""
    stated_pointer = pointer.read(settings.data)
    with registry.session(read_only=True) as session:
        of_release = {row.id: row.request.get("release") for row in session.scalars(select(Download))}
    removed = 0
    for found in downloads.folder(settings).glob("*"):
        if stated_pointer is None or of_release.get(found.name) != stated_pointer.current.id:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
            removed += 1
    return removed
