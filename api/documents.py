"""What OpenAPI says of the routes: parameters from their table, answers from their shapes."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Path

from api import parameters
from api.collections import COLLECTIONS, SYSTEMS
from api.errors import PROBLEM_TYPE
from api.models import ProblemDocument, Receipt, SurveyReport
from api.parameters import ACROSS, INCLUDE_NULL, SEARCH, Kind
from api.readers import WINDOW

_PROBLEM: Final = {"model": ProblemDocument, "content": {PROBLEM_TYPE: {}}}

_SCHEMAS: Final[Mapping[Kind, dict[str, Any]]] = MappingProxyType(
    {
        Kind.TEXT: {"type": "string"},
        Kind.CODE: {"type": "string"},
        Kind.KEY: {"type": "string", "minLength": 1, "maxLength": 100},
        Kind.INTEGER: {"type": "string", "pattern": r"^(-?\d{1,18}|(-?\d{1,18}|\*)?,(-?\d{1,18}|\*)?)$"},
        Kind.NUMBER: {"type": "string", "pattern": r"^(-?\d{1,9}(\.\d{1,9})?|(-?\d{1,9}(\.\d{1,9})?|\*)?,(-?\d{1,9}(\.\d{1,9})?|\*)?)$"},
        Kind.DATE: {"type": "string", "pattern": r"^(\d{4}(-\d{2}(-\d{2}(T[0-9:.Z+-]+)?)?)?|\*)?(,(\d{4}(-\d{2}(-\d{2}(T[0-9:.Z+-]+)?)?)?|\*)?)?$"},
        Kind.BOOLEAN: {"type": "boolean"},
        Kind.GEOMETRY: {"type": "string", "pattern": r"^\s*((SRID=4326;)?([Mm][Uu][Ll][Tt][Ii])?[Pp][Oo][Ll][Yy][Gg][Oo][Nn]\s*[Zz]?[Mm]?\s*\(.*\)|\{.*\})\s*$"},
        Kind.LIST: {"type": "string", "minLength": 1, "maxLength": 200},
        Kind.CIRCLE: {"type": "string", "pattern": r"^-?\d+(\.\d+)?,-?\d+(\.\d+)?,\d+(\.\d+)?(km|m)?$"},
    }
)  # fmt: skip

_WHOLE: Final = {"type": "integer", "minimum": 0}
_CURSOR: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]{10,200}$"}
_CRS: Final = {"type": "string", "enum": list(SYSTEMS)}
_CORNER: Final = r"-?\d+(\.\d*)?"
_MOMENT: Final = r"(\d{4}(-\d{2}(-\d{2}(T[0-9:.Z+-]+)?)?)?|\.\.|\*)?"

OFFSET: Final[Mapping[str, Any]] = MappingProxyType({"type": "integer", "minimum": 0, "maximum": WINDOW})
"""How far paging by offset goes."""

_PAGING: Final[Mapping[str, tuple[dict[str, Any], str]]] = MappingProxyType(
    {
        "limit": ({**_WHOLE, "default": 20, "maximum": 300}, "Records of a page."),
        "offset": ({**OFFSET, "default": 0}, "Records to leave out; a cursor has no end."),
        "cursor": (_CURSOR, "Where to go on, as the Link header gives it; it has no end."),
        "snapshot": (
            {"type": "string", "pattern": "^r[0-9]{6,}-[0-9a-f]{10}$"},
            "The release to ask, by its id; 410 where it is no longer open.",
        ),
    }
)
_FACETING: Final[Mapping[str, tuple[dict[str, Any], str]]] = MappingProxyType(
    {
        "facetLimit": ({**_WHOLE, "default": 10, "maximum": 1_000}, "Values of a facet; also year.facetLimit."),
        "facetOffset": ({**_WHOLE, "default": 0}, "Values to leave out."),
        "facetMincount": ({**_WHOLE, "default": 1}, "Leave out values with fewer records."),
        "facetMultiselect": ({"type": "boolean"}, "Count each facet without its own filter."),
    }
)


def one_of(names: Iterable[str]) -> Any:
    """Return the declaration of a path's part that is one of some names; the handler itself checks it."""
    return Path(json_schema_extra={"enum": sorted(names)})


WHOLE: Final = Path(json_schema_extra={"pattern": r"^-?[0-9]{1,18}$"})
"""The declaration of a path's part that is a whole number; the handler itself checks it."""

CollectionId: TypeAlias = Annotated[str, one_of(COLLECTIONS)]
TileNumber: TypeAlias = Annotated[str, Path(json_schema_extra={"pattern": r"^-?[0-9]{1,9}$"})]


def parameter(name: str, schema: dict[str, Any], description: str, *, many: bool = False) -> dict[str, Any]:
    """Return a query parameter as OpenAPI writes it; one that may be repeated is an array."""
    shape = {"type": "array", "items": schema} if many else schema
    return {"name": name, "in": "query", "required": False, "schema": shape, "description": description}


def search_parameters(*, paging: Sequence[str] = (), faceting: Sequence[str] = ()) -> dict[str, Any]:
    """Return the search parameters, and those of paging and facets where wanted."""
    found = [
        parameter(
            p.name, {"type": "string", "enum": list(p.codes)} if p.codes else _SCHEMAS[p.kind], p.meaning, many=True
        )
        for p in SEARCH.values()
    ]
    found += [parameter(name, {"type": "string", "minLength": 1}, meaning) for name, meaning in ACROSS.items()]
    found.append(
        parameter(
            INCLUDE_NULL,
            {"type": "boolean"},
            "Whether ranges keep rows without a value; year.includeNull says it of one.",
        )
    )
    found += [parameter(name, *_PAGING[name]) for name in paging if name in _PAGING]
    if faceting:
        found.append(
            parameter("facet", {"type": "string", "enum": sorted(parameters.COUNTABLE)}, "What to count by.", many=True)
        )
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


def nothing(*, missing: bool = False, other: Iterable[int] = ()) -> dict[int | str, dict[str, Any]]:
    """Return what a route can answer that answers with nothing but that it was done: that, and problems."""
    problems = {code: answer for code, answer in answers(None, missing=missing, other=other).items() if code != 200}
    return {204: {"description": "Done"}, **problems}


def answered(model: Any, summary: str, *, status: int = 200, **problems: Any) -> dict[str, Any]:
    """Return the declaration of a route that answers with a shape; see `answers`."""
    return {"summary": summary, "status_code": status, "responses": answers(model, status=status, **problems)}


def done(summary: str, **problems: Any) -> dict[str, Any]:
    """Return the declaration of a route that answers with nothing but that it was done; see `nothing`."""
    return {"summary": summary, "status_code": 204, "responses": nothing(**problems)}


def item_parameters(*, one: bool = False) -> dict[str, Any]:
    """Return the parameters of features, or of one feature."""
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("crs", _CRS, "; ".join(f"{system.uri}: {system.title}" for system in SYSTEMS.values())),
        ("f", {"type": "string", "enum": ["json", "html"]}, "json or html; else the Accept header decides."),
    ]
    if not one:
        rows += [
            ("bbox", {"type": "string", "pattern": f"^{_CORNER}(,{_CORNER}){{3}}((,{_CORNER}){{2}})?$"}, "west,south,east,north in degrees; west above east crosses the 180th meridian."),
            ("bbox-crs", _CRS, "As crs."),
            ("datetime", {"type": "string", "pattern": f"^{_MOMENT}(/{_MOMENT})?$"}, "A date, or two with a slash; .. is an open end."),
            ("limit", {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}, "Features of a page; more than the maximum is cut to it."),
            ("offset", dict(OFFSET), "Features to leave out; a cursor has no end."),
            ("cursor", _CURSOR, "Where to go on, as the link next gives it."),
            ("filter", {"type": "string", "maxLength": 10_000}, "CQL2 over the queryables."),
            ("filter-lang", {"type": "string", "enum": ["cql2-text", "cql2-json"]}, "How the filter is written."),
            ("filter-crs", _CRS, "What the coordinates of the filter's geometries are in."),
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


def survey_file(*, language: bool = False) -> dict[str, Any]:
    """Return what is sent to ask about a survey's file."""
    form = {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "The workbook, XLSX."},
            "dataset": {
                "type": "string",
                "description": "The dataset that it goes to; the key's own where none is told.",
            },
        },
    }
    body = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}
    return {**body, "parameters": [LANGUAGE]} if language else body


LANGUAGE: Final = parameter(
    "language",
    {"type": "string", "enum": ["en", "zh", "th", "vi", "lo", "km", "my", "ms", "id", "fil"]},
    "Language of the problems; else the first of Accept-Language that is one of these, else English.",
)


def upload() -> dict[str, Any]:
    """Return what is sent to hand in a survey."""
    body: dict[str, Any] = survey_file()
    form = body["requestBody"]["content"]["multipart/form-data"]["schema"]
    del form["required"]
    form["properties"] |= {
        "part": {
            "type": "string",
            "maxLength": 100,
            "description": "The part of its dataset that it is, such as a season: it takes the place of the version before it, "
            "whole, and other parts stay. The file's name where none is told.",
        },
        "submit": {
            "type": "string",
            "enum": ["true", "false"],
            "description": "false: it stays a draft, whose difference you look at first; then POST …/submit.",
        },
        "accept": {
            "type": "string",
            "description": "Proposals of the check that are accepted for the dataset from now on, one a line: a code such as "
            "NAME_COMMON, or CODE=value of the cells with that text. What was written stays verbatim.",
        },
        "license": {
            "type": "string",
            "description": "The licence of what tells none in the file, such as CC BY 4.0; without one it keeps what was told last for the dataset, else it is published as UNSPECIFIED.",
        },
    }
    header = {"in": "header", "required": False, "schema": {"type": "string"}}
    return {
        **body,
        "parameters": [
            LANGUAGE,
            parameter(
                "format",
                {"type": "string", "enum": ["json", "csv", "xlsx"]},
                "Form of a check's report: xlsx is the workbook with its cells marked; json where none is told.",
            ),
            parameter(
                "dry_run", {"type": "boolean", "default": False}, "Check only; nothing is kept, no key is needed."
            ),
            {**header, "name": "X-API-Key", "description": "The key, where it is not in Authorization: Bearer."},
        ],
    }


def upload_answers() -> dict[int | str, dict[str, Any]]:
    """Return what is answered to a survey that was handed in."""
    taken = {"model": Receipt, "description": "Kept and queued; Location tells where its state stands"}
    facts = answers(SurveyReport, other=(401, 403, 404, 409, 413, 422, 507))
    facts[200] = {
        **facts.get(200, {}),
        "content": {
            **facts.get(200, {}).get("content", {}),
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {"type": "string", "format": "binary"}
            },
        },
    }
    return {**facts, 202: taken}


_FRAMEWORKS: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}}
"""What the framework says of a 422, where a route says nothing."""


_SHOWN_OTHERWISE: Final = frozenset(
    {
        "/v1/login", "/v1/login/refresh", "/v1/downloads/{number}", "/v1/surveys", "/v1/downloads",
    }
)  # fmt: skip
"""Addresses where a 401 is about something else than a key or a token, or not always asked for."""


def finish(document: dict[str, Any]) -> dict[str, Any]:
    """Say of every operation what holds for all: no 422 but ours, an address can be too long, requests too many."""
    for path, item in document["paths"].items():
        for operation in item.values():
            if "422" in operation["responses"] and operation["responses"]["422"]["content"] == _FRAMEWORKS:
                del operation["responses"]["422"]
            content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
            if "401" in operation["responses"] and path not in _SHOWN_OTHERWISE:
                operation["security"] = [{"token": []}, {"key": []}]
            operation["responses"]["414"] = {"description": "The address is too long", "content": content}
            if path.startswith("/ogc") and "/tiles" not in path:
                operation["responses"]["406"] = {"description": "None of the accepted types", "content": content}
            operation["responses"]["429"] = {
                "description": "There were more requests than are answered; Retry-After tells when to ask again",
                "content": content,
                "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}},
            }
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "What /v1/login answers with, or a key."},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key, for programs."},
    }
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document


SCHEMA_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    **answers(None, missing=True),
    200: {"description": "A JSON schema", "content": {"application/schema+json": {"schema": {"type": "object"}}}},
}
"""What a route of JSON schemas can answer."""
