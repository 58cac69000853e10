"""A check's report in the forms that it is asked for: JSON, CSV, and a workbook with the cells marked."""

import csv
import io
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import orjson

from biodata.exports.spreadsheets import FORMULA_STARTS
from biodata.surveys import words

COLUMNS: Final = ("file", "sheet", "row", "column", "value", "code", "blocking", "message", "expected")
"""Columns of the CSV, and of the workbook's sheet of problems: the fields of `surveys.Problem`."""


class ReportForm(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    ReportForm.JSON: "application/json",
    ReportForm.CSV: "text/csv; charset=utf-8",
    ReportForm.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_report(form: ReportForm, report: Mapping[str, Any], content: bytes, *, language: str = "en") -> bytes:
    """Write a report.

    Parameters
    ----------
    form : ReportForm
    report : mapping
        What `surveys.check` returned.
    content : bytes
        The file that was checked.
    language : str
        Of the workbook's own words; the problems are told in the report's language.

    Returns
    -------
    bytes
        The same report and file give the same bytes.
    """
    if form is ReportForm.JSON:
        return orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n"
    if form is ReportForm.CSV:
        return as_csv(report)
    # Loaded when it is asked for: openpyxl takes a quarter of a second.
    from biodata.surveys.marked_workbooks import marked

    return marked(content, report, language=language)


def as_csv(report: Mapping[str, Any]) -> bytes:
    """Return the problems as CSV in UTF-8; what a spreadsheet would take for a formula has an apostrophe before it."""
    text = io.StringIO()
    # The mark tells spreadsheets that it is UTF-8: without it they show Lao or Burmese as question marks.
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for problem in report["problems"]:
        writer.writerow([_cell(problem.get(column)) for column in COLUMNS])
    return text.getvalue().encode()


def heading(column: str, language: str) -> str:
    """Return what a column of the report is called in a language."""
    return words.told(f"REPORT_{column.upper()}", {}, language)[0]


def _cell(value: object) -> object:
    """Return a value as a cell that no spreadsheet runs."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
