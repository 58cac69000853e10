"""A real server on 127.0.0.1 for tests: started as a user would, ended by its process id."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(*arguments: str, timeout_s: float = 240) -> Iterator[str]:
    """Run `biodata …` with a port of its own until the block ends; give its address."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "biodata.cli", *arguments, "--port", str(port)])
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process, timeout_s=timeout_s)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=120)


def wait_until_ready(address: str, process: subprocess.Popen[bytes], *, timeout_s: float) -> None:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"the server ended by itself with {process.returncode}")
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=60) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail("the server was not ready in time")


def need(tool: str) -> str:
    """Return a program's path; where it is missing, skip, or fail in the check that must have it."""
    found = shutil.which(tool)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{tool} is not installed")
        pytest.skip(f"{tool} is not installed")
    return found


def make_demo(data: Path) -> None:
    """Make the demo's data folder, or copy the one that the whole check has made: a minute of a quiet machine, many of a busy one."""
    made = os.environ.get("BIODATA_TEST_DEMO")
    if made is not None:
        shutil.copytree(made, data)
        return
    done = subprocess.run([sys.executable, "-m", "biodata.cli", "demo", "--no-serve", "--data", str(data)],
                          capture_output=True, text=True, check=False, timeout=900, cwd=Path(__file__).parents[1])  # fmt: skip
    assert done.returncode == 0, done.stderr
