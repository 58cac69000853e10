"""Published tables as CSV that a spreadsheet opens without running anything in it."""

from pathlib import Path

import polars as pl

from biodata.exports.spreadsheets import plain_columns

__all__ = ["plain_columns", "write_csv"]


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
    Formulas are guarded, see `spreadsheets.plain_columns`.
    """
    part = path.with_name(f"{path.name}.part")
    frame.select(plain_columns(frame)).write_csv(part)
    part.replace(path)
