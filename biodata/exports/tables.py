"""Published tables as CSV that a spreadsheet opens without running anything in it."""

from pathlib import Path
from typing import Final

import polars as pl

_FORMULA: Final = r"^[=+\-@\t\r＝＋－＠]"


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a published table as CSV.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows; lists are joined by semicolons, geometry in WKB is left out.
    path : Path
        The file; it appears whole or not at all.

    Notes
    -----
    A text that a spreadsheet would take for a formula gets an apostrophe before it
    (https://owasp.org/www-community/attacks/CSV_Injection); numbers are left as they are.
    """
    part = path.with_name(f"{path.name}.part")
    frame.select(plain_columns(frame)).write_csv(part)
    part.replace(path)


def plain_columns(frame: pl.DataFrame) -> list[pl.Expr]:
    """Return expressions that turn every column into a plain cell."""
    columns = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype == pl.Binary:
            continue
        if isinstance(dtype, pl.List):
            column = column.list.join(";")
        if dtype == pl.String or isinstance(dtype, pl.List):
            column = pl.when(column.str.contains(_FORMULA)).then("'" + column).otherwise(column).alias(name)
        columns.append(column)
    return columns
