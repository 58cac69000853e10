"""What the commands of surveys print of a difference: what has to be known of it, counts, then rows."""

from collections.abc import Mapping
from typing import Any, Final

from biodata.cli.options import say
from biodata.cli.survey_told import line

_MOST: Final = 40


def say_difference(told: Mapping[str, Any], language: str, *, rows: bool = True) -> None:
    """Print a difference: what has to be known of it, counts, then rows."""
    for note in told.get("notes", ()):
        say(f"! {note['message']}")
    tables = [(name, told[name]) for name in ("events", "occurrences")]
    for name, one in tables:
        if any(one["counts"].values()):
            say(f"{line(f'TABLE_{name.upper()}', language)}: {', '.join(counts_of(one['counts'], language))}")
    for _, one in tables if rows else ():
        if one["new"] and any(one["counts"][kind] for kind in ("changed", "gone", "unchanged")):
            _say_lines([line("DIFFERENCE_NEW_ROWS", language, rows=_spans([row["row"] for row in one["new"]]))])
        _say_lines([_changed_line(cell, language) for cell in one["changed"]])
        _say_lines([line("DIFFERENCE_GONE_ROW", language, name=_gone(row, language)) for row in one["gone"]])


def counts_of(counts: Mapping[str, int], language: str) -> list[str]:
    """Return how many rows are new, changed, …, in words."""
    from biodata.surveys import words

    return [f"{words.called('KIND', kind, language)} {count}" for kind, count in counts.items()]


def _say_lines(lines: list[str]) -> None:
    """Print lines, and how many more there are."""
    for text in lines[:_MOST]:
        say(f"  {text}")
    if len(lines) > _MOST:
        say(f"  … + {len(lines) - _MOST}: biodata survey diff --out FILE")


def _changed_line(cell: Mapping[str, Any], language: str) -> str:
    """Return what is told of a changed cell."""
    place = {"row": cell["row"], "column": cell["column"]}
    if "identifier" not in cell:
        return line("DIFFERENCE_CELL_KEPT_BACK", language, **place)
    empty = line("DIFFERENCE_EMPTY", language)
    return line(
        "DIFFERENCE_CELL", language, **place, before=cell.get("before") or empty, after=cell.get("after") or empty
    )


def _gone(row: Mapping[str, Any], language: str) -> str:
    """Return what a row was called that goes, and where it stood: sheet, row."""
    number = line("PLACE_ROW", language, row=row["was_row"]) if row.get("was_row") else None
    place = ", ".join(one for one in (row.get("was_sheet"), number) if one)
    return " ".join(one for one in (row.get("identifier"), f"({place})" if place else None) if one)


def _spans(rows: list[int]) -> str:
    """Return numbers of rows, those that follow each other as one span: 2-4, 7."""
    spans: list[list[int]] = []
    for row in sorted(row for row in rows if row is not None):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    told = [str(a) if a == b else f"{a}-{b}" for a, b in spans]
    return ", ".join(told[:_MOST]) + (f", … + {len(told) - _MOST}" if len(told) > _MOST else "")
