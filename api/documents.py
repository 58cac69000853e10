"""What OpenAPI says of the routes: parameters from their table, answers from their shapes."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from api.errors import PROBLEM_TYPE
from api.models import ProblemDocument, Receipt, SurveyReport
from api.parameters import FACETS, SEARCH, Kind

_PROBLEM: Final = {"model": ProblemDocument, "content": {PROBLEM_TYPE: {}}}

_SCHEMAS: Final[Mapping[Kind, dict[str, Any]]] = MappingProxyType(
    {
        Kind.TEXT: {"type": "string"},
        Kind.CODE: {"type": "string"},
        Kind.KEY: {"type": "string", "minLength": 1, "maxLength": 100},
        Kind.INTEGER: {"type": "string", "pattern": r"^(-?\d{1,18}|(-?\d{1,18}|\*)?,(-?\d{1,18}|\*)?)$"},
        Kind.NUMBER: {"type": "string", "pattern": r"^(-?\d{1,9}(\.\d{1,9})?|(-?\d{1,9}(\.\d{1,9})?|\*)?,(-?\d{1,9}(\.\d{1,9})?|\*)?)$"},
        Kind.DATE: {"type": "string"},
        Kind.BOOLEAN: {"type": "boolean"},
        Kind.GEOMETRY: {"type": "string", "maxLength": 10_000},
    }
)  # fmt: skip

_PAGING: Final[Mapping[str, tuple[dict[str, Any], str]]] = MappingProxyType(
    {
        "limit": ({"type": "integer", "minimum": 0, "default": 20}, "Records of a page; more than 300 is cut to 300."),
        "offset": ({"type": "integer", "minimum": 0, "default": 0}, "Records to leave out; ends at 100,000."),
        "cursor": ({"type": "string"}, "Where to go on, as the Link header gives it; has no end."),
    }
)
_FACETING: Final[Mapping[str, tuple[dict[str, Any], str]]] = MappingProxyType(
    {
        "facetLimit": ({"type": "integer", "minimum": 0, "default": 10}, "Values of a facet; also year.facetLimit."),
        "facetOffset": ({"type": "integer", "minimum": 0, "default": 0}, "Values to leave out."),
        "facetMincount": ({"type": "integer", "minimum": 0, "default": 1}, "Leave out values with fewer records."),
        "facetMultiselect": ({"type": "boolean"}, "Count each facet without its own filter."),
    }
)


def parameter(name: str, schema: dict[str, Any], description: str, *, many: bool = False) -> dict[str, Any]:
    """Return a query parameter as OpenAPI writes it; one that may be repeated is an array."""
    shape = {"type": "array", "items": schema} if many else schema
    return {"name": name, "in": "query", "required": False, "schema": shape, "description": description}


def search_parameters(*, paging: Sequence[str] = (), faceting: Sequence[str] = ()) -> dict[str, Any]:
    """Return the search parameters, and those of paging and facets where wanted."""
    found = [parameter(p.name, _SCHEMAS[p.kind], p.meaning, many=True) for p in SEARCH.values()]
    found += [parameter(name, *_PAGING[name]) for name in paging]
    if faceting:
        found.append(parameter("facet", {"type": "string", "enum": sorted(FACETS)}, "What to count by.", many=True))
        found += [parameter(name, *_FACETING[name]) for name in faceting if name in _FACETING]
    return {"parameters": found}


def plain_parameters(*rows: tuple[str, dict[str, Any], str]) -> dict[str, Any]:
    """Return parameters given as (name, schema, description)."""
    return {"parameters": [parameter(*row) for row in rows]}


def answers(
    model: Any, *, missing: bool = False, other: Iterable[int] = (), status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """Return what a route can answer: its model, and problems."""
    problems = {400: "The request cannot be used", 503: "No release, or no time"} | (
        {404: "Nothing here"} if missing else {}
    )
    problems |= dict.fromkeys(other, "A problem")
    return {
        status: {"model": model, "description": "What was asked for"},
        **{code: {**_PROBLEM, "description": text} for code, text in problems.items()},
    }


def item_parameters(*, one: bool = False) -> dict[str, Any]:
    """Return the parameters of features, or of one feature."""
    uri = {"type": "string", "format": "uri"}
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("crs", uri, "CRS84 (longitude first), or EPSG/0/4326 (latitude first)."),
        ("f", {"type": "string", "enum": ["json", "html"]}, "json or html; else the Accept header decides."),
    ]
    if not one:
        rows += [
            ("bbox", {"type": "string"}, "west,south,east,north in degrees; west above east crosses the 180th meridian."),
            ("bbox-crs", uri, "As crs."),
            ("datetime", {"type": "string"}, "A date, or two with a slash; .. is an open end."),
            ("limit", {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}, "Features of a page; more than the maximum is cut to it."),
            ("offset", {"type": "integer", "minimum": 0, "maximum": 100_000}, "Features to leave out."),
            ("cursor", {"type": "string"}, "Where to go on, as the link next gives it."),
            ("filter", {"type": "string", "maxLength": 10_000}, "CQL2 over the queryables."),
            ("filter-lang", {"type": "string", "enum": ["cql2-text", "cql2-json"]}, "How the filter is written."),
            ("filter-crs", uri, "CRS84 only."),
        ]  # fmt: skip
    return plain_parameters(*rows)


def features(*, one: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return what a route of features can answer."""
    kind = "Feature" if one else "FeatureCollection"
    schema = {"type": "object", "required": ["type"], "properties": {"type": {"const": kind}}}
    content = {"application/geo+json": {"schema": schema}, "text/html": {}}
    return {**answers(None, missing=True), 200: {"description": "Features", "content": content}}


def tile(media_type: str) -> dict[int | str, dict[str, Any]]:
    """Return what the route of tiles can answer."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        **answers(None, missing=True, other=(410,)),
        200: {"description": "A tile", "content": {media_type: binary}},
        304: {"description": "The client's copy is still right"},
    }


def upload() -> dict[str, Any]:
    """Return what is sent to hand in a survey."""
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The workbook, XLSX."},
            "dataset": {
                "type": "string",
                "description": "The dataset that it goes to; the key's own where none is told.",
            },
        },
    }
    header = {"in": "header", "required": False, "schema": {"type": "string", "minLength": 1, "maxLength": 200}}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "parameters": [
            parameter(
                "dry_run", {"type": "boolean", "default": False}, "Check only; nothing is kept, no key is needed."
            ),
            {**header, "name": "Idempotency-Key", "description": "The same key again is the same upload."},
            {**header, "name": "X-API-Key", "description": "The key, where it is not in Authorization: Bearer."},
        ],
    }


def upload_answers() -> dict[int | str, dict[str, Any]]:
    """Return what is answered to a survey that was handed in."""
    taken = {"model": Receipt, "description": "Kept and queued; Location tells where its state stands"}
    return {**answers(SurveyReport, other=(401, 403, 409, 413, 507)), 202: taken}
