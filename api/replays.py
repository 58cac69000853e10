"""A citation asked again under today's rules: the worker does it; what came out, and its rows as a search."""

from pathlib import Path as FilePath
from threading import Lock
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models, records
from api.answers import JSON, address, json_answer
from api.citations import NO_STORE, RETRY_S, CitationId, Replay, find, unfinished
from api.citations import check_queue as check_waiting
from api.dependencies import Service, service
from api.downloads import check_queue, need_accepted, queued_answer
from api.errors import Code, ProblemError, invalid
from api.gates import StrictRoute
from api.occurrences import LIMIT
from api.readers import window
from biodata.access import citations, downloads, rebuilding
from biodata.access.citations import Cited
from biodata.access.terms_of_use import Purpose
from biodata.exports.write import Format
from biodata.store.models import Job
from biodata.store.open_release import OpenRelease
from biodata.store.sharing_rules import rules_of

router = APIRouter(prefix="/v1/citations", tags=["citations"], route_class=StrictRoute)

_OPEN: Final = 2
"""Rebuilt files that an API process keeps open."""
_AGAIN: Final = "POST /v1/citations/{}/replay asks again"
_PAGING: Final = ("limit", "offset", "cursor")


@router.post(
    "/{number}/replay", **documents.answered(Replay, "Ask a citation again", missing=True, other=(409, 429), status=202)
)
def ask(request: Request, number: CitationId) -> Response:
    """Queue a replay: the citation's version of the lake under today's rules. One that waits already is the same."""
    cited = find(request, number)
    if cited.state != "done":
        raise unfinished(cited)
    check_waiting(service(request), citations.REPLAY_JOB)
    citations.replay_later(service(request).registry, cited.id)
    return _replay_answer(request, find(request, number), status=202)


@router.get("/{number}/replay", **documents.answered(Replay, "What came out of a replay", missing=True))
def result(request: Request, number: CitationId) -> Response:
    """Answer with the last replay: identical, or how many records are not told as they were, by cause, rule, dataset."""
    return _replay_answer(request, find(request, number))


@router.get(
    "/{number}/replay/occurrence",
    openapi_extra=documents.plain_parameters(
        ("limit", {"type": "integer", "minimum": 0, "default": 20}, "Records of a page; more than 300 is cut to 300."),
        ("offset", dict(documents.OFFSET), "Records to leave out; a cursor has no end."),
        ("cursor", {"type": "string", "pattern": "^[A-Za-z0-9_-]{10,200}$"}, "Where to go on, as Link gives it."),
    ),
    **documents.answered(models.OccurrencePage, "The rows of a replay", missing=True, other=(409, 410)),
)
def rows(request: Request, number: CitationId) -> Response:
    """Answer a page of what the citation's question finds in its version of the lake under today's rules."""
    cited = find(request, number)
    limit, offset = window(request.query_params, default=20, most=LIMIT)
    release = _open(service(request), cited)
    cursor = request.query_params.get("cursor")
    page = release.page("occurrences", cited.filter, records.COLUMNS, limit=limit, offset=offset, cursor=cursor)
    count = release.count("occurrences", cited.filter)
    body = {
        "offset": offset,
        "limit": limit,
        "endOfRecords": page.cursor is None and (limit > 0 or count <= offset),
        "count": count,
        "results": [records.occurrence(row) for row in page.rows],
        "facets": [],
    }
    headers = {}
    if page.cursor is not None:
        here = f"/v1/citations/{cited.id}/replay/occurrence"
        headers["Link"] = f'<{address(request, here, [("limit", limit), ("cursor", page.cursor)])}>; rel="next"'
    return json_answer(body, headers=headers, cache=NO_STORE)


@router.post(
    "/{number}/replay/download",
    openapi_extra=documents.plain_parameters(
        ("format", {"type": "string", "enum": list(Format), "default": Format.DWCA}, "How it is written."),
        ("purpose", {"type": "string", "enum": list(Purpose)}, "What the records are wanted for."),
    ),
    **documents.answered(
        models.Download, "The rows of a replay as a download", missing=True, other=(401, 403, 409, 429, 507), status=202
    ),
)
def download(request: Request, number: CitationId) -> Response:
    """Queue a download of what the citation's question finds in its version of the lake under today's rules."""
    cited = find(request, number)
    if cited.state != "done":
        raise unfinished(cited)
    told = request.query_params.get("format", Format.DWCA)
    if told not in list(Format):
        raise invalid(field="format", value=told, expected=f"one of {', '.join(Format)}")
    found = service(request)
    check_queue(found)
    wanted_for = request.query_params.get("purpose")
    if wanted_for is not None and wanted_for not in list(Purpose):
        raise invalid(field="purpose", value=wanted_for, expected=f"one of {', '.join(Purpose)}")
    purpose = Purpose(wanted_for) if wanted_for is not None else None
    need_accepted(request, purpose, lambda _restricted: 1, cited.filter)
    asked = [(name, value) for name, value in cited.query["parameters"]]
    made = downloads.ask(
        found.settings, found.registry, Format(told), cited.filter,
        release=f"{downloads.OF_CITATION}{cited.id}", asked=asked, purpose=purpose,
    )  # fmt: skip
    return queued_answer(request, made)


def _job(found: Service, cited: Cited) -> Job:
    """Return the last replay's job."""
    job = citations.job_of(found.registry, cited.replay_job_id)
    if job is None:
        detail = "this citation was not asked again yet"
        raise ProblemError(Code.REPLAY_MISSING, detail, expected=_AGAIN.format(cited.id))
    return job


def _open(found: Service, cited: Cited) -> OpenRelease:
    """Return the rebuilt file of the last replay, as long as nothing changed since that could take rows away.

    A rule that became stricter, or a record that was withdrawn after the replay, must not be had from its file.
    """
    job = _job(found, cited)
    if job.state != "done" or job.result is None:
        raise ProblemError(
            Code.CITATION_UNFINISHED,
            f"the replay is {job.state}",
            expected="ask again when it is done",
            headers={"Retry-After": RETRY_S},
        )
    told = job.result
    path = rebuilding.folder(found.settings.data) / told["file"]
    rules = rules_of(found.registry).hash
    newer = found.snapshot() > told["today"]["snapshot"]
    if rules != told["today"]["rules_hash"] or newer or not path.is_file():
        detail = "rules or records changed since that replay" if path.is_file() else "the rows of that replay are gone"
        raise ProblemError(Code.REPLAY_GONE, detail, expected=_AGAIN.format(cited.id))
    return _FILES.get(path, found.settings.query_timeout_s)


class _Files:
    """Rebuilt files that are open."""

    def __init__(self) -> None:
        self._open: dict[FilePath, OpenRelease] = {}
        self._lock = Lock()

    def get(self, path: FilePath, timeout_seconds: float) -> OpenRelease:
        """Return an open file; of those that are not asked any more the oldest is let go."""
        with self._lock:
            if path not in self._open:
                while len(self._open) >= _OPEN:
                    del self._open[next(iter(self._open))]  # it closes when the last request that holds it has ended
                self._open[path] = OpenRelease(path, timeout_seconds=timeout_seconds)
            return self._open[path]


_FILES: Final = _Files()


def _replay_answer(request: Request, cited: Cited, *, status: int = 200) -> Response:
    """Answer with the last replay."""
    job = _job(service(request), cited)
    here = f"/v1/citations/{cited.id}"
    links = [
        {"rel": "self", "href": address(request, f"{here}/replay"), "type": JSON},
        {"rel": "cite-as", "href": address(request, here), "type": JSON},
    ]
    told = None
    if job.state == "done" and job.result is not None:
        told = {name: value for name, value in job.result.items() if name not in ("file", "citation")}
        links.append({"rel": "items", "href": address(request, f"{here}/replay/occurrence"), "type": JSON})
    body: dict[str, Any] = {
        "citation": cited.id,
        "state": job.state,
        "progress": job.progress,
        "error": job.error,
        "result": told,
        "links": links,
    }
    waiting = {"Retry-After": RETRY_S} if job.state in ("queued", "running") else {}
    return json_answer({n: v for n, v in body.items() if v is not None}, status=status, headers=waiting, cache=NO_STORE)
