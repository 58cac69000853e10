"""Whether the process lives, whether it can answer, and what it counts, as Prometheus reads it."""

import hmac
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import func, select
from starlette.requests import Request
from starlette.responses import Response

from api import auth
from api.answers import json_answer
from api.dependencies import Service, service
from api.errors import Code, ProblemError
from biodata.access.roles import Action, may
from biodata.store.models import Job

# Answers of this service take from a millisecond (a tile that is not modified) to the watchdog's limit.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_KINDS: Final = ("counter", "histogram", "gauge_livesum")
_ROOM_BYTES: Final = 1 << 20  # five times what every route with every status takes
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder; the library reads it, too, when it is imported."""


class Metrics:
    """Counters of one application.

    Parameters
    ----------
    folder : path, optional
        What the workers of one server share, from the environment that it started them with: each counts into files of
        its own, and whichever is asked adds all files up (prometheus_client's multiprocess mode). What a worker that
        died had counted stays counted. A server that is one process has a registry of its own and no files.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._folder = Path(folder) if folder else None
        if self._folder is not None:
            for kind in _KINDS:
                _reserve(self._folder / f"{kind}_{os.getpid()}.db")
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._registry = CollectorRegistry()
        kept: dict[str, Any] = {"registry": self._registry}
        labels = ("method", "route", "status")
        self._requests = Counter("biodata_requests", "Requests answered.", labels, **kept)
        self._seconds = Histogram(
            "biodata_request_seconds", "Time to the end of the answer.", ("route",), buckets=BUCKETS, **kept
        )
        self._bytes = Counter("biodata_answer_bytes", "Bytes of answers, as they were sent.", ("route",), **kept)
        self._refused = Counter("biodata_rate_limited", "Requests refused by the rate limit.", **kept)
        self._open = Gauge("biodata_requests_open", "Requests being answered now.", multiprocess_mode="livesum", **kept)

    def begin(self) -> None:
        """Count a request that is being answered."""
        self._open.inc()

    def observe(self, method: str, route: str, status: int, *, seconds: float, size: int) -> None:
        """Count one answer."""
        self._open.dec()
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        self._bytes.labels(route).inc(size)
        if status == 429:
            self._refused.inc()

    def text(self, gauges: Sequence[tuple[str, str, Mapping[str, float]]] = ()) -> bytes:
        """Return the counts in Prometheus' text format.

        Parameters
        ----------
        gauges : sequence of (name, meaning, values)
            What is the same for every worker and read when it is asked; values by their label `state`.
        """
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import GaugeMetricFamily

        found = self._registry
        if self._folder is not None:
            from prometheus_client import multiprocess

            _forget_dead(self._folder)
            found = CollectorRegistry()
            multiprocess.MultiProcessCollector(found, str(self._folder))  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        families = [GaugeMetricFamily(name, meaning, labels=["state"]) for name, meaning, _ in gauges]
        for family, (_, _, values) in zip(families, gauges, strict=True):
            for state, value in values.items():
                family.add_metric([state], value)
        now.register(_Gauges(families))
        return generate_latest(found) + generate_latest(now)


class _Gauges:
    """Families that were read a moment ago."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        """Return them."""
        return self._families


def _reserve(path: Path) -> None:
    """Make a file of this process with its room on the disk.

    Without that a full disk would end the process, by a signal, the moment that it counts something: the library maps
    a file with nothing behind it.
    """
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)


def _forget_dead(folder: Path) -> None:
    """Remove what workers that are gone had as their present state; their counts stay."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if not Path("/proc", pid).exists():
            file.unlink(missing_ok=True)


router = APIRouter(tags=["health"])

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/health/live", summary="Whether the process lives")
def live() -> Response:
    """Answer as long as the process can answer at all."""
    return json_answer({"status": "alive"}, cache="no-store")


@router.get(
    "/health/ready",
    summary="Whether a release can be read",
    responses={503: {"description": "No release can be read", "content": {"application/problem+json": {}}}},
)
def ready(request: Request) -> Response:
    """Answer 200 where a release can be read, else 503."""
    release = service(request).probe()
    body: dict[str, Any] = {"status": "ready", "release": release, "worker": os.getpid()}
    return json_answer(body, cache="no-store")


@router.get("/metrics", summary="Counters in Prometheus' format", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Answer with the counters of all workers: to this machine, an administrator, or who has the token that is set."""
    found = service(request)
    token = found.settings.metrics_token
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    known = token is not None and scheme.lower() == "bearer" and _same(given.strip(), token.get_secret_value())
    if not (known or (token is None and request.state.caller.local) or _administrator(request)):
        detail = (
            "send the token as Authorization: Bearer, or an administrator's, or ask from this machine if none is set"
        )
        raise ProblemError(Code.NOT_FROM_HERE, detail, headers={"Cache-Control": "no-store"})
    text = request.app.state.metrics.text(
        [("biodata_jobs", "Jobs in the queue, by their state.", _jobs(found))]
    )  # fmt: skip
    return Response(text, headers={"Cache-Control": "no-store"}, media_type=METRICS_TYPE)


def _administrator(request: Request) -> bool:
    """Tell whether whoever asks is known, and may read what was counted."""
    try:
        return may(auth.principal(request), Action.READ_METRICS)
    except ProblemError:
        return False


def _jobs(found: Service) -> Mapping[str, float]:
    """Return how many jobs there are of each state."""
    with found.registry.session() as session:
        return {
            state: float(count) for state, count in session.execute(select(Job.state, func.count()).group_by(Job.state))
        }


def _same(given: str, token: str) -> bool:
    """Compare without telling by the time it takes how much was right."""
    return hmac.compare_digest(given.encode(), token.encode())
