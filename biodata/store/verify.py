"""Verification: everything of an installation that can be checked is read, and what is damaged is named."""

import json
import logging
import re
import sqlite3
import zipfile
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from biodata.core.errors import BiodataError, StoreError
from biodata.core.settings import Settings
from biodata.formats.archives import BROKEN
from biodata.store import checksums, folders, pointer, sharing_memory, survey_files, verify_files
from biodata.store.checksums import Checksum, digest
from biodata.store.cluster import cluster_of, lake_exists
from biodata.store.duck import base_of, connect
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock, writers_lock
from biodata.store.models import Base, Download, Job, Submission
from biodata.store.registry import Registry
from biodata.store.release_file import content_hash, release_id, row_sum
from biodata.store.release_merge import merge_owed
from biodata.store.sharing_rules import rules_of
from biodata.store.tables import RELEASE, RELEASE_FORMAT
from biodata.store.verify_files import RESTORE, Fault

logger = logging.getLogger(__name__)

_UPLOAD: Final = re.compile(r"[0-9a-f]{64}")
_OUT: Final = ("committed",)
_WITH_FILE: Final = ("submitted", "asked", "accepted", "committing", "committed")
"""States of a submission whose file is kept for certain."""
MODES: Final = "take these rights away with `chmod`, or run `biodata serve --user NAME` once"
_LAYERS_TABLE: Final = "lake/main/layers/"
"""A fault in it says nothing of the layers' own files, whose checksums it holds."""


@dataclass
class VerifyReport:
    """What a verification found.

    Attributes
    ----------
    faults : list of Fault
        Nothing is wrong where there is none.
    files, bytes : int
        What was read.
    recorded : list of str
        Files that had no checksum; each was read through without a fault and has one now.
    owed : list of str
        What is still to be rewritten: no fault.
    """

    faults: list[Fault] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    recorded: list[str] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)

    def count(self, size: int) -> None:
        """Count a file that is read."""
        self.files += 1
        self.bytes += size

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def verify(settings: Settings, *, progress: bool = False, record: bool = False) -> VerifyReport:
    """Check every file of an installation: its checksum, and that what refers to it says the same.

    Writers and builders wait meanwhile, so that nothing moves; whoever reads goes on.

    Parameters
    ----------
    settings : Settings
        The installation.
    progress : bool
        Show a progress bar.
    record : bool
        Put down anew the checksums of files whose own are lost, and that of the gazetteer, which its owner writes.

    Raises
    ------
    StoreError
        If there is no installation, or a writer keeps it for too long.
    """
    data = settings.data
    if not lake_exists(data) and (data / "lake").is_dir():
        message = f"{checksums.SEALED}, the lake's catalogue, is missing in {data}: {RESTORE}"
        raise StoreError(message)
    if not lake_exists(data):
        message = f"{data} holds no lake; name the installation's folder with --data"
        raise StoreError(message)
    report = VerifyReport()
    with ExitStack() as stack:
        shared = None
        if cluster_of(data) is not None:
            shared = stack.enter_context(Lake.open(data, memory_limit=settings.memory_limit))
        stack.enter_context(builders_lock(data))
        stack.enter_context(writers_lock(data))
        known = _checksums(settings, report, record=record)
        # Where the checksums themselves are lost or damaged nothing is put down anew, so that it stays to be seen.
        recording = not report.faults
        needed, faults = verify_files.catalogue(data, known) if shared is None else verify_files.shared_files(shared)
        report.faults += faults
        if shared is None:
            report.faults += verify_files.files(
                data, needed, known, report.recorded, progress=progress, recording=recording
            )
        report.files += len(needed)
        report.bytes += sum(reported.bytes for reported in needed.values())
        if shared is None and not report.faults and not verify_files.sealed(data, known):
            checksums.seal(data)
        _others(data, known, report, recording=recording)
        _releases(data, known, report, recording=recording)
        _uploads(data, report)
        report.faults += [Fault(one.name, one.problem, MODES) for one in folders.wrong(data)]
        _registry(settings, known, report)
    if not faults and not any(fault.file.startswith(_LAYERS_TABLE) for fault in report.faults):
        _layers(settings, report)
    report.faults.sort(key=lambda fault: fault.file)
    logger.info("%d files read, %d faults", report.files, len(report.faults))
    return report


def _checksums(settings: Settings, report: VerifyReport, *, record: bool) -> dict[str, Checksum]:
    """Return the checksums that are put down; an entry that was changed itself is a fault, and counts as none."""
    data, found = settings.data, {}
    for folder, wanted in (
        (data, any((data / "lake").rglob("*.parquet"))),
        (folders.service(data), settings.registry_url is None and (data / folders.REGISTRY).exists()),
    ):
        path = folder / checksums.FILE
        inside = path.relative_to(data).as_posix()
        if not path.exists():
            if wanted and not record:
                report.faults.append(Fault(inside, "it is missing", f"{RESTORE}, or run `biodata verify --record`"))
            continue
        try:
            verify_files.sound(path)
            known = checksums.read(folder)
        except (StoreError, sqlite3.Error) as error:
            report.faults.append(Fault(inside, f"it cannot be read: {error}", RESTORE))
            continue
        for name, checksum in known.items():
            if checksum.sound:
                found[(folder / name).relative_to(data).as_posix()] = checksum
            else:
                report.faults.append(Fault(inside, f"the entry of {name!r} was changed", RESTORE))
    if record:
        found.pop("gazetteer.csv", None)
    return found


def _others(data: Path, known: dict[str, Checksum], report: VerifyReport, *, recording: bool) -> None:
    """Check every file beside the lake's rows, the releases and the registry: its name, and its checksum.

    One of a kind that has checksums, and that has none yet, gets one.
    """
    guarded, faults = verify_files.unknown(data)
    report.faults += faults
    new = {name: path for name, path in guarded.items() if name not in known}
    for name, checksum in known.items():
        own = name in (checksums.SEALED, folders.REGISTRY) or name.startswith(
            ("lake/", "releases/release-", "releases/base-")
        )
        if own or name.endswith(checksums.BEFORE):
            continue
        fault = verify_files.checked(data, name, checksum, known)
        report.faults += [fault] if fault is not None else []
        if (data / name).is_file():
            report.count(checksum.bytes)
    if recording and new:
        checksums.record(data, new)
        report.recorded += new


def _releases(data: Path, known: dict[str, Checksum], report: VerifyReport, *, recording: bool) -> None:
    """Check the pointer, and each release: its file, its rows, and what it tells of itself."""
    try:
        stated_pointer = pointer.read(data)
    except StoreError as error:
        report.faults.append(Fault("releases/CURRENT", str(error), "run `biodata release`"))
        stated_pointer = None
    current = pointer.path(data, stated_pointer.current.id) if stated_pointer is not None else None
    base = None
    if current is not None and current.is_file():
        with suppress(StoreError):  # stated below
            base = base_of(current)[1]
    if current is not None and not current.is_file():
        remedy = "run `biodata release`"
        report.faults.append(Fault(str(current.relative_to(data)), "the current release's file is missing", remedy))
    told_secret, own = known.get("secret"), data / "secret"
    # Of a secret that is not as it was only that is stated: every release would seem to be another.
    sound = own.is_file() and (told_secret is None or digest(own).sha256 == told_secret.sha256)
    mark = secret(data) if sound else None
    for path in [*pointer.folder(data).glob("base-*.duckdb"), *pointer.files(data)]:
        name = str(path.relative_to(data))
        report.count(path.stat().st_size)
        named = stated_pointer.current if stated_pointer is not None and path == current else None
        problem = _release(path, known.get(name), named, mark)
        if problem is not None:
            remedy = "remove this file and run `biodata release`" if path in (current, base) else "remove this file"
            report.faults.append(Fault(name, problem, remedy))
        elif name not in known and recording:
            checksums.record(data, {name: path})
            report.recorded.append(name)
    if not report.faults and (owed := merge_owed(data)) is not None:
        report.owed.append(f"the current release is to be merged, which `biodata release` and the worker do: {owed}")


def _release(path: Path, checksum: Checksum | None, named: pointer.Named | None, mark: bytes | None) -> str | None:
    """Return what is wrong with a release's file."""
    if checksum is not None and digest(path).sha256 != checksum.sha256:
        return "it is not as it was written"
    try:
        with connect(path) as connection:
            info = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
            if info["format"] != RELEASE_FORMAT:
                return "it was made by another version of biodata"
            content = info["content_hash"]
            sums = {table: row_sum(connection, table) for table in RELEASE}
            if sums != {table: int(number) for table, number in json.loads(info["sums"]).items()}:
                return "its rows are not those that it was made of"
            if mark is not None:
                content = content_hash(sums, boundaries=info["boundaries"], secret=mark)
    except (StoreError, duckdb.Error) as error:
        return f"it cannot be read: {str(error).splitlines()[0]}"
    snapshot = int(info["snapshot"])
    if content != info["content_hash"]:
        return "its rows are not those that it was made of"
    if not pointer.release_of(path) == info["id"] == release_id(snapshot, info["rules_hash"], content):
        return "its id is not that of its rows"
    if named is not None and (named.id, named.snapshot, named.created, dict(named.counts)) != (
        info["id"],
        snapshot,
        info["created"],
        json.loads(info["counts"]),
    ):
        return "releases/CURRENT tells something else of it"
    return None


def _uploads(data: Path, report: VerifyReport) -> None:
    """Check uploads, which are kept under their checksums."""
    for path in sorted([*(data / "uploads").glob("*"), *(folders.service(data) / "uploads").glob("*")]):
        if path.suffix == survey_files.TAKEN:
            report.count(path.stat().st_size)
            if not _is_whole(path):
                report.faults.append(
                    Fault(str(path.relative_to(data)), "it is not what was taken of an upload", RESTORE)
                )
        elif _UPLOAD.fullmatch(path.stem):
            report.count(path.stat().st_size)
            if _content(data, path) != path.stem:
                remedy = f"ask for the file again, or {RESTORE}"
                report.faults.append(Fault(str(path.relative_to(data)), "it is not what was uploaded", remedy))


def _is_whole(path: Path) -> bool:
    """Return whether every member of a zip that we wrote has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except BROKEN:
        return False


def _content(data: Path, path: Path) -> str | None:
    """Return the SHA-256 of an upload; None of a sealed one that cannot be opened."""
    if path.suffix != survey_files.SEALED:
        return digest(path).sha256
    try:
        return survey_files.digest_of(data, path)
    except (StoreError, OSError):
        return None


def _changed(path: Path, checksum: Checksum | None) -> str | None:
    """Return what is wrong with the registry's pages."""
    found = checksums.registry_state(path)
    if checksum is None or checksum.version is None:
        return None
    if found is None or found.version is None:
        return "its tables are gone"
    if found.version < checksum.version:
        return f"it had {checksum.version} changes and has {found.version}: some are lost"
    if found.version == checksum.version and found.sha256 != checksum.sha256:
        return "a part of it was changed since it was written"
    return None


def _registry(settings: Settings, known: dict[str, Checksum], report: VerifyReport) -> None:
    """Check the registry: its structure, its references, that every row can be read, and the audit chain."""
    name = "the registry"
    try:
        if settings.registry_url is None:
            path, name = settings.data / folders.REGISTRY, folders.REGISTRY
            if not path.exists():
                if path.parent.is_dir() or any((settings.data / "lake").rglob("*.parquet")):
                    report.faults.append(Fault(name, "it is missing", RESTORE))
                return
            report.count(path.stat().st_size)
            verify_files.sound(path)
            if (problem := _changed(path, known.get(name))) is not None:
                report.faults.append(Fault(name, problem, RESTORE))
                return
            with closing(sqlite3.connect(path)) as connection:
                loose = connection.execute("PRAGMA foreign_key_check").fetchall()
            if loose:
                problem = (
                    f"row {loose[0][1]} of its table {loose[0][0]} refers to a row of {loose[0][2]} that is missing"
                )
                report.faults.append(Fault(name, problem, RESTORE))
        with Registry.open(settings) as registry:
            rules_of(registry)
            for lost in sharing_memory.damaged(registry, settings.data):
                report.faults.append(Fault(lost, "it is lost, or not as it was written", RESTORE))
            _downloads(settings.data, registry, report)
            _missing_uploads(settings.data, registry, report)
            broken = registry.first_broken_audit_entry()
            if broken is not None:
                report.faults.append(
                    Fault(name, f"audit entry {broken} was changed or is gone, or one before it is", RESTORE)
                )
            with registry.session(read_only=True) as session:
                # Every value is read as its column's type; rows, since objects would all be kept.
                for table in Base.metadata.sorted_tables:
                    for _ in session.execute(select(table).execution_options(yield_per=1000)):
                        pass
    except (sqlite3.Error, SQLAlchemyError, BiodataError, ValueError, TypeError) as error:
        report.faults.append(Fault(name, f"it cannot be read: {str(error).splitlines()[0]}", RESTORE))


def _downloads(data: Path, registry: Registry, report: VerifyReport) -> None:
    """Check the files of downloads against the checksums that their jobs have; one that is gone is made again."""
    asked = select(Download.id, Job.result).join(Job, Job.id == Download.job_id).where(Job.state == "done")
    with registry.session(read_only=True) as session:
        rows = session.execute(asked).all()
    for number, result in rows:
        path = data / "downloads" / number / str((result or {}).get("file", ""))
        if result and path.is_file():
            report.count(path.stat().st_size)
            if digest(path).sha256 != result["sha256"]:
                name = path.relative_to(data).as_posix()
                report.faults.append(Fault(name, "it is not as it was written", "remove this file"))


def _missing_uploads(data: Path, registry: Registry, report: VerifyReport) -> None:
    """Find surveys whose file is gone: it shows what was published, and brings it back.

    Of a published one of which something was withdrawn neither report nor file is kept.
    """
    kept_in = (data / "uploads", folders.service(data) / "uploads")
    there = {path.name.split(".")[0] for folder in kept_in for path in folder.glob("*")}
    wanted = Submission.state.in_(_WITH_FILE), Submission.file_sha256 != "0" * 64  # of one that removes a part
    asked = select(Submission.id, Submission.file_sha256, Submission.state, Submission.report).where(*wanted)
    with registry.session(read_only=True) as session:
        found = session.execute(asked.order_by(Submission.id).execution_options(yield_per=100))
        rows = [(n, sha256) for n, sha256, state, reported in found if reported is not None or state not in _OUT]
    report.faults += [
        Fault(f"uploads/{sha256}", f"the file of submission {number} is missing", RESTORE)
        for number, sha256 in rows
        if sha256 not in there
    ]


def _layers(settings: Settings, report: VerifyReport) -> None:
    """Check each raster layer against the checksum that the lake has of it."""
    data = settings.data
    try:
        with Lake.open(data, memory_limit=settings.memory_limit) as lake:
            layers = lake.read("layers", columns=["file_name", "sha256"]).unique().sort("file_name")
    except StoreError as error:
        if not report.faults:  # a damaged file of the table is named already
            report.faults.append(Fault(checksums.SEALED, str(error), RESTORE))
        return
    for file_name, sha256 in layers.iter_rows():
        path = data / "layers" / file_name
        name = str(path.relative_to(data))
        remedy = f"ingest the layer again, or {RESTORE}"
        if not path.is_file():
            report.faults.append(Fault(name, "it is missing", remedy))
            continue
        found = digest(path)
        report.count(found.bytes)
        if found.sha256 != sha256:
            report.faults.append(Fault(name, "it is not what was taken in", remedy))
