"""The collections under /ogc: which table each shows, what identifies a feature, what its properties are."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from api.errors import Code, ProblemError
from biodata.store.tables import RELEASE, Place, Table

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG4326: Final = "http://www.opengis.net/def/crs/EPSG/0/4326"
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
    """

    id: str
    title: str
    description: str
    key: str
    documents: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    timed: bool = False

    @property
    def table(self) -> Table:
        """The table of a release that it shows."""
        return RELEASE[self.id]

    @property
    def properties(self) -> tuple[str, ...]:
        """The columns that stand in every feature, in order."""
        return tuple(name for name in self.table.columns if name != "geometry")

    @property
    def points(self) -> bool:
        """Whether a feature is a point made from two columns."""
        return self.table.place is Place.POINT

    @property
    def filterable(self) -> tuple[str, ...]:
        """The properties that a filter may name."""
        return tuple(name for name in self.properties if name not in self.shapes)


COLLECTIONS: Final = MappingProxyType(
    {
        collection.id: collection
        for collection in (
            Collection(
                "occurrences",
                "Occurrences",
                "Published records of species; the point of a generalised record is the middle of its published cell.",
                "key",
                timed=True,
            ),
            Collection(
                "protected_areas",
                "Protected areas",
                "Protected and conserved areas, with the countries stated and the countries that they lie in.",
                "area_id",
            ),
            Collection(
                "corridors",
                "Corridors",
                "Least-cost corridors between protected areas of different countries; `path` is the cheapest line.",
                "corridor_id",
                documents=frozenset({"evidence"}),
                shapes=frozenset({"path"}),
            ),
            Collection(
                "reserve_candidates",
                "Candidate transboundary reserves",
                "Pairs and groups of areas that could become one reserve, with the parts of each score.",
                "candidate_id",
                documents=frozenset({"evidence", "parts"}),
            ),
            Collection(
                "boundaries",
                "Boundaries",
                "Countries and first-level divisions of the boundary set in use; no position on any boundary.",
                "code",
            ),
        )
    }
)
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


def property_schema(collection: Collection, name: str) -> dict[str, Any]:
    """Return the JSON schema of one property."""
    column = collection.table.columns[name]
    schema: dict[str, Any] = {"title": name, "description": column.meaning}
    if name in collection.documents:
        return {**schema, "type": "object"}
    if name in collection.shapes:
        return {**schema, "format": "geometry-any"}
    if isinstance(column.dtype, pl.List):
        return {**schema, "type": "array", "items": {"type": "string"}}
    if column.dtype == pl.Date:
        return {**schema, "type": "string", "format": "date"}
    kinds = ((pl.Int64, "integer"), (pl.Int32, "integer"), (pl.Float64, "number"), (pl.Boolean, "boolean"))
    return {**schema, "type": next((kind for dtype, kind in kinds if column.dtype == dtype), "string")}
