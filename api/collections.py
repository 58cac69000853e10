"""The collections under /ogc: which table each shows, what identifies a feature, what its properties are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from api.errors import Code, ProblemError
from biodata.store.tables import RELEASE, Place, Table
from biodata.text.tables import read_rows
from biodata.vocabularies import EvidenceTier, SharingCategory, SurveyDesign

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
    """

    id: str
    title: str
    description: str
    key: str
    documents: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    timed: bool = False
    shown: tuple[str, ...] = ()

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
        collection.id: collection
        for collection in (
            Collection(
                "occurrences",
                "Occurrences",
                "Published records of species; the point of a generalised record is the middle of its published cell.",
                "key",
                timed=True,
                shown=(
                    "scientificName",
                    "eventDate",
                    "country_codes",
                    "decimalLatitude",
                    "decimalLongitude",
                    "basisOfRecord",
                    "sharing_category",
                    "datasetKey",
                ),
            ),
            Collection(
                "protected_areas",
                "Protected areas",
                "Protected and conserved areas, with the countries stated and the countries that they lie in.",
                "area_id",
                shown=(
                    "name",
                    "original_name",
                    "designation",
                    "iucn_category",
                    "status_year",
                    "country_codes",
                    "computed_area_km2",
                ),
            ),
            Collection(
                "corridors",
                "Corridors",
                "Least-cost corridors between protected areas of different countries; `path` is the cheapest line.",
                "corridor_id",
                documents=frozenset({"evidence"}),
                shapes=frozenset({"path"}),
                shown=(
                    "from_name",
                    "to_name",
                    "country_codes",
                    "functional",
                    "cost_ratio",
                    "path_length_m",
                    "narrowest_m",
                ),
            ),
            Collection(
                "reserve_candidates",
                "Candidate transboundary reserves",
                "Ground on both sides of a border that could become one reserve: Pareto front, rank under all weights, criteria.",
                "candidate_id",
                documents=frozenset({"evidence", "parts"}),
                shown=(
                    "name",
                    "rank",
                    "front",
                    "acceptability",
                    "evidence_tier",
                    "country_codes",
                    "area_km2",
                    "boundary_disagreement_km2",
                ),
            ),
            Collection(
                "considered_ground",
                "Ground that was looked at",
                "Everything that the runs looked at for a candidate, with the hard criteria that it fails; not ranked.",
                "considered_id",
                documents=frozenset({"evidence"}),
                shown=("name", "outcome", "reason", "evidence_tier", "country_codes"),
            ),
            Collection(
                "surveys",
                "Surveys",
                "Sampling events: design, method, days, effort, what was looked for, numbers of records and species. Where a "
                "sensitive species was recorded the place is a cell; of taxa whose places rules hide nothing is said to be absent.",
                "survey_id",
                timed=True,
                shown=(
                    "eventID",
                    "design",
                    "samplingProtocol",
                    "event_start",
                    "event_end",
                    "effort_value",
                    "effort_unit",
                    "records",
                    "species",
                    "country_codes",
                ),
            ),
            Collection(
                "boundaries",
                "Boundaries",
                "Countries and first-level divisions of the boundary set in use; no position on any boundary.",
                "code",
                shown=("name", "level", "country_code"),
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
