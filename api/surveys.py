"""Surveys of monitoring projects: checked at once for anybody, taken in for those who have a key."""

from functools import partial
from typing import Annotated, Any, Final

import orjson
from anyio import to_thread
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents, models, survey_reports
from api.answers import json_answer, only
from api.dependencies import Service, service
from api.errors import Code, ProblemError, invalid
from api.readers import boolean, integer
from api.uploads import Upload, receive_upload
from biodata.access.roles import Action, Principal, may
from biodata.store.models import Submission

router = APIRouter(prefix="/v1/surveys", tags=["surveys"])

_NO_STORE: Final = "no-store"


@router.post(
    "",
    summary="Check a survey's workbook, or hand it in",
    openapi_extra=documents.upload(),
    responses=documents.upload_answers(),
)
async def hand_in(request: Request) -> Response:
    """Check the workbook and tell each fault's sheet, row and column; without `dry_run`, keep it and queue it."""
    only(request, "dry_run", *survey_reports.PARAMETERS)
    idempotency_key = request.headers.get("idempotency-key")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= 200:
        raise invalid(field="Idempotency-Key", value=idempotency_key, expected="1 to 200 characters")
    dry_run = boolean("dry_run", request.query_params.get("dry_run", "false"))
    if dry_run:
        await run_in_threadpool(survey_reports.asked, request)
    sender = None if dry_run else await run_in_threadpool(auth.needs(Action.HAND_IN), request)
    found = service(request)
    async with receive_upload(request, limit_bytes=found.settings.upload_limit_bytes) as upload:
        if sender is None:
            work = partial(survey_reports.check, request, found, upload)
        else:
            work = partial(_receive, found, sender, upload, idempotency_key)
        return await to_thread.run_sync(work, limiter=request.app.state.checking)


@router.get(
    "/{number}",
    summary="What became of a survey",
    responses=documents.answers(models.Submission, missing=True, other=(401,)),
)
def state(request: Request, number: Annotated[str, documents.WHOLE]) -> Response:
    """Answer with a submission's state and report: to who handed it in, and to who reviews its dataset."""
    who = auth.need(request)
    wanted = integer("number", number)
    with service(request).registry.session(read_only=True) as session:
        submission = session.get(Submission, wanted) if abs(wanted) < 2**63 else None
        # What somebody else has handed in is not there, as if nobody had: numbers are easily guessed.
        if submission is None or not (
            submission.account_id == who.account_id or may(who, Action.REVIEW_SUBMISSION, dataset=submission.dataset)
        ):
            detail = f"no submission of yours has the number {wanted}"
            raise ProblemError(Code.RECORD_MISSING, detail, field="number")
        body: dict[str, Any] = {
            "id": submission.id,
            "state": submission.state,
            "created": submission.created,
            "dataset": submission.dataset,
            "file": submission.file_name,
            "job": submission.job_id,
            "snapshot": submission.snapshot,
            "report": submission.report,
        }
    return json_answer({name: value for name, value in body.items() if value is not None}, cache=_NO_STORE)


def _receive(found: Service, sender: Principal, upload: Upload, idempotency_key: str | None) -> Response:
    """Keep a workbook, queue it, and tell where its state stands."""
    from biodata import surveys

    try:
        number = surveys.receive(
            found.settings,
            found.registry,
            upload.file.read(),
            upload.name,
            sender=sender,
            dataset=upload.dataset,
            idempotency_key=idempotency_key,
        )
    except OSError as error:
        raise ProblemError(Code.DISK_FULL, "the upload could not be kept; nothing was changed") from error
    location = f"/v1/surveys/{number}"
    body = orjson.dumps({"id": number, "state": "draft", "location": location})
    headers = {"Location": location}
    return Response(body, 202, headers, media_type="application/json")
