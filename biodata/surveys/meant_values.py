"""What is likely meant by a cell that is wrong, where harmonising proposes nothing: proposals, never taken over."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from biodata.ingest.headings.units import split_unit
from biodata.ingest.sheet_units import in_metres
from biodata.parsers.numerals import ascii_digits

_COUNT: Final = re.compile(r"(\d{1,6})\s*[^\d\W][^\d]*")
_LENGTH: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\d\W]+)\.?")
_RADIUS: Final = "coordinateUncertaintyInMeters"
FACTS: Final = MappingProxyType(
    {"COUNTRY_COORDINATE_MISMATCH": "located_country_code", "TAXON_MATCH_FUZZY": "acceptedScientificName"}
)
"""Flags for which an interpreted column says what would be right."""


def meant(flag: str, value: str | None, facts: Mapping[str, Any]) -> str | None:
    """Return what is likely meant.

    Parameters
    ----------
    flag : str
        What is wrong.
    value : str, optional
        The cell.
    facts : mapping
        The row's interpreted columns of `FACTS`.

    Examples
    --------
    >>> meant("INDIVIDUAL_COUNT_INVALID", "2 ekor", {}), meant("INDIVIDUAL_COUNT_INVALID", "many", {})
    ('2', None)
    >>> meant("COORDINATE_UNCERTAINTY_METERS_INVALID", "0.2 km", {})
    '200'
    """
    if flag in FACTS:
        told = facts.get(FACTS[flag])
        return None if told is None else str(told)
    text = ascii_digits((value or "").strip())
    if flag == "INDIVIDUAL_COUNT_INVALID":
        count = _COUNT.fullmatch(text)
        return count[1] if count else None
    length = _LENGTH.fullmatch(text) if flag == "COORDINATE_UNCERTAINTY_METERS_INVALID" else None
    if length is None:
        return None
    _, unit = split_unit(f"x ({length[2]})", _RADIUS)
    metres = in_metres(_RADIUS, unit.name if unit else None, [length[1].replace(",", ".")])
    return metres[0] if metres else None
