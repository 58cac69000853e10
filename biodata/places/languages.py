"""Names of countries and their divisions in the region's languages, from CLDR, ISO 3166-2 translations and our table."""

import pickle
from functools import cache
from gettext import translation
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl
import pycountry
from babel import localedata

LANGUAGES: Final = ("en", "zh", "zh_Hant", "th", "lo", "vi", "km", "my", "ms", "id", "fil", "ta")
"""The languages of the region, as CLDR calls them."""

_TRANSLATED: Final = ("zh_CN", "zh_TW", "th", "lo", "vi", "km", "my", "ms", "id", "tl", "ta")
"""The same as iso-codes calls them, where it has names of divisions."""


@cache
def country_names() -> MappingProxyType[str, tuple[str, ...]]:
    """Return the names of each country by its ISO 3166-1 alpha-2 code, English first."""
    found: dict[str, dict[str, None]] = {}
    for language in LANGUAGES:
        if not localedata.exists(language):
            continue
        # Its own file alone: loading a whole locale with all that it inherits takes far longer.
        with Path(localedata.resolve_locale_filename(language)).open("rb") as file:
            territories = pickle.load(file)["territories"]
        for code, name in territories.items():
            if len(code) == 2 and code.isalpha():
                found.setdefault(code, {})[str(name)] = None
    return MappingProxyType({code: tuple(names) for code, names in found.items()})


@cache
def division_names() -> MappingProxyType[str, tuple[str, ...]]:
    """Return the names of each first-level division of the region by its ISO 3166-2 code, in every spelling known."""
    data = files("biodata.data")
    with data.joinpath("province_codes.csv").open("rb") as file:
        table = pl.read_csv(file, infer_schema=False).select("province_code", pl.col("spellings").str.split("|"))
    with data.joinpath("province_spellings.csv").open("rb") as file:
        more = pl.read_csv(file, infer_schema=False).select("province_code", "spelling")
    found: dict[str, dict[str, None]] = {}
    for code, spelling in [*table.explode("spellings").iter_rows(), *more.iter_rows()]:
        if spelling:
            found.setdefault(code, {})[spelling.strip()] = None
    iso = {str(division.code): str(division.name) for division in pycountry.subdivisions}
    for language in _TRANSLATED:
        names = translation("iso3166-2", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for code in found.keys() & iso.keys():
            found[code][names.gettext(iso[code])] = None
    return MappingProxyType({code: tuple(names) for code, names in found.items()})
