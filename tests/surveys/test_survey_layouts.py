"""Sheets as people lay them out: groups above headings, two languages, forms with a head, a sheet a month, merged visits."""

from datetime import date, datetime, time

import pytest

import sheets
from biodata.surveys.check import check_files

TODAY = date(2026, 11, 24)
KEPT = {"Date": "eventDate", "日期": "eventDate", "Count": "individualCount", "数量": "individualCount"}


def told(book, boundaries, **options):
    report = check_files([("s.xlsx", sheets.bytes_of(book))], boundaries, today=TODAY, kept=KEPT, **options)
    return report, [(p["row"], p["column"], p["code"]) for p in report["problems"]]


def book_of(*rows, name="Sheet1", merges=()):
    return sheets.book_of({name: rows}, merges)


HEADINGS = ["Record ID", "Date", "Scientific name", "Latitude", "Longitude", "Count"]
ROWS = [[f"R{n}", "2026-03-01", "Sus scrofa", 20.65, 101.95, 2] for n in range(1, 5)]


UNITS = [None, "yyyy-mm-dd", None, "°", "°", None]
CHINESE = ["记录编号", "日期", "学名", "纬度", "经度", "数量"]
JOINED = [(1, None, "HEADING_ROWS_JOINED")]


@pytest.mark.parametrize(("rows", "more", "expected"), [
    pytest.param([["Record ID", "When and what", None, "Where", None, "Count"],
                  [None, "Date", "Scientific name", "Latitude", "Longitude", None], *ROWS],
                 {"merges": ["A1:A2", "B1:C1", "D1:E1", "F1:F2"]}, JOINED, id="groups above, merged to both sides"),
    pytest.param([CHINESE, HEADINGS, *ROWS], {}, JOINED, id="two languages, one below the other"),
    *[pytest.param([HEADINGS, UNITS, *ROWS], {"name": name}, JOINED, id=f"units below, in a sheet {name}")
      for name in ("Data", "Dataset", "项目")],
    pytest.param([["Record ID", "Date", "Scientific name", "Latitude", "Longitude", "Count", "eventTime"],
                  ["R1", datetime.fromisoformat("2026-03-01"), "Sus scrofa", 20.65, 101.95, 2, time(6, 30)],
                  ["R2", datetime.fromisoformat("2026-03-01T06:30"), "Sus scrofa", 20.65, 101.95, 2, None],
                  ["R3", datetime.fromisoformat("2569-03-01"), "Sus scrofa", 20.65, 101.95, 2, None], [*ROWS[3], None]],
                 {}, [(4, "Date", "RECORDED_DATE_BUDDHIST_ERA")], id="real dates and times of a spreadsheet"),
    pytest.param([[*HEADINGS, "locality"], *[[*row, "Total"] for row in ROWS]], {}, [], id="a place of the name Total"),
    pytest.param([HEADINGS, ["ฤดูทำรัง พ.ศ. 2568"], *ROWS[:2], ["ฤดูทำรัง พ.ศ. 2569"], *ROWS[2:]],
                 {"merges": ["A2:F2", "A5:F5"]}, [(2, None, "NOTE_ROW_LEFT_OUT"), (5, None, "NOTE_ROW_LEFT_OUT")],
                 id="a band over all columns is no record"),
])  # fmt: skip
def test_four_records_however_their_sheet_is_laid_out(boundaries, rows, more, expected):
    report, found = told(book_of(*rows, **more), boundaries)
    assert (found, report["rows"]) == (expected, 4)


def test_headings_in_two_languages_in_one_cell(boundaries):
    both = [f"{a}\n{b}" for a, b in zip(CHINESE, HEADINGS, strict=True)]
    report, found = told(book_of(both, *ROWS), boundaries)
    assert {code for _, _, code in found} <= {"HEADING_TAKEN"}
    assert report["rows"] == 4


def test_a_sheet_a_month(boundaries):
    book = book_of(HEADINGS, *ROWS, name="March")
    page = book.create_sheet("April")
    for cells in (HEADINGS, ["R9", "2026-04-31", *ROWS[0][2:]], ["R1", "2026-04-01", *ROWS[0][2:]]):
        page.append(cells)
    report, found = told(book, boundaries)
    assert found == [(2, "Date", "RECORDED_DATE_INVALID"), (3, "Record ID", "IDENTIFIER_REPEATED")]
    assert report["rows"] == 6
    assert "March, row 2" in report["problems"][1]["message"]


def test_an_identifier_alone_is_a_record_and_no_note(boundaries):
    _, found = told(book_of(HEADINGS, *ROWS, ["R9"]), boundaries)
    assert {code for row, _, code in found if row == 6} == {"RECORDED_DATE_MISSING", "SCIENTIFIC_NAME_MISSING",
                                                            "COORDINATE_MISSING"}  # fmt: skip


def test_a_sheet_without_headings(boundaries):
    (problem,) = told(book_of(*ROWS), boundaries)[0]["problems"]
    assert problem["code"] == "SHEET_MISSING"


def test_a_sign_for_nothing_is_nothing(boundaries):
    rows = [["R1", "?", "Sus scrofa", 20.65, 101.95, "-"], ["-", "2026-03-01", "n/a", "-", "-", 2]]
    report, found = told(book_of(HEADINGS, *rows), boundaries)
    assert found == [(2, "Date", "RECORDED_DATE_MISSING"), (3, "Record ID", "IDENTIFIER_MISSING"),
                     (3, "Scientific name", "SCIENTIFIC_NAME_MISSING"), (3, "Latitude", "COORDINATE_MISSING")]  # fmt: skip
    assert [p["value"] for p in report["problems"]] == ["?", "-", "n/a", "-"]


def test_a_sign_for_nothing_leaves_it_to_the_event(boundaries):
    book = book_of([*HEADINGS, "eventID"], ["R1", "-", "Sus scrofa", "?", "?", 1, "E1"], name="occurrences")
    page = book.create_sheet("events")
    page.append(["eventID", "eventDate", "decimalLatitude", "decimalLongitude"])
    page.append(["E1", "2026-03-01", 20.65, 101.95])
    page.append(["-", "2026-03-01", 20.65, 101.95])
    assert told(book, boundaries)[1] == [(3, "eventID", "EVENT_ID_MISSING")]


def test_headings_below_joined_ones(boundaries):
    book = book_of(
        ["Birds of the ridge"],
        ["Record ID", "Date", "Scientific name", "Coordinates", None, "Distance", None, None],
        [None, None, None, "Latitude", "Longitude", "0-25 m", "25-50 m", ">50 m"],
        *[[*row[:5], 1, None, 2] for row in ROWS],
        merges=["A2:A3", "B2:B3", "D2:E2"],
    )
    report, found = told(book, boundaries)
    assert found == [
        (1, None, "TITLE_ROWS_LEFT_OUT"),
        (2, None, "HEADING_ROWS_JOINED"),
        (3, "Distance 0-25 m", "HEADING_MEANS_THE_SAME"),
        (3, "Distance 0-25 m", "VALUE_READ_AS"),
        *[(3, f"Distance {band}", "HEADING_MEANS_THE_SAME") for band in ("25-50 m", ">50 m")],
    ]
    assert report["problems"][3]["value"] == "Distance 0-25 m + Distance 25-50 m + Distance >50 m"
    assert (report["ok"], report["rows"]) == (True, 4)


def test_what_stands_above_the_headings_is_of_every_row(boundaries):
    book = book_of(
        ["Tree plots of the ridge"],
        ["Grid: UTM zone 47Q", None, "Date:", "3-5 March 2026"],
        ["Observer: the ridge team"],
        ["Tree", "Easting", "Northing", "Scientific name", "DBH (cm)"],
        ["T1", 797350, 2285600, "Sus scrofa", 40],
        ["T2", None, None, "Sus scrofa", None],
        merges=["B5:B6", "C5:C6", "E5:E6"],
    )
    report, found = told(book, boundaries)
    assert [one for one in found if one[2] == "TITLE_VALUE_TAKEN"] == [
        (2, "Date", "TITLE_VALUE_TAKEN"), (2, "Grid", "TITLE_VALUE_TAKEN"), (3, "Observer", "TITLE_VALUE_TAKEN"),
    ]  # fmt: skip
    assert [(one["row"], one["column"]) for one in report["problems"] if one["blocking"]] == [(5, "DBH (cm)")]


def test_cells_left_empty_below_the_first_of_a_station(boundaries):
    book = book_of(
        ["Station", "Date", "Scientific name", "Latitude", "Longitude", "Count"],
        ["S1", "2026-03-01", "Sus scrofa", 20.65, 101.95, 1],
        [None, None, "Muntiacus vaginalis", None, None, 2],
        ["S2", None, "Sus scrofa", None, None, 2],
    )
    report, found = told(book, boundaries)
    columns = ["Date", "Latitude", "Longitude", "Station"]
    assert sorted(one[1] for one in found if one[2] == "CELL_BLANK_BELOW") == columns
    report, _ = told(book, boundaries, accepted=["CELL_BLANK_BELOW"])
    blocking = [(one["row"], one["code"]) for one in report["problems"] if one["blocking"]]
    assert blocking == [(4, "RECORDED_DATE_MISSING"), (4, "COORDINATE_MISSING")]


def test_what_is_written_once_above_the_rows_of_a_visit_is_read_down(boundaries):
    visits = [[f"S{n}", f"2026-03-0{n}", "Sus scrofa", 20.65, 101.95, 1] for n in (1, 2)]
    below = [None, None, "Muntiacus vaginalis", None, None, 2]
    book = book_of(["Station", "Date", "Scientific name", "Latitude", "Longitude", "Count"], *(row for one in visits for row in (one, below, below)))  # fmt: skip
    report, found = told(book, boundaries)
    assert {one for one in found if one[0] > 1} == {
        (row, column, "MERGED_CELLS_FILLED") for row in (2, 5) for column in ("Date", "Latitude", "Longitude", "Station")
    }  # fmt: skip
    assert (report["ok"], report["rows"]) == (True, 6)


def test_a_patrols_table_has_common_and_latin_names_and_rows_of_no_animal(boundaries):
    rows = [["R1", "2026-03-01", "Wild pig - Sus scrofa", 20.65, 101.95, "Wildlife"],
            ["R2", "2026-03-01", None, 20.65, 101.95, "Threats"],
            ["R3", "2026-03-01", None, 20.65, 101.95, "Wildlife"],
            ["Checked by: the head of the station"]]  # fmt: skip
    book = book_of([*HEADINGS[:5], "Observation Category 0"], *rows)
    report, found = told(book, boundaries)
    assert report["rows"] == 2
    assert [one for one in found if not one[2].startswith("HEADING")] == [
        (None, "Observation Category 0", "NO_ANIMAL_LEFT_OUT"),
        (2, "Scientific name", "VALUE_READ_AS"),
        (4, "Scientific name", "SCIENTIFIC_NAME_MISSING"),
        (5, None, "NOTE_ROW_LEFT_OUT"),
    ]


@pytest.mark.parametrize(("dated", "month"), [((["Date", 3], ["Date", 17]), "Januari 2026"), (None, "Chim 5-2026")])
def test_a_sheets_name_says_the_month_of_bare_days_and_of_rows_without_any_date(boundaries, dated, month):
    days = [[], []] if dated is None else [[cell] for _, cell in dated]
    rows = [[*day, "Sus scrofa", 20.65, 101.95 + at / 100] for at, day in enumerate(days)]
    heads = [*([] if dated is None else ["Date"]), "Scientific name", "Latitude", "Longitude"]
    report, found = told(book_of(heads, *rows, name=month), boundaries)
    assert (report["rows"], report["blocking"]) == (2, 0)
    assert "DATE_OF_SHEET_TAKEN" in {code for _, _, code in found}


def test_what_stands_beside_a_table_is_read_as_it_is_meant(boundaries):
    counts = book_of(["Name", "Scientific name", "KA", "KB", "KC", "TOTAL"],
                     [None, "date", "7-Jun-26", "8-Jun-26", "9-Jun-26", None],
                     [None, "recorder", "Ana", "Ben", "Cy", None], ["Boar", "Sus scrofa", 1, 4, None, 5],
                     ["Gaur", "Bos gaurus", None, 2, 1, 3], [None, "No. of spp.", 1, 2, 1, None], name="June 2026")  # fmt: skip
    sites = counts.create_sheet("Transects")
    for cells in (["Code", "Lat (N)", "Long (E)"], ["KA", 20.6, 101.9], ["KB", 20.7, 101.8], ["KC", 20.8, 101.8]):
        sites.append(cells)
    report, found = told(counts, boundaries)
    assert report["rows"] == 4
    assert not [one for one in report["problems"] if one["blocking"]], found


def test_a_sheet_of_labels_tells_of_the_whole_file_and_its_faults_stand_in_their_cells(boundaries):
    book = book_of(HEADINGS, *ROWS)
    info = book.create_sheet("Thông tin")
    for cells in (["Địa điểm", "Nam Ha"], ["Giấy phép dữ liệu", "CC BY 5.0"], ["Múi giờ", "UTC+9"], ["Datum", "WGS84"]):
        info.append(cells)
    report, found = told(book, boundaries)
    assert report["rows"] == 4
    assert set(found) == {(2, "Giấy phép dữ liệu", "LICENSE_UNSUPPORTED"), (3, "Múi giờ", "TIME_ZONE_NOT_OF_PLACE")}


@pytest.mark.parametrize(("rows", "count", "taken"), [
    pytest.param([["草海 2025年（20.65°N，101.95°E）"], ["学名", "1月", "2月", "3月", "12月"],
                  *[[name, *range(at, at + 4)] for at, name in enumerate(("Sus scrofa", "Rusa unicolor", "Macaca mulatta"), 1)]],
                 12, (2, "1月", "CROSS_TABLE_READ"), id="months over the counts of each species are their dates"),
    pytest.param([["วันที่", "เวลา", "ละติจูด", "ลองจิจูด", "จำนวนช้าง"],
                  *[[f"{n}/3/2569", "06.10", 20.65, 101.95, 1 + n % 3] for n in range(14, 20)]],
                 6, (1, "จำนวนช้าง", "VALUE_READ_AS"), id="a table that counts one taxon is of records of it"),
])  # fmt: skip
def test_what_the_headings_say_of_counts_is_taken(boundaries, rows, count, taken):
    report, found = told(book_of(*rows), boundaries)
    assert (report["rows"], report["ok"]) == (count, True)
    assert taken in found


def test_counts_below_the_names_of_their_stations_whose_days_come_first_by_the_language(boundaries):
    stations = [
        ["ស្ថានីយ", "PT1", "PT2", "PT3", "សរុប"],
        ["Lat", 20.61, 20.62, 20.63, None],
        ["Long", 101.9, 101.8, 101.7, None],
    ]
    counts = ["ឈ្មោះវិទ្យាសាស្ត្រ", *["ចំនួន"] * 3, "ចំនួនសរុប"]
    rows = [["Sus scrofa", 1, 4, None, 5], ["Bos gaurus", None, 2, 1, 3]]
    book = book_of(*stations, ["កាលបរិច្ឆេទ", "05/03/2024", "06/03/2024", "07/03/2024", None], counts, *rows)
    report, found = told(book, boundaries)
    assert (report["rows"], report["blocking"]) == (4, 0), found
    assert not [one for one in found if one[2].startswith("RECORDED_DATE")]
