"""Where points lie: country, division, distance to the nearest land border, and which sides are possible."""

from functools import lru_cache
from typing import Any, Final, cast

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core import geo
from biodata.core.geo import Floats
from biodata.places.borders import SEA, Edges, Longs
from biodata.places.boundaries import BoundarySet

Array = NDArray[Any]


def locate(longitude: Floats, latitude: Floats, boundaries: BoundarySet) -> pl.DataFrame:
    """Tell for each point the country and division that it falls in, and how sure that is.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    boundaries : BoundarySet
        The boundaries.

    Returns
    -------
    polars.DataFrame of n rows
        located_country_code : String, null at sea and in disputed areas.
        province_code : String, ISO 3166-2, null where the set has no divisions.
        border_distance_m : Float64, metres to the nearest land border, null beyond 30 km.
        ambiguous : Boolean, True where more than one side is possible: within the set's band of a land border, at sea
        within the band of two countries' land, or in a disputed area.
        country_codes : List(String), sorted: where the place is on land, its country and, inside the band, those beyond
        the border; at sea the countries whose land lies within the band.
        All are null where a coordinate is NaN or beyond ±90° and ±180°.
    """
    longitude, latitude = np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
    stated = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    rows = np.flatnonzero(stated)
    longitude, latitude = longitude[rows], latitude[rows]
    unit = boundaries.cells.locate(longitude, latitude)
    # The last entry of each table stands for the sea, whose unit is -1, and for no place at all.
    nowhere = len(boundaries.countries)
    country = np.append(boundaries.country_of, nowhere)[unit].astype(np.int64)
    names = pl.Series([*boundaries.countries, None], dtype=pl.String)
    provinces = pl.concat([boundaries.units["province_code"], pl.Series([None], dtype=pl.String)])
    near = boundaries.borders.near(longitude, latitude)
    at_sea = np.flatnonzero(unit == SEA)
    coast = boundaries.coasts.near(longitude[at_sea], latitude[at_sea])
    sets, which = _codes(
        country,
        [
            *_sides(near.point, near.line, boundaries.border_edges, boundaries),
            *_sides(at_sea[coast.point], coast.line, boundaries.coast_edges, boundaries),
        ],
        names,
    )
    disputed = names.is_null().to_numpy()[country] & (unit != SEA)
    several = (sets.list.len() > 1).to_numpy()[which]
    ambiguous = (near.distance_m <= boundaries.band_m) | disputed | several

    def spread(values: Array, otherwise: float) -> Array:
        """Return values of the rows in range for all rows."""
        if len(rows) == len(stated):
            return values
        whole = np.full(len(stated), otherwise, dtype=values.dtype)
        whole[rows] = values
        return whole

    return pl.DataFrame(
        {
            "located_country_code": names.gather(spread(country, nowhere)),
            "province_code": provinces.gather(
                spread(np.where(unit == SEA, len(provinces) - 1, unit), len(provinces) - 1)
            ),
            "border_distance_m": pl.Series(spread(near.distance_m, np.nan), nan_to_null=True),
            "ambiguous": pl.Series([False, True, None]).gather(spread(ambiguous.astype(np.uint8), 2)),
            "country_codes": pl.concat([sets, pl.Series([None], dtype=sets.dtype)]).gather(spread(which, len(sets))),
        }
    )


def _sides(point: Longs, line: Longs, edges: Edges, boundaries: BoundarySet) -> list[tuple[Longs, Longs]]:
    """Return each point with the number of the country left, and with that right, of a line in its band."""
    nowhere = len(boundaries.countries)
    of = np.append(boundaries.country_of, nowhere)
    return [(point, of[side[line]].astype(np.int64)) for side in (edges.left, edges.right)]


def _codes(country: Longs, pairs: list[tuple[Longs, Longs]], names: pl.Series) -> tuple[pl.Series, Longs]:
    """Return sets of codes, and for each point which one is its country's and of those that it is paired with.

    Each code stands once in a set, in order. There are few sets, so each is made once.
    """
    width = len(names)
    coded = names.is_not_null().to_numpy()
    points = np.unique(np.concatenate([point for point, _ in pairs]))
    keys = np.unique(
        np.concatenate([point[coded[n]] * width + n[coded[n]] for point, n in [(points, country[points]), *pairs]])
    )
    point, number = keys // width, keys % width
    rank = np.arange(len(keys)) - np.searchsorted(point, point)
    # The numbers of a point's countries as digits of one number; nowhere do more than six meet.
    together = np.zeros(len(points), dtype=np.int64)
    np.add.at(together, np.searchsorted(points, point), (number + 1) * (width + 1) ** rank)
    values, at = np.unique(together, return_inverse=True)
    alone = names.to_frame("code").select(pl.concat_list("code").list.drop_nulls()).to_series()
    several = [[names[digit - 1] for digit in _digits(int(value), width + 1)] for value in values]
    which = country.copy()
    which[points] = width + at
    return pl.concat([alone, pl.Series(several, dtype=alone.dtype)]), which


def _digits(value: int, base: int) -> list[int]:
    """Return the digits of a number, the lowest first."""
    digits = []
    while value:
        value, digit = divmod(value, base)
        digits.append(digit)
    return digits


# Which points lie within a distance of a country or division, or surely beyond it, made fast by cells.

Bools = NDArray[np.bool_]

_METRES_PER_DEGREE: Final = 110_574.0
"""The shortest degree of latitude, at the equator."""
_CELL_DEGREES: Final = 0.5
_HALF_DIAGONAL: Final = _CELL_DEGREES * 2**-0.5
_WORTH_IT: Final = 3
"""From so many points on a cell is asked for them all first."""


def surely_beyond(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: float | Floats) -> Bools:
    """Tell which points are farther from the geometry than a distance, whatever the projection.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, WGS 84.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    distance_m : float or ndarray of n
        Metres.

    Returns
    -------
    ndarray of bool, length n
        True where it is certain. Degrees of longitude are shorter than those of latitude, and all are counted as the
        shorter: near the distance the answer is False, more often the farther from the equator.
    """
    degrees = distance_m / (_METRES_PER_DEGREE * np.maximum(np.cos(np.radians(latitude)), 0.02))
    with geo.PREPARED:
        shapely.prepare(geometry)
    # Where a whole cell lies near, or beyond, its points need no test of their own.
    cells = np.floor(longitude / _CELL_DEGREES) * 1000 + np.floor(latitude / _CELL_DEGREES)
    distinct, first, cell = np.unique(cells, return_index=True, return_inverse=True)
    least, most = np.full(len(distinct), np.inf), np.zeros(len(distinct))
    np.minimum.at(least, cell, degrees)
    np.maximum.at(most, cell, degrees)
    centre_x = (np.floor(longitude[first] / _CELL_DEGREES) + 0.5) * _CELL_DEGREES
    centre_y = (np.floor(latitude[first] / _CELL_DEGREES) + 0.5) * _CELL_DEGREES
    near = (least > _HALF_DIAGONAL) & ~_beyond(geometry, centre_x, centre_y, least - _HALF_DIAGONAL)
    asked = np.flatnonzero(~near & (np.bincount(cell, minlength=len(distinct)) >= _WORTH_IT))
    beyond = np.zeros(len(distinct), dtype=bool)
    beyond[asked] = _beyond(geometry, centre_x[asked], centre_y[asked], most[asked] + _HALF_DIAGONAL * (1 + 1e-9))
    far = beyond[cell]
    rest = np.flatnonzero(~(near | beyond)[cell])
    far[rest] = _beyond(geometry, longitude[rest], latitude[rest], degrees[rest])
    return far


def within(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, distance_m: Floats) -> Bools:
    """Tell which points are in the geometry or no farther from it than a distance of their own.

    Parameters
    ----------
    geometry : shapely geometry
        Degrees, WGS 84.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    distance_m : ndarray of float64, length n
        Metres.

    Returns
    -------
    ndarray of bool, length n
        Between the distance in degrees of latitude and in those of longitude, the distance on the ellipsoid to the
        place that is nearest in degrees decides.
    """
    found = ~surely_beyond(geometry, longitude, latitude, distance_m)
    maybe = np.flatnonzero(found)
    maybe = maybe[_beyond(geometry, longitude[maybe], latitude[maybe], distance_m[maybe] / _METRES_PER_DEGREE / 1.02)]
    if len(maybe):
        points = shapely.points(np.column_stack([longitude[maybe], latitude[maybe]]))
        ends = shapely.get_coordinates(shapely.shortest_line(points, geometry)).reshape(-1, 4)
        found[maybe] = geo.geodesic_distance_m(*ends.T) <= distance_m[maybe]
    return found


def _beyond(geometry: shapely.Geometry, longitude: Floats, latitude: Floats, degrees: Floats) -> Bools:
    """Tell which points are farther than so many degrees."""
    points = shapely.points(np.column_stack([longitude, latitude]))
    # The stubs know one distance only, shapely takes one a point.
    with geo.PREPARED:
        within = shapely.dwithin(geometry, points, cast("float", np.maximum(degrees, 0.0)))
    return np.asarray(~within, dtype=np.bool_)


@lru_cache(maxsize=8)
def country_boxes(boundaries: BoundarySet) -> dict[str, tuple[float, float, float, float]]:
    """Return by country the box of its land and its band: west, south, east, north in degrees."""
    margin = 2 * boundaries.band_m / _METRES_PER_DEGREE
    boxes: dict[str, tuple[float, float, float, float]] = {}
    for code, box in zip(boundaries.units["country_code"], shapely.bounds(boundaries.shapes), strict=True):
        if code is not None:
            west, south, east, north = boxes.get(code, (np.inf, np.inf, -np.inf, -np.inf))
            boxes[code] = (
                min(west, box[0] - margin),
                min(south, box[1] - margin),
                max(east, box[2] + margin),
                max(north, box[3] + margin),
            )
    return boxes
