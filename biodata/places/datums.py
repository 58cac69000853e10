"""Coordinate systems of the region: what they are, where they are used, and how a place in them is had in WGS 84.

`find_system`, `all_systems` and `to_wgs84` are the three most used. A move says by which operation and how accurately; a
system that nobody named is never assumed here.

Without grid files PROJ may answer with a ballpark: the numbers come back as they were. That is no transformation and is
never called one here: where EPSG publishes no parameters, a place stays where it was stated and says so.
"""

import csv
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from threading import Lock
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import UTMConversion
from pyproj.exceptions import CRSError
from pyproj.transformer import TransformerGroup

from biodata.core.geo import Floats

# The coordinate systems that records of the region are stated in, and which one a stated name means.
GCJ02: Final = "GCJ-02"
BD09: Final = "BD-09"
OFFSETS: Final = MappingProxyType({GCJ02: "GCJ-02, Chinese web maps", BD09: "BD-09, Baidu's maps"})
WGS84: Final = "EPSG:4326"

_CODE: Final = re.compile(
    r"(?i)(?:(?:urn:ogc:def:crs:|http://www\.opengis\.net/def/crs/)?EPSG(?::{1,2}|/0/|\s*))?(\d{4,5})"
)
_UTM: Final = re.compile(r"(?i)(?:(?P<base>.*?)\W+)?UTM\W*(?:zone\W*)?(?P<zone>[1-9]|[1-5]\d|60)\s*(?P<side>[NS])?")
_OF_SYSTEM: Final = re.compile(r"(?P<base>EPSG:\d{4,5}) / UTM zone (?P<zone>\d{1,2})(?P<side>[NS])")
_SPAN: Final = re.compile(r"(?P<before>.*?)(?P<first>\d+)(?P<side>[NS]?)\.\.(?P<last>\d+)(?P=side)")


class Form(StrEnum):
    """What the numbers of a system look like."""

    DEGREES = "degrees"
    METRES = "metres"
    METRES_WITH_ZONE = "metres with zone"
    """Metres whose easting begins with the number of the zone, as Gauss-Krüger's in China."""


@dataclass(frozen=True)
class System:
    """A coordinate system.

    Attributes
    ----------
    id : str
        `EPSG:4240`, `GCJ-02`, `BD-09`, or `EPSG:4678 / UTM zone 48N` where EPSG lists no such projection.
    name : str
        What a person calls it.
    form : Form
        What its numbers look like.
    """

    id: str
    name: str
    form: Form

    @cached_property
    def crs(self) -> CRS:
        """The system as pyproj knows it; an offset system stands on WGS 84."""
        return _crs(WGS84 if self.id in OFFSETS else self.id)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the area that EPSG gives for its use, degrees; the world where it gives none."""
        area = self.crs.area_of_use
        return (-180.0, -90.0, 180.0, 90.0) if area is None else area.bounds

    @property
    def area(self) -> str:
        """The area that EPSG gives for its use, in words."""
        area = self.crs.area_of_use
        return "" if area is None else area.name.rstrip(".")


@dataclass(frozen=True)
class Use:
    """Where a system is used.

    Attributes
    ----------
    system : System
        What is used.
    country_code : str
        ISO 3166-1 alpha-2 of the country that uses it.
    weight : float
        How common it is there among records that state no system, beside the others of its form; biodata's own estimate.
    """

    system: System
    country_code: str
    weight: float


@cache
def all_systems() -> tuple[Use, ...]:
    """Return every system that the doctor knows with every country that uses it, the commonest of a form first."""
    text = (files("biodata") / "data" / "datum_systems.csv").read_text(encoding="utf-8")
    uses = [
        Use(system, country, float(row["weight"]))
        for row in csv.DictReader(text.splitlines())
        for code in _span(row["systems"])
        for system in [_system(code, Form(row["form"]))]
        for country in row["countries"].split("|")
    ]
    return tuple(sorted(uses, key=lambda use: -use.weight))


@lru_cache(maxsize=4096)
def find_system(text: str) -> System | None:
    """Return the system that a stated code or name means.

    Parameters
    ----------
    text : str
        `GCJ-02`, `BD-09`, a code of EPSG (`EPSG:4240`, `4240`, a URN), or a zone of UTM (`UTM 48N`,
        `Indian 1975 / UTM zone 47N`).

    Returns
    -------
    System or None
        None where it is not known. A projected system of EPSG whose unit is not the metre is not known.
    """
    plain = text.strip()
    if plain.upper() in OFFSETS:
        return _system(plain.upper(), Form.DEGREES)
    code = _CODE.fullmatch(plain)
    identifier = f"EPSG:{code[1]}" if code else plain if _OF_SYSTEM.fullmatch(plain) else _utm(plain)
    if identifier is None:
        return None
    try:
        crs = _crs(identifier)
    except CRSError:
        return None
    if crs.is_geographic:
        return _system(identifier, Form.DEGREES)
    if not crs.is_projected or any(axis.unit_name != "metre" for axis in crs.axis_info):
        return None
    return _system(identifier, Form.METRES_WITH_ZONE if false_easting_m(crs) > 10e6 else Form.METRES)


def false_easting_m(crs: CRS) -> float:
    """Return the false easting of a projected system, 0 where it has none."""
    operation = crs.coordinate_operation
    named = {} if operation is None else {parameter.name: parameter.value for parameter in operation.params}
    return float(named.get("False easting", 0.0))


def _utm(text: str) -> str | None:
    """Return the identifier of a zone of UTM; on WGS 84 where no other datum is named before it."""
    match = _UTM.fullmatch(text)
    if match is None:
        return None
    zone, side = int(match["zone"]), (match["side"] or "N").upper()
    base = re.sub(r"[\W_]+", "", match["base"] or "").upper()
    if base in ("", "WGS84", "WGS1984"):
        return f"EPSG:{(32600 if side == 'N' else 32700) + zone}"
    for use in all_systems():
        name = re.sub(r"[\W_]+", "", use.system.name).upper()
        if name == f"{base}UTMZONE{zone}{side}":
            return use.system.id
    return None


@cache
def _system(identifier: str, form: Form) -> System:
    """Return the one object of a system."""
    if identifier in OFFSETS:
        return System(identifier, OFFSETS[identifier], form)
    return System(identifier, _crs(identifier).name, form)


@cache
def _crs(identifier: str) -> CRS:
    """Return pyproj's object for an identifier."""
    match = _OF_SYSTEM.fullmatch(identifier)
    if match is None:
        return CRS.from_user_input(identifier)
    base = _crs(match["base"])
    zone = f"{match['zone']}{match['side']}"
    return ProjectedCRS(
        UTMConversion(match["zone"], match["side"]), f"{base.name} / UTM zone {zone}", geodetic_crs=base
    )


def _span(text: str) -> Iterator[str]:
    """Yield the identifiers of `EPSG:2327..2337`, or the one that stands alone."""
    match = _SPAN.fullmatch(text)
    if match is None:
        yield text
        return
    for number in range(int(match["first"]), int(match["last"]) + 1):
        yield f"{match['before']}{number}{match['side']}"


# GCJ-02 and BD-09, the offset systems of Chinese web maps, to and from WGS 84.
#
# Neither is a datum: places are shifted by a smooth public formula of some hundred metres. GCJ-02 has no shift outside a
# rectangle that is much larger than China, so over the neighbours' land near China a program shifts too or does not, as
# it pleases its maker; here only the algorithm's own rectangle counts.

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271
"""The rectangle in which GCJ-02 is shifted, degrees."""

# The algorithm computes on Krasovsky's ellipsoid, whatever the coordinates are on.
_SEMI_MAJOR_M: Final = 6378245.0
_ECCENTRICITY_2: Final = 0.00669342162296594323
_LONGITUDE_0, _LATITUDE_0 = 105.0, 35.0
_BAIDU_LONGITUDE, _BAIDU_LATITUDE = 0.0065, 0.006
_BAIDU_WAVE: Final = np.pi * 3000.0 / 180.0
_PRECISION_DEGREES: Final = 1e-10
_STEPS: Final = 30


def wgs84_to_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift places as Chinese maps do.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.

    Returns
    -------
    two ndarrays of float64, length n
        Longitude and latitude, GCJ-02; as they were outside the rectangle; NaN stays NaN.
    """
    east, north = _shift(longitude, latitude)
    shifted = _inside(longitude, latitude)
    return np.where(shifted, longitude + east, longitude), np.where(shifted, latitude + north, latitude)


def gcj02_to_wgs84(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Take the shift back, by iteration until it changes by less than 1e-10 degrees.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, GCJ-02.

    Returns
    -------
    two ndarrays of float64, length n
        Longitude and latitude, WGS 84.
    """
    # A place is inside or outside by where it was before the shift; the first guess decides for those at the edge.
    east, north = _shift(longitude, latitude)
    shifted = _inside(longitude - east, latitude - north)
    x, y = longitude, latitude
    for _ in range(_STEPS):
        east, north = _shift(x, y)
        next_x, next_y = longitude - east, latitude - north
        change = np.nanmax(np.abs([next_x - x, next_y - y]), initial=0.0, where=shifted)
        x, y = next_x, next_y
        if change < _PRECISION_DEGREES:
            break
    return np.where(shifted, x, longitude), np.where(shifted, y, latitude)


def gcj02_to_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift GCJ-02 as Baidu's maps do on top of it; degrees, length n."""
    radius = np.hypot(longitude, latitude) + 0.00002 * np.sin(latitude * _BAIDU_WAVE)
    angle = np.arctan2(latitude, longitude) + 0.000003 * np.cos(longitude * _BAIDU_WAVE)
    return radius * np.cos(angle) + _BAIDU_LONGITUDE, radius * np.sin(angle) + _BAIDU_LATITUDE


def bd09_to_gcj02(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Take Baidu's shift back, by iteration until it changes by less than 1e-10 degrees; degrees, length n."""
    x, y = longitude - _BAIDU_LONGITUDE, latitude - _BAIDU_LATITUDE
    for _ in range(_STEPS):
        told_x, told_y = gcj02_to_bd09(x, y)
        change_x, change_y = longitude - told_x, latitude - told_y
        x, y = x + change_x, y + change_y
        if np.nanmax(np.abs([change_x, change_y]), initial=0.0) < _PRECISION_DEGREES:
            break
    return x, y


def wgs84_to_bd09(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Shift places as Baidu's maps do; as they were outside the rectangle; degrees, length n."""
    x, y = gcj02_to_bd09(*wgs84_to_gcj02(longitude, latitude))
    shifted = _inside(longitude, latitude)
    return np.where(shifted, x, longitude), np.where(shifted, y, latitude)


def bd09_to_wgs84(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Take both shifts of a place on Baidu's maps back; degrees, length n."""
    x, y = gcj02_to_wgs84(*bd09_to_gcj02(longitude, latitude))
    shifted = _inside(x, y)
    return np.where(shifted, x, longitude), np.where(shifted, y, latitude)


def _inside(longitude: Floats, latitude: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which places lie in the rectangle."""
    return (longitude >= WEST) & (longitude <= EAST) & (latitude >= SOUTH) & (latitude <= NORTH)


def _shift(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Return how far GCJ-02 lies east and north of WGS 84, degrees."""
    x, y = longitude - _LONGITUDE_0, latitude - _LATITUDE_0
    root = np.sqrt(np.abs(x))
    ripple = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (ripple + _waves(x, 20, 40, (150, 12), (300, 30))) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (ripple + _waves(y, 20, 40, (160, 12), (320, 30))) * 2 / 3
    phi = np.radians(latitude)
    curvature = 1 - _ECCENTRICITY_2 * np.sin(phi) ** 2
    along_parallel = np.radians(_SEMI_MAJOR_M / np.sqrt(curvature) * np.cos(phi))
    along_meridian = np.radians(_SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / curvature**1.5)
    return east / along_parallel, north / along_meridian


def _waves(
    degrees: Floats, one: float, three: float, slow: tuple[float, float], slowest: tuple[float, float]
) -> Floats:
    """Return the sum of four waves in metres; the slow ones are given with what divides their angle."""
    waves: Floats = (
        one * np.sin(np.pi * degrees)
        + three * np.sin(np.pi * degrees / 3)
        + slow[0] * np.sin(np.pi * degrees / slow[1])
        + slowest[0] * np.sin(np.pi * degrees / slowest[1])
    )
    return waves


NOT_MOVED: Final = "no published transformation; the place is as told"

UNPUBLISHED_M: Final = 200.0
"""How far a place may lie off where no transformation is published: biodata's own bound, twice the 100 m that Beijing
1954 lies from WGS 84 where EPSG has parameters."""

OFFSET_ACCURACY_M: Final = 1.0
"""The public formula of GCJ-02 is a reconstruction; it agrees with the maps' own shift to about a metre."""

_QUIET: Final = Lock()
"""Python's warnings are switched off for a whole process: one thread at a time."""

_GEOCENTRIC: Final = {"4490": 2.0}
"""Systems that EPSG gives no operation for because they are WGS 84's own kind, and the metres that they differ by:
CGCS2000 is ITRF97 at the year 2000, and the plate has moved since."""


@dataclass(frozen=True)
class Operation:
    """One way from a geographic system to WGS 84.

    Attributes
    ----------
    name : str
        As EPSG calls it.
    accuracy_m : float
        As EPSG states it.
    approximate : bool
        The datum is shifted without a grid file.
    area : tuple of float
        West, south, east, north of where it may be used, degrees.
    offshore : bool
        It is meant for the sea alone.
    transformer : pyproj.Transformer, optional
        None where the numbers stay.
    """

    name: str
    accuracy_m: float
    approximate: bool
    area: tuple[float, float, float, float]
    offshore: bool
    transformer: Transformer | None

    def apply(self, longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
        """Return places in WGS 84; NaN where one cannot be stated."""
        if self.transformer is None:
            return longitude, latitude
        return _transform(self.transformer, longitude, latitude)

    def covers(self, longitude: Floats, latitude: Floats) -> NDArray[np.bool_]:
        """Tell which places lie in its area."""
        west, south, east, north = self.area
        return (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)


@dataclass(frozen=True)
class Moved:
    """n places in WGS 84.

    Attributes
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84; NaN where the numbers are no place of the system.
    accuracy_m : ndarray of float64, length n
        How far the place may lie off because of the operation.
    operation : ndarray of int64, length n
        Which of `names` was used; -1 where nothing could be moved.
    certain : ndarray of bool, length n
        The operation is published for the place: it may be applied where the system is declared.
    approximate : ndarray of bool, length n
        The datum was shifted without a grid file, or not at all though it is another.
    names : tuple of str
        The operations.
    """

    longitude: Floats
    latitude: Floats
    accuracy_m: Floats
    operation: NDArray[np.int64]
    certain: NDArray[np.bool_]
    approximate: NDArray[np.bool_]
    names: tuple[str, ...]

    @property
    def commonest(self) -> str:
        """The operation that most places were moved by."""
        used = self.operation[self.operation >= 0]
        return self.names[int(np.bincount(used).argmax())] if len(used) else NOT_MOVED


def to_wgs84(system: System, x: Floats, y: Floats) -> Moved:
    """Move places from a system to WGS 84, each by the best operation for where it lies.

    Parameters
    ----------
    system : System
        What the numbers are stated in.
    x, y : ndarray of float64, length n
        Longitude and latitude in degrees, or easting and northing in metres.

    Returns
    -------
    Moved

    Notes
    -----
    Among EPSG's operations whose area has the place the most accurate is taken, one for the sea alone only where there
    is no other. Outside all areas the nearest area's is used and is not `certain`: nobody publishes how good it is there,
    and its accuracy is `UNPUBLISHED_M`. Without any operation the place stays, as far off.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if system.id in (GCJ02, BD09):
        return _from_offset(system, x, y)
    longitude, latitude = to_geographic(system, x, y)
    return _from_geographic(system, longitude, latitude)


def to_geographic(system: System, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return longitude and latitude on the system's own datum, NaN beyond ±180° and ±90°; length n."""
    if not system.crs.is_geographic:
        x, y = _transform(_projection(system.id, system), x, y)
    values = (np.abs(x) <= 180) & (np.abs(y) <= 90)
    return np.where(values, x, np.nan), np.where(values, y, np.nan)


@cache
def operations_of(geographic: str) -> tuple[Operation, ...]:
    """Return the ways from a geographic system to WGS 84, without ballparks, as PROJ orders them.

    Parameters
    ----------
    geographic : str
        Its definition as pyproj takes it: an EPSG code.
    """
    if geographic == "4326":
        return (Operation("WGS 84", 0.0, approximate=False, area=_WORLD, offshore=False, transformer=None),)
    if geographic in _GEOCENTRIC:
        name, metres = f"{CRS.from_epsg(int(geographic)).name}: taken for WGS 84", _GEOCENTRIC[geographic]
        return (Operation(name, metres, approximate=False, area=_WORLD, offshore=False, transformer=None),)
    with _QUIET, warnings.catch_warnings():
        # That a better grid is not here is stated by `approximate`.
        warnings.simplefilter("ignore", UserWarning)
        group = TransformerGroup(f"EPSG:{geographic}", WGS84, always_xy=True)
    return tuple(
        _operation(transformer) for transformer in group.transformers if "Ballpark" not in transformer.description
    )


_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)


def _operation(transformer: Transformer) -> Operation:
    """Return what pyproj tells of an operation."""
    steps = transformer.description.split(" + ")
    area = transformer.area_of_use
    words = "" if area is None else area.name.lower()
    return Operation(
        name=" + ".join(step for step in steps if not step.startswith("axis order change")),
        accuracy_m=max(float(transformer.accuracy), 0.0),
        approximate="grids=" not in transformer.definition,
        area=_WORLD if area is None else area.bounds,
        offshore="offshore" in words and "onshore" not in words,
        transformer=transformer,
    )


def _from_geographic(system: System, longitude: Floats, latitude: Floats) -> Moved:
    """Move places that are stated in degrees on the system's own datum."""
    geodetic = system.crs.geodetic_crs
    operations = operations_of(str(geodetic.to_epsg()) if geodetic is not None else "")
    chosen, certain = _choose(operations, longitude, latitude)
    moved_x, moved_y = longitude.copy(), latitude.copy()
    accuracy = np.full(len(longitude), UNPUBLISHED_M)
    approximate = np.ones(len(longitude), dtype=bool)
    for number, operation in enumerate(operations):
        at = np.flatnonzero(chosen == number)
        if not len(at):
            continue
        moved_x[at], moved_y[at] = operation.apply(longitude[at], latitude[at])
        accuracy[at], approximate[at] = operation.accuracy_m, operation.approximate
    accuracy[~certain] = np.fmax(accuracy[~certain], UNPUBLISHED_M)
    names = tuple(operation.name for operation in operations)
    return Moved(moved_x, moved_y, accuracy, chosen, certain, approximate, names)


def _choose(
    operations: tuple[Operation, ...], longitude: Floats, latitude: Floats
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the operation of each place, -1 where there is none, and whether it is published for the place."""
    chosen = np.full(len(longitude), -1, dtype=np.int64)
    if not operations:
        return chosen, np.zeros(len(longitude), dtype=bool)
    order = sorted(range(len(operations)), key=lambda n: (operations[n].offshore, operations[n].accuracy_m))
    for number in reversed(order):
        chosen[operations[number].covers(longitude, latitude)] = number
    certain = chosen >= 0
    values = ~np.isnan(longitude)
    beyond = np.flatnonzero(~certain & values)
    if len(beyond):
        away = np.array(
            [_degrees_away(operation.area, longitude[beyond], latitude[beyond]) for operation in operations]
        )
        chosen[beyond] = away.argmin(axis=0)
    return chosen, certain & values


def _degrees_away(area: tuple[float, float, float, float], longitude: Floats, latitude: Floats) -> Floats:
    """Return how far places lie from a rectangle, degrees."""
    west, south, east, north = area
    away: Floats = np.hypot(
        np.maximum(np.maximum(west - longitude, longitude - east), 0),
        np.maximum(np.maximum(south - latitude, latitude - north), 0),
    )
    return away


def _from_offset(system: System, longitude: Floats, latitude: Floats) -> Moved:
    """Take the shift of a Chinese web map back."""
    values = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    x, y = np.where(values, longitude, np.nan), np.where(values, latitude, np.nan)
    back = gcj02_to_wgs84 if system.id == GCJ02 else bd09_to_wgs84
    x, y = back(x, y)
    count = len(x)
    return Moved(
        x, y, np.full(count, OFFSET_ACCURACY_M), np.zeros(count, dtype=np.int64), values, np.zeros(count, dtype=bool),
        (f"the formula of {system.id}, inverted",),
    )  # fmt: skip


@cache
def _projection(identifier: str, system: System) -> Transformer:
    """Return the transformer from metres to degrees on the same datum."""
    return Transformer.from_crs(system.crs, system.crs.geodetic_crs, always_xy=True)


def _transform(transformer: Transformer, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return what the transformer makes of pairs of numbers, NaN where it makes nothing of them."""
    a, b = transformer.transform(x, y)
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    right = np.isfinite(a) & np.isfinite(b)
    return np.where(right, a, np.nan), np.where(right, b, np.nan)
