"""Tables of text and of archives as verbatim occurrences: what the sources `gbif` and `dwca` share."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.formats import delimited
from biodata.formats.archives import open_archive
from biodata.formats.dwca import DarwinCoreArchive, DatasetDescription, core_id, rows
from biodata.formats.meta_xml import DataFile
from biodata.formats.records import Repairs
from biodata.formats.xml import local_term
from biodata.ingest import table_headings
from biodata.ingest.protocol import OPTION, DatasetInfo, VerbatimTable
from biodata.ingest.table_headings import open_table
from biodata.sharing.measurements import COLUMN as MEASUREMENTS

# What extensions tell of the records of an archive: pictures, sounds and measurements, put beside the record as JSON.

MEDIA: Final = "multimedia_extension"
"""The column of pictures and sounds, a JSON list of rows."""
MEDIA_KINDS: Final = ("Multimedia", "Image", "Media")
"""Row types of their extensions: GBIF's, its older one of pictures, Audubon Core's."""
MEASUREMENT_KINDS: Final = ("ExtendedMeasurementOrFact", "MeasurementOrFact", "MeasurementOrFacts")
"""Row types of measurements and facts: OBIS's, Darwin Core's, and one that is often written."""
COLUMNS: Final = MappingProxyType(dict.fromkeys(MEDIA_KINDS, MEDIA) | dict.fromkeys(MEASUREMENT_KINDS, MEASUREMENTS))
"""Row type → column."""
POINTER: Final = "coreid"
"""The column by which a row of an extension points at one of the core."""
_NO_TERMS: Final = frozenset({"source_file", "source_row", "id"})


def with_extensions(
    dwca: DarwinCoreArchive,
    core: DataFile,
    batches: Iterator[pl.DataFrame],
    refusals: list[Refusal],
    options: Mapping[str, str],
) -> Iterator[pl.DataFrame]:
    """Yield the batches of a core with a column more for pictures and sounds, and one for measurements, as they are stated.

    Parameters
    ----------
    dwca : DarwinCoreArchive
        The archive.
    core : DataFile
        Its core.
    batches : iterator of polars.DataFrame
        The core's rows.
    refusals : list of Refusal
        Rows of the extensions that cannot be read are added.
    options : mapping
        Of the source.
    """
    key, listed = core_id_name(core), list[pl.DataFrame]()
    extensions = dwca.description.extensions if dwca.description else ()
    for column, read in ((MEDIA, archive_rows), (MEASUREMENTS, extension_rows)):
        files = [file for file in extensions if COLUMNS.get(file.kind) == column]
        frames = (frame for file in files for frame in read(dwca, file, refusals, options))
        table = as_json(frames, (POINTER,), column).drop_nulls(POINTER)
        listed += [table.rename({POINTER: key})] if table.height else []
    for batch in batches:
        frame = batch
        for table in listed:
            frame = frame.join(table, on=key, how="left", maintain_order="left")
        yield frame


def filled_from(
    rows: pl.DataFrame,
    others: pl.DataFrame,
    *,
    by: str,
    key: str,
    whole: Sequence[Sequence[str]] = (),
    without: Collection[str] = (),
) -> pl.DataFrame:
    """Return rows with what the row of another table states that they point at, where they state nothing themselves.

    Parameters
    ----------
    rows, others : polars.DataFrame
    by, key : str
        Which column of `rows` points at which of `others`, where each value stands once.
    whole : sequence of sequences of str
        Terms that are taken together, where all of them are empty: of a place either everything is another's, or nothing.
    without : collection of str
        Columns of `others` that are not taken.
    """
    names = [name for name in others.columns if name not in (by, *without)]
    theirs = others.select(pl.col(key).alias(by), pl.col(names).name.suffix(" of it"))
    filled = []
    for name in names:
        group = next((group for group in whole if name in group), (name,))
        # A time of day alone is no date: it stays, and its day is taken.
        asked = {*group} - {"eventTime"} | {name}
        silent = [pl.col(one).is_null() for one in sorted(asked) if one in rows.columns]
        value = pl.when(pl.all_horizontal(pl.lit(value=True), *silent)).then(f"{name} of it")
        filled.append((value.otherwise(name) if name in rows.columns else value).alias(name))
    joined = rows.join(theirs, on=by, how="left", maintain_order="left")
    return joined.with_columns(filled).drop(f"{name} of it" for name in names)


def as_json(frames: Iterable[pl.DataFrame], pointers: Sequence[str], column: str) -> pl.DataFrame:
    """Return the rows of an extension as JSON lists in one column, by the columns that point at what they tell of."""
    found: dict[tuple[str | None, ...], list[dict[str, str]]] = {}
    for frame in frames:
        for row in frame.iter_rows(named=True):
            item = {name: value for name, value in row.items() if value and name not in (*_NO_TERMS, *pointers)}
            if item:
                found.setdefault(tuple(row.get(name) for name in pointers), []).append(item)
    lines = [(*ids, json.dumps(items, ensure_ascii=False)) for ids, items in found.items()]
    return pl.DataFrame(lines, schema=dict.fromkeys((*pointers, column), pl.String), orient="row")


# Files that belong together: those that are named, those of a folder, or the members of a zip; names are only compared.

_MOST_FILES: Final = 2_000


@dataclass(frozen=True)
class Part:
    """One of the files.

    Attributes
    ----------
    file : str
        What it is called in errors; a member of a zip with the zip's name before it.
    name : str
        Its own name, without folders, in small letters.
    open : callable
        Opens its bytes anew.
    """

    file: str
    name: str
    open: Callable[[], BinaryIO]


def parts(paths: Iterable[Path], *, suffixes: Collection[str]) -> list[Part]:
    """Return the files of these endings.

    Parameters
    ----------
    paths : iterable of Path
        Files, which are taken whatever they are called; folders, of which the files beside each other are taken, links
        left out; zips.
    suffixes : collection of str
        Endings such as `.csv`.

    Returns
    -------
    list of Part

    Raises
    ------
    InputError
        If one is not there, is an unsafe or broken archive, or if there is no such file in any (FILE_MISSING).
    """
    found: list[Part] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.is_file() and not one.is_symlink())
            wanted = [one for one in inside if one.suffix.lower() in suffixes]
            found += [Part(one.name, one.name.lower(), _opener(one)) for one in wanted]
        elif path.is_file() and _is_zip(path):
            archive = open_archive(path)
            members = [name for name in archive.sizes if PurePosixPath(name).suffix.lower() in suffixes]
            found += [
                Part(f"{path.name}/{member}", PurePosixPath(member).name.lower(), partial(archive.open, member))
                for member in members
            ]
        elif path.is_file():
            found.append(part_of(path))
        else:
            problem = "there is no such file"
            raise InputError(problem, file=str(path), code="FILE_MISSING")
    if not found or len(found) > _MOST_FILES:
        problem = "there is none of the files that are looked for" if not found else "there are too many files"
        expected = f"files that end with {' or '.join(sorted(suffixes))}" if not found else f"at most {_MOST_FILES:,}"
        code = "FILE_MISSING" if not found else "INPUT_TOO_LARGE"
        raise InputError(problem, file=", ".join(path.name for path in paths), expected=expected, code=code)
    return found


def part_of(path: Path) -> Part:
    """Return one file as a part."""
    return Part(path.name, path.name.lower(), _opener(path))


def _opener(path: Path) -> Callable[[], BinaryIO]:
    """Return what opens a file anew."""
    return lambda: path.open("rb")


def whole_table(part: Part, options: Mapping[str, str]) -> tuple[pl.DataFrame, tuple[str, ...], list[Refusal]]:
    """Return a small table, `source_row` and its headings, with the rows that cannot be read."""
    table = open_table(part.open, file=part.file, options=options, of_people=True, without_blank=True)
    empty = pl.DataFrame(schema={"source_row": pl.Int64, **dict.fromkeys(table.headings, pl.String)})
    return pl.concat([empty, *table.batches]), table.headings, table.refusals


def dataset_of(paths: Sequence[Path]) -> str:
    """Return a key for a dataset that states none, made of what is read first: events and records have the same."""
    return re.sub(r"[^a-z0-9]+", "-", paths[0].resolve().name.split(".")[0].lower()).strip("-") or "dataset"


def needs(headings: Sequence[str], wanted: Iterable[str], *, file: str, what: str) -> None:
    """See that a table has the columns that are needed.

    Raises
    ------
    InputError
        If one is not there (HEADING_MISSING).
    """
    for heading in wanted:
        if heading not in headings:
            problem = f"this is no table of {what}: a column is missing; the headings are {', '.join(headings[:12])}"
            expected = f"where one of them is it: --option {OPTION}HEADING={heading}"
            raise InputError(problem, file=file, row=1, column=heading, expected=expected, code="HEADING_MISSING")


def _is_zip(path: Path) -> bool:
    """Return whether a file is called a zip or begins as one."""
    if path.suffix.lower() == ".zip":
        return True
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def decided_headings(text: str, *, tell_value: bool = True) -> dict[str, str]:
    """Return the headings that the option `headings` decides about, a JSON object of heading to term.

    Raises
    ------
    InputError
        If it is none (OPTION_INVALID); what was stated is repeated where it can name nobody.
    """
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(isinstance(term, str) for term in read.values()):
        problem, expected = "this is no JSON object of headings", '{"Tarikh": "eventDate"}'
        value = text[:80] if tell_value else None
        raise InputError(problem, column="headings", value=value, expected=expected, code="OPTION_INVALID")
    return read


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
        What is stated of its dataset.
    options : mapping
        `encoding`, `separator` and `heading.*`, where they are stated.
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
    local = Counter(local_term(field.term) for field in data_file.fields)
    names = {field.term: local_term(field.term) for field in data_file.fields if local[local_term(field.term)] == 1}
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
