"""Plain headings that a sheet decides: taken with their confidence where cells speak for them and no other heading does."""

import pytest

import releases as fixture
from biodata import surveys
from biodata.ingest.headings import CERTAIN, Why, decided, propose
from biodata.ingest.kobo_submissions import columns_of
from case_tables import cases
from sheets import book_of, bytes_of

PLAIN = {
    "en": ("Date", "Species", "Number", "Place"),
    "zh": ("日期", "物种", "数量", "地点"),
    "th": ("วันที่", "ชนิด", "จำนวน", "สถานที่"),
    "vi": ("Ngày", "Tên loài", "Số lượng", "Địa điểm"),
    "lo": ("ວັນທີ", "ຊະນິດ", "ຈຳນວນ", "ສະຖານທີ່"),
    "km": ("កាលបរិច្ឆេទ", "ប្រភេទ", "ចំនួន", "ទីកន្លែង"),
    "my": ("ရက်စွဲ", "မျိုးစိတ်", "အရေအတွက်", "နေရာ"),
    "ms": ("Tarikh", "Spesies", "Bilangan", "Tempat"),
    "id": ("Tanggal", "Jenis", "Jumlah", "Lokasi"),
    "fil": ("Petsa", "Species", "Bilang", "Lugar"),
}
TERMS = ("eventDate", "scientificName", "individualCount", "locality")
CELLS = (("2026-03-01", "2026-03-02", "2026-03-05"), ("Sus scrofa", "Rusa unicolor", "Macaca mulatta"),
         ("2", "1", "约5"), ("Ban Nam Ha", "勐腊", "Doi Inthanon"))  # fmt: skip


def taken(headings, cells):
    """Return heading → term of those that the sheet decides."""
    told = dict(zip(headings, cells, strict=True))
    return {one.heading: one.term for one in decided(propose(headings, cells=told), told) if one.why is Why.TAKEN}


@pytest.mark.parametrize("language", PLAIN)
def test_plain_headings_of_any_language_are_decided_by_their_cells(language):
    assert dict(zip(PLAIN[language][:3], TERMS, strict=False)).items() <= taken(PLAIN[language], CELLS).items()


@pytest.mark.parametrize("language", ["lo", "fil"])
def test_a_sheet_of_plain_headings_goes_in_and_says_what_it_was_read_as(language):
    headings = ["occurrenceID", "decimalLatitude", "decimalLongitude", *PLAIN[language]]
    rows = [[f"R{n}", "20.61", "101.25", *row[:2], str(n + 1 if n < 2 else 7), row[3]]
            for n, row in enumerate(zip(*CELLS, strict=True))]  # fmt: skip
    content = bytes_of(book_of({"Sheet": [headings, *rows]}))
    report = surveys.check_files([("s.xlsx", content)], fixture.neighbours())
    assert [p["code"] for p in report["problems"] if p["blocking"]] == []
    told = {p["column"]: p for p in report["problems"] if p["code"] == "HEADING_TAKEN"}
    assert set(told) >= set(PLAIN[language][:3])
    assert "eventDate" in told[PLAIN[language][0]]["message"]


@pytest.mark.parametrize("dates", [
    ("1 ม.ค. 2569", "๑๒ มีนาคม ๒๕๖๙"), ("2026年3月1日", "2026年3月2日"), ("12/03/2026", "25/03/2026"), ("03/04/2026",),
    ("ngày 5 tháng 3 năm 2026",), ("5 Maret 2026", "6 Mei 2026"),
])  # fmt: skip
def test_dates_of_any_form_decide(dates):
    assert taken(["Date"], [dates]) == {"Date": "eventDate"}


@pytest.mark.parametrize(("headings", "cells"), cases("headings_decided", "test_what_a_sheet_does_not_decide_is_asked"))
def test_what_a_sheet_does_not_decide_is_asked(headings, cells):
    assert taken(headings, cells) == {}
    assert all(one.why is not Why.TAKEN for one in propose(headings))


def test_what_is_taken_is_no_surer_than_before():
    (one,) = decided(propose(["Date"]), {"Date": CELLS[0]})
    assert one.confidence <= CERTAIN


@pytest.mark.parametrize("heading", ["Species", "1. Species", "**Species**", "ຊະນິດ", "物种", "Tên loài", "ប្រភេទ"])
def test_questions_of_kobotoolbox_are_decided_in_the_same_way(heading):
    cells = {heading: CELLS[1], "Date": CELLS[0], "Number": ("7", "1", "2")}
    assert columns_of(list(cells), {}, cells=cells).terms == {
        heading: "scientificName", "Date": "eventDate", "Number": "individualCount"
    }  # fmt: skip
    spoken = {heading: ("ໝູປ່າ", "wild boar", "野猪")}
    assert columns_of(list(spoken), {}, cells=spoken).terms == {heading: "vernacularName"}


def test_of_two_names_of_which_neither_is_said_to_be_latin_the_cells_tell_which_is():
    told = taken(
        ["Jenis Satwa", "Nama Lokal"], [["Sus scrofa", "Rusa unicolor", "Bos gaurus"], ["Babi", "Rusa", "Seladang"]]
    )
    assert told == {"Jenis Satwa": "scientificName", "Nama Lokal": "vernacularName"}


@pytest.mark.parametrize("line", cases("headings_decided", "test_a_query_of_smart_is_read_in_ten_languages"))
def test_a_query_of_smart_is_read_in_ten_languages(line):
    told = ["P1", "2026-03-01", "2026-03-04", "P1-1", "7", "2026-03-02", "09:12:01", "101.7", "20.9", "Wildlife", "Bos gaurus",
            "Gaur"]  # fmt: skip
    headings = line.split(",")
    cells = {heading: [cell] * 4 for heading, cell in zip(headings, told, strict=False)}
    names = [one.term for one in decided(propose(headings, cells=cells), cells)]
    meant = ["parentEventID", "deploymentStart", "deploymentEnd", None, "recordNumber", "eventDate", "eventTime",
             "decimalLongitude", "decimalLatitude", None, "scientificName"]  # fmt: skip
    assert names[:11] == meant


@pytest.mark.parametrize(("heading", "cells", "term"), [
    pytest.param("日期", ["2023.3.11", "6月11日", "20230412"], "eventDate", id="days whose year stands above"),
    pytest.param("Jantina (J/B)", ["J", "B", "J", "Dewasa"], "sex", id="signs of a team for the sexes"),
    pytest.param("เวลา", ["06.15 น.", "๑๕.๔๕ น.", "07.00 น."], "eventTime", id="clocks as Thai writes them"),
    pytest.param("Day", ["Mon", "Tue", "Wed"], None, id="days of the week"),
    pytest.param("L/S", ["L", "S", "L+S"], None, id="seen or heard, no latitude"),
])  # fmt: skip
def test_cells_decide_what_a_heading_is(heading, cells, term):
    (one,) = decided(propose([heading], cells={heading: cells}), {heading: cells})
    assert (one.term if one.why is Why.TAKEN or one.confidence > CERTAIN else None) == term
