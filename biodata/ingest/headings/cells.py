"""Which of a heading's meanings the cells below it speak for."""

import re
from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.answers import CERTAIN
from biodata.ingest.headings.dictionary import Entry

_BINOMIAL: Final = re.compile(r"^[A-Z][a-z]+ (cf\. |aff\. )?(sp{1,2}\.|[a-z-]{3,})")


def by_cells(entry: Entry, cells: Sequence[str | None]) -> Entry | None:
    """Return the meaning that the cells below a heading speak for; None where they speak for none."""
    told = [cell.strip() for cell in cells if cell and cell.strip()][:200]
    if len(told) < 3:
        return None
    term = next((t for t in entry.terms if t in _SPEAKS and _share(_SPEAKS[t], told) >= 0.8), None)
    if term is None:
        return None
    terms = (term, *(other for other in entry.terms if other != term))
    return replace(entry, terms=terms, confidence=min(CERTAIN, max(entry.confidence, 0.85)))


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
        "eventTime": re.compile(r"^\d{1,2}[:.]\d{2}"),
    }
)
"""What cells look like that can hold a term, and hardly the others that share a heading with it."""
