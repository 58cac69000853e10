"""Names matched with the checklists of the release, in the shapes of GBIF's /v1 and /v2 species match."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, models
from api.answers import json_answer
from api.dependencies import Opened, service
from api.errors import invalid, unknown_parameter
from api.readers import boolean
from api.records import COL
from biodata.store.query.filters import And, Compare, Filter, In
from biodata.store.tables import RELEASE

router = APIRouter(tags=["species"])

RANKS: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
COLUMNS: Final = tuple(RELEASE["taxa"].columns)
_MATCH_TYPES: Final = {"EXACT": "EXACT", "CANONICAL": "EXACT", "VARIANT": "VARIANT", "FUZZY": "FUZZY", "HIGHERRANK": "HIGHERRANK"}  # fmt: skip
# GBIF's parameters of a match that say nothing that is used here.
_ACCEPTED: Final = (
    "superfamily", "subfamily", "tribe", "subtribe", "subgenus", "taxonConceptID", "verbatimTaxonRank", "verbose",
    "exclude", "checklistKey", "superkingdom", "domain", "year", "authorship",
)  # fmt: skip
_USED: Final = (
    "name", "scientificName", "scientificNameAuthorship", "rank", "taxonRank", "usageKey", "taxonID", "scientificNameID",
    "species", "genericName", "specificEpithet", "infraspecificEpithet", "strict", *RANKS,
)  # fmt: skip
_TEXT: Final = {"type": "string", "maxLength": 500}
_PARAMETERS: Final = documents.plain_parameters(
    ("name", _TEXT, "The name, with or without author; scientificName is the same."),
    ("scientificName", _TEXT, "The name."),
    ("scientificNameAuthorship", _TEXT, "Its author, where it stands apart."),
    ("scientificNameID", _TEXT, "gbif:KEY: what a key of GBIF's frozen backbone is called here."),
    ("usageKey", _TEXT, "A key of the checklist, in place of a name."),
    *((rank, _TEXT, f"The {rank} that it belongs to, to tell homonyms apart.") for rank in RANKS),
    ("strict", {"type": "boolean"}, "No match at a rank above."),
    ("checklistKey", _TEXT, "Accepted; the checklists of the release are asked."),
)


@router.get("/v1/species/match", openapi_extra=_PARAMETERS, **documents.answered(models.Match, "Match a name"))
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
        whole = _whole(usage)
        body |= {
            "usageKey": usage["gbif_key"] or usage["taxon_id"],
            "scientificName": whole,
            "canonicalName": usage["scientificName"],
            "rank": usage["taxonRank"],
            "status": usage["taxonomicStatus"],
            "synonym": usage["taxonomicStatus"] == "SYNONYM",
        }
        if accepted is not None and accepted is not usage:
            body["acceptedUsageKey"] = accepted["gbif_key"] or accepted["taxon_id"]
        for rank, name, key in _above(release, accepted or usage):
            body[rank] = name
            if key is not None:
                body[f"{rank}Key"] = key
    return json_answer({name: value for name, value in body.items() if value is not None})


@router.get("/v2/species/match", openapi_extra=_PARAMETERS, **documents.answered(models.MatchV2, "Match a name"))
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
                    for rank, name, key in _above(release, own)
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
        if name not in (*_USED, *_ACCEPTED):
            raise unknown_parameter(name, (*_USED, *_ACCEPTED))
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
        name, {rank: query.get(rank) for rank in RANKS}, query.get("scientificNameAuthorship")
    )
    if found is None:
        return _none("No match")
    kind = _MATCH_TYPES.get(found["match_type"])
    if kind is None or (strict and kind == "HIGHERRANK"):
        several = found["match_type"] == "AMBIGUOUS"
        return _none(f"Multiple equal matches for {name}" if several else "No match")
    accepted = _row(release, In("taxon_id", (found["taxon_id"],))) if found["taxon_id"] else None
    usage = accepted or _of_group(found)
    if found["canonical"] != usage["scientificName"] and kind == "EXACT" and accepted is not None:
        named = And(
            (Compare("scientificName", "=", found["canonical"]), Compare("accepted_taxon_id", "=", found["taxon_id"]))
        )
        usage = _row(release, named) or usage
    note = found["match_note"]
    return {"usage": usage, "accepted": accepted, "type": kind, "confidence": found["match_confidence"], "note": note}


def _by_key(release: Opened, key: str, *, only_gbif: bool) -> dict[str, Any]:
    """Return the taxon of a key; it is the same or none, never guessed."""
    parts: list[Filter] = [] if only_gbif else [Compare("taxon_id", "=", key), Compare("col_key", "=", key)]
    if key.isascii() and key.isdigit() and len(key) < 18:
        parts.append(Compare("gbif_key", "=", int(key)))
    usage = next((row for part in parts if (row := _row(release, part)) is not None), None)
    if usage is None:
        return _none("No taxon with this key")
    accepted = usage
    if usage["accepted_taxon_id"] not in (None, usage["taxon_id"]):
        accepted = _row(release, Compare("taxon_id", "=", usage["accepted_taxon_id"])) or usage
    return {"usage": usage, "accepted": accepted, "type": "EXACT", "confidence": 100, "note": None}


def _row(release: Opened, filter_: Filter) -> dict[str, Any] | None:
    """Return a name of the checklists."""
    page = release.page("taxa", filter_, COLUMNS, limit=1, offset=0)
    return dict(zip(COLUMNS, page.rows[0], strict=True)) if page.rows else None


def _none(note: str) -> dict[str, Any]:
    """Return that nothing is meant."""
    return {"usage": None, "accepted": None, "type": "NONE", "confidence": 100, "note": note}


def _of_group(found: dict[str, Any]) -> dict[str, Any]:
    """Return a genus or a group above it that species name and that has no row of its own."""
    return {**dict.fromkeys(COLUMNS), **{name: found.get(name) for name in ("scientificName", "taxonRank", *RANKS)}}


def _above(release: Opened, row: dict[str, Any]) -> list[tuple[str, str, int | str | None]]:
    """Return rank, name and key of the groups that a taxon belongs to."""
    return [
        (rank, row[rank], release.facts.extras.key_of(rank, row[rank], row["kingdom"]))
        for rank in RANKS
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
