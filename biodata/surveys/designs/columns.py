"""What a sheet of each design asks for: sites, events with their effort, and occurrences."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from biodata.vocabularies import EFFORT_UNITS, SurveyDesign


@dataclass(frozen=True, slots=True)
class Asked:
    """A column: its term, whether a row cannot do without it, its example, and the list of the codes sheet that it takes."""

    term: str
    needed: bool
    example: str
    choices: str | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A design with the unit of its effort, and the columns of its sheets."""

    name: SurveyDesign
    unit: str
    sites: tuple[Asked, ...]
    events: tuple[Asked, ...]
    occurrences: tuple[Asked, ...]

    @property
    def sheets(self) -> Mapping[str, tuple[Asked, ...]]:
        """The sheets that are filled in, by kind."""
        return MappingProxyType({"sites": self.sites, "events": self.events, "occurrences": self.occurrences})


def _columns(sheet: str, design: str = "") -> tuple[Asked, ...]:
    """Return the columns of a design's sheet, in the order of `columns.csv`; one that names no design is every design's."""
    text = (files("biodata.surveys.designs") / "columns.csv").read_text(encoding="utf-8")
    return tuple(
        Asked(row["term"], row["needed"] == "yes", row["example"], row["choices"] or None)
        for row in csv.DictReader(text.splitlines())
        if row["sheet"] == sheet and (not row["designs"] or design in row["designs"].split())
    )


DESIGNS: Final[Mapping[SurveyDesign, Design]] = MappingProxyType(
    {
        name: Design(name, EFFORT_UNITS[name], *(_columns(sheet, name) for sheet in ("sites", "events", "occurrences")))
        for name in SurveyDesign
    }
)
"""Every design by its name."""

PROJECT: Final = _columns("project")
"""What is told once for the whole survey. A licence is nobody's to choose but the team's; a GPS receiver shows WGS 84."""

SAMPLE_UNITS: Final = MappingProxyType({SurveyDesign.MIST_NET: "m", SurveyDesign.PLOT: "m²"})
"""The unit of `sampleSizeValue` where a design asks for it: the length of nets, the area of a plot."""
