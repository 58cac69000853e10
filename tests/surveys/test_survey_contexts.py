"""What a sheet leaves to its surroundings: labels, notes, names of sheets and files, rows below the headings."""

import polars as pl
import pytest

from biodata.ingest.survey import SurveySource
from sheets import book_of

TAXA = ["Sus scrofa", "Muntiacus muntjak", "Macaca mulatta", "Rusa unicolor"]


def records(tmp_path, sheets, name="s.xlsx", merges=()):
    book_of(sheets, merges).save(tmp_path / name)
    kept = {"heading.Date": "eventDate", "heading.Species": "scientificName", "heading.Count": "individualCount"}
    tables = [t for t in SurveySource([tmp_path / name], options=kept).read() if t.kind == "occurrences"]
    rows = pl.concat([batch for table in tables for batch in table.batches], how="diagonal")
    return rows.sort("source_row", maintain_order=True)


def test_labels_beside_their_values_above_the_headings(tmp_path):
    head = [["Plot survey"], ["Latitude", "21.5 N", None, "Longitude", "101.6 E"], ["Date", "2024-05-03"], []]
    found = records(tmp_path, {"A": [*head, ["Species", "Count"], *[[name, 2] for name in TAXA]]})
    places = found.select("decimalLatitude", "decimalLongitude", "eventDate").unique()
    assert places.rows() == [("21.5 N", "101.6 E", "2024-05-03")]


@pytest.mark.parametrize(("title", "sheet", "file", "year"), [
    ("Birds 2019", "A", "s.xlsx", "/2019"), ("Birds", "Data 2019", "s.xlsx", "/2019"), ("Birds", "A", "b_2019.xlsx", "/2019"),
    ("Birds 2019 and 2020", "A", "s.xlsx", ""),
])  # fmt: skip
def test_days_without_a_year_take_the_one_year_that_is_named(tmp_path, title, sheet, file, year):
    rows = [[f"{n}/8", name, 1, 21.5, 101.6] for n, name in enumerate(TAXA, 20)]
    found = records(tmp_path, {sheet: [[title], ["Date", "Species", "Count", "Latitude", "Longitude"], *rows]}, file)
    assert found["eventDate"].to_list() == [f"{n}/8{year}" for n in range(20, 24)]


def test_rows_of_units_and_of_signatures_are_no_records(tmp_path):
    head = [
        ["Date", "Time", "Latitude", "Longitude", "Species", "Count", "Length"],
        [None, "24h", "deg", "deg", None, "ind.", "mm"],
    ]
    rows = [["2024-05-03", "20:00", 21.5, 101.6, name, 1, 50] for name in TAXA]
    end = [[], [None, "Sign."], ["Recorded by:", None, None, "Checked by:"]]
    assert records(tmp_path, {"A": [*head, *rows, *end]})["scientificName"].to_list() == TAXA


def test_what_no_heading_says_is_known_by_its_cells(tmp_path):
    rows = [["Your name", "Moment", "What did you see?", "Pin", "Count"],
            *[["A", f"2022-03-0{n}", name, f"1.36{n}, 103.81{n}", 1] for n, name in enumerate(TAXA, 1)]]  # fmt: skip
    found = records(tmp_path, {"Form": rows}).select("eventDate", "scientificName", "verbatimCoordinates")
    assert found.row(0) == ("2022-03-01", TAXA[0], "1.361, 103.811")


def test_what_stands_above_the_first_of_two_tables_is_not_of_both(tmp_path):
    def round_of(number):
        rows = [[n, 16.4, 98.7, name, 1] for n, name in enumerate(TAXA, 1)]
        return [[f"Round {number}   Date: 2024-05-0{number}"], ["No", "Lat", "Long", "Species", "Count"], *rows, []]

    found = records(tmp_path, {"A": [["Roadkill"], *round_of(1), *round_of(2)]})
    assert "eventDate" not in found.columns
