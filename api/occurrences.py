"""Occurrences as GBIF's API answers them: search, facets, counts, one record, its published terms."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import bodies, documents, facets, models, occurrence_search, records
from api.answers import json_answer
from api.dependencies import Opened, service
from api.errors import Code, ProblemError
from api.occurrence_search import FACET_LIMIT, FACETING, PAGING, snapshot, told
from api.parameters import SEARCH, every, read
from api.readers import integer
from biodata.store.query.filters import And, Compare

router = APIRouter(prefix="/v1/occurrence", tags=["occurrences"])


@router.get(
    "/search",
    summary="Search occurrences",
    openapi_extra=documents.search_parameters(paging=PAGING, faceting=FACETING),
    responses=documents.answers(models.OccurrencePage, missing=True, other=(410,)),
)
def search(request: Request) -> Response:
    """Answer one page of occurrences in GBIF's envelope, with counts by facet where asked for."""
    return occurrence_search.answer(request, request.query_params.multi_items())


@router.post(
    "/search",
    summary="Search occurrences by a body",
    openapi_extra=bodies.search_body(),
    responses=documents.answers(models.OccurrencePage, missing=True, other=(410, 413)),
)
async def search_by_body(request: Request) -> Response:
    """Answer one page for the parameters in a JSON body, beside those of the address; or for a GeoJSON geometry."""
    raw = await bodies.receive(request)
    own, more = bodies.read_search(raw, request.headers.get("content-type", ""))
    pairs = [*own, *request.query_params.multi_items()]
    return await run_in_threadpool(occurrence_search.answer, request, pairs, more=more, posted=True)


@router.get(
    "/count",
    summary="Count occurrences",
    openapi_extra=documents.search_parameters(paging=("snapshot",)),
    responses=documents.answers(int, missing=True, other=(410,)),
)
def count(request: Request) -> Response:
    """Answer the number of occurrences as a bare number, as GBIF does."""
    with service(request).open(request, release_id=snapshot(request.query_params)) as release:
        asked = read(request.query_params.multi_items(), release, own=("snapshot",))
        headers = told(release, asked)
        return json_answer(release.count("occurrences", every(asked.filters)), headers=headers)


_COUNTS: Final[Mapping[str, str]] = {
    "basisOfRecord": "basisOfRecord",
    "year": "year",
    "datasets": "datasetKey",
    "countries": "country",
    "publishingCountries": "publishingCountry",
}


@router.get(
    "/counts/{by}",
    summary="Count occurrences by one thing",
    openapi_extra=documents.search_parameters(),
    responses=documents.answers(dict[str, int], missing=True),
)
def counts(request: Request, by: Annotated[str, documents.one_of(_COUNTS)]) -> Response:
    """Answer numbers by name: basisOfRecord, year, datasets, countries or publishingCountries."""
    if by not in _COUNTS:
        raise ProblemError(
            Code.NOT_FOUND, f"nothing is counted by {by[:80]!r}", expected=f"one of {', '.join(_COUNTS)}"
        )
    with service(request).open(request) as release:
        asked = read(request.query_params.multi_items(), release, own=())
        found = facets.counted(release, every(asked.filters), _COUNTS[by], limit=FACET_LIMIT, offset=0, minimum=1)
        return json_answer({str(name): number for name, number in found}, headers=told(release, asked))


@router.get(
    "/count/schema",
    summary="What counts can be asked by",
    responses=documents.answers(list[models.CountSchema]),
)
def count_schema(request: Request) -> Response:
    """Answer the dimensions of counts in GBIF's shape: here every search parameter may stand beside every other."""
    with service(request).open(request):
        dimensions = [{"key": p.name, "type": p.kind.value} for p in SEARCH.values()]
    return json_answer([{"dimensions": [dimension]} for dimension in dimensions])


@router.get(
    "/{key}",
    summary="One occurrence",
    responses=documents.answers(models.Occurrence, missing=True),
)
def one(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record by its key."""
    with service(request).open(request) as release:
        return json_answer(release.extras.added([records.occurrence(_row(release, key))])[0])


@router.get(
    "/{key}/verbatim",
    summary="One occurrence under full term addresses",
    responses=documents.answers(models.VerbatimOccurrence, missing=True),
)
def verbatim(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record's published values under full term addresses."""
    with service(request).open(request) as release:
        return json_answer(records.verbatim(_row(release, key)))


@router.get(
    "/{key}/fragment",
    summary="One occurrence as simple terms",
    responses=documents.answers(dict[str, str], missing=True),
)
def fragment(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record's published values by simple term names; the text as it came stays inside."""
    with service(request).open(request) as release:
        record = records.verbatim(_row(release, key))
    uris = {name.rsplit("/", 1)[1]: value for name, value in record.items() if name.startswith("http")}
    return json_answer({"id": str(record["key"]), **uris})


@router.get(
    "/{dataset_key}/{occurrence_id:path}",
    summary="One occurrence by its publisher's identifier",
    responses=documents.answers(models.Occurrence, missing=True),
)
def by_identifier(request: Request, dataset_key: str, occurrence_id: str) -> Response:
    """Answer one record by its dataset and the identifier that its publisher gave."""
    if not occurrence_id:
        detail = "this address ends with a slash"
        raise ProblemError(Code.NOT_FOUND, detail, expected=f"/v1/occurrence/{dataset_key[:80]}")
    wanted = And((Compare("datasetKey", "=", dataset_key), Compare("occurrenceID", "=", occurrence_id)))
    with service(request).open(request) as release:
        page = release.page("occurrences", wanted, records.COLUMNS, limit=1, offset=0)
        if not page.rows:
            detail = f"dataset {dataset_key[:80]!r} has no published record {occurrence_id[:80]!r}"
            raise ProblemError(Code.RECORD_MISSING, detail, field="occurrence_id")
        return json_answer(release.extras.added([records.occurrence(page.rows[0])])[0])


def _row(release: Opened, key: str) -> Sequence[Any]:
    """Return the row of one record."""
    number = integer("key", key)
    page = release.page("occurrences", Compare("key", "=", number), records.COLUMNS, limit=1, offset=0)
    if not page.rows:
        raise ProblemError(Code.RECORD_MISSING, f"no record has the key {number}", field="key")
    return page.rows[0]
