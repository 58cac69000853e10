"""Whether the process lives, whether it can answer, and what it has counted."""

from typing import Any, Final

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from api.answers import json_answer
from api.dependencies import service

router = APIRouter(tags=["health"])

# Answers of this service take from a millisecond (a tile that is not modified) to the watchdog's limit.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one application; each has its own, so that two in one process do not mix.

    Attributes
    ----------
    registry : CollectorRegistry
        What `/metrics` prints.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("biodata_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "biodata_request_seconds",
            "Time to the end of the answer.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        known = method if method in ("GET", "HEAD", "POST", "OPTIONS") else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return the counters in Prometheus' text format."""
        return generate_latest(self.registry)


@router.get("/health/live", summary="Whether the process lives")
def live() -> Response:
    """Answer as long as the process can answer at all."""
    return json_answer({"status": "alive"})


@router.get(
    "/health/ready",
    summary="Whether a release can be read",
    responses={503: {"description": "No release can be read", "content": {"application/problem+json": {}}}},
)
def ready(request: Request) -> Response:
    """Answer 200 where a release can be read, else 503."""
    release = service(request).probe()
    body: dict[str, Any] = {"status": "ready", "release": release}
    return json_answer(body, cache="no-store")


@router.get("/metrics", summary="Counters in Prometheus' format", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Answer with the counters of this process."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
