"""Checksums of the files that never change, in ``checksums.sqlite``: put down when a file is written, before it counts."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from biodata.core.errors import StoreError

FILE: Final = "checksums.sqlite"
SEALED: Final = "lake.sqlite"
"""The lake's catalogue: it changes with every version, so its checksum is that of one version."""
REGISTRY: Final = "registry.sqlite"
BEFORE: Final = " (before)"
"""Ends the entry of a file's content before the one that is just put in its place."""

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS file (
        path TEXT PRIMARY KEY, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, version INTEGER, own TEXT NOT NULL
    )
"""
_BUSY_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Checksum:
    """What is put down of a file.

    Attributes
    ----------
    bytes : int
        Its size.
    sha256 : str
        Of its content.
    version : int, optional
        The lake's version that it belongs to; of the catalogue only.
    sound : bool
        False where the entry itself was damaged.
    """

    bytes: int
    sha256: str
    version: int | None = None
    sound: bool = True


def digest(path: Path) -> Checksum:
    """Return size and SHA-256 of a file as it is on disk now."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
        return Checksum(file.tell(), found)


def read(data: Path) -> dict[str, Checksum]:
    """Return every entry by the file's path below the installation's folder.

    Raises
    ------
    StoreError
        If the entries cannot be read.
    """
    if not (data / FILE).exists():
        return {}
    with _open(data) as connection:
        rows = connection.execute("SELECT path, bytes, sha256, version, own FROM file").fetchall()
    return {
        path: Checksum(size, sha256, version, sound=own == _own(path, size, sha256, version))
        for path, size, sha256, version, own in rows
    }


def record(data: Path, files: Mapping[str, Path]) -> None:
    """Put down the checksums of files, by the path that each has or will have below the installation's folder."""
    with ThreadPoolExecutor(2) as pool:
        write(data, dict(zip(files, pool.map(digest, files.values()), strict=True)))


def record_new_lake_files(data: Path) -> None:
    """Put down the checksums of the lake's files that have none yet, those of DuckLake's own making among them.

    Called under the writer's lock before a commit counts: its files are written by then, and later ones are not.
    """
    known = read(data)
    found = {str(path.relative_to(data)): path for path in (data / "lake").rglob("*.parquet")}
    new = {name: path for name, path in found.items() if name not in known}
    if "secret" not in known and (data / "secret").is_file():
        new["secret"] = data / "secret"
    if new:
        record(data, new)


def seal(data: Path) -> None:
    """Put down the checksum of the lake's catalogue as it is at its present version.

    The caller holds the writer's lock, and its process has no lake open: DuckDB has an SQLite of its own, and whoever
    closes a file takes the locks away that another SQLite of the same process has on it. Where somebody reads in the
    catalogue just now, its journal cannot be written back and this version has no seal.
    """
    if settle(data / SEALED):
        found = digest(data / SEALED)
        write(data, {SEALED: Checksum(found.bytes, found.sha256, version(data))})


def seal_registry(data: Path) -> bool:
    """Put down the checksum of the registry's SQLite file as it is after its last change; False where that is done."""
    found = registry_state(data / REGISTRY, known=read(data).get(REGISTRY))
    if found is not None:
        write(data, {REGISTRY: found})
    return found is not None


def registry_state(path: Path, *, known: Checksum | None = None) -> Checksum | None:
    """Return the checksum of the registry's pages, with the number of its last change for a version.

    SQLite itself gives the pages, those of its journal among them: a plain look into the file would take away the
    locks that other connections of this process have on it.

    Parameters
    ----------
    path : Path
        The file.
    known : Checksum, optional
        What was put down; where that is of the last change, or of a later one, nothing is read.
    """
    with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes'").fetchall():
            return None  # there was no room to make its tables: the next who opens it makes them
        row = connection.execute("SELECT count FROM changes WHERE id = 1").fetchone()
        if row is None or (known is not None and known.version is not None and known.version >= row[0]):
            return None
        pages = connection.serialize()
        connection.execute("ROLLBACK")
    return Checksum(len(pages), hashlib.sha256(pages).hexdigest(), row[0])


def version(data: Path) -> int:
    """Return the lake's version as its catalogue tells it."""
    with closing(sqlite3.connect(data / SEALED, isolation_level=None)) as connection:
        return int(connection.execute("SELECT max(snapshot_id) FROM ducklake_snapshot").fetchone()[0])


def settle(database: Path) -> bool:
    """Write a SQLite file's journal back into it; False where somebody reads in it."""
    with closing(sqlite3.connect(database, timeout=0.2, isolation_level=None)) as connection:
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def unseal(data: Path) -> None:
    """Take the catalogue's checksum away: what follows changes it without a new version."""
    forget(data, [SEALED])


def put_in_place(data: Path, part: Path, path: Path) -> None:
    """Give a file that was written aside the name of one that changes, and put its checksum down.

    Until it has its name both contents are good: a process that ends in between leaves no fault behind.

    Parameters
    ----------
    data : Path
        The folder whose checksums they are.
    part, path : Path
        The file as it was written, and the name that it gets.
    """
    name, new = path.relative_to(data).as_posix(), digest(part)
    before = read(data).get(name) if path.exists() else None
    if before is not None:
        write(data, {f"{name}{BEFORE}": before, name: new})
    part.replace(path)
    if before is not None:
        forget(data, [f"{name}{BEFORE}"])
    else:
        write(data, {name: new})


def remove(data: Path, path: Path) -> None:
    """Remove a file with its checksum; nothing where it is not there."""
    if path.exists():
        forget(data, [path.relative_to(data).as_posix()])
    path.unlink(missing_ok=True)


def forget_below(data: Path, folder: Path) -> None:
    """Remove the entries of the files of a folder that goes."""
    start = f"{folder.relative_to(data).as_posix()}/"
    forget(data, [name for name in read(data) if name.startswith(start)])


def seal_start(data: Path, path: Path) -> None:
    """Put down the checksum of a file that only grows as far as it goes now: what is added later leaves it good."""
    if path.is_file():
        write(data, {path.relative_to(data).as_posix(): digest(path)})


def forget(data: Path, names: Iterable[str]) -> None:
    """Remove the entries of files that are gone."""
    with _open(data) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("DELETE FROM file WHERE path = ?", [(name,) for name in names])
        connection.execute("COMMIT")


def write(data: Path, entries: Mapping[str, Checksum]) -> None:
    """Put down entries, in place of what there was of these files."""
    rows = [
        (name, c.bytes, c.sha256, c.version, _own(name, c.bytes, c.sha256, c.version)) for name, c in entries.items()
    ]
    with _open(data) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


@contextmanager
def _open(data: Path) -> Iterator[sqlite3.Connection]:
    """Open the file of checksums, durably; close it at the end."""
    try:
        (data / FILE).touch(0o600)  # SQLite itself would let everybody read it
        with closing(sqlite3.connect(data / FILE, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_TABLE)
            yield connection
    except sqlite3.Error as error:
        message = f"{FILE} could not be used: {error}"
        raise StoreError(message) from error


def _own(path: str, size: int, sha256: str, version: int | None) -> str:
    """Return the checksum of an entry itself."""
    return hashlib.sha256(f"{path}\n{size}\n{sha256}\n{version}".encode()).hexdigest()[:16]


_ROOT: Final = Path(__file__).resolve().parents[1]
_LEFT_OUT: Final = frozenset({"cli", "__pycache__"})
"""What no release depends on."""


@cache
def code_hash() -> str:
    """Return a SHA-256 over the code and data of the package, and over what DuckDB and Polars are installed."""
    found = hashlib.sha256(f"duckdb {duckdb.__version__}, polars {pl.__version__}".encode())
    for path in sorted(_ROOT.rglob("*")):
        inside = path.relative_to(_ROOT)
        if path.is_file() and not _LEFT_OUT & set(inside.parts):
            found.update(f"\n{inside.as_posix()}\n".encode())
            found.update(path.read_bytes())
    return found.hexdigest()
