"""Areas and survey effort written as text: numbers with units in the region's languages."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.core.errors import InputError
from biodata.text.controlled import plain_key
from biodata.text.numbers import SPACES, AmbiguousNumberError, ascii_digits, parse_decimal, read_number
from biodata.text.tables import Confidence, columns_of, over_distinct, read_rows

# Units of area, by their names in the region's languages, and which of them a column of numbers fits.

INVISIBLE: Final = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
"""Characters that mark where a word of Khmer or Thai may be parted."""


@cache
def square_metres() -> Mapping[str, float]:
    """Return every unit's code with its size in m²."""
    return MappingProxyType({row["value"]: float(row["square_metres"]) for row in read_rows("area_units.csv")})


def known_unit(text: str) -> tuple[str, float] | None:
    """Return the code of a unit and the number that it is stated by (`万亩` is 10,000 mu); None where it is not known."""
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
        Units with at least one site that fits, best first: how many of how many sites fit. It is a proposal.
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


# Areas in the units of the region: hectares, square kilometres, mu, rai with ngan and wah, acres, square miles.
#
# Conventions
# - A unit is the one that stands behind the number; else the one that the caller declares (the heading `面积(万亩)`);
#   else none, and the number waits for one. Which unit fits a column is `infer_unit`'s proposal, never applied here.
# - Mu is China's of today, 1/15 ha; rai 1,600 m², ngan 400 m², wah 4 m². Units of no single size are not read: Viet Nam's
#   mẫu, sào and công (three sizes of mẫu by region), 顷 (100 mu, or short for 公顷), Malaysia's relung.
# - Numbers as in `grouped_numbers`; where the unit is written in Chinese, Thai or Burmese, whose writers use the point
#   only, a comma parts thousands.

INVALID: Final = "AREA_INVALID"
AMBIGUOUS: Final = "AREA_NUMBER_AMBIGUOUS"
UNIT_UNKNOWN: Final = "AREA_UNIT_UNKNOWN"
UNIT_MISSING: Final = "AREA_UNIT_MISSING"

LARGEST_KM2: Final = 510_100_000.0
"""The surface of the Earth."""

LONGEST: Final = 80
"""No area needs more characters; a longer text would only keep the patterns busy."""

# Rai, ngan and wah stand one behind the other, the larger first; no other units do.
_COMPOUND: Final = ("rai", "ngan", "wah")
_PART: Final = re.compile(rf"([+-]?\d(?:[\d.,'\u2019]|[{SPACES}](?=\d{{3}}(?!\d)))*(?:e[+-]?\d+)?)([^\d+]*)")
_DEED: Final = re.compile(r"(\d+)-([0-3])-(\d{1,2}(?:\.\d+)?)([^\d]*)")
# km2, km^2, กม.2: a 2 behind a unit of length; the 2 of `5 rai 2 ngan` is a number.
_SQUARE: Final = re.compile(r"((?<![^\W\d_])(?:km|mi|m)|(?:กม|ม|គ\.?ម|ម|ກມ|ມ))[\s.]*(?:\^\s*)?2(?![\d.,])")
_ABOUT: Final = re.compile(
    r"(?:ca?\.|circa|about|approx(?:imately|\.)?|around|[~\u2248]|大?约|大?約|khoảng|ประมาณ|ປະມານ|ប្រហែល|ခန့်"
    r"|sekitar|kira-kira|lebih kurang|environ|etwa|ongeveer|cerca de|unos|mga)\s*"
)
_POINT_SCRIPTS: Final = re.compile(r"[\u0e00-\u0e7f\u1000-\u109f\u3400-\u9fff]")


class Area(NamedTuple):
    """What a text says of an area: the columns of `parse_areas` after `value`."""

    number: float | None = None
    unit: str | None = None
    area_km2: float | None = None
    rule: str | None = None
    issue: str | None = None
    confidence: str | None = None


def parse_areas(values: pl.Series, *, unit: str | None = None, decimal_mark: str | None = None) -> pl.DataFrame:
    """Read a column of areas.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `500 ha`, `1,234.5 km²`, `1.2万亩`, `5 ไร่ 2 งาน`; null where nothing was stated.
    unit : str, optional
        The unit of numbers that stand without one, in any spelling that is read behind a number.
    decimal_mark : str, optional
        `.` or `,` where the dataset declares it.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `number` in `unit` (a code of `square_metres`); `area_km2`; `rule`: what was needed to read it,
        joined by `+` (`thousands`, `decimal_comma`, `digits`, `number_word`, `compound`, `declared_unit`,
        `approximate`); `issue`: AREA_INVALID, AREA_NUMBER_AMBIGUOUS, AREA_UNIT_UNKNOWN or AREA_UNIT_MISSING, and then
        no area; `confidence`: DEFINITE, PROBABLE (approximate) or null where there is no area.

    Raises
    ------
    InputError
        If `unit` is not known.
    """
    declared = None if unit is None else declared_unit(unit)
    if decimal_mark not in {None, ".", ","}:
        problem, expected = "the decimal mark that is declared is not known", ". or ,"
        raise InputError(problem, column="decimal_mark", value=decimal_mark, expected=expected)

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *_parse(text, declared, decimal_mark)) for text in distinct]
        return pl.DataFrame(rows, schema={"value": pl.String, **columns_of(Area)}, orient="row")

    return over_distinct(values, parse)


def parse_area(text: str, *, unit: str | None = None, decimal_mark: str | None = None) -> Area:
    """Read one area; parameters and answers as in `parse_areas`."""
    return _parse(text, None if unit is None else declared_unit(unit), decimal_mark)


def _parse(text: str, declared: tuple[str, float] | None, mark: str | None) -> Area:
    """Read one area."""
    if len(text) > LONGEST:
        return Area(issue=INVALID)
    latin = ascii_digits(text)
    stated = unicodedata.normalize("NFKC", latin).translate(INVISIBLE).replace("\u2212", "-").strip().casefold()
    rules = ["digits"] if latin != text else []
    if about := _ABOUT.match(stated):
        stated, rules = stated[about.end() :], [*rules, "approximate"]
    try:
        parts = _parts(stated, mark, bare=stated == text)
    except AmbiguousNumberError:
        return Area(issue=AMBIGUOUS)
    except (ValueError, OverflowError):
        return Area(issue=INVALID)
    except LookupError:
        return Area(issue=UNIT_UNKNOWN)
    rules += sorted({rule for part in parts for rule in part.rules})
    number, unit = parts[0].number, parts[0].unit
    if len(parts) > 1 and unit is not None:
        sizes = square_metres()
        number = sum(part.number * sizes[part.unit or unit] for part in parts) / sizes[unit]
        rules.append("compound")
    if unit is None and declared is not None:
        unit, number = declared[0], number * declared[1]
        rules.append("declared_unit")
    rule = "+".join(rules) or None
    if unit is None:
        return Area(number, None, None, rule, UNIT_MISSING if number > 0 else INVALID)
    km2 = number * square_metres()[unit] / 1e6
    if not 0 < km2 <= LARGEST_KM2:
        return Area(number, unit, None, rule, INVALID)
    return Area(number, unit, km2, rule, None, _confidence(rules))


def _confidence(rules: list[str]) -> str:
    """Return how sure an area is that was read with these rules."""
    return (Confidence.PROBABLE if "approximate" in rules else Confidence.DEFINITE).value


class _Part(NamedTuple):
    """A number with its unit."""

    number: float
    unit: str | None
    rules: tuple[str, ...]


def _parts(text: str, mark: str | None, *, bare: bool) -> list[_Part]:
    """Take an area apart; LookupError for a unit that is not known."""
    if deed := _DEED.fullmatch(text):
        if known_unit(deed[4]) != ("rai", 1.0):
            problem = "three numbers without the unit rai"
            raise ValueError(problem)
        return [_Part(float(deed[i]), unit, ()) for i, unit in enumerate(_COMPOUND, start=1)]
    squared = _SQUARE.sub("\\1\u00b2", text)
    found = list(_PART.finditer(squared))
    if not found or "".join(match[0] for match in found) != squared:
        problem = "no number with a unit behind it"
        raise ValueError(problem)
    parts = [_part(match[1], match[2].strip(), mark, bare=bare) for match in found]
    if len(parts) > 1:
        order = [_COMPOUND.index(part.unit or "") if part.unit in _COMPOUND else -1 for part in parts]
        if -1 in order or order != sorted(set(order)):
            problem = "more than one area"
            raise ValueError(problem)
    return parts


def _part(number: str, unit: str, mark: str | None, *, bare: bool) -> _Part:
    """Read a number and its unit."""
    known: tuple[str | None, float] | None = known_unit(unit) if unit else (None, 1.0)
    if known is None and (word := number_word(unit)) is not None:
        known = (None, word)
    if known is None and not any(map(str.isalpha, unit)):
        problem = "a sign behind the number"
        raise ValueError(problem)
    if known is None:
        raise LookupError(unit)
    try:
        read = read_number(number.strip(), mark=mark, bare=bare and not unit)
    except AmbiguousNumberError:
        if not _POINT_SCRIPTS.search(unit):
            raise
        read = read_number(number.strip(), mark=".")
    rules = (read.rule,) if read.rule else ()
    if known[1] != 1.0:
        return _Part(read.value * known[1], known[0], (*rules, "number_word"))
    return _Part(read.value, known[0], rules)


# Survey effort written as text: a number and its unit in the region's languages, brought to a design's own unit.

_INTO: Final = MappingProxyType(
    {
        # A camera's day has one night; 24 hours of running are one, too.
        "trap-night": {"night": 1.0, "day": 1.0, "time": 1 / 24},
        "reporting-day": {"day": 1.0},
        "km": {"length": 1.0},
        "hour": {"time": 1.0},
        "minute": {"time": 60.0},
        "net-metre-hour": {"net": 1.0},
        "m²": {"area": 1.0},
    }
)
"""Unit of a design → what can be made into it, with the factor for a size of 1: nights, days, hours, km, m²."""


_ISO_DURATION: Final = re.compile(r"PT(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?", re.ASCII)
_TWO_UNITS: Final = re.compile(r"(\d+)\s*([^\d\s.,]+)\.?,?\s*(\d{1,2})\s*([^\d\s.,]*)\.?", re.ASCII)


class Unit(NamedTuple):
    """A unit: what it measures, and its size in nights, days, hours, kilometres, net-metre-hours or m²."""

    dimension: str
    size: float


def effort_unit(text: str) -> Unit | None:
    """Return the unit that a text names; None where it is not known."""
    found = _effort_units().get(plain_key(text[:LONGEST]))
    if found is not None:
        return found
    area = known_unit(text[:LONGEST])
    return None if area is None else Unit("area", area[1] * square_metres()[area[0]])


def read_effort(text: str) -> tuple[float | None, str | None]:
    """Return the number that a text begins with, and the text of the unit behind it; each None where there is none.

    A time in two units, or as ISO 8601 writes durations, is stated in hours.

    Examples
    --------
    >>> read_effort("21 trap-nights")
    (21.0, 'trap-nights')
    >>> read_effort("2 h 30 min"), read_effort("PT45M")
    ((2.5, 'hour'), (0.75, 'hour'))
    """
    short = text.strip()[:LONGEST]
    hours = _hours(short)
    if hours is not None:
        return hours, "hour"
    end = next((at for at, sign in enumerate(short) if sign.isalpha()), len(short))
    number, _ = parse_decimal(short[:end].strip())
    return number, short[end:].strip() or None


def _hours(text: str) -> float | None:
    """Return the hours of a time in two units (`2 h 30 min`, `2h30`) or of an ISO duration; None where it is neither."""
    iso = _ISO_DURATION.fullmatch(text)
    if iso is not None and any(iso.groups()):
        hours, minutes, seconds = (float(stated or 0) for stated in iso.groups())
        return hours + minutes / 60 + seconds / 3600
    found = _TWO_UNITS.fullmatch(text)
    if found is None:
        return None
    first, second = effort_unit(found[2]), effort_unit(found[4] or "min")
    if first is None or second is None or {first.dimension, second.dimension} != {"time"} or first.size <= second.size:
        return None
    return float(found[1]) * first.size + float(found[3]) * second.size


def in_unit(number: float, unit: Unit, wanted: str) -> float | None:
    """Return a number of one unit in another; None where the one cannot be made into the other.

    Parameters
    ----------
    number : float
        How many.
    unit : Unit
        Of what.
    wanted : str
        A value of `vocabularies.EFFORT_UNITS`.
    """
    factor = _INTO.get(wanted, {}).get(unit.dimension)
    return None if factor is None else number * unit.size * factor


@cache
def _effort_units() -> MappingProxyType[str, Unit]:
    """Return every name of every unit of `effort_units.csv`."""
    return MappingProxyType(
        {
            plain_key(name): Unit(row["dimension"], float(row["size"]))
            for row in read_rows("effort_units.csv")
            for name in (row["value"], *row["names"].split("|"))
        }
    )
