"""CQL2 text into CQL2's own JSON form (OGC 21-065r2), by hand: a few rules, with caps on length and depth.

By hand, since each grammar that was tried is worse: the package cql2 0.6.0 overflows the stack on some thousand brackets,
takes minutes over twenty open ones and misses the last digit of one coordinate in eight; pygeofilter 0.4.0 reads
`a = 1 OR b = 2 AND c = 3` as `(a = 1 OR b = 2) AND c = 3` and refuses `NOT (a = 1 AND b = 2)` and `'it''s'`.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from biodata.core.errors import InputError, shorten

LENGTH_LIMIT: Final = 10_000
DEPTH_LIMIT: Final = 32
_NUMBER_LIMIT: Final = 40

_TOKEN: Final = re.compile(
    r"""\s+
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_]))
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<word>[A-Za-z_][A-Za-z0-9_.:]*)
    |(?P<sign><>|<=|>=|[=<>(),*/+-])
    """,
    re.VERBOSE,
)
_COMPARISONS: Final = ("=", "<>", "<", "<=", ">", ">=")
_PREDICATES: Final = re.compile(r"(s|t|a)_[a-z]+")
_GEOMETRIES: Final = (
    "POINT", "MULTIPOINT", "LINESTRING", "MULTILINESTRING", "POLYGON", "MULTIPOLYGON", "GEOMETRYCOLLECTION",
)  # fmt: skip


def parse_text(text: str) -> Any:
    """Read a CQL2 text filter.

    Parameters
    ----------
    text : str
        At most `LENGTH_LIMIT` characters, nested at most `DEPTH_LIMIT` deep.

    Returns
    -------
    dict or bool
        The same filter in CQL2 JSON: `{"op": "and", "args": [...]}`; properties are `{"property": name}`; geometries
        are `{"wkt": text}`, since CQL2 text writes them so and they are checked before anything reads them.

    Raises
    ------
    InputError
        With code FILTER_INVALID and the place of the fault.
    """
    if len(text) > LENGTH_LIMIT:
        raise refuse(problem=f"the filter has {len(text):,} characters", expected=f"at most {LENGTH_LIMIT:,}")
    parser = _Parser(text)
    tree = parser.condition(0)
    parser.end()
    return tree


def refuse(*, problem: str, expected: str) -> InputError:
    """Return the error for a filter that cannot be read."""
    return InputError(problem, column="filter", expected=expected, code="FILTER_INVALID")


class _Parser:
    """A parser by recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise refuse(
                    problem=f"position {position + 1}: {shorten(text[position:], 20)!r} is not CQL2",
                    expected="CQL2 text",
                )
            if match.lastgroup:
                self._tokens.append((match.lastgroup, match.group(), position))
            position = match.end()

    def end(self) -> None:
        """Fail where something is left over."""
        if self._at < len(self._tokens):
            raise self._fault(expected="the end of the filter")

    def condition(self, depth: int) -> Any:
        """Read terms joined by OR."""
        return self._joined("OR", self._conjunction, depth)

    def _conjunction(self, depth: int) -> Any:
        """Read factors joined by AND, which binds closer than OR."""
        return self._joined("AND", self._factor, depth)

    def _joined(self, word: str, operand: Callable[[int], Any], depth: int) -> Any:
        """Read operands joined by one word."""
        if depth > DEPTH_LIMIT:
            raise refuse(problem="the filter is nested too deep", expected=f"at most {DEPTH_LIMIT} levels")
        parts = [operand(depth + 1)]
        while self._take(word):
            parts.append(operand(depth + 1))
        return parts[0] if len(parts) == 1 else {"op": word.lower(), "args": parts}

    def _factor(self, depth: int) -> Any:
        """Read NOT, a condition in brackets, or a predicate."""
        if depth > DEPTH_LIMIT:
            raise refuse(problem="the filter is nested too deep", expected=f"at most {DEPTH_LIMIT} levels")
        if self._take("NOT"):
            return {"op": "not", "args": [self._factor(depth + 1)]}
        if self._take("("):
            inside = self.condition(depth + 1)
            self._need(")")
            return inside
        return self._predicate(depth)

    def _predicate(self, depth: int) -> Any:
        """Read a comparison, LIKE, BETWEEN, IN, IS NULL, a spatial, temporal or array function, TRUE or FALSE."""
        kind, text, _ = self._peek()
        if kind == "word" and _PREDICATES.fullmatch(text.lower()) and self._ahead(1) == "(":
            self._at += 2
            arguments = self._list(depth)
            return {"op": text.lower(), "args": arguments}
        left = self._operand(depth)
        negated = self._take("NOT")
        found: dict[str, Any]
        if self._take("LIKE"):
            found = {"op": "like", "args": [left, self._operand(depth)]}
        elif self._take("BETWEEN"):
            low = self._operand(depth)
            self._need("AND")
            found = {"op": "between", "args": [left, low, self._operand(depth)]}
        elif self._take("IN"):
            self._need("(")
            found = {"op": "in", "args": [left, self._list(depth)]}
        elif not negated and self._take("IS"):
            negated = self._take("NOT")
            self._need("NULL")
            found = {"op": "isNull", "args": [left]}
        elif not negated and self._peek()[1] in _COMPARISONS:
            sign = self._next()[1]
            found = {"op": sign, "args": [left, self._operand(depth)]}
        else:
            if isinstance(left, bool) and not negated:
                return left
            raise self._fault(expected="a comparison, LIKE, BETWEEN, IN or IS NULL")
        return {"op": "not", "args": [found]} if negated else found

    def _list(self, depth: int) -> list[Any]:
        """Read operands up to the closing bracket."""
        operands = [self._operand(depth)]
        while self._take(","):
            operands.append(self._operand(depth))
        self._need(")")
        return operands

    def _operand(self, depth: int) -> Any:
        """Read a literal, a geometry, a date, an interval, an array, CASEI/ACCENTI, or a property."""
        if depth > DEPTH_LIMIT:
            raise refuse(problem="the filter is nested too deep", expected=f"at most {DEPTH_LIMIT} levels")
        kind, text, _ = self._next()
        if kind == "number":
            if len(text) > _NUMBER_LIMIT:
                raise refuse(problem=f"{shorten(text, 20)!r} has too many digits", expected=f"at most {_NUMBER_LIMIT}")
            return float(text) if set(text) & set(".eE") else int(text)
        if text in ("-", "+") and self._peek()[0] == "number":
            number = self._operand(depth + 1)
            return -number if text == "-" else number
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "quoted":
            return {"property": text[1:-1].replace('""', '"')}
        if text == "(":
            return [] if self._take(")") else self._list(depth + 1)
        if kind == "word":
            return self._word(text, depth)
        self._at -= 1
        raise self._fault(expected="a property or a value")

    def _word(self, text: str, depth: int) -> Any:
        """Read what begins with a word."""
        upper = text.upper()
        if upper in ("TRUE", "FALSE"):
            return upper == "TRUE"
        if upper in _GEOMETRIES and self._ahead(0) in ("(", "EMPTY", "Z"):
            return {"wkt": self._geometry()}
        if self._ahead(0) != "(":
            return {"property": text}
        self._need("(")
        arguments = self._list(depth + 1)
        if upper in ("DATE", "TIMESTAMP", "INTERVAL"):
            return {upper.lower(): arguments[0] if len(arguments) == 1 else arguments}
        if upper == "BBOX":
            return {"bbox": arguments}
        return {"op": text.lower(), "args": arguments}

    def _geometry(self) -> str:
        """Return the text of a WKT geometry, from its name to its last bracket, unread."""
        start = self._tokens[self._at - 1][2]
        depth = 0
        while True:
            _, text, position = self._next()
            depth += {"(": 1, ")": -1}.get(text, 0)
            if (depth == 0 and text == ")") or text.upper() == "EMPTY":
                return self._text[start : position + len(text)]

    def _peek(self) -> tuple[str, str, int]:
        """Return the next token; an empty one at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "", len(self._text))

    def _ahead(self, steps: int) -> str:
        """Return the text of a token further on, in capitals."""
        at = self._at + steps
        return self._tokens[at][1].upper() if at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str, int]:
        """Take the next token."""
        token = self._peek()
        if token[0] == "end":
            raise self._fault(expected="more")
        self._at += 1
        return token

    def _take(self, word: str) -> bool:
        """Take the next token where it is this word or sign."""
        kind, text, _ = self._peek()
        if kind in ("word", "sign") and text.upper() == word:
            self._at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        """Take this word or sign, or fail."""
        if not self._take(word):
            raise self._fault(expected=word)

    def _fault(self, *, expected: str) -> InputError:
        """Return the error for the next token."""
        _, text, position = self._peek()
        seen = repr(shorten(text, 20)) if text else "the end"
        return refuse(
            problem=f"position {position + 1}: {seen} stands where {expected} should be",
            expected="see CQL2, OGC 21-065r2",
        )
