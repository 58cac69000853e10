"""Bodies of requests: read up to a limit, as JSON, and as the parameters that an address has."""

from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from api.answers import GEOJSON
from api.errors import Code, ProblemError, invalid
from api.parameters import ACROSS, NULLS, SEARCH, Kind
from biodata.core.phrases import Phrase

BODY_LIMIT_BYTES: Final = 1_000_000
"""Largest body of a search or an area."""

GEOJSON_TYPES: Final = ("Polygon", "MultiPolygon", "GeometryCollection", "Feature", "FeatureCollection")
_OWN: Final = ("limit", "offset", "cursor", "snapshot", "facet", "facetLimit", "facetOffset", "facetMincount", "facetMultiselect")  # fmt: skip


class Sent(BaseModel):
    """What is sent: every field is one of these, and of its type."""

    model_config = ConfigDict(extra="forbid", strict=True)


async def receive(request: Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """Return a request's body.

    Raises
    ------
    ProblemError
        With BODY_TOO_LARGE; no more than the limit is ever kept.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            detail = Phrase("more than {n} bytes were sent", n=limit_bytes)
            raise ProblemError(Code.BODY_TOO_LARGE, detail, expected=Phrase("at most {n} bytes", n=limit_bytes))
        parts.append(part)
    return b"".join(parts)


def read_json(raw: bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    ProblemError
        With BODY_INVALID.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProblemError(Code.BODY_INVALID, f"the body is no JSON: {error}", expected="a JSON object") from error


def read_search(raw: bytes, media_type: str) -> list[tuple[str, str]]:
    """Read the body of a search.

    Parameters
    ----------
    raw : bytes
        A JSON object of search parameters, each a value or a list of values, `geometry` as WKT or GeoJSON; or a
        GeoJSON document, which is the geometry; or, as text/plain or text/csv, a list of names, one a line; or nothing.
    media_type : str
        The Content-Type.

    Returns
    -------
    list of (name, value)
        The parameters.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind in ("text/plain", "text/csv"):
        try:
            lines = raw.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ProblemError(Code.BODY_INVALID, "the list of names is not UTF-8", expected="UTF-8") from error
        return [("speciesList", name) for line in lines if (name := line.strip().strip('"'))]
    body = read_json(raw)
    if not isinstance(body, dict):
        expected = "a JSON object of search parameters, or GeoJSON"
        raise ProblemError(Code.BODY_INVALID, "the body is no JSON object", expected=expected)
    is_geojson = isinstance(body.get("type"), str) and body["type"] in GEOJSON_TYPES
    if kind == GEOJSON and not is_geojson:
        raise ProblemError(
            Code.BODY_INVALID, "the body is no GeoJSON", expected=f"a type of {', '.join(GEOJSON_TYPES)}"
        )
    if is_geojson:
        return [("geometry", orjson.dumps(body).decode())]
    pairs: list[tuple[str, str]] = []
    for name, value in body.items():
        if name == "geometry" and isinstance(value, dict):
            pairs.append((name, orjson.dumps(value).decode()))
        else:
            pairs += [(name, _text(name, one)) for one in (value if isinstance(value, list) else [value])]
    return pairs


def _text(name: str, value: Any) -> str:
    """Return a value as an address would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise invalid(field=name[:80], value=str(value), expected="text, a number, true or false, or a list of them")


def search_body() -> dict[str, Any]:
    """Return what OpenAPI says of the body of a search."""
    one: dict[str, Any] = {"type": ["string", "number", "boolean"]}
    value = {"anyOf": [one, {"type": "array", "items": one, "maxItems": 2_000}]}
    shape = {"type": "object", "required": ["type"], "properties": {"type": {"enum": list(GEOJSON_TYPES)}}}
    names = [*SEARCH, *ACROSS, *NULLS, *_OWN]
    properties: dict[str, Any] = {name: dict(value) for name in names}
    for parameter in SEARCH.values():
        if parameter.kind is Kind.GEOMETRY:
            properties[parameter.name] = {"anyOf": [{"type": "string"}, shape]}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    names_only = {"schema": {"type": "string", "maxLength": 100_000}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "application/geo+json": {"schema": shape},
                "text/plain": names_only,
            },
        }
    }
