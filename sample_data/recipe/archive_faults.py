"""The faults planted in the archive, with their numbers and what biodata should say of each."""

from recipe import faults
from recipe.faults import Fault, Row, full_date


def _exact(row: Row) -> bool:
    """Tell whether the record lies outside the border band."""
    return not row["_ambiguous"]


FAULTS = (
    Fault(
        "zero_coordinates",
        5,
        "latitude and longitude are 0",
        "ZERO_COORDINATE",
        faults.put(decimalLatitude="0", decimalLongitude="0"),
    ),
    Fault(
        "swapped_coordinates",
        8,
        "latitude and longitude are changed round",
        "PRESUMED_SWAPPED_COORDINATE",
        faults.swap,
        _exact,
    ),
    Fault(
        "missing_coordinates",
        20,
        "both coordinates are empty",
        "COORDINATE_MISSING",
        faults.put(decimalLatitude="", decimalLongitude=""),
    ),
    Fault(
        "comma_decimals",
        10,
        "the coordinates have decimal commas",
        "a repair, or COORDINATE_INVALID where three decimals could be thousands",
        faults.comma_decimals,
    ),
    Fault(
        "wrong_country_code",
        8,
        "the country stated is far away",
        "COUNTRY_COORDINATE_MISMATCH",
        faults.foreign_country,
        _exact,
    ),
    Fault(
        "unknown_datum",
        6,
        "the datum is none",
        "GEODETIC_DATUM_INVALID",
        faults.one_of("geodeticDatum", "local grid 1", "old map"),
    ),
    Fault("missing_datum", 15, "no datum is stated", "GEODETIC_DATUM_ASSUMED_WGS84", faults.put(geodeticDatum="")),
    Fault(
        "buddhist_era_dates",
        10,
        "the year is of the Buddhist Era (543 more)",
        "RECORDED_DATE_BUDDHIST_ERA",
        faults.buddhist_era,
        full_date,
    ),
    Fault(
        "day_month_ambiguous",
        10,
        "03/04/2015: day and month could be either way round",
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS",
        faults.day_or_month,
        lambda row: full_date(row) and int(row["day"]) <= 12 and row["day"] != row["month"],
    ),
    Fault(
        "elevation_text",
        6,
        "the elevation is words",
        "ELEVATION_NON_NUMERIC",
        faults.one_of("minimumElevationInMeters", "ridge", "ca. high"),
    ),
    Fault(
        "negative_counts",
        6,
        "fewer than no individuals",
        "INDIVIDUAL_COUNT_INVALID",
        faults.one_of("individualCount", "-1", "-3"),
    ),
    Fault(
        "uncertainty_text",
        8,
        "the uncertainty is words",
        "COORDINATE_UNCERTAINTY_METERS_INVALID",
        faults.one_of("coordinateUncertaintyInMeters", "within the valley", "GPS"),
    ),
    Fault(
        "misspelt_names",
        8,
        "one letter of the epithet is wrong",
        "TAXON_MATCH_FUZZY or TAXON_MATCH_NONE",
        faults.misspell,
        lambda row: len(row["specificEpithet"]) > 4 and row["family"] != "Hylobatidae",
    ),
    Fault(
        "missing_name",
        4,
        "scientificName is empty",
        "SCIENTIFIC_NAME_MISSING",
        faults.put(
            scientificName="",
            scientificNameAuthorship="",
            specificEpithet="",
            genus="",
            family="",
            order="",
            class_="",
            phylum="",
            kingdom="",
            taxonRank="",
        ),
        lambda row: row["family"] not in {"Hylobatidae", "Elephantidae"},
    ),
    Fault(
        "html_remarks",
        12,
        "the remarks hold HTML",
        "escaped on pages",
        faults.one_of(
            "occurrenceRemarks",
            "<b>group</b> of 4 <script>alert(1)</script>",
            "<a href='javascript:alert(2)'>photo</a>",
            "salt lick &amp; wallow<br/>",
        ),
    ),
    Fault(
        "formula_remarks",
        5,
        "the remarks are a spreadsheet formula",
        "escaped in spreadsheet exports",
        faults.one_of("occurrenceRemarks", '=HYPERLINK("http://sample.invalid","photo")', "@SUM(1+1)", "-2+3"),
    ),
)
