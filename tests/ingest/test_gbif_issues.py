"""GBIF's own issues beside our flags, on the real files that tell them: each difference has a reason.

GBIF judged what publishers sent; a download holds what GBIF made of it, so most of what only GBIF says can no longer be
seen in the record. It is kept as `source_issues`.
"""

from collections import defaultdict
from datetime import date

import polars as pl
import pytest

from biodata.core.flags import FLAGS
from biodata.harmonise import Harmoniser
from biodata.ingest import open_source
from biodata.places import load_boundaries

BLANKED = "GBIF left out of the record what it could not read"
ROUNDED = "GBIF rounded the coordinates that it gave"
REGISTRY = "about GBIF's registry of collections, institutions and continents, or an address: nothing of ours"
INFERRED = "GBIF filled the cell and says so; here it came filled"
NAMES = "names are matched to GBIF's backbone there; here to the reference list, letter by letter"
GENUS_KNOWN = (
    "GBIF's are groups that the backbone of 2014 lacked; ours 27 names of which the list has the genus or species alone"
)
NO_NAME = "GBIF's are records without a name, which is SCIENTIFIC_NAME_MISSING here; ours is a genus that no list has"
DATUM = "a table without geodeticDatum: GBIF knew the datum of some records, we must assume it of all"
SPREADSHEET = "the file was edited in a spreadsheet and by hand after it came from GBIF"
WORDS = "one word for it here, another there: a verbatim date without a year is invalid, GBIF calls it unlikely"
PARTS = "eventDate and the days of the year disagree; GBIF does not compare them"
UNKNOWN = "GBIF wrote UNKNOWN itself, which is a word of its vocabulary"
MORE_SEEN = "the coordinates contradict the stated country on our map; GBIF's version of the day did not say so"

# file → issue → (both, GBIF only, ours only, reasons)
TABLE = {
    "Gbif_raw_allBov.csv": {
        "BASIS_OF_RECORD_INVALID": (0, 7, 0, UNKNOWN),
        "CONTINENT_INVALID": (0, 3, 0, REGISTRY),
        "COORDINATE_OUT_OF_RANGE": (0, 0, 20, SPREADSHEET),
        "COORDINATE_ROUNDED": (0, 463, 0, ROUNDED),
        "COUNTRY_COORDINATE_MISMATCH": (0, 0, 4, MORE_SEEN),
        "COUNTRY_DERIVED_FROM_COORDINATES": (0, 57, 35, f"{INFERRED}; {SPREADSHEET}"),
        "COUNTRY_INVALID": (0, 2, 0, BLANKED),
        "GEODETIC_DATUM_ASSUMED_WGS84": (448, 13, 20, f"{DATUM}; no datum is assumed of coordinates out of range"),
        "IDENTIFIED_DATE_INVALID": (0, 0, 119, SPREADSHEET),
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS": (3, 0, 0, ""),
        "OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT": (0, 65, 0, INFERRED),
        "PRESUMED_SWAPPED_COORDINATE": (0, 0, 23, SPREADSHEET),
        "RECORDED_DATE_INVALID": (0, 1, 0, BLANKED),
        "RECORDED_DATE_MISMATCH": (0, 21, 0, "GBIF gave the date on which the publisher's terms agreed"),
        "RECORDED_DATE_UNLIKELY": (0, 0, 2, "a day number of four digits, by a spreadsheet, looks like a year to come"),
        "TAXON_MATCH_FUZZY": (0, 3, 0, NAMES),
        "TAXON_MATCH_HIGHERRANK": (0, 1, 0, NAMES),
    },
    "0000066-140928181241064.zip": {
        "COORDINATE_INVALID": (0, 1, 0, BLANKED),
        "COORDINATE_REPROJECTION_SUSPICIOUS": (0, 1, 0, "GBIF moved it and doubts the move; the datum is not told"),
        "COORDINATE_ROUNDED": (0, 4, 0, ROUNDED),
        "COUNTRY_COORDINATE_MISMATCH": (2, 0, 0, ""),
        "COUNTRY_INVALID": (0, 1, 0, BLANKED),
        "ELEVATION_NON_NUMERIC": (0, 1, 0, "GBIF read a number out of words and gave the number"),
        "GEODETIC_DATUM_ASSUMED_WGS84": (144, 0, 1, "the one that GBIF moved has no datum in the record"),
        "RECORDED_DATE_INVALID": (0, 0, 7, WORDS),
        "RECORDED_DATE_MISMATCH": (0, 0, 1, PARTS),
        "RECORDED_DATE_UNLIKELY": (0, 5, 0, WORDS),
        "TAXON_MATCH_FUZZY": (0, 16, 0, NAMES),
        "TAXON_MATCH_HIGHERRANK": (0, 60, 83, GENUS_KNOWN),
        "TAXON_MATCH_NONE": (0, 3, 1, NO_NAME),
        "ZERO_COORDINATE": (32, 0, 0, ""),
    },
    "0009886-250127130748423.zip": {
        "COLLECTION_MATCH_FUZZY": (0, 13, 0, REGISTRY),
        "COLLECTION_MATCH_NONE": (0, 26, 0, REGISTRY),
        "CONTINENT_DERIVED_FROM_COORDINATES": (0, 72, 0, REGISTRY),
        "COORDINATE_INVALID": (0, 1, 0, BLANKED),
        "COORDINATE_PRECISION_INVALID": (0, 26, 0, BLANKED),
        "COORDINATE_REPROJECTED": (0, 17, 0, "GBIF moved them; what it gave is WGS 84 already"),
        "COORDINATE_ROUNDED": (0, 11, 0, ROUNDED),
        "DIFFERENT_OWNER_INSTITUTION": (0, 17, 0, REGISTRY),
        "GEODETIC_DATUM_ASSUMED_WGS84": (58, 0, 25, DATUM),
        "INSTITUTION_MATCH_FUZZY": (0, 39, 0, REGISTRY),
        "INSTITUTION_MATCH_NONE": (0, 23, 0, REGISTRY),
        "MODIFIED_DATE_INVALID": (0, 38, 0, BLANKED),
        "OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT": (0, 11, 0, INFERRED),
        "OCCURRENCE_STATUS_UNPARSABLE": (0, 2, 0, INFERRED),
        "RECORDED_DATE_INVALID": (0, 3, 0, BLANKED),
        "REFERENCES_URI_INVALID": (0, 2, 0, REGISTRY),
        "TAXON_MATCH_TAXON_ID_IGNORED": (0, 7, 0, NAMES),
        "TYPE_STATUS_INVALID": (0, 4, 0, BLANKED),
    },
}

# What cell of the record is empty where GBIF could not read what the publisher sent
BLANK = {"COORDINATE_INVALID": "decimalLatitude", "COORDINATE_PRECISION_INVALID": "coordinatePrecision",
         "COUNTRY_INVALID": "countryCode", "MODIFIED_DATE_INVALID": "modified", "RECORDED_DATE_INVALID": "eventDate",
         "TYPE_STATUS_INVALID": "typeStatus"}  # fmt: skip
GBIF_NAMES = {name for name, flag in FLAGS.items() if flag.gbif}


@pytest.fixture(scope="module", params=TABLE)
def judged(request, shared) -> tuple[str, pl.DataFrame]:
    """Return a file's records with both judgements and their verbatim cells."""
    [path] = [*shared.glob(f"data/*/{request.param}"), *shared.glob(f"suites/dwca/gbif_downloads/**/{request.param}")]
    harmoniser = Harmoniser(boundaries=load_boundaries(), secret=bytes(32), today=date(2026, 11, 24))
    (table,) = open_source("gbif", [path], dataset="gbif").read()
    results = [
        harmoniser.occurrences(batch, dataset_key="gbif", declarations=table.declarations) for batch in table.batches
    ]
    frames = [
        result.interpreted.select("quality_flags", "source_issues").hstack(
            result.verbatim.select(f"v_{term}" for term in ("issue", *BLANK.values()))
        )
        for result in results
    ]
    return request.param, pl.concat(frames)


def test_each_difference_has_a_reason(judged):
    name, records = judged
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for flags, issues in records.select("quality_flags", "source_issues").iter_rows():
        theirs, ours = set(issues or ()), set(flags) & GBIF_NAMES
        for issue in theirs | ours:
            counts[issue][0 if issue in theirs & ours else 1 if issue in theirs else 2] += 1
    seen = {issue: tuple(found) for issue, found in counts.items()}
    assert seen == {issue: told[:3] for issue, told in TABLE[name].items()}
    assert all(reason or (gbif, ours) == (0, 0) for _, gbif, ours, reason in TABLE[name].values())


def test_what_gbif_could_not_read_is_empty_in_the_record(judged):
    name, records = judged
    for issue, term in BLANK.items():
        if TABLE[name].get(issue, (0, 0, 0, ""))[3] == BLANKED:
            told = records.filter(pl.col("source_issues").list.contains(issue))
            assert told[f"v_{term}"].null_count() == told.height, issue


def test_no_issue_of_gbif_is_lost(judged):
    _, records = judged
    assert records["source_issues"].list.join(";").equals(records["v_issue"].alias("source_issues"))
