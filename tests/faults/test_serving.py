"""A server of several workers while releases are swapped, workers die and it is told to stop."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

import releases
from servers import free_port, wait_until_ready

pytestmark = pytest.mark.faults
WORKERS = 2
MANY = 6_000


def rows(count):
    """Return rows like those of the small release, more of them."""
    few = releases.open_rows()
    return [
        {**few[n % releases.OPEN], "occurrenceID": f"M-{n}", "source_record_id": f"M-{n}", "individualCount": n + 1}
        for n in range(count)
    ]


@contextmanager
def server(data, **environment):
    """Run the command with two workers; give its address and process."""
    port = free_port()
    command = [sys.executable, "-m", "biodata.cli", "serve", "--data", str(data), "--port", str(port), "--workers",
               str(WORKERS)]  # fmt: skip
    told = {**os.environ, **environment}
    process = subprocess.Popen(command, env=told, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process, timeout_s=240)
        all_workers(address)
        yield address, process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=120)


def get(address, timeout=240):
    """Ask on a connection of its own, so that any worker may answer; give status, headers and body."""
    request = urllib.request.Request(address, headers={"Connection": "close"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def all_workers(address):
    """Ask until every worker has answered; return their process ids."""
    seen, end = set(), time.monotonic() + 240
    while len(seen) < WORKERS and time.monotonic() < end:
        with ThreadPoolExecutor(8) as pool:
            for status, _, body in pool.map(lambda _: get(f"{address}/health/ready"), range(32)):
                if status == 200:
                    seen.add(json.loads(body)["worker"])
    assert len(seen) == WORKERS, "not every worker answers"
    return seen


def counted(address):
    """Return how many counts of occurrences all workers have answered."""
    text = get(f"{address}/metrics")[2].decode()
    return sum(
        float(line.rpartition(" ")[2]) for line in text.splitlines()
        if line.startswith("biodata_requests_total") and 'route="/v1/occurrence/count"' in line
    )  # fmt: skip


def open_now(address):
    """Return how many requests all workers are answering."""
    lines = get(f"{address}/metrics")[2].decode().splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith("biodata_requests_open"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serving")
    releases.make_release(folder, rows(MANY))
    return folder


def test_metrics_are_those_of_all_workers_and_survive_one(data):
    with server(data) as (address, _):
        with ThreadPoolExecutor(8) as pool:
            statuses = Counter(s for s, *_ in pool.map(lambda _: get(f"{address}/v1/occurrence/count"), range(80)))
        assert statuses == {200: 80}
        assert {counted(address) for _ in range(10)} == {80.0}, "each worker tells the sum"
        killed = all_workers(address).pop()
        os.kill(killed, signal.SIGKILL)
        end = time.monotonic() + 240
        while time.monotonic() < end:
            try:
                if killed not in all_workers(address):
                    break
            except (OSError, AssertionError):
                time.sleep(0.2)
        assert killed not in all_workers(address)
        assert {counted(address) for _ in range(10)} == {80.0}, "what it had counted stays counted"
        # A worker counts an answer as given a moment after it was: only this request stays open.
        end = time.monotonic() + 240
        while (left := open_now(address)) != 1.0 and time.monotonic() < end:
            time.sleep(0.2)
        assert left == 1.0
    with server(data) as (address, _):
        assert counted(address) == 0.0, "a new server begins anew"


def test_workers_share_the_rate_limit(data):
    with server(data, BIODATA_RATE_LIMIT="60") as (address, _), ThreadPoolExecutor(8) as pool:
        started = time.monotonic()
        answers = list(pool.map(lambda _: get(f"{address}/v1/occurrence/count"), range(150)))
        refilled = int(time.monotonic() - started) + 1
    statuses = Counter(status for status, *_ in answers)
    assert 60 <= statuses[200] <= 60 + refilled
    assert statuses[200] + statuses[429] == 150
    refused = next((headers, body) for status, headers, body in answers if status == 429)
    assert int(refused[0]["Retry-After"]) >= 1
    assert json.loads(refused[1])["code"] == "RATE_LIMITED"


def test_every_worker_sees_a_release_at_once_and_none_mixes_two(tmp_path):
    sizes = {releases.make_release(tmp_path, rows(300)).id: 300}
    with server(tmp_path) as (address, _):
        stop, faults = threading.Event(), []

        def read():
            while not stop.is_set():
                status, headers, body = get(f"{address}/ogc/collections/occurrences/items?limit=1000")
                page = json.loads(body)
                told = (page.get("numberMatched"), len(page.get("features", ())))
                seen.append((status, headers["X-Biodata-Release"], told))

        seen = []
        with ThreadPoolExecutor(4) as pool:
            readers = [pool.submit(read) for _ in range(4)]
            for size in (400, 500, 600):
                made = releases.make_release(tmp_path, rows(size))
                sizes[made.id] = size
                now = [get(f"{address}/v1/occurrence/count")[1]["X-Biodata-Release"] for _ in range(12)]
                if set(now) != {made.id}:
                    faults.append((made.id, now))
            stop.set()
            for reader in readers:
                reader.result()
        assert not faults, "a worker still answered from the release before"
        assert {(status, sizes[release], told) for status, release, told in seen} <= {
            (200, size, (size, size)) for size in sizes.values()
        }
        assert len({release for _, release, _ in seen}) >= 3


def test_it_says_who_works_where_the_map_is_and_how_to_stop(data, tmp_path):
    for workers in (1, WORKERS):
        port, heard = free_port(), tmp_path / f"stderr-{workers}"
        command = [sys.executable, "-m", "biodata.cli", "serve", "--data", str(data), f"--port={port}",
                   f"--workers={workers}"]  # fmt: skip
        with heard.open("wb") as stderr:
            process = subprocess.Popen(command, stderr=stderr)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process, timeout_s=240)
            lines = [line for line in heard.read_text(encoding="utf-8").splitlines() if not line.startswith("{")]
            who_works, where = lines
            assert "biodata worker --data" in who_works
            assert f"http://127.0.0.1:{port}/" in where
            assert "Ctrl-C" in where
        finally:
            process.terminate()
            process.wait(timeout=120)


def test_told_to_stop_it_ends_what_it_began_and_takes_nothing_new(data):
    with server(data) as (address, process):
        lines = [http.client.HTTPConnection(address.removeprefix("http://"), timeout=240) for _ in range(4)]
        for line in lines:
            line.request("GET", "/ogc/collections/occurrences/items?limit=10000")
        begun = [line.getresponse() for line in lines]  # the answer has begun; more of it follows than a line holds
        process.send_signal(signal.SIGTERM)
        assert [(one.status, len(json.loads(one.read())["features"])) for one in begun] == [(200, MANY)] * 4
        for line in lines:
            line.close()
        assert process.wait(timeout=240) in (0, -signal.SIGTERM)
        with pytest.raises(OSError, match="refused"):
            get(f"{address}/health/live", timeout=5)


def test_workers_end_with_their_server(data):
    with server(data) as (address, process):
        workers = all_workers(address)
        process.kill()
        process.wait(timeout=120)
        port = int(address.rpartition(":")[2])
        end = time.monotonic() + 240
        while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in workers):
            time.sleep(0.2)
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
