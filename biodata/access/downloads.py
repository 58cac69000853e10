"""Downloads: asked for, made by the worker, fetched, cancelled, and gone when their time is over.

Each has a folder of its own in `downloads`, in which the file has its name only when it is whole.
"""

import errno
import hashlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final, Protocol

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError

from biodata.access import citations, permits
from biodata.access.citations import Question
from biodata.access.terms_of_use import Purpose
from biodata.core.errors import DiskFullError, InputError, JobStoppedError
from biodata.core.settings import Settings
from biodata.core.vocabularies import CubeGrid, Format
from biodata.exports.request import Columns, ExportRequest, Facts
from biodata.exports.selection import Selection
from biodata.exports.write import KINDS, export
from biodata.store import jobs
from biodata.store.models import Citation, Download, Job
from biodata.store.query.filters import Filter, from_plain, to_plain
from biodata.store.registry import Registry
from biodata.store.release_use import in_use

JOB: Final = "download"
_RESERVE_BYTES: Final = 256_000_000
_RESERVE_SHARE: Final = 0.02
"""Room that is left to registry, lake and releases: so much, or this share of a small disk."""

_LOOK_S: Final = 1.0


class Work(Protocol):
    """The worker's side of a job; `worker.Held` is one."""

    stopped: Event

    def progress(self, share: float, *, further: bool = False) -> None:
        """Tell how far the work is; raises to stop it."""

    def when_stopped(self, call: Callable[[], None]) -> None:
        """Call this, from another thread, when the work is to end."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a download stands.

    Attributes
    ----------
    id : str
        Its public name.
    state : str
        queued, running, done, failed, cancelled, expired (its time is over) or erased (its file was taken away).
    format : Format
        How it is written.
    release : str
        The release that it is made of.
    asked : list of (name, value)
        The parameters as they were given.
    progress : float
        0-1.
    created, finished, expires : datetime
        When it was asked for, ended, and its file goes; None before.
    result : mapping
        `rows`, `size`, `sha256`, `rules_hash`, `license`, `datasets` and more, once it is done.
    error : str or None
        Why it failed.
    citation : str or None
        Id of its citation, where there is one.
    file : Path or None
        Its file, while there is one.
    """

    id: str
    state: str
    format: Format
    release: str
    asked: list[tuple[str, str]]
    progress: float
    created: datetime
    finished: datetime | None
    expires: datetime | None
    result: Mapping[str, Any]
    error: str | None
    citation: str | None
    file: Path | None


def folder(settings: Settings) -> Path:
    """Return where the files lie."""
    return settings.data / "downloads"


def ask(
    settings: Settings, registry: Registry, file_format: Format, filter_: Filter | None, *, release: str,
    asked: Sequence[tuple[str, str]], columns: str = Columns.SIMPLE, grid: CubeGrid = CubeGrid.EQDGC,
    purpose: Purpose | None = None,
) -> str:  # fmt: skip
    """Ask for a download and return its id; the worker makes it.

    Parameters
    ----------
    settings, registry
        The installation.
    file_format : Format
        How it is written.
    filter_ : Filter, optional
        Which records.
    release : str
        Of which release.
    asked : sequence of (name, value)
        The question as it was put.
    columns : str
        Of a CSV file.
    grid : CubeGrid
        Of a cube.
    purpose : Purpose, optional
        What the records are wanted for; who wants them is not kept.

    Raises
    ------
    DiskFullError
        If there is no room for downloads now.
    """
    check_room(settings)
    number = secrets.token_hex(16)
    request = {
        "format": str(file_format), "filter": to_plain(filter_), "release": release,
        "asked": [list(pair) for pair in asked], "columns": columns, "grid": str(grid),
        "purpose": purpose and str(purpose),
    }  # fmt: skip
    try:
        with registry.session() as session, session.begin():
            job = jobs.add(session, JOB, {"download": number})
            session.add(Download(id=number, job_id=job, request=request, created=datetime.now(UTC)))
    except SQLAlchemyError as error:
        if _is_full(error):
            message = "there is no room to keep the request"
            raise DiskFullError(message) from error
        raise
    return number


def look(settings: Settings, registry: Registry, download_id: str) -> Status | None:
    """Return how a download stands; None where there is none of that id."""
    with registry.session(read_only=True) as session:
        found = session.execute(
            select(Download, Job).join(Job, Job.id == Download.job_id).where(Download.id == download_id)
        ).first()
        if found is None:
            return None
        row, job = found
        citation = session.scalar(_citation_of(download_id))
    request, result = row.request, job.result or {}
    state, file, expires = job.state, None, None
    if state == "done" and job.finished is not None:
        expires = job.finished + timedelta(days=settings.downloads_kept_days)
        file = folder(settings) / download_id / result["file"]
        if expires < datetime.now(UTC):
            state, file = "expired", None
        elif not file.is_file():
            state, file = "erased", None
    if file is None:
        result = _without_checksum(result)
    return Status(
        id=download_id, state=state, format=Format(request["format"]), release=request["release"],
        asked=[(name, value) for name, value in request["asked"]], progress=job.progress or 0.0, created=row.created,
        finished=job.finished, expires=expires, result=result, error=job.error, citation=citation, file=file,
    )  # fmt: skip


def cancel(settings: Settings, registry: Registry, download_id: str) -> bool:
    """Cancel a download, or take the file of a finished one away; False where there is none of that id."""
    with registry.session(read_only=True) as session:
        row = session.get(Download, download_id)
    if row is None:
        return False
    job = jobs.look(registry, row.job_id)
    was_running = job is not None and job.state == "running"
    cancelled = jobs.cancel(registry, row.job_id)
    # A worker that is at it removes what it wrote itself, within seconds: here it would only write on.
    if not (cancelled and was_running):
        _remove(folder(settings) / download_id)
        if (folder(settings) / download_id).exists():
            # The service's own user may not remove it: it is stated no more from now on, and the worker sweeps it.
            jobs.withdraw(registry, row.job_id)
    return True


def make(settings: Settings, registry: Registry, download_id: str, work: Work) -> dict[str, Any]:
    """Write the file of a download; the worker's part.

    Returns
    -------
    dict
        What is stated of it: `file`, `rows`, `size`, `sha256`, `license`, `datasets`, `generalised`, `without_place`,
        `without_year`.

    Raises
    ------
    NoReleaseError
        If its release is gone.
    DiskFullError
        If there is no room for it.
    JobStoppedError
        If it was cancelled, or the worker is to end: then what is written already stays, to be gone on with.
    """
    with registry.session(read_only=True) as session:
        row = session.get(Download, download_id)
    if row is None:
        problem = "there is no download of this id"
        raise InputError(problem, value=download_id, code="DOWNLOAD_MISSING")
    stated, here = row.request, folder(settings) / download_id
    file_format = Format(stated["format"])
    asked = tuple((name, value) for name, value in stated["asked"])
    filter_ = from_plain(stated["filter"])
    with _tidy(here, registry, row.job_id, work), in_use(settings.data, stated["release"]) as release:
        here.mkdir(parents=True, exist_ok=True)
        out = here / f"biodata-{download_id[:12]}.{KINDS[file_format].suffix}"
        request = ExportRequest(
            name=download_id,
            created=row.created.isoformat(timespec="seconds"),
            filter=filter_,
            asked=asked,
            columns=stated["columns"],
            grid=CubeGrid(stated["grid"]),
            permits=_permits(registry),
            citation=citations.address(settings, _cite(settings, registry, row, release, Question(asked, filter_))),
        )
        step = _Room(settings, here, work)

        rules = ""

        def opened(selection: Selection) -> None:
            nonlocal rules
            rules = selection.info["rules_hash"]
            work.when_stopped(selection.interrupt)

        facts = export(release, file_format, request, out, step=step, opened=opened)
        made = {"file": out.name, "size": out.stat().st_size, "sha256": _sha256(out, work), "rules_hash": rules}
        return {**made, **summary(facts)}


def _permits(registry: Registry) -> tuple[tuple[str, str], ...]:
    """Return the permits that datasets rest on today, in words."""
    held = (p for p in permits.of_dataset(registry) if p["state"] != permits.State.WITHDRAWN)
    return tuple((p["dataset"], permits.permit_in_words(p)) for p in held)


def _cite(settings: Settings, registry: Registry, row: Download, release: Path, question: Question) -> str:
    """Return the download's citation, made at the first attempt: its file states it."""
    with registry.session(read_only=True) as session:
        found = session.scalar(_citation_of(row.id))
    if found is not None:
        return found
    with Selection(release, None) as selection:
        info = selection.info
    return citations.cite(settings, registry, question, release=info, rows=None, download_id=row.id)


def _citation_of(download_id: str) -> Select[str]:
    """Return the question for a download's first citation."""
    return (
        select(Citation.id).where(Citation.download_id == download_id).order_by(Citation.created, Citation.id).limit(1)
    )


def summary(facts: Facts) -> dict[str, Any]:
    """Return what is stated of an export's records as plain values."""
    datasets = [
        {"key": d.key, "title": d.title, "count": d.count, "license": d.license, "labels": list(d.labels), "doi": d.doi}
        for d in facts.datasets
    ]
    return {
        "rows": facts.rows,
        "license": facts.license,
        "community_labels": facts.labels,
        "datasets": datasets,
        "generalised": dict(facts.generalised),
        "generalisation": facts.generalisation(),
        "without_place": facts.without_place,
        "without_year": facts.without_year,
        "countries": {country: dict(counts) for country, counts in facts.countries.items()},
    }


def sweep(settings: Settings, registry: Registry) -> int:
    """Remove files whose time is over, or whose download failed, was cancelled or is not known; return how many."""
    removed = 0
    for found, job in _made(settings, registry):
        if job is not None and job.state in ("queued", "running"):
            continue
        over = datetime.now(UTC) - timedelta(days=settings.downloads_kept_days)
        if job is None or job.state != "done" or job.finished is None or job.finished < over:
            _remove(found)
            removed += 1
    return removed


def _made(settings: Settings, registry: Registry) -> Iterator[tuple[Path, Job | None]]:
    """Yield what lies in the folder of downloads, each with the job that made it."""
    for found in folder(settings).glob("*"):
        with registry.session(read_only=True) as session:
            row = session.get(Download, found.name)
            job = session.get(Job, row.job_id) if row is not None else None
        yield found, job


def drop_others(settings: Settings, registry: Registry, *, rules_hash: str, release: str) -> int:
    """Remove the files that were made under other sharing rules; return how many. Their downloads say erased.

    Those that are under way, or wait, of another release than the one that is stated are cancelled: a worker that has it
    open would go on to write what nobody may have any more.
    """
    asked = select(Download.request, Job.id).join(Job, Job.id == Download.job_id)
    with registry.session(read_only=True) as session:
        under_way = session.execute(asked.where(Job.state.in_(("queued", "running")))).all()
    for request, number in under_way:
        if request.get("release") != release:
            jobs.cancel(registry, number)
    removed = 0
    for found, job in _made(settings, registry):
        if job is not None and job.state == "done" and (job.result or {}).get("rules_hash") != rules_hash:
            _remove(found)
            with registry.session() as session, session.begin():
                session.get_one(Job, job.id).result = _without_checksum(job.result or {})
            removed += 1
    return removed


def _without_checksum(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stated of a file that is gone: by its checksum a record that is hidden today could be found by trying."""
    return {name: value for name, value in result.items() if name not in ("sha256", "size")}


def check_room(settings: Settings) -> None:
    """Make sure that there is room for downloads.

    Raises
    ------
    DiskFullError
        If their files take what all of them together may, or the disk is nearly full.
    """
    disk = shutil.disk_usage(settings.data)
    if disk.free < min(_RESERVE_BYTES, disk.total * _RESERVE_SHARE):
        message = f"the disk has {disk.free / 1e6:.0f} MB left, too few for a download"
        raise DiskFullError(message)
    used = 0
    for file in folder(settings).glob("*/*"):
        try:
            used += file.stat().st_size
        except FileNotFoundError:  # it was removed meanwhile
            continue
    if used > settings.downloads_limit_bytes:
        message = f"the files of downloads take {used / 1e6:.0f} MB, as much as all of them together may"
        raise DiskFullError(message)


class _Room:
    """The step of an export: tells how far it is, and that there is room still."""

    def __init__(self, settings: Settings, here: Path, work: Work) -> None:
        self._settings, self._here, self._work = settings, here, work
        self._looked, self._kept = 0.0, self._last_kept()

    def __call__(self, share: float) -> None:
        # What was kept since the last look need not be done again: a worker that dies now has not tried in vain.
        kept = self._last_kept()
        self._work.progress(share, further=kept > self._kept)
        self._kept = kept
        if time.monotonic() - self._looked >= _LOOK_S:
            self._looked = time.monotonic()
            check_room(self._settings)

    def _last_kept(self) -> int:
        """Return when the last step was kept; 0 where none was."""
        return max((file.stat().st_mtime_ns for file in self._here.glob("*.state")), default=0)


@contextmanager
def _tidy(here: Path, registry: Registry, job_id: int, work: Work) -> Iterator[None]:
    """Leave nothing behind where it goes wrong, unless the worker is to end: then another one goes on."""
    try:
        yield
    except BaseException as error:
        job = jobs.look(registry, job_id)
        goes_on = work.stopped.is_set() and job is not None and job.state in ("queued", "running")
        if not goes_on:
            _remove(here)
        if work.stopped.is_set() and isinstance(error, Exception):
            message = "the download was stopped"
            raise JobStoppedError(message) from error
        if not isinstance(error, DiskFullError) and _is_full(error):
            message = "there is no room for the download; what was written is removed"
            raise DiskFullError(message) from error
        raise


def _is_full(error: BaseException) -> bool:
    """Return whether an error, or what caused it, is that a disk is full; GDAL, SQLite and DuckDB say so in words."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    words = str(error).lower()
    if any(text in words for text in ("no space left", "disk is full", "disk full")):
        return True
    return error.__cause__ is not None and _is_full(error.__cause__)


def _sha256(path: Path, work: Work) -> str:
    """Return a file's checksum."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(1 << 22):
            digest.update(data)
            work.progress(1.0)
    return digest.hexdigest()


def _remove(found: Path) -> None:
    """Remove a folder."""
    shutil.rmtree(found, ignore_errors=True)
