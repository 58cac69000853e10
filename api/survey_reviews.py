"""What is done with a survey on its way: sent to review, decided, taken back; and the versions of a dataset."""

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
from api.readers import boolean, integer
from api.survey_bodies import Answer, Decision, Submission, VersionList, WantedVersion
from api.surveys import PRIVATE, receipt, told, told_key
from biodata.access.roles import Action, Principal, may, may_somewhere


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
_RENAMED: Final = documents.parameter(
    "renamed", {"type": "string", "enum": ["same", "new"]},
    "What its `question` asks: whether rows that the dataset has under another identifier are the same ones or new.",
)  # fmt: skip
_CONFIRM: Final = documents.parameter(
    "confirm", {"type": "integer", "minimum": 0}, "How many records are removed, as `withdrawal.confirm` told it."
)
_COUNT_ONLY: Final = documents.parameter(
    "dry_run", {"type": "boolean", "default": False},
    "Withdraw nothing: let what it would do be counted. `withdrawal` of GET /v1/surveys/{number} tells it.",
)  # fmt: skip
_TAKEN: Final = {"model": Receipt, "description": "Kept and queued; Location tells where its state stands"}


@router.post(
    "/{number}/submit",
    summary="Send a draft to review",
    openapi_extra={"parameters": [_SEEN_BEFORE, _RENAMED, documents.LANGUAGE]},
    responses=documents.answers(Submission, missing=True, other=(401, 409, 412, 422, 428)),
)
def submit(request: Request, who: Known, number: Number) -> Response:
    """Send a draft that was checked to those who review it; where nobody does, it is published.

    One whose rows the dataset may have under another identifier goes on only with `renamed`: the worker looks at it once
    more with that answer.
    """
    only(request, "renamed", "language")
    from biodata.surveys import review

    language = survey_reports.language_asked(request)
    renamed = request.query_params.get("renamed")

    wanted, registry = integer("number", number), service(request).registry
    if not review.look(registry, who, wanted)["mine"]:
        raise auth.forbidden(request, who, Action.HAND_IN)
    review.submit(registry, who, wanted, seen=_seen(request, wanted), renamed=renamed, language=language)
    return told(request, who, wanted)


@router.post(
    "/{number}/decisions",
    summary="Accept, ask about or refuse a survey",
    openapi_extra=_IF_MATCH,
    responses=documents.answers(Submission, missing=True, other=(401, 403, 409, 412, 422, 428)),
)
def decide(request: Request, who: Known, number: Number, sent: Decision) -> Response:
    """Put down what a reviewer decides for their side; If-Match tells what they looked at."""
    only(request, "language")
    from biodata.surveys import review

    wanted, registry = integer("number", number), service(request).registry
    review.look(registry, who, wanted)
    if not may_somewhere(who, Action.REVIEW_SUBMISSION):
        raise auth.forbidden(request, who, Action.REVIEW_SUBMISSION)
    review.decide(
        registry, who, wanted, sent.decision, seen=_seen(request, wanted), country=sent.country, reasons=sent.reasons,
        questions=[one.model_dump(exclude_none=True) for one in sent.questions],
    )  # fmt: skip
    return told(request, who, wanted)


@router.post(
    "/{number}/answers",
    summary="Answer what a reviewer asked",
    openapi_extra=_IF_MATCH,
    responses=documents.answers(Submission, missing=True, other=(401, 403, 409, 412, 422, 428)),
)
def answer(request: Request, who: Known, number: Number, sent: Answer) -> Response:
    """Answer in words as its sender; the survey waits for its reviewers again. With a mended file: POST /v1/surveys, `answers`."""
    only(request)
    from biodata.surveys import conversation, review

    wanted, registry = integer("number", number), service(request).registry
    if not review.look(registry, who, wanted)["mine"]:
        raise auth.forbidden(request, who, Action.HAND_IN)
    conversation.answer(registry, who, wanted, sent.answer, seen=_seen(request, wanted))
    return told(request, who, wanted)


@router.delete(
    "/{number}",
    summary="Take a survey back",
    status_code=202,
    openapi_extra={"parameters": [_COUNT_ONLY, _CONFIRM, documents.LANGUAGE]},
    responses=documents.answers(Submission, missing=True, other=(401, 403, 409, 422), status=202),
)
def take_back(request: Request, who: Known, number: Number) -> Response:
    """Take back what you handed in: the worker removes its file, its report and its parts, and undoes it in its dataset.

    Each row is again what the surveys that stand said of it; what this one alone said is gone for good, from every version.
    So one that is published is taken back after a login only, and the answer is 409 until `confirm` tells how many records
    are removed. Ask for that with `dry_run=true`: the worker counts, and `withdrawal` of the survey then tells what becomes
    of how many rows. Where that is another thing by the time that it is done, nothing is: the survey stays published, and
    its `withdrawal` tells the new counts. A row that is gone so is not taken in again under its identifier.
    """
    only(request, "dry_run", "confirm", "language")
    from biodata.surveys import withdrawing

    wanted, registry = integer("number", number), service(request).registry
    count, language = request.query_params.get("confirm"), survey_reports.language_asked(request)
    confirm = None if count is None else integer("confirm", count)
    if boolean("dry_run", request.query_params.get("dry_run", "false")):
        withdrawing.count(registry, who, wanted)
        return told(request, who, wanted, status=202)
    withdrawing.ask(registry, who, wanted, confirm=confirm, language=language)
    return told(request, who, wanted, status=202)


@router.get(
    "/versions/{key:path}",
    summary="The versions of a dataset that surveys made",
    openapi_extra=_LANGUAGE,
    responses=documents.answers(VersionList, missing=True, other=(401,)),
)
def versions(request: Request, who: Known, key: str) -> Response:
    """Answer with each version, what it changed, and as what people handed it in and accepted it."""
    only(request, "language")
    from biodata.surveys import history

    found = history.versions(service(request).registry, who, key)
    return json_answer({"results": found, "may_return": may(who, Action.HAND_IN, dataset=key)}, cache=PRIVATE)


@router.post(
    "/versions/{key:path}",
    summary="Return to a version of a dataset",
    status_code=202,
    openapi_extra=_LANGUAGE,
    responses={**documents.answers(Receipt, missing=True, other=(401, 403, 409, 422), status=202), 202: _TAKEN},
)
def go_back(request: Request, who: Known, key: str, sent: WantedVersion) -> Response:
    """Hand in what the dataset was after one of its versions; it is checked and reviewed like any other survey."""
    only(request, "language")
    from biodata.surveys import history

    if not may_somewhere(who, Action.HAND_IN):
        raise auth.forbidden(request, who, Action.HAND_IN)
    survey_reports.language_asked(request)
    found = service(request)
    number = history.go_back(found.settings, found.registry, who, key, sent.version, idempotency_key=told_key(request))
    return receipt(request, who, number)


def _seen(request: Request, number: int) -> int:
    """Return the version that a request is about."""
    given = request.headers.get("if-match", "").strip()
    if not given:
        raise ProblemError(
            Code.IF_MATCH_MISSING,
            "say which state of the survey you looked at, so that nobody decides about another: send its ETag as If-Match",
            field="If-Match", expected=f'a header such as If-Match: "{number}-3", as GET /v1/surveys/{number} answers its ETag',
        )  # fmt: skip
    match = _SEEN.fullmatch(given)
    return int(match[2]) if match and int(match[1]) == number else -1
