"""Surveys of monitoring projects: checked at once for anybody, taken in for those who have a key."""

import io
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from api import auth, documents, models
from api.answers import json_answer
from api.dependencies import Service, service
from api.errors import Code, ProblemError, unknown_parameter
from api.readers import boolean, integer
from biodata.store.models import ApiKey, Submission

router = APIRouter(prefix="/v1/surveys", tags=["surveys"])

_NO_STORE: Final = "no-store"
_FORM_EXTRA_BYTES: Final = 64_000
"""What a form may have beside its file: boundaries, headers, the dataset's name."""


@router.post(
    "",
    summary="Check a survey's workbook, or hand it in",
    openapi_extra=documents.upload(),
    responses=documents.upload_answers(),
)
async def hand_in(request: Request) -> Response:
    """Check the workbook and tell each fault's sheet, row and column; without `dry_run`, keep it and queue it."""
    for name in request.query_params:
        if name != "dry_run":
            raise unknown_parameter(name, ["dry_run"])
    idempotency_key = request.headers.get("idempotency-key")
    if idempotency_key is not None and not 0 < len(idempotency_key) <= 200:
        raise ProblemError(
            Code.REQUEST_INVALID,
            "the Idempotency-Key cannot be used",
            field="Idempotency-Key",
            expected="1 to 200 characters",
        )
    dry_run = boolean("dry_run", request.query_params.get("dry_run", "false"))
    key = None if dry_run else await run_in_threadpool(auth.need_key, request)
    found = service(request)
    content, name, dataset = await _read(request, found.settings.upload_limit_bytes)
    if key is None:
        return await run_in_threadpool(_check, found, content, name)
    return await run_in_threadpool(_receive, found, key, content, name, dataset, idempotency_key)


@router.get(
    "/{number}",
    summary="What became of a survey",
    responses=documents.answers(models.Submission, missing=True, other=(401,)),
)
def state(request: Request, number: Annotated[str, documents.WHOLE]) -> Response:
    """Answer with a submission's state; its report goes only to the key that handed it in."""
    key = auth.find_key(request)
    wanted = integer("number", number)
    with service(request).registry.session(read_only=True) as session:
        submission = session.get(Submission, wanted) if abs(wanted) < 2**63 else None
        if submission is None:
            raise ProblemError(Code.RECORD_MISSING, f"no submission has the number {wanted}", field="number")
        body: dict[str, Any] = {"id": submission.id, "state": submission.state, "created": submission.created}
        if key is not None and key.id == submission.api_key_id:
            body |= {
                "dataset": submission.dataset,
                "file": submission.file_name,
                "job": submission.job_id,
                "snapshot": submission.snapshot,
                "report": submission.report,
            }
    return json_answer({name: value for name, value in body.items() if value is not None}, cache=_NO_STORE)


def _check(found: Service, content: bytes, name: str) -> Response:
    """Answer with what is wrong with a workbook; nothing is kept."""
    # Loaded at the first upload: what reads workbooks and names is not needed by a service that only answers.
    from biodata import places, surveys

    report = surveys.check(io.BytesIO(content), name, places.load_boundaries(found.settings.boundaries))
    return json_answer(report, cache=_NO_STORE)


def _receive(
    found: Service, key: ApiKey, content: bytes, name: str, dataset: str | None, idempotency_key: str | None
) -> Response:
    """Keep a workbook, queue it, and tell where its state stands."""
    from biodata import surveys

    try:
        number = surveys.receive(
            found.settings, found.registry, content, name, api_key=key, dataset=dataset, idempotency_key=idempotency_key
        )
    except OSError as error:
        raise ProblemError(Code.DISK_FULL, "the upload could not be kept; nothing was changed") from error
    location = f"/v1/surveys/{number}"
    body = orjson.dumps({"id": number, "state": "draft", "location": location})
    headers = {"Location": location, "Cache-Control": _NO_STORE}
    return Response(body, 202, headers, media_type="application/json")


async def _read(request: Request, limit_bytes: int) -> tuple[bytes, str, str | None]:
    """Return content and name of the form's file, and its field `dataset`; the size is watched while reading.

    Raises
    ------
    ProblemError
        If it is too large, or there is no such file.
    """
    told = request.headers.get("content-length", "")
    too_large = ProblemError(
        Code.UPLOAD_TOO_LARGE, f"more than {limit_bytes:,} bytes were sent", expected=f"at most {limit_bytes:,} bytes"
    )
    if told.isascii() and told.isdigit() and int(told[:18]) > limit_bytes + _FORM_EXTRA_BYTES:
        raise too_large
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit_bytes + _FORM_EXTRA_BYTES:
            raise too_large
        return message

    limited = Request(request.scope, receive)
    try:
        async with limited.form(max_files=1, max_fields=5, max_part_size=10_000) as form:
            for field in form:
                if field not in ("file", "dataset"):
                    raise ProblemError(
                        Code.UPLOAD_INVALID,
                        "the form has a field that is not known",
                        field=field[:80],
                        expected="file, dataset",
                    )
            file, dataset = form.get("file"), form.get("dataset")
            if not isinstance(file, UploadFile):
                raise ProblemError(
                    Code.UPLOAD_INVALID,
                    "the form has no file",
                    field="file",
                    expected="multipart/form-data with the workbook in the field `file`",
                )
            content = await file.read()
            name = file.filename or "upload.xlsx"
    except HTTPException as error:
        raise ProblemError(Code.UPLOAD_INVALID, f"the form cannot be read: {error.detail}") from error
    if len(content) > limit_bytes:
        raise too_large
    return content, name[:200], dataset if isinstance(dataset, str) and dataset else None
