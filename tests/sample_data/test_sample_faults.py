"""The faults of the sample data: where they are told, and nowhere else."""

from collections import Counter
from datetime import date

import polars as pl

from biodata.core.flags import FLAGS
from biodata.harmonise import Harmoniser
from biodata.places import locate
from sample_columns import GBIF, LAT, LATITUDE, LON, LONGITUDE

pytest_plugins = ("sample_files",)


_COUNT = pl.col("individualCount").cast(pl.Int64)
_BOTH = LAT.is_not_null() & LON.is_not_null()
_SERIAL = pl.col("eventDate").str.contains(r"^\d{5}(\.\d+)?$")
SEEN = {
    "zero_coordinates": (LATITUDE == 0) & (LONGITUDE == 0),
    "swapped_coordinates": (LATITUDE > 90) & (LATITUDE < 180),
    "sign_lost_latitude": LATITUDE < 0,
    "sign_lost_longitude": LONGITUDE < 0,
    "coordinates_out_of_range": LONGITUDE > 180,
    "missing_coordinates": LAT.is_null() & LON.is_null() & pl.col("basisOfRecord").is_not_null(),
    "one_coordinate_missing": LAT.is_not_null() & LON.is_null(),
    "comma_decimals": LAT.str.contains(",") & LON.str.contains(","),
    "wrong_country_code": pl.col("countryCode").is_in(["ID", "PH", "MY", "BN"]),
    "unknown_country": pl.col("countryCode").is_in(["QQ", "X1", "Indochina"]),
    "missing_country": pl.col("countryCode").is_null() & _BOTH,
    "unknown_province": pl.col("stateProvince").is_in(["Northern zone", "Forest block 7"]),
    "excel_serial_dates": _SERIAL & pl.col("day").is_not_null(),
    "excel_serial_months": _SERIAL & pl.col("day").is_null() & pl.col("month").is_not_null(),
    "excel_serial_years": _SERIAL & pl.col("month").is_null(),
    "buddhist_era_dates": pl.col("eventDate").str.contains("^25[4-9]"),
    "day_month_ambiguous": pl.col("eventDate").str.contains(r"^(0\d|1[0-2])/(0\d|1[0-2])/\d{4}$"),
    "future_dates": pl.col("eventDate").str.contains("^20[6-9]"),
    "impossible_dates": pl.col("eventDate").str.ends_with("-02-30"),
    "date_mismatch": pl.col("eventDate").str.slice(5, 2).cast(pl.Int32, strict=False) != pl.col("month").cast(pl.Int32),
    "missing_date": pl.col("eventDate").is_null() & pl.col("year").is_null() & pl.col("basisOfRecord").is_not_null(),
    "unknown_basis_of_record": ~pl.col("basisOfRecord").str.contains("(?i)^(human|machine)_?observation|specimen$"),
    "missing_occurrence_id": pl.col("occurrenceID").is_null() & pl.col("gbifID").is_not_null(),
    "missing_identifiers": pl.all_horizontal(
        pl.col("occurrenceID").is_null(), pl.col("gbifID").is_null(), pl.col("basisOfRecord").is_not_null()
    ),
    "repeated_occurrence_id": ~pl.struct("datasetKey", "occurrenceID").is_first_distinct()
    & pl.col("occurrenceID").is_not_null(),
    "blank_row": pl.all_horizontal(pl.all().exclude("line").is_null()),
    "uncertainty_text": ~pl.col("coordinateUncertaintyInMeters").str.contains(r"^\d+(\.0)?$"),
    "negative_counts": _COUNT < 0,
    "zero_count_present": (_COUNT == 0) & (pl.col("occurrenceStatus") == "PRESENT"),
    "formula_cells": pl.col("locality").str.contains(r"^[=@+-]"),
    "html_locality": pl.col("locality").str.contains("<"),
    "unknown_datum": pl.col("geodeticDatum").is_in(["local grid 1", "old map"]),
    "missing_datum": pl.col("geodeticDatum").is_null(),
    "elevation_text": ~pl.col("minimumElevationInMeters").str.contains(r"^\d+$"),
    "missing_name": pl.col("scientificName").is_null(),
    "html_remarks": pl.col("occurrenceRemarks").str.contains("[<&]"),
    "formula_remarks": pl.col("occurrenceRemarks").str.contains(r"^[=@+-]"),
}
"""How each fault looks in the raw text, told without the recipe."""
ELSEWHERE = {"border_band", "coordinates_across_border", "across_border_inside_band", "wrong_province",
             "misspelt_names", "misspelt_sensitive_names"}  # fmt: skip
"""Faults that a map or the checklist must tell: other tests look at them."""


def test_each_fault_stands_in_the_stated_rows_and_nowhere_else(files, planted):
    wrong = {}
    for entry in planted:
        if entry["fault"] in ELSEWHERE:
            continue
        lines = files[entry["file"]].filter(SEEN[entry["fault"]])["line"].to_list()
        if lines != entry["lines"]:
            wrong[entry["file"], entry["fault"]] = sorted(set(lines) ^ set(entry["lines"]))
    assert not wrong


def test_every_list_of_rows_is_as_long_as_stated_and_no_row_has_two_faults(planted):
    assert all(len(e["lines"]) == len(e["identifiers"]) == e["count"] for e in planted)
    rows = Counter((e["file"], line) for e in planted for line in e["lines"])
    assert set(rows.values()) == {1}


def test_identifiers_beside_the_lines_are_those_of_the_rows(files, planted):
    for entry in planted:
        column = "gbifID" if entry["file"] == GBIF else "occurrenceID"
        told = dict(files[entry["file"]].select("line", column).iter_rows())
        assert [told[line] or "" for line in entry["lines"]] == entry["identifiers"], entry["fault"]


def test_the_readme_says_synthetic_first_and_states_every_number(sample_data, planted):
    text = (sample_data / "README.md").read_text()
    assert "SYNTHETIC" in text.splitlines()[0]
    assert "{{" not in text
    for entry in planted:
        assert f"| `{entry['fault']}` | {entry['count']} |" in text
    for file in sample_data.iterdir():
        if file.name not in {"README.md", "make.py", "layers", "recipe", "__pycache__"}:
            assert file.name in text, file.name


def test_records_across_the_border_lie_deep_inside_or_within_the_band(files, planted, boundaries):
    lines = {entry["fault"]: entry["lines"] for entry in planted if entry["file"] == GBIF}
    for fault, ambiguous in (("coordinates_across_border", False), ("across_border_inside_band", True)):
        rows = files[GBIF].filter(pl.col("line").is_in(lines[fault]))
        found = locate(*rows.select(LONGITUDE, LATITUDE).to_numpy().T, boundaries)
        assert (found["located_country_code"] != rows["countryCode"]).all()
        assert (found["ambiguous"] == ambiguous).all()
        told = [code in codes for code, codes in zip(rows["countryCode"], found["country_codes"], strict=True)]
        assert set(told) == {ambiguous}


def test_misspelt_names_are_one_letter_off_a_name_of_the_checklist(files, planted, checklist):
    from rapidfuzz.distance import Levenshtein

    known = checklist["scientificName"].to_list()
    for entry in planted:
        if entry["fault"].startswith("misspelt"):
            rows = files[entry["file"]].filter(pl.col("line").is_in(entry["lines"]))
            for name in rows["verbatimScientificName" if entry["file"] == GBIF else "scientificName"]:
                assert name not in known
                assert min(Levenshtein.distance(name, other) for other in known) == 1


def test_the_harmoniser_says_of_each_fault_what_is_expected(files, planted, boundaries):
    for name, frame in files.items():
        batch = frame.rename({"line": "source_row"}).drop("id", strict=False).with_columns(source_file=pl.lit(name))
        harmoniser = Harmoniser(boundaries=boundaries, secret=b"sample", today=date(2026, 11, 24))
        result = harmoniser.occurrences(batch, dataset_key="sample", declarations={})
        said = dict(result.interpreted.select("source_row", "quality_flags").iter_rows())
        refused = {refusal.row: f"refused {refusal.code}" for refusal in result.refusals}
        for entry in planted:
            if entry["file"] == name and entry["expected"].removeprefix("refused ") in {
                *FLAGS, "IDENTIFIER_MISSING", "ROW_BLANK",
            }:  # fmt: skip
                answers = [[*(said.get(line) or ()), refused.get(line)] for line in entry["lines"]]
                assert all(entry["expected"] in answer for answer in answers), entry["fault"]
