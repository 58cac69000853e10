"""A lake that machines share: its catalogue on PostgreSQL, its files on S3-compatible storage."""

import threading
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import backup, cluster, compaction, purging
from biodata.store.cluster import Cluster, Storage
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock, writers_lock
from biodata.store.verify import verify
from store_records import commit_rows

pytestmark = pytest.mark.cluster
GIBBON = {"datasetKey": "cao-bang", "source_record_id": "TK-1", "scientificName": "Nomascus nasutus",
          "recordedBy": "Lan"}  # fmt: skip


@pytest.fixture
def machines(tmp_path: Path, shared_lake: Cluster) -> tuple[Path, Path]:
    """Return the folders of two machines that share a lake."""
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        cluster.join(folder, shared_lake)
    return folders


def test_what_one_machine_commits_the_other_reads(machines: tuple[Path, Path], shared_lake: Cluster):
    one, other = machines
    with Lake.open(one) as lake, Lake.open(other) as second:
        first = commit_rows(lake, [GIBBON])
        assert first.new == 1
        read = second.read("occurrences")
        assert read.height == 1
        again = commit_rows(second, [{**GIBBON, "recordedBy": "somebody else"}])
        assert (again.new, again.changed) == (0, 1)
        assert lake.read("occurrences")["key"].to_list() == read["key"].to_list(), "a record keeps its key"
        assert lake.read("occurrences", snapshot=first.snapshot)["recordedBy"].to_list() != ["somebody else"]
    assert not list(one.rglob("*.parquet"))
    assert not (one / "lake.sqlite").exists()
    assert {name for name in shared_lake.storage.sizes("lake") if name.endswith(".parquet")}


def test_one_machine_writes_at_a_time(machines: tuple[Path, Path]):
    one, other = machines
    for lock in (writers_lock, builders_lock):
        with lock(one):
            held = threading.Event()

            def take(lock=lock, held=held) -> None:
                with lock(other):
                    held.set()

            waiting = threading.Thread(target=take)
            waiting.start()
            assert not held.wait(0.3)
        waiting.join(10)
        assert held.is_set()
    with (
        writers_lock(one),
        pytest.raises(StoreError, match="by another process"),
        writers_lock(other, timeout_seconds=0),
    ):
        pass


def test_files_of_a_commit_that_never_came_are_removed(machines: tuple[Path, Path], shared_lake: Cluster):
    one, _ = machines
    with Lake.open(one) as lake:
        commit_rows(lake, [GIBBON])
        left = one / "left.parquet"
        pl.DataFrame({"key": [1]}).write_parquet(left)
        shared_lake.storage.put(left, "lake/main/occurrences/staged-0-000000.parquet")
        commit_rows(lake, [{**GIBBON, "recordedBy": "somebody else"}])
        assert not any("staged-0-" in name for name in shared_lake.storage.sizes("lake"))
        assert lake.count("occurrences") == 1


def test_a_shared_lake_is_compacted(machines: tuple[Path, Path], shared_lake: Cluster):
    one, _ = machines
    with Lake.open(one) as lake:
        for number in range(3):
            commit_rows(lake, [{**GIBBON, "source_record_id": f"record {number}"}])
        before = lake.read("occurrences").sort("key")
    report = compaction.compact(Settings(data=one), grace=timedelta(0))
    assert report.files_after < report.files_before == 3 * 3
    with Lake.open(one) as lake:
        assert lake.read("occurrences").sort("key").equals(before)


def test_verify_finds_what_the_storage_lost_and_backup_says_what_to_do(
    machines: tuple[Path, Path], shared_lake: Cluster, tmp_path: Path
):
    one, _ = machines
    settings = Settings(data=one)
    with Lake.open(one) as lake:
        commit_rows(lake, [GIBBON])
    assert verify(settings).faults == []
    lost = next(name for name in shared_lake.storage.sizes("lake") if "/verbatim/" in name)
    shared_lake.storage.put_bytes(b"half", lost)
    assert [fault.problem.split(" on the")[0] for fault in verify(settings).faults] == ["it has 4 bytes"]
    shared_lake.storage.remove(lost)
    assert [(fault.file, fault.problem) for fault in verify(settings).faults] == [
        (lost, "it is missing on the shared storage")
    ]
    with pytest.raises(StoreError, match="pg_dump"):
        backup.backup(settings, tmp_path / "backup")


def test_a_withdrawn_record_is_in_no_file_of_a_shared_lake(
    machines: tuple[Path, Path], shared_lake: Cluster, tmp_path: Path
):
    one, _ = machines
    other = {**GIBBON, "source_record_id": "TK-2", "recordedBy": "Noy"}
    with Lake.open(one) as lake:
        first = commit_rows(lake, [{**GIBBON, "recordedBy": "planted marker"}, other])
        rows = lake.read("occurrences")
        commit_rows(lake, [other], gone=[("cao-bang", "TK-1")])
    key = rows.filter(pl.col("source_record_id") == "TK-1")["key"].item()
    assert purging.blank(one, [key]).rows >= 1
    assert purging.blank(one, [key]) == purging.Blanked(0, 0)
    file = tmp_path / "file.parquet"
    for name in shared_lake.storage.sizes("lake"):
        shared_lake.storage.fetch(name, file)
        assert "planted marker" not in str(pl.read_parquet(file).to_dicts())
    with cluster.connected(shared_lake.libpq) as connection:
        for table in ("ducklake_file_column_stats", "ducklake_table_column_stats"):
            assert "planted marker" not in str(connection.execute(f"SELECT * FROM {table}").fetchall())
    with Lake.open(one) as lake:
        before = lake.read("occurrences", snapshot=first.snapshot).sort("recordedBy", nulls_last=True)
        assert before["recordedBy"].to_list() == ["Noy", None]
        assert lake.read("occurrences")["recordedBy"].to_list() == ["Noy"]


def test_a_folder_with_a_lake_of_its_own_joins_no_other(tmp_path: Path, shared_lake: Cluster):
    Lake.open(tmp_path).close()
    with pytest.raises(InputError, match="has a lake already"):
        cluster.join(tmp_path, shared_lake)
    assert cluster.cluster_of(tmp_path) is None


@pytest.mark.parametrize(("catalogue", "storage"), [
    pytest.param("mysql://db/lake", "s3://bucket", id="another database"),
    pytest.param("postgresql://db/lake", "file:///srv/lake", id="no storage"),
    pytest.param("postgresql://db/lake", "s3://bucket/../other", id="a way out of the bucket"),
])  # fmt: skip
def test_what_is_no_address_is_refused(catalogue: str, storage: str):
    with pytest.raises(InputError, match="this is no address of a"):
        Cluster(catalogue, Storage(storage))


def test_a_server_that_does_not_answer_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(StoreError, match=r"^the shared database does not answer: [^\n]*$"):
        cluster.join(tmp_path, Cluster("postgresql://biodata@127.0.0.1:1/none", Storage("s3://bucket")))
    assert not (tmp_path / "cluster.json").exists()
