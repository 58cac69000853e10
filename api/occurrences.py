"""Occurrences as GBIF's API answers them: search, facets, counts, one record, its published terms."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import polars as pl
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api import bodies, documents, gbif_names, models, parameters, records
from api.answers import address, json_answer
from api.dependencies import Opened, service
from api.errors import Code, ProblemError, invalid, unavailable_parameter, unknown_value
from api.parameters import SEARCH, Asked, every, read
from api.readers import boolean, integer, window
from biodata import lists
from biodata.core import terms
from biodata.store.query.filters import And, Compare, Filter, In

LIMIT: Final = 300
FACET_LIMIT: Final = 1_000
FACETS_AT_ONCE: Final = 20

PAGING: Final = ("limit", "offset", "cursor", "snapshot")
FACET_DEFAULTS: Final = {"facetLimit": 10, "facetOffset": 0, "facetMincount": 1}
FACETING: Final = ("facet", "facetMultiselect", *FACET_DEFAULTS)

_RELEASE: Final = re.compile(r"r[0-9]{6,}-[0-9a-f]{10}", re.ASCII)
Pairs = Sequence[tuple[str, str]]


def search_page(request: Request, pairs: Pairs, *, posted: bool = False) -> Response:
    """Answer one page.

    Parameters
    ----------
    request : Request
        The request.
    pairs : sequence of (name, value)
        Its parameters, those of a body among them.
    posted : bool
        Whether some of them came in a body: the next page is then asked for with the same body.
    """
    query = QueryParams(list(pairs))
    cursor = query.get("cursor")
    cursor = None if cursor == "*" else cursor
    dotted = {
        name
        for name, _ in pairs
        if name.partition(".")[0] in parameters.COUNTABLE and name.partition(".")[2] in FACET_DEFAULTS
    }
    with service(request).open(request, cursor=cursor, release_id=snapshot(query)) as release:
        asked = read(pairs, release, own=(*PAGING, *FACETING, *dotted))
        filters = asked.filters
        limit, offset = window(query, default=20, most=LIMIT)
        filter_ = every(filters)
        page = release.file.page("occurrences", filter_, records.COLUMNS, limit=limit, offset=offset, cursor=cursor)
        count = release.file.count("occurrences", filter_)
        multiselect = boolean("facetMultiselect", query.get("facetMultiselect", "false"))
        counts = [
            _facet(query, release, name, every(filters, but=name if multiselect else None))
            for name in _facet_names(query)
        ]
        body = {
            "offset": offset,
            "limit": limit,
            "endOfRecords": page.cursor is None and (limit > 0 or count <= offset),
            "count": count,
            "results": release.facts.extras.added(records.occurrence(row) for row in page.rows),
            "facets": counts,
        }
        headers = search_headers(release, asked)
        if page.cursor is not None:
            kept = request.query_params.multi_items() if posted else pairs
            kept = [(name, value) for name, value in kept if name not in ("offset", "cursor")]
            next_page = address(request, "/v1/occurrence/search", [*kept, ("cursor", page.cursor)])
            headers["Link"] = f'<{next_page}>; rel="next"'
            headers["X-Biodata-Cursor"] = page.cursor
        return json_answer(body, headers=headers)


def snapshot(query: QueryParams) -> str | None:
    """Return the id of the release that is asked for."""
    found = query.get("snapshot")
    if found is not None and not _RELEASE.fullmatch(found):
        raise invalid(field="snapshot", value=found, expected="a release's id, as X-Biodata-Release tells it")
    return found


def search_headers(release: Opened, asked: Asked) -> dict[str, str]:
    """Return the headers that tell what was made of the request, rows without a value that a range leaves out among it."""
    headers = release.headers()
    if asked.nulls:
        counts = {
            name: release.file.count("occurrences", And((every(asked.filters, but=name) or And(()), null)))
            for name, null in asked.nulls.items()
        }
        headers["X-Biodata-Null-Left-Out"] = ", ".join(f"{name}={number}" for name, number in counts.items())
    return headers


def _facet_names(query: QueryParams) -> list[str]:
    """Return the facets that are asked for."""
    for what in FACET_DEFAULTS:
        _setting(query, what)
    names = list(dict.fromkeys(query.getlist("facet")))
    for name in names:
        if name in gbif_names.UNAVAILABLE:
            raise unavailable_parameter(name, gbif_names.UNAVAILABLE[name])
        if name not in parameters.COUNTABLE:
            raise unknown_value(field="facet", value=name, known=parameters.COUNTABLE)
    if len(names) > FACETS_AT_ONCE:
        raise invalid(field="facet", value=str(len(names)), expected=f"at most {FACETS_AT_ONCE} facets at once")
    return names


def _facet(query: QueryParams, release: Opened, name: str, filter_: Filter | None) -> dict[str, Any]:
    """Return the counts of one facet in GBIF's shape."""
    limit, offset, least = (_setting(query, what, name) for what in FACET_DEFAULTS)
    found = parameters.facet_counts(release, filter_, name, limit=limit, offset=offset, minimum=max(least, 1))
    counts = [{"name": facet_value(value), "count": number} for value, number in found]
    return {"field": _upper(name), "counts": counts}


def _setting(query: QueryParams, what: str, name: str = "") -> int:
    """Return a setting of all facets, or of one: `facetLimit`, or `year.facetLimit`."""
    value = query.get(f"{name}.{what}", query.get(what, str(FACET_DEFAULTS[what])))
    found = integer(what, value)
    if found < 0 or (what == "facetLimit" and found > FACET_LIMIT):
        expected = f"0 to {FACET_LIMIT}; facetOffset goes on" if what == "facetLimit" else "0 or more"
        raise invalid(field=what, value=value, expected=expected)
    return found


def facet_value(value: Any) -> str:
    """Return a value as GBIF names it in a facet."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _upper(name: str) -> str:
    """Return a parameter's name as GBIF's enumeration writes it: BASIS_OF_RECORD."""
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in name)


router = APIRouter(prefix="/v1/occurrence", tags=["occurrences"])


@router.get(
    "/search",
    openapi_extra=documents.search_parameters(paging=PAGING, faceting=FACETING),
    **documents.answered(models.OccurrencePage, "Search occurrences", missing=True, other=(410,)),
)
def search(request: Request) -> Response:
    """Answer one page of occurrences in GBIF's envelope, with counts by facet where asked for."""
    return search_page(request, request.query_params.multi_items())


@router.post(
    "/search",
    openapi_extra=bodies.search_body(),
    **documents.answered(models.OccurrencePage, "Search occurrences by a body", missing=True, other=(410, 413)),
)
async def search_by_body(request: Request) -> Response:
    """Answer one page for the parameters in a JSON body, beside those of the address; or for a GeoJSON geometry."""
    raw = await bodies.receive(request)
    own = bodies.read_search(raw, request.headers.get("content-type", ""))
    pairs = [*own, *request.query_params.multi_items()]
    return await run_in_threadpool(search_page, request, pairs, posted=True)


@router.get(
    "/count",
    openapi_extra=documents.search_parameters(paging=("snapshot",)),
    **documents.answered(int, "Count occurrences", missing=True, other=(410,)),
)
def count(request: Request) -> Response:
    """Answer the number of occurrences as a bare number, as GBIF does."""
    with service(request).open(request, release_id=snapshot(request.query_params)) as release:
        asked = read(request.query_params.multi_items(), release, own=("snapshot",))
        headers = search_headers(release, asked)
        return json_answer(release.file.count("occurrences", every(asked.filters)), headers=headers)


_COUNTS: Final[Mapping[str, str]] = {
    "basisOfRecord": "basisOfRecord", "year": "year", "datasets": "datasetKey", "countries": "country",
    "publishingCountries": "publishingCountry",
}  # fmt: skip


@router.get(
    "/counts/{by}",
    openapi_extra=documents.search_parameters(),
    **documents.answered(dict[str, int], "Count occurrences by one thing", missing=True),
)
def counts(request: Request, by: Annotated[str, documents.one_of(_COUNTS)]) -> Response:
    """Answer numbers by name: basisOfRecord, year, datasets, countries or publishingCountries."""
    if by not in _COUNTS:
        raise ProblemError(
            Code.NOT_FOUND, f"nothing is counted by {by[:80]!r}", expected=f"one of {', '.join(_COUNTS)}"
        )
    with service(request).open(request) as release:
        asked = read(request.query_params.multi_items(), release, own=())
        found = parameters.facet_counts(
            release, every(asked.filters), _COUNTS[by], limit=FACET_LIMIT, offset=0, minimum=1
        )
        return json_answer({str(name): number for name, number in found}, headers=search_headers(release, asked))


@router.get("/count/schema", **documents.answered(list[models.CountSchema], "What counts can be asked by"))
def count_schema(request: Request) -> Response:
    """Answer the dimensions of counts in GBIF's shape: here every search parameter may stand beside every other."""
    with service(request).open(request):
        dimensions = [{"key": p.name, "type": p.kind.value} for p in SEARCH.values()]
    return json_answer([{"dimensions": [dimension]} for dimension in dimensions])


@router.get("/{key}", **documents.answered(models.Occurrence, "One occurrence", missing=True))
def one(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record by its key."""
    with service(request).open(request) as release:
        return _one(release, _row(release, key))


@router.get(
    "/{key}/verbatim",
    **documents.answered(models.VerbatimOccurrence, "One occurrence under full term addresses", missing=True),
)
def verbatim(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record's published values under full term addresses."""
    with service(request).open(request) as release:
        return json_answer(records.verbatim(_row(release, key)))


@router.get("/{key}/fragment", **documents.answered(dict[str, str], "One occurrence as simple terms", missing=True))
def fragment(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record's published values by simple term names; the text as it came stays inside."""
    with service(request).open(request) as release:
        record = records.verbatim(_row(release, key))
    uris = {name.rsplit("/", 1)[1]: value for name, value in record.items() if name.startswith("http")}
    return json_answer({"id": str(record["key"]), **uris})


@router.get(
    "/{dataset_key}/{occurrence_id:path}",
    **documents.answered(models.Occurrence, "One occurrence by its publisher's identifier", missing=True),
)
def by_identifier(request: Request, dataset_key: str, occurrence_id: str) -> Response:
    """Answer one record by its dataset and the identifier that its publisher gave."""
    if not occurrence_id:
        detail = "this address ends with a slash"
        raise ProblemError(Code.NOT_FOUND, detail, expected=f"/v1/occurrence/{dataset_key[:80]}")
    wanted = And((Compare("datasetKey", "=", dataset_key), Compare("occurrenceID", "=", occurrence_id)))
    with service(request).open(request) as release:
        page = release.file.page("occurrences", wanted, records.COLUMNS, limit=1, offset=0)
        if not page.rows:
            detail = f"dataset {dataset_key[:80]!r} has no published record {occurrence_id[:80]!r}"
            raise ProblemError(Code.RECORD_MISSING, detail, field="occurrence_id")
        return _one(release, page.rows[0])


def _one(release: Opened, row: Sequence[Any]) -> Response:
    """Answer one record, with what lists say of its taxon where it lies."""
    (record,) = release.facts.extras.added([records.occurrence(row)])
    named = pl.DataFrame([{name: record.get(name) for name in (*lists.NAMED, "countryCode", "province_code")}]).cast(
        pl.String
    )
    names = {*named.row(0), f"{record.get('species')} {record.get('infraspecificEpithet')}"} - {None}
    stated = release.file.frame("taxon_statuses", terms.names(terms.TAXON_STATUS), In("taxon", tuple(sorted(names))))
    said = lists.of_records(named, stated).row(0, named=True)
    return json_answer(record | {name: said[name] for name in lists.PARAMETERS if said[name] is not None})


def _row(release: Opened, key: str) -> Sequence[Any]:
    """Return the row of one record."""
    number = integer("key", key)
    page = release.file.page("occurrences", Compare("key", "=", number), records.COLUMNS, limit=1, offset=0)
    if not page.rows:
        raise ProblemError(Code.RECORD_MISSING, f"no record has the key {number}", field="key")
    return page.rows[0]
