"""How the registry is reached: SQLite made durable and unable to fail half-way, or another database by address."""

from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError

from biodata.errors import StoreError

READS: Final = MappingProxyType({"biodata_reads": True})
"""Options of a connection whose transactions only read."""

_BUSY_SECONDS: Final = 10.0


def open_engine(url: str) -> Engine:
    """Return an engine whose SQLite connections are durable, check references and never fail half-way."""
    engine = create_engine(url)

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
            reads = connection.get_execution_options().get("biodata_reads", False)
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the tables; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
