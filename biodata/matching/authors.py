"""Whether two authorships can be the same: surnames, however shortened, and years."""

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from typing import Final

import polars as pl

_YEAR: Final = re.compile(r"\b(1[789]\d\d|20\d\d)\b")
_SURNAME: Final = re.compile(r"[a-z]{2,}|\b[lh]\b")
_NO_SURNAMES: Final = frozenset(
    "et al and in ex the van von de der den du la le di da dos des fil anon auct nec non emend".split()
)


class Agreement(IntEnum):
    """How two authorships stand to each other."""

    CONFLICT = -1
    UNKNOWN = 0
    SAME = 1


@lru_cache(maxsize=1 << 16)
def agreement(one: str | None, other: str | None) -> Agreement:
    """Compare two authorships.

    Parameters
    ----------
    one, other : str, optional
        As told: `(Linnaeus, 1758)`, `L.`, `C. H. Smith 1827`.

    Returns
    -------
    Agreement
        CONFLICT where no surname of the one can be one of the other, or the years are more than a year apart; UNKNOWN
        where one of both is not told.
    """
    if not one or not other:
        return Agreement.UNKNOWN
    years = [set(_YEAR.findall(text)) for text in (one, other)]
    if all(years) and not any(abs(int(a) - int(b)) <= 1 for a in years[0] for b in years[1]):
        return Agreement.CONFLICT
    surnames = [_surnames(text) for text in (one, other)]
    if not all(surnames):
        return Agreement.SAME if all(years) else Agreement.UNKNOWN
    near = any(a.startswith(b) or b.startswith(a) for a in surnames[0] for b in surnames[1])
    return Agreement.SAME if near else Agreement.CONFLICT


def agreements(pairs: pl.DataFrame, one: str, other: str) -> pl.Series:
    """Compare the authorships of many pairs, each distinct pair once.

    Returns
    -------
    polars.Series of int, length n
        Values of `Agreement`.
    """
    distinct = pairs.select(one, other).unique()
    values = [int(agreement(a, b)) for a, b in distinct.iter_rows()]
    table = distinct.with_columns(agreement=pl.Series(values, dtype=pl.Int8))
    return pairs.join(table, on=[one, other], how="left", maintain_order="left", nulls_equal=True)["agreement"]


def _surnames(text: str) -> set[str]:
    """Return the surnames in an authorship, small and without marks."""
    plain = unicodedata.normalize("NFD", text.lower().replace("ø", "o").replace("đ", "d").replace("ł", "l"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return set(_SURNAME.findall(letters)) - _NO_SURNAMES
