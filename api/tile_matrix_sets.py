"""The one grid of our tiles, as OGC's Tile Matrix Set 2.0 describes it: clients need not ask another server for it."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import documents
from api.answers import JSON, address, json_answer, link, only
from biodata.store.mercator import MAXIMUM_ZOOM

router = APIRouter(prefix="/ogc/tileMatrixSets", tags=["tiles"])

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
        "id": str(zoom),
        "scaleDenominator": cell_m / _PIXEL_M,
        "cellSize": cell_m,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-_HALF_M, _HALF_M],
        "tileWidth": _TILE_PIXELS,
        "tileHeight": _TILE_PIXELS,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }


_DEFINITION: Final = {
    "id": WEB_MERCATOR_QUAD,
    "title": "Web Mercator in squares, as most maps on the web have it",
    "uri": URI,
    "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
    "orderedAxes": ["X", "Y"],
    "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
    "tileMatrices": [_matrix(zoom) for zoom in range(MAXIMUM_ZOOM + 1)],
}


@router.get("", summary="Grids of tiles", responses=documents.answers(dict[str, Any]))
def every(request: Request) -> Response:
    """Answer with the grids that tiles have: one."""
    only(request, "f")
    told = link(address(request, f"{router.prefix}/{WEB_MERCATOR_QUAD}"), "self", JSON, WEB_MERCATOR_QUAD)
    listed = {name: _DEFINITION[name] for name in ("id", "title", "uri", "crs")}
    return json_answer({"tileMatrixSets": [{**listed, "links": [told]}]})


@router.get("/WebMercatorQuad", summary="The grid of tiles", responses=documents.answers(dict[str, Any]))
def one(request: Request) -> Response:
    """Answer with every zoom of WebMercatorQuad."""
    only(request, "f")
    return json_answer(_DEFINITION)
