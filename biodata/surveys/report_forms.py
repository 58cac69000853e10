"""A check's report in the forms that it is asked for: JSON, CSV, and a workbook with the cells marked."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
import polars as pl

from biodata.exports.tables import guarded

COLUMNS: Final = ("file", "sheet", "row", "column", "value", "code", "blocking", "message", "expected")
MEDIA_TYPES: Final = {
    "json": "application/json", "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
"""How a report is written."""


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
