"""The columns of sampling events: deployments, transects, visits, each with its effort and what was looked for."""

from enum import StrEnum
from typing import Final

import polars as pl

from biodata.terms.columns import DC, OWN, Column, Reach, dwc
from biodata.terms.occurrences import SHARED_AS

ECO: Final = "http://rs.tdwg.org/eco/terms/"
_LAKE = Reach.LAKE

EVENT_TERMS: Final = tuple(
    """
    eventID parentEventID eventType fieldNumber eventDate eventTime startDayOfYear endDayOfYear year month day
    verbatimEventDate habitat samplingProtocol sampleSizeValue sampleSizeUnit samplingEffort fieldNotes eventRemarks
    locationID higherGeography continent waterBody islandGroup island country countryCode stateProvince county
    municipality locality verbatimLocality minimumElevationInMeters maximumElevationInMeters verbatimElevation
    decimalLatitude decimalLongitude geodeticDatum coordinateUncertaintyInMeters coordinatePrecision
    verbatimCoordinates verbatimLatitude verbatimLongitude verbatimCoordinateSystem verbatimSRS footprintWKT
    footprintSRS license rightsHolder accessRights datasetName
    targetTaxonomicScope excludedTaxonomicScope isAbsenceReported absentTaxa isSamplingEffortReported
    samplingEffortProtocol samplingEffortValue samplingEffortUnit protocolNames samplingPerformedBy siteCount
    isVegetationCoverReported eventDurationValue eventDurationUnit totalAreaSampledValue totalAreaSampledUnit
    design failurePeriods timeZone side cameraID clockCorrection cameraClockAtStart cameraClockAtEnd
    deploymentStart deploymentEnd
    """.split()
)
"""Names under which a source gives an event's cells: Darwin Core's events, the Humboldt extension's terms, and ours.

`design` is a value of `vocabularies.SurveyDesign`; `failurePeriods` are times without observation, intervals joined by
`|`; `timeZone` an IANA name or offset; `side` the country of a project's side; `cameraID` the device; `clockCorrection` what
is to be added to its times, ISO 8601; `cameraClockAtStart` and `cameraClockAtEnd` what its clock showed when it was set up
and taken down; `deploymentStart` and `deploymentEnd` the two ends of eventDate in cells of their own. The names of those who did the work are never kept: `samplingPerformedBy` is dropped.
"""


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
    """No event: where and when records were made whose event is not told. An archive wants a row of the core for each."""


def eco(name: str, dtype: pl.DataType | type[pl.DataType], meaning: str, reach: Reach = Reach.PUBLIC) -> Column:
    """Return a column that is a term of the Humboldt extension."""
    return Column(name, dtype, meaning, reach, ECO + name)


EVENT: Final = (
    Column("event_key", pl.String, "`datasetKey:eventID`.", _LAKE),
    Column("datasetKey", pl.String, "The dataset."),
    dwc("eventID", pl.String, "Identifier of the event in its dataset.", Reach.PRECISE),
    dwc("parentEventID", pl.String, "The event that it is a part of.", Reach.PRECISE),
    dwc("locationID", pl.String, "The site; the same on both sides of a border where it is the same.", Reach.PRECISE),
    Column("design", pl.String, "The design (`SurveyDesign`); null where the method is not one of them."),
    dwc("samplingProtocol", pl.String, "The method as told.", Reach.PRECISE),
    Column("event_start", pl.Datetime("us"), "First moment, local time.", Reach.PRECISE),
    Column("event_end", pl.Datetime("us"), "Last moment, local time.", Reach.PRECISE),
    dwc("eventDate", pl.String, "The interval as ISO 8601, as exact as it was told.", Reach.PRECISE),
    Column("time_zone", pl.String, "IANA name or offset of the local time.", Reach.PRECISE),
    dwc("decimalLatitude", pl.Float64, "Degrees, WGS 84.", Reach.PRECISE),
    dwc("decimalLongitude", pl.Float64, "Degrees, WGS 84.", Reach.PRECISE),
    dwc("coordinateUncertaintyInMeters", pl.Float64, "Metres.", Reach.PRECISE),
    dwc("footprintWKT", pl.String, "Line of a transect or outline of a plot, degrees.", Reach.PRECISE),
    Column("country_codes", pl.List(pl.String), "Countries that the place may lie in."),
    dwc("stateProvince", pl.String, "Province that the place lies in, as harmonised.", Reach.PRECISE),
    dwc("locality", pl.String, "Name of the place.", Reach.PRECISE),
    dwc("habitat", pl.String, "Habitat as told.", Reach.PRECISE),
    Column("effort_value", pl.Float64, "Effort with failures taken off, in `effort_unit`; null where it is not known."),
    Column("effort_unit", pl.String, "Unit of the design's effort, such as trap-night."),
    Column("effort_basis", pl.String, "How the effort was found: told, from times, from the line, from the area."),
    Column("failure_periods", pl.List(pl.String), "Times without observation, ISO 8601 intervals.", Reach.PRECISE),
    Column("camera_id", pl.String, "The camera or recorder.", _LAKE),
    Column(
        "side",
        pl.String,
        "Country from whose side it was done: as told, else the only one it may lie in.",
        Reach.PRECISE,
    ),
    Column("failed_days", pl.Float64, "Days of the event without observation.", Reach.PRECISE),
    eco("targetTaxonomicScope", pl.List(pl.String), "Taxa that were looked for, of any rank; null where not told."),
    eco(
        "excludedTaxonomicScope", pl.List(pl.String), "Taxa within the targets that were not looked for; null for none."
    ),
    eco("isAbsenceReported", pl.Boolean, "Whether a target that is not among the records was not found."),
    Column(
        "measurements",
        pl.String,
        "Measurements and facts as a JSON list of rows; published are those of water, weather and ground.",
        Reach.PRECISE,
    ),
    dwc("eventRemarks", pl.String, "Remarks, which may tell of any animal that was met.", _LAKE),
    dwc("license", pl.String, "Licence as harmonised."),
    Column("quality_flags", pl.List(pl.String), "Doubts; see `flags`."),
    Column(
        "shared_as", SHARED_AS, "How the biodata that wrote its archive had made it coarser; null for others.", _LAKE
    ),
    Column(
        "dataset_part",
        pl.String,
        "The part of its dataset that it belongs to; null where its dataset has no parts.",
        _LAKE,
    ),
    Column("source_file", pl.String, "The file.", _LAKE),
    Column("source_sheet", pl.String, "The sheet.", _LAKE),
    Column("source_row", pl.Int64, "Row of that sheet, as a person counts.", _LAKE),
    Column("verbatim", pl.String, "JSON object: every cell as it came, by its term or heading.", _LAKE),
)
"""The lake's table `events`."""

_OF_EVENTS: Final = {column.name: column for column in EVENT}


def _as_told(*names: str) -> tuple[Column, ...]:
    return tuple(_OF_EVENTS[name] for name in names)


SURVEY: Final = (
    Column(
        "survey_id",
        pl.String,
        "The dataset's key and the event's identifier in it; a made one where the place is coarse.",
    ),
    *_as_told("datasetKey", "eventID", "parentEventID", "locationID", "design", "samplingProtocol"),
    Column("year", pl.Int32, "Year of its first day."),
    Column(
        "event_start",
        pl.Date,
        "First day, local time; of an event that only its records tell, that of the open ones.",
        Reach.PRECISE,
    ),
    Column("event_end", pl.Date, "Last day, local time.", Reach.PRECISE),
    *_as_told("eventDate", "time_zone", "stateProvince", "locality", "habitat", "effort_value", "effort_unit"),
    *_as_told("effort_basis", "failed_days", "targetTaxonomicScope", "excludedTaxonomicScope"),
    *_as_told("isAbsenceReported", "measurements"),
    Column("records", pl.Int64, "Its open records.", Reach.PRECISE),
    Column("species", pl.Int64, "Species that they name.", Reach.PRECISE),
    Column("country_codes", pl.List(pl.String), "Every country that its place may belong to."),
    dwc("coordinateUncertaintyInMeters", pl.Float64, "Radius in metres of the smallest circle holding the place."),
    Column("license", pl.String, "The licence that holds, in GBIF's spelling (CC_BY_4_0).", uri=DC + "license"),
    Column("community_labels", pl.List(pl.String), "Labels of communities that the event carries (TK-SS)."),
    Column("quality_flags", pl.List(pl.String), "Names of the doubts, see biodata.flags."),
    Column("sharing_category", pl.String, "open, or the category of the strictest record at its station."),
    dwc("informationWithheld", pl.String, "What is not told here, and why."),
    dwc("dataGeneralizations", pl.String, "How the published place was made coarser."),
    Column(
        "geometry",
        pl.Binary,
        "WKB, degrees, WGS 84: the box of its open records or parts; without any its line, outline or point, or a coarse cell.",
    ),
)
"""What is published of events: the release's table `surveys`."""
