"""Tables for spreadsheets: text that one would take for a formula is guarded."""

from typing import Final

import polars as pl

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet may run (https://owasp.org/www-community/attacks/CSV_Injection)."""


def plain_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return expressions that turn every column into a plain cell: lists joined by semicolons, geometry left out, texts guarded."""
    columns = []
    for name, dtype in frame.schema.items():
        is_list = isinstance(dtype, pl.List)
        column = pl.col(name).list.join(";") if is_list else pl.col(name)
        if (is_list or dtype == pl.String) and frame[name].null_count() < frame.height:
            column = guarded(column).alias(name)
        if dtype != pl.Binary:
            columns.append(column)
    return columns


def guarded(text: pl.Expr) -> pl.Expr:
    """Return text with an apostrophe before what a spreadsheet would take for a formula."""
    return pl.when(text.str.slice(0, 1).is_in(FORMULA_STARTS)).then("'" + text).otherwise(text)
