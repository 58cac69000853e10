"""Words by which a sheet, a row of totals or a note is known, in the region's languages."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final

from biodata.parsers.bundled import read_rows

_AROUND: Final = " \t\r\n\u00a0\u200b:：៖.*※-–—()（）[]"
_MARK: Final = re.compile(r"[:：៖\-–—]")


def plain(text: str) -> str:
    """Return a text in one spelling of letters, without signs around it."""
    return unicodedata.normalize("NFKC", text).casefold().strip(_AROUND)


@cache
def _words() -> Mapping[str, frozenset[str]]:
    """Return by kind what is said in any language."""
    found: dict[str, set[str]] = {}
    for row in read_rows("sheet_words.csv"):
        found.setdefault(row["kind"], set()).update(plain(word) for word in row["words"].split("|"))
    return {kind: frozenset(words) for kind, words in found.items()}


def sheet_kind(name: str) -> str | None:
    """Return what a sheet's name says that it holds: occurrences, events, sites, project or guide; None where it says nothing."""
    told = plain(name)
    return next(
        (kind for kind in ("occurrences", "events", "sites", "project", "guide") if told in _words()[kind]), None
    )


def is_total(cell: str) -> bool:
    """Tell whether a cell is the word for a total."""
    return plain(cell) in _words()["total"]


def is_note(cell: str) -> bool:
    """Tell whether a cell begins as a note does: with a word for it and a sign behind it, or with a star."""
    if cell.lstrip().startswith(("*", "※", "注：")):
        return True
    parts = _MARK.split(cell, maxsplit=1)
    return len(parts) > 1 and plain(parts[0]) in _words()["note"]


def is_example(cell: str) -> bool:
    """Tell whether a row that begins with this cell is a template's example."""
    return cell.lstrip().startswith("#") and plain(cell.lstrip().lstrip("#")) in _words()["example"]
