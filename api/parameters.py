"""Search parameters: the table of GBIF's and ours, how those of a request become filters, and counts by their values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from api import gbif_names, name_readers, readers
from api.dependencies import Opened
from api.errors import invalid, unavailable_parameter, unknown_parameter
from api.gbif_names import CONTINENT_OF, CONTINENTS, TAXONOMIC_ISSUES
from api.readers import Reader
from api.vocabularies import COLUMNS
from biodata import lists
from biodata.core.vocabularies import RED_LIST, SharingCategory
from biodata.store.open_release import OpenRelease
from biodata.store.query.filters import And, Compare, Filter, InCountry, IsNull, Or, Recorded

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
    Parameter("taxonKey", Kind.KEY, "A taxon with all below it: GBIF's integer key or the checklist's.", name_readers.taxon, "taxonKey"),
    *(
        Parameter(f"{rank}Key", Kind.KEY, f"A {rank} by its key, with all below it.", name_readers.taxon)
        for rank in ("acceptedTaxon", "kingdom", "phylum", "class", "order", "family", "genus")
    ),
    Parameter("speciesKey", Kind.KEY, "A species by its key.", name_readers.taxon, "speciesKey"),
    Parameter("scientificName", Kind.TEXT, "A name, with or without author, and all below it.", name_readers.scientific_name, "scientificName"),
    Parameter("vernacularName", Kind.TEXT, "Text in a common name of the taxon, in any language.", name_readers.vernacular_name),
    Parameter("speciesList", Kind.LIST, "A list of names, one a value; those not known stand in X-Biodata-Names-Unmatched.", name_readers.taxon),
    *_texts("acceptedScientificName", "kingdom", "phylum", "class", "order", "family", "genus", "species", "genericName"),
    *_texts("specificEpithet", "infraspecificEpithet"),
    *_codes("taxonRank", "taxonomicStatus", "iucnRedListCategory"),
    Parameter("country", Kind.CODE, COUNTRY, name_readers.country, "countryCode"),
    Parameter("countryCode", Kind.CODE, "The same as country.", name_readers.country, "countryCode"),
    Parameter("continent", Kind.CODE, "Continent of the country, as country has it.", name_readers.continent, codes=tuple(gbif_names.CONTINENTS)),
    Parameter("stateProvince", Kind.TEXT, "First-level division as stated, its name in any language or spelling; where none is published, the one that the place lies in. Or its ISO 3166-2 code: all that lies there.", name_readers.state_province, "stateProvince"),
    Parameter("provinceCode", Kind.CODE, "ISO 3166-2 code of the division (CN-YN).", readers.code("province_code"), "province_code"),
    *_texts("locality", "habitat"),
    Parameter("geometry", Kind.GEOMETRY, "WKT POLYGON or MULTIPOLYGON, or GeoJSON, degrees; rings may turn either way.", name_readers.geometry),
    Parameter("geoDistance", Kind.CIRCLE, "latitude,longitude,distance such as 21.9,101.2,30km.", name_readers.geo_distance),
    Parameter("withinArea", Kind.TEXT, "Id of a protected area, corridor, candidate, boundary or uploaded area.", name_readers.within_area),
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
    Parameter("publishingCountry", Kind.CODE, "ISO 3166-1 code of the publisher's country, or its name.", name_readers.publishing_country, "publishingCountry"),
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
    Parameter("q", Kind.TEXT, "Text anywhere in names, place or recorder.", name_readers.free_text),
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
    Parameter("isInvasive", Kind.BOOLEAN, "Whether a list has the taxon as invasive in the record's country or division.", readers.invasive),
    Parameter(
        "listedEstablishmentMeans", Kind.CODE, "How the taxon came to the record's country or division, as lists have it; * is any.",
        readers.listed(lists.MEANS, COLUMNS["establishmentMeans"].values), codes=COLUMNS["establishmentMeans"].values,
    ),
    Parameter(
        "redList", Kind.CODE, "Category in a global red list, or in that of the record's country or division; * is any.",
        readers.listed(lists.RED, RED_LIST), codes=tuple(RED_LIST),
    ),
    Parameter("cites", Kind.CODE, "Appendix of CITES; * is any.", readers.listed(lists.CITES, ("I", "II", "III")), codes=("I", "II", "III")),
    Parameter(
        "nationalProtection", Kind.TEXT, "Level of protection by the law of the record's country or division, as its list has it; * is any.",
        readers.listed(lists.PROTECTION),
    ),
    Parameter("endemicTo", Kind.CODE, "ISO 3166 code of the country or division that a list has the taxon as endemic to.", readers.endemic),
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


_LEAST: Final = {"sharedBetween": 2, "presentIn": 1}
"""How many sides each needs."""

_SIDES: Final = frozenset({"country", "countryCode", "stateProvince", "provinceCode"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for.

    Attributes
    ----------
    filters : dict of name to Filter
        All of them must hold.
    nulls : dict of name to Filter
        Of each range that leaves rows without a value out: those rows.
    """

    filters: dict[str, Filter]
    nulls: dict[str, Filter]


def read(parameters: Sequence[tuple[str, str]], lookup: Opened, own: Sequence[str]) -> Asked:
    """Read search parameters into filters.

    Parameters
    ----------
    parameters : sequence of (name, value)
        As they stand in the address, repeated ones repeated.
    lookup : Opened
        The release's look-ups.
    own : sequence of str
        Names that the caller answers itself (`limit`, `facet`).

    Returns
    -------
    Asked
        Repeated values of one parameter are alternatives; different parameters must all hold.

    Raises
    ------
    ProblemError
        For a name that is not known or cannot be honoured, an empty value, or one outside its vocabulary.
    """
    facts: dict[str, list[str]] = {}
    for name, value in parameters:
        if not value.strip() and name not in gbif_names.UNAVAILABLE:
            raise invalid(field=name, value=value, expected="a value, or the address without this parameter")
        if name in SEARCH or name in ACROSS or name in NULLS:
            facts.setdefault(name, []).append(readers.composed(value))
        elif name not in own and name not in gbif_names.ACCEPTED:
            if name in gbif_names.UNAVAILABLE:
                raise unavailable_parameter(name, gbif_names.UNAVAILABLE[name])
            raise unknown_parameter(name, {*SEARCH, *ACROSS, INCLUDE_NULL, *own})
    for name in facts.keys() & NULLS:
        readers.boolean(name, facts[name][-1])
    merged = {name: _read_one(SEARCH[name], values, lookup) for name, values in facts.items() if name in SEARCH}
    nulls = {name: null for name in merged if (null := SEARCH[name].null) is not None}
    for name in [name for name in nulls if _keeps_null(name, facts)]:
        merged[name] = Or((merged[name], nulls.pop(name)))
    if not facts.keys().isdisjoint(ACROSS):
        merged |= _across(facts, merged, lookup)
    return Asked(merged, nulls)


def _read_one(parameter: Parameter, values: list[str], lookup: Opened) -> Filter:
    """Return the filter of one parameter; its values are alternatives."""
    if parameter.kind is Kind.LIST:
        return name_readers.species_list(parameter.name, values, lookup)
    parts = tuple(parameter.to_filter(parameter.name, value, lookup) for value in values)
    return parts[0] if len(parts) == 1 else Or(parts)


def _keeps_null(name: str, facts: dict[str, list[str]]) -> bool:
    """Tell whether rows without a value are wanted: by `year.includeNull`, or for every range by `includeNull`."""
    for asked in (f"{name}.{INCLUDE_NULL}", INCLUDE_NULL):
        if asked in facts:
            return readers.boolean(asked, facts[asked][-1])
    return False


def _across(facts: dict[str, list[str]], merged: dict[str, Filter], lookup: Opened) -> dict[str, Filter]:
    """Return the filters for the records on some sides, of the species that are recorded on every one of them.

    The rows that count as evidence are those that the other parameters ask for, wherever they are: a country, a
    division or the sides themselves do not narrow them.
    """
    lists = {name: facts[name] for name in ("sharedBetween", "presentIn") if name in facts}
    missing = facts.get("missingFrom", [])
    if not lists:
        expected = "sharedBetween=CN,LA, or presentIn=CN with missingFrom=LA"
        raise invalid(field="missingFrom", value=",".join(missing), expected=expected)
    minimum = readers.integer(MINIMUM, facts.get(MINIMUM, ["1"])[-1])
    if not 1 <= minimum <= 1_000_000:
        raise invalid(field=MINIMUM, value=str(minimum), expected="1 to 1,000,000")
    on, places = (
        tuple(
            side
            for name, values in lists.items()
            for side in name_readers.sides(name, values, lookup, least=_LEAST[name], as_evidence=as_evidence)
        )
        for as_evidence in (True, False)
    )
    off = name_readers.sides("missingFrom", missing, lookup) if missing else ()
    among = And(tuple(part for name, part in merged.items() if name not in _SIDES))
    return {"sharedBetween": Recorded("species", on, off, among, minimum), "sides": Or(places)}


def every(filters: dict[str, Filter], *, but: str | None = None) -> Filter | None:
    """Return the filter under which all of them hold; None for none. `but` leaves one parameter out."""
    parts = tuple(part for name, part in filters.items() if name != but)
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)


Counts = list[tuple[Any, int]]

COUNTRY_COLUMN: Final = "countryCode"
CONTINENT: Final = "continent"
TAXONOMIC_ISSUE: Final = "taxonomicIssue"
BOOLEANS: Final = frozenset(name for name, p in SEARCH.items() if p.kind is Kind.BOOLEAN and p.column is None)
"""What is true or false of a record without a column of its own: whether it has coordinates, …"""

COUNTABLE: Final = tuple(dict.fromkeys((*FACETS, CONTINENT, TAXONOMIC_ISSUE, *sorted(BOOLEANS), *lists.PARAMETERS)))
"""What can be counted by."""

_COUNTRIES: Final = 1_000
_FLAGS: Final = 1_000
_VALUES: Final = 100
"""Levels and areas that statuses are counted by, the most frequent in lists first."""


def facet_counts(
    release: Opened, filter_: Filter | None, name: str, *, limit: int, offset: int, minimum: int
) -> Counts:
    """Return the values of a parameter and how many records have each, the most frequent first.

    Parameters
    ----------
    release : Opened
        The release.
    filter_ : Filter, optional
        Which occurrences.
    name : str
        One of `KNOWN`.
    limit, offset, minimum : int
        See `OpenRelease.facet`.
    """
    if name == CONTINENT:
        return _most_frequent(_continent_counts(release, filter_), limit, offset, minimum)
    if name in BOOLEANS:
        return _most_frequent(_value_counts(release, filter_, name, ("true", "false")), limit, offset, minimum)
    if name in lists.PARAMETERS:
        of_kind = Compare("kind", "=", lists.PARAMETERS[name])
        column = "area" if name == lists.ENDEMIC else "value"
        values = [str(value) for value, _ in release.file.facet("taxon_statuses", of_kind, column, limit=_VALUES)]
        return _most_frequent(_value_counts(release, filter_, name, values), limit, offset, minimum)
    if name == TAXONOMIC_ISSUE:
        flags = release.file.facet("occurrences", filter_, FACETS["issue"], limit=_FLAGS)
        of_names = Counter({flag: number for flag, number in flags if flag.startswith(TAXONOMIC_ISSUES)})
        return _most_frequent(of_names, limit, offset, minimum)
    column = FACETS[name]
    if column == COUNTRY_COLUMN:
        return _most_frequent(country_counts(release.file, filter_), limit, offset, minimum)
    found = release.file.facet("occurrences", filter_, column, limit=limit, offset=offset, minimum=minimum)
    if name in RANK_KEYS:
        return [
            (key, number) for value, number in found if (key := release.facts.extras.key_of(RANK_KEYS[name], value))
        ]
    return found


def country_counts(release: OpenRelease, filter_: Filter | None) -> Counter[str]:
    """Count occurrences by country, as `InCountry` has it: a cell that reaches several counts under each."""
    found: Counter[str] = Counter(dict(release.facet("occurrences", filter_, COUNTRY_COLUMN, limit=_COUNTRIES)))
    found.update(dict(release.facet("occurrences", _of_cells(filter_), "country_codes", limit=_COUNTRIES)))
    return found


def _continent_counts(release: Opened, filter_: Filter | None) -> Counter[str]:
    """Count by continent; a cell that reaches several countries of one counts once."""
    found: Counter[str] = Counter()
    for code, number in release.file.facet("occurrences", filter_, COUNTRY_COLUMN, limit=_COUNTRIES):
        if code in CONTINENT_OF:
            found[CONTINENT_OF[code]] += number
    cells = _of_cells(filter_)
    reached = release.file.facet("occurrences", cells, "country_codes", limit=_COUNTRIES)
    for name in {CONTINENT_OF[code] for code, _ in reached if code in CONTINENT_OF}:
        found[name] += release.file.count("occurrences", And((cells, InCountry(CONTINENTS[name]))))
    return found


def _value_counts(release: Opened, filter_: Filter | None, name: str, values: Sequence[str]) -> Counter[str]:
    """Count the records that each value of a parameter finds; one with several, as with two lists' categories, under each."""
    rest = () if filter_ is None else (filter_,)
    asked = {value: SEARCH[name].to_filter(name, value, release) for value in values}
    return Counter({value: release.file.count("occurrences", And((found, *rest))) for value, found in asked.items()})


def _of_cells(filter_: Filter | None) -> Filter:
    """Return the filter for records without a country of their own."""
    return And((IsNull(COUNTRY_COLUMN), *([filter_] if filter_ is not None else [])))


def _most_frequent(counts: Counter[str], limit: int, offset: int, minimum: int) -> Counts:
    """Return the most frequent values behind an offset."""
    kept = sorted((row for row in counts.items() if row[1] >= max(minimum, 1)), key=lambda row: (-row[1], row[0]))
    return kept[offset : offset + limit]
