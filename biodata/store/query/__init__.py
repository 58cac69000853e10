"""Questions to the lake and to a release: one filter tree, turned into SQL here alone."""

from biodata.store.query.filters import (
    ONE_OF_EACH,
    And,
    Between,
    Compare,
    Contains,
    Filter,
    In,
    InBox,
    Intersects,
    IsNull,
    Like,
    Not,
    Or,
    default_view,
)

__all__ = [
    "ONE_OF_EACH",
    "And",
    "Between",
    "Compare",
    "Contains",
    "Filter",
    "In",
    "InBox",
    "Intersects",
    "IsNull",
    "Like",
    "Not",
    "Or",
    "default_view",
]
