"""Links between two records: how sure, and why."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from biodata.matching.duplicate_pairs import agreement

STRENGTHS: Final = ("possible", "likely", "strong")
LINKS: Final = pl.Schema(
    {
        "a": pl.Int64,
        "b": pl.Int64,
        "strength": pl.Int8,
        "reason": pl.String,
        "agree": pl.Int32,
        "seconds": pl.Int64,
        "metres": pl.Float64,
    }
)
"""Two records by key, how sure (position in `STRENGTHS`) and why they are of one event, and how near they are."""

_AGREEING: Final = ("count", "sex", "lifeStage", "organismID", "recordNumber", "catalogNumber", "clock", "x", "y")


def links(found: pl.DataFrame, strength: int | pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Return compared pairs as links."""
    return found.select(
        a="key_a",
        b="key_b",
        strength=pl.lit(strength, dtype=pl.Int8) if isinstance(strength, int) else strength,
        reason=reason,
        agree=agreement(_AGREEING),
        seconds="seconds",
        metres="metres",
    ).select(pl.col(name).cast(dtype) for name, dtype in LINKS.items())


def together(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return links of several rules."""
    return pl.concat([pl.DataFrame(schema=LINKS), *parts])


def equal(name: str) -> pl.Expr:
    """Tell where both records tell the same in a column."""
    return (pl.col(f"{name}_a") == pl.col(f"{name}_b")).fill_null(value=False)


def differs(name: str) -> pl.Expr:
    """Tell where both records tell a column, and not the same."""
    return (pl.col(f"{name}_a") != pl.col(f"{name}_b")).fill_null(value=False)
