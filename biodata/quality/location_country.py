"""Tests of BDQ Core on countries and divisions by name and code, and whether a term of the place has something in it."""

from typing import Final

import polars as pl

from biodata.quality.gazetteer import (
    HIGH_SEAS,
    NO_NATIONS,
    UNKNOWN,
    code_meant,
    countries_named,
    country_codes,
    divisions_named,
)
from biodata.quality.model import Answer, Arguments, Context, Preparation, test

# Tests of BDQ Core on countries and first-level divisions by name and code, against the bundled gazetteer.

_TGN_ADDRESS: Final = "https://www.getty.edu/research/tools/vocabularies/tgn/index.html"
_ISO_ADDRESSES: Final = (
    "https://www.iso.org/iso-3166-country-codes.html",
    "ISO 3166 Country Codes",
    "ISO 3166-1-alpha-2",
)


def tidy(text: str) -> bool:
    """Tell whether a text has neither white space around it nor signs that cannot be printed."""
    return text == text.strip() and text.isprintable()


def _make_code(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    known = country_codes() | {HIGH_SEAS, UNKNOWN}
    texts = frame["countryCode"].to_list()
    return pl.DataFrame(
        {
            "standard": pl.Series([None if text is None else text in known for text in texts], dtype=pl.Boolean),
            "meant": pl.Series(
                [None if text is None or text in known else code_meant(text) for text in texts], dtype=pl.String
            ),
        }
    )


def _make_country(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    codes = [None if text is None else sorted(countries_named(text)) if tidy(text) else [] for text in frame["country"]]
    nation = [None if found is None else any(code not in NO_NATIONS for code in found) for found in codes]
    return pl.DataFrame(
        {"codes": pl.Series(codes, dtype=pl.List(pl.String)), "nation": pl.Series(nation, dtype=pl.Boolean)}
    )


def _make_division(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = [_resolve(country, state, context) for country, state in frame.iter_rows()]
    return pl.DataFrame(rows, schema={"found": pl.Boolean, "resolved": pl.Boolean}, orient="row")


def _resolve(country: str | None, state: str | None, context: Context) -> tuple[bool | None, bool | None]:
    """Return whether a division of that name is known, and whether country and division together mean one thing.

    The standard's notes have a country alone not compliant, its rows have it compliant: a country that is one nation
    is a single result, and so compliant.
    """
    nations = None if country is None else countries_named(country) if tidy(country) else frozenset()
    if state is None:
        return None, None if nations is None else len(nations) == 1
    divisions = divisions_named(state, None, context.boundaries) if tidy(state) else ()
    if nations is None:
        return bool(divisions), len(divisions) == 1
    here = [division for nation in nations for division in divisions_named(state, nation, context.boundaries)]
    return bool(divisions), len(nations) == 1 and len(here) == 1 and bool(divisions)


CODE: Final = Preparation(
    "countryCode.read", ("countryCode",), {"standard": pl.Boolean, "meant": pl.String}, _make_code
)
"""Country codes: whether they are ISO's (or XZ, ZZ), and which one is meant where they are not."""

_COUNTRY: Final = Preparation(
    "country.read", ("country",), {"codes": pl.List(pl.String), "nation": pl.Boolean}, _make_country
)
_DIVISION: Final = Preparation(
    "division.read", ("country", "stateProvince"), {"found": pl.Boolean, "resolved": pl.Boolean}, _make_division
)


def _code_standard(arguments: Arguments) -> Answer:
    external = arguments.unavailable(*_ISO_ADDRESSES) & arguments.filled("countryCode")
    return Answer(CODE.column("standard"), external=external)


def _code_standardised(arguments: Arguments) -> Answer:
    told = arguments.filled("countryCode")
    return Answer(
        pl.when(told).then(pl.lit(value=True)),
        external=arguments.unavailable(*_ISO_ADDRESSES) & told,
        proposals={"countryCode": CODE.column("meant")},
    )


def _country_found(arguments: Arguments) -> Answer:
    external = arguments.unavailable(_TGN_ADDRESS) & arguments.filled("country")
    return Answer(_COUNTRY.column("nation"), external=external)


def _country_matches_code(arguments: Arguments) -> Answer:
    told = arguments.filled("country", "countryCode")
    matches = _COUNTRY.column("codes").list.contains(arguments["countryCode"])
    return Answer(pl.when(told).then(matches), external=arguments.unavailable(_TGN_ADDRESS) & told)


def _division_found(arguments: Arguments) -> Answer:
    external = arguments.unavailable(_TGN_ADDRESS) & arguments.filled("stateProvince")
    return Answer(_DIVISION.column("found"), external=external)


def _unambiguous(arguments: Arguments) -> Answer:
    external = arguments.unavailable(_TGN_ADDRESS) & arguments.any_filled("country", "stateProvince")
    return Answer(_DIVISION.column("resolved"), external=external)


def _country(arguments: Arguments) -> Answer:
    # On the high seas there is no country to tell.
    high_seas = (arguments["countryCode"] == "XZ").fill_null(value=False)
    return Answer(arguments.filled("country") | high_seas)


TESTS: Final = (
    test("VALIDATION_COUNTRYCODE_STANDARD", _code_standard, CODE),
    test("AMENDMENT_COUNTRYCODE_STANDARDIZED", _code_standardised, CODE),
    test("VALIDATION_COUNTRY_FOUND", _country_found, _COUNTRY),
    test("VALIDATION_COUNTRYCOUNTRYCODE_CONSISTENT", _country_matches_code, _COUNTRY),
    test("VALIDATION_STATEPROVINCE_FOUND", _division_found, _DIVISION),
    test("VALIDATION_COUNTRYSTATEPROVINCE_UNAMBIGUOUS", _unambiguous, _DIVISION),
    test("VALIDATION_COUNTRY_NOTEMPTY", _country),
)
"""The tests of countries and divisions."""
