"""Units that a heading names: lengths turned into metres, and what a heading says of its dates."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_letters
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings import key
from biodata.ingest.headings.plain import units_in
from biodata.text.numbers import ascii_digits, parse_decimal
from biodata.text.tables import read_rows

_METRES: Final = MappingProxyType({"km": 1000.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "mi": 1609.344, "yd": 0.9144})
_FEWEST, _MOSTLY = 3, 0.9
DATES: Final = frozenset({"eventDate", "verbatimEventDate", "deploymentStart", "deploymentEnd", "year"})
_DECLARED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({
    "buddhist_year": {"calendar": "buddhist"},
    "day_month_year": {"day_month_order": "day_first"},
    "month_day_year": {"day_month_order": "month_first"},
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """What a column measures of an animal or a plant, in which unit, and between which numbers; words where it has none."""

    kind: str
    unit: str
    least: float | None
    greatest: float | None


@cache
def _measures() -> Mapping[str, Measured]:
    found: dict[str, Measured] = {}
    for row in read_rows("measured_headings.csv"):
        least, greatest = (float(row[name]) if row[name] else None for name in ("least", "greatest"))
        found |= {key(w): Measured(row["kind"], row["unit"], least, greatest) for w in row["words"].split("|")}
    return found


def measured(heading: str) -> Measured | None:
    """Return what a heading says that its column measures, in the unit that it names; None where it says none."""
    rest, units = units_in(heading.strip())
    parts = (heading, rest, rest.strip(f"{ascii_letters} "))  # 胸径DBH
    found = next((known for part in parts if (known := _measures().get(key(part)))), None)
    if any(unit.name == "m_above_sea_level" for unit in units):
        return None
    if found is None or not units or units[0].name in (found.unit, "percent") or found.greatest is None:
        return found
    factor = _METRES.get(units[0].name, 1.0) / _METRES.get(found.unit, 1.0)
    return Measured(found.kind, units[0].name, (found.least or 0.0) / factor, found.greatest / factor)


def shares_in(texts: Iterable[str]) -> Measured | None:
    """Return what the cells of a cross-table measure where a title, its sheet's name or a heading over it says percents or cover."""
    share = next(one for one in _measures().values() if one.unit == "%")
    covers = [word for word, one in _measures().items() if one == share]
    return share if any("%" in text or any(word in key(text) for word in covers) for text in texts) else None


def measurements(columns: Mapping[str, Sequence[str | None]], kinds: Mapping[str, Measured]) -> list[str | None]:
    """Return what columns measure as JSON, row by row, under Darwin Core's names."""
    out = []
    for cells in zip(*(columns[name] for name in kinds), strict=True):
        entries = [
            {"measurementType": one.kind, "measurementValue": cell} | ({"measurementUnit": one.unit} if one.unit else {})
            for one, cell in zip(kinds.values(), cells, strict=True) if cell is not None
        ]  # fmt: skip
        out.append(json.dumps(entries, ensure_ascii=False) if entries else None)
    return out


def in_metres(term: str, unit: str | None, cells: Sequence[str | None]) -> list[str | None] | None:
    """Return the cells of a column in metres, where its heading names another length; None where it does not."""
    is_length = term.endswith(("InMeters", "distance_m")) or term in ("elevation", "depth")
    factor = _METRES.get(unit or "") if is_length else None
    if factor is None:
        return None
    numbers = [None if cell is None else parse_decimal(cell.strip())[0] for cell in cells]
    return [cell if n is None else f"{n * factor:.10g}" for cell, n in zip(cells, numbers, strict=True)]


def declared(term: str, unit: str | None, cells: Sequence[str | None]) -> Mapping[str, str]:
    """Return what a column declares of its dates: by its heading the calendar, or the order of day and month; by its years.

    Where nine of ten cells, or all but one, have a year of the Buddhist Era and none has one of the common era, it is of that era.
    """
    if term not in DATES:
        return {}
    names, of_heading = [ascii_digits(cell) for cell in cells if cell], _DECLARED.get(unit or "", {})
    of_era = sum(re.search(r"(?<!\d)2[45]\d\d(?!\d)", text) is not None for text in names)
    common = any(re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", text) for text in names)
    is_buddhist = len(names) >= _FEWEST and of_era >= min(_MOSTLY * len(names), len(names) - 1) and not common
    return {"calendar": "buddhist", **of_heading} if is_buddhist else of_heading
