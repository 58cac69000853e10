"""Words of people that tell a place: two coordinates, degrees with minutes, metres of a grid, or a code of a cell.

Reasons and answers are kept, and read by others than those who may know where it was.
"""

import re
from itertools import pairwise
from typing import Final

from biodata.parsers.numerals import ascii_digits

_DEGREES: Final = re.compile(
    r"(?<![\d.,])-?\d{1,3}(?:\.\d{2,}|,\d{2}(?!\d)|,\d{4,})(?![\d.,]\d|\s*(?:kg|g|mg|t|cm|mm|m|km|ha|l|ml|%)\b|\s*%)"
)
"""A number of two decimals or more; `12,500` is a thousand's, and what has a unit is a weight or a length."""
_BETWEEN: Final = 40
"""Characters between two numbers of one place, at most."""

_LATITUDES: Final = (-12.0, 40.0)
_LONGITUDES: Final = (68.0, 142.0)
"""Where the region's numbers lie; others, such as two weights, are no place of it."""

_OTHERS: Final = (
    re.compile(r"\d{1,3}(?:\.\d+)?\s*[°º度]\s*(?:\d{1,2}(?:\.\d+)?\s*['’′分]|[NSEWnsew北南东西東]\b)"),
    re.compile(r"(?<![\d.])\d{6}(?:\.\d+)?\D{1,20}\d{7}(?!\d)"),
    re.compile(
        r"\b(?:[1-9]|[1-5]\d|60) ?[C-HJ-NP-X] ?[A-HJ-NP-Z][A-HJ-NP-V] ?(?:\d{3} ?\d{3}|\d{4} ?\d{4}|\d{5} ?\d{5})\b"
    ),
    re.compile(r"\b[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}\b"),
)
"""Degrees and minutes; metres of UTM; MGRS; plus codes."""


def tells_a_place(words: str) -> bool:
    """Tell whether words hold coordinates of the region.

    Parameters
    ----------
    words : str
        As they were written, in any digits.

    Examples
    --------
    >>> tells_a_place("Is it at 21.2712, 101.4905?"), tells_a_place("row 17: 12.50 kg of 13.75 kg")
    (True, False)
    """
    text = ascii_digits(words)
    if any(pattern.search(text) for pattern in _OTHERS):
        return True
    found = [(match.start(), match.end(), float(match[0].replace(",", "."))) for match in _DEGREES.finditer(text)]
    return any(
        start - end <= _BETWEEN and (_are_one(first, second) or _are_one(second, first))
        for (_, end, first), (start, _, second) in pairwise(found)
    )


def _are_one(latitude: float, longitude: float) -> bool:
    return _LATITUDES[0] <= latitude <= _LATITUDES[1] and _LONGITUDES[0] <= longitude <= _LONGITUDES[1]
