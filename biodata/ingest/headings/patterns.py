"""Headings of a pattern: coordinates with their axis, one of several columns alike, a date told by its order."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from biodata.ingest.headings.answers import Proposal, Why
from biodata.ingest.headings.compounds import compound
from biodata.ingest.headings.dictionary import entries
from biodata.ingest.headings.plain import key
from biodata.ingest.headings.readings import by_words, in_dictionary, made
from biodata.ingest.headings.units import Unit, date_begun

_AXIS: Final = re.compile(r"^(.+?)[\s(（\[_:-]+([xyen])[)）\]]?$", re.IGNORECASE)
_EAST: Final = ("easting", "decimalLongitude")
_NORTH: Final = ("northing", "decimalLatitude")
_PLACES: Final = frozenset({"locationID", "locality", "cameraID"})
"""What has an x and a y."""
_OF_AN_AXIS: Final = 0.7
_NUMBER_BEHIND: Final = re.compile(r"^(\D{3,}?)[\s_#.]*\d$")
_OF_SEVERAL: Final = 0.75
_OFTEN_SEVERAL: Final = frozenset(
    """recordedBy identifiedBy associatedMedia occurrenceRemarks eventRemarks locationRemarks scientificNameAuthorship
    taxonRank genus specificEpithet infraspecificEpithet vernacularName decimalLatitude decimalLongitude easting northing
    habitat preparations otherCatalogNumbers associatedTaxa identificationVerificationStatus""".split()
)
"""Terms that sheets have several columns of, each with its number."""


def of_an_axis(heading: str, name: str, language: str | None) -> Proposal | None:
    """Return the proposal for coordinates with the letter of one axis: `GPS (X)`, `พิกัด N`, `Plot center Y`; else None."""
    axis = _AXIS.match(name)
    if axis is None:
        return None
    entry = entries().get(key(axis[1]))
    words = compound(axis[1], language) if entry is None and key(name) not in entries() else entry
    term = words.terms[0] if words is not None else None
    if term != "verbatimCoordinates" and not (axis[2].lower() in "xy" and term in _PLACES):
        return None
    return made(heading, _EAST if axis[2].lower() in "xe" else _NORTH, _OF_AN_AXIS, (), Why.SEVERAL)


def of_several(
    heading: str, name: str, units: Sequence[Unit], language: str | None, cells: Sequence[str | None]
) -> Proposal | None:
    """Return the proposal for one of several columns alike: `note1`, `Observer 2`; a second plot or visit may be anything."""
    numbered = _NUMBER_BEHIND.match(name)
    found = in_dictionary(heading, numbered[1], units, language, cells) if numbered else None
    if found is None or found.term not in _OFTEN_SEVERAL:
        return None
    return replace(found, confidence=min(found.confidence, _OF_SEVERAL), why=Why.PARTLY)


def of_an_order(heading: str, name: str, language: str | None, cells: Sequence[str | None]) -> Proposal | None:
    """Return the proposal for a heading that begins with the order of a date: `ว/ด/ป ที่สำรวจ` is the date of a survey."""
    rest = date_begun(name)
    return by_words(heading, f"date {rest}", (), language, cells) if rest is not None else None
