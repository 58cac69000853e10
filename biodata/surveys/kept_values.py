"""Values that stay as they are told, with nothing made of them and nothing to mend: each is told once a table."""

from collections.abc import Iterator

import polars as pl

from biodata.harmonise.records import is_uncounted
from biodata.ingest.protocol import Finding
from biodata.surveys.cell_checks import Rows


def uncounted(rows: Rows) -> Iterator[Finding]:
    """Tell how many records say that individuals were there and not counted; at the first of them."""
    told = {row: own["individualCount"] for row, own in rows.own.items() if own.get("individualCount") is not None}
    marked = is_uncounted(pl.Series(told.values(), dtype=pl.String))
    found = [row for row, is_one in zip(told, marked, strict=True) if is_one]
    if found:
        yield rows.finding(
            found[0], "individualCount", "INDIVIDUAL_COUNT_NOT_TOLD", blocking=False, count=str(len(found))
        )
