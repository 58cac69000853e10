"""The registry: SQLite beside the lake by default, PostgreSQL by address; its tables are `store.models`."""

import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, Self

import polars as pl
from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import Closing, audit, checksums, folders, models, survey_steps
from biodata.store import account_models as account_models  # submissions refer to its tables
from biodata.store.lake import Lake
from biodata.store.models import Dataset, Ingest, Submission, now
from biodata.store.tables import DATASET

logger = logging.getLogger(__name__)

REVISION: Final = "1"
"""Of the tables. A registry of another one was made by another version of biodata, and is not opened by this one."""

SCOPE: Final = "scope"
"""The declaration of the taxon that a dataset is about."""


class DatasetFacts(Protocol):
    """What is stated about a dataset; `ingest.protocol.DatasetInfo` is one."""

    title: str | None
    license: str | None
    citation: str | None
    doi: str | None
    metadata: str | None


class Registry(Closing):
    """An installation's registry; open it with `Registry.open` and use it in a `with` block."""

    def __init__(self, engine: Engine, *, data: Path | None = None, heads: Path | None = None) -> None:
        self._engine = engine
        self._data = data
        self._heads = heads
        self._writing = sessionmaker(engine, expire_on_commit=False)
        if heads is not None:
            audit.keep_heads(self._writing, heads)
        self._reading = sessionmaker(engine.execution_options(**READS), expire_on_commit=False)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the registry, or make it.

        Parameters
        ----------
        settings : Settings
            `registry_url`, or `registry.sqlite` in the service's folder where none is given.

        Raises
        ------
        StoreError
            If it cannot be opened, or was made by another version of biodata.
        """
        try:
            folder = folders.open_service(settings.data)
        except OSError as error:
            message = f"the registry cannot be opened: {error}"
            raise StoreError(message) from error
        url = settings.registry_url or f"sqlite:///{(folder / checksums.REGISTRY).resolve()}"
        own = folder if settings.registry_url is None else None
        registry = cls(open_engine(url), data=own, heads=folder)
        try:
            registry._make(settings.data)
        except SQLAlchemyError as error:
            registry.close()
            message = f"the registry cannot be opened: {str(error).splitlines()[0]}"
            raise StoreError(message) from error
        except StoreError:
            registry.close()
            raise
        return registry

    def session(self, *, read_only: bool = False) -> Session:
        """Return a session; use ``with registry.session() as session, session.begin():``.

        Parameters
        ----------
        read_only : bool
            True for a transaction that only reads: on SQLite any other waits for the one writer from its start on, so
            that it never fails half-way.
        """
        return self._reading() if read_only else self._writing()

    def close(self) -> None:
        """Close every connection; a SQLite file that was changed is sealed."""
        self._engine.dispose()
        if self._data is not None:
            try:
                if checksums.seal_registry(self._data):
                    checksums.seal_start(self._data, self._data / audit.FILE)
            except (StoreError, OSError, sqlite3.Error) as error:
                logger.warning("the registry has no checksum in its present state: %s", error)

    def record_datasets(
        self, facts: Mapping[str, DatasetFacts], *, declarations: Mapping[str, str] | None = None
    ) -> None:
        """Put down what is stated about datasets, by key; what is stated this time replaces what was, silence keeps it."""
        with self.session() as session, session.begin():
            for key, dataset_facts in facts.items():
                dataset = session.get(Dataset, key)
                if dataset is None:
                    dataset = Dataset(key=key, first_ingested=now(), declarations={})
                    session.add(dataset)
                dataset.last_ingested = now()
                values = {
                    "title": dataset_facts.title,
                    "license": dataset_facts.license,
                    "citation": dataset_facts.citation,
                    "doi": dataset_facts.doi,
                    "eml": dataset_facts.metadata,
                    "declarations": {**_scope_of(dataset), **declarations} if declarations else None,
                }
                for name, value in values.items():
                    if value is not None:
                        setattr(dataset, name, value)

    def datasets(self) -> pl.DataFrame:
        """Return what a release tells of its datasets: key, title, license, citation, doi."""
        names = [name for name in terms.names(DATASET) if name != "count"]
        with self.session(read_only=True) as session:
            rows = [
                [getattr(d, name) for name in names] for d in session.scalars(select(Dataset).order_by(Dataset.key))
            ]
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")

    def scopes(self) -> dict[str, str]:
        """Return the taxon that datasets declare to be about, by key."""
        with self.session(read_only=True) as session:
            facts = {dataset.key: _scope_of(dataset) for dataset in session.scalars(select(Dataset))}
        return {key: declared[SCOPE] for key, declared in facts.items() if declared}

    def dataset_tables(self) -> dict[str, set[str]]:
        """Return the tables that something of each dataset was taken into."""
        found: dict[str, set[str]] = {}
        with self.session(read_only=True) as session:
            for key, table in session.execute(select(Ingest.dataset, Ingest.report["table"].as_string()).distinct()):
                found.setdefault(key, set()).add(table)
        return found

    def record_ingest(self, source: str, report: Mapping[str, Any]) -> int:
        """Keep the report of a table that was taken in; return its number."""
        with self.session() as session, session.begin():
            ingest = Ingest(source=source, dataset=report["dataset"], report=dict(report))
            session.add(ingest)
            session.flush()
            return ingest.id

    def record_release(
        self, release_id: str, *, snapshot: int, rules_hash: str, counts: Mapping[str, int],
        sensitive: Mapping[str, int] | None = None, withheld: Mapping[str, int] | None = None, actor: str = "biodata",
    ) -> None:  # fmt: skip
        """Put down that a release was made, how its sensitive records are stated, how many each list withholds.

        A second time is no news.
        """
        with self.session() as session, session.begin():
            if session.get(models.Release, release_id) is None:
                session.add(
                    models.Release(id=release_id, snapshot=snapshot, rules_hash=rules_hash, counts=dict(counts))
                )
                facts = {"snapshot": snapshot, "rules": rules_hash, "sensitive": dict(sensitive or {})}
                facts |= {"withheld": dict(withheld or {})}
                audit.append(session, actor=actor, action="release", subject=release_id, details=facts)

    def sensitive_counts(self, release_id: str) -> dict[str, dict[str, int]]:
        """Return what was put down of a release's records: by how they are stated, and by the list that withholds them.

        Returns
        -------
        dict
            sensitive, withheld: counts by name; empty where nothing was put down.
        """
        asked = select(models.AuditEntry.details).where(
            models.AuditEntry.action == "release", models.AuditEntry.subject == release_id
        )
        with self.session(read_only=True) as session:
            facts = dict(session.scalars(asked.order_by(models.AuditEntry.id).limit(1)).first() or {})
        return {name: dict(facts.get(name, {})) for name in ("sensitive", "withheld")}

    def first_broken_audit_entry(self) -> int | None:
        """Return the number of the first audit entry that was tampered with or is gone; None where all is well."""
        heads = audit.read_heads(self._heads) if self._heads is not None else {}
        with self.session(read_only=True) as session:
            found = audit.first_broken(session), audit.first_missing(session, heads)
        return min((number for number in found if number is not None), default=None)

    def reconcile(self, lake: Lake) -> list[int]:
        """Settle submissions whose process ended between registry and lake: committed where the lake has them.

        Each commit to the lake carries its submission's number, so the lake tells which of them arrived; the others are
        drafts again.

        Returns
        -------
        list of int
            Submissions that were settled.
        """
        with self.session(read_only=True) as session:
            waiting = session.scalars(select(Submission.id).where(Submission.state == "committing")).all()
        if not waiting:
            return []
        snapshots = lake.snapshots().filter(pl.col("extra").is_not_null())
        submission = pl.col("extra").str.json_path_match("$.submission").cast(pl.Int64, strict=False)
        arrived = dict(snapshots.select(submission, "snapshot").drop_nulls().iter_rows())
        with self.session() as session, session.begin():
            for found in session.scalars(select(Submission).where(Submission.id.in_(waiting)).order_by(Submission.id)):
                if found.id in arrived:
                    survey_steps.committed(session, found, snapshot=arrived[found.id])
                else:
                    # What its reviewers accepted stays accepted, and so does a removal, which nobody looks at; one that
                    # was never looked at is looked at again.
                    found.state = "draft" if found.sides is None and not found.removes else "accepted"
                logger.warning("submission %d was cut off; it is %s", found.id, found.state)
        return list(waiting)

    def _make(self, data: Path) -> None:
        """Make the tables of a new installation, which gets the sharing rules that are shipped.

        One whose lake has rows, or whose audit was begun, is not new: its registry was lost, and its rules with it.
        """
        with self._engine.execution_options(**READS).connect() as connection:
            revision = revision_of(connection)
        if revision == REVISION:
            return
        if revision is not None:
            message = f"the registry was made by another version of biodata: its tables are of revision {revision}, not {REVISION}"
            raise StoreError(message)
        begun = bool(self._heads and audit.read_heads(self._heads)) or any((data / "lake").rglob("*.parquet"))
        make_tables(self._engine, rules=not begun)
        if self._heads is not None:
            with self.session(read_only=True) as session:
                audit.begin_heads(session, self._heads)


def make_tables(engine: Engine, *, rules: bool) -> None:
    """Make the tables and write the first sharing rules, in one transaction; on SQLite every change of a row is counted."""
    from biodata.store import sharing_rules

    with engine.begin() as connection:
        if revision_of(connection) is not None:
            return  # another process was faster
        models.Base.metadata.create_all(connection)
        connection.execute(insert(models.Revision).values(number=REVISION))
        connection.execute(insert(models.SharingMemory).values(id=1, digest="", waiting={}))
        if engine.dialect.name == "sqlite":
            connection.execute(insert(models.Changes).values(id=1, count=1))
            for table in set(models.Base.metadata.tables) - {models.Changes.__tablename__}:
                for event in ("insert", "update", "delete"):
                    name = f'"counted_{table}_{event}" AFTER {event} ON "{table}"'
                    count = "UPDATE changes SET count = count + 1 WHERE id = 1"
                    connection.exec_driver_sql(f"CREATE TRIGGER {name} BEGIN {count}; END")
        if rules:
            with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
                sharing_rules.write_first(session)


def _scope_of(dataset: Dataset) -> dict[str, str]:
    """Return the declared scope of a dataset, which an ingest keeps."""
    return {name: value for name, value in dataset.declarations.items() if name == SCOPE}


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
    def refuse_in_words(context: ExceptionContext) -> None:
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
