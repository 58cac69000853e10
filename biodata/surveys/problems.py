"""A fault of a survey in words: where it is, what is wrong, what would be right."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

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
    params : mapping
        What the words name, so that they can be made anew in another language.
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


FIELDS: Final = tuple(one.name for one in fields(Problem))


def problem_of(finding: Finding, language: str) -> Problem:
    """Put a finding into words."""
    message, expected = words.told(finding.code, finding.params, language)
    return Problem(finding.file, finding.sheet, finding.row, finding.column, finding.value, finding.code, finding.blocking,
                   message, expected, dict(finding.params))  # fmt: skip


def problem_of_file(error: InputError, name: str, language: str) -> Problem:
    """Put into words why a file cannot be read; English tells it with the file's own numbers."""
    message, expected = error.problem, error.expected
    if language != "en":
        message, expected = words.told(error.code, {}, language)
    return Problem(error.file or name, None, error.row, error.column, error.value, error.code, True, message, expected)
