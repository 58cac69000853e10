"""Items of OGC API Features, parts 1 to 3, as GeoJSON: boxes, dates, property filters, CQL2, several coordinate systems."""

from datetime import UTC, date, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import answers, collections, documents, gbif_names, pages
from api.answers import GEOJSON, HTML, JSON, address, json_answer, link, only, wants_html
from api.collections import CRS84, Collection, System, find, property_filter
from api.cql2_filters import LANGUAGES, read_filter
from api.dependencies import Opened, service
from api.documents import CollectionId
from api.errors import Code, ProblemError, invalid, unavailable_parameter, unknown_parameter
from api.features import trail
from api.readers import composed, integer, number, overlaps, read_dates, window
from biodata.store.query.filters import And, Compare, Filter
from biodata.store.reader import Page

router = APIRouter(prefix="/ogc/collections/{collection_id}", tags=["features"])

LIMIT: Final = 10_000
DEFAULT_LIMIT: Final = 100
HTML_ROWS: Final = 50

_ITEM_PARAMETERS: Final = (
    "bbox", "bbox-crs", "crs", "datetime", "limit", "offset", "cursor", "filter", "filter-lang", "filter-crs", "f",
)  # fmt: skip

_FORM: Final = ("bbox", "datetime", "filter")


@router.get(
    "/items",
    summary="Features",
    openapi_extra=documents.item_parameters(),
    responses=documents.features(),
)
def items(request: Request, collection_id: CollectionId) -> Response:
    """Answer one page of features, each with every property."""
    found = find(collection_id)
    query = request.query_params
    for_people = wants_html(request)
    with service(request).open(request, cursor=query.get("cursor")) as release:
        filter_ = _filter(request, found, release, for_people=for_people)
        limit, offset = window(query, default=DEFAULT_LIMIT, most=HTML_ROWS if for_people else LIMIT, least=1, cut=True)
        system = collections.find_system("crs", query.get("crs", CRS84))
        cursor = query.get("cursor")
        page = _page(release, found, filter_, system, limit=limit, offset=offset, cursor=cursor)
        # Text that goes out as it stands is not read.
        read = orjson.loads if for_people or system.projected else orjson.Fragment
        features: list[Any] = [read(text) for (text,) in page.rows]
        matched = release.file.count(found.id, filter_)
        links = _page_links(request, found, page.cursor, limit=limit, offset=offset)
    _project(found, features, system)
    if for_people:
        return _features_page(request, found, features, matched, links)
    body = {
        "type": "FeatureCollection",
        "numberMatched": matched,
        "numberReturned": len(features),
        "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "links": links,
        "features": features,
    }
    return json_answer(body, media_type=GEOJSON, headers={"Content-Crs": f"<{system.uri}>"})


@router.get(
    "/items/{feature_id:path}",
    summary="One feature",
    openapi_extra=documents.item_parameters(one=True),
    responses=documents.features(one=True),
)
def item(request: Request, collection_id: CollectionId, feature_id: str) -> Response:
    """Answer one feature."""
    found = find(collection_id)
    only(request, "f", "crs")
    key = integer("feature_id", feature_id) if found.points else feature_id
    system = collections.find_system("crs", request.query_params.get("crs", CRS84))
    with service(request).open(request) as release:
        page = _page(release, found, Compare(found.key, "=", key), system, limit=1)
        features = [orjson.loads(text) for (text,) in page.rows]
    _project(found, features, system)
    if not features:
        raise ProblemError(Code.RECORD_MISSING, f"{found.id} has no feature {feature_id[:80]!r}", field="feature_id")
    feature, here = features[0], f"/ogc/collections/{found.id}"
    if wants_html(request):
        rows = [(name, _shown(found, name, value)) for name, value in feature["properties"].items()]
        report = quote(pages.address_of(feature_id)) if found.id in pages.REPORTED else ""
        up = [*trail(), (f"{here}?f=html", found.title)]
        return answers.page("item", str(feature["id"]), up=up, report=report, rows=rows)
    feature["links"] = [
        link(address(request, f"{here}/items/{feature_id}"), "self", GEOJSON, "This feature"),
        link(
            address(request, f"{here}/items/{feature_id}", [("f", "html")]),
            "alternate",
            HTML,
            "This feature for people",
        ),
        link(address(request, here), "collection", JSON, found.title),
    ]
    if found.id in pages.REPORTED:
        text = address(request, pages.address_of(feature_id))
        feature["links"].append(link(text, "describedby", HTML, "The printable report"))
    return json_answer(feature, media_type=GEOJSON, headers={"Content-Crs": f"<{system.uri}>"})


def _page(release: Opened, found: Collection, filter_: Filter | None, system: System, **window: Any) -> Page:
    """Read a page of features as texts."""
    return release.file.features(
        found.id, filter_, found.key, found.properties, documents=found.documents, shapes=found.shapes,
        flipped=system.flipped, **window,
    )  # fmt: skip


def _filter(request: Request, collection: Collection, release: Opened, *, for_people: bool) -> Filter | None:
    """Return the filter of a request for items; fields of a page's form that were left empty ask for nothing."""
    query = request.query_params
    parts: list[Filter] = []
    for name, value in query.multi_items():
        if name in collection.filterable:
            parts.append(property_filter(collection, name, value, release))
        elif name in _FORM and not value.strip() and not for_people:
            raise invalid(field=name, value=value, expected="a value, or the address without this parameter")
        elif collection.points and name in gbif_names.UNAVAILABLE:
            raise unavailable_parameter(name, gbif_names.UNAVAILABLE[name])
        elif name not in _ITEM_PARAMETERS:
            raise unknown_parameter(name, (*_ITEM_PARAMETERS, *collection.filterable))
    if query.get("bbox"):
        parts.append(_box(query["bbox"], collections.find_system("bbox-crs", query.get("bbox-crs", CRS84))))
    if query.get("datetime"):
        first, last = read_dates("datetime", query["datetime"], separator="/")
        if collection.timed and (first or last):
            parts.append(overlaps(first, last) if "year" in collection.table.columns else _touches(first, last))
    if query.get("filter"):
        language = query.get("filter-lang", "cql2-text")
        if language not in LANGUAGES:
            raise invalid(field="filter-lang", value=language, expected=f"one of {', '.join(LANGUAGES)}")
        system = collections.find_system("filter-crs", query.get("filter-crs", CRS84))
        parts.append(read_filter(composed(query["filter"]), language, collection.table, system, release))
    return None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts))


def _touches(first: date | None, last: date | None) -> Filter:
    """Return the filter for features that last for some of the days between two."""
    ends: list[Filter] = [Compare("event_end", ">=", first)] if first else []
    ends += [Compare("event_start", "<=", last)] if last else []
    return And(tuple(ends))


def _box(value: str, system: System) -> Filter:
    """Read a bounding box; heights are left out, west above east crosses the 180th meridian."""
    numbers = value.split(",")
    refusal = invalid(
        field="bbox", value=value, expected="4 or 6 numbers on Earth: the lower corner, then the upper one"
    )
    if len(numbers) not in (4, 6):
        raise refusal
    corners = [number("bbox", text.strip()) for text in numbers]
    if len(corners) == 6:
        corners = [corners[0], corners[1], corners[3], corners[4]]
    return collections.box(system, (corners[0], corners[1], corners[2], corners[3]), refusal)


def _project(collection: Collection, features: list[Any], system: System) -> None:
    """Put every geometry of features in degrees into a projected system."""
    if not system.projected:
        return
    for feature in features:
        for shape in ("geometry", *collection.shapes):
            holder = feature if shape == "geometry" else feature["properties"]
            holder[shape] = collections.geometry(system, holder[shape])


def _page_links(
    request: Request, collection: Collection, cursor: str | None, *, limit: int, offset: int
) -> list[dict[str, str]]:
    """Return the links of a page of features."""
    path = f"/ogc/collections/{collection.id}"
    query = request.query_params.multi_items()
    bare = [(name, value) for name, value in query if name not in ("f", "cursor", "offset")]
    links = [
        link(address(request, f"{path}/items", query), "self", GEOJSON, "This page"),
        link(address(request, f"{path}/items", [*bare, ("f", "html")]), "alternate", HTML, "This page for people"),
        link(address(request, path), "collection", JSON, collection.title),
    ]
    if offset > 0 and "cursor" not in request.query_params:
        before = [("limit", min(limit, offset)), ("offset", max(offset - limit, 0))]
        kept = [(name, value) for name, value in query if name not in ("offset", "limit")]
        links.append(link(address(request, f"{path}/items", [*kept, *before]), "prev", GEOJSON, "Page before"))
    if cursor is not None:
        form = [("f", query_f)] if (query_f := request.query_params.get("f")) else []
        links.append(
            link(address(request, f"{path}/items", [*bare, *form, ("cursor", cursor)]), "next", GEOJSON, "Next page")
        )
    return links


def _features_page(
    request: Request, collection: Collection, features: list[dict[str, Any]], matched: int, links: list[dict[str, str]]
) -> Response:
    """Return features as a table, with fields to ask for others."""
    here, query = f"/ogc/collections/{collection.id}", request.query_params
    rows = [
        [(f"{here}/items/{quote(str(f['id']))}?f=html", str(f["id"])), *(f["properties"][n] for n in collection.shown)]
        for f in features
    ]
    fields = [
        ("bbox", "Box", query.get("bbox", ""), "west,south,east,north in degrees"),
        *([("datetime", "Date", query.get("datetime", ""), "2010-05 or 2010/2015")] if collection.timed else []),
        ("filter", "Filter", query.get("filter", ""), "CQL2: name = 'value' AND …"),
    ]
    names = {name for name, *_ in fields} | {"cursor", "offset", "f"}
    hidden = [("f", "html"), *((name, value) for name, value in query.multi_items() if name not in names)]
    titles = {"prev": "Page before", "next": "Next page", "self": "This page as GeoJSON"}
    further = [
        (_as_page(entry["href"], entry["rel"]), titles[entry["rel"]]) for entry in links if entry["rel"] in titles
    ]
    return answers.page(
        "items", collection.title, up=[*trail(), (f"{here}?f=html", collection.title)], here=here,
        description=collection.description, fields=fields, hidden=hidden, head=["Feature", *collection.shown],
        rows=rows, caption=f"{len(rows):,} of {matched:,} features",
        further=sorted(further, key=lambda each: list(titles.values()).index(each[1])),
    )  # fmt: skip


def _as_page(href: str, rel: str) -> str:
    """Return a link's address as a page for people, or as data where it is this page's own."""
    base, _, query = href.partition("?")
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "f"]
    return f"{base}?{urlencode([*pairs, ('f', 'json' if rel == 'self' else 'html')])}"


def _shown(collection: Collection, name: str, value: Any) -> Any:
    """Return a property as a page for people shows it."""
    if name in collection.shapes:
        return "a geometry" if value is not None else None
    return value
