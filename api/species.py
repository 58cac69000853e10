"""Names of the checklist and datasets of the release, thinly in GBIF's shapes."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models
from api.answers import json_answer
from api.dependencies import service
from api.errors import Code, ProblemError, unknown_parameter
from api.paging import window
from api.readers import like_literal
from biodata.store.query.filters import And, Compare, Filter, Like, Or
from biodata.store.tables import RELEASE

router = APIRouter(prefix="/v1/species", tags=["species"])

LIMIT: Final = 1_000
SUGGESTIONS: Final = 100
COLUMNS: Final = tuple(RELEASE["taxa"].columns)

_PAGING: Final = ("limit", "offset")
# pygbif sends these with every call; none of them changes what we can answer.
_ACCEPTED: Final = ("hl", "verbose", "datasetKey", "strict", "language", "habitat", "threat", "nameType", "type", "issue", "facet", "checklistKey")  # fmt: skip
_FILTERS: Final = {"rank": "taxonRank", "status": "taxonomicStatus"}
_TEXT: Final = {"type": "string"}
_LIMIT: Final = {"type": "integer", "minimum": 0}
_PARAMETERS: Final = documents.plain_parameters(
    ("q", _TEXT, "Text in a scientific or common name."),
    ("name", _TEXT, "A whole scientific name."),
    ("rank", _TEXT, "SPECIES, GENUS, …"),
    ("status", _TEXT, "ACCEPTED or SYNONYM."),
    ("limit", _LIMIT, "Names of a page."),
    ("offset", dict(documents.OFFSET), "Names to leave out."),
)


@router.get("", summary="Names", openapi_extra=_PARAMETERS, responses=documents.answers(models.SpeciesPage))
@router.get(
    "/search",
    summary="Search names",
    openapi_extra=_PARAMETERS,
    responses=documents.answers(models.SpeciesPage),
)
def search(request: Request) -> Response:
    """Answer a page of names of the checklist that hold a text."""
    limit, offset = window(request.query_params, default=20, most=LIMIT)
    with service(request).open(request) as release:
        filter_ = _filter(request)
        page = release.page("taxa", filter_, COLUMNS, limit=limit, offset=offset)
        count = release.count("taxa", filter_)
    body = {
        "offset": offset,
        "limit": limit,
        "endOfRecords": offset + len(page.rows) >= count,
        "count": count,
        "results": [taxon(row) for row in page.rows],
        "facets": [],
    }
    return json_answer(body)


@router.get(
    "/suggest",
    summary="Suggest names",
    openapi_extra=_PARAMETERS,
    responses=documents.answers(list[models.Species]),
)
def suggest(request: Request) -> Response:
    """Answer a short list of names for a text that somebody is typing."""
    limit, offset = window(request.query_params, default=20, most=LIMIT)
    with service(request).open(request) as release:
        page = release.page("taxa", _filter(request), COLUMNS, limit=min(limit, SUGGESTIONS), offset=offset)
    return json_answer([taxon(row) for row in page.rows])


@router.get("/{key}", summary="One name", responses=documents.answers(models.Species, missing=True))
def one(request: Request, key: str) -> Response:
    """Answer one name by GBIF's integer key, or by its identifier in the checklist."""
    by_text: list[Filter] = [Compare("taxon_id", "=", key), Compare("col_key", "=", key)]
    by_number: list[Filter] = (
        [Compare("gbif_key", "=", int(key))] if key.isascii() and key.isdigit() and len(key) < 18 else []
    )
    with service(request).open(request) as release:
        page = release.page("taxa", Or((*by_number, *by_text)), COLUMNS, limit=1, offset=0)
    if not page.rows:
        raise ProblemError(Code.RECORD_MISSING, f"the checklist has no name with the key {key[:80]!r}", field="key")
    return json_answer(taxon(page.rows[0]))


def taxon(values: Sequence[Any]) -> dict[str, Any]:
    """Return one name in GBIF's shape; what is not known is absent."""
    row = dict(zip(COLUMNS, values, strict=True))
    common = orjson.loads(row["vernacular_names"]) if row["vernacular_names"] else {}
    species = row["scientificName"] if row["taxonRank"] == "SPECIES" else None
    whole = " ".join(part for part in (row["scientificName"], row["scientificNameAuthorship"]) if part)
    found = {
        "key": row["gbif_key"],
        "nubKey": row["gbif_key"],
        "acceptedKey": row["gbif_key"] if row["taxon_id"] == row["accepted_taxon_id"] else None,
        "taxonID": row["taxon_id"],
        "acceptedTaxonID": row["accepted_taxon_id"],
        "colKey": row["col_key"],
        "checklist": row["checklist"],
        "scientificName": whole,
        "canonicalName": row["scientificName"],
        "authorship": row["scientificNameAuthorship"],
        "rank": row["taxonRank"],
        "taxonomicStatus": row["taxonomicStatus"],
        "synonym": row["taxonomicStatus"] == "SYNONYM",
        **{rank: row[rank] for rank in ("kingdom", "phylum", "class", "order", "family", "genus")},
        "species": species,
        "iucnRedListCategory": row["iucnRedListCategory"],
        "vernacularName": common.get("en") or next(iter(common.values()), None),
        "vernacularNames": [{"language": language, "vernacularName": str(name)} for language, name in common.items()],
    }
    return {name: value for name, value in found.items() if value is not None}


def _filter(request: Request) -> Filter | None:
    """Return the filter of a request for names."""
    parts: list[Filter] = []
    for name, value in request.query_params.multi_items():
        if name == "q" and value:
            pattern = f"%{like_literal(value)}%"
            parts.append(Or(tuple(Like(c, pattern, ignore_case=True) for c in ("scientificName", "vernacular_names"))))
        elif name == "name":
            parts.append(Compare("scientificName", "=", value, ignore_case=True))
        elif name in _FILTERS:
            parts.append(Compare(_FILTERS[name], "=", value.upper()))
        elif name not in (*_PAGING, *_ACCEPTED, "q"):
            raise unknown_parameter(name, (*_PAGING, *_ACCEPTED, *_FILTERS, "q", "name"))
    return None if not parts else And(tuple(parts))
