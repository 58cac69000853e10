"""Vector tiles of the collections, and the one grid that they have: matrix (zoom), row (y), column (x) of WebMercatorQuad."""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from html import escape
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents
from api.answers import JSON, address, json_answer, link, only
from api.collections import Collection, find, property_filter, property_schema
from api.dependencies import Opened, service
from api.documents import CollectionId, TileNumber
from api.errors import Code, ProblemError, invalid, unknown_parameter
from api.parameters import every, read
from biodata.sharing.labels import labels
from biodata.store.query.filters import And, Filter
from biodata.store.tile_counts import MAXIMUM_ZOOM
from biodata.store.tiles import SIGNS

grids_router = APIRouter(prefix="/ogc/tileMatrixSets", tags=["tiles"])

WEB_MERCATOR_QUAD: Final = "WebMercatorQuad"
URI: Final = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
TILING_SCHEMES: Final = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"

_HALF_M: Final = 20_037_508.342789244
"""Half the equator of Web Mercator's sphere, metres."""

_TILE_PIXELS: Final = 256
_PIXEL_M: Final = 0.00028
"""What OGC takes a pixel for where it speaks of scales, metres."""


def _matrix(zoom: int) -> dict[str, Any]:
    """Return the grid of one zoom."""
    cell_m = 2 * _HALF_M / _TILE_PIXELS / 2**zoom
    return {
        "id": str(zoom), "scaleDenominator": cell_m / _PIXEL_M, "cellSize": cell_m, "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-_HALF_M, _HALF_M], "tileWidth": _TILE_PIXELS, "tileHeight": _TILE_PIXELS,
        "matrixWidth": 2**zoom, "matrixHeight": 2**zoom,
    }  # fmt: skip


_DEFINITION: Final = {
    "id": WEB_MERCATOR_QUAD,
    "title": "Web Mercator in squares, as most maps on the web have it",
    "uri": URI,
    "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
    "orderedAxes": ["X", "Y"],
    "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
    "tileMatrices": [_matrix(zoom) for zoom in range(MAXIMUM_ZOOM + 1)],
}


@grids_router.get("", name="every", **documents.answered(dict[str, Any], "Grids of tiles"))
def every_grid(request: Request) -> Response:
    """Answer with the grids that tiles have: one."""
    only(request, "f")
    facts = link(address(request, f"{grids_router.prefix}/{WEB_MERCATOR_QUAD}"), "self", JSON, WEB_MERCATOR_QUAD)
    listed = {name: _DEFINITION[name] for name in ("id", "title", "uri", "crs")}
    return json_answer({"tileMatrixSets": [{**listed, "links": [facts]}]})


@grids_router.get("/WebMercatorQuad", name="one", **documents.answered(dict[str, Any], "The grid of tiles"))
def one_grid(request: Request) -> Response:
    """Answer with every zoom of WebMercatorQuad."""
    only(request, "f")
    return json_answer(_DEFINITION)


router = APIRouter(prefix="/ogc/collections/{collection_id}/tiles", tags=["tiles"])

MVT: Final = "application/vnd.mapbox-vector-tile"
TILE_JSON: Final = "application/json"
MATRIX_SET: Final = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
WEB_MERCATOR: Final = "http://www.opengis.net/def/crs/EPSG/0/3857"

_NUMBER: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_RELEASE: Final = re.compile(r"r\d{6,18}-[0-9a-f]{10}", re.ASCII)
_OWN: Final = ("f", "release")
_PROPERTIES: Final = "properties"
_OWN_PARAMETERS: Final = documents.plain_parameters(
    (
        "release",
        {"type": "string", "pattern": r"^r\d{6,}-[0-9a-f]{10}$"},
        "The release by its id, as X-Biodata-Release tells it; else the current one.",
    ),
    (
        _PROPERTIES,
        {"type": "string", "minLength": 1},
        "What each record of a tile of occurrences tells: names of columns with commas between them, `count` too.",
    ),
)
_PATH: Final = "/ogc/collections/{id}/tiles/WebMercatorQuad"


@router.get("", **documents.answered(dict[str, Any], "Tile sets", missing=True))
def tile_sets(request: Request, collection_id: CollectionId) -> Response:
    """Answer with the tile sets of a collection: one, in Web Mercator."""
    only(request, "f")
    found = find(collection_id)
    here = address(request, f"/ogc/collections/{found.id}/tiles")
    return json_answer({"tilesets": [_tile_set(request, found)], "links": [link(here, "self", JSON, "Tile sets")]})


@router.get("/WebMercatorQuad", **documents.answered(dict[str, Any], "The tile set", missing=True))
def tile_set(request: Request, collection_id: CollectionId) -> Response:
    """Answer with the tile set in Web Mercator."""
    only(request, "f")
    return json_answer(_tile_set(request, find(collection_id)))


@router.get(
    "/WebMercatorQuad/tilejson.json",
    openapi_extra={"parameters": _OWN_PARAMETERS["parameters"][:1]},
    **documents.answered(dict[str, Any], "The tile set as TileJSON", missing=True, other=(410,)),
)
def tile_json(request: Request, collection_id: CollectionId) -> Response:
    """Answer with TileJSON 3.0.

    The addresses of its tiles are those of the current release, whichever that is: a layer that is saved in a project
    goes on with the next one. Asked for one release by its id, they hold it, and their tiles may be kept for ever.
    """
    only(request, *_OWN)
    found = find(collection_id)
    asked = _release(request)
    with service(request).open(request, release_id=asked) as release:
        west, south, east, north = release.facts.extent(found.id)
        codes = {code for summary in release.facts.catalogue.summaries.values() for code in summary.labels}
    entries = [("release", asked)] if asked is not None else []
    tiles = address(request, _PATH.format(id=found.id) + "/{z}/{y}/{x}", entries)
    fields = {name: str(property_schema(found, name)["description"]) for name in found.filterable}
    layers = [{"id": found.id, "description": found.description, "fields": fields}]
    if found.id == "surveys":
        signs = {"count": "How many surveys the sign stands for."}
        layers.append({"id": SIGNS, "description": "Where the signs of surveys stand.", "fields": signs | fields})
    body = {
        "tilejson": "3.0.0", "name": found.title, "description": found.description,
        "attribution": _attribution(request, codes), "version": "1.0.0", "scheme": "xyz", "tiles": [tiles],
        "minzoom": 0, "maxzoom": MAXIMUM_ZOOM, "bounds": [west, south, east, north], "vector_layers": layers,
    }  # fmt: skip
    return json_answer(body, media_type=TILE_JSON)


@router.get(
    "/WebMercatorQuad/{z}/{y}/{x}",
    summary="One tile",
    openapi_extra={"parameters": [*_OWN_PARAMETERS["parameters"], *documents.search_parameters()["parameters"]]},
    responses=documents.tile(MVT),
)
def tile(request: Request, collection_id: CollectionId, z: TileNumber, y: TileNumber, x: TileNumber) -> Response:
    """Answer with one Mapbox vector tile, or 304 where the client has it already.

    A tile of occurrences takes the parameters of the search of occurrences as filters, too; one of another collection
    takes its properties, as its items do. A tile of surveys has two layers: `surveys`, and `survey_signs` with a point
    for each survey, or for those of a bin: `count`, and `design` where all of a bin have the same.
    """
    found = find(collection_id)
    zoom, row, column = (_whole(name, value) for name, value in (("z", z), ("y", y), ("x", x)))
    if not (0 <= zoom <= MAXIMUM_ZOOM and 0 <= row < 2**zoom and 0 <= column < 2**zoom):
        raise ProblemError(
            Code.TILE_UNKNOWN,
            f"{zoom}/{row}/{column} lies outside WebMercatorQuad",
            field="z",
            expected=f"z from 0 to {MAXIMUM_ZOOM}, y and x below 2^z",
        )
    asked = _release(request)
    with service(request).open(request, release_id=asked) as release:
        filter_, properties = _asked(request, found, release)
        # Tiles of one release never change, so its id, the tile's place and what is asked are all that the tag needs.
        tag = f'"{release.file.id}-{found.id}-{zoom}-{row}-{column}{_mark(request)}"'
        headers = {
            "ETag": tag,
            # Not for ever, although it never changes: what is hidden from now on must not stay in others' caches.
            "Cache-Control": "public, max-age=600" if asked else "public, max-age=60",
        }
        if tag in (part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        content = release.file.tile(found.id, zoom, column, row, filter_, properties)
        return Response(content, headers=headers, media_type=MVT)


def _attribution(request: Request, codes: Iterable[str]) -> str:
    """Return what a map shows beside tiles, as HTML: whose they are, and the labels of communities among them."""
    terms = address(request, "/v1/dataset?f=html")
    text = f'<a href="{escape(terms)}">Licences of the datasets</a>'
    known = labels()
    links = (
        f'<a href="{escape(known[code].address)}">{escape(known[code].name)}</a>'
        for code in sorted(codes)
        if code in known
    )
    return "; ".join((text, *links))


def _release(request: Request) -> str | None:
    """Return the id of the release that is asked for."""
    asked = request.query_params.get("release")
    if asked is not None and not _RELEASE.fullmatch(asked):
        raise invalid(field="release", value=asked, expected="a release's id, as X-Biodata-Release tells it")
    return asked


def _asked(request: Request, collection: Collection, release: Opened) -> tuple[Filter | None, list[str] | None]:
    """Return which records a tile shows, and what they tell."""
    if not collection.points:
        told_of = [(name, value) for name, value in request.query_params.multi_items() if name not in _OWN]
        for name, _ in told_of:
            if name not in collection.filterable:
                raise unknown_parameter(name, (*_OWN, *collection.filterable))
        return And(
            tuple(property_filter(collection, *entries, release) for entries in told_of)
        ) if told_of else None, None
    filters = read(request.query_params.multi_items(), release, own=(*_OWN, _PROPERTIES)).filters
    asked = request.query_params.get(_PROPERTIES)
    if asked is None:
        return every(filters), None
    names = list(dict.fromkeys(asked.split(",")))
    allowed = _tellable(collection.id)
    for name in names:
        if name not in allowed:
            raise invalid(field=_PROPERTIES, value=name, expected=f"some of {', '.join(allowed)}")
    return every(filters), names


@cache
def _tellable(collection_id: str) -> tuple[str, ...]:
    """Return what a record can tell in a tile: its columns of single values, and the count."""
    collection = find(collection_id)
    return ("count", *(n for n in collection.filterable if property_schema(collection, n)["type"] != "array"))


def _mark(request: Request) -> str:
    """Return a short mark of what is asked for beside the place, nothing where nothing is."""
    entries = sorted((name, value) for name, value in request.query_params.multi_items() if name not in _OWN)
    return "-" + hashlib.sha256(orjson.dumps(entries)).hexdigest()[:16] if entries else ""


def _whole(name: str, value: str) -> int:
    """Read a whole number of a tile's address."""
    if not _NUMBER.fullmatch(value):
        raise invalid(field=name, value=value, expected="a whole number")
    return int(value)


def _tile_set(request: Request, collection: Collection) -> dict[str, Any]:
    """Return the tile set as OGC API Tiles describes it."""
    path = _PATH.format(id=collection.id)
    template = address(request, path + "/{tileMatrix}/{tileRow}/{tileCol}")
    return {
        "title": f"{collection.title} in Web Mercator",
        "dataType": "vector",
        "crs": WEB_MERCATOR,
        "tileMatrixSetURI": MATRIX_SET,
        "layers": [{"id": collection.id, "dataType": "vector"}],
        "links": [
            link(address(request, path), "self", JSON, "This tile set"),
            link(address(request, f"{path}/tilejson.json"), "describedby", TILE_JSON, "TileJSON"),
            link(address(request, "/ogc/tileMatrixSets/WebMercatorQuad"), "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", JSON, "WebMercatorQuad"),
            {**link(template, "item", MVT, "Tiles"), "templated": True},
        ],
    }  # fmt: skip
