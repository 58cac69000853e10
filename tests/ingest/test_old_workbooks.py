"""Workbooks in .ods and .xls are surveys like any other; hostile ones get their answer and take little."""

import resource

import openpyxl
import pytest

import old_workbooks as made
from biodata import places
from biodata.surveys.check import check_files

HEADINGS = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude"]
GOOD = ["R1", "2026-03-01", "Sus scrofa", 20.9, 101.3]
BAD = ["R2", "2026-03-02", "Sus scrofa", 95.5, 101.3]
REPEATED = '<table:table-cell table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'


@pytest.fixture(scope="module")
def boundaries():
    return places.load_boundaries()


def told(content, boundaries, name="survey"):
    report = check_files([(name, content)], boundaries)
    return report, [(p["row"], p["column"], p["value"], p["code"]) for p in report["problems"]]


@pytest.mark.parametrize("content", [
    pytest.param(made.ods(occurrences=[HEADINGS, GOOD, BAD]), id="ods"),
    pytest.param(made.xls([HEADINGS, GOOD, BAD]), id="xls"),
])  # fmt: skip
def test_a_fault_is_told_in_its_cell(content, boundaries):
    report, found = told(content, boundaries)
    assert report["rows"] == 2
    assert found == [(3, "decimalLatitude", "95.5", "COORDINATE_OUT_OF_RANGE")]


def test_a_hidden_sheet_is_told_and_not_read(boundaries):
    content = made.ods(occurrences=[HEADINGS, GOOD], notes=[["Nobody's notes"]], hidden=("notes",))
    assert [code for *_, code in told(content, boundaries)[1]] == ["SHEET_HIDDEN"]


def bomb():
    rows = "".join(
        f'<table:table-row table:number-rows-repeated="1000000">{REPEATED}</table:table-row>' for _ in range(9)
    )
    content = made.ods(occurrences=[HEADINGS, GOOD])
    table = f'<table:table table:name="x" table:style-name="on">{rows}</table:table>'
    return with_content(
        content, lambda xml: xml.replace(b"</office:spreadsheet>", table.encode() + b"</office:spreadsheet>")
    )


def with_content(content, change):
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == "content.xml" else old.read(name))
    return out.getvalue()


HOSTILE = {
    "a document type": (lambda: made.ods(doctype='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', x=[["a"]]), "XML_UNSAFE"),
    "Basic macros": (lambda: made.ods(x=[["a"]], extra={"Basic/Standard/m.xml": b"x"}), "WORKBOOK_MACROS"),
    "300 MB of nothing": (lambda: made.ods(x=[["a"]], extra={"Pictures/a.png": b"\0" * 300_000_000}), "INPUT_TOO_LARGE"),
    "cells repeated a milliard times": (bomb, None),
    "broken XML": (lambda: with_content(made.ods(x=[["a"]]), lambda xml: xml[:-60]), None),
    "a far cell in an .xls": (lambda: made.xls([HEADINGS, GOOD], far=(65_000, 250)), "INPUT_TOO_LARGE"),
    "an .xls with macros": (lambda: made.xls([HEADINGS, GOOD]) + "_VBA_PROJECT_CUR".encode("utf-16-le"), "WORKBOOK_MACROS"),
    "an .xls that ends too early": (lambda: made.xls([HEADINGS, GOOD])[:900], "WORKBOOK_INVALID"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_one_gets_its_answer_and_memory_stays_flat(name, boundaries):
    make, code = HOSTILE[name]
    content = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report, found = told(content, boundaries)
    assert not report["ok"]
    assert len(found) == 1
    assert code is None or found[0][-1] == code
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_two_columns_with_one_label_of_a_kobo_export_are_two(tmp_path):
    from biodata.ingest import open_source

    book = openpyxl.Workbook()
    book.active.append(["scientificName", "Where?", "Where?", "individualCount", "_uuid", "_submission_time"])
    book.active.append(["Sus scrofa", "a", "b", 2, "00000000-0000-4000-8000-000000000001", "2026-04-01T09:00:00"])
    path = tmp_path / "a.xlsx"
    book.save(path)
    events, records = open_source("kobo", [path], options={"headings": '{"Where? (2)": "habitat"}'}).read()
    del events
    (frame,) = records.batches
    assert frame.select("scientificName", "individualCount").rows() == [("Sus scrofa", "2")]
