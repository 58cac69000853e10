"""Questions to the lake and to a release: one filter tree, turned into SQL here alone."""

from biodata.store.query.filters import (
    And,
    Between,
    Compare,
    Contains,
    DayOfYear,
    Differ,
    Filter,
    In,
    InBox,
    InCountry,
    Intersects,
    IsNull,
    Like,
    Not,
    Or,
    Recorded,
)

__all__ = [
    "And",
    "Between",
    "Compare",
    "Contains",
    "DayOfYear",
    "Differ",
    "Filter",
    "In",
    "InBox",
    "InCountry",
    "Intersects",
    "IsNull",
    "Like",
    "Not",
    "Or",
    "Recorded",
]
