"""Compaction: fewer files, and every version that something refers to answers as before."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import checksums, private_reports, releases
from biodata.store.commits import ADOPTED
from biodata.store.compaction import cited_versions, compact
from biodata.store.lake import Lake
from biodata.store.models import Citation
from biodata.store.registry import Registry
from store_records import build, commit_rows, scattered

ROWS = scattered(200)
TABLES = ("occurrences", "verbatim", "identities", "protected_areas")


def parquet(data: Path) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in (data / "lake").rglob("*.parquet")}


def answers(lake: Lake, versions: list[int]) -> dict[tuple[str, int], pl.DataFrame]:
    """Return every row of every table at these versions."""
    return {
        (table, version): lake.read(table, snapshot=version).sort("area_id" if table == "protected_areas" else "key")
        for table in TABLES
        for version in versions
    }


def cite(settings: Settings, version: int) -> None:
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        session.add(Citation(id=f"{version:032d}", release="r", snapshot=version, rules_hash="h", query={}, content={}))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an installation of eight versions: added, changed and removed records, areas; version 4 is cited."""
    made = Settings(data=tmp_path_factory.mktemp("compaction") / "data")
    with Lake.open(made.data) as lake:
        for first in range(0, 200, 50):
            commit_rows(lake, ROWS[first : first + 50])
        commit_rows(lake, [{**row, "year": 1900} for row in ROWS[40:60]])
        gone = [(row["datasetKey"], row["source_record_id"]) for row in ROWS[:10]]
        commit_rows(lake, ROWS[190:], gone=gone)
        areas = pl.DataFrame({"area_id": ["a", "b"], "name": ["Nam Ha", "Trung Khanh"], "datasetKey": ["p", "p"]})
        lake.commit_table("protected_areas", areas, key="area_id", scope=None, author="a test", message="areas")
        commit_rows(lake, [{**ROWS[100], "source_record_id": "last"}])
    cite(made, 4)
    return made.data


@pytest.fixture
def settings(tmp_path: Path, template: Path) -> Settings:
    """Return a copy of the installation of eight versions, of its own for each test."""
    return Settings(data=Path(shutil.copytree(template, tmp_path / "data")))


def test_every_version_answers_as_before_from_fewer_files(settings: Settings):
    with Lake.open(settings.data) as lake:
        versions = lake.snapshots()["snapshot"].to_list()[1:]
        before = answers(lake, versions)
        changed = lake.changed_at("occurrences")
    files = parquet(settings.data)
    report = compact(settings, grace=timedelta(0))
    assert report.files_after == len(parquet(settings.data)) < report.files_before == len(files)
    assert report.expired == []
    with Lake.open(settings.data) as lake:
        after = answers(lake, versions)
        assert all(after[asked].equals(before[asked]) for asked in before)
        assert lake.changed_at("occurrences") == changed
        assert lake.history("occurrences", int(before["occurrences", 9]["key"][0])).height > 0


def test_versions_that_nothing_cites_go_and_the_cited_stay_exact(settings: Settings):
    with Lake.open(settings.data) as lake:
        release = build(lake)
        last = lake.snapshot()
        before = answers(lake, [4, last])
    report = compact(settings, expire_days=0, grace=timedelta(0))
    assert report.cited == [4, last]
    assert report.expired == [version for version in range(last) if version != 4]
    with Lake.open(settings.data) as lake:
        after = answers(lake, [4, last])
        assert all(after[asked].equals(before[asked]) for asked in before)
        with pytest.raises(StoreError, match="version 5"):
            lake.read("occurrences", snapshot=5)
        commit_rows(lake, [{**ROWS[5], "source_record_id": "after"}])
        assert lake.read("occurrences", snapshot=4).sort("key").equals(before["occurrences", 4])
        assert build(lake).id != release.id
    assert compact(settings, expire_days=0, grace=timedelta(0)).expired == [last + 1]


def test_files_that_joined_the_lake_as_they_were_stay_as_long_as_they_are_wanted(settings: Settings):
    adopted = {name for name in parquet(settings.data) if f"/{ADOPTED}" in name}
    assert adopted
    report = compact(settings)
    assert report.waiting > 0
    assert adopted <= parquet(settings.data)  # whoever began before may read them for an hour
    with Lake.open(settings.data) as lake:
        commit_rows(lake, [{**ROWS[5], "source_record_id": "after"}])
    assert adopted <= parquet(settings.data)
    compact(settings, grace=timedelta(0))
    assert len(adopted & parquet(settings.data)) < len(adopted)


def test_files_of_commits_that_never_came_go(settings: Settings):
    folder = settings.data / "lake" / "main" / "occurrences"
    for name in ("ducklake-orphan.parquet", f"{ADOPTED}orphan-000000.parquet"):
        (folder / name).write_bytes(b"half")
    compact(settings)
    assert not [name for name in parquet(settings.data) if "orphan" in name]


def test_checksums_are_those_of_the_files_that_are_there(settings: Settings):
    compact(settings, grace=timedelta(0))
    known = checksums.read(settings.data)
    written = {str(path.relative_to(settings.data)): path for path in (settings.data / "lake").rglob("*.parquet")}
    assert known.keys() == {*written, "lake.sqlite"}
    assert all(known[name].sha256 == checksums.digest(path).sha256 for name, path in written.items())
    assert known["lake.sqlite"].sha256 == checksums.digest(settings.data / "lake.sqlite").sha256


def test_everything_that_refers_to_a_version_is_heard(settings: Settings):
    with Lake.open(settings.data) as lake:
        first = build(lake)
        (settings.data / "releases" / "release-r000003-0123456789.duckdb").write_bytes(b"")
    with Registry.open(settings) as registry:
        registry.record_release("r000002-1", snapshot=2, rules_hash="h", counts={})
        private_reports.record_run(registry, settings.data, "a run", None, {"snapshot": 5})
        assert cited_versions(registry, settings.data) == {2, 3, 4, 5, first.snapshot}


def test_the_mark_of_an_assessment_goes_when_its_versions_do(settings: Settings):
    mark = settings.data / "assessed.json"
    mark.write_text(json.dumps({"occurrences": 6}))
    compact(settings, grace=timedelta(0))
    assert mark.exists()
    with Lake.open(settings.data) as lake:
        gone = [(row["datasetKey"], row["source_record_id"]) for row in ROWS]
        commit_rows(lake, [ROWS[100]], gone=gone)
    compact(settings, expire_days=0, grace=timedelta(0))
    with Lake.open(settings.data) as lake:
        assert lake.count("occurrences", snapshot=4) == 150
    assert releases.current(settings.data) is None
