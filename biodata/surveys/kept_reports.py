"""A check's report as the registry keeps it, without any cell of the file; its words are made when somebody reads it.

The service reads the registry, and a cell may be the exact place of a sensitive species. So codes and places are kept, and
of what the words name only what shows no cell: a term, a unit, the number of a row.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from biodata.ingest.headings import TERMS, Why, propose
from biodata.surveys import words
from biodata.surveys.problems import groups_of

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
    note, _ = words.told("REPORT_VALUES_NOT_KEPT", {}, language)
    problems = []
    for problem in report.get("problems", []):
        code, params = words.code_of(problem["code"]), problem.get("params") or {}
        named = params if code else {"code": problem["code"]}
        message, expected = words.told(code or "REPORT_SEE_FILE", named, language)
        if code is not None and words.lacks(code, params, language):  # the cell itself says what would be right
            expected = None
        problems.append({**problem, "value": None, "message": message, "expected": expected})
    return _listed(report, problems, language) | {"values_kept": False, "note": note}


def whole(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Return a report with its values, as it lies beside the lake, in the words of a language."""
    problems = []
    for one in report.get("problems", []):
        code = (
            words.code_of(one["code"]) if language != "en" else None
        )  # a file that could not be opened has its own English
        told = (
            zip(("message", "expected"), words.told(code, one.get("params") or {}, language), strict=True)
            if code
            else ()
        )
        problems.append(one | dict(told))
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
