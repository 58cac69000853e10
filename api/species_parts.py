"""What belongs to a name: what stands above and below it, synonyms, common names, what lists say of it."""

from typing import Annotated, Any, Final

import orjson
import pycountry
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents
from api.answers import json_answer
from api.dependencies import Opened, service
from api.errors import Code, ProblemError
from api.readers import window
from api.species import COLUMNS, LIMIT, RANK_COLUMNS, row_of, taxon
from biodata.store.query.filters import And, Compare, Filter, In, Not

router = APIRouter(tags=["species"])

PARTS: Final = ("parents", "children", "synonyms", "vernacularNames", "statuses")
_PAGING: Final = documents.plain_parameters(
    ("limit", {"type": "integer", "minimum": 0}, "Rows of a page."),
    ("offset", dict(documents.OFFSET), "Rows to leave out."),
)


@router.get(
    "/v1/species/{key}/{part}",
    openapi_extra=_PAGING,
    **documents.answered(None, "What belongs to a name", missing=True),
)
def part_of(request: Request, key: str, part: Annotated[str, documents.one_of(PARTS)]) -> Response:
    """Answer the names above or below it, its synonyms, its common names."""
    if part not in PARTS:
        detail = f"nothing of a name is called {part[:80]!r}"
        raise ProblemError(Code.NOT_FOUND, detail, expected=f"one of {', '.join(PARTS)}")
    limit, offset = window(request.query_params, default=20, most=LIMIT)
    with service(request).open(request) as release:
        values = row_of(release, key)
        row = dict(zip(COLUMNS, values, strict=True))
        if part == "parents":
            return json_answer(_parents(release, row))
        if part == "statuses":
            return _statuses(release, row, limit, offset)
        if part == "vernacularNames":
            names = _common(row)
            return _page(names[offset : offset + limit], limit, offset, len(names))
        filter_ = _children(release, row) if part == "children" else _synonyms(row)
        if filter_ is None:
            return _page([], limit, offset, 0)
        page = release.page("taxa", filter_, COLUMNS, limit=limit, offset=offset)
        return _page([taxon(found) for found in page.rows], limit, offset, release.count("taxa", filter_))


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
            found += release.page("taxa", And((*named, same)), COLUMNS, limit=1, offset=0).rows
    return [taxon(values) for values in found]


def _children(release: Opened, row: dict[str, Any]) -> Filter | None:
    """Return the filter for the names next below: of the highest rank below it that the checklist has rows of."""
    rank = str(row["taxonRank"] or "").lower()
    if rank not in RANK_COLUMNS:
        return None
    inside = And((Compare(rank, "=", row["scientificName"]), Not(Compare("taxonomicStatus", "=", "SYNONYM"))))
    for below in (*RANK_COLUMNS[RANK_COLUMNS.index(rank) + 1 :], "species"):
        filter_ = And((inside, Compare("taxonRank", "=", below.upper())))
        if release.page("taxa", filter_, ("taxon_id",), limit=1, offset=0).rows:
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
        names |= {values[at] for values in release.page("taxa", same, COLUMNS, limit=LIMIT, offset=0).rows}
    filter_ = In("scientificName", tuple(sorted(names)))
    columns = ("kind", "area", "value", "year", "authority", "scientificName", "checklist")
    page = release.page("taxon_statuses", filter_, columns, limit=limit, offset=offset)
    rows = [dict(zip(columns, values, strict=True)) for values in page.rows]
    return _page(rows, limit, offset, release.count("taxon_statuses", filter_))


def _common(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the common names of a taxon."""
    if row["vernacular_details"]:
        told = orjson.loads(row["vernacular_details"])
    else:
        names = orjson.loads(row["vernacular_names"]) if row["vernacular_names"] else {}
        told = [{"name": name, "language": language} for language, name in names.items()]
    return [
        {
            "taxonKey": row["gbif_key"] or row["taxon_id"],
            "vernacularName": name["name"],
            "language": _three_letters(name["language"]),
            "languageTag": name["language"],
            "source": name.get("source") or row["checklist"],
            "preferred": bool(name.get("preferred", False)),
        }
        for name in told
    ]


def _three_letters(tag: str) -> str:
    """Return a language as GBIF writes it: ISO 639-3."""
    found = pycountry.languages.get(alpha_2=tag.split("-")[0])
    return str(found.alpha_3) if found is not None else tag.split("-")[0]
