"""Numbers written as text: the region's digits, decimal points and commas, marks between thousands, a unit behind."""

import math
import re
import sys
import unicodedata
from collections.abc import Collection
from functools import cache
from typing import Final, NamedTuple

import polars as pl

from biodata.text.tables import over_distinct

# Digits of the region's scripts: Thai, Lao, Khmer, Burmese, Devanagari, full width and every other decimal digit.


def ascii_digits(text: str) -> str:
    """Return `text` with each decimal digit of Unicode written as 0-9; all else stays.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str of the same number of characters

    Notes
    -----
    Unicode's general category Nd, https://www.unicode.org/reports/tr44/#General_Category_Values.
    """
    return text if text.isascii() else text.translate(_table())


@cache
def _table() -> dict[int, str]:
    """Return every decimal digit that is not ASCII, and the ASCII digit of its value."""
    every = (chr(code) for code in range(128, sys.maxunicode + 1))
    return {ord(char): str(unicodedata.decimal(char)) for char in every if unicodedata.decimal(char, None) is not None}


# Numbers written as text: decimal points and commas, the region's digits, a unit behind the number.

SCHEMA: Final = pl.Schema({"value": pl.String, "number": pl.Float64, "rule": pl.String})

LONGEST: Final = 80
"""No number needs more characters; a longer text would only keep the patterns busy."""

_NUMBER: Final = re.compile(r"(?P<number>[+\-\u2212]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+\-]?\d+)?)\s*(?P<unit>\D*)")


def parse_decimals(values: pl.Series, *, units: Collection[str] = (), comma_is_decimal: bool = False) -> pl.DataFrame:
    """Read a column of numbers.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    units : collection of str
        What may stand behind a number, in lower case and without its full stop, such as `m`; all mean the same unit.
    comma_is_decimal : bool
        The numbers are too small for thousands (degrees): any single comma is a decimal comma.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as stated; `number`, null where it cannot be read; `rule`: `decimal_comma`, `digits` or `unit` where the
        text was no plain number, all of them certain.

    Notes
    -----
    A comma counts as a decimal comma only where there is one and it is followed by other than three digits, or by
    three digits after a 0: `21,5` has no other meaning, `1,234` has two and is not read unless stated by the caller.
    """
    if values.null_count() == values.len():
        return pl.DataFrame(schema=SCHEMA).clear(values.len())
    plain = values.cast(pl.Float64, strict=False)
    plain = pl.select(pl.when(plain.is_finite()).then(plain)).to_series()
    if plain.null_count() == values.null_count():
        rule = pl.lit(None, dtype=pl.String).alias("rule")
        return pl.DataFrame({"value": values, "number": plain}).with_columns(rule)
    odd = pl.select(pl.when(plain.is_null()).then(values)).to_series()
    read = over_distinct(odd, lambda distinct: _parse(distinct, frozenset(units), comma_is_decimal))
    number = pl.coalesce(plain.alias("plain"), pl.col("number")).alias("number")
    return read.select(values.alias("value"), number, "rule")


def _parse(distinct: pl.Series, units: frozenset[str], comma_is_decimal: bool) -> pl.DataFrame:
    """Read each distinct text that is no plain number."""
    rows = [(text, *parse_decimal(text, units, comma_is_decimal=comma_is_decimal)) for text in distinct]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def parse_decimal(
    text: str, units: Collection[str] = (), *, comma_is_decimal: bool = False
) -> tuple[float | None, str | None]:
    """Read one number; return it, and the rule that was needed, as in `parse_decimals`."""
    latin = ascii_digits(text).strip()
    match = None if len(latin) > LONGEST else _NUMBER.fullmatch(latin)
    if match is None:
        return None, None
    unit = match["unit"].strip().rstrip(".").lower()
    if unit and unit not in units:
        return None, None
    digits = match["number"].replace("\u2212", "-")
    rule = "unit" if unit else None if digits == text.strip() else "digits"
    if "," in digits:
        whole, _, fraction = digits.partition(",")
        if not comma_is_decimal and len(fraction) == 3 and whole.strip("+-0"):
            return None, None
        digits, rule = f"{whole}.{fraction}", "decimal_comma"
    number = float(digits)
    return (number, rule) if math.isfinite(number) else (None, None)


# Numbers as people write them, with marks between thousands: `1.234.567,8`, `1,234,567.8`, `1 234 567`, `1'234`.
#
# Which of comma and point is the decimal mark is decided by rule: the last of two different marks; a mark that stands
# more than once parts thousands; a mark that is followed by other than three digits, or by three after a 0 or after four
# digits and more, is the decimal mark. `1,234` fits both, and so it is not read unless the caller tells the mark
# (`decimal_mark`, as the dataset declares it). A bare `1.234` with nothing around it is how programs write a number,
# and its point is the decimal mark; `1.234 ha` was written by a person and is not read.

LONGEST_GROUPED: Final = 40
"""No number needs more characters."""

SPACES: Final = " \u00a0\u2009\u202f"

_GROUPED_NUMBER: Final = re.compile(
    rf"([+-]?)(\d+(?:[{SPACES}'\u2019]\d{{3}})*|\d*)((?:[.,]\d+)*)([eE][+-]?\d{{1,3}})?"
)
_GROUPED: Final = re.compile(rf"\d{{1,3}}(?:[{SPACES}'\u2019]\d{{3}})+")


class AmbiguousNumberError(ValueError):
    """A mark could be the decimal mark or part thousands."""


class Number(NamedTuple):
    """A number, and the rule that was needed to read it: `thousands`, `decimal_comma` or none."""

    value: float
    rule: str | None


def read_number(text: str, *, mark: str | None = None, bare: bool = False) -> Number:
    """Read one number.

    Parameters
    ----------
    text : str
        Digits in ASCII, no white space around it.
    mark : str, optional
        The decimal mark, `.` or `,`, where the column or the language tells it.
    bare : bool
        Nothing stood beside the number: a single point is the decimal mark.

    Raises
    ------
    AmbiguousNumberError
        If a mark could mean either.
    ValueError
        If it is no number, or one beyond every double.
    """
    match = _GROUPED_NUMBER.fullmatch(text) if len(text) <= LONGEST_GROUPED else None
    if match is None or not (match[2] or match[3]):
        problem = "no number"
        raise ValueError(problem)
    whole, tail = match[2], match[3]
    spaced = _GROUPED.fullmatch(whole) is not None
    if spaced:
        whole = re.sub(r"\D", "", whole)
    elif not whole.isdigit() and whole:
        problem = "its groups have other than three digits"
        raise ValueError(problem)
    groups, fraction, rule = _tail(whole, tail, spaced=spaced, mark=mark, bare=bare)
    value = float(f"{match[1]}{whole or '0'}{groups}.{fraction or '0'}{match[4] or ''}")
    if not math.isfinite(value):
        problem = "beyond every number"
        raise ValueError(problem)
    return Number(value, rule or ("thousands" if spaced else None))


def _tail(whole: str, tail: str, *, spaced: bool, mark: str | None, bare: bool) -> tuple[str, str, str | None]:
    """Return the groups of thousands, the fraction, and the rule, of what follows the first digits."""
    marks, parts = re.findall(r"[.,]", tail), re.split(r"[.,]", tail)[1:]
    if not marks:
        return "", "", None
    comma = "decimal_comma" if marks[-1] == "," else None
    if len(set(marks)) == 2:
        if marks[-1] in marks[:-1] or (mark is not None and marks[-1] != mark):
            problem = "its marks contradict each other"
            raise ValueError(problem)
        return _groups(whole, parts[:-1], spaced=spaced), parts[-1], comma or "thousands"
    if len(marks) > 1:
        if marks[0] == mark:
            problem = "more than one decimal mark"
            raise ValueError(problem)
        return _groups(whole, parts, spaced=spaced), "", "thousands"
    could_group = len(parts[0]) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0" and not spaced
    if not could_group or marks[0] == mark:
        if mark is not None and marks[0] != mark:
            problem = "its mark is not the column's"
            raise ValueError(problem)
        return "", parts[0], comma
    if mark is not None:
        return parts[0], "", "thousands"
    if bare and marks[0] == ".":
        return "", parts[0], None
    raise AmbiguousNumberError


def _groups(whole: str, parts: list[str], *, spaced: bool) -> str:
    """Return the digits of groups of thousands."""
    if spaced or not 1 <= len(whole) <= 3 or any(len(part) != 3 for part in parts):
        problem = "its groups have other than three digits"
        raise ValueError(problem)
    return "".join(parts)
