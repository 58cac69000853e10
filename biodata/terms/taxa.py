"""The columns of a name of a checklist."""

from typing import Final

import polars as pl

from biodata.terms.columns import Column, Reach

_LAKE = Reach.LAKE

EXTENSION: Final = "vernacular_extension"
"""The column in which an archive's common names stand beside its taxa: a JSON array of name, language, preferred, source."""
BESIDE: Final = "extension "
"""How the columns begin in which the rows of an archive's other tables stand beside its taxa: JSON arrays of objects."""

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
    Column(
        "statuses",
        pl.String,
        "JSON array of what the checklist says of the taxon's status: kind, area, value, year, authority; see `taxon_statuses`.",
    ),
    Column(
        "verbatim",
        pl.String,
        "JSON object: the cells of its row as they came, and the rows of the archive's other tables by the table's name.",
        _LAKE,
    ),
)
"""The lake's and the release's table `taxa`."""

TAXON_STATUS: Final = (
    Column("checklist", pl.String, "The list that says so."),
    Column("checklist_version", pl.String, "Its version."),
    Column("taxon_id", pl.String, "Identifier of the taxon in it."),
    Column("scientificName", pl.String, "The name as the list has it, without authorship."),
    Column("taxon", pl.String, "The accepted name under which records have it."),
    Column("taxonRank", pl.String, "The rank of that name; a status of a group is one of all that is below it."),
    Column(
        "kind",
        pl.String,
        "establishmentMeans, isInvasive, redList, cites, nationalProtection or endemicTo: what is said.",
    ),
    Column("area", pl.String, "Where that holds: global, or an ISO 3166 code of a country or division."),
    Column(
        "value",
        pl.String,
        "A code of GBIF's establishment means or of the Red List, an appendix of CITES, true or false; a level as stated.",
    ),
    Column("year", pl.Int32, "Year of the list, where it is known."),
    Column("authority", pl.String, "Who made it."),
)
"""The release's table `taxon_statuses`: one row a status, list and name."""
