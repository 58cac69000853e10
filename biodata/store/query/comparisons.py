"""Comparisons of columns with each other, of text without accents, and of lists, as SQL."""

import re
from collections.abc import Callable
from typing import Any, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.terms import Column
from biodata.store.duck import quote
from biodata.store.query import filters as f
from biodata.store.tables import Table

_MAXIMUM_TEXT: Final = 1_000
_MAXIMUM_WILDCARDS: Final = 10
_OPERATORS: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
_NUMBERS: Final = (pl.Int32, pl.Int64, pl.Float64)


def condition(node: f.CompareColumns | f.Unaccented | f.ListIs, table: Table) -> tuple[str, list[Any]]:
    """Return a condition and its parameters.

    Raises
    ------
    InputError
        If columns cannot be compared so (FILTER_INVALID), or a value does not fit (FILTER_VALUE).
    """
    match node:
        case f.CompareColumns():
            return _columns(node, table)
        case f.Unaccented():
            return _unaccented(node, table)
        case f.ListIs():
            return _list(node, table)


def _columns(node: f.CompareColumns, table: Table) -> tuple[str, list[Any]]:
    """Compare two columns of one kind."""
    left, right = table.column(node.column), table.column(node.other)
    if _kind(left) != _kind(right) or node.operator not in _OPERATORS:
        problem = f"{left.name} and {right.name} are of different kinds"
        raise InputError(problem, column=left.name, code="FILTER_VALUE")
    sides = [quote(column.name) for column in (left, right)]
    if left.dtype == pl.String and node.ignore_accents:
        sides = [unaccented(side) for side in sides]
    if left.dtype == pl.String and node.ignore_case:
        sides = [f"lower({side})" for side in sides]
    return f"({sides[0]} {node.operator} {sides[1]})", []


def _unaccented(node: f.Unaccented, table: Table) -> tuple[str, list[Any]]:
    """Compare text without its accents; those of the values go in the same way."""
    column = table.column(node.column)
    if column.dtype != pl.String:
        raise _unfit(column, node.values, "a text column")
    values = [_text(column, value) for value in node.values]
    left, mark = unaccented(quote(column.name)), unaccented("?")
    if node.ignore_case:
        left, mark = f"lower({left})", f"lower({mark})"
    if node.operator == "in":
        return (f"({left} IN ({', '.join([mark] * len(values))}))", values) if values else ("false", [])
    if len(values) != 1:
        raise _unfit(column, node.values, "one value")
    if node.operator == "like":
        pattern = values[0]
        if pattern.count("%") > _MAXIMUM_WILDCARDS or (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            raise _unfit(column, pattern, f"a pattern with up to {_MAXIMUM_WILDCARDS} times %, no single \\ at its end")
        name = quote(column.name)
        return matches(name, pattern, ignore_case=node.ignore_case, unaccented=unaccented)
    if node.operator not in _OPERATORS:
        raise _unfit(column, node.operator, "a comparison")
    return f"({left} {node.operator} {mark})", values


def unaccented(expression: str) -> str:
    """Return an expression without the accents of its letters; the stroke of Vietnamese Đ counts as one."""
    return f"translate(strip_accents({expression}), 'Đđ', 'Dd')"


def _list(node: f.ListIs, table: Table) -> tuple[str, list[Any]]:
    """Compare a list of texts with the values; an order, or the same value twice, means nothing in these lists."""
    column = table.column(node.column)
    if column.dtype != pl.List(pl.String):
        problem = "is no list"
        raise InputError(problem, column=column.name, code="FILTER_INVALID")
    values = sorted({_text(column, value) for value in node.values})
    name, bound = quote(column.name), "?::VARCHAR[]"
    contained = f"list_has_all({bound}, {name})"
    if node.relation == "contained":
        return f"({contained})", [values]
    return f"({contained} AND list_has_all({name}, {bound}))", [values, values]


def _kind(column: Column) -> str:
    """Return what a column can be compared with."""
    if column.dtype in _NUMBERS:
        return "number"
    return str(column.dtype)


def _text(column: Column, value: Any) -> str:
    """Check a text value."""
    if not isinstance(value, str) or len(value) > _MAXIMUM_TEXT or any("\ud800" <= c <= "\udfff" for c in value):
        raise _unfit(column, value, f"text of up to {_MAXIMUM_TEXT} characters")
    return value


def _unfit(column: Column, value: Any, expected: str) -> InputError:
    """Return the error for a value that does not fit."""
    shown = str(value).encode("utf-8", "replace").decode()
    problem = "the value does not fit the column"
    return InputError(problem, column=column.name, value=shown, expected=f"expected {expected}", code="FILTER_VALUE")


_WILDCARDS = frozenset("%_")


def matches(
    column: str, pattern: str, *, ignore_case: bool, unaccented: Callable[[str], str] | None = None
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
    unaccented : callable, optional
        Turns an expression into one without accents; for the column and for the pattern's text.

    Returns
    -------
    (str, list)
        SQL with a ? for each parameter.
    """
    around = unaccented or str
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
