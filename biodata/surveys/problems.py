"""A fault of a survey in words: where it is, what is wrong, what would be right; and how much of it others may read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from biodata.errors import InputError
from biodata.ingest.protocol import Finding
from biodata.surveys import words


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


FIELDS: Final = tuple(one.name for one in fields(Problem))


def problem_of(finding: Finding, language: str) -> Problem:
    """Put a finding into words."""
    message, expected = words.told(finding.code, finding.params, language)
    return Problem(finding.file, finding.sheet, finding.row, finding.column, finding.value, finding.code, finding.blocking,
                   message, expected)  # fmt: skip


def problem_of_file(error: InputError, name: str, language: str, *, file: str | None = None) -> Problem:
    """Put into words why a file cannot be read; English tells it with the file's own numbers."""
    message, expected = error.problem, error.expected
    if language != "en" and words.has(error.code, language):
        message, expected = words.told(error.code, {}, language)
    return Problem(
        file or error.file or name, None, error.row, error.column, error.value, error.code, True, message, expected
    )


def report_of(
    name: str,
    rows: int,
    problems: Sequence[Problem],
    *,
    form: str = "survey",
    notes: Sequence[str] = (),
    notices: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the answer to a check: how many rows, whether anything blocks, and the problems in their order."""
    ordered = sorted(problems, key=lambda p: (p.file, p.sheet or "", p.row or 0, p.column or "", p.code))
    blocking = sum(problem.blocking for problem in ordered)
    return {
        "file": name,
        "form": form,
        "rows": rows,
        "ok": blocking == 0,
        "blocking": blocking,
        "warnings": len(ordered) - blocking,
        "problems": [{name: getattr(problem, name) for name in FIELDS} for problem in ordered],
        "notes": list(notes),
        "notices": [dict(one) for one in notices],
    }


def without_value(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return a problem as others than its uploader may read it: its place and code, in words that tell nothing of a cell.

    What would be right may be the exact place of a sensitive species as well as the value that is wrong.
    """
    message, expected = words.told(str(problem["code"]), {})
    known = words.has(str(problem["code"]))
    unfilled = expected is None or not known or "…" in expected.removesuffix("…").removesuffix(", ")
    return {
        **problem,
        "value": None,
        # A row of data that was taken for headings names its columns by cells.
        "column": None if re.search(r"\d[.,]\d", str(problem.get("column"))) else problem.get("column"),
        "message": message if known else f"{problem['code']}: see the cell in the file, or check it again with dry_run",
        "expected": None if unfilled or expected == "…" else expected,
    }
