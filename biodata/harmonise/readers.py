"""From which terms each interpreted value is read, by which rule; and by which rule each doubt is found."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from biodata.harmonise.rules import RULES


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which an interpreted column gets its value.

    Attributes
    ----------
    rule : str
        A name of `rules.RULES`.
    terms : tuple of str
        The verbatim terms that are read, any of them.
    columns : tuple of str
        The interpreted columns that it is worked out from; a way without either is an assumption.
    """

    rule: str
    terms: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def _told(rule: str, terms: str) -> Way:
    return Way(RULES[rule].name, tuple(terms.split()))


def _from(rule: str, columns: str) -> Way:
    return Way(RULES[rule].name, columns=tuple(columns.split()))


ADMINISTRATION: Final = frozenset(
    {
        "key",
        "datasetKey",
        "dataset_part",
        "source_record_id",
        "source_file",
        "source_row",
        "quality_flags",
        "repairs",
        "node",
        "shared_as",
        "stated_taxon",
    }
)
"""Columns that say where a record came from, what it states and what we think of it: they interpret no value."""

_DATE: Final = "eventDate verbatimEventDate year month day"
_POINT: Final = "decimalLatitude decimalLongitude"
_TAKEN_APART: Final = (
    _told("name_parts", "scientificName"),
    _told("name_parts", "acceptedScientificName genericName genus specificEpithet verbatimScientificName"),
)
_OF_DATE: Final = _from("date", "eventDate")
_MATCHED: Final = _from("name_match", "scientificName")
_ON_MAP: Final = _from("on_map", _POINT)

_AS_TOLD: Final = """
    occurrenceID gbifID organismQuantity organismQuantityType stateProvince locality habitat recordedBy identifiedBy
    institutionCode collectionCode catalogNumber recordNumber otherCatalogNumbers organismID eventID parentEventID
    occurrenceRemarks references rightsHolder publishingOrgKey mediaType lastInterpreted
    informationWithheld dataGeneralizations
""".split()

READERS: Final = MappingProxyType(
    {
        **{term: (_told("as_told", term),) for term in _AS_TOLD},
        **{term: (_told("vocabulary", term),) for term in ("sex", "lifeStage", "establishmentMeans", "typeStatus")},
        "basisOfRecord": (_told("vocabulary", "basisOfRecord"), _from("design_of_event", "eventID")),
        "samplingProtocol": (_told("as_told", "samplingProtocol"), _from("design_of_event", "eventID")),
        "occurrenceStatus": (_told("vocabulary", "occurrenceStatus"), Way("presence_assumed")),
        "individualCount": (_told("whole_number", "individualCount"),),
        # Name
        "scientificName": (
            _told("name", "scientificName"),
            _told("name", "acceptedScientificName"),
            _told("name", "species genericName genus specificEpithet infraspecificEpithet verbatimScientificName"),
        ),
        "acceptedScientificName": (_told("as_told", "acceptedScientificName"), _MATCHED),
        **{term: (_told("as_told", term), _MATCHED) for term in ("kingdom", "phylum", "class", "order", "family")},
        "genus": (_told("as_told", "genus"), *_TAKEN_APART, _MATCHED),
        "species": (
            _told("as_told", "species"),
            _told("name", "genericName genus specificEpithet"),
            *_TAKEN_APART,
            _MATCHED,
        ),
        **{
            term: (_told("as_told", term), *_TAKEN_APART, _told("name_parts", "species"))
            for term in ("genericName", "specificEpithet", "infraspecificEpithet")
        },
        "taxonRank": (_told("vocabulary", "taxonRank"), *_TAKEN_APART, _MATCHED),
        "taxonomicStatus": (_told("vocabulary", "taxonomicStatus"), _MATCHED),
        "taxonKey": (_told("whole_number", "taxonKey"), _MATCHED),
        "speciesKey": (_told("whole_number", "speciesKey"),),
        "iucnRedListCategory": (_told("as_told", "iucnRedListCategory"), _MATCHED),
        **dict.fromkeys(
            ("taxon_id", "checklist", "col_key", "match_type", "match_confidence", "match_note", "match_alternatives"),
            (_MATCHED,),
        ),
        # When
        "eventDate": (_told("date", _DATE),),
        **dict.fromkeys(("event_start", "event_end", "event_precision"), (_OF_DATE,)),
        **{term: (_told("date", term), _OF_DATE) for term in ("year", "month", "day")},
        **dict.fromkeys(("event_time", "event_zone"), (_told("date", "eventTime"), _OF_DATE)),
        # Where
        "decimalLatitude": (
            _told("degrees", "decimalLatitude"),
            _told("degrees", "verbatimLatitude"),
            _told("degrees", "verbatimCoordinates"),
            _told("footprint", "footprintWKT"),
        ),
        "decimalLongitude": (
            _told("degrees", "decimalLongitude"),
            _told("degrees", "verbatimLongitude"),
            _told("degrees", "verbatimCoordinates"),
            _told("footprint", "footprintWKT"),
        ),
        "geodeticDatum": (_told("datum_name", "geodeticDatum"), _from("wgs84_assumed", _POINT)),
        "coordinateUncertaintyInMeters": (
            _told("metres", "coordinateUncertaintyInMeters"),
            _told("footprint", "footprintWKT"),
        ),
        "coordinatePrecision": (_told("number", "coordinatePrecision"),),
        "elevation": (
            _told("metres", "elevation"),
            _told("metres", "minimumElevationInMeters maximumElevationInMeters"),
        ),
        "elevationAccuracy": (
            _told("metres", "elevationAccuracy"),
            _told("half_range", "minimumElevationInMeters maximumElevationInMeters"),
        ),
        "depth": (_told("metres", "depth"), _told("metres", "minimumDepthInMeters maximumDepthInMeters")),
        "depthAccuracy": (
            _told("metres", "depthAccuracy"),
            _told("half_range", "minimumDepthInMeters maximumDepthInMeters"),
        ),
        "countryCode": (_told("country_name", "countryCode country"), _from("country_of_place", _POINT)),
        **dict.fromkeys(
            ("located_country_code", "province_code", "border_distance_m", "ambiguous"),
            (_ON_MAP,),
        ),
        "country_codes": (_from("on_map", f"{_POINT} countryCode"),),
        # Who and under what terms
        "license": (_told("licence", "license"), _told("licence", "rights")),
        "media": (_told("media", "multimedia_extension associatedMedia"),),
        "measurements": (_told("measurements", "measurements"),),
        "community_labels": (_told("labels", "accessRights rights dynamicProperties"),),
        "publishingCountry": (_told("country_name", "publishingCountry"),),
        "identificationVerificationStatus": (_told("vocabulary", "identificationVerificationStatus"),),
        **dict.fromkeys(
            ("classificationProbability", "identificationRemarks"),
            (_told("machine_score", "classificationProbability"),),
        ),
        "source_issues": (_told("list", "issue"),),
    }
)
"""For each interpreted column the ways in which it gets its value, the first that has something to read decides."""

_CHECKS: Final = {
    "identity": "OCCURRENCE_ID_MISSING OCCURRENCE_ID_FROM_CONTENT",
    "accepted_proposal": "PROPOSAL_ACCEPTED",
    "degrees": "ZERO_COORDINATE COORDINATE_INVALID COORDINATE_OUT_OF_RANGE COORDINATE_MISSING COORDINATE_PROJECTED "
    "COORDINATE_ROUNDED",
    "footprint": "COORDINATE_FROM_FOOTPRINT",
    "place_beside_country": "PRESUMED_SWAPPED_COORDINATE PRESUMED_NEGATED_LATITUDE PRESUMED_NEGATED_LONGITUDE "
    "COUNTRY_COORDINATE_MISMATCH",
    "country_of_place": "COUNTRY_DERIVED_FROM_COORDINATES",
    "country_name": "COUNTRY_INVALID COUNTRY_MISMATCH",
    "place_beside_province": "PROVINCE_COORDINATE_MISMATCH PROVINCE_UNKNOWN PROVINCE_AMBIGUOUS",
    "on_map": "BORDER_AMBIGUOUS",
    "datum_name": "GEODETIC_DATUM_INVALID GEODETIC_DATUM_NOT_WGS84",
    "wgs84_assumed": "GEODETIC_DATUM_ASSUMED_WGS84",
    "declared_uncertainty": "COORDINATE_UNCERTAINTY_DECLARED",
    "datum_transform": "COORDINATE_REPROJECTED COORDINATE_REPROJECTION_FAILED",
    "metres": "COORDINATE_UNCERTAINTY_METERS_INVALID ELEVATION_NON_NUMERIC ELEVATION_UNLIKELY DEPTH_NON_NUMERIC "
    "DEPTH_UNLIKELY",
    "number": "COORDINATE_PRECISION_INVALID",
    "generalised": "PUBLISHER_GENERALISED",
    "stand_ins": "COORDINATES_CENTRE_OF_COUNTRY COORDINATES_CENTRE_OF_STATEPROVINCE COORDINATES_CENTRE_OF_PREFECTURE "
    "COORDINATES_CENTRE_OF_COUNTY NEAR_COUNTRY_CAPITAL NEAR_PROVINCE_CAPITAL NEAR_PREFECTURE_SEAT NEAR_COUNTY_SEAT "
    "AT_INSTITUTION",
    "tracking": "TRACKED_ANIMAL",
    "machine": "IDENTIFIED_BY_MACHINE",
    "elements": "MARINE_TAXON_ON_LAND LAND_TAXON_AT_SEA",
    "neighbours": "POINT_USED_BY_MANY SPECIES_OUTLIER COORDINATES_ON_GRID DEGREE_MINUTE_SUSPECTED",
    "date": "RECORDED_DATE_INVALID RECORDED_DATE_UNLIKELY RECORDED_DATE_MISMATCH MODIFIED_DATE_INVALID "
    "IDENTIFIED_DATE_INVALID RECORDED_DATE_EXCEL_SERIAL RECORDED_DATE_BUDDHIST_ERA RECORDED_DATE_DAY_MONTH_AMBIGUOUS "
    "RECORDED_DATE_MISSING",
    "name_match": (
        "TAXON_MATCH_NONE TAXON_MATCH_FUZZY TAXON_MATCH_HIGHERRANK TAXON_MATCH_AMBIGUOUS TAXON_CLASSIFICATION_CONTRADICTED"
    ),
    "name_parts": "SCIENTIFIC_NAME_UNREADABLE SCIENTIFIC_NAME_UNDETERMINED SCIENTIFIC_NAME_LOOKALIKE_LETTERS "
    "SCIENTIFIC_NAME_INVISIBLE_CHARACTERS",
    "name": "SCIENTIFIC_NAME_MISSING",
    "vocabulary": "BASIS_OF_RECORD_INVALID OCCURRENCE_STATUS_UNPARSABLE TYPE_STATUS_INVALID",
    "whole_number": "INDIVIDUAL_COUNT_INVALID INDIVIDUAL_COUNT_NOT_TOLD INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS",
    "licence": "LICENSE_UNKNOWN",
}
CHECKS: Final = MappingProxyType({flag: RULES[rule].name for rule, flags in _CHECKS.items() for flag in flags.split()})
"""The rule by which each flag of a record is found."""
