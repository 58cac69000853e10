"""OGC API: where to begin, what is conformed to, and the collections."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents, html
from api.answers import GEOJSON, HTML, JSON, address, json_answer, link, only, wants_html
from api.collections import COLLECTIONS, CRS84, EPSG4326, GREGORIAN, Collection, find, property_schema
from api.dependencies import Opened, service
from api.documents import CollectionId

router = APIRouter(prefix="/ogc", tags=["features"])

_SPEC: Final = "http://www.opengis.net/spec"
CONFORMANCE: Final = (
    *(f"{_SPEC}/ogcapi-common-1/1.0/conf/{c}" for c in ("core", "landing-page", "json", "html")),
    *(f"{_SPEC}/ogcapi-common-2/1.0/conf/{c}" for c in ("collections",)),
    *(f"{_SPEC}/ogcapi-features-1/1.0/conf/{c}" for c in ("core", "geojson", "html")),
    f"{_SPEC}/ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_SPEC}/ogcapi-features-3/1.0/conf/{c}"
        for c in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_SPEC}/cql2/1.0/conf/{c}"
        for c in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
        )
    ),
    f"{_SPEC}/cql2/1.0/conf/basic-spatial-functions",
    *(f"{_SPEC}/ogcapi-tiles-1/1.0/conf/{c}" for c in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")),
)


@router.get("", summary="Where to begin", responses=documents.answers(dict[str, Any]))
@router.get("/", include_in_schema=False)
def landing(request: Request) -> Response:
    """Answer with links to everything below."""
    only(request, "f")
    links = [
        link(address(request, "/ogc"), "self", JSON, "This page"),
        link(address(request, "/ogc", [("f", "html")]), "alternate", HTML, "This page for people"),
        link(address(request, "/ogc/api"), "service-desc", OPENAPI, "The interface in OpenAPI"),
        link(address(request, "/docs"), "service-doc", HTML, "The interface for people"),
        link(address(request, "/ogc/conformance"), "conformance", JSON, "Conformance classes"),
        link(address(request, "/ogc/collections"), "data", JSON, "Collections"),
    ]
    title, about = "biodata", "A shared biodiversity record for Southwest China and ASEAN."
    if wants_html(request):
        shown = [(entry["href"], entry["title"]) for entry in links]
        return html.page(title, html.paragraph(about), html.links(shown), up=[("/", "Map")])
    return json_answer({"title": title, "description": about, "links": links})


@router.get("/conformance", summary="Conformance classes", responses=documents.answers(dict[str, Any]))
def conformance(request: Request) -> Response:
    """Answer with the parts of the standards that are met."""
    only(request, "f")
    if wants_html(request):
        return html.page("Conformance", html.links((c, c) for c in CONFORMANCE), up=[("/ogc?f=html", "OGC API")])
    return json_answer({"conformsTo": CONFORMANCE})


OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.1"


@router.get("/api", include_in_schema=False)
def api_document(request: Request) -> Response:
    """Answer with the interface below /ogc, its addresses relative to /ogc as clients of the standard expect."""
    only(request, "f")
    document = request.app.openapi()
    paths = {
        path.removeprefix("/ogc") or "/": item for path, item in document["paths"].items() if path.startswith("/ogc")
    }
    # GDAL and QGIS look here for the largest limit that they may ask for.
    for collection in COLLECTIONS:
        paths[f"/collections/{collection}/items"] = paths["/collections/{collection_id}/items"]
    body = {**document, "paths": paths, "servers": [{"url": address(request, "/ogc")}]}
    return json_answer(body, media_type=OPENAPI)


@router.get("/collections", summary="Collections", responses=documents.answers(dict[str, Any]))
def collections(request: Request) -> Response:
    """Answer with every collection."""
    only(request, "f")
    with service(request).open(request) as release:
        found = [_describe(request, release, collection) for collection in COLLECTIONS.values()]
    if wants_html(request):
        rows = [((f"/ogc/collections/{c['id']}?f=html", c["title"]), c["description"]) for c in found]
        return html.page(
            "Collections", html.table(["Collection", "What it holds"], rows), up=[("/ogc?f=html", "OGC API")]
        )
    here = address(request, "/ogc/collections")
    return json_answer({"collections": found, "links": [link(here, "self", JSON, "Collections")]})


@router.get(
    "/collections/{collection_id}",
    summary="One collection",
    responses=documents.answers(dict[str, Any], missing=True),
)
def collection(request: Request, collection_id: CollectionId) -> Response:
    """Answer with one collection."""
    only(request, "f")
    found = find(collection_id)
    with service(request).open(request) as release:
        body = _describe(request, release, found)
    if wants_html(request):
        rows = [(name, property_schema(found, name)["description"]) for name in found.properties]
        places = [(entry["href"], entry["title"]) for entry in body["links"]]
        parts = (html.paragraph(found.description), html.links(places), html.table(["Property", "Meaning"], rows))
        return html.page(found.title, *parts, up=trail())
    return json_answer(body)


@router.get(
    "/collections/{collection_id}/queryables",
    summary="What a filter may name",
    responses=documents.SCHEMA_ANSWERS,
)
@router.get(
    "/collections/{collection_id}/schema",
    summary="What a feature holds",
    responses=documents.SCHEMA_ANSWERS,
)
def schema(request: Request, collection_id: CollectionId) -> Response:
    """Answer with a JSON schema of the properties."""
    only(request, "f")
    found = find(collection_id)
    queried = request.url.path.endswith("/queryables")
    names = found.filterable if queried else found.properties
    kind = "geometry-point" if found.points else "geometry-any"
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(request, request.url.path),
        "type": "object",
        "title": found.title,
        "properties": {
            "geometry": {"format": kind, "x-ogc-role": "primary-geometry"},
            **{name: property_schema(found, name) for name in names},
        },
        "additionalProperties": False,
    }
    return json_answer(body, media_type="application/schema+json")


def _describe(request: Request, release: Opened, collection: Collection) -> dict[str, Any]:
    """Return a collection as the standard describes it."""
    path = f"/ogc/collections/{collection.id}"
    extent: dict[str, Any] = {"spatial": {"bbox": [release.extent(collection.id)], "crs": CRS84}}
    if collection.timed:
        extent["temporal"] = {"interval": [release.years()], "trs": GREGORIAN}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "itemType": "feature",
        "crs": [CRS84, EPSG4326],
        "storageCrs": CRS84,
        "extent": extent,
        "links": [
            link(address(request, path), "self", JSON, "This collection"),
            link(address(request, path, [("f", "html")]), "alternate", HTML, "This collection for people"),
            link(address(request, f"{path}/items"), "items", GEOJSON, "Features"),
            link(address(request, f"{path}/items", [("f", "html")]), "items", HTML, "Features for people"),
            link(
                address(request, f"{path}/queryables"),
                "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                "application/schema+json",
                "What a filter may name",
            ),
            link(address(request, f"{path}/schema"), "describedby", "application/schema+json", "What a feature holds"),
            link(
                address(request, f"{path}/tiles"),
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                JSON,
                "Vector tiles",
            ),
        ],
    }


def trail() -> list[tuple[str, str]]:
    """Return the way back from a collection."""
    return [("/ogc?f=html", "OGC API"), ("/ogc/collections?f=html", "Collections")]
