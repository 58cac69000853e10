"""Every doubt that biodata can name: GBIF's issue names where they exist, ours where they do not.

`data/flags.csv` lists them. COORDINATES_CENTRE_OF_COUNTRY and _STATEPROVINCE are named as in the assertions of the Atlas of
Living Australia.
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Final


class About(StrEnum):
    """What a flag is about."""

    PLACE = "place"
    TIME = "time"
    NAME = "name"
    RECORD = "record"
    AREA = "area"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt about a record, an area or a sampling event.

    Attributes
    ----------
    name : str
        The name as it stands in `quality_flags`.
    about : About
        What it is about.
    meaning : str
        One sentence for a field biologist.
    gbif : bool
        True where GBIF has an issue of this name and meaning.
    placeless : bool
        True for a doubt about the place that is the same wherever the place is; the others can state it.
    bdq : tuple of str
        Labels of the tests of TDWG BDQ Core that ask for the same; empty where there is none.
    """

    name: str
    about: About
    meaning: str
    gbif: bool
    placeless: bool
    bdq: tuple[str, ...]

    @property
    def narrows_place(self) -> bool:
        """True where the doubt can narrow down the place: it never stays with a place that is generalised or withheld."""
        return self.about in (About.PLACE, About.AREA) and not self.placeless


_ROWS: Final = tuple(
    csv.DictReader(files("biodata").joinpath("data/flags.csv").read_text(encoding="utf-8").splitlines())
)

FLAGS: Final = MappingProxyType(
    {
        row["name"]: Flag(
            row["name"], About(row["about"]), row["meaning"], gbif=bool(row["gbif"]), placeless=bool(row["placeless"]),
            bdq=tuple(row["bdq"].split()),
        )
        for row in _ROWS
    }
)  # fmt: skip
"""Every flag by its name; a flag that is not here may not be set."""

TRACKED: Final = "TRACKED_ANIMAL"
"""Records with this flag are withheld, whatever the sharing rules say (`sharing.decide`)."""

SUSPICIOUS: Final = frozenset(row["name"] for row in _ROWS if row["suspicious"])
"""Doubts that the record was made at its place at all; analyses leave these records out unless stated otherwise."""
