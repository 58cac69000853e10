"""What a sheet of each design asks for: sites, events with their effort, and occurrences."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from biodata.vocabularies import EFFORT_UNITS, SurveyDesign


@dataclass(frozen=True, slots=True)
class Asked:
    """A column.

    Attributes
    ----------
    term : str
        The term that its heading means.
    needed : bool
        Whether a row cannot do without it.
    example : str
        What stands in the example row.
    choices : str or None
        The list of the codes sheet that its cells come from.
    """

    term: str
    needed: bool
    example: str
    choices: str | None = None


@dataclass(frozen=True, slots=True)
class Design:
    """A design.

    Attributes
    ----------
    name : SurveyDesign
        Which.
    unit : str
        The unit of its effort.
    sites, events, occurrences : tuple of Asked
        Columns of its sheets.
    """

    name: SurveyDesign
    unit: str
    sites: tuple[Asked, ...]
    events: tuple[Asked, ...]
    occurrences: tuple[Asked, ...]

    @property
    def sheets(self) -> Mapping[str, tuple[Asked, ...]]:
        """The sheets that are filled in, by kind."""
        return MappingProxyType({"sites": self.sites, "events": self.events, "occurrences": self.occurrences})


_SITES: Final = (
    Asked("locationID", True, "S01"),
    Asked("locality", False, "Nam Ha"),
    Asked("decimalLatitude", True, "21.05123"),
    Asked("decimalLongitude", True, "101.35456"),
    Asked("coordinateUncertaintyInMeters", False, "10"),
    Asked("countryCode", True, "LA", "countries"),
    Asked("habitat", False, ""),
    Asked("side", False, "LA", "countries"),
    Asked("timeZone", False, "+07:00"),
)
_SCOPE: Final = (
    Asked("targetTaxonomicScope", False, "Mammalia|Galliformes"),
    Asked("isAbsenceReported", False, "yes", "answers"),
    Asked("eventRemarks", False, ""),
)
_RECORDS: Final = (
    Asked("occurrenceID", True, ""),
    Asked("eventID", True, "E01"),
    Asked("eventDate", True, "2026-03-17"),
    Asked("eventTime", False, "06:42"),
    Asked("scientificName", True, "Sus scrofa"),
    Asked("individualCount", False, "1"),
    Asked("sex", False, ""),
    Asked("lifeStage", False, ""),
    Asked("behavior", False, ""),
    Asked("occurrenceRemarks", False, ""),
)


def _started(start: str, end: str) -> tuple[Asked, ...]:
    """Return the columns of an event with a beginning and an end."""
    return (
        Asked("eventID", True, ""), Asked("locationID", True, "S01"), Asked("design", True, "", "designs"),
        Asked("deploymentStart", True, start), Asked("deploymentEnd", True, end),
    )  # fmt: skip


_DATED: Final = (
    Asked("eventID", True, ""),
    Asked("locationID", True, "S01"),
    Asked("design", True, "", "designs"),
    Asked("eventDate", True, "2026-03-17"),
)
_CAMERA: Final = (
    Asked("cameraID", False, "C07"),
    Asked("failurePeriods", False, "2026-03-20/2026-03-28"),
    Asked("cameraClockAtStart", False, "2026-03-01T12:00"),
    Asked("cameraClockAtEnd", False, "2026-03-31T12:02"),
    Asked("clockCorrection", False, ""),
)
_WALKED: Final = (
    Asked("samplingEffortValue", True, "2.5"),
    Asked("samplingEffortUnit", True, "", "units"),
    Asked("footprintWKT", False, "LINESTRING(101.35 21.05, 101.36 21.07)"),
)
_DISTANCE: Final = (Asked("perpendicular_distance_m", False, "15"),)
_NET: Final = (Asked("sampleSizeValue", True, "60"), Asked("sampleSizeUnit", True, "", "units"))
_PLOT: Final = (*_NET, Asked("footprintWKT", False, ""))
_FAILURES: Final = (Asked("failurePeriods", False, ""),)
_HOURS: Final = ("2026-03-17T05:30", "2026-03-17T09:30")


def _design(name: SurveyDesign, events: tuple[Asked, ...], records: tuple[Asked, ...] = ()) -> Design:
    """Return a design with what all designs ask for."""
    return Design(name, EFFORT_UNITS[name], _SITES, (*events, *_SCOPE), (*_RECORDS[:-1], *records, _RECORDS[-1]))


DESIGNS: Final[Mapping[SurveyDesign, Design]] = MappingProxyType(
    {
        design.name: design
        for design in (
            _design(SurveyDesign.CAMERA_TRAP, (*_started("2026-03-01T12:00", "2026-03-31T12:00"), *_CAMERA)),
            _design(SurveyDesign.LINE_TRANSECT, (*_DATED, *_WALKED), _DISTANCE),
            _design(SurveyDesign.LISTENING_POST, (*_started(*_HOURS), *_FAILURES)),
            _design(SurveyDesign.SIGN_TRANSECT, (*_DATED, *_WALKED), _DISTANCE),
            _design(SurveyDesign.POINT_COUNT, (*_started("2026-03-17T06:00", "2026-03-17T06:10"), *_FAILURES)),
            _design(SurveyDesign.MIST_NET, (*_started("2026-03-17T06:00", "2026-03-17T11:00"), *_NET, *_FAILURES)),
            _design(SurveyDesign.PLOT, (*_DATED, *_PLOT)),
            _design(SurveyDesign.CONFLICT_INCIDENT, (*_started("2026-03-01", "2026-03-31"), *_FAILURES)),
        )
    }
)
"""Every design by its name."""

PROJECT: Final = (Asked("license", False, "", "licences"), Asked("geodeticDatum", False, "WGS84", "datums"))
"""What is told once for the whole survey. A licence is nobody's to choose but the team's; a GPS receiver shows WGS 84."""

SAMPLE_UNITS: Final = MappingProxyType({SurveyDesign.MIST_NET: "m", SurveyDesign.PLOT: "m²"})
"""The unit of `sampleSizeValue` where a design asks for it: the length of nets, the area of a plot."""
