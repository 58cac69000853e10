"""The registry: its tables, keys that are never kept, the audit chain, submissions settled after a crash."""

import sqlite3

import polars as pl
import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

import appointed
import leaks
from biodata.access import credentials
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import folders, models, private_reports, run_records
from biodata.store.registry import Registry
from either_registry import EitherRegistry


class TestSqlite(EitherRegistry):
    """The tests of either registry, on SQLite."""


def test_every_change_of_a_row_is_counted(registry: Registry):
    with registry.session(read_only=True) as session:
        connection = session.connection()
        count = connection.exec_driver_sql("SELECT count FROM changes").scalar()
        counted = connection.exec_driver_sql("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'")
        assert sorted(counted.scalars()) == sorted([*set(models.Base.metadata.tables) - {"changes"}] * 3)
    appointed.new(registry, "ana")
    with registry.session(read_only=True) as session:
        assert session.connection().exec_driver_sql("SELECT count FROM changes").scalar() == count + 2, (
            "it and its audit"
        )


def test_the_models_are_valid_on_postgresql():
    for table in models.Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_a_registry_of_another_version_is_not_opened(empty_settings: Settings):
    Registry.open(empty_settings).close()
    with sqlite3.connect(empty_settings.data / folders.REGISTRY) as connection:
        connection.execute("UPDATE revision SET number = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="another version of biodata"):
        Registry.open(empty_settings)


def test_a_file_that_is_no_registry_is_told_in_one_line(empty_settings: Settings):
    folders.open_service(empty_settings.data)
    (empty_settings.data / folders.REGISTRY).write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreError, match="cannot be opened") as caught:
        Registry.open(empty_settings)
    assert "\n" not in str(caught.value)


def test_sqlite_is_durable_and_checks_references(registry: Registry):
    with registry.session() as session:
        connection = session.connection()
        told = [connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")]
        assert told == ["wal", 2]
    with registry.session() as session:
        session.add(models.Submission(dataset="d", file_name="f", file_sha256="0" * 64, account_id=99))
        with pytest.raises(IntegrityError):
            session.commit()


def test_the_audit_chain_shows_what_was_changed_or_left_out(registry: Registry, empty_settings: Settings):
    for number in range(5):
        credentials.key_for_uploads(registry, f"team {number}")
    assert registry.first_broken_audit_entry() is None

    def alter(statement: str) -> int | None:
        path = empty_settings.data / folders.REGISTRY
        before = path.read_bytes()
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with Registry.open(empty_settings) as opened:
            found = opened.first_broken_audit_entry()
        path.write_bytes(before)
        return found

    with sqlite3.connect(empty_settings.data / folders.REGISTRY) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    registry.close()
    assert alter("""UPDATE audit SET details = '{"label": "somebody else"}' WHERE id = 3""") == 3
    assert alter("UPDATE audit SET actor = 'nobody' WHERE id = 1") == 1
    assert alter("DELETE FROM audit WHERE id = 4") == 4
    assert alter("DELETE FROM audit WHERE id >= 5") == 5, "the chain of what is left is whole; the heads beside it tell"
    assert alter("DELETE FROM audit") == 1


def test_the_service_finds_no_place_of_a_run_over_exact_records(empty_settings: Settings):
    cave = leaks.Place("cave", latitude=24.512341, longitude=106.412347)
    record = run_records.describe(
        "corridors",
        {"evidence_view": "exact", "box": [106.412347, 24.512341, 107.0, 25.0]},
        (run_records.RunInput("records", "0" * 64, "24.512341,106.412347.csv"),),
    )
    frame = pl.DataFrame({"decimalLatitude": [24.512341], "decimalLongitude": [106.412347]})
    kept = run_records.keep(
        empty_settings, record, {"corridors": frame}, notes=("one record at 24.512341, 106.412347",)
    )
    assert run_records.find(empty_settings, record.id) == kept
    assert leaks.scan_folder(empty_settings.data / "service", [cave]) == []
    assert leaks.scan_folder(empty_settings.data / "reports", [cave]) != [], "the scanner knows it"
    assert {(empty_settings.data / name).stat().st_mode & 0o777 for name in ("reports", "run_results")} == {0o700}


def test_what_a_run_told_is_not_where_the_service_reads(registry: Registry, empty_settings: Settings):
    told = {"snapshot": 4, "parameters": {"seed": 1, "resistance": "/layers/20.51234.tif"}, "records": 20.51234}
    private_reports.record_run(registry, empty_settings.data, "new-1", None, told)
    assert private_reports.run_reports(registry, empty_settings.data) == [told]
    with registry.session(read_only=True) as session:
        kept = [[str(value) for value in vars(run).values()] for run in session.scalars(select(models.Run))]
    assert "20.51234" not in str(kept)
    assert {path.stat().st_mode & 0o777 for path in (empty_settings.data / "reports").iterdir()} == {0o600}
    assert (empty_settings.data / "reports").stat().st_mode & 0o777 == 0o700
