"""Files of `key = value` under [sections], as Circuitscape writes them: read and write, no meaning.

Sections are kept but do not matter to a reader who asks for a key: in old projects keys stand in odd sections, or under
none at all.
"""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from biodata.errors import InputError


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
    sections: dict[str, list[str]] = {}
    for section, key, value in settings:
        sections.setdefault(section, []).append(f"{key} = {value}")
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())
    path.write_text(text, encoding="utf-8")


def decode(content: bytes) -> str:
    """Return the text of a small file whose encoding nobody told."""
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
