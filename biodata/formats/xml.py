"""XML documents from strangers: no document type, no entities, nothing fetched."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from biodata.errors import InputError


def parse(data: bytes, *, file: str) -> Element:
    """Return the root of a document.

    Parameters
    ----------
    data : bytes
        The document, in the encoding that it declares.
    file : str
        Named in the error.

    Raises
    ------
    InputError
        If it is not well formed (XML_INVALID), or has a document type or entities (XML_UNSAFE).
    """
    try:
        root = fromstring(data.lstrip(b" \t\r\n"), forbid_dtd=True)  # some write an empty line before the declaration
    except DefusedXmlException as error:
        problem = "the XML has a document type or entities, which are not taken"
        raise InputError(problem, file=file, code="XML_UNSAFE") from error
    except ParseError as error:
        row, column = error.position
        problem = f"the XML is not well formed: {str(error).partition(':')[0]}, at letter {column + 1}"
        raise InputError(problem, file=file, row=row, code="XML_INVALID") from error
    except (ValueError, LookupError) as error:  # an encoding that Python has not, or that has several bytes a letter
        problem = f"the XML cannot be decoded: {error}"
        raise InputError(problem, file=file, code="XML_INVALID") from error
    if not isinstance(root, Element):
        problem = "the XML has no root element"
        raise InputError(problem, file=file, code="XML_INVALID")
    return root


def local_name(tag: str) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2]


def local_term(address: str) -> str:
    """Return the name at the end of a term's address."""
    return address.strip().rstrip("/#").replace("#", "/").rpartition("/")[2]


def text_of(element: Element | None) -> str | None:
    """Return all text inside an element with single spaces; None where there is none."""
    if element is None:
        return None
    return " ".join("".join(element.itertext()).split()) or None
