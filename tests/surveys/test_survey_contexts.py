"""What a sheet leaves to its surroundings: labels, notes, names of sheets and files, legends, rows below the headings."""

import openpyxl
import polars as pl
import pytest

from biodata.ingest.survey import SurveySource

TAXA = ["Sus scrofa", "Muntiacus muntjak", "Macaca mulatta", "Rusa unicolor"]


def records(tmp_path, sheets, name="s.xlsx", merges=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for merge in merges:
            sheet.merge_cells(merge)
    book.save(tmp_path / name)
    kept = {
        f"heading.{h}": t
        for h, t in {"Date": "eventDate", "Species": "scientificName", "Count": "individualCount"}.items()
    }
    tables = [t for t in SurveySource([tmp_path / name], options=kept).read() if t.kind == "occurrences"]
    return pl.concat([batch for table in tables for batch in table.batches], how="diagonal").sort(
        "source_row", maintain_order=True
    )


def test_labels_beside_their_values_above_the_headings(tmp_path):
    head = [["Plot survey"], ["Latitude", "21.5 N", None, "Longitude", "101.6 E"], ["Date", "2024-05-03"], []]
    found = records(tmp_path, {"A": [*head, ["Species", "Count"], *[[name, 2] for name in TAXA]]})
    assert found.select("decimalLatitude", "decimalLongitude", "eventDate").unique().rows() == [
        ("21.5 N", "101.6 E", "2024-05-03")
    ]


@pytest.mark.parametrize(
    ("title", "sheet", "file"),
    [("Birds 2019", "A", "s.xlsx"), ("Birds", "Data 2019", "s.xlsx"), ("Birds", "A", "b_2019.xlsx")],
)
def test_days_without_a_year_take_the_one_year_that_is_named(tmp_path, title, sheet, file):
    rows = [
        [title],
        ["Date", "Species", "Count", "Latitude", "Longitude"],
        *[[f"{n}/8", name, 1, 21.5, 101.6] for n, name in enumerate(TAXA, 20)],
    ]
    assert records(tmp_path, {sheet: rows}, file)["eventDate"].to_list() == [
        "20/8/2019",
        "21/8/2019",
        "22/8/2019",
        "23/8/2019",
    ]


def test_two_years_above_a_table_are_none(tmp_path):
    rows = [
        ["Birds 2019 and 2020"],
        ["Date", "Species", "Count", "Latitude", "Longitude"],
        *[["20/8", name, 1, 21.5, 101.6] for name in TAXA],
    ]
    assert set(records(tmp_path, {"A": rows})["eventDate"]) == {"20/8"}


def test_days_as_headings_of_a_cross_table(tmp_path):
    rows = [["Frogs 2017"], ["Latitude", "3.7 N", "Longitude", "102.2 E"], [], ["Species", "26/8", "27/8", "28/8", "Total"],
            *[[name, 1, None, 2, 3] for name in TAXA]]  # fmt: skip
    found = records(tmp_path, {"A": rows})
    assert found.group_by("eventDate").agg(pl.col("individualCount").unique().first()).sort("eventDate").rows() == [
        ("26/8/2017", "1"), ("28/8/2017", "2"),
    ]  # fmt: skip


def test_codes_that_a_legend_explains(tmp_path):
    legend = [["Code", "Species"], *zip(["SSC", "MMU", "MMA", "RUN"], TAXA, strict=True)]
    head = ["Trap", "Latitude", "Longitude", "Date", "SSC", "MMU", "MMA", "RUN"]
    rows = [head, *[[f"T{n}", 21.5, 101.6, "2024-05-03", 1, None, 3, 2] for n in range(4)]]
    assert set(records(tmp_path, {"Traps": rows, "Legend": legend})["scientificName"]) == {TAXA[0], TAXA[2], TAXA[3]}
    cells = [
        ["Date", "Latitude", "Longitude", "Code", "Count"],
        *[["2024-05-03", 21.5, 101.6, code, 1] for code, _ in legend[1:]],
    ]
    assert records(tmp_path, {"Plots": cells, "Legend": legend})["scientificName"].to_list() == TAXA


def test_degrees_minutes_and_seconds_in_columns_of_their_own(tmp_path):
    rows = [["Date", "Species", "Count", "北纬", None, None, "东经", None, None], [None, None, None, *"度分秒度分秒"],
            *[["2016-07-06", name, 1, 31, 36, 9.3, 88, 33, 25.6] for name in TAXA]]  # fmt: skip
    found = records(tmp_path, {"A": rows}, merges=["D1:F1", "G1:I1", "A1:A2", "B1:B2", "C1:C2"])
    assert found.select("decimalLatitude", "decimalLongitude").unique().rows() == [("31° 36′ 9.3″", "88° 33′ 25.6″")]


def test_metres_whose_zone_stands_anywhere(tmp_path):
    rows = [
        ["Date", "Species", "Count", "X/Y"],
        *[["2023-05-13", name, 1, f"056{n}071/2249092"] for n, name in enumerate(TAXA)],
    ]
    found = records(tmp_path, {"A": [*rows, [], ["Note: coordinates UTM, WGS84, zone 48Q"]]})
    assert found["decimalLatitude"].cast(float).is_between(20.3, 20.4).all()
    own = [
        ["Date", "Species", "Count", "Easting", "Northing"],
        *[["2020-02-11", name, 1, 726186 + n, 1362177] for n, name in enumerate(TAXA)],
    ]
    found = records(tmp_path, {"Data": own, "README": [["All GPS points UTM, WGS 84, zone 48N"]]})
    assert found["decimalLongitude"].cast(float).is_between(107.0, 107.2).all()


def test_tables_one_below_the_other_each_with_its_labels(tmp_path):
    def plot(number, latitude):
        labels = [f"PLOT {number}", "Latitude", latitude, "Longitude", 95.2, "Date", "2018-11-07"]
        return [
            labels,
            ["Tag", "Species", "Count", "Remarks"],
            *[[f"{number}0{n}", name, 1, None] for n, name in enumerate(TAXA)],
            [],
        ]

    found = records(tmp_path, {"Trees": [["Popa"], [], *plot(1, 20.9), *plot(2, 20.8), *plot(3, 20.7)]})
    assert found["decimalLatitude"].value_counts().sort("decimalLatitude").rows() == [
        ("20.7", 4),
        ("20.8", 4),
        ("20.9", 4),
    ]


def test_a_sign_for_the_same_again(tmp_path):
    rows = [["Date", "Species", "Count", "Latitude", "Longitude"], ["2024-05-03", TAXA[0], 1, 21.5, 101.6],
            *[["〃", name, 1, "同上", "同上"] for name in TAXA[1:]]]  # fmt: skip
    found = records(tmp_path, {"A": rows})
    assert found.select("eventDate", "decimalLatitude", "decimalLongitude").unique().rows() == [
        ("2024-05-03", "21.5", "101.6")
    ]


def test_rows_of_units_of_signatures_and_of_groups_are_no_records(tmp_path):
    head = [
        ["Date", "Time", "Latitude", "Longitude", "Species", "Count", "Length"],
        [None, "24h", "deg", "deg", None, "ind.", "mm"],
    ]
    rows = [["2024-05-03", "20:00", 21.5, 101.6, name, 1, 50] for name in TAXA]
    end = [[], [None, "Sign."], ["Recorded by:", None, None, "Checked by:"]]
    group = [[None, None, None, None, "HERONS & EGRETS"]]
    assert records(tmp_path, {"A": [*head, *group, *rows, *end]})["scientificName"].to_list() == TAXA


def test_what_no_heading_says_is_known_by_its_cells(tmp_path):
    rows = [["Your name", "Moment", "What did you see?", "Pin", "Count"],
            *[["A", f"2022-03-0{n}", name, f"1.36{n}, 103.81{n}", 1] for n, name in enumerate(TAXA, 1)]]  # fmt: skip
    found = records(tmp_path, {"Form": rows})
    assert found.select("eventDate", "scientificName", "verbatimCoordinates").row(0) == (
        "2022-03-01",
        TAXA[0],
        "1.361, 103.811",
    )


def test_labels_between_records_are_of_those_below(tmp_path):
    head = ["Tree", "Coordinates", "Species", "Count"]
    rows = [[f"T{n}", "2.42, 102.01", TAXA[n], 5] for n in range(4)]
    nights = [["Night 1: 12 March 2024"], *rows[:2], ["Night 2: 8 May 2024"], *rows[2:]]
    assert (
        records(tmp_path, {"A": [head, *nights]})["eventDate"].to_list() == ["12 March 2024"] * 2 + ["8 May 2024"] * 2
    )


def test_tables_one_below_the_other_with_labels_in_one_cell(tmp_path):
    def round_of(number):
        label = [f"Round {number}   Date: 2024-05-0{number}   Surveyor: A"]
        return [
            label,
            ["No", "Lat", "Long", "Species", "Count"],
            *[[n, 16.4, 98.7, name, 1] for n, name in enumerate(TAXA, 1)],
            [],
        ]

    found = records(tmp_path, {"A": [["Roadkill"], *round_of(1), *round_of(2)]})
    assert found["eventDate"].value_counts().sort("eventDate").rows() == [("2024-05-01", 4), ("2024-05-02", 4)]
