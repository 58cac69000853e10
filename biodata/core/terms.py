"""Every column that biodata knows: its name, type, unit, meaning, and how far it may travel.

Published terms (Darwin Core, GBIF) keep their spelling; our own are snake_case. A column that is not listed in
`data/columns.csv` does not exist: the lake, the release, the API and the exports take their columns from there alone.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import polars as pl

DWC: Final = "http://rs.tdwg.org/dwc/terms/"
DC: Final = "http://purl.org/dc/terms/"
GBIF: Final = "http://rs.gbif.org/terms/1.0/"
ECO: Final = "http://rs.tdwg.org/eco/terms/"
OWN: Final = "urn:biodata:terms#"
"""Begins the address of a term that is ours."""
REPAIR: Final = pl.Struct({"term": pl.String, "value": pl.String, "rule": pl.String, "applied": pl.Boolean})
"""One repair of a value: `applied` is False for a proposal that waits for somebody's decision."""
SHARED_AS: Final = pl.Struct(
    {"category": pl.String, "rule": pl.String}
    | dict.fromkeys(("cell_west", "cell_south", "cell_east", "cell_north"), pl.Float64)
)
"""How a national node had made a record coarser before it came: the category, the rule, the edges of the cell."""
_TYPES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "String": pl.String, "Int32": pl.Int32, "Int64": pl.Int64, "Float64": pl.Float64, "Boolean": pl.Boolean,
    "Date": pl.Date, "Datetime": pl.Datetime("us"), "Binary": pl.Binary, "List(String)": pl.List(pl.String),
    "List(repair)": pl.List(REPAIR), "shared_as": SHARED_AS,
}  # fmt: skip
_PREFIXES: Final = {"dwc": DWC, "dc": DC, "gbif": GBIF, "eco": ECO}


class Reach(StrEnum):
    """How far a column may travel."""

    LAKE = "lake"
    """Stays inside the lake."""
    PRECISE = "precise"
    """Is published, but left out of a record whose place is generalised (it could state the place)."""
    PUBLIC = "public"
    """Is published with every record, generalised or not."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        The published term, or our own name in snake_case.
    dtype : polars data type
        Type of the interpreted value.
    meaning : str
        One sentence, with the unit where there is one.
    reach : Reach
        How far the value may travel.
    uri : str
        The term's address; empty for our own columns.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    reach: Reach = Reach.PUBLIC
    uri: str = ""


def names(columns: Iterable[Column]) -> list[str]:
    """Return the columns' names in order."""
    return [column.name for column in columns]


def schema(columns: Iterable[Column]) -> pl.Schema:
    """Return the Polars schema of the columns."""
    return pl.Schema({column.name: column.dtype for column in columns})


def conform(frame: pl.DataFrame, columns: Iterable[Column]) -> pl.DataFrame:
    """Return `frame` with exactly these columns, in this order and of these types; what is missing is null.

    Parameters
    ----------
    frame : polars.DataFrame
        n rows; columns that are not listed are left out.
    columns : iterable of Column
        The table's columns.

    Returns
    -------
    polars.DataFrame of n rows
    """
    nothing, had = _nothing(tuple(columns)), frame.schema
    wanted = nothing.schema
    if list(had.items()) == list(wanted.items()):
        return frame
    if had.keys().isdisjoint(wanted):
        return nothing.clear(frame.height)
    frame = frame.select(name for name in wanted if name in had)
    frame = frame.cast({name: dtype for name, dtype in wanted.items() if name in had and had[name] != dtype})
    return pl.concat([nothing, frame], how="diagonal")


@lru_cache(maxsize=128)
def _nothing(columns: tuple[Column, ...]) -> pl.DataFrame:
    """Return no rows of these columns: of a hundred columns Polars takes longer to make them than to fill them."""
    return pl.DataFrame(schema=schema(columns))


def _read_tables() -> dict[str, tuple[Column, ...]]:
    """Read the columns of every table from `columns.csv`."""
    tables: dict[str, list[Column]] = {}
    with files("biodata").joinpath("data").joinpath("columns.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            prefix, _, name = row["term"].partition(":")
            uri = _PREFIXES[prefix] + name if prefix in _PREFIXES else row["term"]
            column = Column(row["name"], _TYPES[row["type"]], row["meaning"], Reach(row["reach"]), uri)
            tables.setdefault(row["table"], []).append(column)
    return {name: tuple(columns) for name, columns in tables.items()}


_READ: Final = _read_tables()

STATED_TAXON: Final = (
    "acceptedScientificName", "species", "acceptedNameUsage", "originalNameUsage", "verbatimScientificName",
    "vernacularName", "verbatimIdentification", "kingdom", "phylum", "class", "order", "family", "genus",
)  # fmt: skip
"""The terms of `stated_taxon`: what a checklist fills in is not among them."""
OCCURRENCE: Final = _READ["occurrences"]
"""The interpreted layer of a record: the lake's table `occurrences`."""
SHARING: Final = _READ["sharing"]
"""What `sharing.publish` adds to a record that it let out."""
RIGHTS: Final = _READ["rights"]
"""What `sharing.publish` adds about the terms of use, where it knows the datasets' licences."""
ASSESSED: Final = _READ["assessed"]
"""What a release adds to records whose place is open, from what it publishes of them alone; each of the others
represents itself."""
PUBLISHED_OCCURRENCE: Final = tuple(c for c in OCCURRENCE if c.reach is not Reach.LAKE) + SHARING + RIGHTS + ASSESSED
"""The published layer of a record: the release's table `occurrences`."""
ASSESSMENT: Final = _READ["assessments"]
"""The lake's table `assessments`: what only the whole lake tells of a record; records without findings have no row."""

VERBATIM_TERMS: Final = tuple(names(_READ["verbatim_terms"]))
"""Terms that have a column of their own in the lake's table `verbatim`; any other heading goes into `other`."""
VERBATIM: Final = (
    *_READ["verbatim"],
    *(Column(f"v_{name}", pl.String, f"{name} as it came.", Reach.LAKE) for name in VERBATIM_TERMS),
    Column("other", pl.String, "JSON object of the headings that are no known term.", Reach.LAKE),
)
"""The verbatim layer of a record: the lake's table `verbatim`; `v_` keeps its columns apart from interpreted ones."""
WRITTEN: Final = "written:"
"""How columns of a batch begin that hold cells as somebody wrote them, where an accepted proposal stands in their place."""

EVENT_TERMS: Final = tuple(names(_READ["event_terms"]))
"""Names under which a source gives an event's cells: Darwin Core's events, the Humboldt extension's terms, and ours.

`design` is a value of `vocabularies.SurveyDesign`; `failurePeriods` are times without observation, intervals joined by
`|`; `timeZone` an IANA name or offset; `side` the country of a project's side; `cameraID` the device; `clockCorrection` what
is to be added to its times, ISO 8601; `cameraClockAtStart` and `cameraClockAtEnd` what its clock showed when it was set up
and taken down; `deploymentStart` and `deploymentEnd` the two ends of eventDate in
cells of their own. The names of those who did the work are never kept: `samplingPerformedBy` is dropped.
"""
EVENT: Final = _READ["events"]
"""The lake's table `events`."""
SURVEY: Final = _READ["surveys"]
"""What is published of events: the release's table `surveys`."""
ARCHIVED_ROW: Final = OWN + "stands_for"
"""The term, in the core of an archive of ours, that says what a row is: an `ArchivedRow`."""
ARCHIVED_BASIS: Final = OWN + "effort_basis"
ARCHIVED_FAILED_DAYS: Final = OWN + "failed_days"
ARCHIVED_FLAGS: Final = OWN + "quality_flags"
ARCHIVED_COUNTRIES: Final = OWN + "country_codes"
ARCHIVED_CATEGORY: Final = OWN + "sharing_category"
"""Terms of an archive of ours that an interpretation goes on with: an event's effort has the failures taken off already, and
a coarse cell may lie in all its countries."""


class ArchivedRow(StrEnum):
    """What a row in the core of an archive of ours is."""

    EVENT = "event"
    """A sampling event."""
    RECORDS = "records"
    """No event: where and when records were made whose event is not stated. An archive wants a row of the core for each."""


TAXON: Final = _READ["taxa"]
"""The lake's and the release's table `taxa`."""
TAXON_STATUS: Final = _READ["taxon_statuses"]
"""The release's table `taxon_statuses`: one row a status, list and name."""
RECORD_STATUS: Final = _READ["record_statuses"]
"""What the lists of a release say of a record's taxon where the record lies; see `lists.of_records`."""
EXPORTED_OCCURRENCE: Final = PUBLISHED_OCCURRENCE + RECORD_STATUS
"""What can stand in a file of records."""
EXTENSION: Final = "vernacular_extension"
"""The column in which an archive's common names stand beside its taxa: a JSON array of name, language, preferred, source."""
BESIDE: Final = "extension "
"""How the columns begin in which the rows of an archive's other tables stand beside its taxa: JSON arrays of objects."""
PROTECTED_AREA: Final = _READ["protected_areas"]
CORRIDOR: Final = _READ["corridors"]
CANDIDATE: Final = _READ["reserve_candidates"]
CONSIDERED: Final = _READ["considered_ground"]
"""The lake's and the release's tables of protected areas, corridors, candidates, and all ground that was looked at."""
LAYER: Final = _READ["layers"]
"""The lake's table `layers`: what is known of each layer; cells and features stay in their files."""

TABLES: Final = MappingProxyType(
    {
        "occurrences": OCCURRENCE, "verbatim": VERBATIM, "events": EVENT, "assessments": ASSESSMENT,
        "protected_areas": PROTECTED_AREA, "corridors": CORRIDOR, "reserve_candidates": CANDIDATE,
        "considered_ground": CONSIDERED, "taxa": TAXON, "layers": LAYER,
    }
)  # fmt: skip
"""The lake's tables."""

PUBLISHED_TABLES: Final = MappingProxyType(
    {
        "occurrences": PUBLISHED_OCCURRENCE,
        **{
            name: tuple(c for c in TABLES[name] if c.reach is not Reach.LAKE)
            for name in ("protected_areas", "corridors", "reserve_candidates", "considered_ground", "taxa")
        },
        "taxon_statuses": TAXON_STATUS,
    }
)
"""The release's tables of records; DESIGN's low-zoom aggregates and key columns are the store's own."""
