"""The registry on PostgreSQL: the tests of `either_registry`, and what is asked of a server."""

import threading
import time
from pathlib import Path

import psycopg
import pytest

from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import audit
from biodata.store.registry import Registry, open_engine
from cluster_servers import Postgres
from either_registry import EitherRegistry

pytestmark = pytest.mark.cluster


@pytest.fixture
def empty_settings(tmp_path: Path, postgres: Postgres) -> Settings:
    return Settings(data=tmp_path, registry_url=postgres.registry())


class TestPostgresql(EitherRegistry):
    """The tests of either registry, on PostgreSQL."""


def test_what_a_reader_sees_does_not_change_while_it_reads(registry: Registry):
    def count(session) -> int:
        return session.connection().exec_driver_sql("SELECT count(*) FROM audit").scalar()

    with registry.session(read_only=True) as reading:
        before = count(reading)
        with registry.session() as session, session.begin():
            audit.append(session, actor="a test", action="write", subject="x", details={})
        assert count(reading) == before
    with registry.session(read_only=True) as reading:
        assert count(reading) == before + 1


def test_a_second_writer_waits_for_the_first(registry: Registry):
    order: list[str] = []

    def second() -> None:
        with registry.session() as session, session.begin():
            session.connection()
            order.append("second")

    with registry.session() as session, session.begin():
        session.connection()
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_an_audit_entry_that_was_changed_is_found(registry: Registry, empty_settings: Settings):
    with registry.session() as session, session.begin():
        audit.append(session, actor="a test", action="write", subject="x", details={"label": "one"})
    assert registry.first_broken_audit_entry() is None
    assert empty_settings.registry_url is not None
    with psycopg.connect(empty_settings.registry_url, autocommit=True) as connection:
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE id = 1")
    assert registry.first_broken_audit_entry() == 1


def test_a_registry_whose_server_does_not_answer_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(StoreError, match=r"^the registry could not do it: [^\n]*$"):
        Registry.open(Settings(data=tmp_path, registry_url="postgresql://biodata@127.0.0.1:1/none"))


def test_a_driver_that_is_not_installed_is_named_with_what_to_install():
    with pytest.raises(StoreError, match=r"biodata\[cluster\]"):
        open_engine("nosuch://somewhere/registry")
