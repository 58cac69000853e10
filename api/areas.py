"""Areas to search within: those of the release found by name, and polygons that somebody uploads."""

import hashlib
from typing import Any, Final

import orjson
import shapely
from fastapi import APIRouter
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import area_lookups, bodies, documents, models
from api.answers import GEOJSON, json_answer
from api.area_lookups import Named
from api.auth import StrictRoute
from api.dependencies import Service, service
from api.errors import Code, ProblemError, invalid
from api.name_readers import country_code
from api.readers import window
from biodata.core.geo import area_km2
from biodata.store.models import Area
from biodata.store.query.polygons import Polygon, read_geojson

router = APIRouter(prefix="/v1/areas", tags=["areas"], route_class=StrictRoute)

VERTICES: Final = 20_000
"""Vertices of an uploaded area."""

AREAS_KEPT: Final = 10_000
"""Uploaded areas that are kept; then the oldest goes. A citation holds its polygon itself."""

LIMIT: Final = 300
_KINDS: Final = tuple(area_lookups.KEYS)
_PARAMETERS: Final = documents.plain_parameters(
    ("q", {"type": "string", "maxLength": 200}, "Text in a name, in any language of the region."),
    ("kind", {"type": "string", "enum": list(_KINDS)}, "Only areas of a kind."),
    ("country", {"type": "string"}, "Only areas of a country, by code or name."),
    ("limit", {"type": "integer", "minimum": 0, "default": 20}, "Areas of a page; more than 300 is cut to 300."),
    ("offset", dict(documents.OFFSET), "Areas to leave out."),
)
_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": f"GeoJSON of up to {bodies.BODY_LIMIT_BYTES:,} bytes and {VERTICES:,} vertices.",
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "required": ["type"],
                    "properties": {"type": {"enum": list(bodies.GEOJSON_TYPES)}},
                }
            }
            for kind in (GEOJSON, "application/json")
        },
    },
    "parameters": [documents.parameter("name", {"type": "string", "maxLength": 200}, "What to call it.")],
}


@router.get("", openapi_extra=_PARAMETERS, **documents.answered(models.AreaPage, "Find areas"))
def find(request: Request) -> Response:
    """Answer the areas of the release of which a name holds a text."""
    query = request.query_params
    limit, offset = window(query, default=20, most=LIMIT)
    kind, country, text = query.get("kind"), query.get("country"), query.get("q", "")
    if kind is not None and kind not in _KINDS:
        raise invalid(field="kind", value=kind, expected=f"one of {', '.join(_KINDS)}")
    if len(text) > 200:
        raise invalid(field="q", value=text, expected="up to 200 characters")
    code = country_code("country", country) if country is not None else None
    with service(request).open(request) as release:
        found = release.facts.areas.search(text, kind=kind, country=code)
    page = found[offset : offset + limit]
    body = {
        "offset": offset, "limit": limit, "endOfRecords": offset + len(page) >= len(found), "count": len(found),
        "results": [_named(area) for area in page],
    }  # fmt: skip
    return json_answer(body)


@router.post(
    "", openapi_extra=_BODY, **documents.answered(models.UploadedArea, "Upload an area", other=(413, 507), status=201)
)
async def upload(request: Request) -> Response:
    """Keep a polygon, so that a search can name it; the same polygon has the same id."""
    name = request.query_params.get("name")
    if name is not None and not 0 < len(name) <= 200:
        raise invalid(field="name", value=name, expected="1 to 200 characters")
    raw = await bodies.receive(request)
    return await run_in_threadpool(_upload, service(request), raw, name)


@router.get(
    "/{area_id:path}",
    summary="One area",
    responses=documents.features(one=True),
)
def one(request: Request, area_id: str) -> Response:
    """Answer an area as a GeoJSON feature."""
    with service(request).open(request) as release:
        found = release.find_areas(area_id)
        area = area_lookups.the_one(found, field="area_id", identifier=area_id)
    geometry = shapely.from_wkb(area.wkb or b"")
    feature = {
        "type": "Feature",
        "id": area.id,
        "geometry": orjson.Fragment(str(shapely.to_geojson(geometry))),
        "bbox": list(geometry.bounds),
        "properties": {"kind": area.kind, "polygon_area_km2": _area_km2(geometry), **area.row},
    }
    return json_answer(feature, media_type=GEOJSON)


def _upload(found: Service, raw: bytes, name: str | None) -> Response:
    """Keep a polygon and tell its id."""
    document = bodies.read_json(raw)
    polygon = read_geojson(document, most=VERTICES)
    area_id = hashlib.sha256(polygon.wkb).hexdigest()
    try:
        _keep(found, area_id, name or _name(document), polygon)
    except (OSError, OperationalError) as error:
        raise ProblemError(Code.DISK_FULL, "the area could not be kept; nothing was changed") from error
    geometry = shapely.from_wkb(polygon.wkb)
    location = f"/v1/areas/{area_id}"
    body = {
        "id": area_id, "kind": area_lookups.UPLOADED, "name": name or _name(document), "bbox": list(geometry.bounds),
        "polygon_area_km2": _area_km2(geometry), "notes": list(polygon.notes), "location": location,
    }  # fmt: skip
    body = {member: value for member, value in body.items() if value is not None}
    return json_answer(body, status=201, headers={"Location": location}, cache="no-store")


def _keep(found: Service, area_id: str, name: str | None, polygon: Polygon) -> None:
    """Write a polygon to the registry; let the oldest go where there are too many."""
    try:
        with found.registry.session() as session, session.begin():
            if session.get(Area, area_id) is not None:
                return
            session.add(Area(id=area_id, name=name, wkb=polygon.wkb))
            session.flush()
            spare = (session.scalar(select(func.count()).select_from(Area)) or 0) - AREAS_KEPT
            if spare > 0:
                oldest = select(Area.id).order_by(Area.created).limit(spare)
                session.execute(delete(Area).where(Area.id.in_(oldest)))
    except IntegrityError:
        return  # somebody else has just sent the same


def _name(document: Any) -> str | None:
    """Return the name that a feature tells."""
    properties = document.get("properties") if isinstance(document, dict) else None
    text = properties.get("name") if isinstance(properties, dict) else None
    return text[:200] if isinstance(text, str) and text else None


def _named(area: Named) -> dict[str, Any]:
    """Return an area as a list of areas tells it."""
    return {
        "kind": area.kind, "id": area.id, "name": area.names[0] if area.names else None, "names": list(area.names),
        "countries": list(area.countries),
    }  # fmt: skip


def _area_km2(geometry: BaseGeometry) -> float:
    """Return a polygon's area on the ellipsoid, km²."""
    return round(float(area_km2([geometry])[0]), 3)
