"""Digits of the region's scripts: Thai, Lao, Khmer, Burmese, Devanagari, full width and every other decimal digit."""

import sys
import unicodedata
from functools import cache


def ascii_digits(text: str) -> str:
    """Return `text` with each decimal digit of Unicode written as 0-9; all else stays.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str of the same number of characters

    Notes
    -----
    Unicode's general category Nd, https://www.unicode.org/reports/tr44/#General_Category_Values.
    """
    return text if text.isascii() else text.translate(_table())


@cache
def _table() -> dict[int, str]:
    """Return every decimal digit that is not ASCII, and the ASCII digit of its value."""
    every = (chr(code) for code in range(128, sys.maxunicode + 1))
    return {ord(char): str(unicodedata.decimal(char)) for char in every if unicodedata.decimal(char, None) is not None}
