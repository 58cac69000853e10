"""Countries by ISO code or by name, in English and the region's languages, to ISO 3166-1 alpha-2 codes."""

import re
import unicodedata
from functools import cache
from typing import Final

import polars as pl
import pycountry
from babel import Locale

from biodata.parsers.bundled import read_rows
from biodata.parsers.distinct import over_distinct

SCHEMA: Final = pl.Schema({"value": pl.String, "code": pl.String, "known": pl.Boolean})

LANGUAGES: Final = (
    "en",
    "zh",
    "zh_Hant",
    "th",
    "vi",
    "my",
    "lo",
    "km",
    "id",
    "ms",
    "fil",
    "ta",
    "pt",
    "fr",
    "de",
    "nl",
    "es",
)
"""Languages whose names of countries are known."""

UNKNOWN: Final = frozenset({"ZZ", "XX", "ZZZ", "XXX"})
"""Codes that ISO 3166-1 leaves to users; here and at GBIF they say that the country is not known."""

_PREFIX: Final = re.compile(r"ISO[ _-]?3166-[12] ?: ?", re.IGNORECASE)


def parse_countries(values: pl.Series) -> pl.DataFrame:
    """Read a column of countries.

    Parameters
    ----------
    values : polars.Series of str, length n
        Codes of two or three letters, or names; white space around them is left out.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `code`, ISO 3166-1 alpha-2; `known`, False where the text is no country. A text that says
        that the country is not known (ZZ) has no code and is known.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *parse_country(text)) for text in distinct]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    return over_distinct(values, parse)


def parse_country(text: str) -> tuple[str | None, bool]:
    """Read one country; return its code, and whether the text was understood."""
    told = _PREFIX.sub("", text.strip())
    if told.upper() in UNKNOWN:
        return None, True
    code = _index().get(_key(told))
    return code, code is not None


def _key(name: str) -> str:
    """Return the form in which names are compared: letters without accents, and digits; other scripts as they are."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f"))
    words = re.sub(r"[^\w\u0900-\u1fff]+", " ", letters).replace("_", " ").split()
    return " ".join(word for word in words if word not in {"the", "and"}) or " ".join(words)


@cache
def _index() -> dict[str, str]:
    """Every code and name with its alpha-2 code; a name that two countries have belongs to none."""
    found: dict[str, set[str]] = {}
    for country in pycountry.countries:
        told = (country.alpha_2, country.alpha_3, country.name, *_other_names(country))
        for name in told:
            found.setdefault(_key(name), set()).add(country.alpha_2)
    for language in LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if len(code) == 2 and pycountry.countries.get(alpha_2=code):
                found.setdefault(_key(name), set()).add(code)
    index = {name: min(codes) for name, codes in found.items() if len(codes) == 1}
    return index | {_key(row["name"]): row["code"] for row in read_rows("country_aliases.csv")}


def _other_names(country: object) -> list[str]:
    """Return the official and the common name of a country, where there are such."""
    return [name for which in ("official_name", "common_name") if (name := getattr(country, which, None))]
