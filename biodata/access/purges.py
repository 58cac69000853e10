"""Purging: what was put down as withdrawn leaves the lake's every version, releases, downloads, reports and backups."""

import logging
import shutil
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import select

from biodata import jobs
from biodata.access import downloads, rebuilding, traces
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.store import audit, folders, pointer
from biodata.store.backup import backup
from biodata.store.backup_places import forget_older
from biodata.store.lake import Lake
from biodata.store.models import Citation, Download, now
from biodata.store.node_models import Tombstone, Withdrawal
from biodata.store.purging import blank
from biodata.store.query.filters import In
from biodata.store.registry import Registry
from biodata.store.release_merge import merge
from biodata.store.release_use import remove_unless_used, remove_unneeded_bases
from biodata.store.secret import secret
from biodata.store.survey_steps import RESULTS_JOB
from biodata.store.tombstones import Tombstones

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
    lake_files, releases, downloads, replays, uploads : int
        Files of the lake that were written anew; files that were removed.
    in_use : tuple of str
        Releases that somebody reads just now: purge again when they have ended.
    """

    records: int
    lake_files: int
    releases: int
    downloads: int
    replays: int
    uploads: int
    in_use: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def owed(registry: Registry) -> bool:
    """Tell whether something was taken back, here or by a node, that is not purged yet."""
    with registry.session(read_only=True) as session:
        return any("installation" not in purged for purged in session.scalars(select(Withdrawal.purged)))


def purge(
    settings: Settings,
    *,
    release: Callable[[Settings], object],
    actor: str = "command line",
) -> Purged:
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
        # Before the release, so that results that were made of them are not told either.
        blanked = blank(data, records, gone)
        for name in _MARKS:
            (data / name).unlink(missing_ok=True)
        if due:
            release(settings)
        merge(data, memory_limit=settings.memory_limit)
        removed, in_use = _releases(data)
        made = _downloads(settings, registry)
        replays = list(rebuilding.folder(data).glob("*"))
        for path in replays:
            path.unlink(missing_ok=True)
        shutil.rmtree(folders.results(data), ignore_errors=True)
        traces.forget_hashes(data, keys)
        forgotten = traces.forget_reports(registry, data, whole=datasets, parts=parts, mended=mended)
        traces.sweep_leftovers(data)
        found = Purged(len(records), blanked.files, removed, made, len(replays), forgotten, tuple(in_use))
        traces.vacuum(settings)
        with registry.session() as session, session.begin():
            told = {"time": now().isoformat(), **found.as_dict(), "in_use": list(in_use)}
            for row in session.scalars(select(Withdrawal)):
                row.purged = {**row.purged, "installation": told}
            jobs.add_once(session, RESULTS_JOB)
            audit.append(session, actor=actor, action="purge", subject="installation", details=told)
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
        expected = "the folder that `biodata backup` writes to; remove a .tar file yourself and take a new backup"
        raise InputError(problem, file=str(folder), expected=expected, code="FILE_MISSING")
    made = backup(settings, folder)
    removed = forget_older(folder, keep=made.name)
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        told = {"time": now().isoformat(), "files": removed, "kept": made.name}
        for row in session.scalars(select(Withdrawal)):
            row.purged = {**row.purged, "backups": told}
        audit.append(session, actor=actor, action="purge", subject="backups", details=told)
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


def _cited(registry: Registry, versions: pl.Series) -> set[str]:
    """Return the hashes of what was cited since the first of these versions of the lake."""
    with registry.session(read_only=True) as session:
        found = session.scalars(select(Citation.content).where(Citation.snapshot >= versions.min())).all()
    return {content["hash"] for content in found if content}


def _releases(data: Path) -> tuple[int, list[str]]:
    """Remove every release but the current one; return how many went, and those that somebody reads."""
    told = pointer.read(data)
    removed, in_use = 0, []
    pointer.forget_previous(data)
    for path in pointer.files(data):
        if told is not None and path == pointer.path(data, told.current.id):
            continue
        if remove_unless_used(data, path):
            removed += 1
        else:
            in_use.append(path.name)
    remove_unneeded_bases(data)
    return removed, in_use


def _downloads(settings: Settings, registry: Registry) -> int:
    """Remove the files of downloads of other releases than the current one; the downloads then say that they are erased."""
    told = pointer.read(settings.data)
    with registry.session(read_only=True) as session:
        of_release = {row.id: row.request.get("release") for row in session.scalars(select(Download))}
    removed = 0
    for found in downloads.folder(settings).glob("*"):
        if told is None or of_release.get(found.name) != told.current.id:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
            removed += 1
    return removed
