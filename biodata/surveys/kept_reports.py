"""A check's report as the registry keeps it, without any cell of the file; its words are made when somebody reads it.

The service reads the registry, and a cell may be the exact place of a sensitive species. So codes and places are kept, and
of what the words name only what tells no cell: a term, a unit, the number of a row.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from biodata.ingest.headings import TERMS
from biodata.surveys import words

_KEPT: Final = ("file", "sheet", "row", "column", "code", "blocking")
_TELL_NO_CELL: Final = ("term", "unit", "last", "last_column", "width", "known", "other_row", "rule", "count")
_PLACE_LIKE: Final = re.compile(r"\d[.,]\d")
"""A row of data that was taken for headings names its columns, and their units, by cells."""


def kept(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as the registry keeps it; of notices, which tell where a sensitive species was recorded, nothing."""
    told = {name: value for name, value in report.items() if name != "notices"}
    return {**told, "problems": [_kept_problem(problem) for problem in report.get("problems", [])]}


def read(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a kept report in the words of a language, with a note that tells where the values are to be found."""
    note, _ = words.told("REPORT_VALUES_NOT_KEPT", {}, language)
    problems = [_told(problem, language) for problem in report.get("problems", [])]
    return {**report, "language": language, "values_kept": False, "note": note, "problems": problems}


def whole(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a report with its values, as it lies beside the lake, in the words of a language."""
    problems = report.get("problems", [])
    return {**report, "language": language, "problems": [_retold(problem, language) for problem in problems]}


def _kept_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return a problem by its code and its place."""
    column = str(problem.get("column") or "")
    params = {
        name: value
        for name, value in (problem.get("params") or {}).items()
        if (name in _TELL_NO_CELL and not _PLACE_LIKE.search(str(value))) or _is_terms(str(value))
    }
    told = {name: problem.get(name) for name in _KEPT} | {
        "column": None if _PLACE_LIKE.search(column) else column or None
    }
    if "rule" in params:  # what a rule did this time may tell the place that it moved
        params["rule"] = str(params["rule"]).partition(": ")[0]
    return told | {"params": params}


def _is_terms(text: str) -> bool:
    """Tell whether a text is nothing but terms."""
    return all(part in TERMS for part in text.split(", "))


def _told(problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a kept problem in words; what would be right is left out where it cannot be told without the cell."""
    code = str(problem["code"])
    if not words.has(code):
        message, expected = words.told("REPORT_SEE_FILE", {"code": code}, language)
    else:
        message, expected = words.told(code, problem.get("params") or {}, language)
    unfilled = expected is not None and "\u2026" in expected.removesuffix("\u2026").removesuffix(", ")
    alone = expected == "\u2026"
    return {**problem, "value": None, "message": message, "expected": None if unfilled or alone else expected}


def _retold(problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a problem with its value in words; one of a file that could not be opened keeps its own in English."""
    code, params = str(problem["code"]), problem.get("params") or {}
    if language == "en" or not words.has(code, language):
        return dict(problem)
    message, expected = words.told(code, params, language)
    return {**problem, "message": message, "expected": expected}
