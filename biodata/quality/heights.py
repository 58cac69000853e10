"""Depths and elevations told in words, with their unit, to metres."""

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from biodata.text.numbers import ascii_digits

# Metres in a unit; feet, yards and fathoms as agreed in 1959 (1 yard = 0.9144 m).
UNITS: Final = MappingProxyType(
    {
        **dict.fromkeys(("m", "ms", "mt", "mts", "mtr", "mtrs", "meter", "meters", "metre", "metres", "metro", "metros",
                         "m.s.n.m", "msnm", "mètre", "mètres", "米", "公尺", "เมตร", "mét"), Decimal(1)),
        **dict.fromkeys(("km", "kms", "kilometer", "kilometers", "kilometre", "kilometres", "公里"), Decimal(1000)),
        **dict.fromkeys(("ft", "fts", "feet", "foot", "'", "′", "英尺"), Decimal("0.3048")),
        **dict.fromkeys(("yd", "yds", "yard", "yards"), Decimal("0.9144")),
        **dict.fromkeys(("fathom", "fathoms", "fath", "fth", "fths", "fm", "fms", "ftm", "ftms"), Decimal("1.8288")),
    }
)  # fmt: skip
ENGLISH: Final = frozenset({Decimal("0.3048"), Decimal("0.9144"), Decimal("1.8288")})
"""Units that people use who set thousands apart with commas."""

_NUMBER: Final = r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?"
_UNIT: Final = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True))
_LEAST: Final = r"min(?:imum)?\.?\s*(?:depth|elevation|elev\.?|alt(?:itude)?\.?)?"
_MOST: Final = r"max(?:imum)?\.?\s*(?:depth|elevation|elev\.?|alt(?:itude)?\.?)?"
_BEFORE: Final = re.compile(
    r"^(?:depth|water depth|elevation|elev|altitude|alt|height|at|from|between|海拔|水深|深度|độ cao|độ sâu)\b[\s.:=]*"
    r"|^(?:海拔|水深|深度)[约約]?\s*"
)
_AFTER: Final = re.compile(
    r"[\s,;(]*(?:above (?:mean )?sea[ -]level|below (?:the )?(?:surface|sea[ -]level)|a\.?\s?s\.?\s?l\.?|a\.?m\.?s\.?l\.?"
    r"|elevation|elev\.?|altitude|alt\.?|depth|deep|high)[)\s.]*$"
)
_ONE: Final = re.compile(rf"(?P<low>{_NUMBER})\s*(?P<unit>{_UNIT})\.?")
_RANGE: Final = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?P<unit>{_UNIT})?\.?\s*(?:-|–|—|~|～|to|and|until|/|至|到|đến)\s*(?P<high>{_NUMBER})\s*(?P<of>{_UNIT})\.?"
)
_BOTH: Final = re.compile(
    rf"{_LEAST}\s*[:=]?\s*(?P<low>{_NUMBER})\s*(?P<unit>{_UNIT})?\.?\s*[,;/&]?\s*(?:and\s+)?{_MOST}\s*[:=]?\s*"
    rf"(?P<high>{_NUMBER})\s*(?P<of>{_UNIT})\.?"
)
_LONGEST: Final = 120


def read_heights(text: str, *, below_zero: bool) -> tuple[str, str] | None:
    """Return the least and the largest metres that a text tells; None where that is not beyond doubt.

    Parameters
    ----------
    text : str
        One number or a range, with a unit: `10-15 ftm`, `Mindepth 10m, maxdepth=100m`, `1500 to 1800 ft`. One end
        alone, a number without a unit, or one that is about or more or less, is not read.
    below_zero : bool
        Whether negative numbers make sense (elevations).

    Returns
    -------
    tuple of str, or None
        Plain decimals, the smaller first; no digit is rounded.
    """
    if len(text) > _LONGEST:
        return None
    told = " ".join(ascii_digits(text).casefold().split()).strip(" .;,")
    told = _AFTER.sub("", _BEFORE.sub("", told)).strip(" .;,()")
    match = _BOTH.fullmatch(told) or _RANGE.fullmatch(told) or _ONE.fullmatch(told)
    if match is None:
        return None
    parts = match.groupdict()
    low = _metres(parts["low"], parts["unit"] or parts.get("of"))
    high = _metres(parts["high"], parts["of"]) if parts.get("high") else low
    if low is None or high is None or (min(low, high) < 0 and not below_zero):
        return None
    least, most = sorted((low, high))
    return _plain(least), _plain(most)


def _metres(number: str, unit: str | None) -> Decimal | None:
    """Return metres; None where a comma could be a decimal one."""
    if unit is None:
        return None
    factor = UNITS[unit]
    if "," in number and factor not in ENGLISH:
        return None
    # Metres keep the digits that were told ("10.0 m"); noughts that a conversion adds say nothing.
    metres = Decimal(number.replace(",", "")) * factor
    return metres if factor == 1 else metres.normalize()


def _plain(metres: Decimal) -> str:
    """Return a decimal without exponent."""
    return f"{metres:f}"
