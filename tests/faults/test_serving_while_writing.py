"""Several API workers answer while a writer commits and releases swap: no error, no lost row, no page of two releases."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from biodata.store import releases
from biodata.store.lake import Lake
from servers import free_port, wait_until_ready
from store_records import build, commit_rows, scattered

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
SWAPS = int(os.environ.get("BIODATA_FAULT_SWAPS", "4"))
"""How many releases readers meet before all ends."""
TESTS = Path(__file__).parents[1]
BATCH, PAGE, PAGES, READERS, READ = 20, 100, 4, 4, 3
WRITING = """
import sys, itertools
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_records import commit_rows, SEROW
from biodata.store.lake import Lake
with Lake.open(Path(sys.argv[1])) as lake:
    for n in itertools.count():
        rows = [{"datasetKey": f"b{n}", "source_record_id": f"b{n}-{i}", "occurrenceID": f"b{n}-{i}", "species": SEROW,
                 "decimalLatitude": 20 + (n * 20 + i) % 997 * 0.005, "decimalLongitude": 101 + i * 0.1} for i in range(20)]
        commit_rows(lake, rows)
        print(f"b{n}", flush=True)
"""
RELEASING = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_records import build
from biodata.store.lake import Lake
while True:
    with Lake.open(Path(sys.argv[1])) as lake:
        made = build(lake)
    print(made.id, made.counts["occurrences"], flush=True)
    time.sleep(1)
"""
SERVING = "import sys; from biodata.cli.serve import run_server; run_server(sys.argv[1], host='127.0.0.1', port=int(sys.argv[2]), workers=2)"


def ended(process: subprocess.Popen[str]) -> list[str]:
    """End a process by its own id; return the lines that it had finished."""
    assert process.poll() is None, "it ended by itself"
    process.kill()
    lines = process.communicate()[0].splitlines(keepends=True)
    # DuckDB draws the progress of a long query on lines of its own.
    return [line.strip() for line in lines if line.endswith("\n") and line.strip().startswith(("b", "r"))]


def get(address: str) -> tuple[str, dict]:
    """Return the release that an answer tells of, and the answer."""
    with urllib.request.urlopen(address, timeout=240) as answer:
        return answer.headers["X-Biodata-Release"], json.load(answer)


class Reader(threading.Thread):
    """Reads pages one after the other, and puts down what it saw."""

    def __init__(self, address: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.first = f"{address}/ogc/collections/occurrences/items?f=json&limit={PAGE}"
        self.stop = stop
        self.seen: list[tuple[str, int]] = []
        self.faults: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.walk()
                self.stop.wait(0.1)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                self.faults.append(repr(error))
                return

    def walk(self) -> None:
        """Follow the links of one answer; every page must be of the same release, and none repeat or leave out."""
        release, page = get(self.first)
        count, ids = page["numberMatched"], [feature["id"] for feature in page["features"]]
        for _ in range(PAGES):
            following = [link["href"] for link in page["links"] if link["rel"] == "next"]
            if not following:
                break
            same, page = get(following[0])
            if (same, page["numberMatched"]) != (release, count):
                self.faults.append(f"a page of {release} ({count}) is followed by one of {same}")
            ids += [feature["id"] for feature in page["features"]]
        if len(set(ids)) != len(ids) or len(ids) != min(count, PAGE * (PAGES + 1)):
            self.faults.append(f"{len(ids)} records, {len(set(ids))} of them different, of {count}")
        self.seen.append((release, count))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Serve an installation with one release by two API processes."""
    with Lake.open(tmp_path) as lake:
        commit_rows(lake, [row for row in scattered(150) if row["species"] != "Elephas maximus"][:100])
        build(lake)
    port = free_port()
    command = [sys.executable, "-c", SERVING, str(tmp_path), str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        found = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(found, process, timeout_s=240)
            yield found
        finally:
            process.terminate()


def test_four_readers_a_writer_and_releases_between(tmp_path: Path, address: str):
    stop = threading.Event()
    readers = [Reader(address, stop) for _ in range(READERS)]
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(TESTS)], stdout=subprocess.PIPE, text=True)
        for code in (WRITING, RELEASING)
    ]
    for reader in readers:
        reader.start()
    while all(reader.is_alive() for reader in readers) and not (
        len({release for reader in readers for release, _ in reader.seen}) >= SWAPS
        and all(len(reader.seen) > READ for reader in readers)
    ):
        stop.wait(0.5)
    stop.set()
    for reader in readers:
        reader.join(120)
    told, made = (ended(process) for process in others)
    assert [fault for reader in readers for fault in reader.faults] == []
    counts = dict(line.split() for line in made)
    counts.update({found.id: str(found.counts["occurrences"]) for found in [releases.current(tmp_path)] if found})
    for reader in readers:
        for release, count in reader.seen:
            assert (count - 100) % BATCH == 0, "a release has whole commits only"
            assert counts.get(release, str(count)) == str(count)
    with Lake.open(tmp_path) as lake:
        records = lake.read("occurrences", columns=["datasetKey"])
        batches = {name: n for name, n in records["datasetKey"].value_counts().iter_rows() if name.startswith("b")}
        assert set(told) <= batches.keys(), "a commit that was told is lost"
        assert set(batches.values()) == {BATCH}
        assert build(lake).counts["occurrences"] == 100 + BATCH * len(batches)
