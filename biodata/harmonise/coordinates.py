"""Coordinates of records as numbers, with the doubts that need no map; the stated values stay."""

from typing import Final

import polars as pl
from shapely import GEOSException, box, from_wkt

from biodata.core import terms
from biodata.core.flags import FLAGS
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import measures
from biodata.harmonise.findings import Findings, Stated, repairs
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.coordinate_pairs import SWAPPED, parse_pairs, parse_two_columns
from biodata.text.coordinates import Axis, parse_coordinates, parse_projected, read_angle
from biodata.text.tables import Confidence

# Records and events that a biodata had made coarser before it wrote the archive that they come in: they stay so.
#
# What is stated of their place is that of a cell: which countries and division it may lie in is not asked of the map again, at
# the cell's middle. Whether the place really is as coarse as it says, `sharing.received` looks at whenever it is published.

NUMBERS: Final = r"""\d\s*[.,:'’′]\s*\d\d|\d\s+\d|[°º]|\d{5}"""
"""Decimals, degrees and minutes, metres; a year of an author is none of them."""
_COARSE: Final = [str(category) for category in SharingCategory if category.cell_degrees is not None]
_EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
_OF_ANY_PLACE: Final = frozenset(flag.name for flag in FLAGS.values() if not flag.narrows_place)
_COUNTRY: Final = "^[A-Z]{2}$"
_DIVISION: Final = "^([A-Z]{2}-[A-Z0-9]{1,3})$"
_TEXTS: Final = (
    "sharing_category", "sharing_rule", *_EDGES, "country_codes", "province_code", "ambiguous", "quality_flags",
)  # fmt: skip


def records(stated: Stated, interpreted: pl.DataFrame) -> pl.DataFrame:
    """Return interpreted records, those that came coarse in an archive of ours as coarse as they were.

    Parameters
    ----------
    stated : Stated
        n rows.
    interpreted : polars.DataFrame of n rows
        `terms.OCCURRENCE` without `key`.
    """
    if stated.other(terms.ARCHIVED_CATEGORY) is None:
        return interpreted
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, stated.height)
    cells = {name: stated.other(terms.OWN + name) for name in _TEXTS}
    frame = pl.DataFrame([(nothing if cell is None else cell).alias(f"_{name}") for name, cell in cells.items()])
    both = pl.concat([interpreted, frame.with_columns(_country=stated["countryCode"])], how="horizontal")
    coarse = pl.col("_sharing_category").is_in(_COARSE).fill_null(value=False)
    made = {
        "shared_as": _shared(pl.col("_sharing_category"), pl.col("_sharing_rule"), [pl.col(f"_{one}") for one in _EDGES]),
        "countryCode": pl.col("_country").str.extract(f"({_COUNTRY})"),
        "located_country_code": pl.lit(None, pl.String),
        "country_codes": pl.col("_country_codes").str.split(";").list.eval(
            pl.element().filter(pl.element().str.contains(_COUNTRY))
        ),
        "province_code": pl.col("_province_code").str.extract(_DIVISION),
        "ambiguous": pl.col("_ambiguous") == "true",
        "quality_flags": doubts(pl.col("_quality_flags"), pl.col("quality_flags")),
    }  # fmt: skip
    return both.with_columns(
        pl.when(coarse).then(value).otherwise(pl.col(name)).alias(name) for name, value in made.items()
    ).select(interpreted.columns)


def events(table: pl.DataFrame) -> pl.Series:
    """Return `shared_as` of events, null for those that did not come coarse in an archive of ours.

    Parameters
    ----------
    table : polars.DataFrame of n rows
        Cells as they came; the cell stands in `footprintWKT`.
    """
    if terms.ARCHIVED_CATEGORY not in table.columns:
        return pl.Series("shared_as", [None], dtype=terms.SHARED_AS).new_from_index(0, table.height)
    outline = "footprintWKT" in table.columns
    edges = [_box(text) for text in table["footprintWKT"]] if outline else [(None,) * 4] * table.height
    frame = pl.DataFrame(edges, schema=dict.fromkeys(_EDGES, pl.Float64), orient="row").with_columns(
        table[terms.ARCHIVED_CATEGORY].alias("category")
    )
    coarse = pl.col("category").is_in(_COARSE).fill_null(value=False)
    shared = _shared(pl.col("category"), pl.lit(None, pl.String), [pl.col(edge) for edge in _EDGES])
    return frame.select(shared_as=pl.when(coarse).then(shared)).to_series()


def doubts(stated: pl.Expr, own: pl.Expr) -> pl.Expr:
    """Return the doubts that an archive tells of a coarse place, and those found here that are no doubts of the place."""
    known = stated.fill_null("").str.split(";").list.set_intersection(list(FLAGS))
    here = own.list.eval(pl.element().filter(pl.element().is_in(list(_OF_ANY_PLACE))))
    return pl.concat_list(known, here).list.unique(maintain_order=True)


def _shared(category: pl.Expr, rule: pl.Expr, edges: list[pl.Expr]) -> pl.Expr:
    """Return how something was made coarser, as `terms.SHARED_AS`."""
    # A name that could hold a place is none that a rule of ours has.
    rule = pl.when(~rule.str.contains(NUMBERS)).then(rule)
    degrees = [edge.cast(pl.Float64, strict=False).alias(name) for edge, name in zip(edges, _EDGES, strict=True)]
    return pl.struct(category.alias("category"), rule.alias("rule"), *degrees).cast(terms.SHARED_AS)


def _box(text: str | None) -> tuple[float | None, ...]:
    """Return west, south, east, north of an outline that is a box; four times nothing for another."""
    try:
        shape = from_wkt(text) if text and len(text) < 1000 else None
    except GEOSException:
        shape = None
    if shape is None or shape.is_empty or not shape.equals(box(*shape.bounds)):
        return (None,) * 4
    return tuple(shape.bounds)


# Coordinates that stand only in the verbatim terms: taken over where they are certain, proposed where they are not.

TERMS: Final = ("verbatimLatitude", "verbatimLongitude", "verbatimCoordinates")
_TWO, _ONE = "verbatim_latitude_longitude", "verbatim_coordinates"
_ISSUES: Final = ("ZERO_COORDINATE", "COORDINATE_INVALID", "COORDINATE_OUT_OF_RANGE", "PRESUMED_SWAPPED_COORDINATE")


def interpret_verbatim(stated: Stated, where: pl.Series) -> Findings:
    """Read the verbatim coordinates of rows that have no others.

    Parameters
    ----------
    stated : Stated
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
    latitudes, longitudes, texts = (_only(stated[term], where) for term in TERMS)
    two, one = parse_two_columns(latitudes, longitudes), parse_pairs(texts)
    by_two = (latitudes.is_not_null() & longitudes.is_not_null()).alias("by_two")
    names = ["latitude", "longitude", "issues", "confidence", "rule"]
    both = pl.concat([two, one.select(pl.all().name.prefix("one_"))], how="horizontal").with_columns(by_two)
    read = both.select(
        *(pl.when("by_two").then(name).otherwise(f"one_{name}").alias(name) for name in names),
        source=pl.when("by_two").then(pl.lit(_TWO)).otherwise(pl.lit(_ONE)),
    )
    datum = parse_controlled(stated["verbatimSRS"], Vocabulary.DATUM)["term"]
    same_datum = stated["verbatimSRS"].is_null() | (datum == "WGS84").fill_null(value=False)
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


AXES: Final = ("decimalLatitude", "decimalLongitude")
SWAP: Final = "swap_latitude_longitude"
PACKED: Final = "packed"
_EASTINGS_M: Final = (100_000.0, 999_999.999)


def interpret(stated: Stated, outlined: measures.Placed | None = None) -> Findings:
    """Read latitude and longitude.

    Parameters
    ----------
    stated : Stated
        n rows.
    outlined : footprints.Placed, optional
        Places of rows that state a footprint alone.

    Returns
    -------
    Findings of n rows
        `decimalLatitude` and `decimalLongitude` where both can be read and are in range; of a row where both are empty
        those of its verbatim terms, where they are certain (`interpret_verbatim`), or of its footprint; else
        null.
    """
    latitude, longitude = _both_read(stated)
    frame = pl.DataFrame({"latitude": latitude["number"], "longitude": longitude["number"]})
    lat, lon = pl.col("latitude"), pl.col("longitude")
    in_range = (lat.abs() <= 90) & (lon.abs() <= 180)
    marks = frame.select(
        in_range=in_range,
        outside=~in_range,
        zero=(lat == 0) & (lon == 0),
        swapped=(lat.abs() > 90) & (lat.abs() <= 180) & (lon.abs() <= 90),
    )
    packed = _packed(frame.filter(marks["outside"])) if marks["outside"].any() else None
    unreadable = _unreadable(latitude) | _unreadable(longitude)
    flags = {
        "COORDINATE_MISSING": stated[AXES[0]].is_null() | stated[AXES[1]].is_null(),
        "COORDINATE_INVALID": unreadable,
        "COORDINATE_OUT_OF_RANGE": marks["outside"],
        "ZERO_COORDINATE": marks["zero"],
        "PRESUMED_SWAPPED_COORDINATE": marks["swapped"],
        "COORDINATE_PROJECTED": _metres(frame)
        if marks["outside"].any()
        else pl.repeat(value=False, n=stated.height, eager=True),
    }
    usable = frame.select(pl.when(marks["in_range"]).then(pl.all())).to_dict()
    columns = {"decimalLatitude": usable["latitude"], "decimalLongitude": usable["longitude"]}
    noted = [*swap(marks["swapped"], frame["latitude"], frame["longitude"])]
    for axis, read in zip(AXES, (latitude, longitude), strict=True):
        by_rule = read["rule"].is_not_null()
        noted.append(repairs(by_rule, axis, read["number"], read["rule"], applied=True))
    if packed is not None and packed["latitude"].null_count() < packed.height:
        at = marks["outside"].fill_null(value=False).arg_true()
        flags["COORDINATE_PROJECTED"] = flags["COORDINATE_PROJECTED"].scatter(
            at.filter(packed["latitude"].is_not_null() & ~packed["may_be_metres"]), False
        )
        noted += [
            packed.filter(pl.col("latitude").is_not_null()).select(
                row=at.filter(packed["latitude"].is_not_null()).cast(pl.UInt32), term=pl.lit(axis),
                value=pl.col(name).round_sig_figs(12).cast(pl.String), rule=pl.lit(PACKED), applied=pl.lit(value=False),
            )
            for axis, name in zip(AXES, ("latitude", "longitude"), strict=True)
        ]  # fmt: skip
    parts = [Findings(columns, flags, noted)]
    if unreadable.any():
        parts.append(_proposed(stated, unreadable))
    empty = stated[AXES[0]].is_null() & stated[AXES[1]].is_null()
    if stated.has(*TERMS) and empty.any():
        parts.append(interpret_verbatim(stated, empty))
    if outlined is not None and outlined.latitude.null_count() < stated.height:
        parts.append(measures.findings(outlined))
    return _together(parts)


def _together(parts: list[Findings]) -> Findings:
    """Put findings of the same rows together: the first value of each column, every doubt."""
    if len(parts) == 1:
        return parts[0]
    columns = {
        name: pl.select(pl.coalesce(*(part.columns[name] for part in parts if name in part.columns))).to_series()
        for name in AXES
    }
    flags: dict[str, pl.Series] = {}
    for part in parts:
        for name, mask in part.flags.items():
            values = mask.fill_null(value=False)
            flags[name] = flags[name] | values if name in flags else values
    flags["COORDINATE_MISSING"] &= columns[AXES[0]].is_null()
    return Findings(columns, flags, [frame for part in parts for frame in part.repairs])


def _proposed(stated: Stated, unreadable: pl.Series) -> Findings:
    """Propose the likely reading of pairs that have no certain one: figures without marks, letters of the other axis."""
    rows = pl.DataFrame({"latitude": stated[AXES[0]], "longitude": stated[AXES[1]]}).with_row_index("row")
    rows = rows.filter(unreadable)
    # One text that is nothing at all in many rows costs one look; a letter of two languages is read beside the other's.
    known = [
        pl.col(name).is_in([text for text in rows[name].drop_nulls().unique() if read_angle(text, axis) is not None])
        for name, axis in (("latitude", Axis.LATITUDE), ("longitude", Axis.LONGITUDE))
    ]
    rows = rows.drop_nulls(["latitude", "longitude"]).filter(known[0] | known[1])
    read = parse_two_columns(rows["latitude"], rows["longitude"]).with_columns(rows["row"])
    read = read.filter(pl.col("latitude").is_not_null()).with_columns(
        swapped=pl.col("issues").list.contains(SWAPPED)
    ).with_columns(rule=pl.when("swapped").then(pl.lit(SWAP)).otherwise(pl.col("rule").fill_null("")))  # fmt: skip
    noted = [
        read.select(
            "row", term=pl.lit(axis), value=pl.col(name).cast(pl.String), rule="rule", applied=pl.lit(value=False)
        )
        for axis, name in zip(AXES, ("latitude", "longitude"), strict=True)
    ]
    swapped = pl.repeat(value=False, n=stated.height, eager=True)
    swapped = swapped.scatter(read.filter("swapped")["row"], True) if read["swapped"].any() else swapped
    return Findings({}, {"PRESUMED_SWAPPED_COORDINATE": swapped}, noted)


def _metres(frame: pl.DataFrame) -> pl.Series:
    """Tell which numbers can only be metres: an easting, with or without China's zone before it, and a northing."""
    ways = []
    for east, north in (("latitude", "longitude"), ("longitude", "latitude")):
        easting, northing = pl.col(east), pl.col(north)
        prefix = (easting / 1_000_000).floor()
        ways.append(
            (easting % 1_000_000).is_between(*_EASTINGS_M)
            & ((prefix == 0) | prefix.is_between(13, 45))
            & northing.is_between(10_000, 10_002_000)
        )
    return frame.select((ways[0] | ways[1]).alias("metres"))["metres"]


def _packed(frame: pl.DataFrame) -> pl.DataFrame:
    """Read numbers out of range as degrees, minutes and seconds in one: 244711.85 is 24° 47' 11.85".

    Metres are seldom that, since their digits run beyond 59, and a northing stands in the place of the latitude.

    Returns
    -------
    polars.DataFrame
        `latitude` and `longitude`, null where one of the two cannot be read so; `may_be_metres`, where the two could be
        a northing and an easting, too.
    """
    read = []
    for name, most in (("latitude", 90), ("longitude", 180)):
        digits = pl.col(name).abs()
        degrees, minutes, seconds = (digits / 10_000).floor(), (digits / 100).floor() % 100, digits % 100
        right = (digits >= 10_000) & (minutes < 60) & (seconds < 60)
        total = degrees + minutes / 60 + seconds / 3600
        read.append(pl.when(right & (total <= most)).then(total * pl.col(name).sign()).alias(name))
    easting, northing = pl.col("longitude"), pl.col("latitude")
    metres = easting.is_between(*_EASTINGS_M) & northing.is_between(10_000, 10_002_000)
    both = frame.select(*read, metres.fill_null(value=False).alias("may_be_metres"))
    whole = pl.all_horizontal(pl.col("latitude", "longitude").is_not_null())
    return both.with_columns(pl.when(whole).then(pl.col("latitude", "longitude")))


def swap(where: pl.Series, latitude: pl.Series, longitude: pl.Series) -> list[pl.DataFrame]:
    """Propose to swap latitude and longitude where `where` is True."""
    return [
        repairs(where, "decimalLatitude", longitude, SWAP, applied=False),
        repairs(where, "decimalLongitude", latitude, SWAP, applied=False),
    ]


def _both_read(stated: Stated) -> list[pl.DataFrame]:
    """Return latitudes and longitudes as `parse_coordinates`; a letter of two languages is read beside the other's: T beside U is east."""
    texts = [stated[name] for name in AXES]
    read = [parse_coordinates(text, axis) for text, axis in zip(texts, (Axis.LATITUDE, Axis.LONGITUDE), strict=True)]
    odd = (read[0]["number"].is_null() != read[1]["number"].is_null()) & texts[0].is_not_null() & texts[1].is_not_null()
    if not odd.any():
        return read
    two = parse_two_columns(*(_only(text, odd) for text in texts))
    is_sure = (two["confidence"] == str(Confidence.DEFINITE)) & (two["issues"].list.len() == 0)
    pairs = zip(read, (two["latitude"], two["longitude"]), strict=True)
    return [
        one.with_columns(
            number=pl.when(is_sure).then(number).otherwise("number"), rule=pl.when(is_sure).then(two["rule"]).otherwise("rule")
        )
        for one, number in pairs
    ]  # fmt: skip


def _unreadable(read: pl.DataFrame) -> pl.Series:
    """Tell where something was informed that is no number."""
    return read["value"].is_not_null() & read["number"].is_null()


_NEARLY: Final = 0.05


def has_other_digit(coordinate: str, beside: str) -> pl.Expr:
    """Tell which places lie amid the others once one digit of the degrees of a coordinate is another: 117.48 for 107.48.

    Parameters
    ----------
    coordinate, beside : str
        Columns of degrees of places that lie within half a degree of each other, but for a few.

    Returns
    -------
    Expression of bool
    """
    off, other = (pl.col(name) - pl.col(name).median() for name in (coordinate, beside))
    reach, other_reach = (3 * one.abs().median() + _NEARLY for one in (off, other))
    amid = ((off - off.round()).abs() <= reach) & (other.abs() <= other_reach) & (reach < 0.5)
    degrees, more = pl.col(coordinate).floor(), off.round()
    one_digit = (more % 10 == 0) | (degrees // 10 == (degrees - more) // 10)
    return amid & (more != 0) & one_digit
