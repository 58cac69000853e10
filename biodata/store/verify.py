"""Verification: everything of an installation that can be checked is read, and what is damaged is named."""

import json
import logging
import re
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from biodata.errors import BiodataError, StoreError
from biodata.formats.broken_zips import BROKEN_ZIP
from biodata.settings import Settings
from biodata.store import checksums, folders, pointer, survey_files, verify_lake
from biodata.store.checksums import Checksum, digest
from biodata.store.content_hash import content_hash, release_id
from biodata.store.duck import connect
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock, writers_lock
from biodata.store.models import Base
from biodata.store.registry import Registry
from biodata.store.secret import secret
from biodata.store.tables import RELEASE_FORMAT
from biodata.store.verify_lake import RESTORE, Fault

logger = logging.getLogger(__name__)

_UPLOAD: Final = re.compile(r"[0-9a-f]{64}")
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
    """

    faults: list[Fault] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    recorded: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def verify(settings: Settings, *, progress: bool = False) -> VerifyReport:
    """Check every file of an installation: its checksum, and that what refers to it says the same.

    Writers and builders wait meanwhile, so that nothing moves; whoever reads goes on.

    Parameters
    ----------
    settings : Settings
        The installation.
    progress : bool
        Show a progress bar.

    Raises
    ------
    StoreError
        If there is no installation, or a writer keeps it for too long.
    """
    data = settings.data
    if not (data / checksums.SEALED).is_file():
        message = f"{data} holds no lake; name the installation's folder with --data"
        raise StoreError(message)
    report = VerifyReport()
    with builders_lock(data), writers_lock(data):
        known = _checksums(data, report)
        needed, faults = verify_lake.catalogue(data, known)
        report.faults += faults
        report.faults += verify_lake.files(data, needed, known, report.recorded, progress=progress)
        report.files += len(needed)
        report.bytes += sum(told.bytes for told in needed.values())
        if not report.faults and not verify_lake.sealed(data, known):
            checksums.seal(data)
        _beside(data, known, report)
        _releases(data, known, report)
        _uploads(data, report)
        report.faults += [Fault(one.name, one.problem, MODES) for one in folders.wrong(data)]
        _registry(settings, known, report)
    if not faults and not any(fault.file.startswith(_LAYERS_TABLE) for fault in report.faults):
        _layers(settings, report)
    report.faults.sort(key=lambda fault: fault.file)
    logger.info("%d files read, %d faults", report.files, len(report.faults))
    return report


def _checksums(data: Path, report: VerifyReport) -> dict[str, Checksum]:
    """Return the checksums that are put down; an entry that was changed itself is a fault, and counts as none."""
    found = {}
    for folder in (data, folders.service(data)):
        path = folder / checksums.FILE
        if not path.exists():
            continue
        inside = path.relative_to(data).as_posix()
        try:
            verify_lake.sound(path)
            known = checksums.read(folder)
        except (StoreError, sqlite3.Error) as error:
            report.faults.append(Fault(inside, f"it cannot be read: {error}", RESTORE))
            continue
        for name, told in known.items():
            if told.sound:
                found[(folder / name).relative_to(data).as_posix()] = told
            else:
                report.faults.append(Fault(inside, f"the entry of {name!r} was changed", RESTORE))
    return found


def _beside(data: Path, known: dict[str, Checksum], report: VerifyReport) -> None:
    """Check the other files that have a checksum: the installation's secret, and what citations keep."""
    for name, told in known.items():
        path = data / name
        if name in (checksums.SEALED, folders.REGISTRY) or path.parts[len(data.parts)] in ("lake", "releases"):
            continue
        if not path.is_file():
            report.faults.append(Fault(name, "it is missing", RESTORE))
            continue
        report.files += 1
        report.bytes += told.bytes
        if digest(path).sha256 != told.sha256:
            report.faults.append(Fault(name, "it is not as it was written", RESTORE))


def _releases(data: Path, known: dict[str, Checksum], report: VerifyReport) -> None:
    """Check the pointer, and each release: its file, its rows, and what it tells of itself."""
    try:
        told = pointer.read(data)
    except StoreError as error:
        report.faults.append(Fault("releases/CURRENT", str(error), "run `biodata release`"))
        told = None
    current = pointer.path(data, told.current.id) if told is not None else None
    if current is not None and not current.is_file():
        remedy = "run `biodata release`"
        report.faults.append(Fault(str(current.relative_to(data)), "the current release's file is missing", remedy))
    told_secret, own = known.get("secret"), data / "secret"
    # Of a secret that is not as it was only that is told: every release would seem to be another.
    sound = own.is_file() and (told_secret is None or digest(own).sha256 == told_secret.sha256)
    mark = secret(data) if sound else None
    for path in sorted(pointer.folder(data).glob("release-*.duckdb")):
        name = str(path.relative_to(data))
        report.files += 1
        report.bytes += path.stat().st_size
        named = told.current if told is not None and path == current else None
        problem = _release(path, known.get(name), named, mark)
        if problem is not None:
            remedy = "remove this file and run `biodata release`" if path == current else "remove this file"
            report.faults.append(Fault(name, problem, remedy))
        elif name not in known:
            checksums.record(data, {name: path})
            report.recorded.append(name)


def _release(path: Path, told: Checksum | None, named: pointer.Named | None, mark: bytes | None) -> str | None:
    """Return what is wrong with a release's file."""
    if told is not None and digest(path).sha256 != told.sha256:
        return "it is not as it was written"
    try:
        with connect(path) as connection:
            info = dict(connection.execute("SELECT key, value FROM release_info").fetchall())
            if info["format"] != RELEASE_FORMAT:
                return "it was made by another version of biodata"
            content = info["content_hash"]
            if mark is not None:
                content = content_hash(connection, boundaries=info["boundaries"], secret=mark)
    except (StoreError, duckdb.Error) as error:
        return f"it cannot be read: {str(error).splitlines()[0]}"
    snapshot = int(info["snapshot"])
    if content != info["content_hash"]:
        return "its rows are not those that it was made of"
    if not path.stem == f"release-{info['id']}" == f"release-{release_id(snapshot, info['rules_hash'], content)}":
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
            report.files += 1
            report.bytes += path.stat().st_size
            if not _is_whole(path):
                report.faults.append(
                    Fault(str(path.relative_to(data)), "it is not what was taken of an upload", RESTORE)
                )
        elif _UPLOAD.fullmatch(path.stem):
            report.files += 1
            report.bytes += path.stat().st_size
            if _content(data, path) != path.stem:
                remedy = f"ask for the file again, or {RESTORE}"
                report.faults.append(Fault(str(path.relative_to(data)), "it is not what was uploaded", remedy))


def _is_whole(path: Path) -> bool:
    """Tell whether every member of a zip that we wrote has its checksum."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except BROKEN_ZIP:
        return False


def _content(data: Path, path: Path) -> str | None:
    """Return the SHA-256 of an upload; None of a sealed one that cannot be opened."""
    if path.suffix != survey_files.SEALED:
        return digest(path).sha256
    try:
        return survey_files.digest_of(data, [path])
    except (StoreError, OSError):
        return None


def _changed(path: Path, told: Checksum | None) -> str | None:
    """Return what is wrong with the registry's pages."""
    found = checksums.registry_state(path)
    if told is None or told.version is None:
        return None
    if found is None or found.version is None:
        return "its tables are gone"
    if found.version < told.version:
        return f"it had {told.version} changes and has {found.version}: some are lost"
    if found.version == told.version and found.sha256 != told.sha256:
        return "a part of it was changed since it was written"
    return None


def _registry(settings: Settings, known: dict[str, Checksum], report: VerifyReport) -> None:
    """Check the registry: its structure, its references, that every row can be read, and the audit chain."""
    name = "the registry"
    try:
        if settings.registry_url is None:
            path, name = settings.data / folders.REGISTRY, folders.REGISTRY
            if not path.exists():
                return
            report.files += 1
            report.bytes += path.stat().st_size
            verify_lake.sound(path)
            problem = _changed(path, known.get(name))
            if problem is not None:
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
            broken = registry.first_broken_audit_entry()
            if broken is not None:
                report.faults.append(
                    Fault(name, f"audit entry {broken} was changed or is gone, or one before it is", RESTORE)
                )
            with registry.session(read_only=True) as session:
                for mapper in Base.registry.mappers:
                    for _ in session.scalars(select(mapper.class_).execution_options(yield_per=1000)):
                        session.expunge_all()
    except (sqlite3.Error, SQLAlchemyError, BiodataError, ValueError, TypeError) as error:
        report.faults.append(Fault(name, f"it cannot be read: {str(error).splitlines()[0]}", RESTORE))


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
        report.files += 1
        report.bytes += found.bytes
        if found.sha256 != sha256:
            report.faults.append(Fault(name, "it is not what was taken in", remedy))
