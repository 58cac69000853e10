"""Names that a checklist has letter by letter: homonyms kept apart by kingdom, authorship and family."""

from typing import Final

import polars as pl

from biodata.matching.authors import Agreement, agreements

ASK: Final = pl.Schema(
    {"ask": pl.UInt32, "name": pl.String, "author": pl.String, "kingdom": pl.String, "family": pl.String}
)
"""A name that is asked for, with what is told beside it."""

FOUND: Final = pl.Schema(
    [
        ("ask", pl.UInt32),
        ("taxon", pl.UInt32),
        ("status", pl.String),
        ("agreement", pl.Int8),
        ("kingdom_told", pl.Boolean),
        ("chosen", pl.Boolean),
        ("alternatives", pl.List(pl.UInt32)),
    ]
)
"""What was found: one row an ask; `taxon` is null where it is ambiguous, `alternatives` are the taxa it could be."""


def find(asked: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Look names up.

    Parameters
    ----------
    asked : polars.DataFrame of ASK
        Distinct names.
    names : polars.DataFrame
        `name`, `author`, `kingdom`, `family`, `status`, `taxon` (number of the accepted taxon), `order` (of the
        checklist; the smaller is asked first).

    Returns
    -------
    polars.DataFrame of FOUND
        Only asks whose name is there, outside of other kingdoms.
    """
    wanted = asked.drop_nulls("name")
    # An index of all the names is not made for nothing.
    pairs = wanted if wanted.is_empty() else wanted.join(names, on="name", how="inner", maintain_order="left_right")
    if pairs.is_empty():
        return FOUND.to_frame()
    return settle(pairs.with_columns(agreement=agreements(pairs, "author", "author_right")))


def settle(pairs: pl.DataFrame) -> pl.DataFrame:
    """Choose among candidates what is told decides: kingdom, authorship, family; else the name is ambiguous.

    Parameters
    ----------
    pairs : polars.DataFrame
        Asks beside candidates: columns of ASK, those of `names` with `_right`, and `agreement`.

    Returns
    -------
    polars.DataFrame of FOUND

    Notes
    -----
    The first checklist that has a candidate decides. Where the same name with one authorship stands for an accepted
    taxon and as a synonym of others (pro parte), the accepted one is meant.
    """
    apart = pl.col("kingdom") != pl.col("kingdom_right")
    pairs = pairs.filter(~apart.fill_null(value=False))
    first = pl.col("order") == pl.col("order").min().over("ask")
    pairs = pairs.filter(first)
    every = pairs.group_by("ask").agg(alternatives=pl.col("taxon").unique(maintain_order=True))
    same_kingdom = (pl.col("kingdom") == pl.col("kingdom_right")).fill_null(value=False)
    pairs = _prefer(pairs, same_kingdom)
    pairs = _prefer(pairs, pl.col("agreement") == Agreement.SAME)
    pairs = _prefer(pairs, pl.col("agreement") != Agreement.CONFLICT)
    pairs = _prefer(pairs, (pl.col("family") == pl.col("family_right")).fill_null(value=False))
    bears = pl.col("status") != "SYNONYM"
    one_author = pl.col("author_right").drop_nulls().n_unique().over("ask") <= 1
    pairs = _prefer(pairs, bears & one_author)
    chosen = (
        pairs.sort("ask", bears, "taxon", descending=[False, True, False])
        .group_by("ask", maintain_order=True)
        .agg(
            count=pl.col("taxon").n_unique(),
            taxon=pl.col("taxon").first(),
            status=pl.col("status").first(),
            agreement=pl.col("agreement").first(),
            kingdom_told=(pl.col("kingdom") == pl.col("kingdom_right")).first().fill_null(value=False),
        )
    )
    one = pl.col("count") == 1
    return chosen.join(every, on="ask", how="left", maintain_order="left").select(
        "ask",
        taxon=pl.when(one).then("taxon"),
        status=pl.when(one).then("status"),
        agreement=pl.col("agreement").cast(pl.Int8),
        kingdom_told="kingdom_told",
        chosen=one & (pl.col("alternatives").list.len() > 1),
        alternatives="alternatives",
    )


def _prefer(pairs: pl.DataFrame, better: pl.Expr) -> pl.DataFrame:
    """Keep the better candidates of each ask that has any."""
    return (
        pairs.with_columns(better=better).filter(pl.col("better") | ~pl.col("better").any().over("ask")).drop("better")
    )
