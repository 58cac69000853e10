"""Tables of text and of archives as verbatim occurrences: what the sources `gbif` and `dwca` share."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats import delimited
from biodata.formats.dwca import DarwinCoreArchive, core_id, rows
from biodata.formats.eml import DatasetDescription
from biodata.formats.meta_xml import DataFile
from biodata.formats.records import Repairs
from biodata.formats.xml import local_term
from biodata.ingest import table_headings
from biodata.ingest.protocol import DatasetInfo, VerbatimTable


def decided_headings(told: str, *, tell_value: bool = True) -> dict[str, str]:
    """Return the headings that the option `headings` decides about, a JSON object of heading to term.

    Raises
    ------
    InputError
        If it is none (OPTION_INVALID); what was told is repeated where it can name nobody.
    """
    try:
        read = json.loads(told)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(term, str) for term in read.values()):
        problem, expected = "this is no JSON object of headings", '{"Tarikh": "eventDate"}'
        value = told[:80] if tell_value else None
        raise InputError(problem, column="headings", value=value, expected=expected, code="OPTION_INVALID")
    return read


def check_options(options: Mapping[str, str], known: Collection[str], *, of_tables: bool = True) -> dict[str, str]:
    """Return the options of a source, `heading.*` among them where it reads tables.

    Raises
    ------
    InputError
        If one is not known (OPTION_UNKNOWN).
    """
    for name in options:
        if name not in known and not (of_tables and table_headings.is_heading_option(name)):
            problem = f"there is no option {name!r}"
            raise InputError(problem, expected=f"one of {', '.join(sorted(known))}", code="OPTION_UNKNOWN")
    return dict(options)


def plain_table(
    open_stream: Callable[[], BinaryIO],
    *,
    name: str,
    file: str,
    dataset: DatasetInfo,
    options: Mapping[str, str],
    repairs: Repairs | None = None,
) -> VerbatimTable:
    """Return a table of text whose headings are terms.

    Parameters
    ----------
    open_stream : callable
        Opens its bytes anew.
    name : str
        What the table is called: the file, or the archive that it is in.
    file : str
        What its rows say they come from.
    dataset : DatasetInfo
        What is told of its dataset.
    options : mapping
        `encoding`, `separator` and `heading.*`, where they are told.
    repairs : Repairs, optional
        What was mended so far, and counts the rows that are; without it they are refused: the end of a text that was cut off
        looks like a row whose last cells were left out.

    Raises
    ------
    InputError
        If no heading is of a name, a coordinate or a date (HEADING_UNKNOWN).
    """
    encoding, separator = options.get("encoding"), options.get("separator")
    table = delimited.read(open_stream, file=file, encoding=encoding, separator=separator, repairs=repairs)
    declared = table_headings.declared_names(options, table.headings, file=file, needed=True)
    names, notes = table_headings.record_columns(
        table.headings, declared, file=file, cells=table_headings.cells_below(table)
    )
    batches = (
        frame.rename(names, strict=False).select(pl.lit(file).alias("source_file"), pl.all()) for frame in table.batches
    )
    return VerbatimTable(
        kind="occurrences",
        name=name,
        dataset=dataset,
        batches=batches,
        refusals=table.refusals,
        declarations=table_headings.renamed(names),
        notes=notes,
        repairs=Repairs() if repairs is None else repairs,
    )


def archive_rows(
    dwca: DarwinCoreArchive,
    data_file: DataFile,
    refusals: list[Refusal],
    options: Mapping[str, str],
    repairs: Repairs | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the rows of an archive's table under its terms' local names."""
    names = table_headings.terms_of(
        [field.term for field in data_file.fields], file=f"{dwca.name}/{data_file.locations[0]}"
    )
    for frame in rows(dwca, data_file, refusals, encoding=options.get("encoding"), repairs=repairs):
        yield frame.rename(names, strict=False)


def extension_rows(
    dwca: DarwinCoreArchive, data_file: DataFile, refusals: list[Refusal], options: Mapping[str, str]
) -> Iterator[pl.DataFrame]:
    """Yield the rows of an extension of any kind under their terms' local names; a name that stands twice stays whole."""
    local = Counter(local_term(told.term) for told in data_file.fields)
    names = {told.term: local_term(told.term) for told in data_file.fields if local[local_term(told.term)] == 1}
    for frame in rows(dwca, data_file, refusals, encoding=options.get("encoding")):
        yield frame.rename(names, strict=False)


def core_id_name(core: DataFile) -> str:
    """Return the column of `archive_rows` that extensions of this core point at."""
    addresses = [field.term for field in core.fields]
    name = core_id(core)
    return table_headings.terms_of(addresses, file="")[name] if name in addresses else name


def dataset_info(key: str | None, description: DatasetDescription | None) -> DatasetInfo:
    """Return what a description states of a dataset; the name of a file is no title."""
    if description is None:
        return DatasetInfo(key=key)
    return DatasetInfo(
        key=key,
        title=description.title,
        license=description.license,
        citation=description.citation,
        doi=description.doi,
        metadata=description.text,
    )


class Datasets(Mapping[str, DatasetInfo]):
    """What the descriptions in a GBIF download tell of its datasets, each read when it is asked for."""

    def __init__(self, descriptions: Mapping[str, DatasetDescription]) -> None:
        self.descriptions = descriptions

    def __getitem__(self, key: str) -> DatasetInfo:
        return dataset_info(key, self.descriptions[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self.descriptions)

    def __len__(self) -> int:
        return len(self.descriptions)


def opener(path: Path) -> Callable[[], BinaryIO]:
    """Return what opens a file anew.

    Raises
    ------
    InputError
        If there is no such file (FILE_MISSING).
    """
    if not path.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(path), code="FILE_MISSING")
    return lambda: path.open("rb")
