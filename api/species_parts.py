"""What belongs to a name: what stands above and below it, synonyms, common names; and names taken apart."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
import polars as pl
import pycountry
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import bodies, documents, models
from api.answers import json_answer
from api.dependencies import Opened, service
from api.errors import Code, ProblemError, invalid
from api.readers import window
from api.species import COLUMNS, LIMIT, RANK_COLUMNS, row_of, taxon
from biodata.core.terms import DWC
from biodata.store.query.filters import And, Compare, Filter, In, Not

router = APIRouter(tags=["species"])

NAMES_AT_ONCE: Final = 1_000
PARTS: Final = (
    "name", "verbatim", "parents", "children", "synonyms", "vernacularNames", "related", "descriptions", "distributions", "media",
    "references", "speciesProfiles", "typeSpecimens", "combinations", "statuses",
)  # fmt: skip
_PAGING: Final = documents.plain_parameters(
    ("limit", {"type": "integer", "minimum": 0}, "Rows of a page."),
    ("offset", dict(documents.OFFSET), "Rows to leave out."),
)
_TERMS: Final = ("scientificName", "scientificNameAuthorship", "taxonRank", "taxonomicStatus", *RANK_COLUMNS)
_NAME: Final = documents.parameter(
    "name", {"type": "string", "maxLength": 200}, "A name; a body takes more.", many=True
)
_NAME["schema"]["maxItems"] = 20
_MARKERS: Final = {"SPECIES": "sp.", "SUBSPECIES": "subsp.", "VARIETY": "var.", "FORM": "f.", "GENUS": "gen.", "FAMILY": "fam."}  # fmt: skip


@router.get(
    "/v1/species/{key}/{part}",
    openapi_extra=_PAGING,
    **documents.answered(None, "What belongs to a name", missing=True),
)
def part_of(request: Request, key: str, part: Annotated[str, documents.one_of(PARTS)]) -> Response:
    """Answer the names above or below it, its synonyms, its common names; what no checklist here tells is empty."""
    if part not in PARTS:
        detail = f"nothing of a name is called {part[:80]!r}"
        raise ProblemError(Code.NOT_FOUND, detail, expected=f"one of {', '.join(PARTS)}")
    limit, offset = window(request.query_params, default=20, most=LIMIT)
    with service(request).open(request) as release:
        row = row_of(release, key)
        if part == "parents":
            return json_answer(_parents(release, row))
        if part == "name":
            return json_answer(_name(row))
        if part == "verbatim":
            facts = {f"{DWC}{name}": str(row[name]) for name in _TERMS if row[name] is not None}
            return json_answer({"key": row["gbif_key"] or row["taxon_id"], **facts})
        if part == "statuses":
            return _statuses(release, row, limit, offset)
        if part == "vernacularNames":
            names = _common(row)
            return _page(names[offset : offset + limit], limit, offset, len(names))
        filter_ = _children(release, row) if part == "children" else _synonyms(row) if part == "synonyms" else None
        if filter_ is None:
            return _page([], limit, offset, 0)
        page = release.file.page("taxa", filter_, COLUMNS, limit=limit, offset=offset)
        return _page([taxon(found) for found in page.rows], limit, offset, release.file.count("taxa", filter_))


def _page(results: list[dict[str, Any]], limit: int, offset: int, count: int) -> Response:
    """Return GBIF's envelope of a part."""
    end = offset + len(results) >= count
    return json_answer({"offset": offset, "limit": limit, "endOfRecords": end, "results": results})


def _parents(release: Opened, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the names above, the highest first, as far as the checklist has rows of them."""
    own = (
        RANK_COLUMNS.index(rank) if (rank := str(row["taxonRank"] or "").lower()) in RANK_COLUMNS else len(RANK_COLUMNS)
    )
    found = []
    for rank in RANK_COLUMNS[:own]:
        if row[rank]:
            named = (Compare("taxonRank", "=", rank.upper()), Compare("scientificName", "=", row[rank]))
            same = Compare("checklist", "=", row["checklist"])
            found += release.file.page("taxa", And((*named, same)), COLUMNS, limit=1, offset=0).rows
    return [taxon(values) for values in found]


def _children(release: Opened, row: dict[str, Any]) -> Filter | None:
    """Return the filter for the names next below: of the highest rank below it that the checklist has rows of."""
    rank = str(row["taxonRank"] or "").lower()
    if rank not in RANK_COLUMNS:
        return None
    inside = And((Compare(rank, "=", row["scientificName"]), Not(Compare("taxonomicStatus", "=", "SYNONYM"))))
    for below in (*RANK_COLUMNS[RANK_COLUMNS.index(rank) + 1 :], "species"):
        filter_ = And((inside, Compare("taxonRank", "=", below.upper())))
        if release.file.page("taxa", filter_, ("taxon_id",), limit=1, offset=0).rows:
            return filter_
    return None


def _synonyms(row: dict[str, Any]) -> Filter:
    """Return the filter for the names that lead to a taxon."""
    same = Compare("checklist", "=", row["checklist"])
    leads = Compare("accepted_taxon_id", "=", row["taxon_id"])
    return And((same, leads, Not(Compare("taxon_id", "=", row["taxon_id"]))))


def _statuses(release: Opened, row: dict[str, Any], limit: int, offset: int) -> Response:
    """Return what lists say of a taxon, under any of its names in its checklist."""
    same = And(
        (Compare("checklist", "=", row["checklist"]), Compare("accepted_taxon_id", "=", row["accepted_taxon_id"]))
    )
    names = {row["scientificName"]}
    if row["accepted_taxon_id"] is not None:
        at = COLUMNS.index("scientificName")
        names |= {values[at] for values in release.file.page("taxa", same, COLUMNS, limit=LIMIT, offset=0).rows}
    filter_ = In("scientificName", tuple(sorted(names)))
    columns = ("kind", "area", "value", "year", "authority", "scientificName", "checklist")
    page = release.file.page("taxon_statuses", filter_, columns, limit=limit, offset=offset)
    rows = [dict(zip(columns, values, strict=True)) for values in page.rows]
    return _page(rows, limit, offset, release.file.count("taxon_statuses", filter_))


def _common(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the common names of a taxon."""
    if row["vernacular_details"]:
        content = orjson.loads(row["vernacular_details"])
    else:
        names = orjson.loads(row["vernacular_names"]) if row["vernacular_names"] else {}
        content = [{"name": name, "language": language} for language, name in names.items()]
    return [
        {
            "taxonKey": row["gbif_key"] or row["taxon_id"],
            "vernacularName": name["name"],
            "language": _three_letters(name["language"]),
            "languageTag": name["language"],
            "source": name.get("source") or row["checklist"],
            "preferred": bool(name.get("preferred", False)),
        }
        for name in content
    ]


def _three_letters(tag: str) -> str:
    """Return a language as GBIF writes it: ISO 639-3."""
    found = pycountry.languages.get(alpha_2=tag.split("-")[0])
    return str(found.alpha_3) if found is not None else tag.split("-")[0]


def _name(row: dict[str, Any]) -> dict[str, Any]:
    """Return a name taken apart."""
    whole = " ".join(part for part in (row["scientificName"], row["scientificNameAuthorship"]) if part)
    return {"key": row["gbif_key"] or row["taxon_id"], **_parse([whole])[0]}


@router.get(
    "/v1/parser/name",
    openapi_extra={"parameters": [_NAME]},
    **documents.answered(list[models.ParsedName], "Take names apart"),
)
def parse(request: Request) -> Response:
    """Answer the parts of scientific names, as GBIF's parser does."""
    for name in request.query_params:
        if name != "name":
            raise invalid(field=name[:80], value="", expected="name=…, repeated for several")
    return json_answer(_parse(_checked(request.query_params.getlist("name"), most=20, length=200)))


@router.post(
    "/v1/parser/name",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"type": "string"}, "maxItems": NAMES_AT_ONCE}
                }
            },
        }
    },
    **documents.answered(list[models.ParsedName], "Take names apart", other=(413,)),
)
async def parse_many(request: Request) -> Response:
    """Answer the parts of a list of scientific names, as GBIF's parser does."""
    names = _checked(bodies.read_json(await bodies.receive(request)))
    return json_answer(await run_in_threadpool(_parse, names))


def _checked(names: Any, *, most: int = NAMES_AT_ONCE, length: int = 500) -> list[str]:
    """Return a list of names."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ProblemError(Code.BODY_INVALID, "the body is no list of names", expected='["Aus bus", "Aus cus"]')
    if len(names) > most or any(len(name) > length for name in names):
        raise invalid(field="name", value=f"{len(names)} names", expected=f"up to {most} names of {length} characters")
    return names


def _parse(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the parts of names in GBIF's shape."""
    from biodata.text.scientific_names import parse_names

    if not names:
        return []
    return [_parsed(row) for row in parse_names(pl.Series(names, dtype=pl.String)).iter_rows(named=True)]


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of one name."""
    named = row["canonical"] is not None
    authors, year, before, year_before = _authors(row["authorship"] or "")
    rank = row["rank"] or ("GENUS" if row["uninomial"] and row["uninomial"].count(" ") == 0 else None)
    found = {
        "scientificName": row["value"],
        "type": "SCIENTIFIC" if named else "NO_NAME",
        "parsed": named,
        "parsedPartially": False if named else None,
        "genusOrAbove": row["genus"] or row["uninomial"],
        "specificEpithet": row["specific_epithet"],
        "infraSpecificEpithet": row["infraspecific_epithet"],
        "authorship": authors,
        "year": year,
        "bracketAuthorship": before,
        "bracketYear": year_before,
        "canonicalName": row["canonical"],
        "canonicalNameWithMarker": row["canonical_full"],
        "canonicalNameComplete": " ".join(filter(None, (row["canonical_full"], row["cited_authorship"]))) or None,
        "rankMarker": _MARKERS.get(rank) if rank else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _authors(text: str) -> tuple[str | None, str | None, str | None, str | None]:
    """Return author and year of a name, and those in brackets, of the name that it was made from."""
    inside, outside = "", text
    if text.startswith("(") and ")" in text:
        inside, _, outside = text[1:].partition(")")
    return *_author(outside), *_author(inside)


def _author(text: str) -> tuple[str | None, str | None]:
    """Return author and year."""
    words = text.strip().rpartition(" ")
    year = words[2] if words[2][:4].isdigit() else None
    author = (words[0] if year else text).strip().rstrip(",")
    return author or None, year
