"""Workbooks and texts that are made to do harm: each gets its answer, nothing is run or fetched, memory stays flat."""

import io
import resource
import warnings
import zipfile

import pytest

from biodata.surveys.check import check_files
from hostile_forms import with_part
from sheets import book_of, bytes_of

SHEET = "xl/worksheets/sheet1.xml"
PLAIN = ["occurrenceID", "eventDate", "scientificName", "decimalLatitude", "decimalLongitude"]
GOOD = ["R1", "2026-03-01", "Sus scrofa", 20.65, 101.95]
DTD = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def workbook(*rows):
    return bytes_of(book_of({"occurrences": rows or (PLAIN, GOOD)}))


def far_cell(place):
    row = "".join(letter for letter in place if letter.isdigit())
    cell = f'<row r="{row}"><c r="{place}"><v>1</v></c></row></sheetData>'.encode()
    return with_part(workbook(), SHEET, lambda data: data.replace(b"</sheetData>", cell))


def lying():
    """Return a workbook whose directory says of a part that it is ten bytes long."""
    content = bytearray(workbook())
    at = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02"))
    while content[at + 46 : at + 46 + len(SHEET)] != SHEET.encode():
        at = content.find(b"PK\x01\x02", at + 4)
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(content)


def many_parts():
    out = io.BytesIO(workbook())
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(3000):
            archive.writestr(f"xl/media/{number}", b"")
    return out.getvalue()


def zipped(*members, flaw=None):
    """Return a zip of texts; `flaw` gets its bytes to spoil them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                archive.writestr(member, TEXT)
    content = bytearray(out.getvalue())
    if flaw is not None:
        flaw(content)
    return bytes(content)


def link():
    member = zipfile.ZipInfo("survey.csv")
    member.create_system, member.external_attr = 3, 0o120777 << 16
    return zipped(member)


def spoil(content):
    content[40] ^= 0xFF


TEXT = ",".join(PLAIN) + "\n" + ",".join(map(str, GOOD)) + "\n"
HOSTILE = {
    "a path that leads out of a zip": (lambda: zipped("../../survey.csv"), "ARCHIVE_UNSAFE"),
    "a path from the root in a zip": (lambda: zipped("/etc/survey.csv"), "ARCHIVE_UNSAFE"),
    "a path of Windows in a zip": (lambda: zipped("C:\\survey.csv"), "ARCHIVE_UNSAFE"),
    "a link in a zip": (link, "ARCHIVE_UNSAFE"),
    "a name that stands twice in a zip": (lambda: zipped("survey.csv", "survey.csv"), "ARCHIVE_UNSAFE"),
    "a zip whose sums do not agree": (lambda: zipped("survey.csv", flaw=spoil), "ARCHIVE_BROKEN"),
    "a zip of 100 texts": (lambda: zipped(*(f"{n}.csv" for n in range(100))), "INPUT_TOO_LARGE"),
    "four million rows": (lambda: TEXT.encode() + b"R1,2,3,4,5\n" * 4_000_000, "INPUT_TOO_LARGE"),
    "a cell at the end of the sheet": (lambda: far_cell("XFD1048576"), "INPUT_TOO_LARGE"),
    "a cell far down": (lambda: far_cell("ALL900000"), "INPUT_TOO_LARGE"),
    "a row beyond the sheet": (lambda: far_cell("A9999999"), "INPUT_TOO_LARGE"),
    "a document type in a sheet": (
        lambda: with_part(workbook(), SHEET, lambda data: DTD.replace(b"x [", b"worksheet [") + data.partition(b"?>")[2]), "XML_UNSAFE"),
    "a document type in the book": (
        lambda: with_part(workbook(), "xl/workbook.xml", lambda data: DTD + data.partition(b"?>")[2]), "XML_UNSAFE"),
    "a document type in the texts": (
        lambda: with_part(workbook(), "xl/sharedStrings.xml", lambda _: DTD + b"<sst>&a;</sst>"), "XML_UNSAFE"),
    "texts of 60 MB": (
        lambda: with_part(workbook(), "xl/sharedStrings.xml", lambda _: b"\0" * 60_000_000), "INPUT_TOO_LARGE"),
    "a program": (lambda: with_part(workbook(), "xl/vbaProject.bin", lambda _: b"x"), "WORKBOOK_MACROS"),
    "3000 parts": (many_parts, "INPUT_TOO_LARGE"),
    "a part that is longer than it says": (lying, "WORKBOOK_INVALID"),
    "cut off": (lambda: workbook()[:-300], "WORKBOOK_INVALID"),
    "no sheet at all": (lambda: with_part(workbook(), "xl/_rels/workbook.xml.rels", lambda _: b"<r/>"), "WORKBOOK_INVALID"),
    "an old or locked workbook": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "WORKBOOK_INVALID"),
    "a text with NUL": (lambda: b"occurrenceID,eventDate\nR1,2026\0\n", "INPUT_NOT_TEXT"),
    "a field of 10 MB": (lambda: b"occurrenceID,eventDate\nR1," + b"x" * 10_000_000, "FIELD_TOO_LONG"),
    "a quote that does not end": (lambda: b'occurrenceID,eventDate\nR1,"2026\n' * 3, "QUOTE_NOT_CLOSED"),
    "100,000 columns": (lambda: b",".join(b"c%d" % n for n in range(100_000)), "INPUT_TOO_LARGE"),
    "nothing": (lambda: b"", "SHEET_MISSING"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_it_gets_its_answer(name, boundaries):
    make, code = HOSTILE[name]
    report = check_files([("survey.bin", make())], boundaries)
    assert [(p["code"], p["blocking"]) for p in report["problems"]] == [(code, True)]


@pytest.mark.parametrize("empty", [",,,,\n", "\n", " , ,,,\r\n"], ids=["separators", "nothing", "blanks"])
def test_a_million_empty_rows_behind_the_last_one_are_none(empty, boundaries):
    report = check_files([("survey.csv", (TEXT + empty * 1_000_000).encode())], boundaries)
    assert (report["rows"], report["problems"]) == (1, [])


def test_a_zip_that_a_mac_made_is_read(boundaries):
    report = check_files([("survey.zip", zipped("survey/survey.csv", "__MACOSX/survey/._survey.csv"))], boundaries)
    assert (report["rows"], report["problems"]) == (1, [])


def test_a_formula_is_neither_run_nor_fetched(boundaries):
    formulas = ['=HYPERLINK("http://127.0.0.1:9/x","y")', '=WEBSERVICE("http://127.0.0.1:9/")', "=cmd|'/c calc'!A1"]
    rows = [[f"R{n}", GOOD[1], formula, *GOOD[3:]] for n, formula in enumerate(formulas)]
    report = check_files([("s.xlsx", workbook(PLAIN, *rows))], boundaries)
    found = [(p["row"], p["column"], p["code"]) for p in report["problems"]]
    assert found == [(row, "scientificName", "FORMULA_WITHOUT_VALUE") for row in (2, 3, 4)]
    assert report["problems"][0]["value"] == formulas[0]


def test_a_text_of_old_macintoshes_and_with_a_mark(boundaries):
    lines = [",".join(PLAIN), ",".join(map(str, GOOD)), ",".join(["R2", "2066-01-01", *map(str, GOOD[2:])])]
    report = check_files([("s.csv", b"\xef\xbb\xbf" + "\r".join(lines).encode())], boundaries)
    found = [(p["row"], p["column"], p["code"]) for p in report["problems"]]
    assert found == [(3, "eventDate", "RECORDED_DATE_UNLIKELY")]


def test_headings_that_nobody_knows_take_no_time_to_speak_of(boundaries):
    headings = [f"{'x' * 100}{n}" for n in range(300)]
    content = ",".join([*PLAIN, *headings]) + "\n" + ",".join([*map(str, GOOD), *["1"] * 300])
    report = check_files([("s.csv", content.encode())], boundaries)
    assert {p["code"] for p in report["problems"]} <= {"HEADING_UNKNOWN"}


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
