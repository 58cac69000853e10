"""Records and events that have another identifier and are otherwise cell for cell what they were."""

from collections.abc import Sequence
from typing import Final

import polars as pl

_BETWEEN: Final = "\x1f"
_SCHEMA: Final = {"identifier": pl.String, "was": pl.String, "sheet": pl.String, "row": pl.Int64}


def find_renames(absent: pl.DataFrame, fresh: pl.DataFrame, *, without: Sequence[str]) -> pl.DataFrame:
    """Pair rows that are alike but for their identifiers.

    Parameters
    ----------
    absent, fresh : polars.DataFrame
        Rows that are not in the upload any more, and rows that are new in it: `identifier`, `sheet`, `row`, and cells in
        columns that begin with `=`, the same in both.
    without : sequence of str
        The cells that hold identifiers.

    Returns
    -------
    polars.DataFrame
        `identifier`, `was`, `sheet`, `row`. Rows that are alike among themselves are paired in their order, and only
        where as many were so before: which of them is which makes no difference then.
    """
    cells = sorted(name for name in fresh.columns if name.startswith("=") and name not in without)
    if not cells or absent.is_empty() or fresh.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    filled = pl.any_horizontal(pl.col(name).is_not_null() & (pl.col(name) != "") for name in cells)
    content = pl.concat_str([pl.col(name).fill_null("") for name in cells], separator=_BETWEEN).alias("content")
    before, after = (
        frame.filter(filled)
        .sort("row", "identifier", nulls_last=True)
        .select(
            "identifier",
            "sheet",
            "row",
            content,
            pl.int_range(pl.len()).over(content).alias("turn"),
            pl.len().over(content).alias("alike"),
        )
        for frame in (absent, fresh)
    )
    paired = after.join(before.select("content", "turn", "alike", was="identifier"), on=["content", "turn", "alike"])
    return paired.select(*_SCHEMA).sort("row", nulls_last=True)
