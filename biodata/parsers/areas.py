"""Areas in the units of the region: hectares, square kilometres, mu, rai with ngan and wah, acres, square miles.

Conventions
- A unit is the one that stands behind the number; else the one that the caller declares (the heading `面积(万亩)`);
  else none, and the number waits for one. Which unit fits a column is `infer_unit`'s proposal, never applied here.
- Mu is China's of today, 1/15 ha; rai 1,600 m², ngan 400 m², wah 4 m². Units of no single size are not read: Viet Nam's
  mẫu, sào and công (three sizes of mẫu by region), 顷 (100 mu, or short for 公顷), Malaysia's relung.
- Numbers as in `grouped_numbers`; where the unit is written in Chinese, Thai or Burmese, whose writers use the point
  only, a comma parts thousands.
"""

import re
import unicodedata
from typing import Final, NamedTuple

import polars as pl

from biodata.errors import InputError
from biodata.parsers.area_units import (
    INVISIBLE,
    declared_unit,
    infer_unit,
    known_unit,
    number_word,
    proposed_unit,
    square_metres,
)
from biodata.parsers.confidence import Confidence
from biodata.parsers.distinct import over_distinct
from biodata.parsers.grouped_numbers import SPACES, AmbiguousNumberError, read_number
from biodata.parsers.numerals import ascii_digits

INVALID: Final = "AREA_INVALID"
AMBIGUOUS: Final = "AREA_NUMBER_AMBIGUOUS"
UNIT_UNKNOWN: Final = "AREA_UNIT_UNKNOWN"
UNIT_MISSING: Final = "AREA_UNIT_MISSING"

__all__ = ["infer_unit", "known_unit", "parse_area", "parse_areas", "proposed_unit", "square_metres"]

SCHEMA: Final = pl.Schema(
    {
        "value": pl.String,
        "number": pl.Float64,
        "unit": pl.String,
        "area_km2": pl.Float64,
        "rule": pl.String,
        "issue": pl.String,
        "confidence": pl.String,
    }
)

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
        Such as `500 ha`, `1,234.5 km²`, `1.2万亩`, `5 ไร่ 2 งาน`; null where nothing was told.
    unit : str, optional
        The unit of numbers that stand without one, in any spelling that is read behind a number.
    decimal_mark : str, optional
        `.` or `,` where the column tells it (`grouped_numbers.decimal_mark`) or the dataset declares it.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `number` in `unit` (a code of `square_metres`); `area_km2`; `rule`: what was needed to read it,
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
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    return over_distinct(values, parse)


def parse_area(text: str, *, unit: str | None = None, decimal_mark: str | None = None) -> Area:
    """Read one area; parameters and answers as in `parse_areas`."""
    return _parse(text, None if unit is None else declared_unit(unit), decimal_mark)


def _parse(text: str, declared: tuple[str, float] | None, mark: str | None) -> Area:
    """Read one area."""
    if len(text) > LONGEST:
        return Area(issue=INVALID)
    latin = ascii_digits(text)
    told = unicodedata.normalize("NFKC", latin).translate(INVISIBLE).replace("\u2212", "-").strip().casefold()
    rules = ["digits"] if latin != text else []
    if about := _ABOUT.match(told):
        told, rules = told[about.end() :], [*rules, "approximate"]
    try:
        parts = _parts(told, mark, bare=told == text)
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


def _parts(told: str, mark: str | None, *, bare: bool) -> list[_Part]:
    """Take an area apart; LookupError for a unit that is not known."""
    if deed := _DEED.fullmatch(told):
        if known_unit(deed[4]) != ("rai", 1.0):
            problem = "three numbers without the unit rai"
            raise ValueError(problem)
        return [_Part(float(deed[i]), unit, ()) for i, unit in enumerate(_COMPOUND, start=1)]
    squared = _SQUARE.sub("\\1\u00b2", told)
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
