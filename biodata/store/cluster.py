"""Where several machines share a lake: its catalogue on PostgreSQL, its files on S3-compatible storage.

An installation's folder says so itself, in ``cluster.json``: a process that was started without some setting cannot make
a lake of its own beside the shared one. Neither password nor key stands there: PostgreSQL's come as libpq finds them
(``PGPASSWORD``, ``~/.pgpass``), the storage's from the environment (`store.storage`).
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from biodata.core.errors import InputError, StoreError
from biodata.store.storage import Storage

if TYPE_CHECKING:
    import psycopg

FILE: Final = "cluster.json"
_LOCAL: Final = "lake.sqlite"
_CATALOGUE: Final = re.compile(r"^postgres(ql)?(\+psycopg)?://")


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


def libpq_address(address: str) -> str | None:
    """Return the address of a PostgreSQL database as its own library reads it; None for one of another kind."""
    return _CATALOGUE.sub("postgresql://", address) if _CATALOGUE.match(address) else None


def cluster_of(data: Path) -> Cluster | None:
    """Return what an installation shares with other machines; None where its lake lies in its own folder.

    Raises
    ------
    StoreError
        If ``cluster.json`` cannot be read.
    """
    try:
        told = json.loads((data / FILE).read_text(encoding="utf-8"))
        return Cluster(told["catalogue"], Storage(**told["storage"]))
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
    try:
        connection = psycopg.connect(address, autocommit=True, connect_timeout=10, keepalives_idle=30)
    except psycopg.Error as error:
        message = f"the shared database does not answer: {str(error).splitlines()[0]}"
        raise StoreError(message) from error
    with connection:
        yield connection
