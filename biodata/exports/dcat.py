"""Datasets as DCAT 3 (https://www.w3.org/TR/vocab-dcat-3/), in JSON-LD and in Turtle from the same statements."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from biodata.exports.catalogue import DatasetEntry

PREFIXES: Final = MappingProxyType(
    {
        "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "geo": "http://www.opengis.net/ont/geosparql#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
)
_MEDIA_TYPES: Final = "https://www.iana.org/assignments/media-types/"


@dataclass(frozen=True, slots=True)
class Iri:
    """An address; what may not stand in one is escaped."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text with a language or a type."""

    text: str
    language: str | None = None
    datatype: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A thing of a class, with or without an address, and what is said of it."""

    kind: str
    said: Mapping[str, "Values"]
    iri: Iri | None = None


Value: TypeAlias = Iri | Literal | Node
Values: TypeAlias = tuple[Value, ...]


def catalogue(entries: Iterable[DatasetEntry], *, url: str, title: str, description: str, release: str) -> Node:
    """Return the catalogue of datasets."""
    said: dict[str, Values] = {
        "dct:title": (Literal(title, "en"),),
        "dct:description": (Literal(description, "en"),),
        "dct:publisher": (_agent("biodata"),),
        "dcat:version": (Literal(release),),
        "dcat:dataset": tuple(dataset(entry) for entry in entries),
    }
    return Node("dcat:Catalog", said, Iri(url))


def dataset(entry: DatasetEntry) -> Node:
    """Return a dataset."""
    licence = (Iri(entry.license_url),) if entry.license_url else ()
    said: dict[str, Values] = {
        "dct:title": (Literal(entry.title),),
        "dct:description": tuple(
            Literal(text) for text in (*entry.description, entry.counts, entry.generalisation) if text
        ),
        "dct:identifier": tuple(Literal(i) for i in (entry.key, entry.doi_url) if i),
        "dct:publisher": (_agent(entry.publisher),) if entry.publisher else (),
        "dct:license": licence,
        "dct:rights": (Node("dct:RightsStatement", {"dct:description": (Literal(entry.rights, "en"),)}),),
        "dct:bibliographicCitation": (Literal(entry.cite),),
        "dct:issued": (Literal(entry.issued[:10], datatype="xsd:date"),) if entry.issued else (),
        "dct:modified": (Literal(entry.modified[:10], datatype="xsd:date"),),
        "dct:spatial": _place(entry.bounds),
        "dct:temporal": _years(entry.years),
        "dcat:keyword": tuple(Literal(word, "en") for word in entry.keywords) + tuple(Literal(g) for g in entry.groups),
        "dcat:landingPage": (Iri(entry.url),),
        "dcat:version": (Literal(entry.release),),
        "dcat:distribution": tuple(_file(name, *told, licence) for name, told in entry.files.items()),
    }
    return Node("dcat:Dataset", {name: values for name, values in said.items() if values}, Iri(f"{entry.url}#dataset"))


def to_json_ld(node: Node) -> dict[str, Any]:
    """Return a node as a JSON-LD document with its context."""
    return {"@context": dict(PREFIXES), **_json(node)}


def to_turtle(node: Node) -> str:
    """Return a node as a Turtle document."""
    lines = [f"@prefix {name}: <{address}> ." for name, address in PREFIXES.items()]
    waiting, written = [node], list[str]()
    while waiting:
        one = waiting.pop(0)
        assert one.iri is not None  # only what has an address is set apart
        statements = [f"a {one.kind}"]
        for name, values in one.said.items():
            apart = [v for v in values if isinstance(v, Node) and v.iri is not None]
            waiting.extend(apart)
            statements += [f"{name} {_turtle(value)}" for value in values]
        written.append(f"{_iri(one.iri)} " + " ;\n    ".join(statements) + " .")
    return "\n".join(lines) + "\n\n" + "\n\n".join(written) + "\n"


def _agent(name: str) -> Node:
    return Node("foaf:Organization", {"foaf:name": (Literal(name),)})


def _file(name: str, address: str, media_type: str, licence: Values) -> Node:
    said: dict[str, Values] = {
        "dct:title": (Literal(name, "en"),),
        "dcat:accessURL": (Iri(address),),
        "dcat:mediaType": (Iri(_MEDIA_TYPES + media_type),),
        "dct:license": licence,
    }
    return Node("dcat:Distribution", {key: values for key, values in said.items() if values})


def _place(bounds: tuple[float, float, float, float] | None) -> Values:
    """Return a box as WKT; longitude first, as CRS84 has it."""
    if bounds is None:
        return ()
    west, south, east, north = bounds
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    text = f"POLYGON(({', '.join(f'{x!r} {y!r}' for x, y in corners)}))"
    return (Node("dct:Location", {"dcat:bbox": (Literal(text, datatype="geo:wktLiteral"),)}),)


def _years(years: tuple[int, int] | None) -> Values:
    if years is None:
        return ()
    ends = zip(("dcat:startDate", "dcat:endDate"), years, strict=True)
    return (Node("dct:PeriodOfTime", {n: (Literal(f"{y:04d}", datatype="xsd:gYear"),) for n, y in ends}),)


def _json(value: Value) -> dict[str, Any]:
    """Return a value as JSON-LD."""
    match value:
        case Iri(text):
            return {"@id": _escaped(text)}
        case Literal(text, language, datatype):
            return (
                {"@value": text}
                | ({"@language": language} if language else {})
                | ({"@type": datatype} if datatype else {})
            )
        case Node(kind, said, iri):
            told: dict[str, Any] = {"@id": _escaped(iri.text)} if iri is not None else {}
            return told | {"@type": kind} | {n: [_json(v) for v in values] for n, values in said.items()}


def _turtle(value: Value) -> str:
    """Return a value as Turtle; a node with an address is only referred to."""
    match value:
        case Iri():
            return _iri(value)
        case Literal(text, language, datatype):
            # JSON's escapes of a string are Turtle's too, but for \/ which json never writes.
            quoted = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
            return quoted + (f"@{language}" if language else "") + (f"^^{datatype}" if datatype else "")
        case Node(_, _, Iri() as iri):
            return _iri(iri)
        case Node(kind, said):
            inside = [f"a {kind}", *(f"{name} {_turtle(v)}" for name, values in said.items() for v in values)]
            return f"[ {' ; '.join(inside)} ]"
    raise TypeError(value)


def _iri(iri: Iri) -> str:
    return f"<{_escaped(iri.text)}>"


def _escaped(text: str) -> str:
    """Return an address without what may not stand in one."""
    return re.sub(r"[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]", lambda found: quote(found[0]), text)
