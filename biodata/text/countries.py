"""Countries by ISO code or by name, in English and the region's languages, to ISO 3166-1 alpha-2 codes."""

import pickle
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import pycountry
from babel import localedata

from biodata.core import grouped
from biodata.text.tables import over_distinct, read_rows

SCHEMA: Final = pl.Schema(
    {"value": pl.String(), "code": pl.String(), "known": pl.Boolean(), "candidates": pl.List(pl.String)}
)

LANGUAGES: Final = (
    "en", "zh", "zh_Hant", "th", "vi", "my", "lo", "km", "id", "ms", "fil", "ta", "pt", "fr", "de", "nl", "es",
)  # fmt: skip
"""Languages of the scope, and of the collections that hold its old specimens."""

MORE_LANGUAGES: Final = (
    "it", "ru", "ja", "ko", "sv", "da", "nb", "fi", "pl", "cs", "hu", "tr", "el", "ar", "hi", "bn", "ne", "ro", "uk",
    "ca", "he", "fa", "hr", "sk", "bg",
)  # fmt: skip
"""Languages that publishers elsewhere write in; a name that the others have keeps their meaning."""

UNKNOWN: Final = frozenset({"ZZ", "XX", "ZZZ", "XXX", "XZ"})
"""Codes that ISO 3166-1 leaves to users; here and at GBIF they say that the country is not known, or the high seas."""

LONGEST: Final = 120
"""No name of a country is longer."""

_PREFIX: Final = re.compile(r"ISO[ _-]?3166-[12] ?: ?", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"([^()\[\]]+)[(\[]([^()\[\]]+)[)\]]")
_MARKS: Final = re.compile("[\u0300-\u036f]+")
_NO_LETTERS: Final = re.compile(r"[^\w\u0900-\u1fff]+")
_LATIN: Final = re.compile("[a-z]")
_WORD_COUNTRY: Final = re.compile("(?:ประเทศ|ປະເທດ|ប្រទេស)(.+)|(.+?)နိုင်ငံ(?:တော်)?")
"""A name with the word for country, in Thai, Lao, Khmer and Burmese."""


def parse_countries(values: pl.Series) -> pl.DataFrame:
    """Read a column of countries.

    Parameters
    ----------
    values : polars.Series of str, length n
        Codes of two or three letters, or names; white space around them is left out.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `code`, ISO 3166-1 alpha-2; `known`, False where the text is no country or several;
        `candidates`, the codes that the text could mean where it could mean several (Indochine, Korea), else empty. A
        text that says that the country is not known (ZZ) has no code and is known.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *parse_country(text), _several(text)) for text in distinct]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    return over_distinct(values, parse)


def parse_country(text: str) -> tuple[str | None, bool]:
    """Read one country; return its code, and whether the text was understood.

    A name that several countries have belongs to none: see `country_candidates`.
    """
    if text.strip().upper() in UNKNOWN:
        return None, True
    codes = country_candidates(text)
    return (codes[0], True) if len(codes) == 1 else (None, False)


def country_candidates(text: str) -> tuple[str, ...]:
    """Return the ISO 3166-1 alpha-2 codes that a text can mean, in order: one where it is clear, none if not known.

    What stands in brackets decides between them (`Indochine (Laos)`), and undoes a name that it contradicts.
    """
    if len(text) > LONGEST:
        return ()
    stated = _PREFIX.sub("", text.strip())
    codes = _codes(stated)
    if codes is None and (match := _BRACKETS.fullmatch(stated)):
        outer, inner = (_codes(part) for part in match.groups())
        codes = (outer & inner if inner else outer) if outer else None
    return tuple(sorted(codes or ()))


def _codes(name: str) -> frozenset[str] | None:
    """Return what a name can mean; its accents decide where they are stated: Áo is Austria, AO is Angola."""
    plain = name.strip().casefold()
    # Most files write codes, or ISO's names: they need no names of other languages, which take a while to read.
    if found := _iso().get(plain) or _index().get(plain):
        return found
    key = _key(name)
    if (found := _index().get(key)) is None and (match := _WORD_COUNTRY.fullmatch(key)):
        found = _index().get(match[1] or match[2])
    return found


def names_a_part(text: str) -> bool:
    """Return whether a text names a part of a country, such as Tasmania, which `parse_country` reads as the country."""
    return _key(text) in _parts()


@cache
def _parts() -> frozenset[str]:
    """Return the names of parts of countries in our own table."""
    return frozenset(_key(row["name"]) for row in read_rows("country_aliases.csv") if row["part"])


def _several(text: str) -> list[str]:
    """Return what a text can mean where that is more than one country."""
    codes = country_candidates(text)
    return list(codes) if len(codes) > 1 else []


def _key(name: str) -> str:
    """Return the form in which names are compared: letters without accents, and digits; other scripts without blanks."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("đ", "d"))
    letters = decomposed if decomposed.isascii() else _MARKS.sub("", decomposed)
    words = _NO_LETTERS.sub(" ", letters).replace("_", " ").split()
    # Thai, Lao, Khmer, Burmese and Chinese are written with blanks between words, or without.
    between = " " if _LATIN.search(letters) else ""
    return between.join(word for word in words if word not in {"the", "and"}) or between.join(words)


@cache
def _iso() -> dict[str, frozenset[str]]:
    """ISO's codes and names, and those of our own table, with the alpha-2 codes that they can mean."""
    ours = {_key(row["name"]): frozenset(row["code"].split("|")) for row in read_rows("country_aliases.csv")}
    entries = [(country.alpha_2, name) for country in pycountry.countries for name in _iso_names(country)]
    return _grouped(entries) | ours


@cache
def _index() -> dict[str, frozenset[str]]:
    """Every code and name with the alpha-2 codes that it can mean.

    Our own table stands before ISO's codes and names, those before other languages: ISO's Congo is CG, whatever else
    is called so.
    """
    codes = frozenset(country.alpha_2 for country in pycountry.countries)
    more, scope = ([*_names(languages, codes)] for languages in (MORE_LANGUAGES, LANGUAGES))
    accented = {name.casefold(): frozenset({code}) for code, name in scope if not name.isascii()}
    return accented | _grouped(more) | _grouped(scope) | _iso()


def _names(languages: tuple[str, ...], codes: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Return code and name of countries in some languages, from Unicode's CLDR.

    Each language's own file of babel's is enough: a `Locale` also merges in all that it inherits, a second for all of
    them; and what `localedata.load` read without that, it would hand to others later.
    """
    for language in languages:
        with Path(localedata.resolve_locale_filename(language)).open("rb") as file:
            territories = pickle.load(file)["territories"]
        for code, name in territories.items():
            if code in codes:
                yield code, name


def _grouped(entries: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Return codes by name."""
    found = grouped((_key(name), code) for code, name in entries)
    return {name: frozenset(codes) for name, codes in found.items() if name}


def _iso_names(country: Any) -> list[str]:
    """Return the codes of a country, and its short, official and common name, where there are such."""
    more = (getattr(country, which, None) for which in ("official_name", "common_name"))
    return [country.alpha_2, country.alpha_3, country.name, *(name for name in more if name)]
