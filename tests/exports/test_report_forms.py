"""The report's forms: the sent workbook marked where it is wrong, nothing computed, the same bytes each time."""

import csv
import io
import random
import zipfile

import openpyxl
import pytest

from biodata import places
from biodata.surveys import check
from biodata.surveys.marked_workbooks import MAX_SHEET_BYTES, marked
from biodata.surveys.problems import as_csv, write_report
from sheets import book_of, bytes_of


def problem(row, column, *, sheet="occurrences", blocking=True, value=None, code="COORDINATE_INVALID"):
    return {"file": "s.xlsx", "sheet": sheet, "row": row, "column": column, "value": value, "code": code,
            "blocking": blocking, "message": "no number", "expected": "a number"}  # fmt: skip


def report(*problems):
    blocking = sum(one["blocking"] for one in problems)
    return {"file": "s.xlsx", "rows": 2, "ok": not blocking, "blocking": blocking, "warnings": len(problems) - blocking,
            "problems": list(problems)}  # fmt: skip


@pytest.fixture
def workbook():
    rows = [["Trip to Nam Ha", None, None], ["ລະຕິຈູດ", "ລອງຈິຈູດ", "ໝາຍເຫດ"], ["21,x", 101.2, "=SUM(A1:A2)"],
            [21.5, 101.3, None]]  # fmt: skip
    book = book_of({"occurrences": rows})
    sheet = book["occurrences"]
    sheet["C4"].value = "=cmd|' /C calc'!A0"
    sheet["C4"].data_type = "s"
    sheet.merge_cells("A6:C7")
    sheet["A6"] = "total"
    return bytes_of(book)


def opened(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def test_a_faulty_cell_is_coloured_and_told_and_the_others_are_as_they_were(workbook):
    out = opened(marked(workbook, report(problem(3, "ລະຕິຈູດ", value="21,x"), problem(4, "ລອງຈິຈູດ", blocking=False))))
    sheet = out["occurrences"]
    assert sheet["A3"].fill.start_color.rgb == "FFF4A6A6"
    assert sheet["B4"].fill.start_color.rgb == "FFFFE699"
    assert "no number" in sheet["A3"].comment.text
    assert "→ a number" in sheet["A3"].comment.text
    marked_cells = [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment]
    assert marked_cells == ["A3", "B4"]
    before = opened(workbook)["occurrences"]
    found = [[c.value for c in row] for row in sheet.iter_rows()]
    assert found == [[c.value for c in row] for row in before.iter_rows()]


def test_formulas_stay_formulas_and_text_stays_text(workbook):
    content = marked(workbook, report(problem(3, "ໝາຍເຫດ", value="=1+1"), problem(4, "ໝາຍເຫດ", value="@x")))
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        formulas = sum(parts.read(name).count(b"<f>") for name in parts.namelist() if "worksheets/sheet" in name)
    assert formulas == 1
    out = opened(content)
    assert out["occurrences"]["C4"].data_type == "s"
    assert [cell.data_type for cell in out.worksheets[0]["D"]] == ["s", "s", "s"]


def test_the_first_sheet_lists_the_problems_with_links_in_the_language(workbook):
    out = opened(marked(workbook, report(problem(3, "ລະຕິຈູດ", value="21,x")), language="en"))
    first = out.worksheets[0]
    assert first.title == "Problems"
    assert [cell.value for cell in first[2]] == ["occurrences", 3, "ລະຕິຈູດ", "21,x", "yes", "COORDINATE_INVALID",
                                                 "no number", "a number", None, None]  # fmt: skip
    assert first["B2"].hyperlink.location == "'occurrences'!A3"


def test_of_merged_cells_the_one_that_is_seen_is_marked(workbook):
    out = opened(marked(workbook, report(problem(7, "C"))))
    assert out["occurrences"]["A6"].comment is not None


def test_text_becomes_a_sheet_with_its_cells_marked():
    told = report(problem(3, "lat", sheet=None, value="=1+1")) | {"file": "ບົດ/[x].csv"}
    out = opened(marked(b"title\nid,lat\na,=1+1\n", told))
    sheet = out.worksheets[1]
    assert [[cell.value for cell in row] for row in sheet["A2:B3"]] == [["id", "lat"], ["a", "=1+1"]]
    assert (sheet["B3"].data_type, sheet["B3"].comment is not None) == ("s", True)


@pytest.mark.parametrize("content", [b"", b"PK\x00 no zip"], ids=["empty", "broken"])
def test_what_is_no_workbook_is_answered_with_the_list_alone(content):
    out = opened(marked(content, report(problem(None, None, sheet=None, code="WORKBOOK_INVALID"))))
    assert len(out.worksheets) == 1
    assert out.worksheets[0]["F2"].value == "WORKBOOK_INVALID"


def test_a_workbook_that_unpacks_too_large_is_not_opened(workbook):
    bomb = io.BytesIO(workbook)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet9.xml", b" " * (MAX_SHEET_BYTES + 1))
    assert len(opened(marked(bomb.getvalue(), report())).worksheets) == 1


@pytest.mark.parametrize("code", ["XML_UNSAFE", "WORKBOOK_MACROS", "INPUT_TOO_LARGE"])
def test_what_the_check_did_not_dare_to_open_is_not_opened_for_the_answer(workbook, code):
    out = opened(marked(workbook, report(problem(None, None, sheet=None, code=code))))
    assert out.sheetnames == ["Problems"]


def test_the_csv_is_read_by_others_and_runs_nothing():
    content = as_csv(report(problem(3, "x", value='=HYPERLINK("http://a")'), problem(4, "+x", value="a\nb")))
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0]["value"] == '\'=HYPERLINK("http://a")'
    assert rows[1]["column"] == "'+x"
    assert rows[1]["value"] == "a\nb"
    assert rows[0]["blocking"] == "true"


def test_a_damaged_workbook_is_answered_and_never_breaks_the_answer(sample_data):
    chance = random.Random(7)
    good = (sample_data / "survey_with_faults.xlsx").read_bytes()
    boundaries = places.load_boundaries()
    for _ in range(8):
        content = bytearray(good)
        for _ in range(20):
            content[chance.randrange(len(content))] = chance.randrange(256)
        told = check(io.BytesIO(content), "s.xlsx", boundaries)
        assert opened(write_report("xlsx", told, bytes(content))).worksheets[0].title == "Problems"
