"""Datasets of the release, thinly in GBIF's shape: title, licence, how to cite."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models
from api.answers import json_answer
from api.dependencies import service
from api.errors import Code, ProblemError, unknown_parameter
from api.gbif_names import LICENSE_URLS
from api.paging import window
from api.readers import like_literal
from biodata.store.query.filters import Compare, Filter, Like
from biodata.store.tables import RELEASE

router = APIRouter(prefix="/v1/dataset", tags=["datasets"])

LIMIT: Final = 1_000
COLUMNS: Final = tuple(RELEASE["datasets"].columns)

_PARAMETERS: Final = documents.plain_parameters(
    ("q", {"type": "string"}, "Text in a title."),
    ("limit", {"type": "integer", "minimum": 0}, "Datasets of a page."),
    ("offset", dict(documents.OFFSET), "Datasets to leave out."),
)


@router.get(
    "",
    summary="Datasets",
    openapi_extra=_PARAMETERS,
    responses=documents.answers(models.DatasetPage),
)
@router.get(
    "/search",
    summary="Search datasets",
    openapi_extra=_PARAMETERS,
    responses=documents.answers(models.DatasetPage),
)
def search(request: Request) -> Response:
    """Answer a page of datasets."""
    query = request.query_params
    for name in query:
        if name not in ("q", "limit", "offset", "hl", "type", "facet"):
            raise unknown_parameter(name, ("q", "limit", "offset"))
    limit, offset = window(query, default=20, most=LIMIT)
    filter_: Filter | None = None
    if query.get("q"):
        filter_ = Like("title", f"%{like_literal(query['q'])}%", ignore_case=True)
    with service(request).open(request) as release:
        page = release.page("datasets", filter_, COLUMNS, limit=limit, offset=offset)
        count = release.count("datasets", filter_)
    body = {
        "offset": offset,
        "limit": limit,
        "endOfRecords": offset + len(page.rows) >= count,
        "count": count,
        "results": [dataset(row) for row in page.rows],
        "facets": [],
    }
    return json_answer(body)


@router.get("/{key}", summary="One dataset", responses=documents.answers(models.Dataset, missing=True))
def one(request: Request, key: str) -> Response:
    """Answer one dataset by its key."""
    with service(request).open(request) as release:
        page = release.page("datasets", Compare("key", "=", key), COLUMNS, limit=1, offset=0)
    if not page.rows:
        raise ProblemError(Code.RECORD_MISSING, f"this release has no dataset {key[:80]!r}", field="key")
    return json_answer(dataset(page.rows[0]))


def dataset(values: Sequence[Any]) -> dict[str, Any]:
    """Return one dataset; what is not known is absent."""
    row = dict(zip(COLUMNS, values, strict=True))
    found = {
        "key": row["key"],
        "title": row["title"],
        "type": "OCCURRENCE",
        "license": LICENSE_URLS.get(row["license"], row["license"]),
        "citation": {"text": row["citation"]} if row["citation"] else None,
        "doi": row["doi"],
        "recordCount": row["count"] or 0,
    }
    return {name: value for name, value in found.items() if value is not None}
