"""Coordinates that stand only in the verbatim terms: taken over where they are certain, proposed where they are not."""

from typing import Final

import polars as pl

from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.coordinate_pairs import parse_pairs, parse_two_columns
from biodata.text.projected import parse_projected
from biodata.text.tables import Confidence

TERMS: Final = ("verbatimLatitude", "verbatimLongitude", "verbatimCoordinates")
_TWO, _ONE = "verbatim_latitude_longitude", "verbatim_coordinates"
_ISSUES: Final = (
    "ZERO_COORDINATE",
    "COORDINATE_INVALID",
    "COORDINATE_OUT_OF_RANGE",
    "PRESUMED_SWAPPED_COORDINATE",
)


def interpret(told: Told, where: pl.Series) -> Findings:
    """Read the verbatim coordinates of rows that have no others.

    Parameters
    ----------
    told : Told
        n rows.
    where : Series of bool, length n
        The rows to read.

    Returns
    -------
    Findings of n rows
        `decimalLatitude` and `decimalLongitude` where the text has one reading (DEFINITE) and names no other datum than
        WGS 84, with a repair that says from which term and by which rule; other readings are proposals. Flags of the
        parser, and COORDINATE_PROJECTED for metres of a projection, which nobody turns into degrees here.

    Notes
    -----
    verbatimLatitude and verbatimLongitude decide, or verbatimCoordinates where they are empty, as at GBIF.
    """
    latitudes, longitudes, texts = (_only(told[term], where) for term in TERMS)
    two, one = parse_two_columns(latitudes, longitudes), parse_pairs(texts)
    by_two = (latitudes.is_not_null() & longitudes.is_not_null()).alias("by_two")
    names = ["latitude", "longitude", "issues", "confidence", "rule"]
    both = pl.concat([two, one.select(pl.all().name.prefix("one_"))], how="horizontal").with_columns(by_two)
    read = both.select(
        *(pl.when("by_two").then(name).otherwise(f"one_{name}").alias(name) for name in names),
        source=pl.when("by_two").then(pl.lit(_TWO)).otherwise(pl.lit(_ONE)),
    )
    datum = parse_controlled(told["verbatimSRS"], Vocabulary.DATUM)["term"]
    same_datum = told["verbatimSRS"].is_null() | (datum == "WGS84").fill_null(value=False)
    sure = (read["confidence"] == str(Confidence.DEFINITE)).fill_null(value=False) & same_datum
    open_ = read["latitude"].is_not_null() & ~sure & (read["confidence"] != str(Confidence.POSSIBLE))
    unread = _only(texts, read["issues"].list.contains("COORDINATE_INVALID") & ~by_two)
    projected = parse_projected(unread)["grid"].is_not_null()
    rule = read.select(pl.concat_str("source", "rule", separator="+", ignore_nulls=True).alias("rule"))["rule"]
    flags = {
        name: (read["issues"].list.contains(name) & (~projected if name == "COORDINATE_INVALID" else True)).fill_null(
            value=False
        )
        for name in _ISSUES
    }
    flags["COORDINATE_PROJECTED"] = projected
    noted = [
        repairs(rows, term, read[name], rule, applied=applied)
        for rows, applied in ((sure, True), (open_, False))
        for term, name in (("decimalLatitude", "latitude"), ("decimalLongitude", "longitude"))
    ]
    columns = {term: _only(read[name], sure) for term, name in
               (("decimalLatitude", "latitude"), ("decimalLongitude", "longitude"))}  # fmt: skip
    return Findings(columns, flags, noted)


def _only(values: pl.Series, where: pl.Series) -> pl.Series:
    """Return the values of some rows, null elsewhere."""
    return pl.select(pl.when(where).then(values)).to_series()
