"""What is sent and answered about surveys on their way."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from pydantic import BaseModel, Field
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from api.bodies import Sent
from api.errors import Code, ProblemError
from api.readers import boolean
from biodata.core.phrases import Phrase
from biodata.surveys import submit


def _optional(description: str, **limits: Any) -> Any:
    return Field(default=None, description=description, **limits)


class Decision(Sent):
    """What a reviewer decides for their side."""

    decision: str = Field(max_length=10, description="accept, ask or refuse.")
    country: str | None = _optional(
        "The side; all of yours that wait where none is told. ZZ: records of no country.", min_length=2, max_length=2
    )
    reasons: str = Field(default="", max_length=4000, description="Why, or what is asked; it must tell no place.")


class Answer(Sent):
    """What the team answers to its reviewers."""

    answer: str = Field(min_length=1, max_length=4000, description="In words; it must tell no place.")


class Happened(BaseModel):
    """Something that happened to a survey; never by whom."""

    action: str = Field(
        description="received, restored, removed, checked, submitted, accepted, asked, answered, refused, outdated (it is "
        "checked again), replaced (by a new version), committed or withdrawn."
    )
    survey: int | None = _optional("To which survey of the same part; this one where none is told.")
    role: str = Field(description="As what it was done: uploader, reviewer, node_manager, biodata or command line.")
    country: str | None = _optional("The side that decided or asked: with that country's node.")
    note: str | None = _optional("Reasons, what is asked, or the answer.")
    date: datetime


class SubmissionSummary(BaseModel):
    """A survey on its way, in a list."""

    id: int
    state: str = Field(
        description="draft, submitted, asked, accepted, committing, committed (in the dataset), published (on the map), replaced "
        "(by another version of its part), removed (its part is off the map), refused or withdrawn."
    )
    stage: str = Field(
        description="As `state`, but a draft is `checking` until the service has looked at it, and a version that removes its "
        "part `removing` until the map has it no more."
    )
    version: int = Field(description="Grows with every change; the ETag tells it, a decision's If-Match repeats it.")
    created: datetime
    changed: datetime
    dataset: str | None = None
    part: str = Field(description="The part of the dataset that it is a version of.")
    part_version: int | None = _optional("The number of that version, once it is in the dataset.")
    replaced_by: int | None = _optional("The survey that is the next version of its part.")
    file: str | None = _optional("None of a version that removes its part.")
    sides: dict[str, str] | None = _optional(
        "By country: waiting, accepted, open (nobody reviews it), unchanged (no row of it becomes another one), "
        "refused, nobody (it waits, and only its team might review it), of a draft not_sent, and of a survey that has ended "
        "undecided.",
    )
    restores: int | None = _optional("The survey whose file it brings back.")
    mine: bool = Field(description="You send to its dataset.")
    asking: list[str] | None = _optional("Sides that asked something and have no answer yet.")
    waits_for_you: bool = Field(description="It goes no further before you decide, answer, or send your draft.")


class Submission(SubmissionSummary):
    """A survey on its way; words are in the language that is asked for."""

    job: int | None = None
    snapshot: int | None = None
    release: str | None = _optional("The release that first had it, while the map shows it.")
    left_alone: bool | None = _optional("It waits for a worker, and none seems to run.")
    next: str | None = _optional("Whether the map has it, and what happens next, or who has to do what.")
    report: dict[str, Any] | None = _optional("What the check found; no value of the file.")
    difference: dict[str, Any] | None = _optional(
        "What it would change of its part: counts, and `notes` to be read before it is accepted; to who sees every "
        "side also where in the file, with before and after of cells that can tell no place and no taxon, such as a count. "
        "`gone` lists what goes, with `was_sheet` and `was_row` in the version before, and the `identifier` where the map tells it.",
    )
    waits: list[str] | None = _optional(
        "Of sensitive records that are not published yet: how many, and of how many of ten places."
    )
    yours: list[str] | None = _optional("The sides that you may decide about now.")
    rows: bool = Field(description="GET /v1/surveys/{number}/rows tells its rows as they would be published.")
    history: list[Happened] = Field(
        description="The oldest first, behind that of those of its part that still waited before it."
    )


class SubmissionRows(BaseModel):
    """Rows of a survey as they would be published: those of your sides."""

    submission: int
    table: str
    counts: dict[str, dict[str, int]] = Field(
        description="By side: records, those of them that are coarse, and others that are withheld or waiting."
    )
    count: int = Field(description="Rows that were asked for, on all pages.")
    offset: int
    limit: int
    results: list[dict[str, Any]] = Field(
        description="Published terms, `sides`, and of records `change` (new, changed, unchanged, gone) with `before`: the "
        "published values that would become others."
    )
    flags: dict[str, str] = Field(description="What the quality_flags of these rows mean.")


class SubmissionList(BaseModel):
    """Surveys that concern you, the newest first."""

    results: list[SubmissionSummary]


class PartVersion(SubmissionSummary):
    """A version of a part of a dataset."""

    changes: dict[str, Any] = Field(description="How many records and events became what.")
    history: list[Happened]


class VersionList(BaseModel):
    """The versions of the parts of a dataset, by part, the oldest first."""

    results: list[PartVersion]
    may_return: bool = Field(description="You may restore one of them.")


FIELDS: Final = ("file", "dataset", "part", "submit", "license", "accept")
_FORM_EXTRA_BYTES: Final = 64_000
"""What a form may have beside its file: boundaries, headers, the dataset's name."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came in."""

    file: BinaryIO
    name: str  # what the sender calls it; no path
    dataset: str | None  # the form's field of that name
    sent: submit.Sent  # what the other fields state


@asynccontextmanager
async def receive_upload(request: Request, *, limit_bytes: int) -> AsyncIterator[Upload]:
    """Take a form with the field `file` in, or refuse it; its file is gone when the block ends."""
    problem, expected = (Phrase(text, n=limit_bytes) for text in ("more than {n} bytes were sent", "at most {n} bytes"))
    too_large = ProblemError(Code.UPLOAD_TOO_LARGE, problem, expected=expected)
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > limit_bytes + _FORM_EXTRA_BYTES:
            raise too_large
        return message

    try:
        form = await Request(request.scope, receive).form(max_files=1, max_fields=9, max_part_size=10_000)
    except HTTPException as error:
        raise ProblemError(Code.UPLOAD_INVALID, f"the form cannot be read: {error.detail}") from error
    except ClientDisconnect as error:  # nobody hears the answer; it is no fault of ours
        raise ProblemError(Code.UPLOAD_INVALID, "the line was cut before the form was whole") from error
    try:
        yield _upload(form, too_large, limit_bytes)
    finally:
        await form.close()


def _upload(form: FormData, too_large: ProblemError, limit_bytes: int) -> Upload:
    for name in (one for one in form if one not in FIELDS):
        detail = "the form has a field that is not known"
        raise ProblemError(Code.UPLOAD_INVALID, detail, field=name[:80], expected=", ".join(FIELDS))
    facts = {name: value for name, value in form.items() if isinstance(value, str) and value}
    file, dataset = form.get("file"), facts.pop("dataset", None)
    if not isinstance(file, UploadFile):
        expected = "multipart/form-data with the workbook in the field `file`"
        raise ProblemError(Code.UPLOAD_INVALID, "the form has no file", field="file", expected=expected)
    if (file.size or 0) > limit_bytes:
        raise too_large
    sent = submit.Sent(
        part=submit.part_name(facts["part"]) if "part" in facts else None, wanted=boolean("submit", facts.get("submit", "true")),
        licence=facts.get("license"), accept=tuple(filter(None, map(str.strip, facts.get("accept", "").splitlines()))),
    )  # fmt: skip
    return Upload(file.file, plain_name(file.filename or ""), dataset, sent)


def plain_name(text: str) -> str:
    """Return what a sender calls a file, as it can be shown: no folder, and no sign that is not seen or turns a line."""
    name = "".join(sign if sign.isprintable() else "_" for sign in re.split(r"[/\\]", text)[-1][-200:])
    return name if name.strip(". _") else "upload.xlsx"
