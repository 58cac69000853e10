"""What the queue's jobs do: each name has a handler here, and `work` takes the jobs one after the other."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from biodata import jobs, pipeline, runs, surveys
from biodata.errors import BiodataError
from biodata.settings import Settings
from biodata.store.lake import Lake
from biodata.store.registry import Registry

logger = logging.getLogger(__name__)

Handler = Callable[[Settings, Registry, Mapping[str, Any]], dict[str, Any]]

PAUSE_S: Final = 1.0
"""Seconds between two looks into an empty queue."""


def work(settings: Settings, *, stop: threading.Event, once: bool = False) -> int:
    """Do jobs until told to stop.

    Parameters
    ----------
    settings : Settings
        The installation.
    stop : threading.Event
        Set it to end after the job in hand.
    once : bool
        End when nothing waits.

    Returns
    -------
    int
        How many jobs were done.
    """
    name = f"{socket.gethostname()}-{os.getpid()}"
    done = 0
    with Registry.open(settings) as registry:
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            registry.reconcile(lake)
        while not stop.is_set():
            held = jobs.claim(registry, name, names=list(HANDLERS))
            if held is None:
                if once:
                    break
                stop.wait(PAUSE_S)
                continue
            _do(held, settings, registry)
            done += 1
    return done


def _do(held: jobs.Claim, settings: Settings, registry: Registry) -> None:
    """Do one job; whatever goes wrong is its error and not the worker's end."""
    logger.info("job %d: %s, attempt %d", held.id, held.name, held.attempt)
    try:
        with _signs_of_life(registry, held):
            result = HANDLERS[held.name](settings, registry, held.arguments)
        jobs.finish(registry, held, result)
    except BiodataError as error:
        logger.warning("job %d: %s", held.id, error)
        jobs.fail(registry, held, str(error))
    except Exception:  # a fault of one job must not stop the next
        logger.exception("job %d broke", held.id)
        jobs.fail(registry, held, f"an unexpected fault; the worker's log has it under job {held.id}")


@contextmanager
def _signs_of_life(registry: Registry, held: jobs.Claim) -> Iterator[None]:
    """Prolong the lease while the work goes on."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(jobs.LEASE_S / 4):
            jobs.keep(registry, held)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _release(settings: Settings, _registry: Registry, _arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make what the rules let out the current release."""
    made = pipeline.release(settings)
    return {"release": made.id, "counts": dict(made.counts)}


def _survey(settings: Settings, registry: Registry, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Take a submitted survey into the lake and release it."""
    result = surveys.publish(settings, registry, arguments["submission"])
    if result["state"] == "refused":
        return result
    return {**result, "release": pipeline.release(settings).id}


def _corridors(settings: Settings, _registry: Registry, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run corridors and candidates over a layer's window."""
    return runs.find_corridors(settings, runs.Request(**arguments)).as_dict()


HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {"release": _release, "survey": _survey, "corridors": _corridors}
)
"""What the worker can do, by the job's name."""
