"""Workers that are killed at a step: each forked off a process that has the product imported, which takes most of a short life."""

import multiprocessing
import os
import signal
import sys
import threading
from typing import Any

from biodata import pipeline
from biodata.access import purges, withdrawal
from biodata.cli import main
from biodata.core.settings import Settings
from biodata.pull import service
from biodata.store import checksums, pointer, survey_files, survey_steps
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.surveys.submit import purge_part
from biodata.worker import work

STEPS: dict[str, tuple[Any, str, str]] = {
    "the file is still sealed": (survey_files, "write_whole", "before"),
    "the file is opened, nothing is put down": (survey_files, "open_out", "after"),
    "it is checked, nothing is put down": (sys.modules["biodata.surveys.process"], "_settle", "before"),
    "the registry says committing, the lake has nothing": (pipeline, "commit", "before"),
    "the files have joined the lake's folder, nothing is committed": (checksums, "record_new_lake_files", "after"),
    "the lake has it, the registry says committing": (survey_steps, "committed", "before"),
    "the registry says committed, nothing is released": (pipeline, "release", "before"),
    "the release's file is there, the pointer names another": (pointer, "swap", "before"),
    "the release is current, the registry does not know it": (Registry, "record_release", "before"),
    "the registry says that it is being removed, the lake has all of it": (Lake, "commit_survey", "before"),
    "it is put down that it is purged, the lake has all of it": (withdrawal, "note_part", "after"),
    "older versions are emptied, the map shows it": (pipeline, "release", "before"),
    "it is gone from the lake and the map, its file is there": (purges, "forget_submission", "before"),
}
"""What a step calls, and whether the process dies before or after it."""
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["biodata.worker"])


def killed(settings: Settings, step: str, *, purge: str | None = None) -> None:
    """Let a worker do what waits, or purge a part of `nam-ha`, and see that it dies at a step."""
    ended = _FORKED.Process(target=_die, args=(settings, step, purge))
    ended.start()
    ended.join()
    assert ended.exitcode == -signal.SIGKILL, (step, ended.exitcode)


def pull(environment: dict[str, str], *words: str) -> Any:
    """Begin `biodata pull` in a process that whoever calls kills."""
    begun = _FORKED.Process(target=_pull, args=(environment, words))
    begun.start()
    return begun


def _pull(environment: dict[str, str], words: tuple[str, ...]) -> None:
    os.environ.update(environment)
    service._FIRST_WAIT_SECONDS = 0.3
    sys.argv = ["biodata", "pull", *words]
    main()


def _die(settings: Settings, step: str, purge: str | None) -> None:
    owner, name, when = STEPS[step]
    whole = getattr(owner, name)

    def cut(*args: object, **more: object) -> None:
        if when == "after":
            whole(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, cut)
    if purge is None:
        work(settings, stop=threading.Event(), once=True)
        return
    with Registry.open(settings) as registry:
        purge_part(settings, registry, dataset="nam-ha", part=purge, reason="a law", actor="a test")
