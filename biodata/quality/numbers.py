"""Numbers told as text, for the tests that compare them."""

from functools import cache
from typing import Final

import polars as pl

from biodata.quality.model import Context, Preparation

BLANKS: Final = "".join(map(chr, range(0x21)))
"""White space and control characters around a number do not change it; other signs, U+00A0 too, make it none."""


@cache
def number(term: str) -> Preparation:
    """Return the preparation that reads a term as a number: column `value` (Float64), null where it is none."""

    def make(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
        return pl.DataFrame({"value": read_numbers(frame[term])})

    return Preparation(f"{term}.number", (term,), {"value": pl.Float64}, make, distinct=False)


def value(term: str) -> pl.Expr:
    """Return the number that `number(term)` prepared."""
    return number(term).column("value")


def read_numbers(texts: pl.Series) -> pl.Series:
    """Return the finite number that each text is, null where it is none."""
    if texts.null_count() == len(texts):
        return pl.Series(texts.name, [None], dtype=pl.Float64).new_from_index(0, len(texts))
    read = texts.cast(pl.Float64, strict=False)
    if read.null_count() > texts.null_count():
        odd = read.is_null() & texts.is_not_null()
        trimmed = texts.filter(odd).str.strip_chars(BLANKS).cast(pl.Float64, strict=False)
        read = read.scatter(odd.arg_true(), trimmed)
    finite = read.is_finite()
    # Infinity and NaN are no numbers of anything.
    return read if finite.all() else pl.select(pl.when(finite).then(read)).to_series()
