"""Sentences for people: English that keeps its template and values, so that a catalogue can state it in any language."""

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any, Final, Self

_PARTS: Final = re.compile(r"\{(\w+)\}|\((s|[^(){}/]+/[^(){}]+)\)")


class Phrase(str):
    """A sentence in English, made of a template and values, which may be phrases themselves.

    A template has values in braces, and after the number that it is about `(s)`, or both forms: `(event/events)`.
    """

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, **values: str | int) -> Self:
        """Fill a template in."""
        texts = {name: f"{one:,}" if isinstance(one, int) else one for name, one in values.items()}
        made = super().__new__(cls, filled(template, texts))
        made.template, made.values = template, texts
        return made


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its values."""
    number = ""

    def part(match: re.Match[str]) -> str:
        nonlocal number
        if match[1] is not None:
            text = values[match[1]]
            number = text if text[:1].isdigit() else number
            return text
        one, _, several = match[2].rpartition("/")
        return one if number == "1" else several

    return _PARTS.sub(part, template)


def joined(parts: Iterable[str], template: str = "{a}, {b}") -> str:
    """Return texts with what a template of `{a}` and `{b}` has between each two; nothing for none."""
    return reduce(lambda a, b: Phrase(template, a=a, b=b) if a else b, parts, "")


def packed(value: Any) -> Any:
    """Return plain values in which each phrase is an object of template and values, as JSON keeps them."""
    if isinstance(value, Phrase):
        return {"phrase": value.template, "values": packed(value.values)}
    if isinstance(value, Mapping):
        return {name: packed(one) for name, one in value.items()}
    return [packed(one) for one in value] if isinstance(value, list | tuple) else value


def unpacked(found: dict[str, Any]) -> Any:
    """Return an object of JSON, or the phrase that it keeps."""
    return Phrase(found["phrase"], **found["values"]) if found.keys() == {"phrase", "values"} else found
