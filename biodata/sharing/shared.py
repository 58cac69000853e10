"""Records that a national node made coarser before they came: they stay as it published them, unless a rule here asks for more."""

from collections.abc import Iterator
from typing import Final

import polars as pl

from biodata.terms import SHARED_AS
from biodata.vocabularies import SharingCategory

EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
REASON: Final = "the national node that shares the record decided so"
_STRICTNESS: Final = {str(category): category.strictness for category in SharingCategory}


def decided_by_nodes(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return what national nodes made less than open.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `shared_as` of `terms.OCCURRENCE`; without that column no record came from a node.

    Returns
    -------
    polars.DataFrame
        row, category, rule_id, reason, categories, as `decide` tells them.
    """
    if "shared_as" not in occurrences.columns:
        occurrences = occurrences.select(shared_as=pl.lit(None, dtype=SHARED_AS))
    shared = pl.col("shared_as").struct
    return (
        occurrences.with_row_index("row")
        .select("row", category=shared.field("category"), rule_id=shared.field("rule"), reason=pl.lit(REASON))
        .filter(pl.col("category").is_not_null())
        .with_columns(categories=pl.concat_list("category"))
    )


def as_shared(sensitive: pl.DataFrame) -> pl.DataFrame:
    """Tell which records stay as their node published them: a cell of a cell would be no truer, and no safer.

    Parameters
    ----------
    sensitive : polars.DataFrame of n rows
        `shared_as`, and `category` as `decide` tells it.

    Returns
    -------
    polars.DataFrame of n rows
        `as_shared`: True where a node had made the record at least as coarse as the category that decided.
    """
    theirs = pl.col("shared_as").struct.field("category").replace_strict(_STRICTNESS, return_dtype=pl.Int64)
    ours = pl.col("category").replace_strict(_STRICTNESS, return_dtype=pl.Int64)
    return sensitive.select(as_shared=(theirs >= ours).fill_null(value=False))


def cells_of_nodes(records: pl.DataFrame) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """Yield the position of each record of which a node had published a cell, and its west, south, east, north."""
    cells = records.with_row_index("row").select("row", pl.col("shared_as").struct.unnest())
    for row, *edges in cells.select("row", *EDGES).drop_nulls().iter_rows():
        yield row, tuple(edges)
