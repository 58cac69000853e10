"""`biodata parse` of places: coordinates, countries, provinces, areas."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata.cli.parse_columns import ANY_VALUE, ONE_TEXT, PAIRS, Columns, joined, some
from biodata.text.tables import Confidence

_DECIMALS: Final = 6
"""GBIF writes coordinates with six decimals, some 0.1 m; the harmoniser keeps what it was told."""
_SAME: Final = 1e-12
_NUMBER_RULES: Final = ("decimal_comma", "digits", "latitude_first_assumed", "decimal_comma+latitude_first_assumed")
"""What is needed to read a decimal number; minutes and seconds have no decimals that could be lost."""


def coordinates(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Read the first pair of each row that is told: two columns before one text."""
    from biodata.text.coordinate_pairs import SCHEMA, parse_pairs, parse_two_columns
    from biodata.text.projected import parse_projected

    parts = [
        parse_two_columns(columns[latitude], columns[longitude])
        for latitude, longitude in PAIRS
        if {latitude, longitude} <= columns.keys()
    ]
    texts = [columns[name] for name in ONE_TEXT if name in columns]
    parts += [parse_pairs(text).drop("value") for text in texts]
    read = parts[0]
    for part in parts[1:]:
        # A row whose first pair tells nothing is read from the next.
        silent = pl.col("confidence").is_null() & (pl.col("issues").list.len().fill_null(0) == 0)
        both = pl.concat([read, part.select(pl.all().name.prefix("next_"))], how="horizontal")
        read = both.select(pl.when(silent).then(f"next_{name}").otherwise(name).alias(name) for name in SCHEMA)
    places = pl.col("latitude", "longitude")
    as_number = pl.col("rule").is_null() | pl.col("rule").is_in(_NUMBER_RULES)
    shortened = pl.any_horizontal((places.round(_DECIMALS) - places).abs() > _SAME) & as_number
    read = read.with_columns(
        places.round(_DECIMALS),
        issues=pl.when(shortened).then(pl.concat_list("issues", pl.lit("COORDINATE_ROUNDED"))).otherwise("issues"),
    )
    unread = read["confidence"].is_null()
    grids = [parse_projected(pl.select(pl.when(unread).then(text)).to_series()) for text in texts]
    metres = ["grid", "zone", "band", "easting_m", "northing_m"]
    return pl.DataFrame(
        [
            read["latitude"].alias("decimalLatitude"),
            read["longitude"].alias("decimalLongitude"),
            joined(read["issues"]),
            read["confidence"],
            read["rule"],
            *(grids[0].select(metres).get_columns() if grids else ()),
        ]
    )


def dms(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Read latitude and longitude each by itself, whatever its size."""
    from biodata.text.coordinates import Axis, parse_coordinates

    frames = {}
    for axis in Axis:
        name = next((pair[axis is Axis.LONGITUDE] for pair in PAIRS if pair[axis is Axis.LONGITUDE] in columns), None)
        if name is not None:
            frames[axis] = parse_coordinates(columns[name], axis)
    wrong = [frame["value"].is_not_null() & frame["number"].is_null() for frame in frames.values()]
    right = [frame["number"].is_not_null() for frame in frames.values()]
    judged = pl.DataFrame({"wrong": _any(wrong), "right": _any(right)})
    return pl.DataFrame(
        [frame["number"].alias(f"decimal{axis.capitalize()}") for axis, frame in frames.items()]
    ).with_columns(
        judged.select(
            issues=pl.when("wrong").then(pl.lit("COORDINATE_INVALID")).otherwise(pl.lit("")),
            confidence=pl.when(pl.col("right") & ~pl.col("wrong")).then(pl.lit(str(Confidence.DEFINITE))),
        ).get_columns()
    )


def _any(masks: list[pl.Series]) -> pl.Series:
    """Tell where any mask is True."""
    return masks[0] | masks[1] if len(masks) == 2 else masks[0]


def country(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Read countries."""
    from biodata.places import country_name
    from biodata.text.countries import parse_countries

    read = parse_countries(some(columns))
    return read.select(
        pl.col("code").alias("parsed"),
        pl.col("code").map_elements(country_name, return_dtype=pl.String).alias("name"),
        candidates=pl.col("candidates").list.join(";"),
        issues=pl.when(~pl.col("known")).then(pl.lit("COUNTRY_INVALID")).otherwise(pl.lit("")),
        confidence=pl.when(pl.col("code").is_not_null()).then(pl.lit(str(Confidence.DEFINITE))),
    )


def province(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Read first-level divisions, each inside its country."""
    from biodata.cli.options import boundaries_for
    from biodata.places import find_provinces, province_name
    from biodata.text.countries import parse_countries

    boundaries = boundaries_for()
    codes = [parse_countries(columns[name])["code"] for name in ("countrycode", "country") if name in columns]
    text = next(columns[name] for name in ("stateprovince", "province", *ANY_VALUE) if name in columns)
    rows = pl.DataFrame({"country": pl.select(pl.coalesce(*codes)).to_series(), "text": text})
    pairs = rows.drop_nulls().unique()
    found = [
        sorted({*find_provinces(code, name, boundaries), *find_provinces(code, name, boundaries, younger=True)})
        for code, name in pairs.iter_rows()
    ]
    answers = pairs.with_columns(
        parsed=pl.Series([codes[0] if len(codes) == 1 else None for codes in found], dtype=pl.String),
        name=pl.Series(
            [province_name(codes[0], boundaries) if len(codes) == 1 else None for codes in found], dtype=pl.String
        ),
        candidates=pl.Series([";".join(codes) if len(codes) > 1 else "" for codes in found], dtype=pl.String),
    )
    return rows.join(answers, on=["country", "text"], how="left", maintain_order="left").select(
        "parsed",
        "name",
        "candidates",
        issues=pl.lit(""),
        confidence=pl.when(pl.col("parsed").is_not_null()).then(pl.lit(str(Confidence.DEFINITE))),
        boundary_set=pl.lit(boundaries.name),
    )


def area(columns: Columns, declared: Mapping[str, str]) -> pl.DataFrame:
    """Read areas in square kilometres."""
    from biodata.text.units import parse_areas

    read = parse_areas(some(columns), unit=declared.get("unit"), decimal_mark=declared.get("decimal_mark"))
    return read.select(
        pl.col("area_km2").alias("parsed"),
        "number",
        "unit",
        "area_km2",
        pl.col("issue").fill_null("").alias("issues"),
        "confidence",
        "rule",
    )
