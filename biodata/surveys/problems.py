"""What is said of a fault of a survey: where it is, what is wrong, what would be right; the report that lists them, as it is kept and in each form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NoReturn

import orjson
import polars as pl

from biodata.core.errors import InputError
from biodata.core.phrases import Phrase
from biodata.exports.tables import guarded
from biodata.ingest.headings import TERMS, Why, propose
from biodata.ingest.protocol import Finding
from biodata.surveys import words
from biodata.surveys.accepting import proposed

SETTLED: Final = frozenset(("BORDER_AMBIGUOUS", "HEADING_TAKEN", "TITLE_ROWS_LEFT_OUT", "VALUE_READ_AS"))
"""Codes of what the check settled itself, and says how: nothing is to be done, and no page, command or workbook counts it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault."""

    file: str
    sheet: str | None  # None where the whole file is meant
    row: int | None  # as the spreadsheet's margin counts
    column: str | None  # the heading as it came
    value: str | None  # the cell as it came
    code: str  # a stable name, most often a quality flag's
    blocking: bool  # the survey cannot go in before it is mended
    message: str  # what is wrong
    expected: str | None  # what would be right
    params: Mapping[str, str] = field(default_factory=dict)  # what the words name, to make them in another language
    proposal: str | None = None  # what stands in the place of the cell, or heading, where it is accepted


def refuse(
    code: str, problem: str, expected: str | None = None, *, column: str | None = None, value: str | None = None, **params: Any
) -> NoReturn:  # fmt: skip
    """Refuse what somebody asked of a survey, in the catalogue's words `DENIED_…`, else in those that are given."""
    codes = words.words("en")
    known, right = (Phrase(codes[f"DENIED_{one}"][0], **params) if f"DENIED_{one}" in codes else one for one in (problem, expected))  # fmt: skip
    raise InputError(known or problem, column=column, value=value, expected=right, code=code)


def problem_of(finding: Finding, language: str) -> Problem:
    """Put a finding into words; where its code has none of its own, English has those of its source."""
    code = finding.code if words.has(finding.code) else words.code_of(finding.code)
    message, expected = words.message_of(code or finding.code, finding.params, language)
    if not words.has(finding.code) and "message" in finding.params and (language == "en" or code is None):
        message, expected = finding.params["message"], None
    return Problem(finding.file, finding.sheet, finding.row, finding.column, finding.value, finding.code, finding.blocking,
                   message, expected, dict(finding.params), proposed(finding))  # fmt: skip


def problem_of_file(error: InputError, name: str, language: str, *, file: str | None = None) -> Problem:
    """Put into words why a file cannot be read; English has the file's own numbers."""
    message, expected = error.problem, error.expected
    code = words.code_of(error.code)
    if language != "en" and code is not None:
        message, expected = words.message_of(code, {}, language)
    file = file or error.file or name
    return Problem(file, None, error.row, error.column, error.value, error.code, True, message, expected)


def report_of(
    name: str, rows: int, problems: Sequence[Problem], *, form: str = "survey", notes: Sequence[str] = (),
    notices: Sequence[Mapping[str, Any]] = (), order: Mapping[tuple[str, str | None], Mapping[str, int]] = MappingProxyType({}),
    accepted: int = 0, params: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Return the answer to a check: `file`, `form`, `rows`, what else is said of the file, and the problems in their order."""
    places = {sheet: place for place, sheet in enumerate(order, start=1)}

    def place(problem: Problem) -> tuple[Any, ...]:
        sheet, columns = (problem.file, problem.sheet), order.get((problem.file, problem.sheet), {})
        column = columns.get(problem.column or "", len(columns) if problem.column else -1)
        file = min((at for (name, _), at in places.items() if name == problem.file), default=0)
        return (file, problem.file, places.get(sheet, 0), problem.sheet or "", problem.row or 0, column,
                problem.column or "", problem.code)  # fmt: skip

    facts = [asdict(problem) for problem in sorted(problems, key=place)]
    listed = [{name: value for name, value in one.items() if params or name != "params"} for one in facts]
    about = {"file": name, "form": form, "rows": rows, "accepted": accepted, "notes": [*notes], "notices": [*notices]}
    return about | _counted(listed)


def with_problems(report: Mapping[str, Any], more: Sequence[Problem]) -> dict[str, Any]:
    """Return a report with problems that were found later, each beside those of its sheet and row."""
    listed = [*report["problems"], *map(asdict, more)]
    sheets = list(dict.fromkeys((one["file"], one["sheet"]) for one in listed))
    listed.sort(key=lambda one: (sheets.index((one["file"], one["sheet"])), one["row"] or 0))
    return {**report, **_counted(listed)}


def _counted(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    blocking = sum(one["blocking"] for one in problems)
    counts = {"ok": blocking == 0, "blocking": blocking, "warnings": sum(rank(one) == 1 for one in problems)}
    return {**counts, "groups": groups_of(problems), "problems": list(problems)}


def rank(problem: Mapping[str, Any]) -> int:
    """Return 0 of a problem that blocks, 1 of a doubtful one, 2 of what the check settled itself."""
    return 0 if problem["blocking"] else 1 + (problem["code"] in SETTLED)


def groups_of(problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the problems of a report of one kind and column together, those that block first, what is settled last."""
    found: dict[tuple[int, str, str | None], list[Mapping[str, Any]]] = {}
    for one in problems:
        found.setdefault((rank(one), one["code"], one["column"]), []).append(one)
    return [
        {name: every[0][name] for name in ("code", "column", "blocking", "message", "expected")} | {
            "rows": len(every), "values": len({one.get("value") for one in every}),
            "first": {name: every[0][name] for name in ("sheet", "row")},
            "proposals": sum(one.get("proposal") is not None or one.get("acceptable", False) for one in every),
        }
        for _, every in sorted(found.items(), key=lambda one: one[0][0])
    ]  # fmt: skip


_KEPT: Final = ("file", "row", "code", "blocking")
_SHOW_NO_CELL: Final = frozenset("term unit last last_column width known other_row rule count lacking part".split())
_OF_REPORT: Final = ("file", "form", "rows", "ok", "blocking", "warnings", "accepted")
"""What is kept of a report beside its problems: no note and no notice, which name cells and headings."""
PLACE_LIKE: Final = re.compile(r"\d[.,]\d|°|\d{5}")
"""A row of data that was taken for headings names its columns, and their units, by cells."""
_KNOWN: Final = (Why.TERM, Why.DICTIONARY, Why.SEVERAL, Why.WORDS, Why.NOT_KEPT)
"""Why a heading is one that the dictionary has; any other may be whatever somebody wrote into a cell."""


def kept(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as the registry keeps it."""
    of_report = {name: report[name] for name in _OF_REPORT if name in report}
    return {**of_report, "problems": [_without_value(problem) for problem in report.get("problems", [])]}


def read(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a kept report in the words of a language, with a note that says where the values are to be found."""
    note, _ = words.message_of("REPORT_VALUES_NOT_KEPT", {}, language)
    problems = []
    for problem in report.get("problems", []):
        code, params = words.code_of(problem["code"]), problem.get("params") or {}
        named = params if code else {"code": problem["code"]}
        message, expected = words.message_of(code or "REPORT_SEE_FILE", named, language)
        if code is not None and words.lacks(code, params, language):  # the cell itself says what would be right
            expected = None
        problems.append({**problem, "value": None, "message": message, "expected": expected})
    return _listed(report, problems, language) | {"values_kept": False, "note": note}


def whole(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a report with its values, as it lies beside the lake, in the words of a language."""
    problems = [dict(one) for one in report.get("problems", [])]
    for one in problems if language != "en" else ():  # a file that could not be opened has its own English
        if (code := words.code_of(one["code"])) is not None:
            one["message"], one["expected"] = words.message_of(code, one.get("params") or {}, language)
    return _listed(report, problems, language)


def _listed(report: Mapping[str, Any], problems: list[dict[str, Any]], language: str) -> dict[str, Any]:
    return {**report, "language": language, "groups": groups_of(problems), "problems": problems}


def _without_value(problem: Mapping[str, Any]) -> dict[str, Any]:
    sheet, params = str(problem.get("sheet") or ""), {}
    for name, value in (problem.get("params") or {}).items():
        text = str(value)
        if (name in _SHOW_NO_CELL and not PLACE_LIKE.search(text)) or all(part in TERMS for part in text.split(", ")):
            # What a rule did this time may show the place that it moved.
            params[name] = text.partition(": ")[0] if name == "rule" else value
    return {name: problem.get(name) for name in _KEPT} | {
        "sheet": None if PLACE_LIKE.search(sheet) else sheet or None,
        "column": _kept_heading(str(problem.get("column") or "")),
        "params": params,
        "acceptable": problem.get("proposal") is not None,
    }


@lru_cache(maxsize=4096)
def _kept_heading(heading: str) -> str | None:
    """Return a heading that the dictionary has; None for any other, which may show anything."""
    if not heading or PLACE_LIKE.search(heading):
        return None
    return heading if heading in TERMS or propose([heading])[0].why in _KNOWN else None


COLUMNS: Final = ("file", "sheet", "row", "column", "value", "code", "blocking", "message", "expected")
MEDIA_TYPES: Final = {
    "json": "application/json", "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


def write_report(form: str, report: Mapping[str, Any], content: bytes, *, language: str = "en") -> bytes:
    """Write what `surveys.check` returned of a file's content, in one of `MEDIA_TYPES`."""
    if form == "json":
        return orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n"
    if form == "csv":
        return as_csv(report)
    # Loaded when it is asked for: openpyxl takes a quarter of a second.
    from biodata.surveys.marked_workbooks import marked

    return marked(content, report, language=language)


def as_csv(report: Mapping[str, Any]) -> bytes:
    """Return the problems as CSV in UTF-8; what a spreadsheet would take for a formula has an apostrophe before it."""
    cells = pl.DataFrame(report["problems"], schema=dict.fromkeys(COLUMNS, pl.String), strict=False)
    cells = cells.select(guarded(pl.col(name)).alias(name) for name in COLUMNS)
    # The mark tells spreadsheets that it is UTF-8: without it they show Lao or Burmese as question marks.
    return cells.write_csv(include_bom=True, line_terminator="\r\n").encode()
