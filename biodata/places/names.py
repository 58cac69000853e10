"""What countries and divisions are called, and which one a stated name means."""

import pickle
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from gettext import translation
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl
import pycountry
import shapely
from babel import localedata
from shapely.geometry.base import BaseGeometry

from biodata.core import grouped
from biodata.core.errors import InputError
from biodata.core.vocabularies import MEMBERS
from biodata.places.boundaries import BoundarySet

# Names of countries and their divisions in the region's languages, from CLDR, ISO 3166-2 translations and our table.

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
    found: dict[str, dict[str, None]] = {}
    for code, spelling in _written():
        if spelling:
            found.setdefault(code, {})[spelling.strip()] = None
    for code, name in _translated(set(found), _TRANSLATED):
        found[code][name] = None
    return MappingProxyType({code: tuple(names) for code, names in found.items()})


def _written() -> list[tuple[str, str]]:
    """Return code and spelling of every division of our tables."""
    data = files("biodata").joinpath("data")
    with data.joinpath("province_codes.csv").open("rb") as file:
        table = pl.read_csv(file, infer_schema=False).select("province_code", pl.col("spellings").str.split("|"))
    with data.joinpath("province_spellings.csv").open("rb") as file:
        more = pl.read_csv(file, infer_schema=False).select("province_code", "spelling")
    return [*table.explode("spellings").iter_rows(), *more.iter_rows()]


def _translated(codes: set[str], languages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield code and name of divisions in some languages; the English one where a language has none."""
    divisions = {str(division.code): str(division.name) for division in pycountry.subdivisions}
    for language in languages:
        names = translation("iso3166-2", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for code in sorted(codes & divisions.keys()):
            yield code, names.gettext(divisions[code])


# Words for a first-level division in the languages of the region; a stated name may have them or not.
_WORDS: Final = re.compile(
    r"\b(sheng|shi|zizhiqu|huizu|zhuangzu|zhuang|uygur|weiwuer|autonomous region|a ?r|special administrative region"
    r"|changwat|jangwat|provinces?|prov|provinsi|propinsi|tinh|thanh pho|tp|khett|khet|krong|states?|divisions?|regions?"
    r"|districts?|distrito|municipality|prefecture|city|kota|kuaeng|khoueng|khwaeng|daerah( istimewa)?|negeri|dzongkhag"
    r"|union territory|special|จ|wilayah persekutuan|of|the)\b"
)
# The same in other scripts, where words have no blanks around them.
_OTHER_WORDS: Final = re.compile(
    "^(จังหวัด|แขวง|รัฐ|มณฑล|ແຂວງ|ມົນທົນ|ខេត្ត|រាជធានី|ក្រុង|រដ្ឋ)"
    "|((壮族|壯族|回族|维吾尔|維吾爾)?(自治区|自治區)|特别行政区|省|市|府|邦|တိုင်းဒေသကြီး|တိုင်း|ပြည်နယ်)$"
)
_LANGUAGES: Final = ("zh_CN", "zh_TW", "th", "lo", "ta")
"""Languages in which pycountry, of Debian's iso-codes, has the names of the region's divisions in their own script."""


def country_name(code: str) -> str:
    """Return the English short name of a country.

    Parameters
    ----------
    code : str
        ISO 3166-1 alpha-2.

    Returns
    -------
    str
        The name used in the region's own documents for members of the scope, else ISO's; the code itself where ISO has
        none.
    """
    if code in MEMBERS:
        return MEMBERS[code].name
    country = pycountry.countries.get(alpha_2=code)
    return str(getattr(country, "common_name", country.name)) if country else code


def province_name(code: str, boundaries: BoundarySet) -> str:
    """Return the name of a first-level division in Latin script.

    Parameters
    ----------
    code : str
        ISO 3166-2.
    boundaries : BoundarySet
        The set; a name does not depend on lines, so that of a division that it lacks is the bundled list's.

    Raises
    ------
    InputError
        If there is no division of that code.
    """
    if code not in boundaries.provinces and code in (listed := _listed()):
        return listed[code]
    return str(_unit(boundaries, "province_code", code)["name"][0])


@lru_cache
def _listed() -> Mapping[str, str]:
    """Return the names of the divisions of the bundled list by their codes."""
    with files("biodata").joinpath("data").joinpath("province_codes.csv").open("rb") as file:
        table = pl.read_csv(file, infer_schema=False).select("province_code", "name").drop_nulls()
    return MappingProxyType(dict(table.iter_rows()))


def country_geometry(code: str, boundaries: BoundarySet) -> BaseGeometry:
    """Return a country's land as a polygon or multipolygon in degrees, WGS 84.

    Parameters
    ----------
    code : str
        ISO 3166-1 alpha-2.
    boundaries : BoundarySet
        The set.

    Raises
    ------
    InputError
        If the set has no country of that code.
    """
    return _union(boundaries, code)


def province_geometry(code: str, boundaries: BoundarySet) -> BaseGeometry:
    """Return a first-level division as a polygon or multipolygon in degrees, WGS 84.

    Parameters
    ----------
    code : str
        ISO 3166-2.
    boundaries : BoundarySet
        The set.

    Raises
    ------
    InputError
        If the set has no division of that code.
    """
    shape: BaseGeometry = boundaries.shapes[_unit(boundaries, "province_code", code)["row"].item()]
    return shape


@lru_cache(maxsize=512)
def _union(boundaries: BoundarySet, code: str) -> BaseGeometry:
    """Return a country's units joined along the edges that they share."""
    return shapely.coverage_union_all(boundaries.shapes[_unit(boundaries, "country_code", code)["row"].to_numpy()])


def _unit(boundaries: BoundarySet, column: str, code: str) -> pl.DataFrame:
    """Return the units of a code with their position in column `row`."""
    found = boundaries.units.with_row_index("row").filter(pl.col(column) == code)
    if found.is_empty():
        problem = f"the boundary set {boundaries.name} has no such place"
        raise InputError(problem, column=column, value=code, code="PLACE_UNKNOWN")
    return found


def find_province(country_code: str, text: str, boundaries: BoundarySet) -> str | None:
    """Return the division of a country that a stated name means.

    Parameters
    ----------
    country_code : str
        ISO 3166-1 alpha-2.
    text : str
        The name as stated: English, official or local spelling and script, old spelling, with or without the word for
        province, in any case and with or without accents; or the ISO 3166-2 or GB/T 2260 code.
    boundaries : BoundarySet
        The set that has the division.

    Returns
    -------
    str or None
        ISO 3166-2 code; None where no division, or more than one, has that name: see `find_provinces`.
    """
    codes = find_provinces(country_code, text, boundaries)
    return codes[0] if len(codes) == 1 else None


def find_provinces(country_code: str, text: str, boundaries: BoundarySet, *, younger: bool = False) -> tuple[str, ...]:
    """Return the divisions of a country that a stated name can mean.

    Parameters
    ----------
    country_code, text, boundaries
        As in `find_province`.
    younger : bool
        Find divisions that are younger than the set, of which it has no shape, instead of its own.

    Returns
    -------
    tuple of str
        ISO 3166-2 codes in order: one where the name is clear, several where it is not (Vientiane is a prefecture and
        a province; Hoàng Liên Sơn was divided), none where it is not known. A division that is younger than the set
        stands for those that it was made of.
    """
    if len(text) > _LONGEST:
        return ()
    full, short = _spellings(boundaries, younger=younger)
    plain = _plain(text)
    return full.get((country_code, plain.replace(" ", "")), ()) or short.get((country_code, _short(plain)), ())


_LONGEST: Final = 200
_Spellings = Mapping[tuple[str, str], tuple[str, ...]]


@lru_cache
def _spellings(boundaries: BoundarySet, *, younger: bool = False) -> tuple[_Spellings, _Spellings]:
    """Return codes by (country, spelling): in full, and without the words for a division."""
    codes = set(boundaries.units["province_code"].drop_nulls())
    divisions = {str(division.code): str(division.name) for division in pycountry.subdivisions}
    translated = ((code, name) for code, name in _translated(codes, _LANGUAGES) if name != divisions[code])
    stated = [*_written(), *((code, code) for code in sorted(codes)), *translated]
    known = [(code, _plain(spelling)) for code, spelling in stated if (code in codes) != younger]
    full = _grouped((code, plain.replace(" ", "")) for code, plain in known)
    return full, _grouped((code, _short(plain)) for code, plain in known)


def _grouped(pairs: Iterable[tuple[str, str]]) -> _Spellings:
    """Return codes by (country, key)."""
    found = grouped(((code.partition("-")[0], key), code) for code, key in pairs if key)
    return MappingProxyType({key: tuple(sorted({*codes})) for key, codes in found.items()})


_TONE: Final = re.compile("([\u0e4d\u0ecd])([\u0e48-\u0e4b\u0ec8-\u0ecb])")


def _plain(text: str) -> str:
    """Return lower-case letters and digits without accents, other characters as single blanks."""
    text = unicodedata.normalize("NFKD", re.sub("[đĐðÐ]", "d", text)).casefold()
    # Two ways to write the same in Thai and Lao: the ring of ำ and ຳ before or behind the tone, ຫລ and ຫຼ.
    text = _TONE.sub(r"\2\1", text).replace("ຫລ", "ຫຼ")
    # A mark over a Latin letter is left out; elsewhere (Thai, Khmer, Burmese) marks are part of the word.
    kept = "".join(c for c in text if not ("\u0300" <= c <= "\u036f"))
    return " ".join(
        "".join(
            c if c.isalnum() or unicodedata.category(c)[0] == "M" else " "
            for c in kept.replace("'", "").replace("’", "")
        ).split()
    )


def _short(plain: str) -> str:
    """Return a plain name without the words for a division and without blanks."""
    return _OTHER_WORDS.sub("", _WORDS.sub(" ", plain).replace(" ", ""))


def plain_division(text: str) -> str:
    """Return the form in which names of divisions are compared: without accents, blanks and the words for a division."""
    return _short(_plain(text))
