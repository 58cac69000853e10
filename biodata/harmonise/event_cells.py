"""The cells of events by term, without white space around them."""

import polars as pl


def cells(told: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return the cells of some terms.

    Parameters
    ----------
    told : polars.DataFrame
        n rows of text.
    *names : str
        The terms.

    Returns
    -------
    polars.DataFrame of n rows
        A column a term; null where nothing is told, or the table has no such column.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, told.height)
    return pl.DataFrame([(told[name] if name in told.columns else nothing).alias(name) for name in names]).select(
        pl.when(pl.all().str.strip_chars() != "").then(pl.all().str.strip_chars())
    )
