"""Numbers written as text: decimal points and commas, the region's digits, a unit behind the number."""

import math
import re
from collections.abc import Collection
from typing import Final

import polars as pl

from biodata.parsers.distinct import over_distinct
from biodata.parsers.numerals import ascii_digits

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
        `value` as told; `number`, null where it cannot be read; `rule`: `decimal_comma`, `digits` or `unit` where the
        text was no plain number, all of them certain.

    Notes
    -----
    A comma counts as a decimal comma only where there is one and it is followed by other than three digits, or by
    three digits after a 0: `21,5` has no other meaning, `1,234` has two and is not read unless told by the caller.
    """
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
