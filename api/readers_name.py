"""How names of taxa are read: keys, scientific names, common names, lists, free text."""

import re
from typing import Final

from api.errors import invalid
from api.readers import Lookup, like_literal
from biodata.store.query.filters import Compare, Filter, Like, Or

_PLAIN_NAME: Final = re.compile(r"[A-Z][a-zë-]+( [a-zë-]{3,}){0,2}")
_NEXT_NAME: Final = re.compile(r"[,;]\s*(?=[A-Z][a-zë-]+ [a-zë-]{3,}\b)")
"""A comma behind which a genus stands with an epithet."""

LIST_LIMIT: Final = 2_000
"""Names of one list."""

_NAME_COLUMNS: Final = (
    "acceptedScientificName", "species", "genus", "family", "order", "class", "phylum", "kingdom",
)  # fmt: skip
_FREE_TEXT: Final = (
    "scientificName", "acceptedScientificName", "species", "family", "locality", "recordedBy", "stateProvince",
)  # fmt: skip


def taxon(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a taxon's key; all that lies below it is meant, too."""
    if not value or len(value) > 100:
        raise invalid(field=name, value=value, expected="a taxon's key")
    return lookup.taxon(value)


def scientific_name(_: str, value: str, __: Lookup) -> Filter:
    """Read a name with or without its author; its synonyms' records and all that lies below it are meant, too."""
    stated = Like("scientificName", like_literal(value) + "%", ignore_case=True)
    whole = tuple(Compare(column, "=", value, ignore_case=True) for column in _NAME_COLUMNS)
    return Or((stated if " " in value.strip() else Compare("scientificName", "=", value, ignore_case=True), *whole))


def vernacular_name(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a common name in any language: the records of every taxon that has a name with this text."""
    return lookup.common_name(_text(name, value))


def free_text(name: str, value: str, lookup: Lookup) -> Filter:
    """Read text that stands somewhere in names, common names among them, in place or recorder."""
    pattern = f"%{like_literal(_text(name, value))}%"
    return Or((*(Like(column, pattern, ignore_case=True) for column in _FREE_TEXT), lookup.common_name(value)))


def species_list(name: str, values: list[str], lookup: Lookup) -> Filter:
    """Read a list of names; each is found with all below it."""
    told = (" ".join(name.split()) for value in values for name in _several(value))
    names = list(dict.fromkeys(name for name in told if name))
    if not 0 < len(names) <= LIST_LIMIT:
        raise invalid(field=name, value=f"{len(names)} names", expected=f"1 to {LIST_LIMIT:,} names")
    if any(len(name) > 200 for name in names):
        raise invalid(field=name, value=max(names, key=len), expected="names of up to 200 characters")
    return lookup.listed(names)


def _several(value: str) -> list[str]:
    """Return the names of a value; the comma of an author, as in `Bos gaurus C.H.Smith, 1827`, parts no names."""
    parts = value.split(",")
    if all(_PLAIN_NAME.fullmatch(part.strip()) for part in parts):
        return parts
    return _NEXT_NAME.split(value)


def _text(name: str, value: str) -> str:
    """Return text that something is looked for by."""
    if not 0 < len(value) <= 200:
        raise invalid(field=name, value=value, expected="1 to 200 characters")
    return value
