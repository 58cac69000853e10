"""Headings as told, and the Darwin Core terms that they surely mean."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from biodata.errors import InputError
from biodata.formats.xml import local_term
from biodata.ingest.headings.plain import key
from biodata.terms import VERBATIM_TERMS

_KNOWN: Final = (*VERBATIM_TERMS, "id", "coreid")
_PREFIX: Final = re.compile(r"^(dwc|dwciri|dc|dcterms|gbif|ac|eco):", re.IGNORECASE)
_RESERVED: Final = ("source_file", "source_row", "geometry")


# Other names of the same thing; what is only likely (X, Y, Date) stays as it was told.
_ALIASES: Final = MappingProxyType(
    {
        "latitude": "decimalLatitude", "declatitude": "decimalLatitude", "longitude": "decimalLongitude",
        "declongitude": "decimalLongitude", "scientificnames": "scientificName", "collector": "recordedBy",
        "licence": "license", "province": "stateProvince", "behaviour": "behavior", "catalogueno": "catalogNumber",
        "cataloguenumber": "catalogNumber", "coordinateuncertaintyinmetres": "coordinateUncertaintyInMeters",
    }
)  # fmt: skip
_BY_PLAIN: Final = MappingProxyType(_ALIASES | {key(term): term for term in _KNOWN})


def term_of(heading: str) -> str:
    """Return the term that a heading names; the heading as told where it names none.

    It may be a term (`decimalLatitude`), its address, a prefixed name (`dwc:decimalLatitude`), another case or spacing of
    it (`Decimal Latitude`), or one of a few other names.
    """
    name = bare_name(heading)
    is_address = "://" in heading or _PREFIX.match(heading.strip())
    return _BY_PLAIN.get(key(name), name if is_address else heading)


def bare_name(heading: str) -> str:
    """Return a heading without what stands before the name of a term: an address, or a prefix."""
    name = heading.strip().strip("\ufeff")
    return local_term(name) if "://" in name else _PREFIX.sub("", name)


def terms_of(headings: Sequence[str], *, file: str, any_of: bool = True) -> dict[str, str]:
    """Return the name of each column: the term that its heading names, if no other column has it already.

    Of two headings of one term the one that is spelled like it has it, else the first; the other keeps its heading. A name
    that biodata uses itself is refused (HEADING_RESERVED), and so are headings none of which is a term (HEADING_UNKNOWN).
    """
    for heading in headings:
        if heading in _RESERVED:
            problem = f"the heading {heading!r} is a name that biodata uses itself"
            raise InputError(problem, file=file, row=1, column=heading, code="HEADING_RESERVED")
    wanted = {heading: term_of(heading) for heading in headings}
    if any_of and not any(term in VERBATIM_TERMS for term in wanted.values()):
        problem = f"no heading is a Darwin Core term: {', '.join(headings[:5])}"
        raise InputError(
            problem, file=file, row=1, expected="such as scientificName, occurrenceID", code="HEADING_UNKNOWN"
        )
    holders: dict[str, str] = {}
    for heading in sorted(headings, key=lambda told: local_term(told) != wanted[told]):  # a stable sort
        holders.setdefault(wanted[heading], heading)
    return {told: term if holders[term] == told else told for told, term in wanted.items()}


def renamed(names: Mapping[str, str]) -> dict[str, str]:
    """Return, as declarations, the headings that were told otherwise than their term."""
    return {f"heading.{term}": told for told, term in names.items() if term != told and "://" not in told}
