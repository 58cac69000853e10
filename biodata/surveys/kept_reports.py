"""A check's report as the registry keeps it, without any cell of the file; its words are made when somebody reads it.

The service reads the registry, and a cell may be the exact place of a sensitive species. So codes and places are kept, and
of what the words name only what tells no cell: a term, a unit, the number of a row.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from biodata.ingest.headings import TERMS, Why, propose
from biodata.surveys import words
from biodata.surveys.problems import groups_of

_KEPT: Final = ("file", "sheet", "row", "column", "code", "blocking")
_TELL_NO_CELL: Final = (
    "term",
    "unit",
    "last",
    "last_column",
    "width",
    "known",
    "other_row",
    "rule",
    "count",
    "lacking",
    "part",
)
_OF_REPORT: Final = ("file", "form", "rows", "ok", "blocking", "warnings", "accepted")
"""What is kept of a report beside its problems: no note and no notice, which name cells and headings."""
PLACE_LIKE: Final = re.compile(r"\d[.,]\d|°|\d{5}")
"""A row of data that was taken for headings names its columns, and their units, by cells."""
_KNOWN: Final = frozenset({Why.TERM, Why.DICTIONARY, Why.SEVERAL, Why.WORDS, Why.NOT_KEPT})
"""Why a heading is one that the dictionary has; any other may be whatever somebody wrote into a cell."""


def kept(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as the registry keeps it."""
    told = {name: report[name] for name in _OF_REPORT if name in report}
    return {**told, "problems": [_kept_problem(problem) for problem in report.get("problems", [])]}


def read(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a kept report in the words of a language, with a note that tells where the values are to be found."""
    note, _ = words.told("REPORT_VALUES_NOT_KEPT", {}, language)
    problems = [_told(problem, language) for problem in report.get("problems", [])]
    groups = groups_of(problems)
    return {**report, "language": language, "values_kept": False, "note": note, "groups": groups, "problems": problems}


def whole(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a report with its values, as it lies beside the lake, in the words of a language."""
    problems = [_retold(problem, language) for problem in report.get("problems", [])]
    return {**report, "language": language, "groups": groups_of(problems), "problems": problems}


def _kept_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return a problem by its code and its place."""
    sheet = str(problem.get("sheet") or "")
    params = {
        name: value
        for name, value in (problem.get("params") or {}).items()
        if (name in _TELL_NO_CELL and not PLACE_LIKE.search(str(value))) or _is_terms(str(value))
    }
    told = {name: problem.get(name) for name in _KEPT} | {
        "sheet": None if PLACE_LIKE.search(sheet) else sheet or None,
        "column": _kept_heading(str(problem.get("column") or "")),
    }
    if "rule" in params:  # what a rule did this time may tell the place that it moved
        params["rule"] = str(params["rule"]).partition(": ")[0]
    return told | {"params": params, "acceptable": problem.get("proposal") is not None}


@lru_cache(maxsize=4096)
def _kept_heading(heading: str) -> str | None:
    """Return a heading that the dictionary has; None for any other, which may tell anything."""
    if not heading or PLACE_LIKE.search(heading):
        return None
    return heading if heading in TERMS or propose([heading])[0].why in _KNOWN else None


def _is_terms(text: str) -> bool:
    """Tell whether a text is nothing but terms."""
    return all(part in TERMS for part in text.split(", "))


def _told(problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a kept problem in words; what would be right is left out where it cannot be told without the cell."""
    code = words.code_of(str(problem["code"]))
    if code is None:
        message, expected = words.told("REPORT_SEE_FILE", {"code": problem["code"]}, language)
    else:
        message, expected = words.told(code, problem.get("params") or {}, language)
        if words.lacks(code, problem.get("params") or {}, language):
            expected = None
    return {**problem, "value": None, "message": message, "expected": expected}


def _retold(problem: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a problem with its value in words; one of a file that could not be opened keeps its own in English."""
    code, params = words.code_of(str(problem["code"])), problem.get("params") or {}
    if language == "en" or code is None:
        return dict(problem)
    message, expected = words.told(code, params, language)
    return {**problem, "message": message, "expected": expected}
