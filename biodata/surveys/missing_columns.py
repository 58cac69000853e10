"""What no column of a Darwin Core survey tells: there is no cell to name, and its rows go in all the same, with less meaning."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from biodata.harmonise.identity import IDENTIFIERS
from biodata.ingest.protocol import Finding

_DATE: Final = ("eventDate", "verbatimEventDate", "year")
_PLACE: Final = ("decimalLatitude", "verbatimCoordinates", "verbatimLatitude", "footprintWKT")
_NAME: Final = (
    "scientificName", "verbatimScientificName", "acceptedNameUsage", "genus", "family", "order", "class", "phylum", "kingdom",
    "vernacularName",
)  # fmt: skip
_NEEDED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = MappingProxyType(
    {"events": (_DATE, _PLACE), "occurrences": (IDENTIFIERS, _NAME, _DATE, _PLACE)}
)
"""Of each kind of table: columns of which one has to be there."""


def found(kind: str, columns: Collection[str], file: str, told: set[str]) -> Iterator[Finding]:
    """Tell which columns a table lacks.

    Parameters
    ----------
    kind : str
        `events` or `occurrences`.
    columns : collection of str
        Terms that the table has, those that records take from their events among them.
    file : str
        Where it stands.
    told : set of str
        What was told of the tables before; what is told here is added: records lack what their events do.
    """
    for terms in _NEEDED.get(kind, ()):
        if terms[0] not in told and not set(terms) & set(columns):
            told.add(terms[0])
            yield Finding(file, None, 1, terms[0], None, "HEADING_MISSING", False, {"term": terms[0]})
