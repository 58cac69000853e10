"""Units that stand in a heading: `ความสูง (ม.)`, `经度(°E)`, `Elevation_m`, `Date (dd/mm/yyyy)`."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from biodata.ingest.headings.plain import settled
from biodata.text.tables import read_rows

_BRACKETS: Final = re.compile(r"[(\[{<【〔「]([^()\[\]{}<>【】〔〕「」]*)[)\]}>】〕」]")
_TAILS: Final = (
    re.compile(r"^(.*\S)\s*[,;:/_\-–—\s]\s*(?:in\s+)?(\S+(?:\s\S+)?)$", re.IGNORECASE),
    re.compile(r"^(.*\S)[,;:/_\-–—\s]\s*(\S+)$"),
)
_TAIL_DIMENSIONS: Final = ("length", "area", "date_order", "clock")
"""What is a unit also without brackets; `date e` and `number of animals` are no units."""
_SMALL: Final = frozenset({"cm", "mm"})
_IN_METRES: Final = frozenset(
    """minimumElevationInMeters maximumElevationInMeters coordinateUncertaintyInMeters easting northing samplingEffort
    samplingEffortValue""".split()
)
"""Lengths that nobody tells in centimetres."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its name and what it measures, the first columns of `data/heading_units.csv`: `m`, length."""

    name: str
    dimension: str


def split_unit(heading: str, term: str | None = None) -> tuple[str, Unit | None]:
    """Return a heading without its unit, and the unit that fits a term best; None where it tells none."""
    rest, units = units_in(heading)
    return rest, fitting(units, term)


def units_in(heading: str) -> tuple[str, tuple[Unit, ...]]:
    """Return a heading without its unit, and the units that it can be: n is of north, and of a number."""
    told = unicodedata.normalize("NFKC", heading)
    for match in _BRACKETS.finditer(told):
        units = _units().get(_plain(match[1]), ())
        rest = f"{told[: match.start()]} {told[match.end() :]}".strip()
        if units and rest:
            return rest, units
    for tail in filter(None, (pattern.match(heading.strip()) for pattern in _TAILS)):
        for unit in _units().get(_plain(tail[2]), ())[:1]:
            is_count = unit.dimension == "count" and "/" in heading[tail.end(1) : tail.start(2)]
            of_a_zone = unit.dimension == "grid" and any(sign.isdigit() for sign in tail[2])  # `X_UTM48N`
            if unit.dimension in _TAIL_DIMENSIONS or is_count or of_a_zone:
                return tail[1].rstrip(",;:/_-–— "), _units()[_plain(tail[2])]
    return heading, ()


def unit_alone(text: str) -> Unit | None:
    """Return the unit that a text is, in brackets or not; None where it is anything else."""
    return next(iter(_units().get(_plain(text.strip("[]()（） ")), ())), None)


def fitting(units: Sequence[Unit], term: str | None) -> Unit | None:
    """Return the unit that a term can be told in, else the first one; None where there is none."""
    return next((unit for unit in units if term and fits(term, unit)), units[0] if units else None)


def fits(term: str | None, unit: Unit) -> bool:
    """Tell whether the values of a term may be told in a unit."""
    if unit.name in _SMALL and term in _IN_METRES:
        return False
    return term is None or unit.dimension in _dimensions().get(term, ())


def has_digits(term: str) -> bool:
    """Tell whether the cells of a term have digits, in whatever script: it is measured; abundances have codes, too."""
    return term == "verbatimElevation" or (term in _dimensions() and term != "organismQuantity")


@lru_cache(maxsize=1)
def _dimensions() -> dict[str, list[str]]:
    """Return what the values of a term may be measured in; any other term has no unit."""
    return {row["term"]: row["dimensions"].split("|") for row in read_rows("heading_dimensions.csv")}


@lru_cache(maxsize=1)
def _units() -> dict[str, tuple[Unit, ...]]:
    known: dict[str, tuple[Unit, ...]] = {}
    for row in read_rows("heading_units.csv"):
        for word in row["words"].split("|"):
            plain = _plain(word)
            known[plain] = (*known.get(plain, ()), Unit(row["unit"], row["dimension"]))
    return known


def _plain(text: str) -> str:
    """Return a unit in one spelling; its signs are kept, since ° and % are all that some have."""
    return " ".join(settled(text).split()).rstrip(".")
