"""What `biodata parse` can read: for each kind the columns that it takes, and who reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.core.flags import FLAGS
from biodata.core.terms import VERBATIM_TERMS
from biodata.harmonise import dates
from biodata.harmonise.findings import REPAIR_ROWS, Findings, Stated
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.tables import Confidence

# What the kinds of `biodata parse` share: the columns of a batch, and how lists are written into a cell.

Columns = Mapping[str, pl.Series]
"""The columns of a batch by their headings in lower case, n texts each, null where a cell is empty."""

ANY_VALUE: Final = ("value", "input", "text", "verbatim", "args", "arg")
"""Headings of a column that holds whatever the kind is."""

ONE_TEXT: Final = ("coordinates", "coordinate", "verbatimcoordinates", *ANY_VALUE)
"""Headings of a column that holds both coordinates."""

PAIRS: Final = (
    ("latitude", "longitude"), ("lat", "lon"), ("lat", "long"), ("lat", "lng"),
    ("decimallatitude", "decimallongitude"), ("verbatimlatitude", "verbatimlongitude"),
)  # fmt: skip
"""Headings of two columns that hold coordinates, the first of them deciding where several are filled."""


def some(columns: Columns) -> pl.Series:
    """Return the only column that was chosen."""
    return next(iter(columns.values()))


def joined(lists: pl.Series) -> pl.Series:
    """Write lists of names into cells, joined by semicolons; an empty cell where there is none."""
    return lists.list.join(";").fill_null("")


# `biodata parse` of controlled values, licences and scientific names.


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


def _known(values: pl.Series, parsed: pl.Series, issue: str) -> pl.DataFrame:
    """Return what was read, with the issue where something was stated and is not known."""
    return pl.DataFrame({"told": values, "parsed": parsed}).select(
        "parsed",
        issues=pl.when(pl.col("told").is_not_null() & pl.col("parsed").is_null())
        .then(pl.lit(issue))
        .otherwise(pl.lit("")),
        confidence=pl.when(pl.col("parsed").is_not_null()).then(pl.lit(str(Confidence.DEFINITE))),
    )


# `biodata parse` of dates: one text, or Darwin Core's columns together.

TERMS: Final = ("eventdate", "verbatimeventdate", "year", "month", "day", "startdayofyear", "enddayofyear")
_COLUMNS: Final = {
    "eventDate": "eventDate", "event_start": "start", "event_end": "end", "event_precision": "precision",
    "event_time": "time", "event_zone": "zone",
}  # fmt: skip


def date(columns: Columns, declared: Mapping[str, str]) -> pl.DataFrame:
    """Read dates as the harmoniser does."""
    spelling = {term.lower(): term for term in VERBATIM_TERMS}
    reported = Stated(
        pl.DataFrame(
            [column.alias(spelling[name] if name in TERMS else "eventDate") for name, column in columns.items()]
        )
    )
    found = dates.interpret(reported, today=datetime.now(UTC).date(), declarations=declared)
    out = pl.DataFrame([found.columns[name].alias(short) for name, short in _COLUMNS.items()])
    issues, doubts = (_names(found, reported.height, gbif=gbif) for gbif in (True, False))
    # What is ambiguous or only proposed has no date; to GBIF that is a date that cannot be read.
    row = pl.DataFrame({"issues": issues, "read": out["eventDate"], "told": ~reported.silent(), "doubts": doubts})
    judged = row.select(
        "doubts",
        issues=pl.when(pl.col("told") & pl.col("read").is_null() & (pl.col("issues") == ""))
        .then(pl.lit("RECORDED_DATE_INVALID"))
        .otherwise("issues"),
        confidence=pl.when(pl.col("read").is_not_null()).then(
            pl.when(pl.col("issues") == "")
            .then(pl.lit(str(Confidence.DEFINITE)))
            .otherwise(pl.lit(str(Confidence.PROBABLE)))
        ),
    )
    notes = _notes(found, reported.height)
    return out.with_columns(notes["proposal"], judged["issues"], judged["confidence"], notes["rule"], judged["doubts"])


def _names(found: Findings, height: int, *, gbif: bool) -> pl.Series:
    """Write the names of the doubts of each row, GBIF's or ours."""
    masks = {name: mask for name, mask in found.flags.items() if FLAGS[name].gbif is gbif}
    said = [pl.when(name).then(pl.lit(name)) for name in masks]
    frame = pl.DataFrame([mask.fill_null(value=False).alias(name) for name, mask in masks.items()])
    if not said:
        return pl.repeat("", height, eager=True)
    return frame.select(pl.concat_str(said, separator=";", ignore_nulls=True).alias("names"))["names"]


def _notes(found: Findings, height: int) -> pl.DataFrame:
    """Return the proposal and the rules of each row."""
    notes = pl.concat([pl.DataFrame(schema=REPAIR_ROWS), *(part for part in found.repairs if part.height)])
    notes = (
        notes.filter(term="eventDate")
        .group_by("row")
        .agg(
            proposal=pl.col("value").filter(~pl.col("applied")).first(),
            rule=pl.col("rule").unique().sort().str.join("+"),
        )
    )
    rows = pl.DataFrame({"row": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(notes, on="row", how="left", maintain_order="left")


# `biodata parse` of places: coordinates, countries, provinces, areas.

_DECIMALS: Final = 6
"""GBIF writes coordinates with six decimals, some 0.1 m; the harmoniser keeps what it was stated."""
_SAME: Final = 1e-12
_NUMBER_RULES: Final = ("decimal_comma", "digits", "latitude_first_assumed", "decimal_comma+latitude_first_assumed")
"""What is needed to read a decimal number; minutes and seconds have no decimals that could be lost."""


def coordinates(columns: Columns, _declared: Mapping[str, str]) -> pl.DataFrame:
    """Read the first pair of each row that is stated: two columns before one text."""
    from biodata.text.coordinate_pairs import SCHEMA, parse_pairs, parse_two_columns
    from biodata.text.coordinates import parse_projected

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
        "parsed", "name", "candidates", issues=pl.lit(""),
        confidence=pl.when(pl.col("parsed").is_not_null()).then(pl.lit(str(Confidence.DEFINITE))),
        boundary_set=pl.lit(boundaries.name),
    )  # fmt: skip


def area(columns: Columns, declared: Mapping[str, str]) -> pl.DataFrame:
    """Read areas in square kilometres."""
    from biodata.text.units import parse_areas

    read = parse_areas(some(columns), unit=declared.get("unit"), decimal_mark=declared.get("decimal_mark"))
    return read.select(
        pl.col("area_km2").alias("parsed"), "number", "unit", "area_km2",
        pl.col("issue").fill_null("").alias("issues"), "confidence", "rule",
    )  # fmt: skip


class Kind(StrEnum):
    """What can be read."""

    COORDINATES = "coordinates"
    DMS = "dms"
    DATE = "date"
    COUNTRY = "country"
    PROVINCE = "province"
    NAME = "name"
    AREA = "area"
    BASIS_OF_RECORD = "basis-of-record"
    OCCURRENCE_STATUS = "occurrence-status"
    LICENCE = "licence"
    SEX = "sex"
    LIFE_STAGE = "life-stage"
    RANK = "rank"
    TYPE_STATUS = "type-status"
    ESTABLISHMENT_MEANS = "establishment-means"
    TAXONOMIC_STATUS = "taxonomic-status"
    THREAT_STATUS = "threat-status"
    CONTINENT = "continent"


Parse = Callable[[Columns, Mapping[str, str]], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Reader:
    """How a kind is read.

    Attributes
    ----------
    headings : tuple of tuple of str
        Alternatives, the best first: sets of headings in lower case that must be there together.
    together : bool
        Every alternative that the file has is read, not only the best.
    any_column : bool
        With none of the headings, the file's first column is read.
    more : tuple of str
        Headings that are read too where they are there.
    wanted : str
        What to say where a file has none of them.
    parse : callable
        Takes the columns that were chosen and the declarations, gives the columns that are written.
    """

    headings: tuple[tuple[str, ...], ...]
    parse: Parse
    together: bool = False
    any_column: bool = True
    more: tuple[str, ...] = ()
    wanted: str = "a column called value"


def _one(*terms: str, parse: Parse) -> Reader:
    """Return the reader of a kind that stands in one column."""
    return Reader(tuple((name,) for name in _value_first(*(term.lower() for term in terms))), parse)


def _value_first(*terms: str) -> tuple[str, ...]:
    """Return the headings of one value, the best first: value, those that state the kind, those that state nothing."""
    return (ANY_VALUE[0], *terms, *ANY_VALUE[1:])


def _controlled(vocabulary: Vocabulary, *terms: str, issue: str = "") -> Reader:
    """Return the reader of a controlled value."""
    return _one(*terms, parse=controlled(vocabulary, issue))


_DATE_HEADINGS: Final = (*_value_first("eventdate", "date"), "verbatimeventdate", "year")

READERS: Final = MappingProxyType(
    {
        Kind.COORDINATES: Reader(
            (*PAIRS, *((name,) for name in ONE_TEXT)),
            coordinates,
            together=True,
            any_column=False,
            wanted="latitude and longitude, decimalLatitude and decimalLongitude, verbatimLatitude and "
            "verbatimLongitude, or one of coordinates, verbatimCoordinates, value",
        ),
        Kind.DMS: Reader(
            (*PAIRS, *((name,) for pair in PAIRS for name in pair)),
            dms,
            any_column=False,
            wanted="latitude or longitude, or both",
        ),
        Kind.DATE: Reader(
            tuple((name,) for name in _DATE_HEADINGS),
            date,
            more=("verbatimeventdate", "year", "month", "day", "startdayofyear", "enddayofyear"),
        ),
        Kind.COUNTRY: _one("country", "countryCode", parse=country),
        Kind.PROVINCE: Reader(
            tuple(
                (text, country)
                for text in _value_first("stateprovince", "province")
                for country in ("countrycode", "country")
            ),
            province,
            any_column=False,
            wanted="value or stateProvince, with countryCode or country beside it",
            more=("countrycode", "country"),
        ),
        Kind.NAME: _one("scientificName", "name", parse=name),
        Kind.AREA: _one("area", "reported_area", "REP_AREA", "面积", parse=area),
        Kind.BASIS_OF_RECORD: _controlled(Vocabulary.BASIS_OF_RECORD, "basisOfRecord", issue="BASIS_OF_RECORD_INVALID"),
        Kind.OCCURRENCE_STATUS: _controlled(
            Vocabulary.OCCURRENCE_STATUS, "occurrenceStatus", issue="OCCURRENCE_STATUS_UNPARSABLE"
        ),
        Kind.LICENCE: _one("license", "licence", "rights", parse=licence),
        Kind.SEX: _controlled(Vocabulary.SEX, "sex"),
        Kind.LIFE_STAGE: _controlled(Vocabulary.LIFE_STAGE, "lifeStage"),
        Kind.RANK: _controlled(Vocabulary.TAXON_RANK, "taxonRank", "rank"),
        Kind.TYPE_STATUS: _controlled(Vocabulary.TYPE_STATUS, "typeStatus", issue="TYPE_STATUS_INVALID"),
        Kind.ESTABLISHMENT_MEANS: _controlled(Vocabulary.ESTABLISHMENT_MEANS, "establishmentMeans"),
        Kind.TAXONOMIC_STATUS: _controlled(Vocabulary.TAXONOMIC_STATUS, "taxonomicStatus"),
        Kind.THREAT_STATUS: _controlled(Vocabulary.THREAT_STATUS, "iucnRedListCategory", "threatStatus"),
        Kind.CONTINENT: _controlled(Vocabulary.CONTINENT, "continent", issue="CONTINENT_INVALID"),
    }
)
"""Every kind with its reader."""
