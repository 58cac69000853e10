"""Where the coordinates lie on the map, prepared for the tests that set a country or a division beside them."""

from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.core.geo import geodesic_distance_m
from biodata.places.locate import within
from biodata.quality.gazetteer import HIGH_SEAS, country_codes, divisions_named, shape_of
from biodata.quality.model import PARAMETER, Context, Preparation, number, read_numbers
from biodata.text.tables import read_rows

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]

SEA: Final = -1
EXCLUSIVE_ZONE_M: Final = 370_400.0
"""Breadth of an exclusive economic zone, 200 nautical miles: article 57 of the United Nations Convention on the Law of
the Sea. Where zones meet the map has no line: the sea belongs to every country that is as near."""

BUFFER: Final = PARAMETER + "spatialBufferInMeters"
MAP_BUFFER_M: Final = "3000"
"""The standard's default of `spatialBufferInMeters` for countries and divisions."""

MAP_AUTHORITIES: Final = (
    "10m-admin-1 boundaries UNION with Exclusive Economic Zones",
    "10m-admin-1 boundaries",
    "https://www.naturalearthdata.com/downloads/10m-cultural-vectors/10m-admin-1-states-provinces/",
)


def _make_place(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    latitude, longitude = frame["decimalLatitude.number.value"], frame["decimalLongitude.number.value"]
    x, y = longitude.fill_null(np.nan).to_numpy(), latitude.fill_null(np.nan).to_numpy()
    told = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    unit = np.full(len(x), SEA, dtype=np.int32)
    rows = np.flatnonzero(told)
    if len(rows):
        unit[rows] = context.boundaries.cells.locate(x[rows], y[rows])
    inside = pl.Series(told)
    placed = pl.DataFrame({"latitude": latitude, "longitude": longitude, "unit": unit})
    return placed if told.all() else placed.with_columns(pl.when(inside).then(pl.all()))


PLACE: Final = Preparation(
    "place",
    ("decimalLatitude.number.value", "decimalLongitude.number.value"),
    {"latitude": pl.Float64, "longitude": pl.Float64, "unit": pl.Int32},
    _make_place,
    distinct=False,
    needs=(number("decimalLatitude"), number("decimalLongitude")),
)
"""Coordinates as numbers, all null unless both are in range, and the unit of the boundary set that they fall in."""


def buffers(frame: pl.DataFrame, context: Context, default: str) -> Floats:
    """Return the buffer of each row in metres: its own, the context's, or the default; what is no number counts as 0."""
    common = context.parameters.get(BUFFER.removeprefix(PARAMETER), default)
    told = read_numbers(frame[BUFFER].fill_null(common)) if frame[BUFFER].null_count() < frame.height else None
    if told is None:
        return np.full(frame.height, float(read_numbers(pl.Series([common])).fill_null(0.0)[0]))
    return told.fill_null(0.0).clip(0.0).to_numpy()


class Points:
    """Rows of a prepared frame that have coordinates.

    Parameters
    ----------
    frame : polars.DataFrame
        With the columns of `PLACE`.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.unit = frame["place.unit"].fill_null(SEA - 1).to_numpy()
        self.told = self.unit >= SEA
        self.x = frame["place.longitude"].fill_null(np.nan).to_numpy()
        self.y = frame["place.latitude"].fill_null(np.nan).to_numpy()


def in_country(
    code: str,
    x: Floats,
    y: Floats,
    unit: NDArray[np.int32],
    metres: Floats,
    boundaries: places.BoundarySet,
    *,
    zone: bool,
) -> Bools:
    """Tell which points lie in a country, in a territory of it, or within so many metres of them.

    Parameters
    ----------
    code : str
        ISO 3166-1, or XZ for the high seas: at sea, outside every country's zone.
    x, y : ndarray of float64, length n
        Degrees.
    unit : ndarray of int32, length n
        Units of the boundary set.
    metres : ndarray of float64, length n
        The buffer.
    boundaries : BoundarySet
        The set.
    zone : bool
        Whether the exclusive economic zone counts.
    """
    if code == HIGH_SEAS:
        at = np.flatnonzero(unit == SEA)
        found = np.zeros(len(x), dtype=bool)
        found[at] = [not near for near in countries_near(x[at], y[at], boundaries)]
        return found
    parts = [code, *_territories().get(code, ())]
    numbers = np.flatnonzero(np.isin(_unit_codes(boundaries), parts))
    found = np.isin(unit, numbers)
    for part in parts:
        if part in _land(boundaries):
            # At sea the zone reaches farther than the buffer alone.
            settled = found | (unit == SEA) if zone else found
            found |= _near_country(part, x, y, settled, metres, boundaries)
            if zone:
                at_sea = np.flatnonzero(~found & (unit == SEA))
                found[at_sea] = _near_country(
                    part, x[at_sea], y[at_sea], found[at_sea], metres[at_sea] + EXCLUSIVE_ZONE_M, boundaries
                )
    return found


def _near_country(
    code: str, x: Floats, y: Floats, found: Bools, metres: Floats, boundaries: places.BoundarySet
) -> Bools:
    """Tell which points that are not found yet lie within so many metres of a country."""
    near = np.zeros(len(x), dtype=bool)
    rows = np.flatnonzero(~found)
    near[rows] = within(places.country_geometry(code, boundaries), x[rows], y[rows], metres[rows])
    return near


@lru_cache(maxsize=8)
def _unit_codes(boundaries: places.BoundarySet) -> NDArray[np.object_]:
    """Return the country code of each unit."""
    return np.array(boundaries.units["country_code"].to_list(), dtype=object)


@lru_cache(maxsize=8)
def _land(boundaries: places.BoundarySet) -> frozenset[str]:
    """Return the codes of the countries that are on the map."""
    return frozenset(boundaries.units["country_code"].drop_nulls())


@lru_cache(maxsize=1)
def _territories() -> dict[str, tuple[str, ...]]:
    """Return by state the territories that ISO 3166 lists apart and that records also state under the state's code."""
    found: dict[str, list[str]] = {}
    for row in read_rows("country_territories.csv"):
        found.setdefault(row["state"], []).append(row["territory"])
    return {state: tuple(territories) for state, territories in found.items()}


def countries_near(x: Floats, y: Floats, boundaries: places.BoundarySet) -> list[dict[str | None, float]]:
    """Return for each point the countries whose land lies within 200 nautical miles, with the degrees to them.

    A unit that belongs to no side is told as None.
    """
    points = np.atleast_1d(np.asarray(shapely.points(x, y), dtype=object))
    reach = EXCLUSIVE_ZONE_M / (110_574.0 * np.maximum(np.cos(np.radians(y)), 0.1))
    near: list[dict[str | None, float]] = [{} for _ in points]
    point_of, unit_of = boundaries.tree.query(points, predicate="dwithin", distance=reach)
    ends = shapely.get_coordinates(shapely.shortest_line(points[point_of], boundaries.shapes[unit_of])).reshape(-1, 4)
    metres = geodesic_distance_m(*ends.T) if len(ends) else np.empty(0)
    codes = boundaries.units["country_code"].to_list()
    for point, unit, distance in zip(point_of.tolist(), unit_of.tolist(), metres.tolist(), strict=True):
        if distance <= EXCLUSIVE_ZONE_M:
            code = codes[unit]
            near[point][code] = min(distance, near[point].get(code, np.inf))
    return near


def _make_in_country(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    if frame["countryCode"].null_count() == frame.height:
        return pl.DataFrame({"agrees": pl.Series([None], dtype=pl.Boolean).new_from_index(0, frame.height)})
    points, metres = Points(frame), buffers(frame, context, MAP_BUFFER_M)
    tested = points.told & frame["countryCode"].is_not_null().to_numpy()
    agrees = np.zeros(frame.height, dtype=bool)
    for (code,), rows in _groups(frame["countryCode"], tested):
        if code != HIGH_SEAS and code not in country_codes():
            tested[rows] = False
            continue
        agrees[rows] = in_country(
            str(code), points.x[rows], points.y[rows], points.unit[rows], metres[rows], context.boundaries, zone=True
        )
    return pl.DataFrame({"agrees": agrees}).select(pl.when(pl.Series(tested)).then("agrees"))


def _groups(values: pl.Series, tested: Bools) -> list[tuple[tuple[object, ...], Longs]]:
    """Return the positions of the rows to be tested, by value."""
    rows = values.alias("value").to_frame().with_row_index("row").filter(pl.Series(tested))
    return [
        (key, group["row"].to_numpy().astype(np.int64)) for key, group in rows.group_by("value", maintain_order=True)
    ]


IN_COUNTRY: Final = Preparation(
    "in_country",
    ("countryCode", BUFFER, "place.latitude", "place.longitude", "place.unit"),
    {"agrees": pl.Boolean},
    _make_in_country,
    distinct=False,
    needs=(PLACE,),
)
"""Whether the coordinates lie in the country of the code or its zone; null where either cannot be used."""


def _make_in_division(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    if frame["stateProvince"].null_count() == frame.height:
        return pl.DataFrame({"agrees": pl.Series([None], dtype=pl.Boolean).new_from_index(0, frame.height)})
    points, metres = Points(frame), buffers(frame, context, MAP_BUFFER_M)
    provinces = np.array(context.boundaries.provinces, dtype=object)
    tested = points.told & frame["stateProvince"].is_not_null().to_numpy()
    agrees = np.zeros(frame.height, dtype=bool)
    known = np.zeros(frame.height, dtype=bool)
    for (text,), rows in _groups(frame["stateProvince"], tested):
        divisions = divisions_named(str(text), None, context.boundaries)
        shapes = [shape for division in divisions if (shape := shape_of(division, context.boundaries)) is not None]
        known[rows] = bool(shapes)
        if not shapes:
            continue
        units = np.flatnonzero(np.isin(provinces, [d.code for d in divisions if d.code is not None]))
        found = np.isin(points.unit[rows], units)
        for shape in shapes:
            rest = np.flatnonzero(~found)
            at = rows[rest]
            found[rest] = within(shape, points.x[at], points.y[at], metres[at])
        agrees[rows] = found
    return pl.DataFrame({"agrees": agrees}).select(pl.when(pl.Series(known)).then("agrees"))


IN_DIVISION: Final = Preparation(
    "in_division",
    ("stateProvince", BUFFER, "place.latitude", "place.longitude", "place.unit"),
    {"agrees": pl.Boolean},
    _make_in_division,
    distinct=False,
    needs=(PLACE,),
)
"""Whether the coordinates lie in a division of that name; null where either cannot be used or no map has the name."""
