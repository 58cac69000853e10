"""Numbers, dates and times as people write them in ten languages: read by a certain rule, proposed, or told as a problem."""

import csv
import io

import pytest

import releases as fixture
from biodata import surveys
from biodata.surveys.words import message_of
from biodata.text.proposals import meant_date, meant_time, read_stated

BOUNDARIES = fixture.neighbours()
COLUMNS = {
    "individualCount": "INDIVIDUAL_COUNT_INVALID",
    "minimumElevationInMeters": "ELEVATION_NON_NUMERIC",
    "coordinateUncertaintyInMeters": "COORDINATE_UNCERTAINTY_METERS_INVALID",
    "sampleSizeValue": "EFFORT_INVALID",
    "perpendicular_distance_m": "DISTANCE_INVALID",
}
HEIGHTS = "minimumElevationInMeters 5, maximumElevationInMeters 6"
# A cell, then what is made of it in each of COLUMNS: `=5` is read as 5 and said, `5?` is a problem with that proposal,
# `!` one without any, an empty text is nothing to be told.
TABLE = f"""\
5||||||
5.0||||||
N/A||||||
-||||||
约5|5?|5?|5?|5?|5?
大约5|5?|5?|5?|5?|5?
5左右|5?|5?|5?|5?|5?
about 5|5?|5?|5?|5?|5?
ca. 5|5?|5?|5?|5?|5?
~5|5?|5?|5?|5?|5?
±5|5?|5?||5?|5?
ประมาณ 5|5?|5?|5?|5?|5?
khoảng 5|5?|5?|5?|5?|5?
ປະມານ 5|5?|5?|5?|5?|5?
ប្រហែល 5|5?|5?|5?|5?|5?
ခန့် ၅|5?|5?|5?|5?|5?
lebih kurang 5|5?|5?|5?|5?|5?
kira-kira 5|5?|5?|5?|5?|5?
sekitar 5|5?|5?|5?|5?|5?
mga 5|5?|5?|5?|5?|5?
๑๒|=12|=12|=12|=12|=12
໑໒|=12|=12|=12|=12|=12
១២|=12|=12|=12|=12|=12
၁၂|=12|=12|=12|=12|=12
१२|=12|=12|=12|=12|=12
１２|=12|=12|=12|=12|=12
3只|3?|!|!|!|!
3 ตัว|3?|!|!|!|!
3 con|3?|!|!|!|!
໓ ໂຕ|3?|!|!|!|!
៣ ក្បាល|3?|!|!|!|!
၃ ကောင်|3?|!|!|!|!
3 ekor|3?|!|!|!|!
三|3?|3?|3?|3?|3?
สาม|3?|3?|3?|3?|3?
ba|3?|3?|3?|3?|3?
ສາມ|3?|3?|3?|3?|3?
បី|3?|3?|3?|3?|3?
သုံး|3?|3?|3?|3?|3?
tiga|3?|3?|3?|3?|3?
tatlo|3?|3?|3?|3?|3?
three|3?|3?|3?|3?|3?
dua ekor|2?|!|!|!|!
790米|!|=790|=790|790?|=790
790 m|!|=790|=790|790?|=790
790 เมตร|!|790?|790?|790?|790?
790 mét|!|790?|790?|790?|790?
790 ແມັດ|!|790?|790?|790?|790?
790 ម៉ែត្រ|!|790?|790?|790?|790?
790 မီတာ|!|790?|790?|790?|790?
790 mdpl|!|790?|790?|790?|790?
100 ft|!|30.48?|30.48?|100?|30.48?
0.5 km|!|500?|500?|0.5?|500?
5-6|!|{HEIGHTS}?|6?|!|!
5至6|!|{HEIGHTS}?|6?|!|!
5 ถึง 6|!|{HEIGHTS}?|6?|!|!
5 đến 6|!|{HEIGHTS}?|6?|!|!
5 ຫາ 6|!|{HEIGHTS}?|6?|!|!
5 hingga 6|!|{HEIGHTS}?|6?|!|!
> 3|!|!|!|!|!
≥ 3|!|!|!|!|!
ít nhất 3|!|!|!|!|!
3+|!|!|!|!|!
<10|!|!|10?|!|!
ไม่เกิน 10|!|!|10?|!|!
1,5|!|=1.5|=1.5|=1.5|=1.5
1,234|1234?|1234?|1234?|1234?|1234?
1 234|1234?|1234?|1234?|1234?|1234?
many|!|!|!|!|!
很多|!|!|!|!|!
หลาย|!|!|!|!|!
nhiều|!|!|!|!|!
½|!|!|!|!|!
5 or so adults|!|!|!|!|!
"""
ROWS = [line.split("|") for line in TABLE.splitlines()]


def problems(column, cells):
    """Return, for each cell of a column, what a check says of it."""
    base = {"occurrenceID": "", "scientificName": "Sus scrofa", "eventDate": "2026-03-01", "decimalLatitude": "20.61",
            "decimalLongitude": "101.25"}  # fmt: skip
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys([*base, column])))
    writer.writeheader()
    writer.writerows(base | {"occurrenceID": f"R{n}", column: cell} for n, cell in enumerate(cells))
    report = surveys.check_files([("s.csv", out.getvalue().encode())], BOUNDARIES, encoding="utf-8", params=True)
    found = [[] for _ in cells]
    for problem in report["problems"]:
        if problem["row"] is not None and problem["row"] > 1:
            found[problem["row"] - 2].append(problem)
    return found


def said(code, problem):
    """Return what one problem says, as the table has it."""
    if problem["code"] == "VALUE_READ_AS":
        return f"={float(problem['params']['read']):g}"
    assert problem["code"] == code
    proposal = problem["params"].get("proposal")
    assert proposal is None or proposal in problem["expected"]
    return "!" if proposal is None else f"{proposal}?"


@pytest.mark.parametrize("column", COLUMNS)
def test_every_number_is_read_proposed_or_told_with_its_cell(column):
    at = list(COLUMNS).index(column) + 1
    found = problems(column, [row[0] for row in ROWS])
    got = {row[0]: [said(COLUMNS[column], one) for one in ones] for row, ones in zip(ROWS, found, strict=True)}
    assert got == {row[0]: [row[at]] if row[at] else [] for row in ROWS}
    assert len(ROWS) >= 60


def proposed(column, cells):
    """Return code and proposal of the one thing that is told of each cell of a column."""
    return {
        cell: [(one["code"], one["params"].get("proposal")) for one in found]
        for cell, found in zip(cells, problems(column, cells), strict=True)
    }


def test_a_degree_with_words_around_it_is_proposed():
    meant = {"约20.61": "20.61", "~20.61": "20.61", "ประมาณ 20.61": "20.61", "about 20.61": "20.61", "1 234": None,
             "20.61 m": None, "> 20": None}  # fmt: skip
    found = proposed("decimalLatitude", list(meant))
    assert found == {cell: [("COORDINATE_INVALID", degrees)] for cell, degrees in meant.items()}


def test_no_message_has_digits_that_nobody_measured():
    ((problem,),) = problems("decimalLatitude", ["20°36'36\"N"])
    assert problem["expected"] == "20.61"
    assert message_of("VALUE_READ_AS", {"read": "101.66000000000001"})[1] == "101.66"


def test_a_time_that_is_told_is_proposed_and_never_taken():
    meant = {
        "0730": "07:30", "7点半": "07:30", "早上7点": "07:00", "下午2点半": "14:30",
        "7 โมงเช้า": "07:00", "บ่าย 2 โมง": "14:00", "7 giờ sáng": "07:00", "7 giờ rưỡi": "07:30",
        "ໂມງ 7": "07:00", "ម៉ោង ៧": "07:00", "နံနက် ၇ နာရီ": "07:00", "pukul 07.30": "07:30", "jam 7 pagi": "07:00",
        "alas-7 ng umaga": "07:00", "约7点": "07:00", "~07:30": "07:30",
        **dict.fromkeys(("7", "25.00", "morning", "เช้า", "noon", "7:60", "pagi 19.00")),
    }  # fmt: skip
    assert {cell: meant_time(cell) for cell in meant} == meant
    found = proposed("eventTime", list(meant))
    assert found == {cell: [("TIME_UNREADABLE", time)] for cell, time in meant.items()}


def test_a_date_with_a_doubt_is_proposed():
    meant = {"约2026年3月": "2026-03", "2026-03-01?": "2026-03-01", "ngày 31/3/2026": "2026-03-31",
             "about March 2026": "2026-03",
             **dict.fromkeys(("summer 2026", "after 2026-03-01", "yesterday", "45/13/2026"))}  # fmt: skip
    assert {cell: meant_date(cell) for cell in meant} == meant
    found = proposed("eventDate", list(meant))
    assert found == {cell: [("RECORDED_DATE_INVALID", day)] for cell, day in meant.items()}


@pytest.mark.parametrize("text", ["", "5" * 61, "约", "twofold", "5-", "6-5", "5;6", "約約", "1.2.3.4", "- -"])
def test_what_is_no_number_stays_none(text):
    assert read_stated(text) is None


def test_a_count_of_x_is_told_once_and_blocks_nothing():
    rows = ["R1,Hirundo rustica,2024-03-01,X", "R2,Hirundo rustica,2024-03-02,x", "R3,Hirundo rustica,2024-03-03,many"]
    content = "\n".join(["occurrenceID,scientificName,eventDate,individualCount", *rows]).encode()
    report = surveys.check_files([("ebird.csv", content)], BOUNDARIES)
    of_counts = [one for one in report["problems"] if one["column"] == "individualCount"]
    assert [(one["row"], one["code"], one["value"], one["blocking"]) for one in of_counts] == [
        (2, "INDIVIDUAL_COUNT_NOT_TOLD", "X", False),
        (4, "INDIVIDUAL_COUNT_INVALID", "many", False),
    ]
    assert of_counts[0]["message"].startswith("2 × ")


def test_a_day_that_is_two_numbers_is_told_in_its_cell():
    content = (
        b"occurrenceID,scientificName,year,month,day\nR1,Hirundo rustica,2026,3,1 234\nR2,Hirundo rustica,2026,3,12\n"
    )
    report = surveys.check_files([("days.csv", content)], BOUNDARIES)
    told_of = [(one["row"], one["column"], one["code"]) for one in report["problems"] if "DATE" in one["code"]]
    assert told_of == [(2, "day", "RECORDED_DATE_INVALID")]
