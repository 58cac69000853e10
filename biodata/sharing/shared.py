"""Records that were made coarser before they came, by a national node or by the biodata that wrote an archive.

They stay as they were published, unless a rule here asks for more, or their place is not what their category lets out.
"""

from collections.abc import Iterator
from typing import Final

import polars as pl

from biodata.sharing.received import is_as_its_category_asks
from biodata.terms import SHARED_AS
from biodata.vocabularies import SharingCategory

EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
REASON: Final = "the national node that shares the record decided so"
OF_ARCHIVE: Final = "the biodata that published the record decided so"
_PLACE: Final = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "quality_flags")
_STRICTNESS: Final = {str(category): category.strictness for category in SharingCategory}


def decided_by_nodes(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return what national nodes, and archives of ours, made less than open.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `shared_as` and `node` of `terms.OCCURRENCE`; without the first no record came coarse.

    Returns
    -------
    polars.DataFrame
        row, category, rule_id, reason, categories, as `decide` tells them.
    """
    if "shared_as" not in occurrences.columns:
        occurrences = occurrences.select(shared_as=pl.lit(None, dtype=SHARED_AS))
    shared = pl.col("shared_as").struct
    of_node = pl.col("node").is_not_null() if "node" in occurrences.columns else pl.lit(value=True)
    reason = pl.when(of_node).then(pl.lit(REASON)).otherwise(pl.lit(OF_ARCHIVE))
    return (
        occurrences.with_row_index("row")
        .select("row", category=shared.field("category"), rule_id=shared.field("rule"), reason=reason)
        .filter(pl.col("category").is_not_null())
        .with_columns(categories=pl.concat_list("category"))
    )


def as_shared(sensitive: pl.DataFrame) -> pl.DataFrame:
    """Tell which records stay as they were published: a cell of a cell would be no truer, and no safer.

    Parameters
    ----------
    sensitive : polars.DataFrame of n rows
        `shared_as`, and `category` as `decide` tells it; the place, and `quality_flags`.

    Returns
    -------
    polars.DataFrame of n rows
        `as_shared`: True where the record had been made at least as coarse as the category that decided, and its place is
        one that its own category lets out: a file can say of any place that it is coarse.
    """
    told = sensitive.select(
        *_PLACE, "category", pl.col("shared_as").struct.field("category").alias("sharing_category"),
        *(pl.col("shared_as").struct.field(edge) for edge in EDGES),
    )  # fmt: skip
    theirs = pl.col("sharing_category").replace_strict(_STRICTNESS, default=None, return_dtype=pl.Int64)
    ours = pl.col("category").replace_strict(_STRICTNESS, return_dtype=pl.Int64)
    return told.select(as_shared=((theirs >= ours) & is_as_its_category_asks()).fill_null(value=False))


def cells_of_nodes(records: pl.DataFrame) -> Iterator[tuple[int, tuple[float, float, float, float]]]:
    """Yield the position of each record of which a node had published a cell, and its west, south, east, north."""
    cells = records.with_row_index("row").select("row", pl.col("shared_as").struct.unnest())
    for row, *edges in cells.select("row", *EDGES).drop_nulls().iter_rows():
        yield row, tuple(edges)


def hidden_taxa(records: pl.DataFrame) -> frozenset[str]:
    """Return the taxa of which places had been hidden before they came: of these not every record names its event.

    Parameters
    ----------
    records : polars.DataFrame
        `species`, `scientificName` and `shared_as` of `terms.OCCURRENCE`.
    """
    coarse = records.filter(pl.col("shared_as").struct.field("category").is_not_null())
    return frozenset(coarse.select(pl.coalesce("species", "scientificName")).to_series().drop_nulls())


def came_open(events: pl.DataFrame) -> pl.DataFrame:
    """Return the events that did not come as cells: of one that did, nobody here knows which records are of it.

    Parameters
    ----------
    events : polars.DataFrame of `terms.EVENT`
    """
    return events.filter(pl.col("shared_as").struct.field("category").is_null())
