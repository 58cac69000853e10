"""What is done with a survey: sent to review, decided, removed, restored; and the versions of a dataset's parts."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents, survey_reports
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute
from api.models import Receipt
from api.readers import integer
from api.survey_bodies import Answer, Decision, Submission, VersionList
from api.surveys import PRIVATE, receipt, told
from biodata.access.roles import Action, Principal, may, may_somewhere
from biodata.surveys import review
from biodata.surveys import submit as sending


class ReviewRoute(SmallRoute):
    """A route whose body may hold questions at rows."""

    most_bytes = 300_000


router = APIRouter(prefix="/v1/surveys", tags=["surveys"], route_class=ReviewRoute)

Known = Annotated[Principal, Depends(auth.need)]
Number = Annotated[str, documents.WHOLE]
_SEEN: Final = re.compile(r'(?:W/)?"(\d{1,18})-(\d{1,9})"')
_SEEN_BEFORE: Final = {
    "name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}, "example": '"12-3"',
    "description": "The ETag that GET /v1/surveys/{number} answered when you looked at it, with its quotation marks. "
    "Without it the answer is 428; where the survey has changed since it is 412, and nothing is put down: look again.",
}  # fmt: skip
_IF_MATCH: Final = {"parameters": [_SEEN_BEFORE, documents.LANGUAGE]}
_LANGUAGE: Final = {"parameters": [documents.LANGUAGE]}
_TAKEN: Final = {"model": Receipt, "description": "Kept and queued; Location tells where its state stands"}


@router.post(
    "/{number}/submit", summary="Send a draft to review", openapi_extra=_IF_MATCH,
    responses=documents.answers(Submission, missing=True, other=(401, 409, 412, 422, 428)),
)  # fmt: skip
def submit(request: Request, who: Known, number: Number) -> Response:
    """Send a draft that was checked to those who review it; where nobody does, it is published."""
    only(request, "language")
    wanted = _number(request, who, number, Action.HAND_IN)
    review.submit(service(request).registry, who, wanted, seen=_seen(request, wanted))
    return told(request, who, wanted)


@router.post(
    "/{number}/decisions", summary="Accept, ask about or refuse a survey", openapi_extra=_IF_MATCH,
    responses=documents.answers(Submission, missing=True, other=(401, 403, 409, 412, 422, 428)),
)  # fmt: skip
def decide(request: Request, who: Known, number: Number, sent: Decision) -> Response:
    """Put down what a reviewer decides for their side; If-Match tells what they looked at."""
    only(request, "language")
    wanted = _number(request, who, number, Action.REVIEW_SUBMISSION)
    review.decide(
        service(request).registry, who, wanted, sent.decision, seen=_seen(request, wanted), country=sent.country,
        reasons=sent.reasons, questions=[one.model_dump(exclude_none=True) for one in sent.questions],
    )  # fmt: skip
    return told(request, who, wanted)


@router.post(
    "/{number}/answers", summary="Answer what a reviewer asked", openapi_extra=_IF_MATCH,
    responses=documents.answers(Submission, missing=True, other=(401, 403, 409, 412, 422, 428)),
)  # fmt: skip
def answer(request: Request, who: Known, number: Number, sent: Answer) -> Response:
    """Answer in words as its sender; the survey waits for its reviewers again. With a mended file: POST /v1/surveys, the same `part`."""
    only(request, "language")
    wanted = _number(request, who, number, Action.HAND_IN)
    review.answer(service(request).registry, who, wanted, sent.answer, seen=_seen(request, wanted))
    return told(request, who, wanted)


@router.delete(
    "/{number}", summary="Take a survey off the map, or back", status_code=202, openapi_extra=_LANGUAGE,
    responses=documents.answers(Submission, missing=True, other=(401, 403, 409, 422), status=202),
)  # fmt: skip
def remove(request: Request, who: Known, number: Number) -> Response:
    """Remove the part of the dataset that the survey is: its rows are off the map with the next release, after a login.

    Nothing is lost: POST /v1/surveys/{number}/restore brings any version of it back. One that still waits is taken back,
    and its file is gone. The answer is the version that removes the part, or the survey that only waited.
    """
    only(request, "language")
    wanted, found = integer("number", number), service(request)
    survey_reports.language_asked(request)
    return told(request, who, sending.remove(found.settings, found.registry, who, wanted), status=202)


@router.post(
    "/{number}/restore", summary="Make a version of a part current again", status_code=202, openapi_extra=_LANGUAGE,
    responses={**documents.answers(Receipt, missing=True, other=(401, 403, 409, 422), status=202), 202: _TAKEN},
)  # fmt: skip
def restore(request: Request, who: Known, number: Number) -> Response:
    """Send an earlier version of a part again: one more version of it, checked and reviewed like any other."""
    only(request, "language")
    wanted, registry = integer("number", number), service(request).registry
    survey_reports.language_asked(request)
    return receipt(request, who, sending.restore(registry, who, wanted))


@router.get(
    "/versions/{key:path}", summary="The versions of the parts of a dataset", openapi_extra=_LANGUAGE,
    responses=documents.answers(VersionList, missing=True, other=(401,)),
)  # fmt: skip
def versions(request: Request, who: Known, key: str) -> Response:
    """Answer with each version, what it changed, and as what people handed it in and accepted it."""
    only(request, "language")
    found = review.versions(service(request).registry, who, key)
    return json_answer({"results": found, "may_return": may(who, Action.HAND_IN, dataset=key)}, cache=PRIVATE)


def _number(request: Request, who: Principal, number: str, action: Action) -> int:
    """Return the number of a survey that concerns somebody, who may do this with it; else it is not there, or forbidden."""
    wanted = integer("number", number)
    is_of_team = review.look(service(request).registry, who, wanted)["mine"]
    if not (is_of_team if action is Action.HAND_IN else may_somewhere(who, action)):
        raise auth.forbidden(request, who, action)
    return wanted


def _seen(request: Request, number: int) -> int:
    given = request.headers.get("if-match", "").strip()
    if not given:
        detail = "say which state of the survey you looked at, so that nobody decides about another: send its ETag as If-Match"
        expected = f'a header such as If-Match: "{number}-3", as GET /v1/surveys/{number} answers its ETag'
        raise ProblemError(Code.IF_MATCH_MISSING, detail, field="If-Match", expected=expected)
    match = _SEEN.fullmatch(given)
    return int(match[2]) if match and int(match[1]) == number else -1
