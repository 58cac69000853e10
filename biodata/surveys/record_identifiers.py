"""What identifies the records of a form that is no sheet: as the lake will know them, so that none is lost on the way there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from biodata.harmonise.identity import IDENTIFIERS
from biodata.ingest.protocol import Finding
from biodata.surveys.cell_checks import Rows

_SCHEMA: Final = {"source_file": pl.String, "source_row": pl.Int64, "identifier": pl.String}


def missing(rows: Rows) -> Iterator[Finding]:
    """Find records that nothing identifies, where their table has a column for it; elsewhere what a record tells does."""
    term = next((one for one in IDENTIFIERS if one in rows.table.frame.columns), None)
    if term is None:
        return
    for row, own in rows.own.items():
        is_blank = all(value is None for name, value in own.items() if name != "source_row")
        if _identifier(own) is None and not is_blank:
            yield rows.finding(row, term, "IDENTIFIER_MISSING", blocking=True)


def told(rows: Rows) -> pl.DataFrame:
    """Return what identifies records, and where they stand."""
    every = [(rows.table.file, row, _identifier(own)) for row, own in rows.own.items()]
    return pl.DataFrame(every, schema=_SCHEMA, orient="row")


def repeated(parts: Sequence[pl.DataFrame]) -> Iterator[Finding]:
    """Find records whose identifier an earlier one has.

    Parameters
    ----------
    parts : sequence of polars.DataFrame
        As of `told`.
    """
    if not parts:
        return
    every = pl.concat(parts).drop_nulls("identifier")
    first = pl.col("source_row").first().over("identifier")
    again = every.with_columns(first=first).filter(~pl.col("identifier").is_first_distinct())
    for file, row, identifier, before in again.iter_rows():
        yield Finding(
            file, None, row, "occurrenceID", identifier, "IDENTIFIER_REPEATED", True, {"other_row": str(before)}
        )


def _identifier(own: Mapping[str, Any]) -> str | None:
    """Return what identifies a record in its dataset."""
    return next((cell.strip() for term in IDENTIFIERS if (cell := own.get(term)) and cell.strip()), None)
