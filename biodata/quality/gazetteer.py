"""Countries and first-level divisions of the whole world by name: the bundled authority of the tests on places."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import pycountry
import shapely

from biodata import places
from biodata.text.countries import country_candidates, names_a_part

HIGH_SEAS: Final = "XZ"
UNKNOWN: Final = "ZZ"

# ISO 3166-1 lists these too: dependencies, parts of other states, islands without people.
NO_NATIONS: Final = frozenset(
    """
    AI AQ AS AW AX BL BM BQ BV CC CW CX EH FK FO GF GG GI GL GP GS GU HK HM IM IO JE KY MF MO MP MQ MS NC NF PF PM PN PR
    RE SH SJ SX TC TF TK UM VG VI WF YT
    """.split()
)

# Divisions by the abbreviations that their post offices and collectors use.
_ABBREVIATED: Final = ("US", "CA", "AU", "BR")
# A capital that is a division by itself is called by the city's name alone, too.
_CITY: Final = re.compile(
    r"^(?:ciudad autonoma|ciudad|city|distrito capital|federal district|municipality|special city) (?:de |of )?"
)
_KIND: Final = re.compile(
    r"\b(?:state|province|provincia|provincie|region|regiao|department|departement|departamento|county|prefecture"
    r"|oblast|oblasti|krai|kray|republic|respublika|autonomous|territory|estado|land|governorate|district|canton)\b"
    r"|\bof\b|\bde\b|\bdu\b|\bdi\b"
)


# U.S.A. and USA are one name.
_INITIALS: Final = re.compile(r"(?<=\b\w) (?=\w\b)")


class Division(NamedTuple):
    """A first-level division: its country, its ISO 3166-2 code in the boundary set or its row in the world's table."""

    country: str
    code: str | None
    row: int | None
    key: str


def plain(text: str) -> str:
    """Return lower-case words without accents and signs, as names are compared."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("đ", "d").replace("ø", "o").replace("ł", "l"))
    kept = "".join(c for c in decomposed if not ("\u0300" <= c <= "\u036f"))
    apart = kept.replace("'", "").replace("’", "").replace("ʼ", "")
    words = " ".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in apart).split())
    return _INITIALS.sub("", words)


@cache
def country_codes() -> frozenset[str]:
    """Return ISO 3166-1's codes of two letters."""
    return frozenset(country.alpha_2 for country in pycountry.countries)


def code_meant(text: str) -> str | None:
    """Return the code that a text in dwc:countryCode means: code of two or three letters or digits, or one name."""
    stated = plain(text)
    if stated.upper() in (HIGH_SEAS, UNKNOWN):
        return stated.upper()
    if stated == "high seas":
        return HIGH_SEAS
    if re.fullmatch(r"\d{3}", stated):
        country = pycountry.countries.get(numeric=stated)
        return str(country.alpha_2) if country else None
    found = countries_named(text)
    return next(iter(found)) if len(found) == 1 else None


def countries_named(text: str) -> frozenset[str]:
    """Return the codes of the countries that have this name in any language, or had it."""
    return frozenset() if names_a_part(text) else frozenset(country_candidates(text))


@lru_cache(maxsize=1 << 16)
def divisions_named(text: str, country: str | None, boundaries: places.BoundarySet) -> tuple[Division, ...]:
    """Return the divisions, of one country or of any, that a name means.

    Parameters
    ----------
    text : str
        Name in any spelling that the authorities have; or the abbreviation of a state in countries that use such.
    country : str, optional
        ISO 3166-1 code.
    boundaries : BoundarySet
        The set that has the region's divisions.
    """
    key = plain(text)
    index = _division_index()
    found = index.get(key, ()) or index.get(_bare(key), ())
    divisions = {division for division in found if country in (None, division.country)}
    for code in _with_provinces(boundaries):
        if country in (None, code) and (province := places.find_province(code, text, boundaries)):
            # The set knows its provinces better than the lists of names do.
            divisions = {division for division in divisions if division.country != code}
            divisions.add(Division(code, province, None, province))
    if text in _abbreviations():
        divisions |= {d for d in _abbreviations()[text] if country in (None, d.country)}
    return tuple(sorted(divisions, key=str))


@lru_cache(maxsize=8)
def _with_provinces(boundaries: places.BoundarySet) -> tuple[str, ...]:
    """Return the countries whose divisions the boundary set has."""
    provinces = boundaries.units.filter(pl.col("province_code").is_not_null())
    return tuple(provinces["country_code"].drop_nulls().unique().sort())


def _bare(key: str) -> str:
    """Return a plain name without words that say what kind of division it is."""
    return " ".join(_KIND.sub(" ", key).split())


@cache
def _world() -> pl.DataFrame:
    """Return the table of the world's divisions."""
    with files("biodata").joinpath("data").joinpath("divisions_world.parquet").open("rb") as file:
        return pl.read_parquet(file)


@cache
def _division_index() -> Mapping[str, tuple[Division, ...]]:
    """Return every name with the divisions that have it: those of the map, and ISO's where the map has none such."""
    full: dict[str, dict[str, Division]] = defaultdict(dict)
    for row, (country, names) in enumerate(_world().select("country_code", "names").iter_rows()):
        _enter(full, [plain(name) for name in names.split("|")], country, row)
    for entry in pycountry.subdivisions:
        if entry.parent_code is None:
            keys = [plain(name) for name in re.split(r"\s*[\[\]()/]\s*", entry.name) if name]
            _enter(full, keys, entry.country_code, None)
    # A name that is the first name of one division is no by-name of another one of its country.
    index: dict[str, set[Division]] = defaultdict(set)
    for key, by_entity in full.items():
        for country in {division.country for division in by_entity.values()}:
            here = [division for division in by_entity.values() if division.country == country]
            index[key].update([d for d in here if d.key in (key, f"city {key}")] or here)
    for key in list(index):
        bare = _bare(key)
        if bare and bare not in full:
            index[bare].update(index[key])
    return MappingProxyType({key: tuple(found) for key, found in index.items()})


def _enter(index: dict[str, dict[str, Division]], keys: Iterable[str], country: str, row: int | None) -> None:
    """Enter a division under its names, once where another list has it already."""
    keys = [key for key in dict.fromkeys(keys) if len(key) > 1]
    if not keys:
        return
    cities = {key: _CITY.sub("", key) for key in keys}
    primary = f"city {cities[keys[0]]}" if cities[keys[0]] != keys[0] else keys[0]
    known = [d for key in keys for d in index[key].values() if d.country == country] if row is None else []
    division = known[0] if known else Division(country, None, row, primary)
    for key in dict.fromkeys((*keys, *cities.values())):
        index[key][f"{country}/{division.key}/{division.row}"] = division


@cache
def _abbreviations() -> Mapping[str, tuple[Division, ...]]:
    """Return the divisions by abbreviation (WA), in countries that use them."""
    found: dict[str, set[Division]] = defaultdict(set)
    for entry in pycountry.subdivisions:
        if entry.country_code in _ABBREVIATED and entry.parent_code is None:
            named = _division_index().get(plain(entry.name), ())
            found[entry.code.partition("-")[2]].update(d for d in named if d.country == entry.country_code)
    return MappingProxyType({text: tuple(divisions) for text, divisions in found.items()})


@lru_cache(maxsize=4096)
def shape_of(division: Division, boundaries: places.BoundarySet) -> shapely.Geometry | None:
    """Return a division's polygons in degrees, None where only its name is known."""
    if division.code is not None:
        return places.province_geometry(division.code, boundaries)
    if division.row is None:
        return None
    row = _world().row(division.row, named=True)
    vertices = np.column_stack([np.cumsum(row["dx"]), np.cumsum(row["dy"])]) / 1000.0
    ends = np.cumsum(row["sizes"])
    rings = [vertices[end - size : end] for end, size in zip(ends, row["sizes"], strict=True)]
    parts: list[tuple[np.ndarray, list[np.ndarray]]] = []
    for ring, hole in zip(rings, row["holes"], strict=True):
        if hole:
            parts[-1][1].append(ring)
        else:
            parts.append((ring, []))
    return shapely.MultiPolygon(parts)
