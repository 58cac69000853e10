"""Words and cells that the sections of a survey's results share."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from biodata.exports.reports import markup, survey_marks
from biodata.exports.reports.markup import Mark
from biodata.exports.reports.words import counted, number, spaced, text
from biodata.places import country_name

_CODE: Final = re.compile(r"\b[A-Z]{2}\b")


def figures(drawings: Mapping[str, Any], begins: str) -> list[str]:
    """Return the drawings of a section."""
    return [
        f'<figure><img src="{survey_marks.as_data(figure)}" alt="{text(words)}"><figcaption>{text(words)}</figcaption></figure>'
        for name, (figure, words) in drawings.items()
        if name.startswith(begins)
    ]


def species_of(name: str) -> Mark:
    """Return a species as it is printed."""
    return Mark(f"<i>{text(name)}</i>")


def range_of(low: Any, high: Any, *, digits: int = 3) -> str:
    """Return an interval in words."""
    return f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def spelled(reason: str) -> str:
    """Return a reason with countries by their names."""
    return _CODE.sub(lambda match: country_name(match[0]), reason)


def reasons_of(left_out: Mapping[str, int]) -> str:
    """Return how many are left out, by reason."""
    return ", ".join(f"{n:,} {reason}" for reason, n in left_out.items())


def method_of(name: str) -> str:
    """Return a method as a sentence begins."""
    return spaced(name[:1].upper() + name[1:])


def by_method(told: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return results apart by their method."""
    out: dict[str, list[Mapping[str, Any]]] = {}
    for one in told:
        out.setdefault(one["method"], []).append(one)
    return out


def parts_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the parts that any of the rows tells: all together, then the sides."""
    found = {part for one in rows for part in one["by"]}
    return [survey_marks.JOINT, *sorted(found - {survey_marks.JOINT})]


def nothing_of(method: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return one sentence where nothing of a method is told, for one and the same reason; else nothing."""
    rows = list(rows)
    found = [part for one in rows for part in one["by"].values()]
    reasons = {one.get("refused") for one in found}
    if None in reasons or len(reasons) != 1:
        return ""
    names = len({one["species"] for one in rows})
    return markup.paragraph(f"{method_of(method)}: not told of {counted(names, 'name')}, since {reasons.pop()}.")


def cells_of(one: Mapping[str, Any], parts: Iterable[str], words: Callable[[Mapping[str, Any]], str]) -> list[str]:
    """Return what each part tells, or why it does not."""
    out = []
    for part in parts:
        found = one["by"].get(part)
        out.append(
            "" if found is None else f"not told: {spelled(found['refused'])}" if "refused" in found else words(found)
        )
    return out
