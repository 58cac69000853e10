"""One page of occurrences in GBIF's envelope, with its facets, and headers that tell what was made of the request."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from api import facets, gbif_names, records
from api.answers import address, json_answer
from api.dependencies import Opened, service
from api.errors import invalid, unavailable_parameter, unknown_value
from api.paging import window
from api.parameters import Asked, every, read
from api.readers import boolean, integer
from biodata.store.query.filters import And, Filter

LIMIT: Final = 300
FACET_LIMIT: Final = 1_000
FACETS_AT_ONCE: Final = 20

PAGING: Final = ("limit", "offset", "cursor", "snapshot")
FACET_DEFAULTS: Final = {"facetLimit": 10, "facetOffset": 0, "facetMincount": 1}
FACETING: Final = ("facet", "facetMultiselect", *FACET_DEFAULTS)

_RELEASE: Final = re.compile(r"r[0-9]{6,}-[0-9a-f]{10}", re.ASCII)
Pairs = Sequence[tuple[str, str]]


def answer(
    request: Request, pairs: Pairs, *, more: Callable[[Opened], dict[str, Filter]] | None = None, posted: bool = False
) -> Response:
    """Answer one page.

    Parameters
    ----------
    request : Request
        The request.
    pairs : sequence of (name, value)
        Its parameters, those of a body among them.
    more : callable, optional
        Gives filters that no parameter tells: a body's predicate.
    posted : bool
        Whether some of them came in a body: the next page is then asked for with the same body.
    """
    query = QueryParams(list(pairs))
    cursor = query.get("cursor")
    cursor = None if cursor == "*" else cursor
    dotted = {
        name for name, _ in pairs if name.partition(".")[0] in facets.KNOWN and name.partition(".")[2] in FACET_DEFAULTS
    }
    with service(request).open(request, cursor=cursor, release_id=snapshot(query)) as release:
        found = more(release) if more is not None else None
        asked = read(pairs, release, own=(*PAGING, *FACETING, *dotted), more=found)
        filters = asked.filters
        limit, offset = window(query, default=20, most=LIMIT)
        filter_ = every(filters)
        page = release.page("occurrences", filter_, records.COLUMNS, limit=limit, offset=offset)
        count = release.count("occurrences", filter_)
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
            "results": release.extras.added(records.occurrence(row) for row in page.rows),
            "facets": counts,
        }
        headers = told(release, asked)
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


def told(release: Opened, asked: Asked) -> dict[str, str]:
    """Return the headers that tell what was made of the request, rows without a value that a range leaves out among it."""
    headers = release.headers()
    if asked.nulls:
        counts = {
            name: release.count("occurrences", And((every(asked.filters, but=name) or And(()), null)))
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
        if name not in facets.KNOWN:
            raise unknown_value(field="facet", value=name, known=facets.KNOWN)
    if len(names) > FACETS_AT_ONCE:
        raise invalid(field="facet", value=str(len(names)), expected=f"at most {FACETS_AT_ONCE} facets at once")
    return names


def _facet(query: QueryParams, release: Opened, name: str, filter_: Filter | None) -> dict[str, Any]:
    """Return the counts of one facet in GBIF's shape."""
    limit, offset, least = (_setting(query, what, name) for what in FACET_DEFAULTS)
    found = facets.counted(release, filter_, name, limit=limit, offset=offset, minimum=max(least, 1))
    counts = [{"name": plain(value), "count": number} for value, number in found]
    return {"field": _upper(name), "counts": counts}


def _setting(query: QueryParams, what: str, name: str = "") -> int:
    """Return a setting of all facets, or of one: `facetLimit`, or `year.facetLimit`."""
    value = query.get(f"{name}.{what}", query.get(what, str(FACET_DEFAULTS[what])))
    found = integer(what, value)
    if found < 0 or (what == "facetLimit" and found > FACET_LIMIT):
        expected = f"0 to {FACET_LIMIT}; facetOffset goes on" if what == "facetLimit" else "0 or more"
        raise invalid(field=what, value=value, expected=expected)
    return found


def plain(value: Any) -> str:
    """Return a value as GBIF names it in a facet."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _upper(name: str) -> str:
    """Return a parameter's name as GBIF's enumeration writes it: BASIS_OF_RECORD."""
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in name)
