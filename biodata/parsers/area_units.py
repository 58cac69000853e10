"""Units of area, by their names in the region's languages, and which of them a column of numbers fits."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.errors import InputError
from biodata.parsers.bundled import read_rows
from biodata.parsers.numerals import ascii_digits

INVISIBLE: Final = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
"""Characters that mark where a word of Khmer or Thai may be parted."""


@cache
def square_metres() -> Mapping[str, float]:
    """Return every unit's code with its size in m²."""
    return MappingProxyType({row["value"]: float(row["square_metres"]) for row in read_rows("area_units.csv")})


def known_unit(text: str) -> tuple[str, float] | None:
    """Return the code of a unit and the number that it is told by (`万亩` is 10,000 mu); None where it is not known."""
    key = _key(text)
    units, words = _units(), _words()
    if key in units:
        return units[key], 1.0
    for word, number in words.items():
        if key.startswith(word) and key[len(word) :] in units:
            return units[key[len(word) :]], number
    return None


def number_word(text: str) -> float | None:
    """Return the number that a word alone tells, such as 万; None where it is none."""
    return _words().get(_key(text))


def declared_unit(unit: str) -> tuple[str, float]:
    """Return the unit that the caller declares."""
    known = known_unit(unit)
    if known is None:
        problem, expected = "the unit that is declared is not known", ", ".join(square_metres())
        raise InputError(problem, column="unit", value=unit, expected=expected, code="DECLARATION_UNKNOWN")
    return known


def _key(text: str) -> str:
    """Return the form in which units are compared: no white space, stops, hyphens or letter case."""
    plain = unicodedata.normalize("NFKC", ascii_digits(text)).translate(INVISIBLE).casefold()
    return re.sub(r"[\s.\-_^]+|(?<=\D)s?\(s\)$", "", plain.replace("\u00b2", "2"))


@cache
def _units() -> Mapping[str, str]:
    """Return every spelling of every unit with the unit's code."""
    rows = read_rows("area_units.csv")
    return {_key(name): row["value"] for row in rows for name in (row["value"], *row["names"].split("|"))}


@cache
def _words() -> Mapping[str, float]:
    """Return every word that multiplies a number, the longest first."""
    rows = read_rows("number_words.csv")
    words = {_key(name): float(row["value"]) for row in rows for name in row["names"].split("|")}
    return dict(sorted(words.items(), key=lambda item: -len(item[0])))


class UnitFit(NamedTuple):
    """A unit that reported numbers could be in."""

    unit: str
    fits: int
    of: int


def infer_unit(numbers: pl.Series, computed_km2: pl.Series, *, tolerance: float = 0.2) -> list[UnitFit]:
    """Say which unit a column of reported areas fits, by the areas computed from the same sites' polygons.

    Parameters
    ----------
    numbers : polars.Series of float, length n
        Reported areas in a unit that nothing tells.
    computed_km2 : polars.Series of float, length n
        Areas of the polygons, km²; null where a site has none.
    tolerance : float
        How far, as a share, the larger of the two may exceed the smaller one.

    Returns
    -------
    list of UnitFit
        Units with at least one site that fits, best first: how many of how many sites fit. It is a proposal: a unit of
        the list's head is worth proposing where most sites fit it and few the next (`proposed_unit`).
    """
    both = pl.DataFrame({"number": numbers.cast(pl.Float64), "computed": computed_km2.cast(pl.Float64)})
    both = both.filter((pl.col("number") > 0) & (pl.col("computed") > 0) & pl.all_horizontal(pl.all().is_finite()))
    sizes = {**square_metres(), "万亩": 1e4 * square_metres()["mu"], "万公顷": 1e8}
    counts = both.select(
        (pl.col("number") * (size / 1e6) / pl.col("computed"))
        .is_between(1 / (1 + tolerance), 1 + tolerance)
        .sum()
        .alias(name)
        for name, size in sizes.items()
    )
    fits = [UnitFit(name, int(count), both.height) for name, count in zip(sizes, counts.row(0), strict=True) if count]
    return sorted(fits, key=lambda fit: (-fit.fits, fit.unit))


def proposed_unit(fits: list[UnitFit], *, least: int = 3) -> UnitFit | None:
    """Return the unit to propose: at least `least` sites and half of all fit it, and the next unit fits half as many."""
    best, second = (fits[0] if fits else None), (fits[1].fits if len(fits) > 1 else 0)
    if best is None or best.fits < least or 2 * best.fits < best.of or 2 * second > best.fits:
        return None
    return best
