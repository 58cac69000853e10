"""Words of the templates in the ten languages: sheets, designs, units, and how to fill them in."""

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from biodata.ingest.headings import LANGUAGES, heading_of

__all__ = ["LANGUAGES", "heading", "notes", "word"]


def word(name: str, language: str) -> str:
    """Return one word or sentence.

    Parameters
    ----------
    name : str
        A `name` of `words.csv`, such as `sheet.sites` or `unit.km`.
    language : str
        One of `LANGUAGES`.

    Raises
    ------
    KeyError
        If there is no such word.
    """
    return _words()[name][language]


def called(name: str, language: str) -> str | None:
    """Return a word as `word` does; None where there is no such word."""
    found = _words().get(name)
    return found[language] if found else None


def notes(design: str, language: str) -> list[str]:
    """Return the sentences that a design's readme sheet begins with."""
    return [row[language] for name, row in _words().items() if name.startswith(("note.all.", f"note.{design}."))]


def heading(term: str, language: str) -> str:
    """Return the heading of a column: ours where it has one, else the dictionary's, else the term itself."""
    own = _words().get(f"heading.{term}")
    return own[language] if own else heading_of(term, language) or term


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, str]]:
    """Return every word by name and language."""
    text = (files("biodata.surveys.designs") / "words.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["name"]: row for row in csv.DictReader(text.splitlines())})
