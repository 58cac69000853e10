"""Hostile inputs by their number in the list that this project is held to, each against a real server.

Row 27 has `tests/attacks`, row 28 a test of its own in this folder, and requests that are none (25 in part, 48)
`test_hostile_requests`; rows 24, 25 and 39 are asked of the same code without a server (`test_tokens`, `test_api_accounts`,
`test_registry`).
"""

import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

import appointed
import releases
from biodata.access import credentials
from biodata.access.credentials import Passwords
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from commands import run
from people import PASSWORD, bearer
from servers import serving
from zips import zip_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
PEOPLE = {
    "ana": RoleBinding(Role.UPLOADER, dataset="nam-ha"),
    "noy": RoleBinding(Role.UPLOADER, dataset="another"),
    "root": RoleBinding(Role.ADMINISTRATOR),
}
ABROAD = {"X-Forwarded-For": "203.0.113.9"}


class Service:
    """A server that is asked over the network."""

    def __init__(self, address: str, data: Path) -> None:
        self.address, self.data, self.pool = address, data, urllib3.PoolManager(retries=False)

    def ask(self, method: str, path: str, **sent: Any) -> urllib3.BaseHTTPResponse:
        return self.pool.request(method, self.address + path, redirect=False, timeout=240, **sent)

    def log_in(self, name: str) -> dict[str, str]:
        answer = self.ask("POST", "/v1/login", json={"name": name, "password": PASSWORD})
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def headers(self, name: str) -> dict[str, str]:
        return bearer(self.log_in(name)["access_token"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = Settings(data=tmp_path_factory.mktemp("rows"), password_memory_mib=8)
    releases.make_release(settings.data)
    with Registry.open(settings) as registry:
        for name, binding in PEOPLE.items():
            appointed.new(registry, name, roles=[binding])
            Passwords(memory_mib=8).set_by_code(registry, credentials.new_code(registry, name), PASSWORD)
    with pytest.MonkeyPatch.context() as patch:
        told = {"LOGIN_LIMIT": "0", "PASSWORD_MEMORY_MIB": "8", "DOCUMENTATION": "accounts"}
        for name, value in told.items():
            patch.setenv(f"BIODATA_{name}", value)
        with serving("serve", "--data", str(settings.data)) as address:
            yield Service(address, settings.data)


@contextmanager
def trap() -> Iterator[tuple[int, list[object]]]:
    """Listen on this machine; give the port, and who came."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    connection, who = server.accept()
                except TimeoutError:
                    continue
                came.append(who)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            ended.set()
            thread.join()


def test_rows_22_and_23_no_address_of_a_sender_is_ever_asked(service: Service):
    with trap() as (port, came):
        hosts = ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1")
        told = [f"http://{host}:{port}/a" for host in hosts]
        told += ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data/", f"gopher://127.0.0.1:{port}/a"]
        ana = service.headers("ana")
        for url in told:
            quoted = urllib3.util.parse_url("").url + url.replace("/", "%2F").replace(":", "%3A")
            for path in (
                f"/v1/occurrence/search?url={quoted}",
                f"/v1/occurrence/search?geometry={quoted}",
                f"/v1/occurrence/search?withinArea={quoted}",
                f"/ogc/collections/occurrences/items?url={quoted}",
                f"/ogc/collections/occurrences/items?crs={quoted}",
                f"/ogc/collections/occurrences/tiles/WebMercatorQuad/0/0/0?url={quoted}",
                f"/ogc/collections/{quoted}",
                f"/v1/dataset/{quoted}",
                f"/v1/areas/{quoted}",
                f"/v1/reports/{quoted}",
                f"/v1/rights/datasets/{quoted}",
                f"/v1/downloads/{quoted}/file",
            ):
                assert service.ask("GET", path).status in (400, 404), path
            for path, body in (
                ("/v1/areas", {"url": url}),
                ("/v1/areas", {"type": "Polygon", "coordinates": url}),
                ("/v1/downloads", {"url": url}),
                ("/v1/downloads", {"notificationAddresses": [url], "url": url}),
                ("/v1/access/requests", {"purpose": url, "url": url}),
            ):
                assert 400 <= service.ask("POST", path, json=body, headers=ana).status < 500, path
            shown = {"Forwarded": f"host={url}", "X-Forwarded-Host": url, "X-Original-URL": url, "Referer": url}
            assert service.ask("GET", "/ogc", headers=shown).status == 200
        time.sleep(0.3)
        assert came == []


def test_row_26_anothers_draft_a_role_in_a_patch_and_what_is_for_others(service: Service):
    ana, noy, root = (service.headers(name) for name in PEOPLE)
    made = service.ask("POST", "/v1/surveys", fields={"file": ("a.xlsx", b"a")}, headers=ana)
    assert made.status == 202, made.data
    number = json.loads(made.data)["id"]
    there, not_there = (service.ask("GET", f"/v1/surveys/{n}", headers=noy) for n in (number, number + 1_000))
    assert (there.status, not_there.status) == (404, 404)
    plain = [re.sub(rb"\d+", b"", a.data.replace(a.headers["x-request-id"].encode(), b"")) for a in (there, not_there)]
    assert plain[0] == plain[1], "one that is another's is as one that is not there"
    assert service.ask("GET", f"/v1/surveys/{number}", headers=ana).status == 200
    for field in ("role", "roles", "closed", "name", "account_id", "token_version", "password"):
        answer = service.ask("PATCH", "/v1/account", json={"label": "Ana", field: "administrator"}, headers=ana)
        assert (answer.status, json.loads(answer.data)["field"]) == (422, field)
    for method, path, body in (
        ("GET", "/v1/accounts", None),
        ("PATCH", "/v1/accounts/ana", {"closed": False}),
        ("POST", "/v1/accounts/ana/roles", {"role": "administrator"}),
        ("POST", "/v1/access/requests/1/decide", {"country": "LA", "reason": "no"}),
    ):
        assert service.ask(method, path, json=body, headers=ana).status == 403, path
    assert service.ask("GET", "/v1/accounts", headers=root).status == 200


def test_row_27_private_answers_are_kept_by_nobody_and_public_ones_are_the_same(service: Service):
    ana = service.headers("ana")
    for path in ("/v1/account", "/v1/account/keys", "/v1/access/requests", "/v1/surveys/1", "/v1/accounts", "/docs"):
        for shown in (ana, {}):
            answer = service.ask("GET", path, headers=shown)
            assert answer.headers["cache-control"] == "private, no-store", path
            assert {"Authorization", "X-API-Key"} <= set(answer.headers["vary"].split(", ")), path
    secrets = [*releases.SECRET_WORDS, str(releases.SECRET_LATITUDE)[:6], str(releases.SECRET_LONGITUDE)[:7]]
    for path in (
        "/v1/occurrence/search?limit=300&taxonKey=2436501&facet=recordedBy&facet=eventDate&facet=locality&facetLimit=99",
        "/ogc/collections/occurrences/items?limit=1000&f=json&sortby=decimalLatitude",
        "/ogc/collections/occurrences/tiles/WebMercatorQuad/0/0/0",
        "/v1/dataset/gibbons/document",
        "/v1/dataset/gibbons?f=html",
        f"/v1/occurrence/search?decimalLatitude={releases.SECRET_LATITUDE}",
    ):
        mine, nobodys = (service.ask("GET", path, headers=shown) for shown in (ana, {}))
        assert mine.data.replace(mine.headers["x-request-id"].encode(), b"") == nobodys.data.replace(
            nobodys.headers["x-request-id"].encode(), b""
        )
        found = [s for s in secrets if s.encode() in mine.data and s not in path]
        assert not found, path


NAMES = {"a folder above": "../../etc/cron.d/a.xlsx", "a drive": r"C:\windows\a.xlsx",
         "4,096 signs": "a" * 4_096 + ".xlsx", "a line turned round": "survey\u202excod.xlsx", "NUL": "a\x00.xlsx",
         "a device": "CON", "emoji": "\N{ELEPHANT}.xlsx", "a header": 'a"; filename="b.xlsx',
         "lines": "a\r\nSet-Cookie: x=1\r\n.xlsx", "nothing": "", "dots": ".."}  # fmt: skip


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_row_29_what_a_file_is_called_is_no_path(service: Service, name: str):
    ana = service.headers("ana")
    before = {file for file in service.data.rglob("*") if "uploads" not in file.parts}
    answer = service.ask("POST", "/v1/surveys", fields={"file": (name, os.urandom(16))}, headers=ana)
    assert answer.status in (202, 400), answer.data
    assert "set-cookie" not in answer.headers
    after = {file for file in service.data.rglob("*") if "uploads" not in file.parts}
    assert {file.name for file in after - before} <= {"registry.sqlite-journal", "registry.sqlite-wal",
                                                      "registry.sqlite-shm", "secrets", "upload_key", "upload_key.pub"}  # fmt: skip
    uploads = [file.name for file in service.data.rglob("uploads/*")]
    assert all(re.fullmatch(r"[0-9a-f]{64}(\.xlsx|\.sealed)?", kept) for kept in uploads), uploads
    if answer.status == 202:
        told = json.loads(service.ask("GET", json.loads(answer.data)["location"], headers=ana).data)["file"]
        assert told.isprintable()
        assert 0 < len(told) <= 200
        assert not {"/", "\\"} & set(told)


def test_row_29_a_download_is_called_by_its_id(service: Service):
    made = service.ask("POST", '/v1/downloads?format=csv&recordedBy=a"%3B%0D%0Ax: y')
    assert made.status == 202, made.data
    number = json.loads(made.data)["id"]
    assert run("worker", "--once", "--data", service.data).returncode == 0
    answer = service.ask("GET", f"/v1/downloads/{number}/file")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="biodata-{number[:12]}.csv"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def picture(width: int, height: int) -> bytes:
    """Return a PNG whose head tells so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + b"\0\0\0\0"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PICTURES = {
    "2.5 billion pixels": picture(50_000, 50_000),
    "a script in an SVG": SVG,
    "EXIF without an end": b"\xff\xd8\xff\xe1\xff\xffExif\0\0" + b"MM\0*\0\0\0\x08" + b"\xff" * 60_000,
    "picture and archive in one": picture(1, 1) + zip_of({"xl/workbook.xml": b"<workbook/>"}),
    "a flood in a workbook": zip_of({"xl/media/image1.png": picture(50_000, 50_000), "xl/workbook.xml": SVG}),
}


@pytest.mark.parametrize("content", PICTURES.values(), ids=PICTURES)
def test_row_30_no_picture_is_ever_opened(service: Service, content: bytes):
    worker = json.loads(service.ask("GET", "/health/ready").data)["worker"]
    # A first check loads borders and names, whatever is sent.
    service.ask(
        "POST",
        "/v1/surveys?dry_run=true",
        fields={"file": ("a.csv", b"Species,Date\nSus scrofa,2024-01-02\n", "text/csv")},
    )
    before = peak_mib(worker)
    for name, kind in (("a.png", "image/png"), ("a.svg", "image/svg+xml"), ("a.xlsx", "application/octet-stream")):
        answer = service.ask("POST", "/v1/surveys?dry_run=true", fields={"file": (name, content, kind)})
        told = json.loads(answer.data)
        assert answer.status == 400 or (answer.status == 200 and told["problems"][0]["blocking"] and not told["ok"])
        assert b"<script" not in answer.data
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert peak_mib(worker) - before < 150


def peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def test_row_49_nothing_inside_is_told_to_who_may_not_see_it(service: Service):
    ana, root = service.headers("ana"), service.headers("root")
    for path in ("/docs", "/openapi.json"):
        assert service.ask("GET", path).status == 401, path
        assert service.ask("GET", path, headers=ana).status == 200, path
    shown = json.loads(service.ask("GET", "/ogc/api").data)["paths"]
    assert not [path for path in shown if path.startswith(("/v1", "/metrics"))], "what OGC asks for, of public routes"
    assert service.ask("GET", "/metrics", headers=ABROAD).status == 403
    assert service.ask("GET", "/metrics", headers=ABROAD | ana).status == 403
    assert service.ask("GET", "/metrics", headers=ABROAD | root).status == 200
    for path in ("/redoc", "/admin", "/.git/config", "/debug", "/server-status", "/actuator", "/v1/../registry.sqlite"):
        assert service.ask("GET", path).status == 404, path
    told = []
    for path in (
        "/v1/occurrence/search?geometry=POLYGON((",
        "/v1/occurrence/search?cursor=x",
        "/v1/occurrence/99999999999999999999",
        "/ogc/collections/occurrences/items?filter=%00",
        "/ogc/collections/occurrences/tiles/WebMercatorQuad/99/0/0",
        "/v1/species/%F0%9F%90%98",
        "/v1/downloads/%2e%2e%2f/file",
    ):
        answer = service.ask("GET", path)
        assert 400 <= answer.status < 500, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.data)["request_id"] == answer.headers["x-request-id"]
        told.append(answer.data)
    inside = (b"Traceback", b".py", str(service.data).encode(), b"site-packages", b"SELECT ", b"duckdb", b"sqlalchemy")
    assert not [word for word in inside if any(word.lower() in text.lower() for text in told)]
    assert service.ask("GET", "/health/live").headers.get("server", "") in ("", "biodata"), "no version of a server"
