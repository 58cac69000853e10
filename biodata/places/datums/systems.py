"""The coordinate systems that records of the region are told in, and which one a stated name means."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from pyproj import CRS
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import UTMConversion
from pyproj.exceptions import CRSError

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
        How common it is there among records that tell no system, beside the others of its form; biodata's own estimate.
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
