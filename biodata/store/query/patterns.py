"""Text columns beside patterns, and without their accents, as SQL."""

import re
from collections.abc import Callable
from typing import Any


def unaccented(expression: str) -> str:
    """Return an expression without the accents of its letters; the stroke of Vietnamese Đ counts as one."""
    return f"translate(strip_accents({expression}), 'Đđ', 'Dd')"


_WILDCARDS = frozenset("%_")


def matches(
    column: str, pattern: str, *, ignore_case: bool, around: Callable[[str], str] = str
) -> tuple[str, list[Any]]:
    r"""Return the condition that a text column fits a pattern.

    Parameters
    ----------
    column : str
        The column's quoted name.
    pattern : str
        % is any text, _ one character, \ takes the meaning away from the next; it does not end in a single \.
    ignore_case : bool
        Upper and lower case are the same.
    around : callable
        What becomes of the column and of the pattern's text before both are compared, as `unaccented`.

    Returns
    -------
    (str, list)
        SQL with a ? for each parameter.
    """
    parts, column, mark = _parts(pattern), around(column), around("?")
    literals = [text for is_wild, text in parts if not is_wild]
    shape = "".join(text if is_wild else "x" for is_wild, text in parts)
    plain = _PLAIN.get(shape)
    if plain is not None and len(literals) == 1:
        left, right = (f"lower({column})", f"lower({mark})") if ignore_case else (column, mark)
        return plain.format(left=left, mark=right), literals
    expression = "".join({"%": ".*", "_": "."}[text] if is_wild else re.escape(text) for is_wild, text in parts)
    return f"regexp_full_match({column}, {mark}, '{'si' if ignore_case else 's'}')", [expression]


_PLAIN = {
    "x": "({left} = {mark})",
    "x%": "starts_with({left}, {mark})",
    "%x": "suffix({left}, {mark})",
    "%x%": "contains({left}, {mark})",
}
"""Shapes of patterns that need no regular expression."""


def _parts(pattern: str) -> list[tuple[bool, str]]:
    """Return wildcards and the text between them; several % in a row are one."""
    parts: list[tuple[bool, str]] = []
    characters = iter(pattern)
    for character in characters:
        if character in _WILDCARDS:
            if (character, parts[-1:]) != ("%", [(True, "%")]):
                parts.append((True, character))
            continue
        text = next(characters) if character == "\\" else character
        if parts and not parts[-1][0]:
            parts[-1] = (False, parts[-1][1] + text)
        else:
            parts.append((False, text))
    return parts
