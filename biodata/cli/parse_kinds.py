"""What `biodata parse` can read: for each kind the columns that it takes, and who reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.cli import parse_places, parse_times, parse_values
from biodata.cli.parse_columns import ANY_VALUE, ONE_TEXT, PAIRS, Columns
from biodata.text.controlled import Vocabulary


class Kind(StrEnum):
    """What can be read."""

    COORDINATES = "coordinates"
    DMS = "dms"
    DATE = "date"
    COUNTRY = "country"
    PROVINCE = "province"
    NAME = "name"
    AREA = "area"
    BASIS_OF_RECORD = "basis-of-record"
    OCCURRENCE_STATUS = "occurrence-status"
    LICENCE = "licence"
    SEX = "sex"
    LIFE_STAGE = "life-stage"
    RANK = "rank"
    TYPE_STATUS = "type-status"
    ESTABLISHMENT_MEANS = "establishment-means"
    TAXONOMIC_STATUS = "taxonomic-status"
    THREAT_STATUS = "threat-status"
    CONTINENT = "continent"


Parse = Callable[[Columns, Mapping[str, str]], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Reader:
    """How a kind is read.

    Attributes
    ----------
    headings : tuple of tuple of str
        Alternatives, the best first: sets of headings in lower case that must be there together.
    together : bool
        Every alternative that the file has is read, not only the best.
    any_column : bool
        With none of the headings, the file's first column is read.
    more : tuple of str
        Headings that are read too where they are there.
    wanted : str
        What to say where a file has none of them.
    parse : callable
        Takes the columns that were chosen and the declarations, gives the columns that are written.
    """

    headings: tuple[tuple[str, ...], ...]
    parse: Parse
    together: bool = False
    any_column: bool = True
    more: tuple[str, ...] = ()
    wanted: str = "a column called value"


def _one(*terms: str, parse: Parse) -> Reader:
    """Return the reader of a kind that stands in one column."""
    return Reader(tuple((name,) for name in _value_first(*(term.lower() for term in terms))), parse)


def _value_first(*terms: str) -> tuple[str, ...]:
    """Return the headings of one value, the best first: value, those that tell the kind, those that tell nothing."""
    return (ANY_VALUE[0], *terms, *ANY_VALUE[1:])


def _controlled(vocabulary: Vocabulary, *terms: str, issue: str = "") -> Reader:
    """Return the reader of a controlled value."""
    return _one(*terms, parse=parse_values.controlled(vocabulary, issue))


_DATE_HEADINGS: Final = (*_value_first("eventdate", "date"), "verbatimeventdate", "year")

READERS: Final = MappingProxyType(
    {
        Kind.COORDINATES: Reader(
            (*PAIRS, *((name,) for name in ONE_TEXT)),
            parse_places.coordinates,
            together=True,
            any_column=False,
            wanted="latitude and longitude, decimalLatitude and decimalLongitude, verbatimLatitude and "
            "verbatimLongitude, or one of coordinates, verbatimCoordinates, value",
        ),
        Kind.DMS: Reader(
            (*PAIRS, *((name,) for pair in PAIRS for name in pair)),
            parse_places.dms,
            any_column=False,
            wanted="latitude or longitude, or both",
        ),
        Kind.DATE: Reader(
            tuple((name,) for name in _DATE_HEADINGS),
            parse_times.date,
            more=("verbatimeventdate", "year", "month", "day", "startdayofyear", "enddayofyear"),
        ),
        Kind.COUNTRY: _one("country", "countryCode", parse=parse_places.country),
        Kind.PROVINCE: Reader(
            tuple(
                (text, country)
                for text in _value_first("stateprovince", "province")
                for country in ("countrycode", "country")
            ),
            parse_places.province,
            any_column=False,
            wanted="value or stateProvince, with countryCode or country beside it",
            more=("countrycode", "country"),
        ),
        Kind.NAME: _one("scientificName", "name", parse=parse_values.name),
        Kind.AREA: _one("area", "reported_area", "REP_AREA", "面积", parse=parse_places.area),
        Kind.BASIS_OF_RECORD: _controlled(Vocabulary.BASIS_OF_RECORD, "basisOfRecord", issue="BASIS_OF_RECORD_INVALID"),
        Kind.OCCURRENCE_STATUS: _controlled(
            Vocabulary.OCCURRENCE_STATUS, "occurrenceStatus", issue="OCCURRENCE_STATUS_UNPARSABLE"
        ),
        Kind.LICENCE: _one("license", "licence", "rights", parse=parse_values.licence),
        Kind.SEX: _controlled(Vocabulary.SEX, "sex"),
        Kind.LIFE_STAGE: _controlled(Vocabulary.LIFE_STAGE, "lifeStage"),
        Kind.RANK: _controlled(Vocabulary.TAXON_RANK, "taxonRank", "rank"),
        Kind.TYPE_STATUS: _controlled(Vocabulary.TYPE_STATUS, "typeStatus", issue="TYPE_STATUS_INVALID"),
        Kind.ESTABLISHMENT_MEANS: _controlled(Vocabulary.ESTABLISHMENT_MEANS, "establishmentMeans"),
        Kind.TAXONOMIC_STATUS: _controlled(Vocabulary.TAXONOMIC_STATUS, "taxonomicStatus"),
        Kind.THREAT_STATUS: _controlled(Vocabulary.THREAT_STATUS, "iucnRedListCategory", "threatStatus"),
        Kind.CONTINENT: _controlled(Vocabulary.CONTINENT, "continent", issue="CONTINENT_INVALID"),
    }
)
"""Every kind with its reader."""
