"""Downloads whose worker is killed, told to stop, or out of room: the same bytes in the end, or nothing left behind."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import releases
from biodata.access import downloads
from biodata.core.errors import DiskFullError
from biodata.core.settings import Settings
from biodata.exports import selection
from biodata.exports.write import Format
from biodata.store.models import Download, Job
from biodata.store.registry import Registry
from biodata.worker import work

pytestmark = pytest.mark.faults

# Small steps, and slow ones: so that a kill finds the worker in the middle.
SLOW_WORKER = """
import sys, threading, time
from pathlib import Path
from biodata.exports import selection
selection.CHUNK_ROWS = 25
share = selection.Selection.share
selection.Selection.share = lambda self, place: time.sleep(0.15) or share(self, place)
from biodata.core.settings import Settings
from biodata.worker import work
work(Settings(data=Path(sys.argv[1])), stop=threading.Event(), once=True)
"""


@pytest.fixture
def installation(tmp_path):
    release = releases.make_release(tmp_path)
    settings = Settings(data=tmp_path)
    with Registry.open(settings) as registry:
        yield settings, registry, release.id


def asked(installation, file_format):
    settings, registry, release = installation
    return downloads.ask(settings, registry, file_format, None, release=release, asked=[])


def start(settings):
    return subprocess.Popen([sys.executable, "-c", SLOW_WORKER, str(settings.data)])


def wait_for(condition, *, timeout_s=240):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("file_format", [Format.CSV, Format.DWCA])
def test_a_worker_that_was_killed_leaves_nothing_in_the_file_of_the_next_one(installation, file_format):
    settings, registry, _ = installation
    number = asked(installation, file_format)
    here = downloads.folder(settings) / number
    worker = start(settings)
    try:
        wait_for(lambda: downloads.look(settings, registry, number).progress > 0)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    assert downloads.look(settings, registry, number).state == "running"
    work(settings, stop=threading.Event(), once=True)
    found = downloads.look(settings, registry, number)
    assert found.state == "done", found.error
    after_the_kill = found.file.read_bytes()
    # The same request from the beginning, by a worker that nobody killed.
    found.file.unlink()
    with registry.session() as session, session.begin():
        session.get_one(Job, session.get_one(Download, number).job_id).state = "queued"
    work(settings, stop=threading.Event(), once=True)
    assert downloads.look(settings, registry, number).file.read_bytes() == after_the_kill
    assert [f.name for f in here.iterdir()] == [found.file.name]


def test_a_cancel_ends_a_running_download_and_leaves_nothing(installation):
    settings, registry, _ = installation
    number = asked(installation, Format.DWCA)
    here = downloads.folder(settings) / number
    worker = start(settings)
    try:
        wait_for(lambda: downloads.look(settings, registry, number).progress > 0)
        assert downloads.cancel(settings, registry, number)
        wait_for(lambda: not here.exists())
        assert downloads.look(settings, registry, number).state == "cancelled"
    finally:
        worker.wait(timeout=240)


def test_a_worker_that_is_told_to_stop_gives_the_download_back(installation, monkeypatch):
    settings, registry, _ = installation
    monkeypatch.setattr(selection, "CHUNK_ROWS", 25)
    number = asked(installation, Format.CSV)
    stop = threading.Event()
    share = selection.Selection.share

    def share_and_stop(self, place):
        stop.set()
        time.sleep(0.2)
        return share(self, place)

    monkeypatch.setattr(selection.Selection, "share", share_and_stop)
    work(settings, stop=stop)
    assert downloads.look(settings, registry, number).state == "queued"
    monkeypatch.setattr(selection.Selection, "share", share)
    work(settings, stop=threading.Event(), once=True)
    assert downloads.look(settings, registry, number).state == "done"


def test_a_disk_that_fills_up_fails_the_download_and_leaves_nothing(installation, monkeypatch):
    settings, registry, _ = installation
    number = asked(installation, Format.CSV)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(selection.Selection, "share", full)
    work(settings, stop=threading.Event(), once=True)
    found = downloads.look(settings, registry, number)
    assert (found.state, found.file) == ("failed", None)
    assert "no room" in found.error
    assert not (downloads.folder(settings) / number).exists()


def test_files_together_take_no_more_than_they_may(installation):
    settings, registry, release = installation
    number = asked(installation, Format.CSV)
    work(settings, stop=threading.Event(), once=True)
    assert downloads.look(settings, registry, number).state == "done"
    small = settings.model_copy(update={"downloads_limit_bytes": 1_000})
    with pytest.raises(DiskFullError, match="all of them together"):
        downloads.ask(small, registry, Format.CSV, None, release=release, asked=[])
