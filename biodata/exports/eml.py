"""Metadata in EML 2.2 as GBIF's profile 1.3 has it: of a download and of the datasets in it.

Written from the documentation of EML (https://eml.ecoinformatics.org/schema) and of GBIF's profile
(https://ipt.gbif.org/manual/en/ipt/latest/gbif-metadata-profile); elements stand in the order that the schema asks for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

_NAMESPACES: Final = MappingProxyType(
    {
        "xmlns:eml": "https://eml.ecoinformatics.org/eml-2.2.0",
        "xmlns:dc": "http://purl.org/dc/terms/",
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:schemaLocation": (
            "https://eml.ecoinformatics.org/eml-2.2.0 https://rs.gbif.org/schema/eml-gbif-profile/1.3/eml.xsd"
        ),
        "system": "http://gbif.org",
        "scope": "system",
        "xml:lang": "eng",
    }
)


@dataclass(frozen=True, slots=True)
class Cited:
    """Something that is cited: its text, and its DOI or address where it has one."""

    text: str
    identifier: str | None = None


@dataclass(frozen=True, slots=True)
class EmlFacts:
    """What a document tells.

    Attributes
    ----------
    package_id : str
        Identifier of the document itself.
    title : str
        Title.
    published : str
        Date, ISO 8601; the day is told as the date of publication.
    publisher : str
        The organisation that stands as creator, provider of the metadata and contact.
    abstract : sequence of str
        Paragraphs.
    citation : Cited
        How to cite it.
    rights : str
        The licence in one sentence.
    license : (name, address), optional
        The licence; an address where it has one.
    identifiers : tuple of str
        Other identifiers: a DOI, a key.
    notes : tuple of str
        Paragraphs of additional information: generalised places, counts.
    bounds : (west, south, east, north), optional
        Degrees.
    years : (int, int), optional
        First and last.
    sources : tuple of Cited
        What it was made from: datasets, and downloads with their DOIs.
    keywords : tuple of str
        Keywords.
    provider : str, optional
        Who provides the metadata; the publisher where nobody else does.
    link : str, optional
        The page about it.
    taxa : tuple of str
        Names of the groups that it is about.
    """

    package_id: str
    title: str
    published: str
    publisher: str
    abstract: tuple[str, ...]
    citation: Cited
    rights: str
    license: tuple[str, str | None] | None = None
    identifiers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    bounds: tuple[float, float, float, float] | None = None
    years: tuple[int, int] | None = None
    sources: tuple[Cited, ...] = ()
    keywords: tuple[str, ...] = field(default=("Occurrence", "Darwin Core"))
    provider: str | None = None
    link: str | None = None
    taxa: tuple[str, ...] = ()


def eml(facts: EmlFacts) -> bytes:
    """Return the document, UTF-8; the same facts give the same bytes."""
    root = Element("eml:eml", dict(_NAMESPACES) | {"packageId": _clean(facts.package_id)})
    dataset = SubElement(root, "dataset")
    for identifier in facts.identifiers:
        _text(dataset, "alternateIdentifier", identifier)
    _text(dataset, "title", facts.title, {"xml:lang": "eng"})
    for role, name in (("creator", facts.publisher), ("metadataProvider", facts.provider or facts.publisher)):
        _text(SubElement(dataset, role), "organizationName", name)
    _text(dataset, "pubDate", facts.published[:10])
    _text(dataset, "language", "eng")
    _paragraphs(dataset, "abstract", facts.abstract)
    if facts.keywords:
        words = SubElement(dataset, "keywordSet")
        for word in facts.keywords:
            _text(words, "keyword", word)
        _text(words, "keywordThesaurus", "n/a")
    if facts.notes:
        _paragraphs(dataset, "additionalInfo", facts.notes)
    _rights(dataset, facts)
    if facts.link is not None:
        online = SubElement(SubElement(dataset, "distribution", {"scope": "document"}), "online")
        _text(online, "url", facts.link, {"function": "information"})
    _coverage(dataset, facts)
    _text(SubElement(dataset, "contact"), "organizationName", facts.publisher)
    told = SubElement(SubElement(SubElement(root, "additionalMetadata"), "metadata"), "gbif")
    _text(told, "dateStamp", facts.published)
    _text(told, "hierarchyLevel", "dataset")
    _cite(told, facts.citation)
    if facts.sources:
        listed = SubElement(told, "bibliography")
        for source in facts.sources:
            _cite(listed, source)
    indent(root, " ")
    text: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text + b"\n"


def _rights(dataset: Element, facts: EmlFacts) -> None:
    """Tell the licence: in words with its address, and as `licensed`."""
    para = SubElement(SubElement(dataset, "intellectualRights"), "para")
    para.text = _clean(facts.rights)
    if facts.license is None:
        return
    name, address = facts.license
    if address is not None:
        link = SubElement(para, "ulink", {"url": address})
        _text(link, "citetitle", name)
    licensed = SubElement(dataset, "licensed")
    _text(licensed, "licenseName", name)
    if address is not None:
        _text(licensed, "url", address)


def _coverage(dataset: Element, facts: EmlFacts) -> None:
    """Tell the box, the years and the groups."""
    if facts.bounds is None and facts.years is None and not facts.taxa:
        return
    coverage = SubElement(dataset, "coverage")
    if facts.bounds is not None:
        west, south, east, north = facts.bounds
        place = SubElement(coverage, "geographicCoverage")
        _text(place, "geographicDescription", "The box of the published coordinates.")
        box = SubElement(place, "boundingCoordinates")
        for name, value in (("west", west), ("east", east), ("north", north), ("south", south)):
            _text(box, f"{name}BoundingCoordinate", repr(float(value)))
    if facts.years is not None:
        span = SubElement(SubElement(coverage, "temporalCoverage"), "rangeOfDates")
        for name, year in zip(("beginDate", "endDate"), facts.years, strict=True):
            _text(SubElement(span, name), "calendarDate", f"{year:04d}")
    if facts.taxa:
        groups = SubElement(coverage, "taxonomicCoverage")
        for taxon in facts.taxa:
            _text(SubElement(groups, "taxonomicClassification"), "taxonRankValue", taxon)


def _paragraphs(parent: Element, name: str, paragraphs: Iterable[str]) -> None:
    """Add an element of paragraphs."""
    element = SubElement(parent, name)
    for paragraph in paragraphs:
        _text(element, "para", paragraph)


def _cite(parent: Element, cited: Cited) -> None:
    """Add a citation."""
    _text(parent, "citation", cited.text, {"identifier": cited.identifier} if cited.identifier else {})


def _text(parent: Element, name: str, text: str, attributes: Mapping[str, str] = MappingProxyType({})) -> None:
    """Add an element with text."""
    SubElement(parent, name, {key: _clean(value) for key, value in attributes.items()}).text = _clean(text)


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold: control characters, lone surrogates."""
    return "".join(
        c for c in text if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )
