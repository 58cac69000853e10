"""Units that a heading names: lengths turned into metres, and what a heading says of its dates."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from biodata.parsers.decimals import parse_decimal

_METRES: Final = MappingProxyType({"km": 1000.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "mi": 1609.344, "yd": 0.9144})
_IN_METRES: Final = frozenset(
    {
        "coordinateUncertaintyInMeters", "minimumElevationInMeters", "maximumElevationInMeters", "elevation", "depth",
        "minimumDepthInMeters", "maximumDepthInMeters", "perpendicular_distance_m",
    }
)  # fmt: skip
_DATES: Final = frozenset({"eventDate", "verbatimEventDate", "deploymentStart", "deploymentEnd", "year"})
_DECLARED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "buddhist_year": {"calendar": "buddhist"},
        "day_month_year": {"day_month_order": "day_first"},
        "month_day_year": {"day_month_order": "month_first"},
    }
)


def in_metres(term: str, unit: str | None, cells: Sequence[str | None]) -> list[str | None] | None:
    """Return the cells of a column in metres, where its heading names another length; None where it does not.

    A cell that is no number stays as it came.
    """
    factor = _METRES.get(unit or "") if term in _IN_METRES else None
    if factor is None:
        return None
    out = []
    for cell in cells:
        number = None if cell is None else parse_decimal(cell.strip())[0]
        out.append(cell if number is None else f"{number * factor:.10g}")
    return out


def declared(term: str, unit: str | None) -> Mapping[str, str]:
    """Return what a heading declares of its column's dates: the calendar, or the order of day and month."""
    return _DECLARED.get(unit or "", {}) if term in _DATES else {}
