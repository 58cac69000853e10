"""A real server on 127.0.0.1 with the small release, for clients that others wrote."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import releases
from servers import free_port, wait_until_ready


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve until the last test ends; give the server's address.

    It is a process of its own: GDAL keeps Python's lock while it waits for an answer.
    """
    data = tmp_path_factory.mktemp("clients")
    releases.make_release(data)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.app:create_app", "--port", str(port),
               "--no-access-log"]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, "BIODATA_DATA": str(data)}, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process, timeout_s=240)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=120)
