"""Descriptions of datasets in EML (https://eml.ecoinformatics.org), as IPT and GBIF write them.

Only what a dataset's page needs is taken out; names, addresses and e-mail addresses of persons stay in the document.
"""

import re
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from biodata.formats.xml import local_name, parse, text_of

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DOI: Final = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_CREATIVE_COMMONS: Final = re.compile(r"creativecommons\.org/", re.IGNORECASE)
_PARTIES: Final = ("creator", "metadataProvider", "associatedParty", "contact", "publisher")
_XML_ENCODING: Final = re.compile(rb"""<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")


@dataclass(frozen=True, slots=True)
class DatasetDescription:
    """What an EML document tells of a dataset.

    Attributes
    ----------
    key : str, optional
        The UUID that GBIF or the IPT gave the dataset.
    title, abstract, license, citation, doi : str, optional
        As told; the licence is its address where it has one, else its words.
    organisations : tuple of str
        Organisations of creators, contacts and others, each once.
    text : str
        The document.
    """

    key: str | None
    title: str | None
    abstract: str | None
    license: str | None
    citation: str | None
    doi: str | None
    organisations: tuple[str, ...]
    text: str


def read_eml(data: bytes, *, file: str) -> DatasetDescription:
    """Read an EML document.

    Parameters
    ----------
    data : bytes
        The document, in the encoding that it declares.
    file : str
        Named in errors.

    Raises
    ------
    InputError
        If it is not well formed, or has a document type or entities.
    """
    root = parse(data, file=file)
    dataset = next((e for e in root.iter() if local_name(e.tag) == "dataset"), root)
    identifiers = [root.get("packageId", "")]
    identifiers += [text for e in dataset if local_name(e.tag) == "alternateIdentifier" and (text := text_of(e))]
    citation = next((e for e in root.iter() if local_name(e.tag) == "citation"), None)
    if citation is not None and citation.get("identifier"):
        identifiers.append(citation.get("identifier", ""))
    return DatasetDescription(
        key=next((found[0].lower() for i in identifiers if (found := _UUID.search(i))), None),
        title=text_of(_child(dataset, "title")),
        abstract=text_of(_child(dataset, "abstract")),
        license=_license(dataset),
        citation=text_of(citation),
        doi=next((found[1] for i in identifiers if (found := _DOI.fullmatch(i.strip()))), None),
        organisations=tuple(_organisations(dataset)),
        text=_text(data),
    )


def _child(element: Element, name: str) -> Element | None:
    """Return the first child of that name."""
    return next((child for child in element if local_name(child.tag) == name), None)


def _license(dataset: Element) -> str | None:
    """Return the address of the licence, or the words about rights."""
    licensed = _child(dataset, "licensed")
    if licensed is not None:
        for name in ("url", "identifier", "licenseName"):
            if (text := text_of(_child(licensed, name))) is not None:
                return text
    rights = _child(dataset, "intellectualRights")
    if rights is None:
        return None
    links = (e.get("url", "") for e in rights.iter() if local_name(e.tag) == "ulink")
    return next((link for link in links if _CREATIVE_COMMONS.search(link)), None) or text_of(rights)


def _organisations(dataset: Element) -> dict[str, None]:
    """Return the organisations in the order in which they are told."""
    parties = (child for child in dataset if local_name(child.tag) in _PARTIES)
    names = (text_of(_child(party, "organizationName")) for party in parties)
    return dict.fromkeys(name for name in names if name)


def _text(data: bytes) -> str:
    """Return the document as text."""
    declared = _XML_ENCODING.match(data.lstrip())
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    return data.decode(declared[1].decode() if declared else "utf-8-sig", "replace").removeprefix("\ufeff")
