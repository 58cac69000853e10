"""Files that belong together: those that are named, those of a folder, or the members of a zip; names are only compared."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import polars as pl

from biodata.errors import InputError, Refusal
from biodata.formats.archives import open_archive
from biodata.ingest.table_headings import OPTION, open_table

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
    """Return a key for a dataset that tells none, made of what is read first: events and records have the same."""
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
    """Tell whether a file is called a zip or begins as one."""
    if path.suffix.lower() == ".zip":
        return True
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"
