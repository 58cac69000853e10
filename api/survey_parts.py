"""Large surveys in parts, as tus 1.0 sends them: creation, checksum, expiration, termination; then POST /v1/surveys.

Any client of tus does, such as tus-js-client, with `/v1/uploads` as its endpoint and the key in its headers.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError, invalid
from api.uploads import plain_name
from biodata.access.roles import Action, Principal

router = APIRouter(prefix="/v1/uploads", tags=["surveys"])

Sender = Annotated[Principal, Depends(auth.needs(Action.HAND_IN))]
VERSION: Final = "1.0.0"
PART_TYPE: Final = "application/offset+octet-stream"
_PRIVATE: Final = "private, no-store"
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_IN_MEMORY: Final = 1_000_000
_PIECE: Final = 1 << 16


class PartedUpload(BaseModel):
    """A file that comes in parts."""

    id: str
    length: int = Field(description="Bytes of the whole.")
    received: int = Field(description="Bytes that are here; the next part begins there.")
    file: str
    state: str = Field(description="open, finished, or used by a survey.")
    expires: str


def _header(name: str, description: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "schema": {"type": "string"},
        "description": description,
    }


_RESUMABLE: Final = _header("Tus-Resumable", "1.0.0")
_LENGTH: Final = _header("Upload-Length", "Bytes of the whole.")
_METADATA: Final = _header("Upload-Metadata", "filename, and sha256 of the whole in hexadecimal, each in base 64.", required=False)  # fmt: skip
_OFFSET: Final = _header("Upload-Offset", "Where the part begins.")
_CHECKSUM: Final = _header("Upload-Checksum", "sha1 or sha256, a space, and the part's checksum in base 64.", required=False)  # fmt: skip
_PART: Final = {"required": True, "content": {PART_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_CREATED: Final[dict[int | str, dict[str, Any]]] = {201: {"description": "Location tells where its parts go"}}


@router.post(
    "",
    summary="Begin an upload in parts",
    status_code=201,
    openapi_extra={"parameters": [_RESUMABLE, _LENGTH, _METADATA]},
    responses={**documents.nothing(other=(401, 403, 412, 413, 429)), **_CREATED},
)
def begin(request: Request, who: Sender) -> Response:
    """Begin an upload of a length that is told; `filename` and `sha256` stand in Upload-Metadata."""
    only(request)
    _check_version(request)
    from biodata.surveys import parts

    told = request.headers.get("upload-metadata", "")
    known = _metadata(told)
    sha256 = known.get("sha256", "").lower() or None
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise invalid(field="Upload-Metadata", value=sha256, expected="sha256: 64 hexadecimal digits")
    found = service(request)
    made = parts.begin(
        found.settings, found.registry, who, length=_number(request, "Upload-Length"),
        name=plain_name(known.get("filename", "")), told=told, sha256=sha256,
    )  # fmt: skip
    return Response(status_code=201, headers={"Location": f"/v1/uploads/{made}", **_stands(request, who, made)})


@router.get("/{upload}", summary="How an upload in parts stands", responses=documents.answers(PartedUpload, missing=True, other=(401, 403)))  # fmt: skip
def look(request: Request, who: Sender, upload: str) -> Response:
    """Answer with how much is here; the headers tell it to clients of tus, which ask with HEAD."""
    only(request)
    from biodata.surveys import parts

    one = parts.look(service(request).registry, who, upload)
    body = PartedUpload(id=one.id, length=one.length, received=one.received, file=one.file_name, state=one.state, expires=one.expires)  # fmt: skip
    return json_answer(body.model_dump(), cache=_PRIVATE, headers=_stands(request, who, upload))


@router.patch(
    "/{upload}",
    summary="Send a part",
    status_code=204,
    openapi_extra={"parameters": [_RESUMABLE, _OFFSET, _CHECKSUM], "requestBody": _PART},
    responses=documents.nothing(missing=True, other=(401, 403, 409, 412, 413, 415, 460, 507)),
)
async def take(request: Request, upload: str) -> Response:
    """Take a part in where the upload stands; of one whose line was cut what came is kept, unless it had a checksum."""
    only(request)
    who = await run_in_threadpool(auth.needs(Action.HAND_IN), request)
    _check_version(request)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != PART_TYPE:
        raise ProblemError(Code.MEDIA_TYPE, "a part has a type of its own", field="Content-Type", expected=PART_TYPE)
    found, offset, checksum = service(request), _number(request, "Upload-Offset"), _checksum(request)
    from biodata.surveys import parts

    stands = await run_in_threadpool(parts.look, found.registry, who, upload)
    most, told = found.settings.upload_limit_bytes, request.headers.get("content-length", "")
    if _NUMBER.fullmatch(told) and offset == stands.received and int(told) > stands.length - offset:
        detail = "the part goes beyond the length that was told"
        raise ProblemError(Code.UPLOAD_TOO_LARGE, detail, expected=f"at most {stands.length - offset:,} bytes")

    async def keep(body: "SpooledTemporaryFile[bytes]", at: int) -> None:
        body.seek(0)
        work = partial(
            parts.take, found.settings, found.registry, who, upload, _pieces(body), offset=at, checksum=checksum
        )
        try:
            await to_thread.run_sync(work, limiter=request.app.state.checking)
        except OSError as error:
            raise ProblemError(Code.DISK_FULL, "the part could not be kept; nothing was changed") from error

    cut = False
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
        try:
            async for piece in request.stream():
                body.write(piece)
                size = body.tell()
                if size > most and checksum is not None:
                    detail = f"a part with a checksum has more than {most:,} bytes"
                    raise ProblemError(Code.UPLOAD_TOO_LARGE, detail, expected=f"at most {most:,} bytes")
                if 2 * size >= most and checksum is None:
                    # Clients send all that is left as one part: it is kept in pieces, so that no temporary file grows large.
                    await keep(body, offset)
                    offset += size
                    body.seek(0)
                    body.truncate()
        except ClientDisconnect:
            cut = True
        if cut and (checksum is not None or not body.tell()):
            return Response(status_code=400)  # nobody hears it
        if body.tell() or offset == _number(request, "Upload-Offset"):
            await keep(body, offset)
    return Response(status_code=204, headers=await run_in_threadpool(_stands, request, who, upload))


@router.delete(
    "/{upload}",
    summary="Give an upload in parts up",
    status_code=204,
    openapi_extra={"parameters": [_RESUMABLE]},
    responses=documents.nothing(missing=True, other=(401, 403, 412)),
)
def end(request: Request, who: Sender, upload: str) -> Response:
    """Remove the parts of an upload."""
    only(request)
    _check_version(request)
    from biodata.surveys import parts

    found = service(request)
    parts.end(found.settings, found.registry, who, upload)
    return Response(status_code=204, headers={"Tus-Resumable": VERSION})


def _stands(request: Request, who: Principal, upload: str) -> dict[str, str]:
    """Return the headers that tell how an upload stands."""
    from biodata.surveys import parts

    one = parts.look(service(request).registry, who, upload)
    told = {"Tus-Resumable": VERSION, "Upload-Length": str(one.length), "Upload-Offset": str(one.received),
            "Upload-Expires": one.expires, "Cache-Control": "no-store"}  # fmt: skip
    return told | ({"Upload-Metadata": one.told} if one.told else {})


def _check_version(request: Request) -> None:
    """Refuse another version of the protocol."""
    if request.headers.get("tus-resumable") != VERSION:
        raise ProblemError(
            Code.PROTOCOL_VERSION, "parts are sent as tus 1.0.0 does", field="Tus-Resumable", expected=VERSION,
            headers={"Tus-Version": VERSION},
        )  # fmt: skip


def _number(request: Request, name: str) -> int:
    """Return a header that is a number of bytes."""
    given = request.headers.get(name, "")
    if not _NUMBER.fullmatch(given):
        raise invalid(field=name, value=given, expected="a number of bytes")
    return int(given)


def _metadata(told: str) -> dict[str, str]:
    """Read Upload-Metadata: names, each with a value in base 64."""
    if len(told) > 4_000:
        raise invalid(field="Upload-Metadata", value=told, expected="at most 4,000 characters")
    found = {}
    for pair in told.split(",") if told.strip() else ():
        name, _, value = pair.strip().partition(" ")
        found[name] = _base64(value, "Upload-Metadata").decode("utf-8", "replace")
    return found


def _checksum(request: Request) -> tuple[str, bytes] | None:
    """Read Upload-Checksum."""
    given = request.headers.get("upload-checksum")
    if given is None:
        return None
    from biodata.surveys.parts import ALGORITHMS

    algorithm, _, value = given.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise invalid(field="Upload-Checksum", value=given, expected=f"one of {', '.join(ALGORITHMS)}, and base 64")
    return algorithm, _base64(value, "Upload-Checksum")


def _base64(value: str, name: str) -> bytes:
    """Decode base 64."""
    try:
        return base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(field=name, value=value, expected="base 64") from error


def _pieces(body: "SpooledTemporaryFile[bytes]") -> Iterator[bytes]:
    """Give a body piece by piece."""
    while piece := body.read(_PIECE):
        yield piece
