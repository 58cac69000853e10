"""XML documents from strangers, whole or as they come: no document type, no entities, nothing fetched, flat memory."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, Protocol
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser, fromstring

from biodata.core.errors import InputError


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


# Large XML documents from strangers, read as they come: no document type, no entities, flat memory.
MAX_BYTES: Final = 2_000_000_000
MAX_DEPTH: Final = 24
MAX_TAG_BYTES: Final = 64_000_000
"""The parser keeps a tag until it has read its end: what bounds its memory."""
_BLOCK_BYTES: Final = 1 << 20


class Listener(Protocol):
    """What is stated of a document's elements, by their local names."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Hear that an element begins."""
        ...

    def end(self, name: str) -> None:
        """Hear that it ends."""
        ...

    def data(self, text: str) -> None:
        """Hear a piece of its text."""
        ...


class _Target:
    """What the parser calls: names without their namespace, the depth bounded."""

    def __init__(self, listener: Listener, file: str) -> None:
        self.listener, self.file, self.depth = listener, file, 0
        self.data: Callable[[str], None] = listener.data

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            problem = "elements of the XML stand too deep inside each other"
            raise InputError(problem, file=self.file, expected=f"at most {MAX_DEPTH} deep", code="XML_TOO_DEEP")
        self.listener.start(local_name(tag), {local_name(name): value for name, value in attributes.items()})

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.listener.end(local_name(tag))

    def close(self) -> None:
        return None


def listen(stream: BinaryIO, listener: Listener, *, file: str) -> Iterator[None]:
    """Read a document and tell a listener of its elements; pause after each block, so that what was heard can be used.

    Parameters
    ----------
    stream : binary file
        The document, in the encoding that it declares.
    listener : Listener
        What hears of them.
    file : str
        Named in the error; no error tells anything else that stands in the document.

    Yields
    ------
    None
        After each block.

    Raises
    ------
    InputError
        If it is not well formed (XML_INVALID), has a document type or entities (XML_UNSAFE), or is larger or deeper
        than is taken (XML_TOO_LARGE, XML_TOO_DEEP).
    """
    parser = DefusedXMLParser(target=_Target(listener, file), forbid_dtd=True)
    fed, begun = 0, False
    try:
        while block := stream.read(_BLOCK_BYTES):
            if not begun:
                block = block.lstrip(b" \t\r\n")  # some write an empty line before the declaration
                begun = bool(block)
            fed += len(block)
            if fed > MAX_BYTES:
                _too_large(file, f"at most {MAX_BYTES:,} bytes")
            parser.feed(block)
            if fed - parser.parser.CurrentByteIndex > MAX_TAG_BYTES:
                _too_large(file, f"tags of at most {MAX_TAG_BYTES:,} bytes")
            yield
        parser.close()
        yield
    except DefusedXmlException as error:
        problem = "the XML has a document type or entities, which are not taken"
        raise InputError(problem, file=file, code="XML_UNSAFE") from error
    except ParseError as error:
        row, column = error.position
        problem = f"the XML is not well formed, at letter {column + 1}"
        # What the parser says may quote the document, and so is not passed on.
        raise InputError(problem, file=file, row=row, code="XML_INVALID") from None
    except (ValueError, LookupError):  # an encoding that Python has not, or that has several bytes a letter
        problem = "the XML cannot be decoded"
        raise InputError(problem, file=file, expected="UTF-8", code="XML_INVALID") from None


def _too_large(file: str, expected: str) -> None:
    """Refuse a document."""
    problem = "the XML is too large"
    raise InputError(problem, file=file, expected=expected, code="XML_TOO_LARGE")
