"""Large surveys as tuspy sends them to a real server: a line that is cut, checksums, two at once, one that expired."""

import hashlib
import io
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

import appointed
import releases
from biodata.access import api_keys
from biodata.access.roles import Role, RoleBinding
from biodata.settings import Settings
from biodata.store import survey_files
from biodata.store.models import now
from biodata.store.registry import Registry
from biodata.store.survey_models import SurveyUpload
from biodata.surveys import parts
from servers import free_port, wait_until_ready

# tuspy leaves its files and lines to the garbage collector.
pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PART = 1_000_000


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, str, int]]:
    """Return the settings of a server that runs, a team's key, and its port."""
    settings = Settings(data=tmp_path_factory.mktemp("tus") / "data")
    releases.make_release(settings.data)
    with Registry.open(settings) as registry:
        appointed.new(registry, "team", roles=[RoleBinding(Role.UPLOADER, dataset="team")])
        key = api_keys.new(registry, "team")
    port = free_port()
    told = {"BIODATA_DATA": str(settings.data), "BIODATA_RATE_LIMIT": "0", "BIODATA_SURVEY_PARTS_AT_ONCE": "50"}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "api.app:create_app",
        "--port",
        str(port),
        "--no-access-log",
    ]
    process = subprocess.Popen(command, env={**os.environ, **told}, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, timeout_s=120)
        yield settings, key, port
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def cutting(port: int, *, after_bytes: int) -> Iterator[int]:
    """Pass a port on; when so many bytes were sent, the line that sends is cut, once."""
    left, sent = [1], [0]
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def line(client: socket.socket) -> None:
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=pass_on, args=(server, client, lambda _: False), daemon=True)
                back.start()

                def is_cut(size: int) -> bool:
                    sent[0] += size
                    if sent[0] <= after_bytes or not left[0]:
                        return False
                    left[0] = 0
                    return True

                pass_on(client, server, is_cut)
                for end in (client, server):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue
                back.join(10)

        def listen() -> None:
            while True:
                try:
                    client, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=line, args=(client,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    assert not left[0], "no line was cut"


def pass_on(source: socket.socket, target: socket.socket, is_cut: Callable[[int], bool]) -> None:
    """Pass bytes on until one end closes, or the line is cut."""
    try:
        while piece := source.recv(1 << 16):
            target.sendall(piece)
            if is_cut(len(piece)):
                return
    except OSError:
        return


def made(folder: Path, name: str, size: int) -> tuple[Path, str]:
    """Write a file; return it with its SHA-256."""
    content = random.Random(name).randbytes(size)
    path = folder / name
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def client_of(key: str, port: int) -> TusClient:
    return TusClient(f"http://127.0.0.1:{port}/v1/uploads", headers={"X-API-Key": key})


def direct(url: str, port: int) -> str:
    """Return an upload's address at the server itself."""
    return f"http://127.0.0.1:{port}/v1/uploads/{url.rsplit('/', 1)[1]}"


def arrived(settings: Settings, url: str) -> str:
    """Return the SHA-256 of what the server keeps of an upload."""
    upload = url.rsplit("/", 1)[1]
    with Registry.open(settings) as registry:
        files = parts.files_of(registry, settings.data, upload)
    return survey_files.digest_of(settings.data, files)


@pytest.mark.parametrize("checked", [False, True], ids=["no checksum", "checksum of each part"])
def test_a_line_that_is_cut_goes_on_where_it_was(office, tmp_path, checked):
    settings, key, port = office
    path, whole = made(tmp_path, f"cut {checked}", 8 * PART + 17)
    with cutting(port, after_bytes=3 * PART + 500_000) as through:
        sender = client_of(key, through).uploader(
            file_stream=io.BytesIO(path.read_bytes()),
            chunk_size=PART,
            retries=5,
            retry_delay=1,
            upload_checksum=checked,
            metadata={"filename": "a.zip"},
        )
        sender.upload()
    assert arrived(settings, sender.url) == whole


def test_one_part_for_all_is_kept_as_far_as_it_came_and_taken_up_by_another_client(office, tmp_path):
    settings, key, port = office
    path, whole = made(tmp_path, "one part", 60 * PART)
    with cutting(port, after_bytes=40 * PART) as through:
        first = client_of(key, through).uploader(
            file_stream=io.BytesIO(path.read_bytes()), metadata={"filename": "a.zip"}
        )
        with pytest.raises((TusUploadFailed, requests.RequestException, OSError)):
            first.upload()
    second = client_of(key, port).uploader(
        file_stream=io.BytesIO(path.read_bytes()), url=direct(first.url, port), retries=3, retry_delay=1
    )
    assert 0 < second.get_offset() < 60 * PART
    second.upload()
    assert arrived(settings, first.url) == whole


def test_two_files_at_once_stay_apart(office, tmp_path):
    settings, key, port = office
    files = [made(tmp_path, name, 4 * PART) for name in ("left", "right")]

    def send(path: Path) -> str:
        sender = client_of(key, port).uploader(
            file_stream=io.BytesIO(path.read_bytes()), chunk_size=300_000, upload_checksum=True
        )
        sender.upload()
        return str(sender.url)

    with ThreadPoolExecutor(2) as pool:
        urls = list(pool.map(send, [path for path, _ in files]))
    assert [arrived(settings, url) for url in urls] == [whole for _, whole in files]


def test_a_wrong_checksum_is_answered_460_and_an_expired_upload_404(office, tmp_path, monkeypatch):
    settings, key, port = office
    path, whole = made(tmp_path, "wrong", 2 * PART)
    sender = client_of(key, port).uploader(
        file_stream=io.BytesIO(path.read_bytes()), chunk_size=PART, upload_checksum=True
    )
    sender.upload_chunk()
    monkeypatch.setattr("tusclient.request.TusRequest.add_checksum", lambda self, chunk: self._request_headers.update(
        {"upload-checksum": "sha1 MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="}))  # fmt: skip
    with pytest.raises(TusUploadFailed) as caught:
        sender.upload_chunk()
    assert caught.value.status_code == 460
    monkeypatch.undo()
    again = client_of(key, port).uploader(
        file_stream=io.BytesIO(path.read_bytes()), url=sender.url, chunk_size=PART, upload_checksum=True
    )
    assert again.offset == PART
    again.upload()
    assert arrived(settings, sender.url) == whole
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        session.get_one(SurveyUpload, sender.url.rsplit("/", 1)[1]).expires = now() - timedelta(minutes=1)
    answer = requests.head(sender.url, headers={"X-API-Key": key, "Tus-Resumable": "1.0.0"}, timeout=30)
    assert answer.status_code == 404
