"""The faults planted in the GBIF file, with their numbers and what biodata should say of each."""

from recipe import faults
from recipe.faults import Fault, Row, full_date


def _exact(row: Row) -> bool:
    """Tell whether the record has coordinates outside the border band."""
    return bool(row["decimalLatitude"]) and not row["_ambiguous"]


def _hidden_species(row: Row) -> bool:
    """Tell whether the record is of a gibbon."""
    return bool(row["family"] == "Hylobatidae")


def _spellable(row: Row) -> bool:
    """Tell whether the accepted name stands in the row and is long enough to be misspelt."""
    return row["scientificName"].startswith(row["species"]) and len(row["species"].split(" ")[1]) > 4


FAULTS = (
    Fault(
        "zero_coordinates",
        40,
        "latitude and longitude are 0",
        "ZERO_COORDINATE",
        faults.put(decimalLatitude="0.0", decimalLongitude="0.0"),
    ),
    Fault(
        "swapped_coordinates",
        45,
        "latitude and longitude are changed round",
        "PRESUMED_SWAPPED_COORDINATE",
        faults.swap,
        _exact,
    ),
    Fault(
        "sign_lost_latitude",
        20,
        "the latitude has a minus that does not belong there",
        "PRESUMED_NEGATED_LATITUDE",
        faults.negate("decimalLatitude"),
        _exact,
    ),
    Fault(
        "sign_lost_longitude",
        15,
        "the longitude has a minus that does not belong there",
        "PRESUMED_NEGATED_LONGITUDE",
        faults.negate("decimalLongitude"),
        _exact,
    ),
    Fault(
        "coordinates_out_of_range",
        6,
        "the latitude is above 90 and no swap explains it",
        "COORDINATE_OUT_OF_RANGE",
        faults.put(decimalLatitude="210.4567", decimalLongitude="1010.123"),
    ),
    Fault(
        "missing_coordinates",
        160,
        "both coordinates are empty",
        "COORDINATE_MISSING",
        faults.put(decimalLatitude="", decimalLongitude="", coordinateUncertaintyInMeters=""),
    ),
    Fault(
        "one_coordinate_missing", 10, "the longitude is empty", "COORDINATE_MISSING", faults.put(decimalLongitude="")
    ),
    Fault(
        "comma_decimals",
        20,
        "the coordinates have decimal commas",
        "a repair, or COORDINATE_INVALID where three decimals could be thousands",
        faults.comma_decimals,
    ),
    Fault(
        "wrong_country_code",
        35,
        "the country stated is far away",
        "COUNTRY_COORDINATE_MISMATCH",
        faults.foreign_country,
        _exact,
    ),
    Fault(
        "unknown_country",
        15,
        "the country code is none",
        "COUNTRY_INVALID",
        faults.one_of("countryCode", "QQ", "X1", "Indochina"),
    ),
    Fault(
        "missing_country",
        45,
        "no country is stated",
        "COUNTRY_DERIVED_FROM_COORDINATES",
        faults.put(countryCode=""),
        _exact,
    ),
    Fault(
        "wrong_province",
        18,
        "the province stated is real but far away",
        "PROVINCE_COORDINATE_MISMATCH",
        faults.far_province,
        lambda row: _exact(row) and row["countryCode"] in {"CN", "LA", "VN"},
    ),
    Fault(
        "unknown_province",
        12,
        "the province stated is none",
        "PROVINCE_UNKNOWN",
        faults.one_of("stateProvince", "Northern zone", "Forest block 7"),
    ),
    Fault(
        "excel_serial_dates",
        48,
        "eventDate is a spreadsheet's day number; year, month, day stand beside",
        "RECORDED_DATE_EXCEL_SERIAL",
        faults.excel_serial,
        full_date,
    ),
    Fault(
        "excel_serial_years",
        6,
        "the same, but only the year stands beside: the day is invented",
        "RECORDED_DATE_EXCEL_SERIAL",
        faults.excel_serial_of_year,
        full_date,
    ),
    Fault(
        "excel_serial_months",
        6,
        "the same, but only year and month stand beside",
        "RECORDED_DATE_EXCEL_SERIAL",
        faults.excel_serial_of_month,
        full_date,
    ),
    Fault(
        "buddhist_era_dates",
        50,
        "the year is of the Buddhist Era (543 more)",
        "RECORDED_DATE_BUDDHIST_ERA",
        faults.buddhist_era,
        lambda row: full_date(row) and row["_dataset"] == "partner",
    ),
    Fault(
        "day_month_ambiguous",
        40,
        "03/04/2015: day and month could be either way round",
        "RECORDED_DATE_DAY_MONTH_AMBIGUOUS",
        faults.day_or_month,
        lambda row: full_date(row) and int(row["day"]) <= 12 and row["day"] != row["month"],
    ),
    Fault("future_dates", 15, "the year is 2060 or later", "RECORDED_DATE_UNLIKELY", faults.future, full_date),
    Fault("impossible_dates", 10, "the 30th of February", "RECORDED_DATE_INVALID", faults.impossible_day, full_date),
    Fault(
        "date_mismatch",
        12,
        "eventDate and month tell different months",
        "RECORDED_DATE_MISMATCH",
        faults.other_month,
        full_date,
    ),
    Fault("missing_date", 30, "there is no date at all", "RECORDED_DATE_MISSING", faults.no_date),
    Fault(
        "unknown_basis_of_record",
        20,
        "basisOfRecord is none",
        "BASIS_OF_RECORD_INVALID",
        faults.one_of("basisOfRecord", "TRACKS_OR_CALLS", "GUESS", "see notebook"),
    ),
    Fault(
        "missing_occurrence_id",
        50,
        "occurrenceID is empty, gbifID is there",
        "OCCURRENCE_ID_MISSING",
        faults.put(occurrenceID=""),
    ),
    Fault(
        "missing_identifiers",
        12,
        "occurrenceID and gbifID are empty",
        "refused IDENTIFIER_MISSING",
        faults.put(occurrenceID="", gbifID=""),
    ),
    Fault(
        "uncertainty_text",
        25,
        "the uncertainty is words, or negative",
        "COORDINATE_UNCERTAINTY_METERS_INVALID",
        faults.one_of("coordinateUncertaintyInMeters", "about 500 m from camp", "unknown", "-30", "village"),
    ),
    Fault(
        "negative_counts",
        20,
        "fewer than no individuals",
        "INDIVIDUAL_COUNT_INVALID",
        faults.one_of("individualCount", "-1", "-2", "-9"),
    ),
    Fault(
        "zero_count_present",
        8,
        "0 individuals of a present species",
        "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS",
        faults.put(individualCount="0", occurrenceStatus="PRESENT"),
    ),
    Fault(
        "misspelt_names",
        22,
        "one letter of the epithet is wrong",
        "TAXON_MATCH_FUZZY or TAXON_MATCH_NONE",
        faults.misspell,
        lambda row: _spellable(row) and not _hidden_species(row),
    ),
    Fault(
        "misspelt_sensitive_names",
        8,
        "the same in gibbons' names: must not let out what a rule by species hides",
        "TAXON_MATCH_FUZZY or TAXON_MATCH_NONE, and still generalised",
        faults.misspell,
        lambda row: _spellable(row) and _hidden_species(row),
    ),
    Fault(
        "formula_cells",
        8,
        "the locality is a spreadsheet formula",
        "escaped in spreadsheet exports",
        faults.one_of("locality", '=HYPERLINK("http://sample.invalid","camp")', "@SUM(A1:A9)", "+1+cmd|' /C calc'!A0"),
    ),
    Fault(
        "html_locality",
        6,
        "the locality holds HTML",
        "escaped on pages",
        faults.one_of("locality", "<b>Camp 3</b><script>alert(1)</script>", '<img src=x onerror="alert(2)">'),
    ),
)
