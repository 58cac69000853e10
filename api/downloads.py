"""Downloads: the parameters of a search and a format; asked for, watched, cancelled, fetched in parts, under the terms of use."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api import auth, bodies, documents, models
from api.answers import address, json_answer
from api.dependencies import service
from api.documents import parameter
from api.errors import Code, ProblemError, invalid
from api.gbif_names import ACCEPTED
from api.parameters import every, read
from biodata.access import downloads, terms_of_use
from biodata.access.roles import Action
from biodata.access.terms_of_use import Purpose
from biodata.core.errors import InputError
from biodata.core.vocabularies import CubeGrid, Format
from biodata.exports.request import Columns
from biodata.exports.tables import choose_columns
from biodata.exports.write import KINDS
from biodata.store.query.filters import Filter
from biodata.store.sharing_rules import rules_of


def need_accepted(
    request: Request, purpose: Purpose | None, count: Callable[[Filter], int], chosen: Filter | None
) -> None:
    """Refuse a download with restricted records to whoever did not accept the terms of use that hold.

    Parameters
    ----------
    request : Request
        Who asks.
    purpose : Purpose, optional
        What for.
    count : function of a filter to int
        Counts the records of the release that are asked for.
    chosen : Filter, optional
        Which records are asked for.

    Raises
    ------
    ProblemError
        With KEY_MISSING, if what is shown cannot be taken; with TERMS_NOT_ACCEPTED; or if no purpose is told.
    """
    registry = service(request).registry
    held = terms_of_use.current(registry)
    if held is None or not count(terms_of_use.restricted(registry, chosen)):
        return
    _need(request, held)
    if purpose is None:
        raise invalid(field="purpose", value="", expected=f"what for, one of {', '.join(Purpose)}")


def need_accepted_of(request: Request, made: Mapping[str, Any]) -> None:
    """Refuse the file of a download with restricted records to whoever did not accept the terms of use that hold.

    Its id stands in its citation, so whoever asked for it is not the only one who finds it; and terms may have changed.

    Parameters
    ----------
    request : Request
        Who asks.
    made : mapping
        What is told of the download.

    Raises
    ------
    ProblemError
        As `need_accepted`; no purpose is asked for.
    """
    registry = service(request).registry
    held = terms_of_use.current(registry)
    if held is not None and terms_of_use.restricts(registry, made):
        _need(request, held)


def _need(request: Request, held: terms_of_use.Terms) -> None:
    """Refuse whoever did not accept these terms."""
    if not terms_of_use.accepted(service(request).registry, auth.principal(request).account_id):
        raise ProblemError(
            Code.TERMS_NOT_ACCEPTED,
            f"some of these records are under the terms of use, version {held.version}",
            expected="log in, read /v1/rights/terms and accept them there; or leave these records out",
        )


router = APIRouter(prefix="/v1/downloads", tags=["downloads"])

_NO_STORE: Final = "no-store"
_OWN: Final = ("format", "columns", "grid", "purpose", "snapshot")
_RETRY_S: Final = "5"

DownloadId = Annotated[str, Path(json_schema_extra={"pattern": "^[0-9a-f]{32}$"})]
Pairs = Sequence[tuple[str, str]]
Choice = TypeVar("Choice", bound=StrEnum)


def _asked() -> dict[str, Any]:
    """Return what OpenAPI says of a request for a download."""
    formats = "; ".join(f"{name}: {kind.meaning}" for name, kind in KINDS.items())
    rows = (
        ("format", {"type": "string", "enum": list(Format), "default": Format.DWCA}, f"How it is written. {formats}"),
        ("columns", {"type": "string", "minLength": 1, "default": Columns.SIMPLE}, "Of csv: `simple` for GBIF's, `all`, or names with commas between them."),
        ("grid", {"type": "string", "enum": list(CubeGrid), "default": CubeGrid.EQDGC}, "Of a cube: quarter degrees, tenths, or squares of 10 km."),
        ("purpose", {"type": "string", "enum": list(Purpose)}, "What the records are wanted for; has to be told where terms of use have to be accepted. Who asks is not kept."),
    )  # fmt: skip
    facts = documents.search_parameters(paging=("snapshot",))
    facts["parameters"] += [parameter(*row) for row in rows]
    body = bodies.search_body()["requestBody"]
    members = body["content"]["application/json"]["schema"]["properties"]
    members |= {name: schema for name, schema, _ in rows}
    return {**facts, "requestBody": {**body, "required": False}}


@router.post(
    "",
    openapi_extra=_asked(),
    **documents.answered(
        models.Download, "Ask for a download", missing=True, other=(401, 403, 410, 413, 429, 507), status=202
    ),
)
async def ask(request: Request) -> Response:
    """Queue a download of what the same parameters find by search, given in the address, a JSON body or both."""
    raw = await bodies.receive(request)
    own = bodies.read_search(raw, request.headers.get("content-type", "")) if raw.strip() else []
    return await run_in_threadpool(_queue, request, [*own, *request.query_params.multi_items()])


@router.get("/{number}", **documents.answered(models.Download, "How a download stands", missing=True))
def state(request: Request, number: DownloadId) -> Response:
    """Answer with state, progress and, when it is done, rows, size, checksum, licence, counts by dataset and links."""
    return _download_answer(request, _find(request, number))


@router.delete(
    "/{number}",
    **documents.answered(models.Download, "Cancel a download, or take its file away", missing=True, other=(401, 403)),
)
def cancel(request: Request, number: DownloadId) -> Response:
    """Cancel it; what is written of it already is gone within seconds.

    Until it is done only who asked for it knows its id. Then its citation tells the id to everybody, so only an
    administrator takes its file away.
    """
    if _find(request, number).state not in ("queued", "running"):
        auth.needs(Action.ERASE_DOWNLOAD)(request)
    found = service(request)
    downloads.cancel(found.settings, found.registry, number)
    return _download_answer(request, _find(request, number))


@router.get(
    "/{number}/file",
    summary="The file of a download",
    responses={
        **documents.answers(None, missing=True, other=(401, 403, 409, 410, 416)),
        200: {"description": "The file", "content": {kind.media_type: {} for kind in KINDS.values()}},
        206: {"description": "Parts of the file"},
        304: {"description": "The client's copy is still right"},
    },
)
def file(request: Request, number: DownloadId) -> Response:
    """Answer with the file, or the parts of it that Range asks for; If-Range and If-None-Match hold the ETag."""
    found = _find(request, number)
    if found.file is None:
        if found.state in ("queued", "running"):
            detail = f"the download is {found.state}"
            raise ProblemError(
                Code.DOWNLOAD_UNFINISHED,
                detail,
                expected="ask again when it is done",
                headers={"Retry-After": _RETRY_S},
            )
        raise ProblemError(Code.DOWNLOAD_GONE, f"the download is {found.state}", expected="ask for it anew")
    if _is_of_other_rules(request, found):
        detail = "the sharing rules are others than those that the file was made under"
        raise ProblemError(Code.DOWNLOAD_GONE, detail, expected="ask for it anew")
    need_accepted_of(request, found.result)
    size, checksum = int(found.result["size"]), found.result["sha256"]
    etag = f'"{checksum}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, max-age=86400",
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(checksum)).decode()}:",
    }
    known = request.headers.get("if-none-match", "")
    if known and (known.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in known.split(","))):
        return Response(status_code=304, headers=headers)
    media_type = KINDS[found.format].media_type
    if getattr(request.state, "head", False):
        # GDAL and curl ask for the head of a file of gigabytes: nothing of it is read.
        headers |= {"Content-Length": str(size), "Accept-Ranges": "bytes"}
        return Response(headers=headers, media_type=media_type)
    return FileResponse(found.file, headers=headers, media_type=media_type, filename=found.file.name)


def _queue(request: Request, pairs: Pairs) -> Response:
    """Read the request as a search would, and queue it."""
    facts = dict(pairs)
    file_format = _chosen("format", facts.get("format", Format.DWCA), Format)
    columns = facts.get("columns", Columns.SIMPLE)
    try:
        choose_columns(columns)
    except InputError as error:
        raise invalid(field="columns", value=columns, expected=error.expected or error.problem) from error
    grid = _chosen("grid", facts.get("grid", CubeGrid.EQDGC), CubeGrid)
    purpose = _chosen("purpose", facts["purpose"], Purpose) if "purpose" in facts else None
    found = service(request)
    found.check_queue(downloads.JOB, Code.DOWNLOADS_TOO_MANY)
    with found.open(request, release_id=facts.get("snapshot")) as release:
        asked = read(pairs, release, own=_OWN)
        filters = asked.filters
        headers = release.headers()
        question = [(name, value) for name, value in pairs if name not in (*_OWN, *ACCEPTED)]
        need_accepted(
            request, purpose, lambda restricted: release.file.count("occurrences", restricted), every(filters)
        )
        number = downloads.ask(
            found.settings, found.registry, file_format, every(filters),
            release=release.file.id, asked=question, columns=columns, grid=grid, purpose=purpose,
        )  # fmt: skip
    headers["Location"] = address(request, f"/v1/downloads/{number}")
    return _download_answer(request, _find(request, number), status=202, headers=headers)


def _chosen(name: str, value: str, kind: type[Choice]) -> Choice:
    """Read one of a list of words."""
    try:
        return kind(value.lower())
    except ValueError:
        raise invalid(field=name, value=value, expected=f"one of {', '.join(kind)}") from None


def _find(request: Request, number: str) -> downloads.Status:
    """Return how a download stands."""
    found = service(request)
    status = downloads.look(found.settings, found.registry, number) if len(number) <= 64 else None
    if status is None:
        raise ProblemError(Code.DOWNLOAD_MISSING, "no download has this id", field="number")
    request.state.release = status.release
    return status


def _is_of_other_rules(request: Request, found: downloads.Status) -> bool:
    """Tell whether a file was made under sharing rules that hold no more: it may tell what is withheld now."""
    here = service(request)
    made_under = found.result.get("rules_hash")
    return made_under is None or made_under not in (here.rules_hash(), rules_of(here.registry).hash)


def _download_answer(
    request: Request, found: downloads.Status, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer with how a download stands."""
    here = partial(address, request, f"/v1/downloads/{found.id}")
    links = [{"rel": "self", "href": here(), "type": "application/json"}]
    is_given = found.file is not None and not _is_of_other_rules(request, found)
    untold = {"file", "rules_hash", "countries", *(() if is_given else ("sha256", "size"))}
    body: dict[str, Any] = {
        "id": found.id,
        "state": found.state,
        "format": found.format,
        "release": found.release,
        "progress": round(found.progress, 3),
        "parameters": [{"name": name, "value": value} for name, value in found.asked],
        "created": _moment(found.created),
        "finished": _moment(found.finished),
        "expires": _moment(found.expires),
        "error": found.error,
        "citation": found.citation,
        **{name: value for name, value in found.result.items() if name not in untold},
    }
    if found.file is not None and is_given:
        href = address(request, f"/v1/downloads/{found.id}/file")
        links.append({"rel": "enclosure", "href": href, "type": KINDS[found.format].media_type})
        body |= {"file": href, "filename": found.file.name}
    if found.citation is not None:
        href = address(request, f"/v1/citations/{found.citation}")
        links.append({"rel": "cite-as", "href": href, "type": "application/json"})
    body["links"] = links
    waiting = {"Retry-After": _RETRY_S} if found.state in ("queued", "running") else {}
    facts = {name: value for name, value in body.items() if value is not None}
    return json_answer(facts, status=status, headers={**waiting, **(headers or {})}, cache=_NO_STORE)


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
