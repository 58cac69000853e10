"""The collections under /ogc: which table each shows, what identifies a feature, its properties, and filters by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyproj import Transformer

from api import vocabularies
from api.dependencies import Opened
from api.errors import Code, ProblemError, invalid, unknown_value
from api.readers import boolean, composed, integer, number
from biodata.core.vocabularies import EvidenceTier, SharingCategory, SurveyDesign
from biodata.store.query.filters import Compare, Contains, Filter, In, InBox, InCountry, Value
from biodata.store.tables import RELEASE, Place, Table
from biodata.text.tables import read_rows

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class System:
    """A coordinate reference system.

    Attributes
    ----------
    uri : str
        Its name in requests.
    title : str
        For people.
    code : int
        EPSG's number; 4326 for CRS84.
    flipped : bool
        Degrees with the latitude first.
    projected : bool
        Coordinates are metres, east before north.
    """

    uri: str
    title: str
    code: int
    flipped: bool = False
    projected: bool = False

    def from_degrees(self, positions: Floats) -> Floats:
        """Return n pairs in the order of the system's axes from n pairs of longitude and latitude."""
        if not self.projected:
            return positions[:, ::-1] if self.flipped else positions
        return _moved(_transformer(self.code), positions, inverse=False)

    def to_degrees(self, positions: Floats) -> Floats:
        """Return n pairs of longitude and latitude; infinite where a position lies outside the system."""
        if not self.projected:
            return positions[:, ::-1] if self.flipped else positions
        return _moved(_transformer(self.code), positions, inverse=True)


SYSTEMS: Final[Mapping[str, System]] = MappingProxyType(
    {
        system.uri: system
        for system in (
            System(CRS84, "WGS 84, longitude first", 4326),
            System(f"{EPSG}4326", "WGS 84, latitude first", 4326, flipped=True),
            # EPSG's operation between the two moves nothing: they agree to a metre.
            System(f"{EPSG}4490", "China Geodetic Coordinate System 2000, latitude first", 4490, flipped=True),
            System(f"{EPSG}3857", "Web Mercator", 3857, projected=True),
            System(f"{EPSG}6933", "EASE-Grid 2.0, equal areas", 6933, projected=True),
        )
    }
)
"""Every system by its name; the first is the one that is meant where none is named."""


def find_system(parameter: str, uri: str) -> System:
    """Return a system, or fail with a 400 that names them all."""
    if uri not in SYSTEMS:
        raise invalid(field=parameter, value=uri, expected=f"one of {', '.join(SYSTEMS)}")
    return SYSTEMS[uri]


def box(system: System, corners: tuple[float, float, float, float], refusal: Exception) -> InBox:
    """Return the filter for a box given in a system's own axes, whose edges are meridians: lower corner, then upper."""
    lower, upper = system.to_degrees(np.array(corners, dtype=np.float64).reshape(2, 2))
    edges = (*lower, *upper)
    if not all(np.isfinite(edges)) or lower[1] > upper[1] or max(abs(lower[1]), abs(upper[1])) > 90:
        raise refusal
    if max(abs(lower[0]), abs(upper[0])) > 180 or (system.projected and lower[0] > upper[0]):
        raise refusal
    return InBox(*map(float, edges))


def geometry(system: System, facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a GeoJSON geometry in degrees as one in the system; None where it cannot be told in it."""
    if facts is None:
        return None
    if facts["type"] == "GeometryCollection":
        parts = [geometry(system, part) for part in facts["geometries"]]
        return None if None in parts else {**facts, "geometries": parts}
    moved = _coordinates(system, facts["coordinates"])
    return None if moved is None else {**facts, "coordinates": moved}


def _coordinates(system: System, reported: Any) -> Any:
    """Return nested positions in a system; None where one of them lies outside it."""
    if isinstance(reported[0], int | float):
        return _pairs(system, [reported], lone=True)
    if isinstance(reported[0][0], int | float):
        return _pairs(system, reported)
    parts = [_coordinates(system, part) for part in reported]
    return None if any(part is None for part in parts) else parts


def _pairs(system: System, reported: Any, *, lone: bool = False) -> Any:
    """Return positions in a system, to the millimetre."""
    moved = system.from_degrees(np.array(reported, dtype=np.float64)[:, :2])
    if not np.isfinite(moved).all():
        return None
    rounded = np.round(moved, 3).tolist() if system.projected else moved.tolist()
    return rounded[0] if lone else rounded


def _moved(transformer: Transformer, positions: Floats, *, inverse: bool) -> Floats:
    """Return transformed pairs; infinite where there is no such place (beyond its edge Web Mercator begins anew)."""
    x, y = transformer.transform(
        positions[:, 0], positions[:, 1], direction="INVERSE" if inverse else "FORWARD", errcheck=False
    )
    found = np.column_stack([x, y]).astype(np.float64)
    if inverse:
        again = _moved(transformer, found, inverse=False)
        with np.errstate(invalid="ignore"):
            found[~(np.abs(again - positions) < 1.0).all(axis=1)] = np.inf
    return found


@cache
def _transformer(code: int) -> Transformer:
    """Return what moves longitude and latitude into a projected system."""
    return Transformer.from_crs(4326, code, always_xy=True)


GREGORIAN: Final = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of features.

    Attributes
    ----------
    id : str
        Its name in addresses, and the release's table.
    title, description : str
        For people.
    key : str
        The column that identifies a feature.
    documents : frozenset of str
        Text columns that hold JSON; they leave as what they hold.
    shapes : frozenset of str
        Columns of WKB besides the geometry; they leave as GeoJSON geometries.
    timed : bool
        Whether `datetime` asks anything of it.
    shown : tuple of str
        The properties that stand in a page's table.
    example : str
        A filter of CQL2 to begin with.
    """

    id: str
    title: str
    description: str
    key: str
    documents: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    timed: bool = False
    shown: tuple[str, ...] = ()
    example: str = ""

    @property
    def table(self) -> Table:
        """The table of a release that it shows."""
        return RELEASE[self.id]

    @property
    def properties(self) -> tuple[str, ...]:
        """The columns that stand in every feature, in order."""
        return _properties(self.id)

    @property
    def points(self) -> bool:
        """Whether a feature is a point made from two columns."""
        return self.table.place is Place.POINT

    @property
    def filterable(self) -> tuple[str, ...]:
        """The properties that a filter may name."""
        return tuple(name for name in self.properties if name not in self.shapes)


@cache
def _properties(collection_id: str) -> tuple[str, ...]:
    """Return the columns of a collection's table but the geometry; every feature asks for them."""
    return tuple(name for name in RELEASE[collection_id].columns if name != "geometry")


COLLECTIONS: Final = MappingProxyType(
    {
        row["id"]: Collection(
            row["id"], row["title"], row["description"], row["key"], documents=frozenset(row["documents"].split()),
            shapes=frozenset(row["shapes"].split()), timed=row["timed"] == "true", shown=tuple(row["shown"].split()),
            example=row["example"],
        )
        for row in read_rows("ogc_collections.csv")
    }
)  # fmt: skip
"""Every collection by its id."""


def find(collection_id: str) -> Collection:
    """Return a collection, or fail with a 404 that names them all."""
    collection = COLLECTIONS.get(collection_id)
    if collection is None:
        known = ", ".join(COLLECTIONS)
        raise ProblemError(
            Code.NOT_FOUND, f"no collection is called {collection_id[:80]!r}", expected=f"one of {known}"
        )
    return collection


def _listed(file: str) -> tuple[str, ...]:
    """Return the values of one of our lists."""
    return tuple(row["value"] for row in read_rows(file))


_VALUES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "sharing_category": tuple(SharingCategory),
        "event_precision": ("year", "month", "day", "time", "interval"),
        "match_type": ("EXACT", "CANONICAL", "VARIANT", "FUZZY", "HIGHERRANK", "AMBIGUOUS", "NONE"),
        "basisOfRecord": _listed("basis_of_record.csv"),
        "occurrenceStatus": _listed("occurrence_status.csv"),
        "design": tuple(SurveyDesign),
        "outcome": ("candidate", "failed", "without_evidence"),
        "evidence_tier": tuple(EvidenceTier),
        "iucn_category": ("Ia", "Ib", "II", "III", "IV", "V", "VI"),
    }
)  # fmt: skip
"""Every value that a property of a closed list can have."""

_LEVELS: Final = ("country", "province")
_WHOLE: Final = (pl.Int64, pl.Int32)


def property_schema(collection: Collection, name: str) -> dict[str, Any]:
    """Return the JSON schema of one property: its type, format, and every value of a closed list."""
    column = collection.table.columns[name]
    schema: dict[str, Any] = {"title": name, "description": column.meaning}
    if name == collection.key:
        schema["x-ogc-role"] = "id"
    if name in collection.documents:
        return {**schema, "type": "object"}
    if name in collection.shapes:
        return {**schema, "format": "geometry-any"}
    if isinstance(column.dtype, pl.List):
        return {**schema, "type": "array", "items": {"type": "string"}}
    if column.dtype == pl.Date:
        return {**schema, "type": "string", "format": "date"}
    if column.dtype in _WHOLE:
        return {**schema, "type": "integer"}
    if column.dtype == pl.Float64:
        return {**schema, "type": "number"}
    if column.dtype == pl.Boolean:
        return {**schema, "type": "boolean"}
    values = _LEVELS if (collection.id, name) == ("boundaries", "level") else _VALUES.get(name)
    return {**schema, "type": "string", **({"enum": list(values)} if values else {})}


_OCCURRENCES = RELEASE["occurrences"]


def property_filter(collection: Collection, name: str, text: str, release: Opened | None) -> Filter:
    """Return the filter for a property that is equal to a value, or a list that holds it.

    Parameters
    ----------
    collection : Collection
        The collection.
    name : str
        One of its properties.
    text : str
        The value as an address writes it.
    release : Opened, optional
        Tells what the records hold beside an open vocabulary.

    Raises
    ------
    ProblemError
        If the value is empty, does not fit, or stands outside the property's vocabulary.
    """
    dtype, value = collection.table.columns[name].dtype, composed(text)
    if not value.strip():
        raise invalid(field=name, value=text, expected="a value, or the address without this parameter")
    known = property_schema(collection, name).get("enum")
    if known is not None and not collection.points and value not in known:
        raise unknown_value(field=name, value=value, known=known)
    if isinstance(dtype, pl.List):
        check_value(collection.table, name, value, release)
        return Contains(name, value)
    if dtype in (pl.Int32, pl.Int64):
        return equal(collection.table, name, integer(name, value), release)
    if dtype == pl.Float64:
        return equal(collection.table, name, number(name, value), release)
    if dtype == pl.Boolean:
        return Compare(name, "=", boolean(name, value))
    return equal(collection.table, name, value, release)


def equal(table: Table, name: str, value: Value, release: Opened | None, *, ignore_case: bool = False) -> Filter:
    """Return the filter for a column that is equal to a value; a country means what `InCountry` says."""
    check_value(table, name, value, release, ignore_case=ignore_case)
    if is_country(table, name) and isinstance(value, str):
        return InCountry((value.upper() if ignore_case else value,))
    return Compare(name, "=", value, ignore_case=ignore_case)


def among(
    table: Table, name: str, values: tuple[Value, ...], release: Opened | None, *, ignore_case: bool = False
) -> Filter:
    """Return the filter for a column that is equal to one of some values."""
    for value in values:
        check_value(table, name, value, release, ignore_case=ignore_case)
    if is_country(table, name):
        return InCountry(tuple(value.upper() if ignore_case else value for value in map(str, values)))
    return In(name, values, ignore_case=ignore_case)


def check_value(table: Table, name: str, value: object, release: Opened | None, *, ignore_case: bool = False) -> None:
    """Refuse a value of occurrences that stands outside its column's vocabulary."""
    if table is _OCCURRENCES:
        vocabularies.check(name, name, value, release, ignore_case=ignore_case)


def is_country(table: Table, name: str) -> bool:
    """Tell whether a column is the country of a record."""
    return table is _OCCURRENCES and name == "countryCode"
