"""Numbers about the place: uncertainty, precision, elevation and depth."""

import math
import re
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from shapely import GEOSException
from shapely.geometry.base import BaseGeometry

from biodata.core.edges import problem_of
from biodata.core.errors import InputError
from biodata.core.geo import geodesic_distance_m
from biodata.harmonise import coordinates
from biodata.harmonise.findings import Findings, Stated, repairs
from biodata.text.controlled import Vocabulary, parse_controlled
from biodata.text.numbers import parse_decimals

# Lines of transects and outlines of plots: what they are, and the place of a row that states its footprint alone.
#
# The place is a point of the footprint near its middle; its uncertainty reaches every part of the footprint, so that nothing is
# said of the place which the footprint does not say.

RULE: Final = "footprint"
FLAG: Final = "COORDINATE_FROM_FOOTPRINT"
_AXES: Final = ("decimalLatitude", "decimalLongitude")
_TERMS: Final = ("footprintWKT", "footprintSRS")
_WGS84: Final = ("", "EPSG:4326", "WGS84", "WGS 84", "4326")
_SHAPE: Final = r"\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*(?:Z|M|ZM)?\s*\([\d\s.,()E+\-]*\)\s*"
_PLAIN: Final = re.compile(
    rf"{_SHAPE}|\s*GEOMETRYCOLLECTION\s*(?:Z|M|ZM)?\s*\({_SHAPE}(?:,{_SHAPE})*\)\s*", re.IGNORECASE | re.ASCII
)
"""Shapes, and collections of shapes but not of collections: no text can make the reader of shapes go deep."""
_DECIMALS: Final = 6
_MOST_M: Final = 1_000_000.0
"""A footprint that reaches farther than this from its middle tells no place."""


class Placed(NamedTuple):
    """Places of n rows, null where no footprint tells them.

    Attributes
    ----------
    latitude, longitude : polars.Series of float64
        Degrees, WGS 84.
    radius_m : polars.Series of float64
        Null for a footprint that is a point, too.
    """

    latitude: pl.Series
    longitude: pl.Series
    radius_m: pl.Series


def read(text: str | None, srs: str | None) -> BaseGeometry | None:
    """Return the shape of a footprint in degrees, WGS 84; None where it is stated in another system, is none, or crosses itself too often.

    Examples
    --------
    >>> read("LINESTRING(101.35 21.05, 101.36 21.07)", None).geom_type
    'LineString'
    """
    if not text or (srs or "").strip().upper() not in _WGS84 or _PLAIN.fullmatch(text) is None:
        return None
    try:
        shape = shapely.from_wkt(text)
    except GEOSException:
        return None
    if shape is None or shape.is_empty or problem_of(shape) is not None:
        return None
    west, south, east, north = shape.bounds
    return shape if west >= -180 and east <= 180 and south >= -90 and north <= 90 else None


def places(stated: Stated) -> Placed:
    """Return the places of rows that state their footprint and no coordinates at all.

    Parameters
    ----------
    stated : Stated
        n rows. One that states a datum other than WGS 84 has no place of its footprint.
    """
    nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, stated.height)
    if not stated.has("footprintWKT"):
        return Placed(nothing, nothing, nothing)
    datum = stated["geodeticDatum"]
    wgs84 = datum.is_null() | (parse_controlled(datum, Vocabulary.DATUM)["term"] == "WGS84").fill_null(value=False)
    where = stated["footprintWKT"].is_not_null() & wgs84
    for term in (*_AXES, *coordinates.TERMS):
        where &= stated[term].is_null()
    asked = pl.DataFrame({term: stated[term] for term in _TERMS}).with_row_index("row").filter(where)
    once = asked.select(_TERMS).unique(maintain_order=True)
    found = [_place(read(text, srs)) for text, srs in once.iter_rows()]
    names = ("latitude", "longitude", "radius_m")
    known = once.hstack(pl.DataFrame(found, schema=dict.fromkeys(names, pl.Float64), orient="row"))
    of_rows = asked.join(known, on=_TERMS, how="left", nulls_equal=True, maintain_order="left")
    rows = pl.DataFrame({"row": pl.int_range(stated.height, dtype=pl.UInt32, eager=True)})
    beside = rows.join(of_rows, on="row", how="left", maintain_order="left")
    return Placed(*(beside[name] for name in names))


def findings(placed: Placed) -> Findings:
    """Return latitude and longitude of footprints with their flag and what was filled in."""
    there = placed.latitude.is_not_null()
    columns = dict(zip(_AXES, placed[:2], strict=True))
    noted = [repairs(there, term, column, RULE, applied=True) for term, column in columns.items()]
    return Findings(columns, {FLAG: there}, noted)


def _place(shape: BaseGeometry | None) -> tuple[float | None, float | None, float | None]:
    """Return latitude, longitude and radius of a shape."""
    if shape is None:
        return None, None, None
    middle = shapely.minimum_bounding_circle(shape).centroid
    line = shapely.shortest_line(shape, middle)
    if line is None or line.is_empty:
        return None, None, None
    longitude, latitude = (round(float(one), _DECIMALS) for one in line.coords[0][:2])
    corners = shapely.get_coordinates(shape)
    distance_m = float(np.max(geodesic_distance_m(longitude, latitude, corners[:, 0], corners[:, 1])))
    if not distance_m < _MOST_M:
        return None, None, None
    # What rounding took away is less than a metre.
    return latitude, longitude, float(math.ceil(distance_m)) if len(corners) > 1 else None


METRES: Final = ("m", "metre", "metres", "meter", "meters", "masl", "m asl", "米", "公尺")

MAX_UNCERTAINTY_M: Final = 5_000_000.0
"""GBIF takes no uncertainty of half the Earth's radius and more."""

MAX_PRECISION_DEGREES: Final = 10.0
WIDENED: Final = "datum_uncertainty"
DECLARED: Final = "declared_uncertainty"
DECLARED_FLAG: Final = "COORDINATE_UNCERTAINTY_DECLARED"
_RADIUS: Final = "coordinateUncertaintyInMeters"
_DEGREE_M: Final = 111_320.0
HIGHEST_M, LOWEST_M, DEEPEST_M = 17_000.0, -11_000.0, 11_000.0

# Side of the cell in which iNaturalist puts an obscured record at random, and the share of its diagonal that rounding
# may take away. https://help.inaturalist.org/en/support/solutions/articles/151000169938
_INATURALIST: Final = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"
_OBSCURED_DEGREES: Final = 0.2
_ROUNDING: Final = 0.99
_OBSCURED: Final = r"(?i)coordinate|obscur|generali[sz]|blurred|grid|randomi[sz]|rounded|degrade|\bfuzz"


def interpret(
    stated: Stated, coordinates: Findings, *, widened_m: pl.Series | None = None, declared: str | None = None,
    outlined_m: pl.Series | None = None,
) -> Findings:  # fmt: skip
    """Read the numbers that say how well a place is known, and how high or deep it is.

    Parameters
    ----------
    stated : Stated
        n rows.
    coordinates : Findings
        What `coordinates.interpret` found.
    widened_m : Series of float64, length n, optional
        What another system adds to a place's uncertainty, moved or not, metres; null where it adds nothing.
    declared : str, optional
        The radius, metres, that the dataset's keeper declares of places whose row states none. A row that states one which
        cannot be read, or of which its publisher made the place coarser, or whose `coordinatePrecision` is coarser, keeps
        none.
    outlined_m : Series of float64, length n, optional
        How far footprints reach from the places that were taken of them, metres; null where none was taken.

    Returns
    -------
    Findings of n rows

    Raises
    ------
    InputError
        If what is declared is no radius.
    """
    parts = [
        _uncertainty(stated),
        _height(stated, "elevation", "Elevation", lowest=LOWEST_M, highest=HIGHEST_M),
        _height(stated, "depth", "Depth", lowest=0.0, highest=DEEPEST_M),
    ]
    latitude, uncertainty = coordinates.columns["decimalLatitude"], parts[0].columns[_RADIUS]
    generalised = _generalised(stated, latitude, uncertainty)
    parts.append(Findings(flags={"PUBLISHER_GENERALISED": generalised}))
    if outlined_m is not None and outlined_m.null_count() < stated.height:
        parts[0] = _outlined(parts[0], outlined_m)
    radius_m = declared_radius(declared)
    if radius_m is not None:
        placed = latitude.is_not_null() & coordinates.columns["decimalLongitude"].is_not_null()
        parts[0] = _declared(parts[0], radius_m, placed & ~generalised)
    if widened_m is not None and widened_m.null_count() < stated.height:
        parts[0] = _widened(parts[0], widened_m)
    columns = {name: column for part in parts for name, column in part.columns.items()}
    flags = {name: column for part in parts for name, column in part.flags.items()}
    return Findings(columns, flags, [frame for part in parts for frame in part.repairs])


def _uncertainty(stated: Stated) -> Findings:
    """Read the radius of the place, in metres, and the precision of its coordinates, in degrees."""
    radius = parse_decimals(stated[_RADIUS].str.strip_prefix("±").str.strip_chars_start(), units=METRES)
    precision = parse_decimals(stated["coordinatePrecision"])
    metres, degrees = radius["number"], precision["number"]
    right = (metres > 0) & (metres < MAX_UNCERTAINTY_M)
    precise = (degrees > 0) & (degrees < MAX_PRECISION_DEGREES)
    columns = {_RADIUS: _where(right, metres), "coordinatePrecision": _where(precise, degrees)}
    flags = {
        "COORDINATE_UNCERTAINTY_METERS_INVALID": radius["value"].is_not_null() & ~right.fill_null(value=False),
        "COORDINATE_PRECISION_INVALID": precision["value"].is_not_null() & ~precise.fill_null(value=False),
    }
    noted = precision.with_columns(rule=pl.when(precise).then("rule"))
    return Findings(columns, flags, [*_by_rule(_RADIUS, radius), *_by_rule("coordinatePrecision", noted)])


def declared_radius(declared: str | None) -> float | None:
    """Return the radius that a dataset declares, metres; None where it declares none.

    Raises
    ------
    InputError
        If it is no number of metres above 0 and below `MAX_UNCERTAINTY_M`.
    """
    if declared is None:
        return None
    try:
        radius_m = float(declared)
    except ValueError:
        radius_m = math.nan
    if not 0 < radius_m < MAX_UNCERTAINTY_M:
        problem = "the uncertainty_m that is declared is no radius"
        expected = f"metres above 0 and below {MAX_UNCERTAINTY_M:,.0f}, such as 250"
        raise InputError(problem, column="uncertainty_m", value=declared, expected=expected, code="DECLARATION_UNKNOWN")
    return radius_m


def stated_radius(measured: Findings) -> pl.Series:
    """Return the radius that rows state themselves, metres: what is declared of all is no sign of how one was recorded."""
    radius = measured.columns[_RADIUS]
    declared = measured.flags.get(DECLARED_FLAG)
    return radius if declared is None else pl.select(pl.when(~declared).then(radius)).to_series()


def _declared(read: Findings, radius_m: float, may: pl.Series) -> Findings:
    """Take the declared radius where a place's row states none, and nothing in it speaks against it."""
    none_told = read.columns[_RADIUS].is_null() & ~read.flags["COORDINATE_UNCERTAINTY_METERS_INVALID"]
    # Half the diagonal of a cell of the stated precision: a place that is known no better than that is not known better.
    coarser = read.columns["coordinatePrecision"] * (_DEGREE_M / math.sqrt(2)) > radius_m
    done = none_told & may & ~coarser.fill_null(value=False)
    filled = pl.select(pl.when(done).then(radius_m).otherwise(read.columns[_RADIUS])).to_series()
    return Findings(
        dict(read.columns) | {_RADIUS: filled},
        dict(read.flags) | {DECLARED_FLAG: done},
        [*read.repairs, repairs(done, _RADIUS, filled, DECLARED, applied=True)],
    )


def _outlined(read: Findings, outlined_m: pl.Series) -> Findings:
    """Take the radius of a footprint where none is stated, or a smaller one."""
    radius = read.columns[_RADIUS]
    done = outlined_m.is_not_null() & ((radius < outlined_m).fill_null(value=True))
    columns = dict(read.columns) | {_RADIUS: radius.zip_with(~done, outlined_m)}
    return Findings(columns, read.flags, [*read.repairs, repairs(done, _RADIUS, outlined_m, RULE, applied=True)])


def _widened(read: Findings, widened_m: pl.Series) -> Findings:
    """Add to the radius how far the place may lie off for its datum; where no radius was stated none is made up."""
    wider = read.columns[_RADIUS] + widened_m
    done = wider.is_not_null()
    columns = dict(read.columns) | {_RADIUS: read.columns[_RADIUS].zip_with(~done, wider)}
    return Findings(columns, read.flags, [*read.repairs, repairs(done, _RADIUS, wider, WIDENED, applied=True)])


def _height(stated: Stated, term: str, word: str, *, lowest: float, highest: float) -> Findings:
    """Read elevation or depth: the number itself, or the middle of its least and greatest value, in metres."""
    accuracy = f"{term}Accuracy"
    ends = [f"minimum{word}InMeters", f"maximum{word}InMeters"]
    if not stated.has(term, *ends):
        return Findings({term: _numbers(stated[term]), accuracy: _numbers(stated[accuracy])})
    middle = parse_decimals(stated[term], units=METRES)
    least, greatest = (parse_decimals(stated[end], units=METRES) for end in ends)
    frame = pl.DataFrame(
        {
            "middle": middle["number"],
            "least": least["number"],
            "greatest": greatest["number"],
            "accuracy": _numbers(stated[accuracy]),
        }
    )
    low, high = pl.coalesce("least", "greatest"), pl.coalesce("greatest", "least")
    frame = frame.select(
        value=pl.coalesce("middle", (low + high) / 2),
        accuracy=pl.coalesce("accuracy", pl.when(pl.col("middle").is_null()).then((high - low).abs() / 2)),
    )
    likely = frame["value"].is_between(lowest, highest)
    unreadable = [part["value"].is_not_null() & part["number"].is_null() for part in (middle, least, greatest)]
    return Findings(
        {term: _where(likely, frame["value"]), accuracy: _where(likely, frame["accuracy"])},
        {
            f"{word.upper()}_NON_NUMERIC": unreadable[0] | unreadable[1] | unreadable[2],
            f"{word.upper()}_UNLIKELY": ~likely,
        },
        [
            one
            for name, read in zip((term, *ends), (middle, least, greatest), strict=True)
            for one in _by_rule(name, read)
        ],
    )


def _generalised(stated: Stated, latitude: pl.Series, uncertainty: pl.Series) -> pl.Series:
    """Tell which places their publisher had already made coarser."""
    said = stated["dataGeneralizations"].str.contains(_OBSCURED) | stated["informationWithheld"].str.contains(_OBSCURED)
    frame = pl.DataFrame({"latitude": latitude, "uncertainty": uncertainty, "dataset": stated["datasetKey"]})
    side = _OBSCURED_DEGREES * 111_320.0
    diagonal = side * (1 + (pl.col("latitude").radians().cos()) ** 2).sqrt()
    obscured = (pl.col("dataset") == _INATURALIST) & (pl.col("uncertainty") >= _ROUNDING * diagonal)
    return said.fill_null(value=False) | frame.select(obscured.fill_null(value=False)).to_series()


def _numbers(values: pl.Series) -> pl.Series:
    """Return a column of numbers; null where there is none."""
    return parse_decimals(values, units=METRES)["number"]


def _by_rule(term: str, read: pl.DataFrame) -> list[pl.DataFrame]:
    """Note the numbers that were read by a rule."""
    return [repairs(read["rule"].is_not_null(), term, read["number"], read["rule"], applied=True)]


def _where(mask: pl.Series, values: pl.Series) -> pl.Series:
    """Return the values where `mask` is True, else null."""
    return pl.select(pl.when(mask).then(values)).to_series()
