"""How reports say things: numbers with their unit, countries, outcomes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from biodata.places import country_name

NOT_KNOWN: Final = "not known"
_UNITS: Final = MappingProxyType({"km2": "km²", "m": "m", "km": "km", "percent": "%", "minutes": "minutes"})
IN_TEMPLATES: Final = (
    "counted", "countries", "flat", "joined", "metres", "number", "percent", "place", "plain", "spaced", "valued",
)  # fmt: skip
"""The functions here that templates call."""
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def number(value: Any, *, digits: int = 4) -> str:
    """Return a number with so many digits that count, groups of three apart; `not known` for none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return NOT_KNOWN
    if value == 0 or isinstance(value, int):
        return f"{int(value):,}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    told = f"{value:,.{decimals}f}"
    return told.rstrip("0").rstrip(".") if "." in told else told


def percent(share: Any) -> str:
    """Return a share, 0-1, in percent."""
    return f"{number(100 * share, digits=3)} %" if isinstance(share, int | float) else NOT_KNOWN


def metres(value: Any) -> str:
    """Return a length in metres, or in kilometres from ten on."""
    if not isinstance(value, int | float):
        return NOT_KNOWN
    return f"{number(value / 1000, digits=3)} km" if value >= 10_000 else f"{value:,.0f} m"


def countries(codes: Iterable[str]) -> str:
    """Return countries by name."""
    return joined([country_name(code) for code in codes])


def joined(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def place(rank: int) -> str:
    """Return `first`, `second`, …, `11th`."""
    if 1 <= rank <= len(_ORDINALS):
        return _ORDINALS[rank - 1]
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def counted(n: int, one: str, many: str = "") -> str:
    """Return `1 area`, `2 areas`."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def spaced(name: str) -> str:
    """Return a column's or criterion's name as words."""
    return name.replace("_", " ")


def inputs(told: Mapping[str, Any]) -> str:
    """Return what a value was made from as a line: rounded, with units and countries' names; parts apart by semicolons."""
    return "; ".join(f"{_labelled(name)[0]}: {_input(value, _labelled(name)[1])}" for name, value in told.items())


def _labelled(name: str) -> tuple[str, str]:
    """Return a name as words, and the unit that ends it."""
    stem, _, ending = name.rpartition("_")
    return (spaced(stem), _UNITS[ending]) if stem and ending in _UNITS else (spaced(name), "")


def _input(value: Any, unit: str) -> str:
    """Return a value, which may be nested, as words."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return plain(value)
    if isinstance(value, int | float):
        return f"{number(value)} {unit}".rstrip()
    if isinstance(value, Mapping):
        parts = [
            f"{_labelled(name)[0] if len(name) != 2 else country_name(name)} {_input(one, unit or _labelled(name)[1])}"
            for name, one in value.items()
        ]
        return ", ".join(parts) or "none"
    if isinstance(value, list):
        return (
            ", ".join(f"({_input(one, unit)})" if isinstance(one, Mapping) else _input(one, unit) for one in value)
            or "none"
        )
    return plain(value)


def valued(value: Any, unit: str) -> str:
    """Return a value with its unit; a share is told in percent."""
    if unit.startswith("share ") and isinstance(value, int | float):
        return f"{percent(value)} {unit.removeprefix('share ')}"
    return f"{number(value)} {unit}".rstrip() if isinstance(value, int | float) else number(value)


def plain(value: Any) -> str:
    """Return any plain value as a line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    if isinstance(value, list):
        return ", ".join(f"({plain(one)})" if isinstance(one, Mapping) else plain(one) for one in value) or "none"
    if isinstance(value, Mapping):
        told = ((f"{name}", one) for name, one in value.items())
        return (
            ", ".join(f"{n}: ({plain(v)})" if isinstance(v, Mapping) else f"{n}: {plain(v)}" for n, v in told) or "none"
        )
    return str(value)


def flat(told: Mapping[str, Any], *, before: str = "") -> list[tuple[str, str]]:
    """Return nested plain values as lines of name and value, in their order."""
    lines: list[tuple[str, str]] = []
    for name, value in told.items():
        whole = f"{before} · {spaced(name)}" if before else spaced(name)
        if isinstance(value, Mapping) and value:
            lines += flat(value, before=whole)
        else:
            lines.append((whole, plain(value)))
    return lines
