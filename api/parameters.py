"""GBIF's search parameters, and ours, each with the filter that it becomes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from api import gbif_names
from api.errors import Code, ProblemError, invalid, unknown_parameter
from api.intervals import read_dates, within
from biodata.flags import FLAGS
from biodata.store.query.filters import And, Between, Compare, Contains, Filter, In, IsNull, Like, Not, Or
from biodata.vocabularies import SharingCategory


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


class Lookup(Protocol):
    """What some parameters have to look up in the release."""

    def taxon(self, key: str) -> Filter:
        """Return the filter for a taxon with all that lies below it."""

    def province_codes(self, name: str) -> list[str]:
        """Return the codes of the divisions of that name."""

    def polygon(self, text: str) -> Filter:
        """Return the filter for a WKT polygon."""

    def circle(self, latitude: float, longitude: float, radius_m: float) -> Filter:
        """Return the filter for a circle on the ellipsoid."""


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
    to_filter: Callable[[str, str, Lookup], Filter]
    column: str | None = None
    codes: tuple[str, ...] = ()


_INTEGER: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER: Final = re.compile(r"-?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})", re.ASCII)
_GEO_DISTANCE: Final = re.compile(r"(-?[\d.]{1,20}),(-?[\d.]{1,20}),(\d{1,8}(?:\.\d{1,6})?)(km|m)?", re.ASCII)
_CIRCLE_LIMIT_M: Final = 5_000_000


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
        Repeated values of one parameter are alternatives; different parameters must all hold. The list names GBIF's
        parameters that our data cannot answer.

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
    return merged, sorted(set(ignored))


def every(filters: dict[str, Filter], *, but: str | None = None) -> Filter | None:
    """Return the filter under which all of them hold; None for none. `but` leaves one parameter out."""
    parts = tuple(part for name, part in filters.items() if name != but)
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)


def integer(name: str, value: str) -> int:
    """Read a whole number."""
    if not _INTEGER.fullmatch(value):
        raise invalid(field=name, value=value, expected="a whole number")
    return int(value)


def number(name: str, value: str) -> float:
    """Read a number; NaN and infinity are none."""
    if not _NUMBER.fullmatch(value):
        raise invalid(field=name, value=value, expected="a number such as 21.5")
    return float(value)


def boolean(name: str, value: str) -> bool:
    """Read true or false."""
    if value.lower() not in ("true", "false"):
        raise invalid(field=name, value=value, expected="true or false")
    return value.lower() == "true"


def _text(column: str) -> Callable[[str, str, Lookup], Filter]:
    """Read text that is equal, upper and lower case apart."""
    return lambda _name, value, _lookup: Compare(column, "=", value, ignore_case=True)


def _code(column: str, known: Sequence[str] = ()) -> Callable[[str, str, Lookup], Filter]:
    """Read one of a list of codes, in any case."""

    def read(name: str, value: str, _: Lookup) -> Filter:
        code = value.upper()
        if known and code not in known:
            raise invalid(field=name, value=value, expected=f"one of {', '.join(known)}")
        return Compare(column, "=", code)

    return read


def _range(column: str, read_one: Callable[[str, str], float]) -> Callable[[str, str, Lookup], Filter]:
    """Read a number, or two with a comma between them, * leaving an end open; a missing value is in no range."""

    def read(name: str, value: str, _: Lookup) -> Filter:
        low, comma, high = value.partition(",")
        if not comma:
            return Compare(column, "=", read_one(name, value))
        ends = [None if end in ("*", "") else read_one(name, end) for end in (low, high)]
        return Between(column, *ends)

    return read


def _present(column: str) -> Callable[[str, str, Lookup], Filter]:
    """Read whether there is a value at all."""
    return lambda name, value, _: Not(IsNull(column)) if boolean(name, value) else IsNull(column)


def _is(column: str) -> Callable[[str, str, Lookup], Filter]:
    """Read true or false of a column."""
    return lambda name, value, _: Compare(column, "=", boolean(name, value))


def _taxon(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a taxon's key; all that lies below it is meant, too."""
    if not value or len(value) > 100:
        raise invalid(field=name, value=value, expected="a taxon's key")
    return lookup.taxon(value)


_NAME_COLUMNS: Final = (
    "acceptedScientificName", "species", "genus", "family", "order", "class", "phylum", "kingdom",
)  # fmt: skip


def _scientific_name(_: str, value: str, __: Lookup) -> Filter:
    """Read a name with or without its author; its synonyms' records and all that lies below it are meant, too."""
    stated = Like("scientificName", like_literal(value) + "%", ignore_case=True)
    whole = tuple(Compare(column, "=", value, ignore_case=True) for column in _NAME_COLUMNS)
    return Or((stated if " " in value.strip() else Compare("scientificName", "=", value, ignore_case=True), *whole))


def _state_province(_: str, value: str, lookup: Lookup) -> Filter:
    """Read a division: as stated, or where none is published, the one that the published place lies in; or a code."""
    stated = Compare("stateProvince", "=", value, ignore_case=True)
    codes = (value.upper(), *lookup.province_codes(value))
    located = In("province_code", codes)
    return Or((stated, And((IsNull("stateProvince"), located)), Compare("province_code", "=", value.upper())))


def _issue(name: str, value: str, _: Lookup) -> Filter:
    """Read the name of a doubt, GBIF's or ours."""
    flag = value.upper()
    if flag not in FLAGS and flag not in gbif_names.ISSUES:
        raise unknown_value(field=name, value=value, known={*FLAGS, *gbif_names.ISSUES})
    return Contains("quality_flags", flag)


def unknown_value(*, field: str, value: str, known: set[str]) -> ProblemError:
    """Return the error for a name in a value that is not known, with the names nearest to it."""
    near = unknown_parameter(value, known).near
    return ProblemError(
        Code.PARAMETER_INVALID,
        f"{field}: {value[:80]!r} is not known",
        field=field,
        expected=f"did you mean {' or '.join(near)}?" if near else None,
        near=near,
    )


def _geospatial_issue(name: str, value: str, _: Lookup) -> Filter:
    """Read whether any of GBIF's four grave doubts about the place is there."""
    any_of = Or(tuple(Contains("quality_flags", flag) for flag in gbif_names.GEOSPATIAL_ISSUES))
    # A record without a list of doubts has none of them, so the list's absence must not make it fall out of both.
    return any_of if boolean(name, value) else Or((IsNull("quality_flags"), Not(any_of)))


def _event_date(name: str, value: str, _: Lookup) -> Filter:
    """Read a day, month, year or range that a record's whole date lies in."""
    return within(*read_dates(name, value, separator=","))


def _moment(column: str) -> Callable[[str, str, Lookup], Filter]:
    """Read a moment that the text begins with, or two that it lies between."""

    def read(_: str, value: str, __: Lookup) -> Filter:
        low, comma, high = value.partition(",")
        ends = (low, high) if comma else (low, low)
        # A longer text with the same beginning sorts after it: the last character there is closes the range.
        return Between(
            column, None if ends[0] in ("*", "") else ends[0], None if ends[1] in ("*", "") else f"{ends[1]}~"
        )

    return read


def _geometry(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a WKT polygon."""
    del name
    return lookup.polygon(value)


def _geo_distance(name: str, value: str, lookup: Lookup) -> Filter:
    """Read a circle: latitude, longitude, distance with km or m."""
    match = _GEO_DISTANCE.fullmatch(value.replace(" ", ""))
    if not match:
        raise invalid(field=name, value=value, expected="latitude,longitude,distance such as 21.9,101.2,30km")
    latitude, longitude = number(name, match[1]), number(name, match[2])
    radius_m = float(match[3]) * (1 if match[4] == "m" else 1000)
    if abs(latitude) > 90 or abs(longitude) > 180 or not 0 < radius_m <= _CIRCLE_LIMIT_M:
        raise invalid(field=name, value=value, expected="a place on Earth and a distance up to 5000 km")
    return lookup.circle(latitude, longitude, radius_m)


_FREE_TEXT: Final = (
    "scientificName", "acceptedScientificName", "species", "family", "locality", "recordedBy", "stateProvince",
)  # fmt: skip


def _free_text(name: str, value: str, _: Lookup) -> Filter:
    """Read text that stands somewhere in names, place or recorder."""
    if not 0 < len(value) <= 200:
        raise invalid(field=name, value=value, expected="1 to 200 characters")
    pattern = f"%{like_literal(value)}%"
    return Or(tuple(Like(column, pattern, ignore_case=True) for column in _FREE_TEXT))


def like_literal(value: str) -> str:
    r"""Return text that LIKE takes as it stands: %, _ and \ lose their meaning."""
    return re.sub(r"([%_\\])", r"\\\1", value)


def _media(_: str, value: str, __: Lookup) -> Filter:
    """Read a kind of media."""
    return Like("mediaType", f"%{like_literal(value)}%", ignore_case=True)


def _texts(*names: str) -> list[Parameter]:
    """Parameters of text whose name is their column's."""
    return [Parameter(n, Kind.TEXT, f"{n}, in any case.", _text(n), n) for n in names]


def _codes(**names: Sequence[str]) -> list[Parameter]:
    """Parameters of codes whose name is their column's."""
    return [
        Parameter(n, Kind.CODE, f"{n}, one of GBIF's codes.", _code(n, known), n, tuple(known))
        for n, known in names.items()
    ]


_ALL: Final = (
    Parameter("taxonKey", Kind.KEY, "A taxon with all below it: GBIF's integer key or the checklist's.", _taxon, "taxonKey"),
    *(
        Parameter(f"{rank}Key", Kind.KEY, f"A {rank} by its key, with all below it.", _taxon)
        for rank in ("acceptedTaxon", "kingdom", "phylum", "class", "order", "family", "genus")
    ),
    Parameter("speciesKey", Kind.KEY, "A species by its key.", _taxon, "speciesKey"),
    Parameter("scientificName", Kind.TEXT, "A name, with or without author, and all below it.", _scientific_name, "scientificName"),
    *_texts("acceptedScientificName", "kingdom", "phylum", "class", "order", "family", "genus", "species", "genericName"),
    *_texts("specificEpithet", "infraspecificEpithet"),
    *_codes(taxonRank=(), taxonomicStatus=("ACCEPTED", "SYNONYM", "DOUBTFUL")),
    *_codes(iucnRedListCategory=gbif_names.RED_LIST_CATEGORIES),
    Parameter("country", Kind.CODE, "ISO 3166-1 alpha-2 code of the country.", _code("countryCode"), "countryCode"),
    Parameter("countryCode", Kind.CODE, "The same as country.", _code("countryCode"), "countryCode"),
    Parameter("stateProvince", Kind.TEXT, "First-level division by name or ISO 3166-2 code.", _state_province, "stateProvince"),
    Parameter("provinceCode", Kind.CODE, "ISO 3166-2 code of the division (CN-YN).", _code("province_code"), "province_code"),
    *_texts("locality", "habitat"),
    Parameter("geometry", Kind.GEOMETRY, "WKT POLYGON or MULTIPOLYGON, counter-clockwise, degrees.", _geometry),
    Parameter("geoDistance", Kind.CIRCLE, "latitude,longitude,distance such as 21.9,101.2,30km.", _geo_distance),
    Parameter("hasCoordinate", Kind.BOOLEAN, "Whether there are coordinates.", _present("decimalLatitude")),
    Parameter("hasGeospatialIssue", Kind.BOOLEAN, "Whether the place is gravely in doubt.", _geospatial_issue),
    Parameter("issue", Kind.CODE, "A doubt, by its name.", _issue, "quality_flags", tuple(sorted({*FLAGS, *gbif_names.ISSUES}))),
    *(
        Parameter(n, Kind.NUMBER, f"{n}; a,b is a range, * an open end.", _range(n, number))
        for n in ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters", "elevation", "depth")
    ),
    *(
        Parameter(n, Kind.INTEGER, f"{n}; a,b is a range, * an open end.", _range(n, integer), n)
        for n in ("year", "month", "day", "individualCount")
    ),
    Parameter("eventDate", Kind.DATE, "A day, month or year, or two with a comma; * is an open end.", _event_date),
    Parameter("lastInterpreted", Kind.DATE, "When GBIF last interpreted the record.", _moment("lastInterpreted")),
    *_codes(basisOfRecord=gbif_names.BASES_OF_RECORD, occurrenceStatus=("PRESENT", "ABSENT"), establishmentMeans=()),
    *_codes(sex=(), lifeStage=(), typeStatus=(), license=tuple(gbif_names.LICENSE_URLS), publishingCountry=()),
    *_texts("datasetKey", "institutionCode", "collectionCode", "catalogNumber", "recordNumber", "recordedBy"),
    *_texts("identifiedBy", "samplingProtocol", "organismQuantity", "organismQuantityType"),
    Parameter("publishingOrg", Kind.TEXT, "The publishing organisation.", _text("publishingOrgKey"), "publishingOrgKey"),
    Parameter("occurrenceId", Kind.TEXT, "The publisher's identifier.", _text("occurrenceID"), "occurrenceID"),
    Parameter("gbifId", Kind.TEXT, "GBIF's number.", _text("gbifID"), "gbifID"),
    Parameter("eventId", Kind.TEXT, "The sampling event.", _text("eventID"), "eventID"),
    Parameter("parentEventId", Kind.TEXT, "The event above it.", _text("parentEventID"), "parentEventID"),
    *(Parameter(n, Kind.TEXT, "A kind of media.", _media, "mediaType") for n in ("mediaType", "mediatype")),
    Parameter("q", Kind.TEXT, "Text anywhere in names, place or recorder.", _free_text),
    Parameter(
        "sharingCategory", Kind.CODE, "How coarse the place is: open, 0_1_degree, …",
        lambda name, value, _: Compare("sharing_category", "=", _category(name, value)), "sharing_category",
        tuple(SharingCategory),
    ),
    Parameter("ambiguous", Kind.BOOLEAN, "Whether either side of a border may be right.", _is("ambiguous"), "ambiguous"),
)  # fmt: skip


def _category(name: str, value: str) -> str:
    """Read a sharing category."""
    if value.lower() not in list(SharingCategory):
        raise invalid(field=name, value=value, expected=f"one of {', '.join(SharingCategory)}")
    return value.lower()


SEARCH: Final = MappingProxyType({parameter.name: parameter for parameter in _ALL})
"""Every search parameter by its name."""

FACETS: Final = MappingProxyType({p.name: p.column for p in _ALL if p.column is not None})
"""What can be counted by: the parameter's name and its column."""
