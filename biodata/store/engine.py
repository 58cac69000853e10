"""How the registry is reached: SQLite made durable and unable to fail half-way, or another database by address."""

from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import NoSuchModuleError, OperationalError

from biodata.errors import StoreError

READS: Final = MappingProxyType({"biodata_reads": True})
"""Options of a connection whose transactions only read."""

_BUSY_SECONDS: Final = 10.0

_WRITER: Final = 7_160_201
"""The number of the advisory lock of whoever writes to a registry on PostgreSQL."""


def open_engine(url: str) -> Engine:
    """Return an engine whose SQLite connections are durable, check references and never fail half-way.

    Raises
    ------
    StoreError
        If nothing is installed here that reaches a database of this kind.
    """
    address = make_url(url)
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername="postgresql+psycopg")
    try:
        # A server that was started again has closed the connections that are kept here.
        engine = create_engine(address, pool_pre_ping=address.get_backend_name() != "sqlite")
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        message = f"the registry at {address.drivername} needs what is not installed: pip install 'biodata[cluster]'"
        raise StoreError(message) from error

    @event.listens_for(engine, "handle_error")
    def tell(context: ExceptionContext) -> None:
        # A full disk, a lock held too long, a server that is gone: no fault of the question.
        if isinstance(context.sqlalchemy_exception, OperationalError):
            message = f"the registry could not do it: {str(context.original_exception).splitlines()[0]}"
            raise StoreError(message) from context.original_exception

    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            # The driver's own transactions start at the first change only: two readers that then want to write fail.
            connection.isolation_level = None
            for pragma in (
                f"busy_timeout = {_BUSY_SECONDS * 1000:.0f}",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN" if _reads(connection) else "BEGIN IMMEDIATE")

    if engine.dialect.name == "postgresql":

        @event.listens_for(engine, "begin")
        def begin_alone(connection: Connection) -> None:
            if _reads(connection):
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            else:
                # What looks first and writes then relies on nobody else writing in between, as on SQLite.
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_BUSY_SECONDS:.0f}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")

    return engine


def _reads(connection: Connection) -> bool:
    """Return whether a connection's transactions only read."""
    return bool(connection.get_execution_options().get("biodata_reads", False))


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the tables; None where there are none."""
    if not inspect(connection).has_table("revision"):
        return None
    found: str | None = connection.scalar(text("SELECT number FROM revision"))
    return found
