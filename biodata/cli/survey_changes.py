"""What the commands of surveys print of a difference: what has to be known of it, counts, then rows."""

from collections.abc import Mapping
from typing import Any, Final

from biodata.cli.options import say
from biodata.cli.survey_told import line

_MOST: Final = 40


def say_notes(told: dict[str, Any], language: str) -> None:
    """Print what has to be known of a difference, and its counts."""
    _say_notes(told, language)
    for table in ("events", "occurrences"):
        _say_counts(told, table, language)


def say_difference(told: dict[str, Any], language: str) -> None:
    """Print a difference: what has to be known of it, counts, then rows."""
    _say_notes(told, language)
    for table in ("events", "occurrences"):
        _say_counts(told, table, language)
        one = told[table]
        if one["new"] and any(one["counts"][kind] for kind in ("changed", "renamed", "gone", "unchanged")):
            _say_lines([line("DIFFERENCE_NEW_ROWS", language, rows=_spans([row["row"] for row in one["new"]]))])
        _say_lines([_changed_line(cell, language) for cell in one["changed"]])
        _say_lines([text for row in one["renamed"] for text in _renamed_lines(row, language)])
        _say_lines([line("DIFFERENCE_GONE_ROW", language, name=_gone(row, language)) for row in one["gone"]])
        likely = () if _answered(told) else one.get("likely", ())
        _say_lines([line("DIFFERENCE_LIKELY", language, row=row["row"], before=_before(row)) for row in likely])
        if one.get("lacking"):
            say(f"  {line('DIFFERENCE_GONE_STAY', language, count=one['lacking'])}")


def _say_notes(told: Mapping[str, Any], language: str) -> None:
    """Print what has to be known of a difference: of a submission's as it is told with it."""
    from biodata.surveys import telling

    for note in told["notes"] if "notes" in told else telling.notes(told, language):
        say(f"! {note['message']}")


def _answered(told: Mapping[str, Any]) -> bool:
    """Tell whether a sender has said what rows under another identifier are."""
    return (told.get("renamed") or {}).get("answer") is not None


def _say_counts(told: Mapping[str, Any], table: str, language: str) -> None:
    """Print how many rows of a table are of each kind; what an upload that adds does not hold is not gone."""
    kinds = told[table]["counts"] | ({"lacking": told[table]["lacking"]} if told[table].get("lacking") else {})
    if any(kinds.values()):
        say(f"{line(f'TABLE_{table.upper()}', language)}: {', '.join(counts_of(kinds, language))}")


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
    cells = {name: cell.get(name) or empty for name in ("before", "after")}
    return line("DIFFERENCE_CELL", language, **place, **cells)


def _renamed_lines(row: Mapping[str, Any], language: str) -> list[str]:
    """Return what is told of a row of which an identifier is another, its own or that of its event."""
    from biodata.surveys import words

    if "before" not in row:  # without values
        return [f"{line('PLACE_ROW', language, row=row['row'])}: {words.called('KIND', 'renamed', language)}"]
    said = []
    if row["before"] != row["identifier"]:
        said.append(line("DIFFERENCE_RENAMED", language, row=row["row"], before=row["before"], after=row["identifier"]))
    if row.get("event") != row.get("event_before"):
        empty = line("DIFFERENCE_EMPTY", language)
        events = {"before": row.get("event_before") or empty, "after": row.get("event") or empty}
        said.append(line("DIFFERENCE_CELL", language, row=row["row"], column="eventID", **events))
    return said


def _before(row: Mapping[str, Any]) -> str:
    """Return what a row was called in an earlier file, or its number there."""
    return str(row.get("before") or row.get("was") or f"({row.get('was_row') or '-'})")


def _gone(row: Mapping[str, Any], language: str) -> str:
    """Return what a row was called that goes, and where it stood: survey, sheet, row."""
    number = line("PLACE_ROW", language, row=row["was_row"]) if row.get("was_row") else None
    survey = f"#{row['survey']}" if row.get("survey") else None
    place = ", ".join(one for one in (survey, row.get("was_sheet"), number) if one)
    return " ".join(one for one in (row.get("before"), f"({place})" if place else None) if one)


def _spans(rows: list[int]) -> str:
    """Return numbers of rows, those that follow each other as one span.

    Examples
    --------
    >>> _spans([2, 3, 4, 7])
    '2-4, 7'
    """
    spans: list[list[int]] = []
    for row in sorted(row for row in rows if row is not None):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    told = [str(a) if a == b else f"{a}-{b}" for a, b in spans]
    return ", ".join(told[:_MOST]) + (f", … + {len(told) - _MOST}" if len(told) > _MOST else "")
