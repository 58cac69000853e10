"""The shapes of answers under /v1, for the documentation and for `tests/openapi.json`; handlers write bytes themselves."""

from datetime import date
from typing import Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, create_model

from biodata.core import terms
from biodata.sharing import measurements

_TYPES: Final = (
    (pl.Int64, int), (pl.Int32, int), (pl.Float64, float), (pl.String, str), (pl.Boolean, bool), (pl.Date, date),
    (pl.List(pl.String), list[str]),
)  # fmt: skip


def python_type(dtype: Any) -> Any:
    """Return the Python type that a column's values have in JSON; every other type is text."""
    return next((python for polars, python in _TYPES if dtype == polars), str)


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field(description="Address of the page about this kind of error.")
    title: str
    status: int
    detail: str
    code: str = Field(description="A stable name for programs.")
    request_id: str
    field: str | None = Field(default=None, description="The parameter or column.")
    expected: str | None = Field(default=None, description="What would be right.")
    near: list[str] | None = Field(default=None, description="Names that may have been meant.")


class _Identifier(BaseModel):
    identifier: str


class _Made(BaseModel):
    """What the members of an occurrence are that no column holds."""

    model_config = ConfigDict(extra="allow")

    country: str | None = Field(default=None, description="Name of the country.")
    continent: str | None = Field(default=None, description="Continent of the country, in GBIF's spelling.")
    acceptedTaxonKey: int | None = Field(default=None, description="GBIF's key of the accepted taxon.")
    kingdomKey: int | None = Field(default=None, description="GBIF's key of the kingdom, where known.")
    phylumKey: int | None = Field(default=None, description="GBIF's key of the phylum, where known.")
    classKey: int | None = Field(default=None, description="GBIF's key of the class, where known.")
    orderKey: int | None = Field(default=None, description="GBIF's key of the order, where known.")
    familyKey: int | None = Field(default=None, description="GBIF's key of the family, where known.")
    genusKey: int | None = Field(default=None, description="GBIF's key of the genus, where known.")
    classifications: dict[str, Any] | None = Field(default=None, description="The name in each checklist, by its key.")
    datasetTitle: str | None = Field(default=None, description="Title of the dataset.")
    gbifRegion: str | None = Field(default=None, description="ASIA for the countries of that region.")
    publishedByGbifRegion: str | None = Field(default=None, description="The same of the publishing country.")
    isSequenced: bool = Field(description="Always false: no sequence is linked.")
    datasetCategory: list[str] = Field(description="Always empty.")
    networkKeys: list[str] = Field(description="Always empty.")
    startDayOfYear: int | None = Field(default=None, description="First day of the year that the date allows.")
    endDayOfYear: int | None = Field(default=None, description="Last day of the year that the date allows.")
    issues: list[str] = Field(description="GBIF's names among quality_flags.")
    identifiers: list[_Identifier] = Field(description="The publisher's identifiers.")
    extensions: dict[str, Any] = Field(description="Always empty.")
    gadm: dict[str, Any] = Field(description="Always empty.")
    media: list[dict[str, Any]] = Field(
        description="Pictures and sounds with the licence of their own; else the kinds that mediaType tells."
    )
    facts: list[dict[str, Any]] = Field(
        description="Measurements and facts: id, type, value, unit, accuracy, method, determinedBy, determinedDate, remarks."
    )
    relations: list[dict[str, Any]] = Field(description="Always empty.")
    recordedByIDs: list[dict[str, Any]] = Field(description="Always empty.")
    identifiedByIDs: list[dict[str, Any]] = Field(description="Always empty.")


def _columns() -> dict[str, Any]:
    """Return the members that are columns; only the key always stands."""
    of_one = " It stands in the answer of one record, not of many."
    return {
        column.name: (
            python_type(column.dtype) | None,
            Field(default=None, description=column.meaning + of_one * (column in terms.RECORD_STATUS)),
        )
        for column in terms.EXPORTED_OCCURRENCE
        if column.name not in ("key", measurements.COLUMN, *_Made.model_fields)
    } | {"key": (int, Field(description=terms.PUBLISHED_OCCURRENCE[0].meaning))}


Occurrence = create_model(
    "Occurrence",
    __doc__="A published occurrence in GBIF's shape; what is not known is absent.",
    __base__=_Made,
    **_columns(),
)


class VerbatimOccurrence(BaseModel):
    """Published values of an occurrence under full term addresses."""

    model_config = ConfigDict(extra="allow")

    key: int
    datasetKey: str | None = None
    extensions: dict[str, Any]


class CountDimension(BaseModel):
    """A parameter that counts can be asked by."""

    key: str
    type: str


class CountSchema(BaseModel):
    """Parameters that may stand together in a count."""

    dimensions: list[CountDimension]


class FacetCount(BaseModel):
    """How many records have one value."""

    name: str
    count: int


class Facet(BaseModel):
    """Counts by one parameter."""

    field: str = Field(description="The parameter's name as GBIF's enumeration has it: BASIS_OF_RECORD.")
    counts: list[FacetCount]


class Page(BaseModel):
    """GBIF's envelope."""

    offset: int
    limit: int
    endOfRecords: bool
    count: int


class OccurrencePage(Page):
    """A page of occurrences."""

    results: list[Occurrence]  # type: ignore[valid-type]  # made from the columns above
    facets: list[Facet]


class Species(BaseModel):
    """A name of the checklist in GBIF's shape; what is not known is absent."""

    key: int | None = Field(default=None, description="GBIF's integer key, where known.")
    nubKey: int | None = Field(default=None, description="The same.")
    acceptedKey: int | None = Field(default=None, description="GBIF's key of the accepted name.")
    taxonID: str = Field(description="Identifier in the checklist.")
    acceptedTaxonID: str | None = None
    checklist: str
    scientificName: str
    canonicalName: str
    authorship: str | None = None
    rank: str | None = None
    taxonomicStatus: str | None = None
    synonym: bool
    kingdom: str | None = None
    phylum: str | None = None
    class_: str | None = Field(default=None, alias="class")
    order: str | None = None
    family: str | None = None
    genus: str | None = None
    species: str | None = None
    iucnRedListCategory: str | None = None
    vernacularNames: list[dict[str, str]]


class Match(BaseModel):
    """What a name means, as GBIF's /v1 tells it; what is not known is absent."""

    model_config = ConfigDict(extra="allow")

    usageKey: int | str | None = Field(default=None, description="GBIF's integer key, else the checklist's.")
    acceptedUsageKey: int | str | None = None
    scientificName: str | None = None
    canonicalName: str | None = None
    rank: str | None = None
    status: str | None = None
    confidence: int
    matchType: str = Field(description="EXACT, FUZZY, HIGHERRANK or NONE.")
    synonym: bool
    note: str | None = None


class MatchV2(BaseModel):
    """What a name means, as GBIF's /v2 tells it."""

    usage: dict[str, str] | None = None
    acceptedUsage: dict[str, str] | None = None
    classification: list[dict[str, str]] | None = None
    diagnostics: dict[str, Any]
    synonym: bool
    additionalStatus: list[dict[str, str]] | None = None


class ParsedName(BaseModel):
    """A name taken apart, as GBIF's parser tells it; what is not there is absent."""

    scientificName: str
    type: str
    parsed: bool
    genusOrAbove: str | None = None
    specificEpithet: str | None = None
    infraSpecificEpithet: str | None = None
    authorship: str | None = None
    year: str | None = None
    bracketAuthorship: str | None = None
    bracketYear: str | None = None
    canonicalName: str | None = None
    canonicalNameWithMarker: str | None = None
    canonicalNameComplete: str | None = None
    rankMarker: str | None = None


class SpeciesPage(Page):
    """A page of names."""

    results: list[Species]
    facets: list[Facet]


class Dataset(BaseModel):
    """A dataset of the release; what is not known is absent."""

    key: str
    title: str | None = None
    description: str | None = None
    license: str | None = Field(default=None, description="As its publisher tells it.")
    license_effective: str | None = Field(default=None, description="The strictest that holds for its records.")
    community_labels: list[str] | None = Field(default=None, description="Labels of communities that records carry.")
    rights: str | None = Field(default=None, description="Licence, labels and permits in words.")
    publishingOrganizationTitle: str | None = Field(default=None, description="Who published it.")
    citation: dict[str, str] | None = None
    doi: str | None = None
    homepage: str | None = Field(default=None, description="Its page.")
    type: str
    created: str | None = None
    modified: str | None = Field(default=None, description="When the release was made.")
    recordCount: int
    georeferencedCount: int | None = Field(default=None, description="Published records with coordinates.")
    generalisedCount: int | None = Field(
        default=None, description="Presences: each stands for all records of a sensitive taxon in a cell."
    )
    speciesCount: int | None = None
    surveyCount: int | None = Field(default=None, description="Published survey events.")
    geographicCoverages: list[dict[str, Any]] | None = Field(default=None, description="Of published coordinates.")
    temporalCoverages: list[dict[str, Any]] | None = None
    endpoints: list[dict[str, Any]] | None = None


class DatasetSuggestion(BaseModel):
    """A dataset, shortly."""

    key: str
    title: str
    type: str


class DatasetMetrics(BaseModel):
    """Numbers of a dataset's published records."""

    datasetKey: str
    usagesCount: int
    occurrencesCount: int
    georeferencedCount: int
    generalisedCount: int
    distinctSpeciesCount: int
    countByKingdom: dict[str, int]
    countByRank: dict[str, int]
    countByIssue: dict[str, int]
    created: str


class DatasetPage(Page):
    """A page of datasets."""

    results: list[Dataset]
    facets: list[Facet]


class NamedArea(BaseModel):
    """An area of the release."""

    kind: str = Field(description="The table that holds it.")
    id: str = Field(description="What withinArea takes.")
    name: str | None = None
    names: list[str] = Field(description="Its names in every language that is known.")
    countries: list[str]


class AreaPage(Page):
    """A page of areas."""

    results: list[NamedArea]


class UploadedArea(BaseModel):
    """An area that was uploaded."""

    id: str = Field(description="What withinArea takes; the same polygon has the same id.")
    kind: str
    name: str | None = None
    bbox: list[float]
    polygon_area_km2: float
    notes: list[str] = Field(description="What was done to read it.")
    location: str


class SurveyProblem(BaseModel):
    """One fault of a survey."""

    file: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None
    code: str
    blocking: bool
    message: str
    expected: str | None = None
    proposal: str | None = Field(
        default=None, description="What stands in the place of the cell where `accept` takes it."
    )


class SurveyNotice(BaseModel):
    """What is no fault of a survey and worth knowing, such as a sensitive name, and why its place is coarse."""

    code: str
    name: str = Field(description="The name or the word of a scope that it is about.")
    category: str | None = Field(default=None, description="How coarse its places are published; null for a scope.")
    sure: bool = Field(description="False where the name may only mean a sensitive species.")
    may_mean: list[str] = Field(
        description="The first few sensitive taxa that it may mean; none where it may mean any."
    )
    rows: list[int]
    events: list[str]
    others: int = Field(
        description="Open records of these events that become as coarse, since they would show its place."
    )
    message: str
    expected: str | None = None


class ProblemGroup(BaseModel):
    """Problems of one kind in one column."""

    code: str
    column: str | None
    blocking: bool
    rows: int = Field(description="How many there are.")
    values: int = Field(description="In how many different cells' texts.")
    first: dict[str, Any] = Field(description="Sheet and row of the first.")
    message: str
    expected: str | None
    proposals: int = Field(description="How many have a clear proposal, which `accept` takes.")


class SurveyReport(BaseModel):
    """What a check of a survey found; nothing was kept."""

    file: str
    form: str = Field(description="What the file was taken for: `survey` (sheets), `camtrapdp`, `dwca`, `smart`, …")
    rows: int
    ok: bool = Field(description="True where nothing blocks.")
    blocking: int
    warnings: int
    accepted: int = Field(default=0, description="Cells in whose place an accepted proposal stands.")
    accepts: list[str] = Field(default=[], description="What was accepted: codes, or CODE=value.")
    groups: list[ProblemGroup] = Field(
        default=[], description="Problems of one kind and column together; those that block first."
    )
    problems: list[SurveyProblem]
    notes: list[str] = Field(default=[], description="What else the reader of its form says.")
    notices: list[SurveyNotice] = Field(default=[], description="Told to whoever sends the file, and never kept.")


class Receipt(BaseModel):
    """A survey that was kept and queued."""

    id: int
    state: str
    stage: str = Field(
        description="`checking` until the service has looked at it; else as GET /v1/surveys/{id} tells it."
    )
    next: str | None = Field(default=None, description="What happens next, in the language that is asked for.")
    location: str


class AnswerLink(BaseModel):
    """Where something of an answer stands."""

    rel: str
    href: str
    type: str


class AskedParameter(BaseModel):
    """A parameter as it was given."""

    name: str
    value: str


class DownloadDataset(BaseModel):
    """A dataset's part of a download."""

    key: str | None
    title: str | None
    count: int
    license: str = Field(description="The strictest licence of these records.")
    labels: list[str] = Field(default=[], description="Labels of communities that some of them carry.")
    doi: str | None = Field(description="DOI of the dataset, or of the download that it came by.")


class Download(BaseModel):
    """How a download stands."""

    id: str
    state: str = Field(description="queued, running, done, failed, cancelled, expired or erased.")
    format: str
    release: str = Field(description="The release that it is made of.")
    progress: float = Field(description="0-1.")
    parameters: list[AskedParameter]
    created: str
    finished: str | None = None
    expires: str | None = Field(default=None, description="When the file goes.")
    error: str | None = Field(default=None, description="Why it failed.")
    citation: str | None = Field(default=None, description="Id of its citation, where there is one.")
    rows: int | None = Field(default=None, description="Records that are counted in it.")
    size: int | None = Field(default=None, description="Bytes of the file.")
    sha256: str | None = Field(default=None, description="Checksum of the file.")
    license: str | None = Field(default=None, description="The strictest licence of all records.")
    community_labels: list[str] | None = Field(default=None, description="Labels of communities that records carry.")
    datasets: list[DownloadDataset] | None = None
    generalised: dict[str, int] | None = Field(default=None, description="Records by how coarse their place is.")
    generalisation: str | None = Field(default=None, description="The same in words.")
    without_place: int | None = Field(default=None, description="Records without published coordinates.")
    without_year: int | None = Field(default=None, description="Records without a year.")
    file: str | None = Field(default=None, description="Address of the file.")
    filename: str | None = None
    links: list[AnswerLink]
