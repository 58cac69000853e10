"""Lines that stand where a description says that the headings are, and tell a record; headings where it says that there are none.

Headings may be in any language, so a line is a record only by what it shows: none of its cells is the name of a term, and
one of them is written as the cells below it are, figure for figure, or is a number or a date as no heading is. Of a line with
nothing below it any figure shows it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import polars as pl

from biodata.core.errors import InputError, Refusal, shorten
from biodata.formats import delimited
from biodata.formats.archives import LIMITS, Archive, ArchiveLimits, open_archive, read_document
from biodata.formats.delimited import Delimited
from biodata.formats.meta_xml import DataFile, Description, read_description
from biodata.formats.records import Record, Repairs
from biodata.formats.xml import local_name, local_term, parse, text_of

# Descriptions of datasets in EML (https://eml.ecoinformatics.org), as IPT and GBIF write them.
#
# Only what a dataset's page needs is taken out; names, addresses and e-mail addresses of persons stay in the document.

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
        As stated; the licence is its address where it has one, else its words.
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
    if (rights := _child(dataset, "intellectualRights")) is None:
        return None
    links = (e.get("url", "") for e in rights.iter() if local_name(e.tag) == "ulink")
    return next((link for link in links if _CREATIVE_COMMONS.search(link)), None) or text_of(rights)


def _organisations(dataset: Element) -> dict[str, None]:
    """Return the organisations in the order in which they are stated."""
    parties = (child for child in dataset if local_name(child.tag) in _PARTIES)
    names = (text_of(_child(party, "organizationName")) for party in parties)
    return dict.fromkeys(name for name in names if name)


def _text(data: bytes) -> str:
    """Return the document as text."""
    declared = _XML_ENCODING.match(data.lstrip())
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    return data.decode(declared[1].decode() if declared else "utf-8-sig", "replace").removeprefix("\ufeff")


HEADING_LOST: Final = "HEADING_LOST"
HEADING_REPEATED: Final = "HEADING_ROW_REPEATED"
_USUAL_HEADINGS: Final = frozenset("id coreid gbifid occurrenceid eventid taxonid scientificname eventdate".split())
"""Headings of nearly every archive, whatever its description names."""
_FIGURES: Final = re.compile(r"[+-]?\d[\d.,:/+\-TZ ]*")
_FEWEST: Final = 2  # columns whose names a line has to state before it is headings: of a single one it may be a word
_DIGITS: Final = re.compile(r"\d+")
_NO_LETTERS: Final = re.compile(r"[^\w]|_")


def lost_headings(
    skipped: Sequence[Record], seen: Sequence[Record], terms: Collection[str], *, file: str
) -> list[Refusal]:
    """Return a refusal for each skipped line that is a record."""
    known = _USUAL_HEADINGS | {_bare(term) for term in terms}
    lines = [[value.decode().strip() for value in record.values] for record in skipped]
    if any(_bare(cell.rpartition(":")[2]) in known for line in lines for cell in line):
        return []
    below = [[_DIGITS.sub("0", value.decode().strip()) for value in record.values] for record in seen]
    message = (
        "this line is passed over as the file's headings, and it tells a record; its headings are lost; "
        'ignoreHeaderLines should be "0", or the headings put back'
    )
    rows = [record.row for record, line in zip(skipped, lines, strict=True) if _is_record(line, below)]
    return [Refusal(file, row, None, None, HEADING_LOST, message) for row in rows]


def repeated_headings(seen: Sequence[Record], names: Mapping[int, str], *, file: str) -> list[Refusal]:
    """Return a refusal for a first record whose cells are the names of its columns, and nothing else; none where it is a record."""
    cells = dict(enumerate(value.decode().strip() for value in seen[0].values)) if seen else {}
    if len(names) < _FEWEST or any(_bare(cells.get(at, "")) != _bare(term) for at, term in names.items()):
        return []
    problem = (
        'this line is the headings, though ignoreHeaderLines in meta.xml says that there are none: it should be "1"'
    )
    return [Refusal(file, seen[0].row, None, None, HEADING_REPEATED, problem)]


def _is_record(line: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether a line is written as the records below it."""
    if not below:
        return any(_DIGITS.search(cell) for cell in line)
    columns = [{row[at] for row in below if at < len(row)} for at in range(len(line))]
    return any(
        cell != "" and (_FIGURES.fullmatch(cell) is not None or _DIGITS.sub("0", cell) in names)
        for cell, names in zip(line, columns, strict=True)
    )


def _bare(name: str) -> str:
    """Return the letters and digits of a term's name, small."""
    return _NO_LETTERS.sub("", local_term(name)).lower()


# Darwin Core Archives, streamed: what meta.xml tells, and the rows of its files under the terms' addresses.
META: Final = "meta.xml"
METADATA: Final = ("eml.xml", "metadata.xml")
"""What a description of the dataset may be called where nothing tells its name."""
_TABLES: Final = frozenset({".csv", ".txt", ".tsv", ".tab", ".text", ".data", ".dwca"})
"""Endings of the files that may be the one table of an archive without a meta.xml; as GBIF's reader has them:
https://github.com/gbif/dwca-io, InternalDwcFileFactory.DATA_FILE_SUFFICES."""
_NOTHING: Final = "\\N"
"""What databases write for a cell that holds nothing."""
_CORE_ID, _EXTENSION_ID = "id", "coreid"
_WHOLE: Final = ("Event", "Occurrence", "Taxon")
"""Row types whose file keeps its headings even where it has no row."""
_NULLS: Final = ("CELL_NULL_MARKER", r"the cell holds \N, which databases write for nothing, and is read as empty")
_BACKSLASHES: Final = ("MEMBER_BACKSLASH", "a name in the archive has backslashes between its folders")


@dataclass(frozen=True)
class DarwinCoreArchive:
    """An opened archive.

    Attributes
    ----------
    archive : Archive
        Its files.
    description : Description, optional
        What meta.xml tells; None without one.
    metadata : DatasetDescription, optional
        The dataset's (of a GBIF download: the download's) description.
    only_table : str
        The one data file of an archive without a meta.xml; else empty.
    repairs : Repairs
        What is mended; complete when all of its tables were read.
    """

    archive: Archive
    description: Description | None
    metadata: DatasetDescription | None
    only_table: str = ""
    repairs: Repairs = field(default_factory=Repairs)

    @property
    def name(self) -> str:
        """What the archive is called."""
        return self.archive.name

    @property
    def constituents(self) -> Mapping[str, DatasetDescription]:
        """The descriptions in `dataset/` of a GBIF download by dataset key, each read when it is asked for."""
        return _Constituents(self.archive)


def open_dwca(path: Path, *, limits: ArchiveLimits = LIMITS) -> DarwinCoreArchive:
    """Open a Darwin Core Archive: a zip, or the folder that one was unpacked to.

    Raises
    ------
    InputError
        If the archive is not safe or broken, its meta.xml or its EML cannot be used, or it has no meta.xml and not
        exactly one table (ARCHIVE_NOT_DWCA).
    """
    archive, repairs = open_archive(path, limits=limits), Repairs()
    repairs.add(archive.name, *_BACKSLASHES, count=archive.backslashes)
    if META not in archive.sizes:
        return _simple(archive, repairs)
    file = f"{archive.name}/{META}"
    description = read_description(read_document(archive, META), file=file, members=archive.sizes, repairs=repairs)
    metadata = description.metadata or next((name for name in archive.sizes if name.lower() == "eml.xml"), None)
    return DarwinCoreArchive(archive, description, _metadata(archive, metadata, repairs), repairs=repairs)


def rows(
    dwca: DarwinCoreArchive, data_file: DataFile, refusals: list[Refusal], *, encoding: str | None = None,
    repairs: Repairs | None = None,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """Yield the rows of a core or an extension.

    Parameters
    ----------
    dwca : DarwinCoreArchive
        The archive.
    data_file : DataFile
        One of its description's.
    refusals : list of Refusal
        Gets the rows that cannot be read, and those that are passed over as headings and are none.
    encoding : str, optional
        The encoding, where meta.xml tells a wrong one.
    repairs : Repairs, optional
        Counts what is mended; else the archive's own does.

    Yields
    ------
    polars.DataFrame
        `source_file`, `source_row`, `id` (of a core) or `coreid` (of an extension) where it has a column that no
        field describes, and the fields under their terms' addresses: text as it came, empty ones, and those that hold the mark of
        databases for nothing, the default or null.

    Raises
    ------
    InputError
        If hardly a field has its column in the file (META_INVALID), the file cannot be read, or records or events were lost of
        which meta.xml tells that their file begins with headings (INPUT_EMPTY).
    """
    repairs = dwca.repairs if repairs is None else repairs
    is_survey = dwca.description is not None and dwca.description.core.kind == "Event"
    for location in data_file.locations:
        file = f"{dwca.name}/{location}"
        if dwca.archive.sizes[location] == 0:
            if data_file.header_lines and data_file.kind in _WHOLE:
                problem = "the file is empty, and its description says that it begins with headings"
                raise InputError(problem, file=file, expected="the file as it was written", code="INPUT_EMPTY")
            continue
        table = _opened(dwca, data_file, location, refusals, repairs, encoding=encoding, without_blank=is_survey)
        columns = _columns(dwca, data_file)
        terms = [stated.term for stated in data_file.fields]
        refusals += lost_headings(table.skipped, table.seen, terms, file=file)
        for frame in table.batches:
            refusals += table.refusals
            table.refusals.clear()
            nothing = frame.select(pl.sum_horizontal((pl.exclude("source_row") == _NOTHING).sum())).item()
            repairs.add(file, *_NULLS, count=nothing or 0)
            stated = frame.with_columns(pl.exclude("source_row").replace(_NOTHING, None)) if nothing else frame
            yield stated.select(pl.lit(file).alias("source_file"), "source_row", *columns)
        refusals += table.refusals


def _opened(
    dwca: DarwinCoreArchive, data_file: DataFile, location: str, refusals: list[Refusal], repairs: Repairs, *,
    encoding: str | None, without_blank: bool,
) -> Delimited:  # fmt: skip
    """Return a file as a table with a column for each index that its description names."""
    file = f"{dwca.name}/{location}"
    described = {field.index: field.term for field in data_file.fields if field.index is not None}
    indexes = [*described, *([] if data_file.id_index is None else [data_file.id_index])]
    read = partial(
        delimited.read, partial(dwca.archive.open, location), file=file, encoding=encoding or data_file.encoding,
        named=False, without_blank=without_blank, repairs=repairs, columns=max(indexes, default=0) + 1,
    )  # fmt: skip
    table = read(dialect=data_file.dialect, header_lines=data_file.header_lines)
    if _width(table) == 1 < len(set(indexes)):
        other = read(header_lines=data_file.header_lines)
        if _width(other) == 1 or any(index >= _width(other) for index in indexes):
            problem = f"{location} has 1 column, and {local_term(data_file.fields[-1].term)} should be in another"
            raise InputError(problem, file=f"{dwca.name}/{META}", code="META_INVALID")
        parts = f"{other.dialect.separator!r} parts its cells, and meta.xml says {data_file.dialect.separator!r}"
        repairs.add(file, "META_SEPARATOR_WRONG", parts)
        table = other
    if not data_file.header_lines and (headings := repeated_headings(table.seen, described, file=file)):
        refusals += headings
        table = read(dialect=replace(table.dialect, line_end=data_file.dialect.line_end), header_lines=1)
    for index, term in described.items():
        if index >= _width(table):
            missing = f"{local_term(term)} should be in column {index} (from 0), which the file does not have"
            repairs.add(f"{dwca.name}/{META}", "META_COLUMN_MISSING", missing)
    return table


def _width(table: Delimited) -> int:
    """Return how many cells the longest of the first lines has, the headings included."""
    return max((len(record.values) for record in (*table.skipped[-1:], *table.seen)), default=0)


def _columns(dwca: DarwinCoreArchive, data_file: DataFile) -> list[pl.Expr]:
    """Return the described columns of a file."""
    is_core = dwca.description is not None and data_file is dwca.description.core
    columns = []
    if data_file.id_index is not None and (
        not is_core or data_file.id_index not in {field.index for field in data_file.fields}
    ):
        id_name = _CORE_ID if is_core else _EXTENSION_ID
        columns.append(pl.col(f"column_{data_file.id_index + 1}").alias(id_name))
    for field_ in data_file.fields:
        if field_.index is None:
            columns.append(pl.lit(field_.default, pl.String).alias(field_.term))
        else:
            stated = pl.col(f"column_{field_.index + 1}")
            columns.append((stated if field_.default is None else stated.fill_null(field_.default)).alias(field_.term))
    return columns


def core_id(core: DataFile) -> str:
    """Return the name, in `rows`, of the column of a core that extensions point at."""
    return next((field.term for field in core.fields if field.index == core.id_index), _CORE_ID)


def _simple(archive: Archive, repairs: Repairs) -> DarwinCoreArchive:
    """Return an archive without a meta.xml: one table, and perhaps its description."""
    if "[Content_Types].xml" in archive.sizes:
        problem = "this is a workbook or another Office document"
        raise InputError(
            problem, file=archive.name, expected="a table of text, or a zip of one", code="ARCHIVE_NOT_DWCA"
        )
    metadata = [name for name in archive.sizes if name.lower() in METADATA]
    others = [name for name in archive.sizes if name not in metadata]
    tables = [name for name in others if PurePosixPath(name.lower()).suffix in _TABLES]
    if len(others) == 1:
        tables = others
    if len(tables) != 1 or len(metadata) > 1:
        found = ", ".join(sorted(archive.sizes)[:5]) or "nothing"
        problem = f"without a meta.xml an archive holds one table, and may hold an eml.xml; this one holds {found}"
        raise InputError(problem, file=archive.name, code="ARCHIVE_NOT_DWCA")
    for name in others:
        if name not in tables:
            repairs.add(archive.name, "FILE_UNUSED", f"{shorten(name)} is no table and no description, and is not read")
    described = _metadata(archive, metadata[0] if metadata else None, repairs)
    return DarwinCoreArchive(archive, None, described, tables[0], repairs)


def _metadata(archive: Archive, member: str | None, repairs: Repairs) -> DatasetDescription | None:
    """Return the description in a member; None where it cannot be read: the records are what they are without it."""
    if member is None:
        return None
    try:
        return read_eml(read_document(archive, member), file=f"{archive.name}/{member}")
    except InputError as error:
        if error.code != "XML_INVALID":
            raise
        repairs.add(
            f"{archive.name}/{member}",
            "METADATA_INVALID",
            f"the description of the dataset is left out: {error.problem}",
        )
        return None


class _Constituents(Mapping[str, DatasetDescription]):
    """Descriptions of the datasets in a GBIF download."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.members = {
            unquote(name.removeprefix("dataset/").removesuffix(".xml")): name
            for name in archive.sizes
            if name.startswith("dataset/") and name.endswith(".xml")
        }

    def __getitem__(self, key: str) -> DatasetDescription:
        return read_eml(read_document(self.archive, self.members[key]), file=f"{self.archive.name}/{self.members[key]}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)
