"""Names of the checklists in GBIF's shapes: search in any language, suggestions, one name, and names matched as GBIF's /v1 and /v2 do."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
import polars as pl
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models, vocabularies
from api.answers import json_answer
from api.dependencies import Opened, keyed, service
from api.errors import Code, ProblemError, invalid, unknown_parameter, unknown_value
from api.name_lookups import BUNDLED
from api.readers import boolean, like_literal, window
from api.records import COL
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
        for kind in lists.PARAMETERS
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
        page = release.file.page("taxa", filter_, COLUMNS, limit=limit, offset=offset)
        count = release.file.count("taxa", filter_)
        facets = [_facet(release, name, filter_) for name in dict.fromkeys(query.getlist("facet")) if name in _FILTERS]
    body = {
        "offset": offset, "limit": limit, "endOfRecords": offset + len(page.rows) >= count, "count": count,
        "results": [taxon(row) for row in page.rows], "facets": facets,
    }  # fmt: skip
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
            rows += release.file.page("taxa", part, COLUMNS, limit=wanted, offset=0).rows if wanted > 0 else []
        only_text = not {"rank", "status", "highertaxonKey", "higherTaxonKey", "name"} & set(request.query_params)
        recorded = release.facts.names.recorded_with(text) if only_text and not rows else []
    found = [taxon(row) for row in rows] or [_recorded(rank, name) for rank, name in recorded]
    return json_answer(found[offset : offset + limit])


@router.get("/{key}", **documents.answered(models.Species, "One name", missing=True))
def one(request: Request, key: str) -> Response:
    """Answer one name by GBIF's integer key, or by its identifier in the checklist."""
    with service(request).open(request) as release:
        return json_answer(taxon(row_of(release, key).values()))


def row_of(release: Opened, key: str) -> dict[str, Any]:
    """Return the row of a name by GBIF's integer key, or by its identifier in the checklist.

    Raises
    ------
    ProblemError
        With RECORD_MISSING.
    """
    found = _taxon_row(release, Or(keyed(key)))
    if found is None:
        raise ProblemError(Code.RECORD_MISSING, f"the checklist has no name with the key {key[:80]!r}", field="key")
    return found


def taxon(values: Iterable[Any]) -> dict[str, Any]:
    """Return one name in GBIF's shape; what is not known is absent."""
    row = dict(zip(COLUMNS, values, strict=True))
    common = orjson.loads(row["vernacular_names"]) if row["vernacular_names"] else {}
    species = row["scientificName"] if row["taxonRank"] == "SPECIES" else None
    found = {
        "key": row["gbif_key"],
        "nubKey": row["gbif_key"],
        "acceptedKey": row["gbif_key"] if row["taxon_id"] == row["accepted_taxon_id"] else None,
        "taxonID": row["taxon_id"],
        "acceptedTaxonID": row["accepted_taxon_id"],
        "colKey": row["col_key"],
        "checklist": row["checklist"],
        "scientificName": _whole(row),
        "canonicalName": row["scientificName"],
        "authorship": row["scientificNameAuthorship"],
        "rank": row["taxonRank"],
        "taxonomicStatus": row["taxonomicStatus"],
        "synonym": row["taxonomicStatus"] == "SYNONYM",
        **{rank: row[rank] for rank in RANK_COLUMNS},
        "species": species,
        "iucnRedListCategory": row["iucnRedListCategory"],
        "vernacularName": common.get("en") or next(iter(common.values()), None),
        "vernacularNames": [{"language": language, "vernacularName": str(name)} for language, name in common.items()],
    }
    return {name: value for name, value in found.items() if value is not None}


def _recorded(rank: str, name: str) -> dict[str, Any]:
    """Return a name that stands in no checklist of the release, as its records have it."""
    return {
        "taxonID": f"{rank} {name}", "checklist": "records", "scientificName": name, "canonicalName": name,
        "rank": rank, "synonym": False, "vernacularNames": [],
    }  # fmt: skip


def _facet(release: Opened, name: str, filter_: Filter | None) -> dict[str, Any]:
    """Return the counts of names by rank or status."""
    found = release.file.facet("taxa", filter_, _FILTERS[name], limit=100)
    return {"field": name.upper(), "counts": [{"name": str(value), "count": number} for value, number in found]}


def _listed(name: str, value: str, area: str | None) -> Filter:
    """Return the filter for the names of which lists say something, in an area or anywhere."""
    kind = lists.PARAMETERS[name]
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
        elif name in lists.PARAMETERS:
            country = request.query_params.get("country")
            parts.append(_listed(name, value, country.upper() if country else None))
        elif name == "country" and lists.PARAMETERS.keys() & request.query_params.keys():
            continue
        elif name == "facet" and value not in _FILTERS:
            raise unknown_value(field=name, value=value, known=_FILTERS)
        elif name not in (*_PAGING, *_ACCEPTED, "q"):
            raise unknown_parameter(name, (*_PAGING, *_ACCEPTED, *_FILTERS, "q", "name", "highertaxonKey"))
    return None if not parts else And(tuple(parts))


def _below(release: Opened, key: str) -> Filter:
    """Return the filter for the names below a taxon, itself among them."""
    row = row_of(release, key)
    own = Compare("taxon_id", "=", row["taxon_id"])
    rank = str(row["taxonRank"] or "").lower()
    return Or((own, Compare(rank, "=", row["scientificName"]))) if rank in RANK_COLUMNS else own


match_router = APIRouter(tags=["species"])

_MATCH_TYPES: Final = {"EXACT": "EXACT", "CANONICAL": "EXACT", "VARIANT": "VARIANT", "FUZZY": "FUZZY", "HIGHERRANK": "HIGHERRANK"}  # fmt: skip
# GBIF's parameters of a match that say nothing that is used here.
_MATCH_ACCEPTED: Final = (
    "superfamily", "subfamily", "tribe", "subtribe", "subgenus", "taxonConceptID", "verbatimTaxonRank", "verbose",
    "exclude", "checklistKey", "superkingdom", "domain", "year", "authorship",
)  # fmt: skip
_USED: Final = (
    "name", "scientificName", "scientificNameAuthorship", "rank", "taxonRank", "usageKey", "taxonID", "scientificNameID",
    "species", "genericName", "specificEpithet", "infraspecificEpithet", "strict", *RANK_COLUMNS,
)  # fmt: skip
_MATCH_TEXT: Final = {"type": "string", "maxLength": 500}
_MATCH_PARAMETERS: Final = documents.plain_parameters(
    ("name", _MATCH_TEXT, "The name, with or without author; scientificName is the same."),
    ("scientificName", _MATCH_TEXT, "The name."),
    ("scientificNameAuthorship", _MATCH_TEXT, "Its author, where it stands apart."),
    ("scientificNameID", _MATCH_TEXT, "gbif:KEY: what a key of GBIF's frozen backbone is called here."),
    ("usageKey", _MATCH_TEXT, "A key of the checklist, in place of a name."),
    *((rank, _MATCH_TEXT, f"The {rank} that it belongs to, to tell homonyms apart.") for rank in RANK_COLUMNS),
    ("strict", {"type": "boolean"}, "No match at a rank above."),
    ("checklistKey", _MATCH_TEXT, "Accepted; the checklists of the release are asked."),
)


@match_router.get(
    "/v1/species/match", openapi_extra=_MATCH_PARAMETERS, **documents.answered(models.Match, "Match a name")
)
def match(request: Request) -> Response:
    """Answer the taxon that a name means, as GBIF's /v1/species/match does."""
    with service(request).open(request) as release:
        found = _match(request, release)
    usage, accepted = found["usage"], found["accepted"]
    body: dict[str, Any] = {"confidence": found["confidence"], "matchType": found["type"], "synonym": False}
    if found["type"] == "VARIANT":
        body["matchType"] = "FUZZY"  # /v1 has no word of its own for it
    if found["note"]:
        body["note"] = found["note"]
    if usage is not None:
        body |= {
            "usageKey": usage["gbif_key"] or usage["taxon_id"],
            "scientificName": _whole(usage),
            "canonicalName": usage["scientificName"],
            "rank": usage["taxonRank"],
            "status": usage["taxonomicStatus"],
            "synonym": usage["taxonomicStatus"] == "SYNONYM",
        }
        if accepted is not None and accepted is not usage:
            body["acceptedUsageKey"] = accepted["gbif_key"] or accepted["taxon_id"]
        for rank, name, key in _groups_above(release, accepted or usage):
            body[rank] = name
            if key is not None:
                body[f"{rank}Key"] = key
    return json_answer({name: value for name, value in body.items() if value is not None})


@match_router.get(
    "/v2/species/match", openapi_extra=_MATCH_PARAMETERS, **documents.answered(models.MatchV2, "Match a name")
)
def match_v2(request: Request) -> Response:
    """Answer the taxon that a name, or a key of GBIF's frozen backbone, means, as GBIF's /v2/species/match does."""
    with service(request).open(request) as release:
        found = _match(request, release)
        usage, accepted = found["usage"], found["accepted"]
        diagnostics = {"matchType": found["type"], "confidence": found["confidence"]}
        if usage is not None and request.query_params.get("checklistKey") == COL and not usage["col_key"]:
            found["note"] = "; ".join(filter(None, (found["note"], "no key of the Catalogue of Life is known here")))
        if found["note"]:
            diagnostics["note"] = found["note"]
        body: dict[str, Any] = {"synonym": False, "diagnostics": diagnostics}
        if usage is not None:
            body["usage"] = _usage(usage)
            body["synonym"] = usage["taxonomicStatus"] == "SYNONYM"
            if accepted is not None and accepted is not usage:
                body["acceptedUsage"] = _usage(accepted)
            own = accepted or usage
            body["classification"] = [
                *(
                    {"key": str(key), "name": name, "rank": rank.upper()}
                    for rank, name, key in _groups_above(release, own)
                    if key
                ),
                {"key": _key(own), "name": own["scientificName"], "rank": own["taxonRank"]},
            ]
            if own["iucnRedListCategory"]:
                body["additionalStatus"] = [{"datasetAlias": "IUCN", "statusCode": own["iucnRedListCategory"]}]
    return json_answer(body)


def _match(request: Request, release: Opened) -> dict[str, Any]:
    """Return usage, accepted taxon, kind of match, confidence and note."""
    query = request.query_params
    for name, value in query.multi_items():
        if name not in (*_USED, *_MATCH_ACCEPTED):
            raise unknown_parameter(name, (*_USED, *_MATCH_ACCEPTED))
        if len(value) > 500:
            raise invalid(field=name, value=value, expected="up to 500 characters")
    strict = boolean("strict", query.get("strict", "false"))
    key = query.get("usageKey") or query.get("taxonID") or query.get("scientificNameID")
    if key:
        return _by_key(release, key.removeprefix("gbif:"), only_gbif=key.startswith("gbif:"))
    name = query.get("scientificName") or query.get("name") or query.get("species") or ""
    if not name.strip() and (generic := query.get("genericName")):
        name = " ".join(filter(None, (generic, query.get("specificEpithet"), query.get("infraspecificEpithet"))))
    if not name.strip():
        return _none("No name given")
    found = release.facts.matching.match(
        name, {rank: query.get(rank) for rank in RANK_COLUMNS}, query.get("scientificNameAuthorship")
    )
    if found is None:
        return _none("No match")
    kind = _MATCH_TYPES.get(found["match_type"])
    if kind is None or (strict and kind == "HIGHERRANK"):
        several = found["match_type"] == "AMBIGUOUS"
        return _none(f"Multiple equal matches for {name}" if several else "No match")
    accepted = _taxon_row(release, In("taxon_id", (found["taxon_id"],))) if found["taxon_id"] else None
    usage = accepted or _of_group(found)
    if found["canonical"] != usage["scientificName"] and kind == "EXACT" and accepted is not None:
        named = And(
            (Compare("scientificName", "=", found["canonical"]), Compare("accepted_taxon_id", "=", found["taxon_id"]))
        )
        usage = _taxon_row(release, named) or usage
    note = found["match_note"]
    return {"usage": usage, "accepted": accepted, "type": kind, "confidence": found["match_confidence"], "note": note}


def _by_key(release: Opened, key: str, *, only_gbif: bool) -> dict[str, Any]:
    """Return the taxon of a key; it is the same or none, never guessed."""
    parts = keyed(key)[2 * only_gbif :]
    usage = next((row for part in parts if (row := _taxon_row(release, part)) is not None), None)
    if usage is None:
        return _none("No taxon with this key")
    accepted = usage
    if usage["accepted_taxon_id"] not in (None, usage["taxon_id"]):
        accepted = _taxon_row(release, Compare("taxon_id", "=", usage["accepted_taxon_id"])) or usage
    return {"usage": usage, "accepted": accepted, "type": "EXACT", "confidence": 100, "note": None}


def _taxon_row(release: Opened, filter_: Filter) -> dict[str, Any] | None:
    """Return a name of the checklists."""
    page = release.file.page("taxa", filter_, COLUMNS, limit=1, offset=0)
    return dict(zip(COLUMNS, page.rows[0], strict=True)) if page.rows else None


def _none(note: str) -> dict[str, Any]:
    """Return that nothing is meant."""
    return {"usage": None, "accepted": None, "type": "NONE", "confidence": 100, "note": note}


def _of_group(found: dict[str, Any]) -> dict[str, Any]:
    """Return a genus or a group above it that species name and that has no row of its own."""
    return {
        **dict.fromkeys(COLUMNS),
        **{name: found.get(name) for name in ("scientificName", "taxonRank", *RANK_COLUMNS)},
    }


def _groups_above(release: Opened, row: dict[str, Any]) -> list[tuple[str, str, int | str | None]]:
    """Return rank, name and key of the groups that a taxon belongs to."""
    return [
        (rank, row[rank], release.facts.extras.key_of(rank, row[rank], row["kingdom"]))
        for rank in RANK_COLUMNS
        if row.get(rank)
    ]


def _whole(row: dict[str, Any]) -> str:
    """Return a name with its author."""
    return " ".join(part for part in (row["scientificName"], row["scientificNameAuthorship"]) if part)


def _key(row: dict[str, Any]) -> str | None:
    """Return the key by which GBIF's /v2 knows a taxon: the Catalogue of Life's, else the checklist's own."""
    return row["col_key"] or row["taxon_id"] or (str(row["gbif_key"]) if row["gbif_key"] else None)


def _usage(row: dict[str, Any]) -> dict[str, Any]:
    """Return a name as /v2 writes it."""
    words = (row["scientificName"] or "").split()
    found = {
        "key": _key(row),
        "name": _whole(row),
        "canonicalName": row["scientificName"],
        "authorship": row["scientificNameAuthorship"],
        "rank": row["taxonRank"],
        "status": row["taxonomicStatus"],
        "genericName": words[0] if words else None,
        "specificEpithet": words[1] if len(words) > 1 else None,
        "infraspecificEpithet": words[2] if len(words) > 2 else None,
    }
    return {name: value for name, value in found.items() if value is not None}
