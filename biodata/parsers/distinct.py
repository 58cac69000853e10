"""A parser sees each distinct value once; the answers are joined back to the rows."""

from collections.abc import Callable

import polars as pl


def over_distinct(values: pl.Series, parse: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """Parse the distinct values of a column and give each row its answer.

    Parameters
    ----------
    values : polars.Series of str, length n
        A column; null where nothing was told.
    parse : callable
        Takes a series of distinct values without null, returns a frame with the column `value` and the answers, one
        row a value.

    Returns
    -------
    polars.DataFrame of n rows
        The answers in the order of `values`; null where a value is null.
    """
    told = values.alias("value").to_frame()
    answers = parse(told["value"].drop_nulls().unique())
    # A column without an answer needs no join: most issues and proposals of most files.
    filled = [name for name in answers.columns if name == "value" or answers[name].null_count() < answers.height]
    joined = (
        told
        if filled == ["value"]
        else told.join(answers.select(filled), on="value", how="left", maintain_order="left")
    )
    return joined.select(
        pl.col(name) if name in filled else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in answers.schema.items()
    )
