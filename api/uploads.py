"""A form with one file, its size watched while it comes in; what is large waits on disk, not in memory."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from api.errors import Code, ProblemError

FIELDS: Final = ("file", "dataset", "part", "submit", "license", "accept")
_FORM_EXTRA_BYTES: Final = 64_000
"""What a form may have beside its file: boundaries, headers, the dataset's name."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in.

    Attributes
    ----------
    file : binary file
        Its content, at its beginning.
    name : str
        What the sender calls it; no path.
    dataset : str, optional
        The form's field of that name.
    told : mapping of str to str
        The other fields.
    """

    file: BinaryIO
    name: str
    dataset: str | None
    told: Mapping[str, str] = field(default_factory=dict)


@asynccontextmanager
async def receive_upload(request: Request, *, limit_bytes: int) -> AsyncIterator[Upload]:
    """Take the form in; its file is gone when the block ends.

    Parameters
    ----------
    request : Request
        multipart/form-data with the field `file`.
    limit_bytes : int
        Largest file taken.

    Raises
    ------
    ProblemError
        If it is too large, told or counted, or is no such form.
    """
    too_large = ProblemError(
        Code.UPLOAD_TOO_LARGE, f"more than {limit_bytes:,} bytes were sent", expected=f"at most {limit_bytes:,} bytes"
    )
    told = request.headers.get("content-length", "")
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
        form = await limited.form(max_files=1, max_fields=9, max_part_size=10_000)
    except HTTPException as error:
        raise ProblemError(Code.UPLOAD_INVALID, f"the form cannot be read: {error.detail}") from error
    except ClientDisconnect as error:  # nobody hears the answer; it is no fault of ours
        raise ProblemError(Code.UPLOAD_INVALID, "the line was cut before the form was whole") from error
    try:
        yield _upload(form, too_large, limit_bytes)
    finally:
        await form.close()


def _upload(form: FormData, too_large: ProblemError, limit_bytes: int) -> Upload:
    """Return the form's file and fields; refuse a form with others."""
    for name in form:
        if name not in FIELDS:
            detail = "the form has a field that is not known"
            raise ProblemError(Code.UPLOAD_INVALID, detail, field=name[:80], expected=", ".join(FIELDS))
    told = {name: value for name, value in form.items() if isinstance(value, str) and value}
    file, dataset = form.get("file"), told.pop("dataset", None)
    if not isinstance(file, UploadFile):
        expected = "multipart/form-data with the workbook in the field `file`"
        raise ProblemError(Code.UPLOAD_INVALID, "the form has no file", field="file", expected=expected)
    if (file.size or 0) > limit_bytes:
        raise too_large
    return Upload(file.file, plain_name(file.filename or ""), dataset, told)


def plain_name(told: str) -> str:
    r"""Return what a sender calls a file, as it can be shown: no folder, and no sign that is not seen or turns a line.

    Examples
    --------
    >>> plain_name("../../a.xlsx"), plain_name("C:\\x\\a.xlsx"), plain_name("a\u202excod.xlsx"), plain_name("..")
    ('a.xlsx', 'a.xlsx', 'a_xcod.xlsx', 'upload.xlsx')
    """
    name = "".join(sign if sign.isprintable() else "_" for sign in re.split(r"[/\\]", told)[-1][-200:])
    return name if name.strip(". _") else "upload.xlsx"
