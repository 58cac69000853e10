"""The cells of events by term, without white space around them and without what only says that nothing is told."""

from typing import Final

import polars as pl

from biodata.text.tables import NA, PLACEHOLDERS

_OF_COUNTRIES: Final = ("side",)
"""Terms in which NA is Namibia."""


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
        A column a term; null where nothing is told (R writes NA for that), or the table has no such column.
    """
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, told.height)
    there = pl.DataFrame([(told[name] if name in told.columns else nothing).alias(name) for name in names])
    return there.with_columns(pl.all().str.strip_chars()).select(
        pl.when(~pl.col(name).is_in([*PLACEHOLDERS] if name in _OF_COUNTRIES else [*PLACEHOLDERS, NA])).then(name)
        for name in names
    )
