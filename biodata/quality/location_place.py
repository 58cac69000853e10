"""Where the coordinates lie on the map, prepared for the tests that set a country or a division beside them; datums."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import places
from biodata.core import grouped
from biodata.core.geo import Floats, geodesic_distance_m
from biodata.places.locate import within
from biodata.quality.gazetteer import HIGH_SEAS, country_codes, divisions_named, shape_of
from biodata.quality.model import (
    BLANKS,
    PARAMETER,
    Answer,
    Arguments,
    Context,
    Preparation,
    number,
    read_numbers,
    reading,
    standard_tests,
    test,
    value,
)
from biodata.text.tables import read_rows

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
    known = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    unit = np.full(len(x), SEA, dtype=np.int32)
    rows = np.flatnonzero(known)
    if len(rows):
        unit[rows] = context.boundaries.cells.locate(x[rows], y[rows])
    inside = pl.Series(known)
    placed = pl.DataFrame({"latitude": latitude, "longitude": longitude, "unit": unit})
    return placed if known.all() else placed.with_columns(pl.when(inside).then(pl.all()))


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
    values = read_numbers(frame[BUFFER].fill_null(common)) if frame[BUFFER].null_count() < frame.height else None
    if values is None:
        return np.full(frame.height, float(read_numbers(pl.Series([common])).fill_null(0.0)[0]))
    return values.fill_null(0.0).clip(0.0).to_numpy()


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
    found = grouped((row["state"], row["territory"]) for row in read_rows("country_territories.csv"))
    return {state: tuple(territories) for state, territories in found.items()}


def countries_near(x: Floats, y: Floats, boundaries: places.BoundarySet) -> list[dict[str | None, float]]:
    """Return for each point the countries whose land lies within 200 nautical miles, with the degrees to them.

    A unit that belongs to no side is stated as None.
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
    "in_country", ("countryCode", BUFFER, "place.latitude", "place.longitude", "place.unit"), {"agrees": pl.Boolean},
    _make_in_country, distinct=False, needs=(PLACE,),
)  # fmt: skip
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
    "in_division", ("stateProvince", BUFFER, "place.latitude", "place.longitude", "place.unit"), {"agrees": pl.Boolean},
    _make_in_division, distinct=False, needs=(PLACE,),
)  # fmt: skip
"""Whether the coordinates lie in a division of that name; null where either cannot be used or no map has the name."""


# Tests of BDQ Core on the datum: its code, what is meant, and what is assumed where nothing is stated.
# Codes and names of the EPSG dataset for datums, ellipsoids and geographic systems, from PROJ's database.

NOT_RECORDED: Final = "not recorded"
_PER_DEGREE: Final = 5
_CODE: Final = re.compile(r"EPSG:(\d{4,6})")
_LOOSE_CODE: Final = re.compile(
    r"(?:(?:epsg|urn:ogc:def:(?:crs|datum|ellipsoid):epsg|https?://www\.opengis\.net/def/crs/epsg|crs)[\s:./_-]*[\d.]*"
    r"[\s:./_-]*)?(\d{4,6})",
    re.IGNORECASE,
)


@cache
def codes() -> frozenset[str]:
    """Return the codes (without authority) of datums, ellipsoids and systems of latitude and longitude in degrees."""
    from pyproj.database import get_codes
    from pyproj.enums import PJType

    kinds = (PJType.GEODETIC_REFERENCE_FRAME, PJType.DYNAMIC_GEODETIC_REFERENCE_FRAME, PJType.DATUM_ENSEMBLE,
             PJType.ELLIPSOID)  # fmt: skip
    found = {code for kind in kinds for code in get_codes("EPSG", kind, allow_deprecated=True)}
    return frozenset(found | geographic_codes())


@cache
def geographic_codes() -> frozenset[str]:
    """Return the codes of systems of latitude and longitude in degrees."""
    from pyproj.database import get_codes
    from pyproj.enums import PJType

    listed = get_codes("EPSG", PJType.GEOGRAPHIC_2D_CRS, allow_deprecated=True)
    return frozenset(code for code in listed if code not in _IN_GRADS)


# Systems whose axes are graduated in grads, found by asking PROJ for the unit of every one.
_IN_GRADS: Final = frozenset({"4807", "4810", "4811", "4816", "4819", "4821", "4901", "4902"})


def is_code(text: str) -> bool:
    """Return whether a text is a code as it must be written (EPSG:4326), or says that nothing was recorded."""
    match = _CODE.fullmatch(text)
    return text == NOT_RECORDED or (match is not None and match[1] in codes())


def code_meant(text: str) -> str | None:
    """Return the code that a text means: a code written otherwise, or the name of a system, a datum or an ellipsoid.

    A name that means several things stands for the system first, then the datum, then the ellipsoid; one that several
    of a kind have stands for none. No datum is ever taken for another one.
    """
    stated = text.strip("".join(map(chr, range(0x21))))
    match = _LOOSE_CODE.fullmatch(stated)
    if match:
        valid = geographic_codes() if stated.isdigit() else codes()
        return f"EPSG:{match[1]}" if match[1] in valid else None
    return _names().get(_key(stated))


def _key(name: str) -> str:
    """Return the letters and digits of a name."""
    return "".join(c for c in name.casefold() if c.isalnum())


@cache
def _names() -> Mapping[str, str]:
    """Return every name with its code."""
    from pyproj.crs import Datum, Ellipsoid  # type: ignore[attr-defined]  # pyproj declares no __all__
    from pyproj.database import get_codes, query_crs_info
    from pyproj.enums import PJType

    index: dict[str, str] = {}
    known = query_crs_info("EPSG", pj_types=[PJType.GEOGRAPHIC_2D_CRS])
    frames = (PJType.GEODETIC_REFERENCE_FRAME, PJType.DYNAMIC_GEODETIC_REFERENCE_FRAME)
    for named in (
        [(Ellipsoid.from_epsg(code).name, code) for code in get_codes("EPSG", PJType.ELLIPSOID)],
        [(Datum.from_epsg(code).name, code) for kind in frames for code in get_codes("EPSG", kind)],
        [(system.name, system.code) for system in known if system.code in geographic_codes()],
    ):
        found = grouped((_key(name), code) for name, code in named)
        index |= {name: f"EPSG:{codes[0]}" for name, codes in found.items() if len({*codes}) == 1 and name}
    for row in read_rows("datum.csv"):
        code = "EPSG:4326" if row["value"] == "WGS84" else row["value"]
        for name in (row["value"], *row["names"].split("|")):
            if not name.isdigit() and _key(name):
                index[_key(name)] = code
    for name in ("gps", "wgs"):  # a device, and a family of datums
        index.pop(name, None)
    return MappingProxyType(index)


@cache
def _shifts() -> NDArray[np.int64]:
    """Return the grid of shifts, by longitude and latitude."""
    with files("biodata").joinpath("data").joinpath("datum_shifts.csv").open("rb") as file:
        table = pl.read_csv(file)
    return table.sort("west", "south")["shift_m"].to_numpy().reshape(360 // _PER_DEGREE, 180 // _PER_DEGREE)


def largest_shift_m(longitude: Floats, latitude: Floats) -> NDArray[np.int64]:
    """Return how far places may be off that are stated in an unknown datum, metres.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, in range.

    Notes
    -----
    The value of the south-western corner of a cell of 5 degrees, as in the Georeferencing Calculator; see
    `sample_data/recipe/bundled/make_datum_shifts.py`.
    """
    grid = _shifts()
    column = np.clip((longitude + 180) // _PER_DEGREE, 0, grid.shape[0] - 1).astype(np.int64)
    line = np.clip((latitude + 90) // _PER_DEGREE, 0, grid.shape[1] - 1).astype(np.int64)
    found: NDArray[np.int64] = grid[column, line]
    return found


# Tests of BDQ Core on the datum: its code, what is meant, and what is assumed where nothing is stated.

_DEFAULT: Final = "defaultGeodeticDatum"
_EPSG: Final = ("https://epsg.org",)
_UNCERTAINTY: Final = "coordinateUncertaintyInMeters"


def _read_datum(text: str) -> tuple[bool, str | None]:
    """Return whether a text is a code of EPSG's (or "not recorded"), and which code is meant where it is none."""
    return (True, None) if is_code(text) else (False, code_meant(text))


def _make_widened(frame: pl.DataFrame, _: Context) -> pl.DataFrame:
    longitude, latitude = frame["place.longitude"], frame["place.latitude"]
    values = (longitude.is_not_null() & frame["geodeticDatum"].is_null()).arg_true().to_numpy()
    shift = np.zeros(frame.height, dtype=np.int64)
    shift[values] = largest_shift_m(longitude.gather(values).to_numpy(), latitude.gather(values).to_numpy())
    return pl.DataFrame({"shift_m": shift}).select(pl.when(pl.Series(shift > 0)).then("shift_m"))


_WIDENED: Final = Preparation(
    "widened", ("geodeticDatum", "place.longitude", "place.latitude"), {"shift_m": pl.Int64}, _make_widened,
    distinct=False, needs=(PLACE,),
)  # fmt: skip


def _assumed(arguments: Arguments) -> Answer:
    empty = ~arguments.filled("geodeticDatum")
    uncertainty, shift = value(_UNCERTAINTY), _WIDENED.column("shift_m")
    wider = uncertainty + shift
    whole = wider == wider.round(0)
    # A whole number of metres stays one; else as many decimals as were stated.
    text = pl.when(whole).then(wider.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(wider.cast(pl.String))
    widened = pl.when(empty & (uncertainty > 0) & shift.is_not_null()).then(text)
    return Answer(
        pl.lit(value=True),
        proposals={
            "geodeticDatum": pl.when(empty).then(arguments.parameter(_DEFAULT).str.strip_chars(BLANKS)),
            _UNCERTAINTY: widened,
        },
        filled_in=widened.is_null(),
    )


TESTS: Final = (
    *standard_tests("GEODETICDATUM", reading("geodeticDatum", _read_datum), *_EPSG),
    test("AMENDMENT_GEODETICDATUM_ASSUMEDDEFAULT", _assumed, _WIDENED, number(_UNCERTAINTY)),
)
"""The tests of this file."""
