"""Controlled values and the region's scope: one place for each list."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class SharingCategory(StrEnum):
    """How coarse a published place is, from Chapman 2020 (https://doi.org/10.15468/doc-5jp4-5g10), strictest first."""

    WITHHELD = "withheld"
    ONE_DEGREE = "1_degree"
    TENTH_DEGREE = "0_1_degree"
    HUNDREDTH_DEGREE = "0_01_degree"
    THOUSANDTH_DEGREE = "0_001_degree"
    OPEN = "open"

    @property
    def cell_degrees(self) -> float | None:
        """Side of the published cell in degrees; None where nothing, or the exact place, is published."""
        return _CELL_DEGREES.get(self)

    @property
    def strictness(self) -> int:
        """5 for withheld, down to 0 for open: the larger number wins."""
        return len(SharingCategory) - 1 - list(SharingCategory).index(self)


_CELL_DEGREES: Final = MappingProxyType(
    {
        SharingCategory.ONE_DEGREE: 1.0,
        SharingCategory.TENTH_DEGREE: 0.1,
        SharingCategory.HUNDREDTH_DEGREE: 0.01,
        SharingCategory.THOUSANDTH_DEGREE: 0.001,
    }
)


class EvidenceView(StrEnum):
    """Which records a run reads."""

    PUBLIC = "public"
    """What `sharing.publish` lets out of them: a sensitive record is its cell, a withheld one is not there."""
    EXACT = "exact"
    """The records as the lake has them."""


class EvidenceTier(StrEnum):
    """How sure it is that a species lives on a side."""

    CERTAIN = "certain"
    """By a record that surely lies there."""
    PROBABLE = "probable"
    """By records of which at least one very likely does."""
    LISTED = "listed"
    """By no record, but by a checklist of a protected area."""


OWN_FILES: Final = "your own files: as exact as you gave them"
"""The view of the records on what is made of files that no sharing rule was asked about: whoever passes it on decides."""


class SurveyDesign(StrEnum):
    """How a survey looks; its effort and unit stand in `EFFORT_UNITS`."""

    CAMERA_TRAP = "camera_trap"
    LINE_TRANSECT = "line_transect"
    LISTENING_POST = "listening_post"
    SIGN_TRANSECT = "sign_transect"
    POINT_COUNT = "point_count"
    MIST_NET = "mist_net"
    PLOT = "plot"
    CONFLICT_INCIDENT = "conflict_incident"


EFFORT_UNITS: Final = MappingProxyType(
    {
        SurveyDesign.CAMERA_TRAP: "trap-night", SurveyDesign.LINE_TRANSECT: "km", SurveyDesign.LISTENING_POST: "hour",
        SurveyDesign.SIGN_TRANSECT: "km", SurveyDesign.POINT_COUNT: "minute", SurveyDesign.MIST_NET: "net-metre-hour",
        SurveyDesign.PLOT: "m²", SurveyDesign.CONFLICT_INCIDENT: "reporting-day",
    }
)  # fmt: skip
"""The unit in which a design's effort is counted; effort of two designs is never added."""


class CandidateCriterion(StrEnum):
    """What candidate reserves are compared by, in the order in which it is stated."""

    SHARED_SPECIES = "shared_species"
    HABITAT_CONTINUITY = "habitat_continuity"
    GOVERNANCE = "governance"
    NETWORK_GAIN = "network_gain"
    IRREPLACEABILITY = "irreplaceability"
    HUMAN_PRESSURE = "human_pressure"
    COST = "cost"


TRACKING_PROTOCOL: Final = "animal tracking"
"""How `samplingProtocol` begins for the places of an animal that carries a transmitter: always withheld."""

PATROL_PROTOCOL: Final = "ranger patrol"
"""How `samplingProtocol` begins for patrols: their days and ways are never published, only the wildlife that they saw."""

MACHINE_ONLY: Final = "machine only"
"""`identificationVerificationStatus` of a record that a machine determined and nobody has looked at."""

RED_LIST: Final = ("EX", "EW", "CR", "EN", "VU", "NT", "LC", "DD", "NE")
"""IUCN Red List categories."""

THREATENED: Final = ("CR", "EN", "VU")
"""IUCN Red List categories that count as threatened."""


@dataclass(frozen=True, slots=True)
class Member:
    """A country of the scope.

    Attributes
    ----------
    code : str
        ISO 3166-1 alpha-2.
    name : str
        English short name.
    asean_since : date, optional
        When it became an ASEAN member state; None for China.
    """

    code: str
    name: str
    asean_since: date | None


# Accession dates: https://asean.org/member-states/
MEMBERS: Final = MappingProxyType(
    {
        member.code: member
        for member in (
            Member("CN", "China", None), Member("BN", "Brunei Darussalam", date(1984, 1, 7)),
            Member("KH", "Cambodia", date(1999, 4, 30)), Member("ID", "Indonesia", date(1967, 8, 8)),
            Member("LA", "Lao PDR", date(1997, 7, 23)), Member("MY", "Malaysia", date(1967, 8, 8)),
            Member("MM", "Myanmar", date(1997, 7, 23)), Member("PH", "Philippines", date(1967, 8, 8)),
            Member("SG", "Singapore", date(1967, 8, 8)), Member("TH", "Thailand", date(1967, 8, 8)),
            Member("TL", "Timor-Leste", date(2025, 10, 26)), Member("VN", "Viet Nam", date(1995, 7, 28)),
        )
    }
)  # fmt: skip
"""The countries of the scope by code."""

# Yunnan, Guizhou, Sichuan, Chongqing and Xizang are the official Southwest; Guangxi belongs to the wider definition.
SOUTHWEST_CHINA: Final = MappingProxyType(
    {"CN-YN": True, "CN-GZ": True, "CN-SC": True, "CN-CQ": True, "CN-XZ": True, "CN-GX": False}
)
"""Provinces of Southwest China; True for the official core, False for the wider definition."""


class ConnectionKind(StrEnum):
    """What the numbers of Conefor's connection files are."""

    DISTANCE = "distance"
    PROBABILITY = "probability"
    LINK = "link"


class ConnectionLayout(StrEnum):
    """How a connection file is laid out."""

    LIST = "list"
    MATRIX = "matrix"


class Format(StrEnum):
    """File formats of an export."""

    DWCA = "dwca"
    CSV = "csv"
    GEOPARQUET = "geoparquet"
    GPKG = "gpkg"
    GEOJSON = "geojson"
    SPECIES_LIST = "species-list"
    CUBE = "cube"
    CAMTRAPDP = "camtrapdp"


class CubeGrid(StrEnum):
    """Cells of an occurrence cube."""

    EQDGC = "eqdgc"
    """Extended quarter degree grid cells of level 2: a quarter of a degree."""
    TENTH_DEGREE = "0.1"
    """A tenth of a degree."""
    EQUAL_AREA = "10km"
    """Squares of 10 km on the equal-area cylinder of EASE-Grid 2.0 (EPSG:6933)."""
