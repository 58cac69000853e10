"""OGC API: where to begin, what is conformed to, and the collections."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api import answers, documents
from api.answers import GEOJSON, HTML, JSON, address, json_answer, link, only, wants_html
from api.collections import COLLECTIONS, CRS84, GREGORIAN, SYSTEMS, Collection, find, property_schema
from api.dependencies import Opened, service
from api.documents import CollectionId
from api.tiles import TILING_SCHEMES

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
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
            "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus",
            "spatial-functions",
        )
    ),
    *(f"{_SPEC}/ogcapi-tiles-1/1.0/conf/{c}" for c in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")),
)  # fmt: skip


@router.get("", **documents.answered(dict[str, Any], "Where to begin"))
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
        link(address(request, "/ogc/tileMatrixSets"), TILING_SCHEMES, JSON, "Grids of tiles"),
    ]
    title, about = "biodata", "A shared biodiversity record for Southwest China and ASEAN."
    if wants_html(request):
        rows = [((f"/ogc/collections/{c.id}?f=html", c.title), c.description) for c in COLLECTIONS.values()]
        return answers.page("landing", title, up=[("/", "Map")], about=about, rows=rows)
    return json_answer({"title": title, "description": about, "links": links})


@router.get("/conformance", **documents.answered(dict[str, Any], "Conformance classes"))
def conformance(request: Request) -> Response:
    """Answer with the parts of the standards that are met."""
    only(request, "f")
    if wants_html(request):
        return answers.page(
            "conformance", "Conformance", up=[("/ogc?f=html", "OGC API")], classes=[(c, c) for c in CONFORMANCE]
        )
    return json_answer({"conformsTo": CONFORMANCE})


SCHEMA: Final = "application/schema+json"
_QUERYABLES: Final = "http://www.opengis.net/def/rel/ogc/1.0/queryables"


OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.1"


@router.get("/api", include_in_schema=False)
def api_document(request: Request) -> Response:
    """Answer with the interface below /ogc, its addresses relative to /ogc as clients of the standard expect."""
    only(request, "f")
    if wants_html(request):
        return RedirectResponse("/docs")
    document = request.app.openapi()
    paths = {
        path.removeprefix("/ogc") or "/": item for path, item in document["paths"].items() if path.startswith("/ogc")
    }
    # GDAL and QGIS look here for the largest limit that they may ask for, and for the properties that we can filter by:
    # without these GDAL reads every feature and filters by itself.
    for collection in COLLECTIONS.values():
        paths[f"/collections/{collection.id}/items"] = _items_of(
            collection, paths["/collections/{collection_id}/items"]
        )
    body = {**document, "paths": paths, "servers": [{"url": address(request, "/ogc")}]}
    # GDAL takes version 3.0, or plain JSON, and reads nothing of a document that calls itself 3.1.
    accepted = request.headers.get("accept", "")
    plain = JSON in accepted and "openapi+json;version=3.1" not in accepted.replace(" ", "")
    return json_answer(body, media_type=JSON if plain else OPENAPI, headers={"Vary": "Accept"})


def _items_of(collection: Collection, item: dict[str, Any]) -> dict[str, Any]:
    """Return what the interface tells of the features of one collection: its properties are parameters, too."""
    operation = item["get"]
    general = [facts for facts in operation["parameters"] if facts["name"] != "collection_id"]
    own = []
    for name in collection.filterable:
        schema = property_schema(collection, name)
        kind: dict[str, Any] = {key: schema[key] for key in ("type", "format", "enum") if key in schema}
        # Of a list one value is asked for, which it is to hold.
        one: dict[str, Any] = {"type": "string"} if kind["type"] in ("array", "object") else kind
        own.append(documents.parameter(name, one, schema["description"]))
    facts = {**operation, "operationId": f"items_{collection.id}", "parameters": [*general, *own]}
    return {"get": facts}


@router.get("/collections", **documents.answered(dict[str, Any], "Collections"))
def collections(request: Request) -> Response:
    """Answer with every collection."""
    only(request, "f")
    with service(request).open(request) as release:
        found = [_describe(request, release, collection) for collection in COLLECTIONS.values()]
    if wants_html(request):
        rows = [((f"/ogc/collections/{c['id']}?f=html", c["title"]), c["description"]) for c in found]
        return answers.page("collections", "Collections", up=[("/ogc?f=html", "OGC API")], rows=rows)
    links = [
        link(address(request, "/ogc/collections"), "self", JSON, "Collections"),
        link(address(request, "/ogc/collections", [("f", "html")]), "alternate", HTML, "Collections for people"),
    ]
    return json_answer({"collections": found, "links": links, "crs": list(SYSTEMS)})


@router.get("/collections/{collection_id}", **documents.answered(dict[str, Any], "One collection", missing=True))
def collection(request: Request, collection_id: CollectionId) -> Response:
    """Answer with one collection."""
    only(request, "f")
    found = find(collection_id)
    with service(request).open(request) as release:
        body = _describe(request, release, found)
    if wants_html(request):
        return _collection_page(found, body)
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
    """Answer with a JSON schema of the properties, or a table of them."""
    only(request, "f")
    found = find(collection_id)
    queried = request.url.path.endswith("/queryables")
    names = found.filterable if queried else found.properties
    properties = {name: property_schema(found, name) for name in names}
    if wants_html(request):
        return _schema_page(found, properties, queried=queried)
    kind = "geometry-point" if found.points else "geometry-any"
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(request, request.url.path),
        "type": "object",
        "title": found.title,
        "description": found.description,
        "properties": {
            "geometry": {"title": "geometry", "format": kind, "x-ogc-role": "primary-geometry"},
            **properties,
        },
        "additionalProperties": False,
    }
    return json_answer(body, media_type=SCHEMA)


def _collection_page(found: Collection, described: dict[str, Any]) -> Response:
    """Return a collection as a page."""
    here = f"/ogc/collections/{found.id}"
    extent = described["extent"]
    west, south, east, north = extent["spatial"]["bbox"][0]
    facts = [("Extent", f"{west:.2f} to {east:.2f} degrees east, {south:.2f} to {north:.2f} degrees north")]
    if "temporal" in extent:
        facts.append(("Time", " to ".join((moment or "..")[:10] for moment in extent["temporal"]["interval"][0])))
    for name, value in described.get("boundarySet", {}).items():
        facts.append((name.replace("_", " ").capitalize(), str(value)))
    facts.append(("Coordinate systems", "; ".join(system.title for system in SYSTEMS.values())))
    return answers.page("collection", found.title, up=trail(), here=here, description=found.description, facts=facts)


def _schema_page(found: Collection, properties: dict[str, dict[str, Any]], *, queried: bool) -> Response:
    """Return properties as a table, with how to ask for them."""
    rows = [
        (name, facts.get("format", facts.get("type", "")), facts["description"], facts.get("enum"))
        for name, facts in properties.items()
    ]
    here = f"/ogc/collections/{found.id}"
    title = f"{found.title}: {'what a filter may name' if queried else 'what a feature holds'}"
    up = [*trail(), (f"{here}?f=html", found.title)]
    return answers.page("schema", title, up=up, here=here, rows=rows, example=found.example if queried else "")


def _describe(request: Request, release: Opened, collection: Collection) -> dict[str, Any]:
    """Return a collection as the standard describes it."""
    path = f"/ogc/collections/{collection.id}"
    extent: dict[str, Any] = {"spatial": {"bbox": [release.facts.extent(collection.id)], "crs": CRS84}}
    if collection.timed:
        extent["temporal"] = {"interval": [release.facts.moments(collection.id)], "trs": GREGORIAN}
    facts = {"boundarySet": dict(release.file.info["boundaries"])} if collection.id == "boundaries" else {}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        **facts,
        "itemType": "feature",
        "crs": list(SYSTEMS),
        "storageCrs": CRS84,
        "extent": extent,
        "links": [
            link(address(request, path), "self", JSON, "This collection"),
            link(address(request, path, [("f", "html")]), "alternate", HTML, "This collection for people"),
            link(address(request, f"{path}/items"), "items", GEOJSON, "Features"),
            link(address(request, f"{path}/items", [("f", "html")]), "items", HTML, "Features for people"),
            link(address(request, f"{path}/queryables"), _QUERYABLES, SCHEMA, "What a filter may name"),
            link(address(request, f"{path}/queryables", [("f", "html")]), _QUERYABLES, HTML, "The same for people"),
            link(address(request, f"{path}/schema"), "describedby", SCHEMA, "What a feature holds"),
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
