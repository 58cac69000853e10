"""DuckDB: where its extensions are found, how connections are made, and the hardened way to open a release."""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
from polars.datatypes import DataTypeClass

from biodata.core.errors import StoreError
from biodata.store import failing_as, folders, pointer

_SQL_TYPES: Final = (
    (pl.Int64, "BIGINT"), (pl.Int32, "INTEGER"), (pl.Float64, "DOUBLE"), (pl.String, "VARCHAR"),
    (pl.Boolean, "BOOLEAN"), (pl.Date, "DATE"), (pl.Datetime("us"), "TIMESTAMP"), (pl.Binary, "BLOB"),
)  # fmt: skip

_NO_DOWNLOADS: Final = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}

_CHECKED_BEFORE: Final = {**_NO_DOWNLOADS, "allow_unsigned_extensions": "true"}
"""For connections that load what `_checked` has looked at; DuckDB would read all of it at each connection again."""

_NO_BAR: Final = "SET enable_progress_bar = false"
"""DuckDB draws the progress of a query of more than two seconds on standard output, amid a command's JSON."""

_STORAGE: Final = "v1.5.0"
"""The oldest DuckDB that reads what we write."""

_SPILL_START: Final = "duckdb-"
_SPILL_KEPT_SECONDS: Final = 3600

BASE: Final = "base"
"""What the whole file is called that a release's file differs from."""

ATTACHED: Final = "release"
"""What `connect_exporting` calls the release."""

_ONE_OPENS: Final = threading.Lock()
"""A second connection to a path meets the instance of the first, whose settings are locked, or just being made."""


def quote(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as a quoted SQL string.

    For statements that take no parameters (ATTACH, SET, COPY), and those of every ingest: at its first parameter DuckDB
    imports pandas, which takes longer than a survey's whole ingest.
    """
    return "'" + text.replace("'", "''") + "'"


def sql_type(dtype: pl.DataType | DataTypeClass) -> str:
    """Return the DuckDB type that holds a column of this Polars type.

    Parameters
    ----------
    dtype : polars data type
        As it stands in `biodata.core.terms`.

    Returns
    -------
    str
        For example ``VARCHAR[]`` for a list of strings.

    Raises
    ------
    StoreError
        If the store has no column of this type.
    """
    if isinstance(dtype, pl.List):
        return f"{sql_type(dtype.inner)}[]"
    if isinstance(dtype, pl.Struct):
        fields = ", ".join(f"{quote(field.name)} {sql_type(field.dtype)}" for field in dtype.fields)
        return f"STRUCT({fields})"
    for known, name in _SQL_TYPES:
        if dtype == known:
            return name
    message = f"the store has no column type for {dtype}"
    raise StoreError(message)


def extension_path(name: str) -> Path:
    """Return the file of a DuckDB extension inside its installed wheel.

    Parameters
    ----------
    name : str
        ducklake, spatial, sqlite_scanner or postgres_scanner.

    Raises
    ------
    StoreError
        If the wheel is not installed or was built for another DuckDB.
    """
    spec = find_spec(f"duckdb_extension_{name}")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        for file in Path(folder).glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension"):
            return file
    message = (
        f"the DuckDB extension {name!r} for DuckDB {duckdb.__version__} is not installed; "
        f"install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    )
    raise StoreError(message)


@cache
def _checked(name: str) -> Path:
    """Return the file of an extension whose signature DuckDB found right, once a process: that reads up to 80 MB."""
    path = extension_path(name)
    with duckdb.connect(":memory:", config={**_NO_DOWNLOADS}) as connection:
        connection.execute(_NO_BAR)
        connection.execute(f"LOAD {literal(str(path))}")
    return path


def load_extensions(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Load extensions from their wheels, their signatures checked; nothing is downloaded or written."""
    for name in names:
        connection.execute(f"LOAD {literal(str(_checked(name)))}")


def workshop(
    path: Path | None = None, *, spill: Path, memory_limit: str = "2GB", threads: int | None = None,
    extensions: tuple[str, ...] = (), row_group_rows: int | None = None,
) -> duckdb.DuckDBPyConnection:  # fmt: skip
    """Open a connection that builds or analyses: it may write and read files, and never serves requests.

    Parameters
    ----------
    path : Path, optional
        A database file to write; in memory where none is given.
    spill : Path
        Where larger sorts and joins get a folder of their own.
    memory_limit : str
        As DuckDB writes it (``2GB``).
    threads : int, optional
        DuckDB's own choice where none is given.
    extensions : tuple of str
        Loaded from their wheels.
    row_group_rows : int, optional
        Rows that share a zone map in the file at `path`, a multiple of 2,048; DuckDB's own 122,880 where none is given.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        **_CHECKED_BEFORE,
        "memory_limit": memory_limit,
        # The system keeps what was read of files, too: here it would fill the limit and never be given back.
        "enable_external_file_cache": False,
        "temp_directory": _spill_folder(spill, secrets.token_hex(4)),
        # Polars keeps text as views: it takes over those of DuckDB, and copies any other form, a quarter of the time of reading.
        "produce_arrow_string_view": True,
        "arrow_output_version": "1.4",
    }
    if threads is not None:
        config["threads"] = str(threads)
    attached = path is not None and row_group_rows is not None
    connection = duckdb.connect(str(path) if path and not attached else ":memory:", config=config)
    connection.execute(_NO_BAR)
    load_extensions(connection, *extensions)
    if attached:
        # The size of row groups can only be stated where a file is attached. DuckDB writes for version 1.0 where no other is stated;
        # measured, today's compression of text writes in half and reads in half to all of the time, in 1.3 times the room.
        options = f"ROW_GROUP_SIZE {row_group_rows}, STORAGE_VERSION {literal(_STORAGE)}"
        connection.execute(f"ATTACH {literal(str(path))} AS made ({options})")
        connection.execute("USE made")
    return connection


def _spill_folder(root: Path, name: str) -> str:
    """Return a folder that one database of one process may spill to.

    Two that share one write over each other's files (seen: "could not read enough bytes"), and DuckDB makes the last
    level only.
    """
    with suppress(OSError):  # only a question too large for memory needs it, and says so then
        root.parent.mkdir(mode=0o750, parents=True, exist_ok=True)  # the service's folder, as `folders` makes it
        root.mkdir(exist_ok=True)
    return str(root / f"{_SPILL_START}{os.getpid()}-{name}")


def sweep_spills(root: Path) -> None:
    """Remove what killed processes had spilled, once it is an hour old."""
    for folder in root.glob(f"{_SPILL_START}*"):
        owner = folder.name.removeprefix(_SPILL_START).split("-")[0]
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _SPILL_KEPT_SECONDS and not _runs(owner):
                shutil.rmtree(folder, ignore_errors=True)


def _runs(process: str) -> bool:
    """Return whether a process of this number runs."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def connect(
    path: Path, *, memory_limit: str = "1GB", threads: int = 1, spill: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a release for serving: read-only and hardened; the one function that opens releases.

    After it returns, the connection reaches no other file, loads nothing and its settings are locked. DuckDB keeps
    one instance a path and process, so the same release must always be opened with the same settings.

    Parameters
    ----------
    path : Path
        The release's file; its sorts spill to the folder ``tmp`` of the same installation's service.
    memory_limit : str
        As DuckDB writes it (``1GB``).
    threads : int
        Threads of one query.
    spill : Path, optional
        Another folder to spill to, for a file that is not in its place yet.

    Raises
    ------
    StoreError
        If the file is no database that this DuckDB reads.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        **_CHECKED_BEFORE,
        "memory_limit": memory_limit,
        "threads": str(threads),
        "temp_directory": _spill_folder(spill or folders.service(path.parent.parent) / "tmp", path.stem),
    }
    with _ONE_OPENS:
        with failing_as(f"{path.name} cannot be opened as a release", duckdb.Error):
            connection = duckdb.connect(str(path), read_only=True, config=config)
        if not connection.execute("SELECT current_setting('lock_configuration')").fetchall()[0][0]:
            _make_ready(connection, path)
        else:
            connection = connection.cursor()  # which draws no bar: no setting can be made any more
    return connection


def _make_ready(connection: duckdb.DuckDBPyConnection, path: Path, *, attached: str | None = None) -> None:
    """Attach what a release's file stands on, load what is asked of it, and lock it; close it where that fails."""
    try:
        connection.execute(_NO_BAR)
        load_extensions(connection, "spatial")
        if attached is not None:
            connection.execute(f"ATTACH {literal(str(path))} AS {attached} (READ_ONLY)")
        attach_base(connection, path, attached=attached)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        connection.close()
        message = f"{path.name} cannot be opened as a release: {str(error).splitlines()[0]}"
        raise StoreError(message) from error


def attach_base(connection: duckdb.DuckDBPyConnection, path: Path, *, attached: str | None = None) -> None:
    """Attach the whole file that a release's file differs from, as `BASE`; nothing where it is whole itself."""
    if not path.name.endswith(pointer.DELTA):
        return
    table = "release_info" if attached is None else f"{attached}.release_info"
    ((base,),) = connection.execute(f"SELECT value FROM {table} WHERE key = 'base'").fetchall()  # noqa: S608 - our own name
    try:
        connection.execute(_attach(pointer.base_path(path.parent, base)))
    except duckdb.IOException:  # its name changes once, when its own release goes
        connection.execute(_attach(pointer.base_path(path.parent, base)))


def joined(table: str, columns: Sequence[str], *, gone: bool, signed: bool = False) -> str:
    """Return the query for a table of a file that differs from a base: the base's rows without those gone, then its own.

    Parameters
    ----------
    table : str
        Its name.
    columns : sequence of str
        Its columns. `rowid` among them is the base's, and behind those of the base the place of the row in this file: so a
        page and its cursor ask it as they ask a table. The latter stands there as a column: with a condition on an
        expression of `rowid` the spatial extension 1.5.5 fails.
    gone : bool
        Leave out those of the base that are gone.
    signed : bool
        Give all rows of both with the column `sign`: those of the base that are gone stand in this file once more, as -1.
    """
    names = [
        ", ".join(quote(name) if name != "rowid" else text for name in columns)
        for text in ("b.rowid AS rowid", "place AS rowid")
    ]
    counted = (", 1 AS sign", ", sign") if signed else ("", "")
    without = f" ANTI JOIN {table}_gone g ON b.rowid = g.place" if gone else ""
    own = " WHERE sign > 0" if not signed and table == "occurrences" else ""
    return (
        f"SELECT {names[0]}{counted[0]} FROM {BASE}.{quote(table)} b{without} "  # noqa: S608 - our own names, quoted
        f"UNION ALL SELECT {names[1]}{counted[1]} FROM {table}_delta{own}"
    )


def base_of(path: Path) -> tuple[str, Path]:
    """Return the id and the whole file that a release's file differs from; its own where it is whole.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    if not path.name.endswith(pointer.DELTA):
        return pointer.release_of(path), path
    query = "SELECT value FROM alone.release_info WHERE key = 'base'"
    failing = failing_as(f"{path.name} cannot be opened as a release", duckdb.Error, IndexError)
    with failing, duckdb.connect(":memory:", config={**_NO_DOWNLOADS}) as connection:
        connection.execute(f"ATTACH {literal(str(path))} AS alone (READ_ONLY)")
        base = str(connection.execute(query).fetchall()[0][0])
    return base, pointer.base_path(path.parent, base)


def _attach(base: Path) -> str:
    return f"ATTACH {literal(str(base))} AS {BASE} (READ_ONLY)"


@contextmanager
def held_open(path: Path, *, spill: Path | None = None) -> Iterator[None]:
    """Keep a release open for the length of a `with` block: each `connect` of this process is then a matter of a moment.

    Where it cannot be opened whoever connects hears of it.
    """
    try:
        connection = connect(path, spill=spill)
    except StoreError:
        yield
        return
    with connection:
        yield


def connect_exporting(path: Path, *, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    """Open a release for an export: read-only and hardened as in `connect`.

    The release is attached to an instance of its own, so that its settings need not be those of who serves it in the
    same process. Each cursor says ``USE`` with the name `ATTACHED` first.

    Parameters
    ----------
    path : Path
        The release's file.
    memory_limit : str
        As DuckDB writes it (``1GB``).
    threads : int
        Threads of one statement.

    Raises
    ------
    StoreError
        If the file is no database that this DuckDB reads.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        **_CHECKED_BEFORE,
        "memory_limit": memory_limit,
        "threads": str(threads),
        "temp_directory": _spill_folder(folders.service(path.parent.parent) / "tmp", secrets.token_hex(4)),
    }
    connection = duckdb.connect(":memory:", config=config)
    _make_ready(connection, path, attached=ATTACHED)
    return connection
