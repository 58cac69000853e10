"""The description of a Darwin Core Archive: meta.xml, after https://dwc.tdwg.org/text/.

What GBIF's reader passes over (https://github.com/gbif/dwca-io) is mended and counted here: earlier names of row types, a term
that is named twice, a description of the dataset that is missing, an extension without a pointer.
An extension is known by its file, not by its row type: GBIF's `verbatim.txt` has the row type of its core.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NoReturn
from xml.etree.ElementTree import Element

from biodata.core.errors import InputError, shorten
from biodata.formats import encodings
from biodata.formats.records import Dialect, Limits, Repairs
from biodata.formats.xml import local_name, local_term, parse

CORE_ROW_TYPES: Final = ("Occurrence", "Event", "Taxon")
"""Row types that the core of an archive may have."""
_OCCURRENCE: Final = "http://rs.tdwg.org/dwc/terms/Occurrence"
_TAXON: Final = "http://rs.tdwg.org/dwc/terms/Taxon"
_EVENT: Final = "http://rs.tdwg.org/dwc/terms/Event"
_EARLIER: Final = MappingProxyType(
    {
        "http://rs.tdwg.org/dwc/xsd/simpledarwincore": _OCCURRENCE,
        "http://rs.tdwg.org/dwc/xsd/simpledarwincore/simpledarwinrecord": _OCCURRENCE,
        "http://rs.tdwg.org/dwc/terms/simpledarwinrecord": _OCCURRENCE,
        "http://rs.tdwg.org/dwc/terms/simpledarwincore": _OCCURRENCE,
        "http://rs.tdwg.org/dwc/terms/darwincore": _OCCURRENCE,
        "darwincore": _OCCURRENCE,
        "http://rs.tdwg.org/dwc/dwctype/occurrence": _OCCURRENCE,
        "http://rs.tdwg.org/dwc/dwctype/taxon": _TAXON,
        "http://rs.tdwg.org/dwc/dwctype/event": _EVENT,
    }
)
"""Row types of the years before 2010 in small letters → today's; as GBIF's publishing tool reads them:
https://github.com/gbif/ipt, ExtensionManagerImpl.normalizeRowType, and the alternative names in gbif/dwc-api, DwcTerm."""
_DEFAULT_ROW_TYPE: Final = "http://rs.tdwg.org/dwc/xsd/simpledarwincore/SimpleDarwinRecord"
"""Of a table that names none: http://rs.tdwg.org/dwc/text/tdwg_dwc_text.xsd."""
_ESCAPES: Final = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n"}
_LINE_ENDS: Final = ("\n", "\r\n", "\r")
_MOST_COLUMNS: Final = Limits().columns


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a data file, or a value that holds for all of its rows.

    Attributes
    ----------
    term : str
        The term's address.
    index : int, optional
        Position in the file, the first being 0; None for a value that stands only in the description.
    default : str, optional
        The value where the file has none.
    """

    term: str
    index: int | None
    default: str | None


@dataclass(frozen=True, slots=True)
class DataFile:
    """A core or an extension.

    Attributes
    ----------
    row_type : str
        Address of the class that a row is.
    locations : tuple of str
        Members of the archive, in order; together they are the table.
    encoding : str
        Python's name of the encoding.
    dialect : Dialect
        Separator and quote; the line end is found in the file.
    header_lines : int
        Lines before the data.
    id_index : int, optional
        Position of the core's identifier; of the core's identifier in an extension.
    fields : tuple of Field
        The columns that are stated.
    """

    row_type: str
    locations: tuple[str, ...]
    encoding: str
    dialect: Dialect
    header_lines: int
    id_index: int | None
    fields: tuple[Field, ...]

    @property
    def kind(self) -> str:
        """The row type without its namespace, such as Occurrence."""
        return local_term(self.row_type)


@dataclass(frozen=True, slots=True)
class Description:
    """What a meta.xml tells.

    Attributes
    ----------
    core : DataFile
        The table whose rows have the identifiers.
    extensions : tuple of DataFile
        The tables whose rows point at them.
    metadata : str, optional
        The member with the dataset's description.
    """

    core: DataFile
    extensions: tuple[DataFile, ...]
    metadata: str | None


def read_description(
    data: bytes, *, file: str, members: Collection[str], repairs: Repairs | None = None
) -> Description:
    """Read a meta.xml.

    Parameters
    ----------
    data : bytes
        The document.
    file : str
        Named in errors.
    members : collection of str
        What the archive holds; a location is only ever looked up here.
    repairs : Repairs, optional
        Counts what is mended.

    Raises
    ------
    InputError
        For each thing that cannot be read, naming the element (META_INVALID); for a file of rows that is not in the
        archive (META_FILE_MISSING); for an encoding that is not known (INPUT_ENCODING_UNKNOWN).
    """
    root = parse(data, file=file)
    reader = _Reader(file, members, Repairs() if repairs is None else repairs)
    if local_name(root.tag) != "archive":
        reader.refuse(local_name(root.tag), "is no archive description", "the root element <archive>")
    cores = [child for child in root if local_name(child.tag) == "core"]
    if len(cores) != 1:
        reader.refuse("archive", f"has {len(cores)} <core> elements", "exactly one")
    extensions = list(reader.extensions(root))
    core = reader.data_file(cores[0], "archive/core", "id", needs_id=bool(extensions))
    if core.kind not in CORE_ROW_TYPES:
        reader.refuse("archive/core/@rowType", f"{core.row_type!r} is not known", f"one of {', '.join(CORE_ROW_TYPES)}")
    return Description(
        core,
        tuple(reader.data_file(element, path, "coreid", needs_id=True) for path, element in extensions),
        reader.metadata(root),
    )


class _Reader:
    """Reads the parts of one meta.xml."""

    def __init__(self, file: str, members: Collection[str], repairs: Repairs) -> None:
        self.file, self.members, self.repairs = file, members, repairs
        self.taken: set[str] = set()

    def mend(self, code: str, message: str) -> None:
        """Count a repair."""
        self.repairs.add(self.file, code, message)

    def extensions(self, root: Element) -> Iterator[tuple[str, Element]]:
        """Yield the extensions whose rows point at the core, each with its path."""
        found = (child for child in root if local_name(child.tag) == "extension")
        for number, element in enumerate(found, 1):
            path = f"archive/extension[{number}]"
            if not any(local_name(child.tag) == "coreid" for child in element):
                kind = local_term(element.get("rowType") or "") or "no row type"
                self.mend(
                    "META_EXTENSION_UNUSED",
                    f"{path} ({kind}) has no coreid: its rows belong to nothing, and are not read",
                )
                continue
            yield path, element

    def metadata(self, root: Element) -> str | None:
        """Return the member that describes the dataset; None where it is not there."""
        text = (root.get("metadata") or "").strip()
        name = self.member(text)
        if text and name is None:
            self.mend(
                "METADATA_MISSING",
                f"there is no file {shorten(text)!r} in the archive, which should describe the dataset",
            )
        return name

    def member(self, text: str) -> str | None:
        """Return the member that a location names, in whatever way its folder is written."""
        name = text.replace("\\", "/").removeprefix("./")
        return name if name in self.members else None

    def data_file(self, element: Element, path: str, id_name: str, *, needs_id: bool) -> DataFile:
        """Return a core or an extension."""
        row_type = self.row_type(element, path)
        id_elements = [child for child in element if local_name(child.tag) == id_name]
        if len(id_elements) > 1 or (needs_id and not id_elements):
            self.refuse(f"{path}/{id_name}", "is missing" if not id_elements else "stands twice", "exactly one")
        id_index = self.index(id_elements[0], f"{path}/{id_name}") if id_elements else None
        if id_elements and id_index is None:
            self.refuse(f"{path}/{id_name}/@index", "is missing", "a column number, the first being 0")
        return DataFile(
            row_type=row_type,
            locations=tuple(self.locations(element, path)),
            encoding=self.encoding(element, path),
            dialect=self.dialect(element, path),
            header_lines=self.header_lines(element, path),
            id_index=id_index,
            fields=tuple(self.fields(element, path)),
        )

    def row_type(self, element: Element, path: str) -> str:
        """Return what a row is, by today's name."""
        text = (element.get("rowType") or "").strip() or _DEFAULT_ROW_TYPE
        today = _EARLIER.get(text.rstrip("/").lower(), text)
        if today != text:
            self.mend(
                "META_ROW_TYPE_EARLIER",
                f"{path}/@rowType: {shorten(text)} is an earlier name, read as {local_term(today)}",
            )
        return today

    def locations(self, element: Element, path: str) -> Iterator[str]:
        """Yield the files of a table; each must be a member that no other table has."""
        found = [e for e in element.iter() if local_name(e.tag) == "location"]
        if not found:
            self.refuse(f"{path}/files/location", "is missing", "the name of a file in the archive")
        for location in found:
            text = (location.text or "").strip()
            name = self.member(text)
            if name is None:
                self.missing(f"{path}/files/location", text)
            if name in self.taken:
                self.refuse(f"{path}/files/location", f"{name!r} stands twice", "each file once")
            self.taken.add(name)
            yield name

    def encoding(self, element: Element, path: str) -> str:
        """Return the encoding; UTF-8 where it is not stated."""
        try:
            return encodings.known(element.get("encoding") or "UTF-8", file=self.file)
        except InputError as error:
            problem = f"{path}/@encoding: {error.problem}"
            raise InputError(problem, file=self.file, expected=error.expected, code=error.code) from None

    def dialect(self, element: Element, path: str) -> Dialect:
        """Return separator and quote."""
        separator = self.character(element.get("fieldsTerminatedBy", ","), f"{path}/@fieldsTerminatedBy")
        if separator is None:
            self.refuse(f"{path}/@fieldsTerminatedBy", "is empty", "one ASCII character, or no attribute for a comma")
        quote = self.character(element.get("fieldsEnclosedBy", '"'), f"{path}/@fieldsEnclosedBy")
        if quote == separator:
            self.refuse(f"{path}/@fieldsEnclosedBy", f"{quote!r} is also the separator", "another character, or none")
        line_end = element.get("linesTerminatedBy", "\\n")
        if _ESCAPES.get(line_end, line_end) not in _LINE_ENDS:
            self.mend(
                "META_LINE_END_UNKNOWN",
                f"{path}/@linesTerminatedBy: {shorten(line_end)!r} ends no line; the file's own line ends are read",
            )
        return Dialect(separator, quote)

    def character(self, text: str, path: str) -> str | None:
        """Return a character that was stated as itself or as an escape; None where it is empty."""
        character = _ESCAPES.get(text, text)
        if len(character) > 1 or not character.isascii() or character in {"\n", "\r", "\x00"}:
            self.refuse(path, f"{text!r} cannot be used", "one ASCII character")
        return character or None

    def header_lines(self, element: Element, path: str) -> int:
        """Return how many lines stand before the data."""
        text = (element.get("ignoreHeaderLines") or "0").strip()
        if not (text.isascii() and text.isdigit()):
            self.mend(
                "META_HEADER_LINES_UNKNOWN", f"{path}/@ignoreHeaderLines: {shorten(text)!r} is no number; read as 0"
            )
            return 0
        if int(text[:9]) > 1_000:
            self.refuse(f"{path}/@ignoreHeaderLines", f"{text!r} are too many lines", "0 or 1")
        return int(text)

    def fields(self, element: Element, path: str) -> Iterator[Field]:
        """Yield the fields, each term once: as GBIF's reader does, the last that names it counts."""
        found: dict[str, Field] = {}
        for number, child in enumerate((e for e in element if local_name(e.tag) == "field"), 1):
            here = f"{path}/field[{number}]"
            term = (child.get("term") or "").strip()
            if not local_term(term):
                self.refuse(f"{here}/@term", "is missing", "the address of a term")
            index, default = self.index(child, here), child.get("default")
            if index is None and default is None:
                self.refuse(here, f"{local_term(term)} has neither index nor default", "one of them")
            if (earlier := found.pop(term, None)) is not None:
                left, read = (
                    "the default" if one is None else f"column {one} (from 0)" for one in (earlier.index, index)
                )
                self.mend(
                    "META_TERM_REPEATED", f"{path}: {local_term(term)} is named twice; {read} is read, {left} is not"
                )
            found[term] = Field(term, index, default or None)
        yield from found.values()

    def index(self, element: Element, path: str) -> int | None:
        """Return the column number of an element; None where it has none."""
        if (text := element.get("index")) is None:
            return None
        text = text.strip()
        if not (text.isascii() and text.isdigit()) or int(text[:9]) >= _MOST_COLUMNS:
            self.refuse(f"{path}/@index", f"{text!r} is no column number", f"0 to {_MOST_COLUMNS - 1:,}")
        return int(text)

    def missing(self, path: str, name: str) -> NoReturn:
        """Raise the error for a file that is not in the archive."""
        problem = f"{path}: there is no file {name!r} in the archive"
        raise InputError(problem, file=self.file, value=name, code="META_FILE_MISSING")

    def refuse(self, path: str, what: str, expected: str) -> NoReturn:
        """Raise the error for an element."""
        problem = f"{path}: {what}"
        raise InputError(problem, file=self.file, expected=expected, code="META_INVALID")
