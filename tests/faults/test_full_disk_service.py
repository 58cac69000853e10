"""The service on a full disk: 507 or 503, everything as it was, and all well again when there is room."""

import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata.access import credentials
from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import releases
from biodata.store.backup import backup, restore
from biodata.store.compaction import compact
from biodata.store.lake import Lake
from biodata.store.models import Job
from biodata.store.verify import verify
from biodata.worker import work
from small_disks import fill
from store_records import build, commit_rows, scattered

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
SEARCH = "/v1/occurrence/search?limit=20"


@pytest.mark.parametrize("leave", [0, 8_000], ids=["full", "8 kB left"])
def test_an_upload_is_taken_whole_or_refused(small_disk: Path, sample_data: Path, leave: int):
    settings = Settings(data=small_disk / "data", memory_limit="500MB")
    fixture.make_release(settings.data)
    content = (sample_data / "survey_namha.xlsx").read_bytes()
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as client:
        registry = client.app.state.service.registry
        headers = {"Authorization": f"Bearer {credentials.key_for_uploads(registry, 'a team')}"}
        before = client.get(SEARCH).json()
        filler = fill(small_disk, leave=leave)
        refused = client.post("/v1/surveys", files={"file": ("survey.xlsx", content)}, headers=headers)
        assert refused.status_code in (503, 507), refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert client.get(SEARCH).json() == before, "what is there is still answered"
        filler.unlink()
        taken = client.post("/v1/surveys", files={"file": ("survey.xlsx", content)}, headers=headers)
        assert taken.status_code == 202
        work(settings, stop=threading.Event(), once=True)
        told = client.get(taken.json()["location"], headers=headers).json()
        assert told["state"] == "published"
        with registry.session(read_only=True) as session:
            assert {job.state for job in session.query(Job)} == {"done"}
        assert registry.first_broken_audit_entry() is None
    assert verify(settings).faults == []


def test_a_release_that_finds_no_room_fails_as_a_job_and_is_made_later(small_disk: Path):
    data = small_disk / "data"
    with Lake.open(data) as lake:
        commit_rows(lake, scattered(500))
        first = build(lake)
        commit_rows(lake, [{**row, "source_record_id": f"later-{n}"} for n, row in enumerate(scattered(500, seed=9))])
        filler = fill(small_disk, leave=2_000_000)
        with pytest.raises(StoreError, match="MB of disk"):
            build(lake)
        assert releases.current(data) == first
        filler.unlink()
        assert build(lake).id != first.id
    assert verify(Settings(data=data)).faults == []


def test_a_backup_that_finds_no_room_counts_for_nothing(small_disk: Path, tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    with Lake.open(settings.data) as lake:
        commit_rows(lake, scattered(3000))
    filler = fill(small_disk, leave=50_000)
    with pytest.raises(StoreError, match="no backup was made"):
        backup(settings, small_disk / "backups")
    with pytest.raises(InputError, match="no finished backup"):
        restore(small_disk / "backups", tmp_path / "there")
    filler.unlink()
    made = backup(settings, small_disk / "backups")
    filler = fill(small_disk, leave=50_000)
    with pytest.raises(StoreError, match="nothing was restored"):
        restore(small_disk / "backups", small_disk / "there")
    assert not (small_disk / "there").exists()
    assert restore(small_disk / "backups", tmp_path / "there").snapshot == made.snapshot


@pytest.mark.parametrize("leave", [0, 100_000, 200_000, 300_000])
def test_a_compaction_that_finds_no_room_loses_nothing(small_disk: Path, leave: int):
    settings = Settings(data=small_disk / "data")
    rows = scattered(4000)
    with Lake.open(settings.data) as lake:
        for first in range(0, 4000, 1000):
            commit_rows(lake, rows[first : first + 1000])
        before = lake.read("occurrences").sort("key")
        versions = {v: lake.count("occurrences", snapshot=v) for v in lake.snapshots()["snapshot"].to_list()[1:]}
    filler = fill(small_disk, leave=leave)
    with suppress(StoreError):  # it may do with little
        compact(settings, grace=timedelta(0))
    filler.unlink()
    for _ in range(2):
        with Lake.open(settings.data) as lake:
            assert lake.read("occurrences").sort("key").equals(before)
            assert {v: lake.count("occurrences", snapshot=v) for v in versions} == versions
        assert verify(settings).faults == []
        compact(settings, grace=timedelta(0))
