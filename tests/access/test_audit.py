"""The audit log: told by actor, action and time, written out, checked against the heads beside it and noted elsewhere."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from biodata.access import audit_log, credentials
from biodata.cli import app
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import audit, folders
from biodata.store.registry import Registry


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data" / "lake").mkdir(parents=True)
    return Settings(data=tmp_path / "data")


@pytest.fixture
def registry(settings: Settings):
    with Registry.open(settings) as opened:
        for team in ("Nam Ha", "Xishuangbanna"):
            credentials.key_for_uploads(opened, team)
        yield opened


def test_entries_are_found_by_who_what_and_when(registry: Registry):
    found = list(audit_log.entries(registry, audit_log.Wanted()))
    assert [entry["number"] for entry in found] == list(range(1, len(found) + 1))
    keys = list(audit_log.entries(registry, audit_log.Wanted(action="api key made")))
    assert len(keys) == 2
    assert list(audit_log.entries(registry, audit_log.Wanted(action="api key made"), newest=1)) == keys[1:]
    later = datetime.now(UTC) + timedelta(hours=1)
    assert not list(audit_log.entries(registry, audit_log.Wanted(since=later)))
    assert len(list(audit_log.entries(registry, audit_log.Wanted(until=later)))) == len(found)


def test_a_log_that_was_shortened_is_found_out_by_its_heads_or_by_one_noted_elsewhere(
    registry: Registry, settings: Settings
):
    number, told = audit_log.head(registry)
    assert audit_log.verify(settings, registry, noted=f"{number}:{told}") == number
    with sqlite3.connect(settings.data / folders.REGISTRY) as connection:
        connection.execute("DELETE FROM audit WHERE id = ?", (number,))
    with pytest.raises(StoreError, match=f"audit entry {number} was changed or is gone"):
        audit_log.verify(settings, registry)
    heads = folders.service(settings.data) / audit.FILE
    heads.write_text("".join(heads.read_text().splitlines(keepends=True)[:-1]))
    audit_log.verify(settings, registry)
    with pytest.raises(StoreError, match=f"audit entry {number} "):
        audit_log.verify(settings, registry, noted=f"{number}:{told}")
    with pytest.raises(InputError, match="no head"):
        audit_log.verify(settings, registry, noted="7")


def test_what_was_not_committed_has_no_head(registry: Registry, settings: Settings):
    before = audit.read_heads(folders.service(settings.data))
    with registry.session() as session:
        audit.append(session, actor="a test", action="write", subject="x", details={})
        session.rollback()
    assert audit.read_heads(folders.service(settings.data)) == before
    with registry.session() as session, session.begin():
        audit.append(session, actor="a test", action="write", subject="x", details={})
    assert len(audit.read_heads(folders.service(settings.data))) == len(before) + 1
    assert registry.first_broken_audit_entry() is None


def test_a_head_that_was_cut_off_is_none(registry: Registry, settings: Settings):
    heads = folders.service(settings.data) / audit.FILE
    heads.write_text(heads.read_text() + "\n99 0123")
    assert registry.first_broken_audit_entry() is None
    credentials.key_for_uploads(registry, "another")
    assert registry.first_broken_audit_entry() is None


def test_the_command_tells_writes_and_checks(registry: Registry, settings: Settings, tmp_path: Path):
    def run(*words: str):
        return CliRunner().invoke(app, ["audit", *words, "--data", str(settings.data)])

    assert "api key made" in run("list").stdout
    assert json.loads(run("list", "--json", "--newest", "1").stdout)["hash"] == run("head").stdout.strip()[-64:]
    out = tmp_path / "log.jsonl"
    assert "entries in" in run("list", "--out", str(out)).stdout
    assert {json.loads(line)["number"] for line in out.read_text().splitlines()} >= {1, 2}
    assert "none changed and none gone" in run("verify").stdout
    with sqlite3.connect(settings.data / folders.REGISTRY) as connection:
        connection.execute("UPDATE audit SET subject = 'other' WHERE id = 2")
    failed = run("verify")
    assert failed.exit_code == 1
    assert "audit entry 2 " in str(failed.exception)
