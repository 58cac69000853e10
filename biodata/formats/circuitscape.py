"""Small files of Circuitscape: settings of `key = value` under [sections], and numbers in rows; read and written, no meaning."""

import codecs
import gzip
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biodata.core import grouped
from biodata.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the file.

    Attributes
    ----------
    section : str
        The section that it stands in; empty before the first.
    key : str
        Lower case.
    value : str
        Without white space and quotes around it.
    row : int
        Line of the file, the first being 1.
    """

    section: str
    key: str
    value: str
    row: int


def read_settings(path: Path) -> dict[str, Setting]:
    """Read the settings of a file by their keys; where a key stands twice, the last holds.

    Parameters
    ----------
    path : Path
        UTF-8 or UTF-16 with or without a byte order mark, else windows-1252; any line ends; lines that start with # or
        ; are comments.

    Returns
    -------
    dict of str to Setting

    Raises
    ------
    InputError
        If a line is neither a section, a comment nor `key = value`, with its row.
    """
    found = {}
    section = ""
    for row, text in enumerate(decode(path.read_bytes()).splitlines(), start=1):
        line = text.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            section = line.strip("[]").strip()
            continue
        separator = "=" if "=" in line else ":"
        key, found_separator, value = line.partition(separator)
        if not found_separator or not key.strip():
            problem = "the line is no section and no setting"
            raise InputError(
                problem, file=path.name, row=row, value=line, expected="key = value", code="INI_LINE_INVALID"
            )
        setting = Setting(section, key.strip().lower(), _unquoted(value.strip()), row)
        found[setting.key] = setting
    return found


def write_settings(settings: Iterable[tuple[str, str, str]], path: Path) -> None:
    """Write settings, given as section, key and value, in the order of their sections' first settings."""
    sections = grouped((section, f"{key} = {value}") for section, key, value in settings)
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())
    path.write_text(text, encoding="utf-8")


def decode(content: bytes) -> str:
    """Return the text of a small file whose encoding nobody stated."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _unquoted(value: str) -> str:
    """Return a value without the quotes around it."""
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1].strip() if quoted else value


# Numbers in rows of a text file: networks, focal nodes, sources, grounds, strengths.
GZIP: bytes = b"\x1f\x8b"
"""The first bytes of a gzip file."""


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked where it is gzip, whatever its name is.

    Raises
    ------
    InputError
        If the file is gzip and broken.
    """
    content = path.read_bytes()
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError) as error:
        problem = f"the gzip file is broken: {error}"
        raise InputError(problem, file=path.name, code="GZIP_BROKEN") from None


def read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return row numbers and words of the lines that are not empty; words stand apart by white space, comma or semicolon."""
    lines = decode(read_bytes(path)).splitlines()
    words = ((row, line.replace(",", " ").replace(";", " ").split()) for row, line in enumerate(lines, start=1))
    return [(row, found) for row, found in words if found and not found[0].startswith("#")]


def read_numbers(path: Path, *, columns: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the first columns of a list of numbers.

    Parameters
    ----------
    path : Path
    columns : int
        How many columns every row has to have; more are left aside.

    Returns
    -------
    values : ndarray of float64, (n, columns)
    rows : ndarray of int64, (n,)
        Lines of the file.

    Raises
    ------
    InputError
        If a row has too few columns or something that is no number, with its row and column.
    """
    lines = read_lines(path)
    values = np.empty((len(lines), columns))
    for at, (row, words) in enumerate(lines):
        if len(words) < columns:
            problem = f"the row has {len(words)} of {columns} numbers"
            raise InputError(problem, file=path.name, row=row, value=" ".join(words), code="LIST_ROW_SHORT")
        for column in range(columns):
            values[at, column] = number(words[column], file=path.name, row=row, column=column + 1)
    return values, np.array([row for row, _ in lines], dtype=np.int64)


def number(word: str, *, file: str, row: int, column: int) -> float:
    """Return a word as a number.

    Raises
    ------
    InputError
        If it is none, with its place.
    """
    try:
        found = float(word)
    except ValueError:
        found = math.nan
    if math.isnan(found):
        problem = "this is no number"
        raise InputError(problem, file=file, row=row, column=str(column), value=word, code="NUMBER_INVALID")
    return found
