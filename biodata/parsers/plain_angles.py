"""The commonest spellings of coordinates read as columns; every other one is read text by text.

What is read here is read alike by `coordinates.read_angle` and `coordinate_pairs.read_pair`, only a hundred times slower.
"""

from types import MappingProxyType
from typing import Final

import polars as pl

_ANGLE: Final = (
    r"^(SIDES)?\s*(\d{1,3}(?:\.\d+)?)\s*"
    r"(?:[°º]\s*(?:(\d{1,2}(?:\.\d+)?)\s*['′’]\s*(?:(\d{1,2}(?:\.\d+)?)\s*[\x22″”]\s*)?)?)?(SIDES)?$"
)
# Both letters are told, so only one cut is possible.
_PAIR: Final = r"^\s*([NS\d.°º'′’\x22″”\s]*?[\d°º'′’\x22″”NS])\s*[,;/\s]\s*([EW\d.°º'′’\x22″”\s]+?)\s*$"
_LONGEST: Final = 60
_CHINESE: Final = MappingProxyType(
    {
        "北纬": "N",
        "北緯": "N",
        "南纬": "S",
        "南緯": "S",
        "，": ",",
        "东经": " E",
        "東經": " E",
        "西经": " W",
        "西經": " W",
    }
)


def read_angles(values: pl.Series, positive: str, negative: str) -> pl.DataFrame:
    """Read a column of degrees with a letter, such as `21.5°N`, `N 21°28.5'`, `21°28'30"N`.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    positive, negative : str
        The letters of the two sides.

    Returns
    -------
    polars.DataFrame of n rows
        `degrees`, null where the text has another form, and `rule`.
    """
    pattern = _ANGLE.replace("SIDES", f"[{positive}{negative}]")
    groups = values.alias("told").to_frame().select(pl.col("told").str.extract_groups(pattern)).unnest("told")
    groups.columns = ["before", "d", "m", "s", "after"]
    before, after = pl.col("before").is_not_null(), pl.col("after").is_not_null()
    degrees, minutes, seconds = (pl.col(name).cast(pl.Float64, strict=False) for name in "dms")
    whole = (pl.col("m").is_null() | ~pl.col("d").str.contains(".", literal=True)) & (
        pl.col("s").is_null() | ~pl.col("m").str.contains(".", literal=True)
    )
    right = (
        (before != after)
        & whole
        & (minutes.fill_null(0) < 60)
        & (seconds.fill_null(0) < 60)
        & (values.str.len_chars() <= _LONGEST)
    )
    total = degrees + minutes.fill_null(0.0) / 60 + seconds.fill_null(0.0) / 3600
    factor = pl.when(pl.coalesce("before", "after") == negative).then(-1.0).otherwise(1.0)
    return groups.select(
        degrees=pl.when(right).then(factor * total),
        rule=pl.when(right).then(
            pl.when(pl.col("m").is_null()).then(pl.lit("hemisphere")).otherwise(pl.lit("degrees_minutes_seconds"))
        ),
    )


def read_pairs(values: pl.Series) -> pl.DataFrame:
    """Read a column of latitudes and longitudes with N or S and E or W, the latitude first.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `21°28'N, 101°34'E` or `北纬21°28′东经101°34′`.

    Returns
    -------
    polars.DataFrame of n rows
        `latitude` and `longitude` in range, null where the text has another form; `rule`.
    """
    letters = pl.col("told").str.replace_many(list(_CHINESE), list(_CHINESE.values()))
    halves = values.alias("told").to_frame().select(letters.str.extract_groups(_PAIR)).unnest("told")
    first, second = halves.get_columns()
    latitude, longitude = read_angles(first, "N", "S"), read_angles(second, "E", "W")
    both = pl.DataFrame(
        {"a": latitude["degrees"], "b": longitude["degrees"], "rule_a": latitude["rule"], "rule_b": longitude["rule"]}
    )
    right = (
        (pl.col("a").abs() <= 90) & (pl.col("b").abs() <= 180) & ((pl.col("a") != 0) | (pl.col("b") != 0))
        & (values.str.len_chars() <= 2 * _LONGEST)
    )  # fmt: skip
    rule = (
        pl.when(pl.col("rule_a") == pl.col("rule_b"))
        .then("rule_a")
        .otherwise(pl.lit("degrees_minutes_seconds+hemisphere"))
    )
    return both.select(
        latitude=pl.when(right).then("a"), longitude=pl.when(right).then("b"), rule=pl.when(right).then(rule)
    )
