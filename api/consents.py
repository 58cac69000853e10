"""What a country's node does: it answers for shared outputs, whose drafts it sees, and withdraws its records."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer
from api.auth import StrictSmallRoute
from api.bodies import Sent
from api.dependencies import service
from api.errors import Code, ProblemError
from api.readers import integer
from biodata.access import consent, withdrawal
from biodata.access.roles import Action, Principal, may_somewhere
from biodata.core.phrases import Phrase
from biodata.store import jobs


class Answer(Sent):
    """What a country's node answers."""

    country: str = Field(min_length=2, max_length=2)
    answer: str = Field(max_length=10, description="agree, refuse or ask.")
    note: str = Field(default="", max_length=2000, description="Why, or what is asked.")
    signature: str | None = Field(
        default=None,
        max_length=200,
        description="The node's own, which `biodata consent sign` makes; to agree takes it.",
    )


class State(BaseModel):
    """How it stands with one country."""

    country: str
    state: str = Field(
        description="agree, refuse, ask, silent; or that it has no node here, none that is trusted, or did not sign."
    )
    since: datetime = Field(description="Of a silent country: since it was asked.")


class OneOfMany(BaseModel):
    """A shared output in a list."""

    output: str
    table: str
    content: str = Field(description="SHA-256 of what it says.")
    since: datetime = Field(description="Since when this content is asked about.")
    public: bool
    states: list[State]


class OutputList(BaseModel):
    """Shared outputs that concern a country of yours, by name."""

    results: list[OneOfMany]


class Given(BaseModel):
    """An answer that was given once."""

    country: str
    number: int
    answer: str
    note: str
    date: datetime
    signed: bool
    to_this: bool = Field(description="Whether it is to what the output says now.")


class OneOutput(OneOfMany):
    """A shared output with every answer to it, the oldest first."""

    history: list[Given]
    next: dict[str, int] = Field(description="The number of each country's next answer; it is part of what is signed.")
    row: dict[str, Any] = Field(description="The output as it would be published, bytes in hexadecimal.")


router = APIRouter(prefix="/v1/consents", tags=["consent"], route_class=StrictSmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
Reader = Annotated[Principal, Depends(auth.needs(Action.READ_DRAFT))]
_PRIVATE: Final = "private, no-store"


@router.get("", **documents.answered(OutputList, "Outputs that your countries are asked about", other=(401, 403)))
def every(request: Request, who: Reader) -> Response:
    """Answer with the shared outputs that concern a country of yours, drafts among them."""
    found = service(request)
    return json_answer({"results": consent.asked(found.registry, who, found.settings.consent)}, cache=_PRIVATE)


@router.get("/{output}", **documents.answered(OneOutput, "A shared output", missing=True, other=(401,)))
def one(request: Request, who: Known, output: str) -> Response:
    """Answer with an output as it would be published, and with every answer to it; its ETag goes into an answer."""
    return _output_answer(_look(request, who, output))


@router.post(
    "/{output}", **documents.answered(OneOutput, "Answer for a country", missing=True, other=(401, 403, 412, 422, 428))
)
def answer(request: Request, who: Known, output: str, sent: Answer) -> Response:
    """Put down what a country's node answers; If-Match tells which state of the output it is to."""
    _look(request, who, output)
    if not may_somewhere(who, Action.ANSWER_CONSENT) or who.key_id is not None:
        raise auth.forbidden(request, who, Action.ANSWER_CONSENT)
    seen = request.headers.get("if-match", "").strip()
    if not seen:
        raise ProblemError(
            Code.IF_MATCH_MISSING, "the ETag of what is answered to is needed", field="If-Match",
            expected=Phrase("the ETag of GET {a}", a=f"/v1/consents/{output}"),
        )  # fmt: skip
    found = service(request)
    consent.give(
        found.registry, who, output, sent.country, sent.answer, required=found.settings.consent, note=sent.note,
        signature=sent.signature, seen=seen.strip('"'),
    )  # fmt: skip
    return _output_answer(_look(request, who, output))


def _look(request: Request, who: Principal, output: str) -> dict[str, Any]:
    """Return an output that somebody may see; another's is not there."""
    found = service(request)
    return consent.look(found.registry, who, output, found.settings.consent)


def _output_answer(facts: dict[str, Any]) -> Response:
    """Return an answer with the ETag that an answer to it carries."""
    return json_answer(facts, cache=_PRIVATE, headers={"ETag": f'"{consent.version(facts)}"'})


withdrawals_router = APIRouter(prefix="/v1/withdrawals", tags=["withdrawal"], route_class=StrictSmallRoute)

Node = Annotated[Principal, Depends(auth.logged_in_who(Action.WITHDRAW))]


class NewWithdrawal(Sent):
    """What is taken back: a dataset or some records, never both."""

    dataset: str | None = Field(default=None, min_length=1, max_length=255)
    keys: list[int] = Field(default=[], max_length=10_000, description="Numbers of records.")
    reason: str = Field(min_length=1, max_length=500, description="What is told of it; it must tell no place.")


class OneWithdrawal(BaseModel):
    """How a withdrawal stands."""

    id: int
    state: str = Field(description="queued, running, done, failed or cancelled")
    error: str | None = None
    purged: dict[str, Any] | None = Field(default=None, description="What went, in numbers.")


@withdrawals_router.post(
    "", **documents.answered(OneWithdrawal, "Take records back", other=(401, 403, 422), status=202)
)
def make(request: Request, who: Node, sent: NewWithdrawal) -> Response:
    """Take back records of one's country; they go from everything that is kept, and their count stays."""
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
    return _withdrawal_state(request, who, number, status=202)


@withdrawals_router.get(
    "/{number}", name="one", **documents.answered(OneWithdrawal, "A withdrawal", missing=True, other=(401,))
)
def one_withdrawal(request: Request, who: Known, number: Annotated[str, documents.WHOLE]) -> Response:
    """Answer with how a withdrawal of one's own stands; another's is not there."""
    return _withdrawal_state(request, who, integer("number", number))


def _withdrawal_state(request: Request, who: Principal, number: int, *, status: int = 200) -> Response:
    """Return how a withdrawal stands, to whoever asked for it."""
    registry = service(request).registry
    found = jobs.look(registry, number) if withdrawal.is_of(registry, who, number) else None
    if found is None:
        raise ProblemError(Code.NOT_FOUND, "there is no withdrawal of this number that you asked for", field="number")
    body = {"id": number, "state": found.state, "error": found.error, "purged": found.result}
    return json_answer(body, status=status, cache=_PRIVATE)
