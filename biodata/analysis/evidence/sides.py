"""How much of a circle or cell of uncertainty lies surely on one side of the borders.

A side is a country's land that lies farther than the boundary set's band from the land of every other unit: within the
band the line may as well run elsewhere, disputed ground is nobody's, and across a narrow strait the same holds. The sea
is no side. Circles that come near no edge are on the side of their centre. Of the others the share is measured as an area,
with borders, coasts and meeting points as the boundary set draws them.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core.geo import Floats, area_km2, geodesic_distance_m, metres_per_degree
from biodata.places import BoundarySet
from biodata.places.borders import SEA, Lines

EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")


Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
TILE_DEGREES: Final = 0.5
"""Side of the squares inside which borders are laid into a plane."""
SMALLEST_M: Final = 1.0
"""A circle is taken to be no smaller."""
NO_SIDE: Final = -1
FINEST_SHARE: Final = 0.001
"""Shares of circles are measured no finer."""
_QUARTER: Final = 16
# A polygon of 4 x 16 corners with the circle's area, not inside it.
_WIDER: Final = float(np.sqrt(np.pi / (2 * _QUARTER * np.sin(np.pi / (2 * _QUARTER)))))


def reached(records: pl.DataFrame) -> pl.DataFrame:
    """Add how exact each place was, and how far around its point it is now.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Coordinates, their uncertainty, and EDGES, which are null for a record whose own place is stated.

    Returns
    -------
    polars.DataFrame of n rows
        With `own_radius_m`, metres: the uncertainty, or what it was before half the diagonal of the cell was added to it
        and the sum rounded up to a metre (`sharing.generalise`); and `reach_m`: the uncertainty, or the radius of a
        circle of the cell's area and what lies `own_radius_m` around it.
    """
    radius = records["coordinateUncertaintyInMeters"].cast(pl.Float64)
    values = records[EDGES[0]].is_not_null().to_numpy()
    own, reach = (radius.fill_null(np.nan).to_numpy().copy() for _ in range(2))
    if values.any():
        west, south, east, north = (records[name].to_numpy()[values] for name in EDGES)
        longitude, latitude = (west + east) / 2, (south + north) / 2
        half = np.maximum(*(geodesic_distance_m(longitude, latitude, west, corner) for corner in (south, north)))
        own[values] = np.maximum(np.floor(own[values] - half + 1e-6), 0.0)
        reach[values] = 1000 * np.sqrt(area_km2(shapely.box(west, south, east, north)) / np.pi) + own[values]
    return records.with_columns(own_radius_m=pl.Series(own).fill_nan(None), reach_m=pl.Series(reach).fill_nan(None))


class Shares(NamedTuple):
    """On which side each of n circles lies.

    Attributes
    ----------
    country : ndarray of int64, length n
        Number in `BoundarySet.countries` of the side that has most of the circle; -1 where none has any.
    surely : ndarray of float64, length n
        Share of the circle on that side.
    drawn : ndarray of float64, length n
        Largest share that a country's land has of the circle as the borders are drawn, without their band.
    land : ndarray of float64, length n
        Share of the circle on land.
    by_country : polars.DataFrame
        Of every circle (`circle`, its row) the share (`share`) that each country's side (`country`, its number) has of it,
        where that is at least `FINEST_SHARE`.
    """

    country: Ints
    surely: Floats
    drawn: Floats
    land: Floats
    by_country: pl.DataFrame


def shares(longitude: Floats, latitude: Floats, radius_m: Floats, boundaries: BoundarySet) -> Shares:
    """Measure on which side of the borders circles lie.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Centres, degrees, WGS 84, between 85° S and 85° N.
    radius_m : ndarray of float64, length n
        Metres, up to about 100 km.
    boundaries : BoundarySet
        Countries and the band of their borders.

    Returns
    -------
    Shares
        Shares are right to about 0.001.
    """
    every = pl.DataFrame({"x": longitude, "y": latitude, "r": np.maximum(radius_m, SMALLEST_M)})
    unique = every.unique().with_row_index("of")
    found = _unique_shares(unique.select("x", "y", "r").to_numpy(), boundaries)
    of = every.join(unique, on=["x", "y", "r"], how="left", maintain_order="left")["of"].to_numpy()
    rows = pl.DataFrame({"circle": np.arange(len(of)), "of": of}, schema={"circle": pl.Int64, "of": pl.Int64})
    by_country = rows.join(found.by_country.rename({"circle": "of"}), on="of", maintain_order="left").drop("of")
    return Shares(found.country[of], found.surely[of], found.drawn[of], found.land[of], by_country)


def _unique_shares(circles: Floats, boundaries: BoundarySet) -> Shares:
    """Return the shares of circles of which each is another."""
    unit = boundaries.cells.locate(circles[:, 0].copy(), circles[:, 1].copy())
    coded = np.array([code is not None for code in boundaries.countries] + [False])
    country = np.append(boundaries.country_of, len(boundaries.countries))[unit].astype(np.int64)
    sure = np.where(coded[country], 1.0, 0.0)
    columns = np.where(coded[country], country, NO_SIDE), sure, sure.copy(), np.where(unit == SEA, 0.0, 1.0)
    shares_of = [np.empty((0, 3))]
    reach_m = float(circles[:, 2].max(initial=SMALLEST_M)) + boundaries.band_m
    near_m = _edges(boundaries, reach_m).near(circles[:, 0].copy(), circles[:, 1].copy()).distance_m
    near = np.flatnonzero(near_m <= circles[:, 2] + boundaries.band_m)
    tile = np.floor(circles[near, :2] / TILE_DEGREES).astype(np.int64) @ (10_000, 1)
    order = np.argsort(tile, kind="stable")
    starts = np.flatnonzero(np.diff(tile[order], prepend=-1))
    for rows in np.split(near[order], starts[1:]):
        if len(rows):
            *parts, by_number = _in_tile(circles[rows], boundaries, reach_m)
            for whole, part in zip(columns, parts, strict=True):
                whole[rows] = part
            shares_of += [np.column_stack([rows, np.full(len(rows), number), of]) for number, of in by_number.items()]
    far = np.setdiff1d(np.flatnonzero(columns[0] != NO_SIDE), near)
    table = np.concatenate([*shares_of, np.column_stack([far, columns[0][far], np.ones(len(far))])])
    by_country = pl.DataFrame(table, schema=["circle", "country", "share"], orient="row")
    by_country = by_country.filter(pl.col("share") >= FINEST_SHARE).cast({"circle": pl.Int64, "country": pl.Int64})
    return Shares(*columns, by_country.sort("circle", "country"))


def _edges(boundaries: BoundarySet, reach_m: float) -> Lines:
    """Return the index of distances to every edge of a country, coasts too."""
    e = boundaries.edges
    of = np.append(boundaries.country_of, len(boundaries.countries))
    return Lines(e.ends[of[e.left] != of[e.right]], reach_m=reach_m, band_m=0.0)


def _in_tile(
    circles: Floats, boundaries: BoundarySet, reach_m: float
) -> tuple[Ints, Floats, Floats, Floats, dict[int, Floats]]:
    """Return the columns of `Shares` for circles whose centres lie in one tile, on the plane around its middle.

    Last come the shares by the number of a country. What is found of a circle does not depend on which others there are.
    """
    west, south = np.floor(circles[0, :2] / TILE_DEGREES) * TILE_DEGREES
    east, north = west + TILE_DEGREES, south + TILE_DEGREES
    middle = (west + east) / 2, (south + north) / 2
    width_m, height_m = (float(v[0]) for v in metres_per_degree(np.array([max(abs(south), abs(north))])))
    aside, along = 1.05 * reach_m / width_m, 1.05 * reach_m / height_m
    window = shapely.box(west - aside, south - along, east + aside, north + along)
    lands = {
        number: _flat(land, middle) for number, land in _lands(window, boundaries).items() if not shapely.is_empty(land)
    }
    xy = _plane(circles[:, :2], middle)
    points, radius = np.asarray(shapely.points(xy), dtype=object), circles[:, 2]
    country = np.full(len(circles), NO_SIDE)
    surely, drawn = np.zeros(len(circles)), np.zeros(len(circles))
    by_number: dict[int, Floats] = {}
    for number, land in lands.items():
        if boundaries.countries[number] is None:
            continue
        others = [other for beside, other in lands.items() if beside != number]
        side = land
        if others:
            around = shapely.union_all(others)
            if boundaries.band_m > 0:
                around = shapely.buffer(around, boundaries.band_m, quad_segs=_QUARTER)
            side = shapely.difference(land, around)
        drawn = np.maximum(drawn, _share(points, radius, land))
        share = by_number[number] = _share(points, radius, side)
        better = share > surely
        country[better], surely[better] = number, share[better]
    land_share = _share(points, radius, shapely.union_all(list(lands.values())))
    return country, surely, drawn, land_share, by_number


def _lands(window: shapely.Polygon, boundaries: BoundarySet) -> dict[int, shapely.Geometry]:
    """Return the land inside a window by the number of its country; a disputed unit has a number of its own."""
    units = np.sort(boundaries.tree.query(window, predicate="intersects"))
    parts = shapely.intersection(boundaries.shapes[units], window)
    of = boundaries.country_of[units]
    return {int(number): shapely.union_all(parts[of == number]) for number in np.unique(of)}


def _share(points: NDArray[np.object_], radius_m: Floats, side: shapely.Geometry) -> Floats:
    """Return the share of each circle that a region of the plane holds."""
    found = np.zeros(len(points))
    if shapely.is_empty(side):
        return found
    edge = shapely.boundary(side)
    shapely.prepare(side)
    shapely.prepare(edge)
    found[shapely.contains_properly(side, points)] = 1.0
    near: Bools = np.asarray(shapely.dwithin(edge, points, radius_m * _WIDER))  # type: ignore[call-overload]
    crossing = np.flatnonzero(near)
    disc = shapely.buffer(points[crossing], radius_m[crossing] * _WIDER, quad_segs=_QUARTER)
    found[crossing] = shapely.area(shapely.intersection(disc, side)) / (np.pi * radius_m[crossing] ** 2)
    return np.minimum(found, 1.0)


def _flat(geometry: shapely.Geometry, middle: tuple[float, float]) -> shapely.Geometry:
    """Return a geometry (degrees) on the plane around a place, metres."""
    flat = shapely.transform(geometry, lambda lonlat: _plane(lonlat, middle))
    return flat if shapely.is_valid(flat) else shapely.make_valid(flat, method="structure")


def _plane(lonlat: Floats, middle: tuple[float, float]) -> Floats:
    """Return places on a sinusoidal plane: areas are right, distances to a thousandth within a degree of the middle."""
    east_m, _ = metres_per_degree(lonlat[:, 1])
    _, north_m = metres_per_degree((lonlat[:, 1] + middle[1]) / 2)
    return np.column_stack([(lonlat[:, 0] - middle[0]) * east_m, (lonlat[:, 1] - middle[1]) * north_m])
