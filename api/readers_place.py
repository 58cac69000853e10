"""How places are read: countries and divisions by code or by name in the region's languages, polygons, circles, areas."""

import re
from typing import Final

from api import gbif_names
from api.errors import invalid, unknown_value
from api.readers import Lookup, number
from api.vocabularies import country_codes, spelling
from biodata.store.query.filters import And, Compare, Filter, In, InCountry, IsNull, Or
from biodata.text.countries import country_candidates

_GEO_DISTANCE: Final = re.compile(r"(-?[\d.]{1,20}),(-?[\d.]{1,20}),(\d{1,8}(?:\.\d{1,6})?)(km|m)?", re.ASCII)
_CIRCLE_LIMIT_M: Final = 5_000_000
_DIVISION: Final = re.compile(r"[A-Za-z]{2}-[A-Za-z0-9]{1,3}", re.ASCII)
_SIDES: Final = 12


def country(name: str, value: str, _: Lookup) -> Filter:
    """Read a country; see `InCountry`."""
    return InCountry((country_code(name, value),))


def publishing_country(name: str, value: str, _: Lookup) -> Filter:
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


def continent(name: str, value: str, _: Lookup) -> Filter:
    """Read a continent: its countries, as `InCountry` has them."""
    codes = gbif_names.CONTINENTS.get(value.strip().upper())
    if codes is None:
        raise unknown_value(field=name, value=value, known=gbif_names.CONTINENTS)
    return InCountry(codes)


def state_province(_: str, value: str, lookup: Lookup) -> Filter:
    """Read a division by code: all that lies there; or by name, in whatever language, spelling or script.

    A record is of the division that it states. Where none is published, it is of the one that its published place
    lies in.
    """
    codes = tuple(lookup.province_codes(value))
    stated = In("stateProvince", (value, *lookup.province_spellings(codes)), ignore_case=True)
    located = And((IsNull("stateProvince"), In("province_code", codes)))
    return Or((stated, located, Compare("province_code", "=", value.upper())))


def geometry(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a polygon, in WKT or as GeoJSON."""
    del name
    return lookup.polygon(value)


def geo_distance(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a circle: latitude, longitude, distance with km or m."""
    match = _GEO_DISTANCE.fullmatch(value.replace(" ", ""))
    if not match:
        raise invalid(field=name, value=value, expected="latitude,longitude,distance such as 21.9,101.2,30km")
    latitude, longitude = number(name, match[1]), number(name, match[2])
    radius_m = float(match[3]) * (1 if match[4] == "m" else 1000)
    if abs(latitude) > 90 or abs(longitude) > 180 or not 0 < radius_m <= _CIRCLE_LIMIT_M:
        raise invalid(field=name, value=value, expected="a place on Earth and a distance up to 5000 km")
    return lookup.circle(latitude, longitude, radius_m)


def within_area(name: str, value: str, lookup: Lookup) -> Filter:
    """Read the id of an area: of the release, or one that was uploaded."""
    return lookup.area(name, value)


def sides(
    name: str, values: list[str], lookup: Lookup, *, least: int = 1, as_evidence: bool = False
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
    lookup : Lookup
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
    if not least <= len(words) <= _SIDES:
        raise invalid(
            field=name, value=",".join(words), expected=f"{least} to {_SIDES} sides, such as CN,LA or CN-YN,LA-PH"
        )
    return tuple(_side(name, word, lookup, as_evidence=as_evidence) for word in words)


def _side(name: str, value: str, lookup: Lookup, *, as_evidence: bool) -> Filter:
    """Read one side."""
    if (len(value) == 2 and value.isascii()) or country_candidates(value):
        code = country_code(name, value)
        return Compare("countryCode", "=", code) if as_evidence else InCountry((code,))
    if _DIVISION.fullmatch(value):
        return Compare("province_code", "=", spelling(name, "province_code", value, lookup))
    return lookup.area(name, value)
