"""Where points lie: country, division, distance to the nearest land border, and which sides are possible."""

import numpy as np
import polars as pl

from biodata.geo import Floats
from biodata.places.borders import Longs
from biodata.places.boundaries import BoundarySet
from biodata.places.edges import SEA, Edges


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
    told = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    rows = np.flatnonzero(told)
    found = _locate(longitude[rows], latitude[rows], boundaries)
    if len(rows) == len(told):
        return found
    at = np.full(len(told), len(rows), dtype=np.int64)
    at[rows] = np.arange(len(rows))
    nulls = pl.DataFrame(schema=found.schema).clear(1)
    return pl.concat([found, nulls])[at]


def _locate(longitude: Floats, latitude: Floats, boundaries: BoundarySet) -> pl.DataFrame:
    """Locate points whose coordinates are all in range."""
    unit = boundaries.cells.locate(longitude, latitude)
    # The last entry of each table stands for the sea, whose unit is -1.
    nowhere = len(boundaries.countries)
    country = np.append(boundaries.country_of, nowhere)[unit].astype(np.int64)
    names = pl.Series([*boundaries.countries, None], dtype=pl.String)
    provinces = pl.concat([boundaries.units["province_code"], pl.Series([None], dtype=pl.String)])
    near = boundaries.borders.near(longitude, latitude)
    at_sea = np.flatnonzero(unit == SEA)
    coast = boundaries.coasts.near(longitude[at_sea], latitude[at_sea])
    codes = _codes(
        country,
        [
            *_sides(near.point, near.line, boundaries.border_edges, boundaries),
            *_sides(at_sea[coast.point], coast.line, boundaries.coast_edges, boundaries),
        ],
        names,
    )
    disputed = names.is_null().to_numpy()[country] & (unit != SEA)
    return pl.DataFrame(
        {
            "located_country_code": names.gather(country),
            "province_code": provinces.gather(np.where(unit == SEA, len(provinces) - 1, unit)),
            "border_distance_m": pl.Series(near.distance_m, nan_to_null=True),
            "ambiguous": (near.distance_m <= boundaries.band_m) | disputed | (codes.list.len() > 1).to_numpy(),
            "country_codes": codes,
        }
    )


def _sides(point: Longs, line: Longs, edges: Edges, boundaries: BoundarySet) -> list[tuple[Longs, Longs]]:
    """Return each point with the number of the country left, and with that right, of a line in its band."""
    nowhere = len(boundaries.countries)
    of = np.append(boundaries.country_of, nowhere)
    return [(point, of[side[line]].astype(np.int64)) for side in (edges.left, edges.right)]


def _codes(country: Longs, pairs: list[tuple[Longs, Longs]], names: pl.Series) -> pl.Series:
    """Return for each point the codes of its country and of those that it is paired with, each once, in order.

    There are few distinct sets of codes, so each set is made once and handed to its points.
    """
    width = len(names)
    coded = names.is_not_null().to_numpy()
    points = np.unique(np.concatenate([point for point, _ in pairs]))
    keys = np.sort(
        np.concatenate([point[coded[n]] * width + n[coded[n]] for point, n in [(points, country[points]), *pairs]])
    )
    keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    point, number = keys // width, keys % width
    rank = np.arange(len(keys)) - np.searchsorted(point, point)
    # The numbers of a point's countries as digits of one number; nowhere do more than six meet.
    together = np.zeros(len(country), dtype=np.int64)
    np.add.at(together, point, (number + 1) * (width + 1) ** rank)
    alone = np.ones(len(country), dtype=bool)
    alone[points] = False
    together[alone] = np.where(coded, np.arange(width) + 1, 0)[country[alone]]
    sets, which = _distinct(together)
    lists = [[names[digit - 1] for digit in _digits(int(value), width + 1)] for value in sets]
    return pl.Series(lists, dtype=pl.List(pl.String)).gather(which)


def _distinct(values: Longs) -> tuple[Longs, Longs]:
    """Return the distinct values in order and each value's place among them; there are few of them."""
    sets = pl.Series(values).unique().sort().to_numpy()
    return sets, np.searchsorted(sets, values)


def _digits(value: int, base: int) -> list[int]:
    """Return the digits of a number, the lowest first."""
    digits = []
    while value:
        value, digit = divmod(value, base)
        digits.append(digit)
    return digits
