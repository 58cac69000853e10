"""`biodata parse` of controlled values, licences and scientific names."""

from collections.abc import Callable, Mapping

import polars as pl

from biodata.cli.parse_columns import Columns, joined, some
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.tables import Confidence


def controlled(vocabulary: Vocabulary, issue: str) -> Callable[[Columns, Mapping[str, str]], pl.DataFrame]:
    """Return the function that reads values of a vocabulary; `issue` is GBIF's name for one that is not known."""

    def parse(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
        read = parse_controlled(some(columns), vocabulary)
        return _known(read["value"], read["term"], issue)

    return parse


def licence(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Read licences."""
    from biodata.text.controlled import parse_licences

    read = parse_licences(some(columns))
    return _known(read["value"], read["license"], "")


def name(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Take scientific names apart."""
    from biodata.text.scientific_names import parse_names

    read = parse_names(some(columns)).drop("value")
    return read.select(
        pl.col("canonical_full").alias("parsed"), pl.exclude("issues"), joined(read["issues"]).alias("issues")
    )


def _known(told: pl.Series, parsed: pl.Series, issue: str) -> pl.DataFrame:
    """Return what was read, with the issue where something was told and is not known."""
    return pl.DataFrame({"told": told, "parsed": parsed}).select(
        "parsed",
        issues=pl.when(pl.col("told").is_not_null() & pl.col("parsed").is_null())
        .then(pl.lit(issue))
        .otherwise(pl.lit("")),
        confidence=pl.when(pl.col("parsed").is_not_null()).then(pl.lit(str(Confidence.DEFINITE))),
    )
