"""The columns of a record: what the lake knows of it, and what of it is published."""

from typing import Final

import polars as pl

from biodata.terms.columns import DC, Column, Reach, dwc, gbif

_LAKE, _PRECISE = Reach.LAKE, Reach.PRECISE

REPAIR: Final = pl.Struct({"term": pl.String, "value": pl.String, "rule": pl.String, "applied": pl.Boolean})
"""One repair of a value: `applied` is False for a proposal that waits for somebody's decision."""

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

STATED_TAXON: Final = (
    "acceptedScientificName", "species", "acceptedNameUsage", "originalNameUsage", "verbatimScientificName",
    "vernacularName", "verbatimIdentification", "kingdom", "phylum", "class", "order", "family", "genus",
)  # fmt: skip
"""The terms of `stated_taxon`: what a checklist fills in is not among them."""

OCCURRENCE: Final = (
    Column("key", pl.Int64, "Number given once to a record of a dataset; kept through edits, never reused."),
    # Where it came from
    gbif("datasetKey", pl.String, "The dataset that the record belongs to."),
    dwc("occurrenceID", pl.String, "The publisher's identifier of the record.", _PRECISE),
    gbif("gbifID", pl.String, "GBIF's number of the record.", _PRECISE),
    Column("source_record_id", pl.String, "What identified the record in its dataset.", _LAKE),
    Column(
        "dataset_part",
        pl.String,
        "The part of its dataset that it belongs to; null where its dataset has no parts.",
        _LAKE,
    ),
    Column("source_file", pl.String, "The file that the record was read from.", _LAKE),
    Column("source_row", pl.Int64, "Line of that file, the heading being line 1.", _LAKE),
    # What it is
    dwc("basisOfRecord", pl.String, "How the record was made, in GBIF's spelling (HUMAN_OBSERVATION)."),
    dwc("occurrenceStatus", pl.String, "PRESENT or ABSENT."),
    dwc("individualCount", pl.Int64, "Number of individuals.", _PRECISE),
    dwc("organismQuantity", pl.String, "Quantity of organisms, in organismQuantityType.", _PRECISE),
    dwc("organismQuantityType", pl.String, "What organismQuantity counts.", _PRECISE),
    dwc("sex", pl.String, "Sex.", _PRECISE),
    dwc("lifeStage", pl.String, "Life stage.", _PRECISE),
    dwc("establishmentMeans", pl.String, "How the organism came to be there."),
    dwc("typeStatus", pl.String, "Nomenclatural type.", _PRECISE),
    # Name
    dwc("scientificName", pl.String, "The name as interpreted, with authorship where known."),
    Column("acceptedScientificName", pl.String, "The accepted name that it leads to."),
    dwc("kingdom", pl.String, "Kingdom."),
    dwc("phylum", pl.String, "Phylum or division."),
    dwc("class", pl.String, "Class."),
    dwc("order", pl.String, "Order."),
    dwc("family", pl.String, "Family."),
    dwc("genus", pl.String, "Genus of the accepted name."),
    gbif("species", pl.String, "Accepted species, without authorship."),
    dwc("genericName", pl.String, "Genus part of scientificName."),
    dwc("specificEpithet", pl.String, "Species epithet."),
    dwc("infraspecificEpithet", pl.String, "Epithet below species."),
    dwc("taxonRank", pl.String, "Rank, in GBIF's spelling (SPECIES)."),
    dwc("taxonomicStatus", pl.String, "ACCEPTED, SYNONYM or DOUBTFUL."),
    gbif("taxonKey", pl.Int64, "Key in GBIF's frozen integer backbone."),
    gbif("speciesKey", pl.Int64, "The species' key in GBIF's frozen integer backbone."),
    Column("taxon_id", pl.String, "Identifier of the accepted taxon in the loaded checklist."),
    Column("checklist", pl.String, "The checklist that taxon_id belongs to, with its version."),
    Column("col_key", pl.String, "The accepted taxon's key in the Catalogue of Life, where the checklist knows it."),
    Column("match_type", pl.String, "EXACT, CANONICAL, VARIANT, FUZZY, HIGHERRANK, AMBIGUOUS or NONE."),
    Column("match_confidence", pl.Int32, "Confidence in the match with the checklist, 0-100."),
    Column("match_note", pl.String, "Why the confidence is what it is."),
    Column("match_alternatives", pl.List(pl.String), "Other taxa that the name could mean: name and identifier."),
    Column("stated_taxon", pl.String, "JSON object: names and groups as the source states them, by term.", _LAKE),
    Column("iucnRedListCategory", pl.String, "Global Red List category, as the checklist tells it (CR)."),
    # When
    dwc("eventDate", pl.String, "ISO 8601 date, month, year or interval; never more precise than told.", _PRECISE),
    Column("event_start", pl.Date, "First day that eventDate allows.", _PRECISE),
    Column("event_end", pl.Date, "Last day that eventDate allows.", _PRECISE),
    Column("event_precision", pl.String, "year, month, day, time or interval."),
    Column("event_time", pl.String, "Local time of day, HH:MM[:SS].", _PRECISE),
    Column("event_zone", pl.String, "Offset from UTC that the date was told in (+08:00).", _PRECISE),
    dwc("year", pl.Int32, "Year."),
    dwc("month", pl.Int32, "Month, 1-12.", _PRECISE),
    dwc("day", pl.Int32, "Day of the month, 1-31.", _PRECISE),
    # Where
    dwc("decimalLatitude", pl.Float64, "Degrees north, WGS 84."),
    dwc("decimalLongitude", pl.Float64, "Degrees east, WGS 84."),
    dwc("geodeticDatum", pl.String, "The datum of the published coordinates: WGS84."),
    dwc("coordinateUncertaintyInMeters", pl.Float64, "Radius in metres of the smallest circle holding the place."),
    dwc("coordinatePrecision", pl.Float64, "Precision of the coordinates, in degrees.", _PRECISE),
    gbif("elevation", pl.Float64, "Metres above sea level.", _PRECISE),
    gbif("elevationAccuracy", pl.Float64, "Half the range of elevation, in metres.", _PRECISE),
    gbif("depth", pl.Float64, "Metres below the surface.", _PRECISE),
    gbif("depthAccuracy", pl.Float64, "Half the range of depth, in metres.", _PRECISE),
    dwc("countryCode", pl.String, "ISO 3166-1 alpha-2 country, as stated, or derived where nothing was stated."),
    dwc("stateProvince", pl.String, "First-level division as stated.", _PRECISE),
    Column("located_country_code", pl.String, "Country that the coordinates fall in; null at sea.", _LAKE),
    Column("province_code", pl.String, "ISO 3166-2 code of the first-level division the coordinates fall in."),
    Column("border_distance_m", pl.Float64, "Metres to the nearest land border; null beyond 30 km.", _PRECISE),
    Column("ambiguous", pl.Boolean, "True within the boundary set's band around a border: either side may be right."),
    Column("country_codes", pl.List(pl.String), "Every country that the place may belong to."),
    dwc("locality", pl.String, "Description of the place.", _PRECISE),
    dwc("habitat", pl.String, "Habitat.", _PRECISE),
    # Who and under what terms
    dwc("recordedBy", pl.String, "Who recorded it.", _PRECISE),
    dwc("identifiedBy", pl.String, "Who identified it.", _PRECISE),
    dwc("identificationVerificationStatus", pl.String, "`machine only` where nobody but a machine looked.", _PRECISE),
    dwc("identificationRemarks", pl.String, "That a machine determined it, and how sure it was.", _PRECISE),
    Column(
        "classificationProbability",
        pl.Float64,
        "How sure the machine that determined it was, 0-1, by its own score.",
        _PRECISE,
        "https://camtrap-dp.tdwg.org/data/#observations.classificationProbability",
    ),
    dwc("institutionCode", pl.String, "Institution.", _PRECISE),
    dwc("collectionCode", pl.String, "Collection.", _PRECISE),
    dwc("catalogNumber", pl.String, "Number in the collection.", _PRECISE),
    dwc("recordNumber", pl.String, "Collector's number.", _PRECISE),
    dwc("otherCatalogNumbers", pl.String, "Other numbers that it is known by, separated by | or ;.", _PRECISE),
    dwc("organismID", pl.String, "The individual, or the group of individuals.", _PRECISE),
    dwc("eventID", pl.String, "The sampling event.", _PRECISE),
    dwc("parentEventID", pl.String, "The event that it was part of.", _PRECISE),
    dwc("samplingProtocol", pl.String, "Method of the event.", _PRECISE),
    dwc("occurrenceRemarks", pl.String, "Remarks.", _PRECISE),
    Column("references", pl.String, "Page about the record.", _PRECISE, DC + "references"),
    Column("license", pl.String, "Licence in GBIF's spelling (CC_BY_4_0).", uri=DC + "license"),
    Column("rightsHolder", pl.String, "Who holds the rights.", _PRECISE, DC + "rightsHolder"),
    Column(
        "community_labels",
        pl.List(pl.String),
        "Labels of communities that it carries: TK and BC labels of Local Contexts (TK-SS).",
    ),
    gbif("publishingOrgKey", pl.String, "The publishing organisation."),
    gbif("publishingCountry", pl.String, "Country of the publisher."),
    gbif("mediaType", pl.String, "Kinds of media, separated by semicolons.", _PRECISE),
    Column("media", pl.String, "Pictures and sounds as a JSON list, each with the licence of its own.", _PRECISE),
    Column("measurements", pl.String, "Measurements and facts as a JSON list of rows.", _PRECISE),
    gbif("lastInterpreted", pl.String, "When GBIF last interpreted the record.", _PRECISE),
    dwc("informationWithheld", pl.String, "What is not told here, and why."),
    dwc("dataGeneralizations", pl.String, "How the published place was made coarser, and what the row stands for."),
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
    gbif("isInCluster", pl.Boolean, "True where other records may tell of the same thing.", _PRECISE),
    Column("clusterRepresentative", pl.Boolean, "False where another record represents this one's cluster."),
    Column("cluster_id", pl.Int64, "Number of the record that represents its cluster; null if none.", _PRECISE),
    Column("cluster_reason", pl.String, "Why the records may tell of one thing.", _PRECISE),
)
"""What a release adds to records whose place is open, from what it publishes of them alone; each of the others
represents itself."""

PUBLISHED_OCCURRENCE: Final = tuple(c for c in OCCURRENCE if c.reach is not Reach.LAKE) + SHARING + RIGHTS + ASSESSED
"""The published layer of a record: the release's table `occurrences`."""

ASSESSMENT: Final = (
    Column("key", pl.Int64, "The record's number.", _LAKE),
    Column("flags", pl.List(pl.String), "Doubts that only the other records tell, see biodata.flags.", _LAKE),
    Column("details", pl.List(pl.String), "The reason of each of these doubts, in words.", _LAKE),
    Column("cluster_id", pl.Int64, "Number of the record that represents its cluster.", _LAKE),
    Column("cluster_reasons", pl.List(pl.String), "Why it is in a cluster with others.", _LAKE),
    Column("rule_version", pl.String, "Version of the rules that found it.", _LAKE),
)
"""The lake's table `assessments`: what only the whole lake tells of a record; records without findings have no row."""
