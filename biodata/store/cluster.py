"""Where several machines share a lake: its catalogue on PostgreSQL, its files on S3-compatible storage.

An installation's folder says so itself, in ``cluster.json``: a process that was started without some setting cannot make
a lake of its own beside the shared one. Neither password nor key stands there: PostgreSQL's come as libpq finds them
(``PGPASSWORD``, ``~/.pgpass``), the storage's from the environment (`Storage`).
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from biodata.core.errors import InputError, StoreError
from biodata.store import failing_as

if TYPE_CHECKING:
    import psycopg
    from pyarrow.fs import SubTreeFileSystem

FILE: Final = "cluster.json"
_LOCAL: Final = "lake.sqlite"
_CATALOGUE: Final = re.compile(r"^postgres(ql)?(\+psycopg)?://")


_ADDRESS: Final = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.)[\w.-]+)*/?$")
_ENDPOINT: Final = re.compile(r"^https?://[A-Za-z0-9.-]{1,253}(:\d{1,5})?$")
_PIECE: Final = 8 * 1024 * 1024
"""Bytes of a file that are in memory at once."""


@dataclass(frozen=True)
class Storage:
    """A folder of a bucket; its key comes from ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.

    Attributes
    ----------
    address : str
        `s3://bucket` or `s3://bucket/folder`.
    endpoint : str, optional
        Address of the service; Amazon's where none is given.
    region : str
        The bucket's region.
    """

    address: str
    endpoint: str | None = None
    region: str = "us-east-1"

    def __post_init__(self) -> None:
        """Refuse what is no address.

        Raises
        ------
        InputError
            With STORAGE_INVALID.
        """
        for value, form, expected in (
            (self.address, _ADDRESS, "s3://bucket/folder"),
            (self.endpoint, _ENDPOINT, "https://storage.example.org:9000"),
        ):
            if value is not None and not form.match(value):
                problem = "this is no address of a storage"
                raise InputError(problem, value=value, expected=expected, code="STORAGE_INVALID")

    @property
    def root(self) -> str:
        """The address with a stroke at its end."""
        return self.address.rstrip("/") + "/"

    @property
    def keys(self) -> tuple[str, str]:
        """The key and its secret.

        Raises
        ------
        StoreError
            If the environment has none.
        """
        try:
            return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        except KeyError as error:
            message = f"the storage needs {error.args[0]} in the environment"
            raise StoreError(message) from error

    @cached_property
    def _files(self) -> "SubTreeFileSystem":
        from pyarrow.fs import S3FileSystem, SubTreeFileSystem

        key, secret = self.keys
        scheme, _, host = (self.endpoint or "").partition("://")
        service = S3FileSystem(
            access_key=key, secret_key=secret, region=self.region,
            endpoint_override=host or None, scheme="http" if scheme == "http" else "https",
        )  # fmt: skip
        return SubTreeFileSystem(self.root.removeprefix("s3://"), service)

    def put(self, path: Path, name: str) -> None:
        """Store a file of this machine under a name: whoever asks meanwhile gets what was there before.

        Raises
        ------
        StoreError
            If the storage does not take it.
        """
        with _answering(), path.open("rb") as file, self._files.open_output_stream(name) as stored:
            shutil.copyfileobj(file, stored, _PIECE)

    def put_bytes(self, content: bytes, name: str) -> None:
        """Store some bytes under a name, as `put` does a file."""
        with _answering(), self._files.open_output_stream(name) as stored:
            stored.write(content)

    def fetch(self, name: str, path: Path) -> None:
        """Write what is stored under a name into a file of this machine, durably.

        Raises
        ------
        StoreError
            If there is nothing, or the storage does not answer.
        """
        with _answering(), self._files.open_input_stream(name) as stored, path.open("wb") as file:
            shutil.copyfileobj(stored, file, _PIECE)
            file.flush()
            os.fsync(file.fileno())

    def read(self, name: str) -> bytes | None:
        """Return what is stored under a name; None where there is nothing.

        Raises
        ------
        StoreError
            If the storage does not answer.
        """
        with _answering():
            try:
                with self._files.open_input_stream(name) as stored:
                    return bytes(stored.read())
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the size of everything that is stored below a folder, by name.

        Raises
        ------
        StoreError
            If the storage does not answer.
        """
        from pyarrow.fs import FileSelector, FileType

        with _answering():
            found = self._files.get_file_info(FileSelector(folder, allow_not_found=True, recursive=True))
        return {one.path: one.size for one in found if one.type is FileType.File}

    def remove(self, name: str) -> None:
        """Remove what is stored under a name; nothing where there is nothing.

        Raises
        ------
        StoreError
            If the storage does not do it.
        """
        with _answering(), suppress(FileNotFoundError):
            self._files.delete_file(name)


def _answering() -> AbstractContextManager[None]:
    """Turn what a storage complains of into one line."""
    return failing_as("the storage does not answer", OSError)


@dataclass(frozen=True)
class Cluster:
    """A catalogue and a storage that several machines share.

    Attributes
    ----------
    catalogue : str
        Address of a PostgreSQL database: `postgresql://biodata@db.example.org/lake`.
    storage : Storage
        Where the files lie.
    """

    catalogue: str
    storage: Storage

    def __post_init__(self) -> None:
        """Refuse what is no address.

        Raises
        ------
        InputError
            With CLUSTER_INVALID.
        """
        if not _CATALOGUE.match(self.catalogue):
            problem, expected = "this is no address of a shared catalogue", "postgresql://user@host/database"
            raise InputError(problem, value=self.catalogue, expected=expected, code="CLUSTER_INVALID")

    @property
    def libpq(self) -> str:
        """The catalogue's address as PostgreSQL's own library reads it."""
        return _CATALOGUE.sub("postgresql://", self.catalogue)


def cluster_of(data: Path) -> Cluster | None:
    """Return what an installation shares with other machines; None where its lake lies in its own folder.

    Raises
    ------
    StoreError
        If ``cluster.json`` cannot be read.
    """
    try:
        content = json.loads((data / FILE).read_text(encoding="utf-8"))
        return Cluster(content["catalogue"], Storage(**content["storage"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, InputError) as error:
        message = f"{FILE} does not say where the shared lake lies: {error}"
        raise StoreError(message) from error


def join(data: Path, shared: Cluster) -> None:
    """Let an installation's folder use a shared lake.

    Parameters
    ----------
    data : Path
        The installation's folder; nothing is changed where it uses that lake already.
    shared : Cluster

    Raises
    ------
    InputError
        If the folder has a lake of its own, or shares another.
    StoreError
        If catalogue or storage do not answer.
    """
    known = cluster_of(data)
    if known == shared:
        return
    if lake_exists(data):
        problem = "this installation has a lake already"
        raise InputError(problem, value=str(data), expected="a new folder", code="CLUSTER_INVALID")
    made_already(shared)
    shared.storage.sizes("")
    data.mkdir(parents=True, exist_ok=True)
    part = data / f"{FILE}.part"
    part.write_text(json.dumps(asdict(shared), indent=1), encoding="utf-8")
    part.chmod(0o600)
    part.replace(data / FILE)


def lake_exists(data: Path) -> bool:
    """Return whether an installation has a lake, or shares one."""
    return (data / _LOCAL).exists() or (data / FILE).exists()


def made_already(shared: Cluster) -> bool:
    """Return whether a shared catalogue has tables.

    Raises
    ------
    StoreError
        If it does not answer.
    """
    with connected(shared.libpq) as connection:
        found = connection.execute("SELECT to_regclass('ducklake_metadata') IS NOT NULL").fetchone()
    return bool(found and found[0])


@contextmanager
def connected(address: str) -> Iterator["psycopg.Connection[Any]"]:
    """Connect to a PostgreSQL database; each statement is a transaction of its own.

    Raises
    ------
    StoreError
        If it does not answer, or nothing is installed that asks it.
    """
    try:
        import psycopg
    except ModuleNotFoundError as error:
        message = "what machines share needs what is not installed: pip install 'biodata[cluster]'"
        raise StoreError(message) from error
    with failing_as("the shared database does not answer", psycopg.Error):
        connection = psycopg.connect(address, autocommit=True, connect_timeout=10, keepalives_idle=30)
    with connection:
        yield connection
