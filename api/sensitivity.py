"""What the current release has of sensitive records: by list and country, as anybody could count it in the release."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents
from api.answers import json_answer, only
from api.dependencies import Opened, service
from biodata.access import sensitivity
from biodata.store.query.filters import And, Compare, Filter, IsNull
from biodata.store.sharing_rules import rules_of
from biodata.vocabularies import SharingCategory

router = APIRouter(tags=["audit"])

_MANY: Final = 10_000
_NOTE: Final = (
    f"Presences are counted in the release itself, each standing for all records of a taxon in a cell, by the country that is "
    f"published of them; null is more than one, or none. Withheld records are counted by list alone, in steps of {sensitivity.LEAST}: at_least 0 is fewer."
)


@router.get(
    "/v1/audit/sensitivity",
    summary="How many sensitive records are shown and withheld",
    responses=documents.answers(None),
)
def told(request: Request) -> Response:
    """Answer with counts of presences by list, category and published country, and of withheld records by list."""
    only(request)
    found = service(request)
    with found.open(request) as release:
        rules = rules_of(found.registry)
        lists = {rule.rule_id: rule.source for rule in rules.rules}
        body: dict[str, Any] = {
            "release": request.state.release,
            "note": _NOTE,
            "shown": _shown(release, lists),
            "withheld": sensitivity.withheld(found.registry, request.state.release),
        }
    return json_answer(body)


def _shown(release: Opened, lists: dict[str, str | None]) -> list[dict[str, Any]]:
    """Count the release's rows whose place is a cell, by list, category and country."""
    counts: dict[tuple[str | None, str, str | None], int] = {}
    for category in (c for c in SharingCategory if c is not SharingCategory.OPEN):
        there = Compare("sharing_category", "=", str(category))
        countries = [code for code, _ in release.facet("occurrences", there, "countryCode", limit=_MANY)]
        for country in dict.fromkeys([*countries, None]):
            where: Filter = IsNull("countryCode") if country is None else Compare("countryCode", "=", country)
            for rule_id, count in release.facet("occurrences", And((there, where)), "sharing_rule", limit=_MANY):
                place = lists.get(rule_id), str(category), country
                counts[place] = counts.get(place, 0) + count
    return [
        {"list": name, "category": category, "country": country, "records": count}
        for (name, category, country), count in sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))
    ]
