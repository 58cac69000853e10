"""A fault of a survey in words: where it is, what is wrong, what would be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

from biodata.errors import InputError
from biodata.ingest.protocol import Finding
from biodata.surveys import words
from biodata.surveys.accepting import proposed


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault.

    Attributes
    ----------
    file, sheet : str
        Where it is; the sheet is None where the whole file is meant.
    row : int or None
        As the spreadsheet's margin counts.
    column : str or None
        The heading as it came.
    value : str or None
        The cell as it came.
    code : str
        A stable name, most often a quality flag's.
    blocking : bool
        True where the survey cannot go in before it is mended.
    message : str
        What is wrong.
    expected : str or None
        What would be right.
    params : mapping
        What the words name, so that they can be made anew in another language.
    proposal : str or None
        What stands in the place of the cell, or heading, where it is accepted.
    """

    file: str
    sheet: str | None
    row: int | None
    column: str | None
    value: str | None
    code: str
    blocking: bool
    message: str
    expected: str | None
    params: Mapping[str, str] = field(default_factory=dict)
    proposal: str | None = None


FIELDS: Final = tuple(one.name for one in fields(Problem))


def problem_of(finding: Finding, language: str) -> Problem:
    """Put a finding into words."""
    message, expected = words.told(finding.code, finding.params, language)
    return Problem(finding.file, finding.sheet, finding.row, finding.column, finding.value, finding.code, finding.blocking,
                   message, expected, dict(finding.params), proposed(finding))  # fmt: skip


def problem_of_file(error: InputError, name: str, language: str, *, file: str | None = None) -> Problem:
    """Put into words why a file cannot be read; English tells it with the file's own numbers."""
    message, expected = error.problem, error.expected
    code = words.code_of(error.code)
    if language != "en" and code is not None:
        message, expected = words.told(code, {}, language)
    return Problem(
        file or error.file or name, None, error.row, error.column, error.value, error.code, True, message, expected
    )


def groups_of(problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the problems of a report of one kind and column together, those that block first, then in their order.

    Returns
    -------
    list of dict
        `code`, `column`, `blocking`, `rows` and distinct `values` (numbers), `first` (its sheet and row), its `message` and
        `expected`, and `proposals`: how many have one that can be accepted.
    """
    found: dict[tuple[bool, str, str | None], list[Mapping[str, Any]]] = {}
    for one in problems:
        found.setdefault((not one["blocking"], one["code"], one["column"]), []).append(one)
    return [
        {
            "code": code,
            "column": column,
            "blocking": not warns,
            "rows": len(every),
            "values": len({one.get("value") for one in every}),
            "first": {name: every[0][name] for name in ("sheet", "row")},
            "message": every[0]["message"],
            "expected": every[0]["expected"],
            "proposals": sum(one.get("proposal") is not None or one.get("acceptable", False) for one in every),
        }
        for (warns, code, column), every in sorted(found.items(), key=lambda one: one[0][0])
    ]


def with_problems(report: Mapping[str, Any], more: Sequence[Problem]) -> dict[str, Any]:
    """Return a report with problems that were found later, each beside those of its sheet and row."""
    told = [*report["problems"], *({name: getattr(problem, name) for name in FIELDS} for problem in more)]
    sheets = list(dict.fromkeys((one["file"], one["sheet"]) for one in told))
    told.sort(key=lambda one: (sheets.index((one["file"], one["sheet"])), one["row"] or 0))
    blocking = sum(one["blocking"] for one in told)
    counts = {"ok": blocking == 0, "blocking": blocking, "warnings": len(told) - blocking, "groups": groups_of(told)}
    return {**report, **counts, "problems": told}


def report_of(
    name: str,
    rows: int,
    problems: Sequence[Problem],
    *,
    form: str = "survey",
    notes: Sequence[str] = (),
    notices: Sequence[Mapping[str, Any]] = (),
    order: Mapping[tuple[str, str | None], Mapping[str, int]] = MappingProxyType({}),
    accepted: int = 0,
    params: bool = False,
) -> dict[str, Any]:
    """Return the answer to a check: how many rows, whether anything blocks, and the problems in their order.

    That is the order of the workbook: its sheets, their rows from above, their columns from the left (`order`, as
    `Survey.order`); what is of a whole file comes first. Where no order is told, names are sorted.
    """
    places = {sheet: place for place, sheet in enumerate(order, start=1)}

    def place(problem: Problem) -> tuple[Any, ...]:
        sheet, columns = (problem.file, problem.sheet), order.get((problem.file, problem.sheet), {})
        column = columns.get(problem.column or "", len(columns) if problem.column else -1)
        file = min((at for (name, _), at in places.items() if name == problem.file), default=0)
        return (file, problem.file, places.get(sheet, 0), problem.sheet or "", problem.row or 0, column,
                problem.column or "", problem.code)  # fmt: skip

    ordered = sorted(problems, key=place)
    told = FIELDS if params else [name for name in FIELDS if name != "params"]
    blocking = sum(problem.blocking for problem in ordered)
    listed = [{name: getattr(problem, name) for name in told} for problem in ordered]
    return {
        "file": name,
        "form": form,
        "rows": rows,
        "ok": blocking == 0,
        "blocking": blocking,
        "warnings": len(ordered) - blocking,
        "accepted": accepted,
        "groups": groups_of(listed),
        "problems": listed,
        "notes": list(notes),
        "notices": [dict(one) for one in notices],
    }
