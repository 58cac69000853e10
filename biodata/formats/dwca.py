"""Darwin Core Archives, streamed: what meta.xml tells, and the rows of its files under the terms' addresses.

Without a meta.xml an archive is one table of text with its headings, and may have an `eml.xml` beside it.
Columns that meta.xml does not describe are left out, as the text guide says; a default fills empty cells.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import delimited, lost_headings
from biodata.formats.archives import LIMITS, Archive, ArchiveLimits, open_archive, read_document
from biodata.formats.eml import DatasetDescription, read_eml
from biodata.formats.meta_xml import DataFile, Description, read_description
from biodata.formats.xml import local_term

META: Final = "meta.xml"
METADATA: Final = ("eml.xml", "metadata.xml")
"""What a description of the dataset may be called where nothing tells its name."""
_CORE_ID, _EXTENSION_ID = "id", "coreid"
_WHOLE: Final = ("Event", "Occurrence", "Taxon")
"""Row types whose file keeps its headings even where it has no row."""


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
    """

    archive: Archive
    description: Description | None
    metadata: DatasetDescription | None

    @property
    def name(self) -> str:
        """What the archive is called."""
        return self.archive.name

    @property
    def only_table(self) -> str:
        """The one data file of an archive without a meta.xml."""
        return next(name for name in self.archive.sizes if name.lower() not in METADATA)

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
    archive = open_archive(path, limits=limits)
    if META not in archive.sizes:
        return _simple(archive)
    file = f"{archive.name}/{META}"
    description = read_description(read_document(archive, META), file=file, members=archive.sizes)
    metadata = description.metadata or next((name for name in archive.sizes if name.lower() == "eml.xml"), None)
    return DarwinCoreArchive(archive, description, _metadata(archive, metadata))


def rows(
    dwca: DarwinCoreArchive, data_file: DataFile, refusals: list[Refusal], *, encoding: str | None = None
) -> Iterator[pl.DataFrame]:
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

    Yields
    ------
    polars.DataFrame
        `source_file`, `source_row`, `id` (of a core) or `coreid` (of an extension) where it has a column that no
        field describes, and the fields under their terms' addresses: text as it came, empty ones the default or null.

    Raises
    ------
    InputError
        If a field's index is beyond the columns (META_INVALID), the file cannot be read, or records or events were lost of
        which meta.xml tells that their file begins with headings (INPUT_EMPTY).
    """
    is_survey = dwca.description is not None and dwca.description.core.kind == "Event"
    for location in data_file.locations:
        file = f"{dwca.name}/{location}"
        if dwca.archive.sizes[location] == 0:
            if data_file.header_lines and data_file.kind in _WHOLE:
                problem = "the file is empty, and its description says that it begins with headings"
                raise InputError(problem, file=file, expected="the file as it was written", code="INPUT_EMPTY")
            continue
        read = partial(
            delimited.read,
            partial(dwca.archive.open, location),
            file=file,
            encoding=encoding or data_file.encoding,
            dialect=data_file.dialect,
            named=False,
            without_blank=is_survey,
        )
        table = read(header_lines=data_file.header_lines)
        if not data_file.header_lines:
            named = {field.index: field.term for field in data_file.fields if field.index is not None}
            headings = lost_headings.not_told(table.seen, named, file=file)
            if headings:
                refusals += headings
                table = read(header_lines=1)
        columns = _columns(dwca, data_file, len(table.headings), location)
        terms = [told.term for told in data_file.fields]
        refusals += lost_headings.lost(table.skipped, table.seen, terms, file=file)
        for frame in table.batches:
            refusals += table.refusals
            table.refusals.clear()
            yield frame.select(pl.lit(file).alias("source_file"), "source_row", *columns)
        refusals += table.refusals


def _columns(dwca: DarwinCoreArchive, data_file: DataFile, width: int, location: str) -> list[pl.Expr]:
    """Return the described columns of a file."""
    is_core = dwca.description is not None and data_file is dwca.description.core
    id_name = _CORE_ID if is_core else _EXTENSION_ID
    columns = []
    used = {id_name: data_file.id_index} | {field.term: field.index for field in data_file.fields}
    for term, index in used.items():
        if index is not None and index >= width:
            problem = f"{location} has {width} columns, and {local_term(term)} should be in column {index} (from 0)"
            raise InputError(problem, file=f"{dwca.name}/{META}", code="META_INVALID")
    if data_file.id_index is not None and (
        not is_core or data_file.id_index not in {field.index for field in data_file.fields}
    ):
        columns.append(pl.col(f"column_{data_file.id_index + 1}").alias(id_name))
    for field in data_file.fields:
        if field.index is None:
            columns.append(pl.lit(field.default, pl.String).alias(field.term))
        else:
            told = pl.col(f"column_{field.index + 1}")
            columns.append((told if field.default is None else told.fill_null(field.default)).alias(field.term))
    return columns


def core_id(core: DataFile) -> str:
    """Return the name, in `rows`, of the column of a core that extensions point at."""
    return next((field.term for field in core.fields if field.index == core.id_index), _CORE_ID)


def _simple(archive: Archive) -> DarwinCoreArchive:
    """Return an archive without a meta.xml: one table, and perhaps its description."""
    if "[Content_Types].xml" in archive.sizes:
        problem = "this is a workbook or another Office document"
        raise InputError(
            problem, file=archive.name, expected="a table of text, or a zip of one", code="ARCHIVE_NOT_DWCA"
        )
    metadata = [name for name in archive.sizes if name.lower() in METADATA]
    tables = [name for name in archive.sizes if name not in metadata]
    if len(tables) != 1 or len(metadata) > 1:
        found = ", ".join(sorted(archive.sizes)[:5]) or "nothing"
        problem = f"without a meta.xml an archive holds one table, and may hold an eml.xml; this one holds {found}"
        raise InputError(problem, file=archive.name, code="ARCHIVE_NOT_DWCA")
    return DarwinCoreArchive(archive, None, _metadata(archive, metadata[0] if metadata else None))


def _metadata(archive: Archive, member: str | None) -> DatasetDescription | None:
    """Return the description in a member."""
    if member is None:
        return None
    return read_eml(read_document(archive, member), file=f"{archive.name}/{member}")


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
