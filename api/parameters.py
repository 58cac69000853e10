"""GBIF's search parameters, and ours, each with the filter that it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from api import gbif_names, readers
from api.errors import unknown_parameter
from api.readers import Lookup, Reader
from biodata.flags import FLAGS
from biodata.store.query.filters import ONE_OF_EACH, And, Filter, Or, asks_for_duplicates
from biodata.vocabularies import SharingCategory

DUPLICATES: Final = "duplicates"
"""The parameter that asks for every record of an event."""


class Kind(StrEnum):
    """How the text of a value is read; the documentation page tells it."""

    TEXT = "text"
    CODE = "code"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    KEY = "key"
    GEOMETRY = "geometry"
    CIRCLE = "circle"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter.

    Attributes
    ----------
    name : str
        As it stands in the address.
    kind : Kind
        How its value is read.
    meaning : str
        One sentence for the documentation.
    to_filter : callable
        From one value and the release's look-ups to a filter.
    column : str, optional
        The column behind it, where there is just one: it can then be a facet.
    codes : tuple of str
        The codes that it takes, where they are a closed list.
    """

    name: str
    kind: Kind
    meaning: str
    to_filter: Reader
    column: str | None = None
    codes: tuple[str, ...] = ()


def combine(
    parameters: Sequence[tuple[str, str]], lookup: Lookup, own: Sequence[str]
) -> tuple[dict[str, Filter], list[str]]:
    """Read search parameters into filters.

    Parameters
    ----------
    parameters : sequence of (name, value)
        As they stand in the address, repeated ones repeated.
    lookup : Lookup
        The release's look-ups.
    own : sequence of str
        Names that the caller answers itself (`limit`, `facet`).

    Returns
    -------
    (dict of name to filter, list of str)
        Repeated values of one parameter are alternatives; different parameters must all hold. Without a word on
        duplicates, `duplicates` keeps one record of each event. The list names GBIF's parameters that our data cannot
        answer.

    Raises
    ------
    ProblemError
        For a name that is not known, or a value that cannot be used.
    """
    values: dict[str, list[Filter]] = {}
    ignored: list[str] = []
    for name, value in parameters:
        parameter = SEARCH.get(name)
        if parameter is not None:
            values.setdefault(name, []).append(parameter.to_filter(name, value, lookup))
        elif name in gbif_names.UNANSWERED:
            ignored.append(name)
        elif name not in own:
            raise unknown_parameter(name, {*SEARCH, *own})
    merged = {name: parts[0] if len(parts) == 1 else Or(tuple(parts)) for name, parts in values.items()}
    # One of each group of duplicates, unless the request speaks of them.
    if DUPLICATES not in merged and not any(asks_for_duplicates(part) for part in merged.values()):
        merged[DUPLICATES] = ONE_OF_EACH
    return merged, sorted(set(ignored))


def every(filters: dict[str, Filter], *, but: str | None = None) -> Filter | None:
    """Return the filter under which all of them hold; None for none. `but` leaves one parameter out."""
    parts = tuple(part for name, part in filters.items() if name != but)
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)


def _texts(*names: str) -> list[Parameter]:
    """Parameters of text whose name is their column's."""
    return [Parameter(n, Kind.TEXT, f"{n}, in any case.", readers.equal_text(n), n) for n in names]


def _codes(**names: Sequence[str]) -> list[Parameter]:
    """Parameters of codes whose name is their column's."""
    return [
        Parameter(n, Kind.CODE, f"{n}, one of GBIF's codes.", readers.code(n, known), n, tuple(known))
        for n, known in names.items()
    ]


_ALL: Final = (
    Parameter("taxonKey", Kind.KEY, "A taxon with all below it: GBIF's integer key or the checklist's.", readers.taxon, "taxonKey"),
    *(
        Parameter(f"{rank}Key", Kind.KEY, f"A {rank} by its key, with all below it.", readers.taxon)
        for rank in ("acceptedTaxon", "kingdom", "phylum", "class", "order", "family", "genus")
    ),
    Parameter("speciesKey", Kind.KEY, "A species by its key.", readers.taxon, "speciesKey"),
    Parameter("scientificName", Kind.TEXT, "A name, with or without author, and all below it.", readers.scientific_name, "scientificName"),
    *_texts("acceptedScientificName", "kingdom", "phylum", "class", "order", "family", "genus", "species", "genericName"),
    *_texts("specificEpithet", "infraspecificEpithet"),
    *_codes(taxonRank=(), taxonomicStatus=("ACCEPTED", "SYNONYM", "DOUBTFUL")),
    *_codes(iucnRedListCategory=gbif_names.RED_LIST_CATEGORIES),
    Parameter("country", Kind.CODE, "ISO 3166-1 alpha-2 code of the country.", readers.country, "countryCode"),
    Parameter("countryCode", Kind.CODE, "The same as country.", readers.country, "countryCode"),
    Parameter("stateProvince", Kind.TEXT, "First-level division by name or ISO 3166-2 code.", readers.state_province, "stateProvince"),
    Parameter("provinceCode", Kind.CODE, "ISO 3166-2 code of the division (CN-YN).", readers.code("province_code"), "province_code"),
    *_texts("locality", "habitat"),
    Parameter("geometry", Kind.GEOMETRY, "WKT POLYGON or MULTIPOLYGON, counter-clockwise, degrees.", readers.geometry),
    Parameter("geoDistance", Kind.CIRCLE, "latitude,longitude,distance such as 21.9,101.2,30km.", readers.geo_distance),
    Parameter("hasCoordinate", Kind.BOOLEAN, "Whether there are coordinates.", readers.present("decimalLatitude")),
    Parameter("hasGeospatialIssue", Kind.BOOLEAN, "Whether the place is gravely in doubt.", readers.geospatial_issue),
    Parameter("issue", Kind.CODE, "A doubt, by its name.", readers.issue, "quality_flags", tuple(sorted({*FLAGS, *gbif_names.ISSUES}))),
    *(
        Parameter(n, Kind.NUMBER, f"{n}; a,b is a range, * an open end.", readers.number_range(n, readers.number))
        for n in ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "elevation", "depth")
    ),
    *(
        Parameter(n, Kind.INTEGER, f"{n}; a,b is a range, * an open end.", readers.number_range(n, readers.integer), n)
        for n in ("year", "month", "day", "individualCount")
    ),
    Parameter("eventDate", Kind.DATE, "A day, month or year, or two with a comma; * is an open end.", readers.event_date),
    Parameter("lastInterpreted", Kind.DATE, "When GBIF last interpreted the record.", readers.moment("lastInterpreted")),
    *_codes(basisOfRecord=gbif_names.BASES_OF_RECORD, occurrenceStatus=("PRESENT", "ABSENT"), establishmentMeans=()),
    *_codes(sex=(), lifeStage=(), typeStatus=(), license=tuple(gbif_names.LICENSE_URLS), publishingCountry=()),
    *_texts("datasetKey", "institutionCode", "collectionCode", "catalogNumber", "recordNumber", "recordedBy"),
    *_texts("otherCatalogNumbers"),
    Parameter("organismId", Kind.TEXT, "The individual or group.", readers.equal_text("organismID"), "organismID"),
    *_texts("identifiedBy", "samplingProtocol", "organismQuantity", "organismQuantityType"),
    Parameter("publishingOrg", Kind.TEXT, "The publishing organisation.", readers.equal_text("publishingOrgKey"), "publishingOrgKey"),
    Parameter("occurrenceId", Kind.TEXT, "The publisher's identifier.", readers.equal_text("occurrenceID"), "occurrenceID"),
    Parameter("gbifId", Kind.TEXT, "GBIF's number.", readers.equal_text("gbifID"), "gbifID"),
    Parameter("eventId", Kind.TEXT, "The sampling event.", readers.equal_text("eventID"), "eventID"),
    Parameter("parentEventId", Kind.TEXT, "The event above it.", readers.equal_text("parentEventID"), "parentEventID"),
    *(Parameter(n, Kind.TEXT, "A kind of media.", readers.media, "mediaType") for n in ("mediaType", "mediatype")),
    Parameter("q", Kind.TEXT, "Text anywhere in names, place or recorder.", readers.free_text),
    Parameter(
        "sharingCategory", Kind.CODE, "How coarse the place is: open, 0_1_degree, …",
        readers.category, "sharing_category",
        tuple(SharingCategory),
    ),
    Parameter("isInCluster", Kind.BOOLEAN, "Whether other records tell of the same event; all of them are shown then.", readers.flag("isInCluster"), "isInCluster"),
    Parameter(
        DUPLICATES, Kind.CODE, "one: one record of each event, as without this parameter; all: every record.",
        readers.duplicates, codes=readers.DUPLICATES,
    ),
    Parameter("ambiguous", Kind.BOOLEAN, "Whether either side of a border may be right.", readers.flag("ambiguous"), "ambiguous"),
)  # fmt: skip


SEARCH: Final = MappingProxyType({parameter.name: parameter for parameter in _ALL})
"""Every search parameter by its name."""

FACETS: Final = MappingProxyType({p.name: p.column for p in _ALL if p.column is not None})
"""What can be counted by: the parameter's name and its column."""
