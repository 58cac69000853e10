"""Consent of countries to shared outputs: a draft is there for the nodes of its countries, and for nobody else."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer, only
from api.consent_bodies import OneOutput, OutputList, Sent
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute
from biodata.access import consent
from biodata.access.roles import Action, Principal, may_somewhere

router = APIRouter(prefix="/v1/consents", tags=["consent"], route_class=SmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
Reader = Annotated[Principal, Depends(auth.needs(Action.READ_DRAFT))]
_PRIVATE: Final = "private, no-store"


@router.get(
    "", summary="Outputs that your countries are asked about", responses=documents.answers(OutputList, other=(401, 403))
)
def every(request: Request, who: Reader) -> Response:
    """Answer with the shared outputs that concern a country of yours, drafts among them."""
    only(request)
    found = service(request)
    return json_answer({"results": consent.asked(found.registry, who, found.settings.consent)}, cache=_PRIVATE)


@router.get("/{output}", summary="A shared output", responses=documents.answers(OneOutput, missing=True, other=(401,)))
def one(request: Request, who: Known, output: str) -> Response:
    """Answer with an output as it would be published, and with every answer to it; its ETag goes into an answer."""
    only(request)
    return _told(_look(request, who, output))


@router.post(
    "/{output}",
    summary="Answer for a country",
    responses=documents.answers(OneOutput, missing=True, other=(401, 403, 412, 422, 428)),
)
def answer(request: Request, who: Known, output: str, sent: Sent) -> Response:
    """Put down what a country's node answers; If-Match tells which state of the output it is to."""
    only(request)
    _look(request, who, output)
    if not may_somewhere(who, Action.ANSWER_CONSENT) or who.key_id is not None:
        raise auth.forbidden(request, who, Action.ANSWER_CONSENT)
    seen = request.headers.get("if-match", "").strip()
    if not seen:
        raise ProblemError(
            Code.IF_MATCH_MISSING, "the ETag of what is answered to is needed", field="If-Match",
            expected=f"the ETag of GET /v1/consents/{output}",
        )  # fmt: skip
    found = service(request)
    consent.give(
        found.registry, who, output, sent.country, sent.answer, required=found.settings.consent, note=sent.note,
        signature=sent.signature, seen=seen.strip('"'),
    )  # fmt: skip
    return _told(_look(request, who, output))


def _look(request: Request, who: Principal, output: str) -> dict[str, Any]:
    """Return an output that somebody may see; another's is not there."""
    found = service(request)
    return consent.look(found.registry, who, output, found.settings.consent)


def _told(told: dict[str, Any]) -> Response:
    """Return an answer with the ETag that an answer to it carries."""
    return json_answer(told, cache=_PRIVATE, headers={"ETag": f'"{consent.version(told)}"'})
