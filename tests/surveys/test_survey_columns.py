"""What the columns of a sheet show beside each other: sums, shares, numbers twice, ends, days, zones, and where taxa live."""

import io
from datetime import date, timedelta

import openpyxl
import pytest

from biodata.formats.workbooks import Grid
from biodata.ingest.sheet_layout import Column, Layout
from biodata.ingest.sheet_numbers import odd_numbers
from biodata.surveys.check import check_files
from biodata.text.reference_list import ranges
from case_tables import cases
from sheets import book_of, bytes_of

HEAD = ["tag", "date", "begin", "end", "latitude", "longitude", "scientificName", "adult", "young", "individualCount", "rock %", "soil %",
        "sex", "timeZone", "organismID", "minimumElevationInMeters"]  # fmt: skip
NAMES = ("Sus scrofa", "Macaca arctoides", "Rusa unicolor")


def sheet(**cells):
    """Return a sheet of 24 sound rows, with a cell (`column_row`) told otherwise; the first row of data is 2."""
    rows = []
    for n in range(24):
        day = (date(2026, 2, 3) + timedelta(days=n // 2)).isoformat()
        rows.append([f"T{n + 1:03}", day, "06:00", f"{8 + n % 3}:30", f"{20.9 + n / 1000:.4f}", f"{101.7 + n / 1000:.4f}", NAMES[n % 3],
                     2 + n % 4, 1 + n % 3, 3 + n % 4 + n % 3, 40 + n, 60 - n, "male" if n % 2 else "female", "+07:00", f"R{n // 2 // 3 * 3 + n % 3}", 650 + 9 * n])  # fmt: skip
    for place, value in cells.items():
        column, row = place.rsplit("_", 1)
        rows[int(row) - 2][HEAD.index(column.replace("share", "rock %"))] = value
    return "\n".join(",".join(map(str, row)) for row in [HEAD, *rows]).encode()


def found(boundaries, **cells):
    problems = check_files([("sheet.csv", sheet(**cells))], boundaries, today=date(2026, 12, 1))["problems"]
    return {(p["row"], p["column"], p["code"]) for p in problems if p["row"] != 1 and p["code"] != "VALUE_READ_AS"}


def test_sound_columns_have_nothing_to_mend(boundaries):
    assert found(boundaries) == set()


@pytest.mark.parametrize(
    ("cells", "expected"), cases("survey_columns", "test_what_is_none_of_its_column_is_found_in_its_cell")
)
def test_what_is_none_of_its_column_is_found_in_its_cell(boundaries, cells, expected):
    told, expected = found(boundaries, **cells), tuple(expected)
    assert expected in told
    assert {(row, column) for row, column, _ in told} <= {expected[:2], (9, "individualCount"), (9, "soil %"),
                                                          (12, "organismID")}  # fmt: skip


def test_a_sign_that_many_rows_have_is_a_word_of_the_team(boundaries):
    """J is jantan, a male, where it is no single cell."""
    signs = {f"sex_{row}": "J" if row % 2 else "B" for row in range(2, 26)}
    assert found(boundaries, **signs) == set()


PLOT = """plot,name,胸径DBH(cm),checked,begin,end,latitude,longitude,date
{rows}"""


def test_measures_under_two_scripts_words_among_numbers_and_ends_in_other_digits_are_checked(boundaries):
    rows = [
        f"P1,Sus scrofa,{10 + n},{n % 7},{n % 20 + 1}/05/2026,{n % 20 + 3}/06/2026,20.91,101.71,2026-03-0{n % 9 + 1}"
        for n in range(40)
    ]
    rows[7] = rows[7].replace(",17,", ",0,")
    rows[9] = rows[9].replace(",19,2,", ",19,nhiều,")
    rows[12] = rows[12].replace("15/06/2026", "15/04/2026")
    content = PLOT.format(rows="\n".join(rows)).replace("plot,name", "locality,scientificName").encode()
    problems = check_files([("plots.csv", content)], boundaries, today=date(2026, 12, 1))["problems"]
    asked = ("MEASUREMENT_INVALID", "EVENT_ENDS_BEFORE_START")
    assert {(p["row"], p["column"]) for p in problems if p["code"] in asked} == {
        (9, "胸径DBH(cm)"), (11, "checked"), (14, "end"),
    }  # fmt: skip


def test_a_split_species_is_known_where_its_genus_lives():
    lives = ranges(["Muntiacus muntjak", "Gorilla gorilla", "Dracaena cochinchinensis"])
    assert "LA" in lives["Muntiacus muntjak"].countries
    assert not lives["Gorilla gorilla"].countries
    assert "CN" in lives["Dracaena cochinchinensis"].countries


def odd(**columns):
    """Return what is odd in columns of 24 rows by themselves: row, heading, code."""
    cells = list(zip(*columns.values(), strict=True))
    headings = [Column(at, heading, 1) for at, heading in enumerate(columns)]
    layout = Layout(
        Grid("f.xlsx", "s", visible=True, rows=[]), 1, headings, [(n, list(row)) for n, row in enumerate(cells)]
    )
    return {(one.row, one.column, one.code) for one in odd_numbers(layout, dict(enumerate(columns)), ())}


ROWS = range(24)
HEIGHTS, BRANCHES = [str(8 + 5 * n % 11) for n in ROWS], [str(6 + 5 * n % 11) for n in ROWS]
HOURS = [f"{6 + n % 4:02}:10" for n in ROWS]
LENGTHS = [str(12 + n % 9) for n in ROWS]
MASSES = [str(round(0.02 * (12 + n % 9) ** 3 * (1 + n % 3 / 50), 1)) for n in ROWS]
LAID, HATCHED = ([f"2024-0{m}-{d + n % 5:02}" for n in ROWS] for m, d in ((4, 3), (5, 27)))
CLOSED, LEFT = ([f"{d + n % 9}/{m}/2568" if n % 5 else "-" for n in ROWS] for d, m in ((11, 1), (12, 5)))


@pytest.mark.parametrize(("columns", "wrong", "code"), [
    pytest.param({"气温": [f"{21 + n % 7}.4" for n in ROWS]}, "237", "MEASUREMENT_INVALID", id="a point lost in a temperature"),
    pytest.param({"坡度": [str(5 * (n % 8)) for n in ROWS]}, "135", "MEASUREMENT_INVALID", id="a slope beyond a wall"),
    pytest.param({"Wind (Bft)": [str(n % 5) for n in ROWS]}, "14", "MEASUREMENT_INVALID", id="a wind that no scale has"),
    pytest.param({"height": HEIGHTS, "branch": BRANCHES}, "15.9", "MEASUREMENT_INVALID", id="the first branch above the tree"),
    pytest.param({"เวลา": HOURS}, "๒๕.๔๕ น.", "TIME_UNREADABLE", id="an hour that no day has"),
    pytest.param({"closed": CLOSED, "left": LEFT}, "28/5/2567", "EVENT_ENDS_BEFORE_START", id="a nest left the year before"),
    pytest.param({"气温(℃)": [str(9 + 5 * n % 14) for n in ROWS]}, "54", "MEASUREMENT_INVALID", id="Fahrenheit among Celsius"),
    pytest.param({"elevation": [str(800 + 370 * n % 900) for n in ROWS]}, "3937", "MEASUREMENT_INVALID", id="feet among metres"),
    pytest.param({"length": LENGTHS, "mass": MASSES}, "0.11", "MEASUREMENT_INVALID", id="kilograms among grams"),
    pytest.param({"laid": LAID, "hatched": HATCHED}, "2024-04-20", "VALUE_GOES_WITH_ANOTHER", id="eggs that hatch too soon"),
    pytest.param({"tag": [f"P{n // 12}-{n % 12:02}" for n in ROWS]}, "P0-11", "IDENTIFIER_REPEATED", id="a tag twice in a plot"),
    pytest.param({"eggs": [str(90 + 7 * n % 31) for n in ROWS], "孵化数": [str(50 + 9 * n % 37) for n in ROWS]}, "140",
                 "MEASUREMENT_INVALID", id="more young than eggs"),
    pytest.param({"Photo licence": ["CC BY 4.0"] * 24}, "CC BY 9.0", "LICENSE_UNKNOWN", id="a licence that does not exist"),
    pytest.param({"tree": [str(1 + n % 8) for n in ROWS]}, "4", "IDENTIFIER_REPEATED", id="a tree of a plot twice"),
    pytest.param({"CCL (cm)": [f"{64 + 7 * n % 9},5" for n in ROWS]}, "0,69 m", "MEASUREMENT_INVALID", id="metres in a column of cm"),
    pytest.param({"hatched": [str(60 + 9 * n % 37) for n in ROWS], "failed": [str(9 + 5 * n % 11) for n in ROWS], "day": HATCHED,
                  "laid": [str(69 + 9 * n % 37 + 5 * n % 11) for n in ROWS]}, "118", "SUM_DISAGREES", id="a sum with a day between"),
    pytest.param({"laid": LAID, "note": ["-"] * 24, "hatched": HATCHED}, "2024-03-20", "VALUE_GOES_WITH_ANOTHER",
                 id="eggs that hatched before they were laid"),
])  # fmt: skip
def test_what_breaks_the_rule_of_its_columns_is_found_and_nothing_else(columns, wrong, code):
    assert odd(**columns) == set()
    last = [*columns][-1]
    columns = columns | {last: [wrong if n == 12 else cell for n, cell in enumerate(columns[last])]}
    assert odd(**columns) == {(12, last, code)}


@pytest.mark.parametrize(("heading", "cells", "wrong"), [
    ("pH", ["7.1", "72", "6.9", "7.4"], 1),
    ("水温（℃）", ["26.8", "27.5", "271"], 2),
    ("ความชื้นสัมพัทธ์", ["88", "91", "910"], 2),
    ("phase", ["7.1", "72", "6.9", "7.4"], None),
])  # fmt: skip
def test_what_a_measure_never_is_is_found_among_few_rows(heading, cells, wrong):
    assert odd(**{heading: cells}) == ({(wrong, heading, "MEASUREMENT_INVALID")} if wrong is not None else set())


def test_columns_of_different_units_and_products_of_nothing_show_nothing_of_each_other():
    thick = [str(13 + 7 * n % 20) for n in ROWS]
    low = [str(9 if n == 12 else 3 + n % 4) for n in ROWS]
    assert (
        odd(**{"first branch (m)": low, "DBH (cm)": ["8" if n == 12 else cell for n, cell in enumerate(thick)]})
        == set()
    )
    assert (
        odd(
            killed=["1" if n == 5 else "0" for n in ROWS],
            young=["0"] * 24,
            injured=["1" if n == 5 else "0" for n in ROWS],
        )
        == set()
    )


def table(**cells):
    """Return forty rows of four stations of which each has its team, with a cell (`column_row`) written otherwise."""
    head = ["date", "scientificName", "station", "team", "latitude", "longitude", "young", "adults", "height (m)",
            "storey", "start", "end"]  # fmt: skip
    rows = []
    for n in range(40):
        station, day = n % 4, (date(2026, 2, 3) + timedelta(days=n // 4)).isoformat()
        young = n % 7
        rows.append([day, NAMES[n % 3], f"S{station}", f"team {station}", f"{20.9 + station / 100:.4f}", "101.7", young, young + n % 3,
                     f"{18 + n % 6}", "high" if n % 6 > 2 else "low", f"{6 + n % 5:02}:00", f"{6 + n % 5 + 1 + n % 2:02}:30"])  # fmt: skip
    for place, value in cells.items():
        column, row = place.rsplit("_", 1)
        rows[int(row) - 2][head.index(column)] = value
    return "\n".join(",".join(map(str, row)) for row in [head, *rows]).encode()


@pytest.mark.parametrize(("cells", "expected"), [
    ({}, set()),
    ({"team_11": "team 3"}, {(11, "team", "VALUE_GOES_WITH_ANOTHER")}),
    ({"storey_14": "high"}, {(14, "storey", "VALUE_GOES_WITH_ANOTHER")}),  # of a tree as low as all that are low
    ({"latitude_11": "20.9200"}, {(11, "latitude", "VALUE_GOES_WITH_ANOTHER")}),  # of another station
    ({"team_11": "Team 1"}, set()),  # the letters' size is no difference
    ({"team_11": "team 3", "team_15": "team 3"}, set()),  # a team that changed
])  # fmt: skip
def test_a_cell_that_all_other_rows_contradict_is_found(boundaries, cells, expected):
    asked = ("VALUE_GOES_WITH_ANOTHER",)
    problems = check_files([("table.csv", table(**cells))], boundaries, today=date(2026, 12, 1))["problems"]
    assert {(p["row"], p["column"], p["code"]) for p in problems if p["code"] in asked} == expected


def test_sheets_of_the_same_columns_are_one_table_and_a_sheet_may_be_of_a_month(boundaries):
    head = ["date", "scientificName", "station", "latitude", "longitude"]
    book = book_of({f"Month {month}": [head, *(
        [f"2026-0{month}-{n * 5 % 8 + 10}", NAMES[n % 3], f"S{n % 4}", round(20.9 + n % 4 / 100, 2), 101.7] for n in range(8)
    )] for month in (2, 3, 4)})  # fmt: skip
    book["Month 3"]["A4"], book["Month 4"]["D5"] = "2026-05-12", 20.91
    problems = check_files([("t.xlsx", bytes_of(book))], boundaries, today=date(2026, 12, 1))["problems"]
    found = {(p["sheet"], p["row"], p["column"]) for p in problems if p["code"] == "VALUE_GOES_WITH_ANOTHER"}
    assert found == {("Month 3", 4, "date"), ("Month 4", 5, "latitude")}


def test_headings_are_any_words(boundaries):
    rows = "\n".join(f"2026-02-{n % 20 + 1:02},Sus scrofa,20.9,101.7,{n % 3},S{n % 4}" for n in range(24))
    content = f"eventDate,scientificName,decimalLatitude,decimalLongitude,the month,the sheet\n{rows}".encode()
    assert check_files([("sheet.csv", content)], boundaries, today=date(2026, 12, 1))["ok"]


def test_what_is_merged_over_the_rows_of_a_visit_is_the_time_of_each(boundaries):
    book = openpyxl.Workbook()
    page, names = book.active, ("Hypothymis azurea", "Motacilla cinerea", "Pycnonotus jocosus", "Copsychus saularis")
    page.append(["point", "date", "start time", "end time", "scientificName", "individualCount"])
    for visit in range(8):
        for n in range(4):
            end = f"{7 + visit % 3}:{(35 if visit == 3 else 55):02}"
            first = [f"P{visit + 1}", f"2026-03-{visit + 1:02}", f"{7 + visit % 3}:45", end] if n == 0 else [None] * 4
            page.append([*first, names[0 if (visit, n) == (5, 1) else (n + visit) % 4], 2 if visit == 5 else n + 1])
        for column in range(1, 5):
            page.merge_cells(None, visit * 4 + 2, column, visit * 4 + 5, column)
    page.cell(22, 5).value = page.cell(23, 5).value = names[2]
    out = io.BytesIO()
    book.save(out)
    problems = check_files([("points.xlsx", out.getvalue())], boundaries, today=date(2026, 12, 1))["problems"]
    found = {(p["row"], p["code"]) for p in problems}
    assert {(14, "EVENT_ENDS_BEFORE_START"), (23, "ROW_REPEATED")} <= found
    assert not {row for row, code in found if code == "EVENT_ENDS_BEFORE_START"} - {14}
