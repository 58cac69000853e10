"""Designs of surveys: what a sheet of each asks for, and its words in the ten languages: sheets, units, how to fill them in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from biodata.ingest.headings import LANGUAGES as LANGUAGES
from biodata.ingest.headings import heading_of
from biodata.text.tables import read_rows

_FOLDER: Final = "surveys/designs"


@dataclass(frozen=True, slots=True)
class Asked:
    """A column: its term, whether a row cannot do without it, its example, and the list of the codes sheet that it takes."""

    term: str
    needed: bool
    example: str
    choices: str | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A design with the unit of its effort, and the columns of its sheets (sites, events, occurrences)."""

    name: SurveyDesign
    unit: str
    sheets: Mapping[str, tuple[Asked, ...]]


def _columns(sheet: str, design: str = "") -> tuple[Asked, ...]:
    """Return the columns of a design's sheet, in the order of `columns.csv`; one that names no design is every design's."""
    return tuple(
        Asked(row["term"], row["needed"] == "yes", row["example"], row["choices"] or None)
        for row in read_rows("columns.csv", _FOLDER)
        if row["sheet"] == sheet and (not row["designs"] or design in row["designs"].split())
    )


DESIGNS: Final[Mapping[SurveyDesign, Design]] = MappingProxyType(
    { name: Design(name, EFFORT_UNITS[name], {of: _columns(of, name) for of in ("sites", "events", "occurrences")})
    for name in SurveyDesign}
)  # fmt: skip
PROJECT: Final = _columns("project")
"""What is stated once for the whole survey. A licence is nobody's to choose but the team's; a GPS receiver shows WGS 84."""
SAMPLE_UNITS: Final = MappingProxyType({SurveyDesign.MIST_NET: "m", SurveyDesign.PLOT: "m²"})
"""The unit of `sampleSizeValue` where a design asks for it: the length of nets, the area of a plot."""


def word(name: str, language: str) -> str:
    """Return one word or sentence of `words.csv`, such as `sheet.sites` or `unit.km`, in one of `LANGUAGES`."""
    return _words()[name][language]


def called(name: str, language: str) -> str | None:
    """Return a word as `word` does; None where there is no such word."""
    return word(name, language) if name in _words() else None


def notes(design: str, language: str) -> list[str]:
    """Return the sentences that a design's readme sheet begins with."""
    return [row[language] for name, row in _words().items() if name.startswith(("note.all.", f"note.{design}."))]


def heading(term: str, language: str) -> str:
    """Return the heading of a column: ours where it has one, else the dictionary's, else the term itself."""
    return called(f"heading.{term}", language) or heading_of(term, language) or term


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, str]]:
    return {row["name"]: row for row in read_rows("words.csv", _FOLDER)}
