"""Withdrawal by a country's node: its own records, or a dataset of them; the worker does it, and looks whose they are."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute
from api.readers import integer
from biodata import jobs
from biodata.access import withdrawal
from biodata.access.roles import Action, Principal

router = APIRouter(prefix="/v1/withdrawals", tags=["withdrawal"], route_class=SmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
Node = Annotated[Principal, Depends(auth.logged_in_who(Action.WITHDRAW))]
_PRIVATE: Final = "private, no-store"


class NewWithdrawal(BaseModel):
    """What is taken back: a dataset or some records, never both."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dataset: str | None = Field(default=None, min_length=1, max_length=255)
    keys: list[int] = Field(default=[], max_length=10_000, description="Numbers of records.")
    reason: str = Field(min_length=1, max_length=500, description="What is told of it; it must tell no place.")


class OneWithdrawal(BaseModel):
    """How a withdrawal stands."""

    id: int
    state: str = Field(description="queued, running, done, failed or cancelled")
    error: str | None = None
    purged: dict[str, Any] | None = Field(default=None, description="What went, in numbers.")


@router.post(
    "",
    summary="Take records back",
    status_code=202,
    responses=documents.answers(OneWithdrawal, other=(401, 403, 422), status=202),
)
def make(request: Request, who: Node, sent: NewWithdrawal) -> Response:
    """Take back records of one's country; they go from everything that is kept, and their count stays."""
    only(request)
    if (sent.dataset is None) == (not sent.keys) or not sent.reason.strip():
        raise ProblemError(
            Code.FIELD_INVALID,
            "name a dataset or records, and the reason",
            field="dataset",
            expected="one of dataset, keys",
        )
    found = service(request)
    number = withdrawal.later(
        found.registry, who, reason=sent.reason.strip(), dataset=sent.dataset, keys=sorted(set(sent.keys))
    )
    return _told(request, who, number, status=202)


@router.get("/{number}", summary="A withdrawal", responses=documents.answers(OneWithdrawal, missing=True, other=(401,)))
def one(request: Request, who: Known, number: Annotated[str, documents.WHOLE]) -> Response:
    """Answer with how a withdrawal of one's own stands; another's is not there."""
    only(request)
    return _told(request, who, integer("number", number))


def _told(request: Request, who: Principal, number: int, *, status: int = 200) -> Response:
    """Return how a withdrawal stands, to whoever asked for it."""
    registry = service(request).registry
    found = jobs.look(registry, number) if withdrawal.is_of(registry, who, number) else None
    if found is None:
        raise ProblemError(Code.NOT_FOUND, "there is no withdrawal of this number that you asked for", field="number")
    body = {"id": number, "state": found.state, "error": found.error, "purged": found.result}
    return json_answer(body, status=status, cache=_PRIVATE)
