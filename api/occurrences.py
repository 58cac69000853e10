"""Occurrences as GBIF's API answers them: search, facets, counts, one record, its published terms."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models, records
from api.answers import address, json_answer
from api.dependencies import Opened, service
from api.errors import Code, ProblemError, invalid
from api.paging import window
from api.parameters import FACETS, combine, every
from api.readers import boolean, integer, unknown_value
from biodata.store.query.filters import Compare, Filter

router = APIRouter(prefix="/v1/occurrence", tags=["occurrences"])

LIMIT: Final = 300
FACET_LIMIT: Final = 1_000
FACETS_AT_ONCE: Final = 20

_PAGING: Final = ("limit", "offset", "cursor")
_FACET_DEFAULTS: Final = {"facetLimit": 10, "facetOffset": 0, "facetMincount": 1}
_FACETING: Final = ("facet", "facetMultiselect", *_FACET_DEFAULTS)


@router.get(
    "/search",
    summary="Search occurrences",
    openapi_extra=documents.search_parameters(paging=_PAGING, faceting=_FACETING),
    responses=documents.answers(models.OccurrencePage),
)
def search(request: Request) -> Response:
    """Answer one page of occurrences in GBIF's envelope, with counts by facet where asked for."""
    pairs = request.query_params.multi_items()
    dotted = {
        name for name, _ in pairs if name.partition(".")[0] in FACETS and name.partition(".")[2] in _FACET_DEFAULTS
    }
    with service(request).open(request, cursor=request.query_params.get("cursor")) as release:
        filters, ignored = combine(pairs, release, own=(*_PAGING, *_FACETING, *dotted))
        limit, offset = window(request.query_params, default=20, most=LIMIT)
        filter_ = every(filters)
        page = release.page("occurrences", filter_, records.COLUMNS, limit=limit, offset=offset)
        count = release.count("occurrences", filter_)
        multiselect = boolean("facetMultiselect", request.query_params.get("facetMultiselect", "false"))
        facets = [
            _facet(request, release, name, every(filters, but=name if multiselect else None))
            for name in _facet_names(request)
        ]
        body = {
            "offset": offset,
            "limit": limit,
            "endOfRecords": page.cursor is None and (limit > 0 or count <= offset),
            "count": count,
            "results": [records.occurrence(row) for row in page.rows],
            "facets": facets,
        }
        headers = {"X-Biodata-Ignored": ", ".join(ignored)} if ignored else {}
        if page.cursor is not None:
            query = [(name, value) for name, value in pairs if name not in ("offset", "cursor")]
            next_page = address(request, "/v1/occurrence/search", [*query, ("cursor", page.cursor)])
            headers["Link"] = f'<{next_page}>; rel="next"'
        return json_answer(body, headers=headers)


@router.get(
    "/count",
    summary="Count occurrences",
    openapi_extra=documents.search_parameters(),
    responses=documents.answers(int),
)
def count(request: Request) -> Response:
    """Answer the number of occurrences as a bare number, as GBIF does."""
    with service(request).open(request) as release:
        filters, ignored = combine(request.query_params.multi_items(), release, own=())
        headers = {"X-Biodata-Ignored": ", ".join(ignored)} if ignored else {}
        return json_answer(release.count("occurrences", every(filters)), headers=headers)


_COUNTS: Final[Mapping[str, str]] = {
    "basisOfRecord": "basisOfRecord",
    "year": "year",
    "datasets": "datasetKey",
    "countries": "countryCode",
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
        filters, _ = combine(request.query_params.multi_items(), release, own=())
        found = release.facet("occurrences", every(filters), _COUNTS[by], limit=FACET_LIMIT, offset=0)
        return json_answer({str(name): number for name, number in found})


@router.get(
    "/{key}",
    summary="One occurrence",
    responses=documents.answers(models.Occurrence, missing=True),
)
def one(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record by its key."""
    with service(request).open(request) as release:
        return json_answer(records.occurrence(_row(release, key)))


@router.get(
    "/{key}/verbatim",
    summary="One occurrence under full term addresses",
    responses=documents.answers(models.VerbatimOccurrence, missing=True),
)
def verbatim(request: Request, key: Annotated[str, documents.WHOLE]) -> Response:
    """Answer one record's published values under full term addresses."""
    with service(request).open(request) as release:
        return json_answer(records.verbatim(_row(release, key)))


def _row(release: Opened, key: str) -> Sequence[Any]:
    """Return the row of one record."""
    number = integer("key", key)
    page = release.page("occurrences", Compare("key", "=", number), records.COLUMNS, limit=1, offset=0)
    if not page.rows:
        raise ProblemError(Code.RECORD_MISSING, f"no record has the key {number}", field="key")
    return page.rows[0]


def _facet_names(request: Request) -> list[str]:
    """Return the facets that are asked for."""
    for what in _FACET_DEFAULTS:
        _setting(request, what)
    names = list(dict.fromkeys(request.query_params.getlist("facet")))
    for name in names:
        if name not in FACETS:
            raise unknown_value(field="facet", value=name, known=set(FACETS))
    if len(names) > FACETS_AT_ONCE:
        raise invalid(field="facet", value=str(len(names)), expected=f"at most {FACETS_AT_ONCE} facets at once")
    return names


def _facet(request: Request, release: Opened, name: str, filter_: Filter | None) -> dict[str, Any]:
    """Return the counts of one facet in GBIF's shape."""
    limit, offset, least = (_setting(request, what, name) for what in _FACET_DEFAULTS)
    limit, least = min(limit, FACET_LIMIT), max(least, 1)
    found = release.facet("occurrences", filter_, FACETS[name], limit=limit, offset=offset, minimum=least)
    counts = [{"name": _plain(value), "count": number} for value, number in found]
    return {"field": _upper(name), "counts": counts}


def _setting(request: Request, what: str, name: str = "") -> int:
    """Return a setting of all facets, or of one: `facetLimit`, or `year.facetLimit`."""
    query = request.query_params
    value = query.get(f"{name}.{what}", query.get(what, str(_FACET_DEFAULTS[what])))
    found = integer(what, value)
    if found < 0:
        raise invalid(field=what, value=value, expected="0 or more")
    return found


def _plain(value: Any) -> str:
    """Return a value as GBIF names it in a facet."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _upper(name: str) -> str:
    """Return a parameter's name as GBIF's enumeration writes it: BASIS_OF_RECORD."""
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in name)
