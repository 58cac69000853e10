"""Every column that biodata knows: its name, type, unit, meaning, and how far it may travel.

Published terms (Darwin Core, GBIF) keep their spelling; our own are snake_case. A column that is not listed here
does not exist: the lake, the release, the API and the exports take their columns from this file alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import polars as pl

DWC: Final = "http://rs.tdwg.org/dwc/terms/"
DC: Final = "http://purl.org/dc/terms/"
GBIF: Final = "http://rs.gbif.org/terms/1.0/"

REPAIR: Final = pl.Struct({"term": pl.String, "value": pl.String, "rule": pl.String, "applied": pl.Boolean})
"""One repair of a value: `applied` is False for a proposal that waits for somebody's decision."""

LINK: Final = pl.Struct({"key": pl.Int64, "strength": pl.String, "reason": pl.String})
"""One other record that may be of the same event: `strength` is strong, likely or possible."""

SHARED_AS: Final = pl.Struct(
    {
        "category": pl.String,
        "rule": pl.String,
        "cell_west": pl.Float64,
        "cell_south": pl.Float64,
        "cell_east": pl.Float64,
        "cell_north": pl.Float64,
    }
)
"""How a national node had made a record coarser before it came: the category, the rule, the edges of the cell."""


class Reach(StrEnum):
    """How far a column may travel."""

    LAKE = "lake"
    """Stays inside the lake."""
    PRECISE = "precise"
    """Is published, but left out of a record whose place is generalised (it could tell the place)."""
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


def _dwc(name: str, dtype: type[pl.DataType], meaning: str, reach: Reach = Reach.PUBLIC) -> Column:
    return Column(name, dtype, meaning, reach, DWC + name)


def _gbif(name: str, dtype: type[pl.DataType], meaning: str, reach: Reach = Reach.PUBLIC) -> Column:
    return Column(name, dtype, meaning, reach, GBIF + name)


_LAKE, _PRECISE = Reach.LAKE, Reach.PRECISE

OCCURRENCE: Final = (
    Column("key", pl.Int64, "Number given once to a record of a dataset; kept through edits, never reused."),
    # Where it came from
    _gbif("datasetKey", pl.String, "The dataset that the record belongs to."),
    _dwc("occurrenceID", pl.String, "The publisher's identifier of the record.", _PRECISE),
    _gbif("gbifID", pl.String, "GBIF's number of the record.", _PRECISE),
    Column("source_record_id", pl.String, "What identified the record in its dataset.", _LAKE),
    Column("source_file", pl.String, "The file that the record was read from.", _LAKE),
    Column("source_row", pl.Int64, "Line of that file, the heading being line 1.", _LAKE),
    # What it is
    _dwc("basisOfRecord", pl.String, "How the record was made, in GBIF's spelling (HUMAN_OBSERVATION)."),
    _dwc("occurrenceStatus", pl.String, "PRESENT or ABSENT."),
    _dwc("individualCount", pl.Int64, "Number of individuals.", _PRECISE),
    _dwc("organismQuantity", pl.String, "Quantity of organisms, in organismQuantityType.", _PRECISE),
    _dwc("organismQuantityType", pl.String, "What organismQuantity counts.", _PRECISE),
    _dwc("sex", pl.String, "Sex.", _PRECISE),
    _dwc("lifeStage", pl.String, "Life stage.", _PRECISE),
    _dwc("establishmentMeans", pl.String, "How the organism came to be there."),
    _dwc("typeStatus", pl.String, "Nomenclatural type.", _PRECISE),
    # Name
    _dwc("scientificName", pl.String, "The name as interpreted, with authorship where known."),
    Column("acceptedScientificName", pl.String, "The accepted name that it leads to."),
    _dwc("kingdom", pl.String, "Kingdom."),
    _dwc("phylum", pl.String, "Phylum or division."),
    _dwc("class", pl.String, "Class."),
    _dwc("order", pl.String, "Order."),
    _dwc("family", pl.String, "Family."),
    _dwc("genus", pl.String, "Genus of the accepted name."),
    _gbif("species", pl.String, "Accepted species, without authorship."),
    _dwc("genericName", pl.String, "Genus part of scientificName."),
    _dwc("specificEpithet", pl.String, "Species epithet."),
    _dwc("infraspecificEpithet", pl.String, "Epithet below species."),
    _dwc("taxonRank", pl.String, "Rank, in GBIF's spelling (SPECIES)."),
    _dwc("taxonomicStatus", pl.String, "ACCEPTED, SYNONYM or DOUBTFUL."),
    _gbif("taxonKey", pl.Int64, "Key in GBIF's frozen integer backbone."),
    _gbif("speciesKey", pl.Int64, "The species' key in GBIF's frozen integer backbone."),
    Column("taxon_id", pl.String, "Identifier of the accepted taxon in the loaded checklist."),
    Column("checklist", pl.String, "The checklist that taxon_id belongs to, with its version."),
    Column("col_key", pl.String, "The accepted taxon's key in the Catalogue of Life, where the checklist knows it."),
    Column("match_type", pl.String, "EXACT, CANONICAL, VARIANT, FUZZY, HIGHERRANK, AMBIGUOUS or NONE."),
    Column("match_confidence", pl.Int32, "Confidence in the match with the checklist, 0-100."),
    Column("match_note", pl.String, "Why the confidence is what it is."),
    Column("match_alternatives", pl.List(pl.String), "Other taxa that the name could mean: name and identifier."),
    Column("iucnRedListCategory", pl.String, "Global Red List category, as the checklist tells it (CR)."),
    # When
    _dwc("eventDate", pl.String, "ISO 8601 date, month, year or interval; never more precise than told.", _PRECISE),
    Column("event_start", pl.Date, "First day that eventDate allows.", _PRECISE),
    Column("event_end", pl.Date, "Last day that eventDate allows.", _PRECISE),
    Column("event_precision", pl.String, "year, month, day, time or interval."),
    Column("event_time", pl.String, "Local time of day, HH:MM[:SS].", _PRECISE),
    Column("event_zone", pl.String, "Offset from UTC that the date was told in (+08:00).", _PRECISE),
    _dwc("year", pl.Int32, "Year."),
    _dwc("month", pl.Int32, "Month, 1-12.", _PRECISE),
    _dwc("day", pl.Int32, "Day of the month, 1-31.", _PRECISE),
    # Where
    _dwc("decimalLatitude", pl.Float64, "Degrees north, WGS 84."),
    _dwc("decimalLongitude", pl.Float64, "Degrees east, WGS 84."),
    _dwc("geodeticDatum", pl.String, "The datum of the published coordinates: WGS84."),
    _dwc("coordinateUncertaintyInMeters", pl.Float64, "Radius in metres of the smallest circle holding the place."),
    _dwc("coordinatePrecision", pl.Float64, "Precision of the coordinates, in degrees.", _PRECISE),
    _gbif("elevation", pl.Float64, "Metres above sea level.", _PRECISE),
    _gbif("elevationAccuracy", pl.Float64, "Half the range of elevation, in metres.", _PRECISE),
    _gbif("depth", pl.Float64, "Metres below the surface.", _PRECISE),
    _gbif("depthAccuracy", pl.Float64, "Half the range of depth, in metres.", _PRECISE),
    _dwc("countryCode", pl.String, "ISO 3166-1 alpha-2 country, as stated, or derived where nothing was stated."),
    _dwc("stateProvince", pl.String, "First-level division as stated.", _PRECISE),
    Column("located_country_code", pl.String, "Country that the coordinates fall in; null at sea.", _LAKE),
    Column("province_code", pl.String, "ISO 3166-2 code of the first-level division the coordinates fall in."),
    Column("border_distance_m", pl.Float64, "Metres to the nearest land border; null beyond 30 km.", _PRECISE),
    Column("ambiguous", pl.Boolean, "True within the boundary set's band around a border: either side may be right."),
    Column("country_codes", pl.List(pl.String), "Every country that the place may belong to."),
    _dwc("locality", pl.String, "Description of the place.", _PRECISE),
    _dwc("habitat", pl.String, "Habitat.", _PRECISE),
    # Who and under what terms
    _dwc("recordedBy", pl.String, "Who recorded it.", _PRECISE),
    _dwc("identifiedBy", pl.String, "Who identified it.", _PRECISE),
    _dwc("institutionCode", pl.String, "Institution.", _PRECISE),
    _dwc("collectionCode", pl.String, "Collection.", _PRECISE),
    _dwc("catalogNumber", pl.String, "Number in the collection.", _PRECISE),
    _dwc("recordNumber", pl.String, "Collector's number.", _PRECISE),
    _dwc("otherCatalogNumbers", pl.String, "Other numbers that it is known by, separated by | or ;.", _PRECISE),
    _dwc("organismID", pl.String, "The individual, or the group of individuals.", _PRECISE),
    _dwc("eventID", pl.String, "The sampling event.", _PRECISE),
    _dwc("parentEventID", pl.String, "The event that it was part of.", _PRECISE),
    _dwc("samplingProtocol", pl.String, "Method of the event.", _PRECISE),
    _dwc("occurrenceRemarks", pl.String, "Remarks.", _PRECISE),
    Column("references", pl.String, "Page about the record.", _PRECISE, DC + "references"),
    Column("license", pl.String, "Licence in GBIF's spelling (CC_BY_4_0).", uri=DC + "license"),
    Column("rightsHolder", pl.String, "Who holds the rights.", _PRECISE, DC + "rightsHolder"),
    Column(
        "community_labels",
        pl.List(pl.String),
        "Labels of communities that it carries: TK and BC labels of Local Contexts (TK-SS).",
    ),
    _gbif("publishingOrgKey", pl.String, "The publishing organisation."),
    _gbif("publishingCountry", pl.String, "Country of the publisher."),
    _gbif("mediaType", pl.String, "Kinds of media, separated by semicolons.", _PRECISE),
    _gbif("lastInterpreted", pl.String, "When GBIF last interpreted the record.", _PRECISE),
    _dwc("informationWithheld", pl.String, "What is not told here, and why."),
    _dwc("dataGeneralizations", pl.String, "How the published place was made coarser."),
    # What we think of it
    Column("quality_flags", pl.List(pl.String), "Names of the doubts, see biodata.flags."),
    Column("source_issues", pl.List(pl.String), "Doubts that came with the record: GBIF's issues.", _PRECISE),
    Column("repairs", pl.List(REPAIR), "Values that were changed, or could be, with the rule.", _LAKE),
    # Of a record that a national node shares: the lake has no more of it than what that node published
    Column("node", pl.String, "Code of the national node that shares the record; null for a record of our own.", _LAKE),
    Column("shared_as", SHARED_AS, "How the node had made it coarser; null for a record that is open there.", _LAKE),
)
"""The interpreted layer of a record: the lake's table `occurrences`."""

SHARING: Final = (
    Column("sharing_category", pl.String, "open, or the category that decided: withheld, 1_degree, 0_1_degree, …"),
    Column("sharing_rule", pl.String, "The rule that decided; null for an open record."),
    Column("cell_west", pl.Float64, "Western edge of the published cell, degrees; null where no cell is published."),
    Column("cell_south", pl.Float64, "Southern edge of the published cell, degrees; null where no cell is published."),
    Column("cell_east", pl.Float64, "Eastern edge of the published cell, degrees; null where no cell is published."),
    Column("cell_north", pl.Float64, "Northern edge of the published cell, degrees; null where no cell is published."),
)
"""What `sharing.publish` adds to a record that it let out."""

RIGHTS: Final = (
    Column(
        "license_effective",
        pl.String,
        "The licence that holds: the strictest of the record's, its dataset's and what its labels ask.",
    ),
    Column("license_reason", pl.String, "Whose licence that is, and what it was stricter than."),
)
"""What `sharing.publish` adds about the terms of use, where it knows the datasets' licences."""

ASSESSED: Final = (
    _gbif("isInCluster", pl.Boolean, "True where other records tell of the same event.", _PRECISE),
    Column(
        "duplicate_of", pl.Int64, "The record of the same event that is shown in its place; null if none.", _PRECISE
    ),
    Column("duplicate_reason", pl.String, "Why the records are taken for one event.", _PRECISE),
)
"""What a release adds to records whose place is open, from what it publishes of them alone."""

PUBLISHED_OCCURRENCE: Final = tuple(c for c in OCCURRENCE if c.reach is not Reach.LAKE) + SHARING + RIGHTS + ASSESSED
"""The published layer of a record: the release's table `occurrences`."""

ASSESSMENT: Final = (
    Column("key", pl.Int64, "The record's number.", _LAKE),
    Column("flags", pl.List(pl.String), "Doubts that only the other records tell, see biodata.flags.", _LAKE),
    Column("details", pl.List(pl.String), "The reason of each of these doubts, in words.", _LAKE),
    Column("duplicate_group", pl.Int64, "Number of the record that its group of duplicates is shown by.", _LAKE),
    Column("duplicate_of", pl.Int64, "The same for every other record of the group; null for that one.", _LAKE),
    Column("duplicate_reasons", pl.List(pl.String), "Why it is taken for one event with others.", _LAKE),
    Column("duplicate_links", pl.List(LINK), "Every record that may be of the same event.", _LAKE),
    Column("rule_version", pl.String, "Version of the rules that found it.", _LAKE),
)
"""The lake's table `assessments`: what only the whole lake tells of a record; records without findings have no row."""

VERBATIM_ADMIN: Final = (
    Column("key", pl.Int64, "The record's number.", _LAKE),
    Column("datasetKey", pl.String, "The dataset.", _LAKE),
    Column("source_record_id", pl.String, "What identified the record in its dataset.", _LAKE),
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
    acceptedNameUsageID scientificName acceptedNameUsage nameAccordingTo higherClassification kingdom phylum class
    order superfamily family subfamily tribe genus genericName subgenus infragenericEpithet specificEpithet
    infraspecificEpithet cultivarEpithet taxonRank verbatimTaxonRank scientificNameAuthorship vernacularName
    nomenclaturalCode taxonomicStatus nomenclaturalStatus taxonRemarks datasetKey publishingOrgKey publishingCountry
    lastInterpreted elevation elevationAccuracy depth depthAccuracy distanceFromCentroidInMeters issue mediaType
    hasCoordinate hasGeospatialIssues taxonKey acceptedTaxonKey kingdomKey phylumKey classKey orderKey familyKey
    genusKey subgenusKey speciesKey species acceptedScientificName verbatimScientificName
    verbatimScientificNameAuthorship iucnRedListCategory lastParsed lastCrawled protocol repatriated identifier
    rights created creator publisher title
    """.split()
)
"""Terms that have a column of their own in the lake's table `verbatim`; any other heading goes into `other`."""

VERBATIM: Final = (
    *VERBATIM_ADMIN,
    *(Column(f"v_{name}", pl.String, f"{name} as it came.", _LAKE) for name in VERBATIM_TERMS),
    Column("other", pl.String, "JSON object of the headings that are no known term.", _LAKE),
)
"""The verbatim layer of a record: the lake's table `verbatim`; `v_` keeps its columns apart from interpreted ones."""

PROTECTED_AREA: Final = (
    Column("area_id", pl.String, "Identifier inside biodata, kept through re-ingests: dataset and the source's id."),
    Column("datasetKey", pl.String, "The dataset that the site came with."),
    Column("site_id", pl.String, "SITE_ID of the World Database on Protected and Conserved Areas."),
    Column("wdpaid", pl.String, "WDPAID of the older files."),
    Column("source_record_id", pl.String, "The site's identifier in its file.", _LAKE),
    Column("source_file", pl.String, "The file.", _LAKE),
    Column("source_row", pl.Int64, "Position in the file: the first feature is 1; in a table the heading is.", _LAKE),
    Column("part_of", pl.String, "The site of which this is a part or a zone; its own area_id where it is whole."),
    Column("zone", pl.String, "Functional zone, where told: core, buffer, experimental, control."),
    Column("name", pl.String, "Name in Latin script where the source gives one."),
    Column("original_name", pl.String, "Name in the site's own language."),
    Column("designation", pl.String, "Designation in words."),
    Column("level", pl.String, "Level of government, where told: national, provincial, municipal, county, local."),
    Column("iucn_category", pl.String, "IUCN management category: Ia, Ib, II, III, IV, V, VI, or null."),
    Column("status", pl.String, "Designated, Inscribed, Established, Proposed, …, as the source says; or null."),
    Column("status_year", pl.Int32, "Year of the status."),
    Column("is_oecm", pl.Boolean, "True for other effective area-based conservation measures."),
    Column("marine", pl.String, "terrestrial, coastal or marine, where told."),
    Column("country_codes", pl.List(pl.String), "ISO 3166-1 alpha-2 codes that the source states."),
    Column(
        "located_country_codes", pl.List(pl.String), "Codes of countries that hold more of it than the band allows."
    ),
    Column("reported_area_km2", pl.Float64, "Area that the source reports, km²."),
    Column("legal_area_km2", pl.Float64, "Area of the decree or gazette, km²; null where its unit is not known."),
    Column("legal_area_unit", pl.String, "Unit of that claim (ha, km2, mu, …), as told, or the only one that fits."),
    Column("zone_areas_km2", pl.String, "JSON object: functional zone → its area as the source tells it, km²."),
    Column("computed_area_km2", pl.Float64, "Area of the polygon on the ellipsoid, km²."),
    Column("spill_km2", pl.Float64, "Part of it on land of other countries than stated (or than holds most), km²."),
    Column("spill_outside_band_km2", pl.Float64, "Part of that spill farther from the border than the band, km²."),
    Column("quality_flags", pl.List(pl.String), "Names of the doubts, see biodata.flags."),
    Column("attributes", pl.String, "JSON object: every attribute as it came.", _LAKE),
    Column("geometry", pl.Binary, "WKB, degrees, WGS 84."),
)
"""The lake's and the release's table `protected_areas`."""

CORRIDOR: Final = (
    Column("corridor_id", pl.String, "Identifier inside its run."),
    Column("run_id", pl.String, "The analysis run."),
    Column("from_area_id", pl.String, "Area where the corridor starts."),
    Column("to_area_id", pl.String, "Area where it ends."),
    Column("from_name", pl.String, "Name of the first area."),
    Column("to_name", pl.String, "Name of the second area."),
    Column("country_codes", pl.List(pl.String), "Countries that it links."),
    Column("functional", pl.Boolean, "False where no path stays under the cost limit: no functional link."),
    Column("least_cost", pl.Float64, "Accumulated cost of the cheapest path (LCD), cost-metres."),
    Column("euclidean_m", pl.Float64, "Straight distance between the two areas' edges, metres."),
    Column("path_length_m", pl.Float64, "Length of the cheapest path, metres."),
    Column("cost_ratio", pl.Float64, "least_cost divided by euclidean_m."),
    Column("cost_per_path_m", pl.Float64, "least_cost divided by path_length_m: mean resistance along the path."),
    Column("width_m", pl.Float64, "Median width of the corridor polygon along the path, metres."),
    Column("narrowest_m", pl.Float64, "Width at its narrowest place, metres."),
    Column("narrowest_longitude", pl.Float64, "Where that is, degrees."),
    Column("narrowest_latitude", pl.Float64, "Where that is, degrees."),
    Column("area_km2", pl.Float64, "Area of the corridor polygon, km²."),
    Column("evidence", pl.String, "JSON object: parameters, snapshot, boundary set, notes."),
    Column("sharing_category", pl.String, "Category of the strictest record that it was made from; open if none."),
    Column("path", pl.Binary, "Cheapest path as WKB line, degrees, WGS 84."),
    Column("geometry", pl.Binary, "Corridor as WKB polygon, degrees, WGS 84."),
)
"""The lake's and the release's table `corridors`."""

_VIEW: Final = Column(
    "evidence_view",
    pl.String,
    "public: made from what is published of the records alone; exact: from the records themselves.",
)
CANDIDATE: Final = (
    Column("candidate_id", pl.String, "Identifier inside its run."),
    Column("run_id", pl.String, "The analysis run."),
    Column("name", pl.String, "Names of the areas that it would join."),
    Column("area_ids", pl.List(pl.String), "The protected areas that it would join; empty for a cluster of cells."),
    Column("country_codes", pl.List(pl.String), "Countries that it would join."),
    Column("rank", pl.Int32, "Place of the run by acceptability, 1 the first; then by within_first and the mean rank."),
    Column("front", pl.Int32, "Pareto front: 1 is dominated by no other candidate of the run."),
    Column("acceptability", pl.Float64, "Share of sampled weights under which it stands first, 0-1."),
    Column("within_first", pl.Float64, "Share of sampled weights under which it stands among the first k, 0-1."),
    Column("parts", pl.String, "JSON object: each criterion's value, direction, unit, input and meaning."),
    Column("boundary_disagreement_km2", pl.Float64, "Overlap inside the border band: no evidence, shown only."),
    Column("area_km2", pl.Float64, "Area of the polygon, km²."),
    Column(
        "evidence", pl.String, "JSON object: parameters, boundary set, hard criteria, species by side, ranking, notes."
    ),
    _VIEW,
    Column("sharing_category", pl.String, "Category of the strictest record that the run read; open if public."),
    Column("geometry", pl.Binary, "WKB polygon, degrees, WGS 84."),
)
"""The lake's and the release's table `reserve_candidates`."""

CONSIDERED: Final = (
    Column("considered_id", pl.String, "Identifier inside its run."),
    Column("run_id", pl.String, "The analysis run."),
    Column("name", pl.String, "Names of the areas that were looked at together."),
    Column("area_ids", pl.List(pl.String), "Those protected areas; empty for a cluster of cells."),
    Column("country_codes", pl.List(pl.String), "Their countries."),
    Column("outcome", pl.String, "candidate, failed, or without_evidence where the run had no records at all."),
    Column(
        "failed", pl.List(pl.String), "Hard criteria that are not passed; those that could not be tested among them."
    ),
    Column("evidence", pl.String, "JSON object: each hard criterion's outcome, input and meaning; boundary set."),
    _VIEW,
    Column("sharing_category", pl.String, "Category of the strictest record that the run read; open if public."),
    Column("geometry", pl.Binary, "WKB polygon, degrees, WGS 84."),
)
"""The lake's and the release's table `considered_ground`: everything that was looked at, with the criteria it fails."""

TAXON: Final = (
    Column("checklist", pl.String, "The checklist; a new version of it replaces the old one."),
    Column("checklist_version", pl.String, "Its version, as told or found in its metadata or its file's name."),
    Column("checklist_order", pl.Int32, "Place in the order in which checklists are asked; the smallest first.", _LAKE),
    Column("taxon_id", pl.String, "Identifier in that checklist."),
    Column("scientificName", pl.String, "Name without authorship."),
    Column("scientificNameAuthorship", pl.String, "Authorship."),
    Column(
        "accepted_taxon_id",
        pl.String,
        "The accepted taxon; taxon_id itself for accepted names; null where it is not in the checklist.",
    ),
    Column("taxonRank", pl.String, "Rank, in GBIF's spelling (SPECIES)."),
    Column("taxonomicStatus", pl.String, "ACCEPTED, SYNONYM or DOUBTFUL."),
    Column("kingdom", pl.String, "Kingdom."),
    Column("phylum", pl.String, "Phylum or division."),
    Column("class", pl.String, "Class."),
    Column("order", pl.String, "Order."),
    Column("family", pl.String, "Family."),
    Column("genus", pl.String, "Genus."),
    Column("iucnRedListCategory", pl.String, "Global Red List category."),
    Column("gbif_key", pl.Int64, "Key in GBIF's frozen integer backbone, where known."),
    Column("col_key", pl.String, "Key in the Catalogue of Life, where known."),
    Column("vernacular_names", pl.String, "JSON object: language (BCP 47) → the preferred name."),
    Column("synonyms", pl.List(pl.String), "Other names of the taxon that its own row tells, without authorship."),
    Column(
        "vernacular_details", pl.String, "JSON array of every common name: name, language, script, preferred, source."
    ),
    Column("status_list", pl.String, "What kind of status the checklist gives: red_list or protection; null for none."),
    Column("status_scope", pl.String, "Where that holds: global, or an ISO 3166 code of a country or division."),
    Column("status_year", pl.Int32, "Year of that list."),
    Column("status_authority", pl.String, "Who made it."),
    Column("status_category", pl.String, "The taxon's category in it: IUCN's code where it is one, else as told."),
)
"""The lake's and the release's table `taxa`."""

LAYER: Final = (
    Column("name", pl.String, "What a command calls the layer.", _LAKE),
    Column("datasetKey", pl.String, "The dataset that it came with.", _LAKE),
    Column("file_name", pl.String, "Its file, below the folder `layers`.", _LAKE),
    Column("form", pl.String, "raster or vector.", _LAKE),
    Column("theme", pl.String, "What it shows: land_cover, elevation, roads, ….", _LAKE),
    Column("kind", pl.String, "categorical (classes) or continuous (quantities) of a raster; features.", _LAKE),
    Column("legend", pl.String, "The legend that its classes belong to.", _LAKE),
    Column("features", pl.Int64, "Features of a vector layer.", _LAKE),
    Column("crs", pl.String, "Coordinate system, as authority and code where it has one.", _LAKE),
    Column("declared_crs", pl.String, "The system that its file tells, where that is another.", _LAKE),
    Column("width", pl.Int64, "Columns of cells.", _LAKE),
    Column("height", pl.Int64, "Rows of cells.", _LAKE),
    Column("west", pl.Float64, "Western edge, degrees, WGS 84.", _LAKE),
    Column("south", pl.Float64, "Southern edge, degrees, WGS 84.", _LAKE),
    Column("east", pl.Float64, "Eastern edge, degrees, WGS 84.", _LAKE),
    Column("north", pl.Float64, "Northern edge, degrees, WGS 84.", _LAKE),
    Column("dtype", pl.String, "Type of the cells; of features points, lines or polygons.", _LAKE),
    Column("nodata", pl.Float64, "The value that stands for nothing known.", _LAKE),
    Column("notes", pl.List(pl.String), "What is doubtful of it, or was decided, in sentences.", _LAKE),
    Column("sha256", pl.String, "Checksum of the file as it came.", _LAKE),
)
"""The lake's table `layers`: what is known of each layer; cells and features stay in their files."""

TABLES: Final = MappingProxyType(
    {
        "occurrences": OCCURRENCE,
        "verbatim": VERBATIM,
        "assessments": ASSESSMENT,
        "protected_areas": PROTECTED_AREA,
        "corridors": CORRIDOR,
        "reserve_candidates": CANDIDATE,
        "considered_ground": CONSIDERED,
        "taxa": TAXON,
        "layers": LAYER,
    }
)
"""The lake's tables."""

PUBLISHED_TABLES: Final = MappingProxyType(
    {
        "occurrences": PUBLISHED_OCCURRENCE,
        **{
            name: tuple(c for c in TABLES[name] if c.reach is not Reach.LAKE)
            for name in ("protected_areas", "corridors", "reserve_candidates", "considered_ground", "taxa")
        },
    }
)
"""The release's tables of records; DESIGN's low-zoom aggregates and key columns are the store's own."""


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
    columns, present = tuple(columns), set(frame.columns)
    if not present:
        return pl.DataFrame(schema=schema(columns))
    lacking = [pl.lit(None, dtype=c.dtype).alias(c.name) for c in columns if c.name not in present]
    return frame.with_columns(lacking).select(pl.col(c.name).cast(c.dtype) for c in columns)
