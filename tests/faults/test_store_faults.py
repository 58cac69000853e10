"""What the store does when its process is killed or its disk is full: the old state or the new one, whole."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from biodata.access import credentials
from biodata.core.errors import StoreError
from biodata.core.settings import Settings
from biodata.store import models, pointer, releases
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.store.reader import ReleaseReader
from biodata.store.registry import Registry
from small_disks import fill
from store_records import TRUNG_KHANH, build, commit, commit_rows, scattered

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parents[1]
BATCH = 20
COMMITTING = """
import sys, itertools
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_records import commit_rows
from biodata.store.lake import Lake
with Lake.open(Path(sys.argv[1])) as lake:
    for n in itertools.count():
        name = f"{sys.argv[3]}-{n}"
        commit_rows(lake, [{"datasetKey": name, "source_record_id": f"{name}-{i}", "species": "x"} for i in range(20)])
        print(name, flush=True)
"""
RELEASING = """
import sys, itertools
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_records import SEROW, build, commit_rows, scattered
from biodata.store import pointer, releases
from biodata.store.lake import Lake
from biodata.store.release_merge import merge
whole = int(sys.argv[3]) % 2 == 0
with Lake.open(Path(sys.argv[1])) as lake:
    for n in itertools.count():
        if whole:
            made = build(lake, rules_hash=f"{sys.argv[3]}-{n}")
        else:  # each differs from the whole one before; every third is merged
            commit_rows(lake, [{**scattered(1)[0], "source_record_id": f"{sys.argv[3]}-{n}", "species": SEROW}])
            before, keys = releases.current(lake.data), lake.read("occurrences", columns=["key"])["key"]
            with releases.connect(before.path) as connection:
                rules = dict(connection.execute("SELECT key, value FROM release_info").fetchall())["rules_hash"]
            made = build(lake, rules_hash=rules, change=releases.Change(before, keys))
            if n % 3 == 1:
                merge(lake.data)
        print(made.id, flush=True)
"""


def killed(code: str, data: Path, run: int, *, after_s: float) -> list[str]:
    """Run code until some while after its first word, kill it, and return the lines that it had finished."""
    command = [sys.executable, "-c", code, str(data), str(TESTS), str(run)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    return [line.strip() for line in lines if line.endswith("\n")]


def test_a_killed_writer_loses_nothing_that_it_had_told(tmp_path: Path):
    told: list[str] = []
    for run in range(4):
        told += killed(COMMITTING, tmp_path, run, after_s=0.05 + 0.3 * run)
        with Lake.open(tmp_path) as lake:
            records = lake.read("occurrences", columns=["key", "datasetKey"])
            identities = lake.read("identities")
            batches = Counter(records["datasetKey"])
            assert set(batches.values()) == {BATCH}
            assert set(told) <= set(batches)
            assert records["key"].n_unique() == records.height == lake.count("verbatim") == identities.height
            assert sorted(records["key"]) == sorted(identities["key"])
        assert not list((tmp_path / "staging").iterdir())


def test_a_killed_build_leaves_the_release_before_or_the_new_one(tmp_path: Path):
    with Lake.open(tmp_path) as lake:
        commit_rows(lake, scattered(300))
    for run in range(4):
        told = killed(RELEASING, tmp_path, run, after_s=0.1 + 0.3 * run)
        current = releases.current(tmp_path)
        assert current is not None
        with ReleaseReader(tmp_path) as reader:
            assert reader.ready()
            assert reader.current().count("occurrences", Compare("sharing_category", "=", "open")) > 0
            assert reader.current().info["counts"] == current.counts
        # Either the last that it told of, or one more whose pointer was swapped before the word was out.
        assert current.id == told[-1] or pointer.path(tmp_path, told[-1]).exists()
    with Lake.open(tmp_path) as lake:
        assert build(lake, rules_hash="after all").id != current.id
        assert not list((tmp_path / "staging").iterdir())
    assert len(pointer.files(tmp_path)) == releases.KEPT


def test_a_killed_registry_keeps_its_chain(tmp_path: Path):
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); import appointed\n"
        "from pathlib import Path; from biodata.core.settings import Settings;"
        "from biodata.access import accounts, credentials; from biodata.store.registry import Registry\n"
        "with Registry.open(Settings(data=Path(sys.argv[1]))) as r:\n"
        "    if accounts.find(r, 'a-team') is None: appointed.new(r, 'a-team')\n"
        "    while True: print(credentials.new_key(r, 'a-team'), flush=True)\n"
    )
    told: list[str] = []
    for run in range(3):
        told += killed(code, tmp_path, run, after_s=0.2)
        with Registry.open(Settings(data=tmp_path)) as registry:
            assert all(credentials.holder_of_key(registry, key) for key in told)
            assert registry.first_broken_audit_entry() is None


@pytest.mark.parametrize("leave", [0, 20_000, 100_000], ids=["full", "20 kB left", "100 kB left"])
def test_a_full_disk_takes_no_half_commit(small_disk: Path, leave: int):
    data = small_disk / "data"
    with Lake.open(data) as lake:
        commit(lake, TRUNG_KHANH)
        before = lake.snapshot()
        filler = fill(small_disk, leave=leave)
        with pytest.raises(StoreError):
            commit_rows(lake, scattered(5000))
        filler.unlink()
        assert lake.snapshot() == before
        assert lake.count("occurrences") == 3
        assert commit_rows(lake, scattered(5000)).new == 5000
    with Lake.open(data) as lake:
        assert lake.read("occurrences").height == lake.count("identities") == 5003


def test_a_full_disk_leaves_the_release_before(small_disk: Path, monkeypatch: pytest.MonkeyPatch):
    data = small_disk / "data"
    with Lake.open(data) as lake:
        commit_rows(lake, scattered(2000))
        first = build(lake)
        filler = fill(small_disk, leave=300_000)
        with pytest.raises(StoreError, match="MB of disk"):
            build(lake, rules_hash="told beforehand")
        monkeypatch.setattr(releases, "_check_space", lambda *_: None)
        with ReleaseReader(data) as reader:
            page = reader.current().page("occurrences", None, ["key"], limit=10)
            for leave in (300_000, 0):
                filler.unlink()
                filler = fill(small_disk, leave=leave)
                with pytest.raises(StoreError, match="the one before stays"):
                    build(lake, rules_hash="told too late")
                assert releases.current(data) == first
                assert not list((data / "staging").iterdir())
                assert reader.current().page("occurrences", None, ["key"], limit=10) == page
        filler.unlink()
        assert build(lake, rules_hash="told too late").id != first.id


def test_a_full_disk_leaves_the_registry_whole(small_disk: Path):
    settings = Settings(data=small_disk / "data")
    with Registry.open(settings) as registry:
        key = credentials.key_for_uploads(registry, "a team")
        filler = fill(small_disk, leave=0)
        with pytest.raises(StoreError, match="full"):
            registry.record_ingest("gbif", {"dataset": "d", "note": "x" * 5_000_000})
        assert credentials.holder_of_key(registry, key)
        filler.unlink()
        registry.record_ingest("gbif", {"dataset": "d"})
    with Registry.open(settings) as registry, registry.session(read_only=True) as session:
        assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert session.query(models.Ingest).count() >= 1
        assert registry.first_broken_audit_entry() is None


def test_writers_at_once_lose_nothing(tmp_path: Path):
    Lake.open(tmp_path).close()
    code = COMMITTING.replace("itertools.count()", "range(6)")
    command = [sys.executable, "-c", code, str(tmp_path), str(TESTS)]
    writers = [subprocess.Popen([*command, str(run)], stdout=subprocess.PIPE, text=True) for run in range(3)]
    told = [line.strip() for writer in writers for line in writer.communicate()[0].splitlines()]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    with Lake.open(tmp_path) as lake:
        records = lake.read("occurrences", columns=["key", "datasetKey"])
    assert Counter(records["datasetKey"]) == dict.fromkeys(told, BATCH)
    assert records["key"].n_unique() == 3 * 6 * BATCH
