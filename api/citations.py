"""Citations: any search or download gets an id that tells what was asked, of which release, and what came out."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import answers, auth, bodies, documents
from api.answers import HTML, JSON, address, json_answer, only
from api.auth import StrictRoute
from api.dependencies import Service, service
from api.documents import parameter
from api.errors import Code, ProblemError, invalid
from api.gbif_names import ACCEPTED, LICENSE_URLS
from api.models import AnswerLink, AskedParameter
from api.parameters import every, read
from biodata.access import citation_texts, citations, content
from biodata.access.citations import Cited, Question
from biodata.access.roles import Action
from biodata.store import jobs
from biodata.store.models import Download, Job
from biodata.store.query.filters import Filter, from_plain


class CitedQuery(BaseModel):
    """What was asked."""

    parameters: list[AskedParameter]
    filter: dict[str, Any] | None = Field(default=None, description="The same as a tree, look-ups answered.")


class CitedContent(BaseModel):
    """The hash of what was published."""

    hash: str
    algorithm: str
    columns: str = Field(description="Name of the set of columns that it is made of.")


class CitedDataset(BaseModel):
    """A dataset's part of what is cited."""

    model_config = ConfigDict(extra="allow")

    key: str | None = None
    title: str | None = None
    publisher: str | None = None
    license: str | None = None
    doi: str | None = None
    citation: str | None = None
    community_labels: list[str] | None = Field(default=None, description="Labels of communities that records carry.")
    count: int


class Citation(BaseModel):
    """A citation; what comes out of a large answer is there when its state is done."""

    id: str
    state: str = Field(description="queued, running, done or failed.")
    error: str | None = Field(default=None, description="Why it failed.")
    created: str
    release: str
    snapshot: int = Field(description="The lake's version.")
    rulesHash: str
    query: CitedQuery
    downloadId: str | None = None
    doi: str | None = None
    doiNote: str | None = Field(default=None, description="Why there is none, or what becomes of it.")
    url: str
    count: int | None = None
    datasets: list[CitedDataset] | None = None
    content: CitedContent | None = None
    released: str | None = None
    text: str | None = Field(default=None, description="How to cite it.")
    links: list[AnswerLink]


class ReplayGroup(BaseModel):
    """Records of one cause that share dataset, rule and category, as far as these may be told."""

    model_config = ConfigDict(extra="allow")

    count: int
    absent: int = Field(description="Those that the answer does not have any more.")


class ReplayCause(BaseModel):
    """Records that are not told as they were, for one reason."""

    count: int
    absent: int
    by: list[ReplayGroup]


class ReplayResult(BaseModel):
    """What came out."""

    identical: bool
    statement: str
    cited: dict[str, Any]
    today: dict[str, Any]
    unchanged: int
    causes: dict[str, ReplayCause]
    added: ReplayCause
    known: bool
    replayed: str


class Replay(BaseModel):
    """How a replay stands, and what came out."""

    citation: str
    state: str = Field(description="queued, running, done, failed or cancelled.")
    progress: float | None = None
    error: str | None = None
    result: ReplayResult | None = None
    links: list[AnswerLink]


def citation_page(cited: Cited, url: str) -> HTMLResponse:
    """Return the page.

    Parameters
    ----------
    cited : Cited
        Its content is known.
    url : str
        Its address.
    """
    content = cited.content
    facts = [
        ("Records", f"{content['count']:,}"),
        ("Release", cited.release),
        ("Released", content["released"]),
        ("Cited", cited.created.isoformat(timespec="seconds")),
        ("Content hash", f"{content['algorithm']} {content['hash']} ({content['columns']})"),
        ("DOI", (f"https://doi.org/{cited.doi}", cited.doi) if cited.doi else "none"),
    ]
    return answers.page(
        "citation",
        citation_texts.title(cited),
        up=[("/", "Map"), ("/v1/dataset?f=html", "Datasets")],
        text=citation_texts.text(cited, url),
        here=f"/v1/citations/{cited.id}",
        facts=facts,
        asked=[(name, value[:500]) for name, value in cited.query["parameters"]] or [("", "every record")],
        datasets=[_dataset_row(dataset) for dataset in content["datasets"]],
        replayed=cited.replay_job_id is not None,
    )


def _dataset_row(facts: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a dataset's row."""
    key, doi = facts.get("key"), facts.get("doi")
    name = facts.get("title") or key or "records of no dataset"
    licence = LICENSE_URLS.get(facts.get("license") or "", facts.get("license"))
    return (
        (f"/v1/dataset/{quote(key, safe='')}?f=html", name) if key else name,
        facts.get("publisher"),
        (licence, facts["license"]) if licence and licence.startswith("http") else licence,
        ", ".join(facts.get("community_labels", ())) or None,
        (f"https://doi.org/{doi.removeprefix('https://doi.org/')}", doi) if doi else None,
        f"{facts['count']:,}",
    )


router = APIRouter(prefix="/v1/citations", tags=["citations"])

NO_STORE: Final = "no-store"
RETRY_S: Final = "5"
DOWNLOAD: Final = "downloadId"
_OWN: Final = (DOWNLOAD, "snapshot")
_SUFFIXES: Final = {"json": "json", "txt": "text", "bib": "bibtex", "ris": "ris", "csl": "csl", "html": "html"}
_TYPES: Final = {
    JSON: "json",
    HTML: "html",
    "text/plain": "text",
    "text/x-bibliography": "text",
    **{media_type: name for name, (media_type, _) in citation_texts.FORMATS.items()},
    "application/json+csl": "csl",
}
"""What an Accept header can ask for."""

CitationId = Annotated[str, Path(json_schema_extra={"pattern": "^[0-9a-f]{32}$"})]
_Named = Annotated[str, Path(json_schema_extra={"pattern": r"^[0-9a-f]{32}(\.(json|txt|bib|ris|csl|html))?$"})]
Pairs = Sequence[tuple[str, str]]


def _asked() -> dict[str, Any]:
    """Return what OpenAPI says of a request for a citation."""
    facts = documents.search_parameters(paging=("snapshot",))
    row = (DOWNLOAD, {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "Cite this download instead of a search.")
    facts["parameters"].append(parameter(*row))
    body = bodies.search_body()["requestBody"]
    body["content"]["application/json"]["schema"]["properties"][DOWNLOAD] = row[1]
    return {**facts, "requestBody": {**body, "required": False}}


@router.post(
    "",
    summary="Cite a search or a download",
    status_code=201,
    openapi_extra=_asked(),
    responses={
        **documents.answers(Citation, missing=True, other=(410, 413, 429, 507), status=201),
        202: {"model": Citation, "description": "Kept; the worker hashes its large answer"},
    },
)
async def cite(request: Request) -> Response:
    """Keep what the same parameters find by search, given in the address, a JSON body or both; or a download."""
    raw = await bodies.receive(request)
    own = bodies.read_search(raw, request.headers.get("content-type", "")) if raw.strip() else []
    return await run_in_threadpool(_keep, request, [*own, *request.query_params.multi_items()])


@router.get(
    "/{number}",
    summary="A citation",
    responses={
        **documents.answers(Citation, missing=True, other=(409,)),
        200: {
            "description": "The citation",
            "model": Citation,
            "content": {HTML: {}, **{kind: {} for kind, _ in citation_texts.FORMATS.values()}},
        },
    },
)
def one(request: Request, number: _Named) -> Response:
    """Answer what was asked and what came out; or as text, BibTeX, RIS, CSL-JSON, or a page."""
    only(request)
    name, _, suffix = number.partition(".")
    written = _format(request, suffix)
    cited = find(request, name)
    if written == "json":
        return _citation_answer(request, cited)
    if cited.state != "done":
        raise unfinished(cited)
    url = address(request, f"/v1/citations/{cited.id}")
    if written == "html":
        return citation_page(cited, url)
    media_type, write = citation_texts.FORMATS[written]
    return Response(write(cited, url), media_type=media_type, headers={"Cache-Control": NO_STORE, "Vary": "Accept"})


@router.post(
    "/{number}/doi",
    **documents.answered(Citation, "Register a DOI for a citation", missing=True, other=(401, 409), status=202),
)
def doi(request: Request, number: CitationId) -> Response:
    """Queue the registration at DataCite, for whoever has a key; an installation without an account says so."""
    only(request)
    auth.needs(Action.CITE_WITH_DOI)(request)
    cited = find(request, number)
    found = service(request)
    if not citation_texts.doi_available(found.settings):
        raise ProblemError(Code.DOI_UNAVAILABLE, citation_texts.DOI_LACKING)
    if cited.state != "done":
        raise unfinished(cited)
    if cited.doi is None:
        citations.doi_later(found.registry, cited.id, url=address(request, f"/v1/citations/{cited.id}"))
    return _citation_answer(request, find(request, number), status=202)


replay_router = APIRouter(prefix="/v1/citations", tags=["citations"], route_class=StrictRoute)


@replay_router.post(
    "/{number}/replay", **documents.answered(Replay, "Ask a citation again", missing=True, other=(409, 429), status=202)
)
def replay(request: Request, number: CitationId) -> Response:
    """Queue a replay: the citation's version of the lake under today's rules. One that waits already is the same."""
    cited = find(request, number)
    if cited.state != "done":
        raise unfinished(cited)
    service(request).check_queue(citations.REPLAY_JOB)
    citations.replay_later(service(request).registry, cited.id)
    return _replay_answer(request, find(request, number), status=202)


@replay_router.get("/{number}/replay", **documents.answered(Replay, "What came out of a replay", missing=True))
def replay_result(request: Request, number: CitationId) -> Response:
    """Answer with the last replay: identical, or how many records are not told as they were, by cause, rule, dataset."""
    return _replay_answer(request, find(request, number))


def find(request: Request, number: str) -> Cited:
    """Return a citation."""
    found = citations.get(service(request).registry, number) if len(number) == 32 else None
    if found is None:
        raise ProblemError(Code.CITATION_MISSING, "no citation has this id", field="number")
    request.state.release = found.release
    return found


def unfinished(cited: Cited) -> ProblemError:
    """Return the error for a citation whose content is not known yet."""
    expected = "ask again when it is done" if cited.state in ("queued", "running") else "cite it anew"
    return ProblemError(
        Code.CITATION_UNFINISHED,
        f"the content of this citation is {cited.state}",
        expected=expected,
        headers={"Retry-After": RETRY_S},
    )


def _keep(request: Request, pairs: Pairs) -> Response:
    """Read the request as a search would, look at what comes out, and keep both."""
    facts = dict(pairs)
    found = service(request)
    download = _download(request, facts[DOWNLOAD]) if DOWNLOAD in facts else None
    wanted = download.request["release"] if download is not None else facts.get("snapshot")
    with found.open(request, release_id=wanted) as release:
        headers: dict[str, str] = {}
        filter_: Filter | None
        if download is not None:
            rest = [name for name, _ in pairs if name != DOWNLOAD]
            if rest:
                raise invalid(field=rest[0], value="", expected=f"nothing beside {DOWNLOAD}")
            asked = [(name, value) for name, value in download.request["asked"]]
            filter_ = from_plain(download.request["filter"])
        else:
            parsed = read(pairs, release, own=_OWN)
            filter_ = every(parsed.filters)
            asked = [(name, value) for name, value in pairs if name not in (*_OWN, *ACCEPTED)]
            headers = release.headers()
        columns = (*content.COLUMN_SETS[content.COLUMN_SET], "community_labels")
        page = release.file.page("occurrences", filter_, columns, limit=citations.SMALL_ROWS + 1, offset=0)
        small = len(page.rows) <= citations.SMALL_ROWS
        if not small:
            found.check_queue(citations.CONTENT_JOB)
        try:
            number = citations.cite(
                found.settings,
                found.registry,
                Question(asked, filter_),
                release=release.file.info,
                rows=citations.released_rows(page.rows, columns) if small else None,
                download_id=download.id if download is not None else None,
            )
        except (OSError, OperationalError) as error:
            raise ProblemError(Code.DISK_FULL, "the citation could not be kept; nothing was changed") from error
    headers["Location"] = address(request, f"/v1/citations/{number}")
    return _citation_answer(request, find(request, number), status=201 if small else 202, headers=headers)


def _download(request: Request, number: str) -> Download:
    """Return the download of an id."""
    with service(request).registry.session(read_only=True) as session:
        found = session.get(Download, number) if len(number) <= 64 else None
    if found is None:
        raise ProblemError(Code.DOWNLOAD_MISSING, "no download has this id", field=DOWNLOAD)
    return found


def _format(request: Request, suffix: str) -> str:
    """Return how a citation is wanted: by suffix, or the Accept header, the most wanted first."""
    if suffix:
        if suffix not in _SUFFIXES:
            raise ProblemError(Code.NOT_FOUND, "no such form of a citation", expected=f"one of {', '.join(_SUFFIXES)}")
        return _SUFFIXES[suffix]
    wanted = (_TYPES.get(name) for name in answers.media_ranges(request.headers.get("accept", "")))
    return next((form for form in wanted if form is not None), "json")


def _citation_answer(
    request: Request, cited: Cited, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer with a citation as JSON."""
    here = partial(address, request, f"/v1/citations/{cited.id}")
    url = here()
    links = [{"rel": "self", "href": url, "type": JSON}]
    body: dict[str, Any] = {
        "id": cited.id,
        "state": cited.state,
        "error": cited.error,
        "created": cited.created.isoformat(timespec="seconds"),
        "release": cited.release,
        "snapshot": cited.snapshot,
        "rulesHash": cited.rules_hash,
        "query": {
            "parameters": [{"name": name, "value": value} for name, value in cited.query["parameters"]],
            "filter": cited.query["filter"],
        },
        "downloadId": cited.download_id,
        "doi": cited.doi,
        "doiNote": _doi_note(request, cited),
        "url": url,
    }
    if cited.state == "done":
        links += [
            {"rel": "alternate", "href": f"{url}.{suffix}", "type": citation_texts.FORMATS[name][0]}
            for suffix, name in _SUFFIXES.items()
            if name in citation_texts.FORMATS
        ]
        links.append({"rel": "replay", "href": f"{url}/replay", "type": JSON})
        body |= {
            "count": cited.content["count"],
            "datasets": cited.content["datasets"],
            "content": {name: cited.content[name] for name in ("hash", "algorithm", "columns")},
            "released": cited.content["released"],
            "text": citation_texts.text(cited, url),
        }
    body["links"] = links
    waiting = {"Retry-After": RETRY_S} if cited.state in ("queued", "running") else {}
    facts = {name: value for name, value in body.items() if value is not None}
    return json_answer(facts, status=status, headers={"Vary": "Accept", **waiting, **(headers or {})}, cache=NO_STORE)


def _doi_note(request: Request, cited: Cited) -> str | None:
    """Return why there is no DOI, or what its registration came to."""
    found = service(request)
    if cited.doi is not None:
        return None
    if not citation_texts.doi_available(found.settings):
        return citation_texts.DOI_LACKING
    job = jobs.look(found.registry, cited.doi_job_id)
    if job is None:
        return f"Not registered; POST /v1/citations/{cited.id}/doi with a key does it."
    return f"Its registration is {job.state}" + (f": {job.error}" if job.error else ".")


def _replay_job(found: Service, cited: Cited) -> Job:
    """Return the last replay's job."""
    job = jobs.look(found.registry, cited.replay_job_id)
    if job is None:
        detail = "this citation was not asked again yet"
        raise ProblemError(Code.REPLAY_MISSING, detail, expected=f"POST /v1/citations/{cited.id}/replay asks again")
    return job


def _replay_answer(request: Request, cited: Cited, *, status: int = 200) -> Response:
    """Answer with the last replay."""
    job = _replay_job(service(request), cited)
    here = f"/v1/citations/{cited.id}"
    links = [
        {"rel": "self", "href": address(request, f"{here}/replay"), "type": JSON},
        {"rel": "cite-as", "href": address(request, here), "type": JSON},
    ]
    facts = None
    if job.state == "done" and job.result is not None:
        facts = {name: value for name, value in job.result.items() if name != "citation"}
    body: dict[str, Any] = {
        "citation": cited.id, "state": job.state, "progress": job.progress, "error": job.error, "result": facts,
        "links": links,
    }  # fmt: skip
    waiting = {"Retry-After": RETRY_S} if job.state in ("queued", "running") else {}
    return json_answer({n: v for n, v in body.items() if v is not None}, status=status, headers=waiting, cache=NO_STORE)
