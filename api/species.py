"""Names of the checklists in GBIF's shapes: search in any language, suggestions, one name and what belongs to it."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models, vocabularies
from api.answers import json_answer
from api.dependencies import Opened, service
from api.errors import Code, ProblemError, invalid, unavailable_parameter, unknown_parameter, unknown_value
from api.name_lookups import BUNDLED
from api.readers import boolean, like_literal, window
from biodata import lists
from biodata.store.query.filters import And, Compare, Filter, In, Like, Listed, Not, Or
from biodata.store.tables import RELEASE

router = APIRouter(prefix="/v1/species", tags=["species"])

LIMIT: Final = 1_000
SUGGESTIONS: Final = 100
COLUMNS: Final = tuple(RELEASE["taxa"].columns)

RANK_COLUMNS: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
_COMMON: Final = 1_000
_PAGING: Final = ("limit", "offset")
_ACCEPTED: Final = ("hl", "verbose", "strict", "language", "type", "facet", "checklistKey", "facetLimit", "facetMincount", "facetMultiselect")  # fmt: skip
"""GBIF's parameters that choose no names; pygbif sends some with every call."""

_UNAVAILABLE: Final = frozenset(
    {"datasetKey", "habitat", "threat", "nameType", "issue", "isExtinct", "sourceId", "origin", "nomenclaturalStatus"}
)
"""GBIF's parameters that cannot be honoured: the checklists here do not tell these of a name."""
_LISTED: Final = {
    "isInvasive": lists.INVASIVE, "listedEstablishmentMeans": lists.MEANS, "redList": lists.RED, "cites": lists.CITES,
    "nationalProtection": lists.PROTECTION, "endemicTo": lists.ENDEMIC,
}  # fmt: skip
"""The parameters that ask for what lists say of a name, and the kind of status."""
_FILTERS: Final = {"rank": "taxonRank", "status": "taxonomicStatus"}
_TEXT: Final = {"type": "string"}
_LIMIT: Final = {"type": "integer", "minimum": 0}
_PARAMETERS: Final = documents.plain_parameters(
    ("q", _TEXT, "Text in a scientific name, or in a common name of any language."),
    ("name", _TEXT, "A whole scientific name."),
    ("rank", _TEXT, "SPECIES, GENUS, …"),
    ("status", _TEXT, "ACCEPTED or SYNONYM."),
    ("highertaxonKey", _TEXT, "Only names below this taxon."),
    *(
        (kind, _TEXT, "What lists say of the name, as the search of records has it; with country, there.")
        for kind in _LISTED
    ),
    ("country", _TEXT, "With a status: the country or division where a list says so."),
    ("limit", _LIMIT, "Names of a page."),
    ("offset", dict(documents.OFFSET), "Names to leave out."),
)


@router.get("", openapi_extra=_PARAMETERS, **documents.answered(models.SpeciesPage, "Names", missing=True))
@router.get(
    "/search", openapi_extra=_PARAMETERS, **documents.answered(models.SpeciesPage, "Search names", missing=True)
)
def search(request: Request) -> Response:
    """Answer a page of names of the checklists that hold a text; a common name in any language finds its taxon."""
    query = request.query_params
    limit, offset = window(query, default=20, most=LIMIT)
    with service(request).open(request) as release:
        filter_ = _filter(request, release)
        page = release.page("taxa", filter_, COLUMNS, limit=limit, offset=offset)
        count = release.count("taxa", filter_)
        facets = [_facet(release, name, filter_) for name in dict.fromkeys(query.getlist("facet")) if name in _FILTERS]
    body = {
        "offset": offset,
        "limit": limit,
        "endOfRecords": offset + len(page.rows) >= count,
        "count": count,
        "results": [taxon(row) for row in page.rows],
        "facets": facets,
    }
    return json_answer(body)


@router.get(
    "/suggest", openapi_extra=_PARAMETERS, **documents.answered(list[models.Species], "Suggest names", missing=True)
)
def suggest(request: Request) -> Response:
    """Answer a short list of names for a text that somebody is typing: names that begin with it first.

    Where no checklist of the release holds the text, the names of its records are suggested.
    """
    limit, offset = window(request.query_params, default=20, most=SUGGESTIONS)
    with service(request).open(request) as release:
        filter_ = _filter(request, release)
        text = request.query_params.get("q", "")
        first = Like("scientificName", f"{like_literal(text)}%", ignore_case=True)
        parts = [filter_] if not text or filter_ is None else [And((filter_, first)), And((filter_, Not(first)))]
        rows: list[tuple[Any, ...]] = []
        for part in parts:
            wanted = offset + limit - len(rows)
            rows += release.page("taxa", part, COLUMNS, limit=wanted, offset=0).rows if wanted > 0 else []
        only_text = not {"rank", "status", "highertaxonKey", "higherTaxonKey", "name"} & set(request.query_params)
        recorded = release.facts.names.recorded_with(text) if only_text and not rows else []
    found = [taxon(row) for row in rows] or [_recorded(rank, name) for rank, name in recorded]
    return json_answer(found[offset : offset + limit])


@router.get("/{key}", **documents.answered(models.Species, "One name", missing=True))
def one(request: Request, key: str) -> Response:
    """Answer one name by GBIF's integer key, or by its identifier in the checklist."""
    with service(request).open(request) as release:
        return json_answer(taxon(row_of(release, key)))


def row_of(release: Opened, key: str) -> tuple[Any, ...]:
    """Return the row of a name by GBIF's integer key, or by its identifier in the checklist.

    Raises
    ------
    ProblemError
        With RECORD_MISSING.
    """
    parts: list[Filter] = [Compare("taxon_id", "=", key), Compare("col_key", "=", key)]
    if key.isascii() and key.isdigit() and len(key) < 18:
        parts.insert(0, Compare("gbif_key", "=", int(key)))
    page = release.page("taxa", Or(tuple(parts)), COLUMNS, limit=1, offset=0)
    if not page.rows:
        raise ProblemError(Code.RECORD_MISSING, f"the checklist has no name with the key {key[:80]!r}", field="key")
    return page.rows[0]


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


def _recorded(rank: str, name: str) -> dict[str, Any]:
    """Return a name that stands in no checklist of the release, as its records have it."""
    return {
        "taxonID": f"{rank} {name}",
        "checklist": "records",
        "scientificName": name,
        "canonicalName": name,
        "rank": rank,
        "synonym": False,
        "vernacularNames": [],
    }


def _facet(release: Opened, name: str, filter_: Filter | None) -> dict[str, Any]:
    """Return the counts of names by rank or status."""
    found = release.facet("taxa", filter_, _FILTERS[name], limit=100)
    return {"field": name.upper(), "counts": [{"name": str(value), "count": number} for value, number in found]}


def _listed(name: str, value: str, area: str | None) -> Filter:
    """Return the filter for the names of which lists say something, in an area or anywhere."""
    kind = _LISTED[name]
    if kind == lists.ENDEMIC:
        return Listed(kind, (), value.upper())
    if kind == lists.INVASIVE:
        found = Listed(kind, ("true",), area)
        return found if boolean(name, value) else Not(found)
    return Listed(kind, () if value == "*" else (value,), area)


def _filter(request: Request, release: Opened) -> Filter | None:
    """Return the filter of a request for names."""
    parts: list[Filter] = []
    for name, value in request.query_params.multi_items():
        if name == "q" and value:
            if len(value) > 200:
                raise invalid(field="q", value=value, expected="up to 200 characters")
            common = release.facts.names.with_common_name(value).head(_COMMON)
            text = Like("scientificName", f"%{like_literal(value)}%", ignore_case=True)
            by_name = common.filter(pl.col("checklist") == BUNDLED)["scientificName"].unique().to_list()
            called = (In("taxon_id", tuple(common["taxon_id"])), In("scientificName", tuple(sorted(by_name))))
            parts.append(Or((text, *called)))
        elif name == "name":
            parts.append(Compare("scientificName", "=", value, ignore_case=True))
        elif name in ("highertaxonKey", "higherTaxonKey"):
            parts.append(_below(release, value))
        elif name in _FILTERS:
            parts.append(Compare(_FILTERS[name], "=", vocabularies.spelling(name, _FILTERS[name], value, release)))
        elif name in _LISTED:
            country = request.query_params.get("country")
            parts.append(_listed(name, value, country.upper() if country else None))
        elif name == "country" and _LISTED.keys() & request.query_params.keys():
            continue
        elif name in _UNAVAILABLE:
            raise unavailable_parameter(name, "q, name, rank, status or highertaxonKey")
        elif name == "facet" and value not in _FILTERS:
            raise unknown_value(field=name, value=value, known=_FILTERS)
        elif name not in (*_PAGING, *_ACCEPTED, "q"):
            raise unknown_parameter(name, (*_PAGING, *_ACCEPTED, *_FILTERS, "q", "name", "highertaxonKey"))
    return None if not parts else And(tuple(parts))


def _below(release: Opened, key: str) -> Filter:
    """Return the filter for the names below a taxon, itself among them."""
    row = dict(zip(COLUMNS, row_of(release, key), strict=True))
    own = Compare("taxon_id", "=", row["taxon_id"])
    rank = str(row["taxonRank"] or "").lower()
    return Or((own, Compare(rank, "=", row["scientificName"]))) if rank in RANK_COLUMNS else own
