"""Kingdoms in one spelling."""

from types import MappingProxyType
from typing import Final

import polars as pl

# Words for the same kingdom, for comparison only; what is in none of them is no kingdom that could disagree.
_SAME: Final = MappingProxyType(
    {"metazoa": "animalia", "viridiplantae": "plantae", "archaeplastida": "plantae", "monera": "bacteria"}
)
_NONE: Final = ("incertae sedis", "unknown", "unassigned", "not assigned", "biota", "life")


def kingdom(told: pl.Expr) -> pl.Expr:
    """Return kingdoms in one spelling, for comparison only; null where none is told."""
    small = told.str.to_lowercase().str.strip_chars().replace(dict(_SAME))
    return pl.when(~small.is_in(_NONE)).then(small)
