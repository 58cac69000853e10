"""The countries that rows may lie in, or are said to."""

import polars as pl


def countries_of(rows: pl.DataFrame) -> pl.Expr:
    """Return the countries of each row of `terms.OCCURRENCE`, `terms.EVENT` or what is published of them: a sorted list."""
    codes = [pl.col("country_codes").fill_null([])]
    if "countryCode" in rows.columns:
        codes.append(pl.concat_list("countryCode").list.drop_nulls())
    return pl.concat_list(codes).list.unique().list.sort()
