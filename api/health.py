"""Whether the process lives, whether it can answer, and what has been counted."""

import hmac
import os
from collections.abc import Mapping
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
