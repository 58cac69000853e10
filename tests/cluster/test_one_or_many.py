"""One machine, or many: the same rows give the same release, whatever stands behind it and whoever is killed."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import cluster_servers
from biodata import pipeline
from biodata.analysis import corridors
from biodata.analysis.uncertainty import frequencies
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.pipeline import executors, tables
from biodata.store import cluster, pointer, releases
from biodata.store.cluster import Cluster
from biodata.store.shared_releases import follow
from search_ground import GRID, WIDE, boxes, ground_of
from uncertainty_task import task_of

pytestmark = pytest.mark.cluster
SPECIES = ("Elephas maximus", "Pycnonotus sinensis", "Panthera tigris", "Nomascus nasutus", "Pinus kesiya")
BATCH = 25
KILLED_AT = 4
"""The batch that is read when a worker is killed."""


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster_servers.DaskCluster]:
    with cluster_servers.dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


def write_rows(path: Path, numbers: range) -> Path:
    """Write records of five species, some sensitive, one in seven without a date."""
    rows = {
        "occurrenceID": [f"o-{n}" for n in numbers],
        "scientificName": [SPECIES[n % len(SPECIES)] for n in numbers],
        "decimalLatitude": [f"{19 + n % 40 / 20:.3f}" for n in numbers],
        "decimalLongitude": [f"{101 + n % 31 / 20:.3f}" for n in numbers],
        "eventDate": [None if n % 7 == 0 else f"20{10 + n % 9}-0{1 + n % 9}-11" for n in numbers],
        "basisOfRecord": ["HUMAN_OBSERVATION" for _ in numbers],
        "recordedBy": [f"observer {n % 3}" for n in numbers],
    }
    pl.DataFrame(rows).write_csv(path, separator="\t")
    return path


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Cut tables into batches of few rows; the list grows by one for each."""
    counted, read = tables._counted, []

    def cut(table: tables.Table) -> Iterator[pl.DataFrame]:
        for batch in counted(table):
            for part in batch.iter_slices(BATCH):
                read.append(part.height)
                yield part

    monkeypatch.setattr(tables, "_counted", cut)
    # Two machines that are compared have the same secret and the same keys.
    monkeypatch.setattr(
        "biodata.store.staging.new_keys",
        lambda identity: (identity.hash_rows(seed=1) // 2**12).cast(pl.Int64).alias("key"),
    )
    return read


def installation(data: Path, **more: str) -> Settings:
    data.mkdir(exist_ok=True)
    (data / "secret").write_bytes(b"the same of both machines, 32 b.")
    return Settings(data=data, **more)


def test_corridors_and_draws_of_a_cluster_are_those_of_one_machine(dask: cluster_servers.DaskCluster):
    ground, areas, task = ground_of(1), boxes(1), task_of()
    workers = executors.DaskWorkers(dask.address)
    try:
        there = corridors.least_cost(areas, ground, GRID, parameters=WIDE, executor=workers).corridors
        drawn = frequencies.frequencies(task, draws=4, executor=workers)
    finally:
        workers.shutdown(cancel_futures=True)
    assert there.equals(corridors.least_cost(areas, ground, GRID, parameters=WIDE).corridors)
    assert drawn.pairs.equals(frequencies.frequencies(task, draws=4).pairs)


@pytest.mark.timeout(900)
def test_many_machines_make_the_release_of_one(
    tmp_path: Path,
    small_batches: list[int],
    shared_lake: Cluster,
    postgres: cluster_servers.Postgres,
    dask: cluster_servers.DaskCluster,
    monkeypatch: pytest.MonkeyPatch,
):
    rows = write_rows(tmp_path / "rows.csv", range(10 * BATCH))
    one = installation(tmp_path / "one")
    many = installation(tmp_path / "many", registry_url=postgres.registry(), scheduler=dask.address)
    cluster.join(many.data, shared_lake)
    (alone,) = pipeline.ingest("gbif", rows, one, dataset="sample", part="2026")
    assert len(small_batches) == 10
    small_batches.clear()
    handed_out: list[int] = []
    submit = executors.DaskWorkers.submit

    def submit_and_kill(self, *args, **kwargs):
        handed_out.append(len(small_batches))
        if len(handed_out) == KILLED_AT:
            dask.processes[1].kill()
        return submit(self, *args, **kwargs)

    monkeypatch.setattr(executors.DaskWorkers, "submit", submit_and_kill)
    (shared,) = pipeline.ingest("gbif", rows, many, dataset="sample", part="2026")
    assert len(handed_out) == 9, "the first batch stays here"
    dask.processes[1].wait(10)
    assert (shared.stored, shared.flags, shared.refusals) == (alone.stored, alone.flags, alone.refusals)
    made, expected = pipeline.release(many), pipeline.release(one)
    assert made.id == expected.id
    assert made.counts == expected.counts
    replica = tmp_path / "replica"
    assert follow(replica, shared_lake.storage) == made.id
    found = releases.current(replica)
    assert found is not None
    assert releases.read(found, "occurrences").equals(releases.read(expected, "occurrences"))
    assert follow(replica, shared_lake.storage) is None, "nothing is new"
    # A storage that did not take a release has it when the release is asked for again.
    for name in shared_lake.storage.sizes("releases"):
        shared_lake.storage.remove(name)
    assert pipeline.release(many).id == made.id
    assert follow(tmp_path / "another", shared_lake.storage) == made.id
    # What a part has no more leaves every file of the storage and of the machine that serves.
    fewer = write_rows(tmp_path / "fewer.csv", range(5))
    pipeline.ingest("gbif", fewer, many, dataset="sample", part="2026")
    made = pipeline.release(many)
    assert follow(replica, shared_lake.storage) == made.id
    names = {path.name for path in pointer.folder(many.data).glob("*.duckdb")}
    assert {path.name for path in pointer.folder(replica).glob("*.duckdb")} == names
    assert len([name for name in shared_lake.storage.sizes("releases") if name.endswith(".duckdb")]) == len(names)


def test_a_file_that_is_not_as_it_was_written_is_not_served(tmp_path: Path, shared_lake: Cluster):
    storage = shared_lake.storage
    with pytest.raises(StoreError, match="has no release"):
        follow(tmp_path, storage)
    told = '{"current": {"id": "r000001-x", "snapshot": 1, "created": "2026-11-24", "counts": {}}, "previous": null, "files": {%s}}'
    storage.put_bytes(b"something else", f"releases/{'0' * 64}.duckdb")
    for name in ("release-r000001-x.duckdb", "../release-r000001-x.duckdb"):
        storage.put_bytes((told % f'"{name}": "{"0" * 64}"').encode(), "releases/CURRENT")
        with pytest.raises(StoreError, match=r"not as it was written|none of a release"):
            follow(tmp_path, storage)
    assert pointer.read(tmp_path) is None
    assert not list(tmp_path.rglob("*.duckdb*"))


def test_a_scheduler_that_does_not_answer_is_told_in_one_line():
    with pytest.raises(StoreError, match=r"^no scheduler answers at tcp://127\.0\.0\.1:1$"):
        executors.DaskWorkers("tcp://127.0.0.1:1")


def test_what_is_shared_outlives_its_workers(dask: cluster_servers.DaskCluster):
    workers = executors.DaskWorkers(dask.address)
    try:
        shared = workers.share([1, 2, 3])
        assert workers.submit(sum, shared).result(60) == 6
        for process in dask.processes[1:]:
            process.kill()
        dask.add_worker()
        assert workers.submit(sum, shared).result(120) == 6
        with pytest.raises(TypeError):
            workers.submit(sum, shared, "no number").result(60)
    finally:
        workers.shutdown(cancel_futures=True)
