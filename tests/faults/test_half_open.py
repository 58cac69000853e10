"""Connections that never finish their request do not keep others away, and checks beyond the queue are refused at once."""

import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest
import urllib3

import releases
from biodata.core.settings import Settings
from servers import free_port, wait_until_ready

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
FILES = 200
"""Files that the server may open: fewer than there are half-open connections."""
HALF_OPEN = 400
CHECKS = 30
HEAD = b"POST /v1/surveys?dry_run=true HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"


@contextmanager
def serving_with_few_files(settings: Settings):
    port = free_port()
    limited = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}));"
        "import runpy, sys; sys.argv = ['biodata', *sys.argv[1:]]; runpy.run_module('biodata.cli', run_name='__main__')"
    )
    command = [sys.executable, "-c", limited, "serve", "--data", str(settings.data), "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, timeout_s=240)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=240)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory):
    settings = Settings(data=tmp_path_factory.mktemp("half-open"))
    releases.make_release(settings.data)
    with serving_with_few_files(settings) as found:
        yield found


def hold(stack: ExitStack, address: str, sent: bytes) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=240))
    connection.sendall(sent)
    return connection


@pytest.mark.parametrize("sent", [
    pytest.param(b"", id="nothing sent"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", id="half a head"),
    pytest.param(HEAD + b"Content-Length: 1000000\r\n\r\na", id="half a body"),
    pytest.param(b"\r\n", id="a line without a word"),
])  # fmt: skip
def test_half_open_connections_hold_nobody_up(address: str, sent: bytes):
    with ExitStack() as stack:
        for _ in range(HALF_OPEN):
            hold(stack, address, sent)
        for _ in range(5):
            with urllib3.PoolManager(retries=False) as pool:
                assert pool.request("GET", f"{address}/v1/occurrence/search?limit=1", timeout=240).status == 200


def test_a_head_that_never_ends_is_answered_and_closed(address: str):
    with ExitStack() as stack:
        connection = hold(stack, address, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        answer = b""
        while part := connection.recv(65_536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_goes_on_slowly_is_taken(address: str):
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nscientificName\r\nMus\r\n--b--\r\n'
    head = HEAD.replace(b"text/csv", b"multipart/form-data; boundary=b") + b"Content-Length: %d\r\n\r\n" % len(body)
    with ExitStack() as stack:
        connection = hold(stack, address, head)
        for piece in (body[:20], body[20:60], body[60:]):
            time.sleep(1)
            connection.sendall(piece)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def test_checks_beyond_the_queue_are_refused_at_once_and_readers_read(address: str):
    table = (
        b"scientificName,decimalLatitude,decimalLongitude,eventDate\r\n"
        + b"Mus musculus,18.1,102.1,2026-01-02\r\n" * 20_000
    )
    answers: Counter[tuple[int, bool]] = Counter()
    start = threading.Barrier(CHECKS + 1)

    def check() -> None:
        with urllib3.PoolManager(retries=False) as pool:
            start.wait()
            fields = {"file": ("survey.csv", table, "text/csv")}
            answer = pool.request("POST", f"{address}/v1/surveys?dry_run=true", fields=fields, timeout=300)
            answers[answer.status, "retry-after" in answer.headers] += 1

    threads = [threading.Thread(target=check) for _ in range(CHECKS)]
    for thread in threads:
        thread.start()
    start.wait()
    with urllib3.PoolManager(retries=False) as pool:
        for _ in range(5):
            assert pool.request("GET", f"{address}/v1/occurrence/search?limit=1", timeout=240).status == 200
    for thread in threads:
        thread.join()
    assert set(answers) == {(200, False), (429, True)}
    assert sum(answers.values()) == CHECKS
