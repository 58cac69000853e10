"""Lines of transects and outlines of plots: what they are, and the place of a row that tells its footprint alone.

The place is a point of the footprint near its middle; its uncertainty reaches every part of the footprint, so that nothing is
said of the place which the footprint does not say.
"""

import math
import re
from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from shapely import GEOSException
from shapely.geometry.base import BaseGeometry

from biodata.edges import problem_of
from biodata.geo import geodesic_distance_m
from biodata.harmonise import verbatim_coordinates
from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.text.controlled import Vocabulary, parse_controlled

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
    """Return the shape of a footprint in degrees, WGS 84; None where it is told in another system, is none, or crosses itself too often.

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


def places(told: Told) -> Placed:
    """Return the places of rows that tell their footprint and no coordinates at all.

    Parameters
    ----------
    told : Told
        n rows. One that tells a datum other than WGS 84 has no place of its footprint.
    """
    nothing = pl.Series([None], dtype=pl.Float64).new_from_index(0, told.height)
    if not told.has("footprintWKT"):
        return Placed(nothing, nothing, nothing)
    datum = told["geodeticDatum"]
    wgs84 = datum.is_null() | (parse_controlled(datum, Vocabulary.DATUM)["term"] == "WGS84").fill_null(value=False)
    where = told["footprintWKT"].is_not_null() & wgs84
    for term in (*_AXES, *verbatim_coordinates.TERMS):
        where &= told[term].is_null()
    asked = pl.DataFrame({term: told[term] for term in _TERMS}).with_row_index("row").filter(where)
    once = asked.select(_TERMS).unique(maintain_order=True)
    found = [_place(read(text, srs)) for text, srs in once.iter_rows()]
    names = ("latitude", "longitude", "radius_m")
    known = once.hstack(pl.DataFrame(found, schema=dict.fromkeys(names, pl.Float64), orient="row"))
    of_rows = asked.join(known, on=_TERMS, how="left", nulls_equal=True, maintain_order="left")
    rows = pl.DataFrame({"row": pl.int_range(told.height, dtype=pl.UInt32, eager=True)})
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
