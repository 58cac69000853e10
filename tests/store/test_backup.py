"""Backup and restore: the drill, what is refused, and that a backup grows by what is new."""

import json
import shutil
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import models, releases, survey_steps
from biodata.store.backup import backup, restore
from biodata.store.folders import secret
from biodata.store.lake import Lake
from biodata.store.locks import writers_lock
from biodata.store.query.filters import Compare
from biodata.store.registry import Registry
from biodata.store.sharing_rules import rules_of
from biodata.store.verify import verify
from rule_files import put_rules
from store_records import SEROW, build, commit_rows, scattered

ROWS = scattered(80)
TABLES = ("occurrences", "verbatim", "identities")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Return an installation: three versions, a release, a key, a submission that was under way, layers, a secret."""
    data = tmp_path_factory.mktemp("whole") / "data"
    data.mkdir()
    secret(data)
    (data / "layers").mkdir()
    (data / "layers" / "cover.tif").write_bytes(b"cells")
    put_rules(data, "rule_id,category,reason\nall,withheld,a test\n")
    with Lake.open(data) as lake, Registry.open(Settings(data=data)) as registry:
        commit_rows(lake, ROWS[:60])
        commit_rows(lake, [{**ROWS[0], "year": 1900}, *ROWS[60:]], extra={"submission": 1})
        made = build(lake)
        registry.record_release(made.id, snapshot=made.snapshot, rules_hash="rules", counts=made.counts)
        with registry.session() as session, session.begin():
            session.add(models.Submission(id=1, dataset="d", state="committing", file_name="f", file_sha256="0" * 64))
    return data


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "data"))


def answers(data: Path) -> list[pl.DataFrame]:
    """Return what an installation says: every version of the lake, and the current release."""
    release = releases.current(data)
    with Lake.open(data) as lake:
        versions = lake.snapshots()["snapshot"].to_list()[1:]
        rows = [lake.read(table, snapshot=version).sort("key") for table in TABLES for version in versions]
    return [*rows, releases.read(release, "occurrences", where=Compare("species", "=", SEROW))]


def test_the_drill(data: Path, tmp_path: Path):
    out = "backups"
    before, release = answers(data), releases.current(data)
    made = backup(Settings(data=data), tmp_path / out)
    shutil.rmtree(data)
    there = tmp_path / "another disk" / "restored"
    assert restore(tmp_path / out, there).files == made.files
    after = answers(there)
    assert len(after) == len(before)
    assert all(now.equals(then) for now, then in zip(after, before, strict=True))
    assert releases.current(there).id == release.id
    with Lake.open(there) as lake, Registry.open(Settings(data=there)) as registry:
        # The release is a function of the lake's version and the rules: built again, it is the same.
        assert build(lake).id == release.id
        with registry.session(read_only=True) as session:
            assert survey_steps.state_of(session, session.get_one(models.Submission, 1)) == "published"
        assert registry.first_broken_audit_entry() is None
        commit_rows(lake, [{**ROWS[1], "source_record_id": "after"}])
        assert lake.count("occurrences") == 81
    assert secret(there) == (there / "secret").read_bytes()
    assert (there / "secret").stat().st_mode & 0o777 == 0o600
    assert (there / "layers" / "cover.tif").read_bytes() == b"cells"
    assert [rule.rule_id for rule in rules_of(Settings(data=there)).rules] == ["all"]
    assert verify(Settings(data=there)).faults == []


def test_a_restored_catalogue_is_guarded_as_before(data: Path, tmp_path: Path):
    backup(Settings(data=data), tmp_path / "backups")
    restore(tmp_path / "backups", tmp_path / "there")
    assert verify(Settings(data=tmp_path / "there")).recorded == []
    path = tmp_path / "there" / "lake.sqlite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert [fault.file for fault in verify(Settings(data=tmp_path / "there")).faults] == ["lake.sqlite"]


def test_a_second_backup_copies_what_is_new_and_both_can_be_restored(data: Path, tmp_path: Path):
    first = backup(Settings(data=data), tmp_path / "backups")
    with Lake.open(data) as lake:
        commit_rows(lake, [{**ROWS[1], "source_record_id": "later"}])
    second = backup(Settings(data=data), tmp_path / "backups")
    assert (first.snapshot + 1, first.files + 3) == (second.snapshot, second.files)
    assert second.copied <= 3 + 3  # three files of the lake, the SQLite files
    assert restore(tmp_path / "backups", tmp_path / "now").snapshot == second.snapshot
    assert restore(tmp_path / "backups", tmp_path / "then", name=first.name).snapshot == first.snapshot
    with Lake.open(tmp_path / "then") as then, Lake.open(tmp_path / "now") as now:
        assert (then.count("occurrences"), now.count("occurrences")) == (80, 81)


def test_nothing_is_restored_over_something(data: Path, tmp_path: Path):
    backup(Settings(data=data), tmp_path / "backups")
    with pytest.raises(InputError, match="not empty"):
        restore(tmp_path / "backups", data)
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "backups", tmp_path / "empty")


def test_a_damaged_backup_restores_nothing(data: Path, tmp_path: Path):
    out = "backups"
    backup(Settings(data=data), tmp_path / out)
    path = max((tmp_path / out / "objects").rglob("*"), key=lambda p: p.stat().st_size if p.is_file() else 0)
    content = bytearray(path.read_bytes())
    content[path.stat().st_size // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged, nothing was restored"):
        restore(tmp_path / out, tmp_path / "there")
    assert not (tmp_path / "there").exists()
    assert not list(tmp_path.glob("there*"))


def test_a_changed_list_is_told(data: Path, tmp_path: Path):
    made = backup(Settings(data=data), tmp_path / "backups")
    path = tmp_path / "backups" / made.name
    told = json.loads(path.read_text())
    told["backup"]["snapshot"] += 1
    path.write_text(json.dumps(told))
    with pytest.raises(StoreError, match="not as it was written"):
        restore(tmp_path / "backups", tmp_path / "there")


def test_a_damaged_file_is_not_backed_up_and_the_backup_before_stays(data: Path, tmp_path: Path):
    first = backup(Settings(data=data), tmp_path / "backups")
    with Lake.open(data) as lake:
        commit_rows(lake, [{**ROWS[1], "source_record_id": "later"}])
    path = max((data / "lake").rglob("*.parquet"), key=lambda p: p.stat().st_mtime_ns)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"{path.name} is not as it was written; run `biodata verify`"):
        backup(Settings(data=data), tmp_path / "backups")
    assert restore(tmp_path / "backups", tmp_path / "there").snapshot == first.snapshot


def test_an_interrupted_backup_counts_for_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("biodata.store.backup._copy_databases", fail)
        with pytest.raises(StoreError, match=r"no backup was made.*No space"):
            backup(Settings(data=data), tmp_path / "backups")
    with pytest.raises(InputError):
        restore(tmp_path / "backups", tmp_path / "there")


def test_the_writer_waits_for_the_copy_of_the_catalogues(data: Path, tmp_path: Path):
    with writers_lock(data), pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.store.backup.writers_lock", lambda path: writers_lock(path, timeout_seconds=0.1))
        with pytest.raises(StoreError, match="written by another process"):
            backup(Settings(data=data), tmp_path / "backups")


def test_a_backup_is_for_its_owner_only(data: Path, tmp_path: Path):
    backup(Settings(data=data), tmp_path / "backups")
    assert (tmp_path / "backups").stat().st_mode & 0o077 == 0
    assert all(p.stat().st_mode & 0o077 == 0 for p in (tmp_path / "backups").rglob("*") if p.is_file())


def test_the_commands(data: Path, tmp_path: Path):
    out, there = tmp_path / "backups", tmp_path / "there"
    told = CliRunner().invoke(app, ["backup", "--data", str(data), "--out", str(out)])
    assert told.exit_code == 0, told.output
    assert "lake version 3" in told.output
    told = CliRunner().invoke(app, ["restore", str(out), "--data", str(there)])
    assert told.exit_code == 0, told.output
    with sqlite3.connect(there / "service" / "registry.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM release").fetchone() == (1,)
    connection.close()
    inside = CliRunner().invoke(app, ["backup", "--data", str(data), "--out", str(data / "backups")])
    assert isinstance(inside.exception, InputError)
