"""A dataset as a catalogue tells of it: what EML, schema.org's JSON-LD and DCAT 3 are written from, published values only."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from biodata.exports.templating import environment, xml_text
from biodata.sharing.labels import in_words, labels
from biodata.sharing.licences import LICENCES, MEDIA, UNSPECIFIED, strictest

# Metadata in EML 2.2 as GBIF's profile 1.3 has it: of a download and of the datasets in it.
#
# Written from the documentation of EML (https://eml.ecoinformatics.org/schema) and of GBIF's profile
# (https://ipt.gbif.org/manual/en/ipt/latest/gbif-metadata-profile); elements stand in the order that the schema asks for.


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
        Date, ISO 8601; the day is stated as the date of publication.
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
    made = environment("biodata.exports", clean=xml_text).get_template("eml.xml")
    return (made.render(facts=facts) + "\n").encode()


OCCURRENCE: Final = "OCCURRENCE"
TYPES: Final = (OCCURRENCE, "CHECKLIST", "METADATA")
"""GBIF's names for what a dataset is."""

_KEYWORDS: Final = {
    OCCURRENCE: ("Occurrence", "Darwin Core", "biodiversity"),
    "CHECKLIST": ("Checklist", "Darwin Core", "biodiversity"),
    "METADATA": ("Metadata", "biodiversity"),
}
_WHAT: Final = {"CHECKLIST": "A checklist of names; no occurrences.", "METADATA": "Areas or layers; no occurrences."}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """What a release publishes of a dataset.

    Attributes
    ----------
    records, placed, generalised, species : int
        Published records, those with coordinates, presences of sensitive taxa, and different species.
    bounds : (west, south, east, north), optional
        Degrees, of the published coordinates.
    years : (int, int), optional
        First and last.
    licenses, effective : tuple of str
        Of its records, where they tell one, and those that hold, in GBIF's spelling.
    labels : tuple of str
        Codes of the labels of communities that some of its records carry, sorted.
    surveys : int
        Published survey events.
    survey_bounds : (west, south, east, north), optional
        Degrees, of their published places.
    """

    records: int = 0
    placed: int = 0
    generalised: int = 0
    species: int = 0
    bounds: tuple[float, float, float, float] | None = None
    years: tuple[int, int] | None = None
    licenses: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    surveys: int = 0
    survey_bounds: tuple[float, float, float, float] | None = None

    @property
    def license_effective(self) -> str | None:
        """The strictest licence that holds for its records; None where there are none."""
        return strictest(self.effective) if self.effective else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry(DatasetSummary):
    """What is stated of a dataset.

    Attributes
    ----------
    key : str
        Its key.
    url : str
        Its page.
    title : str
        Title; the key where it has none.
    description : tuple of str
        Paragraphs.
    publisher : str, optional
        The organisation that published it.
    license : str
        In GBIF's spelling; UNSPECIFIED where none is stated.
    citation, doi : str, optional
        How its publisher wants it cited.
    issued, modified : str
        ISO 8601: when it was first taken in, and when the release was made.
    release : str
        The release.
    type : str
        As GBIF names it: OCCURRENCE, CHECKLIST, or METADATA for areas and layers.
    groups : mapping of str to int
        Records by class or phylum, the most frequent first.
    files : mapping of str to (address, media type)
        Where its records are had, by name.
    permits : tuple of str
        The permits that it rests on, in words.
    permit_notices : tuple of str
        Sentences: what is to be heeded of them, or that none is stated.
    """

    key: str
    url: str
    title: str
    description: tuple[str, ...]
    publisher: str | None
    license: str
    citation: str | None
    doi: str | None
    issued: str
    modified: str
    release: str
    type: str = OCCURRENCE
    groups: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    permits: tuple[str, ...] = ()
    permit_notices: tuple[str, ...] = ()

    @property
    def keywords(self) -> tuple[str, ...]:
        """Words by which it is found."""
        return _KEYWORDS[self.type]

    @property
    def counts(self) -> str:
        """How much is published of it, in words."""
        if self.type != OCCURRENCE:
            return _WHAT[self.type]
        if not self.records:
            return (
                "No occurrence of this dataset is in this release: its records were withdrawn, or sharing rules "
                "withhold all of them."
            )
        return f"{self.records:,} published records, {self.placed:,} with coordinates, {self.species:,} species."

    @property
    def license_name(self) -> str:
        """The licence that holds in words."""
        return LICENCES.get(self.license_effective or self.license, LICENCES["UNSUPPORTED"])[0]

    @property
    def license_url(self) -> str | None:
        """The address of the licence that holds, where it has one."""
        return LICENCES.get(self.license_effective or self.license, LICENCES["UNSUPPORTED"])[1]

    @property
    def rights(self) -> str:
        """What is to be heeded by whoever uses it: licence, labels of communities, permits."""
        unknown = (self.license_effective or self.license) == UNSPECIFIED
        parts = ["No licence is told." if unknown else f"This work is licensed under {self.license_name}."]
        if self.license_effective not in (None, self.license) and self.license != UNSPECIFIED:
            parts.append("That is the strictest licence of its records; some are under a more permissive one.")
        if self.records:
            parts.append(MEDIA)
        if self.labels:
            parts.append(in_words(self.labels))
        if self.permits:
            parts.append(f"It rests on {'; '.join(self.permits)}.")
        return " ".join([*parts, *self.permit_notices])

    @property
    def doi_url(self) -> str | None:
        """The DOI as an address."""
        return f"https://doi.org/{self.doi.removeprefix('https://doi.org/')}" if self.doi else None

    @property
    def cite(self) -> str:
        """How to cite it: in its publisher's words, else in ours."""
        if self.citation:
            return self.citation
        year, where = self.modified[:4], self.doi_url or self.url
        return (
            f"{self.publisher} ({year}). {self.title}. {where}" if self.publisher else f"{self.title} ({year}). {where}"
        )

    @property
    def generalisation(self) -> str:
        """The statement about presences; nothing where there are no rows."""
        if not self.records:
            return ""
        if not self.generalised:
            return "No published row stands for records of a sensitive taxon. Records that sharing rules withhold are not counted."
        return (
            f"{self.generalised:,} of {self.records:,} published rows are presences: each stands for all records of a "
            "sensitive taxon in a grid cell. Records that sharing rules withhold are not counted."
        )


def eml_facts(entry: DatasetEntry) -> EmlFacts:
    """Return what a dataset's EML tells."""
    url = entry.license_url
    named = None if url is None else (entry.license_name, url)
    return EmlFacts(
        package_id=f"{entry.key}/{entry.release}",
        title=entry.title,
        published=entry.modified,
        publisher=entry.publisher or entry.title,
        abstract=entry.description or (entry.counts,),
        citation=Cited(entry.cite, entry.doi_url or entry.url),
        rights=entry.rights,
        license=named,
        identifiers=tuple(i for i in (entry.doi_url, entry.key) if i),
        notes=tuple(text for text in (entry.counts, entry.generalisation) if text),
        bounds=entry.bounds,
        years=entry.years,
        keywords=entry.keywords,
        provider="biodata",
        link=entry.url,
        taxa=tuple(entry.groups),
    )


# A dataset as schema.org's Dataset in JSON-LD, as search engines read it (https://schema.org/Dataset).
_CONTEXT = "https://schema.org/"
_MEASURED = ("species occurrence", "decimalLatitude", "decimalLongitude", "eventDate")


def schema_org_dataset(entry: DatasetEntry) -> dict[str, Any]:
    """Return a dataset with its context; what is not known is absent."""
    return {"@context": _CONTEXT, **_schema_org_dataset(entry)}


def _schema_org_dataset(entry: DatasetEntry) -> dict[str, Any]:
    organisation = {"@type": "Organization", "name": entry.publisher} if entry.publisher else None
    facts: dict[str, Any] = {
        "@type": "Dataset",
        "@id": entry.url,
        "name": entry.title,
        # schema.org's readers ask for 50 characters at least.
        "description": "\n\n".join(text for text in (*entry.description, entry.counts, entry.generalisation) if text),
        "url": entry.url,
        "identifier": [i for i in (entry.doi_url, entry.key) if i],
        "sameAs": entry.doi_url,
        "keywords": [*entry.keywords, *list(entry.groups)[:10]],
        "license": entry.license_url,
        "usageInfo": [labels()[code].address for code in entry.labels if code in labels()],
        "conditionsOfAccess": entry.rights,
        "isAccessibleForFree": True,
        "creator": organisation,
        "publisher": organisation,
        "citation": entry.citation,
        "version": entry.release,
        "dateCreated": entry.issued[:10] or None,
        "dateModified": entry.modified[:10],
        "size": f"{entry.records} records" if entry.type == OCCURRENCE else None,
        "spatialCoverage": _schema_org_box(entry.bounds),
        "temporalCoverage": f"{entry.years[0]:04d}/{entry.years[1]:04d}" if entry.years else None,
        "variableMeasured": list(_MEASURED) if entry.type == OCCURRENCE else None,
        "distribution": [
            {"@type": "DataDownload", "name": name, "contentUrl": address, "encodingFormat": media_type}
            for name, (address, media_type) in entry.files.items()
        ],
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def _schema_org_box(bounds: tuple[float, float, float, float] | None) -> dict[str, Any] | None:
    """Return a box as schema.org writes it: south, west, north, east."""
    if bounds is None:
        return None
    west, south, east, north = bounds
    return {"@type": "Place", "geo": {"@type": "GeoShape", "box": f"{south!r} {west!r} {north!r} {east!r}"}}


# Datasets as DCAT 3 (https://www.w3.org/TR/vocab-dcat-3/), in JSON-LD.

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

Node = dict[str, Any]
"""A thing of a class and what is stated of it, as JSON-LD."""


def dcat_catalogue(entries: Iterable[DatasetEntry], *, url: str, title: str, description: str, release: str) -> Node:
    """Return the catalogue of datasets."""
    facts = {
        "dct:title": [_text(title, "en")],
        "dct:description": [_text(description, "en")],
        "dct:publisher": [_agent("biodata")],
        "dcat:version": [_text(release)],
        "dcat:dataset": [dcat_dataset(entry) for entry in entries],
    }
    return _address(url) | {"@type": "dcat:Catalog"} | facts


def dcat_dataset(entry: DatasetEntry) -> Node:
    """Return a dataset in DCAT; what is not known is absent."""
    licence = [_address(entry.license_url)] if entry.license_url else []
    facts = {
        "dct:title": [_text(entry.title)],
        "dct:description": [_text(text) for text in (*entry.description, entry.counts, entry.generalisation) if text],
        "dct:identifier": [_text(i) for i in (entry.key, entry.doi_url) if i],
        "dct:publisher": [_agent(entry.publisher)] if entry.publisher else [],
        "dct:license": licence,
        "dct:rights": [{"@type": "dct:RightsStatement", "dct:description": [_text(entry.rights, "en")]}],
        "dct:bibliographicCitation": [_text(entry.cite)],
        "dct:issued": [_typed(entry.issued[:10], "xsd:date")] if entry.issued else [],
        "dct:modified": [_typed(entry.modified[:10], "xsd:date")],
        "dct:spatial": _dcat_box(entry.bounds),
        "dct:temporal": _years(entry.years),
        "dcat:keyword": [*(_text(word, "en") for word in entry.keywords), *map(_text, entry.groups)],
        "dcat:landingPage": [_address(entry.url)],
        "dcat:version": [_text(entry.release)],
        "dcat:distribution": [_file(name, *row, licence) for name, row in entry.files.items()],
    }
    stated = {name: values for name, values in facts.items() if values}
    return _address(f"{entry.url}#dataset") | {"@type": "dcat:Dataset"} | stated


def to_json_ld(node: Node) -> Node:
    """Return a node as a JSON-LD document with its context."""
    return {"@context": dict(PREFIXES), **node}


def _agent(name: str) -> Node:
    return {"@type": "foaf:Organization", "foaf:name": [_text(name)]}


def _file(name: str, address: str, media_type: str, licence: list[Node]) -> Node:
    facts = {
        "@type": "dcat:Distribution",
        "dct:title": [_text(name, "en")],
        "dcat:accessURL": [_address(address)],
        "dcat:mediaType": [_address(_MEDIA_TYPES + media_type)],
    }
    return facts | ({"dct:license": licence} if licence else {})


def _dcat_box(bounds: tuple[float, float, float, float] | None) -> list[Node]:
    """Return a box as WKT; longitude first, as CRS84 has it."""
    if bounds is None:
        return []
    west, south, east, north = bounds
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    text = f"POLYGON(({', '.join(f'{x!r} {y!r}' for x, y in corners)}))"
    return [{"@type": "dct:Location", "dcat:bbox": [_typed(text, "geo:wktLiteral")]}]


def _years(years: tuple[int, int] | None) -> list[Node]:
    if years is None:
        return []
    ends = zip(("dcat:startDate", "dcat:endDate"), years, strict=True)
    return [{"@type": "dct:PeriodOfTime"} | {n: [_typed(f"{y:04d}", "xsd:gYear")] for n, y in ends}]


def _text(text: str, language: str | None = None) -> Node:
    return {"@value": text} | ({"@language": language} if language else {})


def _typed(text: str, datatype: str) -> Node:
    return {"@value": text, "@type": datatype}


def _address(text: str) -> Node:
    """Return an address; what may not stand in one is escaped."""
    escaped = re.sub(r"[^\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]", lambda found: quote(found[0]), text)
    return {"@id": escaped}
