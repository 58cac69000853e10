"""Grants: what a country's node lets one account read of its exact records, where, and signed with the node's own key.

The key stays with the node: neither the service nor the exact process has it, so neither can make a grant.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
import pycountry
import shapely
from numpy.typing import NDArray

from biodata.core import terms
from biodata.core.errors import InputError
from biodata.formats import node_keys
from biodata.store.query import polygons

Area: TypeAlias = tuple[float, float, float, float] | dict[str, Any]
"""West, south, east, north in degrees; or a GeoJSON Polygon or MultiPolygon."""

MOST_VERTICES: Final = 1_000
_NOISE: Final = 1e-9
"""Degrees; a polygon's edge that lies on a cell's edge holds the cell, whatever the last digit says."""


def canonical_area(area: Any) -> Area | None:
    """Return an area as a grant's text has it, checked; None for none, which is everywhere.

    Parameters
    ----------
    area : list or tuple of four numbers, dict, or None

    Raises
    ------
    InputError
        If it is none.
    """
    if area is None:
        return None
    if isinstance(area, dict):
        if set(area) != {"type", "coordinates"} or area["type"] not in ("Polygon", "MultiPolygon"):
            raise _wrong_area(area)
        found = shapely.from_wkb(polygons.read_geojson(area, most=MOST_VERTICES).wkb)
        if found.is_empty or found.area == 0:
            raise _wrong_area(area)
        made: dict[str, Any] = json.loads(shapely.to_geojson(found))
        return {"type": made["type"], "coordinates": made["coordinates"]}
    if isinstance(area, str) or not isinstance(area, Sequence) or len(area) != 4:
        raise _wrong_area(area)
    if not all(type(edge) in (int, float) for edge in area):
        raise _wrong_area(area)
    west, south, east, north = (float(edge) for edge in area)
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise _wrong_area(area)
    return west, south, east, north


def area_shape(area: Area) -> shapely.Geometry:
    """Return an area as a geometry, degrees, WGS 84."""
    return shapely.from_geojson(json.dumps(area)) if isinstance(area, dict) else shapely.box(*area)


def cells_within(area: Area, cells: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which cells lie wholly within an area.

    Parameters
    ----------
    area : Area
    cells : ndarray of float64, n rows of west, south, east, north
        Degrees.

    Returns
    -------
    ndarray of bool, length n
    """
    if not isinstance(area, dict):
        west, south, east, north = area
        return (cells[:, 0] >= west) & (cells[:, 1] >= south) & (cells[:, 2] <= east) & (cells[:, 3] <= north)
    boxes = shapely.box(*(cells + np.array([_NOISE, _NOISE, -_NOISE, -_NOISE])).T)
    whole = area_shape(area)
    shapely.prepare(whole)
    return np.asarray(shapely.covers(whole, boxes), dtype=np.bool_)


def area_within(given: Area, asked: Area) -> bool:
    """Return whether an area lies in another one."""
    if given == asked:
        return True
    return bool(shapely.covers(shapely.buffer(area_shape(asked), _NOISE), area_shape(given)))


def _wrong_area(area: Any) -> InputError:
    problem = "a grant cannot be so"
    expected = "west, south, east, north in degrees, or a GeoJSON Polygon or MultiPolygon"
    return InputError(problem, column="area", value=str(area)[:80], expected=expected, code="FIELD_INVALID")


FIELDS: Final = tuple(
    column.name
    for column in terms.OCCURRENCE
    if column.reach is not terms.Reach.LAKE and column.name not in ("key", "informationWithheld", "dataGeneralizations")
)
"""The fields that can be asked for."""
_CONTEXT: Final = b"biodata grant 1\n"
_MOST_ROWS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What is granted.

    Attributes
    ----------
    id : str
        Random; the same for no two grants.
    request : str
        The request that it answers.
    account : str
        Whose it is.
    country : str
        The country of occurrence whose records they are; its node signs.
    taxon : str, optional
        Accepted scientific name of a taxon, for all within it.
    area : tuple of west, south, east, north, or dict, optional
        Degrees, or a GeoJSON polygon. A record is inside where the whole of its published cell is: so what is left out
        tells nothing that the published records do not.
    since, until : str, optional
        First and last day of records, ISO 8601; a record is inside where all that its published date allows is.
    fields : tuple of str
        The fields that are released, of `FIELDS`.
    rows, requests : int
        How many records may be handed out, counted each time, and how often may be asked.
    rows_a_day : int
        How many records may be handed out within one day of UTC.
    expires : str
        The moment that it ends, ISO 8601 with a zone.
    """

    id: str
    request: str
    account: str
    country: str
    taxon: str | None
    area: Area | None
    since: str | None
    until: str | None
    fields: tuple[str, ...]
    rows: int
    rows_a_day: int
    requests: int
    expires: str

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a grant from its text, and refuse one that is not complete or has more.

        Raises
        ------
        InputError
            If it is none.
        """
        try:
            content = json.loads(text)
            if set(content) != {field.name for field in fields(cls)}:
                raise _invalid(why="its fields are others")
            content["area"] = canonical_area(content["area"])
            content["fields"] = tuple(content["fields"])
            grant = cls(**content)
            grant.check()
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise _invalid(type(error).__name__) from error
        if grant.text() != text:
            raise _invalid(why="it is not written canonically")
        return grant

    def check(self) -> None:
        """Refuse bounds that cannot be.

        Raises
        ------
        InputError
            If one cannot be; its field is named.
        """
        for name in ("id", "request", "account", "country", "expires"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise _wrong(getattr(self, name), "a text", name=name)
        if self.taxon is not None and not (isinstance(self.taxon, str) and 0 < len(self.taxon.strip()) <= 255):
            raise _wrong(self.taxon, "the accepted name of a taxon", name="taxon")
        if pycountry.countries.get(alpha_2=self.country) is None:
            raise _wrong(self.country, "an ISO 3166-1 alpha-2 code such as LA", name="country")
        unknown = sorted(set(self.fields) - set(FIELDS))
        if unknown or not self.fields or len(set(self.fields)) < len(self.fields):
            raise _wrong(", ".join(unknown) or "none", "each once, of the published terms of a record", name="fields")
        canonical_area(self.area)
        days = [day(name, getattr(self, name)) for name in ("since", "until")]
        if days[0] is not None and days[1] is not None and days[0] > days[1]:
            raise _wrong(self.until, f"a day after {self.since}", name="until")
        for name in ("rows", "rows_a_day", "requests"):
            value = getattr(self, name)
            if type(value) is not int or not 0 < value <= _MOST_ROWS:
                raise _wrong(value, f"a whole number from 1 to {_MOST_ROWS:,}", name=name)
        moment("expires", self.expires)

    def expired(self) -> bool:
        """Return whether its time is over."""
        return moment("expires", self.expires) <= datetime.now(UTC)

    def text(self) -> str:
        """Return the text that is signed: JSON with sorted names and without spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sign(text: str, key: Path) -> str:
    """Sign a grant's text with a node's key; return the signature in base64.

    Raises
    ------
    InputError
        If the file holds no such key, or others may read it.
    """
    if key.stat().st_mode & 0o077:
        problem = "others may read this key; it is not used"
        raise InputError(problem, file=str(key), expected="mode 0600", code="KEY_READABLE")
    return node_keys.sign(_CONTEXT, text.encode(), key.read_bytes())


def signed_by(text: str, signature: str, public: bytes) -> bool:
    """Return whether a signature is that of a public key, in PEM, over a grant's text."""
    return node_keys.holds(_CONTEXT, text.encode(), signature, public.decode("ascii", "replace"))


def day(name: str, value: str | None) -> date | None:
    """Return a day."""
    try:
        return None if value is None else date.fromisoformat(value)
    except (ValueError, TypeError):
        raise _wrong(value, "a day as YYYY-MM-DD", name=name) from None


def moment(name: str, value: str) -> datetime:
    """Return a moment with its zone."""
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        found = datetime.min  # noqa: DTZ901 - refused below
    if found.tzinfo is None:
        raise _wrong(value, "a moment with its zone, such as 2027-01-31T00:00:00+00:00", name=name)
    return found


def _wrong(value: Any, expected: str, *, name: str) -> InputError:
    return InputError("a grant cannot be so", column=name, value=str(value), expected=expected, code="FIELD_INVALID")


def _invalid(why: str) -> InputError:
    return InputError(f"this is no grant: {why}", code="GRANT_INVALID")


def grant_text(grant: Mapping[str, Any]) -> str:
    """Return the canonical text of a grant that is stated as JSON, checked."""
    values = {**grant, "fields": tuple(grant.get("fields", ())), "area": canonical_area(grant.get("area"))}
    made = Grant(**values)
    made.check()
    return made.text()
