"""What the queue's jobs do: each name has a handler here, and `work` takes the jobs one after the other."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, Final

from biodata import pipeline, surveys
from biodata.access import citation_texts, citations, consent, downloads, exact_building, replays, requests, withdrawal
from biodata.core.errors import BiodataError, InputError, JobStoppedError, StoreError
from biodata.core.settings import Settings
from biodata.runs import standing
from biodata.runs.engines import work as run_engines
from biodata.runs.standing import kept_run
from biodata.store import jobs, releases, sharing_rules
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.release_merge import MERGE_JOB, merge, merge_owed
from biodata.store.survey_steps import RESULTS_JOB
from biodata.surveys import result_pages

logger = logging.getLogger(__name__)

PAUSE_S: Final = 1.0
"""Seconds between two looks into an empty queue, and between two looks whether a job was cancelled."""

SWEEP_S: Final = 600.0
"""Seconds between two looks for files that nobody needs any more."""

RULES_S: Final = 30.0
"""Seconds between two looks at the sharing rules: whoever mends or changes them sees soon what it does to surveys."""


class Held:
    """A job in the hands of its handler.

    Attributes
    ----------
    arguments : mapping
        With what.
    number : int
        The job's number.
    stopped : threading.Event
        Set when the work is to end: the job was cancelled, somebody else has it, or the worker is to stop.
    """

    def __init__(self, registry: Registry, claim: jobs.Claim, stop: threading.Event) -> None:
        self._registry, self._claim, self._stop = registry, claim, stop
        self._lock = threading.Lock()
        self._told = 0.0
        self._on_stop: list[Callable[[], None]] = []
        self.stopped = threading.Event()
        self.arguments: Mapping[str, Any] = claim.arguments
        self.number = claim.id

    def progress(self, share: float, *, further: bool = False) -> None:
        """Tell how far the work is (0-1); it goes to the registry once a second at most.

        Parameters
        ----------
        share : float
            From 0 to 1.
        further : bool
            Part of the work is kept: a worker that dies now has not tried in vain.

        Raises
        ------
        JobStoppedError
            If the work is to end.
        """
        if self.stopped.is_set():
            message = f"job {self.number} is stopped"
            raise JobStoppedError(message)
        if further or time.monotonic() - self._told >= PAUSE_S:
            self._told = time.monotonic()
            self._keep(progress=min(max(share, 0.0), 1.0), further=further)

    def when_stopped(self, call: Callable[[], None]) -> None:
        """Call this, from another thread, when the work is to end."""
        self._on_stop.append(call)
        if self.stopped.is_set():
            call()

    def watch(self) -> None:
        """See whether the work is to end, and prolong the lease; called by the worker, once a second."""
        state = jobs.look(self._registry, self.number)
        if self._stop.is_set() or state is None or state.state != "running":
            self._end()
            return
        if time.monotonic() - self._kept > jobs.LEASE_S / 4:
            with suppress(JobStoppedError):
                self._keep()

    def release(self) -> None:
        """Give the job back where the worker is to stop; one that was cancelled or lost stays as it is."""
        with self._lock, suppress(JobStoppedError):
            jobs.give_back(self._registry, self._claim)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Put down what came out."""
        with self._lock:
            jobs.finish(self._registry, self._claim, result)

    def fail(self, error: str) -> None:
        """Put down that it cannot be done; a job that was cancelled or lost stays as it is."""
        with self._lock, suppress(JobStoppedError):
            jobs.fail(self._registry, self._claim, error)

    _kept = 0.0

    def _keep(self, *, progress: float | None = None, further: bool = False) -> None:
        try:
            with self._lock:
                self._claim = jobs.keep(self._registry, self._claim, progress=progress, further=further)
                self._kept = time.monotonic()
        except JobStoppedError:
            self._end()
            raise

    def _end(self) -> None:
        if not self.stopped.is_set():
            self.stopped.set()
            for call in self._on_stop:
                call()


Handler = Callable[[Settings, Registry, Held], dict[str, Any]]


def work(settings: Settings, *, stop: threading.Event, once: bool = False) -> int:
    """Do jobs until stated to stop.

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
    name, done, swept, asked = _name(), 0, -SWEEP_S, -RULES_S
    with Registry.open(settings) as registry:
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            registry.reconcile(lake)
        jobs.take_from_dead(registry, _is_dead)
        surveys.take_up_again(registry)
        while not stop.is_set():
            if time.monotonic() - swept >= SWEEP_S:
                swept = time.monotonic()
                downloads.sweep(settings, registry)
                surveys.sweep(settings, registry)
                _report_revocations(settings, registry)
                asked = -RULES_S
            if time.monotonic() - asked >= RULES_S:
                asked = time.monotonic()
                _go_on(registry)
            held = jobs.claim(registry, name, names=list(HANDLERS))
            if held is None:
                if once:
                    break
                stop.wait(PAUSE_S)
                continue
            _do(held, settings, registry, stop)
            done += 1
    return done


def do_one(settings: Settings, registry: Registry, number: int) -> dict[str, Any]:
    """Do a job here, or wait until the worker that was faster has done it; return what came out.

    Parameters
    ----------
    settings, registry
        The installation.
    number : int
        The job.

    Raises
    ------
    StoreError
        If it cannot be done, or was cancelled.
    """
    while True:
        held = jobs.claim(registry, _name(), names=list(HANDLERS), number=number)
        if held is not None:
            _do(held, settings, registry, threading.Event())
        job = jobs.look(registry, number)
        if job is None or job.state in ("failed", "cancelled"):
            raise StoreError((job.error if job is not None else None) or f"job {number} was cancelled")
        if job.state == "done":
            return job.result or {}
        time.sleep(PAUSE_S)


def _name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


def _go_on(registry: Registry) -> None:
    """Go on with the surveys that wait for rules that can be read, or for a look under the rules of today."""
    try:
        rules = sharing_rules.rules_of(registry)
    except BiodataError as error:
        logger.warning("%s", error)
        return
    surveys.take_up_again(registry, because=sharing_rules.UNREADABLE)
    pipeline.check_again(registry, rules.hash)


def _report_revocations(settings: Settings, registry: Registry) -> None:
    """Let the exact process hear of grants that were taken back while it did not answer."""
    if settings.exact_socket is not None:
        try:
            requests.report_revocations(registry, settings.exact_socket)
        except BiodataError as error:
            logger.warning("%s", error)


def _is_dead(worker: str) -> bool:
    """Return whether a worker of this machine has ended; of other machines' nothing is known."""
    host, _, process = worker.rpartition("-")
    if host != socket.gethostname() or not process.isdigit():
        return False
    if int(process) == os.getpid():
        return True  # an earlier process of the same number, as in a container
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _do(claim: jobs.Claim, settings: Settings, registry: Registry, stop: threading.Event) -> None:
    """Do one job; whatever goes wrong is its error and not the worker's end."""
    logger.info("job %d: %s, attempt %d", claim.id, claim.name, claim.attempt)
    held = Held(registry, claim, stop)
    try:
        with _watched(held):
            result = HANDLERS[claim.name](settings, registry, held)
        held.finish(result)
    except BiodataError as error:
        if held.stopped.is_set() or isinstance(error, JobStoppedError):
            logger.info("job %d: stopped", claim.id)
            held.release()
            downloads.sweep(settings, registry)
            return
        logger.warning("job %d: %s", claim.id, error)
        # The queue is read by the service: a value of a file that was handed in stays in the worker's log.
        held.fail(error.without_value() if isinstance(error, InputError) else str(error))
    except Exception:  # a fault of one job must not stop the next
        logger.exception("job %d broke", claim.id)
        held.fail(f"an unexpected fault; the worker's log has it under job {claim.id}")


@contextmanager
def _watched(held: Held) -> Iterator[None]:
    """Look after a job while it is being done: its lease, and whether it was cancelled."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(PAUSE_S):
            try:
                held.watch()
            except Exception:  # a registry that does not answer now answers the next time
                logger.warning("job %d: the registry did not answer", held.number, exc_info=True)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _release(settings: Settings, registry: Registry, held: Held) -> dict[str, Any]:
    """Make what the rules let out the current release; the only one, where somebody took back what was public."""
    made = pipeline.release(settings)
    if held.arguments.get("alone"):
        releases.drop_others(settings.data)
    exact_building.follow_release(settings)
    standing.queue(settings, standing.held_runs(settings))
    with registry.session() as session, session.begin():
        jobs.add_once(session, RESULTS_JOB)
        if held.arguments.get("alone") or merge_owed(settings.data) is not None:
            jobs.add_once(session, MERGE_JOB)
    return {"release": made.id, "counts": dict(made.counts)}


def _merge(settings: Settings, _registry: Registry, _held: Held) -> dict[str, Any]:
    """Write the current release anew without what its base has and it has not."""
    merged = merge(settings.data, memory_limit=settings.memory_limit)
    return {"merged": None if merged is None else merged.id}


def _survey_results(settings: Settings, registry: Registry, _held: Held) -> dict[str, Any]:
    """Make the pages of surveys' results that the current release tells otherwise."""
    return {"datasets": result_pages.make(settings, registry)}


def _survey(settings: Settings, registry: Registry, held: Held) -> dict[str, Any]:
    """Take a survey as far as it can go: checked, waiting for its reviewers, or into the lake; a job of its own releases it."""
    return surveys.process(settings, registry, held.arguments["submission"])


def _corridors_again(settings: Settings, _registry: Registry, held: Held) -> dict[str, Any]:
    """Make a run again whose results are held back, and a release with the new ones."""
    record = kept_run(settings, held.arguments["run"])
    made = run_engines.start(settings, record.engine, record.parameters, seed=record.seed)
    consent.outputs(settings)
    return {"run": made.id, "release": pipeline.release(settings).id}


def _download(settings: Settings, registry: Registry, held: Held) -> dict[str, Any]:
    """Write the file of a download."""
    return downloads.make(settings, registry, held.arguments["download"], held)


def _citation(settings: Settings, registry: Registry, held: Held) -> dict[str, Any]:
    """Hash the answer that a citation tells of."""
    made = citations.make_content(settings, registry, held.arguments["citation"])
    return {"count": made["count"], "hash": made["hash"]}


def _replay(settings: Settings, registry: Registry, held: Held) -> dict[str, Any]:
    """Ask a citation again under today's rules."""
    return replays.replay(settings, registry, held.arguments["citation"], step=held.progress).as_dict()


def _doi(settings: Settings, registry: Registry, held: Held) -> dict[str, Any]:
    """Register a citation's DOI."""
    return citation_texts.register_doi(settings, registry, held.arguments["citation"], url=held.arguments["url"])


def _withdraw(settings: Settings, _registry: Registry, held: Held) -> dict[str, Any]:
    """Take back what a country's node asked for, if it is that country's."""
    facts = {name: held.arguments[name] for name in ("reason", "dataset", "keys", "countries", "actor")}
    return withdrawal.withdraw(settings, release=pipeline.release, **facts).as_dict()


HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "release": _release, MERGE_JOB: _merge, withdrawal.JOB: _withdraw, "survey": _survey,
        RESULTS_JOB: _survey_results, standing.JOB: _corridors_again, "download": _download,
        citations.CONTENT_JOB: _citation, citations.REPLAY_JOB: _replay, citations.DOI_JOB: _doi,
    }
)  # fmt: skip
"""What the worker can do, by the job's name."""
