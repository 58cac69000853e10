"""One demo installation; every story and every block of the README runs on a copy of it.

The folder is run where it is named: `uv run pytest tests/readme`. It needs what a reader of the README has: bash, curl.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from servers import make_demo

ROOT: Final = Path(__file__).parents[2]
STORIES: Final = Path(__file__).parent / "stories"
FORKED: Final = Path(__file__).parent / "forked.py"
PRELUDE: Final = Path(__file__).parent / "prelude.sh"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each story to the next free process: none leans on another."""
    from xdist.scheduler import LoadScheduling

    return LoadScheduling(config, log)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / "readme-demo"
    with (shared / "readme-demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "demo.json").exists():
            make_demo(folder)
    return folder


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the socket of a process that commands are forked off."""
    address = tmp_path_factory.mktemp("forked") / "socket"
    process = subprocess.Popen([sys.executable, str(FORKED), "serve", str(address)])
    try:
        while not address.exists():
            assert process.poll() is None, "it ended by itself"
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def run(demo_folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Return what runs a script of bash beside a copy of the demo and gives back what it printed."""
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")

    def run_script(script: str, *, with_demo: bool = True, any_port: bool = True, fork: bool = False) -> str:
        own = {"FORKED": str(FORKED), "FORKED_SOCKET": str(request.getfixturevalue("forked"))} if fork else {}
        if with_demo:
            shutil.copytree(demo_folder, tmp_path / "biodata_data")
        file = tmp_path / "story.sh"
        file.write_text(f"source {PRELUDE}\n{script}", encoding="utf-8")
        commands = Path(sys.executable).parent
        printed = tmp_path / "printed.txt"
        with printed.open("w") as out:
            story = subprocess.Popen(
                ["bash", str(file)], cwd=tmp_path, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
                     "PYTHONPATH": str(ROOT / "tests"), "ANY_PORT": "yes" if any_port else "no", **own},
            )  # fmt: skip
            try:
                story.wait(timeout=900)
            finally:
                with suppress(ProcessLookupError):  # what a block left running in the background
                    os.killpg(story.pid, signal.SIGTERM)
        text = printed.read_text(encoding="utf-8", errors="replace")
        assert story.returncode == 0, f"{text[-4000:]}\nended with {story.returncode}"
        return text

    return run_script
