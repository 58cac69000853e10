"""What may still tell a withdrawn record beside lake and releases: reports, uploads, hashes of citations, leftovers."""

import sqlite3
import time
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.errors import StoreError
from biodata.settings import Settings
from biodata.store import checksums, folders, survey_files, survey_views
from biodata.store.locks import sync_file
from biodata.store.models import Ingest, Job, Submission
from biodata.store.private_reports import forget_report
from biodata.store.registry import Registry
from biodata.store.staging import sweep
from biodata.store.survey_models import SubmissionEvent
from biodata.store.survey_steps import JOB, MACHINE, WAITING, outdated, step

_LEFT_SECONDS: Final = 3600.0
"""What a query spilled so long ago belongs to none that still runs."""


def forget_hashes(data: Path, keys: Collection[int], *, among: Collection[str] | None = None) -> int:
    """Empty the hashes of withdrawn records in what citations keep; return how many files were written anew.

    Of the contents of these hashes alone where `among` tells some. By trying places a hash could be turned back. The key
    stays, which is a count: a replay says that it was withdrawn.
    """
    own = folders.service(data)
    changed = 0
    for path in sorted((own / "citations").glob("members-*.parquet")):
        if among is not None and path.stem.removeprefix("members-") not in among:
            continue
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
    survey_views.forget(session, submission.id)
    for event in session.scalars(select(SubmissionEvent).where(SubmissionEvent.submission_id == submission.id)):
        event.note, event.questions = "", None
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
