"""Metadata in EML 2.2 as GBIF's profile 1.3 has it: of a download and of the datasets in it.

Written from the documentation of EML (https://eml.ecoinformatics.org/schema) and of GBIF's profile
(https://ipt.gbif.org/manual/en/ipt/latest/gbif-metadata-profile); elements stand in the order that the schema asks for.
"""

from dataclasses import dataclass, field

from biodata.exports.templating import environment, xml_text


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
    made = environment("biodata.exports", clean=xml_text).get_template("eml.xml")
    return (made.render(facts=facts) + "\n").encode()
