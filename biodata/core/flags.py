"""Every doubt that biodata can name: GBIF's issue names where they exist, ours where they do not."""

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class About(StrEnum):
    """What a flag is about."""

    PLACE = "place"
    TIME = "time"
    NAME = "name"
    RECORD = "record"
    AREA = "area"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt about a record, an area or a sampling event.

    Attributes
    ----------
    name : str
        The name as it stands in `quality_flags`.
    about : About
        What it is about.
    meaning : str
        One sentence for a field biologist.
    gbif : bool
        True where GBIF has an issue of this name and meaning.
    placeless : bool
        True for a doubt about the place that is the same wherever the place is; the others can state it.
    bdq : tuple of str
        Labels of the tests of TDWG BDQ Core that ask for the same; empty where there is none.
    """

    name: str
    about: About
    meaning: str
    gbif: bool = True
    placeless: bool = False
    bdq: tuple[str, ...] = ()

    @property
    def narrows_place(self) -> bool:
        """True where the doubt can narrow down the place: it never stays with a place that is generalised or withheld."""
        return self.about in (About.PLACE, About.AREA) and not self.placeless


_PLACE, _TIME, _NAME, _RECORD, _AREA, _EVENT = About

_ALL = (
    Flag("ZERO_COORDINATE", _PLACE, "Latitude and longitude are both exactly 0."),
    Flag("COORDINATE_INVALID", _PLACE, "A coordinate is no number that can be read."),
    Flag("COORDINATE_OUT_OF_RANGE", _PLACE, "Latitude is beyond ±90° or longitude beyond ±180°."),
    Flag("COORDINATE_ROUNDED", _PLACE, "The publisher's coordinates have more decimals than are kept."),
    Flag("PRESUMED_SWAPPED_COORDINATE", _PLACE, "Latitude and longitude seem to be swapped; a proposal is made."),
    Flag("PRESUMED_NEGATED_LATITUDE", _PLACE, "The latitude's sign seems wrong; a proposal is made."),
    Flag("PRESUMED_NEGATED_LONGITUDE", _PLACE, "The longitude's sign seems wrong; a proposal is made."),
    Flag("COUNTRY_COORDINATE_MISMATCH", _PLACE, "The coordinates fall in another country than the one stated."),
    Flag(
        "COUNTRY_DERIVED_FROM_COORDINATES",
        _PLACE,
        "No country that is known was stated; it was taken from the coordinates.",
    ),
    Flag("COUNTRY_INVALID", _PLACE, "The stated country is not known."),
    Flag("COUNTRY_MISMATCH", _PLACE, "country and countryCode name different countries."),
    Flag("GEODETIC_DATUM_INVALID", _PLACE, "The stated datum is not known."),
    Flag("GEODETIC_DATUM_ASSUMED_WGS84", _PLACE, "No datum was stated; WGS 84 is assumed.", placeless=True),
    Flag("GEODETIC_DATUM_NOT_WGS84", _PLACE, "The datum is another than WGS 84; the place was not moved.", gbif=False),
    Flag("COORDINATE_REPROJECTED", _PLACE, "The place was moved to WGS 84 from the system that its dataset declares."),
    Flag("COORDINATE_REPROJECTION_FAILED", _PLACE, "No published way leads from the declared system to WGS 84 there."),
    Flag(
        "COORDINATE_UNCERTAINTY_METERS_INVALID",
        _PLACE,
        "The stated uncertainty is no distance in metres.",
        placeless=True,
    ),
    Flag(
        "COORDINATE_UNCERTAINTY_DECLARED",
        _PLACE,
        "No uncertainty was told; it is what the dataset's keeper declares of all its places.",
        gbif=False,
        placeless=True,
    ),
    Flag(
        "COORDINATE_PRECISION_INVALID",
        _PLACE,
        "The stated precision is no number of degrees between 0 and 10.",
        placeless=True,
    ),
    Flag("ELEVATION_NON_NUMERIC", _PLACE, "The elevation is no number.", placeless=True),
    Flag("ELEVATION_UNLIKELY", _PLACE, "The elevation is above 17 000 m or below -11 000 m."),
    Flag("DEPTH_NON_NUMERIC", _PLACE, "The depth is no number.", placeless=True),
    Flag("DEPTH_UNLIKELY", _PLACE, "The depth is above 0 m or below 11 000 m."),
    Flag("COORDINATE_MISSING", _PLACE, "There are no coordinates, or only one of the two.", gbif=False, placeless=True),
    Flag(
        "COORDINATE_FROM_FOOTPRINT",
        _PLACE,
        "No coordinates were told; the place is a point of the footprint, its uncertainty reaches all of it.",
        gbif=False,
        placeless=True,
    ),
    Flag("PROVINCE_COORDINATE_MISMATCH", _PLACE, "The coordinates fall in another province than stated.", gbif=False),
    Flag("PROVINCE_UNKNOWN", _PLACE, "The stated province is not known in that country.", gbif=False),
    Flag("PROVINCE_AMBIGUOUS", _PLACE, "Several provinces of that country are, or were, called so.", gbif=False),
    Flag("COORDINATE_PROJECTED", _PLACE, "The coordinates are metres of a projection, not degrees.", gbif=False),
    Flag("BORDER_AMBIGUOUS", _PLACE, "The place lies within the boundary set's band around a border.", gbif=False),
    Flag("PUBLISHER_GENERALISED", _PLACE, "The publisher had already obscured the place.", gbif=False, placeless=True),
    # The first two are named as in the assertions of the Atlas of Living Australia; GBIF has none of these.
    Flag(
        "COORDINATES_CENTRE_OF_COUNTRY", _PLACE, "The point is the middle of a country, not a place in it.", gbif=False
    ),
    Flag("COORDINATES_CENTRE_OF_STATEPROVINCE", _PLACE, "The point is the middle of a province.", gbif=False),
    Flag("COORDINATES_CENTRE_OF_PREFECTURE", _PLACE, "The point is the middle of a prefecture.", gbif=False),
    Flag("COORDINATES_CENTRE_OF_COUNTY", _PLACE, "The point is the middle of a county or district.", gbif=False),
    Flag("NEAR_COUNTRY_CAPITAL", _PLACE, "The point is what gazetteers give for a country's capital.", gbif=False),
    Flag("NEAR_PROVINCE_CAPITAL", _PLACE, "The point is what gazetteers give for a province's capital.", gbif=False),
    Flag("NEAR_PREFECTURE_SEAT", _PLACE, "The point is what gazetteers give for a prefecture's seat.", gbif=False),
    Flag(
        "NEAR_COUNTY_SEAT", _PLACE, "The point is what gazetteers give for a county's or district's seat.", gbif=False
    ),
    Flag("AT_INSTITUTION", _PLACE, "The point lies at a museum, herbarium, garden, zoo or aquarium.", gbif=False),
    Flag(
        "MARINE_TAXON_ON_LAND", _PLACE, "A taxon of the sea, farther inland than the boundary set's band.", gbif=False
    ),
    Flag("LAND_TAXON_AT_SEA", _PLACE, "A taxon of the land, farther out than the boundary set's band.", gbif=False),
    Flag("POINT_USED_BY_MANY", _PLACE, "Many collectors over many years share this exact point.", gbif=False),
    Flag("SPECIES_OUTLIER", _PLACE, "The place is far from every other record of the species.", gbif=False),
    Flag("RECORDED_DATE_INVALID", _TIME, "The date cannot be read."),
    Flag("RECORDED_DATE_UNLIKELY", _TIME, "The date lies in the future or before 1600."),
    Flag("RECORDED_DATE_MISMATCH", _TIME, "eventDate and year, month, day tell different dates."),
    Flag("MODIFIED_DATE_INVALID", _TIME, "The date of modification cannot be read."),
    Flag("IDENTIFIED_DATE_INVALID", _TIME, "The date of identification cannot be read."),
    Flag("RECORDED_DATE_EXCEL_SERIAL", _TIME, "A spreadsheet's day number; the date is proposed.", gbif=False),
    Flag("RECORDED_DATE_BUDDHIST_ERA", _TIME, "A year of the Buddhist Era; the date is proposed.", gbif=False),
    Flag("RECORDED_DATE_DAY_MONTH_AMBIGUOUS", _TIME, "Day and month could be either way round.", gbif=False),
    Flag("RECORDED_DATE_MISSING", _TIME, "There is no date.", gbif=False),
    Flag("TAXON_MATCH_NONE", _NAME, "The name was not found in the checklist."),
    Flag("TAXON_MATCH_FUZZY", _NAME, "The name was found only by a spelling close to it."),
    Flag("TAXON_MATCH_HIGHERRANK", _NAME, "Only a higher rank was found."),
    Flag("TAXON_MATCH_AMBIGUOUS", _NAME, "The name stands for several taxa; none was chosen.", gbif=False),
    Flag(
        "TAXON_CLASSIFICATION_CONTRADICTED",
        _NAME,
        "The phylum or class that the source states is another one than that of the name.",
        gbif=False,
    ),
    Flag("SCIENTIFIC_NAME_UNREADABLE", _NAME, "The text is no scientific name of a taxon.", gbif=False),
    Flag("SCIENTIFIC_NAME_UNDETERMINED", _NAME, "Determined with doubt: cf., aff. or the like.", gbif=False),
    Flag("SCIENTIFIC_NAME_LOOKALIKE_LETTERS", _NAME, "Letters of another alphabet stand among Latin ones.", gbif=False),
    Flag("SCIENTIFIC_NAME_INVISIBLE_CHARACTERS", _NAME, "The name holds characters that nobody sees.", gbif=False),
    Flag("SCIENTIFIC_NAME_MISSING", _NAME, "There is no scientific name.", gbif=False),
    Flag("BASIS_OF_RECORD_INVALID", _RECORD, "The basis of record is not known."),
    Flag("OCCURRENCE_STATUS_UNPARSABLE", _RECORD, "The occurrence status is not known."),
    Flag("INDIVIDUAL_COUNT_INVALID", _RECORD, "The number of individuals is no whole number of 0 or more."),
    Flag("INDIVIDUAL_COUNT_NOT_TOLD", _RECORD, "Individuals were there (X) and were not counted.", gbif=False),
    Flag(
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS",
        _RECORD,
        "0 individuals of a present species, or more than 0 of an absent one.",
    ),
    Flag("TYPE_STATUS_INVALID", _RECORD, "The type status is not known."),
    Flag("LICENSE_UNKNOWN", _RECORD, "The licence is not known.", gbif=False),
    Flag("OCCURRENCE_ID_MISSING", _RECORD, "There is no occurrenceID; another identifier stood in.", gbif=False),
    Flag("TRACKED_ANIMAL", _RECORD, "The place of an animal that carries a transmitter: always withheld.", gbif=False),
    Flag("IDENTIFIED_BY_MACHINE", _RECORD, "A machine determined it, and nobody has looked at it.", gbif=False),
    Flag("OCCURRENCE_ID_FROM_CONTENT", _RECORD, "The file has no identifiers; the row's content stood in.", gbif=False),
    Flag(
        "PROPOSAL_ACCEPTED",
        _RECORD,
        "A proposal was accepted in the place of a cell; verbatim it is as it was written.",
        gbif=False,
    ),
    Flag("GEOMETRY_INVALID", _AREA, "The polygon was not valid and was repaired.", gbif=False),
    Flag("GEOMETRY_MISSING", _AREA, "The site has no geometry: it counts, but is not mapped.", gbif=False),
    Flag("GEOMETRY_POINT", _AREA, "The site is a point, not a polygon.", gbif=False),
    Flag("AREA_INVALID", _AREA, "The reported area cannot be read.", gbif=False),
    Flag("AREA_NUMBER_AMBIGUOUS", _AREA, "A mark in the reported area could part thousands or decimals.", gbif=False),
    Flag("AREA_UNIT_UNKNOWN", _AREA, "The reported area's unit is not known, or has no single size.", gbif=False),
    Flag("AREA_UNIT_MISSING", _AREA, "The reported area tells no unit; one may be proposed.", gbif=False),
    Flag(
        "AREA_UNIT_INFERRED", _AREA, "No unit is told; the only one in which it fits the polygon was taken.", gbif=False
    ),
    Flag("ZONE_AREAS_DISAGREE", _AREA, "The zones' areas add up to another than the site's area.", gbif=False),
    Flag("AREA_DISAGREES", _AREA, "Reported and computed area differ by more than a tenth.", gbif=False),
    Flag("BOUNDARY_DISAGREEMENT", _AREA, "It spills over a border inside or outside the band.", gbif=False),
    Flag("COUNTRY_DISAGREES", _AREA, "Most of it lies outside the country stated and the band around it.", gbif=False),
    Flag("SITE_REPEATED", _AREA, "The same site stands more than once in the file.", gbif=False),
    Flag(
        "SITE_IN_TWO_LISTS", _AREA, "Another list that was read with this one seems to hold the same site.", gbif=False
    ),
    Flag(
        "DESIGN_UNKNOWN", _EVENT, "The design is none of those that are known, so no effort is made of it.", gbif=False
    ),
    Flag("EFFORT_INVALID", _EVENT, "The effort is no number of 0 or more.", gbif=False),
    Flag("EFFORT_MISSING", _EVENT, "Nothing tells how much was looked.", gbif=False),
    Flag("EFFORT_UNIT_ASSUMED", _EVENT, "The effort tells no unit; the design's own is assumed.", gbif=False),
    Flag("EFFORT_UNIT_UNFIT", _EVENT, "The effort's unit cannot be made into the design's.", gbif=False),
    Flag("EFFORT_DISAGREES", _EVENT, "Effort as told and as computed differ by more than a tenth.", gbif=False),
    Flag("FAILURE_INVALID", _EVENT, "The time without observation cannot be read; nothing was taken off.", gbif=False),
    Flag("FAILURE_OUTSIDE_EVENT", _EVENT, "A time without observation lies outside the event.", gbif=False),
    Flag("FAILURE_REPEATED", _EVENT, "Times without observation overlap; they were taken off once.", gbif=False),
    Flag("FAILURE_NOT_TAKEN_OFF", _EVENT, "Times without observation could not be taken off the effort.", gbif=False),
    Flag("TIME_ZONE_INVALID", _EVENT, "The time zone is neither an offset from UTC nor an IANA name.", gbif=False),
    Flag("TIME_ZONE_ASSUMED", _EVENT, "No time zone is told; that of its side of the border is assumed.", gbif=False),
    Flag("TIME_ZONE_MISSING", _EVENT, "No time zone is told, and the side has several or is not known.", gbif=False),
    Flag("SIDE_INVALID", _EVENT, "The side of the border is no country that is known.", gbif=False),
    Flag("SITE_PLACES_DISAGREE", _EVENT, "Events with this locationID lie far from each other.", gbif=False),
    Flag("CAMERA_AT_TWO_SITES", _EVENT, "The same camera stood at two sites at the same time.", gbif=False),
    Flag(
        "CAMERA_CLOCK_RESET",
        _EVENT,
        "The camera's clock fell back to its factory's date; a shift is proposed.",
        gbif=False,
    ),
    Flag(
        "CAMERA_CLOCK_TWELVE_HOURS",
        _EVENT,
        "The camera's clock seems twelve hours off; it was not changed.",
        gbif=False,
    ),
    Flag("CAMERA_CLOCK_DRIFT", _EVENT, "The camera's clock ran fast or slow; a correction is proposed.", gbif=False),
    Flag("CAMERA_CLOCK_OFF", _EVENT, "The camera's clock was off by a constant time; a shift is proposed.", gbif=False),
    Flag("CAMERA_CLOCK_OUTSIDE", _EVENT, "Images lie outside the time in which the camera stood there.", gbif=False),
    Flag(
        "CAMERA_TIMES_MIDNIGHT",
        _EVENT,
        "All images are of 00:00:00: their days are known, the time of day is not.",
        gbif=False,
    ),
    Flag("CAMERA_CLOCK_INVALID", _EVENT, "What is told of the camera's clock cannot be read.", gbif=False),
    Flag(
        "ABSENCE_SCOPE_MISSING",
        _EVENT,
        "Absence is told, but not which taxa were looked for: none is absent.",
        gbif=False,
    ),
    Flag(
        "ABSENCE_REPORT_INVALID",
        _EVENT,
        "Whether absence is reported is told as neither yes nor no; none is taken to be.",
        gbif=False,
    ),
    Flag("ABSENCE_OUT_OF_SCOPE", _EVENT, "A taxon is told as absent that was not looked for.", gbif=False),
)

_BDQ: Final = MappingProxyType(
    {
        "ZERO_COORDINATE": "VALIDATION_COORDINATES_NOTZERO",
        "COORDINATE_OUT_OF_RANGE": "VALIDATION_DECIMALLATITUDE_INRANGE VALIDATION_DECIMALLONGITUDE_INRANGE",
        "COORDINATE_MISSING": "VALIDATION_DECIMALLATITUDE_NOTEMPTY VALIDATION_DECIMALLONGITUDE_NOTEMPTY",
        "PRESUMED_SWAPPED_COORDINATE": "AMENDMENT_COORDINATES_TRANSPOSED",
        "PRESUMED_NEGATED_LATITUDE": "AMENDMENT_COORDINATES_TRANSPOSED",
        "PRESUMED_NEGATED_LONGITUDE": "AMENDMENT_COORDINATES_TRANSPOSED",
        "COUNTRY_COORDINATE_MISMATCH": "VALIDATION_COORDINATESCOUNTRYCODE_CONSISTENT",
        "COUNTRY_DERIVED_FROM_COORDINATES": "VALIDATION_COUNTRYCODE_NOTEMPTY AMENDMENT_COUNTRYCODE_FROM_COORDINATES",
        "COUNTRY_INVALID": "VALIDATION_COUNTRYCODE_STANDARD VALIDATION_COUNTRY_FOUND",
        "COUNTRY_MISMATCH": "VALIDATION_COUNTRYCOUNTRYCODE_CONSISTENT",
        "PROVINCE_COORDINATE_MISMATCH": "VALIDATION_COORDINATESSTATEPROVINCE_CONSISTENT",
        "PROVINCE_UNKNOWN": "VALIDATION_STATEPROVINCE_FOUND",
        "PROVINCE_AMBIGUOUS": "VALIDATION_COUNTRYSTATEPROVINCE_UNAMBIGUOUS",
        "GEODETIC_DATUM_INVALID": "VALIDATION_GEODETICDATUM_STANDARD AMENDMENT_GEODETICDATUM_STANDARDIZED",
        "GEODETIC_DATUM_ASSUMED_WGS84": "VALIDATION_GEODETICDATUM_NOTEMPTY AMENDMENT_GEODETICDATUM_ASSUMEDDEFAULT",
        "COORDINATE_UNCERTAINTY_METERS_INVALID": "VALIDATION_COORDINATEUNCERTAINTY_INRANGE",
        "ELEVATION_UNLIKELY": "VALIDATION_MINELEVATION_INRANGE VALIDATION_MAXELEVATION_INRANGE",
        "DEPTH_UNLIKELY": "VALIDATION_MINDEPTH_INRANGE VALIDATION_MAXDEPTH_INRANGE",
        "COORDINATES_CENTRE_OF_COUNTRY": "ISSUE_COORDINATES_CENTEROFCOUNTRY",
        "PUBLISHER_GENERALISED": "ISSUE_DATAGENERALIZATIONS_NOTEMPTY",
        "LAND_TAXON_AT_SEA": "VALIDATION_COORDINATESTERRESTRIALMARINE_CONSISTENT",
        "MARINE_TAXON_ON_LAND": "VALIDATION_COORDINATESTERRESTRIALMARINE_CONSISTENT",
        "RECORDED_DATE_INVALID": "VALIDATION_EVENTDATE_STANDARD AMENDMENT_EVENTDATE_STANDARDIZED",
        "RECORDED_DATE_UNLIKELY": "VALIDATION_EVENTDATE_INRANGE VALIDATION_YEAR_INRANGE",
        "RECORDED_DATE_MISMATCH": "VALIDATION_EVENT_CONSISTENT",
        "RECORDED_DATE_MISSING": "VALIDATION_EVENTTEMPORAL_NOTEMPTY VALIDATION_EVENTDATE_NOTEMPTY",
        "RECORDED_DATE_EXCEL_SERIAL": "VALIDATION_EVENTDATE_STANDARD",
        "RECORDED_DATE_BUDDHIST_ERA": "VALIDATION_EVENTDATE_INRANGE VALIDATION_YEAR_INRANGE",
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS": "VALIDATION_EVENTDATE_STANDARD",
        "IDENTIFIED_DATE_INVALID": "VALIDATION_DATEIDENTIFIED_STANDARD AMENDMENT_DATEIDENTIFIED_STANDARDIZED",
        "TAXON_CLASSIFICATION_CONTRADICTED": "VALIDATION_CLASSIFICATION_CONSISTENT",
        "TAXON_MATCH_NONE": "VALIDATION_SCIENTIFICNAME_FOUND",
        "TAXON_MATCH_AMBIGUOUS": "VALIDATION_TAXON_UNAMBIGUOUS",
        "SCIENTIFIC_NAME_MISSING": "VALIDATION_SCIENTIFICNAME_NOTEMPTY",
        "BASIS_OF_RECORD_INVALID": "VALIDATION_BASISOFRECORD_STANDARD AMENDMENT_BASISOFRECORD_STANDARDIZED",
        "OCCURRENCE_STATUS_UNPARSABLE": "VALIDATION_OCCURRENCESTATUS_STANDARD AMENDMENT_OCCURRENCESTATUS_STANDARDIZED",
        "TYPE_STATUS_INVALID": "VALIDATION_TYPESTATUS_STANDARD AMENDMENT_TYPESTATUS_STANDARDIZED",
        "LICENSE_UNKNOWN": "VALIDATION_LICENSE_NOTEMPTY VALIDATION_LICENSE_STANDARD",
        "OCCURRENCE_ID_MISSING": "VALIDATION_OCCURRENCEID_NOTEMPTY",
    }
)
"""Labels of the tests of TDWG BDQ Core by flag."""

FLAGS: Final = MappingProxyType({flag.name: replace(flag, bdq=tuple(_BDQ.get(flag.name, "").split())) for flag in _ALL})
"""Every flag by its name; a flag that is not here may not be set."""

TRACKED: Final = "TRACKED_ANIMAL"
"""Records with this flag are withheld, whatever the sharing rules say (`sharing.decide`)."""

SUSPICIOUS: Final = frozenset(
    {
        "COORDINATES_CENTRE_OF_COUNTRY",
        "COORDINATES_CENTRE_OF_STATEPROVINCE",
        "COORDINATES_CENTRE_OF_PREFECTURE",
        "COORDINATES_CENTRE_OF_COUNTY",
        "NEAR_COUNTRY_CAPITAL",
        "NEAR_PROVINCE_CAPITAL",
        "NEAR_PREFECTURE_SEAT",
        "NEAR_COUNTY_SEAT",
        "AT_INSTITUTION",
        "MARINE_TAXON_ON_LAND",
        "LAND_TAXON_AT_SEA",
        "POINT_USED_BY_MANY",
        "SPECIES_OUTLIER",
    }
)
"""Doubts that the record was made at its place at all; analyses leave these records out unless stated otherwise."""
