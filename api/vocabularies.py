"""Which values a filter of occurrences may name, by column: one list for searches, facets, tiles and CQL2."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from api import gbif_names
from api.dependencies import Opened
from api.errors import ProblemError, invalid, unknown_value
from biodata.core.flags import FLAGS
from biodata.core.vocabularies import SharingCategory
from biodata.text import controlled
from biodata.text.tables import read_rows


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The values of a column.

    Attributes
    ----------
    values : tuple of str
        In the spelling of the records.
    words : controlled.Vocabulary, optional
        Reads other spellings of them (`Introduced`, `adults`).
    is_open : bool
        Whether records may hold others, as their source stated them; those of the release are known then.
    """

    values: tuple[str, ...]
    words: controlled.Vocabulary | None = None
    is_open: bool = False


def _listed(file: str) -> tuple[str, ...]:
    """Return the values of a bundled list."""
    return tuple(row["value"] for row in read_rows(file))


def _open(words: controlled.Vocabulary) -> Vocabulary:
    """Return a vocabulary whose records may hold what their source stated."""
    return Vocabulary(_listed(f"{words}.csv"), words, is_open=True)


@cache
def country_codes() -> tuple[str, ...]:
    """Return the codes of ISO 3166-1, and Kosovo's, which GBIF uses beside them."""
    import pycountry

    return tuple(sorted({country.alpha_2 for country in pycountry.countries} | {"XK"}))


@cache
def division_codes() -> tuple[str, ...]:
    """Return the codes of ISO 3166-2, and those of the bundled boundaries."""
    import pycountry

    ours = {row["province_code"] for row in read_rows("province_codes.csv")}
    return tuple(sorted({division.code for division in pycountry.subdivisions} | ours - {""}))


_ISSUES: Final = Vocabulary(tuple(sorted({*FLAGS, *gbif_names.ISSUES})))
_LICENCES: Final = Vocabulary(tuple(gbif_names.LICENSE_URLS))

COLUMNS: Final[Mapping[str, Vocabulary]] = MappingProxyType(
    {
        "basisOfRecord": Vocabulary(gbif_names.BASES_OF_RECORD),
        "occurrenceStatus": Vocabulary(_listed("occurrence_status.csv")),
        "typeStatus": Vocabulary(_listed("type_status.csv")),
        "taxonomicStatus": Vocabulary(_listed("taxonomic_status.csv")),
        "iucnRedListCategory": Vocabulary(gbif_names.RED_LIST_CATEGORIES),
        "license": _LICENCES,
        "license_effective": _LICENCES,
        "sharing_category": Vocabulary(tuple(SharingCategory)),
        "event_precision": Vocabulary(("year", "month", "day", "time", "interval")),
        "match_type": Vocabulary(("EXACT", "CANONICAL", "VARIANT", "FUZZY", "HIGHERRANK", "AMBIGUOUS", "NONE")),
        "quality_flags": _ISSUES,
        "sex": _open(controlled.Vocabulary.SEX),
        "lifeStage": _open(controlled.Vocabulary.LIFE_STAGE),
        "establishmentMeans": _open(controlled.Vocabulary.ESTABLISHMENT_MEANS),
        "taxonRank": _open(controlled.Vocabulary.TAXON_RANK),
        "mediaType": Vocabulary(("StillImage", "MovingImage", "Sound", "InteractiveResource"), is_open=True),
    }
)  # fmt: skip
"""The vocabularies by column; those of countries and divisions are read when they are first asked for."""

_COUNTRIES: Final = frozenset({"countryCode", "country_codes", "publishingCountry"})
_CODES: Final = MappingProxyType(
    {
        "countryCode": country_codes,
        "country_codes": country_codes,
        "publishingCountry": country_codes,
        "province_code": division_codes,
    }
)

RANGES: Final[Mapping[str, tuple[float, float | None]]] = MappingProxyType(
    {
        "year": (1, 9999), "month": (1, 12), "day": (1, 31), "decimalLatitude": (-90, 90),
        "decimalLongitude": (-180, 180), "coordinateUncertaintyInMeters": (0, None), "individualCount": (0, None),
        "startDayOfYear": (1, 366), "endDayOfYear": (1, 366),
    }
)  # fmt: skip
"""The least and the greatest number that a filter may name, by column or parameter; None where there is no greatest."""


def vocabulary(column: str) -> Vocabulary | None:
    """Return the vocabulary of a column of occurrences; None where any value may be asked for."""
    return Vocabulary(_CODES[column]()) if column in _CODES else COLUMNS.get(column)


def spelling(field: str, column: str, value: str, release: Opened | None) -> str:
    """Return a value as the records spell it.

    Parameters
    ----------
    field : str
        What the request calls it.
    column : str
        A column of occurrences.
    value : str
        In any letter case, or another spelling of the vocabulary's.
    release : Opened, optional
        Tells what the records hold beside an open vocabulary.

    Raises
    ------
    ProblemError
        If the vocabulary has no such value, with the nearest.
    """
    words = vocabulary(column)
    if words is None:
        return value
    found = _spellings(column).get(value.casefold())
    if found is None and words.words is not None:
        found = controlled.parse_term(value, words.words)
    if found is None and words.is_open and release is not None:
        held = {each.casefold(): each for each in release.facts.values(column)}
        found = held.get(value.casefold())
        words = Vocabulary((*words.values, *held.values()))
    if found is None:
        raise outside(field, value, column, words)
    return found


def outside(field: str, value: str, column: str, words: Vocabulary) -> ProblemError:
    """Return the error for a value outside its vocabulary; no code of two letters is near another."""
    if column in _COUNTRIES:
        return invalid(field=field, value=value, expected="an ISO 3166-1 code in capitals, such as LA")
    return unknown_value(field=field, value=value, known=words.values)


@cache
def _spellings(column: str) -> dict[str, str]:
    """Return the values of a vocabulary by their small letters."""
    words = vocabulary(column)
    return {value.casefold(): value for value in (words.values if words is not None else ())}


def check_number(field: str, column: str, value: float) -> None:
    """Refuse a number that no record can have, such as month 13.

    Raises
    ------
    ProblemError
        With what would be right.
    """
    least, most = RANGES.get(column, (None, None))
    if least is not None and (value < least or (most is not None and value > most)):
        expected = f"{least:g} to {most:g}" if most is not None else f"{least:g} or more"
        raise invalid(field=field, value=f"{value:g}", expected=expected)


def check(field: str, column: str, value: Any, release: Opened | None, *, ignore_case: bool = False) -> None:
    """Refuse a value that a comparison cannot find, as CQL2 and the features' own parameters write it: letter by letter.

    Raises
    ------
    ProblemError
        With the nearest right values.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        check_number(field, column, value)
    elif isinstance(value, str) and (words := vocabulary(column)) is not None:
        right = spelling(field, column, value, release)
        if (
            right != value
            and not (ignore_case and right.casefold() == value.casefold())
            and not _held(column, value, words, release)
        ):
            raise outside(field, value, column, words)


def _held(column: str, value: str, words: Vocabulary, release: Opened | None) -> bool:
    """Tell whether the release has a value of an open vocabulary, letter by letter."""
    return words.is_open and release is not None and value in release.facts.values(column)
