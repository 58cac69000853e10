"""How names of taxa and places are read: keys, common names, lists, countries, divisions, polygons, circles, areas."""

import re
from typing import Final

from api import gbif_names
from api.dependencies import Opened
from api.errors import invalid, unknown_value
from api.readers import like_literal, number
from api.vocabularies import country_codes, spelling
from biodata.store.query.filters import And, Compare, Filter, In, InCountry, IsNull, Like, Or
from biodata.text.countries import country_candidates

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


def taxon(name: str, value: str, lookup: Opened) -> Filter:
    """Read a taxon's key; all that lies below it is meant, too."""
    if not value or len(value) > 100:
        raise invalid(field=name, value=value, expected="a taxon's key")
    return lookup.taxon(value)


def scientific_name(_: str, value: str, __: Opened) -> Filter:
    """Read a name with or without its author; its synonyms' records and all that lies below it are meant, too."""
    stated = Like("scientificName", like_literal(value) + "%", ignore_case=True)
    whole = tuple(Compare(column, "=", value, ignore_case=True) for column in _NAME_COLUMNS)
    return Or((stated if " " in value.strip() else Compare("scientificName", "=", value, ignore_case=True), *whole))


def vernacular_name(name: str, value: str, lookup: Opened) -> Filter:
    """Read a common name in any language: the records of every taxon that has a name with this text."""
    return lookup.facts.names.common(_text(name, value))


def free_text(name: str, value: str, lookup: Opened) -> Filter:
    """Read text that stands somewhere in names, common names among them, in place or recorder."""
    pattern = f"%{like_literal(_text(name, value))}%"
    return Or((*(Like(column, pattern, ignore_case=True) for column in _FREE_TEXT), lookup.facts.names.common(value)))


def species_list(name: str, values: list[str], lookup: Opened) -> Filter:
    """Read a list of names; each is found with all below it."""
    entries = (" ".join(name.split()) for value in values for name in _several(value))
    names = list(dict.fromkeys(name for name in entries if name))
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


_GEO_DISTANCE: Final = re.compile(r"(-?[\d.]{1,20}),(-?[\d.]{1,20}),(\d{1,8}(?:\.\d{1,6})?)(km|m)?", re.ASCII)
_CIRCLE_LIMIT_M: Final = 5_000_000
_DIVISION: Final = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{1,3}", re.ASCII)
_MOST_SIDES: Final = 12


def country(name: str, value: str, _: Opened) -> Filter:
    """Read a country; see `InCountry`."""
    return InCountry((country_code(name, value),))


def publishing_country(name: str, value: str, _: Opened) -> Filter:
    """Read the country of a publisher."""
    return Compare("publishingCountry", "=", country_code(name, value))


def country_code(name: str, value: str) -> str:
    """Return the code of a country that is told by its ISO code, or by its name in a language of the region.

    Raises
    ------
    ProblemError
        If there is no such country, or several.
    """
    code = value.strip().upper()
    if code in country_codes():
        return code
    codes = country_candidates(value)
    if len(codes) == 1:
        return codes[0]
    expected = f"one of {', '.join(codes)}" if codes else "an ISO 3166-1 code such as LA, or a country's name"
    raise invalid(field=name, value=value, expected=expected)


def continent(name: str, value: str, _: Opened) -> Filter:
    """Read a continent: its countries, as `InCountry` has them."""
    codes = gbif_names.CONTINENTS.get(value.strip().upper())
    if codes is None:
        raise unknown_value(field=name, value=value, known=gbif_names.CONTINENTS)
    return InCountry(codes)


def state_province(_: str, value: str, lookup: Opened) -> Filter:
    """Read a division by code: all that lies there; or by name, in whatever language, spelling or script.

    A record is of the division that it states. Where none is published, it is of the one that its published place
    lies in.
    """
    codes = tuple(lookup.facts.areas.provinces(value))
    stated = In("stateProvince", (value, *lookup.facts.areas.spellings(codes)), ignore_case=True)
    located = And((IsNull("stateProvince"), In("province_code", codes)))
    return Or((stated, located, Compare("province_code", "=", value.upper())))


def geometry(name: str, value: str, lookup: Opened) -> Filter:
    """Read a polygon, in WKT or as GeoJSON."""
    del name
    return lookup.polygon(value)


def geo_distance(name: str, value: str, lookup: Opened) -> Filter:
    """Read a circle: latitude, longitude, distance with km or m."""
    match = _GEO_DISTANCE.fullmatch(value.replace(" ", ""))
    if not match:
        raise invalid(field=name, value=value, expected="latitude,longitude,distance such as 21.9,101.2,30km")
    latitude, longitude = number(name, match[1]), number(name, match[2])
    radius_m = float(match[3]) * (1 if match[4] == "m" else 1000)
    if abs(latitude) > 90 or abs(longitude) > 180 or not 0 < radius_m <= _CIRCLE_LIMIT_M:
        raise invalid(field=name, value=value, expected="a place on Earth and a distance up to 5000 km")
    return lookup.circle(latitude, longitude, radius_m)


def within_area(name: str, value: str, lookup: Opened) -> Filter:
    """Read the id of an area: of the release, or one that was uploaded."""
    return lookup.area(name, value)


def sides(
    name: str, values: list[str], lookup: Opened, *, least: int = 1, as_evidence: bool = False
) -> tuple[Filter, ...]:
    """Read sides: codes of countries or divisions, or ids of areas, with commas between them or repeated.

    A record whose place was made so coarse that it may lie on either side of a border is no evidence that its species
    is on one; but where it may be, it is counted, and its species is not said to be missing.

    Parameters
    ----------
    name : str
        The parameter.
    values : list of str
        Its values.
    lookup : Opened
        The release's look-ups.
    least : int
        How many sides there have to be.
    as_evidence : bool
        Only records that lie on a side for certain.

    Raises
    ------
    ProblemError
        If there are fewer than `least`, or too many.
    """
    words = list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))
    if not least <= len(words) <= _MOST_SIDES:
        raise invalid(
            field=name, value=",".join(words), expected=f"{least} to {_MOST_SIDES} sides, such as CN,LA or CN-YN,LA-PH"
        )
    return tuple(_side(name, word, lookup, as_evidence=as_evidence) for word in words)


def _side(name: str, value: str, lookup: Opened, *, as_evidence: bool) -> Filter:
    """Read one side."""
    if (len(value) == 2 and value.isascii()) or country_candidates(value):
        code = country_code(name, value)
        return Compare("countryCode", "=", code) if as_evidence else InCountry((code,))
    if _DIVISION.fullmatch(value):
        return Compare("province_code", "=", spelling(name, "province_code", value, lookup))
    return lookup.area(name, value)
