"""The table of search parameters: GBIF's and ours, each with the filter that it becomes."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from api import gbif_names, readers, readers_name, readers_place
from api.readers import Reader
from api.vocabularies import COLUMNS
from biodata.store.query.filters import And, Filter, IsNull
from biodata.vocabularies import SharingCategory

"""The parameter that asks for every record of an event."""

INCLUDE_NULL: Final = "includeNull"
"""Whether ranges keep rows without a value; `year.includeNull` says it of one."""

MINIMUM: Final = "minimumPerSide"

COUNTRY: Final = (
    "ISO 3166-1 code of the country, or its name in a language of the region. A record is of the country of its "
    "countryCode, also in the band around a border. One without, whose published place is a cell, is found and counted "
    "under each country that the cell reaches. It means the same in every address, download, tile and CQL2 filter."
)
"""What the parameter `country` asks for; see `InCountry`."""

ACROSS: Final = MappingProxyType(
    {
        "sharedBetween": "Records on any of these sides, of the species recorded on every one: CN,LA or CN-YN,LA-PH or ids of areas.",
        "presentIn": "Records on any of these sides, of the species recorded on every one.",
        "missingFrom": "Of species recorded on none of these sides; with presentIn or sharedBetween.",
        MINIMUM: "Records that a species needs on each side.",
    }
)
"""Parameters that ask for species by the sides on which they are recorded, and their meaning."""


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
    LIST = "list"
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
    null : Filter, optional
        Of a range: the rows without a value, which are in no range.
    """

    name: str
    kind: Kind
    meaning: str
    to_filter: Reader
    column: str | None = None
    codes: tuple[str, ...] = ()
    null: Filter | None = None


def _texts(*names: str) -> list[Parameter]:
    """Parameters of text whose name is their column's."""
    return [Parameter(n, Kind.TEXT, f"{n}, in any case.", readers.equal_text(n), n) for n in names]


def _codes(*names: str) -> list[Parameter]:
    """Parameters of codes whose name is their column's."""
    found = []
    for name in names:
        words = COLUMNS[name]
        more = ", or as a record of the release states it" if words.is_open else ""
        meaning = f"{name}, one of GBIF's codes{more}."
        codes = () if words.is_open else words.values
        found.append(Parameter(name, Kind.CODE, meaning, readers.code(name), name, codes))
    return found


_ALL: Final = (
    Parameter("taxonKey", Kind.KEY, "A taxon with all below it: GBIF's integer key or the checklist's.", readers_name.taxon, "taxonKey"),
    *(
        Parameter(f"{rank}Key", Kind.KEY, f"A {rank} by its key, with all below it.", readers_name.taxon)
        for rank in ("acceptedTaxon", "kingdom", "phylum", "class", "order", "family", "genus")
    ),
    Parameter("speciesKey", Kind.KEY, "A species by its key.", readers_name.taxon, "speciesKey"),
    Parameter("scientificName", Kind.TEXT, "A name, with or without author, and all below it.", readers_name.scientific_name, "scientificName"),
    Parameter("vernacularName", Kind.TEXT, "Text in a common name of the taxon, in any language.", readers_name.vernacular_name),
    Parameter("speciesList", Kind.LIST, "A list of names, one a value; those not known stand in X-Biodata-Names-Unmatched.", readers_name.taxon),
    *_texts("acceptedScientificName", "kingdom", "phylum", "class", "order", "family", "genus", "species", "genericName"),
    *_texts("specificEpithet", "infraspecificEpithet"),
    *_codes("taxonRank", "taxonomicStatus", "iucnRedListCategory"),
    Parameter("country", Kind.CODE, COUNTRY, readers_place.country, "countryCode"),
    Parameter("countryCode", Kind.CODE, "The same as country.", readers_place.country, "countryCode"),
    Parameter("continent", Kind.CODE, "Continent of the country, as country has it.", readers_place.continent, codes=tuple(gbif_names.CONTINENTS)),
    Parameter("stateProvince", Kind.TEXT, "First-level division as stated, its name in any language or spelling; where none is published, the one that the place lies in. Or its ISO 3166-2 code: all that lies there.", readers_place.state_province, "stateProvince"),
    Parameter("provinceCode", Kind.CODE, "ISO 3166-2 code of the division (CN-YN).", readers.code("province_code"), "province_code"),
    *_texts("locality", "habitat"),
    Parameter("geometry", Kind.GEOMETRY, "WKT POLYGON or MULTIPOLYGON, or GeoJSON, degrees; rings may turn either way.", readers_place.geometry),
    Parameter("geoDistance", Kind.CIRCLE, "latitude,longitude,distance such as 21.9,101.2,30km.", readers_place.geo_distance),
    Parameter("withinArea", Kind.TEXT, "Id of a protected area, corridor, candidate, boundary or uploaded area.", readers_place.within_area),
    Parameter("isSequenced", Kind.BOOLEAN, "Whether a sequence is linked: of no record here.", readers.sequenced),
    Parameter("isGeoreferenced", Kind.BOOLEAN, "The same as hasCoordinate.", readers.present("decimalLatitude")),
    Parameter("repatriated", Kind.BOOLEAN, "Whether it was published in another country.", readers.repatriated),
    Parameter("taxonomicIssue", Kind.CODE, "A doubt about the name.", readers.taxonomic_issue),
    Parameter("hasCoordinate", Kind.BOOLEAN, "Whether there are coordinates.", readers.present("decimalLatitude")),
    Parameter("hasGeospatialIssue", Kind.BOOLEAN, "Whether the place is gravely in doubt.", readers.geospatial_issue),
    Parameter("issue", Kind.CODE, "A doubt, by its name.", readers.issue, "quality_flags", COLUMNS["quality_flags"].values),
    *(
        Parameter(n, Kind.NUMBER, f"{n}; a,b is a range, * an open end.", readers.number_range(n, readers.number), n, null=IsNull(n))
        for n in ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "elevation", "depth")
    ),
    *(
        Parameter(n, Kind.INTEGER, f"{n}; a,b is a range, * an open end.", readers.number_range(n, readers.integer), n, null=IsNull(n))
        for n in ("year", "month", "day", "individualCount")
    ),
    Parameter(
        "eventDate", Kind.DATE, "A day, month or year, or two with a comma; * is an open end.",
        readers.event_date, "eventDate", null=And((IsNull("event_start"), IsNull("year"))),
    ),
    *(
        Parameter(n, Kind.INTEGER, "Day of the year, of dates that tell a day; a,b is a range.", readers.days_of_year(c), null=IsNull(c))
        for n, c in (("startDayOfYear", "event_start"), ("endDayOfYear", "event_end"))
    ),
    Parameter(
        "lastInterpreted", Kind.DATE, "When GBIF last interpreted the record.",
        readers.moment("lastInterpreted"), "lastInterpreted", null=IsNull("lastInterpreted"),
    ),
    *_codes("basisOfRecord", "occurrenceStatus", "establishmentMeans", "sex", "lifeStage", "typeStatus", "license"),
    Parameter("publishingCountry", Kind.CODE, "ISO 3166-1 code of the publisher's country, or its name.", readers_place.publishing_country, "publishingCountry"),
    *_texts("datasetKey", "institutionCode", "collectionCode", "catalogNumber", "recordNumber", "recordedBy"),
    *_texts("otherCatalogNumbers"),
    Parameter("organismId", Kind.TEXT, "The individual or group.", readers.equal_text("organismID"), "organismID"),
    *_texts("identifiedBy", "samplingProtocol", "organismQuantity", "organismQuantityType"),
    Parameter("publishingOrg", Kind.TEXT, "The publishing organisation.", readers.equal_text("publishingOrgKey"), "publishingOrgKey"),
    Parameter("occurrenceId", Kind.TEXT, "The publisher's identifier.", readers.equal_text("occurrenceID"), "occurrenceID"),
    Parameter("gbifId", Kind.TEXT, "GBIF's number.", readers.equal_text("gbifID"), "gbifID"),
    Parameter("eventId", Kind.TEXT, "The sampling event.", readers.equal_text("eventID"), "eventID"),
    Parameter("parentEventId", Kind.TEXT, "The event above it.", readers.equal_text("parentEventID"), "parentEventID"),
    *(Parameter(n, Kind.TEXT, "A kind of media.", readers.media, "mediaType", COLUMNS["mediaType"].values) for n in ("mediaType", "mediatype")),
    Parameter("q", Kind.TEXT, "Text anywhere in names, place or recorder.", readers_name.free_text),
    Parameter(
        "sharingCategory", Kind.CODE, "How coarse the place is: open, 0_1_degree, …",
        readers.code("sharing_category"), "sharing_category",
        tuple(SharingCategory),
    ),
    Parameter("isInCluster", Kind.BOOLEAN, "Whether other records may tell of the same thing.", readers.flag("isInCluster"), "isInCluster"),
    Parameter(
        "clusterRepresentative", Kind.BOOLEAN, "true: one record of each cluster, and all that are in none.",
        readers.flag("clusterRepresentative"), "clusterRepresentative",
    ),
    Parameter("ambiguous", Kind.BOOLEAN, "Whether either side of a border may be right.", readers.flag("ambiguous"), "ambiguous"),
)  # fmt: skip


SEARCH: Final = MappingProxyType({parameter.name: parameter for parameter in _ALL})
"""Every search parameter by its name."""

NULLS: Final = frozenset({INCLUDE_NULL, *(f"{p.name}.{INCLUDE_NULL}" for p in _ALL if p.null is not None)})
"""The parameters that keep rows without a value."""

RANK_KEYS: Final = MappingProxyType({f"{r}Key": r for r in ("kingdom", "phylum", "class", "order", "family", "genus")})
"""Parameters of keys whose column holds a name: a facet's values are turned into keys."""

FACETS: Final = MappingProxyType({p.name: p.column for p in _ALL if p.column is not None} | RANK_KEYS)
"""What can be counted by: the parameter's name and its column."""
