"""The columns of a record as it came."""

from typing import Final

import polars as pl

from biodata.terms.columns import Column, Reach

_LAKE = Reach.LAKE

WRITTEN: Final = "written:"
"""How columns of a batch begin that hold cells as somebody wrote them, where an accepted proposal stands in their place."""

VERBATIM_ADMIN: Final = (
    Column("key", pl.Int64, "The record's number.", _LAKE),
    Column("datasetKey", pl.String, "The dataset.", _LAKE),
    Column("source_record_id", pl.String, "What identified the record in its dataset.", _LAKE),
    Column(
        "dataset_part",
        pl.String,
        "The part of its dataset that it belongs to; null where its dataset has no parts.",
        _LAKE,
    ),
    Column("source_file", pl.String, "The file.", _LAKE),
    Column("source_row", pl.Int64, "Line of that file, the heading being line 1.", _LAKE),
)

VERBATIM_TERMS: Final = tuple(
    """
    id gbifID occurrenceID references type modified language license rightsHolder accessRights bibliographicCitation
    institutionID collectionID datasetID institutionCode collectionCode datasetName ownerInstitutionCode basisOfRecord
    informationWithheld dataGeneralizations dynamicProperties catalogNumber recordNumber recordedBy recordedByID
    individualCount organismQuantity organismQuantityType sex lifeStage reproductiveCondition behavior
    establishmentMeans degreeOfEstablishment pathway occurrenceStatus preparations disposition associatedMedia
    associatedReferences associatedTaxa otherCatalogNumbers occurrenceRemarks organismID organismName organismRemarks
    materialSampleID eventID parentEventID fieldNumber eventDate eventTime startDayOfYear endDayOfYear year month day
    verbatimEventDate habitat samplingProtocol sampleSizeValue sampleSizeUnit samplingEffort fieldNotes eventRemarks
    eventType locationID higherGeographyID higherGeography continent waterBody islandGroup island country countryCode
    stateProvince county municipality locality verbatimLocality minimumElevationInMeters maximumElevationInMeters
    verbatimElevation minimumDepthInMeters maximumDepthInMeters verbatimDepth locationAccordingTo locationRemarks
    decimalLatitude decimalLongitude geodeticDatum coordinateUncertaintyInMeters coordinatePrecision verbatimCoordinates
    verbatimLatitude verbatimLongitude verbatimCoordinateSystem verbatimSRS footprintWKT footprintSRS georeferencedBy
    georeferencedDate georeferenceProtocol georeferenceSources georeferenceRemarks identificationID
    verbatimIdentification identificationQualifier typeStatus identifiedBy identifiedByID dateIdentified
    identificationReferences identificationVerificationStatus identificationRemarks taxonID scientificNameID
    acceptedNameUsageID scientificName acceptedNameUsage originalNameUsage nameAccordingTo higherClassification
    kingdom phylum class order superfamily family subfamily tribe genus genericName subgenus infragenericEpithet
    specificEpithet infraspecificEpithet cultivarEpithet taxonRank verbatimTaxonRank scientificNameAuthorship
    vernacularName nomenclaturalCode taxonomicStatus nomenclaturalStatus taxonRemarks datasetKey publishingOrgKey
    publishingCountry
    lastInterpreted elevation elevationAccuracy depth depthAccuracy distanceFromCentroidInMeters issue mediaType
    hasCoordinate hasGeospatialIssues taxonKey acceptedTaxonKey kingdomKey phylumKey classKey orderKey familyKey
    genusKey subgenusKey speciesKey species acceptedScientificName verbatimScientificName
    verbatimScientificNameAuthorship iucnRedListCategory lastParsed lastCrawled protocol repatriated identifier
    rights created creator publisher title multimedia_extension measurements classificationProbability
    """.split()
)
"""Terms that have a column of their own in the lake's table `verbatim`; any other heading goes into `other`."""

VERBATIM: Final = (
    *VERBATIM_ADMIN,
    *(Column(f"v_{name}", pl.String, f"{name} as it came.", _LAKE) for name in VERBATIM_TERMS),
    Column("other", pl.String, "JSON object of the headings that are no known term.", _LAKE),
)
"""The verbatim layer of a record: the lake's table `verbatim`; `v_` keeps its columns apart from interpreted ones."""
