"""Surveys of monitoring projects: checked at once for anybody, taken in for those who have a key."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents, survey_bodies
from api.answers import accepted_language, json_answer
from api.auth import Gate, StrictRoute, StrictSmallRoute
from api.dependencies import Service, service
from api.errors import Code, ProblemError, invalid
from api.models import Receipt
from api.readers import boolean, integer, one_of
from biodata import places, surveys
from biodata.access.roles import Action, Principal, may, may_somewhere
from biodata.core.errors import NoReleaseError
from biodata.core.phrases import Phrase
from biodata.ingest import survey_shapes
from biodata.store.sharing_rules import rules_of
from biodata.store.survey_steps import CHANGES
from biodata.surveys import review, views, words
from biodata.surveys import submit as sending
from biodata.surveys.accepting import known_of
from biodata.surveys.problems import MEDIA_TYPES, write_report

router = APIRouter(prefix="/v1/surveys", tags=["surveys"], route_class=StrictRoute)
reviews_router = APIRouter(prefix="/v1/surveys", tags=["surveys"], route_class=StrictSmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
Number = Annotated[str, documents.WHOLE]
PRIVATE: Final = "private, no-store"
_OF_ROWS: Final = documents.plain_parameters(
    ("table", {"type": "string", "enum": ["occurrences", "events"], "default": "occurrences"}, "Records, or sampling events."),
    ("side", {"type": "string"}, "Only rows of this side of yours."),
    ("change", {"type": "string", "enum": list(CHANGES)}, "Only records of this kind, beside what is published now."),
    ("event", {"type": "string"}, "Only what belongs to the event of this eventID."),
    ("offset", {"type": "integer", "minimum": 0, "default": 0}, "Rows before the first."),
    ("limit", {"type": "integer", "minimum": 0, "maximum": 500, "default": 100}, "Rows at most."),
    ("language", {"type": "string"}, "Language of what the flags mean."),
)  # fmt: skip
_LANGUAGE: Final = {"parameters": [documents.LANGUAGE]}


def _told(asked: Any, *other: int, model: Any = survey_bodies.Submission, status: int = 200) -> dict[str, Any]:
    """Return what OpenAPI says of a route: what it asks, and what it answers, other problems besides 401 and 404."""
    answers = documents.answers(model, missing=True, other=(401, *other), status=status)
    return {"openapi_extra": asked, "responses": answers}


@router.post(
    "", summary="Check a survey, or hand it in", openapi_extra=documents.upload(), responses=documents.upload_answers()
)
async def hand_in(request: Request) -> Response:
    """Check a survey in any of its forms and tell each fault's sheet, row and column; without `dry_run`, keep it and queue it."""
    dry_run = boolean("dry_run", request.query_params.get("dry_run", "false"))
    form = one_of("format", request.query_params.get("format", "json"), list(MEDIA_TYPES))
    language = language_asked(request)
    sender = None if dry_run else await run_in_threadpool(auth.needs(Action.HAND_IN), request)
    # A check waits at its gate; what is kept is only written down.
    kept = partial(to_thread.run_sync, limiter=request.app.state.checking)
    run = (await gate(request)).run if dry_run else kept
    found = service(request)
    async with survey_bodies.receive_upload(request, limit_bytes=found.settings.upload_limit_bytes) as upload:
        if sender is None:
            return await run(partial(check, request, found, upload, form, language))
        return await run(partial(_receive, request, found, sender, upload))


@reviews_router.get(
    "", summary="Surveys that concern you", openapi_extra=_LANGUAGE,
    responses=documents.answers(survey_bodies.SubmissionList, other=(401,)),
)  # fmt: skip
def every(request: Request, who: Known) -> Response:
    """Answer with what you handed in, and with what you review."""
    return json_answer({"results": review.listed(service(request).registry, who)}, cache=PRIVATE)


@reviews_router.get("/{number}", summary="What became of a survey", **_told(_LANGUAGE))
def state(request: Request, who: Known, number: Number) -> Response:
    """Answer with a survey's state, report, difference and history: to who handed it in, and to who reviews a side of it.

    The ETag tells the version that a decision is about. The report is told in the language that is asked for; it holds no
    value of the file, and tells sheet, row and column.
    """
    return show(request, who, integer("number", number))


@reviews_router.get(
    "/{number}/rows", summary="A survey's rows as they would be published",
    **_told(_OF_ROWS, 409, 422, model=survey_bodies.SubmissionRows),
)  # fmt: skip
def rows(request: Request, who: Known, number: Number) -> Response:
    """Answer with what is decided about: its sender sees all rows, a reviewer those of their sides; nobody else any.

    They are made by the sharing rules when it is checked, so a coarse place is a cell here, too, and a withheld record a count.
    They are gone as soon as nobody decides any more.
    """
    told, asked = request.query_params, language_asked(request)
    for name, values in (("table", views.TABLES), ("change", CHANGES)):
        if name in told:
            one_of(name, told[name], values)
    offset, limit = (integer(name, told.get(name, default)) for name, default in (("offset", "0"), ("limit", "100")))
    if min(offset, limit) < 0:
        raise invalid(field="offset" if offset < 0 else "limit", value=str(min(offset, limit)), expected="0 or more")
    found = service(request)
    body = views.rows(
        found.registry, who, integer("number", number), table=told.get("table", "occurrences"), side=told.get("side"),
        change=told.get("change"), event=told.get("event"), offset=offset, limit=min(limit, views.MOST_ROWS),
        language=asked, rules_hash=rules_of(found.registry).hash,
    )  # fmt: skip
    return json_answer(body, cache=PRIVATE, headers=_headers(asked))


def _headers(language: str) -> dict[str, str]:
    return {"Content-Language": language, "Vary": "Accept-Language, Authorization, X-API-Key"}


def show(request: Request, who: Principal, number: int, *, status: int = 200) -> Response:
    """Return how a submission stands, to those whom it concerns."""
    language = language_asked(request)
    body = review.look(service(request).registry, who, number, language=language)
    etag = {"ETag": f'"{number}-{body["version"]}"'}
    return json_answer(body, status=status, cache=PRIVATE, headers=_headers(language) | etag)


def receipt(request: Request, who: Principal, number: int) -> Response:
    """Return the answer to what was kept and queued: how it stands, which may be further on where it was sent before."""
    language, location = language_asked(request), f"/v1/surveys/{number}"
    body = review.look(service(request).registry, who, number, language=language)
    told = {"id": number, "location": location} | {name: body.get(name) for name in ("state", "stage", "next")}
    return json_answer(told, status=202, cache=PRIVATE, headers=_headers(language) | {"Location": location})


def _receive(request: Request, found: Service, sender: Principal, upload: survey_bodies.Upload) -> Response:
    try:
        number = surveys.receive(
            found.settings, found.registry, upload.file.read(), upload.name, sender=sender, dataset=upload.dataset, sent=upload.sent
        )  # fmt: skip
    except OSError as error:
        raise ProblemError(Code.DISK_FULL, "the upload could not be kept; nothing was changed") from error
    return receipt(request, sender, number)


_SEEN: Final = re.compile(r'(?:W/)?"(\d{1,18})-(\d{1,9})"')
_SEEN_BEFORE: Final = {
    "name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}, "example": '"12-3"',
    "description": "The ETag that GET /v1/surveys/{number} answered when you looked at it, with its quotation marks. "
    "Without it the answer is 428; where the survey has changed since it is 412, and nothing is put down: look again.",
}  # fmt: skip
_IF_MATCH: Final = {"parameters": [_SEEN_BEFORE, documents.LANGUAGE]}
_DECIDED: Final = _told(_IF_MATCH, 403, 409, 412, 422, 428)
_TAKEN: Final = {"model": Receipt, "description": "Kept and queued; Location tells where its state stands"}


@reviews_router.post("/{number}/submit", summary="Send a draft to review", **_told(_IF_MATCH, 409, 412, 422, 428))
def submit(request: Request, who: Known, number: Number) -> Response:
    """Send a draft that was checked to those who review it; where nobody does, it is published."""
    return _put_down(request, who, number, Action.HAND_IN, review.submit)


@reviews_router.post("/{number}/decisions", summary="Accept, ask about or refuse a survey", **_DECIDED)
def decide(request: Request, who: Known, number: Number, sent: survey_bodies.Decision) -> Response:
    """Put down what a reviewer decides for their side; If-Match tells what they looked at."""
    decided = partial(review.decide, decision=sent.decision, country=sent.country, reasons=sent.reasons)
    return _put_down(request, who, number, Action.REVIEW_SUBMISSION, decided)


@reviews_router.post("/{number}/answers", summary="Answer what a reviewer asked", **_DECIDED)
def answer(request: Request, who: Known, number: Number, sent: survey_bodies.Answer) -> Response:
    """Answer in words as its sender; the survey waits for its reviewers again. With a mended file: POST /v1/surveys, the same `part`."""
    return _put_down(request, who, number, Action.HAND_IN, partial(review.answer, words=sent.answer))


_REMOVED: Final = _told(_LANGUAGE, 403, 409, 422, status=202)


@reviews_router.delete("/{number}", summary="Take a survey off the map, or back", status_code=202, **_REMOVED)
def remove(request: Request, who: Known, number: Number) -> Response:
    """Remove the part of the dataset that the survey is: its rows are off the map with the next release, after a login.

    Nothing is lost: POST /v1/surveys/{number}/restore brings any version of it back. One that still waits is taken back,
    and its file is gone. The answer is the version that removes the part, or the survey that only waited.
    """
    wanted, found = integer("number", number), service(request)
    language_asked(request)
    return show(request, who, sending.remove(found.settings, found.registry, who, wanted), status=202)


@reviews_router.post(
    "/{number}/restore", summary="Make a version of a part current again", status_code=202, openapi_extra=_LANGUAGE,
    responses={**documents.answers(Receipt, missing=True, other=(401, 403, 409, 422), status=202), 202: _TAKEN},
)  # fmt: skip
def restore(request: Request, who: Known, number: Number) -> Response:
    """Send an earlier version of a part again: one more version of it, checked and reviewed like any other."""
    wanted, registry = integer("number", number), service(request).registry
    language_asked(request)
    return receipt(request, who, sending.restore(registry, who, wanted))


_VERSIONS: Final = _told(_LANGUAGE, model=survey_bodies.VersionList)


@reviews_router.get("/versions/{key:path}", summary="The versions of the parts of a dataset", **_VERSIONS)
def versions(request: Request, who: Known, key: str) -> Response:
    """Answer with each version, what it changed, and as what people handed it in and accepted it."""
    found = review.versions(service(request).registry, who, key)
    return json_answer({"results": found, "may_return": may(who, Action.HAND_IN, dataset=key)}, cache=PRIVATE)


def _put_down(request: Request, who: Principal, number: str, action: Action, done: Callable[..., None]) -> Response:
    """Do something with a survey that concerns somebody, who may, and answer how it stands; else it is not there, or forbidden."""
    wanted = integer("number", number)
    is_of_team = review.look(service(request).registry, who, wanted)["mine"]
    if not (is_of_team if action is Action.HAND_IN else may_somewhere(who, action)):
        raise auth.forbidden(request, who, action)
    done(service(request).registry, who, wanted, seen=_version_asked(request, wanted))
    return show(request, who, wanted)


def _version_asked(request: Request, number: int) -> int:
    given = request.headers.get("if-match", "").strip()
    if not given:
        detail = "say which state of the survey you looked at, so that nobody decides about another: send its ETag as If-Match"
        expected = f'a header such as If-Match: "{number}-3", as GET /v1/surveys/{number} answers its ETag'
        raise ProblemError(Code.IF_MATCH_MISSING, detail, field="If-Match", expected=expected)
    match = _SEEN.fullmatch(given)
    return int(match[2]) if match and int(match[1]) == number else -1


async def gate(request: Request) -> Gate:
    """Return the gate that a check waits at: those who show who they are do not wait behind a crowd of others."""
    found: Gate = request.app.state.public_checks
    if "authorization" in request.headers or "x-api-key" in request.headers:
        with suppress(ProblemError):  # a key that is not known opens nothing; whatever needs one refuses it later
            await run_in_threadpool(auth.shown_by, request)
            found = request.app.state.known_checks
    found.refuse_if_full()
    return found


def language_asked(request: Request) -> str:
    """Return the language that `language` asks for, else the first of `Accept-Language` that is one of the ten."""
    told = request.query_params.get("language")
    if told is None:
        return accepted_language(request.headers.get("accept-language"))
    language = words.language_of(told)
    if language is None:
        raise invalid(field="language", value=told, expected=Phrase("one of {a}", a=", ".join(words.LANGUAGES)))
    return language


def check(request: Request, found: Service, upload: survey_bodies.Upload, form: str, language: str) -> Response:
    """Answer with what is wrong with a survey's file, as it is asked for; nothing is kept."""
    dataset = upload.dataset
    if dataset is not None and not may(auth.principal(request), Action.HAND_IN, dataset=dataset):
        dataset = None
    rules, checklist = rules_of(found.registry), None
    with suppress(NoReleaseError), found.open(None) as opened:  # the first day no checklist is published yet
        rules, taxa = opened.facts.known_to(rules), opened.facts.taxa
        checklist = taxa if taxa.height else None
    if dataset is None:
        # Of rules of places and datasets nothing is shown: whoever may send any points would find the edges of a rule's
        # polygon with them, a roost, a grave.
        rules = rules.of_taxa_alone()
    known = known_of(found.registry, dataset)
    report = surveys.check(
        upload.file, upload.name, places.load_boundaries(found.settings.boundaries), rules=rules, known=checklist,
        licence=survey_shapes.checked(upload.sent.licence, code="FIELD_INVALID"), language=language, dataset=upload.dataset,
        **known | {"accepted": (*known.get("accepted", ()), *upload.sent.accept)},
    )  # fmt: skip
    if form == "json":
        return json_answer(report, cache="no-store", headers=_headers(language))
    upload.file.seek(0)
    content = write_report(form, report, upload.file.read(), language=language)
    named = {"Content-Disposition": f'attachment; filename="report.{form}"', "Cache-Control": "no-store"}
    return Response(content, 200, _headers(language) | named, media_type=MEDIA_TYPES[form])
