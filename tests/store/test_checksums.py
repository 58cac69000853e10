"""Checksums: every file of the lake has one before it counts, and a release that is read is not removed."""

import fcntl
from pathlib import Path

import pytest

from biodata.core.errors import NoReleaseError
from biodata.store import checksums, releases
from biodata.store.lake import Lake
from biodata.store.release_use import in_use
from store_records import build, commit_rows, scattered


def test_every_file_of_the_lake_has_its_checksum_and_the_catalogue_that_of_its_version(tmp_path: Path):
    rows = scattered(60)
    with Lake.open(tmp_path) as lake:
        commit_rows(lake, rows[:50])
        commit_rows(lake, [{**rows[0], "year": 1900}, *rows[50:]])  # DuckLake writes files itself, one of removals
        snapshot, release = lake.snapshot(), build(lake)
    known = checksums.read(tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in (tmp_path / "lake").rglob("*.parquet")}
    assert any("delete" in name for name in written)
    others = {"lake.sqlite", "releases/CURRENT", "secret", str(release.path.relative_to(tmp_path))}
    assert known.keys() == written | others
    for name, told in known.items():
        found = checksums.digest(tmp_path / name)
        assert (told.bytes, told.sha256, told.sound) == (found.bytes, found.sha256, True)
    assert known["lake.sqlite"].version == snapshot == checksums.version(tmp_path)


def test_an_entry_that_was_changed_is_not_sound(tmp_path: Path):
    (tmp_path / "a").write_text("a")
    checksums.record(tmp_path, {"a": tmp_path / "a"})
    with checksums._open(tmp_path) as connection:
        connection.execute("UPDATE file SET bytes = bytes + 1")
    assert not checksums.read(tmp_path)["a"].sound


def test_a_release_that_is_read_is_removed_only_afterwards(tmp_path: Path):
    with Lake.open(tmp_path) as lake:
        commit_rows(lake, scattered(20))
        first = build(lake)
        with in_use(tmp_path, first.id) as path:
            for n in range(releases.KEPT + 1):
                build(lake, rules_hash=f"{n}")
            assert path.is_file()
        build(lake, rules_hash="after it")
        assert not path.exists()
        with pytest.raises(NoReleaseError, match="not kept"), in_use(tmp_path, first.id):
            pass
    assert len(list((tmp_path / "releases").glob("*.duckdb"))) == releases.KEPT
    assert not list((tmp_path / "releases").glob("*.use"))


def test_several_may_read_a_release(tmp_path: Path):
    with Lake.open(tmp_path) as lake:
        commit_rows(lake, scattered(20))
        made = build(lake)
    with in_use(tmp_path, made.id), in_use(tmp_path, made.id) as path, path.with_suffix(".use").open() as handle:  # noqa: SIM117
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
