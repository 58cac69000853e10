"""A real server asked as no client would: what is no request is refused, and a crowd that logs in takes no memory."""

import json
import socket
import threading
from collections import Counter
from pathlib import Path

import pytest
import urllib3

import appointed
import releases
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from servers import serving

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
MIB = 1 << 20


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory):
    settings = Settings(data=tmp_path_factory.mktemp("hostile"))
    releases.make_release(settings.data)
    with Registry.open(settings) as registry:
        appointed.new(registry, "ana", roles=[RoleBinding(Role.PLANNER)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIODATA_LOGIN_LIMIT", "0")
        with serving("serve", "--data", str(settings.data)) as found:
            yield found


def ask(address: str, sent: bytes) -> list[bytes]:
    """Send bytes as they are; return the status line of every answer until the server ends the connection, or waits."""
    host, port = address.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        try:
            connection.sendall(sent)
            while part := connection.recv(65_536):
                answer += part
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            pass
    return [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]


SMUGGLED = b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("sent", [
    pytest.param(HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, id="two lengths"),
    pytest.param(HEAD + b"Content-Length: 2\r\nContent-Length: 44\r\n\r\n{}" + SMUGGLED, id="two Content-Length"),
    pytest.param(HEAD + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED, id="a sign before the length"),
    pytest.param(HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED, id="an unknown encoding"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + SMUGGLED, id="a chunk of no length"),
    pytest.param(HEAD + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED, id="a blank before the colon"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n c: d\n\n" + SMUGGLED, id="folded lines"),
    pytest.param(b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n" + SMUGGLED, id="another version"),
    pytest.param(b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", id="NUL in the address"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a@b/../c\r\n\r\n", id="no host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * MIB + b"\r\n\r\n", id="a header of a megabyte"),
    pytest.param(b"GET /?" + b"&".join(b"a=1" for _ in range(100_000)) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", id="100,000 parameters"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", id="TLS"),
])  # fmt: skip
def test_what_is_no_request_is_no_two_requests(address: str, sent: bytes):
    answers = ask(address, sent)
    # A connection that is just closed is a refusal too; nothing behind it may ever be answered with success.
    assert len(answers) <= 1 or all(status.split()[1] in (b"400", b"401", b"421") for status in answers), answers
    assert not any(status.split()[1].startswith((b"2", b"5")) for status in answers), answers
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{address}/health/live").status == 200


def test_an_old_client_and_another_sites_page(address: str):
    (status,) = ask(address, b"GET /health/live HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert status.split()[1] == b"200"
    with urllib3.PoolManager() as pool:
        answer = pool.request("GET", f"{address}/v1/account", headers={"Origin": "https://evil.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers, "no browser sends or shows anything private"
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        assert (
            "access-control-allow-credentials"
            not in pool.request("OPTIONS", f"{address}/v1/login", headers=asked).headers
        )
        other = pool.request("GET", f"{address}/ogc", headers={"Host": "evil.example"})
        assert b"evil.example" not in other.data


def test_a_head_without_an_end_is_not_kept(address: str):
    host, port = address.removeprefix("http://").split(":")
    sent = 0
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        try:
            for _ in range(1_000):
                sent += connection.send(b"a" * 100_000)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 20_000_000, "the connection was ended long before"


def test_many_requests_in_one_connection(address: str):
    """A pipeline, with bodies between the heads, is longer than a head may be and no fault."""
    body = b'{"refresh_token": "x"}'
    one = HEAD.replace(b"/v1/login", b"/v1/login/end") + b"Content-Length: %d\r\nX: %s\r\n\r\n%s" % (
        len(body), b"a" * 3_000, body,
    )  # fmt: skip
    answers = ask(address, one * 40)
    assert [status.split()[1] for status in answers] == [b"204"] * 40


def test_a_thousand_parallel_logins_do_not_exhaust_memory(address: str):
    with urllib3.PoolManager(maxsize=1_000, retries=False) as pool:
        ready = json.loads(pool.request("GET", f"{address}/health/ready").data)
        before = peak_mib(ready["worker"])
        answers: list[tuple[int, str | None]] = []
        start = threading.Barrier(1_001)

        def log_in(number: int) -> None:
            body = {"name": "ana" if number % 2 else "nobody", "password": "one that is wrong"}
            start.wait()
            answer = pool.request("POST", f"{address}/v1/login", json=body, timeout=300)
            answers.append((answer.status, answer.headers.get("retry-after")))

        threads = [threading.Thread(target=log_in, args=(number,)) for number in range(1_000)]
        for thread in threads:
            thread.start()
        start.wait()
        found = pool.request("GET", f"{address}/v1/occurrence/search", timeout=300)
        for thread in threads:
            thread.join()
        assert found.status == 200, "who searches is answered meanwhile"
        told = Counter(status for status, _ in answers)
        assert set(told) == {401, 429}
        assert sum(told.values()) == 1_000
        assert all(wait is not None for status, wait in answers if status == 429)
        # Two checks at once, of 64 MiB each; the rest is a thousand open connections.
        assert peak_mib(ready["worker"]) - before < 2 * 64 + 120, told


def peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
