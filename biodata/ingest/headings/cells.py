"""Which of a heading's meanings the cells below it speak for, and which they cannot be."""

import re
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.answers import CERTAIN
from biodata.ingest.headings.dictionary import Entry

_FEWEST: Final = 3
"""Fewer cells than these tell nothing."""
_MOST: Final = 0.8
_CLOCK: Final = re.compile(r"^\d{1,2}[:.]\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?$")
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(r"^[-+]?[\d\s.,]+$")
_INSTEAD: Final = MappingProxyType({"eventDate": "eventTime", "deploymentStart": "eventTime", "eventTime": "eventDate"})
"""What the cells below a date or a time hold now and then instead."""
_MEASURED: Final = frozenset(
    """individualCount decimalLatitude decimalLongitude easting northing minimumElevationInMeters
    maximumElevationInMeters verbatimElevation minimumDepthInMeters maximumDepthInMeters coordinateUncertaintyInMeters
    perpendicular_distance_m eventDate eventTime deploymentStart deploymentEnd dateIdentified year
    sampleSizeValue samplingEffort samplingEffortValue""".split()
)
"""Terms whose cells have digits, in whatever script."""
_WORDED: Final = frozenset(
    """recordedBy identifiedBy scientificName vernacularName family genus order class kingdom phylum country
    stateProvince county municipality habitat behavior samplingProtocol datasetName""".split()
)
"""Terms whose cells are words, not numbers throughout."""
_BINOMIAL: Final = re.compile(r"^[A-Z][a-z]+ (cf\. |aff\. )?(sp{1,2}\.|[a-z-]{3,})")


def by_cells(entry: Entry, cells: Sequence[str | None]) -> Entry | None:
    """Return the meaning that the cells below a heading speak for; None where they speak for none."""
    told = _told(cells)
    if len(told) < _FEWEST:
        return None
    term = next((t for t in entry.terms if t in _SPEAKS and _share(_SPEAKS[t], told) >= _MOST), None)
    if term is None:
        return None
    terms = (term, *(other for other in entry.terms if other != term))
    return replace(entry, terms=terms, confidence=min(CERTAIN, max(entry.confidence, 0.85)))


def contradicted(entry: Entry, cells: Sequence[str | None]) -> Entry:
    """Return a sure meaning, doubtful where the cells speak for another: a date whose cells are hours and minutes is a time."""
    told = _told(cells)
    other = _INSTEAD.get(entry.terms[0]) if len(entry.terms) == 1 else None
    if other is None or len(told) < _FEWEST or _share(_SPEAKS[other], told) < _MOST:
        return entry
    return replace(entry, terms=(other, *entry.terms), confidence=0.85)


def possible(terms: Sequence[str], cells: Sequence[str | None]) -> tuple[str, ...]:
    """Return the meanings that the cells can have: no name is a number throughout, and no elevation is without digits."""
    told = _told(cells)
    if len(told) < _FEWEST:
        return tuple(terms)
    digits, numbers = _share(_DIGIT, told), _share(_NUMBER, told)
    return tuple(
        term
        for term in terms
        if not (term in _MEASURED and digits < 1 - _MOST) and not (term in _WORDED and numbers >= _MOST)
    )


def _told(cells: Sequence[str | None]) -> list[str]:
    """Return what the first cells say, those without anything left out."""
    return [cell.strip() for cell in cells if cell and cell.strip()][:200]


def _share(speaks: "re.Pattern[str]", told: Sequence[str]) -> float:
    """Return how many of the cells are of a kind."""
    return sum(speaks.search(cell) is not None for cell in told) / len(told)


_SPEAKS: Final = MappingProxyType(
    {
        "scientificName": _BINOMIAL,
        "easting": re.compile(r"^\d{6}(\.\d+)?$"),
        "northing": re.compile(r"^\d{6,8}(\.\d+)?$"),
        "decimalLatitude": re.compile(r"^-?\d{1,2}\.\d+$"),
        "decimalLongitude": re.compile(r"^-?\d{2,3}\.\d+$"),
        "eventDate": re.compile(r"\d{4}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"),
        "eventTime": _CLOCK,
        "verbatimCoordinates": re.compile(r"^-?\d{1,3}\.\d+°? ?[NSns]?\s*[,; ]\s*-?\d{1,3}\.\d+"),
        "vernacularName": re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3400-\u9fff]"),
        "year": re.compile(r"^(19|20|24|25)\d{2}$"),
        "month": re.compile(r"^(0?[1-9]|1[0-2])$"),
        "day": re.compile(r"^(0?[1-9]|[12]\d|3[01])$"),
    }
)
"""What cells look like that can hold a term, and hardly the others that share a heading with it."""
